/* SPDX-License-Identifier: MIT */
/*
 * The sixteen faults of the public failover benchmark, S01 to S16, through the real daemon: all end
 * with the whole answer (S13: with the provider's reason), streamed or not. Limits that a fault
 * needs are short for the faulty provider alone, so that a slow machine changes nothing.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/told.h"

#define HELLO "\"prompt\":\"hello\""
#define TEXT_OF_B "the whole answer of b"

/* How a call is made: one loop index each. */
enum mode { WHOLE, STREAMED, MODES };

/* What a stream becomes that breaks: one loop index each. */
enum on_break { BREAK_ERROR, BREAK_RESTART, BREAK_CONTINUE, BREAKS };
static const char *const on_breaks[] = {"error", "restart", "continue"};

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct wire wire;
static struct told told;

/* a and b with models m and long; timeout: a's, in YAML; more: further lines. */
static void
begin(const char *timeout, const char *more)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--models", "a:m", "--provider", "b=ollama", NULL};

	fp = fake_provider_start(options);
	fake_provider_script(fp, "b", "ok text='" TEXT_OF_B "'");
	daemon_begin(d,
		"providers:\n"
		"  a: {api: vllm, base_url: '%s/v1', models: [m], timeout: {%s}}\n"
		"  b: {api: ollama, base_url: '%s', models: [m, long]}\n"
		"chains: {default: {targets: [a/m, b/m]}, three: {targets: [a/m, b/m, b/long]}}\n"
		"%s",
		fake_provider_url(fp, "a"), timeout, fake_provider_url(fp, "b"), more);
	wire_open(&wire, d->socket);
}

static void
end(void)
{
	wire_close(&wire);
	daemon_stop(d);
	fake_provider_stop(fp);
}

/* The reply to a call of these params; kept in `told` until forget(). */
static const struct wire_reply *
ask_with(enum mode mode, const char *params, const char *code)
{
	if (mode == STREAMED) {
		told_ask(&told, &wire, 1, params);
		told_all(&told, &wire, code);
	} else {
		char *all = x_asprintf("[{%s}]", params);

		memset(&told, 0, sizeof told);
		wire_request(&wire, 1, "generate", all);
		told.reply = wire_expect(&wire, 1, code);
		free(all);
	}
	return &told.reply;
}

static const struct wire_reply *
ask(enum mode mode)
{
	return ask_with(mode, HELLO, NULL);
}

static void
forget(void)
{
	told_free(&told);
}

/* Asks once; that is the text, and who said it. */
static void
answers(enum mode mode, const char *text, const char *provider)
{
	const struct wire_reply *reply = ask(mode);

	ck_assert_str_eq(tree_text(reply->result, "text"), text);
	ck_assert_str_eq(tree_text(reply->result, "provider_used"), provider);
	ck_assert_uint_eq(told.resets, 0);
	forget();
}

static void
assert_asked(int64_t at_a, int64_t at_b)
{
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, at_a);
	ck_assert_int_eq(fake_provider_stats(fp, "b").requests, at_b);
}

static void
assert_class(size_t attempt, const char *class)
{
	char path[64];

	snprintf(path, sizeof path, "attempts.%zu.class", attempt);
	ck_assert_str_eq(tree_text(told.reply.result, path), class);
}

static void
assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no `%s` in: %s", part, text);
}

/* "word1 word2 ...", as the scripted provider counts. */
static char *
words(int from, int to)
{
	struct buf text;

	buf_init(&text, 65536);
	for (int i = from; i <= to; i++)
		ck_assert_int_eq(buf_printf(&text, "%sword%d", i > 1 ? " " : "", i), 0);
	return buf_take(&text, NULL);
}

/* ---- before the first byte ---- */

