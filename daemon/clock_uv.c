/* SPDX-License-Identifier: MIT */
/* See clock_uv.h. */
#include "clock_uv.h"

#include <assert.h>
#include <time.h>

static struct clock_uv *
of(const struct clock *clock)
{
	return (struct clock_uv *)(uintptr_t)clock;
}

static int64_t
now_ms(const struct clock *clock)
{
	return (int64_t)uv_now(of(clock)->loop);
}

static int64_t
wall_ms(const struct clock *clock)
{
	struct timespec now;

	(void)clock;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
on_timer(uv_timer_t *timer)
{
	clock_run(&UTIL_OWNER(timer, struct clock_uv, timer)->clock);
}

/* libuv runs a timer of 0 ms in the very next turn, without a sleep between. */
static void
wake(struct clock *clock, int64_t at_ms)
{
	struct clock_uv *uv = of(clock);
	int64_t now = now_ms(clock);
	int error;

	if (at_ms == CLOCK_NEVER)
		error = uv_timer_stop(&uv->timer);
	else
		error = uv_timer_start(
			&uv->timer, on_timer, at_ms > now ? (uint64_t)(at_ms - now) : 0, 0);
	assert(error == 0);
}

static const struct clock_ops ops = {now_ms, wall_ms, wake};

void
clock_uv_init(struct clock_uv *clock, uv_loop_t *loop)
{
	int error = uv_timer_init(loop, &clock->timer);

	assert(error == 0);
	clock->loop = loop;
	clock_init(&clock->clock, &ops);
}

void
clock_uv_close(struct clock_uv *clock)
{
	clock_free(&clock->clock);
	uv_close((uv_handle_t *)&clock->timer, NULL);
}
