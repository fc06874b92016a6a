/* SPDX-License-Identifier: MIT */
/*
 * The beginnings of messages whose rest has not come, over all sessions, oldest first: each may
 * last only so long, and when room is short the oldest goes. How much room there is the sessions
 * know. A machine.
 */
#ifndef LLMFO_PARTIAL_H
#define LLMFO_PARTIAL_H

#include "clock.h"
#include "list.h"

#define PARTIAL_MAX_MS 30000

struct partials {
	struct clock *clock;
	struct list list; /* of struct partial */
	struct clock_timer timer;
};

/* One session's. */
struct partial {
	struct list node;
	size_t bytes;
	int64_t began_ms;
	const bool *held; /* while this is set its sender is not read from, so its time stands */
	/* It must go, for its time is over, or others need its room: calls partial_end(). */
	void (*drop)(void *arg, bool crowded);
	void *arg;
};

void partials_init(struct partials *partials, struct clock *clock);
/* Drops the oldest of more than min_bytes, but not that one; false if there is none. */
bool partials_drop(struct partials *partials, const struct partial *but, size_t min_bytes);
void partial_init(struct partial *partial, const bool *held, void (*drop)(void *arg, bool crowded),
	void *arg);
/* It takes so many bytes now, and began now if it had not. */
void partial_set(struct partials *partials, struct partial *partial, size_t bytes);
/* The message is whole or given up. Fine for one that had not begun. */
void partial_end(struct partials *partials, struct partial *partial);

#endif
