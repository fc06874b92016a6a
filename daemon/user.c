/* SPDX-License-Identifier: MIT */
/* See user.h. */
#include "user.h"

#include <assert.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>

/* A user that is alone on its host has most of it. Of few places it may have all, for who waits has
 * its turn; but in the queue there is room for another one, unless it is for one alone. */
#define SHARE(total) ((int)(((int64_t)(total)*3 + 3) / 4))
#define QUEUE_SHARE(total) ((total) > 1 ? (int)((int64_t)(total)*3 / 4) : (total))
/* As many of the greatest messages: half of what all users' input may be. */
#define MESSAGES 8

struct user_limits
user_limits(const struct config *config)
{
	return (struct user_limits){
		.connections = config->max_user_connections ? config->max_user_connections
							    : INT_MAX,
		.calls = config->max_user_calls ? config->max_user_calls
						: SHARE(config->max_calls),
		.queue = config->max_user_queue ? config->max_user_queue
						: QUEUE_SHARE(config->max_queue),
		.bytes = config->max_user_bytes ? config->max_user_bytes
						: MESSAGES * config->max_message_bytes,
	};
}

static int
by_uid(const void *a, const void *b)
{
	uint32_t left = ((const struct user *)a)->uid, right = ((const struct user *)b)->uid;

	return left < right ? -1 : left > right;
}

void
users_init(struct users *users)
{
	*users = (struct users){.count = 0};
}

void
users_free(struct users *users)
{
	assert(users->count == 0 && !users->by_uid);
}

struct user *
users_find(const struct users *users, uint32_t uid)
{
	const struct user key = {.uid = uid};
	struct user *const *found = tfind(&key, (void *const *)&users->by_uid, by_uid);

	return found ? *found : NULL;
}

struct user *
users_take(struct users *users, uint32_t uid)
{
	struct user *user = users_find(users, uid);

	if (!user) {
		user = x_calloc(1, sizeof *user);
		user->users = users;
		user->uid = uid;
		gate_user_init(&user->calls);
		turn_user_init(&user->turn);
		if (!tsearch(user, &users->by_uid, by_uid))
			abort();
		users->count++;
	}
	user->references++;
	return user;
}

void
user_release(struct user *user)
{
	if (--user->references > 0)
		return;
	assert(user->connections == 0 && user->input_bytes == 0 && user->output_bytes == 0);
	assert(user->calls.running == 0 && user->calls.waiting == 0);
	assert(list_empty(&user->turn.entries));
	tdelete(user, &user->users->by_uid, by_uid);
	user->users->count--;
	free(user);
}

size_t
user_bytes(const struct user *user)
{
	return user->input_bytes + user->output_bytes;
}
