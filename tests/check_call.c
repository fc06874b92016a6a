/* SPDX-License-Identifier: MIT */
/* What stories do not tell well of calls: the moments at which one may be cancelled, and what a
 * reply may start. Random lives are check_explore.c's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/scene.h"

#define MINUTE 60000

static const char two[] = "providers:\n"
			  "  a: {api: openai, base_url: \"http://a.test\", api_key: sk-secret-a,\n"
			  "      models: [m, n], max_concurrency: 3}\n"
			  "  b: {api: ollama, base_url: \"http://b.test\", models: [m]}\n"
			  "chains:\n"
			  "  default: {targets: [a/m, a/n, b/m]}\n";

static struct scene *scene;

static void
set_up(void)
{
	scene = scene_new();
	char *fault = scene_configure(scene, two, strlen(two));
	ck_assert_msg(!fault, "%s", fault);
}

static void
tear_down(void)
{
	char *fault = scene_free(scene);

	ck_assert_msg(!fault, "%s", fault);
}

static struct scene_call *
ask(const struct scene_wish *wish)
{
	char *fault = scene_ask(scene, wish);

	ck_assert_msg(!fault, "%s", fault);
	return scene->calls[scene->call_count - 1];
}

static void
script(const char *host, int status, int64_t after_ms, const char *retry_after)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	behaviour.status = status;
	behaviour.after_ms = after_ms;
	if (retry_after)
		(void)buf_printf(&behaviour.headers, "retry-after: %s\n", retry_after);
	fake_transport_script(&scene->transport, host, &behaviour, true);
}

START_TEST(a_call_may_be_cancelled_at_every_moment)
{
	const struct scene_wish wish = {.prompt = "hello"};

	script("a", 429, 300, "1");
	script("b", 503, 300, "2");
	for (int64_t at_ms = 0; at_ms < 6000; at_ms += 50) {
		(void)health_reset(scene->core.health, NULL);
		(void)health_unprefer_all(scene->core.health);
		struct scene_call *call = ask(&wish);
		scene_advance(scene, at_ms);
		scene_cancel(scene, call);
		ck_assert_int_eq(scene->transport.in_flight, 0);
		scene_advance(scene, 10 * MINUTE);
		ck_assert_ptr_null(scene->fault);
	}
}
END_TEST

START_TEST(a_call_may_be_aborted_at_every_moment_and_gets_one_reply)
{
	const struct scene_wish wish = {.prompt = "hello"};

	script("a", 429, 300, "1");
	script("b", 503, 300, "2");
	for (int64_t at_ms = 0; at_ms < 6000; at_ms += 50) {
		(void)health_reset(scene->core.health, NULL);
		(void)health_unprefer_all(scene->core.health);
		struct scene_call *call = ask(&wish);
		scene_advance(scene, at_ms);
		bool over = call->replies > 0;
		scene_shut_down(scene);
		scene_advance(scene, 0);
		ck_assert_int_eq(call->replies, 1);
		ck_assert(over || call->error == LLMFO_ESHUTTING_DOWN);
		ck_assert_ptr_null(scene->fault);
	}
}
END_TEST

/* What the first reply does from inside its callback. */
struct reply {
	struct call *other; /* is cancelled */
	struct call_request *next;
	int replies;
};

static void
on_next(void *arg, const struct call_result *result)
{
	struct reply *reply = arg;

	ck_assert_int_eq(result->error, 0);
	reply->replies++;
}

static const struct call_events next_events = {.done = on_next};

static void
on_first(void *arg, const struct call_result *result)
{
	struct reply *reply = arg;

	ck_assert_int_eq(result->error, 0);
	reply->replies++;
	if (reply->other)
		call_cancel(reply->other);
	(void)call_start(&scene->core.env, reply->next, &next_events, reply);
}

static struct call_request *
request_for(const char *chain)
{
	struct call_request *request = x_calloc(1, sizeof *request);

	request->config = config_ref(scene->core.config);
	request->chain = config_find_chain(request->config, chain, false);
	request->fallback = true;
	request->race.max_parallel = 1;
	request->max_retries = -1;
	request->race.max_parallel = 1;
	request->messages = json_new_array();
	return request;
}

