/* SPDX-License-Identifier: MIT */
/*
 * Client processes that call without a pause, each in its own way, through daemons that come and
 * go; and what came of all their calls, each of which says something of its own and has to be
 * answered with that.
 */
#ifndef LLMFO_TESTS_STORM_H
#define LLMFO_TESTS_STORM_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum storm_kind {
	STORM_BLOCKING,
	STORM_BLOCKING_STREAM,
	STORM_LOOP, /* many calls side by side */
	STORM_LOOP_STREAM,
	STORM_FRESH, /* a new client for every call */
	STORM_KINDS
};

/* Written by its process, read by the test. */
struct storm_count {
	_Atomic int64_t started, ended;
	_Atomic int64_t doubled; /* called back again */
	_Atomic int64_t wrong;   /* answered with what was not asked */
	_Atomic int64_t longest_ms;
	_Atomic int64_t with[64]; /* ended with error -index */
};

struct storm {
	struct storm_shared *shared;
	pid_t pids[STORM_KINDS];
};

void storm_start(struct storm *storm, const char *socket);
/* How many calls have ended so far. */
int64_t storm_ended(const struct storm *storm);
/* No further calls; returns when those under way have ended. To be called with a daemon there. */
void storm_stop(struct storm *storm);
/* The sum of all kinds, and a line for each on standard output. */
void storm_sum(const struct storm *storm, struct storm_count *sum);
void storm_free(struct storm *storm);

#endif
