/* SPDX-License-Identifier: MIT */
/* What went well of late counts, and fades. */
#include <check.h>
#include <stdlib.h>

#include "recent.h"

START_TEST(nothing_known_is_as_good_as_well)
{
	struct recent recent = {0};

	ck_assert_int_eq(recent_permille(&recent, 123456), 1000);
}
END_TEST

START_TEST(failures_weigh_at_once)
{
	struct recent recent = {0};

	recent_note(&recent, false, 1000);
	ck_assert_int_eq(recent_permille(&recent, 1000), 500);
	recent_note(&recent, false, 1000);
	recent_note(&recent, false, 1000);
	ck_assert_int_eq(recent_permille(&recent, 1000), 250);
	recent_note(&recent, true, 1000);
	ck_assert_int_eq(recent_permille(&recent, 1000), 400);
}
END_TEST

START_TEST(they_fade_by_half_in_ten_seconds_and_are_forgotten_in_a_while)
{
	struct recent recent = {0};

	recent_note(&recent, false, 0);
	ck_assert_int_eq(recent_permille(&recent, RECENT_HALF_MS / 2), 571);
	ck_assert_int_eq(recent_permille(&recent, RECENT_HALF_MS), 666);
	ck_assert_int_eq(recent_permille(&recent, 2 * RECENT_HALF_MS), 800);
	ck_assert_int_eq(recent_permille(&recent, 20 * RECENT_HALF_MS), 1000);
	ck_assert_int_eq(recent_permille(&recent, INT64_MAX), 1000);
}
END_TEST

START_TEST(time_that_stands_still_or_goes_back_does_no_harm)
{
	struct recent recent = {0};

	recent_note(&recent, true, 5000);
	recent_note(&recent, false, 4000);
	ck_assert_int_eq(recent_permille(&recent, 3000), 666);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("recent");
	TCase *tests = tcase_create("recent");

	tcase_add_test(tests, nothing_known_is_as_good_as_well);
	tcase_add_test(tests, failures_weigh_at_once);
	tcase_add_test(tests, they_fade_by_half_in_ten_seconds_and_are_forgotten_in_a_while);
	tcase_add_test(tests, time_that_stands_still_or_goes_back_does_no_harm);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
