/* SPDX-License-Identifier: MIT */
/* See share.h. Here: joining and parting, what is read when, and the news. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "share_inside.h"

/* Everything is read again after so long, in case news were missed. */
#define REREAD_MS 15000
/* More names than these, of what others tell, are not read one by one. */
#define DUE_MAX 4096
/* So many readings are under way at once: a store takes no more than it can answer. */
#define READINGS_MAX 2
#define EPOCH_BYTES 17

int64_t
share_now_ms(const struct share *share)
{
	return clock_now_ms(share->clock);
}

static void
on_changed(void *arg)
{
	struct share *share = arg;

	share->changed(share->arg);
}

void
share_changed(struct share *share)
{
	if (!clock_running(&share->changed_timer))
		clock_soon(share->clock, &share->changed_timer, on_changed, share);
}

void
share_mark(struct share *share, bool *there, bool stands)
{
	if (*there != stands)
		share_changed(share);
	*there = stands;
}

/* ---- operations under way ---- */

struct share_wait *
share_wait_new(struct share *share, struct share_due *names, size_t count)
{
	struct share_wait *wait = x_calloc(1, sizeof *wait);

	wait->share = share;
	wait->changed = share->changes;
	wait->names = names;
	wait->count = count;
	list_append(&share->waits, &wait->node);
	return wait;
}

static void
free_names(struct share_due *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i].name);
	free(names);
}

void
share_wait_free(struct share_wait *wait)
{
	list_remove(&wait->node);
	free_names(wait->names, wait->count);
	free(wait);
}

void
share_odd(struct share *share, const char *name, const char *why)
{
	if (log_rate_allows(&share->odd, share_now_ms(share)))
		log_warning("what hosts share: %s %s; it is passed over (%" PRIu64 " so far)", name,
			why, share->odd.count);
}

void
share_set(struct share *share, const char *kind, const char *name, const char *text, int64_t ttl_ms)
{
	char *full = x_asprintf("%s%s", kind, name);

	share->store->ops->set(share->store, full, text, ttl_ms, STORE_ALWAYS, NULL, NULL);
	free(full);
}

/* The name behind a prefix; NULL: it has another one. */
static const char *
behind(const char *name, const char *prefix)
{
	return util_starts_with(name, prefix) ? name + strlen(prefix) : NULL;
}

/* Does the store say what this host says? */
static void
on_put(void *arg, enum store_result result)
{
	struct share_wait *wait = arg;
	struct share *share = wait->share;
	bool stands = result == STORE_DONE;
	const char *full = wait->names[0].name, *name;

	/* what does not stand there is no news */
	if (stands)
		share_tell(share, "changed", "", full);
	if ((name = behind(full, "open:")))
		share_circuit_stands(share, name, stands, wait->changed);
	else if ((name = behind(full, "preferred:")))
		share_preferred_stands(share, name, stands, wait->changed);
	else
		share_forced_stands(share, stands, wait->changed);
	share_wait_free(wait);
	share_changed(share);
}

void
share_put(struct share *share, const char *kind, const char *name, const char *text, int64_t ttl_ms)
{
	struct share_due *names = x_calloc(1, sizeof *names);

	names[0].name = x_asprintf("%s%s", kind, name);
	share->store->ops->set(share->store, names[0].name, text, ttl_ms, STORE_ALWAYS, on_put,
		share_wait_new(share, names, 1));
}

void
share_remove(struct share *share, const char *kind, const char *name)
{
	char *full = x_asprintf("%s%s", kind, name);

	share->store->ops->remove(share->store, full, NULL, NULL);
	free(full);
}

void
share_tell(struct share *share, const char *verb, const char *kind, const char *name)
{
	char *news = x_asprintf("%s %s%s", verb, kind, name);

	share->store->ops->tell(share->store, news);
	free(news);
}

/* ---- reading ---- */

static void
take_item(struct share *share, const struct share_due *due, const struct store_item *item,
	uint64_t changed)
{
	const char *name;

	if ((name = behind(due->name, "open:")))
		share_circuit_read(share, due, name, item, changed);
	else if ((name = behind(due->name, "preferred:")))
		share_preferred_read(share, name, item, changed);
	else if (strcmp(due->name, "forced") == 0)
		share_forced_read(share, item, changed);
}

static void read_due(void *arg);

static void
read_soon(struct share *share)
{
	if (!clock_running(&share->due_timer))
		clock_soon(share->clock, &share->due_timer, read_due, share);
}

