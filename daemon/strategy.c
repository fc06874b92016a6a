/* SPDX-License-Identifier: MIT */
/*
 * See strategy.h. A strategy is one function that gives a candidate its rank: the lower, the
 * earlier. llmfod(8), STRATEGIES, has the formulas.
 */
#include "strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Costs nearer to each other than this (a hundredth of a cent) hardly differ to `balanced`. */
#define COST_EVEN_PICOUSD INT64_C(100000000)
#define LATENCY_EVEN_MS 50
/* A rank of what is unknown. */
#define LAST INT64_MAX

/* What is computed once for all candidates. */
struct field {
	const struct strategy_view *view;
	int64_t cheapest_picousd; /* of those that are known; 0 if none is */
	int64_t quickest_ms, slowest_ms;
	size_t explored; /* the candidate that is looked at out of turn; count: none */
};

typedef int64_t rank_fn(const struct field *field, const struct strategy_candidate *candidate);

/* ---- chance ---- */

/* Sebastiano Vigna's SplitMix64. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t
hash(uint64_t seed, const char *text)
{
	for (; *text; text++)
		seed = mix(seed ^ (unsigned char)*text);
	return mix(seed);
}

uint64_t
strategy_seed(const char *chain, const char *user)
{
	uint64_t seed = hash(hash(1, chain), user);

	return seed ? seed : 1;
}

/*
 * Drawing without replacement by weight: who has the smallest -ln(u)/w comes first (Efraimidis and
 * Spirakis, 2006). u belongs to the candidate's name alone. Without a seed the heaviest come first.
 */
static int64_t
drawn(const struct field *field, const struct strategy_candidate *candidate, double weight)
{
	uint64_t seed = field->view->seed;

	if (seed == 0)
		return -(int64_t)(weight * 1e9);
	double u = ((double)(hash(seed, candidate->name) >> 11) + 0.5) / 9007199254740992.0;
	double rank = -log(u) / weight * 1e6;
	return rank < 4e18 ? (int64_t)rank : LAST / 2 - 1;
}

/* ---- the strategies ---- */

static int64_t
strategy_sequential(const struct field *field, const struct strategy_candidate *candidate)
{
	if (!field->view->weighted)
		return (int64_t)candidate->place;
	if (candidate->weight <= 0)
		return LAST / 2 + (int64_t)candidate->place;
	return drawn(field, candidate, candidate->weight);
}

static int64_t
strategy_fastest(const struct field *field, const struct strategy_candidate *candidate)
{
	return strategy_sequential(field, candidate);
}

static double
power(double base, int exponent)
{
	double result = 1;

	while (exponent-- > 0)
		result *= base;
	return result;
}

static int64_t
strategy_load_balanced(const struct field *field, const struct strategy_candidate *candidate)
{
	const struct strategy_settings *settings = field->view->settings;
	int64_t latency_ms = candidate->latency_ms >= 0 ? candidate->latency_ms : field->slowest_ms;
	double speed = (double)(field->quickest_ms + LATENCY_EVEN_MS) /
		(double)(latency_ms + LATENCY_EVEN_MS);
	double weight =
		power((candidate->success_permille + 1) / 1001.0, settings->load_balanced.success) *
		power(speed, settings->load_balanced.latency) *
		power(1.0 / (1 + candidate->in_flight), settings->load_balanced.in_flight);

	/* however bad it looks, it is not out of the world */
	return drawn(field, candidate, weight < 1e-6 ? 1e-6 : weight);
}

/* 1 for the cheapest and the quickest, half for what costs or takes twice as much, 0 for what is
 * not known. */
static int64_t
score(const struct field *field, const struct strategy_candidate *candidate, int quality_weight)
{
	const struct strategy_settings *settings = field->view->settings;
	double sum = 0;

	if (candidate->cost_picousd >= 0)
		sum += settings->balanced.cost *
			((double)field->cheapest_picousd + COST_EVEN_PICOUSD) /
			((double)candidate->cost_picousd + COST_EVEN_PICOUSD);
	if (candidate->quality >= 0)
		sum += quality_weight * candidate->quality / 100.0;
	if (candidate->latency_ms >= 0)
		sum += settings->balanced.latency * ((double)field->quickest_ms + LATENCY_EVEN_MS) /
			((double)candidate->latency_ms + LATENCY_EVEN_MS);
	return -(int64_t)(sum * 1e9);
}

static int64_t
strategy_balanced(const struct field *field, const struct strategy_candidate *candidate)
{
	return score(field, candidate, field->view->settings->balanced.quality);
}

static int64_t
known_first(int64_t value)
{
	return value >= 0 ? value : LAST;
}

static int64_t
strategy_cost_optimized(const struct field *field, const struct strategy_candidate *candidate)
{
	(void)field;
	return known_first(candidate->cost_picousd);
}

