/* SPDX-License-Identifier: MIT */
/* Many hosts, one view: what one learns all know. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/config_support.h"
#include "support/fleet.h"

static struct fleet *fleet;

static void
setup(void)
{
	fleet = fleet_new(FLEET_HOSTS, fleet_usual);
}

static void
teardown(void)
{
	fleet_free(fleet);
}

START_TEST(a_circuit_opened_on_one_is_open_on_all)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, 20);
	fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
	fleet_assert_all(fleet, "a/n", CIRCUIT_CLOSED);
	for (size_t i = 0; i < FLEET_HOSTS; i++)
		ck_assert_int_ge(fleet_left_ms(fleet, i, "a/m"), FLEET_COOLDOWN_MS - 20);
	/* a word alone on those that heard of it */
	for (size_t i = 0; i < FLEET_HOSTS; i++)
		ck_assert_int_eq(
			circuit_is_hearsay(fleet_circuit(fleet, i, "a/m"),
				fleet_now_ms(fleet)),
			i > 0);
	const struct health_subject *told =
		health_find(fleet->hosts[1].health, HEALTH_TARGET, "a/m");
	ck_assert_str_eq(told->last_error.message, "told by host-0");
	ck_assert_ptr_nonnull(strstr(
		fake_place_find(&fleet->place, "open:a/m")->text, "\"class\":\"unavailable\""));
}
END_TEST

START_TEST(what_a_provider_asked_for_holds_on_all_hosts)
{
	fleet_call(fleet, 1, "a/m", OUTCOME_RATE_LIMITED, 30 * FLEET_SECOND);
	fleet_call(fleet, 1, "b/m", OUTCOME_AUTH, 0);
	fleet_after(fleet, 20);
	fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
	fleet_assert_all(fleet, "b", CIRCUIT_OPEN);
	fleet_after(fleet, 30 * FLEET_SECOND);
	fleet_assert_all(fleet, "a/m", CIRCUIT_HALF_OPEN);
	fleet_assert_all(fleet, "b", CIRCUIT_OPEN);
}
END_TEST

START_TEST(a_circuit_that_closes_on_one_closes_on_all)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, 20);
	(void)health_reset(fleet->hosts[2].health, "a/m");
	fleet_after(fleet, 20);
	fleet_assert_all(fleet, "a/m", CIRCUIT_CLOSED);
	ck_assert_ptr_null(fake_place_find(&fleet->place, "open:a/m"));
}
END_TEST

START_TEST(what_is_local_to_a_host_is_not_shared)
{
	fleet_open(fleet, 0, "here/m");
	(void)health_prefer(
		fleet->hosts[0].health, "homely", "b/m", fleet_now_ms(fleet));
	fleet_after(fleet, FLEET_MINUTE);
	ck_assert_int_eq(fleet_state(fleet, 0, "here/m"), CIRCUIT_OPEN);
	ck_assert_int_eq(fleet_state(fleet, 1, "here/m"), CIRCUIT_CLOSED);
	ck_assert_str_eq(fleet_preferred(fleet, 0, "homely"), "b/m");
	ck_assert_str_eq(fleet_preferred(fleet, 1, "homely"), "");
	ck_assert_ptr_null(fake_place_find(&fleet->place, "open:here/m"));
}
END_TEST

START_TEST(one_host_probes_for_all)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, FLEET_COOLDOWN_MS + 20);
	fleet_assert_all(fleet, "a/m", CIRCUIT_HALF_OPEN);
	ck_assert_uint_eq(fleet_admitting(fleet, "a/m"), 1);
	size_t host = fleet_holder(fleet, "a/m");
	struct health_ticket ticket = fleet_begin(fleet, host, "a/m");
	/* however long it takes */
	for (int i = 0; i < 60; i++) {
		fleet_after(fleet, FLEET_SECOND);
		ck_assert_uint_eq(fleet_admitting(fleet, "a/m"), 0);
	}
	fleet_end(fleet, host, "a/m", ticket, OUTCOME_OK);
	fleet_after(fleet, 20);
	fleet_assert_all(fleet, "a/m", CIRCUIT_CLOSED);
	ck_assert_uint_eq(fleet_admitting(fleet, "a/m"), FLEET_HOSTS);
}
END_TEST

START_TEST(a_probe_that_fails_opens_it_on_all_hosts_again)
{
	fleet_open(fleet, 0, "a/m");
	for (int i = 0; i < 4; i++) {
		fleet_after(fleet, FLEET_COOLDOWN_MS + 20);
		ck_assert_uint_eq(fleet_admitting(fleet, "a/m"), 1);
		fleet_call(fleet, fleet_holder(fleet, "a/m"), "a/m", OUTCOME_UNAVAILABLE, 0);
		fleet_after(fleet, 20);
		fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
	}
}
END_TEST

