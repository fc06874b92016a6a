/* SPDX-License-Identifier: MIT */
/* The order of candidates, and why some are out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "route.h"

#define NOW 1000000
#define MINUTE 60000

static struct health *health;
static struct config_provider providers[3];
static struct config_target targets[4];
static struct config_target *list[4];
static struct config_chain chain;
static struct route_want want;
static struct route route;

static char *
text(const char *literal)
{
	return (char *)(uintptr_t)literal;
}

static void
set_up(void)
{
	static const char *const names[] = {"a", "b", "c"};
	static const char *const models[] = {"a/m", "a/n", "b/m", "c/m"};
	static const int owners[] = {0, 0, 1, 2};
	const struct health_policy policy = {
		.circuit = {.failure_threshold = 3,
			.cooldown_ms = 5 * MINUTE,
			.cooldown_max_ms = 5 * MINUTE},
		.preferred_ttl_ms = 30 * MINUTE,
		.tracking = true,
		.preferred = true,
	};

	health = health_new();
	health_set_policy(health, &policy);
	for (size_t i = 0; i < UTIL_COUNT(providers); i++)
		providers[i] = (struct config_provider){.name = text(names[i]), .configured = true};
	for (size_t i = 0; i < UTIL_COUNT(targets); i++) {
		targets[i] = (struct config_target){.name = text(models[i]),
			.provider = &providers[owners[i]],
			.model = text(models[i] + 2)};
		list[i] = &targets[i];
	}
	chain = (struct config_chain){.name = text("default"),
		.memory = text("default"),
		.targets = list,
		.target_count = UTIL_COUNT(list)};
	want = (struct route_want){.chain = &chain, .remembers = true, .fallback = true, .call = 1};
}

static void
tear_down(void)
{
	route_free(&route);
	health_free(health);
}

static void
failure(size_t target, enum outcome_class class, int64_t wait_ms)
{
	struct health_ticket ticket =
		health_begin(health, targets[target].provider->name, targets[target].name, NOW);
	struct outcome outcome;

	outcome_set(&outcome, class, "%s", "");
	outcome.retry_after_ms = wait_ms;
	(void)health_end(health, targets[target].provider->name, targets[target].name, ticket,
		&outcome, 1, NOW);
}

/* Orders at a time and compares the names: "a/m b/m! ..." with ! where one is out. */
static void
expect_at(int64_t now_ms, const char *wanted)
{
	struct buf seen;

	route_free(&route);
	route_order(&route, health, &want, now_ms);
	buf_init(&seen, 1000);
	for (size_t i = 0; i < route.count; i++)
		(void)buf_printf(&seen, "%s%s%s", i ? " " : "", route.candidates[i].target->name,
			route.candidates[i].out == ROUTE_IN ? "" : "!");
	ck_assert_str_eq(seen.data, wanted);
	buf_free(&seen);
}

static void
expect(const char *wanted)
{
	expect_at(NOW, wanted);
}

START_TEST(without_a_past_the_chains_own_order_holds)
{
	expect("a/m a/n b/m c/m");
}
END_TEST

START_TEST(a_wish_comes_first_and_the_rest_keeps_its_order)
{
	want.provider = "b";
	expect("b/m a/m a/n c/m");
	want.provider = NULL;
	want.model = "n";
	expect("a/n a/m b/m c/m");
	want.provider = "b";
	expect("a/m a/n b/m c/m");
}
END_TEST

START_TEST(what_is_not_configured_or_disabled_is_out)
{
	providers[0].configured = false;
	(void)health_disable(health, HEALTH_PROVIDER, "b", true);
	(void)health_disable(health, HEALTH_TARGET, "c/m", true);
	expect("a/m! a/n! b/m! c/m!");
	ck_assert_int_eq(route.candidates[0].out, ROUTE_NOT_CONFIGURED);
	ck_assert_int_eq(route.candidates[2].out, ROUTE_DISABLED);
	ck_assert_int_eq(route.candidates[3].out, ROUTE_DISABLED);
}
END_TEST

