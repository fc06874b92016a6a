/* SPDX-License-Identifier: MIT */
/* The daemon's counters, from stats.def. */
#ifndef LLMFO_STATS_H
#define LLMFO_STATS_H

#include "util.h"

struct stats {
#define X(name, help) int64_t name;
#include "stats.def"
#undef X
	int64_t since_wall_ms; /* when counting began */
	/* Prompts whose tokens the provider counted, after they had been estimated. */
	struct {
		int64_t count, sum_error_permille; /* of what was counted; without the sign */
	} estimate;
};

enum {
#define X(name, help) STATS_##name,
#include "stats.def"
#undef X
	STATS_COUNT
};

/* A prompt was estimated at so many tokens, and its provider counted so many. */
void stats_note_estimate(struct stats *stats, int64_t estimated, int64_t counted);
/* How far such estimates are off on average, in thousandths; -1: there were none. */
int64_t stats_estimate_error_permille(const struct stats *stats);
/* All counters at 0, counting from now. */
void stats_reset(struct stats *stats, int64_t wall_ms);

#endif
