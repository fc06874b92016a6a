/* SPDX-License-Identifier: MIT */
/*
 * See call.h. What happens next is decided in one place, call_go_on(); what an attempt's end means,
 * in call_lane.c, what a stream tells, in call_stream.c. call_rules.c and call_limit.c have the
 * pure judgements, call_report.c the words.
 */
#include "call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "call_rules.h"
#include "choose.h"
#include "llmfo.h"
#include "log.h"

/* A stream's text: what one attempt may tell, behind what another one told. */
#define TOLD_MAX_BYTES (2 * ATTEMPT_REPLY_MAX_BYTES)

void
call_set_state(struct call *call, enum call_state state)
{
	static const char *const names[] = {"starting", "queued", "running", "ending", "over"};

	if (call->state != state && log_wants(LOG_DEBUG))
		log_debug("call %s: %s -> %s", call->request->request_id, names[call->state],
			names[state]);
	call->state = state;
}

void
call_request_free(struct call_request *request)
{
	if (!request)
		return;
	config_chain_free(request->own_chain);
	json_free(request->params.stop);
	json_free(request->params.response_format);
	json_free(request->messages);
	json_free(request->tools);
	json_free(request->tool_choice);
	json_free(request->warnings);
	free(request->provider);
	free(request->model);
	free(request->end_user);
	free(request->workspace);
	choose_free(request);
	config_unref(request->config);
	free(request);
}

void
call_request_judge(struct call_request *request)
{
	struct provider_chat chat = {.messages = request->messages,
		.tools = request->tools,
		.tool_choice = request->tool_choice};

	request->needs = provider_needs_of_messages(&chat);
	request->demand.images =
		request->needs & (PROVIDER_NEED_IMAGE_DATA | PROVIDER_NEED_IMAGE_URL);
	request->demand.tools = request->needs & PROVIDER_NEED_TOOLS;
	request->demand.prompt_tokens = provider_estimate_prompt_tokens(&chat);
}

struct route_want
call_request_want(const struct call_request *request)
{
	return (struct route_want){
		.chain = request->chain,
		.provider = request->provider,
		.model = request->model,
		.remembers = request->remembers && request->race.max_parallel == 1,
		.fallback = request->fallback,
		.config = request->config,
		.params = &request->params,
		.needs = request->needs,
		.strategy = request->strategy,
		.seed = request->seed,
		.stream = request->stream,
		.demand = &request->demand,
	};
}

/* Gives up its place as the one that tries a better-placed target. */
static void
stop_trying_better(struct call *call)
{
	struct health_preferred *entry = health_preferred(
		call->env->health, call->request->chain->memory, clock_now_ms(call->env->clock));

	if (call->request->remembers && entry && entry->tried_by == call->number)
		entry->tried_by = 0;
}

static void
free_call(struct call *call)
{
	struct gate *gate = call->env->gate;
	struct user *user = call->user;
	struct gate_news news = {.wants = call->freed};
	bool entered = call->waiter.entered;

	list_remove(&call->node);
	gate_forget(gate, &call->waiter);
	gate_leave(gate, &call->waiter);
	clock_stop(call->env->clock, &call->timer);
	clock_stop(call->env->clock, &call->hedge);
	clock_stop(call->env->clock, &call->stall);
	for (size_t i = 0; i < call->attempt_count; i++)
		free(call->attempts[i].target);
	free(call->attempts);
	route_free(&call->route);
	free(call->progress);
	for (size_t i = 0; i < call->lane_count; i++)
		json_free(call->lanes[i].messages);
	free(call->lanes);
	buf_free(&call->told);
	free(call->message);
	call_request_free(call->request);
	free(call);
	user_release(user);
	if (entered)
		gate_wake(gate, &news);
}

