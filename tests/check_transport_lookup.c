/* SPDX-License-Identifier: MIT */
/* One looks up a name, the others wait for it, and nobody waits for nothing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "transport_lookup.h"

#define SEATS 200
#define START_MS 1000
#define KNOWN_MS (TRANSPORT_LOOKUP_KNOWN_S * 1000)

static struct transport_lookup *lookup;
static struct transport_lookup_seat seats[SEATS];

static void
set_up(void)
{
	lookup = transport_lookup_new();
	for (int i = 0; i < SEATS; i++)
		transport_lookup_seat_init(&seats[i]);
}

static void
tear_down(void)
{
	for (int i = 0; i < SEATS; i++)
		transport_lookup_leave(lookup, &seats[i]);
	while (transport_lookup_next(lookup))
		;
	for (int i = 0; i < SEATS; i++)
		transport_lookup_leave(lookup, &seats[i]);
	transport_lookup_free(lookup);
}

static enum transport_lookup_role
enter(int seat, const char *name, int64_t now_ms)
{
	transport_lookup_enter(lookup, &seats[seat], name, now_ms);
	return seats[seat].role;
}

/* Three for one name: a pilot and two that wait. */
static void
enter_three(void)
{
	ck_assert_int_eq(enter(0, "a:443", START_MS), TRANSPORT_LOOKUP_PILOT);
	ck_assert_int_eq(enter(1, "A:443", START_MS), TRANSPORT_LOOKUP_WAITING);
	ck_assert_int_eq(enter(2, "a:443", START_MS), TRANSPORT_LOOKUP_WAITING);
	ck_assert_ptr_null(transport_lookup_next(lookup));
}

static void
expect_next(int seat, enum transport_lookup_role role)
{
	ck_assert_ptr_eq(transport_lookup_next(lookup), &seats[seat]);
	ck_assert_int_eq(seats[seat].role, role);
}

START_TEST(each_name_has_a_pilot_of_its_own)
{
	enter_three();
	ck_assert_int_eq(enter(3, "b:443", START_MS), TRANSPORT_LOOKUP_PILOT);
	ck_assert_int_eq(enter(4, "a:80", START_MS), TRANSPORT_LOOKUP_PILOT);
}
END_TEST

START_TEST(when_the_address_is_found_all_start)
{
	enter_three();
	transport_lookup_found(lookup, &seats[0], START_MS + 5);
	ck_assert_int_eq(seats[0].role, TRANSPORT_LOOKUP_FREE);
	expect_next(1, TRANSPORT_LOOKUP_FREE);
	expect_next(2, TRANSPORT_LOOKUP_FREE);
	ck_assert_ptr_null(transport_lookup_next(lookup));
}
END_TEST

START_TEST(an_address_is_known_for_a_while)
{
	enter_three();
	transport_lookup_found(lookup, &seats[0], START_MS);
	ck_assert_int_eq(enter(3, "a:443", START_MS + KNOWN_MS - 1), TRANSPORT_LOOKUP_FREE);
	ck_assert_int_eq(enter(4, "b:443", START_MS + KNOWN_MS), TRANSPORT_LOOKUP_PILOT);
	ck_assert_int_eq(enter(5, "a:443", START_MS + KNOWN_MS), TRANSPORT_LOOKUP_PILOT);
	ck_assert_int_eq(enter(6, "a:443", START_MS + KNOWN_MS), TRANSPORT_LOOKUP_WAITING);
}
END_TEST

START_TEST(what_was_known_can_be_forgotten)
{
	ck_assert_int_eq(enter(0, "a:443", START_MS), TRANSPORT_LOOKUP_PILOT);
	transport_lookup_found(lookup, &seats[0], START_MS);
	transport_lookup_forget(lookup);
	ck_assert_int_eq(enter(1, "a:443", START_MS), TRANSPORT_LOOKUP_PILOT);
}
END_TEST

START_TEST(when_there_is_no_address_all_fail)
{
	enter_three();
	transport_lookup_failed(lookup, &seats[0]);
	ck_assert_int_eq(seats[0].role, TRANSPORT_LOOKUP_FREE);
	expect_next(1, TRANSPORT_LOOKUP_FAILED);
	expect_next(2, TRANSPORT_LOOKUP_FAILED);
	transport_lookup_seat_init(&seats[1]);
	ck_assert_int_eq(enter(1, "a:443", START_MS), TRANSPORT_LOOKUP_PILOT);
}
END_TEST

