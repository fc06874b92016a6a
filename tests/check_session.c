/* SPDX-License-Identifier: MIT */
/* A connection's protocol without its socket: messages in any pieces, one reply each, the ends. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/talk.h"

#define ME 1000
#define HELD "[{\"prompt\":\"hello\"}]"

static struct talk talk_;
static struct talk *const t = &talk_;

static void
setup(void)
{
	talk_begin(t, "", ME);
}

static void
teardown(void)
{
	talk_end(t);
}

static void
reply_is(uint32_t msgid, const char *code)
{
	struct wire_reply reply = talk_reply(t);

	ck_assert_msg(!reply.closed, "no reply to %u", msgid);
	ck_assert_uint_eq(reply.msgid, msgid);
	ck_assert_str_eq(wire_code(&reply), code);
	wire_reply_free(&reply);
}

static int
list_count(const struct list *list)
{
	int count = 0;

	for (const struct list *node = list->next; node != list; node = node->next)
		count++;
	return count;
}

/* Neither provider answers. */
static void
both_hang(void)
{
	struct fake_behaviour hangs = fake_behaviour_new();

	hangs.hangs = true;
	fake_transport_script(&t->transport, "a", &hangs, true);
	fake_transport_script(&t->transport, "b", &hangs, true);
}

/* Five requests as bytes, one of them wrong in itself. */
static char *
recorded(size_t *count)
{
	static const char *const said[][2] = {
		{"hello", "[{\"client\":\"tester\"}]"},
		{"nothing", "[]"},
		{"explain", "[{\"chain\":\"default\"}]"},
		{"hello", "[{\"client\":7}]"},
		{"chains", "[]"},
	};
	struct buf bytes;

	buf_init(&bytes, 65536);
	for (uint32_t i = 0; i < 5; i++) {
		size_t part;
		char *one = wire_pack(i, said[i][0], said[i][1], &part);

		(void)buf_add(&bytes, one, part);
		free(one);
	}
	*count = bytes.len;
	return buf_take(&bytes, NULL);
}

START_TEST(a_session_cut_anywhere_gives_the_same_replies)
{
	size_t count, expected_count;
	char *bytes = recorded(&count);

	talk_feed(t, bytes, count);
	ck_assert_uint_eq(t->sent, 5);
	char *expected = buf_take(&t->out, &expected_count);
	for (size_t cut = 0; cut <= count; cut++) {
		buf_init(&t->out, (size_t)1 << 20);
		talk_feed(t, bytes, cut);
		talk_feed(t, bytes + cut, count - cut);
		ck_assert_uint_eq(t->out.len, expected_count);
		ck_assert_mem_eq(t->out.data, expected, expected_count);
		buf_free(&t->out);
	}
	buf_init(&t->out, (size_t)1 << 20);
	for (size_t i = 0; i < count; i++)
		talk_feed(t, bytes + i, 1);
	ck_assert_mem_eq(t->out.data, expected, expected_count);
	free(expected);
	free(bytes);
}
END_TEST

START_TEST(others_get_their_turn_after_so_many_messages)
{
	size_t count, all = 0;
	char bytes[4096];

	for (uint32_t i = 0; i < SESSION_TURN_MESSAGES + 3; i++) {
		char *one = wire_pack(i, "hello", "[]", &count);

		memcpy(bytes + all, one, count);
		all += count;
		free(one);
	}
	size_t used = session_feed(t->session, bytes, all);
	ck_assert_uint_eq(t->sent, SESSION_TURN_MESSAGES);
	ck_assert_uint_eq(session_feed(t->session, bytes + used, all - used), all - used);
	ck_assert_uint_eq(t->sent, SESSION_TURN_MESSAGES + 3);
}
END_TEST

/* So many of one request, one after the other. */
static char *
many(const char *method, const char *params, uint32_t number, size_t *all)
{
	struct buf bytes;

	buf_init(&bytes, (size_t)1 << 20);
	for (uint32_t i = 0; i < number; i++) {
		size_t count;
		char *one = wire_pack(i, method, params, &count);

		(void)buf_add(&bytes, one, count);
		free(one);
	}
	return buf_take(&bytes, all);
}

