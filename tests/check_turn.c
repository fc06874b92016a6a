/* SPDX-License-Identifier: MIT */
/* Who is served next, and how much in one turn. */
#include <check.h>
#include <stdlib.h>

#include "turn.h"

static struct turns turns;
static struct turn_user users[3];
static struct turn_entry entries[3][4];

static void
setup(void)
{
	turns_init(&turns);
	for (int u = 0; u < 3; u++) {
		turn_user_init(&users[u]);
		for (int e = 0; e < 4; e++)
			turn_entry_init(&entries[u][e], &users[u]);
	}
}

static void
all_wait(int user, int count)
{
	for (int e = 0; e < count; e++)
		turn_wait(&turns, &entries[user][e]);
}

static void
assert_next(int user, int entry)
{
	ck_assert_ptr_eq(turns_next(&turns, false), &entries[user][entry]);
}

START_TEST(users_are_served_in_turn_and_the_entries_of_each)
{
	all_wait(0, 4);
	all_wait(1, 2);
	all_wait(2, 1);
	all_wait(0, 4);
	assert_next(0, 0);
	assert_next(1, 0);
	assert_next(2, 0);
	assert_next(0, 1);
	turn_wait(&turns, &entries[0][0]);
	turns_begin(&turns);
	assert_next(1, 1);
	ck_assert(turns_wait(&turns));
	assert_next(0, 2);
	assert_next(0, 3);
	assert_next(0, 0);
	ck_assert(!turns_wait(&turns));
	ck_assert_ptr_null(turns_next(&turns, false));
}
END_TEST

START_TEST(one_that_goes_is_not_served)
{
	all_wait(0, 2);
	turn_forget(&turns, &entries[0][0]);
	turn_forget(&turns, &entries[0][0]);
	turn_forget(&turns, &entries[1][0]);
	assert_next(0, 1);
	all_wait(0, 1);
	turn_forget(&turns, &entries[0][0]);
	ck_assert(!turns_wait(&turns));
}
END_TEST

START_TEST(who_has_used_up_its_time_waits_for_the_next_turn_and_others_do_not)
{
	all_wait(0, 1);
	turn_spend(&turns, &users[0], TURN_SLICE_NS - 1);
	ck_assert(turn_has_time(&turns, &users[0], false));
	turn_spend(&turns, &users[0], 1);
	ck_assert(!turn_has_time(&turns, &users[0], false));
	ck_assert(turn_has_time(&turns, &users[1], false));
	ck_assert_ptr_null(turns_next(&turns, false));
	ck_assert(turns_wait(&turns));
	all_wait(1, 1);
	assert_next(1, 0);
	turns_begin(&turns);
	ck_assert(turn_has_time(&turns, &users[0], false));
	assert_next(0, 0);
}
END_TEST

START_TEST(who_is_alone_has_more_time)
{
	turn_spend(&turns, &users[0], TURN_ALONE_NS - 1);
	ck_assert(!turn_has_time(&turns, &users[0], false));
	ck_assert(turn_has_time(&turns, &users[0], true));
	turn_spend(&turns, &users[0], 1);
	ck_assert(!turn_has_time(&turns, &users[0], true));
}
END_TEST

START_TEST(several_that_have_much_to_do_share_one_slice)
{
	all_wait(0, 1);
	all_wait(1, 1);
	turn_spend(&turns, &users[2], TURN_SLICE_NS / 2 - 1);
	ck_assert(turn_has_time(&turns, &users[2], false));
	turn_spend(&turns, &users[2], 1);
	ck_assert(!turn_has_time(&turns, &users[2], false));
}
END_TEST

/* So many are turned to in a turn before any of them has had its say. */
static int
served_in_a_turn(void)
{
	struct turn_entry *entry;
	int count = 0;

	turns_begin(&turns);
	while ((entry = turns_next(&turns, false))) {
		turn_wait(&turns, entry);
		count++;
	}
	return count;
}

START_TEST(what_an_entry_takes_is_learned)
{
	all_wait(0, 4);
	ck_assert_int_eq(served_in_a_turn(), (int)((TURN_SLICE_NS - 1) / TURN_ENTRY_NS) + 1);
	for (int i = 0; i < 100; i++)
		turn_settle(&turns, &users[0], TURN_SLICE_NS / 4 + 1000);
	ck_assert_int_eq(served_in_a_turn(), 4);
	for (int i = 0; i < 100; i++)
		turn_settle(&turns, &users[0], 0);
	ck_assert_int_eq(served_in_a_turn(), (int)((TURN_SLICE_NS - 1) / TURN_ENTRY_LEAST_NS) + 1);
	/* charged with a guess, then with the truth */
	turns_begin(&turns);
	int64_t guess_ns = users[0].entry_ns;
	(void)turns_next(&turns, false);
	ck_assert_int_eq(users[0].used_ns, guess_ns);
	turn_settle(&turns, &users[0], 7000);
	ck_assert_int_eq(users[0].used_ns, 7000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("turns");
	TCase *tests = tcase_create("turns");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, users_are_served_in_turn_and_the_entries_of_each);
	tcase_add_test(tests, one_that_goes_is_not_served);
	tcase_add_test(tests, who_has_used_up_its_time_waits_for_the_next_turn_and_others_do_not);
	tcase_add_test(tests, who_is_alone_has_more_time);
	tcase_add_test(tests, several_that_have_much_to_do_share_one_slice);
	tcase_add_test(tests, what_an_entry_takes_is_learned);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