START_TEST(an_open_provider_takes_its_targets_out_and_says_for_how_long)
{
	failure(0, OUTCOME_AUTH, -1);
	expect_at(NOW + MINUTE, "a/m! a/n! b/m c/m");
	ck_assert_int_eq(route.candidates[1].out, ROUTE_PROVIDER_OPEN);
	ck_assert_int_eq(route.candidates[1].out_for_ms, 4 * MINUTE);
}
END_TEST

START_TEST(of_two_open_circuits_the_longer_wait_is_told)
{
	failure(0, OUTCOME_AUTH, -1);
	health_subject(health, HEALTH_TARGET, "a/m")->circuit =
		(struct circuit){.open = true, .open_until_ms = NOW + 20 * MINUTE};
	expect("a/m! a/n! b/m c/m");
	ck_assert_int_eq(route.candidates[0].out, ROUTE_TARGET_OPEN);
	ck_assert_int_eq(route.candidates[0].out_for_ms, 20 * MINUTE);
	ck_assert_int_eq(route.candidates[1].out, ROUTE_PROVIDER_OPEN);
}
END_TEST

START_TEST(half_open_lets_one_in_and_the_next_not)
{
	failure(2, OUTCOME_MODEL_NOT_FOUND, -1);
	expect("a/m a/n b/m! c/m");
	expect_at(NOW + 5 * MINUTE, "a/m a/n b/m c/m");
	(void)health_begin(health, "b", "b/m", NOW);
	expect_at(NOW + 5 * MINUTE, "a/m a/n b/m! c/m");
	ck_assert_int_eq(route.candidates[2].out, ROUTE_PROBING);
}
END_TEST

START_TEST(a_provider_with_all_the_calls_it_may_have_is_busy)
{
	providers[0].max_concurrency = 2;
	(void)health_begin(health, "a", "a/m", NOW);
	expect("a/m a/n b/m c/m");
	(void)health_begin(health, "a", "a/n", NOW);
	expect("a/m! a/n! b/m c/m");
	ck_assert_int_eq(route.candidates[0].out, ROUTE_BUSY);
}
END_TEST

START_TEST(the_preferred_target_comes_first_while_the_better_ones_rest)
{
	failure(0, OUTCOME_SERVER_ERROR, -1);
	(void)health_prefer(health, "default", "b/m", NOW);
	/* a/n never failed: it is not passed over */
	expect("a/n b/m c/m a/m");
	failure(1, OUTCOME_SERVER_ERROR, -1);
	expect("b/m c/m a/m a/n");
	expect_at(NOW + 5 * MINUTE, "a/m a/n b/m c/m");
	want.remembers = false;
	expect("a/m a/n b/m c/m");
}
END_TEST

START_TEST(one_call_at_a_time_tries_what_is_better_placed)
{
	(void)health_prefer(health, "default", "b/m", NOW);
	health_preferred(health, "default", NOW)->tried_by = 7;
	expect("b/m c/m a/m a/n");
	want.call = 7;
	expect("a/m a/n b/m c/m");
}
END_TEST

START_TEST(an_entry_that_is_not_in_the_chain_does_nothing)
{
	failure(0, OUTCOME_SERVER_ERROR, -1);
	(void)health_prefer(health, "default", "gone/m", NOW);
	expect("a/m a/n b/m c/m");
}
END_TEST

START_TEST(forced_goes_before_all_and_passes_open_circuits)
{
	failure(3, OUTCOME_AUTH, -1);
	(void)health_prefer(health, "default", "b/m", NOW);
	health_force(health, "c", false, NOW + MINUTE, 0, NOW);
	expect("c/m a/m a/n b/m");
	expect_at(NOW + MINUTE, "a/m a/n b/m c/m!");
}
END_TEST

START_TEST(forced_does_not_move_a_call_that_named_its_provider)
{
	health_force(health, "c", true, NOW + MINUTE, 0, NOW);
	want.provider = "a";
	expect("a/m a/n b/m c/m");
}
END_TEST

