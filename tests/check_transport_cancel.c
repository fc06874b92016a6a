/* SPDX-License-Identifier: MIT */
/* The real transport's promises about who may be called when: cancelling, starting and closing from
 * everywhere. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/exchange.h"
#include "support/tiny_http.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define MANY 100

static struct stage stage;
static struct tiny_http *tiny;
static struct exchange one, other;

static const struct tiny_reply ok_reply = {.bytes = OK_REPLY};
static const struct tiny_reply drip_reply = {.bytes = OK_REPLY, .drip = true};

static void
set_up(void)
{
	stage_open(&stage);
}

static void
serve(const struct tiny_reply *reply)
{
	tiny = tiny_http_new(&stage.loop, reply, 1);
	exchange_init(&one, &stage, tiny_http_port(tiny));
	exchange_init(&other, &stage, tiny_http_port(tiny));
}

static void
tear_down(void)
{
	tiny_http_close(tiny);
	exchange_free(&one);
	exchange_free(&other);
	stage_close(&stage);
}

static unsigned
connections(const void *arg)
{
	(void)arg;
	return tiny_http_connections(tiny);
}

static unsigned
headers_told(const void *arg)
{
	const struct exchange *exchange = arg;

	return exchange->headers_told;
}

static enum exchange_event wanted_event;

static void
cancel_itself(struct exchange *exchange, enum exchange_event event)
{
	if (event == wanted_event)
		exchange_cancel(exchange);
}

/* A bystander at a server that keeps it waiting: whatever else happens, it is to be answered in the
 * end. */
static struct tiny_http *slow;
static struct exchange bystander;

static void
start_bystander(void)
{
	slow = tiny_http_new(&stage.loop, &ok_reply, 1);
	tiny_http_hold(slow, true);
	exchange_init(&bystander, &stage, tiny_http_port(slow));
	exchange_start(&bystander);
	while (tiny_http_connections(slow) == 0)
		uv_run(&stage.loop, UV_RUN_ONCE);
	stage.running--;
}

static void
end_bystander(void)
{
	for (int turn = 0; turn < 3; turn++)
		uv_run(&stage.loop, UV_RUN_NOWAIT);
	stage.running++;
	tiny_http_hold(slow, false);
	stage_run(&stage);
	ck_assert_int_eq(bystander.result.end, TRANSPORT_DONE);
	tiny_http_close(slow);
	exchange_free(&bystander);
}

START_TEST(a_transfer_may_be_cancelled_in_its_own_callbacks)
{
	serve(&drip_reply);
	start_bystander();
	wanted_event = (enum exchange_event)_i;
	one.hook = cancel_itself;
	for (int again = 0; again < 3; again++) {
		exchange_start(&one);
		stage_run(&stage);
		ck_assert_uint_eq(one.headers_told, 1);
		ck_assert_uint_eq(one.bodies_told > 0, wanted_event != EXCHANGE_HEADERS);
		ck_assert_uint_eq(one.done_told, wanted_event == EXCHANGE_DONE);
	}
	ck_assert_int_eq(exchange_run(&other), TRANSPORT_DONE);
	end_bystander();
}
END_TEST

static void
cancel_the_other(struct exchange *exchange, enum exchange_event event)
{
	(void)exchange;
	if (event == wanted_event && other.transfer)
		exchange_cancel(&other);
}

static void
cancel_and_free_the_other(struct exchange *exchange, enum exchange_event event)
{
	if (event != wanted_event)
		return;
	cancel_the_other(exchange, event);
	exchange_free(&other);
	exchange_init(&other, &stage, tiny_http_port(tiny));
}

START_TEST(a_transfer_may_be_cancelled_in_the_callbacks_of_another)
{
	serve(&ok_reply);
	wanted_event = (enum exchange_event)_i;
	one.hook = cancel_and_free_the_other;
	char *room = buf_reserve(&other.http.body, 8 * 1024 * 1024 - 4096);
	memset(room, 'x', 8 * 1024 * 1024 - 4096);
	buf_added(&other.http.body, 8 * 1024 * 1024 - 4096);
	start_bystander();
	exchange_start(&other);
	stage_run_until(&stage, connections, NULL, 1);
	exchange_start(&one);
	stage_run(&stage);
	ck_assert_int_eq(one.result.end, TRANSPORT_DONE);
	ck_assert_uint_eq(other.headers_told + other.done_told, 0);
	end_bystander();
}
END_TEST

START_TEST(of_two_that_answer_at_once_the_first_may_cancel_the_second)
{
	serve(&ok_reply);
	wanted_event = (enum exchange_event)_i;
	one.hook = cancel_the_other;
	tiny_http_hold(tiny, true);
	exchange_start(&one);
	exchange_start(&other);
	stage_run_until(&stage, connections, NULL, 2);
	for (int turn = 0; turn < 5; turn++)
		uv_run(&stage.loop, UV_RUN_NOWAIT);
	tiny_http_hold(tiny, false);
	while (one.done_told == 0 && other.done_told == 0)
		uv_run(&stage.loop, UV_RUN_ONCE);
	ck_assert_uint_eq(one.done_told, 1);
	ck_assert_uint_eq(other.done_told, 0);
	stage_run(&stage);
}
END_TEST

