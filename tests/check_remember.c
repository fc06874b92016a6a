/* SPDX-License-Identifier: MIT */
/* What happens to health is kept soon and not too often, and is so again after a restart. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "remember.h"
#include "support/fake_clock.h"
#include "support/fake_state.h"

#define START_MS 1000000

static struct fake_clock time_;
static struct fake_state kept;
static struct health *health;
static struct remember remember;

/* A daemon with two providers whose clock says now_ms. */
static void
begin(int64_t now_ms, const struct snapshot *found)
{
	static const struct health_policy policy = {
		.circuit = {.failure_threshold = 3,
			.cooldown_ms = 300000,
			.cooldown_max_ms = 300000},
		.preferred_ttl_ms = 1800000,
		.tracking = true,
		.preferred = true,
	};

	fake_clock_init(&time_);
	time_.time_ms = now_ms;
	health = health_new();
	health_set_policy(health, &policy);
	health_list(health, HEALTH_PROVIDER, "a");
	health_list(health, HEALTH_PROVIDER, "b");
	health_list(health, HEALTH_TARGET, "a/m");
	remember_start(&remember, health, &time_.clock, &kept.state, found);
}

static void
end(void)
{
	remember_stop(&remember);
	health_free(health);
	fake_clock_free(&time_);
}

static void
setup(void)
{
	fake_state_init(&kept);
	begin(START_MS, &kept.newest);
}

static void
teardown(void)
{
	end();
	fake_state_free(&kept);
}

/* A host that is started anew gone_ms later, at now_ms by its own clock. */
static void
restart(int64_t gone_ms, int64_t now_ms)
{
	end();
	snapshot_age(&kept.newest, gone_ms);
	begin(now_ms, &kept.newest);
}

static void
fails(const char *target, enum outcome_class class, int times)
{
	struct outcome outcome;

	outcome_set(&outcome, class, "it failed");
	outcome.counts = true;
	char *provider = x_strndup(target, strcspn(target, "/"));
	for (int i = 0; i < times; i++)
		(void)health_note(health, provider, target, &outcome, -1, time_.time_ms);
	free(provider);
}

static enum circuit_state
state_of(enum health_kind kind, const char *name)
{
	const struct health_subject *subject = health_find(health, kind, name);

	return subject ? circuit_state(&subject->circuit, time_.time_ms) : CIRCUIT_CLOSED;
}

START_TEST(nothing_is_kept_until_something_happens)
{
	struct outcome well;

	outcome_set(&well, OUTCOME_OK, "well");
	fake_clock_advance(&time_, 3600000);
	(void)health_note(health, "a", "a/m", &well, 5, time_.time_ms);
	fails("a/m", OUTCOME_UNAVAILABLE, 2);
	health_want_probe(health, "a", "a/m", time_.time_ms);
	fake_clock_advance(&time_, 1000);
	ck_assert_uint_eq(kept.saves, 0);
}
END_TEST

/* Each is something that is to be kept. */
static void
opens(void)
{
	fails("a/m", OUTCOME_UNAVAILABLE, 3);
}

static void
prefers(void)
{
	(void)health_prefer(health, "c", "b/m", time_.time_ms);
}

static void
prefers_no_more(void)
{
	(void)health_unprefer(health, "c");
}

static void
forces(void)
{
	health_force(health, "b", true, time_.time_ms + 60000, 7, time_.time_ms);
}

static void
clears(void)
{
	health_force(health, NULL, false, 0, 7, time_.time_ms);
}

static void
disables(void)
{
	(void)health_disable(health, HEALTH_PROVIDER, "b", true);
}

static void
resets(void)
{
	(void)health_reset(health, NULL);
}

static void
is_shared(void)
{
	remember_changed(&remember);
}

static void
lives_on(void)
{
	remember_set_epoch(&remember, "epoch-2");
}

START_TEST(whatever_happens_is_kept_in_the_next_turn)
{
	static void (*const happen[])(void) = {opens, prefers, prefers_no_more, forces, clears,
		disables, resets, is_shared, lives_on};

	for (size_t i = 0; i < UTIL_COUNT(happen); i++) {
		unsigned before = kept.saves;

		happen[i]();
		ck_assert_uint_eq(kept.saves, before);
		fake_clock_advance(&time_, 0);
		ck_assert_msg(kept.saves == before + 1, "%zu: %u", i, kept.saves);
		fake_clock_advance(&time_, REMEMBER_PACE_MS);
		ck_assert_uint_eq(kept.saves, before + 1);
	}
	ck_assert_str_eq(kept.newest.epoch, "epoch-2");
}
END_TEST

START_TEST(however_much_happens_it_is_kept_ten_times_a_second)
{
	for (int i = 0; i < 1000; i++) {
		prefers();
		forces();
		fake_clock_advance(&time_, 1);
	}
	/* the first at once, the last at the end of the second */
	ck_assert_uint_eq(kept.saves, 11);
	fake_clock_advance(&time_, 3600000);
	ck_assert_uint_eq(kept.saves, 11);
	ck_assert_int_eq(kept.newest.preferred_count, 1);
}
END_TEST

