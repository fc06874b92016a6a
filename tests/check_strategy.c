/* SPDX-License-Identifier: MIT */
/*
 * Strategies keep what defines them, whatever the candidates are: 100,000 random sets each (the
 * seed is printed, and taken back from LLMFO_SEED), and what chance does over many calls.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strategy.h"

#define SETS 100000
#define CANDIDATES_MAX 12

static const struct strategy_settings settings = {
	.balanced = {1, 1, 1},
	.load_balanced = {2, 1, 1},
};
static struct strategy_candidate set[CANDIDATES_MAX];
static char names[CANDIDATES_MAX][24];
static struct strategy_view view;
static size_t order[CANDIDATES_MAX];
static unsigned short seed[3];
static unsigned first_seed;

static long
below(long limit)
{
	return nrand48(seed) % limit;
}

static void
set_up(void)
{
	const char *given = getenv("LLMFO_SEED");

	first_seed = given ? (unsigned)strtoul(given, NULL, 10) : 20261120;
	seed[0] = (unsigned short)first_seed;
	seed[1] = (unsigned short)(first_seed >> 16);
	seed[2] = 0x330e;
	view = (struct strategy_view){.candidates = set, .settings = &settings};
}

/* A few values only, so that ties are common; one in eight is unknown. */
static int64_t
value(long step)
{
	return below(8) == 0 ? -1 : below(6) * step;
}

static void
draw_set(void)
{
	view.count = (size_t)below(CANDIDATES_MAX + 1);
	view.seed = below(4) == 0 ? 0 : (uint64_t)nrand48(seed) + 1;
	view.weighted = below(2) == 0;
	for (size_t i = 0; i < view.count; i++) {
		(void)snprintf(names[i], sizeof names[i], "%c/%zu", (char)('a' + below(3)), i);
		set[i] = (struct strategy_candidate){
			.name = names[i],
			.place = i,
			.cost_picousd = value(1000000000),
			.latency_ms = value(500),
			.context_tokens = value(64000),
			.quality = (int)value(20),
			.matches = (int)below(4),
			.success_permille = (int)below(1001),
			.in_flight = (int)below(5),
			.weight = (int)below(4) * 10,
			.local = below(4) == 0,
			.code = below(4) == 0,
		};
	}
}

typedef bool misplaced_fn(
	const struct strategy_candidate *first, const struct strategy_candidate *second);

/* Is a known value that is larger, or an unknown one, before a smaller one? */
static bool
larger(int64_t first, int64_t second)
{
	return second >= 0 && (first < 0 || first > second);
}

static bool
by_place(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	return first->place > second->place;
}

static bool
by_cost(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	return larger(first->cost_picousd, second->cost_picousd);
}

static bool
by_latency(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	return larger(first->latency_ms, second->latency_ms);
}

static bool
by_quality(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	return first->quality < second->quality;
}

static bool
by_local(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	if (first->local != second->local)
		return second->local;
	return by_cost(first, second);
}

static bool
by_matches(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	return first->matches < second->matches;
}

/* To a score nothing is known of the quality that is none. */
static int
quality(const struct strategy_candidate *candidate)
{
	return candidate->quality < 0 ? 0 : candidate->quality;
}

/* What is no better in anything and worse in something. */
static bool
by_all_three(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	bool better = larger(second->cost_picousd, first->cost_picousd) ||
		larger(second->latency_ms, first->latency_ms) || quality(first) > quality(second);

	return !better &&
		(by_cost(first, second) || by_latency(first, second) ||
			quality(first) < quality(second));
}

static bool
by_code(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	return first->code != second->code ? second->code : by_quality(first, second);
}

static bool
by_context(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	return first->context_tokens < second->context_tokens;
}

static bool
by_cost_and_latency(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	bool better = larger(second->cost_picousd, first->cost_picousd) ||
		larger(second->latency_ms, first->latency_ms);

	return !better && (by_cost(first, second) || by_latency(first, second));
}

static bool
nothing(const struct strategy_candidate *first, const struct strategy_candidate *second)
{
	(void)first;
	(void)second;
	return false;
}

/* What must not stand before what; load_balanced has tests of its own. */
static misplaced_fn *const misplaced[STRATEGY_ALL] = {
	[STRATEGY_sequential] = by_place,
	[STRATEGY_fastest] = by_place,
	[STRATEGY_load_balanced] = nothing,
	[STRATEGY_balanced] = by_all_three,
	[STRATEGY_cost_optimized] = by_cost,
	[STRATEGY_latency_optimized] = by_latency,
	[STRATEGY_quality_optimized] = by_quality,
	[STRATEGY_local_first] = by_local,
	[STRATEGY_capability_match] = by_matches,
	[STRATEGY_CODE_FIRST] = by_code,
	[STRATEGY_LONGEST_CONTEXT] = by_context,
	[STRATEGY_CHEAP_AND_QUICK] = by_cost_and_latency,
};

