/* SPDX-License-Identifier: MIT */
/*
 * What is asked of a Redis as a store, and the inside that store_redis.c and store_redis_ops.c
 * share: the one has the links, the other the operations that are under way.
 */
#ifndef LLMFO_STORE_REDIS_OPS_H
#define LLMFO_STORE_REDIS_OPS_H

#include "list.h"
#include "log.h"
#include "redis_link.h"
#include "redis_lookup.h"
#include "store_redis.h"

enum { STORE_REDIS_ASKS, STORE_REDIS_HEARS, STORE_REDIS_LINKS };
enum store_redis_kind { STORE_REDIS_SET, STORE_REDIS_REMOVE, STORE_REDIS_READ, STORE_REDIS_TELL };

struct store_redis_side {
	struct store_redis *redis;
};

struct store_redis {
	struct store store; /* first */
	uv_loop_t *loop;
	struct clock *clock;
	struct redis_url *url;
	char *prefix, *channel, *host_id;
	const struct store_events *events; /* NULL: not opened */
	void *arg;
	struct store_redis_side sides[STORE_REDIS_LINKS]; /* what a link's callbacks are given */
	struct redis_link *links[STORE_REDIS_LINKS];      /* NULL: none */
	bool ready[STORE_REDIS_LINKS];
	struct redis_lookup *lookup; /* NULL: none is under way */
	struct redis_addresses addresses;
	size_t next, tried; /* which of them is next; how many were tried in a row */
	struct clock_timer timer;
	int64_t backoff_ms;
	bool away, said_away; /* for long enough to be told; and it was */
	int64_t say_from_ms;
	char said_why[sizeof((struct store *)NULL)->why];
	struct log_rate refusals;
	bool refused; /* store.why is of an operation of this kind */
	enum store_redis_kind refused_kind;
	struct list ops;          /* under way, the oldest first */
	struct list failed;       /* to end as STORE_AWAY in the next turn */
	struct clock_timer later; /* of those */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
	uv_timer_t anchor; /* never started */
	int holds;         /* what of it is still in the loop */
};

void store_redis_ops_init(struct store_redis *redis);
/* Everything that is under way ends as STORE_AWAY. */
void store_redis_ops_away(struct store_redis *redis);
/* Everything that is under way is forgotten. */
void store_redis_ops_drop(struct store_redis *redis);

/* As struct store_ops has them. */
void store_redis_set(struct store *store, const char *name, const char *text, int64_t ttl_ms,
	enum store_when when, store_done *done, void *arg);
void store_redis_remove(struct store *store, const char *name, store_done *done, void *arg);
void store_redis_read(struct store *store, const char *const *names, size_t count,
	store_read_done *done, void *arg);
void store_redis_tell(struct store *store, const char *news);

#endif
