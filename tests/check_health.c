/* SPDX-License-Identifier: MIT */
/* What the host remembers of providers and targets, of chains and of what an administrator forced.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health.h"

#define NOW 1000000
#define MINUTE 60000

static struct health *health;

static struct health_policy
usual(void)
{
	return (struct health_policy){
		.circuit = {.failure_threshold = 3,
			.cooldown_ms = 5 * MINUTE,
			.cooldown_max_ms = 5 * MINUTE},
		.preferred_ttl_ms = 30 * MINUTE,
		.tracking = true,
		.preferred = true,
	};
}

static void
set_up(void)
{
	struct health_policy policy = usual();

	health = health_new();
	health_set_policy(health, &policy);
}

static void
tear_down(void)
{
	health_free(health);
}

static struct health_change
attempt(const char *provider, const char *target, enum outcome_class class, int64_t now_ms)
{
	struct health_ticket ticket = health_begin(health, provider, target, NOW);
	struct outcome outcome;

	outcome_set(&outcome, class, "%s", "what it said");
	outcome.http_status = class == OUTCOME_OK ? 200 : 500;
	return health_end(health, provider, target, ticket, &outcome, 100, now_ms);
}

static const struct health_subject *
target(const char *name)
{
	return health_find(health, HEALTH_TARGET, name);
}

static const struct health_subject *
provider(const char *name)
{
	return health_find(health, HEALTH_PROVIDER, name);
}

START_TEST(an_attempt_is_in_flight_at_both_until_it_ends)
{
	struct health_ticket ticket = health_begin(health, "a", "a/m", NOW);
	struct outcome outcome;

	ck_assert_int_eq(provider("a")->in_flight, 1);
	ck_assert_int_eq(target("a/m")->in_flight, 1);
	outcome_set(&outcome, OUTCOME_OK, "%s", "");
	(void)health_end(health, "a", "a/m", ticket, &outcome, 70, NOW);
	ck_assert_int_eq(provider("a")->in_flight, 0);
	ck_assert_int_eq(target("a/m")->in_flight, 0);
	ck_assert_int_eq(target("a/m")->successes, 1);
	ck_assert_int_eq(latency_average_ms(&target("a/m")->latency), 70);
}
END_TEST

START_TEST(a_failure_counts_where_its_class_says)
{
	(void)attempt("a", "a/m", OUTCOME_SERVER_ERROR, NOW);
	ck_assert_int_eq(target("a/m")->circuit.consecutive_failures, 1);
	ck_assert_int_eq(provider("a")->circuit.consecutive_failures, 0);
	ck_assert_int_eq(target("a/m")->last_error.class, OUTCOME_SERVER_ERROR);
	ck_assert_int_eq(provider("a")->last_error.class, OUTCOME_OK);
	(void)attempt("a", "a/m", OUTCOME_CONNECT_FAILED, NOW);
	ck_assert_int_eq(target("a/m")->circuit.consecutive_failures, 1);
	ck_assert_int_eq(provider("a")->circuit.consecutive_failures, 1);
	ck_assert_int_eq(target("a/m")->last_error.class, OUTCOME_CONNECT_FAILED);
	ck_assert_int_eq(provider("a")->last_error.class, OUTCOME_CONNECT_FAILED);
	ck_assert_str_eq(provider("a")->last_error.message, "what it said");
}
END_TEST

START_TEST(one_auth_failure_opens_the_provider_alone)
{
	struct health_change change = attempt("a", "a/m", OUTCOME_AUTH, NOW);

	ck_assert(change.provider_circuit);
	ck_assert(!change.target_circuit);
	ck_assert_int_eq(circuit_state(&provider("a")->circuit, NOW), CIRCUIT_OPEN);
	ck_assert_int_eq(circuit_state(&target("a/m")->circuit, NOW), CIRCUIT_CLOSED);
}
END_TEST

START_TEST(a_request_that_was_wrong_is_no_failure_of_the_provider)
{
	(void)attempt("a", "a/m", OUTCOME_BAD_REQUEST, NOW);
	(void)attempt("a", "a/m", OUTCOME_CONTENT_POLICY, NOW);
	(void)attempt("a", "a/m", OUTCOME_CANCELLED, NOW);
	ck_assert_int_eq(target("a/m")->failures, 0);
	ck_assert_int_eq(provider("a")->failures, 0);
	ck_assert_int_eq(target("a/m")->last_failure_ms, 0);
	(void)attempt("a", "a/m", OUTCOME_TIMEOUT, NOW);
	ck_assert_int_eq(target("a/m")->failures, 1);
	ck_assert_int_eq(provider("a")->failures, 1);
}
END_TEST

START_TEST(reset_closes_what_it_names_and_forgets_the_counters)
{
	(void)attempt("a", "a/m", OUTCOME_AUTH, NOW);
	(void)attempt("ab", "ab/m", OUTCOME_AUTH, NOW);
	ck_assert_int_eq(health_reset(health, "nobody"), 0);
	ck_assert_int_eq(health_reset(health, "a"), 2);
	ck_assert(circuit_admits(&provider("a")->circuit, NOW));
	ck_assert_int_eq(target("a/m")->failures, 0);
	ck_assert_int_eq(target("a/m")->last_error.class, OUTCOME_OK);
	ck_assert(!circuit_admits(&provider("ab")->circuit, NOW));
	ck_assert_int_eq(health_reset(health, NULL), 4);
	ck_assert(circuit_admits(&provider("ab")->circuit, NOW));
}
END_TEST

START_TEST(reset_keeps_what_is_in_flight_and_what_is_disabled)
{
	struct health_ticket ticket = health_begin(health, "a", "a/m", NOW);
	struct outcome outcome;

	(void)health_disable(health, HEALTH_PROVIDER, "a", true);
	(void)health_reset(health, NULL);
	ck_assert_int_eq(provider("a")->in_flight, 1);
	ck_assert(provider("a")->disabled);
	outcome_set(&outcome, OUTCOME_OK, "%s", "");
	(void)health_end(health, "a", "a/m", ticket, &outcome, 1, NOW);
	ck_assert_int_eq(provider("a")->in_flight, 0);
}
END_TEST

START_TEST(a_preferred_entry_lives_as_long_as_it_should)
{
	ck_assert_ptr_null(health_preferred(health, "default", NOW));
	ck_assert(health_prefer(health, "default", "b/m", NOW));
	ck_assert(!health_prefer(health, "default", "b/m", NOW + MINUTE));
	ck_assert_str_eq(health_preferred(health, "default", NOW + 30 * MINUTE)->target, "b/m");
	ck_assert_ptr_null(health_preferred(health, "default", NOW + 31 * MINUTE));
	ck_assert(health_prefer(health, "default", "c/m", NOW));
	ck_assert(health_prefer(health, "other", "b/m", NOW));
	ck_assert(health_unprefer(health, "default"));
	ck_assert(!health_unprefer(health, "default"));
	ck_assert_int_eq(health_unprefer_all(health), 1);
}
END_TEST

static void
count_entry(const struct health_preferred *entry, void *arg)
{
	int *count = arg;

	ck_assert_str_eq(entry->target, "b/m");
	++*count;
}

START_TEST(a_walk_over_the_entries_drops_those_that_ran_out)
{
	int count = 0;

	(void)health_prefer(health, "one", "b/m", NOW);
	(void)health_prefer(health, "two", "b/m", NOW + MINUTE);
	(void)health_prefer(health, "three", "b/m", NOW);
	(void)health_prefer(health, "four", "b/m", NOW + MINUTE);
	health_each_preferred(health, NOW + 30 * MINUTE, count_entry, &count);
	ck_assert_int_eq(count, 2);
	ck_assert_ptr_null(health_preferred(health, "one", NOW));
	ck_assert_ptr_nonnull(health_preferred(health, "two", NOW));
}
END_TEST

START_TEST(a_target_is_passed_over_until_its_time_or_a_good_check)
{
	int64_t remaining_ms;

	(void)attempt("a", "a/m", OUTCOME_SERVER_ERROR, NOW);
	ck_assert(health_passed_over(health, NULL, target("a/m"), NOW + 1000, &remaining_ms));
	ck_assert_int_eq(remaining_ms, 5 * MINUTE - 1000);
	ck_assert(!health_passed_over(
		health, NULL, target("a/m"), NOW + 5 * MINUTE, &remaining_ms));
	ck_assert_int_eq(remaining_ms, 0);
	(void)health_checked_well(health, "a", "a/m", NOW + 2000);
	ck_assert(!health_passed_over(health, NULL, target("a/m"), NOW + 3000, NULL));
	(void)attempt("a", "a/m", OUTCOME_SERVER_ERROR, NOW + 4000);
	ck_assert(health_passed_over(health, NULL, target("a/m"), NOW + 5000, NULL));
	(void)attempt("a", "a/m", OUTCOME_OK, NOW + 6000);
	ck_assert(!health_passed_over(health, NULL, target("a/m"), NOW + 7000, NULL));
}
END_TEST

START_TEST(what_is_forced_ends_by_itself_and_is_replaced_by_a_second)
{
	ck_assert_ptr_null(health_forced(health, NOW));
	health_force(health, "a", false, NOW + MINUTE, 0, NOW);
	ck_assert_str_eq(health_forced(health, NOW)->provider, "a");
	health_force(health, "b", true, NOW + 2 * MINUTE, 7, NOW);
	ck_assert_str_eq(health_forced(health, NOW + MINUTE)->provider, "b");
	ck_assert(health_forced(health, NOW)->strict);
	ck_assert_ptr_null(health_forced(health, NOW + 2 * MINUTE));
	health_force(health, "b", true, NOW + 9 * MINUTE, 7, NOW);
	health_force(health, NULL, false, 0, 0, NOW);
	ck_assert_ptr_null(health_forced(health, NOW));
}
END_TEST

START_TEST(what_a_new_configuration_no_longer_names_is_forgotten)
{
	struct health_ticket ticket;
	struct outcome outcome;

	health_list(health, HEALTH_PROVIDER, "a");
	health_list(health, HEALTH_PROVIDER, "gone");
	health_list(health, HEALTH_TARGET, "gone/old");
	health_list(health, HEALTH_TARGET, "gone/busy");
	health_list(health, HEALTH_TARGET, "gone/disabled");
	health_list(health, HEALTH_TARGET, "a/kept");
	health_list(health, HEALTH_TARGET, "a/unlisted");
	(void)health_disable(health, HEALTH_TARGET, "gone/disabled", true);
	ticket = health_begin(health, "gone", "gone/busy", NOW);
	health_unlist_all(health);
	health_list(health, HEALTH_PROVIDER, "a");
	health_list(health, HEALTH_TARGET, "a/kept");
	health_sweep(health);
	ck_assert_ptr_null(target("gone/old"));
	ck_assert_ptr_nonnull(target("gone/busy"));
	ck_assert_ptr_nonnull(target("a/kept"));
	/* callers may name it as long as its provider is there; what was disabled stays so */
	ck_assert_ptr_nonnull(target("a/unlisted"));
	ck_assert_ptr_nonnull(target("gone/disabled"));
	outcome_set(&outcome, OUTCOME_OK, "%s", "");
	(void)health_end(health, "gone", "gone/busy", ticket, &outcome, 1, NOW);
	health_sweep(health);
	ck_assert_ptr_null(target("gone/busy"));
}
END_TEST

