/* SPDX-License-Identifier: MIT */
/*
 * One attempt at a provider that streams, in virtual time: what it tells, when it ends and what
 * that proves. What it makes of answers in one go is in the scenarios.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "attempt.h"
#include "support/config_support.h"
#include "support/fake_transport.h"

#define HOUR 3600000
#define PIECES 8

static struct fake_clock fake_clock;
static struct fake_transport network;
static struct config *config;
static struct json *messages;
static struct attempt_request request;
static struct provider_chat chat;

/* What was told. */
static struct attempt *attempt;
static struct buf text;
static int calls, done;
static struct attempt_result told;
static bool answered;
static char *answer, *call_name;
static void (*at_text)(void);

static void
on_text(void *arg, const char *bytes, size_t length)
{
	ck_assert_ptr_eq(arg, &text);
	ck_assert_ptr_nonnull(attempt);
	ck_assert_uint_gt(length, 0);
	ck_assert_int_eq(buf_add(&text, bytes, length), 0);
	if (at_text)
		at_text();
}

static void
on_tool_call(void *arg, const struct json *call)
{
	ck_assert_ptr_eq(arg, &text);
	ck_assert_ptr_nonnull(attempt);
	calls++;
	free(call_name);
	call_name = x_strdup(json_text(json_get(call, "function"), "name"));
}

static void
on_done(void *arg, struct attempt_result *result)
{
	ck_assert_ptr_eq(arg, &text);
	ck_assert_ptr_nonnull(attempt);
	attempt = NULL;
	done++;
	told = *result;
	answered = result->answer != NULL;
	if (answered)
		answer = x_strndup(result->answer->text.data, result->answer->text.len);
}

static const struct attempt_events events = {on_done, on_text, on_tool_call};

static void
set_up(void)
{
	static const char list[] = "[{\"role\":\"user\",\"content\":\"hi\"}]";

	fake_clock_init(&fake_clock);
	fake_transport_init(&network, &fake_clock);
	config = support_read("providers:\n"
			      "  a: {api: openai, base_url: 'http://a.test/v1', api_key: k,"
			      " models: [m]}\n"
			      "  o: {api: ollama, base_url: 'http://o.test', models: [m]}\n",
		NULL);
	messages = json_parse(list, strlen(list), true, NULL);
	chat = (struct provider_chat){.model = "m", .messages = messages, .stream = true};
	request = (struct attempt_request){
		.target = config_find_target(config, "a/m"),
		.chat = &chat,
		.own_limit_ms = HOUR,
		.limit_ms = HOUR,
		.stream = true,
		.first_token_ms = 10000,
		.idle_ms = 5000,
		.first_content_ms = HOUR,
		.deadline_ms = fake_clock.time_ms + HOUR,
	};
	buf_init(&text, 1000);
	attempt = NULL;
	calls = done = 0;
	answered = false;
	answer = call_name = NULL;
	at_text = NULL;
}

static void
tear_down(void)
{
	ck_assert_ptr_null(attempt);
	ck_assert_int_eq(network.in_flight, 0);
	fake_transport_free(&network);
	fake_clock_free(&fake_clock);
	buf_free(&text);
	free(answer);
	free(call_name);
	json_free(messages);
	config_unref(config);
}

static void
start(void)
{
	attempt = attempt_start(&fake_clock.clock, &network.transport, &request, &events, &text);
	ck_assert_int_eq(done, 0);
	ck_assert_uint_eq(text.len, 0);
}

static void
pass(int64_t ms)
{
	fake_clock_advance(&fake_clock, ms);
}

static void
script(struct fake_behaviour behaviour, const struct fake_piece *pieces)
{
	for (int i = 0; i < PIECES && (pieces[i].kind != FAKE_BYTES || pieces[i].text); i++)
		fake_behaviour_add(&behaviour, pieces[i].after_ms, pieces[i].kind, pieces[i].text);
	fake_transport_script(&network, "a", &behaviour, false);
}

/* ---- how a stream ends ---- */

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
#define TEXT(after, bytes) \
	{ \
		after, FAKE_TEXT, (char *)(uintptr_t)bytes \
	}
#define PIECE(after, kind) \
	{ \
		after, FAKE_##kind, NULL \
	}
#define SAYS(after, kind, bytes) \
	{ \
		after, FAKE_##kind, (char *)(uintptr_t)bytes \
	}
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
	script(behaviour, row->pieces);
}

