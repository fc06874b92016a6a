/* SPDX-License-Identifier: MIT */
/* What is said about faulty configurations, and that no text, however broken, does more than that.
 */
#include "support/config_support.h"

static const struct row {
	const char *title, *text, *faults;
} rows[] = {
#include "config_faults.def"
};

/* Line by line; an expected line that ends in "..." matches whatever begins like it. */
static bool
matches(const char *expected, const char *got)
{
	while (*expected && *got) {
		size_t left = strcspn(expected, "\n"), right = strcspn(got, "\n");
		bool open = left >= 3 && strncmp(expected + left - 3, "...", 3) == 0;
		size_t compared = open ? left - 3 : left;
		if ((open ? right < compared : right != left) ||
			strncmp(expected, got, compared) != 0)
			return false;
		expected += left + 1;
		got += right + 1;
	}
	return !*expected && !*got;
}

START_TEST(every_fault_is_told_with_its_place_and_remedy)
{
	const struct row *row = &rows[_i];
	struct config_env env = support_env(NULL);
	struct config *config =
		config_read_text(row->text, strlen(row->text), "t.yaml", &env, &support_faults);
	bool errors = support_faults.errors > 0;
	char *report = support_report();

	ck_assert_msg(matches(row->faults, report), "%s\n--- expected\n%s--- got\n%s", row->title,
		row->faults, report);
	ck_assert_msg((config == NULL) == errors, "%s", row->title);
	free(report);
	config_unref(config);
}
END_TEST

START_TEST(a_nul_byte_is_a_fault)
{
	struct config_env env = support_env(NULL);
	struct config *config = config_read_text("a: \0b", 5, "t.yaml", &env, &support_faults);
	char *report = support_report();

	ck_assert_ptr_null(config);
	ck_assert_str_eq(report, "1:4: byte 0x00 is a NUL byte; a configuration is text\n");
	free(report);
}
END_TEST

/* The fault of a text that is made of a piece, count times over. */
static char *
fault_of(const char *before, const char *piece, size_t count)
{
	struct config_env env = support_env(NULL);
	struct buf text;

	buf_init(&text, 4 * 1024 * 1024);
	buf_puts(&text, before);
	for (size_t i = 0; i < count; i++)
		buf_puts(&text, piece);
	ck_assert_ptr_null(config_read_text(text.data, text.len, "t.yaml", &env, &support_faults));
	buf_free(&text);
	return support_report();
}

START_TEST(deep_nesting_ends_at_a_limit)
{
	static const char *const pieces[] = {"[", "{a: ", "- ", "[{a: ", "? "};
	char *report = fault_of("", pieces[_i], 100000);

	ck_assert_msg(strstr(report, "deep") || strstr(report, "not valid YAML") ||
			strstr(report, "a key must be text"),
		"%s", report);
	free(report);
}
END_TEST

START_TEST(a_text_above_a_mebibyte_is_refused)
{
	char *report = fault_of("", "# a comment of a good length\n", 50000);

	ck_assert_str_eq(report, "is larger than 1 MiB; that is no configuration\n");
	free(report);
}
END_TEST

START_TEST(aliases_do_not_multiply_without_end)
{
	char *report =
		fault_of("a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
			 "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\n"
			 "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e]\n",
			"", 0);

	ck_assert_ptr_nonnull(strstr(report, "more than 50000 values (aliases counted)"));
	free(report);
}
END_TEST

START_TEST(many_faults_come_to_an_end)
{
	struct config_env env = support_env(NULL);
	struct buf text;

	buf_init(&text, 1024 * 1024);
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "k%d: 1\n", i);
	ck_assert_ptr_null(config_read_text(text.data, text.len, "t.yaml", &env, &support_faults));
	ck_assert_uint_eq(support_faults.count, 500);
	ck_assert_uint_ge(support_faults.errors, 20000);
	config_faults_free(&support_faults);
	buf_free(&text);
}
END_TEST

START_TEST(no_key_shows_in_a_fault)
{
	static const char *const texts[] = {
		"providers: {openai: {api_key: \"sk-canary1234567890 \"}}\n",
		"providers: {openai: {api_kye: sk-canary1234567890}}\n",
		"providers: {openai: sk-canary1234567890}\n",
		"providers: {openai: {api_key: [sk-canary1234567890]}}\n",
		"providers: {openai: {api_key: k, models: sk-canary1234567890}}\n",
		"providers: {openai: {api_key: k, api: sk-canary1234567890}}\n",
		"providers: {openai: {api_key_file: sk-canary1234567890}}\n",
		"providers: {openai: {sk-canary1234567890: x}}\n",
		"providers: {openai: {api_key: ${X:-sk-canary1234567890}}}\n",
		"providers: {openai: {api_key: \"${X:-sk-canary1234567890\"}}\n",
		"providers: {openai: {base_url: \"http://u:sk-canary1234567890@h\"}}\n",
		"providers: {openai: {api_key: \"${CANARY} \"}}\n",
	};
	static const char *pairs[] = {"CANARY", "canary1234567890", NULL};
	struct config_env env = support_env(pairs);
	struct config *config =
		config_read_text(texts[_i], strlen(texts[_i]), "t.yaml", &env, &support_faults);
	char *report = support_report();

	ck_assert_ptr_null(config);
	ck_assert_msg(!strstr(report, "canary"), "%s%s", texts[_i], report);
	free(report);
}
END_TEST

/* ---- mutations of the example ---- */

static void
survive(const char *text, size_t length)
{
	static const char *pairs[] = {"OPENAI_API_KEY", "k", NULL};
	struct config_env env = support_env(pairs);

	config_unref(config_read_text(text, length, "t.yaml", &env, &support_faults));
	config_faults_free(&support_faults);
}

START_TEST(the_example_cut_at_any_byte_is_survived)
{
	char *text = support_shipped("data/llmfo.yaml.example");
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		survive(text, i);
	free(text);
}
END_TEST

START_TEST(the_example_changed_at_any_byte_is_survived)
{
	static const char bytes[] = "\n\t :[]{}\"'&*!?-|>#%@`,a0$\\\x80\xff";
	char *text = support_shipped("data/llmfo.yaml.example");
	size_t length = strlen(text);
	const char *seed_text = getenv("LLMFO_TEST_SEED");
	unsigned seed = seed_text ? (unsigned)strtoul(seed_text, NULL, 10) : 20;

	for (size_t i = 0; i < length; i++) {
		char kept = text[i];
		seed = seed * 1103515245 + 12345;
		text[i] = bytes[(seed >> 16) % (sizeof bytes - 1)];
		survive(text, length);
		text[i] = kept;
	}
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_faults");
	TCase *table = tcase_create("table"), *fuzz = tcase_create("fuzz");

	tcase_add_loop_test(
		table, every_fault_is_told_with_its_place_and_remedy, 0, (int)UTIL_COUNT(rows));
	tcase_add_test(table, a_nul_byte_is_a_fault);
	tcase_add_loop_test(table, deep_nesting_ends_at_a_limit, 0, 5);
	tcase_add_test(table, a_text_above_a_mebibyte_is_refused);
	tcase_add_test(table, aliases_do_not_multiply_without_end);
	tcase_add_test(table, many_faults_come_to_an_end);
	tcase_add_loop_test(table, no_key_shows_in_a_fault, 0, 12);
	tcase_add_test(fuzz, the_example_cut_at_any_byte_is_survived);
	tcase_add_test(fuzz, the_example_changed_at_any_byte_is_survived);
	tcase_set_timeout(fuzz, 60);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, fuzz);
	return support_run(suite);
}
