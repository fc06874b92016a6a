/* SPDX-License-Identifier: MIT */
/* The daemon's clock: the time of the libuv loop, and one uv_timer that runs when the next of all
 * timers is due. */
#ifndef LLMFO_CLOCK_UV_H
#define LLMFO_CLOCK_UV_H

#include <uv.h>

#include "clock.h"

struct clock_uv {
	struct clock clock; /* first */
	uv_loop_t *loop;
	uv_timer_t timer;
};

void clock_uv_init(struct clock_uv *clock, uv_loop_t *loop);
/* Closes the timer; the memory may go once the loop has run its close callbacks. Every timer must
 * have been stopped. */
void clock_uv_close(struct clock_uv *clock);

#endif
