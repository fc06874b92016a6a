/* SPDX-License-Identifier: MIT */
/*
 * See route_view.h. What a call at each candidate would cost and take is estimated here, from the
 * registry's facts and from what health has measured; llmfod(8), STRATEGIES, tells the rules.
 */
#include "route_view.h"

#include <stdlib.h>
#include <string.h>

#include "pricing.h"
#include "tokens.h"

/* An answer is taken to have a quarter of its prompt's tokens, but no less and no more than: */
#define ANSWER_LEAST_TOKENS 200
#define ANSWER_MOST_TOKENS 1000

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How many tokens an answer is expected to have. */
static int64_t
answer_tokens(const struct model_facts *facts, int64_t prompt_tokens, int64_t max_tokens)
{
	int64_t tokens = prompt_tokens / 4;

	if (tokens < ANSWER_LEAST_TOKENS)
		tokens = ANSWER_LEAST_TOKENS;
	tokens = least(tokens, ANSWER_MOST_TOKENS);
	if (max_tokens > 0)
		tokens = least(tokens, max_tokens);
	if (facts->known & MODEL_MAX_OUTPUT)
		tokens = least(tokens, facts->max_output_tokens);
	return tokens;
}

static int64_t
cost_of(const struct config_target *target, int64_t prompt_tokens, int64_t max_tokens)
{
	struct pricing_cost cost = pricing_estimate(&target->facts, prompt_tokens,
		answer_tokens(&target->facts, prompt_tokens, max_tokens));

	if (target->provider->local)
		return 0;
	return cost.unknown ? -1 : cost.picousd;
}

static int64_t
registry_latency_ms(const struct model_facts *facts)
{
	return facts->known & MODEL_LATENCY ? facts->typical_latency_ms : -1;
}

/*
 * Of a stream, until its first content; where that was never measured, and of anything else, of a
 * whole answer.
 */
static void
estimate_latency(
	struct route_candidate *candidate, const struct health_subject *subject, bool stream)
{
	int64_t measured_ms = -1;

	if (subject && stream)
		measured_ms = latency_lately_ms(&subject->first_token);
	if (subject && measured_ms < 0)
		measured_ms = latency_lately_ms(&subject->latency);
	candidate->measured = measured_ms >= 0;
	if (candidate->measured)
		candidate->latency_ms = measured_ms;
	else
		candidate->latency_ms = registry_latency_ms(&candidate->target->facts);
}

/*
 * Does it take longer than the call allows? What was measured keeps it out for a cooldown alone:
 * who asks for speed would never see that a slow hour is over. Sets bar_ms where that ends it.
 */
static bool
too_slow(struct route_candidate *candidate, const struct health_subject *subject,
	int64_t allowed_ms, int64_t believed_ms, int64_t now_ms)
{
	if (allowed_ms <= 0 || candidate->latency_ms <= allowed_ms)
		return false;
	if (!candidate->measured || registry_latency_ms(&candidate->target->facts) > allowed_ms)
		return true;
	candidate->bar_ms = util_add_clamped(subject->answered_ms, believed_ms) - now_ms;
	return candidate->bar_ms > 0;
}

static bool
in_region(const struct config_provider *provider, char *const *regions)
{
	for (; *regions; regions++)
		if (provider->region && util_equal_nocase(provider->region, *regions))
			return true;
	return false;
}

/*
 * What of the demand a candidate does not fit. What is required has to be known of it; what the
 * request needs without saying so is refused only to those that are known to lack it.
 */
static enum route_out
bar_of(struct route_candidate *candidate, const struct route_demand *demand)
{
	const struct config_target *target = candidate->target;
	const struct model_facts *facts = &target->facts;
	unsigned needed =
		(demand->images ? MODEL_CAN_VISION : 0) | (demand->tools ? MODEL_CAN_TOOLS : 0);

	/* what is made for embeddings alone answers no messages, but a program may pick it */
	unsigned made_for = facts->capabilities & (MODEL_CAN_EMBEDDING | MODEL_CAN_CHAT);

	if (made_for == MODEL_CAN_EMBEDDING && !(demand->required & MODEL_CAN_EMBEDDING))
		needed |= MODEL_CAN_CHAT;
	candidate->unfit = (demand->required & ~facts->capabilities) |
		(needed & facts->capabilities_known & ~facts->capabilities);
	if (candidate->unfit)
		return ROUTE_UNFIT;
	if ((demand->local && !target->provider->local) ||
		(demand->regions && !in_region(target->provider, demand->regions)))
		return ROUTE_ELSEWHERE;
	if ((facts->known & MODEL_CONTEXT) &&
		tokens_at_least(demand->prompt_tokens) > facts->context_tokens)
		return ROUTE_TOO_SHORT;
	if (demand->has_budget &&
		(candidate->cost_picousd < 0 || candidate->cost_picousd > demand->budget_picousd))
		return ROUTE_TOO_DEAR;
	return ROUTE_IN;
}

