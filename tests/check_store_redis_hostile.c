/* SPDX-License-Identifier: MIT */
/* The store at what says it is a Redis: silence, nonsense, claims, and all of it in the middle. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "redis_link.h"
#include "support/config_support.h"
#include "support/fake_redis.h"
#include "support/store_stage.h"

static struct store_stage stage;
static struct fake_redis fake;
/* A store at the fake, on the fake's loop. */
static struct store_stage at;

static void
begin(const struct fake_redis_script *script)
{
	store_stage_open_loop(&stage);
	fake_redis_open(&fake, stage.loop);
	fake.script = script;
	char *url = x_asprintf("redis://:canary@127.0.0.1:%d", fake.port);
	store_stage_share(&at, &stage, url, "here");
	free(url);
}

static void
end(void)
{
	ck_assert_ptr_null(strstr(store_stage_log.lines, "canary"));
	ck_assert_ptr_null(strstr(at.store->why, "canary"));
	if (at.store)
		store_stage_begin_close(&at);
	fake_redis_close(&fake);
	while (!at.closed || fake.open)
		uv_run(stage.loop, UV_RUN_ONCE);
	stage.closed = true;
	store_stage_close(&stage);
}

static const struct start_row {
	struct fake_redis_script script;
	const char *why;
} starts[] = {
	/* closed by it, or broken, as the kernel sees it */
	{{.accept = "", .close = true}, "the connection"},
	{{.accept = "HTTP/1.1 400 Bad Request\r\n\r\n"},
		"Redis talks nonsense: it sends what is no RESP"},
	{{.accept = "\x15\x03\x01"}, "Redis talks nonsense: it sends what is no RESP"},
	{{.accept = "*4294967295\r\n"}, "Redis talks nonsense: it sends a list of too many items"},
	{{.accept = "*1000\r\n*1000\r\n*1000\r\n"},
		"Redis talks nonsense: it sends a list of too many items"},
	{{.accept = "$4294967295\r\n"}, "Redis talks nonsense: it sends a text that is too long"},
	{{.accept = "-ERR max number of clients reached\r\n", .close = true}, "maxclients"},
	{{.accept = "-DENIED Redis is running in protected mode\r\n", .close = true},
		"protected mode"},
	{{.auth = "", .ping = "", .subscribe = ""}, "takes the connection, but says nothing"},
	{{.ping = ""}, "takes the connection, but says nothing"},
	{{.subscribe = "*3\r\n$9\r\nsubscribe\r\n"}, "takes the connection, but says nothing"},
	{{.ping = "-LOADING Redis is loading the dataset in memory\r\n"}, "still loading"},
	{{.ping = ":1\r\n"}, "what answers is no Redis"},
	{{.subscribe = "+OK\r\n"}, "what answers is no Redis"},
	{{.auth = "$2\r\nOK\r\n"}, "what answers is no Redis"},
	{{.auth = "-ERR unknown command 'AUTH', with args beginning with: 'canary'\r\n"},
		"Redis says: ERR"},
	{{.ping = "-ERR \x1b[2J canary\r\n"}, "Redis says: ERR"},
};

START_TEST(what_does_not_greet_as_a_redis_is_never_joined)
{
	begin(&starts[_i].script);
	store_stage_wait_why(&at, starts[_i].why);
	/* it is tried again, and let in once it behaves */
	static const struct fake_redis_script well = {.accept = NULL};
	ck_assert_uint_eq(at.joined, 0);
	fake.script = &well;
	store_stage_wait_joined(&at, 1);
	ck_assert_int_eq(store_stage_set(&at, "a", "b", -1, STORE_ALWAYS), STORE_DONE);
	end();
}
END_TEST

START_TEST(each_wait_is_longer_than_the_one_before)
{
	begin(&starts[0].script);
	while (fake.connections < 10)
		uv_run(stage.loop, UV_RUN_ONCE);
	/* 50 to 100 ms, 100 to 200, 200 to 400, 400 to 800; two connections each time */
	for (int i = 0; i < 4; i++)
		ck_assert_int_ge(
			fake.came_ms[2 * i + 2] - fake.came_ms[2 * i + 1] + 5, 50 << i);
	end();
}
END_TEST

