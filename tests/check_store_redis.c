/* SPDX-License-Identifier: MIT */
/*
 * The store in a real redis-server: what it keeps, what it hears, how it ends. Skipped where there
 * is none. When the server is away is check_store_redis_away.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/config_support.h"
#include "support/redis.h"
#include "support/store_stage.h"

static struct redis redis;
static struct store_stage stage;

static void
set_up(void)
{
	redis_init(&redis);
}

static void
tear_down(void)
{
	redis_stop(&redis);
}

static void
begin(void)
{
	redis_start(&redis);
	store_stage_open(&stage, redis.url, "here");
	store_stage_wait_joined(&stage, 1);
}

static void
end(void)
{
	store_stage_close(&stage);
}

static void
said(unsigned warnings, unsigned infos)
{
	const struct store_stage_log *log = &store_stage_log;

	ck_assert_msg(log->warnings == warnings && log->infos == infos, "%s", log->lines);
}

/* ---- what it keeps ---- */

START_TEST(texts_stand_in_redis_as_a_person_reads_them)
{
	begin();
	ck_assert_int_eq(
		store_stage_set(&stage, "preferred:default", "openai/gpt", 60000, STORE_ALWAYS),
		STORE_DONE);
	ck_assert_int_eq(store_stage_set(&stage, "forced", "", -1, STORE_ALWAYS), STORE_DONE);
	ck_assert(redis_answers(&redis, "openai/gpt", "GET", "llmfo:preferred:default", NULL));
	char *ttl = redis_ask(&redis, "PTTL", "llmfo:preferred:default", NULL);
	long ttl_ms = strtol(ttl, NULL, 10);
	ck_assert(ttl_ms > 50000 && ttl_ms <= 60000);
	free(ttl);
	ck_assert(redis_answers(&redis, "-1", "PTTL", "llmfo:forced", NULL));
	ck_assert_int_eq(store_stage_remove(&stage, "preferred:default"), STORE_DONE);
	ck_assert_int_eq(store_stage_remove(&stage, "preferred:default"), STORE_DONE);
	ck_assert(redis_answers(&redis, "llmfo:forced", "KEYS", "*", NULL));
	end();
}
END_TEST

