/* SPDX-License-Identifier: MIT */
/*
 * Clients that mean harm, or are merely broken, against the real daemon. After each an honest
 * client is served as before, and memory and descriptors have come back (the teardown sees to
 * that).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/hostile.h"

#define BYTES(text) text, sizeof(text) - 1
#define MANY_CLIENTS 30
#define MANY_REQUESTS 300
#define SMALL_MESSAGES 10000

/* Sends bytes on a connection of its own, then no more; how many replies came before the end. */
static unsigned
throw_at_it(const char *bytes, size_t count)
{
	struct wire wire;

	wire_open(&wire, hostile_daemon.socket);
	(void)wire_send(&wire, bytes, count);
	(void)shutdown(wire.fd, SHUT_WR);
	unsigned replies = wire_drain(&wire);
	wire_close(&wire);
	return replies;
}

static const struct {
	const char *bytes;
	size_t count;
	unsigned replies;
} strangers[] = {
	{BYTES("\xc1"), 0},
	{BYTES("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 0},
	{BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 0},
	{BYTES("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}\n"), 0},
	{BYTES("\x00"), 0},
	{BYTES("\x90"), 0},
	{BYTES("\x80"), 0},
	{BYTES("\xa5hello"), 0},
	/* the msgid is known: one reply, and the end */
	{BYTES("\x94\x00\x05\xc1"), 1},
	{BYTES("\x93\x00\x05\xa5hello"), 1},
	{BYTES("\x95\x00\x05\xa5hello\x90\xc0"), 1},
	{BYTES("\x94\x00\x05\xa5hello\xdd\xff\xff\xff\xff"), 1},
	{BYTES("\x94\x00\x05\xa5hello\xdb\xff\xff\xff\xff"), 1},
	/* no msgid, or none that can be */
	{BYTES("\x94\x01\x05\xc0\xc0"), 0},
	{BYTES("\x93\x02\xa5hello\x90"), 0},
	{BYTES("\x94\x00\xff\xa5hello\x90"), 0},
	{BYTES("\x94\x00\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xa5hello\x90"), 0},
	{BYTES("\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa5hello\x90"), 0},
	{BYTES("\x94\x00\xa1"
	       "5\xa5hello\x90"),
		0},
	/* what claims more than there can be */
	{BYTES("\xdd\xff\xff\xff\xff"), 0},
	{BYTES("\xdd\x10\x00\x00\x00"), 0},
	{BYTES("\xdf\x04\x00\x00\x00"), 0},
	{BYTES("\xdf\xff\xff\xff\xff"), 0},
	{BYTES("\xc6\xff\xff\xff\xff"), 0},
	{BYTES("\xc9\xff\xff\xff\xff\x01"), 0},
};

START_TEST(what_is_not_this_protocol_ends_the_connection_and_nothing_else)
{
	ck_assert_uint_eq(
		throw_at_it(strangers[_i].bytes, strangers[_i].count), strangers[_i].replies);
	ck_assert_uint_le(daemon_logged(&hostile_daemon, "closed: "), 1);
}
END_TEST

START_TEST(nested_claims_reserve_nothing)
{
	char bytes[30 * 5];

	for (size_t i = 0; i < sizeof bytes; i += 5)
		memcpy(bytes + i, "\xdd\x02\x00\x00\x00", 5);
	ck_assert_uint_eq(throw_at_it(bytes, sizeof bytes), 0);
}
END_TEST

START_TEST(a_hundred_thousand_levels_are_told_to_be_too_deep)
{
	static const char end[] = "\xc0\x94\x00\x06\xa5hello\x90";
	size_t depth = 100000, count;
	char *bytes = wire_pack(5, "status", "[]", &count);
	struct wire wire;

	bytes = realloc(bytes, count + depth + sizeof end);
	memset(bytes + count - 1, '\x91', depth + 1);
	memcpy(bytes + count + depth, end, sizeof end - 1);
	wire_open(&wire, hostile_daemon.socket);
	ck_assert(wire_send(&wire, bytes, count + depth + sizeof end - 1));
	wire_expect_only(&wire, 5, "invalid_request");
	wire_expect_only(&wire, 6, NULL);
	wire_close(&wire);
	free(bytes);
}
END_TEST

START_TEST(random_bytes_harm_nobody)
{
	char bytes[4096];

	for (unsigned i = hostile_rounds(300, 20000); i > 0; i--) {
		size_t count = 1 + hostile_random() % sizeof bytes;

		hostile_random_bytes(bytes, count);
		(void)throw_at_it(bytes, count);
	}
}
END_TEST

static const char *const well_formed[][2] = {
	{"hello", "[{\"client\":\"x\",\"protocol\":1}]"},
	{"status", "[]"},
	{"explain", "[{\"targets\":[\"a/m\",\"a/n\"]}]"},
	{"generate", "[{\"prompt\":\"hi\",\"temperature\":0.5,\"stop\":[\"x\"],\"max_tokens\":3}]"},
	{"generate",
		"[{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
		"\"text\":\"hi\"}]}],\"retry_on\":[\"5xx\"],\"deadline_ms\":5000}]"},
	{"cancel", "[{\"msgid\":1}]"},
	{"force_provider", "[{\"provider\":\"a\",\"duration_s\":1}]"},
	{"check", "[{\"provider\":\"a\"}]"},
};

/* One to four bytes changed, inserted or taken out. */
static size_t
mutate(char *bytes, size_t count)
{
	for (unsigned changes = 1 + hostile_random() % 4; changes > 0; changes--) {
		size_t at = hostile_random() % count;

		switch (hostile_random() % 3) {
		case 0: bytes[at] = (char)hostile_random(); break;
		case 1:
			memmove(bytes + at + 1, bytes + at, count - at);
			bytes[at] = (char)hostile_random();
			count++;
			break;
		default:
			if (count < 3)
				break;
			memmove(bytes + at, bytes + at + 1, count - at - 1);
			count--;
		}
	}
	return count;
}

START_TEST(mutated_messages_harm_nobody)
{
	size_t kinds = sizeof well_formed / sizeof well_formed[0], count;

	for (unsigned i = hostile_rounds(600, 50000); i > 0; i--) {
		const char *const *message = well_formed[hostile_random() % kinds];
		char *bytes = wire_pack(i, message[0], message[1], &count);

		bytes = realloc(bytes, count + 8);
		count = mutate(bytes, count);
		(void)throw_at_it(bytes, count);
		free(bytes);
	}
	daemon_ctl_ends(&hostile_daemon, 0, "force-provider", "--clear", NULL);
	daemon_ctl_ends(&hostile_daemon, 0, "reset-health", NULL);
}
END_TEST

START_TEST(half_messages_are_forgotten)
{
	size_t count;
	char *bytes = wire_pack(1, "generate", "[{\"prompt\":\"hello\"}]", &count);
	struct wire wire;

	for (size_t part = 0; part < count; part++) {
		wire_open(&wire, hostile_daemon.socket);
		ck_assert(wire_send(&wire, bytes, part));
		wire_close(&wire);
		ck_assert_uint_eq(throw_at_it(bytes, part), 0);
	}
	free(bytes);
}
END_TEST

static const struct {
	const char *method, *params, *code;
} refused[] = {
	{"nothing", "[]", "unknown_method"},
	{"", "[]", "unknown_method"},
	{"hello\\u0000", "[]", "unknown_method"},
	{"hello", "{}", "invalid_request"},
	{"hello", "null", "invalid_request"},
	{"hello", "[{},{}]", "invalid_request"},
	{"hello", "[1]", "invalid_request"},
	{"hello", "[{\"nothing\":1}]", "invalid_request"},
	{"hello", "[{\"client\":1}]", "invalid_request"},
	{"hello", "[{\"client\":\"a\\u0000b\"}]", "invalid_request"},
	{"hello", "[{\"protocol\":2}]", "invalid_request"},
	{"cancel", "[{}]", "invalid_request"},
	{"cancel", "[{\"msgid\":-1}]", "not_found"},
	{"cancel", "[{\"msgid\":9}]", "not_found"},
	{"cancel", "[{\"msgid\":99999999999}]", "not_found"},
	{"generate", "[]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"messages\":[]}]", "invalid_request"},
	{"generate", "[{\"messages\":[]}]", "invalid_request"},
	{"generate", "[{\"messages\":\"[\"}]", "invalid_request"},
	{"generate", "[{\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]}]", "invalid_request"},
	{"generate", "[{\"messages\":[[]]}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"deadline_ms\":0}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"deadline_ms\":9999999999999}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"max_tokens\":-1}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"temperature\":-0.1}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"top_p\":1.5}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"chain\":\"nothing\"}]", "not_found"},
	{"generate", "[{\"prompt\":\"x\",\"agent\":\"nothing\"}]", "not_found"},
	{"generate", "[{\"prompt\":\"x\",\"provider\":\"nothing\"}]", "not_found"},
	{"generate", "[{\"prompt\":\"x\",\"model\":\"nothing\"}]", "not_found"},
	{"generate", "[{\"prompt\":\"x\",\"targets\":[]}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"targets\":[\"nothing/m\"]}]", "not_found"},
	{"generate", "[{\"prompt\":\"x\",\"targets\":[\"nothing\"]}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"targets\":[\"a/m\"],\"chain\":\"default\"}]",
		"invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"strategy\":\"ééééééééééééééééééééééééééééééé\"}]",
		"invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"retry_on\":\"xéééééééééééééééééééééééééééé\"}]",
		"invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"tools\":\"{}\"}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"tool_choice\":[]}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"base_url\":\"http://evil\"}]", "invalid_request"},
	{"generate", "[{\"prompt\":\"x\",\"api_key\":\"k\"}]", "invalid_request"},
	{"explain", "[{\"deadline_ms\":1}]", "invalid_request"},
	{"check", "[{\"provider\":\"nothing\"}]", "not_found"},
	{"enable", "[]", "invalid_request"},
	{"disable", "[{\"name\":\"nothing\"}]", "not_found"},
	{"reset_health", "[{\"name\":\"nothing\"}]", "not_found"},
	{"force_provider", "[]", "invalid_request"},
	{"force_provider", "[{\"provider\":\"nothing\"}]", "not_found"},
	{"force_provider", "[{\"provider\":\"a\",\"duration_s\":0}]", "invalid_request"},
	{"force_provider", "[{\"provider\":\"a\",\"duration_s\":604801}]", "invalid_request"},
};

START_TEST(what_cannot_be_done_is_refused_by_its_code_and_the_connection_goes_on)
{
	struct wire wire;

	wire_open(&wire, hostile_daemon.socket);
	for (uint32_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		wire_request(&wire, i, refused[i].method, refused[i].params);
		struct wire_reply reply = wire_read(&wire);
		ck_assert_msg(!reply.closed && reply.msgid == i &&
				strcmp(wire_code(&reply), refused[i].code) == 0,
			"%s %s: %s", refused[i].method, refused[i].params,
			reply.closed ? "closed" : wire_code(&reply));
		ck_assert_msg(
			json_text(reply.error, "message")[0] != '\0', "%s", refused[i].params);
		wire_reply_free(&reply);
	}
	wire_close(&wire);
	ck_assert_int_eq(fake_provider_stats(hostile_fp, "a").requests, 1);
}
END_TEST

static const struct {
	const char *bytes;
	size_t count;
} shapes[] = {
	{BYTES("\x94\x00\x05\x07\x90")},                  /* the method is a number */
	{BYTES("\x94\x00\x05\xa5hello\x91\xd4\x01\x02")}, /* ext */
	{BYTES("\x94\x00\x05\xa5hello\x91\x82\xa6"
	       "client\xa1x\xa6"
	       "client\xa1y")},                           /* a key twice */
	{BYTES("\x94\x00\x05\xa5hello\x91\x81\x01\x02")}, /* a key that is a number */
	{BYTES("\x94\x00\x05\xa5hello\x91\x81\xa6"
	       "client\xa2\xc3\x28")},                                 /* broken UTF-8 */
	{BYTES("\x94\x00\x05\xa8generate\x91\x81\xa6prompt\xa1\xff")}, /* the same */
	{BYTES("\x94\x00\x05\xa8generate\x91\x81\xa8messages\x91\x81\xa4role\xa1\xff")},
	{BYTES("\x94\x00\x05\xa8generate\x91\x81\xa8messages\x91\x81\x01\xa1x")},
	{BYTES("\x94\x00\x05\xa8generate\x91\x82\xa6prompt\xa1x\xab"
	       "temperature\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00")}, /* NaN */
	{BYTES("\x94\x00\x05\xa8generate\x91\x82\xa6prompt\xa1x\xaamax_tokens"
	       "\xcf\xff\xff\xff\xff\xff\xff\xff\xff")}, /* 2^64 - 1 */
};

START_TEST(a_shape_that_json_cannot_have_is_refused_and_the_connection_goes_on)
{
	struct wire wire;

	wire_open(&wire, hostile_daemon.socket);
	ck_assert(wire_send(&wire, shapes[_i].bytes, shapes[_i].count));
	wire_expect_only(&wire, 5, "invalid_request");
	wire_request(&wire, 5, "hello", "[]");
	wire_expect_only(&wire, 5, NULL);
	wire_close(&wire);
}
END_TEST

START_TEST(a_msgid_in_flight_is_not_to_be_used_again_until_its_reply)
{
	struct wire wire;

	fake_provider_script(hostile_fp, "a", "hold; ok");
	wire_open(&wire, hostile_daemon.socket);
	wire_request(&wire, 1, "generate", "[{\"prompt\":\"x\"}]");
	wire_request(&wire, 1, "hello", "[]");
	wire_expect_only(&wire, 1, "invalid_request");
	fake_provider_wait(hostile_fp, "a", "held=1");
	fake_provider_release(hostile_fp, "a");
	wire_expect_only(&wire, 1, NULL);
	wire_request(&wire, 1, "hello", "[]");
	wire_expect_only(&wire, 1, NULL);
	wire_close(&wire);
}
END_TEST

START_TEST(what_is_cancelled_ends_at_the_provider_too)
{
	struct wire wire;

	fake_provider_script(hostile_fp, "a", "hang; ok");
	wire_open(&wire, hostile_daemon.socket);
	wire_request(&wire, 1, "generate", "[{\"prompt\":\"x\"}]");
	fake_provider_wait(hostile_fp, "a", "in_flight=1");
	wire_request(&wire, 2, "cancel", "[{\"msgid\":2}]");
	wire_expect_only(&wire, 2, "not_found");
	wire_request(&wire, 2, "cancel", "[{\"msgid\":1}]");
	wire_expect_only(&wire, 1, "cancelled");
	wire_expect_only(&wire, 2, NULL);
	fake_provider_wait(hostile_fp, "a", "cancelled=1&in_flight=0");
	wire_close(&wire);
}
END_TEST

START_TEST(three_hundred_requests_at_once_each_get_their_own_reply)
{
	bool seen[MANY_REQUESTS] = {false};
	char params[64];
	struct wire wire;

	fake_provider_script(hostile_fp, "a", "hold x300; ok");
	wire_open(&wire, hostile_daemon.socket);
	for (uint32_t i = 0; i < MANY_REQUESTS; i++) {
		snprintf(params, sizeof params, "[{\"prompt\":\"number %u\"}]", i);
		wire_request(&wire, i, "generate", params);
	}
	fake_provider_wait(hostile_fp, "a", "held=300");
	daemon_serves(&hostile_daemon);
	fake_provider_release(hostile_fp, "a");
	for (int i = 0; i < MANY_REQUESTS; i++) {
		struct wire_reply reply = wire_read(&wire);
		char expected[64];

		ck_assert(!reply.closed && reply.msgid < MANY_REQUESTS && !seen[reply.msgid]);
		seen[reply.msgid] = true;
		snprintf(expected, sizeof expected, "You said: number %u", reply.msgid);
		ck_assert_ptr_nonnull(strstr(tree_text(reply.result, "text"), expected));
		wire_reply_free(&reply);
	}
	wire_close(&wire);
}
END_TEST

/* A process of its own writes, so that nobody waits for the other one. */
static void
send_aside(struct wire *wire, const char *bytes, size_t count)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		child_leaves_check();
		_exit(wire_send(wire, bytes, count) ? 0 : 1);
	}
}

