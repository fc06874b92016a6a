/* SPDX-License-Identifier: MIT */
/* See recent.h. Between two halvings it goes in a straight line. */
#include "recent.h"

#define ONE_MILLI 1000
#define HALVINGS_MAX 40

static int64_t
faded(int64_t milli, int64_t passed_ms)
{
	int64_t halvings = passed_ms / RECENT_HALF_MS;

	if (passed_ms <= 0)
		return milli;
	if (halvings > HALVINGS_MAX)
		return 0;
	milli >>= halvings;
	return milli - milli * (passed_ms % RECENT_HALF_MS) / (2 * RECENT_HALF_MS);
}

void
recent_note(struct recent *recent, bool well, int64_t now_ms)
{
	int64_t passed_ms = now_ms - recent->at_ms;

	recent->well_milli = faded(recent->well_milli, passed_ms) + (well ? ONE_MILLI : 0);
	recent->ill_milli = faded(recent->ill_milli, passed_ms) + (well ? 0 : ONE_MILLI);
	recent->at_ms = now_ms;
}

int
recent_permille(const struct recent *recent, int64_t now_ms)
{
	int64_t passed_ms = now_ms - recent->at_ms;
	int64_t well_milli = faded(recent->well_milli, passed_ms) + ONE_MILLI;
	int64_t ill_milli = faded(recent->ill_milli, passed_ms);

	return (int)(well_milli * 1000 / (well_milli + ill_milli));
}
