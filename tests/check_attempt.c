/* SPDX-License-Identifier: MIT */
/*
 * One attempt at a provider that streams, in virtual time: what it tells, when it ends and what
 * that proves. What it makes of answers in one go is in the scenarios.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/attempt_stage.h"
#include "support/config_support.h"

#define ANY (-1)

static const struct row {
	const char *what;
	struct fake_piece pieces[PIECES];
	struct {
		enum transport_end end;
		bool hangs, reused;
		int status;
		const char *body;
		int64_t begins_ms, after_ms;
		size_t cut_bytes;
	} does;
	struct {
		int64_t own, limit, share, deadline;
	} limits;
	enum outcome_class class;
	bool counts;
	const char *text; /* told */
	int64_t latency_ms, first_ms;
	const char *message; /* a part of it */
} rows[] = {
	{.what = "a whole one",
		.pieces = {TEXT(100, "a"), TEXT(100, "b"), PIECE(100, FINISH), PIECE(0, MARK)},
		.class = OUTCOME_OK,
		.text = "ab",
		.latency_ms = 300,
		.first_ms = 100},
	{.what = "one byte a packet",
		.pieces = {TEXT(100, "\xc3\xa4"), TEXT(100, "\xe2\x82\xac"), PIECE(100, FINISH),
			PIECE(0, MARK)},
		.does = {.cut_bytes = 1},
		.class = OUTCOME_OK,
		.text = "\xc3\xa4\xe2\x82\xac",
		.latency_ms = 300,
		.first_ms = 100},
	{.what = "a provider that says all at once",
		.does = {.after_ms = 700},
		.class = OUTCOME_OK,
		.text = "hello from a",
		.latency_ms = 700,
		.first_ms = 700},
	{.what = "one plain answer",
		.does = {.body = "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":"
				 "\"plain\"},\"finish_reason\":\"stop\"}]}",
			.after_ms = 700},
		.class = OUTCOME_OK,
		.text = "plain",
		.latency_ms = 700,
		.first_ms = 700},
	{.what = "no [DONE]",
		.pieces = {TEXT(100, "a"), PIECE(100, FINISH)},
		.class = OUTCOME_OK,
		.text = "a",
		.latency_ms = 200,
		.first_ms = 100},
	{.what = "no [DONE], and cut behind the finish reason",
		.pieces = {TEXT(100, "a"), PIECE(100, FINISH)},
		.does = {.end = TRANSPORT_TRUNCATED},
		.class = OUTCOME_OK,
		.text = "a",
		.latency_ms = 200,
		.first_ms = 100},
	{.what = "no [DONE], and the connection stays: nobody waits for long",
		.pieces = {TEXT(100, "a"), PIECE(100, FINISH)},
		.does = {.hangs = true},
		.class = OUTCOME_OK,
		.text = "a",
		.latency_ms = 1200,
		.first_ms = 100},
	{.what = "no [DONE], and the deadline passes",
		.pieces = {TEXT(100, "a"), PIECE(100, FINISH)},
		.does = {.hangs = true},
		.limits = {.deadline = 500},
		.class = OUTCOME_OK,
		.text = "a",
		.latency_ms = 500,
		.first_ms = 100},
	{.what = "[DONE], and the connection stays",
		.pieces = {TEXT(100, "a"), PIECE(100, FINISH), PIECE(100, MARK)},
		.does = {.hangs = true},
		.class = OUTCOME_OK,
		.text = "a",
		.latency_ms = 320,
		.first_ms = 100},
	{.what = "what follows the end is nothing",
		.pieces = {TEXT(100, "a"), PIECE(100, FINISH), PIECE(100, MARK),
			PIECE(5, NONSENSE)},
		.class = OUTCOME_OK,
		.text = "a",
		.latency_ms = 305,
		.first_ms = 100},
	{.what = "an end without a finish reason",
		.pieces = {TEXT(100, "a"), TEXT(100, "b")},
		.class = OUTCOME_MALFORMED_RESPONSE,
		.counts = true,
		.text = "ab",
		.latency_ms = 200,
		.first_ms = 100,
		.message = "finish reason"},
	{.what = "cut",
		.pieces = {TEXT(100, "a"), TEXT(100, "b")},
		.does = {.end = TRANSPORT_TRUNCATED},
		.class = OUTCOME_MALFORMED_RESPONSE,
		.counts = true,
		.text = "ab",
		.latency_ms = 200,
		.first_ms = 100},
	{.what = "cut before any content",
		.pieces = {PIECE(100, PING)},
		.does = {.end = TRANSPORT_TRUNCATED},
		.class = OUTCOME_MALFORMED_RESPONSE,
		.counts = true,
		.text = "",
		.latency_ms = 100,
		.first_ms = -1},
	{.what = "an error among the events",
		.pieces = {TEXT(100, "a"), SAYS(100, ERROR, "the engine stalled"), TEXT(100, "b")},
		.class = OUTCOME_SERVER_ERROR,
		.counts = true,
		.text = "a",
		.latency_ms = 200,
		.first_ms = 100,
		.message = "the engine stalled"},
	{.what = "an event that is not JSON",
		.pieces = {TEXT(100, "a"), PIECE(100, NONSENSE), TEXT(100, "b")},
		.class = OUTCOME_MALFORMED_RESPONSE,
		.counts = true,
		.text = "a",
		.latency_ms = 200,
		.first_ms = 100},
	{.what = "a tool call",
		.pieces = {SAYS(100, TOOL, "look {\"x\":1}"), PIECE(100, FINISH), PIECE(0, MARK)},
		.class = OUTCOME_OK,
		.text = "",
		.latency_ms = 200,
		.first_ms = ANY},
	{.what = "silence behind the headers",
		.does = {.hangs = true, .begins_ms = 1},
		.class = OUTCOME_TIMEOUT,
		.counts = true,
		.text = "",
		.latency_ms = 10000,
		.first_ms = -1,
		.message = "no content within 10000 ms"},
	{.what = "silence before them",
		.does = {.hangs = true},
		.class = OUTCOME_TIMEOUT,
		.counts = true,
		.text = "",
		.latency_ms = 10000,
		.first_ms = -1,
		.message = "no content within 10000 ms"},
	{.what = "pings are no content",
		.pieces = {PIECE(3000, PING), PIECE(3000, PING), PIECE(3000, PING),
			PIECE(3000, PING), TEXT(100, "a")},
		.class = OUTCOME_TIMEOUT,
		.counts = true,
		.text = "",
		.latency_ms = 10000,
		.first_ms = -1},
	{.what = "thoughts are",
		.pieces = {SAYS(9000, REASONING, "hm"), SAYS(4000, REASONING, "so"),
			TEXT(4000, "a"), PIECE(4000, FINISH), PIECE(0, MARK)},
		.class = OUTCOME_OK,
		.text = "a",
		.latency_ms = 21000,
		.first_ms = 17000},
	{.what = "silence within",
		.pieces = {TEXT(1000, "a"), TEXT(4000, "b")},
		.does = {.hangs = true},
		.class = OUTCOME_TIMEOUT,
		.counts = true,
		.text = "ab",
		.latency_ms = 10000,
		.first_ms = 1000,
		.message = "nothing more came for 5000 ms"},
	{.what = "silence within, but for pings",
		.pieces = {TEXT(1000, "a"), PIECE(3000, PING), PIECE(3000, PING), TEXT(1, "b")},
		.class = OUTCOME_TIMEOUT,
		.counts = true,
		.text = "a",
		.latency_ms = 6000,
		.first_ms = 1000},
	{.what = "too long, though never silent",
		.pieces = {TEXT(3000, "a"), TEXT(3000, "b"), TEXT(3000, "c")},
		.limits = {.own = 8000, .limit = 8000},
		.class = OUTCOME_TIMEOUT,
		.counts = true,
		.text = "ab",
		.latency_ms = 8000,
		.first_ms = 3000,
		.message = "no complete answer within 8000 ms"},
	{.what = "too long for the caller alone",
		.pieces = {TEXT(3000, "a"), TEXT(3000, "b"), TEXT(3000, "c")},
		.limits = {.own = 8000, .limit = 7000},
		.class = OUTCOME_TIMEOUT,
		.text = "ab",
		.latency_ms = 7000,
		.first_ms = 3000},
	{.what = "too late for its share",
		.pieces = {TEXT(3000, "a")},
		.limits = {.share = 2000},
		.class = OUTCOME_TIMEOUT,
		.text = "",
		.latency_ms = 2000,
		.first_ms = -1,
		.message = "no content within 2000 ms"},
	{.what = "a share bounds the first content alone",
		.pieces = {TEXT(1900, "a"), TEXT(3000, "b"), PIECE(3000, FINISH), PIECE(0, MARK)},
		.limits = {.share = 2000},
		.class = OUTCOME_OK,
		.text = "ab",
		.latency_ms = 7900,
		.first_ms = 1900},
	{.what = "the call's deadline",
		.pieces = {TEXT(3000, "a"), TEXT(3000, "b"), TEXT(3000, "c")},
		.limits = {.deadline = 7000},
		.class = OUTCOME_DEADLINE_EXCEEDED,
		.text = "ab",
		.latency_ms = 7000,
		.first_ms = 3000},
	{.what = "a status that is a failure",
		.does = {.status = 503, .after_ms = 40},
		.class = OUTCOME_UNAVAILABLE,
		.counts = true,
		.text = "",
		.latency_ms = 40,
		.first_ms = -1},
	{.what = "a failure whose body hangs",
		.does = {.status = 503, .begins_ms = 40, .after_ms = 9000},
		.class = OUTCOME_UNAVAILABLE,
		.counts = true,
		.text = "",
		.latency_ms = 1040,
		.first_ms = -1},
	{.what = "a reply that is no stream",
		.does = {.body = "<html>hello</html>", .after_ms = 40},
		.class = OUTCOME_MALFORMED_RESPONSE,
		.counts = true,
		.text = "",
		.latency_ms = 40,
		.first_ms = -1},
};

