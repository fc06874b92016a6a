/* SPDX-License-Identifier: MIT */
/* Many hosts, one view, when the place that they share is away, forgets, is full, or holds what
 * nobody should believe. */
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

START_TEST(without_it_each_host_goes_on_with_what_it_knows)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, 20);
	fake_place_freeze(&fleet->place, true);
	fleet_after(fleet, 2 * FLEET_SECOND);
	fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
	fleet_open(fleet, 1, "b/m");
	fleet_after(fleet, FLEET_MINUTE);
	ck_assert_int_eq(fleet_state(fleet, 0, "b/m"), CIRCUIT_CLOSED);
	/* each probes for itself */
	fleet_after(fleet, 4 * FLEET_MINUTE);
	ck_assert_uint_eq(fleet_admitting(fleet, "a/m"), FLEET_HOSTS);
}
END_TEST

START_TEST(on_its_return_both_sides_are_merged)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, 20);
	fake_place_freeze(&fleet->place, true);
	fleet_after(fleet, 30 * FLEET_SECOND);
	fleet_open(fleet, 1, "b/m");
	fleet_open(fleet, 2, "a/n");
	fleet_prefer(fleet, 1, "b/m");
	fleet_force(fleet, 2, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, 30 * FLEET_SECOND);
	fake_place_freeze(&fleet->place, false);
	fleet_after(fleet, 3 * FLEET_SECOND);
	fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
	fleet_assert_all(fleet, "b/m", CIRCUIT_OPEN);
	fleet_assert_all(fleet, "a/n", CIRCUIT_OPEN);
	fleet_assert_prefer(fleet, "default", "b/m");
	fleet_assert_forced(fleet, "b");
}
END_TEST

START_TEST(the_later_end_of_a_cooldown_wins)
{
	fake_store_cut(&fleet->hosts[2].store, true);
	fleet_call(fleet, 0, "a/m", OUTCOME_RATE_LIMITED, 10 * FLEET_MINUTE);
	fleet_call(fleet, 2, "a/m", OUTCOME_RATE_LIMITED, 20 * FLEET_MINUTE);
	fleet_call(fleet, 0, "b/m", OUTCOME_RATE_LIMITED, 20 * FLEET_MINUTE);
	fleet_call(fleet, 2, "b/m", OUTCOME_RATE_LIMITED, 10 * FLEET_MINUTE);
	fleet_after(fleet, FLEET_MINUTE);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	for (size_t i = 0; i < FLEET_HOSTS; i++) {
		ck_assert_int_le(llabs(fleet_left_ms(fleet, i, "a/m") - 19 * FLEET_MINUTE), 200);
		ck_assert_int_le(llabs(fleet_left_ms(fleet, i, "b/m") - 19 * FLEET_MINUTE), 200);
	}
}
END_TEST

START_TEST(what_was_closed_meanwhile_is_closed_for_who_was_away)
{
	fleet_open(fleet, 0, "a/m");
	fleet_open(fleet, 0, "b/m");
	fleet_after(fleet, FLEET_MINUTE);
	fake_store_cut(&fleet->hosts[2].store, true);
	(void)health_reset(fleet->hosts[0].health, "a/m");
	(void)health_reset(fleet->hosts[2].health, "b/m");
	fleet_after(fleet, FLEET_MINUTE);
	ck_assert_int_eq(fleet_state(fleet, 2, "a/m"), CIRCUIT_OPEN);
	ck_assert_int_eq(fleet_state(fleet, 0, "b/m"), CIRCUIT_OPEN);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	fleet_assert_all(fleet, "a/m", CIRCUIT_CLOSED);
	fleet_assert_all(fleet, "b/m", CIRCUIT_CLOSED);
}
END_TEST

