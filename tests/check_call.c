/* SPDX-License-Identifier: MIT */
/*
 * What stories do not tell well of calls: the moments at which one may be cancelled, what a reply
 * may start, and two thousand short random lives. LLMFO_SEED plays one life again.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "llmfo.h"
#include "support/scene.h"

#define LIVES 2000
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

/* ---- random lives ---- */

struct life {
	unsigned short seed[3];
	int steps;
};

static long
below(struct life *life, long limit)
{
	return nrand48(life->seed) % limit;
}

static bool
one_in(struct life *life, long count)
{
	return below(life, count) == 0;
}

static int64_t
some_ms(struct life *life)
{
	static const int64_t scales[] = {1, 50, 1000, 5000, 30000, 400000};

	return below(life, scales[below(life, UTIL_COUNT(scales))]);
}

static const char *
some_provider(struct life *life)
{
	static const char *const names[] = {"a", "b", "c"};

	return names[below(life, UTIL_COUNT(names))];
}

static void
configure(struct life *life)
{
	static const char *const when[] = {"try", "fail"};
	static const char *const yes[] = {"true", "false"};
	char *yaml =
		x_asprintf("providers:\n"
			   "  a: {api: openai, base_url: \"http://a.test\", api_key: sk-secret-%ld,"
			   " models: [m, n], max_concurrency: %ld}\n"
			   "  b: {api: ollama, base_url: \"http://b.test\", models: [m],"
			   " max_retries: %ld, timeout: %lds}\n"
			   "  c: {api: groq, base_url: \"http://c.test\", api_key: \"%s\","
			   " models: [m], max_concurrency: 1}\n"
			   "chains:\n"
			   "  default: {targets: [a/m, b/m, c/m]}\n"
			   "  other: {targets: [c/m, a/n, a/m], retry_on: [any]}\n"
			   "health: {cooldown: %lds, cooldown_max: 10m, failure_threshold: %ld,"
			   " when_all_open: %s}\n"
			   "limits: {calls: %ld, queue: %ld}\n"
			   "features: {health_tracking: %s, hedging: %s}\n",
			below(life, 2), below(life, 3), below(life, 3), 1 + below(life, 60),
			one_in(life, 4) ? "" : "sk-secret-c", 1 + below(life, 400),
			1 + below(life, 3), when[below(life, 2)], 1 + below(life, 6),
			below(life, 4), yes[one_in(life, 20)], yes[one_in(life, 10)]);
	char *fault = scene_configure(scene, yaml, strlen(yaml));

	ck_assert_msg(!fault, "%s", fault);
	free(yaml);
}

/* A stream of some words, whole or with a fault in it. */
static void
stream_something(struct life *life, struct fake_behaviour *behaviour)
{
	static const enum fake_piece_kind faults[] = {FAKE_NONSENSE, FAKE_ERROR};
	static const char *const words[] = {"one ", "two  ", "\n", "f\xc3\xbcnf", " "};
	long count = below(life, 6);

	behaviour->status = 200;
	behaviour->begins_ms = one_in(life, 3) ? -1 : below(life, 500);
	if (one_in(life, 4))
		fake_behaviour_add(behaviour, some_ms(life),
			one_in(life, 2) ? FAKE_PING : FAKE_REASONING, "hm");
	for (long i = 0; i < count; i++)
		fake_behaviour_add(behaviour, one_in(life, 10) ? some_ms(life) : below(life, 300),
			FAKE_TEXT, words[below(life, UTIL_COUNT(words))]);
	if (one_in(life, 8))
		fake_behaviour_add(behaviour, 0, FAKE_TOOL, "look {\"at\":1}");
	if (one_in(life, 4))
		fake_behaviour_add(behaviour, 0, faults[below(life, 2)], "boom");
	else if (!one_in(life, 4))
		fake_behaviour_add(behaviour, 0, FAKE_FINISH, NULL);
	if (one_in(life, 2) || behaviour->piece_count == 0)
		fake_behaviour_add(behaviour, 0, FAKE_MARK, NULL);
	if (one_in(life, 6))
		behaviour->end = TRANSPORT_TRUNCATED;
	behaviour->cut_bytes = one_in(life, 4) ? 1 + (size_t)below(life, 9) : 0;
	behaviour->hangs = one_in(life, 8);
}