START_TEST(strictly_forced_leaves_nothing_else)
{
	health_force(health, "b", true, NOW + MINUTE, 0, NOW);
	expect("b/m a/m! a/n! c/m!");
	ck_assert(!route.strict_miss);
	health_force(health, "d", true, NOW + MINUTE, 0, NOW);
	expect("a/m! a/n! b/m! c/m!");
	ck_assert(route.strict_miss);
}
END_TEST

START_TEST(forcing_a_provider_forces_its_other_endpoints_too)
{
	providers[2].derived_from = text("openai");
	health_force(health, "openai", false, NOW + MINUTE, 0, NOW);
	expect("c/m a/m a/n b/m");
	health_force(health, "c", false, NOW + MINUTE, 0, NOW);
	expect("c/m a/m a/n b/m");
}
END_TEST

START_TEST(without_failover_only_the_first_that_is_there_stays)
{
	want.fallback = false;
	(void)health_prefer(health, "default", "b/m", NOW);
	expect("a/m a/n! b/m! c/m!");
	ck_assert_int_eq(route.candidates[1].out, ROUTE_NOT_FIRST);
	providers[0].configured = false;
	expect("a/m! a/n! b/m c/m!");
	failure(2, OUTCOME_AUTH, -1);
	expect("a/m! a/n! b/m! c/m!");
	ck_assert_int_eq(route.candidates[2].out, ROUTE_PROVIDER_OPEN);
	ck_assert_int_eq(route.candidates[3].out, ROUTE_NOT_FIRST);
}
END_TEST

static const char *
early(void)
{
	struct route_candidate *candidate;

	route_free(&route);
	route_order(&route, health, &want, NOW);
	candidate = route_early_probe(&route, health, NOW);
	return candidate ? candidate->target->name : "none";
}

START_TEST(the_early_probe_is_for_the_one_that_is_free_soonest)
{
	ck_assert_str_eq(early(), "none");
	failure(0, OUTCOME_AUTH, -1);
	for (int i = 0; i < 3; i++)
		failure(2, OUTCOME_UNAVAILABLE, -1);
	ck_assert_str_eq(early(), "none");
	failure(3, OUTCOME_RATE_LIMITED, 1000);
	/* c is free sooner, but that is what its provider asked for */
	ck_assert_str_eq(early(), "b/m");
	(void)health_begin(health, "b", "b/m", NOW);
	ck_assert_str_eq(early(), "none");
}
END_TEST

START_TEST(no_early_probe_while_one_is_merely_busy)
{
	providers[1].max_concurrency = 1;
	(void)health_begin(health, "b", "b/m", NOW);
	chain.target_count = 3;
	for (int i = 0; i < 3; i++)
		failure(0, OUTCOME_CONNECT_FAILED, -1);
	ck_assert_str_eq(early(), "none");
}
END_TEST

START_TEST(states_are_named_as_status_names_them)
{
	ck_assert_str_eq(route_state_text(&providers[0], NULL, NOW), "closed");
	failure(0, OUTCOME_AUTH, -1);
	const struct health_subject *subject = health_find(health, HEALTH_PROVIDER, "a");
	ck_assert_str_eq(route_state_text(&providers[0], subject, NOW), "open");
	ck_assert_str_eq(route_state_text(&providers[0], subject, NOW + 5 * MINUTE), "half_open");
	(void)health_disable(health, HEALTH_PROVIDER, "a", true);
	ck_assert_str_eq(route_state_text(&providers[0], subject, NOW), "disabled");
	providers[0].configured = false;
	ck_assert_str_eq(route_state_text(&providers[0], subject, NOW), "not_configured");
}
END_TEST

/* The request asks for a seed; a is Anthropic's, c sets a seed of its own. */
static void
want_a_seed(struct config_params *own, struct config *config)
{
	own->has_seed = true;
	providers[0].endpoint.preset = provider_preset("anthropic");
	providers[1].endpoint.preset = provider_preset("openai");
	providers[2].endpoint.preset = provider_preset("openai");
	want.params = own;
	want.config = config;
}