START_TEST(what_opened_again_after_a_closing_stays_open)
{
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, FLEET_MINUTE);
	fake_store_cut(&fleet->hosts[2].store, true);
	(void)health_reset(fleet->hosts[2].health, "a/m");
	fleet_after(fleet, FLEET_MINUTE);
	(void)health_reset(fleet->hosts[0].health, "a/m");
	fleet_open(fleet, 0, "a/m");
	fleet_after(fleet, FLEET_MINUTE);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
}
END_TEST

/* Two hosts are administered while they do not see each other. */
static const struct {
	const char *first, *second; /* on host 0 and 2, a minute apart */
	bool away_first;            /* host 2, which is away, is the first */
	const char *in_the_end;
} words[] = {
	{"a", "b", false, "b"},
	{"a", "b", true, "a"},
	{"a", NULL, false, ""},
	{"a", NULL, true, "a"},
	{NULL, "b", false, "b"},
	{NULL, "b", true, ""},
};

START_TEST(what_an_administrator_set_last_wins)
{
	fleet_force(fleet, 1, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, FLEET_SECOND);
	fake_store_cut(&fleet->hosts[2].store, true);
	for (int i = 0; i < 2; i++) {
		if ((i == 0) == words[_i].away_first)
			fleet_force(fleet, 2, words[_i].second, 60 * FLEET_MINUTE);
		else
			fleet_force(fleet, 0, words[_i].first, 60 * FLEET_MINUTE);
		fleet_after(fleet, FLEET_MINUTE);
	}
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	fleet_assert_forced(fleet, words[_i].in_the_end);
}
END_TEST

START_TEST(a_cache_cleared_while_away_is_cleared_of_what_is_older)
{
	fleet_prefer(fleet, 0, "b/m");
	fleet_after(fleet, FLEET_MINUTE);
	fake_store_cut(&fleet->hosts[2].store, true);
	(void)health_unprefer_all(fleet->hosts[2].health);
	fleet_after(fleet, FLEET_MINUTE);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	fleet_assert_prefer(fleet, "default", "");
	fake_store_cut(&fleet->hosts[2].store, true);
	(void)health_unprefer_all(fleet->hosts[2].health);
	fleet_after(fleet, FLEET_MINUTE);
	fleet_prefer(fleet, 0, "b/m");
	fleet_after(fleet, FLEET_MINUTE);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	fleet_assert_prefer(fleet, "default", "b/m");
}
END_TEST

START_TEST(a_place_that_lost_its_memory_is_told_all_again)
{
	fleet_open(fleet, 0, "a/m");
	fleet_prefer(fleet, 0, "b/m");
	fleet_force(fleet, 1, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, FLEET_MINUTE);
	fake_place_restart(&fleet->place);
	fleet_after(fleet, 100);
	fleet_assert_all(fleet, "a/m", CIRCUIT_OPEN);
	fleet_assert_prefer(fleet, "default", "b/m");
	fleet_assert_forced(fleet, "b");
	ck_assert_ptr_nonnull(fake_place_find(&fleet->place, "open:a/m"));
	ck_assert_ptr_nonnull(fake_place_find(&fleet->place, "preferred:default"));
	ck_assert_ptr_nonnull(fake_place_find(&fleet->place, "forced"));
}
END_TEST

START_TEST(a_full_place_takes_nothing_away)
{
	fleet->place.full = true;
	fleet_open(fleet, 0, "a/m");
	fleet_prefer(fleet, 0, "b/m");
	fleet_force(fleet, 0, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, 2 * FLEET_MINUTE);
	ck_assert_int_eq(fleet_state(fleet, 0, "a/m"), CIRCUIT_OPEN);
	ck_assert_str_eq(fleet_preferred(fleet, 0, "default"), "b/m");
	ck_assert_str_eq(fleet_forced(fleet, 0), "b");
	ck_assert_int_eq(fleet_state(fleet, 1, "a/m"), CIRCUIT_CLOSED);
	/* a probe that nobody can be asked about is everybody's */
	fleet_after(fleet, 3 * FLEET_MINUTE + 20);
	ck_assert(fleet_admits(fleet, 0, "a/m"));
	fleet->place.full = false;
	fleet_open(fleet, 0, "a/n");
	fleet_after(fleet, 20 * FLEET_SECOND);
	fleet_assert_all(fleet, "a/n", CIRCUIT_OPEN);
	fleet_assert_prefer(fleet, "default", "b/m");
	fleet_assert_forced(fleet, "b");
}
END_TEST