START_TEST(a_probe_that_says_nothing_leaves_the_place_to_the_next)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, FLEET_COOLDOWN_MS + 20);
	fleet_call(fleet, fleet_holder(fleet, "a/m"), "a/m", OUTCOME_CANCELLED, 0);
	fleet_after(fleet, 20);
	ck_assert_uint_eq(fleet_admitting(fleet, "a/m"), 1);
}
END_TEST

START_TEST(who_has_no_calls_gives_the_probe_to_who_has)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, FLEET_COOLDOWN_MS + 20);
	size_t idle = fleet_holder(fleet, "a/m"), busy = (idle + 1) % FLEET_HOSTS;
	fleet_after(fleet, FLEET_SECOND);
	ck_assert(!fleet_admits(fleet, busy, "a/m"));
	fleet_after(fleet, 20);
	ck_assert(fleet_admits(fleet, busy, "a/m"));
	ck_assert(!circuit_admits(
		fleet_circuit(fleet, idle, "a/m"),
		fleet_now_ms(fleet)));
	/* and it stays there until it is used, or wanted elsewhere */
	fleet_after(fleet, 3 * FLEET_MINUTE);
	ck_assert(fleet_admits(fleet, busy, "a/m"));
}
END_TEST

START_TEST(a_host_that_dies_with_the_probe_does_not_keep_it)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, FLEET_COOLDOWN_MS + 20);
	size_t host = fleet_holder(fleet, "a/m"), other = (host + 1) % FLEET_HOSTS;
	(void)fleet_begin(fleet, host, "a/m");
	fake_store_cut(&fleet->hosts[host].store, true);
	for (int i = 0; i < 12; i++) {
		(void)fleet_admits(fleet, other, "a/m");
		fleet_after(fleet, FLEET_SECOND);
	}
	ck_assert(fleet_admits(fleet, other, "a/m"));
}
END_TEST

START_TEST(a_forged_probe_keeps_nobody_from_it_for_ever)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, FLEET_COOLDOWN_MS - FLEET_SECOND);
	fake_place_put(&fleet->place, "probe:a/m", "mallory", -1);
	fleet_after(fleet, FLEET_SECOND + 20);
	ck_assert_uint_eq(fleet_admitting(fleet, "a/m"), 0);
	for (int i = 0; i < 121; i++) {
		fleet_after(fleet, FLEET_SECOND);
		(void)fleet_admitting(fleet, "a/m");
	}
	ck_assert_uint_gt(fleet_admitting(fleet, "a/m"), 0);
}
END_TEST

START_TEST(what_a_chain_prefers_is_preferred_on_all_hosts)
{
	fleet_prefer(fleet, 1, "b/m");
	fleet_after(fleet, 20);
	fleet_assert_prefer(fleet, "default", "b/m");
	ck_assert_str_eq(fake_place_find(&fleet->place, "preferred:default")->text, "b/m");
	(void)health_unprefer(fleet->hosts[2].health, "default");
	fleet_after(fleet, 20);
	fleet_assert_prefer(fleet, "default", "");
	fleet_prefer(fleet, 0, "b/m");
	fleet_after(fleet, 20);
	(void)health_unprefer_all(fleet->hosts[1].health);
	fleet_after(fleet, 20);
	fleet_assert_prefer(fleet, "default", "");
	ck_assert_ptr_null(fake_place_find(&fleet->place, "preferred:default"));
}
END_TEST

START_TEST(an_entry_that_is_made_again_and_again_is_not_told_each_time)
{
	fleet_prefer(fleet, 0, "b/m");
	fleet_after(fleet, 20);
	size_t told = fleet->hosts[0].store.news_count;
	for (int i = 0; i < 100; i++) {
		fleet_prefer(fleet, 0, "b/m");
		fleet_after(fleet, 10);
	}
	ck_assert_uint_le(fleet->hosts[0].store.news_count, told + 1);
	fleet_after(fleet, 10 * FLEET_SECOND);
	fleet_prefer(fleet, 0, "b/m");
	fleet_after(fleet, 20);
	ck_assert_uint_gt(fleet->hosts[0].store.news_count, told);
}
END_TEST

