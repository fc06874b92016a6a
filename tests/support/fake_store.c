/* SPDX-License-Identifier: MIT */
/* See fake_store.h. */
#include "fake_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NOTICE_MS 1000
#define REJOIN_MS 2000

enum kind { SET, REMOVE, READ, TELL };

struct fake_operation {
	struct list node;
	struct fake_store *store;
	enum kind kind;
	char **names;
	size_t count;
	char *text;
	int64_t ttl_ms;
	enum store_when when;
	store_done *done;
	store_read_done *read_done;
	void *arg;
	struct clock_timer timer;
	bool executed;
	enum store_result result;
	struct store_item *items; /* of a reading; texts owned */
};

/* Something that a host is about to hear. */
struct hearing {
	struct fake_store *store;
	struct clock_timer timer;
	char *news;
};

static int64_t
now_ms(const struct fake_place *place)
{
	return place->clock->time_ms;
}

/* ---- the place ---- */

void
fake_place_init(struct fake_place *place, struct fake_clock *clock)
{
	*place = (struct fake_place){.clock = clock};
	list_init(&place->stores);
}

static void
drop_item(struct fake_place *place, size_t index)
{
	free(place->items[index].name);
	free(place->items[index].text);
	place->items[index] = place->items[--place->item_count];
}

static void
drop_all(struct fake_place *place)
{
	while (place->item_count > 0)
		drop_item(place, 0);
}

void
fake_place_free(struct fake_place *place)
{
	assert(list_empty(&place->stores));
	drop_all(place);
	free(place->items);
}

static struct fake_item *
find(struct fake_place *place, const char *name)
{
	for (size_t i = 0; i < place->item_count; i++) {
		if (strcmp(place->items[i].name, name) != 0)
			continue;
		if (place->items[i].until_ms > now_ms(place))
			return &place->items[i];
		drop_item(place, i);
		return NULL;
	}
	return NULL;
}

const struct fake_item *
fake_place_find(struct fake_place *place, const char *name)
{
	return find(place, name);
}

void
fake_place_put(struct fake_place *place, const char *name, const char *text, int64_t ttl_ms)
{
	struct fake_item *item = find(place, name);

	if (item)
		drop_item(place, (size_t)(item - place->items));
	if (!text)
		return;
	place->items = x_realloc(place->items, (place->item_count + 1) * sizeof *item);
	place->items[place->item_count++] = (struct fake_item){
		x_strdup(name), x_strdup(text), ttl_ms < 0 ? INT64_MAX : now_ms(place) + ttl_ms};
}

/* ---- operations ---- */

static void
free_operation(struct fake_operation *operation)
{
	clock_stop(&operation->store->place->clock->clock, &operation->timer);
	list_remove(&operation->node);
	for (size_t i = 0; operation->items && i < operation->count; i++)
		free((char *)(uintptr_t)operation->items[i].text);
	free(operation->items);
	for (size_t i = 0; i < operation->count; i++)
		free(operation->names[i]);
	free(operation->names);
	free(operation->text);
	free(operation);
}

static void
end(struct fake_operation *operation, enum store_result result)
{
	if (operation->kind == READ)
		operation->store->reading -= operation->count;
	if (operation->done)
		operation->done(operation->arg, result);
	if (operation->read_done)
		operation->read_done(operation->arg, result,
			result == STORE_DONE ? operation->items : NULL, operation->count);
	free_operation(operation);
}

static void
on_answer(void *arg)
{
	struct fake_operation *operation = arg;

	if (!operation->store->place->frozen)
		end(operation, operation->result);
}

static void
hear(void *arg)
{
	struct hearing *hearing = arg;
	struct fake_store *store = hearing->store;

	if (store->store.joined)
		store->events->heard(store->arg, hearing->news, strlen(hearing->news));
	free(hearing->news);
	free(hearing);
}

