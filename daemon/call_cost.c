/* SPDX-License-Identifier: MIT */
/* What attempts cost, or may have cost, and how far estimates are from what providers count. */
#include "call_rules.h"
#include "pricing.h"

static void
set_cost(struct call_attempt *attempt, struct pricing_cost cost)
{
	attempt->cost_picousd = cost.picousd;
	attempt->cost_unknown = cost.unknown;
}

/* The tokens of what a lane's attempt has told. */
static int64_t
told_tokens(const struct call_lane *lane)
{
	const struct buf *told = &lane->call->told;

	return lane->told ? provider_estimate_text_tokens(
				    told->data + lane->told_from, told->len - lane->told_from)
			  : 0;
}

/* Some providers count as they go: of a stream that broke, what was told since counts as well.
 * True: it is more than they said. */
static bool
add_told(const struct call_lane *lane, struct provider_usage *usage)
{
	int64_t told = told_tokens(lane);

	if (told <= usage->completion_tokens)
		return false;
	usage->completion_tokens = told;
	return true;
}

/* Reading a long prompt is work: it was read once already, and most attempts ask just that. */
int64_t
call_prompt_tokens(const struct call_lane *lane)
{
	return lane->messages ? provider_estimate_prompt_tokens(&lane->chat)
			      : lane->call->request->demand.prompt_tokens;
}

void
call_attempt_cost(const struct call_lane *lane, const struct attempt_result *result,
	struct call_attempt *attempt)
{
	const struct config_target *target = lane->candidate->target;
	bool left = attempt->outcome.class == OUTCOME_CANCELLED ||
		(lane->told && attempt->outcome.class != OUTCOME_OK);

	if (result && result->usage.reported) {
		struct provider_usage counted = result->usage;

		attempt->cost_may = result->usage_unfinished && add_told(lane, &counted) &&
			!target->provider->local;
		set_cost(attempt, pricing_of_usage(&target->facts, &counted));
	} else if (left && !target->provider->local) {
		/* the provider worked, and never came to say how much */
		attempt->cost_may = true;
		set_cost(attempt,
			pricing_estimate(
				&target->facts, call_prompt_tokens(lane), told_tokens(lane)));
	}
}

void
call_answer_cost(
	struct call *call, const struct config_target *target, const struct provider_usage *usage)
{
	set_cost(&call->attempts[call->attempt_count - 1], pricing_of_usage(&target->facts, usage));
}

void
call_sum_costs(const struct call *call, struct call_result *result)
{
	struct pricing_cost sum = {0};

	for (size_t i = 0; i < call->attempt_count; i++) {
		const struct call_attempt *attempt = &call->attempts[i];

		sum = pricing_add(
			sum, (struct pricing_cost){attempt->cost_picousd, attempt->cost_unknown});
	}
	result->cost_picousd = sum.picousd;
	result->cost_unknown = sum.unknown;
}

void
call_note_estimate(const struct call_lane *lane, const struct provider_usage *usage)
{
	if (usage->reported)
		stats_note_estimate(
			lane->call->env->stats, call_prompt_tokens(lane), usage->prompt_tokens);
}
