/* SPDX-License-Identifier: MIT */
/* The real transport against a server that answers from a script: what it tells, what it never does
 * by itself. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/exchange.h"
#include "support/tiny_http.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BUSY_REPLY "HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 4\r\n\r\nbusy"

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

START_TEST(a_reply_comes_with_status_headers_and_body)
{
	struct tiny_reply reply = {.bytes = "HTTP/1.1 201 Made\r\nX-Thing:  a b \r\nx-thing: c\r\n"
					    "Content-Length: 5\r\n\r\nhello"};

	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_int_eq(exchange.status, 201);
	ck_assert_int_eq(exchange.result.status, 201);
	ck_assert_str_eq(exchange.headers.data, "x-thing: a b\nx-thing: c\ncontent-length: 5\n");
	ck_assert_str_eq(exchange.body.data, "hello");
	ck_assert_str_eq(exchange.result.detail, "");
	ck_assert(!exchange.result.reused);
}
END_TEST

START_TEST(the_request_is_sent_as_it_was_made)
{
	struct tiny_reply reply = {.bytes = OK_REPLY};

	serve(&reply, 1);
	ck_assert_int_eq(
		http_request_header(&exchange.http, "Content-Type", "application/json"), 0);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	const char *sent = tiny_http_last(tiny);
	ck_assert_ptr_nonnull(strstr(sent, "POST /v1/chat HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(sent, "\r\nAuthorization: Bearer sk-1\r\n"));
	ck_assert_ptr_nonnull(strstr(sent, "\r\nContent-Type: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(sent, "\r\nUser-Agent: llmfo-test\r\n"));
	ck_assert_ptr_nonnull(strstr(sent, "\r\nContent-Length: 7\r\n"));
	ck_assert_ptr_nonnull(strstr(sent, "\r\n\r\n{\"a\":1}"));
	ck_assert_ptr_null(strstr(sent, "urlencoded"));
	ck_assert_ptr_null(strstr(sent, "Expect"));
}
END_TEST

START_TEST(a_long_body_is_sent_whole_and_without_waiting_for_leave)
{
	struct tiny_reply reply = {.bytes = OK_REPLY};
	size_t length = 3 * 1024 * 1024;

	serve(&reply, 1);
	char *room = buf_reserve(&exchange.http.body, length);
	ck_assert_ptr_nonnull(room);
	memset(room, 'x', length);
	buf_added(&exchange.http.body, length);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	const char *body = strstr(tiny_http_last(tiny), "\r\n\r\n");
	ck_assert_ptr_nonnull(body);
	ck_assert_uint_eq(strlen(body + 4), length + 7);
	ck_assert_ptr_null(strstr(tiny_http_last(tiny), "Expect"));
}
END_TEST

START_TEST(get_and_head_have_no_body_even_on_a_handle_that_posted)
{
	struct tiny_reply replies[] = {{.bytes = OK_REPLY}, {.bytes = OK_REPLY},
		{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"}, {.bytes = OK_REPLY}};
	const char *const methods[] = {"POST", "GET", "HEAD", "POST"};

	serve(replies, 4);
	for (size_t i = 0; i < 4; i++) {
		exchange.http.method = methods[i];
		ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
		const char *sent = tiny_http_last(tiny);
		ck_assert_int_eq(strncmp(sent, methods[i], strlen(methods[i])), 0);
		ck_assert_int_eq(!strstr(sent, "{\"a\":1}"), strcmp(methods[i], "POST") != 0);
	}
	ck_assert_uint_eq(tiny_http_connections(tiny), 1);
}
END_TEST

START_TEST(a_connection_is_used_again_also_after_an_error_reply)
{
	struct tiny_reply replies[] = {
		{.bytes = OK_REPLY}, {.bytes = BUSY_REPLY}, {.bytes = OK_REPLY}};

	serve(replies, 3);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert(!exchange.result.reused);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_int_eq(exchange.status, 429);
	ck_assert_str_eq(exchange.body.data, "busy");
	ck_assert(exchange.result.reused);
	ck_assert_int_eq(exchange.result.connect_ms, 0);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_uint_eq(tiny_http_requests(tiny), 3);
	ck_assert_uint_eq(tiny_http_connections(tiny), 1);
}
END_TEST

START_TEST(a_fresh_connection_is_fresh)
{
	struct tiny_reply reply = {.bytes = OK_REPLY};

	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	exchange.request.fresh_connection = true;
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert(!exchange.result.reused);
	ck_assert_uint_eq(tiny_http_connections(tiny), 2);
}
END_TEST

START_TEST(a_reply_at_the_ceiling_is_taken_and_one_beyond_it_is_too_large)
{
	struct tiny_reply reply = {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
		.more = "0123456789",
		.more_length = 10,
		.times = 10000};

	serve(&reply, 1);
	exchange.request.max_reply_bytes = 100000;
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_uint_eq(exchange.body.len, 100000);
	exchange.request.max_reply_bytes = 99999;
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_TOO_LARGE);
	ck_assert_uint_le(exchange.body.len, 99999);
	ck_assert_int_eq(exchange.result.status, 200);
}
END_TEST

/* Bits in deflate's order. */
static void
add_bits(unsigned char *bytes, size_t *at, unsigned code, unsigned count)
{
	for (unsigned i = 0; i < count; i++, (*at)++) {
		if (code >> (count - 1 - i) & 1)
			bytes[*at / 8] |= (unsigned char)(1u << *at % 8);
	}
}