static void
tell_others(struct fake_store *from, const char *news)
{
	struct fake_place *place = from->place;

	for (struct list *node = place->stores.next; node != &place->stores; node = node->next) {
		struct fake_store *store = LIST_OWNER(node, struct fake_store, node);

		if (store == from || !store->store.joined || place->loses_news)
			continue;
		struct hearing *hearing = x_calloc(1, sizeof *hearing);
		*hearing = (struct hearing){.store = store, .news = x_strdup(news)};
		clock_start(&place->clock->clock, &hearing->timer, now_ms(place) + store->delay_ms,
			hear, hearing);
	}
}

static void
read_items(struct fake_operation *operation)
{
	struct fake_place *place = operation->store->place;

	operation->items = x_calloc(operation->count, sizeof operation->items[0]);
	for (size_t i = 0; i < operation->count; i++) {
		const struct fake_item *item = find(place, operation->names[i]);
		bool ever = item && item->until_ms == INT64_MAX;

		if (item)
			operation->items[i] = (struct store_item){x_strdup(item->text),
				ever ? -1 : item->until_ms - now_ms(place)};
	}
}

static void
execute(struct fake_operation *operation)
{
	struct fake_place *place = operation->store->place;

	operation->result = STORE_DONE;
	place->operations++;
	switch (operation->kind) {
	case SET:
		if (place->full)
			operation->result = STORE_REFUSED;
		else if (operation->when == STORE_IF_ABSENT && find(place, operation->names[0]))
			operation->result = STORE_TAKEN;
		else
			fake_place_put(
				place, operation->names[0], operation->text, operation->ttl_ms);
		break;
	case REMOVE: fake_place_put(place, operation->names[0], NULL, 0); break;
	case READ:
		if (place->unreadable)
			operation->result = STORE_REFUSED;
		else
			read_items(operation);
		break;
	case TELL: tell_others(operation->store, operation->text); break;
	}
}

static void
on_arrival(void *arg)
{
	struct fake_operation *operation = arg;
	struct fake_store *store = operation->store;

	if (store->place->frozen)
		return;
	execute(operation);
	operation->executed = true;
	clock_start(&store->place->clock->clock, &operation->timer,
		now_ms(store->place) + store->delay_ms, on_answer, operation);
}

static void
on_away(void *arg)
{
	end(arg, STORE_AWAY);
}

static struct fake_store *
of(struct store *store)
{
	return UTIL_OWNER(store, struct fake_store, store);
}

static void part(struct fake_store *store);

static void
on_unanswered(void *arg)
{
	struct fake_operation *operation = arg;

	part(operation->store);
}

static struct fake_operation *
start(struct store *base, enum kind kind, const char *const *names, size_t count)
{
	struct fake_store *store = of(base);
	struct fake_operation *operation = x_calloc(1, sizeof *operation);
	struct clock *clock = &store->place->clock->clock;
	int64_t now = now_ms(store->place);

	operation->store = store;
	operation->kind = kind;
	operation->count = count;
	operation->names = x_calloc(count + 1, sizeof operation->names[0]);
	for (size_t i = 0; i < count; i++)
		operation->names[i] = x_strdup(names[i]);
	list_append(&store->operations, &operation->node);
	if (!store->store.joined)
		clock_soon(clock, &operation->timer, on_away, operation);
	else if (store->place->frozen)
		clock_start(clock, &operation->timer, now + NOTICE_MS, on_unanswered, operation);
	else
		clock_start(clock, &operation->timer, now + store->delay_ms, on_arrival, operation);
	return operation;
}

static void
ops_set(struct store *store, const char *name, const char *text, int64_t ttl_ms,
	enum store_when when, store_done *done, void *arg)
{
	struct fake_operation *operation = start(store, SET, &name, 1);

	assert(ttl_ms > 0 || ttl_ms == -1);
	assert(strlen(text) <= STORE_TEXT_MAX_BYTES);
	operation->text = x_strdup(text);
	operation->ttl_ms = ttl_ms;
	operation->when = when;
	operation->done = done;
	operation->arg = arg;
}

static void
ops_remove(struct store *store, const char *name, store_done *done, void *arg)
{
	struct fake_operation *operation = start(store, REMOVE, &name, 1);

	operation->done = done;
	operation->arg = arg;
}

