/* SPDX-License-Identifier: MIT */
/* See fake_clock.h. */
#include "fake_clock.h"

#include <assert.h>

/* An hour and a bit, so that no test mistakes "never" (0) for "now". */
#define START_MS 4000000
/* 2026-11-20 12:00:00 UTC. */
#define START_WALL_MS 1795176000000
/* As many turns in one millisecond mean that somebody runs in a circle. */
#define TURNS_MAX 100000

static const struct fake_clock *
of(const struct clock *clock)
{
	return UTIL_OWNER((uintptr_t)clock, struct fake_clock, clock);
}

static int64_t
now_ms(const struct clock *clock)
{
	return of(clock)->time_ms;
}

static int64_t
wall_ms(const struct clock *clock)
{
	return of(clock)->time_ms + of(clock)->wall_offset_ms;
}

static void
wake(struct clock *clock, int64_t at_ms)
{
	UTIL_OWNER(clock, struct fake_clock, clock)->wake_ms = at_ms;
}

void
fake_clock_init(struct fake_clock *fake)
{
	static const struct clock_ops ops = {now_ms, wall_ms, wake};

	*fake = (struct fake_clock){
		.time_ms = START_MS,
		.wall_offset_ms = START_WALL_MS - START_MS,
		.wake_ms = CLOCK_NEVER,
	};
	clock_init(&fake->clock, &ops);
}

void
fake_clock_free(struct fake_clock *fake)
{
	clock_free(&fake->clock);
}

void
fake_clock_advance(struct fake_clock *fake, int64_t ms)
{
	int64_t until_ms = fake->time_ms + ms;
	int turns = 0;

	while (fake->wake_ms <= until_ms) {
		if (fake->wake_ms > fake->time_ms) {
			fake->time_ms = fake->wake_ms;
			turns = 0;
		}
		assert(++turns < TURNS_MAX);
		clock_run(&fake->clock);
		if (fake->turned)
			fake->turned(fake->arg);
	}
	fake->time_ms = until_ms;
}
