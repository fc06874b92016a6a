/* SPDX-License-Identifier: MIT */
/* See server_store.h. */
#include "server_store.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "state_sqlite.h"
#include "store_redis.h"

_Static_assert(sizeof((struct server_store *)NULL)->host <= STORE_REDIS_HOST_ID_MAX, "too long");

/* "web1-4711-1f3c": a person knows the machine, and no two daemons are the same. */
void
server_store_name(struct server_store *store, uint64_t random)
{
	char name[40] = "";

	if (gethostname(name, sizeof name - 1) < 0 || !name[0])
		memcpy(name, "host", sizeof "host");
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '_')
			*c = '-';
	snprintf(store->host, sizeof store->host, "%.36s-%d-%04x", name, (int)getpid(),
		(unsigned)(random & 0xffff));
}

static void
remember_from(struct server_store *store, const char *path)
{
	struct snapshot found = {0};
	struct buf why;

	buf_init(&why, 1024);
	store->state = state_sqlite_open(path, &found, &why);
	share_remember_epoch(store->core->share, found.epoch);
	remember_start(
		&store->remember, store->core->health, store->core->clock, store->state, &found);
	if (found.circuit_count + found.preferred_count > 0 || found.forced)
		log_info("known again from %s: circuits %zu, preferred %zu, forced %s", path,
			found.circuit_count, found.preferred_count,
			found.forced ? found.forced : "none");
	snapshot_free(&found);
	buf_free(&why);
}

static void
share_by(struct server_store *store, const struct redis_url *url, const char *prefix)
{
	store->url = redis_url_copy(url);
	store->prefix = x_strdup(prefix);
	store->store =
		store_redis_new(store->loop, store->core->clock, url, prefix, store->host);
	share_use(store->core->share, store->store);
}

/* Of one that is closed only its memory is left to go. */
static void
share_no_more(struct server_store *store, void (*closed)(void *arg), void *arg)
{
	if (store->store)
		store_redis_close(store->store, closed, arg);
	share_use(store->core->share, NULL);
	redis_url_free(store->url);
	free(store->prefix);
	store->store = NULL;
	store->url = NULL;
	store->prefix = NULL;
}

void
server_store_open(
	struct server_store *store, uv_loop_t *loop, struct core *core, const char *path)
{
	store->loop = loop;
	store->core = core;
	if (path)
		remember_from(store, path);
	server_store_configure(store);
}

void
server_store_configure(struct server_store *store)
{
	const struct config *config = store->core->config;
	bool same = store->url && config->redis && redis_url_equal(store->url, config->redis) &&
		strcmp(store->prefix, config->redis_prefix) == 0;

	if (same)
		return;
	if (store->store)
		share_no_more(store, NULL, NULL);
	if (config->redis)
		share_by(store, config->redis, config->redis_prefix);
}

void
server_store_changed(struct server_store *store)
{
	const char *epoch = store->state ? share_epoch(store->core->share) : NULL;
	const char *known = store->remember.epoch;

	if (!store->state)
		return;
	if (epoch != known && !(epoch && known && strcmp(epoch, known) == 0))
		remember_set_epoch(&store->remember, epoch);
	else
		remember_changed(&store->remember);
}

bool
server_store_look(struct server_store *store, struct db_look *look)
{
	if (!store->state)
		return false;
	state_sqlite_look(store->state, look);
	return true;
}

static void
on_closed(void *arg)
{
	struct server_store *store = arg;

	store->closed(store->closed_arg);
}

void
server_store_close(struct server_store *store, void (*closed)(void *arg), void *arg)
{
	bool shares = store->store != NULL;

	store->closed = closed;
	store->closed_arg = arg;
	if (store->state) {
		remember_stop(&store->remember);
		state_sqlite_close(store->state);
		store->state = NULL;
	}
	if (store->core)
		share_no_more(store, on_closed, store);
	if (!shares)
		closed(arg);
}