START_TEST(s01_a_short_retry_after_is_waited_out_at_the_same_target)
{
	begin("", "");
	fake_provider_script(fp, "a", "429 retry-after=1; ok text='after a second'");
	const struct wire_reply *reply = ask(_i);
	ck_assert_str_eq(tree_text(reply->result, "text"), "after a second");
	ck_assert_str_eq(tree_text(reply->result, "provider_used"), "a");
	ck_assert(!json_bool(tree_get(reply->result, "fallback_occurred"), true));
	ck_assert_int_ge(tree_int(reply->result, "total_latency_ms"), 1000);
	assert_class(0, "rate_limited");
	assert_class(1, "ok");
	assert_asked(2, 0);
	forget();
	end();
}
END_TEST

START_TEST(s02_a_rate_limit_for_good_is_failed_over_and_then_left_alone)
{
	begin("", "");
	fake_provider_script(fp, "a", "429 retry-after=600");
	answers(_i, TEXT_OF_B, "b");
	assert_asked(1, 1);
	answers(_i, TEXT_OF_B, "b");
	assert_asked(1, 2);
	struct json *view = daemon_view(d, "status");
	ck_assert_str_eq(tree_text(view, "targets.a/m.state"), "open");
	ck_assert_int_gt(tree_int(view, "targets.a/m.cooldown_remaining_ms"), 300000);
	json_free(view);
	end();
}
END_TEST

START_TEST(s03_one_500_is_tried_again_at_the_same_target)
{
	begin("", "");
	fake_provider_script(fp, "a", "500; ok text='it was an accident'");
	answers(_i, "it was an accident", "a");
	assert_asked(2, 0);
	end();
}
END_TEST

START_TEST(s04_a_503_for_good_is_failed_over_after_one_repeat)
{
	begin("", "");
	fake_provider_script(fp, "a", "503");
	answers(_i, TEXT_OF_B, "b");
	assert_asked(2, 1);
	end();
}
END_TEST

static const char *const resets[] = {"reset", "reset; ok text='once'", "close"};

START_TEST(s05_a_reset_before_the_headers_is_tried_again_and_then_failed_over)
{
	int row = _i / MODES;

	begin("", "");
	fake_provider_script(fp, "a", resets[row]);
	if (row == 1)
		answers(_i % MODES, "once", "a");
	else
		answers(_i % MODES, TEXT_OF_B, "b");
	assert_asked(2, row == 1 ? 0 : 1);
	end();
}
END_TEST

/* What bounds a silence: of a stream first_token, of a whole answer the total. */
static const char *const impatience[] = {"total: 300ms", "first_token: 300ms"};

static void
silence(enum mode mode, const char *script)
{
	begin(impatience[mode], "");
	fake_provider_script(fp, "a", script);
	const struct wire_reply *reply = ask(mode);
	ck_assert_str_eq(tree_text(reply->result, "text"), TEXT_OF_B);
	assert_class(0, "timeout");
	assert_class(1, "ok");
	forget();
	assert_asked(1, 1);
	fake_provider_wait(fp, "a", "cancelled=1&in_flight=0");
	end();
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
	begin(impatience[STREAMED], "");
	fake_provider_script(fp, "a", "ok pings=100000 gap=20");
	const struct wire_reply *reply = ask(STREAMED);
	ck_assert_str_eq(tree_text(reply->result, "text"), TEXT_OF_B);
	assert_class(0, "timeout");
	assert_asked(1, 1);
	forget();
	end();
}
END_TEST

/* ---- in the middle ---- */

static void
assert_broke(const char *heard)
{
	ck_assert_uint_eq(told.resets, 0);
	ck_assert_str_eq(json_text(told.reply.error, "partial"), heard);
	ck_assert_uint_eq(json_count(json_get(told.reply.error, "attempts")), 1);
	assert_asked(1, 0);
}

static void
assert_restarted(const char *heard, const char *whole)
{
	ck_assert_uint_eq(told.resets, 1);
	ck_assert_str_eq(told.void_text.data, heard);
	ck_assert_str_eq(tree_text(told.reply.result, "text"), whole);
	ck_assert_str_eq(tree_text(told.reply.result, "provider_used"), "b");
	assert_asked(1, 1);
}