/* ---- what others write there ---- */

static const struct {
	const char *name, *text;
	int64_t ttl_ms;
	enum circuit_state state; /* of a/m on all hosts */
	int64_t left_ms;
} poisons[] = {
	{"open:a/m", "{\"class\":\"unavailable\",\"for_ms\":60000}", 60000, CIRCUIT_OPEN, 60000},
	{"open:a/m", "unavailable", 60000, CIRCUIT_OPEN, 60000},
	{"open:a/m", "{\"class\":\"unavailable\"}", 5500000000000, CIRCUIT_OPEN, 60 * FLEET_MINUTE},
	{"open:a/m", "{\"class\":\"unavailable\"}", -1, CIRCUIT_OPEN, FLEET_COOLDOWN_MS},
	{"open:a/m", "{\"class\":\"auth\",\"for_ms\":-5}", 60000, CIRCUIT_OPEN, 60000},
	{"open:a/m", "{\"class\":\"unavailable\",\"by\":\"\\u001b[31m\"}", 60000, CIRCUIT_OPEN,
		60000},
	{"open:a/m", "{\"class\":\"ok\"}", 60000, CIRCUIT_CLOSED, 0},
	{"open:a/m", "{\"class\":\"bad_request\"}", 60000, CIRCUIT_CLOSED, 0},
	{"open:a/m", "{\"class\":\"no such thing\"}", 60000, CIRCUIT_CLOSED, 0},
	{"open:a/m", "{\"class\":7}", 60000, CIRCUIT_CLOSED, 0},
	{"open:a/m", "{}", 60000, CIRCUIT_CLOSED, 0},
	{"open:a/m", "", 60000, CIRCUIT_CLOSED, 0},
	{"open:a/m", "[[[[", 60000, CIRCUIT_CLOSED, 0},
	{"preferred:default", "mallory/m", 60000, CIRCUIT_CLOSED, 0},
	{"preferred:default", "", -1, CIRCUIT_CLOSED, 0},
	{"forced", "{\"provider\":\"mallory\",\"strict\":true}", 60000, CIRCUIT_CLOSED, 0},
	{"forced", "{\"provider\":[]}", -1, CIRCUIT_CLOSED, 0},
};

START_TEST(what_stands_there_is_checked_and_clamped)
{
	fake_place_put(&fleet->place, poisons[_i].name, poisons[_i].text, poisons[_i].ttl_ms);
	for (size_t i = 0; i < FLEET_HOSTS; i++) {
		char *news = x_asprintf("changed %s", poisons[_i].name);

		fake_store_hear(&fleet->hosts[i].store, news);
		free(news);
	}
	fleet_after(fleet, 20);
	fleet_assert_all(fleet, "a/m", poisons[_i].state);
	for (size_t i = 0; i < FLEET_HOSTS; i++) {
		ck_assert_int_le(fleet_left_ms(fleet, i, "a/m"), poisons[_i].left_ms);
		ck_assert_int_ge(fleet_left_ms(fleet, i, "a/m"), poisons[_i].left_ms - 100);
	}
	fleet_assert_prefer(fleet, "default", "");
	fleet_assert_forced(fleet, "");
	/* and a host that is told nonsense is as well as before */
	fleet_open(fleet, 0, "a/n");
	fleet_after(fleet, 20);
	fleet_assert_all(fleet, "a/n", CIRCUIT_OPEN);
}
END_TEST

