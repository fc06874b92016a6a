/* SPDX-License-Identifier: MIT */
/*
 * The store when its redis-server is away in any of the ways a server can be, or refuses. Skipped
 * where there is none.
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

/* ---- when it is away ---- */

START_TEST(one_that_is_not_there_is_joined_when_it_comes)
{
	store_stage_open(&stage, redis.url, "here");
	ck_assert_str_eq(stage.store->why, "not connected yet");
	store_stage_wait_why(&stage, "it cannot be reached: ");
	ck_assert_int_eq(store_stage_set(&stage, "a", "b", -1, STORE_ALWAYS), STORE_AWAY);
	ck_assert_int_eq(store_stage_remove(&stage, "a"), STORE_AWAY);
	struct store_stage_items items = store_stage_read(&stage, (const char *[]){"a", NULL});
	ck_assert_int_eq(items.result, STORE_AWAY);
	stage.store->ops->tell(stage.store, "lost");
	redis_start(&redis);
	store_stage_wait_joined(&stage, 1);
	ck_assert_uint_eq(stage.parted, 0);
	ck_assert_int_eq(store_stage_set(&stage, "a", "b", -1, STORE_ALWAYS), STORE_DONE);
	said(1, 1);
	ck_assert_ptr_nonnull(strstr(store_stage_log.lines, " is away: it cannot be reached"));
	ck_assert_ptr_nonnull(strstr(store_stage_log.lines, " is back"));
	end();
}
END_TEST

START_TEST(what_was_under_way_when_it_died_ends_as_away)
{
	begin();
	int64_t joined_ms = stage.store->since_ms;
	redis_freeze(&redis);
	for (int i = 0; i < 100; i++)
		store_stage_ask_set(&stage, "a", "b", -1, STORE_ALWAYS);
	redis_kill(&redis);
	store_stage_wait_parted(&stage, 1);
	ck_assert_uint_eq(stage.results[STORE_AWAY], 100);
	ck_assert_int_ge(stage.store->since_ms, joined_ms);
	redis_start(&redis);
	store_stage_wait_joined(&stage, 2);
	ck_assert_int_eq(store_stage_set(&stage, "a", "c", -1, STORE_ALWAYS), STORE_DONE);
	said(1, 1);
	end();
}
END_TEST

START_TEST(one_that_stands_still_is_noticed_and_joined_again_when_it_goes_on)
{
	begin();
	if (_i)
		redis_freeze(&redis);
	else
		redis_do(&redis, "CLIENT", "PAUSE", "6000", "ALL", NULL);
	if (_i == 1)
		store_stage_ask_set(&stage, "a", "b", -1, STORE_ALWAYS);
	store_stage_wait_parted(&stage, 1);
	ck_assert_str_eq(stage.store->why, "Redis does not answer within 1 s");
	ck_assert_uint_eq(stage.results[STORE_AWAY], _i == 1);
	if (_i) {
		/* while it still stands, it lets nobody in */
		store_stage_wait_why(&stage, "takes the connection, but says nothing");
		redis_thaw(&redis);
	}
	store_stage_wait_joined(&stage, 2);
	ck_assert_int_eq(store_stage_set(&stage, "a", "b", -1, STORE_ALWAYS), STORE_DONE);
	end();
}
END_TEST

START_TEST(a_loop_that_was_held_up_looks_at_its_sockets_before_it_gives_up)
{
	begin();
	store_stage_ask_set(&stage, "a", "b", -1, STORE_ALWAYS);
	/* the answer comes while nobody looks, and longer ago than one may take */
	redis_do(&redis, "BLPOP", "nothing", "2", NULL);
	store_stage_wait_done(&stage, 1);
	ck_assert_uint_eq(stage.results[STORE_DONE], 1);
	ck_assert_uint_eq(stage.parted, 0);
	end();
}
END_TEST

START_TEST(both_connections_go_when_one_does)
{
	begin();
	redis_do(&redis, "CLIENT", "KILL", "TYPE", _i ? "pubsub" : "normal", NULL);
	store_stage_wait_parted(&stage, 1);
	ck_assert_str_eq(stage.store->why, "Redis closed the connection");
	store_stage_wait_joined(&stage, 2);
	ck_assert(redis_answers(&redis, "llmfo:news\n1", "PUBSUB", "NUMSUB", "llmfo:news", NULL));
	end();
}
END_TEST

