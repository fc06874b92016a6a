/* SPDX-License-Identifier: MIT */
/*
 * See store_redis_ops.h. A name is read by GETRANGE and PTTL, so that a text that somebody else has
 * made huge is never sent: an item is absent unless both make sense.
 */
#include "store_redis_ops.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_error.h"

#define COMMANDS_A_NAME 2
#define WORD_BYTES 24

/* One thing that was asked, whose answers are outstanding. */
struct op {
	struct list link;
	struct store_redis *redis;
	enum store_redis_kind kind;
	store_done *done;
	store_read_done *read_done;
	void *arg;
	/* of a read: */
	struct store_item *items; /* owned, their texts too */
	size_t count, answered;
	bool refused;
};

static struct store_redis *
of(struct store *store)
{
	return (struct store_redis *)store;
}

/* ---- operations ---- */

static void
free_op(struct op *op)
{
	list_remove(&op->link);
	for (size_t i = 0; op->items && i < op->count; i++)
		free((char *)(uintptr_t)op->items[i].text);
	free(op->items);
	free(op);
}

static void
finish(struct op *op, enum store_result result)
{
	store_read_done *read_done = op->read_done;
	store_done *done = op->done;
	bool has_items = result == STORE_DONE;

	/* the callback may close the store, which forgets what is in its lists */
	list_remove(&op->link);
	if (read_done)
		read_done(op->arg, result, has_items ? op->items : NULL, has_items ? op->count : 0);
	else if (done)
		done(op->arg, result);
	free_op(op);
}

static void
drop(struct list *ops)
{
	while (!list_empty(ops))
		free_op(LIST_OWNER(ops->next, struct op, link));
}

/* Those that are asked for meanwhile are not among them. */
static void
fail_all(struct store_redis *redis, struct list *asked)
{
	struct list ops;

	list_init(&ops);
	list_splice(&ops, asked);
	while (!list_empty(&ops) && !redis->closing)
		finish(LIST_OWNER(ops.next, struct op, link), STORE_AWAY);
	drop(&ops);
}

static void
on_later(void *arg)
{
	struct store_redis *redis = arg;

	fail_all(redis, &redis->failed);
}

static void
fail_later(struct store_redis *redis, struct op *op)
{
	list_remove(&op->link);
	list_append(&redis->failed, &op->link);
	clock_soon(redis->clock, &redis->later, on_later, redis);
}

static struct op *
begin(struct store_redis *redis, enum store_redis_kind kind, void *arg)
{
	struct op *op = x_calloc(1, sizeof *op);

	op->redis = redis;
	op->kind = kind;
	op->arg = arg;
	list_append(&redis->ops, &op->link);
	return op;
}

void
store_redis_ops_init(struct store_redis *redis)
{
	list_init(&redis->ops);
	list_init(&redis->failed);
}

void
store_redis_ops_away(struct store_redis *redis)
{
	fail_all(redis, &redis->ops);
}

void
store_redis_ops_drop(struct store_redis *redis)
{
	clock_stop(redis->clock, &redis->later);
	drop(&redis->ops);
	drop(&redis->failed);
}

/* ---- what Redis says ---- */

static void
note_refused(struct op *op, const redisReply *reply)
{
	struct store_redis *redis = op->redis;
	bool was_well = redis->store.why[0] == '\0';

	redis_error_text(redis->url, REDIS_ERROR_LATER, reply->str, reply->len, redis->store.why,
		sizeof redis->store.why);
	redis->refused = true;
	redis->refused_kind = op->kind;
	if (was_well && log_rate_allows(&redis->refusals, clock_now_ms(redis->clock)))
		log_warning("%s refuses: %s", redis->store.where, redis->store.why);
}

/* What refuses texts may well give some: its own kind says when it is well again. */
static void
note_done(struct op *op)
{
	struct store_redis *redis = op->redis;

	if (redis->refused && redis->refused_kind == op->kind) {
		redis->refused = false;
		redis->store.why[0] = '\0';
	}
}

static void
on_answer(void *arg, const redisReply *reply)
{
	struct op *op = arg;
	enum store_result result = STORE_DONE;

	if (reply->type == REDIS_REPLY_ERROR) {
		note_refused(op, reply);
		result = STORE_REFUSED;
	} else {
		note_done(op);
		if (op->kind == STORE_REDIS_SET && reply->type == REDIS_REPLY_NIL)
			result = STORE_TAKEN;
	}
	finish(op, result);
}

