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
};

enum {
#define X(name, help) STATS_##name,
#include "stats.def"
#undef X
	STATS_COUNT
};

/* All counters at 0, counting from now. */
void stats_reset(struct stats *stats, int64_t wall_ms);

#endif
