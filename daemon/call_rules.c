/* SPDX-License-Identifier: MIT */
/* What a call judges: who comes next, whether to repeat, when to give up. Reads the call, changes
 * no more than its progress. */
#include "call_rules.h"

#include <stdlib.h>
#include <string.h>

#include "llmfo.h"

/* Full jitter: a random time between nothing and base * 2^n, with a cap ("Exponential Backoff And
 * Jitter", AWS, 2015). */
#define BACKOFF_BASE_MS 250
#define BACKOFF_CAP_MS 8000

/* When a probe is out it is not known when it ends: so soon it is worth asking again. */
#define PROBE_MS 1000

struct call_progress *
call_progress(const struct call *call, const struct route_candidate *candidate)
{
	return &call->progress[candidate - call->route.candidates];
}

size_t
call_first_place(const struct route *route)
{
	const struct route_candidate *first = NULL;

	for (size_t i = 0; i < route->count; i++) {
		const struct route_candidate *candidate = &route->candidates[i];

		if (!route_is_there(candidate) || (first && first->wished && !candidate->wished))
			continue;
		if (!first || (candidate->wished && !first->wished) ||
			candidate->place < first->place)
			first = candidate;
	}
	return first ? first->place : 0;
}

enum route_out
call_admit(struct call *call, struct route_candidate *candidate, int64_t now_ms)
{
	if (candidate->out == ROUTE_NOT_FIRST || candidate->out == ROUTE_NOT_FORCED)
		return candidate->out;
	return route_admit(candidate, call->env->health, now_ms);
}

static bool
goes_on_from_told(const struct call *call)
{
	return call->request->on_break == CALL_BREAK_CONTINUE && call_has_told(call);
}

struct route_candidate *
call_next_candidate(struct call *call, int64_t now_ms, bool *busy)
{
	bool continues = goes_on_from_told(call);
	struct route_candidate *first = NULL;

	*busy = false;
	for (size_t i = 0; i < call->route.count; i++) {
		struct route_candidate *candidate = &call->route.candidates[i];
		const struct call_progress *progress = &call->progress[i];

		if (progress->spent || progress->running || progress->broke)
			continue;
		enum route_out out = call_admit(call, candidate, now_ms);
		*busy |= out == ROUTE_BUSY;
		if (out != ROUTE_IN)
			continue;
		if (!continues || call_can_continue(call, candidate))
			return candidate;
		if (!first)
			first = candidate;
	}
	return first;
}

struct route_candidate *
call_last_resort(struct call *call, int64_t now_ms)
{
	for (size_t i = 0; i < call->route.count; i++)
		if (!call->progress[i].spent && !call->progress[i].broke &&
			route_out_by_hearsay(&call->route.candidates[i], call->env->health, now_ms))
			return &call->route.candidates[i];
	return NULL;
}

static int
max_repeats(const struct call *call, const struct route_candidate *candidate)
{
	if (call->request->max_retries >= 0)
		return call->request->max_retries;
	if (call->request->chain->max_retries_per_model >= 0)
		return call->request->chain->max_retries_per_model;
	return candidate->target->provider->max_retries;
}

static int64_t
backoff_ms(struct call *call, int repeats)
{
	int64_t cap_ms = BACKOFF_BASE_MS;

	for (int i = 0; i < repeats && cap_ms < BACKOFF_CAP_MS; i++)
		cap_ms *= 2;
	if (cap_ms > BACKOFF_CAP_MS)
		cap_ms = BACKOFF_CAP_MS;
	return nrand48(call->env->seed) % (cap_ms + 1);
}

/* By the failure's class: the wait before a repeat, -1 if there is none. */
static int64_t
class_wait_ms(
	struct call *call, const struct call_progress *progress, const struct outcome *outcome)
{
	int64_t hint_ms = outcome->retry_after_ms;

	switch (outcome_rule(outcome->class)->repeat) {
	case OUTCOME_REPEAT_NEVER: return -1;
	case OUTCOME_REPEAT_RESET: return outcome->refused || progress->repeats > 0 ? -1 : 0;
	case OUTCOME_REPEAT_WAIT: return hint_ms > 0 ? hint_ms : -1;
	case OUTCOME_REPEAT_BACKOFF: break;
	}
	return hint_ms > 0 ? hint_ms : backoff_ms(call, progress->repeats);
}

