/* SPDX-License-Identifier: MIT */
/*
 * Replies from steps. A page (head, length, body) and a stream share the head and the faults of the
 * wire; what they say comes from the request's shape.
 */
#include "behave.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "gzip.h"
#include "stream.h"

struct page {
	int status;
	const char *type;
	const char *headers; /* further lines, or "" */
	struct out body;
	int64_t fill; /* -1, or what stands for the mark in the body */
};

static void
behave_big_headers(struct reply *r, int64_t bytes)
{
	char line[1024];
	int n;

	for (int64_t i = 0; i * (int64_t)sizeof(line) < bytes; i++) {
		n = snprintf(line, sizeof(line), "x-big-%lld: ", (long long)i);
		memset(line + n, 'x', sizeof(line) - (size_t)n);
		memcpy(line + sizeof(line) - 2, "\r\n", 2);
		reply_add(r, line, sizeof(line));
	}
}

static void
behave_retry_headers(struct reply *r, const struct ask *ask, const struct step *step)
{
	struct out o = {0};
	char date[64];
	time_t when;
	struct tm tm;

	if (step->retry_after.data && !ask_error_shape(ask)->retry_in_body)
		out_put(&o, "retry-after: %s\r\n", step->retry_after.data);
	if (step->retry_after_ms.data)
		out_put(&o, "retry-after-ms: %s\r\n", step->retry_after_ms.data);
	if (step->retry_after_date >= 0) {
		when = time(NULL) + (time_t)step->retry_after_date;
		gmtime_r(&when, &tm);
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		out_put(&o, "retry-after: %s\r\n", date);
		r->once = true;
	}
	reply_add(r, o.data, o.len);
	out_free(&o);
}

/* Everything up to the empty line; `length` < 0: the body is chunked. */
static void
behave_head(struct reply *r, const struct ask *ask, const struct step *step,
	const struct page *page, int64_t length)
{
	struct out o = {0};

	out_put(&o, "HTTP/1.1 %d %s\r\ncontent-type: %s\r\n", (int64_t)page->status,
		http_reason(page->status), page->type);
	out_put(&o, "%s%s", ask->shape->headers, page->headers);
	reply_add(r, o.data, o.len);
	o.len = 0;
	if (step) {
		reply_add(r, step->headers.data, step->headers.len);
		behave_retry_headers(r, ask, step);
		if (step->big_headers > 0)
			behave_big_headers(r, step->big_headers);
	}
	if (step && step->connection_close > 0) {
		out_put(&o, "connection: close\r\n");
		r->end = REPLY_CLOSE;
	}
	if (length < 0)
		out_put(&o, "transfer-encoding: chunked\r\n\r\n");
	else
		out_put(&o, "content-length: %d\r\n\r\n", length);
	reply_add(r, o.data, o.len);
	out_free(&o);
	if (step && step->slow_headers_ms >= 0) {
		reply_last(r)->slice_ms = step->slow_headers_ms;
		reply_cut(r, 0);
	}
}

static void
behave_blank_lines(struct reply *r, const struct step *step)
{
	for (int64_t i = 0; step && i < step->blank_lines; i++) {
		reply_body(r, "\n", 1);
		if (step->gap_ms > 0)
			reply_cut(r, step->gap_ms);
	}
}

static int64_t
behave_length(const struct step *step, const struct page *page)
{
	int64_t length = (int64_t)page->body.len;

	if (step && step->chunk_bytes > 0)
		return -1;
	if (step && step->blank_lines > 0)
		length += step->blank_lines;
	if (page->fill >= 0)
		length += page->fill - (int64_t)strlen(STREAM_FILL_MARK);
	if (step && step->truncated >= 0)
		length += step->truncated;
	return length;
}

/* Writes a whole page; the page's body is freed. */
static void
behave_send(struct reply *r, const struct ask *ask, const struct step *step, struct page *page)
{
	bool head_only = span_is(ask->req->method, "HEAD");

	if (step && step->content_type.data)
		page->type = step->content_type.data;
	if (step && step->chunk_bytes > 0)
		r->chunk_bytes = step->chunk_bytes;
	behave_head(r, ask, step, page, behave_length(step, page));
	if (step && step->first_token_ms > 0)
		reply_cut(r, step->first_token_ms);
	if (!head_only) {
		behave_blank_lines(r, step);
		stream_filled(
			r, page->body.data ? page->body.data : "", page->body.len, page->fill);
		reply_finish(r);
	}
	if (step && step->truncated >= 0)
		r->end = REPLY_CLOSE;
	out_free(&page->body);
}

