/* SPDX-License-Identifier: MIT */
/*
 * Three real daemons that share one real Redis, with calls on each of them: what one learns or is
 * told, all know; whatever becomes of Redis, calls go on as quickly as before.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/redis.h"
#include "util.h"

#define HOSTS 3
#define HEALTH "health: {failure_threshold: 1, check_interval: 0s}\n"
#define HEALTH_SHORT \
	"health: {failure_threshold: 1, check_interval: 0s, cooldown: 2s, cooldown_max: 2s}\n" \
	"features: {preferred: false}\n"
#define SOON_MS 1000
/* Calls of one measurement, and how long Redis stands still. */
#define CALLS 300
#define ASKED_MAX 400
#define FROZEN_MS 3000
#define FROZEN_LONG_MS 30000
#define AGREE_MS 5000

static struct redis redis;
static struct fake_provider *fp;
static struct daemon hosts[HOSTS];
static struct wire listeners[HOSTS]; /* to what each host tells */

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
listen_to(size_t host)
{
	wire_open(&listeners[host], hosts[host].socket);
	wire_request(&listeners[host], 1, "subscribe", "[{}]");
	wire_expect_only(&listeners[host], 1, NULL);
}

static bool
is_connected(size_t host)
{
	struct json *status = daemon_view(&hosts[host], "status");
	bool connected = json_bool(tree_get(status, "store.connected"), false);

	json_free(status);
	return connected;
}

static void
wait_connected(bool connected)
{
	for (size_t i = 0; i < HOSTS; i++) {
		int64_t end_us = now_us() + 20000000;

		while (is_connected(i) != connected)
			ck_assert_msg(now_us() < end_us, "host %zu does not notice", i);
	}
}

static void
configure(size_t host, const char *more)
{
	daemon_configure(&hosts[host],
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m], max_retries: 0}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: k, models: [m], max_retries: 0}\n"
		"chains: {default: {targets: [a/m, b/m]}, alone: {targets: [b/m]}}\n"
		"redis: {url: '%s'}\n"
		"%s",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"), redis.url, more);
}

static void
begin(const char *more)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "b=openai", NULL};

	redis_init(&redis);
	redis_start(&redis);
	fp = fake_provider_start(options);
	for (size_t i = 0; i < HOSTS; i++) {
		daemon_init(&hosts[i]);
		configure(i, more);
		daemon_start(&hosts[i]);
		listen_to(i);
	}
	wait_connected(true);
}

static void
end(void)
{
	for (size_t i = 0; i < HOSTS; i++) {
		wire_close(&listeners[i]);
		daemon_stop(&hosts[i]);
	}
	fake_provider_stop(fp);
	redis_stop(&redis);
}

/* Waits until a host tells of an event of that type with these words in it. */
static void
hear(size_t host, const char *type, const char *key, const char *word)
{
	for (;;) {
		struct wire_reply reply = wire_read(&listeners[host]);
		ck_assert_msg(reply.event != NULL, "host %zu tells nothing of %s", host, word);
		bool found = strcmp(tree_text(reply.event, "type"), type) == 0 &&
			strcmp(tree_text(reply.event, key), word) == 0;

		wire_reply_free(&reply);
		if (found)
			return;
	}
}

/* The same of two, in whatever order they come. */
static void
hear_both(size_t host, const char *provider, const char *state)
{
	bool forced = false, opened = false;

	while (!forced || !opened) {
		struct wire_reply reply = wire_read(&listeners[host]);
		ck_assert_msg(reply.event != NULL, "host %zu tells nothing more", host);
		const char *type = tree_text(reply.event, "type");

		forced |= strcmp(type, "forced") == 0 &&
			strcmp(tree_text(reply.event, "provider"), provider) == 0;
		opened |= strcmp(type, "circuit") == 0 &&
			strcmp(tree_text(reply.event, "state"), state) == 0;
		wire_reply_free(&reply);
	}
}

static void
all_hear(const char *type, const char *key, const char *word)
{
	for (size_t i = 0; i < HOSTS; i++)
		hear(i, type, key, word);
}

