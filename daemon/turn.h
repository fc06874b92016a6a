/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is. In one turn of the loop a user has a slice of time for what its connections
 * ask, all of them together; what is left over is served in the turns to come, a connection of each
 * user after the other. Pure: it is told what the time is.
 */
#ifndef LLMFO_TURN_H
#define LLMFO_TURN_H

#include "list.h"

/* What users have together, each its part, when several have more to do than fits. */
#define TURN_SLICE_NS INT64_C(250000)
/* Not less than that, however many they are. */
#define TURN_LEAST_NS INT64_C(25000)
/* A user that is alone: whoever comes finds the loop in time. */
#define TURN_ALONE_NS INT64_C(4000000)
/* What it is taken to cost to turn to a connection, until there is a measurement; and at least. */
#define TURN_ENTRY_NS INT64_C(20000)
#define TURN_ENTRY_LEAST_NS INT64_C(5000)

struct turns {
	uint64_t number;
	struct list users; /* of struct turn_user: those with something left over */
	int waiting;       /* how many users that are */
};

/* turn_user_init() first. */
struct turn_user {
	struct list node;
	struct list entries; /* of struct turn_entry */
	uint64_t number;     /* of the turn that used_ns is of */
	int64_t used_ns;
	int64_t entry_ns; /* what one of its connections took of late */
};

/* Embedded in what has something to do. */
struct turn_entry {
	struct list node;
	struct turn_user *user; /* borrowed */
};

void turns_init(struct turns *turns);
void turn_user_init(struct turn_user *user);
void turn_entry_init(struct turn_entry *entry, struct turn_user *user);
/* Another turn of the loop: all slices are new. */
void turns_begin(struct turns *turns);
/* Has that user something left of its slice? alone: there is no other. */
bool turn_has_time(const struct turns *turns, const struct turn_user *user, bool alone);
void turn_spend(struct turns *turns, struct turn_user *user, int64_t ns);
/* It has something left to do, behind the others of its user. Fine for one that waits already. */
void turn_wait(struct turns *turns, struct turn_entry *entry);
/* It has not. Fine for one that does not wait. */
void turn_forget(struct turns *turns, struct turn_entry *entry);
/* Does anybody wait? */
static inline bool
turns_wait(const struct turns *turns)
{
	return turns->waiting > 0;
}
/* The next one that waits and whose user has time: it waits no longer, and its user has been
 * charged with what one took of late. NULL: none in this turn. */
struct turn_entry *turns_next(struct turns *turns, bool alone);
/* What one that turns_next() gave took in truth. */
void turn_settle(struct turns *turns, struct turn_user *user, int64_t ns);

#endif
