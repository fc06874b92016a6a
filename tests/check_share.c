/* SPDX-License-Identifier: MIT */
/* Many hosts, one view: what one learns all know, whatever becomes of the place they share. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "support/config_support.h"
#include "support/fleet.h"

#define HOSTS 3
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define COOLDOWN_MS (5 * MINUTE)

static const char yaml[] =
	"providers:\n"
	"  a: {api: openai, base_url: 'http://a.test', api_key: k, models: [m, n]}\n"
	"  b: {api: openai, base_url: 'http://b.test', api_key: k, models: [m]}\n"
	"  here: {api: ollama, base_url: 'http://localhost:1', models: [m]}\n"
	"chains:\n"
	"  default: {targets: [a/m, b/m]}\n"
	"  homely: {targets: [here/m, b/m]}\n"
	"health: {cooldown_max: 5m}\n";

static struct fleet *fleet;

static void
on_log(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static void
setup(void)
{
	log_capture(on_log, NULL);
	fleet = fleet_new(HOSTS, yaml);
}

static void
teardown(void)
{
	fleet_free(fleet);
	log_capture(NULL, NULL);
}

static void
assert_all(const char *name, enum circuit_state state)
{
	for (size_t i = 0; i < fleet->count; i++)
		ck_assert_msg(fleet_state(fleet, i, name) == state, "%s is %s on host %zu, not %s",
			name, circuit_state_text(fleet_state(fleet, i, name)), i,
			circuit_state_text(state));
}

static void
assert_all_prefer(const char *chain, const char *target)
{
	for (size_t i = 0; i < fleet->count; i++)
		ck_assert_str_eq(fleet_preferred(fleet, i, chain), target);
}

static void
assert_all_forced(const char *provider)
{
	for (size_t i = 0; i < fleet->count; i++)
		ck_assert_str_eq(fleet_forced(fleet, i), provider);
}

static void
open_on(size_t host, const char *target)
{
	for (int i = 0; i < 3; i++)
		fleet_call(fleet, host, target, OUTCOME_UNAVAILABLE, 0);
}

static void
prefer_on(size_t host, const char *target)
{
	(void)health_prefer(
		fleet->hosts[host].health, "default", target, fleet_now_ms(fleet));
}

START_TEST(a_circuit_opened_on_one_is_open_on_all)
{
	open_on(0, "a/m");
	fleet_after(fleet, 20);
	assert_all("a/m", CIRCUIT_OPEN);
	assert_all("a/n", CIRCUIT_CLOSED);
	for (size_t i = 0; i < HOSTS; i++)
		ck_assert_int_ge(fleet_left_ms(fleet, i, "a/m"), COOLDOWN_MS - 20);
	/* a word alone on those that heard of it */
	for (size_t i = 0; i < HOSTS; i++)
		ck_assert_int_eq(
			circuit_is_hearsay(&health_find(fleet->hosts[i].health, HEALTH_TARGET, "a/m")
						    ->circuit,
				fleet_now_ms(fleet)),
			i > 0);
	ck_assert_ptr_nonnull(strstr(
		fake_place_find(&fleet->place, "open:a/m")->text, "\"class\":\"unavailable\""));
}
END_TEST

START_TEST(what_a_provider_asked_for_holds_on_all_hosts)
{
	fleet_call(fleet, 1, "a/m", OUTCOME_RATE_LIMITED, 30 * SECOND);
	fleet_call(fleet, 1, "b/m", OUTCOME_AUTH, 0);
	fleet_after(fleet, 20);
	assert_all("a/m", CIRCUIT_OPEN);
	assert_all("b", CIRCUIT_OPEN);
	fleet_after(fleet, 30 * SECOND);
	assert_all("a/m", CIRCUIT_HALF_OPEN);
	assert_all("b", CIRCUIT_OPEN);
}
END_TEST

START_TEST(a_circuit_that_closes_on_one_closes_on_all)
{
	open_on(0, "a/m");
	fleet_after(fleet, 20);
	(void)health_reset(fleet->hosts[2].health, "a/m");
	fleet_after(fleet, 20);
	assert_all("a/m", CIRCUIT_CLOSED);
	ck_assert_ptr_null(fake_place_find(&fleet->place, "open:a/m"));
}
END_TEST

