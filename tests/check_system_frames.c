/* SPDX-License-Identifier: MIT */
/* How messages come in at the real socket: too large, in pieces, with an end of input behind them.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/hostile.h"

#define MAX_MESSAGE 4096

static void
setup(void)
{
	hostile_begin("socket: {max_message: 4KiB}\n");
}

/* A prompt request of exactly so many bytes. */
static char *
request_of(uint32_t msgid, size_t bytes)
{
	char *params = calloc(1, bytes + 64);
	size_t count = 0;
	char *packed = NULL;

	for (size_t length = bytes; count != bytes; length -= count - bytes) {
		ck_assert_uint_le(length, bytes);
		free(packed);
		int start = snprintf(params, bytes + 64, "[{\"prompt\":\"");
		memset(params + start, 'x', length);
		snprintf(params + start + length, 4, "\"}]");
		packed = wire_pack(msgid, "generate", params, &count);
	}
	free(params);
	return packed;
}

START_TEST(a_message_above_max_message_is_too_large_and_the_connection_goes_on)
{
	struct wire wire;
	char *fits = request_of(1, MAX_MESSAGE);
	char *too_large = request_of(2, MAX_MESSAGE + 1);

	wire_open(&wire, hostile_daemon.socket);
	ck_assert(wire_send(&wire, fits, MAX_MESSAGE));
	wire_expect_only(&wire, 1, NULL);
	ck_assert(wire_send(&wire, too_large, MAX_MESSAGE + 1));
	wire_expect_only(&wire, 2, "too_large");
	ck_assert(wire_send(&wire, fits, MAX_MESSAGE));
	wire_expect_only(&wire, 1, NULL);
	wire_close(&wire);
	free(fits);
	free(too_large);
}
END_TEST

START_TEST(a_hundred_megabytes_are_passed_over_without_being_kept)
{
	static char part[1 << 20];
	char head[] = "\x94\x00\x07\xa8generate\x91\x81\xa6prompt\xdb\x06\x40\x00\x00";
	struct wire wire;

	memset(part, 'x', sizeof part);
	wire_open(&wire, hostile_daemon.socket);
	ck_assert(wire_send(&wire, head, sizeof head - 1));
	for (int i = 0; i < 100; i++)
		ck_assert(wire_send(&wire, part, sizeof part));
	wire_expect_only(&wire, 7, "too_large");
	wire_request(&wire, 8, "hello", "[]");
	wire_expect_only(&wire, 8, NULL);
	wire_close(&wire);
}
END_TEST

/* Every form in which clients write the numbers before a method. */
static const struct {
	const char *bytes;
	size_t count;
} heads[] = {
#define HEAD(text) \
	{ \
		text, sizeof(text) - 1 \
	}
	HEAD("\x94\x00\x05"),
	HEAD("\x94\xcc\x00\xcc\x05"),
	HEAD("\x94\xcd\x00\x00\xcd\x00\x05"),
	HEAD("\x94\xce\x00\x00\x00\x00\xce\x00\x00\x00\x05"),
	HEAD("\x94\x00\xcf\x00\x00\x00\x00\x00\x00\x00\x05"),
	HEAD("\x94\xd0\x00\xd0\x05"),
	HEAD("\x94\x00\xd1\x00\x05"),
	HEAD("\x94\x00\xd2\x00\x00\x00\x05"),
	HEAD("\x94\x00\xd3\x00\x00\x00\x00\x00\x00\x00\x05"),
	HEAD("\xdc\x00\x04\x00\x05"),
	HEAD("\xdd\x00\x00\x00\x04\xcf\x00\x00\x00\x00\x00\x00\x00\x00"
	     "\xcf\x00\x00\x00\x00\x00\x00\x00\x05"),
};

START_TEST(a_msgid_is_known_in_every_form_it_may_be_written_in)
{
	char *too_large = request_of(7, MAX_MESSAGE + 64);
	struct wire wire;

	wire_open(&wire, hostile_daemon.socket);
	ck_assert(wire_send(&wire, heads[_i].bytes, heads[_i].count));
	ck_assert(wire_send(&wire, "\xa5hello\x90", 7));
	wire_expect_only(&wire, 5, NULL);
	ck_assert(wire_send(&wire, heads[_i].bytes, heads[_i].count));
	ck_assert(wire_send(&wire, too_large + 3, MAX_MESSAGE + 61));
	wire_expect_only(&wire, 5, "too_large");
	wire_request(&wire, 6, "hello", "[]");
	wire_expect_only(&wire, 6, NULL);
	wire_close(&wire);
	free(too_large);
}
END_TEST

