/* SPDX-License-Identifier: MIT */
/*
 * The store that hosts share, in a Redis: texts are its strings with its TTLs, news go over one of
 * its channels. Two connections, both or none: one for commands, one that hears. It is away from
 * the moment either of them fails until both are back, which it sees to by itself.
 */
#ifndef LLMFO_STORE_REDIS_H
#define LLMFO_STORE_REDIS_H

#include <uv.h>

#include "clock.h"
#include "redis_url.h"
#include "store.h"

/*
 * A store at url, not yet opened; url is copied. Every name stands behind prefix, and news go over
 * the channel `<prefix>news`. host_id: what tells this daemon's news from those of others, without
 * blanks, at most STORE_REDIS_HOST_ID_MAX bytes. loop and clock outlive it.
 */
#define STORE_REDIS_HOST_ID_MAX 64
struct store *store_redis_new(uv_loop_t *loop, struct clock *clock, const struct redis_url *url,
	const char *prefix, const char *host_id);
/*
 * Ends it, from wherever: no callback of operations or events comes any more, and the store may not
 * be used. closed is called once its memory has gone, never from inside this call; it may be NULL.
 */
void store_redis_close(struct store *store, void (*closed)(void *arg), void *arg);

#endif
