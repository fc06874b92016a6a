/* SPDX-License-Identifier: MIT */
/*
 * The client library against a daemon that sends anything at all: an error that says so, no
 * crash, no wait beyond the time given, and the next call works.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "llmfo.h"
#include "support/fake_daemon.h"
#include "support/tally.h"

#define LONG_MS 10000

static struct fake_daemon fake;
static struct llmfo_client *client;
static struct llmfo_reply *reply;

static void
connect_to(fake_serve *serve, const void *arg)
{
	fake_daemon_start(&fake, serve, arg);
	ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
}

static void
clean_up(void)
{
	llmfo_reply_free(reply);
	llmfo_client_free(client);
	fake_daemon_stop(&fake);
}

static void
serve_well(int fd)
{
	struct fake_request request;

	while (fake_read(fd, &request)) {
		fake_reply(fd, request.msgid, NULL, "{\"fine\": true}");
		fake_request_free(&request);
	}
}

/* The request of a client's first call has msgid 0. */
#define R "\x94\x01\x00"

static const struct hostile {
	const char *what;
	const char *bytes;
	size_t count;
} hostile[] = {
#define ROW(what, bytes) \
	{ \
		what, bytes, sizeof(bytes) - 1 \
	}
	ROW("a byte that is no MessagePack", "\xc1"),
	ROW("text", "HTTP/1.1 400 Bad Request\r\n\r\n"),
	ROW("a number", "\x05"),
	ROW("nil", "\xc0"),
	ROW("a map", "\x81\x01\x02"),
	ROW("an empty array", "\x90"),
	ROW("a request", "\x94\x00\x00\xa4ping\x90"),
	ROW("a reply of three parts", "\x93\x01\x00\xc0"),
	ROW("a reply of five parts", "\x95\x01\x00\xc0\xc0\xc0"),
	ROW("a kind that is text",
		"\x94\xa1"
		"1\x00\xc0\xc0"),
	ROW("a kind that is a fraction", "\x94\xca\x3f\x80\x00\x00\x00\xc0\xc0"),
	ROW("an unknown kind", "\x94\x03\x00\xc0\xc0"),
	ROW("a msgid never sent", "\x94\x01\x07\xc0\xc0"),
	ROW("a msgid below zero", "\x94\x01\xff\xc0\xc0"),
	ROW("a msgid beyond 32 bits", "\x94\x01\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xc0\xc0"),
	ROW("a msgid that is text",
		"\x94\x01\xa1"
		"0\xc0\xc0"),
	ROW("an error that is text", R "\xa4oops\xc0"),
	ROW("an error that is a number", R "\x05\xc0"),
	ROW("an error without a code", R "\x81\xa7message\xa1x\xc0"),
	ROW("an error whose code is a number",
		R "\x81\xa4"
		  "code\x05\xc0"),
	ROW("a string of 4 GiB", R "\xc0\xdb\xff\xff\xff\xff"),
	ROW("a binary of 1 GiB", R "\xc0\xc6\x40\x00\x00\x00"),
	ROW("a string of 65 MiB", R "\xc0\xdb\x04\x10\x00\x00"),
	ROW("an array of 4 billion", R "\xc0\xdd\xff\xff\xff\xff"),
	ROW("a map of 4 billion", R "\xc0\xdf\xff\xff\xff\xff"),
	ROW("an array of a million", R "\xc0\xdd\x00\x0f\x42\x40"),
	ROW("an extension", R "\xc0\xd4\x01\x00"),
	ROW("a timestamp", R "\xc0\xd6\xff\x00\x00\x00\x00"),
	ROW("a notification without a name", "\x93\x02\x05\x90"),
	ROW("a notification without parameters",
		"\x93\x02\xa5"
		"delta\xc0"),
	ROW("a notification of four parts", "\x94\x02\xa1x\x90\x90"),
#undef ROW
};

static void
serve_hostile(int fd, int connection, const void *arg)
{
	const struct hostile *row = arg;
	struct fake_request request;

	if (connection > 0) {
		serve_well(fd);
		return;
	}
	if (!fake_read(fd, &request))
		return;
	fake_request_free(&request);
	fake_write(fd, row->bytes, row->count);
	if (row->count > 8 && strncmp(row->what, "an array of a million", 21) == 0)
		for (int i = 0; i < 300000; i++)
			fake_write(fd, "\x01", 1);
	(void)!read(fd, &connection, 1); /* until the client has had enough */
}

