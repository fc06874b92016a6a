/* SPDX-License-Identifier: MIT */
/*
 * Virtual time for simulations: a clock that goes on only when it is told to, and then fires every
 * timer at its own moment, in order. It is driven by what the clock asks of its wake() alone, as
 * the real loop is, so that a wake that is forgotten shows.
 */
#ifndef LLMFO_FAKE_CLOCK_H
#define LLMFO_FAKE_CLOCK_H

#include "clock.h"

struct fake_clock {
	struct clock clock;
	int64_t time_ms, wall_offset_ms, wake_ms;
	/* After each turn; may be NULL. */
	void (*turned)(void *arg);
	void *arg;
};

void fake_clock_init(struct fake_clock *fake);
void fake_clock_free(struct fake_clock *fake);
/* Lets ms go by. 0 ms are the turns that are due now. */
void fake_clock_advance(struct fake_clock *fake, int64_t ms);

#endif
