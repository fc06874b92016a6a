/* SPDX-License-Identifier: MIT */
/* A mean that is exact and percentiles that are right to within 9 %. */
#include <check.h>
#include <stdlib.h>

#include "latency.h"

START_TEST(nothing_measured_is_minus_one)
{
	struct latency latency = {0};

	ck_assert_int_eq(latency_average_ms(&latency), -1);
	ck_assert_int_eq(latency_percentile_ms(&latency, 50), -1);
}
END_TEST

static const int64_t singles[] = {
	0, 1, 7, 8, 9, 15, 16, 17, 100, 999, 1000, 4095, 4096, 60000, 1000000, 2097151};

START_TEST(one_value_is_every_percentile)
{
	int64_t ms = singles[_i];
	struct latency latency = {0};

	latency_note(&latency, ms);
	ck_assert_int_eq(latency_average_ms(&latency), ms);
	for (int percent = 1; percent <= 100; percent += 33) {
		int64_t seen = latency_percentile_ms(&latency, percent);
		ck_assert_int_le(llabs(seen - ms) * 100, ms * 9);
	}
}
END_TEST

START_TEST(what_is_too_long_or_negative_has_a_place_too)
{
	struct latency latency = {0};

	latency_note(&latency, -5);
	ck_assert_int_eq(latency_percentile_ms(&latency, 100), 0);
	latency_note(&latency, INT64_MAX);
	latency_note(&latency, INT64_MAX);
	ck_assert_int_gt(latency_percentile_ms(&latency, 100), 1500000);
	ck_assert_int_gt(latency_average_ms(&latency), 0);
}
END_TEST

START_TEST(of_the_mean_of_late_each_new_value_is_a_quarter)
{
	struct latency latency = {0};

	ck_assert_int_eq(latency_lately_ms(&latency), -1);
	latency_note(&latency, 1000);
	ck_assert_int_eq(latency_lately_ms(&latency), 1000);
	latency_note(&latency, 200);
	ck_assert_int_eq(latency_lately_ms(&latency), 800);
	for (int i = 0; i < 30; i++)
		latency_note(&latency, 200);
	ck_assert_int_eq(latency_lately_ms(&latency), 200);
	latency_note(&latency, INT64_MAX);
	ck_assert_int_gt(latency_lately_ms(&latency), 0);
}
END_TEST

START_TEST(percentiles_of_a_thousand_even_values_are_where_they_should_be)
{
	struct latency latency = {0};

	for (int64_t ms = 1; ms <= 1000; ms++)
		latency_note(&latency, ms);
	ck_assert_int_eq(latency_average_ms(&latency), 501);
	for (int percent = 5; percent <= 100; percent += 5) {
		int64_t seen = latency_percentile_ms(&latency, percent);
		ck_assert_int_le(llabs(seen - percent * 10) * 100, percent * 10 * 9);
	}
}
END_TEST

START_TEST(the_average_is_rounded_to_the_nearest)
{
	struct latency latency = {0};

	latency_note(&latency, 1);
	latency_note(&latency, 2);
	latency_note(&latency, 2);
	ck_assert_int_eq(latency_average_ms(&latency), 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("latency");
	TCase *tcase = tcase_create("latency");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, nothing_measured_is_minus_one);
	tcase_add_loop_test(tcase, one_value_is_every_percentile, 0, (int)UTIL_COUNT(singles));
	tcase_add_test(tcase, what_is_too_long_or_negative_has_a_place_too);
	tcase_add_test(tcase, percentiles_of_a_thousand_even_values_are_where_they_should_be);
	tcase_add_test(tcase, the_average_is_rounded_to_the_nearest);
	tcase_add_test(tcase, of_the_mean_of_late_each_new_value_is_a_quarter);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