/* Each candidate exactly once. */
static bool
has_all(void)
{
	unsigned seen = 0;

	for (size_t i = 0; i < view.count; i++)
		seen |= 1U << order[i];
	return seen == (1U << view.count) - 1;
}

/* The first of the order, from a place on, that stands before what it must not; count: none. */
static size_t
first_misplaced(misplaced_fn *is_misplaced, size_t from)
{
	for (size_t i = from; i < view.count; i++)
		for (size_t k = i + 1; k < view.count; k++)
			if (is_misplaced(&set[order[i]], &set[order[k]]))
				return i;
	return view.count;
}

START_TEST(no_set_of_candidates_makes_a_strategy_break_its_promise)
{
	enum strategy strategy = (enum strategy)_i;

	for (int n = 0; n < SETS; n++) {
		draw_set();
		if (misplaced[strategy] == by_place)
			view.weighted = false;
		strategy_order(strategy, &view, order);
		/* what is looked at out of turn stands first */
		size_t from = strategy == STRATEGY_latency_optimized && view.seed != 0;
		size_t wrong = first_misplaced(misplaced[strategy], from);
		/* a check is a word to another process: none while all is well */
		if (!has_all() || wrong < view.count)
			ck_abort_msg("%s, LLMFO_SEED=%u, set %d: %s stands too early",
				strategy_name(strategy), first_seed, n,
				wrong < view.count ? set[order[wrong]].name : "one twice");
	}
}
END_TEST

START_TEST(the_same_view_has_the_same_order_whoever_stands_where)
{
	size_t again[CANDIDATES_MAX];

	for (int n = 0; n < SETS / 10; n++) {
		enum strategy strategy = (enum strategy)below(STRATEGY_ALL);

		draw_set();
		strategy_order(strategy, &view, order);
		strategy_order(strategy, &view, again);
		if (memcmp(order, again, view.count * sizeof order[0]) != 0)
			ck_abort_msg("%s, LLMFO_SEED=%u", strategy_name(strategy), first_seed);
	}
}
END_TEST

/* Where a candidate stands. */
static size_t
standing(size_t candidate)
{
	for (size_t i = 0; i < view.count; i++)
		if (order[i] == candidate)
			return i;
	ck_abort();
	return 0;
}

START_TEST(who_fares_better_never_draws_worse_by_the_same_luck)
{
	for (int n = 0; n < SETS; n++) {
		draw_set();
		if (view.count == 0)
			continue;
		size_t lucky = (size_t)below((long)view.count);
		strategy_order(STRATEGY_load_balanced, &view, order);
		size_t before = standing(lucky);
		set[lucky].success_permille = 1000;
		set[lucky].in_flight = 0;
		strategy_order(STRATEGY_load_balanced, &view, order);
		if (standing(lucky) > before)
			ck_abort_msg("LLMFO_SEED=%u, set %d", first_seed, n);
	}
}
END_TEST

/* How often each of the set comes first in 100,000 draws, in thousandths. */
static void
count_firsts(enum strategy strategy, int permille[CANDIDATES_MAX])
{
	int firsts[CANDIDATES_MAX] = {0};

	for (int n = 0; n < SETS; n++) {
		view.seed = (uint64_t)n + 1;
		strategy_order(strategy, &view, order);
		firsts[order[0]]++;
	}
	for (size_t i = 0; i < view.count; i++)
		permille[i] = firsts[i] / (SETS / 1000);
}

static void
three(void)
{
	static const char *const three_names[] = {"a/m", "b/m", "c/m"};

	view.count = 3;
	for (size_t i = 0; i < 3; i++)
		set[i] = (struct strategy_candidate){.name = three_names[i],
			.place = i,
			.cost_picousd = 1000,
			.latency_ms = 1000,
			.quality = 50,
			.success_permille = 1000};
}

static void
expect_near(int seen, int wanted)
{
	ck_assert_msg(abs(seen - wanted) <= 10, "%d, not %d", seen, wanted);
}

START_TEST(equal_ones_are_drawn_equally)
{
	int permille[CANDIDATES_MAX];

	three();
	count_firsts(STRATEGY_load_balanced, permille);
	expect_near(permille[0], 333);
	expect_near(permille[1], 333);
	expect_near(permille[2], 333);
}
END_TEST

