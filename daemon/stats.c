/* SPDX-License-Identifier: MIT */
/* See stats.h. */
#include "stats.h"

void
stats_reset(struct stats *stats, int64_t wall_ms)
{
	*stats = (struct stats){.since_wall_ms = wall_ms};
}
