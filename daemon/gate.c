/* SPDX-License-Identifier: MIT */
/* See gate.h. */
#include "gate.h"

#include <assert.h>

void
gate_init(struct gate *gate, int max_running, int max_waiting)
{
	*gate = (struct gate){.max_running = max_running, .max_waiting = max_waiting};
	list_init(&gate->queue);
}

static void
tell_if_idle(struct gate *gate)
{
	if (gate->running == 0 && gate->waiting == 0 && gate->idle)
		gate->idle(gate->idle_arg);
}

bool
gate_enter(struct gate *gate)
{
	if (gate->running >= gate->max_running)
		return false;
	gate->running++;
	return true;
}

void
gate_leave(struct gate *gate)
{
	assert(gate->running > 0);
	gate->running--;
	tell_if_idle(gate);
}

bool
gate_wait(struct gate *gate, struct gate_waiter *waiter, void (*wake)(void *arg), void *arg)
{
	assert(!waiter->waits);
	if (gate->waiting >= gate->max_waiting)
		return false;
	gate->waiting++;
	waiter->waits = true;
	waiter->wake = wake;
	waiter->arg = arg;
	list_append(&gate->queue, &waiter->node);
	return true;
}

void
gate_forget(struct gate *gate, struct gate_waiter *waiter)
{
	if (!waiter->waits)
		return;
	list_remove(&waiter->node);
	waiter->waits = false;
	gate->waiting--;
	tell_if_idle(gate);
}

void
gate_wake(struct gate *gate)
{
	struct list asked;

	/* those that have to wait on queue up anew, in the same order */
	list_init(&asked);
	list_splice(&asked, &gate->queue);
	while (!list_empty(&asked)) {
		struct gate_waiter *waiter = LIST_OWNER(asked.next, struct gate_waiter, node);

		gate_forget(gate, waiter);
		waiter->wake(waiter->arg);
	}
}