static void
deliver(struct call *call, const struct call_result *result)
{
	struct stats *stats = call->env->stats;

	call_set_state(call, CALL_OVER);
	stop_trying_better(call);
	stats->total_requests++;
	if (result->error == 0)
		stats->succeeded++;
	else
		stats->failed++;
	if (result->fallback_occurred)
		stats->fallback_requests++;
	call->events->done(call->arg, result);
	free_call(call);
}

static struct call_result
result_of(const struct call *call)
{
	return (struct call_result){
		.retry_after_ms = -1,
		.first_token_ms = call->first_token_ms,
		.attempts = call->attempts,
		.attempt_count = call->attempt_count,
		.total_latency_ms = clock_now_ms(call->env->clock) - call->started_ms,
		.request = call->request,
	};
}

static void
deliver_error(void *arg)
{
	struct call *call = arg;
	struct call_result result = result_of(call);

	result.error = call->error;
	result.message = call->message;
	result.retry_after_ms = call->retry_after_ms;
	result.partial = call->told.len ? call->told.data : NULL;
	result.partial_length = call->told.len;
	call_log_failed(call);
	deliver(call, &result);
}

/* The reply goes out in the next turn, for this may be inside call_start(). */
void
call_fail(struct call *call, int error, char *message)
{
	call_lanes_stop(call, NULL, "cancelled");
	gate_forget(call->env->gate, &call->waiter);
	clock_stop(call->env->clock, &call->stall);
	call->error = error;
	free(call->message);
	call->message = message;
	call_set_state(call, CALL_ENDING);
	clock_soon(call->env->clock, &call->timer, deliver_error, call);
}

void
call_fail_with(struct call *call, int error)
{
	call->retry_after_ms = call_retry_after_ms(call);
	call_fail(call, error, call_failure_text(call, error));
}

void
call_fail_as_judged(struct call *call)
{
	call_fail_with(call, call_final_error(call));
}

/* Remembers (or forgets) what the chain should go to first from now on. */
static void
remember(struct call *call, const struct route_candidate *winner)
{
	struct health *health = call->env->health;
	const char *chain = call->request->chain->memory;
	int64_t now_ms = clock_now_ms(call->env->clock);

	if (!call_request_want(call->request).remembers || !call->request->fallback)
		return;
	if (winner->preferred && !call->failed)
		return;
	/* a target that was left for the request's own sake (too long, refused content) is not
	 * worse for the next call */
	if (winner->place != call_first_place(&call->route) && call_left_for_health(call, winner)) {
		if (health_prefer(health, chain, winner->target->name, now_ms)) {
			log_info("chain %s now prefers %s", chain, winner->target->name);
			event_preferred(call->env->events, chain, winner->target->name);
		}
		if (call->env->health_changed)
			call->env->health_changed(call->env->arg);
	} else if (call_beats_preferred(call, winner)) {
		if (health_unprefer(health, chain))
			event_preferred(call->env->events, chain, NULL);
		log_info("chain %s is back at %s", chain, winner->target->name);
	}
}

void
call_succeed(struct call_lane *lane, struct provider_answer *answer)
{
	struct call *call = lane->call;
	struct route_candidate *winner = lane->candidate;
	struct call_result result = result_of(call);

	result.target = winner->target;
	result.answer = answer;
	result.fallback_occurred = winner->place != call_first_place(&call->route);
	call_complete(lane, answer);
	call_note_estimate(lane, &answer->usage);
	if (!answer->usage.reported) {
		call_estimate_usage(lane, &answer->usage, answer);
		result.usage_estimated = true;
	}
	call_answer_cost(call, winner->target, &answer->usage);
	call_sum_costs(call, &result);
	remember(call, winner);
	call_log_answered(call, winner);
	deliver(call, &result);
}

static void
order_candidates(struct call *call)
{
	struct route_want want;

	choose_draw(call->request, call->env);
	want = call_request_want(call->request);
	want.call = call->number;
	route_free(&call->route);
	free(call->progress);
	route_order(&call->route, call->env->health, &want, clock_now_ms(call->env->clock));
	call_log_candidates(call);
	call->progress = x_calloc(call->route.count, sizeof call->progress[0]);
	call_lanes_make(call);
}

