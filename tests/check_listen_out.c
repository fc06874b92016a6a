/* SPDX-License-Identifier: MIT */
/* Output that waits: nothing is lost or out of order, however it is read, and it takes no more room
 * than it needs. */
#include <check.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen_out.h"

static uv_loop_t loop;
static uv_pipe_t writer;
static int reader;
static struct out_all all;
static struct out out;
static size_t waiting_bytes, own;
static int written, failed;

static void
on_written(void *arg, int status)
{
	ck_assert_ptr_eq(arg, &written);
	written++;
	failed += status < 0;
}

static void
setup(void)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	ck_assert_int_eq(uv_pipe_init(&loop, &writer, 0), 0);
	ck_assert_int_eq(uv_pipe_open(&writer, ends[0]), 0);
	reader = ends[1];
	waiting_bytes = own = 0;
	written = failed = 0;
	all = (struct out_all){.waiting_bytes = &waiting_bytes};
	out_init(&out, (uv_stream_t *)&writer, &all, &own, on_written, &written);
}

static void
teardown(void)
{
	if (!uv_is_closing((uv_handle_t *)&writer))
		uv_close((uv_handle_t *)&writer, NULL);
	out_end(&out);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_uint_eq(waiting_bytes, 0);
	ck_assert_uint_eq(own, 0);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	close(reader);
}

/* Reads what is there, of at most so much; the bytes must go on counting up from *next. */
static size_t
read_some(size_t most, unsigned char *next)
{
	static unsigned char bytes[65536];
	ssize_t count = read(reader, bytes, most < sizeof bytes ? most : sizeof bytes);

	bool good = true;

	for (ssize_t i = 0; i < count; i++)
		good = good && bytes[i] == (*next)++;
	ck_assert(good);
	return count > 0 ? (size_t)count : 0;
}

/* Sends so many bytes that count up. */
static void
send_bytes(size_t count, unsigned char *next)
{
	char *bytes = x_malloc(count);

	for (size_t i = 0; i < count; i++)
		bytes[i] = (char)(*next)++;
	ck_assert_int_eq(out_send(&out, bytes, count), 0);
	free(bytes);
}

START_TEST(what_goes_at_once_never_waits)
{
	unsigned char put = 0, got = 0;

	for (int i = 0; i < 1000; i++) {
		send_bytes(30, &put);
		ck_assert_uint_eq(out_waiting(&out), 0);
		ck_assert_uint_eq(read_some(30, &got), 30);
	}
	ck_assert_int_eq(written, 0);
}
END_TEST

START_TEST(pieces_of_every_size_arrive_in_order)
{
	static const size_t sizes[] = {1, 30, 700, 5000, 32768, 32769, 100000, 7, 2000000, 3, 12};
	unsigned char put = 0, got = 0;
	size_t sent = 0, arrived = 0;

	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < UTIL_COUNT(sizes); i++) {
			send_bytes(sizes[i], &put);
			sent += sizes[i];
			ck_assert_uint_eq(out_waiting(&out), waiting_bytes);
			arrived += read_some(1 + i * 900, &got);
			(void)uv_run(&loop, UV_RUN_NOWAIT);
		}
	while (arrived < sent) {
		arrived += read_some(65536, &got);
		(void)uv_run(&loop, UV_RUN_NOWAIT);
	}
	ck_assert_uint_eq(arrived, sent);
	ck_assert_uint_eq(out_waiting(&out), 0);
	ck_assert_int_gt(written, 0);
}
END_TEST

START_TEST(many_small_pieces_wait_in_hardly_more_room_than_they_have_bytes)
{
	unsigned char put = 0;

	while (out_waiting(&out) == 0)
		send_bytes(30, &put);
	size_t before = mallinfo2().uordblks;
	while (out_waiting(&out) < (256 << 10))
		send_bytes(30, &put);
	size_t after = mallinfo2().uordblks;
#ifndef __SANITIZE_ADDRESS__
	ck_assert_uint_lt(after - before, (256 << 10) + (64 << 10));
#else
	(void)before;
	(void)after;
#endif
}
END_TEST

START_TEST(what_waits_when_the_connection_closes_is_dropped_and_counted)
{
	unsigned char put = 0;

	send_bytes(3000000, &put);
	send_bytes(100, &put);
	send_bytes(40000, &put);
	send_bytes(5, &put);
	ck_assert_uint_gt(waiting_bytes, 1000000);
	ck_assert_uint_eq(own, waiting_bytes);
	uv_close((uv_handle_t *)&writer, NULL);
	out_end(&out);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(failed, written);
	ck_assert_uint_eq(waiting_bytes, 0);
}
END_TEST

START_TEST(a_reader_that_is_gone_is_an_error)
{
	unsigned char put = 0;

	send_bytes(3000000, &put);
	close(reader);
	reader = dup(0);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	ck_assert_int_eq(failed, 1);
	ck_assert_int_lt(out_send(&out, "x", 1), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("listen_out");
	TCase *tests = tcase_create("waiting");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_goes_at_once_never_waits);
	tcase_add_test(tests, pieces_of_every_size_arrive_in_order);
	tcase_add_test(tests, many_small_pieces_wait_in_hardly_more_room_than_they_have_bytes);
	tcase_add_test(tests, what_waits_when_the_connection_closes_is_dropped_and_counted);
	tcase_add_test(tests, a_reader_that_is_gone_is_an_error);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
