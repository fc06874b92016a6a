/* SPDX-License-Identifier: MIT */
/* The real transport against servers that are not there, hang up or talk nonsense: how each of it
 * ends. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/exchange.h"
#include "support/tiny_http.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct stage stage;
static struct tiny_http *tiny;
static struct exchange exchange;

static void
serve(const struct tiny_reply *replies, size_t count)
{
	tiny = tiny_http_new(&stage.loop, replies, count);
	exchange_init(&exchange, &stage, tiny_http_port(tiny));
}

static void
set_up(void)
{
	stage_open(&stage);
	tiny = NULL;
}

static void
tear_down(void)
{
	if (tiny) {
		tiny_http_close(tiny);
		exchange_free(&exchange);
	}
	stage_close(&stage);
}

/* A port where nobody listens. */
static int
dead_port(void)
{
	struct tiny_reply none = {.bytes = ""};
	struct tiny_http *gone = tiny_http_new(&stage.loop, &none, 1);
	int port = tiny_http_port(gone);

	tiny_http_close(gone);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
	return port;
}

START_TEST(nobody_there_is_refused)
{
	struct tiny_reply reply = {.bytes = OK_REPLY};

	serve(&reply, 1);
	char *url = x_asprintf("http://127.0.0.1:%d/", dead_port());
	exchange_url(&exchange, url);
	free(url);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_REFUSED);
	ck_assert_str_eq(exchange.result.detail, "Connection refused");
	ck_assert_int_eq(exchange.result.status, 0);
}
END_TEST

START_TEST(a_name_without_address_is_dns)
{
	struct tiny_reply reply = {.bytes = OK_REPLY};

	serve(&reply, 1);
	exchange_url(&exchange, "http://x.invalid/");
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DNS);
	ck_assert_str_eq(exchange.result.detail, "the name has no address");
}
END_TEST