static const struct answer_row {
	struct fake_redis_script script;
	enum store_result set;
	bool parts;
	const char *why;
} answers[] = {
	{{.set = "+OK\r\n"}, STORE_DONE, false, ""},
	{{.set = "+OK\r\n", .drip = true}, STORE_DONE, false, ""},
	{{.set = "$-1\r\n"}, STORE_TAKEN, false, ""},
	{{.set = "-ERR canary\x1b[2J\r\n"}, STORE_REFUSED, false, "Redis says: ERR"},
	{{.set = "-LOADING x\r\n"}, STORE_AWAY, true, "still loading"},
	{{.set = "-NOAUTH x\r\n"}, STORE_AWAY, true, "asks for a password"},
	{{.set = ""}, STORE_AWAY, true, "Redis does not answer within 1 s"},
	{{.set = "$100\r\nhalf"}, STORE_AWAY, true, "Redis does not answer within 1 s"},
	{{.set = "*3\r\n:1\r\n", .close_told = true}, STORE_AWAY, true,
		"Redis closed the connection"},
	{{.set = "", .close_told = true}, STORE_AWAY, true, "Redis closed the connection"},
	{{.set = "*4000000000\r\n"}, STORE_AWAY, true, "a list of too many items"},
	{{.set = "$-2\r\n"}, STORE_AWAY, true, "a length below nothing"},
	{{.set = "\xff\xfe"}, STORE_AWAY, true, "what is no RESP"},
	{{.set = "+OK\r\n+OK\r\n"}, STORE_DONE, true, "Redis answers what nobody asked"},
};

START_TEST(each_answer_ends_what_was_asked_and_nonsense_the_connection)
{
	const struct answer_row *row = &answers[_i];

	begin(&row->script);
	store_stage_wait_joined(&at, 1);
	ck_assert_int_eq(store_stage_set(&at, "a", "b", -1, STORE_ALWAYS), row->set);
	if (row->parts)
		store_stage_wait_parted(&at, 1);
	ck_assert_uint_eq(at.parted, row->parts);
	ck_assert_msg(strstr(at.store->why, row->why) != NULL, "%s", at.store->why);
	if (row->parts)
		store_stage_wait_joined(&at, 2);
	end();
}
END_TEST

static const struct item_row {
	const char *get, *ttl, *text;
	int64_t ttl_ms;
} items[] = {
	{"$3\r\nabc\r\n", ":5\r\n", "abc", 5},
	{"$3\r\nabc\r\n", ":-1\r\n", "abc", -1},
	{"$3\r\nabc\r\n", ":-2\r\n", NULL, 0},
	{"$3\r\nabc\r\n", ":-9223372036854775807\r\n", NULL, 0},
	{"$3\r\nabc\r\n", "$1\r\n5\r\n", NULL, 0},
	{"$3\r\nabc\r\n", "$-1\r\n", NULL, 0},
	{"$-1\r\n", ":5\r\n", NULL, 0},
	{"+abc\r\n", ":5\r\n", NULL, 0},
	{":7\r\n", ":5\r\n", NULL, 0},
	{"*2\r\n$1\r\na\r\n*0\r\n", ":5\r\n", NULL, 0},
	{"-WRONGTYPE x\r\n", ":5\r\n", NULL, 0},
};

START_TEST(an_item_that_makes_no_sense_is_absent)
{
	struct fake_redis_script script = {.get = items[_i].get, .ttl = items[_i].ttl};
	static const char *const names[] = {"a", "b", NULL};

	begin(&script);
	store_stage_wait_joined(&at, 1);
	struct store_stage_items got = store_stage_read(&at, names);
	ck_assert_int_eq(got.result, STORE_DONE);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_pstr_eq(got.texts[i], items[_i].text);
		if (got.texts[i])
			ck_assert_int_eq(got.ttls_ms[i], items[_i].ttl_ms);
	}
	store_stage_free_items(&got);
	end();
}
END_TEST

