/* SPDX-License-Identifier: MIT */
/* The explorer's clients: what they ask for, what they are told and how they bear themselves; and
 * the requests that providers get on their behalf. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "call_rules.h"
#include "explore_state.h"
#include "llmfo.h"

/* ---- what a client is told ---- */

static void
on_text(void *arg, const char *text, size_t length)
{
	struct explore_call *call = arg;

	explore_say(call->explore, "call %zu is told \"%.*s\"", call->number, (int)length, text);
	call->explore->deltas++;
	(void)buf_add(&call->told, text, length);
	call->void_yet = false;
	if (call->first_ms == 0)
		call->first_ms = call->explore->scene->clock.time_ms;
	explore_check_told(call);
	if (!explore_one_in(call->explore, call->client ? 25 : 60))
		return;
	if (call->client)
		explore_client_stop_reading(call->client);
	else
		explore_hold(call, true);
}

static void
on_tool_call(void *arg, const struct json *tool_call)
{
	struct explore_call *call = arg;
	const char *name = json_text(json_get(tool_call, "function"), "name");

	explore_say(call->explore, "call %zu is told of %s", call->number, name ? name : "nothing");
	call->explore->deltas++;
	call->told_tools++;
	call->void_yet = false;
	if (call->first_ms == 0)
		call->first_ms = call->explore->scene->clock.time_ms;
	explore_check_told(call);
}

static void
on_reset(void *arg)
{
	struct explore_call *call = arg;

	explore_say(call->explore, "call %zu: what was told is void", call->number);
	explore_check_reset(call);
	buf_free(&call->told);
	call->told_tools = 0;
	call->resets++;
	call->void_yet = true;
}

static void
on_done(void *arg, const struct call_result *result)
{
	struct explore_call *call = arg;
	struct scene_call *row = call->row;
	struct explore *explore = call->explore;
	struct stats *expected = &explore->expected;

	explore_say(explore, "call %zu is answered: %d, %zu attempts, %s", call->number,
		result->error, result->attempt_count,
		result->error ? result->message : result->target->name);
	row->call = NULL;
	row->replies++;
	row->over_ms = explore->scene->clock.time_ms;
	expected->total_requests++;
	expected->succeeded += result->error == 0;
	expected->failed += result->error != 0;
	expected->fallback_requests += result->fallback_occurred;
	explore_count_attempts(call, result->attempts, result->attempt_count);
	explore_check_reply(call, result);
}

const struct call_events explore_told = {
	.done = on_done, .text = on_text, .tool_call = on_tool_call, .reset = on_reset};
static const struct call_events told_at_once = {.done = on_done};

/* ---- what a client asks for ---- */

static const char *
some_host(struct explore *explore)
{
	return explore->hosts[explore_below(explore, (int)explore->host_count)].name;
}

static const char *
some_model(struct explore *explore)
{
	static const char *const models[] = {"m", "n", "o"};

	return models[explore_below(explore, UTIL_COUNT(models))];
}

/* What a call or a pick names. The texts of targets are made in names. */
void
explore_draw_choice(struct explore *explore, struct scene_wish *wish, char names[4][16])
{
	switch (explore_below(explore, 8)) {
	case 0:
	case 1: wish->chain = "other"; break;
	case 2: wish->provider = some_host(explore); break;
	case 3: wish->model = some_model(explore); break;
	case 4:
		wish->target_count = 1 + (size_t)explore_below(explore, 4);
		for (size_t i = 0; i < wish->target_count; i++) {
			(void)snprintf(
				names[i], 16, "%s/%s", some_host(explore), some_model(explore));
			wish->targets[i] = names[i];
		}
		break;
	case 5:
		wish->chain = "default";
		wish->model = explore_one_in(explore, 2) ? some_model(explore) : NULL;
		wish->provider = explore_one_in(explore, 2) ? some_host(explore) : NULL;
		break;
	default: break;
	}
}

static int64_t
mostly_none_ms(struct explore *explore, int count)
{
	return explore_one_in(explore, count) ? 1 + explore_some_ms(explore) : 0;
}

void
explore_draw_wish(struct explore *explore, struct scene_wish *wish)
{
	wish->uid = explore_some_uid(explore);
	wish->no_fallback = explore_one_in(explore, 10);
	wish->deadline_ms = mostly_none_ms(explore, 3);
	wish->timeout_ms = mostly_none_ms(explore, 6);
	wish->has_max_retries = explore_one_in(explore, 4);
	wish->max_retries = explore_below(explore, 4);
	if (explore_one_in(explore, 12))
		wish->image = "https://x.test/cat.png";
	if (explore_one_in(explore, 10)) {
		wish->has_retry_on = true;
		wish->retry_on = (struct config_retry_on){.set = true, .any = true};
	}
}

