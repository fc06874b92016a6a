/* SPDX-License-Identifier: MIT */
/*
 * The main story, end to end, as a person at a terminal lives through it: real llmfod, real
 * llmfoctl, two scripted providers. Only the cooldown at its end is waited for in real time.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/daemon.h"
#include "support/fake_provider.h"

#define COOLDOWN_MS 1500
#define MINUTE_MS 60000

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;

static void
start_both(const char *health)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "b=openai", NULL};

	fp = fake_provider_start(options);
	fake_provider_script(fp, "a", "429");
	fake_provider_script(fp, "b", "ok text='Hello there'");
	daemon_begin(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: key-of-a, models: [m]}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: key-of-b, models: [m]}\n"
		"chains: {default: {targets: [a/m, b/m]}}\n"
		"health: {%s}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"), health);
}

static void
stop_both(void)
{
	daemon_stop(d);
	fake_provider_stop(fp);
}

static void
assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no `%s` in: %s", part, text);
}

/* asks, expects b's answer, and that so many requests reached a and b by then */
static void
ask_and_count(int64_t at_a, int64_t at_b)
{
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, at_a);
	ck_assert_int_eq(fake_provider_stats(fp, "b").requests, at_b);
}

static void
assert_state(const char *target, const char *state, int64_t failures)
{
	struct json *view = daemon_view(d, "status");
	char path[64];

	snprintf(path, sizeof path, "targets.%s.state", target);
	ck_assert_str_eq(tree_text(view, path), state);
	snprintf(path, sizeof path, "targets.%s.consecutive_failures", target);
	ck_assert_int_eq(tree_int(view, path), failures);
	json_free(view);
}

START_TEST(a_failover_prints_the_answer_alone_and_tells_the_rest_aside)
{
	start_both("cooldown: 5m");
	struct run run = daemon_ctl(d, "ask", "hello", NULL);

	ck_assert_int_eq(run.status, 0);
	ck_assert_str_eq(run.out, "Hello there\n");
	assert_has(run.err, "b/m");
	assert_has(run.err, "a/m");
	assert_has(run.err, "rate_limited");
	assert_has(run.err, "429");
	run_free(&run);
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, 1);
	ask_and_count(1, 2);

	struct json *view = daemon_view(d, "status");
	int64_t left_ms = tree_int(view, "preferred.0.remaining_ms");
	ck_assert_str_eq(tree_text(view, "preferred.0.chain"), "default");
	ck_assert_str_eq(tree_text(view, "preferred.0.target"), "b/m");
	ck_assert(left_ms > 29 * MINUTE_MS && left_ms <= 30 * MINUTE_MS);
	ck_assert_int_eq(tree_int(view, "targets.a/m.failure_count"), 1);
	ck_assert_str_eq(tree_text(view, "targets.a/m.last_error.class"), "rate_limited");
	ck_assert_int_eq(tree_int(view, "targets.a/m.last_error.http_status"), 429);
	ck_assert_int_eq(tree_int(view, "fallback.total_requests"), 2);
	ck_assert_int_eq(tree_int(view, "fallback.fallback_requests"), 2);
	ck_assert_int_eq(tree_int(view, "fallback.models_used.b/m"), 2);
	ck_assert_int_eq(tree_int(view, "daemon.pid"), d->pid);
	ck_assert_str_eq(tree_text(view, "daemon.config"), d->config);
	json_free(view);
	stop_both();
}
END_TEST

START_TEST(the_log_tells_the_failover)
{
	static const char *const options[] = {"--log-level", "debug", NULL};

	start_both("cooldown: 5m");
	daemon_signal(d, 15);
	ck_assert_int_eq(daemon_wait(d), 0);
	d->options = options;
	daemon_start(d);
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	char *log = daemon_log(d);
	assert_has(log, "<7>using primary provider: a");
	assert_has(log, "<4>primary provider failed (rate_limited), switching to fallback: b/m");
	assert_has(log, "<6>fallback succeeded: b/m");
	assert_has(log, "class=rate_limited");
	assert_has(log, "http_status=429");
	free(log);
	stop_both();
}
END_TEST

/* until the cooldown after a's last failure is over; the one wait for time */
static void
wait_out_cooldown(void)
{
	for (int64_t left_ms = 1; left_ms > 0;) {
		struct json *view = daemon_view(d, "status");

		ck_assert_int_le(tree_int(view, "targets.a/m.cooldown_remaining_ms"), COOLDOWN_MS);
		left_ms = COOLDOWN_MS - tree_int(view, "targets.a/m.last_error.age_ms");
		json_free(view);
		(void)poll(NULL, 0, left_ms > 0 ? (int)left_ms : 0);
	}
}

