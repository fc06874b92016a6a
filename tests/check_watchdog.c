/* SPDX-License-Identifier: MIT */
/* When a loop that turns gets on with its work, and the line that says how the daemon is. */
#include <check.h>
#include <stdlib.h>

#include "clock.h"
#include "notify.h"
#include "watchdog.h"

static const struct {
	int64_t timer_due_ms, call_due_ms;
	const char *why; /* NULL: it gets on */
} moments[] = {
	{CLOCK_NEVER, CLOCK_NEVER, NULL},
	{100000, 100000, NULL},
	{200000, 200000, NULL},
	{90000, 90000, NULL},
	{89999, CLOCK_NEVER, "a timer is 10001 ms late"},
	{CLOCK_NEVER, 89999, "the end of a call is 10001 ms late"},
	{0, 0, "a timer is 100000 ms late"},
};

START_TEST(what_is_later_than_the_watchdog_bears_is_stuck)
{
	const struct watchdog_view view = {.now_ms = 100000,
		.timer_due_ms = moments[_i].timer_due_ms,
		.call_due_ms = moments[_i].call_due_ms,
		.late_ms = 10000};
	struct buf why;

	buf_init(&why, 100);
	ck_assert_int_eq(watchdog_progress(&view, &why), moments[_i].why == NULL);
	if (moments[_i].why)
		ck_assert_str_eq(why.data, moments[_i].why);
	else
		ck_assert_uint_eq(why.len, 0);
	buf_free(&why);
}
END_TEST

static const struct {
	struct notify_view view;
	const char *line;
} lines[] = {
	{{.usable = 0, .providers = 0},
		"0 of 0 providers usable, 0 calls in flight, 0 circuits open"},
	{{.usable = 2, .providers = 3, .running = 1, .open_circuits = 1},
		"2 of 3 providers usable, 1 call in flight, 1 circuit open"},
	{{.usable = 3, .providers = 3, .running = 4096, .waiting = 7, .open_circuits = 2},
		"3 of 3 providers usable, 4096 calls in flight, 7 waiting, 2 circuits open"},
	{{.usable = 1, .providers = 1, .refused = true},
		"1 of 1 providers usable, 0 calls in flight, 0 circuits open; "
		"the last reload was refused: see the log"},
	{{.usable = 1, .providers = 1, .running = 1, .draining = true}, "Waiting for 1 call"},
	{{.running = 3, .waiting = 2, .draining = true, .refused = true}, "Waiting for 5 calls"},
};

START_TEST(the_line_says_how_it_is)
{
	struct buf line;

	buf_init(&line, 200);
	notify_line(&lines[_i].view, &line);
	ck_assert_str_eq(line.data, lines[_i].line);
	buf_free(&line);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("watchdog");
	TCase *tests = tcase_create("watchdog");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_loop_test(tests, what_is_later_than_the_watchdog_bears_is_stuck, 0,
		UTIL_COUNT(moments));
	tcase_add_loop_test(tests, the_line_says_how_it_is, 0, UTIL_COUNT(lines));
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
