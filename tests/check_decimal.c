/* SPDX-License-Identifier: MIT */
/* Decimal text becomes exact integers of a smaller unit, and comes back as text. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "llmfo.h"
#include "util.h"

static const struct {
	const char *text;
	int places;
	int error;
	int64_t value;
	bool exact;
} numbers[] = {
	{"0", 6, 0, 0, true},
	{"2.50", 6, 0, 2500000, true},
	{"0.003625", 6, 0, 3625, true},
	{"10", 12, 0, 10000000000000, true},
	{"2.5e-06", 12, 0, 2500000, true},
	{"2.5E-6", 12, 0, 2500000, true},
	{"1e+3", 0, 0, 1000, true},
	{"0.00018", 12, 0, 180000000, true},
	{"2000000.0", 0, 0, 2000000, true},
	{"2.9999900000000002e-06", 12, 0, 2999990, false},
	{"0.0000000000005", 12, 0, 1, false},
	{"0.00000000000049999", 12, 0, 0, false},
	{"1.5", 0, 0, 2, false},
	{"-1.5", 0, 0, -2, false},
	{"0.05", 0, 0, 0, false},
	{"1e-400", 12, 0, 0, false},
	{"0e99999999999999999999", 12, 0, 0, true},
	{"9223372036854775807", 0, 0, INT64_MAX, true},
	{"-9223372036854775808", 0, 0, INT64_MIN, true},
	{"9223372036854775808", 0, LLMFO_ETOO_LARGE, 0, false},
	{"9223372036854775807.5", 0, LLMFO_ETOO_LARGE, 0, false},
	{"1e19", 0, LLMFO_ETOO_LARGE, 0, false},
	{"1e99999999999", 0, LLMFO_ETOO_LARGE, 0, false},
	{"", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"-", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{".", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"1.", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"1.2.3", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"1e", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"1e-", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"1e5x", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"$1", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"1,5", 6, LLMFO_EINVALID_REQUEST, 0, false},
	{"nan", 6, LLMFO_EINVALID_REQUEST, 0, false},
};

START_TEST(decimals_are_read_exactly)
{
	int64_t value = 0;
	bool exact = false;
	int error = decimal_read(
		numbers[_i].text, strlen(numbers[_i].text), numbers[_i].places, &value, &exact);

	ck_assert_msg(error == numbers[_i].error, "%s: %d", numbers[_i].text, error);
	if (error)
		return;
	ck_assert_msg(value == numbers[_i].value, "%s: %lld", numbers[_i].text, (long long)value);
	ck_assert_msg(exact == numbers[_i].exact, "%s", numbers[_i].text);
}
END_TEST

static const struct {
	int64_t value;
	int places, least;
	const char *text;
} texts[] = {
	{2500000, 6, 2, "2.50"},
	{3625, 6, 2, "0.003625"},
	{0, 6, 2, "0.00"},
	{-1, 12, 2, "-0.000000000001"},
	{7, 0, 0, "7"},
	{1000000, 6, 0, "1"},
	{INT64_MIN, 12, 4, "-9223372.036854775808"},
};

START_TEST(decimals_are_printed_as_people_write_them)
{
	char text[DECIMAL_TEXT_BYTES];

	decimal_text(texts[_i].value, texts[_i].places, texts[_i].least, text);
	ck_assert_str_eq(text, texts[_i].text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("decimal");
	TCase *tests = tcase_create("decimal");

	tcase_add_loop_test(tests, decimals_are_read_exactly, 0, UTIL_COUNT(numbers));
	tcase_add_loop_test(tests, decimals_are_printed_as_people_write_them, 0, UTIL_COUNT(texts));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