static bool
matches(const struct config_target *target, const struct route_want *want)
{
	return (!want->provider || strcmp(target->provider->name, want->provider) == 0) &&
		(!want->model || strcmp(target->model, want->model) == 0);
}

/* A candidate with all that does not depend on the others. */
static void
look_at(struct route_candidate *candidate, const struct health_subject *subject,
	const struct route_want *want, int64_t believed_ms, int64_t now_ms)
{
	static const struct route_demand nothing;
	const struct route_demand *demand = want->demand ? want->demand : &nothing;
	const struct config_target *target = candidate->target;
	struct provider_chat chat = {.model = target->model};

	if (want->params) {
		config_params_fill(&chat, want->params, want->chain, target, want->config);
		candidate->lacks = provider_lacks(target->provider->endpoint.preset, target->model,
			provider_needs_join(want->needs, provider_needs_of_params(&chat)));
	}
	candidate->wished = matches(target, want);
	candidate->cost_picousd = cost_of(target, demand->prompt_tokens, chat.max_tokens);
	estimate_latency(candidate, subject, want->stream);
	candidate->low = subject && subject->quota.low && quota_holds(&subject->quota, now_ms);
	candidate->bar = bar_of(candidate, demand);
	if (candidate->bar == ROUTE_IN &&
		too_slow(candidate, subject, demand->max_latency_ms, believed_ms, now_ms))
		candidate->bar = ROUTE_TOO_SLOW;
}

/* What the strategy is told of it. */
static struct strategy_candidate
told(const struct route_candidate *candidate, size_t place, const struct health_subject *subject,
	const struct route_want *want, int64_t now_ms)
{
	const struct model_facts *facts = &candidate->target->facts;
	unsigned wanted = want->demand ? want->demand->wanted : 0;
	unsigned other = MODEL_CAN_ANALYSIS | MODEL_CAN_MULTILINGUAL | MODEL_CAN_REASONING;

	return (struct strategy_candidate){
		.name = candidate->target->name,
		.place = place,
		.cost_picousd = candidate->cost_picousd,
		.latency_ms = candidate->latency_ms,
		.context_tokens = facts->known & MODEL_CONTEXT ? facts->context_tokens : -1,
		.quality = facts->known & MODEL_QUALITY ? facts->quality : -1,
		.matches = __builtin_popcount(wanted & facts->capabilities),
		.success_permille = subject ? recent_permille(&subject->recent, now_ms) : 1000,
		.in_flight = subject ? subject->in_flight : 0,
		.weight = want->chain->weights ? want->chain->weights[place] : 0,
		.local = candidate->target->provider->local,
		/* the registry has no word for it: who does nothing else well is made for code */
		.code = (facts->capabilities & MODEL_CAN_CODE) && !(facts->capabilities & other),
	};
}

void
route_view(
	struct route *route, struct health *health, const struct route_want *want, int64_t now_ms)
{
	size_t count = want->chain->target_count;
	int64_t believed_ms = health_policy(health)->circuit.cooldown_ms;
	struct route_candidate *plain = x_calloc(count, sizeof plain[0]);
	struct strategy_candidate *rows = x_calloc(count, sizeof rows[0]);
	size_t *order = x_calloc(count, sizeof order[0]);
	struct strategy_view view = {
		.candidates = rows,
		.count = count,
		.settings = &want->chain->strategies,
		.weighted = want->chain->weights != NULL,
		.seed = want->seed,
	};

	for (size_t i = 0; i < count; i++) {
		plain[i].target = want->chain->targets[i];
		const struct health_subject *subject =
			health_find(health, HEALTH_TARGET, plain[i].target->name);
		plain[i].of_target = subject;
		plain[i].of_provider =
			i > 0 && plain[i - 1].target->provider == plain[i].target->provider
			? plain[i - 1].of_provider
			: health_find(health, HEALTH_PROVIDER, plain[i].target->provider->name);
		look_at(&plain[i], subject, want, believed_ms, now_ms);
		rows[i] = told(&plain[i], i, subject, want, now_ms);
	}
	strategy_order(want->strategy, &view, order);
	route->count = count;
	route->candidates = x_calloc(count, sizeof route->candidates[0]);
	for (size_t i = 0; i < count; i++) {
		route->candidates[i] = plain[order[i]];
		route->candidates[i].place = i;
	}
	free(order);
	free(rows);
	free(plain);
}