static struct call_race
draw_race(struct explore *explore)
{
	struct call_race race = {.max_parallel = explore_below(explore, 4)};

	if (!explore_one_in(explore, 3))
		race.max_parallel = 1;
	else if (explore_one_in(explore, 3))
		race.hedge_after_ms = CALL_HEDGE_AUTO;
	else if (explore_one_in(explore, 2))
		race.hedge_after_ms = 1 + explore_below(explore, 3000);
	return race;
}

static void
draw_manner(struct explore *explore, struct call_request *request)
{
	request->stream = explore_one_in(explore, 2);
	if (explore_one_in(explore, 3))
		request->strategy = (enum strategy)explore_below(explore, STRATEGY_COUNT);
	request->on_break = (enum call_on_break)explore_below(explore, 3);
	request->race = draw_race(explore);
	/* only those that go one after the other, in the chain's order, remember */
	request->remembers = request->remembers && request->strategy == STRATEGY_sequential &&
		request->race.max_parallel == 1;
}

static size_t
host_index(const struct explore *explore, const char *name)
{
	for (size_t i = 0; i < explore->host_count; i++)
		if (strcmp(explore->hosts[i].name, name) == 0)
			return i;
	abort();
}

/* How long one attempt may take. */
static int64_t
limit_of(const struct call_request *request, const struct config_provider *provider)
{
	const int64_t others_ms[] = {request->chain->timeout_ms, request->timeout_ms};
	int64_t limit_ms = provider->timeout.total_ms;

	for (size_t i = 0; i < UTIL_COUNT(others_ms); i++)
		if (others_ms[i] > 0 && others_ms[i] < limit_ms)
			limit_ms = others_ms[i];
	return limit_ms;
}

/* What the call may use, from what the client named and the configuration says of it. */
static void
keep_candidates(struct explore_call *call, const struct call_request *request)
{
	const struct config_chain *chain = request->chain;

	assert(chain->target_count <= EXPLORE_CANDIDATES * 2);
	for (size_t i = 0; i < chain->target_count && i < EXPLORE_CANDIDATES; i++) {
		const struct config_target *target = chain->targets[i];
		const struct config_provider *provider = target->provider;
		struct explore_candidate *candidate = &call->candidates[call->candidate_count++];

		(void)snprintf(candidate->name, sizeof candidate->name, "%s", target->name);
		(void)snprintf(candidate->model, sizeof candidate->model, "%s", target->model);
		candidate->host = host_index(call->explore, provider->name);
		candidate->configured = provider->configured;
		candidate->max_concurrency = provider->max_concurrency;
		candidate->limit_ms = limit_of(request, provider);
		candidate->max_repeats = request->max_retries >= 0 ? request->max_retries
			: chain->max_retries_per_model >= 0        ? chain->max_retries_per_model
								   : provider->max_retries;
	}
}

static int64_t
deadline_of(const struct call_request *request, int64_t now_ms)
{
	int64_t own_ms = request->deadline_ms, chain_ms = request->chain->deadline_ms;

	if (own_ms == 0 || (chain_ms > 0 && chain_ms < own_ms))
		own_ms = chain_ms;
	return now_ms + (own_ms > 0 ? own_ms : request->config->default_deadline_ms);
}

static void
say_asked(struct explore_call *call)
{
	static const char *const breaks[] = {"error", "restart", "continue"};
	struct buf names;

	buf_init(&names, 1000);
	for (size_t i = 0; i < call->candidate_count; i++)
		(void)buf_printf(&names, " %s", call->candidates[i].name);
	explore_say(call->explore, "call %zu asks%s%s%s, race %d hedge %lld, within %lld ms, of%s",
		call->number, call->stream ? " for a stream, on break " : "",
		call->stream ? breaks[call->on_break] : "", call->fallback ? "" : ", no fallback",
		call->race.max_parallel, (long long)call->race.hedge_after_ms,
		(long long)(call->deadline_ms - call->row->asked_ms), names.data);
	buf_free(&names);
}

