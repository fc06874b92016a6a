/* SPDX-License-Identifier: MIT */
/*
 * What calls cost, from the prices of a model and tokens, in pico-USD. Pure and exact: integers,
 * and where they would not do, the highest there is, marked.
 */
#ifndef LLMFO_PRICING_H
#define LLMFO_PRICING_H

#include "model.h"
#include "provider.h"

struct pricing_cost {
	int64_t picousd;
	bool unknown; /* a price it takes is not known: it costs at least picousd */
};

/*
 * What the tokens of an answer cost: the prompt at the input price, what of it was cached at the
 * cached one (at the input price where that is not known), the completion at the output price.
 */
struct pricing_cost pricing_of_usage(
	const struct model_facts *facts, const struct provider_usage *usage);
/* What a prompt and an answer of so many tokens would cost, with nothing cached. */
struct pricing_cost pricing_estimate(
	const struct model_facts *facts, int64_t prompt_tokens, int64_t completion_tokens);
/* The sum of two. */
struct pricing_cost pricing_add(struct pricing_cost a, struct pricing_cost b);

#endif