START_TEST(what_is_local_to_a_host_is_not_shared)
{
	open_on(0, "here/m");
	(void)health_prefer(
		fleet->hosts[0].health, "homely", "b/m", fleet_now_ms(fleet));
	fleet_after(fleet, MINUTE);
	ck_assert_int_eq(fleet_state(fleet, 0, "here/m"), CIRCUIT_OPEN);
	ck_assert_int_eq(fleet_state(fleet, 1, "here/m"), CIRCUIT_CLOSED);
	ck_assert_str_eq(fleet_preferred(fleet, 0, "homely"), "b/m");
	ck_assert_str_eq(fleet_preferred(fleet, 1, "homely"), "");
	ck_assert_ptr_null(fake_place_find(&fleet->place, "open:here/m"));
}
END_TEST

/* How many hosts let a call through now. */
static size_t
admitting(const char *target)
{
	size_t count = 0;

	for (size_t i = 0; i < fleet->count; i++)
		count += fleet_admits(fleet, i, target);
	return count;
}

static size_t
holder(const char *target)
{
	size_t host = 0;

	while (host < fleet->count && !fleet_admits(fleet, host, target))
		host++;
	ck_assert_uint_lt(host, fleet->count);
	return host;
}

START_TEST(one_host_probes_for_all)
{
	open_on(0, "a/m");
	fleet_after(fleet, COOLDOWN_MS + 20);
	assert_all("a/m", CIRCUIT_HALF_OPEN);
	ck_assert_uint_eq(admitting("a/m"), 1);
	size_t host = holder("a/m");
	struct health_ticket ticket = fleet_begin(fleet, host, "a/m");
	/* however long it takes */
	for (int i = 0; i < 60; i++) {
		fleet_after(fleet, SECOND);
		ck_assert_uint_eq(admitting("a/m"), 0);
	}
	fleet_end(fleet, host, "a/m", ticket, OUTCOME_OK);
	fleet_after(fleet, 20);
	assert_all("a/m", CIRCUIT_CLOSED);
	ck_assert_uint_eq(admitting("a/m"), HOSTS);
}
END_TEST

START_TEST(a_probe_that_fails_opens_it_on_all_hosts_again)
{
	open_on(0, "a/m");
	for (int i = 0; i < 4; i++) {
		fleet_after(fleet, COOLDOWN_MS + 20);
		ck_assert_uint_eq(admitting("a/m"), 1);
		fleet_call(fleet, holder("a/m"), "a/m", OUTCOME_UNAVAILABLE, 0);
		fleet_after(fleet, 20);
		assert_all("a/m", CIRCUIT_OPEN);
	}
}
END_TEST

START_TEST(a_probe_that_says_nothing_leaves_the_place_to_the_next)
{
	open_on(0, "a/m");
	fleet_after(fleet, COOLDOWN_MS + 20);
	fleet_call(fleet, holder("a/m"), "a/m", OUTCOME_CANCELLED, 0);
	fleet_after(fleet, 20);
	ck_assert_uint_eq(admitting("a/m"), 1);
}
END_TEST

START_TEST(who_has_no_calls_gives_the_probe_to_who_has)
{
	open_on(0, "a/m");
	fleet_after(fleet, COOLDOWN_MS + 20);
	size_t idle = holder("a/m"), busy = (idle + 1) % HOSTS;
	fleet_after(fleet, SECOND);
	ck_assert(!fleet_admits(fleet, busy, "a/m"));
	fleet_after(fleet, 20);
	ck_assert(fleet_admits(fleet, busy, "a/m"));
	ck_assert(!circuit_admits(
		&health_find(fleet->hosts[idle].health, HEALTH_TARGET, "a/m")->circuit,
		fleet_now_ms(fleet)));
	/* and it stays there until it is used, or wanted elsewhere */
	fleet_after(fleet, 3 * MINUTE);
	ck_assert(fleet_admits(fleet, busy, "a/m"));
}
END_TEST