START_TEST(all_open_by_a_word_alone_keeps_nobody_from_a_target)
{
	static const char *const names[] = {"open:a", "open:b", "open:a/m", "open:b/m"};

	for (size_t i = 0; i < UTIL_COUNT(names); i++)
		fake_place_put(&fleet->place, names[i], "auth", -1);
	fleet_after(fleet, 16 * FLEET_SECOND);
	fleet_assert_all(fleet, "a", CIRCUIT_OPEN);
	for (size_t i = 0; i < FLEET_HOSTS; i++)
		for (size_t k = 0; k < UTIL_COUNT(names); k++) {
			const char *name = names[k] + strlen("open:");
			enum health_kind kind = strchr(name, '/') ? HEALTH_TARGET : HEALTH_PROVIDER;

			ck_assert(circuit_is_hearsay(
				&health_find(fleet->hosts[i].health, kind, name)->circuit,
				fleet_now_ms(fleet)));
		}
}
END_TEST

static const char *const nonsense[] = {"", " ", "changed", "changed ", "closed ", "want",
	"free a/m", "want a/m", "closed a/m", "closed nobody", "changed open:", "changed forced:x",
	"changed preferred:nobody", "reboot now", "changed open:\x01\x02"};

START_TEST(nonsense_for_news_does_nothing)
{
	fleet_open(fleet, 0, "a/n");
	fleet_after(fleet, 20);
	for (size_t i = 0; i < UTIL_COUNT(nonsense); i++)
		fake_store_hear(&fleet->hosts[1].store, nonsense[i]);
	char *endless = x_calloc(1, 5000);
	memset(endless, 'x', 4999);
	fake_store_hear(&fleet->hosts[1].store, endless);
	free(endless);
	fleet_after(fleet, 20);
	fleet_assert_all(fleet, "a/n", CIRCUIT_OPEN);
	fleet_assert_all(fleet, "a/m", CIRCUIT_CLOSED);
}
END_TEST

START_TEST(what_was_removed_by_hand_is_closed)
{
	fleet_open(fleet, 0, "a/m");
	fleet_prefer(fleet, 0, "b/m");
	fleet_force(fleet, 0, "b", 60 * FLEET_MINUTE);
	fleet_after(fleet, FLEET_SECOND);
	fake_place_put(&fleet->place, "open:a/m", NULL, 0);
	fake_place_put(&fleet->place, "preferred:default", NULL, 0);
	fake_place_put(&fleet->place, "forced", NULL, 0);
	fleet_after(fleet, 16 * FLEET_SECOND);
	fleet_assert_all(fleet, "a/m", CIRCUIT_CLOSED);
	fleet_assert_prefer(fleet, "default", "");
	fleet_assert_forced(fleet, "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("share_away");
	TCase *tests = tcase_create("share_away");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, without_it_each_host_goes_on_with_what_it_knows);
	tcase_add_test(tests, on_its_return_both_sides_are_merged);
	tcase_add_test(tests, the_later_end_of_a_cooldown_wins);
	tcase_add_test(tests, what_was_closed_meanwhile_is_closed_for_who_was_away);
	tcase_add_test(tests, what_opened_again_after_a_closing_stays_open);
	tcase_add_loop_test(tests, what_an_administrator_set_last_wins, 0,
		UTIL_COUNT(words));
	tcase_add_test(tests, a_cache_cleared_while_away_is_cleared_of_what_is_older);
	tcase_add_test(tests, a_place_that_lost_its_memory_is_told_all_again);
	tcase_add_test(tests, a_full_place_takes_nothing_away);
	tcase_add_loop_test(tests, what_stands_there_is_checked_and_clamped, 0,
		UTIL_COUNT(poisons));
	tcase_add_test(tests, all_open_by_a_word_alone_keeps_nobody_from_a_target);
	tcase_add_test(tests, nonsense_for_news_does_nothing);
	tcase_add_test(tests, what_was_removed_by_hand_is_closed);
	return support_run(suite);
}
