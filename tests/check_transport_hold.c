/* SPDX-License-Identifier: MIT */
/* The real transport when its caller does not take what comes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/exchange.h"
#include "support/flood.h"
#include "support/tiny_http.h"

#define GIGABYTE ((int64_t)1 << 30)
#define MEGABYTE ((int64_t)1 << 20)
#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct stage stage;
static struct flood flood;
static struct tiny_http *tiny;
static struct exchange one, other;
static const struct tiny_reply ok_reply = {.bytes = OK_REPLY};

static void
set_up(void)
{
	stage_open(&stage);
	flood_open(&flood, &stage.loop, GIGABYTE);
	tiny = tiny_http_new(&stage.loop, &ok_reply, 1);
	exchange_init(&one, &stage, flood.port);
	exchange_init(&other, &stage, tiny_http_port(tiny));
	one.request.stream = true;
	one.request.max_reply_bytes = (size_t)GIGABYTE;
}

static void
tear_down(void)
{
	flood_close(&flood);
	tiny_http_close(tiny);
	exchange_free(&one);
	exchange_free(&other);
	stage_close(&stage);
}

static void
hold(bool held)
{
	transport_hold(stage.transport, one.transfer, held);
}

/* Asks another server meanwhile. */
static void
ask_other(void)
{
	unsigned running = stage.running;

	stage.running = 0;
	ck_assert_int_eq(exchange_run(&other), TRANSPORT_DONE);
	stage.running = running;
}

static void
hold_at_first(struct exchange *exchange, enum exchange_event event)
{
	if (event == EXCHANGE_BODY && exchange->bodies_told == 1)
		hold(true);
}

static unsigned
bodies_told(const void *arg)
{
	return ((const struct exchange *)arg)->bodies_told;
}

static unsigned
headers_told(const void *arg)
{
	return ((const struct exchange *)arg)->headers_told;
}

/* Until the server cannot send any more. */
static void
fill_up(void)
{
	int64_t sent = -1;

	for (int same = 0; same < 40; same++) {
		if (flood.sent != sent)
			same = 0;
		sent = flood.sent;
		ck_assert_int_lt(sent, 64 * MEGABYTE);
		ask_other();
	}
}

static void
start_held(void)
{
	one.hook = hold_at_first;
	exchange_start(&one);
	stage_run_until(&stage, bodies_told, &one, 1);
	fill_up();
}

