/* SPDX-License-Identifier: MIT */
/* llmfod(8) and PROTOCOL.md against the tables and the daemon: what exists is not missing. */
#include <glob.h>
#include <stdio.h>

#include "support/config_support.h"
#include "support/page.h"

#include "llmfo.h"
#include "message.h"
#include "outcome.h"

static char *protocol, *manual;

static void
read_pages(void)
{
	protocol = support_shipped("proto/PROTOCOL.md");
	manual = support_shipped("docs/llmfod.8");
}

static void
free_pages(void)
{
	free(protocol);
	free(manual);
}

START_TEST(the_protocol_has_every_method_with_its_parameters)
{
	const struct message_info *info = message_info((enum message_method)_i);
	const struct message_field *field;
	char *text = page_method(protocol, "\n### ", "\n### ", (enum message_method)_i);

	ck_assert_msg(text[0], "%s", info->name);
	for (size_t i = 0; (field = message_field_at(i)) != NULL; i++)
		if (field->methods & 1UL << _i)
			ck_assert_msg(page_has_word(text, field->name), "%s: %s", info->name,
				field->name);
	free(text);
}
END_TEST

/* Codes from -40 on are the library's own and never travel. */
START_TEST(the_protocol_has_every_code_of_an_error)
{
	char *text = page_section(protocol, "\n## Errors\n", "\n## Methods\n");

#define LLMFO_X(name, value, code, words) \
	ck_assert_msg((value) <= -40 || strstr(text, "`" code "`"), "%s", code);
	LLMFO_ERROR_MAP(LLMFO_X)
#undef LLMFO_X
	free(text);
}
END_TEST

START_TEST(the_protocol_has_every_counter)
{
#define X(name, help) ck_assert_msg(page_has_word(protocol, #name), "%s", #name);
#include "stats.def"
#undef X
}
END_TEST

START_TEST(the_manual_has_every_class_of_failure)
{
	char *text = page_section(manual, "\n.Sh FAILURES\n", "\n.Sh ");
	const char *name = outcome_text((enum outcome_class)_i);
	bool found = false;

	for (const char *at = text; (at = strstr(at, "\n.It Cm ")) != NULL && !found; at++) {
		char *line = x_strndup(at + 1, strcspn(at + 1, "\n"));

		found = page_has_word(line, name);
		free(line);
	}
	ck_assert_msg(found, "%s", name);
	free(text);
}
END_TEST

START_TEST(the_manual_has_every_option)
{
	const char *program = getenv("LLMFOD");
	char *command = x_asprintf("'%s' --help", program ? program : "./llmfod");
	FILE *help = popen(command, "r");
	char line[512];
	int options = 0;

	ck_assert_ptr_nonnull(help);
	while (fgets(line, sizeof line, help))
		for (char *at = line; (at = strstr(at, " --")) != NULL; at++) {
			size_t length = strspn(at + 3, "abcdefghijklmnopqrstuvwxyz-");
			char *wanted = x_asprintf(" \\-%.*s", (int)length, at + 3);

			ck_assert_msg(strstr(manual, wanted), "--%.*s", (int)length, at + 3);
			free(wanted);
			options++;
		}
	ck_assert_int_ge(options, 8);
	ck_assert_int_eq(pclose(help), 0);
	free(command);
}
END_TEST

START_TEST(the_manual_has_every_exit_status)
{
	char *text = page_section(manual, "\n.Sh EXIT STATUS\n", "\n.Sh ");
	char *wanted = x_asprintf("\n.It %d\n", _i);

	ck_assert_msg(strstr(text, wanted), "%d", _i);
	free(wanted);
	free(text);
}
END_TEST

/* Every page of ours leads to llmfod(8), and that one to all of them. */
START_TEST(the_pages_name_one_another)
{
	const char *top = getenv("top_srcdir");
	char *pattern = x_asprintf("%s/docs/*.[1-8]", top ? top : ".");
	char *all = page_section(manual, "\n.Sh SEE ALSO\n", "\n.Sh ");
	glob_t found;

	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, 4);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;
		const char *dot = strrchr(name, '.');
		char *path = x_asprintf("docs/%s", name), *page = support_shipped(path);
		char *also = page_section(page, "\n.Sh SEE ALSO\n", "\n.Sh ");
		char *entry = x_asprintf("\n.Xr %.*s %s", (int)(dot - name), name, dot + 1);

		if (strcmp(name, "llmfod.8") != 0) {
			ck_assert_msg(strstr(also, "\n.Xr llmfod 8"), "%s", name);
			ck_assert_msg(strstr(all, entry), "%s", name);
		}
		free(entry);
		free(also);
		free(page);
		free(path);
	}
	globfree(&found);
	free(all);
	free(pattern);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("manual");
	TCase *tests = tcase_create("manual");

	tcase_add_checked_fixture(tests, read_pages, free_pages);
	tcase_add_loop_test(
		tests, the_protocol_has_every_method_with_its_parameters, 0, MESSAGE_METHODS);
	tcase_add_test(tests, the_protocol_has_every_code_of_an_error);
	tcase_add_test(tests, the_protocol_has_every_counter);
	tcase_add_loop_test(
		tests, the_manual_has_every_class_of_failure, OUTCOME_OK + 1, OUTCOME_CLASSES);
	tcase_add_test(tests, the_manual_has_every_option);
	tcase_add_loop_test(tests, the_manual_has_every_exit_status, 0, 3);
	tcase_add_test(tests, the_pages_name_one_another);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
