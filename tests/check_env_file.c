/* SPDX-License-Identifier: MIT */
/* `.env` files. */
#include "support/config_support.h"

/* Reads the file that was put; the report is a new string. */
static struct env_file *
read_put(char **report)
{
	char *path = x_asprintf("%s/env", support_folder);
	struct env_file *file = env_file_read(path, &support_faults);

	*report = support_report();
	free(path);
	return file;
}

START_TEST(a_line_is_a_variable)
{
	static const struct {
		const char *line, *value;
	} table[] = {
		{"A=b", "b"},
		{"export A=b", "b"},
		{"export\tA=b", "b"},
		{"  A = b  ", "b"},
		{"A=b\r", "b"},
		{"A=", ""},
		{"A=b c", "b c"},
		{"A=b # comment", "b"},
		{"A=b#c", "b#c"},
		{"A=#c", ""},
		{"A='b # c'", "b # c"},
		{"A=\"b # c\" # d", "b # c"},
		{"A='b\\n\"$'", "b\\n\"$"},
		{"A=\"b\\n\\t\\\"\\\\\\$\\x\"", "b\n\t\"\\$\\x"},
		{"A=\"\"", ""},
		{"A=a=b", "a=b"},
		{"A=${B}", "${B}"},
		{"A=b\nA=c", "c"},
		{"# A=x\n\nA=b\n", "b"},
		{"\xef\xbb\xbf"
		 "A=b",
			"b"},
		{"exportA=c\nA=b", "b"},
		{"A=sk-x'y", "sk-x'y"},
	};
	char *report;

	support_put("env", table[_i].line, 0600);
	struct env_file *file = read_put(&report);
	ck_assert_msg(file != NULL, "%s", report);
	ck_assert_str_eq(report, "");
	ck_assert_str_eq(env_file_get(file, "A"), table[_i].value);
	ck_assert_ptr_null(env_file_get(file, "B"));
	env_file_free(file);
	free(report);
}
END_TEST

START_TEST(what_is_no_variable_is_a_fault)
{
	static const struct {
		const char *content, *report;
	} table[] = {
		{"A\n", "1:1: this line is not NAME=value\n"},
		{"=b\n", "1:1: this line is not NAME=value\n"},
		{"1A=b\n", "1:1: this line is not NAME=value\n"},
		{"A B=c\n", "1:1: this line is not NAME=value\n"},
		{"export\n", "1:1: this line is not NAME=value\n"},
		{"A=b\nA-B=c\n", "2:1: this line is not NAME=value\n"},
		{"A='b\n", "1:1: this line has an opening quote without its closing one\n"},
		{"A=\"b\\\"\n", "1:1: this line has an opening quote without its closing one\n"},
		{"A='b'c\n", "1:1: this line has something behind the closing quote\n"},
		{"A\nB\n", "1:1: this line is not NAME=value\n2:1: this line is not NAME=value\n"},
	};
	char *report;

	support_put("env", table[_i].content, 0600);
	ck_assert_ptr_null(read_put(&report));
	ck_assert_str_eq(report, table[_i].report);
	free(report);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_a_fault)
{
	char *report;

	ck_assert_ptr_null(read_put(&report));
	ck_assert_str_eq(report, "cannot be read: No such file or directory\n");
	free(report);
	ck_assert_ptr_null(env_file_read(support_folder, &support_faults));
	report = support_report();
	ck_assert_str_eq(report, "cannot be read: not a regular file\n");
	free(report);
}
END_TEST

START_TEST(an_empty_file_sets_nothing)
{
	char *report;

	support_put("env", "", 0600);
	struct env_file *file = read_put(&report);
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_null(env_file_get(file, "A"));
	ck_assert_ptr_null(env_file_get(NULL, "A"));
	env_file_free(file);
	env_file_free(NULL);
	free(report);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("env_file");
	TCase *tests = tcase_create("env_file");

	tcase_add_checked_fixture(tests, support_make_folder, support_remove_folder);
	tcase_add_loop_test(tests, a_line_is_a_variable, 0, 22);
	tcase_add_loop_test(tests, what_is_no_variable_is_a_fault, 0, 10);
	tcase_add_test(tests, a_file_that_is_not_there_is_a_fault);
	tcase_add_test(tests, an_empty_file_sets_nothing);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