START_TEST(who_hears_what_is_preferred_leaves_the_better_one_alone_for_as_long)
{
	const struct health *health = fleet->hosts[2].health;
	int64_t rest_ms;

	fleet_prefer(fleet, 0, "b/m");
	fleet_after(fleet, FLEET_MINUTE);
	const struct health_preferred *entry = health_preferred(
		fleet->hosts[2].health, "default", fleet_now_ms(fleet));
	const struct health_subject *better = health_find(health, HEALTH_TARGET, "a/m");
	ck_assert(health_passed_over(health, entry, better, fleet_now_ms(fleet), &rest_ms));
	ck_assert_int_le(llabs(rest_ms - 4 * FLEET_MINUTE), 20);
	fleet_after(fleet, 4 * FLEET_MINUTE + 20);
	ck_assert(!health_passed_over(health, entry, better, fleet_now_ms(fleet), &rest_ms));
}
END_TEST

START_TEST(forced_on_one_is_forced_on_all)
{
	fleet_force(fleet, 0, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, 20);
	fleet_assert_forced(fleet, "b");
	fleet_force(fleet, 1, "a", 10 * FLEET_MINUTE);
	fleet_after(fleet, 20);
	fleet_assert_forced(fleet, "a");
	ck_assert_uint_eq(health_forced_entry(fleet->hosts[2].health)->by_uid, 7);
	fleet_after(fleet, 10 * FLEET_MINUTE);
	fleet_assert_forced(fleet, "");
	fleet_force(fleet, 2, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, 20);
	fleet_force(fleet, 0, NULL, 0);
	fleet_after(fleet, 20);
	fleet_assert_forced(fleet, "");
	fleet_after(fleet, FLEET_MINUTE);
	fleet_assert_forced(fleet, "");
}
END_TEST

START_TEST(a_host_that_comes_new_knows_what_the_others_know)
{
	fleet_open(fleet, 0, "a/m");
	fleet_prefer(fleet, 0, "b/m");
	fleet_force(fleet, 0, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, FLEET_MINUTE);
	fleet_restart(fleet, 2);
	fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
	fleet_assert_prefer(fleet, "default", "b/m");
	fleet_assert_forced(fleet, "b");
	ck_assert_int_le(llabs(fleet_left_ms(fleet, 2, "a/m") - 4 * FLEET_MINUTE), 200);
}
END_TEST

START_TEST(missed_news_are_made_up_for)
{
	fleet->place.loses_news = true;
	fleet_open(fleet, 0, "a/m");
	fleet_prefer(fleet, 1, "b/m");
	fleet_force(fleet, 2, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, 16 * FLEET_SECOND);
	fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
	fleet_assert_prefer(fleet, "default", "b/m");
	fleet_assert_forced(fleet, "b");
	(void)health_reset(fleet->hosts[1].health, NULL);
	(void)health_unprefer_all(fleet->hosts[0].health);
	fleet_force(fleet, 0, NULL, 0);
	fleet_after(fleet, 16 * FLEET_SECOND);
	fleet_assert_all(fleet, "a/m", CIRCUIT_CLOSED);
	fleet_assert_prefer(fleet, "default", "");
	fleet_assert_forced(fleet, "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("share");
	TCase *tests = tcase_create("share");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_circuit_opened_on_one_is_open_on_all);
	tcase_add_test(tests, what_a_provider_asked_for_holds_on_all_hosts);
	tcase_add_test(tests, a_circuit_that_closes_on_one_closes_on_all);
	tcase_add_test(tests, what_is_local_to_a_host_is_not_shared);
	tcase_add_test(tests, one_host_probes_for_all);
	tcase_add_test(tests, a_probe_that_fails_opens_it_on_all_hosts_again);
	tcase_add_test(tests, a_probe_that_says_nothing_leaves_the_place_to_the_next);
	tcase_add_test(tests, who_has_no_calls_gives_the_probe_to_who_has);
	tcase_add_test(tests, a_host_that_dies_with_the_probe_does_not_keep_it);
	tcase_add_test(tests, a_forged_probe_keeps_nobody_from_it_for_ever);
	tcase_add_test(tests, what_a_chain_prefers_is_preferred_on_all_hosts);
	tcase_add_test(tests, an_entry_that_is_made_again_and_again_is_not_told_each_time);
	tcase_add_test(tests, who_hears_what_is_preferred_leaves_the_better_one_alone_for_as_long);
	tcase_add_test(tests, forced_on_one_is_forced_on_all);
	tcase_add_test(tests, a_host_that_comes_new_knows_what_the_others_know);
	tcase_add_test(tests, missed_news_are_made_up_for);
	return support_run(suite);
}
