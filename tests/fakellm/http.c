/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 requests: finding the end of one, its head's fields, its body. Strict enough to notice a
 * client that speaks nonsense, and no stricter: the provider's own rules are checked elsewhere.
 */
#include "http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "out.h"

bool
span_is(struct span s, const char *text)
{
	return s.p && s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

bool
span_ends(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.p && s.n >= n && memcmp(s.p + s.n - n, text, n) == 0;
}

long long
span_number(struct span s, long long otherwise)
{
	long long n = 0;

	if (!s.p || !s.n || s.n > 15)
		return otherwise;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return otherwise;
		n = n * 10 + (s.p[i] - '0');
	}
	return n;
}

static struct span
span_trim(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct span){p, (size_t)(end - p)};
}

/* One header line into name and value; false at the end of the head. */
static bool
http_next_header(const char **at, const char *end, struct span *name, struct span *value)
{
	const char *eol, *colon;

	while (*at < end) {
		eol = memchr(*at, '\r', (size_t)(end - *at));
		if (!eol || eol == *at)
			return false;
		colon = memchr(*at, ':', (size_t)(eol - *at));
		if (colon) {
			*name = span_trim(*at, colon);
			*value = span_trim(colon + 1, eol);
		}
		*at = eol + 2;
		if (colon)
			return true;
	}
	return false;
}

static const char *
http_first_header(const struct request *req)
{
	const char *eol = memchr(req->raw, '\r', req->head_len);

	return eol ? eol + 2 : req->raw + req->head_len;
}

void
http_each_header(const struct request *req,
	void (*each)(void *arg, struct span name, struct span value), void *arg)
{
	const char *at = http_first_header(req);
	struct span name, value;

	while (http_next_header(&at, req->raw + req->head_len, &name, &value))
		each(arg, name, value);
}

struct span
http_header(const struct request *req, const char *wanted)
{
	const char *at = http_first_header(req);
	size_t n = strlen(wanted);
	struct span name, value;

	while (http_next_header(&at, req->raw + req->head_len, &name, &value)) {
		if (name.n == n && strncasecmp(name.p, wanted, n) == 0)
			return value;
	}
	return (struct span){NULL, 0};
}

struct span
http_query(const struct request *req, const char *wanted)
{
	const char *at = req->query.p, *end = at ? at + req->query.n : NULL;
	size_t n = strlen(wanted);

	while (at && at < end) {
		const char *amp = memchr(at, '&', (size_t)(end - at));
		const char *stop = amp ? amp : end;

		if ((size_t)(stop - at) > n && memcmp(at, wanted, n) == 0 && at[n] == '=')
			return (struct span){at + n + 1, (size_t)(stop - at) - n - 1};
		at = stop + 1;
	}
	return (struct span){NULL, 0};
}

/* The request line: METHOD SP target SP HTTP/1.x */
static int
http_request_line(struct request *req)
{
	const char *eol = memchr(req->raw, '\r', req->head_len);
	const char *sp1 = eol ? memchr(req->raw, ' ', (size_t)(eol - req->raw)) : NULL;
	const char *sp2 = sp1 ? memchr(sp1 + 1, ' ', (size_t)(eol - sp1 - 1)) : NULL;
	const char *mark;

	if (!sp2 || eol - sp2 != 9 || memcmp(sp2 + 1, "HTTP/1.", 7) != 0)
		return -1;
	req->method = (struct span){req->raw, (size_t)(sp1 - req->raw)};
	req->path = (struct span){sp1 + 1, (size_t)(sp2 - sp1) - 1};
	mark = memchr(req->path.p, '?', req->path.n);
	if (mark) {
		req->query = (struct span){mark + 1, (size_t)(sp2 - mark) - 1};
		req->path.n = (size_t)(mark - req->path.p);
	}
	req->close = eol[-1] == '0';
	return req->path.n && req->path.p[0] == '/' ? 0 : -1;
}

