/* SPDX-License-Identifier: MIT */
/*
 * The candidates that a call runs: one after the other in its only lane, or side by side in a race.
 * What an attempt's end means is decided here, in on_done(); what the call does then, in
 * call_go_on().
 */
#include <stdlib.h>

#include "call_rules.h"
#include "log.h"
#include "room.h"

void
call_lanes_make(struct call *call)
{
	const struct call_request *request = call->request;
	size_t count = request->race.max_parallel > 0 ? (size_t)request->race.max_parallel
						      : call->route.count;

	if (!request->config->hedging || count == 0)
		count = 1;
	call->lane_count = count < call->route.count ? count : call->route.count;
	free(call->lanes);
	call->lanes = x_calloc(call->lane_count, sizeof call->lanes[0]);
	for (size_t i = 0; i < call->lane_count; i++)
		call->lanes[i].call = call;
}

struct call_lane *
call_lane_free(struct call *call)
{
	struct call_lane *found = NULL;

	/* one that something failed in: what comes next takes over from it */
	for (size_t i = 0; i < call->lane_count; i++)
		if (!call->lanes[i].candidate && (!found || call->lanes[i].failed))
			found = &call->lanes[i];
	return found;
}

bool
call_lanes_idle(const struct call *call)
{
	for (size_t i = 0; i < call->lane_count; i++)
		if (call->lanes[i].candidate)
			return false;
	return true;
}

size_t
call_attempts_running(const struct call *call)
{
	size_t count = 0;

	for (size_t i = 0; i < call->lane_count; i++)
		count += call->lanes[i].attempt != NULL;
	return count;
}

static void
occupy(struct call_lane *lane, struct route_candidate *candidate)
{
	lane->candidate = candidate;
	call_progress(lane->call, candidate)->running = true;
	call_set_state(lane->call, CALL_RUNNING);
}

static void
leave(struct call_lane *lane)
{
	struct call *call = lane->call;

	clock_stop(call->env->clock, &lane->timer);
	json_free(lane->messages);
	lane->messages = NULL;
	if (lane->candidate)
		call_progress(call, lane->candidate)->running = false;
	lane->candidate = NULL;
	if (call->winner == lane)
		call->winner = NULL;
}

static void
record(struct call_lane *lane, const struct outcome *outcome, int64_t latency_ms,
	const struct attempt_result *result)
{
	struct call *call = lane->call;
	struct call_attempt *row;

	call->attempts = x_realloc(call->attempts, (call->attempt_count + 1) * sizeof *row);
	row = &call->attempts[call->attempt_count++];
	*row = (struct call_attempt){
		.target = x_strdup(lane->candidate->target->name),
		.outcome = *outcome,
		.latency_ms = latency_ms,
	};
	call_attempt_cost(lane, result, row);
}

/* Tells health how a lane's attempt ended, latency_ms: -1 if it says nothing. What it did. */
static struct health_change
note_end(struct call_lane *lane, const struct outcome *outcome, int64_t latency_ms)
{
	const struct config_target *target = lane->candidate->target;
	struct call *call = lane->call;
	struct call_env *env = call->env;

	if (env->jitter_cooldowns)
		health_set_jitter(env->health, (int)(nrand48(env->seed) % 1000));
	struct health_change change = health_end(env->health, target->provider->name, target->name,
		lane->ticket, outcome, latency_ms, clock_now_ms(env->clock));

	lane->attempt = NULL;
	call_log_circuits(call, target, change, outcome);
	event_circuits(env->events);
	if (env->health_changed && outcome->class != OUTCOME_OK)
		env->health_changed(env->arg);
	return change;
}

static void
stop(struct call_lane *lane, const char *why)
{
	struct outcome outcome;

	if (lane->attempt) {
		outcome_set(&outcome, OUTCOME_CANCELLED, "%s", why);
		int64_t ran_ms = attempt_cancel(lane->attempt);
		record(lane, &outcome, ran_ms, NULL);
		(void)note_end(lane, &outcome, ran_ms);
		lane->call->freed |= gate_bit(lane->candidate->target->provider->name);
	}
	leave(lane);
	lane->failed = NULL;
}

void
call_lanes_stop(struct call *call, const struct call_lane *but, const char *why)
{
	clock_stop(call->env->clock, &call->hedge);
	for (size_t i = 0; i < call->lane_count; i++)
		if (&call->lanes[i] != but)
			stop(&call->lanes[i], why);
}

static void
on_pause_over(void *arg)
{
	struct call_lane *lane = arg;
	struct call *call = lane->call;
	struct route_candidate *candidate = lane->candidate;
	struct call_progress *progress = call_progress(call, candidate);
	enum route_out out = call_admit(call, candidate, clock_now_ms(call->env->clock));

	if (out == ROUTE_IN && !progress->spent) {
		call_lane_try(lane, candidate);
		return;
	}
	/* for a busy one it waits its turn */
	if (out != ROUTE_BUSY)
		progress->spent = progress->unreported = true;
	leave(lane);
	call_go_on(call);
}

void
call_lane_pause(struct call_lane *lane, struct route_candidate *candidate, int64_t wait_ms)
{
	struct clock *clock = lane->call->env->clock;

	occupy(lane, candidate);
	call_progress(lane->call, candidate)->repeats++;
	clock_start(clock, &lane->timer, util_add_clamped(clock_now_ms(clock), wait_ms),
		on_pause_over, lane);
}

/* It would not go on from what was told: it, or another, is asked from the beginning. */
static bool
refused_prefill(const struct call_lane *lane, const struct outcome *outcome)
{
	return lane->continues && !lane->told && outcome->class == OUTCOME_BAD_REQUEST;
}

