/* SPDX-License-Identifier: MIT */
/*
 * The faults S01 to S11 of the public failover benchmark, through the real daemon: all end with the
 * whole answer, streamed or not. Limits that a fault needs are short for the faulty provider alone,
 * so that a slow machine changes nothing. check_system_refusals.c has the others.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/duo.h"

/* ---- before the first byte ---- */

START_TEST(s01_a_short_retry_after_is_waited_out_at_the_same_target)
{
	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "429 retry-after=1; ok text='after a second'");
	const struct wire_reply *reply = duo_ask(_i);
	ck_assert_str_eq(tree_text(reply->result, "text"), "after a second");
	ck_assert_str_eq(tree_text(reply->result, "provider_used"), "a");
	ck_assert(!json_bool(tree_get(reply->result, "fallback_occurred"), true));
	ck_assert_int_ge(tree_int(reply->result, "total_latency_ms"), 1000);
	duo_assert_class(0, "rate_limited");
	duo_assert_class(1, "ok");
	duo_assert_asked(2, 0);
	duo_forget();
	duo_end();
}
END_TEST

START_TEST(s02_a_rate_limit_for_good_is_failed_over_and_then_left_alone)
{
	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "429 retry-after=600");
	duo_answers(_i, DUO_TEXT_OF_B, "b");
	duo_assert_asked(1, 1);
	duo_answers(_i, DUO_TEXT_OF_B, "b");
	duo_assert_asked(1, 2);
	struct json *view = daemon_view(duo_daemon, "status");
	ck_assert_str_eq(tree_text(view, "targets.a/m.state"), "open");
	ck_assert_int_gt(tree_int(view, "targets.a/m.cooldown_remaining_ms"), 300000);
	json_free(view);
	duo_end();
}
END_TEST

START_TEST(s03_one_500_is_tried_again_at_the_same_target)
{
	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "500; ok text='it was an accident'");
	duo_answers(_i, "it was an accident", "a");
	duo_assert_asked(2, 0);
	duo_end();
}
END_TEST

START_TEST(s04_a_503_for_good_is_failed_over_after_one_repeat)
{
	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "503");
	duo_answers(_i, DUO_TEXT_OF_B, "b");
	duo_assert_asked(2, 1);
	duo_end();
}
END_TEST

static const char *const resets[] = {"reset", "reset; ok text='once'", "close"};

START_TEST(s05_a_reset_before_the_headers_is_tried_again_and_then_failed_over)
{
	int row = _i / DUO_MODES;

	duo_begin("", "");
	fake_provider_script(duo_fp, "a", resets[row]);
	if (row == 1)
		duo_answers(_i % DUO_MODES, "once", "a");
	else
		duo_answers(_i % DUO_MODES, DUO_TEXT_OF_B, "b");
	duo_assert_asked(2, row == 1 ? 0 : 1);
	duo_end();
}
END_TEST

/* What bounds a silence: of a stream first_token, of a whole answer the total. */
static const char *const impatience[] = {"total: 300ms", "first_token: 300ms"};

static void
silence(enum duo_mode mode, const char *script)
{
	duo_begin(impatience[mode], "");
	fake_provider_script(duo_fp, "a", script);
	const struct wire_reply *reply = duo_ask(mode);
	ck_assert_str_eq(tree_text(reply->result, "text"), DUO_TEXT_OF_B);
	duo_assert_class(0, "timeout");
	duo_assert_class(1, "ok");
	duo_forget();
	duo_assert_asked(1, 1);
	fake_provider_wait(duo_fp, "a", "cancelled=1&in_flight=0");
	duo_end();
}

START_TEST(s06_accepted_and_then_silence_is_one_try_and_then_the_next_target)
{
	silence(_i, "hang");
}
END_TEST

START_TEST(s07_headers_at_once_and_no_token_is_silence)
{
	silence(_i, "headers-hang");
}
END_TEST