/* The budget of the provider that a candidate's repeats are paid from. */
static struct retry *
budget(struct call *call, const struct route_candidate *candidate)
{
	return &health_subject(
		call->env->health, HEALTH_PROVIDER, candidate->target->provider->name)
			->retry;
}

int64_t
call_repeat_wait_ms(
	struct call *call, struct route_candidate *candidate, const struct outcome *outcome)
{
	const struct call_progress *progress = call_progress(call, candidate);
	int64_t now_ms = clock_now_ms(call->env->clock);

	if (progress->spent || progress->repeats >= max_repeats(call, candidate) ||
		outcome->retry_after_ms > candidate->target->provider->retry_after_max_ms)
		return -1;
	int64_t wait_ms = class_wait_ms(call, progress, outcome);
	if (wait_ms < 0)
		return -1;
	/* a circuit that this failure opened for longer leaves nothing to repeat */
	enum route_out out = call_admit(call, candidate, now_ms);
	if ((out == ROUTE_PROVIDER_OPEN || out == ROUTE_TARGET_OPEN) &&
		candidate->out_for_ms > wait_ms)
		return -1;
	if (util_add_clamped(now_ms, wait_ms) >= call->deadline_ms)
		return -1;
	return retry_take(budget(call, candidate)) ? wait_ms : -1;
}

/* The first whose stream broke and that has not been thought of again; those that can go on from
 * what was told before others. */
static struct route_candidate *
next_broken(struct call *call)
{
	struct route_candidate *first = NULL;

	for (size_t i = 0; i < call->route.count; i++) {
		if (!call->progress[i].broke || call->progress[i].spent)
			continue;
		if (!goes_on_from_told(call) || call_can_continue(call, &call->route.candidates[i]))
			return &call->route.candidates[i];
		if (!first)
			first = &call->route.candidates[i];
	}
	return first;
}

struct route_candidate *
call_broken_again(struct call *call, int64_t *wait_ms)
{
	struct route_candidate *candidate;

	while ((candidate = next_broken(call))) {
		struct call_progress *progress = call_progress(call, candidate);

		*wait_ms = call_repeat_wait_ms(call, candidate, &progress->last);
		progress->broke = false;
		if (*wait_ms >= 0)
			return candidate;
		progress->spent = true;
	}
	return NULL;
}

bool
call_goes_on(const struct call *call, const struct outcome *outcome)
{
	const struct config_retry_on *rules = call->request->has_retry_on
		? &call->request->retry_on
		: &call->request->chain->retry_on;

	if (outcome->class == OUTCOME_CANCELLED || outcome->class == OUTCOME_DEADLINE_EXCEEDED)
		return false;
	return config_retries_on(
		rules, outcome->class, outcome->http_status, outcome_fails_over(outcome));
}

void
call_mark_spent(
	struct call *call, const struct route_candidate *candidate, const struct outcome *outcome)
{
	call_progress(call, candidate)->spent = true;
	for (size_t i = 0; outcome->class == OUTCOME_CONTEXT_LENGTH && i < call->route.count; i++)
		if (!route_takes_more(&call->route.candidates[i], candidate))
			call->progress[i].spent = call->progress[i].too_small = true;
}

/* How long a candidate's rate limit lasts yet, -1 if that is not what it failed by, or not all that
 * is in the way. A forced one is waited for as any other. */
static int64_t
limit_left_ms(struct call *call, size_t index, int64_t now_ms)
{
	const struct call_progress *progress = &call->progress[index];
	struct route_candidate *candidate = &call->route.candidates[index];
	int64_t left_ms = progress->free_at_ms > now_ms ? progress->free_at_ms - now_ms : 0;

	if (progress->too_small || progress->last.class != OUTCOME_RATE_LIMITED ||
		progress->free_at_ms == 0)
		return -1;
	switch (call_admit(call, candidate, now_ms)) {
	case ROUTE_IN:
	case ROUTE_BUSY: return left_ms;
	case ROUTE_TARGET_OPEN:
		return candidate->out_for_ms > left_ms ? candidate->out_for_ms : left_ms;
	default: return -1;
	}
}

struct route_candidate *
call_last_wait(struct call *call, int64_t now_ms, int64_t *wait_ms)
{
	struct route_candidate *soonest = NULL;

	if (call->waited)
		return NULL;
	for (size_t i = 0; i < call->route.count; i++) {
		int64_t left_ms = limit_left_ms(call, i, now_ms);

		if (left_ms >= 0 && (!soonest || left_ms < *wait_ms)) {
			soonest = &call->route.candidates[i];
			*wait_ms = left_ms;
		}
	}
	if (!soonest || util_add_clamped(now_ms, *wait_ms) >= call->deadline_ms ||
		!retry_take(budget(call, soonest)))
		return NULL;
	call->waited = true;
	return soonest;
}

