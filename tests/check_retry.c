/* SPDX-License-Identifier: MIT */
/* The retry budget: what it lets through and what it refuses. */
#include <check.h>
#include <stdlib.h>

#include "retry.h"

START_TEST(three_repeats_are_there_at_first_and_no_more)
{
	struct retry retry = {0};

	for (int i = 0; i < 3; i++)
		ck_assert(retry_take(&retry));
	ck_assert(!retry_take(&retry));
	ck_assert_int_eq(retry_left(&retry), 0);
}
END_TEST

START_TEST(five_answers_pay_for_one_repeat)
{
	struct retry retry = {0};

	while (retry_take(&retry))
		;
	for (int i = 0; i < 4; i++)
		retry_answered(&retry);
	ck_assert(!retry_take(&retry));
	retry_answered(&retry);
	ck_assert(retry_take(&retry));
	ck_assert(!retry_take(&retry));
}
END_TEST

START_TEST(answers_fill_it_up_and_not_beyond)
{
	struct retry retry = {0};

	for (int i = 0; i < 100; i++)
		retry_answered(&retry);
	ck_assert_int_eq(retry_left(&retry), RETRY_FULL);
	ck_assert(retry_take(&retry));
	for (int i = 0; i < 100; i++)
		retry_answered(&retry);
	ck_assert_int_eq(retry_left(&retry), RETRY_FULL);
}
END_TEST

START_TEST(repeats_are_never_more_than_three_and_a_fifth_of_the_answers)
{
	struct retry retry = {0};
	unsigned short seed[3] = {1, 2, 3};
	long answers = 0, repeats = 0;

	for (int i = 0; i < 100000; i++) {
		if (nrand48(seed) % 4 == 0) {
			retry_answered(&retry);
			answers++;
		} else if (retry_take(&retry)) {
			repeats++;
		}
		ck_assert_int_le(repeats * 5, 15 + answers);
	}
	ck_assert_int_gt(repeats, 4000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("retry");
	TCase *tcase = tcase_create("retry");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, three_repeats_are_there_at_first_and_no_more);
	tcase_add_test(tcase, five_answers_pay_for_one_repeat);
	tcase_add_test(tcase, answers_fill_it_up_and_not_beyond);
	tcase_add_test(tcase, repeats_are_never_more_than_three_and_a_fifth_of_the_answers);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