START_TEST(others_get_their_turn_after_so_much_output)
{
	struct buf config;
	size_t all;

	buf_init(&config, 65536);
	(void)buf_puts(&config, "agents:\n");
	for (int i = 0; i < 400; i++)
		(void)buf_printf(&config,
			"  agent%d: {primary: {provider: a, model: m}, "
			"backup: {provider: b, model: m}}\n",
			i);
	talk_end(t);
	talk_begin(t, config.data, ME);
	buf_free(&config);
	char *bytes = many("chains", "[]", SESSION_TURN_MESSAGES, &all);
	size_t used = session_feed(t->session, bytes, all);
	ck_assert_uint_lt(t->sent, SESSION_TURN_MESSAGES);
	ck_assert_uint_lt(t->out.len, SESSION_TURN_BYTES + t->out.len / t->sent);
	talk_feed(t, bytes + used, all - used);
	ck_assert_uint_eq(t->sent, SESSION_TURN_MESSAGES);
	free(bytes);
}
END_TEST

START_TEST(while_it_is_held_nothing_is_handled)
{
	size_t all;
	char *bytes = many("hello", "[]", 3, &all);

	t->session->held = true;
	ck_assert_uint_eq(session_feed(t->session, bytes, all), 0);
	ck_assert_uint_eq(t->sent, 0);
	t->session->held = false;
	ck_assert_uint_eq(session_feed(t->session, bytes, all), all);
	ck_assert_uint_eq(t->sent, 3);
	free(bytes);
}
END_TEST

START_TEST(there_is_an_end_to_how_many_requests_run)
{
	size_t all;
	char *bytes = many("generate", HELD, SESSION_REQUESTS + 1, &all);

	talk_end(t);
	talk_begin(t, "limits: {calls: 1, queue: 5000}\n", ME);
	both_hang();
	talk_feed(t, bytes, all);
	reply_is(SESSION_REQUESTS, "busy");
	talk_ask(t, 9999, "cancel", "[{\"msgid\":0}]");
	reply_is(0, "cancelled");
	reply_is(9999, "");
	free(bytes);
}
END_TEST

START_TEST(a_provider_is_checked_once_however_many_ask)
{
	for (uint32_t i = 0; i < 8; i++)
		talk_ask(t, i, "check", "[]");
	ck_assert_int_eq(list_count(&t->transport.transfers), 2);
	talk_ask(t, 8, "check", "[]");
	reply_is(8, "busy");
	talk_ask(t, 9, "cancel", "[{\"msgid\":0}]");
	reply_is(0, "cancelled");
	reply_is(9, "");
	ck_assert_int_eq(list_count(&t->transport.transfers), 2);
	fake_clock_advance(&t->clock, 1);
	for (uint32_t i = 1; i < 8; i++)
		reply_is(i, "");
	talk_ask(t, 1, "check", "[{\"provider\":\"a\"}]");
	ck_assert_int_eq(list_count(&t->transport.transfers), 1);
	talk_hang_up(t);
	ck_assert_int_eq(list_count(&t->transport.transfers), 0);
}
END_TEST

START_TEST(when_the_end_has_begun_nothing_is_checked)
{
	core_stop(&t->core);
	talk_ask(t, 1, "check", "[]");
	reply_is(1, "shutting_down");
}
END_TEST

START_TEST(what_comes_after_the_end_is_not_looked_at)
{
	static const char bytes[] = "\xc1\x94\x00\x05\xa5hello\x90";

	ck_assert_uint_eq(session_feed(t->session, bytes, sizeof bytes - 1), sizeof bytes - 1);
	ck_assert(t->closed);
	ck_assert_uint_eq(t->sent, 0);
}
END_TEST

