/* SPDX-License-Identifier: MIT */
/* See partial.h. */
#include "partial.h"

#include <assert.h>

static struct partial *
owner(struct list *node)
{
	return LIST_OWNER(node, struct partial, node);
}

static void
drop(struct partial *partial, bool crowded)
{
	partial->drop(partial->arg, crowded);
	assert(list_empty(&partial->node));
}

static void on_late(void *arg);

static void
arm(struct partials *partials)
{
	if (list_empty(&partials->list))
		clock_stop(partials->clock, &partials->timer);
	else if (!clock_running(&partials->timer))
		clock_start(partials->clock, &partials->timer,
			owner(partials->list.next)->began_ms + PARTIAL_MAX_MS, on_late, partials);
}

/* The timer stands where the oldest one was when it was set, which may have ended since. */
static void
on_late(void *arg)
{
	struct partials *partials = arg;
	int64_t now_ms = clock_now_ms(partials->clock);

	while (!list_empty(&partials->list)) {
		struct partial *partial = owner(partials->list.next);

		if (partial->began_ms + PARTIAL_MAX_MS > now_ms)
			break;
		if (*partial->held) {
			partial->began_ms = now_ms;
			list_remove(&partial->node);
			list_append(&partials->list, &partial->node);
		} else {
			drop(partial, false);
		}
	}
	arm(partials);
}

void
partials_init(struct partials *partials, struct clock *clock)
{
	*partials = (struct partials){.clock = clock};
	list_init(&partials->list);
}

bool
partials_drop(struct partials *partials, const struct partial *but, size_t min_bytes)
{
	for (struct list *node = partials->list.next; node != &partials->list; node = node->next) {
		struct partial *partial = owner(node);

		if (partial != but && partial->bytes > min_bytes) {
			drop(partial, true);
			return true;
		}
	}
	return false;
}

void
partial_init(struct partial *partial, const bool *held, void (*drop_it)(void *arg, bool crowded),
	void *arg)
{
	*partial = (struct partial){.held = held, .drop = drop_it, .arg = arg};
	list_init(&partial->node);
}

void
partial_set(struct partials *partials, struct partial *partial, size_t bytes)
{
	if (list_empty(&partial->node)) {
		partial->began_ms = clock_now_ms(partials->clock);
		list_append(&partials->list, &partial->node);
		arm(partials);
	}
	partial->bytes = bytes;
}

void
partial_end(struct partials *partials, struct partial *partial)
{
	list_remove(&partial->node);
	if (list_empty(&partials->list))
		arm(partials);
}