START_TEST(what_is_not_the_protocol_is_told_and_the_next_call_works)
{
	connect_to(serve_hostile, &hostile[_i]);
	ck_assert_msg(llmfo_call(client, "ping", NULL, LONG_MS, &reply) == LLMFO_EPROTOCOL,
		"%s: %s", hostile[_i].what, llmfo_client_error(client));
	ck_assert_ptr_null(reply);
	ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), fake.path));
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), 0);
	clean_up();
}
END_TEST

static void
serve_deep(int fd, int connection, const void *arg)
{
	struct fake_request request;
	char levels[1000];

	(void)connection, (void)arg;
	if (!fake_read(fd, &request))
		return;
	fake_request_free(&request);
	memset(levels, '\x91', sizeof levels);
	fake_write(fd, R "\xc0", 4);
	for (int i = 0; i < 100; i++)
		fake_write(fd, levels, sizeof levels);
}

START_TEST(a_hundred_thousand_levels_are_refused)
{
	connect_to(serve_deep, NULL);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), LLMFO_EPROTOCOL);
	clean_up();
}
END_TEST

/* The greatest depth that is allowed: the message is level 1, so 31 arrays in the result. */
static void
serve_deepest(int fd, int connection, const void *arg)
{
	struct fake_request request;
	char levels[31];

	(void)connection, (void)arg;
	if (!fake_read(fd, &request))
		return;
	fake_request_free(&request);
	memset(levels, '\x91', sizeof levels);
	levels[sizeof levels - 1] = '\x90';
	fake_write(fd, R "\xc0", 4);
	fake_write(fd, levels, sizeof levels);
	pause();
}

START_TEST(thirty_two_levels_are_taken)
{
	const struct llmfo_value *value;
	int levels = 0;

	connect_to(serve_deepest, NULL);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), 0);
	for (value = llmfo_reply_value(reply); value; value = llmfo_value_at(value, 0))
		levels++;
	ck_assert_int_eq(levels, 31);
	clean_up();
}
END_TEST

/* Numbers that no int64 holds, binary, a small float and a key that is no text. */
static void
serve_odd(int fd, int connection, const void *arg)
{
	static const char bytes[] = R "\xc0\x85"
				      "\xa3"
				      "big\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
				      "\xa3low\xd3\x80\x00\x00\x00\x00\x00\x00\x00"
				      "\xa3"
				      "bin\xc4\x02\xff\x00"
				      "\xa3"
				      "f32\xca\x3f\x00\x00\x00"
				      "\x07\x08";
	struct fake_request request;

	(void)connection, (void)arg;
	if (!fake_read(fd, &request))
		return;
	fake_request_free(&request);
	fake_write(fd, bytes, sizeof bytes - 1);
	pause();
}

START_TEST(values_that_the_readers_have_no_type_for_are_still_read)
{
	const struct llmfo_value *value;
	size_t length;

	connect_to(serve_odd, NULL);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), 0);
	value = llmfo_reply_value(reply);
	ck_assert_int_eq(llmfo_reply_int(reply, "big", 0), INT64_MAX);
	ck_assert_int_eq(llmfo_reply_int(reply, "low", 0), INT64_MIN);
	ck_assert_mem_eq(llmfo_value_string(llmfo_value_get(value, "bin"), &length), "\xff\0", 3);
	ck_assert_uint_eq(length, 2);
	ck_assert(llmfo_value_double(llmfo_value_get(value, "f32"), 0) == 0.5);
	ck_assert_ptr_null(llmfo_value_key(value, 4));
	ck_assert_int_eq(llmfo_value_int(llmfo_value_at(value, 4), 0), 8);
	clean_up();
}
END_TEST

static const char delta[] = "\x93\x02\xa5"
			    "delta\x92\x00\x81\xa4text\xa1x";

/* Notifications, arg of them (endless for none), then the reply. */
static void
serve_notifications(int fd, int connection, const void *arg)
{
	const int *count = arg;
	struct fake_request request;

	(void)connection;
	if (!fake_read(fd, &request))
		return;
	for (int i = 0; !count || i < *count; i++) {
		if (write(fd, delta, sizeof delta - 1) < 0)
			return;
	}
	fake_reply(fd, request.msgid, NULL, "{\"fine\": true}");
	fake_request_free(&request);
	serve_well(fd);
}

START_TEST(notifications_before_the_reply_are_passed_over)
{
	static const int count = 50000;

	connect_to(serve_notifications, &count);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), 0);
	ck_assert(llmfo_value_bool(llmfo_value_get(llmfo_reply_value(reply), "fine"), false));
	clean_up();
}
END_TEST