START_TEST(models_that_callers_invent_do_not_fill_the_memory)
{
	char name[32];

	health_list(health, HEALTH_TARGET, "a/listed");
	(void)health_begin(health, "a", "a/running", NOW);
	for (int i = 0; i < HEALTH_UNLISTED_MAX + 500; i++) {
		(void)snprintf(name, sizeof name, "a/%d", i);
		(void)attempt("a", name, OUTCOME_OK, NOW);
	}
	ck_assert_ptr_nonnull(target("a/listed"));
	ck_assert_ptr_nonnull(target("a/running"));
	ck_assert_ptr_null(target("a/0"));
	ck_assert_ptr_nonnull(target(name));
}
END_TEST

START_TEST(without_tracking_no_circuit_stands)
{
	struct health_policy policy = usual();

	(void)attempt("a", "a/m", OUTCOME_AUTH, NOW);
	ck_assert(!circuit_admits(&provider("a")->circuit, NOW));
	policy.tracking = false;
	health_set_policy(health, &policy);
	ck_assert(circuit_admits(&provider("a")->circuit, NOW));
	(void)attempt("a", "a/m", OUTCOME_AUTH, NOW);
	ck_assert(circuit_admits(&provider("a")->circuit, NOW));
	ck_assert_int_eq(target("a/m")->failures, 2);
}
END_TEST