START_TEST(a_small_reply_that_unpacks_to_a_huge_one_is_too_large)
{
	static const unsigned char gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
				   "Connection: close\r\n\r\n";
	unsigned char packed[sizeof(head) + sizeof(gzip) + 32] = {0}, period[14] = {0};
	size_t at = 0, bit = 0, pulled = 0;

	memcpy(packed, head, sizeof(head) - 1);
	memcpy(packed + sizeof(head) - 1, gzip, sizeof(gzip));
	at = sizeof(head) - 1 + sizeof(gzip);
	/* One block of fixed codes: a zero, then "258 zeros more" (13 bits) to bring it to a whole
	 * byte. */
	add_bits(packed + at, &bit, 6, 3);
	add_bits(packed + at, &bit, 0x30, 8);
	while (bit % 8 != 0) {
		add_bits(packed + at, &bit, 0xc5, 8);
		add_bits(packed + at, &bit, 0, 5);
	}
	for (int i = 0; i < 8; i++) {
		add_bits(period, &pulled, 0xc5, 8);
		add_bits(period, &pulled, 0, 5);
	}
	struct tiny_reply reply = {.bytes = (const char *)packed,
		.length = at + bit / 8,
		.more = (const char *)period,
		.more_length = 13,
		.times = 20000,
		.then = TINY_CLOSE};
	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_TOO_LARGE);
	ck_assert_uint_gt(exchange.body.len, 900000);
	ck_assert_uint_le(exchange.body.len, 1024 * 1024);
	ck_assert_ptr_nonnull(strstr(tiny_http_last(tiny), "Accept-Encoding: gzip\r\n"));
}
END_TEST

START_TEST(a_packed_reply_is_unpacked)
{
	static const char packed[] =
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n"
		"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6"
		"\x10\x36\x05\x00\x00\x00";
	struct tiny_reply reply = {.bytes = packed, .length = sizeof(packed) - 1};

	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_str_eq(exchange.body.data, "hello");
}
END_TEST

START_TEST(interim_replies_are_passed_over)
{
	struct tiny_reply reply = {.bytes = "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
					    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
					    "HTTP/1.1 503 No\r\nRetry-After: 2\r\n"
					    "Content-Length: 1\r\n\r\n!",
		.drip = true};

	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_int_eq(exchange.status, 503);
	ck_assert_str_eq(exchange.headers.data, "retry-after: 2\ncontent-length: 1\n");
}
END_TEST

