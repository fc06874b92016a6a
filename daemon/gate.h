/* SPDX-License-Identifier: MIT */
/*
 * How many calls run at once, and who waits: for a place of its own (limits.calls) or for a
 * provider that is at its max_concurrency. First come, first served among those that can go on.
 * Pure bookkeeping.
 */
#ifndef LLMFO_GATE_H
#define LLMFO_GATE_H

#include "list.h"

struct gate {
	int running, max_running;
	int waiting, max_waiting;
	struct list queue; /* of struct gate_waiter */
	/* Nothing runs and nothing waits any more. May be NULL. */
	void (*idle)(void *arg);
	void *idle_arg;
};

/* Embedded in what waits. */
struct gate_waiter {
	struct list node;
	/* There may be room now: go on, or gate_wait() again. */
	void (*wake)(void *arg);
	void *arg;
	bool waits;
};

void gate_init(struct gate *gate, int max_running, int max_waiting);
/* A place for one more call: false if all are taken. */
bool gate_enter(struct gate *gate);
/* Gives it back. Call gate_wake() afterwards. */
void gate_leave(struct gate *gate);
/* Queues at the end: false if as many wait as may. */
bool gate_wait(struct gate *gate, struct gate_waiter *waiter, void (*wake)(void *arg), void *arg);
/* No longer waits; fine if it did not. */
void gate_forget(struct gate *gate, struct gate_waiter *waiter);
/* Something became free: every waiter is asked in turn. */
void gate_wake(struct gate *gate);

#endif
