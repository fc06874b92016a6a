/* SPDX-License-Identifier: MIT */
/* What an HTTP exchange is made of, as plain values: the pure provider files make requests and read
 * replies of this form. */
#ifndef LLMFO_HTTP_H
#define LLMFO_HTTP_H

#include "buf.h"

/* A request, ready to be sent. Everything in it is owned by it. */
struct http_request {
	const char *method; /* static: "GET", "POST", "HEAD" */
	char *url;
	struct buf headers; /* "Name: value\n" for each header; holds the key: never logged, wiped
	                       when freed */
	struct buf body;
};

void http_request_init(struct http_request *request, size_t max_body_bytes);
void http_request_free(struct http_request *request);
/*
 * Adds a header. LLMFO_EINVALID_REQUEST when name or value holds a control character (a line break
 * would let a value smuggle in further headers).
 */
int http_request_header(struct http_request *request, const char *name, const char *value);

/* The headers of a reply: names in lower case, values trimmed, "name: value\n" each. */
struct http_headers {
	struct buf text;
};

#define HTTP_HEADERS_MAX_BYTES (64 * 1024)

void http_headers_init(struct http_headers *headers);
void http_headers_free(struct http_headers *headers);
void http_headers_clear(struct http_headers *headers);
/* Takes one raw line ("Retry-After: 3\r\n"); lines without a colon and what is beyond the ceiling
 * are dropped. */
void http_headers_add_line(struct http_headers *headers, const char *line, size_t length);
/*
 * The first value of a header (name in lower case), copied into value, NUL-terminated and cut at
 * size; false when there is none (value is "" then).
 */
bool http_headers_get(
	const struct http_headers *headers, const char *name, char *value, size_t size);

#endif