START_TEST(a_message_that_does_not_end_ends_the_connection)
{
	fake_clock_advance(&t->clock, 5);
	talk_feed(t, "\x94\x00", 2);
	fake_clock_advance(&t->clock, PARTIAL_MAX_MS - 1);
	ck_assert(!t->closed);
	talk_feed(t, "\x05", 1);
	fake_clock_advance(&t->clock, 1);
	ck_assert(t->closed);
	ck_assert_uint_eq(t->core.input_bytes, 0);
}
END_TEST

START_TEST(a_message_whose_sender_is_not_read_from_has_time)
{
	talk_feed(t, "\x94\x00", 2);
	t->session->held = true;
	fake_clock_advance(&t->clock, PARTIAL_MAX_MS + 1);
	t->session->held = false;
	talk_feed(t, "\x05\xa5hello\x90", 8);
	reply_is(5, "");
	ck_assert_uint_eq(t->core.input_bytes, 0);
	fake_clock_advance(&t->clock, 3 * PARTIAL_MAX_MS);
	ck_assert(!t->closed);
}
END_TEST

START_TEST(half_a_message_before_the_end_of_input_ends_nothing_that_runs)
{
	both_hang();
	talk_ask(t, 1, "generate", "[{\"prompt\":\"hello\",\"deadline_ms\":60000}]");
	talk_feed(t, "\x94\x00", 2);
	session_end_of_input(t->session);
	fake_clock_advance(&t->clock, PARTIAL_MAX_MS + 1);
	ck_assert(!t->closed);
	fake_clock_advance(&t->clock, 60000);
	reply_is(1, "deadline_exceeded");
	ck_assert(t->closed);
}
END_TEST

static void
count_line(void *arg, enum log_level level, const char *line)
{
	(void)level;
	*(int *)arg += strstr(line, "closed: ") != NULL;
}

START_TEST(many_that_send_nonsense_fill_no_log)
{
	static const struct session_peer peer = {.uid = ME, .pid = 1};
	int lines = 0;

	log_capture(count_line, &lines);
	for (int i = 0; i < 100; i++) {
		struct session *other =
			session_new(&t->core, &peer, t->session->ops, t->session->arg);

		session_feed(other, "\xc1", 1);
		ck_assert(other->closing);
		session_free(other);
		t->closed = false;
		fake_clock_advance(&t->clock, 20);
	}
	log_capture(NULL, NULL);
	ck_assert_int_eq(lines, 2);
}
END_TEST

START_TEST(a_client_that_leaves_cancels_its_calls)
{
	both_hang();
	talk_ask(t, 1, "generate", HELD);
	talk_ask(t, 2, "generate", HELD);
	fake_clock_advance(&t->clock, 1);
	ck_assert_int_eq(fake_transport_in_flight(&t->transport, "a"), 2);
	talk_hang_up(t);
	ck_assert_int_eq(fake_transport_in_flight(&t->transport, "a"), 0);
	ck_assert_uint_eq(t->sent, 0);
}
END_TEST

START_TEST(a_client_that_says_no_more_is_closed_behind_its_last_reply)
{
	both_hang();
	talk_ask(t, 1, "generate", "[{\"prompt\":\"hello\",\"deadline_ms\":1000}]");
	talk_ask(t, 2, "generate", "[{\"prompt\":\"hello\",\"deadline_ms\":2000}]");
	session_end_of_input(t->session);
	fake_clock_advance(&t->clock, 1000);
	reply_is(1, "deadline_exceeded");
	ck_assert(!t->closed);
	fake_clock_advance(&t->clock, 1000);
	reply_is(2, "deadline_exceeded");
	ck_assert(t->closed);
}
END_TEST

START_TEST(a_client_that_waits_for_nothing_is_closed_at_the_end_of_its_input)
{
	talk_feed(t, "\x94\x00", 2);
	session_end_of_input(t->session);
	ck_assert(t->closed);
}
END_TEST

