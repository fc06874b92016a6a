/* SPDX-License-Identifier: MIT */
/*
 * A server in the test's own loop that answers the n-th request with the n-th reply of its script,
 * byte for byte (the last one again and again), so that it can misbehave in ways no real server
 * does.
 */
#ifndef TINY_HTTP_H
#define TINY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum tiny_then {
	TINY_KEEP, /* the connection stays open for the next request */
	TINY_CLOSE,
	TINY_RESET,
};

struct tiny_reply {
	const char *bytes; /* NULL: none */
	size_t length;     /* 0: up to the NUL */
	const char *more;  /* sent `times` times after bytes; NULL: none */
	size_t more_length;
	size_t times;
	enum tiny_then then;
	bool drip; /* each byte in a packet of its own */
};

struct tiny_http;

/* Listens on a port of its own of 127.0.0.1. replies are borrowed, count > 0. */
struct tiny_http *tiny_http_new(uv_loop_t *loop, const struct tiny_reply *replies, size_t count);
/* Closes everything; freed by the loop. */
void tiny_http_close(struct tiny_http *tiny);
int tiny_http_port(const struct tiny_http *tiny);
/* How many connections and whole requests came so far, how many connections are still open. */
unsigned tiny_http_connections(const struct tiny_http *tiny);
unsigned tiny_http_requests(const struct tiny_http *tiny);
unsigned tiny_http_open(const struct tiny_http *tiny);
/* Bytes of the last whole request, "" if there was none. */
const char *tiny_http_last(const struct tiny_http *tiny);
/* Answers to its requests are held back until false is set. */
void tiny_http_hold(struct tiny_http *tiny, bool hold);

#endif