static void
script_row(const struct row *row)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.end = row->does.end;
	behaviour.hangs = row->does.hangs;
	if (row->does.status)
		behaviour.status = row->does.status;
	if (row->does.body)
		behaviour.body = x_strdup(row->does.body);
	if (row->does.begins_ms)
		behaviour.begins_ms = row->does.begins_ms;
	behaviour.after_ms = row->does.after_ms;
	behaviour.cut_bytes = row->does.cut_bytes;
	attempt_stage_script("a", behaviour, row->pieces);
}

START_TEST(a_stream_ends_as_it_should)
{
	const struct row *row = &rows[_i];

	script_row(row);
	if (row->limits.own)
		stage.request.own_limit_ms = row->limits.own;
	if (row->limits.limit)
		stage.request.limit_ms = row->limits.limit;
	if (row->limits.share)
		stage.request.first_content_ms = row->limits.share;
	if (row->limits.deadline)
		stage.request.deadline_ms = stage.clock.time_ms + row->limits.deadline;
	attempt_stage_start();
	attempt_stage_pass(2 * HOUR);
	ck_assert_msg(stage.done == 1, "%s: done %d times", row->what, stage.done);
	ck_assert_msg(stage.told.outcome.class == row->class, "%s: %s: %s", row->what,
		outcome_text(stage.told.outcome.class), stage.told.outcome.message);
	ck_assert_msg(stage.told.outcome.counts == row->counts, "%s: %s", row->what,
		stage.told.outcome.message);
	ck_assert_msg(
		strcmp(stage.text.data, row->text) == 0, "%s: told %s", row->what, stage.text.data);
	ck_assert_msg(stage.told.latency_ms == row->latency_ms, "%s: took %lld ms", row->what,
		(long long)stage.told.latency_ms);
	if (row->first_ms != ANY)
		ck_assert_msg(stage.told.first_content_ms == row->first_ms, "%s: began at %lld ms",
			row->what, (long long)stage.told.first_content_ms);
	if (row->message)
		ck_assert_msg(strstr(stage.told.outcome.message, row->message), "%s: %s", row->what,
			stage.told.outcome.message);
	ck_assert_int_eq(stage.answered, row->class == OUTCOME_OK);
	if (stage.answered)
		ck_assert_str_eq(stage.answer, row->text);
}
END_TEST