static const struct broken_row {
	struct tiny_reply reply;
	enum transport_end end;
	int status;
} broken_rows[] = {
	{{.bytes = "", .then = TINY_CLOSE}, TRANSPORT_RESET, 0},
	{{.bytes = "", .then = TINY_RESET}, TRANSPORT_RESET, 0},
	{{.bytes = "HTTP/1.1 200 OK\r\n", .then = TINY_CLOSE}, TRANSPORT_TRUNCATED, 0},
	{{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", .then = TINY_CLOSE},
		TRANSPORT_TRUNCATED, 200},
	{{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", .then = TINY_RESET},
		TRANSPORT_TRUNCATED, 200},
	{{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe",
		 .then = TINY_CLOSE},
		TRANSPORT_TRUNCATED, 200},
	{{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhe"},
		TRANSPORT_PROTOCOL, 200},
	{{.bytes = "SSH-2.0-OpenSSH_9.2\r\n"}, TRANSPORT_PROTOCOL, 0},
	{{.bytes = "\x16\x03\x01\x02\x03", .then = TINY_CLOSE}, TRANSPORT_PROTOCOL, 0},
	{{.bytes = "HTTP/1.1 101 Switching Protocols\r\n\r\nxx", .then = TINY_CLOSE},
		TRANSPORT_PROTOCOL, 0},
	{{.bytes = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"},
		TRANSPORT_PROTOCOL, 200},
	{{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"}, TRANSPORT_PROTOCOL, 0},
};

START_TEST(a_broken_reply_ends_as_what_it_is)
{
	const struct broken_row *row = &broken_rows[_i];

	serve(&row->reply, 1);
	exchange_run(&exchange);
	ck_assert_str_eq(transport_end_name(exchange.result.end), transport_end_name(row->end));
	ck_assert_int_eq(exchange.result.status, row->status);
	ck_assert_int_eq(exchange.status, row->status);
	ck_assert_str_ne(exchange.result.detail, "");
	ck_assert_uint_eq(tiny_http_requests(tiny), 1);
}
END_TEST

/* A short body goes out with the headers, a long one after them. */
static void
make_body_long(void)
{
	char *room = buf_reserve(&exchange.http.body, 100000);

	ck_assert_ptr_nonnull(room);
	memset(room, 'x', 100000);
	buf_added(&exchange.http.body, 100000);
}

START_TEST(a_post_on_a_dead_pooled_connection_is_seen_once)
{
	struct tiny_reply replies[] = {
		{.bytes = OK_REPLY}, {.bytes = "", .then = TINY_CLOSE}, {.bytes = OK_REPLY}};

	serve(replies, 3);
	if (_i == 1)
		make_body_long();
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_RESET);
	ck_assert(exchange.result.reused);
	ck_assert_uint_eq(tiny_http_requests(tiny), 2);
	ck_assert_uint_eq(tiny_http_connections(tiny), 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert(!exchange.result.reused);
}
END_TEST

START_TEST(a_get_on_a_dead_pooled_connection_is_seen_once_too)
{
	struct tiny_reply replies[] = {
		{.bytes = OK_REPLY}, {.bytes = "", .then = TINY_RESET}, {.bytes = OK_REPLY}};

	serve(replies, 3);
	exchange.http.method = "GET";
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_RESET);
	ck_assert(exchange.result.reused);
	ck_assert_uint_eq(tiny_http_requests(tiny), 2);
}
END_TEST

START_TEST(a_bad_url_is_told_from_the_loop)
{
	static const char *const urls[] = {
		"", "ftp://127.0.0.1/", "file:///etc/passwd", "http://[::1", "://x"};
	struct tiny_reply reply = {.bytes = OK_REPLY};

	serve(&reply, 1);
	for (size_t i = 0; i < UTIL_COUNT(urls); i++) {
		exchange_url(&exchange, urls[i]);
		ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_INTERNAL);
		ck_assert_str_ne(exchange.result.detail, "");
	}
}
END_TEST

static int64_t
now_ms(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

static void
ignore_connect(uv_connect_t *connect, int status)
{
	(void)connect;
	(void)status;
}

START_TEST(no_connection_ends_at_the_connect_limit)
{
	struct tiny_reply reply = {.bytes = NULL};
	struct sockaddr_in address;
	uv_tcp_t full, waiting[8];
	uv_connect_t connects[8];
	int length = sizeof(address);

	/* A listener whose queue is full answers no further SYN. */
	serve(&reply, 1);
	uv_ip4_addr("127.0.0.1", 0, &address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	uv_tcp_init(&stage.loop, &full);
	ck_assert_int_eq(uv_tcp_open(&full, fd), 0);
	uv_tcp_getsockname(&full, (struct sockaddr *)&address, &length);
	for (int i = 0; i < 8; i++) {
		uv_tcp_init(&stage.loop, &waiting[i]);
		uv_tcp_connect(&connects[i], &waiting[i], (const struct sockaddr *)&address,
			ignore_connect);
	}
	char *url = x_asprintf("http://127.0.0.1:%d/", ntohs(address.sin_port));
	exchange_url(&exchange, url);
	free(url);
	exchange.request.connect_timeout_ms = 60;
	int64_t began_ms = now_ms();
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_CONNECT_TIMEOUT);
	ck_assert_int_ge(now_ms() - began_ms, 59);
	ck_assert_int_le(now_ms() - began_ms, 1000);
	for (int i = 0; i < 8; i++)
		uv_close((uv_handle_t *)&waiting[i], NULL);
	uv_close((uv_handle_t *)&full, NULL);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
}
END_TEST

START_TEST(without_descriptors_it_is_our_own_trouble)
{
	struct tiny_reply reply = {.bytes = OK_REPLY};
	struct rlimit limit, none;

	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	exchange.request.fresh_connection = true;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum transport_end end = exchange_run(&exchange);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(end, TRANSPORT_INTERNAL);
	ck_assert_str_eq(exchange.result.detail, "Too many open files");
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
}
END_TEST

static TCase *
failures(void)
{
	TCase *tc = tcase_create("failures");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nobody_there_is_refused);
	tcase_add_test(tc, a_name_without_address_is_dns);
	tcase_add_loop_test(tc, a_broken_reply_ends_as_what_it_is, 0, UTIL_COUNT(broken_rows));
	tcase_add_loop_test(tc, a_post_on_a_dead_pooled_connection_is_seen_once, 0, 2);
	tcase_add_test(tc, a_get_on_a_dead_pooled_connection_is_seen_once_too);
	tcase_add_test(tc, a_bad_url_is_told_from_the_loop);
	tcase_add_test(tc, no_connection_ends_at_the_connect_limit);
	tcase_add_test(tc, without_descriptors_it_is_our_own_trouble);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("transport_failures");

	suite_add_tcase(suite, failures());
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