START_TEST(who_leaves_as_pilot_is_followed_by_the_next)
{
	enter_three();
	transport_lookup_leave(lookup, &seats[0]);
	expect_next(1, TRANSPORT_LOOKUP_PILOT);
	ck_assert_ptr_null(transport_lookup_next(lookup));
	transport_lookup_leave(lookup, &seats[1]);
	expect_next(2, TRANSPORT_LOOKUP_PILOT);
	transport_lookup_leave(lookup, &seats[2]);
	ck_assert_ptr_null(transport_lookup_next(lookup));
	ck_assert(list_empty(transport_lookup_pilots(lookup)));
}
END_TEST

START_TEST(who_leaves_while_waiting_is_not_waited_for)
{
	enter_three();
	transport_lookup_leave(lookup, &seats[1]);
	ck_assert_int_eq(seats[1].role, TRANSPORT_LOOKUP_FREE);
	transport_lookup_leave(lookup, &seats[0]);
	expect_next(2, TRANSPORT_LOOKUP_PILOT);
}
END_TEST

START_TEST(who_leaves_before_being_taken_is_passed_over)
{
	enter_three();
	transport_lookup_leave(lookup, &seats[0]);
	transport_lookup_leave(lookup, &seats[1]);
	expect_next(2, TRANSPORT_LOOKUP_PILOT);
	ck_assert_ptr_null(transport_lookup_next(lookup));
}
END_TEST

/* As many pilots as there may be, and three names in line; the last of them has two seats. */
static void
fill(void)
{
	char name[32];
	int i;

	for (i = 0; i < TRANSPORT_LOOKUP_PILOTS_MAX; i++) {
		snprintf(name, sizeof(name), "host%d:443", i);
		ck_assert_int_eq(enter(i, name, START_MS), TRANSPORT_LOOKUP_PILOT);
	}
	ck_assert_int_eq(enter(i, "x:443", START_MS), TRANSPORT_LOOKUP_WAITING);
	ck_assert_int_eq(enter(i + 1, "y:443", START_MS), TRANSPORT_LOOKUP_WAITING);
	ck_assert_int_eq(enter(i + 2, "z:443", START_MS), TRANSPORT_LOOKUP_WAITING);
	ck_assert_int_eq(enter(i + 3, "z:443", START_MS), TRANSPORT_LOOKUP_WAITING);
	ck_assert_ptr_null(transport_lookup_next(lookup));
}

START_TEST(beyond_the_most_pilots_names_stand_in_line)
{
	int x = TRANSPORT_LOOKUP_PILOTS_MAX, z = x + 2;

	fill();
	transport_lookup_leave(lookup, &seats[x + 1]);
	transport_lookup_found(lookup, &seats[7], START_MS);
	expect_next(x, TRANSPORT_LOOKUP_PILOT);
	ck_assert_ptr_null(transport_lookup_next(lookup));
	transport_lookup_failed(lookup, &seats[8]);
	expect_next(z, TRANSPORT_LOOKUP_PILOT);
	transport_lookup_found(lookup, &seats[z], START_MS);
	expect_next(z + 1, TRANSPORT_LOOKUP_FREE);
	ck_assert_ptr_null(transport_lookup_next(lookup));
}
END_TEST

START_TEST(a_name_whose_pilots_fail_to_tell_stands_behind_the_others)
{
	int x = TRANSPORT_LOOKUP_PILOTS_MAX;

	fill();
	ck_assert_int_eq(enter(x + 4, "host0:443", START_MS), TRANSPORT_LOOKUP_WAITING);
	transport_lookup_leave(lookup, &seats[0]);
	expect_next(x, TRANSPORT_LOOKUP_PILOT);
	transport_lookup_leave(lookup, &seats[1]);
	expect_next(x + 1, TRANSPORT_LOOKUP_PILOT);
	transport_lookup_leave(lookup, &seats[2]);
	expect_next(x + 2, TRANSPORT_LOOKUP_PILOT);
	transport_lookup_leave(lookup, &seats[3]);
	expect_next(x + 4, TRANSPORT_LOOKUP_PILOT);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, each_name_has_a_pilot_of_its_own);
	tcase_add_test(tc, when_the_address_is_found_all_start);
	tcase_add_test(tc, an_address_is_known_for_a_while);
	tcase_add_test(tc, what_was_known_can_be_forgotten);
	tcase_add_test(tc, when_there_is_no_address_all_fail);
	tcase_add_test(tc, who_leaves_as_pilot_is_followed_by_the_next);
	tcase_add_test(tc, who_leaves_while_waiting_is_not_waited_for);
	tcase_add_test(tc, who_leaves_before_being_taken_is_passed_over);
	tcase_add_test(tc, beyond_the_most_pilots_names_stand_in_line);
	tcase_add_test(tc, a_name_whose_pilots_fail_to_tell_stands_behind_the_others);
}

int
main(void)
{
	Suite *suite = suite_create("transport_lookup");
	TCase *tc = tcase_create("lookup");
	add_tests(tc);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
