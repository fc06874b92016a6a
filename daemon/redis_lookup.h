/* SPDX-License-Identifier: MIT */
/*
 * The addresses of a name, asked of the system's resolver on a thread of its own: so a name server
 * that says nothing holds up neither the loop, nor what else libuv's threads do, nor the daemon's
 * end.
 */
#ifndef LLMFO_REDIS_LOOKUP_H
#define LLMFO_REDIS_LOOKUP_H

#include <uv.h>

#include "util.h"

#define REDIS_LOOKUP_MAX 8

struct redis_addresses {
	struct sockaddr_storage list[REDIS_LOOKUP_MAX];
	size_t count;
};

/* Is host an address already? Then it fills addresses with it, and nothing need be asked. */
bool redis_lookup_is_address(const char *host, int port, struct redis_addresses *addresses);

struct redis_lookup;

/* addresses: NULL with why (static) when there are none; valid within the callback. */
typedef void redis_lookup_done(
	void *arg, const struct redis_addresses *addresses, const char *why);

/*
 * Begins; done comes once, never from inside this call, and ends it. NULL: there is no thread to be
 * had. gone (with arg) comes when nothing of it is left in the loop, after done or cancel.
 */
struct redis_lookup *redis_lookup_start(uv_loop_t *loop, const char *host, int port,
	redis_lookup_done *done, void (*gone)(void *arg), void *arg);
/* Before done: it does not come any more. The thread ends by itself when the resolver has. */
void redis_lookup_cancel(struct redis_lookup *lookup);

#endif
