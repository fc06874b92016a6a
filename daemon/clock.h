/* SPDX-License-Identifier: MIT */
/*
 * Time and timers for everything that is a machine: one heap of timers that lie in their owners,
 * driven by the libuv loop in the daemon (clock_uv.c) and by hand in simulations. Time is monotonic
 * milliseconds; wall time is for logs alone.
 */
#ifndef LLMFO_CLOCK_H
#define LLMFO_CLOCK_H

#include "util.h"

#define CLOCK_NEVER INT64_MAX

/* A timer, embedded in its owner; zeroed memory is a stopped one. */
struct clock_timer {
	int64_t at_ms;
	uint64_t turn; /* order among timers of the same millisecond */
	size_t slot;   /* place in the heap + 1; 0: stopped */
	void (*fire)(void *arg);
	void *arg;
};

struct clock;

struct clock_ops {
	/* Monotonic milliseconds, the same value throughout one turn of the loop. */
	int64_t (*now_ms)(const struct clock *clock);
	/* Milliseconds since 1970. */
	int64_t (*wall_ms)(const struct clock *clock);
	/* Run clock_run() at at_ms (or at once if that has passed), CLOCK_NEVER: no more. Replaces
	 * what was asked for before. */
	void (*wake)(struct clock *clock, int64_t at_ms);
};

/* Embedded first in every implementation. */
struct clock {
	const struct clock_ops *ops;
	struct clock_timer **heap; /* owned; the timers are not */
	size_t count, cap;
	uint64_t turn;
	bool running; /* inside clock_run() */
};

void clock_init(struct clock *clock, const struct clock_ops *ops);
/* Every timer must have been stopped. */
void clock_free(struct clock *clock);

static inline int64_t
clock_now_ms(const struct clock *clock)
{
	return clock->ops->now_ms(clock);
}

static inline int64_t
clock_wall_ms(const struct clock *clock)
{
	return clock->ops->wall_ms(clock);
}

/*
 * (Re)starts a timer that fires once, at at_ms or in the next turn of the loop if that has passed;
 * never from inside this function. fire may start and stop any timer, its own too, and free its
 * owner.
 */
void clock_start(struct clock *clock, struct clock_timer *timer, int64_t at_ms,
	void (*fire)(void *arg), void *arg);
/* The next turn of the loop: what a machine uses to answer later than from inside start(). */
void clock_soon(struct clock *clock, struct clock_timer *timer, void (*fire)(void *arg), void *arg);
/* Fine for a stopped one. */
void clock_stop(struct clock *clock, struct clock_timer *timer);
static inline bool
clock_running(const struct clock_timer *timer)
{
	return timer->slot != 0;
}
/* When the next timer is due, CLOCK_NEVER if none runs. */
int64_t clock_next_ms(const struct clock *clock);
/* For the driver: fires what is due now. Timers that are started meanwhile wait for the next run,
 * so that it always ends. */
void clock_run(struct clock *clock);

#endif