/* Within a second of what is done right before. */
static void
all_hear_soon(const char *type, const char *key, const char *word)
{
	int64_t start_us = now_us();

	all_hear(type, key, word);
	int64_t took_ms = (now_us() - start_us) / 1000;
	if (!daemon_is_sanitized())
		ck_assert_msg(took_ms <= SOON_MS, "all heard of %s after %lld ms", word,
			(long long)took_ms);
}

/* A call on a host; who answered, and how long it took. */
static int64_t
call(size_t host, const char *chain, const char *by)
{
	char *params = x_asprintf("[{\"prompt\":\"hello\",\"chain\":\"%s\"}]", chain);
	struct wire wire;

	wire_open(&wire, hosts[host].socket);
	int64_t start_us = now_us();
	wire_request(&wire, 1, "generate", params);
	struct wire_reply reply = wire_expect(&wire, 1, NULL);
	int64_t took_us = now_us() - start_us;
	if (by)
		ck_assert_msg(strcmp(tree_text(reply.result, "provider_used"), by) == 0,
			"host %zu: %s, not %s", host, tree_text(reply.result, "provider_used"), by);
	wire_reply_free(&reply);
	wire_close(&wire);
	free(params);
	return took_us;
}

static void
open_a_on(size_t host)
{
	fake_provider_script(fp, "a", "503; ok");
	(void)call(host, "default", "b");
}

static void
assert_state(const char *name, const char *state)
{
	char *path = x_asprintf("targets.%s.state", name);

	for (size_t i = 0; i < HOSTS; i++) {
		struct json *status = daemon_view(&hosts[i], "status");

		ck_assert_str_eq(tree_text(status, path), state);
		json_free(status);
	}
	free(path);
}

START_TEST(a_circuit_opened_on_one_is_open_on_all_within_a_second)
{
	begin(HEALTH);
	open_a_on(0);
	all_hear_soon("circuit", "state", "open");
	assert_state("a/m", "open");
	int64_t asked = fake_provider_stats(fp, "a").requests;
	for (size_t i = 0; i < HOSTS; i++)
		(void)call(i, "default", "b");
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, asked);
	ck_assert(redis_answers(&redis, "b/m", "GET", "llmfo:preferred:default", NULL));
	char *text = redis_ask(&redis, "GET", "llmfo:open:a/m", NULL);
	ck_assert_ptr_nonnull(strstr(text, "\"class\":\"unavailable\""));
	free(text);
	daemon_ctl_ends(&hosts[2], 0, "reset-health", "a", NULL);
	all_hear_soon("circuit", "state", "closed");
	assert_state("a/m", "closed");
	end();
}
END_TEST

START_TEST(forced_on_one_is_forced_on_all_and_so_is_a_cleared_cache)
{
	begin("");
	daemon_ctl_ends(&hosts[0], 0, "force-provider", "b", "--for", "1h", NULL);
	all_hear_soon("forced", "provider", "b");
	for (size_t i = 0; i < HOSTS; i++)
		(void)call(i, "default", "b");
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, 0);
	daemon_ctl_ends(&hosts[1], 0, "force-provider", "--clear", NULL);
	all_hear_soon("forced", "provider", "");
	(void)call(2, "default", "a");

	fake_provider_script(fp, "a", "503; ok");
	(void)call(0, "default", "b");
	all_hear_soon("preferred", "target", "b/m");
	for (size_t i = 0; i < HOSTS; i++)
		(void)call(i, "default", "b");
	daemon_ctl_ends(&hosts[2], 0, "clear-cache", NULL);
	all_hear_soon("preferred", "target", "");
	for (size_t i = 0; i < HOSTS; i++)
		(void)call(i, "default", "a");
	end();
}
END_TEST