START_TEST(trailers_are_no_headers)
{
	struct tiny_reply reply = {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
					    "Trailer: X-Sum\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n"
					    "0\r\nX-Sum: 5\r\n\r\n",
		.drip = true};

	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_str_eq(exchange.body.data, "hello");
	ck_assert_ptr_null(strstr(exchange.headers.data, "x-sum"));
	ck_assert_uint_eq(exchange.headers_told, 1);
}
END_TEST

START_TEST(endless_interim_replies_and_headers_are_too_large)
{
	static const char interim[] = "HTTP/1.1 103 Early Hints\r\nLink: y\r\n\r\n";
	static const char header[] = "X-Padding: 0123456789\r\n";
	struct tiny_reply replies[] = {
		{.bytes = interim,
			.more = interim,
			.more_length = sizeof(interim) - 1,
			.times = 20000},
		{.bytes = "HTTP/1.1 200 OK\r\n",
			.more = header,
			.more_length = sizeof(header) - 1,
			.times = 50000},
		{.bytes = "HTTP/1.1 200 OK\r\nX-Long: ",
			.more = header,
			.more_length = 9,
			.times = 100000},
	};

	serve(replies, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_TOO_LARGE);
		ck_assert_uint_eq(exchange.headers_told, 0);
		ck_assert_str_eq(exchange.result.detail, "the reply's headers are too long");
	}
}
END_TEST

START_TEST(a_redirect_is_a_reply_like_any_other)
{
	struct tiny_reply reply = {.bytes =
					   "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\n"
					   "Content-Length: 0\r\n\r\n"};

	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_int_eq(exchange.status, 307);
	ck_assert_uint_eq(tiny_http_requests(tiny), 1);
}
END_TEST

START_TEST(the_environment_names_no_proxy)
{
	struct tiny_reply reply = {.bytes = OK_REPLY};

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	serve(&reply, 1);
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
}
END_TEST

START_TEST(a_configured_proxy_is_used_whatever_the_environment_excepts)
{
	struct tiny_reply reply = {.bytes = OK_REPLY};

	setenv("no_proxy", "*", 1);
	serve(&reply, 1);
	char *proxy = x_asprintf("http://127.0.0.1:%d", tiny_http_port(tiny));
	exchange.request.proxy = proxy;
	exchange_url(&exchange, "http://provider.invalid/v1");
	ck_assert_int_eq(exchange_run(&exchange), TRANSPORT_DONE);
	ck_assert_ptr_nonnull(strstr(tiny_http_last(tiny), "POST http://provider.invalid/v1 "));
	free(proxy);
}
END_TEST

static TCase *
exchanges(void)
{
	TCase *tc = tcase_create("exchanges");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_reply_comes_with_status_headers_and_body);
	tcase_add_test(tc, the_request_is_sent_as_it_was_made);
	tcase_add_test(tc, a_long_body_is_sent_whole_and_without_waiting_for_leave);
	tcase_add_test(tc, get_and_head_have_no_body_even_on_a_handle_that_posted);
	tcase_add_test(tc, a_connection_is_used_again_also_after_an_error_reply);
	tcase_add_test(tc, a_fresh_connection_is_fresh);
	tcase_add_test(tc, a_reply_at_the_ceiling_is_taken_and_one_beyond_it_is_too_large);
	tcase_add_test(tc, a_small_reply_that_unpacks_to_a_huge_one_is_too_large);
	tcase_add_test(tc, a_packed_reply_is_unpacked);
	tcase_add_test(tc, interim_replies_are_passed_over);
	tcase_add_test(tc, trailers_are_no_headers);
	tcase_add_test(tc, endless_interim_replies_and_headers_are_too_large);
	tcase_add_test(tc, a_redirect_is_a_reply_like_any_other);
	tcase_add_test(tc, the_environment_names_no_proxy);
	tcase_add_test(tc, a_configured_proxy_is_used_whatever_the_environment_excepts);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("transport_curl");

	suite_add_tcase(suite, exchanges());
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
