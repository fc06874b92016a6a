/* SPDX-License-Identifier: MIT */
/* See clock.h. A binary heap; equal times fire in the order in which they were started. */
#include "clock.h"

#include <assert.h>
#include <stdlib.h>

void
clock_init(struct clock *clock, const struct clock_ops *ops)
{
	*clock = (struct clock){.ops = ops};
}

void
clock_free(struct clock *clock)
{
	assert(clock->count == 0);
	free(clock->heap);
	clock->heap = NULL;
	clock->cap = 0;
}

static bool
before(const struct clock_timer *a, const struct clock_timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->turn < b->turn;
}

static void
put(struct clock *clock, size_t index, struct clock_timer *timer)
{
	clock->heap[index] = timer;
	timer->slot = index + 1;
}

static void
sift_up(struct clock *clock, size_t index, struct clock_timer *timer)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (!before(timer, clock->heap[parent]))
			break;
		put(clock, index, clock->heap[parent]);
		index = parent;
	}
	put(clock, index, timer);
}

static void
sift_down(struct clock *clock, size_t index, struct clock_timer *timer)
{
	for (;;) {
		size_t child = index * 2 + 1;

		if (child >= clock->count)
			break;
		if (child + 1 < clock->count && before(clock->heap[child + 1], clock->heap[child]))
			child++;
		if (!before(clock->heap[child], timer))
			break;
		put(clock, index, clock->heap[child]);
		index = child;
	}
	put(clock, index, timer);
}

static void
take_out(struct clock *clock, struct clock_timer *timer)
{
	size_t index = timer->slot - 1;
	struct clock_timer *last = clock->heap[--clock->count];

	timer->slot = 0;
	if (last == timer)
		return;
	if (index > 0 && before(last, clock->heap[(index - 1) / 2]))
		sift_up(clock, index, last);
	else
		sift_down(clock, index, last);
}

int64_t
clock_next_ms(const struct clock *clock)
{
	return clock->count ? clock->heap[0]->at_ms : CLOCK_NEVER;
}

static void
wake_if_changed(struct clock *clock, int64_t before_ms)
{
	int64_t next_ms = clock_next_ms(clock);

	if (!clock->running && next_ms != before_ms)
		clock->ops->wake(clock, next_ms);
}

void
clock_start(struct clock *clock, struct clock_timer *timer, int64_t at_ms, void (*fire)(void *arg),
	void *arg)
{
	int64_t before_ms = clock_next_ms(clock), now_ms = clock_now_ms(clock);

	if (timer->slot)
		take_out(clock, timer);
	/* what lies in the past may not stand before what is due: clock_run() would stop at it */
	if (at_ms < now_ms)
		at_ms = now_ms;
	if (clock->count == clock->cap) {
		clock->cap = clock->cap ? clock->cap * 2 : 64;
		clock->heap = x_realloc(clock->heap, clock->cap * sizeof(struct clock_timer *));
	}
	timer->at_ms = at_ms;
	timer->turn = clock->turn++;
	timer->fire = fire;
	timer->arg = arg;
	sift_up(clock, clock->count++, timer);
	wake_if_changed(clock, before_ms);
}

void
clock_soon(struct clock *clock, struct clock_timer *timer, void (*fire)(void *arg), void *arg)
{
	clock_start(clock, timer, clock_now_ms(clock), fire, arg);
}

void
clock_stop(struct clock *clock, struct clock_timer *timer)
{
	int64_t before_ms = clock_next_ms(clock);

	if (!timer->slot)
		return;
	take_out(clock, timer);
	wake_if_changed(clock, before_ms);
}

void
clock_run(struct clock *clock)
{
	uint64_t turn = clock->turn;
	int64_t now_ms = clock_now_ms(clock);

	clock->running = true;
	while (clock->count && clock->heap[0]->at_ms <= now_ms && clock->heap[0]->turn < turn) {
		struct clock_timer *timer = clock->heap[0];

		take_out(clock, timer);
		timer->fire(timer->arg);
	}
	clock->running = false;
	clock->ops->wake(clock, clock_next_ms(clock));
}