START_TEST(one_that_comes_and_goes_does_not_fill_the_log)
{
	begin();
	for (unsigned i = 1; i <= 4; i++) {
		redis_do(&redis, "CLIENT", "KILL", "TYPE", "pubsub", NULL);
		store_stage_wait_parted(&stage, i);
		store_stage_wait_joined(&stage, i + 1);
	}
	said(1, 1);
	end();
}
END_TEST

START_TEST(an_address_that_leads_nowhere_is_told)
{
	store_stage_open(&stage, "redis://255.255.255.255:6379", "here");
	ck_assert_str_eq(stage.store->why, "not connected yet");
	store_stage_wait_why(&stage, "it cannot be reached: ");
	said(1, 0);
	end();
}
END_TEST

START_TEST(a_name_without_an_address_is_told)
{
	store_stage_open(&stage, "redis://nowhere.invalid", "here");
	store_stage_wait_why(&stage, "its name cannot be resolved: ");
	said(1, 0);
	end();
}
END_TEST

/* ---- when it does not let in ---- */

static char *
url_with(const char *user)
{
	return x_asprintf("unix://%s@%s", user, redis.socket);
}

static const struct {
	const char *required, *given, *why;
} passwords[] = {
	{NULL, ":canary", "Redis asks for no password, but one is configured"},
	{"canary", "", "Redis asks for a password (redis.url or redis.password)"},
	{"canary", ":canary2", "Redis does not take this user and password"},
	{"canary", "me:canary", "Redis does not take this user and password"},
	{"canary", "me", "Redis does not take this user and password"},
};

START_TEST(a_password_that_is_wrong_is_told_and_never_shown)
{
	redis.password = passwords[_i].required;
	redis_start(&redis);
	char *url = url_with(passwords[_i].given);
	store_stage_open(&stage, url, "here");
	store_stage_wait_why(&stage, passwords[_i].why);
	ck_assert_uint_eq(stage.joined, 0);
	ck_assert_ptr_null(strstr(stage.store->where, "canary"));
	ck_assert_ptr_null(strstr(store_stage_log.lines, "canary"));
	free(url);
	end();
}
END_TEST

START_TEST(a_database_that_is_none_is_told)
{
	redis_start(&redis);
	char *url = x_asprintf("%s?db=99", redis.url);
	store_stage_open(&stage, url, "here");
	store_stage_wait_why(&stage, "Redis has no database of that number");
	free(url);
	end();
}
END_TEST

START_TEST(one_that_is_full_of_clients_is_told)
{
	redis.options = (const char *const[]){"--maxclients", "1", NULL};
	redis_start(&redis);
	store_stage_open(&stage, redis.url, "here");
	store_stage_wait_why(&stage, "maxclients");
	ck_assert_uint_eq(stage.joined, 0);
	end();
}
END_TEST

/* ---- when it refuses ---- */

START_TEST(one_that_is_full_refuses_texts_and_still_removes)
{
	static const char *const names[] = {"a", NULL};

	begin();
	ck_assert_int_eq(store_stage_set(&stage, "a", "b", -1, STORE_ALWAYS), STORE_DONE);
	redis_do(&redis, "CONFIG", "SET", "maxmemory", "1", NULL);
	ck_assert_int_eq(store_stage_set(&stage, "a", "c", -1, STORE_ALWAYS), STORE_REFUSED);
	ck_assert_str_eq(stage.store->why, "Redis has no memory left (its maxmemory)");
	struct store_stage_items items = store_stage_read(&stage, names);
	ck_assert_pstr_eq(items.texts[0], "b");
	store_stage_free_items(&items);
	ck_assert_int_eq(store_stage_remove(&stage, "a"), STORE_DONE);
	ck_assert_str_ne(stage.store->why, "");
	redis_do(&redis, "CONFIG", "SET", "maxmemory", "0", NULL);
	ck_assert_int_eq(store_stage_set(&stage, "a", "c", -1, STORE_ALWAYS), STORE_DONE);
	ck_assert_str_eq(stage.store->why, "");
	ck_assert_uint_eq(stage.parted, 0);
	said(1, 0);
	end();
}
END_TEST