bool
call_beats_preferred(const struct call *call, const struct route_candidate *winner)
{
	const struct health_preferred *entry = health_preferred(
		call->env->health, call->request->chain->memory, clock_now_ms(call->env->clock));

	for (size_t i = 0; entry && i < call->route.count; i++)
		if (strcmp(call->route.candidates[i].target->name, entry->target) == 0)
			return winner->place < call->route.candidates[i].place;
	return false;
}

bool
call_left_for_health(const struct call *call, const struct route_candidate *winner)
{
	for (size_t i = 0; i < call->route.count; i++) {
		const struct route_candidate *candidate = &call->route.candidates[i];
		const struct outcome *last = &call->progress[i].last;

		if (candidate->place >= winner->place || candidate->wished < winner->wished)
			continue;
		if (candidate->passed_over || candidate->out == ROUTE_PROVIDER_OPEN ||
			candidate->out == ROUTE_TARGET_OPEN || candidate->out == ROUTE_PROBING ||
			outcome_rule(last->class)->scope != OUTCOME_SCOPE_NOTHING)
			return true;
	}
	return false;
}

int
call_error_of(const struct outcome *outcome)
{
	switch (outcome->class) {
	case OUTCOME_BAD_REQUEST: return LLMFO_EBAD_REQUEST;
	case OUTCOME_CONTEXT_LENGTH: return LLMFO_ECONTEXT_LENGTH;
	case OUTCOME_CONTENT_POLICY: return LLMFO_ECONTENT_POLICY;
	default: return LLMFO_EALL_FAILED;
	}
}

/* Of a call that no candidate suits: what they have in common, else that the request is at fault.
 */
static int
error_unsuited(const struct call *call)
{
	int common = 0;

	for (size_t i = 0; i < call->route.count; i++) {
		enum route_out out = call->route.candidates[i].out;
		int error = out == ROUTE_TOO_SHORT ? LLMFO_ECONTEXT_LENGTH
			: out == ROUTE_TOO_DEAR    ? LLMFO_EBUDGET_EXCEEDED
						   : LLMFO_EBAD_REQUEST;

		if (route_is_there(&call->route.candidates[i]))
			return LLMFO_EALL_FAILED;
		if (route_unsuited(out))
			common = common == 0 || common == error ? error : LLMFO_EBAD_REQUEST;
	}
	return common ? common : LLMFO_EALL_FAILED;
}

int
call_final_error(const struct call *call)
{
	if (clock_now_ms(call->env->clock) >= call->deadline_ms)
		return LLMFO_EDEADLINE_EXCEEDED;
	if (call->attempt_count == 0)
		return error_unsuited(call);
	const struct outcome *last = &call->attempts[call->attempt_count - 1].outcome;
	int error = call_error_of(last);
	/* the request was refused for good: what others said before does not matter */
	if (!call_goes_on(call, last) && error != LLMFO_EALL_FAILED)
		return error;
	if (call_has_told(call))
		return LLMFO_EINTERRUPTED;
	for (size_t i = 0; i < call->attempt_count; i++)
		if (call->attempts[i].outcome.class != OUTCOME_CANCELLED &&
			call_error_of(&call->attempts[i].outcome) != error)
			return LLMFO_EALL_FAILED;
	return error;
}

int64_t
call_retry_after_ms(struct call *call)
{
	int64_t soonest_ms = -1;

	for (size_t i = 0; i < call->route.count; i++) {
		struct route_candidate *candidate = &call->route.candidates[i];
		int64_t wait_ms;

		switch (call_admit(call, candidate, clock_now_ms(call->env->clock))) {
		case ROUTE_IN: wait_ms = call->progress[i].last.retry_after_ms; break;
		case ROUTE_USED_UP:
		case ROUTE_PROVIDER_OPEN:
		case ROUTE_TARGET_OPEN: wait_ms = candidate->out_for_ms; break;
		case ROUTE_PROBING: wait_ms = PROBE_MS; break;
		default: continue;
		}
		/* it may be tried at any time: there is nothing to wait for */
		if (wait_ms <= 0)
			return -1;
		if (soonest_ms < 0 || wait_ms < soonest_ms)
			soonest_ms = wait_ms;
	}
	return soonest_ms;
}