START_TEST(each_run_of_it_has_a_name)
{
	char run[sizeof stage.store->run];

	begin();
	memcpy(run, stage.store->run, sizeof run);
	ck_assert_uint_eq(strlen(run), 40);
	redis_kill(&redis);
	redis_start(&redis);
	store_stage_wait_joined(&stage, 2);
	ck_assert_uint_eq(strlen(stage.store->run), 40);
	ck_assert_str_ne(stage.store->run, run);
	/* who may not ask for it does without */
	redis_do(&redis, "ACL", "SETUSER", "default", "-info", NULL);
	redis_do(&redis, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", NULL);
	store_stage_wait_joined(&stage, 3);
	ck_assert_str_eq(stage.store->run, "");
	end();
}
END_TEST

START_TEST(what_is_there_is_taken)
{
	begin();
	ck_assert_int_eq(
		store_stage_set(&stage, "probe:a", "here", 50000, STORE_IF_ABSENT), STORE_DONE);
	ck_assert_int_eq(
		store_stage_set(&stage, "probe:a", "other", 50000, STORE_IF_ABSENT), STORE_TAKEN);
	ck_assert(redis_answers(&redis, "here", "GET", "llmfo:probe:a", NULL));
	ck_assert_int_eq(store_stage_remove(&stage, "probe:a"), STORE_DONE);
	ck_assert_int_eq(
		store_stage_set(&stage, "probe:a", "other", -1, STORE_IF_ABSENT), STORE_DONE);
	end();
}
END_TEST

START_TEST(items_come_in_the_order_of_their_names)
{
	static const char *const names[] = {
		"a", "nothing", "list", "long", "longest", "nul", "empty", "a", "b", NULL};
	char text[STORE_TEXT_MAX_BYTES + 2];

	begin();
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	redis_do(&redis, "RPUSH", "llmfo:list", "a", NULL);
	redis_do(&redis, "SET", "llmfo:long", text, NULL);
	redis_do(&redis, "SET", "llmfo:longest", text + 1, "PX", "40000", NULL);
	redis_do(&redis, "SETBIT", "llmfo:nul", "31", "0", NULL);
	redis_do(&redis, "SET", "llmfo:empty", "", NULL);
	/* not waited for: what was set before is seen */
	store_stage_ask_set(&stage, "a", "1", 30000, STORE_ALWAYS);
	store_stage_ask_set(&stage, "b", "2", -1, STORE_ALWAYS);
	struct store_stage_items items = store_stage_read(&stage, names);
	static const char *const texts[] = {"1", NULL, NULL, NULL, "x", NULL, "", "1", "2"};
	for (size_t i = 0; i < UTIL_COUNT(texts); i++)
		ck_assert_msg(texts[i] ? items.texts[i] && items.texts[i][0] == texts[i][0]
				       : !items.texts[i],
			"%s", names[i]);
	ck_assert_uint_eq(strlen(items.texts[4]), STORE_TEXT_MAX_BYTES);
	ck_assert(items.ttls_ms[0] > 20000 && items.ttls_ms[0] <= 30000);
	ck_assert(items.ttls_ms[4] > 30000 && items.ttls_ms[4] <= 40000);
	ck_assert_int_eq(items.ttls_ms[6], -1);
	ck_assert_int_eq(items.ttls_ms[8], -1);
	ck_assert_str_eq(stage.store->why, "");
	store_stage_free_items(&items);
	end();
}
END_TEST

START_TEST(as_many_as_may_be_are_read_at_once)
{
	const char *names[STORE_READ_MAX + 1] = {NULL};

	begin();
	for (size_t i = 0; i < STORE_READ_MAX; i++) {
		char *name = x_asprintf("open:%zu", i), *text = x_asprintf("%zu", i);
		names[i] = name;
		if (i % 3)
			store_stage_ask_set(&stage, name, text, -1, STORE_ALWAYS);
		free(text);
	}
	struct store_stage_items items = store_stage_read(&stage, names);
	ck_assert_uint_eq(items.count, STORE_READ_MAX);
	for (size_t i = 0; i < STORE_READ_MAX; i++) {
		ck_assert_pstr_eq(items.texts[i], i % 3 ? strchr(names[i], ':') + 1 : NULL);
		free((char *)(uintptr_t)names[i]);
	}
	ck_assert_uint_eq(stage.results[STORE_DONE], STORE_READ_MAX - (STORE_READ_MAX + 2) / 3);
	store_stage_free_items(&items);
	end();
}
END_TEST

/* ---- what it hears ---- */

START_TEST(news_reach_the_others_behind_what_was_set_and_not_oneself)
{
	static const char *const names[] = {"forced", NULL};
	struct store_stage other;

	begin();
	store_stage_share(&other, &stage, redis.url, "there");
	store_stage_wait_joined(&other, 1);
	store_stage_ask_set(&stage, "forced", "openai", -1, STORE_ALWAYS);
	stage.store->ops->tell(stage.store, "forced changed");
	store_stage_wait_heard(&other, 1);
	ck_assert_str_eq(other.news[0], "forced changed");
	struct store_stage_items items = store_stage_read(&other, names);
	ck_assert_pstr_eq(items.texts[0], "openai");
	store_stage_free_items(&items);
	other.store->ops->tell(other.store, "");
	store_stage_wait_heard(&stage, 1);
	ck_assert_str_eq(stage.news[0], "");
	ck_assert_uint_eq(other.heard, 1);
	store_stage_begin_close(&other);
	end();
	ck_assert(other.closed);
}
END_TEST

START_TEST(what_is_no_news_is_not_handed_on)
{
	char text[STORE_TEXT_MAX_BYTES + 16] = "there ";

	begin();
	memset(text + 6, 'x', STORE_TEXT_MAX_BYTES + 1);
	redis_do(&redis, "PUBLISH", "llmfo:news", "noblank", NULL);
	redis_do(&redis, "PUBLISH", "llmfo:news", "", NULL);
	redis_do(&redis, "PUBLISH", "llmfo:news", "here mine", NULL);
	redis_do(&redis, "PUBLISH", "llmfo:news", text, NULL);
	redis_do(&redis, "PUBLISH", "llmfo:other", "there x", NULL);
	redis_do(&redis, "PUBLISH", "llmfo:news", "hereafter some", NULL);
	redis_do(&redis, "PUBLISH", "llmfo:news", text + 1, NULL);
	store_stage_wait_heard(&stage, 1);
	ck_assert_str_eq(stage.news[0], "some");
	text[6 + STORE_TEXT_MAX_BYTES] = '\0';
	redis_do(&redis, "PUBLISH", "llmfo:news", text, NULL);
	store_stage_wait_heard(&stage, 2);
	ck_assert_uint_eq(strlen(stage.news[1]), STORE_TEXT_MAX_BYTES);
	ck_assert_uint_eq(stage.parted, 0);
	end();
}
END_TEST

/* ---- where it is ---- */

START_TEST(it_is_reached_by_port_and_by_name)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost"};

	redis_use_port(&redis);
	redis_start(&redis);
	char *url = x_asprintf("redis://%s:%d/3", hosts[_i], redis.port);
	store_stage_open(&stage, url, "here");
	store_stage_wait_joined(&stage, 1);
	ck_assert_int_eq(store_stage_set(&stage, "a", "b", -1, STORE_ALWAYS), STORE_DONE);
	ck_assert(redis_answers(&redis, "(nil)", "GET", "llmfo:a", NULL));
	char *space = redis_ask(&redis, "INFO", "keyspace", NULL);
	ck_assert_ptr_nonnull(strstr(space, "db3:keys=1"));
	free(space);
	/* its first address may be one that it does not listen at, which is no outage */
	said(0, 0);
	free(url);
	end();
}
END_TEST

static char *
url_with(const char *user)
{
	return x_asprintf("unix://%s@%s", user, redis.socket);
}