/* One chunk at `at`: its size, and `at` moved to its data; HTTP_MORE if the line is not whole. */
static enum http_verdict
http_chunk_size(const char **at, const char *end, size_t *size)
{
	const char *eol = memchr(*at, '\n', (size_t)(end - *at));
	size_t n = 0, digits = 0;

	if (!eol)
		return end - *at > 64 ? HTTP_BAD : HTTP_MORE;
	for (const char *p = *at; p < eol && digits < 8; p++, digits++) {
		int c = *p | 32;

		if (c >= '0' && c <= '9')
			n = n * 16 + (size_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n * 16 + (size_t)(c - 'a' + 10);
		else
			break;
	}
	*at = eol + 1;
	*size = n;
	return digits ? HTTP_COMPLETE : HTTP_BAD;
}

/* Joins a chunked body that starts at `at`; *end_of is where the request ends. */
static enum http_verdict
http_join(const char *at, const char *end, struct out *body, const char **end_of)
{
	enum http_verdict verdict;
	size_t size;

	for (;;) {
		verdict = http_chunk_size(&at, end, &size);
		if (verdict != HTTP_COMPLETE)
			return verdict;
		if (size > HTTP_BODY_MAX_BYTES || body->len + size > HTTP_BODY_MAX_BYTES)
			return HTTP_TOO_LARGE;
		if ((size_t)(end - at) < size + 2)
			return HTTP_MORE;
		out_add(body, at, size);
		at += size + 2;
		if (size == 0)
			break;
	}
	*end_of = at;
	return HTTP_COMPLETE;
}

static enum http_verdict
http_chunked_body(const char *in, size_t len, struct request *req)
{
	struct out body = {0};
	const char *end_of = NULL;
	enum http_verdict verdict = http_join(in + req->head_len, in + len, &body, &end_of);

	if (verdict == HTTP_COMPLETE) {
		req->raw_len = (size_t)(end_of - in);
		req->body.n = body.len;
		req->joined = out_take(&body);
		req->body.p = req->joined;
	}
	out_free(&body);
	return verdict;
}

static enum http_verdict
http_sized_body(const char *in, size_t len, struct request *req, struct http_wants *wants)
{
	struct span value = http_header(req, "content-length");
	long long size = value.p ? span_number(value, -1) : 0;

	if (size < 0)
		return HTTP_BAD;
	if (size > (long long)HTTP_BODY_MAX_BYTES)
		return HTTP_TOO_LARGE;
	req->raw_len = req->head_len + (size_t)size;
	wants->bytes = req->raw_len;
	if (len < req->raw_len)
		return HTTP_MORE;
	req->raw = out_realloc(req->raw, req->raw_len);
	memcpy(req->raw + req->head_len, in + req->head_len, (size_t)size);
	req->body = (struct span){req->raw + req->head_len, (size_t)size};
	return HTTP_COMPLETE;
}

static enum http_verdict
http_read(const char *in, size_t len, struct request *req, struct http_wants *wants)
{
	enum http_verdict verdict;
	struct span value = http_header(req, "transfer-encoding");

	if (value.n == 7 && strncasecmp(value.p, "chunked", 7) == 0)
		verdict = http_chunked_body(in, len, req);
	else
		verdict = http_sized_body(in, len, req, wants);
	if (verdict == HTTP_MORE) {
		value = http_header(req, "expect");
		wants->go_ahead = value.n == 12 && strncasecmp(value.p, "100-continue", 12) == 0;
	}
	if (verdict != HTTP_COMPLETE)
		return verdict;
	if (http_request_line(req) != 0) /* `raw` may have moved: the spans are taken last */
		return HTTP_BAD;
	value = http_header(req, "connection");
	if (value.n == 5 && strncasecmp(value.p, "close", 5) == 0)
		req->close = true;
	return HTTP_COMPLETE;
}

enum http_verdict
http_parse(const char *in, size_t len, struct request **result, struct http_wants *wants)
{
	const char *end = memmem(in, len, "\r\n\r\n", 4);
	enum http_verdict verdict;
	struct request *req;

	memset(wants, 0, sizeof(*wants));
	if (!end)
		return len > HTTP_HEAD_MAX_BYTES ? HTTP_TOO_LARGE : HTTP_MORE;
	req = out_alloc(sizeof(*req));
	req->refs = 1;
	req->head_len = (size_t)(end - in) + 4;
	req->raw = out_strndup(in, req->head_len);
	verdict = http_request_line(req) == 0 ? http_read(in, len, req, wants) : HTTP_BAD;
	if (verdict == HTTP_COMPLETE)
		*result = req;
	else
		http_unref(req);
	return verdict;
}

struct request *
http_ref(struct request *req)
{
	req->refs++;
	return req;
}

void
http_unref(struct request *req)
{
	if (!req || --req->refs > 0)
		return;
	free(req->raw);
	free(req->joined);
	free(req);
}

const char *
http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{204, "No Content"},
		{307, "Temporary Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{402, "Payment Required"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{413, "Payload Too Large"},
		{422, "Unprocessable Entity"},
		{424, "Failed Dependency"},
		{429, "Too Many Requests"},
		{431, "Headers Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{529, "Overloaded"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Status";
}