static void
on_read(void *arg, enum store_result result, const struct store_item *items, size_t count)
{
	struct share_wait *wait = arg;
	struct share *share = wait->share;

	share->readings--;
	if (share->due_count > 0)
		read_soon(share);
	if (share->joined && result == STORE_DONE) {
		for (size_t i = 0; i < count && i < wait->count; i++)
			take_item(share, &wait->names[i], &items[i], wait->changed);
		share_leave_soon(share);
	}
	share_wait_free(wait);
}

/* The first that are due, as many as one reading takes. */
static void
read_some(struct share *share)
{
	size_t count = share->due_count < STORE_READ_MAX ? share->due_count : STORE_READ_MAX;
	struct share_due *names = x_calloc(count, sizeof *names);
	const char *texts[STORE_READ_MAX];

	memcpy(names, share->due, count * sizeof *names);
	share->due_count -= count;
	memmove(share->due, share->due + count, share->due_count * sizeof *names);
	for (size_t i = 0; i < count; i++)
		texts[i] = names[i].name;
	share->readings++;
	share->store->ops->read(share->store, texts, count, on_read,
		share_wait_new(share, names, count));
}

/* The rest follows when these are answered. */
static void
read_due(void *arg)
{
	struct share *share = arg;

	while (share->due_count > 0 && share->readings < READINGS_MAX)
		read_some(share);
}

static struct share_due *
find_due(const struct share *share, const char *kind, const char *name)
{
	size_t length = strlen(kind);

	for (size_t i = 0; i < share->due_count; i++)
		if (strncmp(share->due[i].name, kind, length) == 0 &&
			strcmp(share->due[i].name + length, name) == 0)
			return &share->due[i];
	return NULL;
}

static void
append_due(struct share *share, const char *kind, const char *name, bool closed)
{
	share->due = x_realloc(share->due, (share->due_count + 1) * sizeof share->due[0]);
	share->due[share->due_count++] =
		(struct share_due){x_asprintf("%s%s", kind, name), closed};
	read_soon(share);
}

void
share_due(struct share *share, const char *kind, const char *name, bool closed)
{
	struct share_due *due = find_due(share, kind, name);

	if (due)
		due->closed |= closed;
	else if (share->due_count < share->due_max)
		append_due(share, kind, name, closed);
}

static void
due_if_shared(struct health_subject *subject, void *arg)
{
	struct share *share = arg;

	if (share_has(share, subject->name))
		append_due(share, "open:", subject->name, false);
}

static void
forget_due(struct share *share)
{
	free_names(share->due, share->due_count);
	share->due = NULL;
	share->due_count = 0;
	clock_stop(share->clock, &share->due_timer);
}

static void on_reread(void *arg);

static void
reread_later(struct share *share)
{
	int64_t jitter_ms = nrand48(share->seed) % (REREAD_MS / 4);

	clock_start(share->clock, &share->reread_timer, share_now_ms(share) + REREAD_MS - jitter_ms,
		on_reread, share);
}

static void
reread(struct share *share)
{
	forget_due(share);
	health_each(share->health, due_if_shared, share);
	for (size_t i = 0; i < share->config->chain_count; i++)
		append_due(share, "preferred:", share->config->chains[i]->memory, false);
	append_due(share, "forced", "", false);
	share->due_max = share->due_count + DUE_MAX;
	reread_later(share);
}

/* Where the last time is not over yet, the names at its end have their turn first. */
static void
on_reread(void *arg)
{
	struct share *share = arg;

	if (share->readings == READINGS_MAX && share->due_count > 0)
		reread_later(share);
	else
		reread(share);
}

/* ---- joining and parting ---- */

/* Of one that lost its memory, or may have lost the end of it, what was told is to be told again;
 * and one that has no epoch, and takes none (full, read-only), remembers nothing either. */
static void
take_epoch(struct share *share, const char *text)
{
	char *epoch = text ? x_asprintf("%s/%s", text, share->store->run) : NULL;

	if (!epoch || !share->epoch || strcmp(share->epoch, epoch) != 0) {
		share_remember_epoch(share, epoch);
		share_circuit_forget(share);
		share_choice_forget(share);
		share_changed(share);
	}
	free(epoch);
}

static void on_joined(void *arg);

static void
on_epoch_read(void *arg, enum store_result result, const struct store_item *items, size_t count)
{
	struct share_wait *wait = arg;
	struct share *share = wait->share;

	share_wait_free(wait);
	if (!share->store->joined)
		return;
	if (result != STORE_DONE || count != 1) {
		/* who may not read now may be let later */
		clock_start(share->clock, &share->reread_timer, share_now_ms(share) + REREAD_MS,
			on_joined, share);
		return;
	}
	take_epoch(share, items[0].text);
	share->joined = true;
	share_leave_rule(share, true);
	reread(share);
}

