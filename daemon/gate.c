/* SPDX-License-Identifier: MIT */
/* See gate.h. */
#include "gate.h"

#include <assert.h>
#include <limits.h>

void
gate_init(struct gate *gate, int max_running, int max_waiting)
{
	*gate = (struct gate){
		.max_running = max_running,
		.max_user_running = INT_MAX,
		.max_waiting = max_waiting,
		.max_user_waiting = INT_MAX,
	};
	list_init(&gate->users);
}

void
gate_user_init(struct gate_user *user)
{
	*user = (struct gate_user){.running = 0};
	list_init(&user->node);
	list_init(&user->queue);
	user->cursor = &user->queue;
}

uint64_t
gate_bit(const char *provider)
{
	uint32_t hash = 2166136261;

	for (; *provider; provider++)
		hash = (hash ^ (unsigned char)*provider) * 16777619;
	/* short names differ in the low bits alone */
	hash = (hash ^ hash >> 15) * 0x2c1b3c6d;
	return UINT64_C(1) << (hash >> 26);
}

static void
tell_if_idle(struct gate *gate)
{
	if (gate->running == 0 && gate->waiting == 0 && gate->idle)
		gate->idle(gate->idle_arg);
}

static bool
has_place(const struct gate *gate, const struct gate_user *user, bool admin)
{
	if (admin)
		return gate->running < gate->max_running + GATE_RESERVE;
	return gate->running < gate->max_running && user->running < gate->max_user_running;
}

bool
gate_enter(struct gate *gate, struct gate_waiter *waiter)
{
	assert(!waiter->entered);
	if (!has_place(gate, waiter->user, waiter->admin))
		return false;
	gate->running++;
	waiter->user->running++;
	waiter->entered = true;
	return true;
}

void
gate_leave(struct gate *gate, struct gate_waiter *waiter)
{
	if (!waiter->entered)
		return;
	assert(gate->running > 0 && waiter->user->running > 0);
	waiter->entered = false;
	gate->running--;
	waiter->user->running--;
	tell_if_idle(gate);
}

static enum gate_fault
queue_fault(const struct gate *gate, const struct gate_user *user, bool admin)
{
	if (gate->waiting >= gate->max_waiting + (admin ? GATE_RESERVE : 0))
		return GATE_FULL;
	return !admin && user->waiting >= gate->max_user_waiting ? GATE_USER_FULL : GATE_FITS;
}

enum gate_fault
gate_fault(const struct gate *gate, const struct gate_user *user, bool admin)
{
	return has_place(gate, user, admin) ? GATE_FITS : queue_fault(gate, user, admin);
}

enum gate_fault
gate_wait(struct gate *gate, struct gate_waiter *waiter, void (*wake)(void *arg), void *arg)
{
	struct gate_user *user = waiter->user;

	assert(!waiter->waits);
	if (!waiter->listed) {
		enum gate_fault fault = queue_fault(gate, user, waiter->admin);

		if (fault != GATE_FITS)
			return fault;
		gate->waiting++;
		if (user->waiting++ == 0)
			list_append(&gate->users, &user->node);
		list_append(&user->queue, &waiter->node);
		waiter->listed = true;
	}
	waiter->waits = true;
	waiter->wake = wake;
	waiter->arg = arg;
	return GATE_FITS;
}

void
gate_forget(struct gate *gate, struct gate_waiter *waiter)
{
	struct gate_user *user = waiter->user;

	if (gate->asked == waiter)
		gate->asked = NULL;
	waiter->waits = false;
	if (!waiter->listed)
		return;
	waiter->listed = false;
	if (user->cursor == &waiter->node)
		user->cursor = waiter->node.next;
	list_remove(&waiter->node);
	gate->waiting--;
	if (--user->waiting == 0)
		list_remove(&user->node);
	tell_if_idle(gate);
}

/* May it be that this one can go on? *full: a key for which there is no more room. */
static bool
concerns(const struct gate *gate, const struct gate_waiter *waiter, const struct gate_news *news,
	const void **full)
{
	if (!waiter->entered)
		return has_place(gate, waiter->user, waiter->admin);
	if (news->wants == GATE_EVERYTHING)
		return true;
	if (!(waiter->wants & news->wants) || (*full && waiter->key == *full))
		return false;
	if (!news->room || news->room(news->arg, waiter->key))
		return true;
	*full = waiter->key;
	return false;
}

/* The next of a user's waiters who has not been asked in this round and may go on, or NULL. */
static struct gate_waiter *
next_of(const struct gate *gate, struct gate_user *user, const struct gate_news *news,
	const void **full)
{
	if (user->round != gate->round)
		user->cursor = user->queue.next;
	user->round = gate->round;
	while (user->cursor != &user->queue) {
		struct gate_waiter *waiter = LIST_OWNER(user->cursor, struct gate_waiter, node);

		user->cursor = user->cursor->next;
		if (concerns(gate, waiter, news, full))
			return waiter;
	}
	return NULL;
}

static struct gate_waiter *
next(const struct gate *gate, const struct gate_news *news, const void **full)
{
	struct gate_waiter *waiter = NULL;

	for (struct list *node = gate->users.next; node != &gate->users && !waiter;
		node = node->next)
		waiter = next_of(gate, LIST_OWNER(node, struct gate_user, node), news, full);
	return waiter;
}

/* One that goes on leaves the queue, and its user goes behind the others. */
static void
ask(struct gate *gate, struct gate_waiter *waiter)
{
	struct gate_user *user = waiter->user;

	gate->asked = waiter;
	waiter->waits = false;
	waiter->wake(waiter->arg);
	if (gate->asked != waiter)
		return;
	gate->asked = NULL;
	if (waiter->waits)
		return;
	gate_forget(gate, waiter);
	if (user->waiting > 0) {
		list_remove(&user->node);
		list_append(&gate->users, &user->node);
	}
}

void
gate_wake(struct gate *gate, const struct gate_news *news)
{
	const void *full = NULL;
	struct gate_waiter *waiter;

	assert(!gate->asked);
	gate->round++;
	while ((waiter = next(gate, news, &full)))
		ask(gate, waiter);
}

void
gate_wake_all(struct gate *gate)
{
	gate_wake(gate, &(const struct gate_news){.wants = GATE_EVERYTHING});
}
