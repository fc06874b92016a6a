/* SPDX-License-Identifier: MIT */
/* See stats.h. */
#include "stats.h"

void
stats_reset(struct stats *stats, int64_t wall_ms)
{
	*stats = (struct stats){.since_wall_ms = wall_ms};
}

/* One estimate counts as this far off at most: a provider that counts nonsense says nothing. */
#define ERROR_MAX_PERMILLE 10000

void
stats_note_estimate(struct stats *stats, int64_t estimated, int64_t counted)
{
	int64_t error;

	if (counted <= 0 || estimated < 0)
		return;
	if (__builtin_mul_overflow(
		    estimated > counted ? estimated - counted : counted - estimated, 1000, &error))
		error = INT64_MAX;
	error /= counted;
	stats->estimate.count++;
	stats->estimate.sum_error_permille +=
		error < ERROR_MAX_PERMILLE ? error : ERROR_MAX_PERMILLE;
}

int64_t
stats_estimate_error_permille(const struct stats *stats)
{
	return stats->estimate.count > 0
		? stats->estimate.sum_error_permille / stats->estimate.count
		: -1;
}