static void
take_text(struct store_item *item, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_STRING && reply->len <= STORE_TEXT_MAX_BYTES &&
		!memchr(reply->str, '\0', reply->len))
		item->text = x_strndup(reply->str, reply->len);
}

/* -2: there is no such name, -1: it stays. */
static void
take_ttl(struct store_item *item, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= -1) {
		item->ttl_ms = reply->integer;
	} else {
		free((char *)(uintptr_t)item->text);
		item->text = NULL;
	}
}

static void
on_part(void *arg, const redisReply *reply)
{
	struct op *op = arg;
	struct store_item *item = &op->items[op->answered / COMMANDS_A_NAME];

	if (reply->type == REDIS_REPLY_ERROR &&
		!redis_error_is_wrong_type(reply->str, reply->len)) {
		note_refused(op, reply);
		op->refused = true;
	}
	if (op->answered % COMMANDS_A_NAME == 0)
		take_text(item, reply);
	else
		take_ttl(item, reply);
	if (++op->answered < op->count * COMMANDS_A_NAME)
		return;
	if (!op->refused)
		note_done(op);
	finish(op, op->refused ? STORE_REFUSED : STORE_DONE);
}

/* ---- what it is asked ---- */

static bool
ask(struct store_redis *redis, int count, const char *const *words, redis_link_answer *answer,
	struct op *op)
{
	struct redis_link *link = redis->links[STORE_REDIS_ASKS];

	return redis->store.joined && link && redis_link_ask(link, count, words, answer, op);
}

static char *
key_of(const struct store_redis *redis, const char *name)
{
	return x_asprintf("%s%s", redis->prefix, name);
}

void
store_redis_set(struct store *store, const char *name, const char *text, int64_t ttl_ms,
	enum store_when when, store_done *done, void *arg)
{
	struct store_redis *redis = of(store);
	struct op *op = begin(redis, STORE_REDIS_SET, arg);
	char *key = key_of(redis, name), ttl[WORD_BYTES];
	const char *words[6] = {"SET", key, text};
	int count = 3;

	assert(strlen(text) <= STORE_TEXT_MAX_BYTES && (ttl_ms > 0 || ttl_ms == -1));
	op->done = done;
	if (ttl_ms > 0) {
		(void)snprintf(ttl, sizeof ttl, "%lld", (long long)ttl_ms);
		words[count++] = "PX";
		words[count++] = ttl;
	}
	if (when == STORE_IF_ABSENT)
		words[count++] = "NX";
	if (!ask(redis, count, words, on_answer, op))
		fail_later(redis, op);
	free(key);
}

void
store_redis_remove(struct store *store, const char *name, store_done *done, void *arg)
{
	struct store_redis *redis = of(store);
	struct op *op = begin(redis, STORE_REDIS_REMOVE, arg);
	char *key = key_of(redis, name);
	const char *const words[] = {"DEL", key};

	op->done = done;
	if (!ask(redis, 2, words, on_answer, op))
		fail_later(redis, op);
	free(key);
}

static bool
ask_for(struct op *op, const char *name)
{
	char *key = key_of(op->redis, name), last[WORD_BYTES];
	/* a byte more than may be: so a longer one shows */
	const char *const text[] = {"GETRANGE", key, "0", last};
	const char *const ttl[] = {"PTTL", key};

	(void)snprintf(last, sizeof last, "%d", STORE_TEXT_MAX_BYTES);
	bool asked = ask(op->redis, 4, text, on_part, op) && ask(op->redis, 2, ttl, on_part, op);
	free(key);
	return asked;
}

void
store_redis_read(struct store *store, const char *const *names, size_t count,
	store_read_done *done, void *arg)
{
	struct store_redis *redis = of(store);
	struct op *op = begin(redis, STORE_REDIS_READ, arg);
	size_t asked = 0;

	assert(count > 0 && count <= STORE_READ_MAX);
	op->read_done = done;
	op->items = x_calloc(count, sizeof *op->items);
	op->count = count;
	while (asked < count && ask_for(op, names[asked]))
		asked++;
	if (asked < count)
		fail_later(redis, op);
}

void
store_redis_tell(struct store *store, const char *news)
{
	struct store_redis *redis = of(store);
	char *message = x_asprintf("%s %s", redis->host_id, news);
	const char *const words[] = {"PUBLISH", redis->channel, message};
	struct op *op = begin(redis, STORE_REDIS_TELL, NULL);

	assert(strlen(news) <= STORE_TEXT_MAX_BYTES);
	if (!ask(redis, 3, words, on_answer, op))
		fail_later(redis, op);
	free(message);
}