START_TEST(a_cancelled_call_gets_its_one_reply_and_the_canceller_his)
{
	both_hang();
	talk_ask(t, 1, "generate", HELD);
	fake_clock_advance(&t->clock, 1);
	talk_ask(t, 2, "cancel", "[{\"msgid\":1}]");
	reply_is(1, "cancelled");
	reply_is(2, "");
	ck_assert_int_eq(fake_transport_in_flight(&t->transport, "a"), 0);
	talk_ask(t, 3, "cancel", "[{\"msgid\":1}]");
	reply_is(3, "not_found");
}
END_TEST

START_TEST(a_half_closed_client_whose_call_is_cancelled_hears_both_replies)
{
	size_t count;
	char *bytes = wire_pack(2, "cancel", "[{\"msgid\":1}]", &count);

	both_hang();
	talk_ask(t, 1, "generate", HELD);
	fake_clock_advance(&t->clock, 1);
	session_feed(t->session, bytes, count);
	session_end_of_input(t->session);
	reply_is(1, "cancelled");
	reply_is(2, "");
	ck_assert(t->closed);
	free(bytes);
}
END_TEST

START_TEST(when_everything_is_ended_each_request_hears_of_it_once)
{
	both_hang();
	for (uint32_t i = 0; i < 5; i++)
		talk_ask(t, i, "generate", HELD);
	fake_clock_advance(&t->clock, 1);
	t->core.draining = true;
	session_abort_all(t->session, LLMFO_ESHUTTING_DOWN, "enough");
	fake_clock_advance(&t->clock, 1);
	ck_assert_uint_eq(t->sent, 5);
	for (int i = 0; i < 5; i++) {
		struct wire_reply reply = talk_reply(t);

		ck_assert_str_eq(wire_code(&reply), "shutting_down");
		wire_reply_free(&reply);
	}
	talk_ask(t, 9, "generate", HELD);
	reply_is(9, "shutting_down");
	session_abort_all(t->session, LLMFO_ESHUTTING_DOWN, "enough");
	ck_assert_uint_eq(t->sent, 6);
	ck_assert(!t->closed);
}
END_TEST

START_TEST(calls_that_wait_for_a_place_go_on_or_are_cancelled)
{
	talk_end(t);
	talk_begin(t, "limits: {calls: 1, queue: 2, user_queue: 2}\n", ME);
	both_hang();
	for (uint32_t i = 0; i < 4; i++)
		talk_ask(t, i, "generate", HELD);
	fake_clock_advance(&t->clock, 1);
	reply_is(3, "busy");
	ck_assert_int_eq(fake_transport_in_flight(&t->transport, "a"), 1);
	talk_ask(t, 7, "cancel", "[{\"msgid\":0}]");
	reply_is(0, "cancelled");
	reply_is(7, "");
	fake_clock_advance(&t->clock, 1);
	ck_assert_int_eq(fake_transport_in_flight(&t->transport, "a"), 1);
	ck_assert_int_eq(t->core.gate.waiting, 1);
}
END_TEST

#define BIG 100000
#define BIG_ONES 20 /* so many fit into 16 messages of 128 KiB */

/* A big prompt request. */
static char *
big_request(uint32_t msgid, size_t *count)
{
	char *params = malloc(BIG + 64);

	memset(params, 'x', BIG + 63);
	memcpy(params, "[{\"prompt\":\"", 12);
	memcpy(params + BIG, "\"}]", 4);
	char *bytes = wire_pack(msgid, "generate", params, count);
	free(params);
	return bytes;
}

START_TEST(big_requests_that_run_are_bounded_all_together_and_small_ones_go_on)
{
	size_t count;

	talk_end(t);
	talk_begin(t, "socket: {max_message: 128KiB}\nlimits: {user_queued: 1GiB}\n", ME);
	both_hang();
	for (uint32_t i = 0; i <= BIG_ONES; i++) {
		char *bytes = big_request(i, &count);

		talk_feed(t, bytes, count);
		free(bytes);
	}
	fake_clock_advance(&t->clock, 1);
	ck_assert_uint_eq(t->sent, 1);
	reply_is(BIG_ONES, "busy");
	talk_expect(t, "hello", "[]", "");
	talk_ask(t, 50, "cancel", "[{\"msgid\":0}]");
	reply_is(0, "cancelled");
	reply_is(50, "");
	char *bytes = big_request(51, &count);
	talk_feed(t, bytes, count);
	free(bytes);
	fake_clock_advance(&t->clock, 1);
	ck_assert_uint_eq(t->sent, 4);
	talk_hang_up(t);
	ck_assert_uint_eq(t->core.input_bytes, 0);
}
END_TEST