static int64_t
strategy_latency_optimized(const struct field *field, const struct strategy_candidate *candidate)
{
	if (candidate == field->view->candidates + field->explored)
		return -1;
	return known_first(candidate->latency_ms);
}

static int64_t
strategy_quality_optimized(const struct field *field, const struct strategy_candidate *candidate)
{
	(void)field;
	return candidate->quality >= 0 ? -candidate->quality : LAST;
}

static int64_t
strategy_local_first(const struct field *field, const struct strategy_candidate *candidate)
{
	(void)field;
	return candidate->local ? 0 : 1;
}

static int64_t
strategy_capability_match(const struct field *field, const struct strategy_candidate *candidate)
{
	(void)field;
	return -candidate->matches;
}

static int64_t
code_first(const struct field *field, const struct strategy_candidate *candidate)
{
	(void)field;
	if (candidate->quality < 0 && !candidate->code)
		return LAST;
	return -candidate->quality - (candidate->code ? 1000 : 0);
}

static int64_t
longest_context(const struct field *field, const struct strategy_candidate *candidate)
{
	(void)field;
	return candidate->context_tokens >= 0 ? -candidate->context_tokens : LAST;
}

static int64_t
cheap_and_quick(const struct field *field, const struct strategy_candidate *candidate)
{
	return score(field, candidate, 0);
}

static const struct row {
	const char *name;
	rank_fn *rank;
} rows[STRATEGY_ALL] = {
#define X(name, help) {#name, strategy_##name},
#include "strategy.def"
#undef X
	{"code_first", code_first},
	{"longest_context", longest_context},
	{"cheap_and_quick", cheap_and_quick},
};

/* ---- names ---- */

enum strategy
strategy_find(const char *name)
{
	size_t i = 0;

	while (i < STRATEGY_COUNT && !util_equal_nocase(rows[i].name, name))
		i++;
	return (enum strategy)i;
}

const char *
strategy_name(enum strategy strategy)
{
	return rows[strategy].name;
}

const char *
strategy_names(void)
{
	static const char all[] =
#define X(name, help) ", " #name
#include "strategy.def"
#undef X
		;

	return all + 2;
}

bool
strategy_draws(enum strategy strategy, bool weighted)
{
	if (strategy == STRATEGY_sequential || strategy == STRATEGY_fastest)
		return weighted;
	return strategy == STRATEGY_load_balanced || strategy == STRATEGY_latency_optimized;
}

/* ---- the order ---- */

/* One candidate with all that it is compared by. */
struct ranked {
	int64_t rank;
	const struct strategy_candidate *candidate;
};

static int
compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_rank(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;
	int difference = compare(left->rank, right->rank);

	if (!difference)
		difference = compare(known_first(left->candidate->cost_picousd),
			known_first(right->candidate->cost_picousd));
	if (!difference)
		difference = compare(known_first(left->candidate->latency_ms),
			known_first(right->candidate->latency_ms));
	if (!difference)
		difference = strcmp(left->candidate->name, right->candidate->name);
	return difference;
}

static struct field
survey(enum strategy strategy, const struct strategy_view *view)
{
	struct field field = {.view = view, .explored = view->count};
	uint64_t luck = mix(view->seed);
	bool cost = false, latency = false;

	for (size_t i = 0; i < view->count; i++) {
		const struct strategy_candidate *candidate = &view->candidates[i];

		if (candidate->cost_picousd >= 0 &&
			(!cost || candidate->cost_picousd < field.cheapest_picousd)) {
			field.cheapest_picousd = candidate->cost_picousd;
			cost = true;
		}
		if (candidate->latency_ms < 0)
			continue;
		if (!latency || candidate->latency_ms < field.quickest_ms)
			field.quickest_ms = candidate->latency_ms;
		if (candidate->latency_ms > field.slowest_ms)
			field.slowest_ms = candidate->latency_ms;
		latency = true;
	}
	if (strategy == STRATEGY_latency_optimized && view->seed != 0 && view->count > 0 &&
		luck % STRATEGY_EXPLORE == 0)
		field.explored = luck / STRATEGY_EXPLORE % view->count;
	return field;
}

void
strategy_order(enum strategy strategy, const struct strategy_view *view, size_t *order)
{
	struct field field = survey(strategy, view);
	struct ranked *ranked = x_calloc(view->count, sizeof ranked[0]);

	for (size_t i = 0; i < view->count; i++)
		ranked[i] = (struct ranked){
			rows[strategy].rank(&field, &view->candidates[i]), &view->candidates[i]};
	qsort(ranked, view->count, sizeof ranked[0], by_rank);
	for (size_t i = 0; i < view->count; i++)
		order[i] = (size_t)(ranked[i].candidate - view->candidates);
	free(ranked);
}
