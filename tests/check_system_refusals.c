/* SPDX-License-Identifier: MIT */
/*
 * The faults S12 to S16 of the public failover benchmark, through the real daemon: requests that
 * are refused, an outage that lasts, and what is reported in the end.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/duo.h"

/* ---- what is no failure of the provider ---- */

START_TEST(s12_a_prompt_that_is_too_long_never_meets_the_same_model_again)
{
	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "400 kind=context");
	const struct wire_reply *reply = duo_ask_with(_i, DUO_HELLO ",\"chain\":\"three\"", NULL);
	ck_assert_str_eq(tree_text(reply->result, "text"), DUO_TEXT_OF_B);
	ck_assert_str_eq(tree_text(reply->result, "model_used"), "long");
	duo_assert_class(0, "context_length");
	duo_assert_class(1, "ok");
	duo_forget();
	duo_assert_asked(1, 1);
	struct json *view = daemon_view(duo_daemon, "status");
	ck_assert_int_eq(tree_int(view, "targets.a/m.consecutive_failures"), 0);
	json_free(view);
	duo_end();
}
END_TEST

static const char *const refusals[] = {
	"400 kind=policy message='not in this house'",
	"ok text='' finish=content_filter",
};

START_TEST(s13_refused_content_is_told_with_the_reason_and_not_shopped_around)
{
	int row = _i / DUO_MODES;

	duo_begin("", "");
	fake_provider_script(duo_fp, "a", refusals[row]);
	const struct wire_reply *reply = duo_ask_with(_i % DUO_MODES, DUO_HELLO, "content_policy");
	if (row == 0)
		duo_assert_has(json_text(reply->error, "message"), "not in this house");
	ck_assert_ptr_null(json_get(reply->error, "partial"));
	duo_forget();
	duo_assert_asked(1, 0);
	struct json *view = daemon_view(duo_daemon, "status");
	ck_assert_str_eq(tree_text(view, "targets.a/m.state"), "closed");
	ck_assert_int_eq(tree_int(view, "targets.a/m.consecutive_failures"), 0);
	json_free(view);
	duo_end();
}
END_TEST

START_TEST(s13_content_refused_in_mid_stream_ends_the_call_with_what_was_said)
{
	char *heard = duo_words(1, 5);
	char *params = x_asprintf(DUO_HELLO ",\"on_break\":\"%s\"", duo_on_breaks[_i]);

	duo_begin("", "");
	fake_provider_script(
		duo_fp, "a", "tokens=9 error-after=5 kind=policy message='not in this house'");
	const struct wire_reply *reply = duo_ask_with(DUO_STREAMED, params, "content_policy");
	duo_assert_has(json_text(reply->error, "message"), "not in this house");
	ck_assert_uint_eq(duo_told.resets, 0);
	ck_assert_str_eq(json_text(reply->error, "partial"), heard);
	duo_assert_asked(1, 0);
	duo_forget();
	free(params);
	free(heard);
	duo_end();
}
END_TEST

START_TEST(s13_an_answer_that_the_filter_ended_says_so)
{
	char *said = duo_words(1, 5);

	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "tokens=5 finish=content_filter");
	const struct wire_reply *reply = duo_ask(_i);
	ck_assert_str_eq(tree_text(reply->result, "text"), said);
	ck_assert_str_eq(tree_text(reply->result, "finish_reason"), "content_filter");
	duo_assert_asked(1, 0);
	duo_forget();
	free(said);
	duo_end();
}
END_TEST

START_TEST(s14_a_fallback_that_refuses_prefill_is_asked_from_the_beginning)
{
	char *whole = duo_words(1, 60), *heard = duo_words(1, 40);
	char *text = x_asprintf("ok no-prefill text='%s'", whole);

	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "tokens=60 cut-after=40");
	fake_provider_script(duo_fp, "b", text);
	duo_ask_with(DUO_STREAMED, DUO_HELLO ",\"on_break\":\"continue\"", NULL);
	ck_assert_uint_eq(duo_told.resets, 1);
	ck_assert_str_eq(duo_told.void_text.data, heard);
	ck_assert_str_eq(tree_text(duo_told.reply.result, "text"), whole);
	ck_assert_str_eq(tree_text(duo_told.reply.result, "provider_used"), "b");
	duo_forget();
	duo_assert_asked(1, 2);
	free(whole);
	free(heard);
	free(text);
	duo_end();
}
END_TEST

/* ---- over a while ---- */

#define CHECK_INTERVAL "200ms"
#define INTERVALS_DOWN 4 /* of 15 s: a minute */
#define CALLS_AN_INTERVAL 4
#define PACE_MS 50 /* 4 s of 15 in the scale of the interval */