START_TEST(a_half_message_too_many_ends_its_connection)
{
	size_t count;
	char *bytes = big_request(7, &count);

	talk_end(t);
	talk_begin(t, "socket: {max_message: 128KiB}\n", ME);
	/* what others have here */
	t->core.input_bytes = (size_t)15 * 128 * 1024 + 64 * 1024;
	talk_feed(t, bytes, 60000);
	ck_assert(!t->closed);
	talk_feed(t, bytes + 60000, 10000);
	ck_assert(t->closed);
	reply_is(7, "busy");
	talk_hang_up(t);
	ck_assert_uint_eq(t->core.input_bytes, (size_t)15 * 128 * 1024 + 64 * 1024);
	free(bytes);
}
END_TEST

START_TEST(where_room_is_short_the_oldest_half_message_makes_it)
{
	static const struct session_peer peer = {.uid = ME, .pid = 1};
	size_t count;
	char *bytes = big_request(7, &count);

	talk_end(t);
	talk_begin(t, "socket: {max_message: 128KiB}\n", ME);
	both_hang();
	struct session *other = session_new(&t->core, &peer, t->session->ops, t->session->arg);
	t->core.input_bytes = (size_t)15 * 128 * 1024;
	session_feed(other, bytes, 70000);
	talk_feed(t, bytes, 60000);
	ck_assert(!other->closing);
	talk_feed(t, bytes + 60000, 10000);
	ck_assert(other->closing && !t->session->closing);
	reply_is(7, "busy");
	t->closed = false;
	session_free(other);
	ck_assert_uint_eq(t->core.input_bytes, (size_t)15 * 128 * 1024 + 70000);
	free(bytes);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session");
	TCase *tests = tcase_create("session");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_session_cut_anywhere_gives_the_same_replies);
	tcase_add_test(tests, others_get_their_turn_after_so_many_messages);
	tcase_add_test(tests, others_get_their_turn_after_so_much_output);
	tcase_add_test(tests, while_it_is_held_nothing_is_handled);
	tcase_add_test(tests, there_is_an_end_to_how_many_requests_run);
	tcase_add_test(tests, a_provider_is_checked_once_however_many_ask);
	tcase_add_test(tests, when_the_end_has_begun_nothing_is_checked);
	tcase_add_test(tests, what_comes_after_the_end_is_not_looked_at);
	tcase_add_test(tests, a_message_that_does_not_end_ends_the_connection);
	tcase_add_test(tests, a_message_whose_sender_is_not_read_from_has_time);
	tcase_add_test(tests, half_a_message_before_the_end_of_input_ends_nothing_that_runs);
	tcase_add_test(tests, many_that_send_nonsense_fill_no_log);
	tcase_add_test(tests, a_client_that_leaves_cancels_its_calls);
	tcase_add_test(tests, a_client_that_says_no_more_is_closed_behind_its_last_reply);
	tcase_add_test(tests, a_client_that_waits_for_nothing_is_closed_at_the_end_of_its_input);
	tcase_add_test(tests, a_cancelled_call_gets_its_one_reply_and_the_canceller_his);
	tcase_add_test(tests, a_half_closed_client_whose_call_is_cancelled_hears_both_replies);
	tcase_add_test(tests, when_everything_is_ended_each_request_hears_of_it_once);
	tcase_add_test(tests, calls_that_wait_for_a_place_go_on_or_are_cancelled);
	tcase_add_test(tests, big_requests_that_run_are_bounded_all_together_and_small_ones_go_on);
	tcase_add_test(tests, a_half_message_too_many_ends_its_connection);
	tcase_add_test(tests, where_room_is_short_the_oldest_half_message_makes_it);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