static void
on_joined(void *arg)
{
	static const char *const names[] = {"epoch"};
	struct share *share = arg;
	char epoch[EPOCH_BYTES];

	snprintf(epoch, sizeof epoch, "%08lx%08lx", (unsigned long)nrand48(share->seed),
		(unsigned long)nrand48(share->seed));
	share->store->ops->set(share->store, names[0], epoch, -1, STORE_IF_ABSENT, NULL, NULL);
	share->store->ops->read(
		share->store, names, 1, on_epoch_read, share_wait_new(share, NULL, 0));
}

static void
part(struct share *share)
{
	share->joined = false;
	forget_due(share);
	clock_stop(share->clock, &share->reread_timer);
	clock_stop(share->clock, &share->leave_timer);
	share_leave_rule(share, false);
}

static void
on_parted(void *arg)
{
	struct share *share = arg;

	part(share);
	share_changed(share);
}

/* ---- news ---- */

static void
take_news(struct share *share, const char *verb, const char *name)
{
	if (strcmp(verb, "changed") == 0)
		share_due(share, "", name, false);
	else if (strcmp(verb, "closed") == 0)
		share_due(share, "open:", name, true);
	else if (strcmp(verb, "want") == 0)
		share_leave_asked(share, name);
	else if (strcmp(verb, "free") == 0)
		share_leave_free(share, name);
}

static void
on_heard(void *arg, const char *news, size_t length)
{
	struct share *share = arg;
	char text[SHARE_NAME_BYTES];

	if (!share->joined || length >= sizeof text || memchr(news, '\0', length))
		return;
	memcpy(text, news, length);
	text[length] = '\0';
	char *space = strchr(text, ' ');
	if (!space)
		return;
	*space = '\0';
	take_news(share, text, space + 1);
}

static const struct store_events store_events = {on_joined, on_parted, on_heard};

/* What changes here is told at once. */
static void
on_health(void *arg, const struct health_news *news)
{
	struct share *share = arg;

	if (news->heard && share->joined)
		share_changed(share);
	if (news->heard || !share->config)
		return;
	switch (news->kind) {
	case HEALTH_NEWS_CIRCUIT: share_circuit_changed(share, news->subject); break;
	case HEALTH_NEWS_WANTED: share_leave_wanted(share, news->subject); break;
	case HEALTH_NEWS_PREFERRED: share_preferred_changed(share, news->name); break;
	case HEALTH_NEWS_FORCED: share_forced_changed(share); break;
	case HEALTH_NEWS_DISABLED:
	case HEALTH_NEWS_SETTINGS: break;
	}
}

/* ---- life ---- */

struct share *
share_new(struct clock *clock, struct health *health, struct events *events, const char *host,
	void (*changed)(void *arg), void *arg)
{
	struct share *share = x_calloc(1, sizeof *share);
	uint64_t hash = 5381;

	share->clock = clock;
	share->health = health;
	share->events = events;
	share->host = x_strdup(host);
	share->changed = changed;
	share->arg = arg;
	/* no secret, but another one for each host */
	for (const char *at = host; *at; at++)
		hash = hash * 33 + (unsigned char)*at;
	hash ^= (uint64_t)clock_wall_ms(clock);
	for (size_t i = 0; i < UTIL_COUNT(share->seed); i++)
		share->seed[i] = (unsigned short)(hash >> 16 * i);
	list_init(&share->waits);
	health_watch(health, &share->watch, on_health, share);
	return share;
}

/* A store that is closed answers nothing any more. */
static void
let_go(struct share *share)
{
	part(share);
	while (!list_empty(&share->waits))
		share_wait_free(LIST_OWNER(share->waits.next, struct share_wait, node));
	share->readings = 0;
	clock_stop(share->clock, &share->changed_timer);
}

void
share_free(struct share *share)
{
	if (!share)
		return;
	let_go(share);
	clock_stop(share->clock, &share->changed_timer);
	health_unwatch(&share->watch);
	share_gone_free(share);
	config_unref(share->config);
	free(share->host);
	free(share->epoch);
	free(share);
}

void
share_configure(struct share *share, struct config *config)
{
	config_ref(config);
	config_unref(share->config);
	share->config = config;
	if (share->joined) {
		share_leave_rule(share, true);
		reread(share);
	}
}

void
share_use(struct share *share, struct store *store)
{
	let_go(share);
	share->store = store;
	if (store)
		store->ops->open(store, &store_events, share);
}

const struct store *
share_store(const struct share *share)
{
	return share->store;
}

const char *
share_epoch(const struct share *share)
{
	return share->epoch;
}

void
share_remember_epoch(struct share *share, const char *epoch)
{
	free(share->epoch);
	share->epoch = x_strdup(epoch);
}
