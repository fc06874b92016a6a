/* SPDX-License-Identifier: MIT */
/*
 * Strategies: the names, and what can be set about them. Pure.
 */
#ifndef LLMFO_STRATEGY_H
#define LLMFO_STRATEGY_H

#include "util.h"

enum strategy {
#define X(name, help) STRATEGY_##name,
#include "strategy.def"
#undef X
	STRATEGY_COUNT
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

/* The one of that name, in any case; STRATEGY_COUNT: there is none. */
enum strategy strategy_find(const char *name);
const char *strategy_name(enum strategy strategy);
/* "sequential, fastest, ...": for messages about unknown names. Static. */
const char *strategy_names(void);

#endif