START_TEST(a_host_that_dies_with_the_probe_does_not_keep_it)
{
	open_on(0, "a/m");
	fleet_after(fleet, COOLDOWN_MS + 20);
	size_t host = holder("a/m"), other = (host + 1) % HOSTS;
	(void)fleet_begin(fleet, host, "a/m");
	fake_store_cut(&fleet->hosts[host].store, true);
	for (int i = 0; i < 12; i++) {
		(void)fleet_admits(fleet, other, "a/m");
		fleet_after(fleet, SECOND);
	}
	ck_assert(fleet_admits(fleet, other, "a/m"));
}
END_TEST

START_TEST(a_forged_probe_keeps_nobody_from_it_for_ever)
{
	open_on(0, "a/m");
	fleet_after(fleet, COOLDOWN_MS - SECOND);
	fake_place_put(&fleet->place, "probe:a/m", "mallory", -1);
	fleet_after(fleet, SECOND + 20);
	ck_assert_uint_eq(admitting("a/m"), 0);
	for (int i = 0; i < 121; i++) {
		fleet_after(fleet, SECOND);
		(void)admitting("a/m");
	}
	ck_assert_uint_gt(admitting("a/m"), 0);
}
END_TEST

START_TEST(what_a_chain_prefers_is_preferred_on_all_hosts)
{
	prefer_on(1, "b/m");
	fleet_after(fleet, 20);
	assert_all_prefer("default", "b/m");
	ck_assert_str_eq(fake_place_find(&fleet->place, "preferred:default")->text, "b/m");
	(void)health_unprefer(fleet->hosts[2].health, "default");
	fleet_after(fleet, 20);
	assert_all_prefer("default", "");
	prefer_on(0, "b/m");
	fleet_after(fleet, 20);
	(void)health_unprefer_all(fleet->hosts[1].health);
	fleet_after(fleet, 20);
	assert_all_prefer("default", "");
	ck_assert_ptr_null(fake_place_find(&fleet->place, "preferred:default"));
}
END_TEST

START_TEST(an_entry_that_is_made_again_and_again_is_not_told_each_time)
{
	prefer_on(0, "b/m");
	fleet_after(fleet, 20);
	size_t told = fleet->hosts[0].store.news_count;
	for (int i = 0; i < 100; i++) {
		prefer_on(0, "b/m");
		fleet_after(fleet, 10);
	}
	ck_assert_uint_le(fleet->hosts[0].store.news_count, told + 1);
	fleet_after(fleet, 10 * SECOND);
	prefer_on(0, "b/m");
	fleet_after(fleet, 20);
	ck_assert_uint_gt(fleet->hosts[0].store.news_count, told);
}
END_TEST

START_TEST(who_hears_what_is_preferred_leaves_the_better_one_alone_for_as_long)
{
	const struct health *health = fleet->hosts[2].health;
	int64_t rest_ms;

	prefer_on(0, "b/m");
	fleet_after(fleet, MINUTE);
	const struct health_preferred *entry = health_preferred(
		fleet->hosts[2].health, "default", fleet_now_ms(fleet));
	const struct health_subject *better = health_find(health, HEALTH_TARGET, "a/m");
	ck_assert(health_passed_over(health, entry, better, fleet_now_ms(fleet), &rest_ms));
	ck_assert_int_le(llabs(rest_ms - 4 * MINUTE), 20);
	fleet_after(fleet, 4 * MINUTE + 20);
	ck_assert(!health_passed_over(health, entry, better, fleet_now_ms(fleet), &rest_ms));
}
END_TEST

START_TEST(forced_on_one_is_forced_on_all)
{
	fleet_force(fleet, 0, "b", 60 * MINUTE);
	fleet_after(fleet, 20);
	assert_all_forced("b");
	fleet_force(fleet, 1, "a", 10 * MINUTE);
	fleet_after(fleet, 20);
	assert_all_forced("a");
	ck_assert_uint_eq(health_forced_entry(fleet->hosts[2].health)->by_uid, 7);
	fleet_after(fleet, 10 * MINUTE);
	assert_all_forced("");
	fleet_force(fleet, 2, "b", 60 * MINUTE);
	fleet_after(fleet, 20);
	fleet_force(fleet, 0, NULL, 0);
	fleet_after(fleet, 20);
	assert_all_forced("");
	fleet_after(fleet, MINUTE);
	assert_all_forced("");
}
END_TEST

