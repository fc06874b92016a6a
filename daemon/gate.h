/* SPDX-License-Identifier: MIT */
/*
 * How many calls run at once, and who waits: for a place of its own (limits.calls) or for a
 * provider that is at its max_concurrency. No user may take every place nor fill the queue. Users
 * have their turn one after the other, the waiters of one in the order in which they came, among
 * those that can go on. Pure bookkeeping.
 */
#ifndef LLMFO_GATE_H
#define LLMFO_GATE_H

#include "list.h"

/* So many places, and as many in the queue, are administrators' alone, beside what others may. */
#define GATE_RESERVE 16

struct gate {
	int running, max_running, max_user_running;
	int waiting, max_waiting, max_user_waiting;
	struct list users;         /* of struct gate_user: those of whom somebody waits */
	uint64_t round;            /* numbers the wakings */
	struct gate_waiter *asked; /* that is being asked; NULL */
	/* Nothing runs and nothing waits any more. May be NULL. */
	void (*idle)(void *arg);
	void *idle_arg;
};

/* What a user has of it; gate_user_init() first. */
struct gate_user {
	struct list node;
	struct list queue;   /* of struct gate_waiter */
	struct list *cursor; /* the next to be asked in that round */
	uint64_t round;
	int running, waiting;
};

/* Embedded in what runs and waits. user, admin, key and wants are the owner's to set. */
struct gate_waiter {
	struct list node;
	struct gate_user *user; /* borrowed */
	bool admin;             /* has the reserve, and no share */
	bool entered;           /* has a place */
	bool waits;
	bool listed;     /* it has its place in the queue: it waits, or is being asked */
	uint64_t wants;  /* a bit for every provider that may be what it waits for */
	const void *key; /* of those for whom there is room at the same time */
	/* There may be room now: go on, or gate_wait() again, which keeps its place. */
	void (*wake)(void *arg);
	void *arg;
};

/* What became free. */
struct gate_news {
	uint64_t wants; /* those that have one of these bits may go on */
	/* Is there still room for those with that key? NULL: who knows. */
	bool (*room)(const void *arg, const void *key);
	const void *arg;
};
#define GATE_EVERYTHING UINT64_MAX

enum gate_fault {
	GATE_FITS,
	GATE_FULL,      /* as many wait as may */
	GATE_USER_FULL, /* as many of that user */
};

void gate_init(struct gate *gate, int max_running, int max_waiting);
void gate_user_init(struct gate_user *user);
/* What a provider's name counts as in `wants`. */
uint64_t gate_bit(const char *provider);
/* A place for one more call: false if all are taken, or all that the user may have. */
bool gate_enter(struct gate *gate, struct gate_waiter *waiter);
/* Gives it back, if it has one. Call gate_wake() afterwards. */
void gate_leave(struct gate *gate, struct gate_waiter *waiter);
/* Could one more of that user neither enter nor wait? Why; GATE_FITS: it could. */
enum gate_fault gate_fault(const struct gate *gate, const struct gate_user *user, bool admin);
/* Queues as its user's last. What is not GATE_FITS: it does not wait. */
enum gate_fault gate_wait(
	struct gate *gate, struct gate_waiter *waiter, void (*wake)(void *arg), void *arg);
/* No longer waits; fine if it did not. A waiter that has ever waited must not go without it. */
void gate_forget(struct gate *gate, struct gate_waiter *waiter);
/* Something became free: those for whom it may be are asked, as long as there is room. */
void gate_wake(struct gate *gate, const struct gate_news *news);
/* Anything may have changed: every waiter is asked. */
void gate_wake_all(struct gate *gate);

#endif