static void
behave(struct life *life)
{
	static const int statuses[] = {200, 200, 200, 400, 401, 402, 403, 404, 408, 413, 429, 429,
		500, 502, 503, 504, 529};
	static const char *const codes[] = {NULL, NULL, NULL, "context_length_exceeded",
		"content_policy_violation", "insufficient_quota", "model_not_found"};
	struct fake_behaviour behaviour = fake_behaviour_new();
	const char *code = codes[below(life, UTIL_COUNT(codes))];

	behaviour.after_ms = some_ms(life);
	if (one_in(life, 4))
		behaviour.begins_ms = below(life, behaviour.after_ms + 1);
	if (one_in(life, 3)) {
		behaviour.end = (enum transport_end)below(life, TRANSPORT_INTERNAL + 1);
		behaviour.status = behaviour.end == TRANSPORT_DONE ||
				behaviour.end == TRANSPORT_TRUNCATED ||
				behaviour.end == TRANSPORT_TOO_LARGE
			? 200
			: 0;
		behaviour.reused = one_in(life, 2);
	} else {
		behaviour.status = statuses[below(life, UTIL_COUNT(statuses))];
		behaviour.code = x_strdup(code);
	}
	if (one_in(life, 3))
		(void)buf_printf(
			&behaviour.headers, "retry-after-ms: %lld\n", (long long)some_ms(life));
	behaviour.hangs = one_in(life, 12);
	if (one_in(life, 3))
		stream_something(life, &behaviour);
	fake_transport_script(&scene->transport, some_provider(life), &behaviour, one_in(life, 2));
}

/* One after the other, or side by side; in one go, or as a stream. */
static void
choose_how(struct life *life, struct scene_wish *wish)
{
	wish->races = one_in(life, 3);
	wish->race.max_parallel = (int)below(life, 4);
	wish->race.hedge_after_ms = one_in(life, 3) ? 0 : below(life, 3000);
	if (one_in(life, 4))
		wish->race.hedge_after_ms = CALL_HEDGE_AUTO;
	wish->stream = one_in(life, 2);
	wish->on_break = (enum call_on_break)below(life, 3);
}

static void
hold_something(struct life *life)
{
	if (scene->call_count == 0)
		return;
	const struct scene_call *row = scene->calls[below(life, (long)scene->call_count)];
	if (row->call)
		call_hold(row->call, one_in(life, 2));
	scene_check(scene);
}

static void
ask_something(struct life *life)
{
	char prompt[32];
	struct scene_wish wish = {
		.prompt = prompt,
		.no_fallback = one_in(life, 10),
		.deadline_ms = one_in(life, 3) ? 0 : 1 + some_ms(life),
		.timeout_ms = one_in(life, 5) ? 1 + some_ms(life) : 0,
		.has_max_retries = one_in(life, 3),
		.max_retries = (int)below(life, 4),
	};

	choose_how(life, &wish);
	(void)snprintf(prompt, sizeof prompt, "call <%zu>", scene->call_count);
	if (one_in(life, 3))
		wish.chain = "other";
	else if (one_in(life, 6))
		wish.provider = some_provider(life);
	else if (one_in(life, 6))
		wish.model = "m";
	else if (one_in(life, 10))
		wish.image = "https://x.test/cat.png";
	(void)ask(&wish);
}

static void
administer(struct life *life)
{
	struct health *health = scene->core.health;
	const char *name = some_provider(life);

	switch (below(life, 7)) {
	case 0: health_force(health, name, one_in(life, 3), scene->clock.time_ms + 60000, 0); break;
	case 1: health_force(health, NULL, false, 0, 0); break;
	case 2: (void)health_reset(health, one_in(life, 2) ? name : NULL); break;
	case 3: (void)health_unprefer_all(health); break;
	case 4: health_subject(health, HEALTH_PROVIDER, name)->disabled = one_in(life, 2); break;
	case 5: fake_transport_check(&scene->transport, name, "{\"data\":[{\"id\":\"m\"}]}"); break;
	default: configure(life); break;
	}
	scene_check(scene);
}