START_TEST(a_host_that_comes_new_knows_what_the_others_know)
{
	open_on(0, "a/m");
	prefer_on(0, "b/m");
	fleet_force(fleet, 0, "b", 60 * MINUTE);
	fleet_after(fleet, MINUTE);
	fleet_restart(fleet, 2);
	assert_all("a/m", CIRCUIT_OPEN);
	assert_all_prefer("default", "b/m");
	assert_all_forced("b");
	ck_assert_int_le(llabs(fleet_left_ms(fleet, 2, "a/m") - 4 * MINUTE), 200);
}
END_TEST

START_TEST(missed_news_are_made_up_for)
{
	fleet->place.loses_news = true;
	open_on(0, "a/m");
	prefer_on(1, "b/m");
	fleet_force(fleet, 2, "b", 60 * MINUTE);
	fleet_after(fleet, 16 * SECOND);
	assert_all("a/m", CIRCUIT_OPEN);
	assert_all_prefer("default", "b/m");
	assert_all_forced("b");
	(void)health_reset(fleet->hosts[1].health, NULL);
	(void)health_unprefer_all(fleet->hosts[0].health);
	fleet_force(fleet, 0, NULL, 0);
	fleet_after(fleet, 16 * SECOND);
	assert_all("a/m", CIRCUIT_CLOSED);
	assert_all_prefer("default", "");
	assert_all_forced("");
}
END_TEST

/* ---- the place is away ---- */

START_TEST(without_it_each_host_goes_on_with_what_it_knows)
{
	open_on(0, "a/m");
	fleet_after(fleet, 20);
	fake_place_freeze(&fleet->place, true);
	fleet_after(fleet, 2 * SECOND);
	assert_all("a/m", CIRCUIT_OPEN);
	open_on(1, "b/m");
	fleet_after(fleet, MINUTE);
	ck_assert_int_eq(fleet_state(fleet, 0, "b/m"), CIRCUIT_CLOSED);
	/* each probes for itself */
	fleet_after(fleet, 4 * MINUTE);
	ck_assert_uint_eq(admitting("a/m"), HOSTS);
}
END_TEST

START_TEST(on_its_return_both_sides_are_merged)
{
	open_on(0, "a/m");
	fleet_after(fleet, 20);
	fake_place_freeze(&fleet->place, true);
	fleet_after(fleet, 30 * SECOND);
	open_on(1, "b/m");
	open_on(2, "a/n");
	prefer_on(1, "b/m");
	fleet_force(fleet, 2, "b", 60 * MINUTE);
	fleet_after(fleet, 30 * SECOND);
	fake_place_freeze(&fleet->place, false);
	fleet_after(fleet, 3 * SECOND);
	assert_all("a/m", CIRCUIT_OPEN);
	assert_all("b/m", CIRCUIT_OPEN);
	assert_all("a/n", CIRCUIT_OPEN);
	assert_all_prefer("default", "b/m");
	assert_all_forced("b");
}
END_TEST

START_TEST(the_later_end_of_a_cooldown_wins)
{
	fake_store_cut(&fleet->hosts[2].store, true);
	fleet_call(fleet, 0, "a/m", OUTCOME_RATE_LIMITED, 10 * MINUTE);
	fleet_call(fleet, 2, "a/m", OUTCOME_RATE_LIMITED, 20 * MINUTE);
	fleet_call(fleet, 0, "b/m", OUTCOME_RATE_LIMITED, 20 * MINUTE);
	fleet_call(fleet, 2, "b/m", OUTCOME_RATE_LIMITED, 10 * MINUTE);
	fleet_after(fleet, MINUTE);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	for (size_t i = 0; i < HOSTS; i++) {
		ck_assert_int_le(llabs(fleet_left_ms(fleet, i, "a/m") - 19 * MINUTE), 200);
		ck_assert_int_le(llabs(fleet_left_ms(fleet, i, "b/m") - 19 * MINUTE), 200);
	}
}
END_TEST

