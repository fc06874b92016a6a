/* SPDX-License-Identifier: MIT */
/* Timers fire once, in order, at their moment, whatever is started and stopped meanwhile. */
#include <check.h>
#include <stdlib.h>

#include "support/fake_clock.h"

static struct fake_clock fake;

/* A timer that writes down when it fired. */
struct note {
	struct clock_timer timer;
	int order;
	int64_t at_ms;
	int fired;
};

static int order;

static void
set_up(void)
{
	order = 0;
	fake_clock_init(&fake);
}

static void
tear_down(void)
{
	fake_clock_free(&fake);
}

static void
on_note(void *arg)
{
	struct note *note = arg;

	ck_assert(!clock_running(&note->timer));
	note->order = ++order;
	note->at_ms = fake.time_ms;
	note->fired++;
}

static void
start(struct note *note, int64_t in_ms)
{
	clock_start(&fake.clock, &note->timer, fake.time_ms + in_ms, on_note, note);
}

START_TEST(a_timer_fires_once_at_its_moment)
{
	struct note note = {0};
	int64_t begin_ms = fake.time_ms;

	start(&note, 30);
	ck_assert(clock_running(&note.timer));
	fake_clock_advance(&fake, 29);
	ck_assert_int_eq(note.fired, 0);
	fake_clock_advance(&fake, 1000);
	ck_assert_int_eq(note.fired, 1);
	ck_assert_int_eq(note.at_ms, begin_ms + 30);
	ck_assert(!clock_running(&note.timer));
}
END_TEST

START_TEST(equal_times_fire_in_the_order_of_their_start)
{
	struct note notes[50] = {0};

	for (size_t i = 0; i < UTIL_COUNT(notes); i++)
		start(&notes[i], 5);
	fake_clock_advance(&fake, 5);
	for (size_t i = 0; i < UTIL_COUNT(notes); i++)
		ck_assert_int_eq(notes[i].order, (int)i + 1);
}
END_TEST

START_TEST(a_timer_that_is_started_again_fires_at_the_new_time_alone)
{
	struct note note = {0};
	int64_t begin_ms = fake.time_ms;

	start(&note, 10);
	start(&note, 100);
	fake_clock_advance(&fake, 50);
	ck_assert_int_eq(note.fired, 0);
	start(&note, 1);
	fake_clock_advance(&fake, 200);
	ck_assert_int_eq(note.fired, 1);
	ck_assert_int_eq(note.at_ms, begin_ms + 51);
}
END_TEST

START_TEST(a_stopped_timer_never_fires_and_stopping_twice_does_no_harm)
{
	struct note first = {0}, second = {0};

	start(&first, 10);
	start(&second, 20);
	clock_stop(&fake.clock, &first.timer);
	clock_stop(&fake.clock, &first.timer);
	fake_clock_advance(&fake, 100);
	ck_assert_int_eq(first.fired, 0);
	ck_assert_int_eq(second.fired, 1);
}
END_TEST

START_TEST(nothing_due_means_no_wake)
{
	struct note note = {0};

	ck_assert_int_eq(clock_next_ms(&fake.clock), CLOCK_NEVER);
	start(&note, 10);
	ck_assert_int_eq(fake.wake_ms, fake.time_ms + 10);
	clock_stop(&fake.clock, &note.timer);
	ck_assert_int_eq(fake.wake_ms, CLOCK_NEVER);
	start(&note, 10);
	fake_clock_advance(&fake, 10);
	ck_assert_int_eq(fake.wake_ms, CLOCK_NEVER);
}
END_TEST

static void
on_again(void *arg)
{
	struct note *note = arg;

	on_note(note);
	if (note->fired < 3)
		clock_soon(&fake.clock, &note->timer, on_again, note);
}

START_TEST(what_is_started_soon_within_a_turn_waits_for_the_next)
{
	struct note note = {0};

	clock_soon(&fake.clock, &note.timer, on_again, &note);
	ck_assert_int_eq(note.fired, 0);
	clock_run(&fake.clock);
	ck_assert_int_eq(note.fired, 1);
	clock_run(&fake.clock);
	ck_assert_int_eq(note.fired, 2);
	fake_clock_advance(&fake, 0);
	ck_assert_int_eq(note.fired, 3);
}
END_TEST

static void
on_stop_other(void *arg)
{
	struct note *notes = arg;

	on_note(&notes[0]);
	clock_stop(&fake.clock, &notes[1].timer);
}

START_TEST(a_timer_may_stop_another_that_is_due_in_the_same_turn)
{
	struct note notes[3] = {0};

	clock_start(&fake.clock, &notes[0].timer, fake.time_ms + 5, on_stop_other, notes);
	start(&notes[1], 5);
	start(&notes[2], 5);
	fake_clock_advance(&fake, 5);
	ck_assert_int_eq(notes[0].fired, 1);
	ck_assert_int_eq(notes[1].fired, 0);
	ck_assert_int_eq(notes[2].fired, 1);
}
END_TEST

static void
on_start_past(void *arg)
{
	struct note *notes = arg;

	on_note(&notes[0]);
	clock_start(&fake.clock, &notes[2].timer, fake.time_ms - 100, on_note, &notes[2]);
}

START_TEST(a_start_in_the_past_does_not_hold_up_what_is_due)
{
	struct note notes[3] = {0};

	clock_start(&fake.clock, &notes[0].timer, fake.time_ms, on_start_past, notes);
	start(&notes[1], 0);
	clock_run(&fake.clock);
	ck_assert_int_eq(notes[1].fired, 1);
	ck_assert_int_eq(notes[2].fired, 0);
	clock_run(&fake.clock);
	ck_assert_int_eq(notes[2].fired, 1);
}
END_TEST

START_TEST(a_thousand_timers_at_random_fire_in_order)
{
	static struct note notes[1000];
	unsigned short seed[3] = {7, 8, 9};
	int64_t last_ms = 0;

	for (size_t i = 0; i < 5000; i++) {
		struct note *note = &notes[nrand48(seed) % 1000];

		if (nrand48(seed) % 4 == 0)
			clock_stop(&fake.clock, &note->timer);
		else
			start(note, nrand48(seed) % 500);
	}
	for (int step = 1; clock_next_ms(&fake.clock) != CLOCK_NEVER; step++) {
		int64_t next_ms = clock_next_ms(&fake.clock);

		ck_assert_int_ge(next_ms, last_ms);
		last_ms = next_ms;
		fake_clock_advance(&fake, next_ms - fake.time_ms);
	}
	for (size_t i = 0; i < UTIL_COUNT(notes); i++)
		ck_assert_int_le(notes[i].fired, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tcase = tcase_create("clock");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_timer_fires_once_at_its_moment);
	tcase_add_test(tcase, equal_times_fire_in_the_order_of_their_start);
	tcase_add_test(tcase, a_timer_that_is_started_again_fires_at_the_new_time_alone);
	tcase_add_test(tcase, a_stopped_timer_never_fires_and_stopping_twice_does_no_harm);
	tcase_add_test(tcase, nothing_due_means_no_wake);
	tcase_add_test(tcase, what_is_started_soon_within_a_turn_waits_for_the_next);
	tcase_add_test(tcase, a_timer_may_stop_another_that_is_due_in_the_same_turn);
	tcase_add_test(tcase, a_start_in_the_past_does_not_hold_up_what_is_due);
	tcase_add_test(tcase, a_thousand_timers_at_random_fire_in_order);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