START_TEST(a_tool_call_is_told_once_and_is_in_the_answer)
{
	attempt_stage_script("a", fake_behaviour_new(),
		(const struct fake_piece[PIECES]){
			SAYS(100, TOOL, "look {\"x\":1}"), PIECE(100, FINISH), PIECE(0, MARK)});
	attempt_stage_start();
	attempt_stage_pass(1000);
	ck_assert_int_eq(stage.calls, 1);
	ck_assert_str_eq(stage.call_name, "look");
	ck_assert(stage.answered);
	ck_assert_int_ge(stage.told.first_content_ms, 100);
	ck_assert_int_le(stage.told.first_content_ms, 200);
}
END_TEST

START_TEST(the_other_framing_ends_with_its_last_line)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	stage.request.target = config_find_target(stage.config, "o/m");
	behaviour.hangs = true;
	fake_behaviour_add_words(&behaviour, 100, "one two three");
	fake_transport_script(&stage.network, "o", &behaviour, false);
	attempt_stage_start();
	attempt_stage_pass(HOUR);
	ck_assert_int_eq(stage.told.outcome.class, OUTCOME_OK);
	ck_assert_str_eq(stage.text.data, "one two three");
	ck_assert_str_eq(stage.answer, "one two three");
	ck_assert_int_eq(stage.told.latency_ms, 320);
}
END_TEST

