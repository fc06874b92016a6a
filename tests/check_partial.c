/* SPDX-License-Identifier: MIT */
/* Messages that wait for their rest: how long they may, and which goes first. */
#include <check.h>
#include <stdlib.h>

#include "partial.h"
#include "support/fake_clock.h"
#include "util.h"

#define SENDERS 20

static struct fake_clock clock_;
static struct partials partials;
static struct partial senders[SENDERS];
static bool held[SENDERS], last_crowded;

static void
on_drop(void *arg, bool crowded)
{
	last_crowded = crowded;
	partial_end(&partials, arg);
}

static void
setup(void)
{
	fake_clock_init(&clock_);
	partials_init(&partials, &clock_.clock);
	for (int i = 0; i < SENDERS; i++) {
		held[i] = false;
		partial_init(&senders[i], &held[i], on_drop, &senders[i]);
	}
}

static void
teardown(void)
{
	for (int i = 0; i < SENDERS; i++)
		partial_end(&partials, &senders[i]);
	ck_assert_int_eq(clock_next_ms(&clock_.clock), CLOCK_NEVER);
	fake_clock_free(&clock_);
}

static bool
waits(int i)
{
	return !list_empty(&senders[i].node);
}

START_TEST(where_room_is_short_the_oldest_that_matters_goes)
{
	for (int i = 0; i < 4; i++)
		partial_set(&partials, &senders[i], i == 1 ? 10 : 1000);
	ck_assert(partials_drop(&partials, &senders[0], 100));
	ck_assert(last_crowded && waits(0) && waits(1) && !waits(2) && waits(3));
	ck_assert(partials_drop(&partials, &senders[3], 100));
	ck_assert(!waits(0) && waits(1) && waits(3));
	ck_assert(!partials_drop(&partials, &senders[3], 100));
	ck_assert(waits(1) && waits(3));
}
END_TEST

START_TEST(each_has_its_own_time)
{
	partial_set(&partials, &senders[0], 1);
	fake_clock_advance(&clock_, 10);
	partial_set(&partials, &senders[1], 1);
	partial_set(&partials, &senders[2], 1);
	held[2] = true;
	partial_set(&partials, &senders[0], 2);
	fake_clock_advance(&clock_, PARTIAL_MAX_MS - 10);
	ck_assert(!waits(0) && waits(1) && waits(2));
	fake_clock_advance(&clock_, 10);
	ck_assert(!waits(1) && waits(2));
	held[2] = false;
	fake_clock_advance(&clock_, PARTIAL_MAX_MS - 1);
	ck_assert(waits(2));
	fake_clock_advance(&clock_, 1);
	ck_assert(!waits(2));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("partial");
	TCase *tests = tcase_create("partial");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, where_room_is_short_the_oldest_that_matters_goes);
	tcase_add_test(tests, each_has_its_own_time);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