START_TEST(what_happened_last_is_kept_at_the_end_at_once)
{
	prefers();
	fake_clock_advance(&time_, 0);
	prefers_no_more();
	remember_stop(&remember);
	ck_assert_uint_eq(kept.saves, 2);
	ck_assert_uint_eq(kept.newest.preferred_count, 0);
	prefers();
	fake_clock_advance(&time_, 1000);
	remember_stop(&remember);
	ck_assert_uint_eq(kept.saves, 2);
}
END_TEST

START_TEST(it_is_the_time_left_that_is_kept)
{
	opens();
	fails("b/m", OUTCOME_AUTH, 1);
	prefers();
	forces();
	disables();
	health_find(health, HEALTH_TARGET, "a/m")->mark.there = true;
	fake_clock_advance(&time_, 0);
	remember_changed(&remember);
	fake_clock_advance(&time_, 1000);
	ck_assert_uint_eq(kept.newest.circuit_count, 2);
	const struct snapshot_circuit *provider = &kept.newest.circuits[0],
				      *target = &kept.newest.circuits[1];
	ck_assert_str_eq(provider->name, "b");
	ck_assert_int_eq(provider->class, OUTCOME_AUTH);
	ck_assert(!provider->shared);
	ck_assert_str_eq(target->name, "a/m");
	ck_assert_int_eq(target->class, OUTCOME_UNAVAILABLE);
	ck_assert_int_eq(target->failures, 3);
	ck_assert_int_eq(target->left_ms, 300000 - REMEMBER_PACE_MS);
	ck_assert_int_eq(target->seen_left_ms, target->left_ms);
	ck_assert_int_eq(target->cooldown_ms, 300000);
	ck_assert(target->shared);
	ck_assert_str_eq(kept.newest.preferred[0].target, "b/m");
	ck_assert_int_eq(kept.newest.preferred[0].left_ms, 1800000 - REMEMBER_PACE_MS);
	ck_assert_str_eq(kept.newest.forced, "b");
	ck_assert(kept.newest.forced_strict);
	ck_assert_int_eq(kept.newest.forced_left_ms, 60000 - REMEMBER_PACE_MS);
	ck_assert_uint_eq(kept.newest.forced_by_uid, 7);
	ck_assert_int_eq(kept.newest.forced_age_ms, REMEMBER_PACE_MS);
	ck_assert_str_eq(kept.newest.disabled[0].name, "b");
}
END_TEST

START_TEST(after_a_restart_it_is_as_it_was)
{
	opens();
	health_find(health, HEALTH_TARGET, "a/m")->mark.there = true;
	prefers();
	health_preferred(health, "c", time_.time_ms)->there = true;
	forces();
	health_forced_entry(health)->there = true;
	disables();
	lives_on();
	restart(10000, 77);
	const struct health_subject *target = health_find(health, HEALTH_TARGET, "a/m");
	ck_assert_int_eq(circuit_remaining_ms(&target->circuit, 77), 290000);
	ck_assert_int_eq(target->circuit.opened_by, OUTCOME_UNAVAILABLE);
	ck_assert_int_eq(target->circuit.cooldown_ms, 300000);
	ck_assert(!circuit_is_hearsay(&target->circuit, 77));
	ck_assert(target->mark.there);
	const struct health_preferred *preferred = health_preferred(health, "c", 77);
	ck_assert_str_eq(preferred->target, "b/m");
	ck_assert_int_eq(preferred->until_ms, 77 + 1790000);
	ck_assert(preferred->heard && preferred->there);
	const struct health_forced *forced = health_forced(health, 77);
	ck_assert_str_eq(forced->provider, "b");
	ck_assert(forced->strict && forced->there && forced->heard);
	ck_assert_int_eq(forced->until_ms, 77 + 50000);
	ck_assert_uint_eq(forced->by_uid, 7);
	ck_assert_int_eq(forced->set_ms, 77 - 10000);
	ck_assert(health_find(health, HEALTH_PROVIDER, "b")->disabled);
	/* to bring it back is no change */
	unsigned saves = kept.saves;
	fake_clock_advance(&time_, 1000);
	ck_assert_uint_eq(kept.saves, saves);
	is_shared();
	fake_clock_advance(&time_, 0);
	ck_assert_str_eq(kept.newest.epoch, "epoch-2");
}
END_TEST

