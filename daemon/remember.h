/* SPDX-License-Identifier: MIT */
/*
 * Keeps what is worth it over a restart: watches health, and gives a snapshot of it to the state
 * soon after something changed; at the start it brings back into health what was kept. What time
 * does by itself is no change, for a snapshot grows old by itself too.
 */
#ifndef LLMFO_REMEMBER_H
#define LLMFO_REMEMBER_H

#include "clock.h"
#include "state.h"

/* No more than one snapshot in so long, however much happens. */
#define REMEMBER_PACE_MS 100

struct remember {
	struct health *health; /* borrowed, as the others */
	struct clock *clock;
	struct state *state;
	struct health_watch watch;
	struct clock_timer timer; /* runs: something changed that is not given away yet */
	int64_t next_ms;          /* not before that */
	char *epoch;              /* owned; NULL: none */
};

/*
 * Brings back what was found, of providers that are still configured, and keeps what happens from
 * then on in state (NULL: nowhere). Health must have its configuration and its policy by then.
 */
void remember_start(struct remember *remember, struct health *health, struct clock *clock,
	struct state *state, const struct snapshot *found);
/* Something changed that health does not tell of: the marks of what others share. */
void remember_changed(struct remember *remember);
/* What the place that hosts share calls its present life, to be known again; NULL: none. */
void remember_set_epoch(struct remember *remember, const char *epoch);
/* Gives away at once what has changed, and watches no longer. Fine for one that was not started and
 * is zeroed. */
void remember_stop(struct remember *remember);

#endif