START_TEST(what_was_closed_meanwhile_is_closed_for_who_was_away)
{
	open_on(0, "a/m");
	open_on(0, "b/m");
	fleet_after(fleet, MINUTE);
	fake_store_cut(&fleet->hosts[2].store, true);
	(void)health_reset(fleet->hosts[0].health, "a/m");
	(void)health_reset(fleet->hosts[2].health, "b/m");
	fleet_after(fleet, MINUTE);
	ck_assert_int_eq(fleet_state(fleet, 2, "a/m"), CIRCUIT_OPEN);
	ck_assert_int_eq(fleet_state(fleet, 0, "b/m"), CIRCUIT_OPEN);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	assert_all("a/m", CIRCUIT_CLOSED);
	assert_all("b/m", CIRCUIT_CLOSED);
}
END_TEST

START_TEST(what_opened_again_after_a_closing_stays_open)
{
	open_on(0, "a/m");
	fleet_after(fleet, MINUTE);
	fake_store_cut(&fleet->hosts[2].store, true);
	(void)health_reset(fleet->hosts[2].health, "a/m");
	fleet_after(fleet, MINUTE);
	(void)health_reset(fleet->hosts[0].health, "a/m");
	open_on(0, "a/m");
	fleet_after(fleet, MINUTE);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	assert_all("a/m", CIRCUIT_OPEN);
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
	fleet_force(fleet, 1, "b", 60 * MINUTE);
	fleet_after(fleet, SECOND);
	fake_store_cut(&fleet->hosts[2].store, true);
	for (int i = 0; i < 2; i++) {
		if ((i == 0) == words[_i].away_first)
			fleet_force(fleet, 2, words[_i].second, 60 * MINUTE);
		else
			fleet_force(fleet, 0, words[_i].first, 60 * MINUTE);
		fleet_after(fleet, MINUTE);
	}
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	assert_all_forced(words[_i].in_the_end);
}
END_TEST

START_TEST(a_cache_cleared_while_away_is_cleared_of_what_is_older)
{
	prefer_on(0, "b/m");
	fleet_after(fleet, MINUTE);
	fake_store_cut(&fleet->hosts[2].store, true);
	(void)health_unprefer_all(fleet->hosts[2].health);
	fleet_after(fleet, MINUTE);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	assert_all_prefer("default", "");
	fake_store_cut(&fleet->hosts[2].store, true);
	(void)health_unprefer_all(fleet->hosts[2].health);
	fleet_after(fleet, MINUTE);
	prefer_on(0, "b/m");
	fleet_after(fleet, MINUTE);
	fake_store_cut(&fleet->hosts[2].store, false);
	fleet_after(fleet, 100);
	assert_all_prefer("default", "b/m");
}
END_TEST

START_TEST(a_place_that_lost_its_memory_is_told_all_again)
{
	open_on(0, "a/m");
	prefer_on(0, "b/m");
	fleet_force(fleet, 1, "b", 60 * MINUTE);
	fleet_after(fleet, MINUTE);
	fake_place_restart(&fleet->place);
	fleet_after(fleet, 100);
	assert_all("a/m", CIRCUIT_OPEN);
	assert_all_prefer("default", "b/m");
	assert_all_forced("b");
	ck_assert_ptr_nonnull(fake_place_find(&fleet->place, "open:a/m"));
	ck_assert_ptr_nonnull(fake_place_find(&fleet->place, "preferred:default"));
	ck_assert_ptr_nonnull(fake_place_find(&fleet->place, "forced"));
}
END_TEST

