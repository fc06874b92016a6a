/* SPDX-License-Identifier: MIT */
/* See lease.h. */
#include "lease.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "llmfo.h"
#include "room.h"

static void on_end(void *arg);

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct lease *)a)->id, ((const struct lease *)b)->id);
}

void
lease_table_init(
	struct lease_table *table, struct clock *clock, struct health *health, struct gate *gate)
{
	*table = (struct lease_table){.clock = clock, .health = health, .gate = gate};
	list_init(&table->by_end);
}

static struct lease *
first(const struct lease_table *table)
{
	return LIST_OWNER(table->by_end.next, struct lease, node);
}

/* One timer for all: for the one that ends first. */
static void
arm(struct lease_table *table)
{
	if (list_empty(&table->by_end))
		clock_stop(table->clock, &table->timer);
	else
		clock_start(table->clock, &table->timer, first(table)->until_ms, on_end, table);
}

static void
drop(struct lease_table *table, struct lease *lease)
{
	list_remove(&lease->node);
	tdelete(lease, &table->by_id, by_id);
	table->count--;
	free(lease->provider);
	free(lease->target);
	free(lease->chain);
	free(lease);
}

void
lease_table_free(struct lease_table *table)
{
	clock_stop(table->clock, &table->timer);
	while (!list_empty(&table->by_end))
		drop(table, first(table));
}

static int
count_of(const struct lease_table *table, uint32_t uid)
{
	int count = 0;

	for (struct list *node = table->by_end.next; node != &table->by_end; node = node->next)
		count += LIST_OWNER(node, struct lease, node)->uid == uid;
	return count;
}

static bool
make_id(char *id)
{
	unsigned char secret[(LEASE_ID_BYTES - 1) / 2];

	if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
		return false;
	for (size_t i = 0; i < sizeof secret; i++)
		snprintf(id + 2 * i, 3, "%02x", secret[i]);
	return true;
}

/* Nearly always the last: only a reload changes how long they hold. */
static void
insert(struct lease_table *table, struct lease *lease)
{
	struct list *after = table->by_end.prev;

	while (after != &table->by_end &&
		LIST_OWNER(after, struct lease, node)->until_ms > lease->until_ms)
		after = after->prev;
	list_append(after->next, &lease->node);
}

/* While it holds, nobody else tries the chain's better-placed targets. */
static void
hold_trial(struct lease_table *table, const struct lease *lease, int64_t now_ms)
{
	struct health_preferred *entry =
		lease->chain ? health_preferred(table->health, lease->chain, now_ms) : NULL;

	if (entry && entry->tried_by == 0)
		entry->tried_by = lease->number;
}

static void
release_trial(struct lease_table *table, const struct lease *lease, int64_t now_ms)
{
	struct health_preferred *entry =
		lease->chain ? health_preferred(table->health, lease->chain, now_ms) : NULL;

	if (entry && entry->tried_by == lease->number)
		entry->tried_by = 0;
}

const struct lease *
lease_take(struct lease_table *table, const struct lease_want *want, int *error)
{
	int64_t now_ms = clock_now_ms(table->clock);

	*error = LLMFO_EBUSY;
	if (table->count >= LEASE_MAX || count_of(table, want->uid) >= LEASE_USER_MAX)
		return NULL;
	struct lease *lease = x_calloc(1, sizeof *lease);
	*error = LLMFO_EINTERNAL;
	if (!make_id(lease->id)) {
		free(lease);
		return NULL;
	}
	lease->uid = want->uid;
	lease->provider = x_strdup(want->provider);
	lease->target = x_strdup(want->target);
	lease->chain = x_strdup(want->chain);
	lease->number = want->number;
	lease->taken_ms = now_ms;
	lease->until_ms = util_add_clamped(now_ms, want->valid_ms);
	if (!tsearch(lease, &table->by_id, by_id))
		abort();
	insert(table, lease);
	table->count++;
	lease->ticket = health_begin(table->health, lease->provider, lease->target, now_ms);
	hold_trial(table, lease, now_ms);
	arm(table);
	*error = 0;
	return lease;
}

struct lease *
lease_find(const struct lease_table *table, const char *id, uint32_t uid)
{
	struct lease key;

	if (strlen(id) != LEASE_ID_BYTES - 1)
		return NULL;
	memcpy(key.id, id, LEASE_ID_BYTES);
	struct lease *const *found = tfind(&key, (void *const *)&table->by_id, by_id);
	return found && (*found)->uid == uid ? *found : NULL;
}

struct health_change
lease_end(struct lease_table *table, struct lease *lease, const struct outcome *outcome,
	int64_t latency_ms)
{
	int64_t now_ms = clock_now_ms(table->clock);
	struct health_change change = health_end(table->health, lease->provider, lease->target,
		lease->ticket, outcome, latency_ms, now_ms);

	release_trial(table, lease, now_ms);
	char *provider = lease->provider;
	lease->provider = NULL;
	drop(table, lease);
	arm(table);
	room_made(table->gate, table->health, provider, change);
	free(provider);
	return change;
}

/* Its time has run out: nobody knows what came of it. */
static void
on_end(void *arg)
{
	struct lease_table *table = arg;
	int64_t now_ms = clock_now_ms(table->clock);
	struct outcome outcome;

	outcome_set(&outcome, OUTCOME_CANCELLED, "%s", "not reported");
	while (!list_empty(&table->by_end) && first(table)->until_ms <= now_ms)
		(void)lease_end(table, first(table), &outcome, -1);
}