/* b is given what was heard and goes on from there. */
static void
assert_continued(const char *heard, const char *whole)
{
	ck_assert_uint_eq(told.resets, 0);
	ck_assert_str_eq(tree_text(told.reply.result, "text"), whole);
	assert_asked(1, 1);
	char *asked = fake_provider_requests(fp, "b");
	assert_has(asked, "assistant");
	assert_has(asked, heard);
	free(asked);
}

/* a says `count` of 60 words and breaks in that way. */
static void
break_after(int count, enum on_break on_break, const char *timeout, const char *fault)
{
	char *whole = words(1, 60), *heard = words(1, count), *rest = words(count + 1, 60);
	char *script = x_asprintf("tokens=60 %s=%d", fault, count);
	char *params = x_asprintf(HELLO ",\"on_break\":\"%s\"", on_breaks[on_break]);
	char *text = x_asprintf("ok text='%s'", on_break == BREAK_CONTINUE ? rest : whole);

	begin(timeout, "");
	fake_provider_script(fp, "a", script);
	fake_provider_script(fp, "b", text);
	ask_with(STREAMED, params, on_break == BREAK_ERROR ? "interrupted" : NULL);
	if (on_break == BREAK_ERROR)
		assert_broke(heard);
	else if (on_break == BREAK_RESTART)
		assert_restarted(heard, whole);
	else
		assert_continued(heard, whole);
	forget();
	end();
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
	begin(unseen[_i].timeout, "");
	fake_provider_script(fp, "a", unseen[_i].script);
	answers(STREAMED, TEXT_OF_B, "b");
	end();
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
	begin("", "");
	fake_provider_script(fp, "a", "tokens=60 truncated=400");
	answers(WHOLE, TEXT_OF_B, "b");
	end();
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
	begin("", "");
	fake_provider_script(fp, "a", "bad-json");
	const struct wire_reply *reply = ask(WHOLE);
	ck_assert_str_eq(tree_text(reply->result, "text"), TEXT_OF_B);
	assert_class(0, "malformed_response");
	forget();
	end();
}
END_TEST

START_TEST(s11_an_end_without_done_is_an_end)
{
	char *whole = words(1, 60);

	begin("", "");
	fake_provider_script(fp, "a", "tokens=60 no-done");
	answers(STREAMED, whole, "a");
	assert_asked(1, 0);
	free(whole);
	end();
}
END_TEST

START_TEST(s11_an_end_without_a_finish_reason_is_a_break)
{
	char *whole = words(1, 60);

	begin("", "");
	fake_provider_script(fp, "a", "tokens=60 no-finish");
	ask_with(STREAMED, HELLO ",\"on_break\":\"restart\"", NULL);
	assert_restarted(whole, TEXT_OF_B);
	forget();
	free(whole);
	end();
}
END_TEST

/* ---- what is no failure of the provider ---- */

START_TEST(s12_a_prompt_that_is_too_long_never_meets_the_same_model_again)
{
	begin("", "");
	fake_provider_script(fp, "a", "400 kind=context");
	const struct wire_reply *reply = ask_with(_i, HELLO ",\"chain\":\"three\"", NULL);
	ck_assert_str_eq(tree_text(reply->result, "text"), TEXT_OF_B);
	ck_assert_str_eq(tree_text(reply->result, "model_used"), "long");
	assert_class(0, "context_length");
	assert_class(1, "ok");
	forget();
	assert_asked(1, 1);
	struct json *view = daemon_view(d, "status");
	ck_assert_int_eq(tree_int(view, "targets.a/m.consecutive_failures"), 0);
	json_free(view);
	end();
}
END_TEST

static const char *const refusals[] = {
	"400 kind=policy message='not in this house'",
	"ok text='' finish=content_filter",
};

START_TEST(s13_refused_content_is_told_with_the_reason_and_not_shopped_around)
{
	int row = _i / MODES;

	begin("", "");
	fake_provider_script(fp, "a", refusals[row]);
	const struct wire_reply *reply = ask_with(_i % MODES, HELLO, "content_policy");
	if (row == 0)
		assert_has(json_text(reply->error, "message"), "not in this house");
	ck_assert_ptr_null(json_get(reply->error, "partial"));
	forget();
	assert_asked(1, 0);
	struct json *view = daemon_view(d, "status");
	ck_assert_str_eq(tree_text(view, "targets.a/m.state"), "closed");
	ck_assert_int_eq(tree_int(view, "targets.a/m.consecutive_failures"), 0);
	json_free(view);
	end();
}
END_TEST