static long
resident_kib(void)
{
	FILE *in = fopen("/proc/self/statm", "r");
	long pages = 0;

	ck_assert_ptr_nonnull(in);
	ck_assert_int_eq(fscanf(in, "%*s %ld", &pages), 1);
	fclose(in);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

START_TEST(of_a_gigabyte_nothing_comes_while_it_is_held)
{
	ask_other();
	long before_kib = resident_kib();
	start_held();
	long after_kib = resident_kib();
	printf("held: %lld KiB sent into the socket, %ld KiB more resident\n",
		(long long)(flood.sent / 1024), after_kib - before_kib);
	ck_assert_uint_eq(one.bodies_told, 1);
	ck_assert_uint_eq(one.done_told, 0);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_lt(after_kib - before_kib, 2048);
#endif
	exchange_cancel(&one);
	ask_other();
	ck_assert_uint_eq(one.bodies_told, 1);
}
END_TEST

/* The n-th byte of a flood is n % 251. */
static void
expect_flood(const struct buf *body, int64_t length)
{
	ck_assert_int_eq((int64_t)body->len, length);
	for (size_t i = 0; i < body->len; i++)
		if ((unsigned char)body->data[i] != i % 251)
			ck_abort_msg("byte %zu is another", i);
}

enum let_go { AT_ONCE, NEXT_TURN, SOME_TURNS, WHEN_FULL, LET_GOES };

static bool held;

static void
hold_always(struct exchange *exchange, enum exchange_event event)
{
	if (event == EXCHANGE_DONE)
		return;
	ck_assert(!held || event != EXCHANGE_BODY);
	hold(true);
	held = true;
	if (exchange->hook_arg) {
		hold(false);
		held = false;
	}
}

START_TEST(every_byte_comes_once)
{
	int64_t length = _i == WHEN_FULL ? MEGABYTE / 64 : MEGABYTE / 4;
	int at_once;

	flood.length = flood.cut_at = length;
	one.hook = hold_always;
	one.hook_arg = _i == AT_ONCE ? &at_once : NULL;
	held = false;
	exchange_start(&one);
	while (stage.running) {
		uv_run(&stage.loop, UV_RUN_ONCE);
		if (!stage.running || !held)
			continue;
		for (int i = 0; i < (_i == SOME_TURNS ? 3 : 0); i++)
			uv_run(&stage.loop, UV_RUN_NOWAIT);
		if (_i == WHEN_FULL)
			fill_up();
		held = false;
		if (one.transfer)
			hold(false);
	}
	ck_assert_int_eq(one.result.end, TRANSPORT_DONE);
	expect_flood(&one.body, length);
	one.hook = NULL;
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	ck_assert(one.result.reused);
}
END_TEST

START_TEST(held_before_it_has_begun_it_tells_its_headers_alone)
{
	flood.length = flood.cut_at = 100;
	exchange_start(&one);
	hold(true);
	stage_run_until(&stage, headers_told, &one, 1);
	fill_up();
	ck_assert_uint_eq(one.bodies_told, 0);
	ck_assert_uint_eq(one.done_told, 0);
	hold(false);
	ck_assert_uint_eq(one.bodies_told, 0);
	stage_run(&stage);
	expect_flood(&one.body, 100);
}
END_TEST

START_TEST(what_is_held_again_before_the_next_turn_stays_held)
{
	start_held();
	for (int i = 0; i < 3; i++) {
		hold(false);
		hold(true);
		ask_other();
	}
	ck_assert_uint_eq(one.bodies_told, 1);
	exchange_cancel(&one);
}
END_TEST

/* One packet, of which libcurl makes several calls. */
START_TEST(small_chunks_wait_one_by_one)
{
	static const struct tiny_reply chunks = {
		.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "1\r\na\r\n1\r\nb\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n"};
	struct tiny_http *server = tiny_http_new(&stage.loop, &chunks, 1);

	exchange_free(&one);
	exchange_init(&one, &stage, tiny_http_port(server));
	one.hook = hold_always;
	held = false;
	exchange_start(&one);
	while (stage.running) {
		uv_run(&stage.loop, UV_RUN_ONCE);
		held = false;
		if (one.transfer)
			hold(false);
	}
	ck_assert_int_eq(one.result.end, TRANSPORT_DONE);
	ck_assert_str_eq(one.body.data, "abcde");
	tiny_http_close(server);
}
END_TEST

enum leaving { CANCEL, CANCEL_LET_GO, CANCEL_IN_BODY, CLOSE, CLOSE_LET_GO, LEAVINGS };

static void
leave_in_body(struct exchange *exchange, enum exchange_event event)
{
	if (event == EXCHANGE_BODY)
		exchange_cancel(exchange);
}

START_TEST(a_held_one_may_be_left)
{
	start_held();
	if (_i == CANCEL_LET_GO || _i == CANCEL_IN_BODY || _i == CLOSE_LET_GO)
		hold(false);
	if (_i == CANCEL_IN_BODY) {
		one.hook = leave_in_body;
		stage_run(&stage);
		ck_assert_uint_eq(one.bodies_told, 2);
	} else if (_i == CLOSE || _i == CLOSE_LET_GO) {
		stage_begin_close(&stage);
		one.transfer = NULL;
	} else {
		exchange_cancel(&one);
	}
	ck_assert_uint_eq(one.done_told, 0);
	if (_i < CLOSE)
		ask_other();
}
END_TEST

START_TEST(a_connection_that_ends_while_held_is_told_behind_its_bytes)
{
	flood.length = MEGABYTE;
	flood.cut_at = MEGABYTE / 8;
	start_held();
	ck_assert_uint_eq(flood.clients, 0);
	hold(false);
	stage_run(&stage);
	ck_assert_int_eq(one.result.end, TRANSPORT_TRUNCATED);
	expect_flood(&one.body, flood.cut_at);
}
END_TEST

static void
hold_at_headers(struct exchange *exchange, enum exchange_event event)
{
	(void)exchange;
	if (event == EXCHANGE_HEADERS)
		hold(true);
}

START_TEST(what_is_too_much_when_it_is_let_go_ends_it)
{
	flood.length = flood.cut_at = 1000;
	one.request.max_reply_bytes = 500;
	one.hook = hold_at_headers;
	exchange_start(&one);
	stage_run_until(&stage, headers_told, &one, 1);
	fill_up();
	hold(false);
	stage_run(&stage);
	ck_assert_int_eq(one.result.end, TRANSPORT_TOO_LARGE);
	ck_assert_uint_eq(one.bodies_told, 0);
	ask_other();
}
END_TEST

static void
count_turn(uv_prepare_t *prepare)
{
	(*(int *)prepare->data)++;
}

static void
stop_loop(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

START_TEST(a_held_one_lets_the_loop_sleep)
{
	uv_prepare_t prepare;
	uv_timer_t timer;
	int turns = 0;

	start_held();
	uv_prepare_init(&stage.loop, &prepare);
	prepare.data = &turns;
	uv_timer_init(&stage.loop, &timer);
	uv_timer_start(&timer, stop_loop, 100, 0);
	uv_prepare_start(&prepare, count_turn);
	uv_run(&stage.loop, UV_RUN_DEFAULT);
	ck_assert_int_le(turns, 6);
	uv_close((uv_handle_t *)&prepare, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	exchange_cancel(&one);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
}
END_TEST

START_TEST(a_handle_that_streamed_reads_whole_answers_as_before)
{
	flood.length = flood.cut_at = MEGABYTE;
	for (int i = 0; i < 4; i++) {
		one.request.stream = i % 2 == 0;
		ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
		expect_flood(&one.body, MEGABYTE);
	}
	ck_assert_uint_eq(flood.clients, 1);
}
END_TEST

START_TEST(a_stream_asks_for_no_compression)
{
	ask_other();
	ck_assert_ptr_nonnull(strcasestr(tiny_http_last(tiny), "\r\nAccept-Encoding: gzip\r\n"));
	other.request.stream = true;
	ask_other();
	ck_assert_ptr_null(strcasestr(tiny_http_last(tiny), "Accept-Encoding"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("transport_hold");
	TCase *tc = tcase_create("held");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, of_a_gigabyte_nothing_comes_while_it_is_held);
	tcase_add_loop_test(tc, every_byte_comes_once, 0, LET_GOES);
	tcase_add_test(tc, held_before_it_has_begun_it_tells_its_headers_alone);
	tcase_add_test(tc, what_is_held_again_before_the_next_turn_stays_held);
	tcase_add_test(tc, small_chunks_wait_one_by_one);
	tcase_add_loop_test(tc, a_held_one_may_be_left, 0, LEAVINGS);
	tcase_add_test(tc, a_connection_that_ends_while_held_is_told_behind_its_bytes);
	tcase_add_test(tc, what_is_too_much_when_it_is_let_go_ends_it);
	tcase_add_test(tc, a_held_one_lets_the_loop_sleep);
	tcase_add_test(tc, a_handle_that_streamed_reads_whole_answers_as_before);
	tcase_add_test(tc, a_stream_asks_for_no_compression);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