static void
on_woken(void *arg)
{
	struct call *call = arg;

	clock_stop(call->env->clock, &call->timer);
	if (call->attempt_count == 0)
		order_candidates(call);
	call_go_on(call);
}

static void
on_queue_deadline(void *arg)
{
	struct call *call = arg;

	gate_forget(call->env->gate, &call->waiter);
	call_go_on(call);
}

char *
call_crowded_text(const struct gate *gate, const struct user *user, enum gate_fault fault)
{
	if (fault == GATE_USER_FULL)
		return x_asprintf("%d calls of uid %u are waiting already (limits.user_queue)",
			user->calls.waiting, user->uid);
	return x_asprintf("%d calls are waiting already (limits.queue)", gate->waiting);
}

/* Any of them may be what lets it go on, those that are kept out included. */
static uint64_t
wanted(const struct call *call)
{
	uint64_t wants = 0;

	for (size_t i = 0; i < call->route.count; i++)
		wants |= gate_bit(call->route.candidates[i].target->provider->name);
	return wants;
}

/* Waits for a place, at most until the deadline. */
static void
queue_up(struct call *call)
{
	struct gate *gate = call->env->gate;

	call->waiter.wants = wanted(call);
	enum gate_fault fault = gate_wait(gate, &call->waiter, on_woken, call);
	if (fault != GATE_FITS) {
		call_fail(call, call_has_told(call) ? LLMFO_EINTERRUPTED : LLMFO_EBUSY,
			call_crowded_text(gate, call->user, fault));
		return;
	}
	call_set_state(call, CALL_QUEUED);
	clock_start(call->env->clock, &call->timer, call->deadline_ms, on_queue_deadline, call);
}

static void
fail_for_strict(struct call *call)
{
	const struct health_forced *forced =
		health_forced(call->env->health, clock_now_ms(call->env->clock));

	call_fail(call, LLMFO_ENOT_FOUND,
		x_asprintf("provider %s is forced strictly and %s%s has no target there",
			forced ? forced->provider : "another",
			call->request->chain->name[0] ? "chain " : "this call",
			call->request->chain->name));
}

/* One more candidate that is let through, if there are both a candidate and a lane. */
static bool
start_next(struct call *call, int64_t now_ms, bool *busy)
{
	struct call_lane *lane = call_lane_free(call);
	struct route_candidate *candidate = lane ? call_next_candidate(call, now_ms, busy) : NULL;

	if (candidate)
		call_lane_try(lane, candidate);
	return candidate != NULL;
}

static void
on_hedge(void *arg)
{
	call_go_on(arg);
}

/* How many could be brought forward beside those that run. */
static size_t
count_more(const struct call *call)
{
	size_t count = 0, lanes = 0;

	for (size_t i = 0; i < call->route.count; i++) {
		const struct route_candidate *candidate = &call->route.candidates[i];
		const struct call_progress *progress = &call->progress[i];

		count += !progress->spent && !progress->running && !progress->broke &&
			(candidate->out == ROUTE_IN || candidate->out == ROUTE_BUSY);
	}
	for (size_t i = 0; i < call->lane_count; i++)
		lanes += !call->lanes[i].candidate;
	return count < lanes ? count : lanes;
}

/* In a race that does not begin all at once: the next one comes forward after a while. */
static void
arm_hedge(struct call *call)
{
	struct clock *clock = call->env->clock;
	size_t more = call->request->race.hedge_after_ms == 0 ? 0 : count_more(call);

	if (more == 0)
		return;
	int64_t at_ms = util_add_clamped(clock_now_ms(clock), call_hedge_ms(call, more));
	if (at_ms < call->deadline_ms)
		clock_start(clock, &call->hedge, at_ms, on_hedge, call);
}

