/* SPDX-License-Identifier: MIT */
/*
 * Plays the plan of a reply to a socket: segments, pauses, holds, one write at a time. It borrows
 * the socket; the connection that embeds it owns the socket and says what the end of a reply means.
 */
#ifndef FAKELLM_PLAY_H
#define FAKELLM_PLAY_H

#include <uv.h>

#include "reply.h"

struct play_ops {
	/* All was sent (never for a reply that hangs); the play has let go of the reply. */
	void (*over)(void *owner, enum reply_end end);
	/* A write failed: the client is gone. */
	void (*lost)(void *owner);
	/* A hold began or ended. */
	void (*held)(void *owner, bool held);
};

struct play {
	uv_tcp_t *tcp;
	uv_timer_t timer; /* the owner's to use while nothing is played, and to close */
	uv_write_t write;
	const struct play_ops *ops;
	void *owner;
	struct reply *reply; /* NULL: nothing is played */
	size_t segment;
	size_t sent; /* bytes of the segment */
	int64_t repeated;
	int64_t due_ms; /* when the last pause was meant to end */
	bool held;
	bool released; /* the segment's hold is over */
	bool paused;   /* the pause before the next write is over */
	bool yielding; /* the timer only gives others a turn */
};

void play_init(struct play *p, uv_tcp_t *tcp, const struct play_ops *ops, void *owner);
/* Takes over the caller's reference. May call `over` or `lost` before it returns. */
void play_start(struct play *p, struct reply *reply);
/* Ends a hold, soon and from the loop; true if there was one. */
bool play_release(struct play *p);
/* Lets go of the reply; none of the ops is called any more, but `held` if a hold ends by it. */
void play_stop(struct play *p);

#endif