START_TEST(notifications_without_end_do_not_stretch_the_time)
{
	connect_to(serve_notifications, NULL);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, 100, &reply), LLMFO_ETIMED_OUT);
	clean_up();
}
END_TEST

/* Half of a reply, then the end of the connection. */
static void
serve_half(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)arg;
	if (connection > 0) {
		serve_well(fd);
	} else if (fake_read(fd, &request)) {
		fake_request_free(&request);
		fake_write(fd, R "\xc0\xd9\x20half", 10);
	}
}

START_TEST(half_a_reply_is_a_broken_connection)
{
	connect_to(serve_half, NULL);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), LLMFO_EDISCONNECTED);
	ck_assert_ptr_null(reply);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), 0);
	clean_up();
}
END_TEST

static void
serve_bytewise(int fd, int connection, const void *arg)
{
	static const char bytes[] = R "\xc0\x81\xa1n\xcd\x01\x00";
	struct fake_request request;

	(void)connection, (void)arg;
	if (!fake_read(fd, &request))
		return;
	fake_request_free(&request);
	for (size_t i = 0; i < sizeof bytes - 1; i++) {
		fake_write(fd, bytes + i, 1);
		usleep(500);
	}
	pause();
}

START_TEST(a_reply_may_come_byte_by_byte)
{
	connect_to(serve_bytewise, NULL);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), 0);
	ck_assert_int_eq(llmfo_reply_int(reply, "n", 0), 256);
	clean_up();
}
END_TEST

/* A reply with a text of *arg bytes. */
static void
serve_long(int fd, int connection, const void *arg)
{
	const uint32_t *length = arg;
	struct fake_request request;
	unsigned char head[] = {0x94, 0x01, 0x00, 0xc0, 0xdb, 0, 0, 0, 0};
	char *text = calloc(1, *length);

	(void)connection;
	for (int i = 0; i < 4; i++)
		head[5 + i] = (unsigned char)(*length >> (24 - 8 * i));
	if (fake_read(fd, &request)) {
		fake_request_free(&request);
		fake_write(fd, head, sizeof head);
		fake_write(fd, text, *length);
	}
	free(text);
	serve_well(fd);
}

START_TEST(a_reply_may_be_twenty_mebibytes_long)
{
	static const uint32_t length = 20 * 1024 * 1024;
	size_t got;

	connect_to(serve_long, &length);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), 0);
	ck_assert_ptr_nonnull(llmfo_value_string(llmfo_reply_value(reply), &got));
	ck_assert_uint_eq(got, length);
	llmfo_reply_free(reply);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), 0);
	clean_up();
}
END_TEST

/* Two replies to one request. */
static void
serve_twice(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection, (void)arg;
	while (fake_read(fd, &request)) {
		fake_reply(fd, request.msgid, NULL, "{\"fine\": true}");
		fake_reply(fd, request.msgid, NULL, "{\"again\": true}");
		fake_request_free(&request);
	}
}

START_TEST(a_second_reply_to_one_request_is_never_taken_for_anothers)
{
	connect_to(serve_twice, NULL);
	for (int i = 0; i < 5; i++) {
		int error = llmfo_call(client, "ping", NULL, LONG_MS, &reply);

		ck_assert(error == 0 || error == LLMFO_EPROTOCOL);
		ck_assert(error || llmfo_value_get(llmfo_reply_value(reply), "fine") != NULL);
		llmfo_reply_free(reply);
		reply = NULL;
	}
	clean_up();
}
END_TEST

/* Random bytes, and valid replies with some of them changed, by a seed. */
static void
serve_random(int fd, int connection, const void *arg)
{
	static const char well[] = R "\xc0\x83\xa4text\xa5hello\xa5usage\x82\xa1p\x01\xa1q\xcd\x01"
				     "\x00\xa4list\x93\x01\xc3\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00";
	struct fake_request request;
	unsigned seed = *(const unsigned *)arg + (unsigned)connection;
	char bytes[sizeof well - 1];

	if (!fake_read(fd, &request))
		return;
	fake_request_free(&request);
	memcpy(bytes, well, sizeof bytes);
	for (int changes = rand_r(&seed) % 6; changes >= 0; changes--)
		bytes[(size_t)rand_r(&seed) % sizeof bytes] = (char)rand_r(&seed);
	fake_write(fd, bytes, sizeof bytes);
}

