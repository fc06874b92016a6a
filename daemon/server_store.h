/* SPDX-License-Identifier: MIT */
/*
 * What the daemon keeps outside of its memory: the state file, by which it knows again over a
 * restart what it knew, and the place that it shares with other hosts.
 */
#ifndef LLMFO_SERVER_STORE_H
#define LLMFO_SERVER_STORE_H

#include <uv.h>

#include "core.h"
#include "db.h"
#include "redis_url.h"
#include "remember.h"

struct server_store {
	uv_loop_t *loop;
	struct core *core;
	struct state *state; /* owned; NULL: nothing is kept */
	struct remember remember;
	struct store *store;   /* owned; NULL: nothing is shared */
	struct redis_url *url; /* a copy of where that is */
	char *prefix;          /* and of its prefix */
	char host[64];         /* how this daemon is named to others */
	void (*closed)(void *arg);
	void *closed_arg;
};

/* Names this daemon. Before anything else, core_init() included. */
void server_store_name(struct server_store *store, uint64_t random);
/* Brings back what was kept at path (NULL: nothing is), and begins to share by core's
 * configuration. Blocks: before the loop runs. */
void server_store_open(
	struct server_store *store, uv_loop_t *loop, struct core *core, const char *path);
/* Core has a new configuration. */
void server_store_configure(struct server_store *store);
/* Something that is kept changed without health knowing. */
void server_store_changed(struct server_store *store);
/* How the state file is: false if there is none. */
bool server_store_look(struct server_store *store, struct db_look *look);
/* Keeps the last, waiting for it if need be, and shares no more. core is still there. closed(arg)
 * comes from the loop. Fine for one that was never opened. */
void server_store_close(struct server_store *store, void (*closed)(void *arg), void *arg);

#endif