START_TEST(a_dead_pooled_connection_is_replaced_unseen)
{
	struct fake_behaviour dead = fake_behaviour_new();

	dead.end = TRANSPORT_RESET;
	dead.status = 0;
	dead.reused = true;
	fake_transport_script(&stage.network, "a", &dead, false);
	attempt_stage_start();
	attempt_stage_pass(HOUR);
	ck_assert_int_eq(stage.told.outcome.class, OUTCOME_OK);
	ck_assert_str_eq(stage.text.data, "hello from a");
	ck_assert_uint_eq(fake_transport_count(&stage.network, "a"), 2);
	ck_assert(fake_transport_last(&stage.network, "a")->fresh);
	ck_assert(fake_transport_last(&stage.network, "a")->stream);
}
END_TEST

START_TEST(who_asks_for_no_stream_gets_one_answer_and_hears_of_no_text)
{
	attempt_stage_script("a", fake_behaviour_new(),
		(const struct fake_piece[PIECES]){TEXT(6000, "a"), PIECE(6000, PING),
			TEXT(6000, "b"), PIECE(_i ? 6000 : 0, FINISH)});
	stage.request.stream = stage.chat.stream = false;
	if (_i == 1)
		stage.request.limit_ms = 20000;
	attempt_stage_start();
	attempt_stage_pass(HOUR);
	ck_assert(!fake_transport_last(&stage.network, "a")->stream);
	ck_assert_uint_eq(stage.text.len, 0);
	ck_assert_int_eq(stage.told.first_content_ms, -1);
	ck_assert_int_eq(stage.told.outcome.class, _i ? OUTCOME_TIMEOUT : OUTCOME_OK);
	ck_assert_int_eq(stage.told.latency_ms, _i ? 20000 : 18000);
	if (stage.answered)
		ck_assert_str_eq(stage.answer, "ab");
}
END_TEST

START_TEST(a_cancelled_one_is_never_heard_of_again)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	fake_behaviour_add_words(&behaviour, 100, "one two three");
	fake_transport_script(&stage.network, "a", &behaviour, false);
	attempt_stage_start();
	if (_i == 2)
		attempt_hold(stage.attempt, true);
	attempt_stage_pass(_i * 100);
	size_t length = stage.text.len;
	ck_assert_int_eq(attempt_cancel(stage.attempt), _i * 100);
	stage.attempt = NULL;
	attempt_stage_pass(HOUR);
	ck_assert_uint_eq(stage.text.len, length);
	ck_assert_int_eq(stage.done, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("attempt");
	TCase *tc = tcase_create("streams");

	tcase_add_checked_fixture(tc, attempt_stage_open, attempt_stage_close);
	tcase_add_loop_test(tc, a_stream_ends_as_it_should, 0, UTIL_COUNT(rows));
	tcase_add_test(tc, a_tool_call_is_told_once_and_is_in_the_answer);
	tcase_add_test(tc, the_other_framing_ends_with_its_last_line);
	tcase_add_test(tc, a_dead_pooled_connection_is_replaced_unseen);
	tcase_add_loop_test(tc, who_asks_for_no_stream_gets_one_answer_and_hears_of_no_text, 0, 2);
	tcase_add_loop_test(tc, a_cancelled_one_is_never_heard_of_again, 0, 3);
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