START_TEST(s13_content_refused_in_mid_stream_ends_the_call_with_what_was_said)
{
	char *heard = words(1, 5);
	char *params = x_asprintf(HELLO ",\"on_break\":\"%s\"", on_breaks[_i]);

	begin("", "");
	fake_provider_script(fp, "a", "tokens=5 finish=content_filter");
	ask_with(STREAMED, params, "content_policy");
	assert_broke(heard);
	forget();
	free(params);
	free(heard);
	end();
}
END_TEST

START_TEST(s14_a_fallback_that_refuses_prefill_is_asked_from_the_beginning)
{
	char *whole = words(1, 60), *heard = words(1, 40);
	char *text = x_asprintf("ok no-prefill text='%s'", whole);

	begin("", "");
	fake_provider_script(fp, "a", "tokens=60 cut-after=40");
	fake_provider_script(fp, "b", text);
	ask_with(STREAMED, HELLO ",\"on_break\":\"continue\"", NULL);
	ck_assert_uint_eq(told.resets, 1);
	ck_assert_str_eq(told.void_text.data, heard);
	ck_assert_str_eq(tree_text(told.reply.result, "text"), whole);
	ck_assert_str_eq(tree_text(told.reply.result, "provider_used"), "b");
	forget();
	assert_asked(1, 2);
	free(whole);
	free(heard);
	free(text);
	end();
}
END_TEST

/* ---- over a while ---- */

#define CHECK_INTERVAL "200ms"
#define INTERVALS_DOWN 4 /* of 15 s: a minute */
#define CALLS_AN_INTERVAL 4
#define PACE_MS 50 /* 4 s of 15 in the scale of the interval */

/* Down for a minute in the time of the checks: INTERVALS_DOWN of them find it so. */
static void
outage(enum mode mode)
{
	char checks[32];

	fake_provider_script(fp, "a", "503");
	fake_provider_check_script(fp, "a", "503");
	for (int i = 0; i < INTERVALS_DOWN; i++) {
		for (int k = 0; k < CALLS_AN_INTERVAL; k++)
			answers(mode, TEXT_OF_B, "b");
		snprintf(checks, sizeof checks, "checks=%d", i + 1);
		fake_provider_wait(fp, "a", checks);
	}
	ck_assert_int_le(fake_provider_stats(fp, "a").requests, INTERVALS_DOWN);
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

	begin("", "health: {check_interval: " CHECK_INTERVAL "}\n");
	outage(_i);
	fake_provider_script(fp, "a", "ok text='back again'");
	fake_provider_check_script(fp, "a", "ok");
	int64_t start_ms = now_ms();
	while (!back) {
		const struct wire_reply *reply = ask(_i);

		back = strcmp(tree_text(reply->result, "provider_used"), "a") == 0;
		ck_assert_str_eq(tree_text(reply->result, "text"), back ? "back again" : TEXT_OF_B);
		forget();
		(void)poll(NULL, 0, PACE_MS);
	}
	printf("S15: back after %lld ms, checks being each " CHECK_INTERVAL
	       " (30 s of checks each 15 s: 400 ms)\n",
		(long long)(now_ms() - start_ms));
	for (int i = 0; i < 3; i++)
		answers(_i, "back again", "a");
	end();
}
END_TEST