START_TEST(a_stream_ends_as_it_should)
{
	const struct row *row = &rows[_i];

	script_row(row);
	if (row->limits.own)
		request.own_limit_ms = row->limits.own;
	if (row->limits.limit)
		request.limit_ms = row->limits.limit;
	if (row->limits.share)
		request.first_content_ms = row->limits.share;
	if (row->limits.deadline)
		request.deadline_ms = fake_clock.time_ms + row->limits.deadline;
	start();
	pass(2 * HOUR);
	ck_assert_msg(done == 1, "%s: done %d times", row->what, done);
	ck_assert_msg(told.outcome.class == row->class, "%s: %s: %s", row->what,
		outcome_text(told.outcome.class), told.outcome.message);
	ck_assert_msg(
		told.outcome.counts == row->counts, "%s: %s", row->what, told.outcome.message);
	ck_assert_msg(strcmp(text.data, row->text) == 0, "%s: told %s", row->what, text.data);
	ck_assert_msg(told.latency_ms == row->latency_ms, "%s: took %lld ms", row->what,
		(long long)told.latency_ms);
	if (row->first_ms != ANY)
		ck_assert_msg(told.first_content_ms == row->first_ms, "%s: began at %lld ms",
			row->what, (long long)told.first_content_ms);
	if (row->message)
		ck_assert_msg(strstr(told.outcome.message, row->message), "%s: %s", row->what,
			told.outcome.message);
	ck_assert_int_eq(answered, row->class == OUTCOME_OK);
	if (answered)
		ck_assert_str_eq(answer, row->text);
}
END_TEST

START_TEST(a_tool_call_is_told_once_and_is_in_the_answer)
{
	script(fake_behaviour_new(),
		(const struct fake_piece[PIECES]){
			SAYS(100, TOOL, "look {\"x\":1}"), PIECE(100, FINISH), PIECE(0, MARK)});
	start();
	pass(1000);
	ck_assert_int_eq(calls, 1);
	ck_assert_str_eq(call_name, "look");
	ck_assert(answered);
	ck_assert_int_ge(told.first_content_ms, 100);
	ck_assert_int_le(told.first_content_ms, 200);
}
END_TEST

START_TEST(the_other_framing_ends_with_its_last_line)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	request.target = config_find_target(config, "o/m");
	behaviour.hangs = true;
	fake_behaviour_add_words(&behaviour, 100, "one two three");
	fake_transport_script(&network, "o", &behaviour, false);
	start();
	pass(HOUR);
	ck_assert_int_eq(told.outcome.class, OUTCOME_OK);
	ck_assert_str_eq(text.data, "one two three");
	ck_assert_str_eq(answer, "one two three");
	ck_assert_int_eq(told.latency_ms, 320);
}
END_TEST

START_TEST(a_dead_pooled_connection_is_replaced_unseen)
{
	struct fake_behaviour dead = fake_behaviour_new();

	dead.end = TRANSPORT_RESET;
	dead.status = 0;
	dead.reused = true;
	fake_transport_script(&network, "a", &dead, false);
	start();
	pass(HOUR);
	ck_assert_int_eq(told.outcome.class, OUTCOME_OK);
	ck_assert_str_eq(text.data, "hello from a");
	ck_assert_uint_eq(fake_transport_count(&network, "a"), 2);
	ck_assert(fake_transport_last(&network, "a")->fresh);
	ck_assert(fake_transport_last(&network, "a")->stream);
}
END_TEST

START_TEST(a_cancelled_one_is_never_heard_of_again)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	fake_behaviour_add_words(&behaviour, 100, "one two three");
	fake_transport_script(&network, "a", &behaviour, false);
	start();
	if (_i == 2)
		attempt_hold(attempt, true);
	pass(_i * 100);
	size_t length = text.len;
	ck_assert_int_eq(attempt_cancel(attempt), _i * 100);
	attempt = NULL;
	pass(HOUR);
	ck_assert_uint_eq(text.len, length);
	ck_assert_int_eq(done, 0);
}
END_TEST

/* ---- held ---- */

static void
script_words(const char *words, bool hangs)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.hangs = hangs;
	fake_behaviour_add_words(&behaviour, 100, words);
	fake_transport_script(&network, "a", &behaviour, false);
}

START_TEST(nothing_comes_while_held_and_all_of_it_after)
{
	script_words("one two three four", false);
	start();
	pass(150);
	ck_assert_str_eq(text.data, "one ");
	attempt_hold(attempt, true);
	pass(HOUR / 2);
	ck_assert_str_eq(text.data, "one ");
	ck_assert_int_eq(done, 0);
	attempt_hold(attempt, false);
	ck_assert_str_eq(text.data, "one ");
	pass(0);
	ck_assert_str_eq(text.data, "one two three four");
	ck_assert_int_eq(told.outcome.class, OUTCOME_OK);
}
END_TEST

static void
hold_it(void)
{
	attempt_hold(attempt, true);
}

START_TEST(it_may_be_held_from_inside)
{
	script_words("one two three four", false);
	at_text = hold_it;
	start();
	pass(1000);
	ck_assert_str_eq(text.data, "one ");
	at_text = NULL;
	attempt_hold(attempt, false);
	pass(0);
	ck_assert_str_eq(text.data, "one two three four");
	ck_assert_int_eq(done, 1);
}
END_TEST