START_TEST(a_message_may_be_cut_anywhere)
{
	size_t counts[3], all = 0;
	char *parts[] = {wire_pack(1, "hello", "[{\"client\":\"caf\xc3\xa9\"}]", &counts[0]),
		wire_pack(2, "generate", "[{\"prompt\":\"in two pieces\"}]", &counts[1]),
		wire_pack(3, "nothing", "[]", &counts[2])};
	char bytes[256];
	struct wire wire;

	for (int i = 0; i < 3; i++) {
		memcpy(bytes + all, parts[i], counts[i]);
		all += counts[i];
		free(parts[i]);
	}
	wire_open(&wire, hostile_daemon.socket);
	for (size_t cut = 1; cut < all; cut++) {
		ck_assert(wire_send(&wire, bytes, cut));
		/* another connection's reply shows that the first piece has been read */
		daemon_serves(&hostile_daemon);
		ck_assert(wire_send(&wire, bytes + cut, all - cut));
		unsigned seen = 0;
		for (int i = 0; i < 3; i++) {
			struct wire_reply reply = wire_read(&wire);

			ck_assert(!reply.closed && reply.msgid >= 1 && reply.msgid <= 3);
			ck_assert_str_eq(
				wire_code(&reply), reply.msgid == 3 ? "unknown_method" : "");
			seen |= 1U << reply.msgid;
			wire_reply_free(&reply);
		}
		ck_assert_uint_eq(seen, 14);
	}
	wire_close(&wire);
}
END_TEST

START_TEST(bytes_may_come_one_by_one)
{
	size_t count;
	char *bytes = wire_pack(4, "generate", "[{\"prompt\":\"slowly\"}]", &count);
	struct wire wire;

	wire_open(&wire, hostile_daemon.socket);
	for (size_t i = 0; i < count; i++) {
		ck_assert(wire_send(&wire, bytes + i, 1));
		daemon_serves(&hostile_daemon);
	}
	wire_expect_only(&wire, 4, NULL);
	wire_close(&wire);
	free(bytes);
}
END_TEST

START_TEST(a_peer_that_sends_no_more_still_gets_its_answers)
{
	struct wire wire;

	fake_provider_script(hostile_fp, "a", "hold x2; ok");
	wire_open(&wire, hostile_daemon.socket);
	wire_request(&wire, 1, "generate", "[{\"prompt\":\"hello\"}]");
	wire_request(&wire, 2, "generate", "[{\"prompt\":\"hello\"}]");
	ck_assert_int_eq(shutdown(wire.fd, SHUT_WR), 0);
	fake_provider_wait(hostile_fp, "a", "held=2");
	fake_provider_release(hostile_fp, "a");
	ck_assert_uint_eq(wire_drain(&wire), 2);
	wire_close(&wire);
}
END_TEST

START_TEST(a_peer_that_sends_no_more_and_then_leaves_takes_its_calls_with_it)
{
	struct wire wire;

	fake_provider_script(hostile_fp, "a", "hang; ok");
	wire_open(&wire, hostile_daemon.socket);
	wire_request(&wire, 1, "generate", "[{\"prompt\":\"hello\"}]");
	ck_assert_int_eq(shutdown(wire.fd, SHUT_WR), 0);
	fake_provider_wait(hostile_fp, "a", "in_flight=1");
	daemon_serves(&hostile_daemon);
	wire_close(&wire);
	fake_provider_wait(hostile_fp, "a", "cancelled=1&in_flight=0");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("messages at the socket");
	TCase *tests = tcase_create("frames");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, hostile_teardown);
	tcase_add_test(tests, a_message_above_max_message_is_too_large_and_the_connection_goes_on);
	tcase_add_test(tests, a_hundred_megabytes_are_passed_over_without_being_kept);
	tcase_add_loop_test(tests, a_msgid_is_known_in_every_form_it_may_be_written_in, 0,
		sizeof heads / sizeof heads[0]);
	tcase_add_test(tests, a_message_may_be_cut_anywhere);
	tcase_add_test(tests, bytes_may_come_one_by_one);
	tcase_add_test(tests, a_peer_that_sends_no_more_still_gets_its_answers);
	tcase_add_test(tests, a_peer_that_sends_no_more_and_then_leaves_takes_its_calls_with_it);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
