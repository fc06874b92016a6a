/* SPDX-License-Identifier: MIT */
/*
 * What each user has of the daemon at the moment: connections, calls, bytes, its turn. One object a
 * uid, there as long as anything of that user is. Pure bookkeeping: what is too much is judged
 * where it is asked for.
 */
#ifndef LLMFO_USER_H
#define LLMFO_USER_H

#include "config.h"
#include "gate.h"
#include "turn.h"

/* What one user may have. Administrators are not held to it. */
struct user_limits {
	int connections; /* INT_MAX: half of those that there may be, whoever's */
	int calls;       /* that run */
	int queue;       /* that wait */
	size_t bytes;    /* of input and output */
};
struct user_limits user_limits(const struct config *config);

struct users {
	void *by_uid; /* a tree of struct user */
	int count;
};

struct user {
	struct users *users;
	uint32_t uid;
	unsigned references;
	int connections;
	size_t input_bytes;  /* half messages, and requests that run */
	size_t output_bytes; /* sent, and not read yet */
	struct gate_user calls;
	struct turn_user turn;
};

void users_init(struct users *users);
/* Everything must have been given back. */
void users_free(struct users *users);
/* The user of that uid, or NULL if it has nothing here. */
struct user *users_find(const struct users *users, uint32_t uid);
/* The same, made if need be, with a reference for the caller to give back. */
struct user *users_take(struct users *users, uint32_t uid);
void user_release(struct user *user);
size_t user_bytes(const struct user *user);

#endif