START_TEST(one_probe_in_all_when_it_half_opens)
{
	begin(HEALTH_SHORT);
	/* a failure, then a probe that takes as long as the test likes */
	fake_provider_script(fp, "a", "503; hold; ok");
	(void)call(0, "default", "b");
	all_hear_soon("circuit", "state", "open");
	all_hear("circuit", "state", "half_open");
	/* calls on every host, until one of them is the probe, and is held */
	struct wire calls[ASKED_MAX];
	size_t asked = 0;
	while (fake_provider_stats(fp, "a").held == 0) {
		ck_assert_uint_lt(asked, ASKED_MAX);
		wire_open(&calls[asked], hosts[asked % HOSTS].socket);
		wire_request(&calls[asked++], 1, "generate", "[{\"prompt\":\"hello\"}]");
	}
	for (int i = 0; i < 10; i++)
		for (size_t host = 0; host < HOSTS; host++)
			(void)call(host, "default", "b");
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, 2);
	ck_assert_int_eq(fake_provider_release(fp, "a"), 1);
	for (size_t i = 0; i < asked; i++) {
		wire_expect_only(&calls[i], 1, NULL);
		wire_close(&calls[i]);
	}
	all_hear_soon("circuit", "state", "closed");
	for (size_t host = 0; host < HOSTS; host++)
		(void)call(host, "default", "a");
	end();
}
END_TEST

/* ---- whatever becomes of Redis ---- */

