/* SPDX-License-Identifier: MIT */
/* See exchange.h. */
#include "exchange.h"

#include <check.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define NOTED_MAX_BYTES (64 * 1024 * 1024)

void
stage_open(struct stage *stage)
{
	const char *why = "";

	signal(SIGPIPE, SIG_IGN);
	memset(stage, 0, sizeof(*stage));
	ck_assert_int_eq(uv_loop_init(&stage->loop), 0);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
	stage->transport = transport_curl_new(&stage->loop, "llmfo-test", &why);
	ck_assert_msg(stage->transport, "%s", why);
}

static void
on_closed(void *arg)
{
	struct stage *stage = arg;

	stage->closed = true;
}

void
stage_begin_close(struct stage *stage)
{
	stage->closing = true;
	transport_curl_close(stage->transport, on_closed, stage);
}

void
stage_close(struct stage *stage)
{
	if (!stage->closing)
		stage_begin_close(stage);
	uv_run(&stage->loop, UV_RUN_DEFAULT);
	ck_assert(stage->closed);
	ck_assert_int_eq(uv_loop_close(&stage->loop), 0);
	curl_global_cleanup();
}

void
stage_run(struct stage *stage)
{
	while (stage->running > 0)
		uv_run(&stage->loop, UV_RUN_ONCE);
}

void
stage_run_until(
	struct stage *stage, unsigned (*count)(const void *arg), const void *arg, unsigned least)
{
	while (count(arg) < least)
		uv_run(&stage->loop, UV_RUN_ONCE);
}

static void
tell(struct exchange *exchange, enum exchange_event event)
{
	if (exchange->hook)
		exchange->hook(exchange, event);
}

static void
on_headers(void *arg, int status, const struct http_headers *headers)
{
	struct exchange *exchange = arg;

	ck_assert_ptr_nonnull(exchange->transfer);
	ck_assert_uint_eq(exchange->headers_told++, 0);
	exchange->status = status;
	ck_assert_int_eq(buf_puts(&exchange->headers, headers->text.data), 0);
	tell(exchange, EXCHANGE_HEADERS);
}

static void
on_body(void *arg, const char *bytes, size_t count)
{
	struct exchange *exchange = arg;

	ck_assert_ptr_nonnull(exchange->transfer);
	ck_assert_uint_eq(exchange->headers_told, 1);
	exchange->bodies_told++;
	ck_assert_int_eq(buf_add(&exchange->body, bytes, count), 0);
	tell(exchange, EXCHANGE_BODY);
}

static void
on_done(void *arg, const struct transport_result *result)
{
	struct exchange *exchange = arg;

	ck_assert_ptr_nonnull(exchange->transfer);
	ck_assert_uint_eq(exchange->done_told++, 0);
	exchange->result = *result;
	tell(exchange, EXCHANGE_DONE);
	if (exchange->done_told) /* and not started again */
		exchange->transfer = NULL;
	exchange->stage->running--;
}

void
exchange_init(struct exchange *exchange, struct stage *stage, int port)
{
	memset(exchange, 0, sizeof(*exchange));
	exchange->stage = stage;
	http_request_init(&exchange->http, NOTED_MAX_BYTES);
	exchange->http.method = "POST";
	exchange->http.url = x_asprintf("http://127.0.0.1:%d/v1/chat", port);
	ck_assert_int_eq(http_request_header(&exchange->http, "Authorization", "Bearer sk-1"), 0);
	ck_assert_int_eq(buf_puts(&exchange->http.body, "{\"a\":1}"), 0);
	buf_init(&exchange->headers, NOTED_MAX_BYTES);
	buf_init(&exchange->body, NOTED_MAX_BYTES);
	exchange->request.http = &exchange->http;
	exchange->request.max_reply_bytes = 1024 * 1024;
}

void
exchange_url(struct exchange *exchange, const char *url)
{
	free(exchange->http.url);
	exchange->http.url = x_strdup(url);
}

void
exchange_start(struct exchange *exchange)
{
	static const struct transport_callbacks callbacks = {on_headers, on_body, on_done};

	exchange->headers_told = exchange->bodies_told = exchange->done_told = 0;
	exchange->status = 0;
	buf_clear(&exchange->headers);
	buf_clear(&exchange->body);
	exchange->stage->running++;
	exchange->transfer = transport_start(
		exchange->stage->transport, &exchange->request, &callbacks, exchange);
	ck_assert_uint_eq(exchange->headers_told + exchange->done_told, 0);
}

void
exchange_cancel(struct exchange *exchange)
{
	ck_assert_ptr_nonnull(exchange->transfer);
	transport_cancel(exchange->stage->transport, exchange->transfer);
	if (exchange->done_told)
		return;
	exchange->transfer = NULL;
	exchange->stage->running--;
}

void
exchange_free(struct exchange *exchange)
{
	http_request_free(&exchange->http);
	buf_free(&exchange->headers);
	buf_free(&exchange->body);
}

enum transport_end
exchange_run(struct exchange *exchange)
{
	exchange_start(exchange);
	stage_run(exchange->stage);
	ck_assert_uint_eq(exchange->done_told, 1);
	return exchange->result.end;
}
