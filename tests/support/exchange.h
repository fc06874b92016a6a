/* SPDX-License-Identifier: MIT */
/*
 * A stage for the tests of the real transport: a loop, a transport on it, and exchanges that note
 * everything they are told. What a test wants done from inside a callback it gives as `hook`.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "transport_curl.h"

enum exchange_event { EXCHANGE_HEADERS, EXCHANGE_BODY, EXCHANGE_DONE };

struct stage {
	uv_loop_t loop;
	struct transport *transport;
	unsigned running; /* exchanges started and neither done nor cancelled */
	bool closing, closed;
};

struct exchange {
	struct stage *stage;
	struct http_request http;
	struct transport_request request;
	struct transfer *transfer; /* NULL: none under way */
	void (*hook)(struct exchange *exchange, enum exchange_event event);
	void *hook_arg;
	unsigned headers_told, bodies_told, done_told;
	int status;
	struct buf headers, body;
	struct transport_result result;
};

void stage_open(struct stage *stage);
/* Closes transport and loop, and fails the test if anything is left on it. */
void stage_close(struct stage *stage);
/* Begins it, from wherever; stage_close() is still to come. */
void stage_begin_close(struct stage *stage);
/* Runs the loop until no exchange is under way. */
void stage_run(struct stage *stage);
/* Runs the loop until *count is at least `least`. */
void stage_run_until(
	struct stage *stage, unsigned (*count)(const void *arg), const void *arg, unsigned least);

/* A POST of {"a":1} to http://127.0.0.1:PORT/v1/chat, not yet started. */
void exchange_init(struct exchange *exchange, struct stage *stage, int port);
void exchange_url(struct exchange *exchange, const char *url);
/* Starts it (again). */
void exchange_start(struct exchange *exchange);
void exchange_cancel(struct exchange *exchange);
void exchange_free(struct exchange *exchange);
/* Starts it and runs until it is done: how it ended. */
enum transport_end exchange_run(struct exchange *exchange);

#endif