struct explore_call *
explore_keep_call(struct explore *explore, const struct call_request *request, size_t label)
{
	struct explore_call *call = x_calloc(1, sizeof *call);
	struct scene *scene = explore->scene;
	struct scene_call *row = x_calloc(1, sizeof *row);

	row->scene = scene;
	row->asked_ms = scene->clock.time_ms;
	call->explore = explore;
	call->number = explore->call_count;
	call->label = label;
	call->row = row;
	call->config = config_ref(request->config);
	call->fallback = request->fallback;
	call->stream = request->stream;
	call->on_break = request->on_break;
	call->race = request->race;
	call->names_provider = request->provider != NULL;
	call->deadline_ms = deadline_of(request, row->asked_ms);
	buf_init(&call->told, (size_t)1 << 20);
	keep_candidates(call, request);
	scene->calls = x_realloc(scene->calls, (scene->call_count + 1) * sizeof(void *));
	scene->calls[scene->call_count++] = row;
	explore->calls = x_realloc(explore->calls, (explore->call_count + 1) * sizeof(void *));
	explore->calls[explore->call_count++] = call;
	say_asked(call);
	return call;
}

void
explore_ask(struct explore *explore)
{
	struct scene *scene = explore->scene;
	char names[4][16], prompt[32], *fault;
	struct scene_wish wish = {.prompt = prompt};
	size_t label = explore->labels++;

	(void)snprintf(prompt, sizeof prompt, "call <%zu>", label);
	explore_draw_choice(explore, &wish, names);
	explore_draw_wish(explore, &wish);
	struct call_request *request = scene_request(scene, &wish, &fault);
	if (!request) {
		explore_say(explore, "nothing is asked: %s", fault);
		free(fault);
		return;
	}
	draw_manner(explore, request);
	call_request_judge(request);
	struct explore_call *call = explore_keep_call(explore, request, label);
	call->has_needs = wish.image != NULL;
	struct call *started = call_start(&scene->core.env, request,
		call->stream ? &explore_told : &told_at_once, call);
	if (call->row->replies)
		explore_blame(explore, "No call is answered from inside its start", "call %zu",
			call->number);
	else
		call->row->call = started;
	explore_check_turn(explore);
}

void
explore_call_free(struct explore_call *call)
{
	config_unref(call->config);
	buf_free(&call->told);
	free(call);
}

/* ---- how it bears itself ---- */

struct explore_call *
explore_some_call(struct explore *explore)
{
	size_t running = 0, which;

	for (size_t i = 0; i < explore->call_count; i++)
		running += explore->calls[i]->row->call != NULL;
	if (running == 0)
		return NULL;
	which = (size_t)explore_below(explore, (int)running);
	for (size_t i = 0;; i++)
		if (explore->calls[i]->row->call && which-- == 0)
			return explore->calls[i];
}

void
explore_leave(struct explore_call *call)
{
	const struct call *running = call->row->call;

	explore_say(call->explore, "call %zu is cancelled", call->number);
	explore_count_attempts(call, running->attempts, running->attempt_count);
	call->row->call = NULL;
	call->row->cancelled = true;
	call->row->over_ms = call->explore->scene->clock.time_ms;
	call->explore->expected.cancelled++;
}

void
explore_cancel(struct explore_call *call)
{
	struct call *running = call->row->call;

	explore_leave(call);
	call_cancel(running);
	explore_check_turn(call->explore);
}

void
explore_hold(struct explore_call *call, bool held)
{
	if (call->held == held)
		return;
	explore_say(call->explore, "the client of call %zu %s", call->number,
		held ? "stops reading" : "reads again");
	call->held = held;
	call->was_held |= held;
	call->held_ms = call->explore->scene->clock.time_ms;
	call_hold(call->row->call, held);
}

/* ---- clients that call themselves ---- */

void
explore_pick(struct explore *explore)
{
	struct scene *scene = explore->scene;
	char names[4][16];
	struct scene_wish wish = {.prompt = "", .no_fallback = explore_one_in(explore, 10)};
	size_t before = scene->pick_count;

	explore_draw_choice(explore, &wish, names);
	char *fault = scene_pick(scene, &wish);
	if (fault)
		explore_say(explore, "nothing is picked: %s", fault);
	else
		explore_say(explore, "pick %zu: %s", before,
			scene->picks[before].target ? scene->picks[before].target : "none");
	free(fault);
	explore_check_turn(explore);
}

void
explore_draw_report(struct explore *explore, struct outcome *outcome)
{
	static const enum outcome_class classes[] = {OUTCOME_OK, OUTCOME_OK, OUTCOME_RATE_LIMITED,
		OUTCOME_SERVER_ERROR, OUTCOME_TIMEOUT, OUTCOME_AUTH, OUTCOME_CONNECT_FAILED,
		OUTCOME_CONTEXT_LENGTH, OUTCOME_CANCELLED};

	outcome_set(outcome, classes[explore_below(explore, UTIL_COUNT(classes))], "reported");
	outcome->reported = true;
	outcome->counts = outcome_rule(outcome->class)->scope != OUTCOME_SCOPE_NOTHING;
	outcome->retry_after_ms = explore_one_in(explore, 4) ? explore_some_ms(explore) : -1;
}

