/* SPDX-License-Identifier: MIT */
/*
 * See call.h. What happens next is decided in one place, choose_next(); what an attempt's end
 * means, in on_attempt_done(). call_rules.c has the pure judgements, call_report.c the words.
 */
#include "call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "call_rules.h"
#include "choose.h"
#include "llmfo.h"
#include "log.h"

static void choose_next(struct call *call);

static void
set_state(struct call *call, enum call_state state)
{
	static const char *const names[] = {
		"starting", "queued", "trying", "pausing", "ending", "over"};

	if (log_wants(LOG_DEBUG))
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
		.remembers = request->remembers,
		.fallback = request->fallback,
		.config = request->config,
		.params = &request->params,
		.needs = request->needs,
		.strategy = request->strategy,
		.seed = request->seed,
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
	bool entered = call->entered;

	gate_forget(gate, &call->waiter);
	clock_stop(call->env->clock, &call->timer);
	for (size_t i = 0; i < call->attempt_count; i++)
		free(call->attempts[i].target);
	free(call->attempts);
	route_free(&call->route);
	free(call->progress);
	free(call->message);
	call_request_free(call->request);
	free(call);
	if (entered) {
		gate_leave(gate);
		gate_wake(gate);
	}
}

static void
deliver(struct call *call, const struct call_result *result)
{
	struct stats *stats = call->env->stats;

	set_state(call, CALL_OVER);
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
		.first_token_ms = -1,
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
	call_log_failed(call);
	deliver(call, &result);
}

/* Ends with an error; takes over message. The reply goes out in the next turn, for this may be
 * inside call_start(). */
static void
fail(struct call *call, int error, char *message)
{
	call->error = error;
	free(call->message);
	call->message = message;
	set_state(call, CALL_ENDING);
	clock_soon(call->env->clock, &call->timer, deliver_error, call);
}

static void
fail_as_judged(struct call *call)
{
	int error = call_final_error(call);

	call->retry_after_ms = call_retry_after_ms(call);
	fail(call, error, call_failure_text(call, error));
}