START_TEST(a_read_that_breaks_off_gives_nothing)
{
	struct fake_redis_script script = {.ttl = "", .close_told = _i};
	static const char *const names[] = {"a", "b", NULL};

	begin(&script);
	store_stage_wait_joined(&at, 1);
	struct store_stage_items got = store_stage_read(&at, names);
	ck_assert_int_eq(got.result, STORE_AWAY);
	end();
}
END_TEST

START_TEST(a_server_that_is_asked_too_much_at_once_is_left)
{
	struct fake_redis_script script = {.set = "", .get = "", .ttl = ""};
	static const char *const names[] = {"a", "b", NULL};

	begin(&script);
	store_stage_wait_joined(&at, 1);
	for (int i = 0; i < REDIS_LINK_WAITING_MAX - 1; i++)
		store_stage_ask_set(&at, "a", "b", -1, STORE_ALWAYS);
	/* of its four commands one still fits */
	struct store_stage_items got = store_stage_read(&at, names);
	ck_assert_int_eq(got.result, STORE_AWAY);
	for (int i = 0; i < 100; i++)
		store_stage_ask_set(&at, "a", "b", -1, STORE_ALWAYS);
	store_stage_wait_done(&at, REDIS_LINK_WAITING_MAX - 1 + 100);
	ck_assert_uint_eq(at.parted, 1);
	ck_assert_uint_eq(at.results[STORE_AWAY], REDIS_LINK_WAITING_MAX - 1 + 100);
	store_stage_wait_joined(&at, 2);
	end();
}
END_TEST

static const struct news_row {
	const char *bytes;
	const char *heard; /* NULL: nothing, and it parts */
} news[] = {
	{"*3\r\n$7\r\nmessage\r\n$10\r\nllmfo:news\r\n$7\r\nthere a\r\n", "a"},
	{"*3\r\n$7\r\nMESSAGE\r\n$10\r\nllmfo:news\r\n$7\r\nthere a\r\n", "a"},
	{"*3\r\n$7\r\nmessage\r\n$10\r\nllmfo:news\r\n:1\r\n", NULL},
	{"*2\r\n$7\r\nmessage\r\n$10\r\nllmfo:news\r\n", NULL},
	{"*3\r\n*0\r\n*0\r\n*0\r\n", NULL},
	{"*0\r\n", NULL},
	{"-ERR gone\r\n", NULL},
};

START_TEST(only_messages_are_news)
{
	begin(&(struct fake_redis_script){.accept = NULL});
	store_stage_wait_joined(&at, 1);
	/* the connection for commands is told as well, and parts at whatever it did not ask */
	fake_redis_say(&fake, news[_i].bytes);
	store_stage_wait_parted(&at, 1);
	if (news[_i].heard)
		ck_assert(at.heard == 0 || strcmp(at.news[0], news[_i].heard) == 0);
	else
		ck_assert_uint_eq(at.heard, 0);
	store_stage_wait_joined(&at, 2);
	end();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_redis_hostile");
	TCase *tc = tcase_create("hostile");

	tcase_add_loop_test(
		tc, what_does_not_greet_as_a_redis_is_never_joined, 0, UTIL_COUNT(starts));
	tcase_add_test(tc, each_wait_is_longer_than_the_one_before);
	tcase_add_loop_test(tc, each_answer_ends_what_was_asked_and_nonsense_the_connection, 0,
		UTIL_COUNT(answers));
	tcase_add_loop_test(tc, an_item_that_makes_no_sense_is_absent, 0, UTIL_COUNT(items));
	tcase_add_loop_test(tc, a_read_that_breaks_off_gives_nothing, 0, 2);
	tcase_add_test(tc, a_server_that_is_asked_too_much_at_once_is_left);
	tcase_add_loop_test(tc, only_messages_are_news, 0, UTIL_COUNT(news));
	suite_add_tcase(suite, tc);
	return support_run(suite);
}