START_TEST(ten_thousand_messages_in_one_write_are_answered_in_order)
{
	size_t count, all = 0;
	char *bytes = malloc(SMALL_MESSAGES * 32);
	struct wire wire;

	for (uint32_t i = 0; i < SMALL_MESSAGES; i++) {
		char *one = wire_pack(i, "hello", "[]", &count);

		memcpy(bytes + all, one, count);
		all += count;
		free(one);
	}
	wire_open(&wire, hostile_daemon.socket);
	send_aside(&wire, bytes, all);
	for (uint32_t i = 0; i < SMALL_MESSAGES; i++)
		wire_expect_only(&wire, i, NULL);
	ck_assert_int_gt(wait(NULL), 0);
	wire_close(&wire);
	free(bytes);
}
END_TEST

START_TEST(thirty_clients_that_leave_at_once_take_their_calls_with_them)
{
	struct wire wires[MANY_CLIENTS];

	fake_provider_script(hostile_fp, "a", "hang x30; ok");
	for (int i = 0; i < MANY_CLIENTS; i++) {
		wire_open(&wires[i], hostile_daemon.socket);
		wire_request(&wires[i], 1, "generate", "[{\"prompt\":\"x\"}]");
	}
	fake_provider_wait(hostile_fp, "a", "in_flight=30");
	for (int i = 0; i < MANY_CLIENTS; i++)
		wire_close(&wires[i]);
	fake_provider_wait(hostile_fp, "a", "cancelled=30&in_flight=0");
}
END_TEST

