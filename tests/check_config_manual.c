/* SPDX-License-Identifier: MIT */
/* What ships beside the program: the example and the manual page know every key. */
#include "support/config_support.h"

#include "config_reader.h"

START_TEST(the_example_is_without_fault)
{
	char *text = support_shipped("data/llmfo.yaml.example");
	struct config *c = support_read(text, (const char *[]){"OPENAI_API_KEY", "k", NULL});

	ck_assert_ptr_nonnull(config_find_chain(c, "reviewer", true));
	config_unref(c);
	free(text);
}
END_TEST

static const char *
last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

static bool
is_section(const struct config_row *row)
{
	return strcmp(row->type, "GROUP") == 0 || strcmp(row->type, "NAMED") == 0;
}

START_TEST(the_example_shows_every_key)
{
	char *text = support_shipped("data/llmfo.yaml.example");
	struct config_row row;

	for (size_t i = 0; config_section_row(i, &row); i++) {
		char *word = x_asprintf("%s:", last_part(row.path));
		ck_assert_msg(strcmp(last_part(row.path), "*") == 0 || strstr(text, word), "%s",
			row.path);
		free(word);
	}
	free(text);
}
END_TEST

/* Where the manual's section of a key begins: "socket", "providers.NAME"; NULL: there is none. */
static char *
find_section(char *text, const char *path, size_t length)
{
	bool named = length >= 2 && path[length - 1] == '*';
	char *head = x_asprintf(
		"\n.Ss %.*s%s\n", (int)(named ? length - 1 : length), path, named ? "NAME" : "");
	char *found = strstr(text, head);

	free(head);
	return found ? found + 1 : NULL;
}

/* A copy of what stands from `at` up to the next macro that ends an entry. */
static char *
cut(const char *at, const char *const *ends)
{
	const char *end = at + strlen(at);

	for (; *ends; ends++) {
		const char *next = strstr(at + 1, *ends);
		if (next && next < end)
			end = next;
	}
	return x_strndup(at, (size_t)(end - at));
}

/* The text of a key's entry; NULL if the manual does not have it. A new string. */
static char *
find_entry(char *text, const struct config_row *row)
{
	static const char *const section_ends[] = {"\n.Ss ", "\n.Sh ", NULL};
	static const char *const entry_ends[] = {"\n.It ", "\n.El", NULL};
	const char *key = last_part(row->path);
	char *at = key == row->path ? find_section(text, row->path, strlen(row->path))
				    : find_section(text, row->path, (size_t)(key - row->path - 1));

	if (!at || key == row->path)
		return at ? cut(at, section_ends) : NULL;
	char *section = cut(at, section_ends);
	char *head = x_asprintf("\n.It Ic %s ", key);
	char *entry = strstr(section, head);
	if (entry)
		entry = cut(entry, entry_ends);
	free(head);
	free(section);
	return entry;
}

START_TEST(the_manual_has_every_key_and_its_default)
{
	char *text = support_shipped("docs/llmfo.yaml.5");
	struct config_row row;

	for (size_t i = 0; config_section_row(i, &row); i++) {
		if (is_section(&row)) {
			bool found = strcmp(row.type, "NAMED") == 0 ||
				find_section(text, row.path, strlen(row.path));
			ck_assert_msg(found, "%s", row.path);
			continue;
		}
		char *entry = find_entry(text, &row);
		ck_assert_msg(entry != NULL, "%s", row.path);
		char *value = x_asprintf("\nDefault: %s.", row.default_text);
		ck_assert_msg(!row.default_text[0] || strstr(entry, value), "%s: %s", row.path,
			row.default_text);
		free(entry);
		free(value);
	}
	free(text);
}
END_TEST

START_TEST(the_manual_has_every_kind_of_provider)
{
	char *text = support_shipped("docs/llmfo.yaml.5");
	const struct provider_preset *preset;

	for (size_t i = 0; (preset = provider_preset_at(i)) != NULL; i++) {
		char *head = x_asprintf("\n.It %s Ta ", preset->name);
		char *row = strstr(text, head);
		ck_assert_msg(row != NULL, "%s", preset->name);
		row = x_strndup(row + 1, strcspn(row + 1, "\n"));
		ck_assert_msg(strstr(row, preset->default_model), "%s", row);
		ck_assert_msg(strstr(row, preset->base_url), "%s", row);
		size_t first = strcspn(preset->key_variables, " ");
		char *variable = x_strndup(preset->key_variables, first);
		ck_assert_msg(strstr(text, variable) || preset->base_url[0], "%s", variable);
		free(variable);
		free(row);
		free(head);
	}
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_manual");
	TCase *tests = tcase_create("config_manual");

	tcase_add_test(tests, the_example_is_without_fault);
	tcase_add_test(tests, the_example_shows_every_key);
	tcase_add_test(tests, the_manual_has_every_key_and_its_default);
	tcase_add_test(tests, the_manual_has_every_kind_of_provider);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