START_TEST(silence_counts_from_when_it_is_let_go)
{
	script(fake_behaviour_new(),
		(const struct fake_piece[PIECES]){TEXT(100, "a"), TEXT(2 * HOUR, "b")});
	start();
	pass(1100);
	attempt_hold(attempt, true);
	attempt_hold(attempt, true);
	pass(60000);
	attempt_hold(attempt, false);
	pass(3999);
	ck_assert_int_eq(done, 0);
	pass(1);
	ck_assert_int_eq(told.outcome.class, OUTCOME_TIMEOUT);
	ck_assert(told.outcome.counts);
	ck_assert_int_eq(told.latency_ms, 65100);
}
END_TEST

START_TEST(the_first_content_may_be_late_because_it_is_held)
{
	script_words("one", false);
	request.first_content_ms = 5000;
	start();
	attempt_hold(attempt, true);
	pass(60000);
	ck_assert_int_eq(done, 0);
	attempt_hold(attempt, false);
	pass(0);
	ck_assert_str_eq(text.data, "one");
	ck_assert_int_eq(told.outcome.class, OUTCOME_OK);
}
END_TEST

START_TEST(limits_of_the_whole_hold_but_prove_nothing)
{
	script(fake_behaviour_new(),
		(const struct fake_piece[PIECES]){
			TEXT(100, "a"), TEXT(3000, "b"), TEXT(3000, "c"), TEXT(3000, "d")});
	request.own_limit_ms = request.limit_ms = 8000;
	if (_i == 1)
		request.deadline_ms = fake_clock.time_ms + 8000;
	start();
	pass(150);
	attempt_hold(attempt, true);
	pass(1000);
	if (_i == 2)
		attempt_hold(attempt, false);
	pass(HOUR);
	ck_assert_int_eq(done, 1);
	ck_assert_int_eq(told.outcome.class, _i == 1 ? OUTCOME_DEADLINE_EXCEEDED : OUTCOME_TIMEOUT);
	ck_assert(!told.outcome.counts);
	ck_assert_int_eq(told.latency_ms, 8000);
	ck_assert_str_eq(text.data, _i == 2 ? "abc" : "a");
}
END_TEST

START_TEST(a_replaced_connection_is_held_too)
{
	struct fake_behaviour dead = fake_behaviour_new();

	dead.end = TRANSPORT_RESET;
	dead.status = 0;
	dead.reused = true;
	fake_transport_script(&network, "a", &dead, false);
	start();
	attempt_hold(attempt, true);
	pass(1000);
	ck_assert_uint_eq(fake_transport_count(&network, "a"), 2);
	ck_assert_uint_eq(text.len, 0);
	attempt_hold(attempt, false);
	pass(0);
	ck_assert_str_eq(text.data, "hello from a");
	ck_assert_int_eq(done, 1);
}
END_TEST

START_TEST(what_cannot_be_sent_ends_though_it_is_held)
{
	static const char list[] = "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
				   "\"image_url\":{\"url\":\"http://x/y.png\"}}]}]";
	struct json *images = json_parse(list, strlen(list), true, NULL);

	request.target = config_find_target(config, "o/m");
	chat.messages = images;
	start();
	attempt_hold(attempt, true);
	attempt_hold(attempt, false);
	pass(0);
	ck_assert_int_eq(done, 1);
	ck_assert_int_eq(told.outcome.class, OUTCOME_BAD_REQUEST);
	ck_assert(told.outcome.lacks_capability);
	json_free(images);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("attempt");
	TCase *tc = tcase_create("streams");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, a_stream_ends_as_it_should, 0, UTIL_COUNT(rows));
	tcase_add_test(tc, a_tool_call_is_told_once_and_is_in_the_answer);
	tcase_add_test(tc, the_other_framing_ends_with_its_last_line);
	tcase_add_test(tc, a_dead_pooled_connection_is_replaced_unseen);
	tcase_add_loop_test(tc, a_cancelled_one_is_never_heard_of_again, 0, 3);
	suite_add_tcase(suite, tc);
	tc = tcase_create("held");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nothing_comes_while_held_and_all_of_it_after);
	tcase_add_test(tc, it_may_be_held_from_inside);
	tcase_add_test(tc, silence_counts_from_when_it_is_let_go);
	tcase_add_test(tc, the_first_content_may_be_late_because_it_is_held);
	tcase_add_loop_test(tc, limits_of_the_whole_hold_but_prove_nothing, 0, 3);
	tcase_add_test(tc, a_replaced_connection_is_held_too);
	tcase_add_test(tc, what_cannot_be_sent_ends_though_it_is_held);
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
