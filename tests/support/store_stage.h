/* SPDX-License-Identifier: MIT */
/*
 * A stage for the tests of the store in a Redis: a loop with the real clock, a store on it, and
 * everything it tells noted. What goes wrong ends the test; time is limited by Check's own limit.
 */
#ifndef LLMFO_TESTS_STORE_STAGE_H
#define LLMFO_TESTS_STORE_STAGE_H

#include "clock_uv.h"
#include "store_redis.h"

#define STORE_STAGE_NEWS_MAX 8

struct store_stage {
	uv_loop_t own_loop;
	struct clock_uv own_clock;
	uv_loop_t *loop; /* its own, or the one it shares */
	struct clock *clock;
	struct store *store; /* NULL once it is closed */
	bool closed;
	unsigned joined, parted, heard;         /* how often */
	char *news[STORE_STAGE_NEWS_MAX];       /* the first ones heard */
	void (*hook)(struct store_stage *stage); /* run at each of these; NULL: none */
	unsigned done;                          /* operations that have ended */
	unsigned results[STORE_AWAY + 1];       /* and how */
};

/* What was logged since the loop was opened. */
extern struct store_stage_log {
	unsigned warnings, infos;
	char lines[4096];
} store_stage_log;

/* What read gave, copied. Freed by store_stage_free_items(). */
struct store_stage_items {
	enum store_result result;
	size_t count;
	char *texts[STORE_READ_MAX]; /* NULL: nothing stands there */
	int64_t ttls_ms[STORE_READ_MAX];
};

/* A loop alone; and a store at url on it, opened, whose news come from host_id. */
void store_stage_open_loop(struct store_stage *stage);
void store_stage_open(struct store_stage *stage, const char *url, const char *host_id);
/* A second store on the same loop, which is noted in other. */
void store_stage_share(
	struct store_stage *other, struct store_stage *stage, const char *url, const char *host_id);
/* Begins to close the store, from wherever. */
void store_stage_begin_close(struct store_stage *stage);
/* Closes it and the loop, and sees that nothing is left there. Not for one that shares: that is
 * closed with store_stage_begin_close(), before. */
void store_stage_close(struct store_stage *stage);

/* Run the loop until it has joined or parted that often, or why it is away holds that text. */
void store_stage_wait_joined(struct store_stage *stage, unsigned times);
void store_stage_wait_parted(struct store_stage *stage, unsigned times);
void store_stage_wait_why(struct store_stage *stage, const char *part);
void store_stage_wait_heard(struct store_stage *stage, unsigned times);
void store_stage_wait_done(struct store_stage *stage, unsigned times);

/* Asks, and notes the end. */
void store_stage_ask_set(struct store_stage *stage, const char *name, const char *text,
	int64_t ttl_ms, enum store_when when);
void store_stage_ask_remove(struct store_stage *stage, const char *name);
/* Asks and runs the loop until it is answered. */
enum store_result store_stage_set(struct store_stage *stage, const char *name, const char *text,
	int64_t ttl_ms, enum store_when when);
enum store_result store_stage_remove(struct store_stage *stage, const char *name);
/* names: NULL-terminated. */
struct store_stage_items store_stage_read(struct store_stage *stage, const char *const *names);
void store_stage_free_items(struct store_stage_items *items);

#endif