START_TEST(what_is_cancelled_at_once_is_never_heard_of)
{
	serve(&ok_reply);
	exchange_start(&one);
	exchange_cancel(&one);
	exchange_start(&one);
	exchange_start(&other);
	exchange_cancel(&one);
	stage_run(&stage);
	ck_assert_uint_eq(one.done_told, 0);
	ck_assert_uint_eq(tiny_http_requests(tiny), 1);
}
END_TEST

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	static char room[16];

	(void)handle;
	(void)suggested;
	*buf = uv_buf_init(room, sizeof room);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
	if (count > 0)
		stream->data = buf->base;
}

/* So many turns of the loop before `one` is cancelled, in each right before it looks at sockets. */
static int turns_left;

static void
cancel_one_in_time(uv_prepare_t *prepare)
{
	if (turns_left-- > 0)
		return;
	uv_prepare_stop(prepare);
	if (one.transfer)
		exchange_cancel(&one);
}

/* libcurl closes a socket that is still connecting without a word. */
START_TEST(what_is_cancelled_while_it_connects_leaves_no_trace)
{
	uv_prepare_t prepare;

	serve(&ok_reply);
	tiny_http_hold(tiny, true);
	uv_prepare_init(&stage.loop, &prepare);
	for (int again = 0; again < 3; again++) {
		turns_left = _i;
		exchange_start(&one);
		uv_prepare_start(&prepare, cancel_one_in_time);
		while (uv_is_active((uv_handle_t *)&prepare))
			uv_run(&stage.loop, UV_RUN_NOWAIT);
		/* its number is anybody's now, who is watched as ever */
		int fds[2];
		uv_pipe_t pipe;
		ck_assert_int_eq(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, 0), 0);
		uv_pipe_init(&stage.loop, &pipe, 0);
		ck_assert_int_eq(uv_pipe_open(&pipe, fds[0]), 0);
		pipe.data = NULL;
		ck_assert_int_eq(uv_read_start((uv_stream_t *)&pipe, on_alloc, on_read), 0);
		ck_assert_int_eq(write(fds[1], "x", 1), 1);
		for (int turn = 0; turn < 1000 && !pipe.data; turn++)
			uv_run(&stage.loop, UV_RUN_NOWAIT);
		ck_assert_ptr_nonnull(pipe.data);
		uv_close((uv_handle_t *)&pipe, NULL);
		close(fds[1]);
	}
	uv_close((uv_handle_t *)&prepare, NULL);
	tiny_http_hold(tiny, false);
	ck_assert_int_eq(exchange_run(&other), TRANSPORT_DONE);
	ck_assert_uint_eq(one.done_told, 0);
}
END_TEST

START_TEST(a_cancelled_exchange_gives_up_its_connection)
{
	serve(&ok_reply);
	tiny_http_hold(tiny, true);
	exchange_start(&one);
	stage_run_until(&stage, connections, NULL, 1);
	exchange_cancel(&one);
	while (tiny_http_open(tiny) > 0)
		uv_run(&stage.loop, UV_RUN_ONCE);
	ck_assert_uint_eq(one.done_told, 0);
}
END_TEST

static unsigned restarts;

static void
start_again(struct exchange *exchange, enum exchange_event event)
{
	if (event == EXCHANGE_DONE && restarts > 0) {
		restarts--;
		exchange_start(exchange);
	}
}

START_TEST(a_new_one_may_start_when_one_is_done)
{
	serve(&ok_reply);
	restarts = 20;
	one.hook = start_again;
	exchange_start(&one);
	stage_run(&stage);
	ck_assert_int_eq(one.result.end, TRANSPORT_DONE);
	ck_assert_uint_eq(tiny_http_requests(tiny), 21);
	ck_assert_uint_eq(tiny_http_connections(tiny), 1);
}
END_TEST

START_TEST(starting_again_and_again_in_vain_does_not_hold_the_loop)
{
	serve(&ok_reply);
	restarts = 10000;
	one.hook = start_again;
	exchange_url(&one, "ftp://nowhere/");
	exchange_start(&one);
	exchange_start(&other);
	while (other.done_told == 0)
		uv_run(&stage.loop, UV_RUN_ONCE);
	ck_assert_uint_gt(restarts, 9000);
	restarts = 0;
	stage_run(&stage);
}
END_TEST

START_TEST(one_that_cannot_start_may_try_again_with_nobody_else_there)
{
	serve(&ok_reply);
	restarts = 5;
	one.hook = start_again;
	exchange_url(&one, "ftp://nowhere/");
	exchange_start(&one);
	stage_run(&stage);
	ck_assert_uint_eq(restarts, 0);
}
END_TEST