/* What a provider shows of a key that is wrong. */
static char *
behave_masked_key(const struct ask *ask)
{
	size_t n = ask->key ? strlen(ask->key) : 0;
	struct out o = {0};

	out_put(&o, "****%s", n > 8 ? ask->key + n - 4 : "");
	return out_take(&o);
}

/* The words of a fault from the shape's table, the step and the request; the caller frees the
 * result. */
static char *
behave_fault(struct fault *fault, const struct ask *ask, const struct step *step)
{
	const struct fault_row *row;
	const char *text = step ? script_text(&step->message) : NULL;
	char *masked = behave_masked_key(ask), *message;
	struct out o = {0};

	if (step && step->kind.data)
		fault->kind = step->kind.data;
	row = shape_fault(ask_error_shape(ask)->faults, fault->status, fault->kind);
	if (!fault->type)
		fault->type = row->type;
	if (!fault->code && !fault->message)
		fault->code = row->code;
	if (!text)
		text = fault->message ? fault->message : row->message ? row->message : "";
	message = shape_message(text, ask->model, masked);
	out_put(&o, "%s", message);
	if (step && step->echo_key > 0 && ask->key)
		out_put(&o, " (key: %s)", ask->key);
	free(masked);
	free(message);
	message = out_take(&o);
	fault->message = message;
	if (step)
		fault->retry_after = script_text(&step->retry_after);
	return message;
}

static void
behave_error_page(
	struct page *page, const struct ask *ask, const struct step *step, struct fault *fault)
{
	const struct shape *shape = ask_error_shape(ask);
	char *message = behave_fault(fault, ask, step);
	char host[80];

	if (fault->type && strcmp(fault->type, "html") == 0) {
		snprintf(host, sizeof(host), "api.%s.com", shape->name);
		shape_html(&page->body, host, fault->status);
		page->type = "text/html; charset=UTF-8";
		page->headers = "server: cloudflare\r\ncf-ray: 9a00000000000000-FRA\r\n";
	} else {
		shape->error(&page->body, ask, fault);
		page->type = shape->json_type;
	}
	if (step && step->big_body >= 0) {
		page->body.len = 0;
		out_text(&page->body, STREAM_FILL_MARK);
	}
	free(message);
}

/* The fault of an error event, or of an error in a body with status 200. */
static struct fault
behave_event_fault(const struct ask *ask)
{
	return (struct fault){.status = ask->shape == &shape_anthropic ? 529 : 500};
}

static void
behave_stream(struct reply *r, const struct ask *ask, const struct step *step, struct page *page)
{
	struct fault fault = behave_event_fault(ask);
	char *message = behave_fault(&fault, ask, step);
	struct answer a;

	r->chunk_bytes = step->chunk_bytes > 0 ? step->chunk_bytes : -1;
	page->type = ask->json_stream ? ask->shape->json_type : ask->shape->stream_type;
	if (step->content_type.data)
		page->type = step->content_type.data;
	behave_head(r, ask, step, page, -1);
	answer_make(&a, ask, step);
	stream_write(r, step, ask, &a, &fault);
	answer_free(&a);
	free(message);
}

static void
behave_answer(struct page *page, const struct ask *ask, const struct step *step)
{
	struct fault fault = behave_event_fault(ask);
	struct answer a;

	if (step->error_after == 0) {
		behave_error_page(page, ask, step, &fault);
		return;
	}
	answer_make(&a, ask, step);
	ask->shape->answer(&page->body, &a);
	answer_free(&a);
	if (step->kind_of == STEP_BAD_JSON)
		page->body.len = page->body.len * 2 / 3;
}

/* The body of a page that is no stream. */
static void
behave_fill_page(struct page *page, const struct ask *ask, const struct step *step)
{
	struct fault fault = {.status = step->status};

	if (step->body.data)
		out_add(&page->body, step->body.data, step->body.len);
	else if (step->kind_of == STEP_STATUS)
		behave_error_page(page, ask, step, &fault);
	else if (step->kind_of == STEP_HTML)
		shape_html(&page->body, "gateway", 200);
	else if (step->kind_of == STEP_EMPTY || step->kind_of == STEP_REDIRECT)
		return;
	else if (ask->what == ASK_CHECK)
		ask->shape->list(&page->body, ask);
	else
		behave_answer(page, ask, step);
}

static void
behave_redirect(struct reply *r, const struct ask *ask, const struct step *step, struct page *page)
{
	struct out o = {0};
	char *headers;

	out_put(&o, "location: %s\r\n", step->value.data);
	headers = out_take(&o);
	page->headers = headers;
	behave_send(r, ask, step, page);
	free(headers);
}