START_TEST(many_restarts_lose_and_add_nothing)
{
	opens();
	prefers();
	forces();
	for (int i = 0; i < 50; i++) {
		restart(1000, START_MS + i);
		is_shared();
	}
	const struct health_subject *target = health_find(health, HEALTH_TARGET, "a/m");
	ck_assert_int_eq(circuit_remaining_ms(&target->circuit, time_.time_ms), 250000);
	ck_assert_int_eq(health_preferred(health, "c", time_.time_ms)->until_ms,
		time_.time_ms + 1750000);
	ck_assert_int_eq(health_forced(health, time_.time_ms)->until_ms, time_.time_ms + 10000);
}
END_TEST

START_TEST(what_was_over_meanwhile_is_half_open_or_gone)
{
	opens();
	forces();
	prefers();
	restart(3600000, START_MS);
	ck_assert_int_eq(state_of(HEALTH_TARGET, "a/m"), CIRCUIT_HALF_OPEN);
	ck_assert(circuit_admits(
		&health_find(health, HEALTH_TARGET, "a/m")->circuit, time_.time_ms));
	ck_assert_ptr_null(health_forced(health, time_.time_ms));
	ck_assert_ptr_null(health_preferred(health, "c", time_.time_ms));
}
END_TEST

START_TEST(a_word_alone_stays_a_word_alone)
{
	const struct circuit_word word = {OUTCOME_UNAVAILABLE, false, 60000};

	(void)health_heard_open(health, HEALTH_TARGET, "a/m", &word, "host", time_.time_ms);
	restart(0, START_MS);
	ck_assert_int_eq(state_of(HEALTH_TARGET, "a/m"), CIRCUIT_OPEN);
	ck_assert(circuit_is_hearsay(
		&health_find(health, HEALTH_TARGET, "a/m")->circuit, time_.time_ms));
}
END_TEST

START_TEST(that_somebody_was_cleared_is_remembered_with_its_time)
{
	clears();
	restart(5000, START_MS);
	ck_assert_ptr_null(health_forced(health, time_.time_ms));
	ck_assert_int_eq(health_forced_entry(health)->set_ms, START_MS - 5000);
	/* at the very moment when this clock began */
	restart(5000, 10000);
	ck_assert_int_eq(health_forced_entry(health)->set_ms, -1);
}
END_TEST

START_TEST(who_never_forced_anybody_did_not_clear_it_either)
{
	prefers();
	restart(5000, START_MS);
	ck_assert_int_eq(health_forced_entry(health)->set_ms, 0);
}
END_TEST

START_TEST(of_what_is_configured_no_more_only_that_it_was_disabled_comes_back)
{
	fails("gone/m", OUTCOME_AUTH, 1);
	fails("gone/m", OUTCOME_UNAVAILABLE, 3);
	fails("a/unlisted", OUTCOME_UNAVAILABLE, 3);
	(void)health_prefer(health, "c", "gone/m", time_.time_ms);
	(void)health_disable(health, HEALTH_PROVIDER, "old", true);
	health_force(health, "gone", false, time_.time_ms + 60000, 0, time_.time_ms);
	restart(0, START_MS);
	ck_assert_ptr_null(health_find(health, HEALTH_TARGET, "gone/m"));
	ck_assert_ptr_null(health_find(health, HEALTH_PROVIDER, "gone"));
	ck_assert_ptr_null(health_preferred(health, "c", time_.time_ms));
	ck_assert_ptr_null(health_forced(health, time_.time_ms));
	ck_assert_int_eq(state_of(HEALTH_TARGET, "a/unlisted"), CIRCUIT_OPEN);
	ck_assert(health_find(health, HEALTH_PROVIDER, "old")->disabled);
}
END_TEST

START_TEST(a_daemon_may_keep_nothing)
{
	end();
	fake_clock_init(&time_);
	health = health_new();
	remember_start(&remember, health, &time_.clock, NULL, &kept.newest);
	disables();
	lives_on();
	fake_clock_advance(&time_, 1000);
	remember_stop(&remember);
	ck_assert_uint_eq(kept.saves, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("remember");
	TCase *tests = tcase_create("remember");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nothing_is_kept_until_something_happens);
	tcase_add_test(tests, whatever_happens_is_kept_in_the_next_turn);
	tcase_add_test(tests, however_much_happens_it_is_kept_ten_times_a_second);
	tcase_add_test(tests, what_happened_last_is_kept_at_the_end_at_once);
	tcase_add_test(tests, it_is_the_time_left_that_is_kept);
	tcase_add_test(tests, after_a_restart_it_is_as_it_was);
	tcase_add_test(tests, many_restarts_lose_and_add_nothing);
	tcase_add_test(tests, what_was_over_meanwhile_is_half_open_or_gone);
	tcase_add_test(tests, a_word_alone_stays_a_word_alone);
	tcase_add_test(tests, that_somebody_was_cleared_is_remembered_with_its_time);
	tcase_add_test(tests, who_never_forced_anybody_did_not_clear_it_either);
	tcase_add_test(tests, of_what_is_configured_no_more_only_that_it_was_disabled_comes_back);
	tcase_add_test(tests, a_daemon_may_keep_nothing);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