START_TEST(without_the_feature_nothing_is_preferred)
{
	struct health_policy policy = usual();

	(void)health_prefer(health, "default", "b/m", NOW);
	policy.preferred = false;
	health_set_policy(health, &policy);
	ck_assert_ptr_null(health_preferred(health, "default", NOW));
	ck_assert(!health_prefer(health, "default", "b/m", NOW));
}
END_TEST

START_TEST(a_probe_holds_its_place_at_both_circuits)
{
	struct health_ticket first, second;
	struct outcome outcome;

	(void)attempt("a", "a/m", OUTCOME_MODEL_NOT_FOUND, NOW);
	(void)attempt("a", "a/m", OUTCOME_AUTH, NOW);
	first = health_begin(health, "a", "a/m", NOW);
	second = health_begin(health, "a", "a/m", NOW);
	ck_assert(first.target_probe && first.provider_probe);
	ck_assert(!second.target_probe && !second.provider_probe);
	outcome_set(&outcome, OUTCOME_OK, "%s", "");
	struct health_change change =
		health_end(health, "a", "a/m", first, &outcome, 1, NOW + 5 * MINUTE);
	ck_assert(change.target_circuit && change.provider_circuit);
	(void)health_end(health, "a", "a/m", second, &outcome, 1, NOW + 5 * MINUTE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("health");
	TCase *tcase = tcase_create("health");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, an_attempt_is_in_flight_at_both_until_it_ends);
	tcase_add_test(tcase, a_failure_counts_where_its_class_says);
	tcase_add_test(tcase, one_auth_failure_opens_the_provider_alone);
	tcase_add_test(tcase, a_request_that_was_wrong_is_no_failure_of_the_provider);
	tcase_add_test(tcase, reset_closes_what_it_names_and_forgets_the_counters);
	tcase_add_test(tcase, reset_keeps_what_is_in_flight_and_what_is_disabled);
	tcase_add_test(tcase, a_preferred_entry_lives_as_long_as_it_should);
	tcase_add_test(tcase, a_walk_over_the_entries_drops_those_that_ran_out);
	tcase_add_test(tcase, a_target_is_passed_over_until_its_time_or_a_good_check);
	tcase_add_test(tcase, what_is_forced_ends_by_itself_and_is_replaced_by_a_second);
	tcase_add_test(tcase, what_a_new_configuration_no_longer_names_is_forgotten);
	tcase_add_test(tcase, models_that_callers_invent_do_not_fill_the_memory);
	tcase_add_test(tcase, without_tracking_no_circuit_stands);
	tcase_add_test(tcase, without_the_feature_nothing_is_preferred);
	tcase_add_test(tcase, a_probe_holds_its_place_at_both_circuits);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