static void
behave_page_step(struct reply *r, const struct ask *ask, const struct step *step)
{
	struct page page = {.status = step->status,
		.type = ask->shape->json_type,
		.headers = "",
		.fill = step->big_body >= 0 ? step->big_body : step->bigline};
	bool normal = step->kind_of == STEP_OK || step->kind_of == STEP_NO_CHOICES ||
		step->kind_of == STEP_CLOSE_ON_REUSE;

	if (normal && ask->stream && !step->body.data) {
		behave_stream(r, ask, step, &page);
	} else if (step->kind_of == STEP_REDIRECT) {
		behave_redirect(r, ask, step, &page);
	} else {
		if (step->kind_of == STEP_HTML)
			page.type = "text/html";
		behave_fill_page(&page, ask, step);
		behave_send(r, ask, step, &page);
	}
}

static void
behave_gzip_bomb(struct reply *r, const struct ask *ask, const struct step *step)
{
	struct page page = {.status = 200,
		.type = ask->shape->json_type,
		.headers = "content-encoding: gzip\r\n"};

	r->chunk_bytes = -1;
	behave_head(r, ask, step, &page, -1);
	gzip_bomb(r, step->amount);
	reply_finish(r);
}

static void
behave_head_then(
	struct reply *r, const struct ask *ask, const struct step *step, enum reply_end end)
{
	struct page page = {.status = 200,
		.headers = "",
		.type = ask->stream ? ask->shape->stream_type : ask->shape->json_type};

	behave_head(r, ask, step, &page, -1);
	r->end = end;
}

static void
behave_early_hints(struct reply *r, const struct step *step)
{
	reply_cut(r, step->amount);
	reply_text(r, "HTTP/1.1 102 Processing\r\n\r\n");
	reply_last(r)->repeat = REPLY_FOREVER;
	r->end = REPLY_HANG;
}

static void
behave_step(struct reply *r, const struct ask *ask, const struct step *step, int64_t nth)
{
	switch (step->kind_of) {
	case STEP_REFUSE:
	case STEP_RESET: r->end = REPLY_RESET; break;
	case STEP_CLOSE: r->end = REPLY_CLOSE; break;
	case STEP_HANG: r->end = REPLY_HANG; break;
	case STEP_RESET_HEADERS: behave_head_then(r, ask, step, REPLY_RESET); break;
	case STEP_HEADERS_HANG: behave_head_then(r, ask, step, REPLY_HANG); break;
	case STEP_1XX: behave_early_hints(r, step); break;
	case STEP_GZIP_BOMB: behave_gzip_bomb(r, ask, step); break;
	case STEP_CLOSE_ON_REUSE:
		r->once = true;
		if (nth > 1)
			r->end = REPLY_CLOSE;
		else
			behave_page_step(r, ask, step);
		break;
	default: behave_page_step(r, ask, step);
	}
}

static void
behave_slices(struct reply *r, const struct step *step)
{
	int64_t slice_ms = step->drip_ms >= 0 ? step->drip_ms : step->split > 0 ? 0 : -1;

	if (step->utf8_split > 0)
		reply_split_utf8(r);
	for (size_t i = 0; slice_ms >= 0 && i < r->n_segments; i++) {
		if (r->segments[i].slice_ms < 0)
			r->segments[i].slice_ms = slice_ms;
	}
}

struct reply *
behave(struct ask *ask, const struct step *step, int64_t nth)
{
	struct reply *r = reply_new();
	struct page page = {.headers = "", .fill = -1};

	if (ask->fault.status) {
		page.status = ask->fault.status;
		behave_error_page(&page, ask, NULL, &ask->fault);
		behave_send(r, ask, NULL, &page);
		return r;
	}
	reply_last(r)->hold = step->hold > 0;
	if (step->delay_ms > 0)
		reply_last(r)->wait_ms = step->delay_ms;
	r->stamps = step->stamps > 0;
	r->once = r->stamps;
	behave_step(r, ask, step, nth);
	behave_slices(r, step);
	return r;
}

struct reply *
behave_page(int status, const char *type, const char *body, size_t len)
{
	struct reply *r = reply_new();
	struct out o = {0};

	out_put(&o, "HTTP/1.1 %d %s\r\ncontent-type: %s\r\n", (int64_t)status, http_reason(status),
		type);
	out_put(&o, "content-length: %d\r\n\r\n", (int64_t)len);
	reply_add(r, o.data, o.len);
	reply_add(r, body, len);
	out_free(&o);
	return r;
}
