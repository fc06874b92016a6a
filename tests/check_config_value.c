/* SPDX-License-Identifier: MIT */
/* How values are written: durations, sizes, variables. */
#include "support/config_support.h"

#include "config_value.h"

START_TEST(durations_are_milliseconds)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *printed;
	} table[] = {
		{"0s", 0, "0s"},
		{"1ms", 1, "1ms"},
		{"500ms", 500, "500ms"},
		{"30s", 30000, "30s"},
		{"1m30s", 90000, "1m30s"},
		{"90s", 90000, "1m30s"},
		{"2h", 7200000, "2h"},
		{"1d12h", 129600000, "1d12h"},
	};
	struct buf out;
	int64_t ms;

	buf_init(&out, 200);
	ck_assert_int_eq(config_value_duration(table[_i].text, &ms, &out), 0);
	ck_assert_int_eq(ms, table[_i].ms);
	config_value_print_duration(ms, &out);
	ck_assert_str_eq(out.data, table[_i].printed);
	buf_free(&out);
}
END_TEST

START_TEST(sizes_are_bytes)
{
	static const struct {
		const char *text;
		int64_t bytes;
		const char *printed;
	} table[] = {
		{"1B", 1, "1B"},
		{"512KiB", 524288, "512KiB"},
		{"16MiB", 16777216, "16MiB"},
		{"1GiB", 1073741824, "1GiB"},
		{"2KB", 2000, "2000B"},
		{"2MB", 2000000, "2000000B"},
		{"1GB", 1000000000, "1000000000B"},
	};
	struct buf out;
	int64_t bytes;

	buf_init(&out, 200);
	ck_assert_int_eq(config_value_size(table[_i].text, &bytes, &out), 0);
	ck_assert_int_eq(bytes, table[_i].bytes);
	config_value_print_size(bytes, &out);
	ck_assert_str_eq(out.data, table[_i].printed);
	buf_free(&out);
}
END_TEST

START_TEST(variables_are_filled_in)
{
	static const struct {
		const char *text, *value, *unset;
	} table[] = {
		{"plain", "plain", NULL},
		{"${A}", "one", NULL},
		{"x${A}y${B}z", "xoney2z", NULL},
		{"${NOPE:-d}", "d", NULL},
		{"${EMPTY:-d}", "d", NULL},
		{"${A:-d}", "one", NULL},
		{"${NOPE:-}", "", NULL},
		{"${A:?why}", "one", NULL},
		{"a$b $A $", "a$b $A $", NULL},
		{"$$x $${A} $$", "$$x ${A} $$", NULL},
		{"<${NOPE}>", "<>", "NOPE"},
		{"${EMPTY}${NOPE}", "", "EMPTY"},
	};
	static const char *pairs[] = {"A", "one", "B", "2", "EMPTY", "", NULL};
	struct config_env env = support_env(pairs);
	struct buf out, why;
	char *variable, *unset;

	buf_init(&out, 200);
	buf_init(&why, 200);
	ck_assert_int_eq(
		config_value_expand(table[_i].text, &env, &out, &variable, &unset, &why), 0);
	ck_assert_str_eq(out.data, table[_i].value);
	ck_assert_pstr_eq(unset, table[_i].unset);
	free(variable);
	free(unset);
	buf_free(&out);
	buf_free(&why);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_value");
	TCase *tests = tcase_create("config_value");

	tcase_add_loop_test(tests, durations_are_milliseconds, 0, 8);
	tcase_add_loop_test(tests, sizes_are_bytes, 0, 7);
	tcase_add_loop_test(tests, variables_are_filled_in, 0, 12);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
