/* SPDX-License-Identifier: MIT */
/* See pricing.h. */
#include "pricing.h"

/* What no provider would mean. */
static int64_t
counted(int64_t tokens)
{
	return tokens > 0 ? tokens : 0;
}

static struct pricing_cost
part(int64_t tokens, bool known, int64_t picousd)
{
	struct pricing_cost cost = {.unknown = tokens > 0 && !known};

	if (known && __builtin_mul_overflow(tokens, picousd, &cost.picousd))
		cost = (struct pricing_cost){INT64_MAX, true};
	return cost;
}

struct pricing_cost
pricing_add(struct pricing_cost a, struct pricing_cost b)
{
	struct pricing_cost sum = {.unknown = a.unknown || b.unknown};

	if (__builtin_add_overflow(a.picousd, b.picousd, &sum.picousd))
		sum = (struct pricing_cost){INT64_MAX, true};
	return sum;
}

struct pricing_cost
pricing_of_usage(const struct model_facts *facts, const struct provider_usage *usage)
{
	int64_t prompt = counted(usage->prompt_tokens), cached = counted(usage->cached_tokens);
	bool has_cached = facts->known & MODEL_CACHED_PRICE;

	if (cached > prompt)
		cached = prompt;
	struct pricing_cost cost =
		part(prompt - cached, facts->known & MODEL_INPUT_PRICE, facts->input_picousd);
	cost = pricing_add(cost,
		part(cached, facts->known & (MODEL_CACHED_PRICE | MODEL_INPUT_PRICE),
			has_cached ? facts->cached_picousd : facts->input_picousd));
	return pricing_add(cost,
		part(counted(usage->completion_tokens), facts->known & MODEL_OUTPUT_PRICE,
			facts->output_picousd));
}

struct pricing_cost
pricing_estimate(const struct model_facts *facts, int64_t prompt_tokens, int64_t completion_tokens)
{
	struct provider_usage usage = {
		.prompt_tokens = prompt_tokens,
		.completion_tokens = completion_tokens,
	};

	return pricing_of_usage(facts, &usage);
}