void
explore_report(struct explore *explore)
{
	struct scene *scene = explore->scene;
	const struct scene_pick *pick = NULL;
	char name[16];
	const char *target = name;
	struct outcome outcome;

	(void)snprintf(name, sizeof name, "%s/%s", some_host(explore), some_model(explore));
	if (scene->pick_count > 0 && !explore_one_in(explore, 4)) {
		pick = &scene->picks[explore_below(explore, (int)scene->pick_count)];
		if (!pick->target)
			return;
		target = pick->target;
	}
	explore_draw_report(explore, &outcome);
	char *refused = scene_report(scene, pick, pick ? NULL : name, &outcome);
	explore_say(explore, "%s is reported of %s%s%s", outcome_text(outcome.class), target,
		pick ? ", which was picked" : "", refused ? ": refused" : "");
	if (!refused)
		explore_count(explore, target, &outcome);
	free(refused);
	explore_check_turn(explore);
}

/* ---- what providers get ---- */

/* The text behind a key of a request's body, in its bytes as they were written. */
static void
member(const char *body, const char *key, char *out, size_t size)
{
	const char *at = strstr(body, key);

	assert(at);
	at += strlen(key);
	(void)snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

static size_t
call_of(const struct explore *explore, const struct fake_request *request)
{
	const char *at = strstr(request->body, "call <");
	size_t i = explore->call_count;

	assert(at);
	size_t label = (size_t)strtoul(at + strlen("call <"), NULL, 10);
	do
		assert(i > 0);
	while (explore->calls[--i]->label != label);
	return i;
}

static size_t
candidate_of(const struct explore_call *call, const struct fake_request *request)
{
	char model[16], name[32];

	member(request->body, "\"model\":\"", model, sizeof model);
	(void)snprintf(name, sizeof name, "%s/%s", request->host, model);
	for (size_t i = 0; i < call->candidate_count; i++)
		if (strcmp(call->candidates[i].name, name) == 0)
			return i;
	explore_blame(call->explore, "Only what the client named is asked", "call %zu asks %s",
		call->number, name);
	return 0;
}

/* What is behind what was told, when a target goes on from there: what was told ended in blanks, of
 * which a prefill has none, and which are not told twice. */
static void
join(struct explore_call *call, struct explore_request *request)
{
	const char *words = request->text;
	size_t end = call->told.len;

	while (end > 0 && strchr(" \t\r\n", call->told.data[end - 1]))
		end--;
	for (size_t i = end; i < call->told.len && *words == call->told.data[i]; i++)
		words++;
	char *whole = x_asprintf("%.*s%s", (int)call->told.len, call->told.data, words);
	free(request->text);
	request->text = whole;
}

struct fake_behaviour
explore_on_request(void *arg, size_t index)
{
	struct explore *explore = arg;
	const struct fake_request *asked = &explore->scene->transport.requests[index];
	struct explore_request *request;

	assert(index == explore->request_count);
	explore->requests = x_realloc(explore->requests, (index + 1) * sizeof explore->requests[0]);
	request = &explore->requests[explore->request_count++];
	*request = (struct explore_request){.call = call_of(explore, asked)};
	struct explore_call *call = explore->calls[request->call];
	request->candidate = candidate_of(call, asked);
	request->at_ms = asked->at_ms;
	request->stream = asked->stream;
	request->fresh = asked->fresh;
	request->continues = strstr(asked->body, "\"role\":\"assistant\"") != NULL;
	struct fake_behaviour behaviour = explore_behave(explore, request);
	if (request->continues && request->text)
		join(call, request);
	explore_say(explore, "request %zu, call %zu: %s%s%s%s: %d, %s%s", index, call->number,
		call->candidates[request->candidate].name, request->fresh ? " fresh" : "",
		request->stream ? " stream" : "", request->continues ? " continues" : "",
		behaviour.status, transport_end_name(behaviour.end),
		behaviour.hangs ? ", hangs" : "");
	explore_check_request(call, request);
	return behaviour;
}

void
explore_on_ended(void *arg, size_t index)
{
	struct explore *explore = arg;
	struct explore_request *request = &explore->requests[index];

	if (request->over)
		return;
	request->over = true;
	explore->calls[request->call]->in_flight--;
	explore_say(explore, "request %zu is over", index);
}