static int
by_size(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

struct times {
	int64_t p50_us, p99_us, most_us;
	size_t count;
};

/* Calls on all hosts in turn, at least `calls` and for at least so long. */
static struct times
measure(const char *what, size_t calls, int64_t for_ms)
{
	int64_t end_us = now_us() + for_ms * 1000;
	int64_t *times = NULL;
	size_t count = 0;

	while (count < calls || now_us() < end_us) {
		times = x_realloc(times, (count + 1) * sizeof *times);
		times[count] = call(count % HOSTS, "default", NULL);
		count++;
	}
	qsort(times, count, sizeof *times, by_size);
	struct times all = {
		times[count / 2], times[count * 99 / 100], times[count - 1], count};
	free(times);
	printf("%s: %zu calls, p50 %lld us, p99 %lld us, most %lld us\n", what, all.count,
		(long long)all.p50_us, (long long)all.p99_us, (long long)all.most_us);
	return all;
}

/* A call that waited for Redis would take the second until it is given up, if not all the time that
 * it stands still. */
static void
assert_waits_for_nothing(struct times times)
{
	ck_assert_msg(times.most_us < SOON_MS * 1000, "a call took %lld us",
		(long long)times.most_us);
}

START_TEST(while_redis_stands_still_calls_are_as_quick_as_before_and_then_all_agree)
{
	int64_t frozen_ms = getenv("LLMFO_LONG") ? FROZEN_LONG_MS : FROZEN_MS;

	begin(HEALTH);
	(void)measure("Redis is there", CALLS, frozen_ms);
	redis_freeze(&redis);
	assert_waits_for_nothing(measure("Redis stands still", CALLS, frozen_ms));
	wait_connected(false);
	/* each learns something for itself */
	open_a_on(0);
	daemon_ctl_ends(&hosts[1], 0, "force-provider", "b", NULL);
	hear(0, "circuit", "state", "open");
	hear(1, "forced", "provider", "b");
	assert_waits_for_nothing(measure("and is given up", CALLS, 0));
	redis_thaw(&redis);
	int64_t start_us = now_us();
	hear(0, "forced", "provider", "b");
	hear(1, "circuit", "state", "open");
	hear_both(2, "b", "open");
	int64_t took_ms = (now_us() - start_us) / 1000;
	printf("all agree %lld ms after its return\n", (long long)took_ms);
	if (!daemon_is_sanitized())
		ck_assert_int_le(took_ms, AGREE_MS);
	wait_connected(true);
	for (size_t i = 0; i < HOSTS; i++)
		(void)call(i, "default", "b");
	end();
}
END_TEST

/* Does a text in Redis hold that part? */
static bool
stands(const char *name, const char *part)
{
	char *text = redis_ask(&redis, "GET", name, NULL);
	bool found = strstr(text, part) != NULL;

	free(text);
	return found;
}

START_TEST(redis_is_killed_and_begins_empty_and_nobody_forgets)
{
	begin(HEALTH);
	open_a_on(0);
	all_hear("circuit", "state", "open");
	daemon_ctl_ends(&hosts[2], 0, "force-provider", "b", NULL);
	all_hear("forced", "provider", "b");
	redis_kill(&redis);
	assert_waits_for_nothing(measure("Redis is gone", CALLS, 0));
	wait_connected(false);
	redis_start(&redis);
	wait_connected(true);
	assert_state("a/m", "open");
	int64_t end_us = now_us() + 20000000;
	while (!stands("llmfo:open:a/m", "unavailable") ||
		!stands("llmfo:forced", "\"provider\":\"b\""))
		ck_assert_msg(now_us() < end_us, "Redis is told nothing");
	assert_state("a/m", "open");
	for (size_t i = 0; i < HOSTS; i++)
		(void)call(i, "default", "b");
	end();
}
END_TEST

START_TEST(what_others_write_into_redis_takes_out_no_last_target)
{
	begin("");
	redis_do(&redis, "SET", "llmfo:open:b", "auth", NULL);
	redis_do(&redis, "SET", "llmfo:open:b/m", "{\"class\":\"auth\",\"for_ms\":1e300}", NULL);
	redis_do(&redis, "SET", "llmfo:open:a/m", "nonsense", NULL);
	redis_do(&redis, "LPUSH", "llmfo:open:a", "a list", NULL);
	redis_do(&redis, "SET", "llmfo:preferred:default", "mallory/m", NULL);
	redis_do(&redis, "SET", "llmfo:forced", "{\"provider\":\"mallory\",\"strict\":true}", NULL);
	for (int i = 0; i < 4; i++)
		redis_do(&redis, "PUBLISH", "llmfo:news",
			i == 0       ? "mallory changed open:b"
				: i == 1 ? "mallory changed open:b/m"
				: i == 2 ? "mallory changed forced"
					 : "\001\002 \377",
			NULL);
	all_hear("circuit", "state", "open");
	for (size_t i = 0; i < HOSTS; i++) {
		(void)call(i, "default", "a");
		(void)call(i, "alone", "b");
	}
	end();
}
END_TEST

START_TEST(a_daemon_that_joins_late_or_changes_its_redis_by_reload_knows_it_all)
{
	begin(HEALTH);
	open_a_on(0);
	all_hear("circuit", "state", "open");
	/* host 2 goes to a place of its own, and comes back */
	wire_close(&listeners[2]);
	configure(2, HEALTH);
	char *text = x_asprintf("providers:\n"
				"  b: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
				"redis: {url: '%s', prefix: 'elsewhere:'}\n",
		fake_provider_url(fp, "b"), redis.url);
	const char *elsewhere = daemon_file(&hosts[2], "llmfo.yaml", text);
	ck_assert_ptr_nonnull(elsewhere);
	free(text);
	daemon_ctl_ends(&hosts[2], 0, "reload", NULL);
	configure(2, HEALTH);
	daemon_ctl_ends(&hosts[2], 0, "reload", NULL);
	listen_to(2);
	wait_connected(true);
	int64_t end_us = now_us() + 20000000;
	for (bool open = false; !open;) {
		struct json *status = daemon_view(&hosts[2], "status");

		open = strcmp(tree_text(status, "targets.a/m.state"), "open") == 0;
		json_free(status);
		ck_assert(now_us() < end_us);
	}
	(void)call(2, "default", "b");
	end();
}
END_TEST

int
main(void)
{
	if (!redis_is_installed()) {
		puts("no redis-server: skipped");
		return 77;
	}
	Suite *suite = suite_create("fleet");
	TCase *tests = tcase_create("fleet");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_circuit_opened_on_one_is_open_on_all_within_a_second);
	tcase_add_test(tests, forced_on_one_is_forced_on_all_and_so_is_a_cleared_cache);
	tcase_add_test(tests, one_probe_in_all_when_it_half_opens);
	tcase_add_test(tests,
		while_redis_stands_still_calls_are_as_quick_as_before_and_then_all_agree);
	tcase_add_test(tests, redis_is_killed_and_begins_empty_and_nobody_forgets);
	tcase_add_test(tests, what_others_write_into_redis_takes_out_no_last_target);
	tcase_add_test(
		tests, a_daemon_that_joins_late_or_changes_its_redis_by_reload_knows_it_all);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
