/* SPDX-License-Identifier: MIT */
/*
 * See store_redis.h: the two links, when there are none, and who is told. What is asked of them is
 * store_redis_ops.c.
 */
#include "store_redis.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "store_redis_ops.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 2000
/* So long it must have been there for the next wait to be a short one again. */
#define STEADY_MS 10000
/* So long one outage that was told in the log leaves others untold. */
#define TOLD_MS 10000
/* So long a name server may think before it is said that it does. */
#define LOOKUP_MS 2000

static struct store_redis *
of(struct store *store)
{
	return (struct store_redis *)store;
}

/* ---- who is told ---- */

static void
set_joined(struct store_redis *redis, bool joined)
{
	redis->store.joined = joined;
	redis->store.since_ms = clock_now_ms(redis->clock);
}

/* One line when it goes, one more for each other reason, one when it is back; of one that comes and
 * goes not each time. */
static void
say_away(struct store_redis *redis)
{
	int64_t now_ms = clock_now_ms(redis->clock);
	bool news = !redis->away || strcmp(redis->said_why, redis->store.why) != 0;

	redis->away = true;
	if (!news || now_ms < redis->say_from_ms)
		return;
	redis->said_away = true;
	redis->say_from_ms = now_ms + TOLD_MS;
	memcpy(redis->said_why, redis->store.why, sizeof redis->said_why);
	log_warning("%s is away: %s; going on with what is known here", redis->store.where,
		redis->store.why);
}

static void
say_back(struct store_redis *redis)
{
	if (redis->away && redis->said_away)
		log_info("%s is back", redis->store.where);
	redis->away = redis->said_away = false;
}

/* ---- trying ---- */

static void try_now(void *arg);

/* Each wait is longer than the one before, and none like another host's. */
static int64_t
wait_ms(struct store_redis *redis)
{
	uint32_t drawn = 0;
	int64_t full_ms = redis->backoff_ms;

	redis->backoff_ms = full_ms * 2 < BACKOFF_MAX_MS ? full_ms * 2 : BACKOFF_MAX_MS;
	/* without randomness it is but less polite */
	if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) != sizeof drawn)
		drawn = 0;
	return full_ms / 2 + (int64_t)(drawn % (uint32_t)(full_ms / 2 + 1));
}

static void
drop_links(struct store_redis *redis)
{
	for (int i = 0; i < STORE_REDIS_LINKS; i++) {
		if (redis->links[i])
			redis_link_close(redis->links[i]);
		redis->links[i] = NULL;
		redis->ready[i] = false;
	}
}

/* It is away, for that reason: everybody is told, and it is tried again later. */
static void
part(struct store_redis *redis, const char *why, bool at_once)
{
	bool was_joined = redis->store.joined;
	int64_t now_ms = clock_now_ms(redis->clock);

	if (was_joined && now_ms - redis->store.since_ms >= STEADY_MS)
		redis->backoff_ms = BACKOFF_MIN_MS;
	(void)snprintf(redis->store.why, sizeof redis->store.why, "%s", why);
	redis->refused = false;
	drop_links(redis);
	if (!at_once)
		say_away(redis);
	clock_start(redis->clock, &redis->timer, at_once ? now_ms : now_ms + wait_ms(redis),
		try_now, redis);
	if (!was_joined)
		return;
	set_joined(redis, false);
	store_redis_ops_away(redis);
	if (!redis->closing)
		redis->events->parted(redis->arg);
}

/* ---- the links ---- */

static int
index_of(const struct store_redis_side *side)
{
	return (int)(side - side->redis->sides);
}

static void
on_ready(void *arg)
{
	struct store_redis_side *side = arg;
	struct store_redis *redis = side->redis;

	redis->ready[index_of(side)] = true;
	if (!redis->ready[STORE_REDIS_ASKS] || !redis->ready[STORE_REDIS_HEARS])
		return;
	redis->store.why[0] = '\0';
	(void)snprintf(redis->store.run, sizeof redis->store.run, "%s",
		redis_link_run(redis->links[STORE_REDIS_ASKS]));
	set_joined(redis, true);
	say_back(redis);
	redis->events->joined(redis->arg);
}

/* An address that nobody can be reached at makes room for the next one, until all were tried. */
static void
on_ended(void *arg, const char *why, bool connected)
{
	struct store_redis_side *side = arg;
	struct store_redis *redis = side->redis;
	bool another = !connected && ++redis->tried < redis->addresses.count;

	redis->links[index_of(side)] = NULL;
	if (!connected)
		redis->next++;
	if (!another)
		redis->tried = 0;
	part(redis, why, another);
}

/* Somebody's news, unless it is one's own. */
static void
on_message(void *arg, const char *bytes, size_t length)
{
	struct store_redis_side *side = arg;
	struct store_redis *redis = side->redis;
	const char *blank = memchr(bytes, ' ', length);

	if (!redis->store.joined || !blank)
		return;
	size_t id = (size_t)(blank - bytes), news = length - id - 1;
	if (news > STORE_TEXT_MAX_BYTES ||
		(id == strlen(redis->host_id) && memcmp(bytes, redis->host_id, id) == 0))
		return;
	redis->events->heard(redis->arg, blank + 1, news);
}