/* When no candidate is let through: one by an early probe, one whose circuit only a report opened;
 * or NULL. */
static struct route_candidate *
against_the_odds(struct call *call, int64_t now_ms)
{
	struct route_candidate *candidate = call_last_resort(call, now_ms);

	if (!candidate && call->attempt_count == 0 && call->request->config->when_all_open_try)
		candidate = route_early_probe(&call->route, call->env->health, now_ms);
	return candidate;
}

/* When there is nobody else: one that broke or named its wait is asked again; else it is over. */
static void
ask_again(struct call *call, int64_t now_ms)
{
	int64_t wait_ms = 0;
	struct route_candidate *candidate = call_broken_again(call, &wait_ms);

	if (!candidate)
		candidate = call_last_wait(call, now_ms, &wait_ms);
	if (!candidate) {
		call_fail_as_judged(call);
		return;
	}
	call_progress(call, candidate)->spent = false;
	call_lane_pause(call_lane_free(call), candidate, wait_ms);
}

/* The next candidate that is let through, in a race as many as may begin at once; if nothing runs
 * then: against the odds; else wait for a busy provider; else ask again; else the end. */
static void
start_more(struct call *call, int64_t now_ms)
{
	bool busy = false;
	bool started = start_next(call, now_ms, &busy);

	while (started && call->request->race.hedge_after_ms == 0 &&
		start_next(call, now_ms, &busy))
		;
	if (!call_lanes_idle(call)) {
		arm_hedge(call);
		return;
	}
	struct route_candidate *candidate = busy ? NULL : against_the_odds(call, now_ms);
	if (candidate)
		call_lane_try(call_lane_free(call), candidate);
	else if (busy)
		queue_up(call);
	else
		ask_again(call, now_ms);
}

void
call_go_on(struct call *call)
{
	int64_t now_ms = clock_now_ms(call->env->clock);

	clock_stop(call->env->clock, &call->hedge);
	if (now_ms >= call->deadline_ms) {
		call_fail_as_judged(call);
	} else if (call->route.strict_miss && call->attempt_count == 0) {
		fail_for_strict(call);
	} else if (!call->waiter.entered && !gate_enter(call->env->gate, &call->waiter)) {
		queue_up(call);
	} else {
		start_more(call, now_ms);
	}
}

struct call *
call_start(struct call_env *env, struct call_request *request, const struct call_events *events,
	void *arg)
{
	struct call *call = x_calloc(1, sizeof *call);

	call->env = env;
	call->request = request;
	call->user = users_take(env->users, request->uid);
	call->waiter.user = &call->user->calls;
	call->waiter.admin = request->admin;
	call->waiter.key = request->config;
	call->number = ++env->calls;
	list_init(&call->node);
	if (env->all)
		list_append(env->all, &call->node);
	call->events = events;
	call->arg = arg;
	call->retry_after_ms = call->first_token_ms = -1;
	buf_init(&call->told, TOLD_MAX_BYTES);
	call->started_ms = clock_now_ms(env->clock);
	call->deadline_ms = util_add_clamped(call->started_ms, call_allowed_ms(request));
	order_candidates(call);
	call_go_on(call);
	return call;
}

void
call_cancel(struct call *call)
{
	call_lanes_stop(call, NULL, "cancelled");
	stop_trying_better(call);
	call_set_state(call, CALL_OVER);
	call->env->stats->cancelled++;
	free_call(call);
}

void
call_abort(struct call *call, int error, const char *message)
{
	if (call->state == CALL_ENDING)
		return;
	call_fail(call, error, x_strdup(message));
}

int64_t
call_first_deadline_ms(const struct list *all)
{
	int64_t first_ms = CLOCK_NEVER;

	for (struct list *node = all->next; node != all; node = node->next) {
		const struct call *call = LIST_OWNER(node, struct call, node);

		if (call->deadline_ms < first_ms)
			first_ms = call->deadline_ms;
	}
	return first_ms;
}
