/* SPDX-License-Identifier: MIT */
/* What a session tells of a stream, and that a client which does not read holds its streams. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/talk.h"

#define ME 1000
#define QUEUE_BYTES 65536

static struct talk talk_;
static struct talk *const t = &talk_;

/* What a request was told of being held. */
static struct told {
	int held, released;
} told[2];

static void
on_hold(void *arg, bool held)
{
	struct told *one = arg;

	one->held += held;
	one->released += !held;
}

static void
cancelled(void *arg)
{
	(void)arg;
}

/* A stream whose call is the test's. */
static struct session_request *
stream(uint32_t msgid)
{
	struct session_request *request = x_calloc(1, sizeof *request);

	request->session = t->session;
	request->msgid = msgid;
	request->hold = on_hold;
	request->cancel = cancelled;
	request->arg = &told[msgid % 2];
	list_append(&t->session->requests, &request->node);
	t->session->request_count++;
	return request;
}

static void
setup(void)
{
	memset(told, 0, sizeof told);
	talk_begin(t, "limits: {stream_queue: 64KiB}\n", ME);
}

static void
teardown(void)
{
	talk_end(t);
}

/* The next message is that JSON text. */
static void
next_is(const char *expected)
{
	struct wire_reply reply = talk_reply(t);
	struct buf text;

	ck_assert_msg(!reply.closed, "nothing came, not %s", expected);
	buf_init(&text, (size_t)1 << 20);
	ck_assert_int_eq(json_write(reply.message, &text), 0);
	ck_assert_str_eq(text.data, expected);
	buf_free(&text);
	wire_reply_free(&reply);
}

START_TEST(pieces_are_notifications_with_the_msgid_before_the_reply)
{
	struct session_request *request = stream(7);
	struct json *call = json_parse("{\"id\":\"c1\"}", 11, true, NULL);

	session_delta_text(request, "Hé", 3);
	session_delta_tool_call(request, call);
	session_reset(request);
	session_delta_text(request, "a\0b", 3);
	json_free(call);
	session_fail(request, LLMFO_EINTERRUPTED, "it broke");
	next_is("[2,\"delta\",[7,{\"text\":\"Hé\"}]]");
	next_is("[2,\"delta\",[7,{\"tool_call\":{\"id\":\"c1\"}}]]");
	next_is("[2,\"reset\",[7]]");
	next_is("[2,\"delta\",[7,{\"text\":\"a\\u0000b\"}]]");
	next_is("[1,7,{\"code\":\"interrupted\",\"message\":\"it broke\"},null]");
}
END_TEST

START_TEST(a_piece_of_any_length_arrives_whole)
{
	struct session_request *request = stream(UINT32_MAX);
	char text[3000];

	for (size_t length = 1; length < sizeof text; length += length < 1100 ? 1 : 177) {
		memset(text, 'x', length);
		session_delta_text(request, text, length);
		struct wire_reply reply = talk_reply(t);
		size_t got;
		const char *there =
			json_string(json_get(json_at(json_at(reply.message, 2), 1), "text"), &got);
		ck_assert_uint_eq(got, length);
		ck_assert_mem_eq(there, text, length);
		wire_reply_free(&reply);
		ck_assert_uint_eq(t->out.len, 0);
	}
}
END_TEST