START_TEST(what_lacks_something_the_request_needs_is_out_and_says_what)
{
	struct config_params own = {0};
	struct config config = {0};
	struct buf why;

	want_a_seed(&own, &config);
	want.needs = PROVIDER_NEED_MEDIA;
	failure(0, OUTCOME_AUTH, -1);
	expect("a/m! a/n! b/m c/m");
	ck_assert_int_eq(route.candidates[0].out, ROUTE_LACKS);
	ck_assert(!route_is_there(&route.candidates[0]) && route_is_there(&route.candidates[2]));
	buf_init(&why, 1000);
	route_why(&route.candidates[0], &why);
	ck_assert_str_eq(why.data, "takes no audio or files, takes no seed");
	buf_free(&why);
	want.params = NULL;
	expect_at(NOW + 5 * MINUTE, "a/m a/n b/m c/m");
}
END_TEST

START_TEST(parameters_of_the_configuration_are_needs_too)
{
	struct config_params own = {0};
	struct config config = {0};

	want_a_seed(&own, &config);
	own.has_seed = false;
	expect("a/m a/n b/m c/m");
	chain.params.has_seed = true;
	expect("a/m! a/n! b/m c/m");
	chain.params.has_seed = false;
	providers[0].params.has_seed = true;
	expect("a/m! a/n! b/m c/m");
	providers[0].params.has_seed = false;
	config.params.has_seed = true;
	expect("a/m! a/n! b/m c/m");
}
END_TEST

START_TEST(forcing_does_not_make_a_target_able)
{
	struct config_params own = {0};
	struct config config = {0};

	want_a_seed(&own, &config);
	health_force(health, "a", true, NOW + MINUTE, 0, NOW);
	expect("a/m! a/n! b/m! c/m!");
	want.fallback = false;
	health_force(health, NULL, false, 0, 0, NOW);
	expect("a/m! a/n! b/m c/m!");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("route");
	TCase *tcase = tcase_create("route");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, without_a_past_the_chains_own_order_holds);
	tcase_add_test(tcase, a_wish_comes_first_and_the_rest_keeps_its_order);
	tcase_add_test(tcase, what_is_not_configured_or_disabled_is_out);
	tcase_add_test(tcase, an_open_provider_takes_its_targets_out_and_says_for_how_long);
	tcase_add_test(tcase, of_two_open_circuits_the_longer_wait_is_told);
	tcase_add_test(tcase, half_open_lets_one_in_and_the_next_not);
	tcase_add_test(tcase, a_provider_with_all_the_calls_it_may_have_is_busy);
	tcase_add_test(tcase, the_preferred_target_comes_first_while_the_better_ones_rest);
	tcase_add_test(tcase, one_call_at_a_time_tries_what_is_better_placed);
	tcase_add_test(tcase, an_entry_that_is_not_in_the_chain_does_nothing);
	tcase_add_test(tcase, forced_goes_before_all_and_passes_open_circuits);
	tcase_add_test(tcase, forced_does_not_move_a_call_that_named_its_provider);
	tcase_add_test(tcase, strictly_forced_leaves_nothing_else);
	tcase_add_test(tcase, forcing_a_provider_forces_its_other_endpoints_too);
	tcase_add_test(tcase, without_failover_only_the_first_that_is_there_stays);
	tcase_add_test(tcase, the_early_probe_is_for_the_one_that_is_free_soonest);
	tcase_add_test(tcase, no_early_probe_while_one_is_merely_busy);
	tcase_add_test(tcase, states_are_named_as_status_names_them);
	tcase_add_test(tcase, what_lacks_something_the_request_needs_is_out_and_says_what);
	tcase_add_test(tcase, parameters_of_the_configuration_are_needs_too);
	tcase_add_test(tcase, forcing_does_not_make_a_target_able);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