START_TEST(s07_neither_pings_nor_an_empty_beginning_is_a_token)
{
	duo_begin(impatience[DUO_STREAMED], "");
	fake_provider_script(duo_fp, "a", "ok pings=10000 gap=20");
	const struct wire_reply *reply = duo_ask(DUO_STREAMED);
	ck_assert_str_eq(tree_text(reply->result, "text"), DUO_TEXT_OF_B);
	duo_assert_class(0, "timeout");
	duo_assert_asked(1, 1);
	duo_forget();
	duo_end();
}
END_TEST

/* ---- in the middle ---- */

static void
assert_broke(const char *heard)
{
	ck_assert_uint_eq(duo_told.resets, 0);
	ck_assert_str_eq(json_text(duo_told.reply.error, "partial"), heard);
	ck_assert_uint_eq(json_count(json_get(duo_told.reply.error, "attempts")), 1);
	duo_assert_asked(1, 0);
}

static void
assert_restarted(const char *heard, const char *whole)
{
	ck_assert_uint_eq(duo_told.resets, 1);
	ck_assert_str_eq(duo_told.void_text.data, heard);
	ck_assert_str_eq(tree_text(duo_told.reply.result, "text"), whole);
	ck_assert_str_eq(tree_text(duo_told.reply.result, "provider_used"), "b");
	duo_assert_asked(1, 1);
}

/* b is given what was heard and goes on from there. */
static void
assert_continued(const char *heard, const char *whole)
{
	ck_assert_uint_eq(duo_told.resets, 0);
	ck_assert_str_eq(tree_text(duo_told.reply.result, "text"), whole);
	duo_assert_asked(1, 1);
	char *asked = fake_provider_requests(duo_fp, "b");
	duo_assert_has(asked, "assistant");
	duo_assert_has(asked, heard);
	free(asked);
}

/* a says `count` of 60 words and breaks in that way. */
static void
break_after(int count, enum duo_on_break on_break, const char *timeout, const char *fault)
{
	char *whole = duo_words(1, 60), *heard = duo_words(1, count),
	     *rest = duo_words(count + 1, 60);
	char *script = x_asprintf("tokens=60 %s=%d", fault, count);
	char *params = x_asprintf(DUO_HELLO ",\"on_break\":\"%s\"", duo_on_breaks[on_break]);
	char *text = x_asprintf("ok text='%s'", on_break == DUO_BREAK_CONTINUE ? rest : whole);

	duo_begin(timeout, "");
	fake_provider_script(duo_fp, "a", script);
	fake_provider_script(duo_fp, "b", text);
	duo_ask_with(DUO_STREAMED, params, on_break == DUO_BREAK_ERROR ? "interrupted" : NULL);
	if (on_break == DUO_BREAK_ERROR)
		assert_broke(heard);
	else if (on_break == DUO_BREAK_RESTART)
		assert_restarted(heard, whole);
	else
		assert_continued(heard, whole);
	duo_forget();
	duo_end();
	free(whole);
	free(heard);
	free(rest);
	free(script);
	free(params);
	free(text);
}

static const struct {
	const char *timeout, *script;
} unseen[] = {
	{"", "cut-after=0"},
	{"", "reset-after=0 pings"},
	{"first_token: 300ms", "stall-after=0"},
	{"", "error-after=0 reasoning=hm"},
	{"", "error-first"},
	{"", "bad-event-after=0"},
	{"", "text='' no-finish"},
	{"", "html"},
	{"", "empty"},
};

START_TEST(a_break_before_the_first_token_is_never_seen)
{
	duo_begin(unseen[_i].timeout, "");
	fake_provider_script(duo_fp, "a", unseen[_i].script);
	duo_answers(DUO_STREAMED, DUO_TEXT_OF_B, "b");
	duo_end();
}
END_TEST

START_TEST(s08_cut_after_40_of_60_tokens)
{
	break_after(40, _i, "", "cut-after");
}
END_TEST

START_TEST(s08_reset_after_40_of_60_tokens)
{
	break_after(40, _i, "", "reset-after");
}
END_TEST

START_TEST(s08_an_answer_that_is_cut_short_is_asked_for_again)
{
	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "tokens=60 truncated=400");
	duo_answers(DUO_WHOLE, DUO_TEXT_OF_B, "b");
	duo_end();
}
END_TEST

