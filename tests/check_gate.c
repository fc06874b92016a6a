/* SPDX-License-Identifier: MIT */
/* As many run as may, the others wait in line, and nobody overtakes those of its own user. */
#include <check.h>
#include <stdlib.h>

#include "gate.h"

#define USERS 3

static struct gate gate;
static struct gate_user users[USERS];

/* One that waits until it may enter. */
struct guest {
	struct gate_waiter waiter;
	int woken, entered_as;
	struct guest *forgets; /* takes this one out of the line when it is woken */
	bool leaves;           /* takes itself out for good */
	bool stays;            /* what it waits for is not there yet */
};

static int entered;

static void
on_wake(void *arg)
{
	struct guest *guest = arg;

	guest->woken++;
	if (guest->forgets)
		gate_forget(&gate, &guest->forgets->waiter);
	if (guest->leaves)
		gate_forget(&gate, &guest->waiter);
	else if (!guest->stays && (guest->waiter.entered || gate_enter(&gate, &guest->waiter)))
		guest->entered_as = ++entered;
	else
		ck_assert_int_eq(gate_wait(&gate, &guest->waiter, on_wake, guest), GATE_FITS);
}

static enum gate_fault
waits(struct guest *guest, int user)
{
	guest->waiter.user = &users[user];
	return gate_wait(&gate, &guest->waiter, on_wake, guest);
}

static bool
enters(struct guest *guest, int user)
{
	guest->waiter.user = &users[user];
	return gate_enter(&gate, &guest->waiter);
}

/* A place becomes free, and nothing else. */
static void
leave(struct guest *guest)
{
	const struct gate_news news = {.wants = 0};

	gate_leave(&gate, &guest->waiter);
	gate_wake(&gate, &news);
}

static void
set_up(void)
{
	entered = 0;
	for (int i = 0; i < USERS; i++)
		gate_user_init(&users[i]);
}

static void
tear_down(void)
{
	ck_assert(list_empty(&gate.users));
	ck_assert_int_eq(gate.waiting, 0);
	for (int i = 0; i < USERS; i++) {
		ck_assert(list_empty(&users[i].queue));
		ck_assert_int_eq(users[i].waiting, 0);
	}
}

START_TEST(only_as_many_enter_as_may)
{
	struct guest guests[4] = {0};

	gate_init(&gate, 2, 0);
	ck_assert(enters(&guests[0], 0));
	ck_assert(enters(&guests[1], 0));
	ck_assert(!enters(&guests[2], 0));
	gate_leave(&gate, &guests[0].waiter);
	ck_assert(enters(&guests[3], 0));
	gate_leave(&gate, &guests[2].waiter);
	ck_assert_int_eq(gate.running, 2);
}
END_TEST

START_TEST(a_user_takes_no_more_places_than_it_may)
{
	struct guest guests[4] = {0};

	gate_init(&gate, 3, 0);
	gate.max_user_running = 2;
	ck_assert(enters(&guests[0], 0));
	ck_assert(enters(&guests[1], 0));
	ck_assert(!enters(&guests[2], 0));
	ck_assert(enters(&guests[3], 1));
	gate_leave(&gate, &guests[0].waiter);
	ck_assert(enters(&guests[2], 0));
}
END_TEST

START_TEST(an_administrator_finds_a_place_when_all_are_taken)
{
	struct guest guests[GATE_RESERVE + 2] = {0};

	gate_init(&gate, 1, 0);
	gate.max_user_running = 1;
	ck_assert(enters(&guests[0], 0));
	for (int i = 1; i <= GATE_RESERVE + 1; i++) {
		guests[i].waiter.admin = true;
		ck_assert_int_eq(enters(&guests[i], 1), i <= GATE_RESERVE);
	}
}
END_TEST

