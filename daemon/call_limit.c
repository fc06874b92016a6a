/* SPDX-License-Identifier: MIT */
/* What an attempt of a call is given (parameters, time) and what it is reckoned at (tokens, money).
 * Reads the call and changes nothing in it. */
#include "call_rules.h"

/* Of the deadline each later candidate keeps at least this much (or an even share, if that is
 * less). */
#define RESERVE_MS 15000

/* How long a target is waited for in a race before one more is asked, when nothing was measured. */
#define HEDGE_UNKNOWN_MS 2000

void
call_fill_chat(
	const struct call *call, const struct config_target *target, struct provider_chat *chat)
{
	const struct call_request *request = call->request;

	*chat = (struct provider_chat){
		.model = target->model,
		.messages = request->messages,
		.tools = request->tools,
		.tool_choice = request->tool_choice,
		.user = request->end_user,
		.stream = request->stream,
	};
	config_params_fill(chat, &request->params, request->chain, target, request->config);
}

/* The shorter of two limits of which 0 means none. */
static int64_t
shorter_ms(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == 0 || b_ms == 0)
		return a_ms + b_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

int64_t
call_allowed_ms(const struct call_request *request)
{
	int64_t own_ms = shorter_ms(request->deadline_ms, request->chain->deadline_ms);

	return own_ms ? own_ms : request->config->default_deadline_ms;
}

/* How many rounds of candidates may still be tried, this one included; in a race each has as many
 * as there are lanes. */
static int64_t
rounds_left(const struct call_lane *lane)
{
	const struct call *call = lane->call;
	size_t left = 1;

	for (size_t i = 0; i < call->route.count; i++) {
		const struct route_candidate *candidate = &call->route.candidates[i];

		if (candidate != lane->candidate && !call->progress[i].spent &&
			(candidate->out == ROUTE_IN || candidate->out == ROUTE_BUSY))
			left++;
	}
	return (int64_t)((left + call->lane_count - 1) / call->lane_count);
}

/* Of what is left of the deadline, what the first of so many may use up: the others keep theirs. */
static int64_t
share_ms(const struct call *call, int64_t left)
{
	int64_t remaining_ms = call->deadline_ms - clock_now_ms(call->env->clock);
	int64_t reserve_ms = remaining_ms / left < RESERVE_MS ? remaining_ms / left : RESERVE_MS;

	return remaining_ms - (left - 1) * reserve_ms;
}

void
call_limits(const struct call_lane *lane, struct attempt_request *request)
{
	const struct call *call = lane->call;
	const struct config_timeout *timeout = &request->target->provider->timeout;

	request->own_limit_ms = shorter_ms(timeout->total_ms, call->request->chain->timeout_ms);
	request->limit_ms = shorter_ms(request->own_limit_ms, call->request->timeout_ms);
	request->first_token_ms = timeout->first_token_ms;
	request->idle_ms = timeout->idle_ms;
	request->first_content_ms = share_ms(call, rounds_left(lane));
	request->deadline_ms = call->deadline_ms;
	if (request->own_limit_ms == 0)
		request->own_limit_ms = CLOCK_NEVER;
	if (request->limit_ms == 0)
		request->limit_ms = CLOCK_NEVER;
}

/* How long a race waits by its own rule, be the deadline what it may. */
static int64_t
patience_ms(const struct call *call)
{
	int64_t hedge_ms = call->request->race.hedge_after_ms;

	if (hedge_ms != CALL_HEDGE_AUTO)
		return hedge_ms;
	const struct route_candidate *newest = call->newest ? call->newest->candidate : NULL;
	const struct health_subject *subject =
		newest ? health_find(call->env->health, HEALTH_TARGET, newest->target->name) : NULL;
	if (!subject)
		return HEDGE_UNKNOWN_MS;
	hedge_ms = latency_percentile_ms(
		call->request->stream ? &subject->first_token : &subject->latency, 95);
	if (hedge_ms < 0)
		return HEDGE_UNKNOWN_MS;
	/* 0 would be all at once */
	return hedge_ms > 0 ? hedge_ms : 1;
}

int64_t
call_hedge_ms(const struct call *call, size_t more)
{
	int64_t hedge_ms = patience_ms(call), most_ms = share_ms(call, (int64_t)more + 1);

	return hedge_ms < most_ms ? hedge_ms : most_ms;
}

void
call_estimate_usage(const struct call_lane *lane, struct provider_usage *usage,
	const struct provider_answer *answer)
{
	usage->prompt_tokens = call_prompt_tokens(lane);
	/* what it went on from is in its prompt */
	usage->completion_tokens = provider_estimate_text_tokens(
		answer->text.data + lane->told_from, answer->text.len - lane->told_from);
	for (size_t i = 0; i < json_count(answer->tool_calls); i++)
		usage->completion_tokens += provider_estimate_json_tokens(
			json_get(json_at(answer->tool_calls, i), "function"));
	usage->cached_tokens = 0;
	usage->total_tokens = usage->prompt_tokens + usage->completion_tokens;
}