START_TEST(every_stream_of_a_client_that_does_not_read_is_held_once)
{
	struct session_request *one = stream(0), *other = stream(1);

	t->unread_bytes = QUEUE_BYTES;
	session_delta_text(one, "a", 1);
	ck_assert_int_eq(told[0].held, 0);
	t->unread_bytes = QUEUE_BYTES + 1;
	session_delta_text(one, "b", 1);
	session_delta_text(other, "c", 1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(told[i].held, 1);
	ck_assert(t->session->streams_held);
}
END_TEST

START_TEST(streams_go_on_when_half_of_the_queue_is_read)
{
	struct session_request *request = stream(0);

	t->unread_bytes = QUEUE_BYTES + 1;
	session_delta_text(request, "a", 1);
	t->unread_bytes = QUEUE_BYTES / 2 + 1;
	session_sent(t->session);
	ck_assert_int_eq(told[0].released, 0);
	t->unread_bytes = QUEUE_BYTES / 2;
	session_sent(t->session);
	ck_assert_int_eq(told[0].released, 1);
	ck_assert(!t->session->streams_held);
	session_sent(t->session);
	ck_assert_int_eq(told[0].released, 1);
}
END_TEST

START_TEST(in_a_crowd_each_may_have_little_unread)
{
	struct session_request *request = stream(0);

	t->core.output_bytes = (size_t)128 << 20;
	t->unread_bytes = 5000;
	session_delta_text(request, "a", 1);
	ck_assert_int_eq(told[0].held, 0);
	t->core.output_bytes++;
	session_delta_text(request, "a", 1);
	ck_assert_int_eq(told[0].held, 1);
	t->unread_bytes = 2048;
	session_sent(t->session);
	ck_assert_int_eq(told[0].released, 1);
}
END_TEST

START_TEST(a_connection_on_its_way_out_hears_no_more_of_a_stream)
{
	struct session_request *request = stream(0);

	t->session->closing = true;
	session_delta_text(request, "a", 1);
	session_reset(request);
	ck_assert_uint_eq(t->out.len, 0);
}
END_TEST

static const struct {
	const char *params, *message;
} faults[] = {
	{"[{\"prompt\":\"x\",\"stream\":1}]", "parameter `stream` must be true or false"},
	{"[{\"prompt\":\"x\",\"on_break\":true}]",
		"parameter `on_break` must be a string of valid UTF-8 without NUL characters"},
	{"[{\"prompt\":\"x\",\"stream\":true,\"on_break\":\"go on\"}]",
		"parameter `on_break` must be error, restart or continue"},
	{"[{\"prompt\":\"x\",\"stream\":true,\"on_break\":\"\"}]",
		"parameter `on_break` must be error, restart or continue"},
};

START_TEST(unusable_parameters_are_named)
{
	struct wire_reply reply = talk_get(t, "generate", faults[_i].params);

	ck_assert_str_eq(wire_code(&reply), "invalid_request");
	ck_assert_str_eq(json_text(reply.error, "message"), faults[_i].message);
	wire_reply_free(&reply);
}
END_TEST

/* ---- with a call behind it ---- */

/* Provider a says these words, one each 10 ms. */
static void
script_words(const char *text)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	fake_behaviour_add_words(&behaviour, 10, text);
	fake_transport_script(&t->transport, "a", &behaviour, false);
}

static void
ask(uint32_t msgid)
{
	talk_ask(t, msgid, "generate", "[{\"prompt\":\"x\",\"stream\":true}]");
}

static void
error_is(uint32_t msgid, const char *code, const char *partial)
{
	struct wire_reply reply = talk_reply(t);

	ck_assert_msg(!reply.closed && !reply.event, "there is no reply");
	ck_assert_uint_eq(reply.msgid, msgid);
	ck_assert_str_eq(wire_code(&reply), code);
	if (partial)
		ck_assert_str_eq(json_text(reply.error, "partial"), partial);
	wire_reply_free(&reply);
}

START_TEST(what_a_client_does_not_read_waits_at_the_provider)
{
	script_words("one two three four");
	ask(3);
	fake_clock_advance(&t->clock, 10);
	next_is("[2,\"delta\",[3,{\"text\":\"one \"}]]");
	t->unread_bytes = QUEUE_BYTES + 1;
	fake_clock_advance(&t->clock, 10);
	next_is("[2,\"delta\",[3,{\"text\":\"two \"}]]");
	ck_assert(t->session->streams_held);
	fake_clock_advance(&t->clock, 5000);
	ck_assert_uint_eq(t->out.len, 0);
	t->unread_bytes = 0;
	session_sent(t->session);
	fake_clock_advance(&t->clock, 5000);
	next_is("[2,\"delta\",[3,{\"text\":\"three four\"}]]");
	struct wire_reply reply = talk_reply(t);
	ck_assert_str_eq(json_text(reply.result, "text"), "one two three four");
	wire_reply_free(&reply);
}
END_TEST