START_TEST(clients_that_never_read_hold_up_nobody_and_little_memory)
{
	struct wire wires[MANY_CLIENTS];
	size_t count, all = 0;
	char bytes[64 * 1024];

	while (all + 32 < sizeof bytes) {
		char *one = wire_pack((uint32_t)all, "status", "[]", &count);

		memcpy(bytes + all, one, count);
		all += count;
		free(one);
	}
	long before_kb = daemon_resident_kb(&hostile_daemon);
	for (int i = 0; i < MANY_CLIENTS; i++) {
		wire_open(&wires[i], hostile_daemon.socket);
		(void)send(wires[i].fd, bytes, all, MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)send(wires[i].fd, bytes, all, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	hostile_honest_call();
	long grown_kb = daemon_resident_kb(&hostile_daemon) - before_kb;
	printf("%d clients that do not read: %ld kB more\n", MANY_CLIENTS, grown_kb);
	ck_assert(daemon_is_sanitized() || grown_kb < MANY_CLIENTS * 2500);
	for (int i = 0; i < MANY_CLIENTS; i++)
		wire_close(&wires[i]);
}
END_TEST

/* As many as one message can carry. */
#define PASSED 253

START_TEST(descriptors_that_a_client_passes_are_not_kept)
{
	size_t count;
	char *bytes = wire_pack(1, "hello", "[]", &count);
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(PASSED * sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(PASSED * sizeof(int)),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {.iov_base = bytes, .iov_len = count};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room};
	struct wire wire;

	for (size_t i = 0; i < PASSED; i++)
		memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &hostile_daemon.notify,
			sizeof(int));
	wire_open(&wire, hostile_daemon.socket);
	int before = daemon_descriptors(&hostile_daemon);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(sendmsg(wire.fd, &message, 0), (ssize_t)count);
		wire_expect_only(&wire, 1, NULL);
	}
	ck_assert(before < 0 || daemon_descriptors(&hostile_daemon) <= before + 1);
	wire_close(&wire);
	free(bytes);
}
END_TEST