static void
step(struct life *life)
{
	switch (below(life, 11)) {
	case 10: hold_something(life); break;
	case 0:
	case 1:
	case 2: ask_something(life); break;
	case 3:
	case 4: behave(life); break;
	case 5:
		if (scene->call_count > 0)
			scene_cancel(scene, scene->calls[below(life, (long)scene->call_count)]);
		break;
	case 6: administer(life); break;
	default: scene_advance(scene, some_ms(life)); break;
	}
}

/* The call that a request was made for. */
static const struct scene_call *
call_of(const struct fake_request *request)
{
	const char *prompt = strstr(request->body, "call <");

	ck_assert_ptr_nonnull(prompt);
	size_t number = (size_t)strtoul(prompt + strlen("call <"), NULL, 10);
	ck_assert_uint_lt(number, scene->call_count);
	return scene->calls[number];
}

/* NULL, or what a life that is over did wrong. */
static char *
look_back(void)
{
	for (size_t i = 0; i < scene->call_count; i++)
		if (scene->calls[i]->replies != (scene->calls[i]->cancelled ? 0 : 1))
			return x_asprintf("call %zu got %d replies", i, scene->calls[i]->replies);
	for (size_t i = 0; i < scene->transport.request_count; i++) {
		const struct fake_request *request = &scene->transport.requests[i];
		const struct scene_call *call = call_of(request);

		if (request->at_ms < call->asked_ms || request->at_ms > call->over_ms)
			return x_asprintf(
				"a request to %s came after its call was over", request->host);
	}
	return x_strdup(scene->fault);
}

static void
print_log(void)
{
	for (size_t i = 0; i < scene->log_count; i++)
		printf("%s\n", scene->log[i].text);
}

/* told: with its log, for who looks for what was wrong */
static void
live(unsigned long seed, bool told)
{
	struct life life = {.seed = {0x330e, (unsigned short)seed, (unsigned short)(seed >> 16)}};

	scene = scene_new();
	configure(&life);
	life.steps = 10 + (int)below(&life, 60);
	while (life.steps-- > 0 && !scene->fault)
		step(&life);
	scene_advance(scene, 60 * MINUTE);
	char *wrong = look_back();
	if (told)
		print_log();
	char *left = scene_free(scene);
	ck_assert_msg(!wrong, "LLMFO_SEED=%lu: %s", seed, wrong);
	ck_assert_msg(!left, "LLMFO_SEED=%lu: %s", seed, left);
}

START_TEST(whatever_happens_every_call_gets_one_reply_and_nothing_is_left)
{
	const char *given = getenv("LLMFO_SEED");
	uint32_t seed;

	if (given) {
		live(strtoul(given, NULL, 10), true);
		return;
	}
	ck_assert_int_eq(getrandom(&seed, sizeof seed, 0), (int)sizeof seed);
	/* for what stops the test before it can tell */
	printf("seeds %u to %u\n", seed, seed + LIVES - 1);
	(void)fflush(stdout);
	for (uint32_t i = 0; i < LIVES; i++)
		live((seed + i) & UINT32_MAX, false);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("call");
	TCase *tcase = tcase_create("moments"), *lives = tcase_create("lives");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_call_may_be_cancelled_at_every_moment);
	tcase_add_test(tcase, a_call_may_be_aborted_at_every_moment_and_gets_one_reply);
	tcase_add_test(tcase, a_reply_may_start_a_call_and_cancel_another);
	tcase_add_test(tcase, what_replaces_a_dead_pooled_connection_is_a_fresh_one);
	tcase_add_test(tcase, the_backoff_is_between_nothing_and_a_quarter_second_at_first);
	tcase_add_test(lives, whatever_happens_every_call_gets_one_reply_and_nothing_is_left);
	tcase_set_timeout(lives, 120);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, lives);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