static void
start_the_other(struct exchange *exchange, enum exchange_event event)
{
	(void)exchange;
	if (event == wanted_event)
		exchange_start(&other);
}

START_TEST(another_may_start_in_every_callback)
{
	serve(&ok_reply);
	wanted_event = (enum exchange_event)_i;
	one.hook = start_the_other;
	exchange_start(&one);
	stage_run(&stage);
	ck_assert_int_eq(one.result.end, TRANSPORT_DONE);
	ck_assert_int_eq(other.result.end, TRANSPORT_DONE);
}
END_TEST

START_TEST(a_hundred_at_once_all_end_and_a_hundred_more_reuse)
{
	static struct exchange many[MANY];

	serve(&ok_reply);
	for (int i = 0; i < MANY; i++)
		exchange_init(&many[i], &stage, tiny_http_port(tiny));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			exchange_start(&many[i]);
		stage_run(&stage);
		for (int i = 0; i < MANY; i++)
			ck_assert_int_eq(many[i].result.end, TRANSPORT_DONE);
	}
	ck_assert_uint_eq(tiny_http_requests(tiny), 3 * MANY);
	ck_assert_uint_le(tiny_http_connections(tiny), MANY);
	for (int i = 0; i < MANY; i++)
		exchange_free(&many[i]);
}
END_TEST

static void
close_stage(struct exchange *exchange, enum exchange_event event)
{
	if (event == wanted_event)
		stage_begin_close(exchange->stage);
}

START_TEST(closing_ends_what_runs_without_a_word)
{
	serve(&ok_reply);
	tiny_http_hold(tiny, true);
	exchange_start(&one);
	stage_run_until(&stage, connections, NULL, 1);
	exchange_start(&other);
}
END_TEST

START_TEST(closing_is_possible_in_every_callback)
{
	serve(&ok_reply);
	wanted_event = (enum exchange_event)_i;
	one.hook = close_stage;
	exchange_start(&other);
	exchange_start(&one);
	stage_run_until(&stage, headers_told, &one, 1);
}
END_TEST

/* A loop that has nothing to do but to watch sockets for which nothing happens. */
static void
on_prepare(uv_prepare_t *prepare)
{
	int *turns = prepare->data;

	(*turns)++;
}

static void
on_end(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

START_TEST(an_idle_transport_lets_the_loop_sleep)
{
	uv_prepare_t prepare;
	uv_timer_t timer;
	int turns = 0;

	serve(&ok_reply);
	ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
	uv_prepare_init(&stage.loop, &prepare);
	prepare.data = &turns;
	uv_timer_init(&stage.loop, &timer);
	uv_timer_start(&timer, on_end, 100, 0);
	uv_prepare_start(&prepare, on_prepare);
	uv_run(&stage.loop, UV_RUN_DEFAULT);
	ck_assert_int_le(turns, 6);
	uv_close((uv_handle_t *)&prepare, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
	ck_assert_uint_eq(tiny_http_open(tiny), 1);
}
END_TEST

START_TEST(a_hang_up_on_an_idle_connection_is_noticed_before_the_next_request)
{
	static const struct tiny_reply closing = {.bytes = OK_REPLY, .then = TINY_CLOSE};

	serve(&closing);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(exchange_run(&one), TRANSPORT_DONE);
		while (tiny_http_open(tiny) > 0)
			uv_run(&stage.loop, UV_RUN_NOWAIT);
		ck_assert(!one.result.reused);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("transport_cancel");
	TCase *tc = tcase_create("callbacks");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, a_transfer_may_be_cancelled_in_its_own_callbacks, 0, 3);
	tcase_add_loop_test(tc, a_transfer_may_be_cancelled_in_the_callbacks_of_another, 0, 3);
	tcase_add_loop_test(tc, of_two_that_answer_at_once_the_first_may_cancel_the_second, 0, 3);
	tcase_add_test(tc, what_is_cancelled_at_once_is_never_heard_of);
	tcase_add_loop_test(tc, what_is_cancelled_while_it_connects_leaves_no_trace, 0, 6);
	tcase_add_test(tc, a_cancelled_exchange_gives_up_its_connection);
	tcase_add_test(tc, a_new_one_may_start_when_one_is_done);
	tcase_add_test(tc, starting_again_and_again_in_vain_does_not_hold_the_loop);
	tcase_add_test(tc, one_that_cannot_start_may_try_again_with_nobody_else_there);
	tcase_add_loop_test(tc, another_may_start_in_every_callback, 0, 3);
	tcase_add_test(tc, a_hundred_at_once_all_end_and_a_hundred_more_reuse);
	tcase_add_test(tc, closing_ends_what_runs_without_a_word);
	tcase_add_loop_test(tc, closing_is_possible_in_every_callback, 0, 3);
	tcase_add_test(tc, an_idle_transport_lets_the_loop_sleep);
	tcase_add_test(tc, a_hang_up_on_an_idle_connection_is_noticed_before_the_next_request);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
