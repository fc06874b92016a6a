/* SPDX-License-Identifier: MIT */
/*
 * Strategies: in which order a call goes through its candidates. Pure: a view of the candidates in,
 * an order out, the same one for the same view. What chance there is comes from the view's seed.
 * What is unknown comes behind what is known; ties are broken by price, latency and name.
 */
#ifndef LLMFO_STRATEGY_H
#define LLMFO_STRATEGY_H

#include "util.h"

enum strategy {
#define X(name, help) STRATEGY_##name,
#include "strategy.def"
#undef X
	STRATEGY_COUNT,
	/* Orders that a chain may have and nobody asks for by name: chain_rule.def. */
	STRATEGY_CODE_FIRST = STRATEGY_COUNT, /* specialised in code, then by quality */
	STRATEGY_LONGEST_CONTEXT,
	STRATEGY_CHEAP_AND_QUICK, /* balanced, but for the quality */
	STRATEGY_ALL
};

/* hedge_after_ms: what 95 of 100 answers of the first candidate have taken. */
#define STRATEGY_HEDGE_AUTO (-1)

/* What `strategies:` sets; weights are from 0 up. */
struct strategy_settings {
	struct {
		int cost, quality, latency;
	} balanced;
	struct {
		int64_t hedge_after_ms; /* 0: all at once; STRATEGY_HEDGE_AUTO */
		int max_parallel;       /* 0: all of them */
	} fastest;
	struct {
		int success, latency, in_flight;
	} load_balanced;
};

/* What is known of one candidate at this moment. -1: unknown. */
struct strategy_candidate {
	const char *name;
	size_t place;           /* in the chain's own order, from 0 */
	int64_t cost_picousd;   /* of this prompt, with the answer that is expected */
	int64_t latency_ms;     /* as measured, else the registry's figure */
	int64_t context_tokens; /* of its window */
	int quality;            /* 0 to 100 */
	int matches;            /* how many of the wanted capabilities it has */
	int success_permille;   /* of late */
	int in_flight;
	int weight; /* its share of what the chain draws: 0 behind all others */
	bool local;
	bool code; /* specialised in code */
};

struct strategy_view {
	const struct strategy_candidate *candidates;
	size_t count;
	const struct strategy_settings *settings;
	bool weighted; /* the chain's own order is drawn by the candidates' weights */
	/* Of all chance: two orders by one seed are equal, and one more candidate changes no
	 * other's luck. 0: there is no chance, the likeliest order comes out. */
	uint64_t seed;
};

/* latency_optimized looks at another candidate than the quickest once in so many calls. */
#define STRATEGY_EXPLORE 20

/* The one of that name, in any case; STRATEGY_COUNT: there is none. */
enum strategy strategy_find(const char *name);
const char *strategy_name(enum strategy strategy);
/* "sequential, fastest, ...": for messages about unknown names. Static. */
const char *strategy_names(void);
/* Does it need a seed for this view to be as it should? */
bool strategy_draws(enum strategy strategy, bool weighted);
/* Fills order, which has room for count, with indices of candidates, the first choice first. */
void strategy_order(enum strategy strategy, const struct strategy_view *view, size_t *order);
/* A seed that is the same for the same two texts everywhere, never 0. */
uint64_t strategy_seed(const char *chain, const char *user);

#endif