/* It failed, for good or to be repeated. */
static void
fail(struct call_lane *lane, const struct attempt_result *result)
{
	struct call *call = lane->call;
	struct route_candidate *candidate = lane->candidate;
	struct call_progress *progress = call_progress(call, candidate);
	const struct outcome *outcome = &result->outcome;
	bool refused = refused_prefill(lane, outcome);
	int64_t now_ms = clock_now_ms(call->env->clock);

	progress->last = *outcome;
	progress->latency_ms = result->latency_ms;
	progress->free_at_ms =
		outcome->retry_after_ms > 0 ? util_add_clamped(now_ms, outcome->retry_after_ms) : 0;
	call->failed = lane->failed = candidate;
	if (refused) {
		progress->no_prefill = true;
	} else if (lane->told) {
		if (!call_mends(call, outcome))
			return;
		progress->broke = true;
	} else {
		int64_t wait_ms = call_repeat_wait_ms(call, candidate, outcome);
		if (wait_ms >= 0) {
			call_lane_pause(lane, candidate, wait_ms);
			return;
		}
		if (!call_goes_on(call, outcome)) {
			call_fail_as_judged(call);
			return;
		}
		call_mark_spent(call, candidate, outcome);
	}
	progress->unreported = !refused;
	leave(lane);
	call_go_on(call);
}

/* Does an attempt's end end its call, whatever else runs? */
static bool
is_last_word(const struct call_lane *lane, const struct outcome *outcome)
{
	if (outcome->class == OUTCOME_OK)
		return true;
	return !refused_prefill(lane, outcome) && !call_goes_on(lane->call, outcome);
}

/* What is said of those that run beside one whose end is the last word. */
static const char *
why_others_end(const struct outcome *outcome)
{
	if (outcome->class == OUTCOME_OK)
		return CALL_WAS_FASTER;
	if (outcome->class == OUTCOME_DEADLINE_EXCEEDED)
		return "the call's deadline passed";
	return "another target ended the call";
}

static void
on_done(void *arg, struct attempt_result *result)
{
	struct call_lane *lane = arg;
	struct call *call = lane->call;
	struct gate *gate = call->env->gate;
	const struct config_target *target = lane->candidate->target;
	struct health *health = call->env->health;
	const char *provider = target->provider->name;
	/* the call, and a target that is its own, may be gone before others hear of it */
	struct config *config = config_ref(call->request->config);
	bool answered = result->outcome.class == OUTCOME_OK;

	/* those that it leaves behind stand before it in the list of attempts */
	if (is_last_word(lane, &result->outcome))
		call_lanes_stop(call, lane, why_others_end(&result->outcome));
	record(lane, &result->outcome, result->latency_ms, result);
	if (result->quota.known)
		health_quota(health, target->name, &result->quota);
	if (answered && result->first_content_ms >= 0)
		health_first_token(
			health, target->provider->name, target->name, result->first_content_ms);
	/* how long it took, held by its caller, says nothing of the target */
	struct health_change change = note_end(
		lane, &result->outcome, result->held_ms > 0 ? -1 : result->latency_ms);
	if (answered)
		call_succeed(lane, result->answer);
	else
		fail(lane, result);
	room_made(gate, health, provider, change);
	config_unref(config);
}

/* The first piece of a stream ends a race, and with it what others had in flight. */
static void
tell_freed(struct call *call)
{
	struct gate_news news = {.wants = call->freed};

	call->freed = 0;
	if (news.wants)
		gate_wake(call->env->gate, &news);
}

static void
on_text(void *arg, const char *text, size_t length)
{
	struct call_lane *lane = arg;

	call_tell_text(lane, text, length);
	tell_freed(lane->call);
}

static void
on_tool_call(void *arg, const struct json *tool_call)
{
	struct call_lane *lane = arg;

	call_tell_tool_call(lane, tool_call);
	tell_freed(lane->call);
}

static const struct attempt_events events = {
	.done = on_done,
	.text = on_text,
	.tool_call = on_tool_call,
};

/* Takes the place of the one call at a time that tries a better-placed target than the preferred.
 */
static void
try_better(struct call *call, const struct route_candidate *candidate)
{
	struct health_preferred *entry;

	if (!candidate->better || candidate->passed_over)
		return;
	entry = health_preferred(
		call->env->health, call->request->chain->memory, clock_now_ms(call->env->clock));
	if (entry && entry->tried_by == 0)
		entry->tried_by = call->number;
}

void
call_lane_try(struct call_lane *lane, struct route_candidate *candidate)
{
	struct call *call = lane->call;
	struct call_env *env = call->env;
	const struct config_target *target = candidate->target;
	struct attempt_request request = {
		.target = target, .chat = &lane->chat, .stream = call->request->stream};

	occupy(lane, candidate);
	lane->told = false;
	/* what it brings has to win anew, and to be held if its caller takes nothing */
	if (call->winner == lane)
		call->winner = NULL;
	call_prefill(lane);
	lane->told_from = lane->continues ? call->told.len : 0;
	call_fill_chat(lane->call, candidate->target, &lane->chat);
	if (lane->messages)
		lane->chat.messages = lane->messages;
	call_limits(lane, &request);
	call_log_switch(lane);
	try_better(call, candidate);
	lane->ticket = health_begin(
		env->health, target->provider->name, target->name, clock_now_ms(env->clock));
	env->stats->attempts++;
	if (call_progress(call, candidate)->repeats > 0)
		env->stats->repeats++;
	call->newest = lane;
	lane->attempt = attempt_start(env->clock, env->transport, &request, &events, lane);
}