static void
ops_read(struct store *store, const char *const *names, size_t count, store_read_done *done,
	void *arg)
{
	assert(count > 0 && count <= STORE_READ_MAX);
	struct fake_operation *operation = start(store, READ, names, count);
	struct fake_store *own = of(store);

	own->reading += count;
	if (own->reading > own->most_read)
		own->most_read = own->reading;
	operation->read_done = done;
	operation->arg = arg;
}

static void
ops_tell(struct store *store, const char *news)
{
	struct fake_operation *operation = start(store, TELL, NULL, 0);

	operation->text = x_strdup(news);
	of(store)->news_count++;
}

/* ---- joining and parting ---- */

static void
on_rejoin(void *arg)
{
	struct fake_store *store = arg;

	if (store->cut || store->place->frozen || store->store.joined || !store->events)
		return;
	store->store.joined = true;
	store->store.since_ms = now_ms(store->place);
	store->events->joined(store->arg);
}

static void
rejoin_in(struct fake_store *store, int64_t ms)
{
	clock_start(&store->place->clock->clock, &store->rejoin, now_ms(store->place) + ms,
		on_rejoin, store);
}

static void
ops_open(struct store *base, const struct store_events *events, void *arg)
{
	struct fake_store *store = of(base);

	store->events = events;
	store->arg = arg;
	rejoin_in(store, store->delay_ms);
}

static void
part(struct fake_store *store)
{
	bool joined = store->store.joined;
	struct list ended;

	store->store.joined = false;
	store->store.since_ms = now_ms(store->place);
	list_init(&ended);
	list_splice(&ended, &store->operations);
	while (!list_empty(&ended))
		end(LIST_OWNER(ended.next, struct fake_operation, node), STORE_AWAY);
	if (joined)
		store->events->parted(store->arg);
}

void
fake_place_restart(struct fake_place *place)
{
	drop_all(place);
	for (struct list *node = place->stores.next; node != &place->stores; node = node->next) {
		struct fake_store *store = LIST_OWNER(node, struct fake_store, node);

		part(store);
		rejoin_in(store, store->delay_ms);
	}
}

static void
notice(void *arg)
{
	struct fake_store *store = arg;

	if (store->place->frozen)
		part(store);
}

/* What arrived meanwhile, or was to be answered, goes on. */
static void
resume(struct fake_store *store)
{
	struct clock *clock = &store->place->clock->clock;

	for (struct list *node = store->operations.next; node != &store->operations;
		node = node->next) {
		struct fake_operation *operation = LIST_OWNER(node, struct fake_operation, node);

		clock_soon(clock, &operation->timer, operation->executed ? on_answer : on_arrival,
			operation);
	}
}

void
fake_place_freeze(struct fake_place *place, bool frozen)
{
	place->frozen = frozen;
	for (struct list *node = place->stores.next; node != &place->stores; node = node->next) {
		struct fake_store *store = LIST_OWNER(node, struct fake_store, node);

		if (!frozen)
			resume(store);
		if (frozen)
			clock_start(&place->clock->clock, &store->rejoin, now_ms(place) + NOTICE_MS,
				notice, store);
		else
			rejoin_in(store, REJOIN_MS);
	}
}

void
fake_store_init(struct fake_store *store, struct fake_place *place, int64_t delay_ms)
{
	static const struct store_ops ops = {ops_set, ops_remove, ops_read, ops_tell, ops_open};

	*store = (struct fake_store){.place = place, .delay_ms = delay_ms};
	store->store = (struct store){.ops = &ops, .where = "fake://place"};
	list_init(&store->operations);
	list_append(&place->stores, &store->node);
}

void
fake_store_close(struct fake_store *store)
{
	clock_stop(&store->place->clock->clock, &store->rejoin);
	store->events = NULL;
	store->store.joined = false;
	while (!list_empty(&store->operations))
		free_operation(LIST_OWNER(store->operations.next, struct fake_operation, node));
	list_remove(&store->node);
}

void
fake_store_cut(struct fake_store *store, bool cut)
{
	store->cut = cut;
	if (cut)
		part(store);
	else
		rejoin_in(store, store->delay_ms);
}

void
fake_store_hear(struct fake_store *store, const char *news)
{
	store->events->heard(store->arg, news, strlen(news));
}