START_TEST(three_failures_open_the_circuit_and_one_probe_after_the_cooldown_closes_it)
{
	start_both("cooldown: 1500ms");
	ask_and_count(1, 1);
	assert_state("a/m", "closed", 1);
	daemon_ctl_ends(d, 0, "clear-cache", NULL);
	ask_and_count(2, 2);
	daemon_ctl_ends(d, 0, "clear-cache", NULL);
	ask_and_count(3, 3);
	assert_state("a/m", "open", 3);
	daemon_ctl_ends(d, 0, "clear-cache", NULL);
	ask_and_count(3, 4);

	wait_out_cooldown();
	fake_provider_script(fp, "a", "ok text='I am back'");
	struct run run = daemon_ctl(d, "ask", "hello", NULL);
	ck_assert_str_eq(run.out, "I am back\n");
	run_free(&run);
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, 4);
	assert_state("a/m", "closed", 0);
	struct json *view = daemon_view(d, "status");
	ck_assert_uint_eq(json_count(tree_get(view, "preferred")), 0);
	json_free(view);
	stop_both();
}
END_TEST

START_TEST(when_both_are_down_every_attempt_is_named)
{
	start_both("cooldown: 5m");
	fake_provider_script(fp, "b", "503 message='no room left'");
	struct run run = daemon_ctl(d, "ask", "hello", NULL);

	ck_assert_int_eq(run.status, 1);
	ck_assert_str_eq(run.out, "");
	assert_has(run.err, "a/m failed: rate_limited (429): ");
	assert_has(run.err, "b/m failed: unavailable (503): no room left");
	assert_has(run.err, "all_failed");
	run_free(&run);
	ck_assert_uint_eq(daemon_logged(d, "<3>all 2 targets failed: a/m rate_limited (429"), 1);
	stop_both();
}
END_TEST

/* ---- what disturbs nobody ---- */

START_TEST(a_refused_connection_costs_next_to_nothing)
{
	start_both("cooldown: 5m");
	fake_provider_script(fp, "a", "ok");
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	fake_provider_refuse(fp, "a");
	daemon_ctl_ends(d, 0, "--json", "ask", "hello", NULL);

	struct run run = daemon_ctl(d, "--json", "ask", "hello", NULL);
	struct json *reply = json_parse(run.out, strlen(run.out), true, NULL);
	ck_assert_msg(reply != NULL, "%s%s", run.out, run.err);
	ck_assert_str_eq(tree_text(reply, "provider_used"), "b");
	json_free(reply);
	run_free(&run);
	daemon_ctl_ends(d, 0, "clear-cache", NULL);
	run = daemon_ctl(d, "--json", "ask", "hello", NULL);
	reply = json_parse(run.out, strlen(run.out), true, NULL);
	ck_assert_str_eq(tree_text(reply, "attempts.0.class"), "connect_failed");
	printf("a refused connection took %lld ms, the whole call %lld ms\n",
		(long long)tree_int(reply, "attempts.0.latency_ms"),
		(long long)tree_int(reply, "total_latency_ms"));
	json_free(reply);
	run_free(&run);
	fake_provider_open(fp, "a");
	stop_both();
}
END_TEST

START_TEST(a_name_that_never_resolves_disturbs_nobody)
{
	static const char *const options[] = {"--provider", "b=openai", NULL};
	struct wire slow, quick;

	fp = fake_provider_start(options);
	daemon_begin(d,
		"providers:\n"
		"  x: {api: openai, base_url: 'http://x.invalid/v1', api_key: k, models: [m]}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"chains: {default: {targets: [x/m, b/m]}, near: {targets: [b/m]}}\n",
		fake_provider_url(fp, "b"));
	wire_open(&slow, d->socket);
	wire_open(&quick, d->socket);
	wire_request(&slow, 1, "generate", "[{\"prompt\":\"hello\"}]");
	for (uint32_t i = 0; i < 100; i++) {
		wire_request(&quick, i, "generate", "[{\"prompt\":\"hello\",\"chain\":\"near\"}]");
		wire_expect_only(&quick, i, NULL);
	}
	struct wire_reply reply = wire_expect(&slow, 1, NULL);
	ck_assert_str_eq(tree_text(reply.result, "provider_used"), "b");
	ck_assert_str_eq(tree_text(reply.result, "attempts.0.class"), "connect_failed");
	wire_reply_free(&reply);
	wire_close(&slow);
	wire_close(&quick);
	stop_both();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("the main story");
	TCase *tests = tcase_create("story");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, a_failover_prints_the_answer_alone_and_tells_the_rest_aside);
	tcase_add_test(tests, the_log_tells_the_failover);
	tcase_add_test(
		tests, three_failures_open_the_circuit_and_one_probe_after_the_cooldown_closes_it);
	tcase_add_test(tests, when_both_are_down_every_attempt_is_named);
	tcase_add_test(tests, a_refused_connection_costs_next_to_nothing);
	tcase_add_test(tests, a_name_that_never_resolves_disturbs_nobody);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
