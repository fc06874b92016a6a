/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 requests as the scripted provider needs them: where one ends, what its head says, what
 * its body is. It owns the bytes of a request and no connection. A request is shared by reference:
 * the journal, the memory of the last answer and the one being answered hold the same bytes.
 */
#ifndef FAKELLM_HTTP_H
#define FAKELLM_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_MAX_BYTES (64u << 10)
#define HTTP_BODY_MAX_BYTES (64u << 20)

struct span {
	const char *p;
	size_t n;
};

struct request {
	int refs;
	char *raw;      /* head and body as they came; a chunked body is `body` alone */
	size_t raw_len; /* bytes of the connection that the request took */
	size_t head_len;
	struct span method;
	struct span path;  /* without the query */
	struct span query; /* without the question mark */
	struct span body;
	char *joined; /* the body put together from chunks, or NULL */
	bool close;   /* the client will close after this one */
};

enum http_verdict {
	HTTP_COMPLETE, /* *req is a request with one reference */
	HTTP_MORE,     /* more bytes are needed */
	HTTP_BAD,      /* not HTTP/1.x */
	HTTP_TOO_LARGE,
};

struct http_wants {
	size_t bytes;  /* how long the whole request will be, if that is known, else 0 */
	bool go_ahead; /* the client waits for 100 Continue */
};

/* Looks for one request at the start of `in`; with HTTP_MORE, `wants` says what is known of it. */
enum http_verdict http_parse(
	const char *in, size_t len, struct request **req, struct http_wants *wants);
struct request *http_ref(struct request *req);
void http_unref(struct request *req);

/* Calls `each` for every header field of the request. */
void http_each_header(const struct request *req,
	void (*each)(void *arg, struct span name, struct span value), void *arg);
/* The value of a header field (name in any case), or a span with p == NULL. */
struct span http_header(const struct request *req, const char *name);
/* The value of a query parameter, not decoded, or a span with p == NULL. */
struct span http_query(const struct request *req, const char *name);

bool span_is(struct span s, const char *text);
bool span_ends(struct span s, const char *text);
/* A whole number of 0 or more, or `otherwise`. */
long long span_number(struct span s, long long otherwise);

const char *http_reason(int status);

#endif
