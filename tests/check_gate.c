/* SPDX-License-Identifier: MIT */
/* As many run as may, the others wait in line, and nobody overtakes. */
#include <check.h>
#include <stdlib.h>

#include "gate.h"

static struct gate gate;

/* One that waits until it may enter. */
struct guest {
	struct gate_waiter waiter;
	int woken, entered_as;
	struct guest *forgets; /* takes this one out of the line when it is woken */
};

static int entered;

static void
on_wake(void *arg)
{
	struct guest *guest = arg;

	guest->woken++;
	if (guest->forgets)
		gate_forget(&gate, &guest->forgets->waiter);
	if (gate_enter(&gate))
		guest->entered_as = ++entered;
	else
		ck_assert(gate_wait(&gate, &guest->waiter, on_wake, guest));
}

static bool
waits(struct guest *guest)
{
	return gate_wait(&gate, &guest->waiter, on_wake, guest);
}

static void
set_up(void)
{
	entered = 0;
}

static void
tear_down(void)
{
	ck_assert(list_empty(&gate.queue));
	ck_assert_int_eq(gate.waiting, 0);
}

START_TEST(only_as_many_enter_as_may)
{
	gate_init(&gate, 2, 0);
	ck_assert(gate_enter(&gate));
	ck_assert(gate_enter(&gate));
	ck_assert(!gate_enter(&gate));
	gate_leave(&gate);
	ck_assert(gate_enter(&gate));
}
END_TEST

START_TEST(the_line_has_an_end)
{
	struct guest guests[3] = {0};

	gate_init(&gate, 0, 2);
	ck_assert(waits(&guests[0]));
	ck_assert(waits(&guests[1]));
	ck_assert(!waits(&guests[2]));
	gate_forget(&gate, &guests[2].waiter);
	gate_forget(&gate, &guests[0].waiter);
	ck_assert(waits(&guests[2]));
	gate_forget(&gate, &guests[1].waiter);
	gate_forget(&gate, &guests[2].waiter);
	gate_forget(&gate, &guests[2].waiter);
}
END_TEST

START_TEST(who_came_first_enters_first_however_often_they_are_woken)
{
	struct guest guests[5] = {0};

	gate_init(&gate, 1, 5);
	ck_assert(gate_enter(&gate));
	for (size_t i = 0; i < UTIL_COUNT(guests); i++)
		ck_assert(waits(&guests[i]));
	gate_wake(&gate);
	gate_wake(&gate);
	ck_assert_int_eq(guests[4].woken, 2);
	ck_assert_int_eq(entered, 0);
	for (size_t i = 0; i < UTIL_COUNT(guests); i++) {
		gate_leave(&gate);
		gate_wake(&gate);
		ck_assert_int_eq(guests[i].entered_as, (int)i + 1);
		ck_assert_int_eq(entered, (int)i + 1);
	}
}
END_TEST

START_TEST(one_that_is_woken_may_take_the_next_out_of_the_line)
{
	struct guest guests[3] = {0};

	gate_init(&gate, 3, 3);
	for (size_t i = 0; i < UTIL_COUNT(guests); i++)
		ck_assert(waits(&guests[i]));
	guests[0].forgets = &guests[1];
	gate_wake(&gate);
	ck_assert_int_eq(guests[1].woken, 0);
	ck_assert_int_eq(guests[2].entered_as, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("gate");
	TCase *tcase = tcase_create("gate");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, only_as_many_enter_as_may);
	tcase_add_test(tcase, the_line_has_an_end);
	tcase_add_test(tcase, who_came_first_enters_first_however_often_they_are_woken);
	tcase_add_test(tcase, one_that_is_woken_may_take_the_next_out_of_the_line);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