/* Down for a minute in the time of the checks: INTERVALS_DOWN of them find it so. */
static void
outage(enum duo_mode mode)
{
	char checks[32];

	fake_provider_script(duo_fp, "a", "503");
	fake_provider_check_script(duo_fp, "a", "503");
	for (int i = 0; i < INTERVALS_DOWN; i++) {
		for (int k = 0; k < CALLS_AN_INTERVAL; k++)
			duo_answers(mode, DUO_TEXT_OF_B, "b");
		snprintf(checks, sizeof checks, "checks=%d", i + 1);
		fake_provider_wait(duo_fp, "a", checks);
	}
	ck_assert_int_le(fake_provider_stats(duo_fp, "a").requests, INTERVALS_DOWN);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(s15_down_for_a_minute_all_calls_are_served_and_then_by_the_primary_again)
{
	bool back = false;

	duo_begin("", "health: {check_interval: " CHECK_INTERVAL "}\n");
	outage(_i);
	fake_provider_script(duo_fp, "a", "ok text='back again'");
	fake_provider_check_script(duo_fp, "a", "ok");
	int64_t start_ms = now_ms();
	while (!back) {
		const struct wire_reply *reply = duo_ask(_i);

		back = strcmp(tree_text(reply->result, "provider_used"), "a") == 0;
		ck_assert_str_eq(
			tree_text(reply->result, "text"), back ? "back again" : DUO_TEXT_OF_B);
		duo_forget();
		(void)poll(NULL, 0, PACE_MS);
	}
	printf("S15: back after %lld ms, checks being each " CHECK_INTERVAL
	       " (30 s of checks each 15 s: 400 ms)\n",
		(long long)(now_ms() - start_ms));
	for (int i = 0; i < 3; i++)
		duo_answers(_i, "back again", "a");
	duo_end();
}
END_TEST

START_TEST(s16_the_fallbacks_model_and_usage_are_reported_and_failed_tries_cost_nothing)
{
	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "503");
	fake_provider_script(duo_fp, "b", "ok tokens=5");
	const struct wire_reply *reply = duo_ask_with(_i, DUO_HELLO ",\"chain\":\"three\"", NULL);
	ck_assert_str_eq(tree_text(reply->result, "provider_used"), "b");
	ck_assert_str_eq(tree_text(reply->result, "model_used"), "m");
	ck_assert(json_bool(tree_get(reply->result, "fallback_occurred"), false));
	ck_assert_int_eq(tree_int(reply->result, "usage.prompt_tokens"), 1);
	ck_assert_int_eq(tree_int(reply->result, "usage.completion_tokens"), 5);
	ck_assert_int_eq(tree_int(reply->result, "usage.total_tokens"), 6);
	ck_assert(!json_bool(tree_get(reply->result, "usage.estimated"), true));
	for (int i = 0; i < 2; i++) {
		duo_assert_class((size_t)i, "unavailable");
		ck_assert_int_eq(
			tree_int(reply->result,
				i == 0 ? "attempts.0.cost_picousd" : "attempts.1.cost_picousd"),
			0);
	}
	ck_assert_int_eq(tree_int(reply->result, "cost_picousd"),
		tree_int(reply->result, "attempts.2.cost_picousd"));
	duo_forget();
	duo_end();
}
END_TEST

static void
add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, s12_a_prompt_that_is_too_long_never_meets_the_same_model_again,
		0, DUO_MODES);
	tcase_add_loop_test(tests,
		s13_refused_content_is_told_with_the_reason_and_not_shopped_around, 0,
		2 * DUO_MODES);
	tcase_add_loop_test(tests,
		s13_content_refused_in_mid_stream_ends_the_call_with_what_was_said, 0, DUO_BREAKS);
	tcase_add_loop_test(tests, s13_an_answer_that_the_filter_ended_says_so, 0, DUO_MODES);
	tcase_add_test(tests, s14_a_fallback_that_refuses_prefill_is_asked_from_the_beginning);
	tcase_add_loop_test(tests,
		s15_down_for_a_minute_all_calls_are_served_and_then_by_the_primary_again, 0,
		DUO_MODES);
	tcase_add_loop_test(tests,
		s16_the_fallbacks_model_and_usage_are_reported_and_failed_tries_cost_nothing, 0,
		DUO_MODES);
}

int
main(void)
{
	Suite *suite = suite_create("refusals and outages");
	TCase *tests = tcase_create("refusals");
	SRunner *runner = srunner_create(suite);

	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	add_tests(tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