START_TEST(changed_replies_never_do_more_than_fail_the_call)
{
	const char *given = getenv("CHECK_CLIENT_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();

	connect_to(serve_random, &seed);
	for (int i = 0; i < 300; i++) {
		int error = llmfo_call(client, "ping", NULL, 2000, &reply);

		ck_assert_msg(error <= 0 && error != LLMFO_ETIMED_OUT,
			"CHECK_CLIENT_SEED=%u, call %d: %s", seed, i, llmfo_client_error(client));
		llmfo_reply_free(reply);
		reply = NULL;
		/* a new connection each time: its first msgid is always 0 */
		llmfo_client_free(client);
		ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
	}
	clean_up();
}
END_TEST

/* ---- many calls at once ---- */

/* Takes some requests and sends back anything at all, by a seed: changed replies and notifications,
 * some of them in halves, to requests that are there and such that are not. */
static void
serve_anything(int fd, int connection, const void *arg)
{
	static const char parts[][24] = {
		"\x94\x01%\xc0\x81\xa4text\xa1x",
		"\x94\x01%\x81\xa4"
		"code\xa4"
		"busy\xc0",
		"\x94\x01%\x81\xa4"
		"code\xa9"
		"cancelled\xc0",
		"\x93\x02\xa5"
		"event\x91\x81\xa4type\xa1x",
		"\x93\x02\xa5"
		"event\x91\x05",
		"\x93\x02\xa5"
		"event\x90",
	};
	unsigned seed = *(const unsigned *)arg + (unsigned)connection;
	char peeked[2048];

	for (int i = rand_r(&seed) % 40; i >= 0; i--) {
		char bytes[24];
		const char *part = parts[(size_t)rand_r(&seed) % 6];
		size_t length = strlen(part);

		if (rand_r(&seed) % 4 == 0 && recv(fd, peeked, sizeof peeked, 0) <= 0)
			return;
		memcpy(bytes, part, sizeof bytes);
		for (size_t at = 0; at < length; at++)
			if (bytes[at] == '%')
				bytes[at] = (char)(rand_r(&seed) % 30);
		if (rand_r(&seed) % 8 == 0)
			bytes[(size_t)rand_r(&seed) % length] = (char)rand_r(&seed);
		if (rand_r(&seed) % 20 == 0)
			length = (size_t)rand_r(&seed) % length;
		fake_write(fd, bytes, length);
	}
}

static void
on_any_event(void *arg, int error, const struct llmfo_value *event)
{
	(void)error;
	*(int *)arg += llmfo_value_get(event, "type") != NULL;
}

START_TEST(no_daemon_makes_a_started_call_end_twice_or_never)
{
	const char *given = getenv("CHECK_CLIENT_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();
	static struct tally tally;
	int events = 0;

	printf("CHECK_CLIENT_SEED=%u\n", seed);
	connect_to(serve_anything, &seed);
	for (int round = 0; round < 40; round++) {
		struct llmfo_params *params = tally_params(1 + (size_t)rand_r(&seed) % 20000);

		tally_init(&tally, client);
		ck_assert_int_eq(llmfo_subscribe(client, NULL, on_any_event, &events), 0);
		for (int i = 0; i < 60; i++) {
			tally_start(&tally, "m", params, 20 + rand_r(&seed) % 200);
			if (rand_r(&seed) % 8 == 0)
				tally_step(&tally, 0);
			(void)llmfo_cancel(client, (uint64_t)rand_r(&seed) % 60);
		}
		tally_run(&tally, 60);
		tally_check(&tally);
		llmfo_params_free(params);
		llmfo_client_free(client);
		ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
	}
	clean_up();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client, hostile daemon");
	TCase *tcase = tcase_create("replies");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, what_is_not_the_protocol_is_told_and_the_next_call_works, 0,
		(int)(sizeof hostile / sizeof hostile[0]));
	tcase_add_test(tcase, a_hundred_thousand_levels_are_refused);
	tcase_add_test(tcase, thirty_two_levels_are_taken);
	tcase_add_test(tcase, values_that_the_readers_have_no_type_for_are_still_read);
	tcase_add_test(tcase, notifications_before_the_reply_are_passed_over);
	tcase_add_test(tcase, notifications_without_end_do_not_stretch_the_time);
	tcase_add_test(tcase, half_a_reply_is_a_broken_connection);
	tcase_add_test(tcase, a_reply_may_come_byte_by_byte);
	tcase_add_test(tcase, a_reply_may_be_twenty_mebibytes_long);
	tcase_add_test(tcase, a_second_reply_to_one_request_is_never_taken_for_anothers);
	tcase_add_test(tcase, changed_replies_never_do_more_than_fail_the_call);
	tcase_add_test(tcase, no_daemon_makes_a_started_call_end_twice_or_never);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