START_TEST(a_password_that_is_right_lets_in)
{
	static const char *const given[] = {":canary", "default:canary", "me:p%40ss"};

	redis.password = "canary";
	redis_start(&redis);
	redis_do(&redis, "ACL", "SETUSER", "me", "on", ">p@ss", "allkeys", "allchannels",
		"+@all", NULL);
	char *url = url_with(given[_i]);
	store_stage_open(&stage, url, "here");
	store_stage_wait_joined(&stage, 1);
	ck_assert_int_eq(store_stage_set(&stage, "a", "b", -1, STORE_ALWAYS), STORE_DONE);
	free(url);
	end();
}
END_TEST

/* ---- its end ---- */

static void
close_here(struct store_stage *which)
{
	which->hook = NULL;
	store_stage_begin_close(which);
}

START_TEST(it_can_be_closed_at_any_moment)
{
	redis_start(&redis);
	store_stage_open(&stage, redis.url, "here");
	if (_i == 0)
		stage.hook = close_here; /* when it joins */
	for (int turn = 0; turn < _i - 1; turn++)
		uv_run(stage.loop, UV_RUN_NOWAIT);
	while (_i == 0 && stage.store)
		uv_run(stage.loop, UV_RUN_ONCE);
	end();
	ck_assert_uint_le(stage.joined, 1);
}
END_TEST

static void
close_at_third(struct store_stage *which)
{
	if (which->done == 3)
		close_here(which);
}

START_TEST(it_can_be_closed_by_an_answer_and_gives_no_further_one)
{
	begin();
	for (int i = 0; i < 10; i++)
		store_stage_ask_set(&stage, "a", "b", -1, STORE_ALWAYS);
	stage.hook = close_at_third;
	if (_i)
		redis_kill(&redis); /* then it is closed while it parts */
	while (stage.store)
		uv_run(stage.loop, UV_RUN_ONCE);
	end();
	ck_assert_uint_eq(stage.done, 3);
	ck_assert_uint_eq(stage.parted, 0);
}
END_TEST

START_TEST(it_can_be_closed_while_it_parts_or_hears)
{
	begin();
	stage.hook = close_here;
	if (_i)
		redis_kill(&redis);
	else
		redis_do(&redis, "PUBLISH", "llmfo:news", "there x", NULL);
	while (stage.store)
		uv_run(stage.loop, UV_RUN_ONCE);
	end();
}
END_TEST

START_TEST(it_can_be_closed_while_it_is_asked_for_a_name)
{
	store_stage_open(&stage, "redis://nowhere.invalid", "here");
	for (int turn = 0; turn < _i; turn++)
		uv_run(stage.loop, UV_RUN_NOWAIT);
	end();
}
END_TEST

static void
ask_again(struct store_stage *which)
{
	if (which->results[STORE_AWAY] < 300)
		store_stage_ask_set(which, "a", "b", -1, STORE_ALWAYS);
}

START_TEST(asking_again_whatever_is_answered_ends_nothing_twice)
{
	begin();
	stage.hook = ask_again;
	store_stage_ask_set(&stage, "a", "b", -1, STORE_ALWAYS);
	store_stage_wait_done(&stage, 100);
	redis_kill(&redis);
	store_stage_wait_parted(&stage, 1);
	while (stage.results[STORE_AWAY] < 300)
		uv_run(stage.loop, UV_RUN_ONCE);
	ck_assert_uint_eq(stage.done, stage.results[STORE_DONE] + stage.results[STORE_AWAY]);
	end();
}
END_TEST

static TCase *
as_it_should_be(void)
{
	TCase *tc = tcase_create("well");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, texts_stand_in_redis_as_a_person_reads_them);
	tcase_add_test(tc, each_run_of_it_has_a_name);
	tcase_add_test(tc, what_is_there_is_taken);
	tcase_add_test(tc, items_come_in_the_order_of_their_names);
	tcase_add_test(tc, as_many_as_may_be_are_read_at_once);
	tcase_add_test(tc, news_reach_the_others_behind_what_was_set_and_not_oneself);
	tcase_add_test(tc, what_is_no_news_is_not_handed_on);
	tcase_add_loop_test(tc, it_is_reached_by_port_and_by_name, 0, 2);
	tcase_add_loop_test(tc, a_password_that_is_right_lets_in, 0, 3);
	return tc;
}

static TCase *
ends(void)
{
	TCase *tc = tcase_create("end");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, it_can_be_closed_at_any_moment, 0, 9);
	tcase_add_loop_test(tc, it_can_be_closed_by_an_answer_and_gives_no_further_one, 0, 2);
	tcase_add_loop_test(tc, it_can_be_closed_while_it_parts_or_hears, 0, 2);
	tcase_add_loop_test(tc, it_can_be_closed_while_it_is_asked_for_a_name, 0, 4);
	tcase_add_test(tc, asking_again_whatever_is_answered_ends_nothing_twice);
	return tc;
}

int
main(void)
{
	if (!redis_is_installed()) {
		puts("no redis-server: skipped");
		return 77;
	}
	Suite *suite = suite_create("store_redis");
	suite_add_tcase(suite, as_it_should_be());
	suite_add_tcase(suite, ends());
	return support_run(suite);
}