START_TEST(s09_a_stall_after_20_tokens)
{
	break_after(20, _i, "idle: 300ms", "stall-after");
}
END_TEST

START_TEST(s10_an_event_that_is_no_json)
{
	break_after(30, _i, "", "bad-event-after");
}
END_TEST

START_TEST(s10_an_error_event)
{
	break_after(30, _i, "", "error-after");
}
END_TEST

START_TEST(s10_an_answer_that_is_no_json)
{
	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "bad-json");
	const struct wire_reply *reply = duo_ask(DUO_WHOLE);
	ck_assert_str_eq(tree_text(reply->result, "text"), DUO_TEXT_OF_B);
	duo_assert_class(0, "malformed_response");
	duo_forget();
	duo_end();
}
END_TEST

START_TEST(s11_an_end_without_done_is_an_end)
{
	char *whole = duo_words(1, 60);

	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "tokens=60 no-done");
	duo_answers(DUO_STREAMED, whole, "a");
	duo_assert_asked(1, 0);
	free(whole);
	duo_end();
}
END_TEST

START_TEST(s11_an_end_without_a_finish_reason_is_a_break)
{
	char *whole = duo_words(1, 60);

	duo_begin("", "");
	fake_provider_script(duo_fp, "a", "tokens=60 no-finish");
	duo_ask_with(DUO_STREAMED, DUO_HELLO ",\"on_break\":\"restart\"", NULL);
	assert_restarted(whole, DUO_TEXT_OF_B);
	duo_forget();
	free(whole);
	duo_end();
}
END_TEST

static void
add_before(TCase *tests)
{
	int rows = (int)(sizeof resets / sizeof resets[0]);

	tcase_add_loop_test(
		tests, s01_a_short_retry_after_is_waited_out_at_the_same_target, 0, DUO_MODES);
	tcase_add_loop_test(
		tests, s02_a_rate_limit_for_good_is_failed_over_and_then_left_alone, 0, DUO_MODES);
	tcase_add_loop_test(tests, s03_one_500_is_tried_again_at_the_same_target, 0, DUO_MODES);
	tcase_add_loop_test(
		tests, s04_a_503_for_good_is_failed_over_after_one_repeat, 0, DUO_MODES);
	tcase_add_loop_test(tests,
		s05_a_reset_before_the_headers_is_tried_again_and_then_failed_over, 0,
		rows * DUO_MODES);
	tcase_add_loop_test(tests,
		s06_accepted_and_then_silence_is_one_try_and_then_the_next_target, 0, DUO_MODES);
	tcase_add_loop_test(tests, s07_headers_at_once_and_no_token_is_silence, 0, DUO_MODES);
	tcase_add_test(tests, s07_neither_pings_nor_an_empty_beginning_is_a_token);
}

static void
add_middle(TCase *tests)
{
	tcase_add_loop_test(tests, a_break_before_the_first_token_is_never_seen, 0,
		(int)(sizeof unseen / sizeof unseen[0]));
	tcase_add_loop_test(tests, s08_cut_after_40_of_60_tokens, 0, DUO_BREAKS);
	tcase_add_loop_test(tests, s08_reset_after_40_of_60_tokens, 0, DUO_BREAKS);
	tcase_add_test(tests, s08_an_answer_that_is_cut_short_is_asked_for_again);
	tcase_add_loop_test(tests, s09_a_stall_after_20_tokens, 0, DUO_BREAKS);
	tcase_add_loop_test(tests, s10_an_event_that_is_no_json, 0, DUO_BREAKS);
	tcase_add_loop_test(tests, s10_an_error_event, 0, DUO_BREAKS);
	tcase_add_test(tests, s10_an_answer_that_is_no_json);
	tcase_add_test(tests, s11_an_end_without_done_is_an_end);
	tcase_add_test(tests, s11_an_end_without_a_finish_reason_is_a_break);
}

int
main(void)
{
	Suite *suite = suite_create("sixteen faults");
	TCase *tests = tcase_create("faults");
	SRunner *runner = srunner_create(suite);

	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	add_before(tests);
	add_middle(tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
