/* SPDX-License-Identifier: MIT */
/* See store_stage.h. */
#include "store_stage.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

struct store_stage_log store_stage_log;

static void
note_line(void *arg, enum log_level level, const char *line)
{
	struct store_stage_log *log = arg;
	size_t used = strlen(log->lines);

	log->warnings += level == LOG_WARNING;
	log->infos += level == LOG_INFO;
	snprintf(log->lines + used, sizeof log->lines - used, "%s\n", line);
}

static void
run_hook(struct store_stage *stage)
{
	if (stage->hook)
		stage->hook(stage);
}

static void
on_joined(void *arg)
{
	struct store_stage *stage = arg;

	ck_assert_ptr_nonnull(stage->store);
	ck_assert(stage->store->joined);
	ck_assert_uint_eq(stage->joined++, stage->parted);
	ck_assert_str_eq(stage->store->why, "");
	run_hook(stage);
}

static void
on_parted(void *arg)
{
	struct store_stage *stage = arg;

	ck_assert_ptr_nonnull(stage->store);
	ck_assert(!stage->store->joined);
	ck_assert_uint_eq(++stage->parted, stage->joined);
	ck_assert_str_ne(stage->store->why, "");
	run_hook(stage);
}

static void
on_heard(void *arg, const char *news, size_t length)
{
	struct store_stage *stage = arg;

	ck_assert_ptr_nonnull(stage->store);
	if (stage->heard < STORE_STAGE_NEWS_MAX)
		stage->news[stage->heard] = x_strndup(news, length);
	stage->heard++;
	run_hook(stage);
}

void
store_stage_open_loop(struct store_stage *stage)
{
	signal(SIGPIPE, SIG_IGN);
	*stage = (struct store_stage){0};
	store_stage_log = (struct store_stage_log){0};
	log_setup(LOG_INFO, LOG_TEXT, false);
	log_capture(note_line, &store_stage_log);
	ck_assert_int_eq(uv_loop_init(&stage->own_loop), 0);
	clock_uv_init(&stage->own_clock, &stage->own_loop);
	stage->loop = &stage->own_loop;
	stage->clock = &stage->own_clock.clock;
}

static void
open_store(struct store_stage *stage, const char *url, const char *host_id)
{
	static const struct store_events events = {on_joined, on_parted, on_heard};
	const char *why;
	struct redis_url *parsed = redis_url_parse(url, &why);

	ck_assert_msg(parsed != NULL, "%s: %s", url, why);
	stage->store = store_redis_new(stage->loop, stage->clock, parsed, "llmfo:", host_id);
	ck_assert_str_eq(stage->store->where, parsed->shown);
	redis_url_free(parsed);
	ck_assert(!stage->store->joined);
	stage->store->ops->open(stage->store, &events, stage);
	ck_assert_uint_eq(stage->joined + stage->parted, 0);
}

void
store_stage_open(struct store_stage *stage, const char *url, const char *host_id)
{
	store_stage_open_loop(stage);
	open_store(stage, url, host_id);
}

void
store_stage_share(
	struct store_stage *other, struct store_stage *stage, const char *url, const char *host_id)
{
	*other = (struct store_stage){.loop = stage->loop, .clock = stage->clock};
	open_store(other, url, host_id);
}

static void
on_closed(void *arg)
{
	struct store_stage *stage = arg;

	ck_assert(!stage->closed && !stage->store);
	stage->closed = true;
}

void
store_stage_begin_close(struct store_stage *stage)
{
	struct store *store = stage->store;

	stage->store = NULL;
	store_redis_close(store, on_closed, stage);
	ck_assert(!stage->closed);
	for (size_t i = 0; i < STORE_STAGE_NEWS_MAX; i++)
		free(stage->news[i]);
}

void
store_stage_close(struct store_stage *stage)
{
	if (stage->store)
		store_stage_begin_close(stage);
	while (!stage->closed)
		uv_run(stage->loop, UV_RUN_ONCE);
	if (stage->loop != &stage->own_loop)
		return;
	clock_uv_close(&stage->own_clock);
	uv_run(stage->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(stage->loop), 0);
	log_capture(NULL, NULL);
}