START_TEST(s16_the_fallbacks_model_and_usage_are_reported_and_failed_tries_cost_nothing)
{
	begin("", "");
	fake_provider_script(fp, "a", "503");
	fake_provider_script(fp, "b", "ok tokens=5");
	const struct wire_reply *reply = ask_with(_i, HELLO ",\"chain\":\"three\"", NULL);
	ck_assert_str_eq(tree_text(reply->result, "provider_used"), "b");
	ck_assert_str_eq(tree_text(reply->result, "model_used"), "m");
	ck_assert(json_bool(tree_get(reply->result, "fallback_occurred"), false));
	ck_assert_int_eq(tree_int(reply->result, "usage.prompt_tokens"), 1);
	ck_assert_int_eq(tree_int(reply->result, "usage.completion_tokens"), 5);
	ck_assert_int_eq(tree_int(reply->result, "usage.total_tokens"), 6);
	ck_assert(!json_bool(tree_get(reply->result, "usage.estimated"), true));
	for (int i = 0; i < 2; i++) {
		assert_class((size_t)i, "unavailable");
		ck_assert_int_eq(
			tree_int(reply->result,
				i == 0 ? "attempts.0.cost_picousd" : "attempts.1.cost_picousd"),
			0);
	}
	ck_assert_int_eq(tree_int(reply->result, "cost_picousd"),
		tree_int(reply->result, "attempts.2.cost_picousd"));
	forget();
	end();
}
END_TEST

static void
add_before(TCase *tests)
{
	int rows = (int)(sizeof resets / sizeof resets[0]);

	tcase_add_loop_test(
		tests, s01_a_short_retry_after_is_waited_out_at_the_same_target, 0, MODES);
	tcase_add_loop_test(
		tests, s02_a_rate_limit_for_good_is_failed_over_and_then_left_alone, 0, MODES);
	tcase_add_loop_test(tests, s03_one_500_is_tried_again_at_the_same_target, 0, MODES);
	tcase_add_loop_test(tests, s04_a_503_for_good_is_failed_over_after_one_repeat, 0, MODES);
	tcase_add_loop_test(tests,
		s05_a_reset_before_the_headers_is_tried_again_and_then_failed_over, 0,
		rows * MODES);
	tcase_add_loop_test(
		tests, s06_accepted_and_then_silence_is_one_try_and_then_the_next_target, 0, MODES);
	tcase_add_loop_test(tests, s07_headers_at_once_and_no_token_is_silence, 0, MODES);
	tcase_add_test(tests, s07_neither_pings_nor_an_empty_beginning_is_a_token);
}

static void
add_middle(TCase *tests)
{
	tcase_add_loop_test(tests, a_break_before_the_first_token_is_never_seen, 0,
		(int)(sizeof unseen / sizeof unseen[0]));
	tcase_add_loop_test(tests, s08_cut_after_40_of_60_tokens, 0, BREAKS);
	tcase_add_loop_test(tests, s08_reset_after_40_of_60_tokens, 0, BREAKS);
	tcase_add_test(tests, s08_an_answer_that_is_cut_short_is_asked_for_again);
	tcase_add_loop_test(tests, s09_a_stall_after_20_tokens, 0, BREAKS);
	tcase_add_loop_test(tests, s10_an_event_that_is_no_json, 0, BREAKS);
	tcase_add_loop_test(tests, s10_an_error_event, 0, BREAKS);
	tcase_add_test(tests, s10_an_answer_that_is_no_json);
	tcase_add_test(tests, s11_an_end_without_done_is_an_end);
	tcase_add_test(tests, s11_an_end_without_a_finish_reason_is_a_break);
}

static void
add_others(TCase *tests)
{
	tcase_add_loop_test(
		tests, s12_a_prompt_that_is_too_long_never_meets_the_same_model_again, 0, MODES);
	tcase_add_loop_test(tests,
		s13_refused_content_is_told_with_the_reason_and_not_shopped_around, 0, 2 * MODES);
	tcase_add_loop_test(tests,
		s13_content_refused_in_mid_stream_ends_the_call_with_what_was_said, 0, BREAKS);
	tcase_add_test(tests, s14_a_fallback_that_refuses_prefill_is_asked_from_the_beginning);
	tcase_add_loop_test(tests,
		s15_down_for_a_minute_all_calls_are_served_and_then_by_the_primary_again, 0, MODES);
	tcase_add_loop_test(tests,
		s16_the_fallbacks_model_and_usage_are_reported_and_failed_tries_cost_nothing, 0,
		MODES);
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
	add_others(tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