START_TEST(a_full_place_takes_nothing_away)
{
	fleet->place.full = true;
	open_on(0, "a/m");
	prefer_on(0, "b/m");
	fleet_force(fleet, 0, "b", 60 * MINUTE);
	fleet_after(fleet, 2 * MINUTE);
	ck_assert_int_eq(fleet_state(fleet, 0, "a/m"), CIRCUIT_OPEN);
	ck_assert_str_eq(fleet_preferred(fleet, 0, "default"), "b/m");
	ck_assert_str_eq(fleet_forced(fleet, 0), "b");
	ck_assert_int_eq(fleet_state(fleet, 1, "a/m"), CIRCUIT_CLOSED);
	/* a probe that nobody can be asked about is everybody's */
	fleet_after(fleet, 3 * MINUTE + 20);
	ck_assert(fleet_admits(fleet, 0, "a/m"));
	fleet->place.full = false;
	open_on(0, "a/n");
	fleet_after(fleet, 20 * SECOND);
	assert_all("a/n", CIRCUIT_OPEN);
	assert_all_prefer("default", "b/m");
	assert_all_forced("b");
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
	{"open:a/m", "{\"class\":\"unavailable\"}", 5500000000000, CIRCUIT_OPEN, 60 * MINUTE},
	{"open:a/m", "{\"class\":\"unavailable\"}", -1, CIRCUIT_OPEN, COOLDOWN_MS},
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
	for (size_t i = 0; i < HOSTS; i++) {
		char *news = x_asprintf("changed %s", poisons[_i].name);

		fake_store_hear(&fleet->hosts[i].store, news);
		free(news);
	}
	fleet_after(fleet, 20);
	assert_all("a/m", poisons[_i].state);
	for (size_t i = 0; i < HOSTS; i++) {
		ck_assert_int_le(fleet_left_ms(fleet, i, "a/m"), poisons[_i].left_ms);
		ck_assert_int_ge(fleet_left_ms(fleet, i, "a/m"), poisons[_i].left_ms - 100);
	}
	assert_all_prefer("default", "");
	assert_all_forced("");
	/* and a host that is told nonsense is as well as before */
	open_on(0, "a/n");
	fleet_after(fleet, 20);
	assert_all("a/n", CIRCUIT_OPEN);
}
END_TEST

START_TEST(all_open_by_a_word_alone_keeps_nobody_from_a_target)
{
	static const char *const names[] = {"open:a", "open:b", "open:a/m", "open:b/m"};

	for (size_t i = 0; i < UTIL_COUNT(names); i++)
		fake_place_put(&fleet->place, names[i], "auth", -1);
	fleet_after(fleet, 16 * SECOND);
	assert_all("a", CIRCUIT_OPEN);
	for (size_t i = 0; i < HOSTS; i++)
		for (size_t k = 0; k < UTIL_COUNT(names); k++) {
			const char *name = names[k] + strlen("open:");
			enum health_kind kind = strchr(name, '/') ? HEALTH_TARGET : HEALTH_PROVIDER;

			ck_assert(circuit_is_hearsay(
				&health_find(fleet->hosts[i].health, kind, name)->circuit,
				fleet_now_ms(fleet)));
		}
}
END_TEST

static const char *const nonsense[] = {"", " ", "changed", "changed ", "closed ", "want", "free a/m",
	"want a/m", "closed a/m", "closed nobody", "changed open:", "changed forced:x",
	"changed preferred:nobody", "reboot now", "changed open:\x01\x02"};

START_TEST(nonsense_for_news_does_nothing)
{
	open_on(0, "a/n");
	fleet_after(fleet, 20);
	for (size_t i = 0; i < UTIL_COUNT(nonsense); i++)
		fake_store_hear(&fleet->hosts[1].store, nonsense[i]);
	char *endless = x_calloc(1, 5000);
	memset(endless, 'x', 4999);
	fake_store_hear(&fleet->hosts[1].store, endless);
	free(endless);
	fleet_after(fleet, 20);
	assert_all("a/n", CIRCUIT_OPEN);
	assert_all("a/m", CIRCUIT_CLOSED);
}
END_TEST

START_TEST(what_was_removed_by_hand_is_closed)
{
	open_on(0, "a/m");
	prefer_on(0, "b/m");
	fleet_force(fleet, 0, "b", 60 * MINUTE);
	fleet_after(fleet, SECOND);
	fake_place_put(&fleet->place, "open:a/m", NULL, 0);
	fake_place_put(&fleet->place, "preferred:default", NULL, 0);
	fake_place_put(&fleet->place, "forced", NULL, 0);
	fleet_after(fleet, 16 * SECOND);
	assert_all("a/m", CIRCUIT_CLOSED);
	assert_all_prefer("default", "");
	assert_all_forced("");
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
	tcase_add_test(tests, without_it_each_host_goes_on_with_what_it_knows);
	tcase_add_test(tests, on_its_return_both_sides_are_merged);
	tcase_add_test(tests, the_later_end_of_a_cooldown_wins);
	tcase_add_test(tests, what_was_closed_meanwhile_is_closed_for_who_was_away);
	tcase_add_test(tests, what_opened_again_after_a_closing_stays_open);
	tcase_add_loop_test(tests, what_an_administrator_set_last_wins, 0, UTIL_COUNT(words));
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