START_TEST(the_line_has_an_end)
{
	struct guest guests[3] = {0};

	gate_init(&gate, 0, 2);
	ck_assert_int_eq(waits(&guests[0], 0), GATE_FITS);
	ck_assert_int_eq(waits(&guests[1], 0), GATE_FITS);
	ck_assert_int_eq(waits(&guests[2], 1), GATE_FULL);
	ck_assert_int_eq(gate_fault(&gate, &users[1], false), GATE_FULL);
	ck_assert_int_eq(gate_fault(&gate, &users[1], true), GATE_FITS);
	gate_forget(&gate, &guests[2].waiter);
	gate_forget(&gate, &guests[0].waiter);
	ck_assert_int_eq(waits(&guests[2], 1), GATE_FITS);
	gate_forget(&gate, &guests[1].waiter);
	gate_forget(&gate, &guests[2].waiter);
	gate_forget(&gate, &guests[2].waiter);
}
END_TEST

START_TEST(a_user_fills_its_share_of_the_line_and_others_theirs)
{
	struct guest guests[4] = {0};

	gate_init(&gate, 0, 3);
	gate.max_user_waiting = 2;
	ck_assert_int_eq(waits(&guests[0], 0), GATE_FITS);
	ck_assert_int_eq(waits(&guests[1], 0), GATE_FITS);
	ck_assert_int_eq(waits(&guests[2], 0), GATE_USER_FULL);
	ck_assert_int_eq(gate_fault(&gate, &users[0], false), GATE_USER_FULL);
	guests[2].waiter.admin = true;
	ck_assert_int_eq(waits(&guests[2], 0), GATE_FITS);
	gate_forget(&gate, &guests[2].waiter);
	ck_assert_int_eq(waits(&guests[3], 1), GATE_FITS);
	for (int i = 0; i < 4; i++)
		gate_forget(&gate, &guests[i].waiter);
}
END_TEST

START_TEST(who_came_first_enters_first_however_often_they_are_woken)
{
	struct guest first = {0}, guests[5] = {0};

	gate_init(&gate, 1, 5);
	ck_assert(enters(&first, 0));
	for (size_t i = 0; i < UTIL_COUNT(guests); i++)
		ck_assert_int_eq(waits(&guests[i], 0), GATE_FITS);
	gate_wake_all(&gate);
	gate_wake_all(&gate);
	ck_assert_int_eq(guests[4].woken, 0);
	ck_assert_int_eq(entered, 0);
	for (size_t i = 0; i < UTIL_COUNT(guests); i++) {
		leave(i == 0 ? &first : &guests[i - 1]);
		ck_assert_int_eq(guests[i].entered_as, (int)i + 1);
		ck_assert_int_eq(entered, (int)i + 1);
	}
}
END_TEST

START_TEST(users_enter_in_turn_however_many_of_one_were_there_before)
{
	/* users 0 0 0 0 1 1 2 in the order in which they came, and when each enters */
	static const int user[] = {0, 0, 0, 0, 1, 1, 2}, order[] = {1, 4, 6, 7, 2, 5, 3};
	struct guest first = {0}, guests[7] = {0};
	struct guest *runs = &first;

	gate_init(&gate, 1, 10);
	ck_assert(enters(&first, 0));
	for (size_t i = 0; i < UTIL_COUNT(guests); i++)
		ck_assert_int_eq(waits(&guests[i], user[i]), GATE_FITS);
	for (size_t turn = 0; turn < UTIL_COUNT(guests); turn++) {
		leave(runs);
		for (size_t i = 0; i < UTIL_COUNT(guests); i++)
			if (guests[i].entered_as == (int)turn + 1)
				runs = &guests[i];
	}
	for (size_t i = 0; i < UTIL_COUNT(guests); i++)
		ck_assert_int_eq(guests[i].entered_as, order[i]);
}
END_TEST

START_TEST(a_user_that_has_all_its_places_lets_others_pass)
{
	struct guest first = {0}, guests[2] = {0};

	gate_init(&gate, 2, 5);
	gate.max_user_running = 1;
	ck_assert(enters(&first, 0));
	ck_assert_int_eq(waits(&guests[0], 0), GATE_FITS);
	ck_assert_int_eq(waits(&guests[1], 1), GATE_FITS);
	gate_wake_all(&gate);
	ck_assert_int_eq(guests[0].woken, 0);
	ck_assert_int_eq(guests[1].entered_as, 1);
	leave(&first);
	ck_assert_int_eq(guests[0].entered_as, 2);
}
END_TEST