static void release(struct store_redis *redis);

static void
on_link_gone(void *arg)
{
	struct store_redis_side *side = arg;

	release(side->redis);
}

static void
connect_links(struct store_redis *redis)
{
	static const struct redis_link_events events = {
		on_ready, on_ended, on_message, on_link_gone};
	const struct sockaddr *address = NULL;

	if (!redis->url->path)
		address = (const struct sockaddr *)&redis->addresses
				  .list[redis->next % redis->addresses.count];
	for (int i = 0; i < STORE_REDIS_LINKS; i++) {
		redis->holds++;
		redis->links[i] = redis_link_new(redis->loop, redis->clock, redis->url, address,
			i == STORE_REDIS_HEARS ? redis->channel : NULL, &events, &redis->sides[i]);
	}
}

/* ---- the name ---- */

static void
on_found(void *arg, const struct redis_addresses *addresses, const char *why)
{
	struct store_redis *redis = arg;
	char text[sizeof redis->store.why];

	redis->lookup = NULL;
	clock_stop(redis->clock, &redis->timer);
	if (addresses) {
		redis->addresses = *addresses;
		connect_links(redis);
		return;
	}
	(void)snprintf(text, sizeof text, "its name cannot be resolved: %s", why);
	part(redis, text, false);
}

static void
on_lookup_gone(void *arg)
{
	release(arg);
}

static void
on_lookup_late(void *arg)
{
	struct store_redis *redis = arg;

	(void)snprintf(redis->store.why, sizeof redis->store.why,
		"no name server says yet where it is");
	say_away(redis);
}

static void
look_up(struct store_redis *redis)
{
	redis->lookup = redis_lookup_start(redis->loop, redis->url->host, redis->url->port,
		on_found, on_lookup_gone, redis);
	if (!redis->lookup) {
		part(redis, "its name cannot be looked up: too many descriptors", false);
		return;
	}
	redis->holds++;
	clock_start(redis->clock, &redis->timer, clock_now_ms(redis->clock) + LOOKUP_MS,
		on_lookup_late, redis);
}

/* A name is asked for anew whenever all its addresses have been tried. */
static void
try_now(void *arg)
{
	struct store_redis *redis = arg;
	const struct redis_url *url = redis->url;

	if (url->path || redis->tried ||
		redis_lookup_is_address(url->host, url->port, &redis->addresses))
		connect_links(redis);
	else
		look_up(redis);
}

static void
open_store(struct store *store, const struct store_events *events, void *arg)
{
	struct store_redis *redis = of(store);

	assert(!redis->events);
	redis->events = events;
	redis->arg = arg;
	clock_soon(redis->clock, &redis->timer, try_now, redis);
}

/* ---- its life ---- */

struct store *
store_redis_new(uv_loop_t *loop, struct clock *clock, const struct redis_url *url,
	const char *prefix, const char *host_id)
{
	static const struct store_ops ops = {store_redis_set, store_redis_remove, store_redis_read,
		store_redis_tell, open_store};
	struct store_redis *redis = x_calloc(1, sizeof *redis);

	assert(host_id[0] && !strchr(host_id, ' ') && strlen(host_id) <= STORE_REDIS_HOST_ID_MAX);
	redis->store.ops = &ops;
	redis->loop = loop;
	redis->clock = clock;
	redis->url = redis_url_copy(url);
	redis->prefix = x_strdup(prefix);
	redis->channel = x_asprintf("%snews", prefix);
	redis->host_id = x_strdup(host_id);
	redis->backoff_ms = BACKOFF_MIN_MS;
	redis->store.where = redis->url->shown;
	set_joined(redis, false);
	(void)snprintf(redis->store.why, sizeof redis->store.why, "not connected yet");
	for (int i = 0; i < STORE_REDIS_LINKS; i++)
		redis->sides[i].redis = redis;
	store_redis_ops_init(redis);
	int error = uv_timer_init(loop, &redis->anchor);
	assert(error == 0);
	(void)error;
	redis->holds = 1;
	return &redis->store;
}

/* Whatever of it was in the loop lets go of it; behind the last the memory goes. */
static void
release(struct store_redis *redis)
{
	void (*closed)(void *) = redis->closed;
	void *arg = redis->closed_arg;

	if (--redis->holds > 0)
		return;
	redis_url_free(redis->url);
	free(redis->prefix);
	free(redis->channel);
	free(redis->host_id);
	free(redis);
	if (closed)
		closed(arg);
}

static void
on_anchor_closed(uv_handle_t *handle)
{
	release(UTIL_OWNER(handle, struct store_redis, anchor));
}

void
store_redis_close(struct store *store, void (*closed)(void *arg), void *arg)
{
	struct store_redis *redis = of(store);

	assert(!redis->closing);
	redis->closing = true;
	redis->closed = closed;
	redis->closed_arg = arg;
	redis->store.joined = false;
	clock_stop(redis->clock, &redis->timer);
	if (redis->lookup)
		redis_lookup_cancel(redis->lookup);
	drop_links(redis);
	store_redis_ops_drop(redis);
	/* its close callback is what the memory waits for, if nothing else */
	uv_close((uv_handle_t *)&redis->anchor, on_anchor_closed);
}