static const struct call_events first_events = {.done = on_first};

START_TEST(a_reply_may_start_a_call_and_cancel_another)
{
	struct reply reply = {0};

	scene->core.gate.max_running = 1;
	reply.next = request_for("default");
	(void)call_start(&scene->core.env, request_for("default"), &first_events, &reply);
	reply.other = call_start(&scene->core.env, request_for("default"), &next_events, &reply);
	/* these calls are none of the scene's: it would miss them */
	scene->clock.turned = NULL;
	fake_clock_advance(&scene->clock, 1000);
	ck_assert_int_eq(reply.replies, 2);
	ck_assert_int_eq(scene->core.gate.running, 0);
}
END_TEST

START_TEST(what_replaces_a_dead_pooled_connection_is_a_fresh_one)
{
	const struct scene_wish wish = {.prompt = "hello"};
	struct fake_behaviour dead = fake_behaviour_new();

	dead.end = TRANSPORT_RESET;
	dead.status = 0;
	dead.reused = true;
	fake_transport_script(&scene->transport, "a", &dead, false);
	(void)ask(&wish);
	scene_advance(scene, 0);
	ck_assert_uint_eq(scene->transport.request_count, 2);
	ck_assert(!scene->transport.requests[0].fresh);
	ck_assert(scene->transport.requests[1].fresh);
}
END_TEST

START_TEST(the_backoff_is_between_nothing_and_a_quarter_second_at_first)
{
	const struct scene_wish wish = {
		.prompt = "hello", .has_max_retries = true, .max_retries = 1};
	int64_t longest_ms = 0, shortest_ms = INT64_MAX;

	script("a", 500, 0, NULL);
	for (int i = 0; i < 200; i++) {
		(void)health_reset(scene->core.health, NULL);
		(void)health_unprefer_all(scene->core.health);
		size_t before = scene->transport.request_count;
		(void)ask(&wish);
		scene_advance(scene, 1000);
		int64_t pause_ms = scene->transport.requests[before + 1].at_ms -
			scene->transport.requests[before].at_ms;
		if (pause_ms > longest_ms)
			longest_ms = pause_ms;
		if (pause_ms < shortest_ms)
			shortest_ms = pause_ms;
	}
	ck_assert_int_le(longest_ms, 250);
	ck_assert_int_gt(longest_ms, 200);
	ck_assert_int_lt(shortest_ms, 50);
}
END_TEST

START_TEST(what_a_slow_reader_took_is_no_time_of_the_targets)
{
	const struct scene_wish wish = {.prompt = "hello", .stream = true};
	struct fake_behaviour words = fake_behaviour_new();

	fake_behaviour_add_words(&words, 100, "one two three four");
	fake_transport_script(&scene->transport, "a", &words, true);
	for (int i = 0; i < 2; i++) {
		struct scene_call *call = ask(&wish);

		scene_advance(scene, 150);
		call_hold(call->call, i == 0);
		scene_advance(scene, 5000);
		if (i == 0)
			call_hold(call->call, false);
		scene_advance(scene, 1000);

		const struct health_subject *target =
			health_find(scene->core.health, HEALTH_TARGET, "a/m");
		ck_assert_int_eq(target->successes, i + 1);
		ck_assert_int_eq(latency_average_ms(&target->first_token), 100);
		ck_assert_int_eq(latency_percentile_ms(&target->latency, 95), i == 0 ? -1 : 400);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("call");
	TCase *tcase = tcase_create("moments");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_call_may_be_cancelled_at_every_moment);
	tcase_add_test(tcase, a_call_may_be_aborted_at_every_moment_and_gets_one_reply);
	tcase_add_test(tcase, a_reply_may_start_a_call_and_cancel_another);
	tcase_add_test(tcase, what_replaces_a_dead_pooled_connection_is_a_fresh_one);
	tcase_add_test(tcase, the_backoff_is_between_nothing_and_a_quarter_second_at_first);
	tcase_add_test(tcase, what_a_slow_reader_took_is_no_time_of_the_targets);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