START_TEST(a_replica_refuses_all_but_reading)
{
	static const char *const names[] = {"a", NULL};

	begin();
	ck_assert_int_eq(store_stage_set(&stage, "a", "b", -1, STORE_ALWAYS), STORE_DONE);
	redis_do(&redis, "REPLICAOF", "127.0.0.1", "1", NULL);
	ck_assert_int_eq(store_stage_set(&stage, "a", "c", 1000, STORE_IF_ABSENT), STORE_REFUSED);
	ck_assert_ptr_nonnull(strstr(stage.store->why, "a replica"));
	ck_assert_int_eq(store_stage_remove(&stage, "a"), STORE_REFUSED);
	struct store_stage_items items = store_stage_read(&stage, names);
	ck_assert_pstr_eq(items.texts[0], "b");
	store_stage_free_items(&items);
	redis_do(&redis, "REPLICAOF", "NO", "ONE", NULL);
	ck_assert_int_eq(store_stage_remove(&stage, "a"), STORE_DONE);
	ck_assert_str_eq(stage.store->why, "");
	end();
}
END_TEST

START_TEST(one_that_permits_less_says_what_it_needs)
{
	static const char *const names[] = {"a", NULL};

	redis_start(&redis);
	redis_do(&redis, "ACL", "SETUSER", "me", "on", ">pw", "~llmfo:*", "&llmfo:news", "+ping",
		"+subscribe", "+set", NULL);
	char *url = url_with("me:pw");
	store_stage_open(&stage, url, "here");
	store_stage_wait_joined(&stage, 1);
	ck_assert_int_eq(store_stage_set(&stage, "a", "b", -1, STORE_ALWAYS), STORE_DONE);
	struct store_stage_items items = store_stage_read(&stage, names);
	ck_assert_int_eq(items.result, STORE_REFUSED);
	ck_assert_ptr_nonnull(strstr(stage.store->why, "(NOPERM): it needs GETRANGE, PTTL"));
	/* what the manual asks for is enough */
	redis_do(&redis, "ACL", "SETUSER", "me", "+getrange", "+pttl", "+del", "+publish", NULL);
	items = store_stage_read(&stage, names);
	ck_assert_int_eq(items.result, STORE_DONE);
	store_stage_free_items(&items);
	ck_assert_int_eq(store_stage_remove(&stage, "a"), STORE_DONE);
	stage.store->ops->tell(stage.store, "x");
	ck_assert_int_eq(store_stage_remove(&stage, "a"), STORE_DONE);
	ck_assert_str_eq(stage.store->why, "");
	free(url);
	end();
}
END_TEST

static TCase *
away(void)
{
	TCase *tc = tcase_create("away");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, one_that_is_not_there_is_joined_when_it_comes);
	tcase_add_test(tc, what_was_under_way_when_it_died_ends_as_away);
	tcase_add_loop_test(
		tc, one_that_stands_still_is_noticed_and_joined_again_when_it_goes_on, 0, 3);
	tcase_add_test(tc, a_loop_that_was_held_up_looks_at_its_sockets_before_it_gives_up);
	tcase_add_loop_test(tc, both_connections_go_when_one_does, 0, 2);
	tcase_add_test(tc, one_that_comes_and_goes_does_not_fill_the_log);
	tcase_add_test(tc, an_address_that_leads_nowhere_is_told);
	tcase_add_test(tc, a_name_without_an_address_is_told);
	tcase_add_loop_test(tc, a_password_that_is_wrong_is_told_and_never_shown, 0,
		UTIL_COUNT(passwords));
	tcase_add_test(tc, a_database_that_is_none_is_told);
	tcase_add_test(tc, one_that_is_full_of_clients_is_told);
	tcase_add_test(tc, one_that_is_full_refuses_texts_and_still_removes);
	tcase_add_test(tc, a_replica_refuses_all_but_reading);
	tcase_add_test(tc, one_that_permits_less_says_what_it_needs);
	return tc;
}

int
main(void)
{
	if (!redis_is_installed()) {
		puts("no redis-server: skipped");
		return 77;
	}
	Suite *suite = suite_create("store_redis_away");
	suite_add_tcase(suite, away());
	return support_run(suite);
}
