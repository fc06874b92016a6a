/* SPDX-License-Identifier: MIT */
/*
 * The connections that were accepted: moves bytes between each and its session, in turns, so that
 * no user holds up another one however many connections it has. It knows no protocol.
 */
#ifndef LLMFO_CONNECTION_H
#define LLMFO_CONNECTION_H

#include <uv.h>

#include "core.h"
#include "listen_out.h"
#include "session.h"
#include "turn.h"

struct connection;

/* All of a listener's. */
struct connections {
	uv_loop_t *loop;
	struct core *core;
	struct list list; /* of struct connection */
	int count;
	int open; /* of them, those that have a session and are not on their way out */
	struct out_all out;
	char *read_buffer; /* shared: what is not a whole message is copied by its session */
	struct turns turns;
	uv_idle_t serve; /* runs while something is left over */
	bool draining;   /* each is let go once nothing runs for it */
	struct log_rate unread;
	/* One is freed, and counted no more. Never from inside these functions. */
	void (*gone)(void *arg);
	void *arg;
};

void connections_init(struct connections *all, uv_loop_t *loop, struct core *core,
	void (*gone)(void *arg), void *arg);
/* There must be none any more; the handle `serve` is closed first, by the owner. */
void connections_free(struct connections *all);
/* A new one, not accepted yet: its stream is for uv_accept(). */
struct connection *connection_new(struct connections *all, uv_stream_t **stream);
/* It was accepted, and this is who it is. */
void connection_begin(struct connection *connection, const struct session_peer *peer);
/* Ends it: everything that runs for it is cancelled at once. Fine for one that never began. */
void connection_close(struct connection *connection);
/* Every running request gets this error. */
void connections_abort_all(struct connections *all, int error, const char *message);
/*
 * Each that nothing runs for is let go at once, the others when their last reply is out: its client
 * cannot send any more, all that it sent before is still handled, and then the connection ends.
 */
void connections_drain(struct connections *all);
/* Each is let go now. */
void connections_end(struct connections *all);
void connections_close(struct connections *all);

#endif