START_TEST(who_fails_half_the_time_is_drawn_a_quarter_as_often)
{
	int permille[CANDIDATES_MAX];

	three();
	set[1].success_permille = 500;
	count_firsts(STRATEGY_load_balanced, permille);
	expect_near(permille[0], 1000 * 4 / 9);
	expect_near(permille[1], 1000 / 9);
}
END_TEST

START_TEST(who_is_slow_or_busy_is_drawn_less)
{
	int permille[CANDIDATES_MAX];

	three();
	set[0].latency_ms = 2 * 1050 - 50;
	set[1].in_flight = 3;
	count_firsts(STRATEGY_load_balanced, permille);
	/* weights 1/2, 1/4 and 1 */
	expect_near(permille[0], 286);
	expect_near(permille[1], 143);
	expect_near(permille[2], 571);
}
END_TEST

START_TEST(weights_are_shares)
{
	int permille[CANDIDATES_MAX];

	three();
	view.weighted = true;
	set[0].weight = 90;
	set[1].weight = 10;
	count_firsts(STRATEGY_sequential, permille);
	expect_near(permille[0], 900);
	expect_near(permille[1], 100);
	ck_assert_int_eq(permille[2], 0);
	view.seed = 0;
	strategy_order(STRATEGY_sequential, &view, order);
	ck_assert_uint_eq(order[0], 0);
	ck_assert_uint_eq(order[1], 1);
}
END_TEST

START_TEST(the_quickest_comes_first_but_for_one_call_in_twenty_that_looks_at_any)
{
	int permille[CANDIDATES_MAX];

	three();
	set[1].latency_ms = 500;
	set[2].latency_ms = 60000;
	count_firsts(STRATEGY_latency_optimized, permille);
	expect_near(permille[1], 967);
	expect_near(permille[0], 17);
	expect_near(permille[2], 17);
}
END_TEST

START_TEST(a_user_keeps_its_luck_when_another_candidate_joins)
{
	int moved = 0;

	three();
	view.weighted = true;
	for (size_t i = 0; i < 3; i++)
		set[i].weight = 1;
	for (int n = 0; n < 1000; n++) {
		char user[24];

		(void)snprintf(user, sizeof user, "user-%d", n);
		view.seed = strategy_seed("chain", user);
		ck_assert_uint_eq(view.seed, strategy_seed("chain", user));
		view.count = 2;
		strategy_order(STRATEGY_sequential, &view, order);
		size_t before = order[0];
		view.count = 3;
		strategy_order(STRATEGY_sequential, &view, order);
		moved += order[0] != before;
		ck_assert(order[0] == before || order[0] == 2);
	}
	ck_assert_int_lt(abs(moved - 333), 60);
}
END_TEST

START_TEST(ties_are_broken_by_price_then_latency_then_name)
{
	three();
	set[0].cost_picousd = 2000;
	set[1].latency_ms = 1500;
	strategy_order(STRATEGY_quality_optimized, &view, order);
	ck_assert_uint_eq(order[0], 2);
	ck_assert_uint_eq(order[1], 1);
	ck_assert_uint_eq(order[2], 0);
	set[0] = (struct strategy_candidate){.name = "z/m",
		.cost_picousd = 1000,
		.latency_ms = 1000,
		.quality = 50,
		.success_permille = 1000};
	strategy_order(STRATEGY_quality_optimized, &view, order);
	ck_assert_uint_eq(order[0], 2);
	ck_assert_uint_eq(order[1], 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("strategy");
	TCase *tests = tcase_create("strategy");

	tcase_set_timeout(tests, 300);
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_loop_test(tests, no_set_of_candidates_makes_a_strategy_break_its_promise, 0,
		(int)STRATEGY_ALL);
	tcase_add_test(tests, the_same_view_has_the_same_order_whoever_stands_where);
	tcase_add_test(tests, who_fares_better_never_draws_worse_by_the_same_luck);
	tcase_add_test(tests, equal_ones_are_drawn_equally);
	tcase_add_test(tests, who_fails_half_the_time_is_drawn_a_quarter_as_often);
	tcase_add_test(tests, who_is_slow_or_busy_is_drawn_less);
	tcase_add_test(tests, weights_are_shares);
	tcase_add_test(
		tests, the_quickest_comes_first_but_for_one_call_in_twenty_that_looks_at_any);
	tcase_add_test(tests, a_user_keeps_its_luck_when_another_candidate_joins);
	tcase_add_test(tests, ties_are_broken_by_price_then_latency_then_name);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