START_TEST(one_that_does_not_go_on_ends_and_says_what_was_told)
{
	script_words("one two three four");
	ask(3);
	t->unread_bytes = QUEUE_BYTES + 1;
	fake_clock_advance(&t->clock, 10);
	next_is("[2,\"delta\",[3,{\"text\":\"one \"}]]");
	fake_clock_advance(&t->clock, 29900);
	ck_assert_uint_eq(t->out.len, 0);
	fake_clock_advance(&t->clock, 200);
	error_is(3, "interrupted", "one ");
	ck_assert_uint_eq(t->out.len, 0);
	ck_assert_int_eq(t->transport.in_flight, 0);
}
END_TEST

/* With its first piece it is known that there is something to wait for. */
START_TEST(a_stream_that_begins_meanwhile_waits_as_well)
{
	script_words("one two");
	script_words("three four");
	ask(0);
	t->unread_bytes = QUEUE_BYTES + 1;
	fake_clock_advance(&t->clock, 10);
	next_is("[2,\"delta\",[0,{\"text\":\"one \"}]]");
	ask(1);
	fake_clock_advance(&t->clock, 1000);
	next_is("[2,\"delta\",[1,{\"text\":\"three \"}]]");
	ck_assert_uint_eq(t->out.len, 0);
	t->unread_bytes = 0;
	session_sent(t->session);
	fake_clock_advance(&t->clock, 1000);
	int messages = 0;
	for (struct wire_reply reply = talk_reply(t); !reply.closed; reply = talk_reply(t)) {
		messages++;
		wire_reply_free(&reply);
	}
	ck_assert_int_eq(messages, 4);
}
END_TEST

START_TEST(a_cancelled_stream_says_no_more)
{
	script_words("one two three four");
	ask(3);
	fake_clock_advance(&t->clock, 10);
	next_is("[2,\"delta\",[3,{\"text\":\"one \"}]]");
	if (_i)
		t->unread_bytes = QUEUE_BYTES + 1;
	fake_clock_advance(&t->clock, 10);
	next_is("[2,\"delta\",[3,{\"text\":\"two \"}]]");
	talk_ask(t, 4, "cancel", "[{\"msgid\":3}]");
	error_is(3, "cancelled", NULL);
	next_is("[1,4,null,{\"cancelled\":true}]");
	fake_clock_advance(&t->clock, 100000);
	ck_assert_uint_eq(t->out.len, 0);
	ck_assert_int_eq(t->transport.in_flight, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tests = tcase_create("session");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, pieces_are_notifications_with_the_msgid_before_the_reply);
	tcase_add_test(tests, a_piece_of_any_length_arrives_whole);
	tcase_add_test(tests, every_stream_of_a_client_that_does_not_read_is_held_once);
	tcase_add_test(tests, streams_go_on_when_half_of_the_queue_is_read);
	tcase_add_test(tests, in_a_crowd_each_may_have_little_unread);
	tcase_add_test(tests, a_connection_on_its_way_out_hears_no_more_of_a_stream);
	tcase_add_loop_test(tests, unusable_parameters_are_named, 0, (int)UTIL_COUNT(faults));
	suite_add_tcase(suite, tests);
	tests = tcase_create("call");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_a_client_does_not_read_waits_at_the_provider);
	tcase_add_test(tests, one_that_does_not_go_on_ends_and_says_what_was_told);
	tcase_add_test(tests, a_stream_that_begins_meanwhile_waits_as_well);
	tcase_add_loop_test(tests, a_cancelled_stream_says_no_more, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