static int room;

static bool
has_room(const void *arg, const void *key)
{
	ck_assert_ptr_eq(arg, &room);
	return key == &gate && entered < room;
}

START_TEST(only_those_are_asked_for_whom_there_may_be_room)
{
	struct guest guests[5] = {0};
	struct gate_news news = {.wants = gate_bit("a"), .room = has_room, .arg = &room};

	gate_init(&gate, 5, 5);
	for (int i = 0; i < 5; i++) {
		ck_assert(enters(&guests[i], i % 2));
		guests[i].waiter.wants = gate_bit(i == 0 ? "b" : "a");
		guests[i].waiter.key = i == 1 ? NULL : &gate;
		ck_assert_int_eq(waits(&guests[i], i % 2), GATE_FITS);
	}
	room = 1;
	gate_wake(&gate, &news);
	ck_assert_int_eq(guests[2].entered_as, 1);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(guests[i].woken, i == 2);
	room = 5;
	gate_wake(&gate, &news);
	ck_assert_int_eq(guests[3].entered_as, 2);
	ck_assert_int_eq(guests[4].entered_as, 3);
	ck_assert_int_eq(guests[0].woken + guests[1].woken, 0);
	gate_wake_all(&gate);
	ck_assert_int_eq(entered, 5);
}
END_TEST

START_TEST(who_is_asked_in_vain_keeps_its_place)
{
	struct guest guests[3] = {0};

	gate_init(&gate, 3, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert(enters(&guests[i], 0));
		guests[i].stays = true;
		ck_assert_int_eq(waits(&guests[i], 0), GATE_FITS);
	}
	guests[2].stays = false;
	gate_wake_all(&gate);
	ck_assert_int_eq(guests[2].entered_as, 1);
	ck_assert_int_eq(gate.waiting, 2);
	guests[0].stays = guests[1].stays = false;
	gate_wake_all(&gate);
	ck_assert_int_eq(guests[0].entered_as, 2);
	ck_assert_int_eq(guests[1].entered_as, 3);
}
END_TEST

START_TEST(one_that_is_woken_may_take_the_next_out_of_the_line)
{
	struct guest guests[3] = {0};

	gate_init(&gate, 3, 3);
	for (size_t i = 0; i < UTIL_COUNT(guests); i++)
		ck_assert_int_eq(waits(&guests[i], 0), GATE_FITS);
	guests[0].forgets = &guests[1];
	gate_wake_all(&gate);
	ck_assert_int_eq(guests[1].woken, 0);
	ck_assert_int_eq(guests[2].entered_as, 2);
}
END_TEST

START_TEST(one_that_is_woken_may_go_for_good)
{
	struct guest guests[2] = {0};

	gate_init(&gate, 3, 3);
	for (size_t i = 0; i < UTIL_COUNT(guests); i++)
		ck_assert_int_eq(waits(&guests[i], 0), GATE_FITS);
	guests[0].leaves = true;
	gate_wake_all(&gate);
	ck_assert_int_eq(guests[0].woken, 1);
	ck_assert_int_eq(guests[1].entered_as, 1);
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
	tcase_add_test(tcase, a_user_takes_no_more_places_than_it_may);
	tcase_add_test(tcase, an_administrator_finds_a_place_when_all_are_taken);
	tcase_add_test(tcase, the_line_has_an_end);
	tcase_add_test(tcase, a_user_fills_its_share_of_the_line_and_others_theirs);
	tcase_add_test(tcase, who_came_first_enters_first_however_often_they_are_woken);
	tcase_add_test(tcase, users_enter_in_turn_however_many_of_one_were_there_before);
	tcase_add_test(tcase, a_user_that_has_all_its_places_lets_others_pass);
	tcase_add_test(tcase, only_those_are_asked_for_whom_there_may_be_room);
	tcase_add_test(tcase, who_is_asked_in_vain_keeps_its_place);
	tcase_add_test(tcase, one_that_is_woken_may_take_the_next_out_of_the_line);
	tcase_add_test(tcase, one_that_is_woken_may_go_for_good);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