/* Remembers (or forgets) what the chain should go to first from now on. */
static void
remember(struct call *call, const struct route_candidate *winner)
{
	struct health *health = call->env->health;
	const char *chain = call->request->chain->memory;
	int64_t now_ms = clock_now_ms(call->env->clock);

	if (!call->request->remembers || !call->request->fallback)
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

static void
succeed(struct call *call, struct attempt_result *attempt)
{
	struct route_candidate *winner = call->current;
	struct call_result result = result_of(call);

	result.target = winner->target;
	result.answer = attempt->answer;
	result.fallback_occurred = winner->place != call_first_place(&call->route);
	if (!attempt->answer->usage.reported) {
		call_estimate_usage(call, &attempt->answer->usage, attempt->answer);
		result.usage_estimated = true;
	}
	remember(call, winner);
	call_log_answered(call);
	deliver(call, &result);
}

static void
record_attempt(struct call *call, const struct attempt_result *result)
{
	struct call_attempt *row;

	call->attempts = x_realloc(call->attempts, (call->attempt_count + 1) * sizeof *row);
	row = &call->attempts[call->attempt_count++];
	row->target = x_strdup(call->current->target->name);
	row->outcome = result->outcome;
	row->latency_ms = result->latency_ms;
}

/* Tells health how the running attempt ended. */
static void
note_end(struct call *call, const struct outcome *outcome, int64_t latency_ms)
{
	const struct config_target *target = call->current->target;
	struct call_env *env = call->env;

	if (env->jitter_cooldowns)
		health_set_jitter(env->health, (int)(nrand48(env->seed) % 1000));
	struct health_change change = health_end(env->health, target->provider->name, target->name,
		call->ticket, outcome, latency_ms, clock_now_ms(env->clock));

	call->attempt = NULL;
	call_log_circuits(call, change, outcome);
	event_circuits(call->env->events);
	if (call->env->health_changed && outcome->class != OUTCOME_OK)
		call->env->health_changed(call->env->arg);
}

static void
on_pause_over(void *arg)
{
	choose_next(arg);
}

static void
pause_for(struct call *call, int64_t wait_ms)
{
	set_state(call, CALL_PAUSING);
	clock_start(call->env->clock, &call->timer,
		util_add_clamped(clock_now_ms(call->env->clock), wait_ms), on_pause_over, call);
}

static void
on_attempt_done(void *arg, struct attempt_result *result)
{
	struct call *call = arg;
	struct gate *gate = call->env->gate;
	struct call_progress *progress = call_progress(call);

	record_attempt(call, result);
	if (result->quota.known)
		health_quota(call->env->health, call->current->target->name, &result->quota);
	note_end(call, &result->outcome, result->latency_ms);
	if (result->outcome.class == OUTCOME_OK) {
		succeed(call, result);
	} else {
		int64_t wait_ms = call_repeat_wait_ms(call, &result->outcome);

		progress->last = result->outcome;
		progress->free_at_ms = result->outcome.retry_after_ms > 0
			? util_add_clamped(
				  clock_now_ms(call->env->clock), result->outcome.retry_after_ms)
			: 0;
		call->failed = call->current;
		if (wait_ms >= 0) {
			progress->repeats++;
			pause_for(call, wait_ms);
		} else if (call_goes_on(call, &result->outcome)) {
			call_mark_spent(call, &result->outcome);
			call->current = NULL;
			choose_next(call);
		} else {
			fail_as_judged(call);
		}
	}
	gate_wake(gate);
}

static const struct attempt_events attempt_events = {.done = on_attempt_done};

static void
try_target(struct call *call, struct route_candidate *candidate)
{
	const struct config_target *target = candidate->target;
	struct call_env *env = call->env;
	struct attempt_request request = {.target = target, .chat = &call->chat};
	struct health_preferred *entry;

	call->current = candidate;
	call_fill_chat(call, target);
	call_limits(call, &request);
	call_log_switch(call);
	if (candidate->better && !candidate->passed_over) {
		entry = health_preferred(
			env->health, call->request->chain->memory, clock_now_ms(env->clock));
		if (entry && entry->tried_by == 0)
			entry->tried_by = call->number;
	}
	call->ticket = health_begin(
		env->health, target->provider->name, target->name, clock_now_ms(env->clock));
	env->stats->attempts++;
	if (call_progress(call)->repeats > 0)
		env->stats->repeats++;
	set_state(call, CALL_TRYING);
	call->attempt = attempt_start(env->clock, env->transport, &request, &attempt_events, call);
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
}

static void
on_woken(void *arg)
{
	struct call *call = arg;

	clock_stop(call->env->clock, &call->timer);
	if (call->attempt_count == 0)
		order_candidates(call);
	choose_next(call);
}

static void
on_queue_deadline(void *arg)
{
	struct call *call = arg;

	gate_forget(call->env->gate, &call->waiter);
	choose_next(call);
}

/* Waits for a place, at most until the deadline. */
static void
queue_up(struct call *call)
{
	if (!gate_wait(call->env->gate, &call->waiter, on_woken, call)) {
		fail(call, LLMFO_EBUSY,
			x_asprintf("%d calls are waiting already (limits.queue)",
				call->env->gate->waiting));
		return;
	}
	set_state(call, CALL_QUEUED);
	clock_start(call->env->clock, &call->timer, call->deadline_ms, on_queue_deadline, call);
}

static void
fail_for_strict(struct call *call)
{
	const struct health_forced *forced =
		health_forced(call->env->health, clock_now_ms(call->env->clock));

	fail(call, LLMFO_ENOT_FOUND,
		x_asprintf("provider %s is forced strictly and %s%s has no target there",
			forced ? forced->provider : "another",
			call->request->chain->name[0] ? "chain " : "this call",
			call->request->chain->name));
}

/*
 * Decides what the call does now: the next candidate that is let through; else wait for a busy
 * provider; else an early probe; else wait out, once, what the provider asked for; else the end.
 */
static void
choose_next(struct call *call)
{
	int64_t now_ms = clock_now_ms(call->env->clock);
	struct route_candidate *candidate;
	bool busy = false;

	if (now_ms >= call->deadline_ms) {
		fail_as_judged(call);
		return;
	}
	if (call->route.strict_miss && call->attempt_count == 0) {
		fail_for_strict(call);
		return;
	}
	if (!call->entered && !gate_enter(call->env->gate)) {
		queue_up(call);
		return;
	}
	call->entered = true;
	candidate = call_next_candidate(call, now_ms, &busy);
	if (!candidate && !busy)
		candidate = call_last_resort(call, now_ms);
	if (!candidate && !busy && call->attempt_count == 0 &&
		call->request->config->when_all_open_try)
		candidate = route_early_probe(&call->route, call->env->health, now_ms);
	if (candidate) {
		try_target(call, candidate);
		return;
	}
	if (busy) {
		queue_up(call);
		return;
	}
	int64_t wait_ms = call_last_wait_ms(call, now_ms);
	if (wait_ms >= 0)
		pause_for(call, wait_ms);
	else
		fail_as_judged(call);
}

struct call *
call_start(struct call_env *env, struct call_request *request, const struct call_events *events,
	void *arg)
{
	struct call *call = x_calloc(1, sizeof *call);

	call->env = env;
	call->request = request;
	call->number = ++env->calls;
	call->events = events;
	call->arg = arg;
	call->retry_after_ms = -1;
	call->started_ms = clock_now_ms(env->clock);
	call->deadline_ms = util_add_clamped(call->started_ms, call_allowed_ms(request));
	order_candidates(call);
	choose_next(call);
	return call;
}

/* Stops whatever runs, telling health that it ended without a judgement. */
static void
stop(struct call *call)
{
	struct outcome outcome;

	if (!call->attempt)
		return;
	outcome_set(&outcome, OUTCOME_CANCELLED, "%s", "cancelled");
	int64_t ran_ms = attempt_cancel(call->attempt);
	struct attempt_result result = {.outcome = outcome, .latency_ms = ran_ms};
	record_attempt(call, &result);
	note_end(call, &outcome, ran_ms);
}

void
call_cancel(struct call *call)
{
	stop(call);
	stop_trying_better(call);
	set_state(call, CALL_OVER);
	call->env->stats->cancelled++;
	free_call(call);
}

void
call_abort(struct call *call, int error, const char *message)
{
	if (call->state == CALL_ENDING)
		return;
	stop(call);
	gate_forget(call->env->gate, &call->waiter);
	fail(call, error, x_strdup(message));
}
