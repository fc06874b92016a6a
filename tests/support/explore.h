/* SPDX-License-Identifier: MIT */
/*
 * The explorer: from a seed it draws a whole life of a daemon (a configuration, what the hosts do
 * and when, calls and how their clients behave, an administrator) and lives it in virtual time.
 * After every turn of the clock, and at every request, piece and reply, it looks whether all that
 * must always hold does. It knows only what clients and providers see, not why the daemon did it.
 * The same seed gives the same life to the last byte.
 */
#ifndef LLMFO_EXPLORE_H
#define LLMFO_EXPLORE_H

#include <stdint.h>
#include <stdio.h>

/* What a life was. */
struct explore_life {
	char *broken;  /* the sentence that did not hold, and how; NULL: all did; owned */
	uint64_t hash; /* of all that happened */
	long calls, requests, turns, deltas;
};

/* Lives one life. trace: where all that happens is told, a line each; NULL. */
void explore_live(uint64_t seed, FILE *trace, struct explore_life *life);

#endif
