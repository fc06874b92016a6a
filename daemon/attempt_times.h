/* SPDX-License-Identifier: MIT */
/*
 * How long an attempt may wait for what comes next, and what it proves that it waited so long. Pure
 * reckoning with absolute moments; the timer is attempt.c's.
 */
#ifndef LLMFO_ATTEMPT_TIMES_H
#define LLMFO_ATTEMPT_TIMES_H

#include "clock.h"

struct attempt_times {
	int64_t started_ms;
	/* What provider and chain allow one attempt, and the same or less where the caller asks for
	 * it; CLOCK_NEVER: no limit, as with the next two. */
	int64_t own_limit_ms, limit_ms;
	int64_t first_token_ms, idle_ms; /* of a stream: until the first sign, between two */
	int64_t share_ms;                /* within which content has to begin */
	int64_t deadline_ms;             /* absolute */
	bool begun;                      /* content came */
	int64_t sign_ms;       /* the last sign that the model works; at first the start */
	int64_t held_since_ms; /* CLOCK_NEVER: it is not held */
	int64_t held_ms;       /* and how long it was before */
};

/* The rest is set. */
void attempt_times_start(struct attempt_times *times, int64_t now_ms);
/* A sign that the model works. True: it is the first. */
bool attempt_times_sign(struct attempt_times *times, int64_t now_ms);
/* While it is held no sign can come, and that is not the provider's fault. */
void attempt_times_hold(struct attempt_times *times, bool held, int64_t now_ms);
/* For how long it was held so far. */
int64_t attempt_times_held_ms(const struct attempt_times *times, int64_t now_ms);
/* The moment at which it has to end if nothing more happens. */
int64_t attempt_times_end_ms(const struct attempt_times *times);
/*
 * The moment from which on it has run as long as provider and chain themselves allow: only an end
 * at it or later counts against them.
 */
int64_t attempt_times_own_end_ms(const struct attempt_times *times);
/* Is it the silence between two signs that has lasted too long? */
bool attempt_times_silent(const struct attempt_times *times, int64_t now_ms);

#endif