/* ---- waiting ---- */

void
store_stage_wait_joined(struct store_stage *stage, unsigned times)
{
	while (stage->joined < times)
		uv_run(stage->loop, UV_RUN_ONCE);
}

void
store_stage_wait_parted(struct store_stage *stage, unsigned times)
{
	while (stage->parted < times)
		uv_run(stage->loop, UV_RUN_ONCE);
}

void
store_stage_wait_why(struct store_stage *stage, const char *part)
{
	while (!strstr(stage->store->why, part))
		uv_run(stage->loop, UV_RUN_ONCE);
}

void
store_stage_wait_heard(struct store_stage *stage, unsigned times)
{
	while (stage->heard < times)
		uv_run(stage->loop, UV_RUN_ONCE);
}

void
store_stage_wait_done(struct store_stage *stage, unsigned times)
{
	while (stage->done < times)
		uv_run(stage->loop, UV_RUN_ONCE);
}

/* ---- asking ---- */

static void
on_done(void *arg, enum store_result result)
{
	struct store_stage *stage = arg;

	ck_assert_ptr_nonnull(stage->store);
	stage->done++;
	stage->results[result]++;
	run_hook(stage);
}

void
store_stage_ask_set(struct store_stage *stage, const char *name, const char *text, int64_t ttl_ms,
	enum store_when when)
{
	unsigned done = stage->done;

	stage->store->ops->set(stage->store, name, text, ttl_ms, when, on_done, stage);
	ck_assert_uint_eq(stage->done, done);
}

void
store_stage_ask_remove(struct store_stage *stage, const char *name)
{
	unsigned done = stage->done;

	stage->store->ops->remove(stage->store, name, on_done, stage);
	ck_assert_uint_eq(stage->done, done);
}

struct answer {
	bool there;
	enum store_result result;
};

static void
on_answer(void *arg, enum store_result result)
{
	struct answer *answer = arg;

	ck_assert(!answer->there);
	*answer = (struct answer){true, result};
}

static enum store_result
wait_for(struct store_stage *stage, const struct answer *answer)
{
	ck_assert(!answer->there);
	while (!answer->there)
		uv_run(stage->loop, UV_RUN_ONCE);
	return answer->result;
}

enum store_result
store_stage_set(struct store_stage *stage, const char *name, const char *text, int64_t ttl_ms,
	enum store_when when)
{
	struct answer answer = {.there = false};

	stage->store->ops->set(stage->store, name, text, ttl_ms, when, on_answer, &answer);
	return wait_for(stage, &answer);
}

enum store_result
store_stage_remove(struct store_stage *stage, const char *name)
{
	struct answer answer = {.there = false};

	stage->store->ops->remove(stage->store, name, on_answer, &answer);
	return wait_for(stage, &answer);
}

struct reading {
	struct store_stage_items *items;
	struct answer answer;
};

static void
on_read(void *arg, enum store_result result, const struct store_item *items, size_t count)
{
	struct reading *reading = arg;

	on_answer(&reading->answer, result);
	ck_assert((items != NULL) == (result == STORE_DONE));
	reading->items->result = result;
	reading->items->count = count;
	for (size_t i = 0; i < count; i++) {
		reading->items->texts[i] = x_strdup(items[i].text);
		reading->items->ttls_ms[i] = items[i].ttl_ms;
	}
}

struct store_stage_items
store_stage_read(struct store_stage *stage, const char *const *names)
{
	struct store_stage_items items = {.count = 0};
	struct reading reading = {.items = &items};
	size_t count = 0;

	while (names[count])
		count++;
	stage->store->ops->read(stage->store, names, count, on_read, &reading);
	(void)wait_for(stage, &reading.answer);
	ck_assert(items.result != STORE_DONE || items.count == count);
	return items;
}

void
store_stage_free_items(struct store_stage_items *items)
{
	for (size_t i = 0; i < items->count; i++)
		free(items->texts[i]);
}
