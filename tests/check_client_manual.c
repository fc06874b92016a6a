/* SPDX-License-Identifier: MIT */
/* libllmfo(3), llmfo.map and what the library exports against llmfo.h: nothing is missing. */
#include <ctype.h>
#include <stdio.h>

#include "support/config_support.h"

#include "llmfo.h"

#define NAMES_MAX 128

static char *header, *manual, *map;
/* Every function of llmfo.h, in the order in which they stand there. */
static char *names[NAMES_MAX];
static int name_count;

/* A copy without comments. */
static char *
without_comments(const char *text)
{
	char *copy = x_strdup(text);

	for (char *from = copy; (from = strstr(from, "/*")) != NULL;) {
		char *to = strstr(from, "*/");

		ck_assert_ptr_nonnull(to);
		memset(from, ' ', (size_t)(to + 2 - from));
	}
	return copy;
}

/* The word before a declaration's first parenthesis. */
static void
take_name(const char *declaration)
{
	const char *end = declaration + strcspn(declaration, "(");
	const char *start = end;

	while (start > declaration && (isalnum((unsigned char)start[-1]) || start[-1] == '_'))
		start--;
	ck_assert_int_lt(name_count, NAMES_MAX);
	names[name_count++] = x_strndup(start, (size_t)(end - start));
}

static void
read_all(void)
{
	static const char mark[] = "\nLLMFO_API ";
	char *text = support_shipped("include/llmfo.h");

	header = without_comments(text);
	free(text);
	manual = support_shipped("docs/libllmfo.3");
	map = support_shipped("client/llmfo.map");
	for (const char *at = header; (at = strstr(at, mark)) != NULL; at++)
		take_name(at + strlen(mark));
	ck_assert_int_ge(name_count, 40);
}

static void
free_all(void)
{
	while (name_count > 0)
		free(names[--name_count]);
	free(header);
	free(manual);
	free(map);
}

static bool
has(const char *text, const char *before, const char *name, const char *after)
{
	char wanted[256];

	snprintf(wanted, sizeof wanted, "%s%s%s", before, name, after);
	return strstr(text, wanted) != NULL;
}

START_TEST(the_manual_has_every_function_and_says_what_it_does)
{
	for (int i = 0; i < name_count; i++) {
		ck_assert_msg(has(manual, "\n.Fo ", names[i], "\n"), "%s: synopsis", names[i]);
		ck_assert_msg(has(manual, "\n.Fn ", names[i], "\n") ||
				has(manual, "\n.Fn ", names[i], " "),
			"%s: description", names[i]);
	}
}
END_TEST

/* What a function takes, as the manual writes it. */
START_TEST(the_manual_has_every_parameter)
{
	for (int i = 0; i < name_count; i++) {
		char wanted[128];

		snprintf(wanted, sizeof wanted, "%s(", names[i]);
		const char *given = strstr(header, wanted) + strlen(wanted);
		snprintf(wanted, sizeof wanted, "\n.Fo %s\n", names[i]);
		const char *shown = strstr(manual, wanted);
		ck_assert_ptr_nonnull(shown);
		char *block = x_strndup(shown, (size_t)(strstr(shown, "\n.Fc") - shown));
		size_t length;
		for (; *given != ';'; given += length + strspn(given + length, ",)")) {
			given += strspn(given, " \t\n");
			length = strcspn(given, ",)");
			char *parameter = x_strndup(given, length);

			ck_assert_msg(has(block, "", parameter, ""), "%s: %s", names[i], parameter);
			free(parameter);
			if (given[length] == ')')
				break;
		}
		free(block);
	}
}
END_TEST

START_TEST(the_manual_has_every_error)
{
#define LLMFO_X(name, value, code, text) \
	ck_assert_msg( \
		strstr(manual, "\n.It Dv LLMFO_E" #name " Pq " #value " , Ql " code "\n") != NULL, \
		"%s", #name);
	LLMFO_ERROR_MAP(LLMFO_X)
#undef LLMFO_X
}
END_TEST

START_TEST(the_manual_has_every_constant)
{
	static const char prefix[] = "\tLLMFO_";
	int count = 0;

	for (const char *at = header; (at = strstr(at, prefix)) != NULL; at++) {
		size_t length = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		char *name = x_strndup(at + 1, length);

		if (at[1 + length] == ',' || at[1 + length] == ' ') {
			bool is_ok = strcmp(name, "LLMFO_OK") == 0;

			ck_assert_msg(is_ok || has(manual, "", name, ""), "%s", name);
			count++;
		}
		free(name);
	}
	ck_assert_int_ge(count, 9);
}
END_TEST

START_TEST(the_map_has_every_function_and_no_other)
{
	int count = 0;

	for (int i = 0; i < name_count; i++)
		ck_assert_msg(has(map, "\t", names[i], ";\n"), "%s", names[i]);
	for (const char *at = map; (at = strstr(at, "\tllmfo_")) != NULL; at++)
		count++;
	ck_assert_int_eq(count, name_count);
}
END_TEST

START_TEST(the_library_exports_every_function)
{
	const char *built = getenv("top_builddir");
	char *command =
		x_asprintf("nm -D --defined-only '%s/.libs/libllmfo.so'", built ? built : ".");
	FILE *pipe = popen(command, "r");
	char *symbols = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(pipe);
	ck_assert_int_gt(getdelim(&symbols, &size, '\0', pipe), 0);
	ck_assert_int_eq(pclose(pipe), 0);
	for (int i = 0; i < name_count; i++)
		ck_assert_msg(has(symbols, " T ", names[i], "@@LLMFO_"), "%s", names[i]);
	free(symbols);
	free(command);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("manual of the library");
	TCase *tests = tcase_create("manual");

	tcase_add_checked_fixture(tests, read_all, free_all);
	tcase_add_test(tests, the_manual_has_every_function_and_says_what_it_does);
	tcase_add_test(tests, the_manual_has_every_parameter);
	tcase_add_test(tests, the_manual_has_every_error);
	tcase_add_test(tests, the_manual_has_every_constant);
	tcase_add_test(tests, the_map_has_every_function_and_no_other);
	tcase_add_test(tests, the_library_exports_every_function);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