START_TEST(long_names_are_refused_with_a_reason)
{
	static const char *const keys[] = {"targets", "chain", "agent", "provider", "model"};
	char params[12000], name[10000];
	struct wire wire;

	memset(name, 'x', sizeof name);
	memcpy(name + sizeof name - 3, "/m", 3);
	wire_open(&wire, hostile_daemon.socket);
	for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		snprintf(
			params, sizeof params, "[{\"prompt\":\"x\",\"%s\":\"%s\"}]", keys[i], name);
		wire_request(&wire, i, "generate", params);
		struct wire_reply reply =
			wire_expect(&wire, i, i == 0 ? "invalid_request" : "not_found");
		ck_assert_msg(json_text(reply.error, "message")[0] != '\0', "%s", keys[i]);
		wire_reply_free(&reply);
	}
	wire_close(&wire);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hostile clients");
	TCase *tests = tcase_create("hostile");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, getenv("LLMFO_LONG") ? 600 : 60);
	tcase_add_checked_fixture(tests, hostile_setup, hostile_teardown);
	tcase_add_loop_test(tests, what_is_not_this_protocol_ends_the_connection_and_nothing_else,
		0, sizeof strangers / sizeof strangers[0]);
	tcase_add_test(tests, nested_claims_reserve_nothing);
	tcase_add_test(tests, a_hundred_thousand_levels_are_told_to_be_too_deep);
	tcase_add_test(tests, random_bytes_harm_nobody);
	tcase_add_test(tests, mutated_messages_harm_nobody);
	tcase_add_test(tests, half_messages_are_forgotten);
	tcase_add_test(
		tests, what_cannot_be_done_is_refused_by_its_code_and_the_connection_goes_on);
	tcase_add_loop_test(tests,
		a_shape_that_json_cannot_have_is_refused_and_the_connection_goes_on, 0,
		sizeof shapes / sizeof shapes[0]);
	tcase_add_test(tests, a_msgid_in_flight_is_not_to_be_used_again_until_its_reply);
	tcase_add_test(tests, what_is_cancelled_ends_at_the_provider_too);
	tcase_add_test(tests, three_hundred_requests_at_once_each_get_their_own_reply);
	tcase_add_test(tests, ten_thousand_messages_in_one_write_are_answered_in_order);
	tcase_add_test(tests, thirty_clients_that_leave_at_once_take_their_calls_with_them);
	tcase_add_test(tests, clients_that_never_read_hold_up_nobody_and_little_memory);
	tcase_add_test(tests, long_names_are_refused_with_a_reason);
	tcase_add_test(tests, descriptors_that_a_client_passes_are_not_kept);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
