/* SPDX-License-Identifier: MIT */
/* Leases: whose they are, how many there may be, when they end and what that does to health. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "lease.h"
#include "llmfo.h"
#include "support/fake_clock.h"

#define ME 1000
#define OTHER 1001

static struct fake_clock fake;
static struct clock *const time_ = &fake.clock;
static struct health *health;
static struct gate gate;
static struct lease_table table;
static int woken;

static void
setup(void)
{
	struct health_policy policy = {
		.circuit = {.failure_threshold = 1, .cooldown_ms = 1000, .cooldown_max_ms = 1000},
		.preferred_ttl_ms = 60000,
		.tracking = true,
		.preferred = true,
	};

	fake_clock_init(&fake);
	health = health_new();
	health_set_policy(health, &policy);
	gate_init(&gate, 10, 10);
	lease_table_init(&table, time_, health, &gate);
	woken = 0;
}

static void
teardown(void)
{
	lease_table_free(&table);
	ck_assert_uint_eq(fake.clock.count, 0);
	health_free(health);
	fake_clock_free(&fake);
}

static const struct lease *
take_for(uint32_t uid, int64_t valid_ms)
{
	struct lease_want want = {
		.uid = uid, .provider = "a", .target = "a/m", .number = 7, .valid_ms = valid_ms};
	int error;
	const struct lease *lease = lease_take(&table, &want, &error);

	ck_assert_int_eq(lease ? 0 : LLMFO_EBUSY, error);
	return lease;
}

static int
in_flight(void)
{
	int at_target = health_find(health, HEALTH_TARGET, "a/m")->in_flight;

	ck_assert_int_eq(health_find(health, HEALTH_PROVIDER, "a")->in_flight, at_target);
	return at_target;
}

static void
end_with(const struct lease *lease, enum outcome_class class)
{
	struct outcome outcome;

	outcome_set(&outcome, class, "%s", "");
	struct lease *found = lease_find(&table, lease->id, lease->uid);
	ck_assert_ptr_nonnull(found);
	(void)lease_end(&table, found, &outcome, 5);
}

START_TEST(a_lease_is_its_users_until_it_ends)
{
	const struct lease *lease = take_for(ME, 1000);
	char id[LEASE_ID_BYTES];

	memcpy(id, lease->id, sizeof id);
	ck_assert_uint_eq(strlen(id), LEASE_ID_BYTES - 1);
	ck_assert_ptr_eq(lease_find(&table, id, ME), lease);
	ck_assert_ptr_null(lease_find(&table, id, OTHER));
	ck_assert_ptr_null(lease_find(&table, "", ME));
	ck_assert_ptr_null(lease_find(&table, "00000000000000000000000000000000", ME));
	ck_assert_int_eq(in_flight(), 1);
	end_with(lease, OUTCOME_OK);
	ck_assert_ptr_null(lease_find(&table, id, ME));
	ck_assert_int_eq(in_flight(), 0);
}
END_TEST

START_TEST(no_two_are_of_one_name)
{
	const struct lease *first = take_for(ME, 1000), *second = take_for(ME, 1000);

	ck_assert_str_ne(first->id, second->id);
	ck_assert_int_eq(in_flight(), 2);
}
END_TEST

START_TEST(those_that_run_out_end_in_their_order_and_judge_nothing)
{
	const struct lease *late = take_for(ME, 3000);
	(void)take_for(ME, 1000);
	(void)take_for(ME, 2000);

	fake_clock_advance(&fake, 999);
	ck_assert_int_eq(table.count, 3);
	fake_clock_advance(&fake, 1);
	ck_assert_int_eq(table.count, 2);
	fake_clock_advance(&fake, 1000);
	ck_assert_int_eq(table.count, 1);
	ck_assert_ptr_nonnull(lease_find(&table, late->id, ME));
	fake_clock_advance(&fake, 1000);
	ck_assert_int_eq(table.count, 0);
	ck_assert_int_eq(in_flight(), 0);
	const struct health_subject *subject = health_find(health, HEALTH_TARGET, "a/m");
	ck_assert_int_eq(subject->successes + subject->failures, 0);
	ck_assert_int_eq(subject->last_error.class, OUTCOME_OK);
}
END_TEST

START_TEST(a_user_and_all_together_have_a_limit)
{
	for (int i = 0; i < LEASE_USER_MAX; i++)
		ck_assert_ptr_nonnull(take_for(ME, 1000));
	ck_assert_ptr_null(take_for(ME, 1000));
	for (int i = LEASE_USER_MAX; i < LEASE_MAX; i++)
		ck_assert_ptr_nonnull(take_for(OTHER + (uint32_t)i / LEASE_USER_MAX, 1000));
	ck_assert_ptr_null(take_for(5, 1000));
	ck_assert_int_eq(in_flight(), LEASE_MAX);
	fake_clock_advance(&fake, 1000);
	ck_assert_int_eq(in_flight(), 0);
	ck_assert_ptr_nonnull(take_for(ME, 1000));
}
END_TEST

START_TEST(the_probe_is_one_leases_and_free_again_when_that_runs_out)
{
	struct circuit *circuit;

	end_with(take_for(ME, 1000), OUTCOME_SERVER_ERROR);
	fake_clock_advance(&fake, 1000);
	circuit = &health_find(health, HEALTH_TARGET, "a/m")->circuit;
	ck_assert(circuit_admits(circuit, fake.time_ms));
	const struct lease *probe = take_for(ME, 1000), *another = take_for(ME, 1000);
	ck_assert_uint_ne(probe->ticket.target_probe, 0);
	ck_assert_uint_eq(another->ticket.target_probe, 0);
	ck_assert(!circuit_admits(circuit, fake.time_ms));
	fake_clock_advance(&fake, 1000);
	ck_assert(circuit_admits(circuit, fake.time_ms));
	end_with(take_for(ME, 1000), OUTCOME_OK);
	ck_assert(!circuit->open);
}
END_TEST

static void
on_woken(void *arg)
{
	(void)arg;
	woken++;
}

START_TEST(who_waits_for_a_provider_hears_of_an_end)
{
	struct config config = {.provider_count = 0};
	struct gate_user user;
	struct gate_waiter waiter = {.user = &user, .wants = gate_bit("a"), .key = &config};
	const struct lease *lease = take_for(ME, 1000);

	gate_user_init(&user);
	ck_assert(gate_enter(&gate, &waiter));
	ck_assert_int_eq(gate_wait(&gate, &waiter, on_woken, NULL), GATE_FITS);
	end_with(lease, OUTCOME_OK);
	ck_assert_int_eq(woken, 1);
	(void)take_for(ME, 1000);
	ck_assert_int_eq(gate_wait(&gate, &waiter, on_woken, NULL), GATE_FITS);
	fake_clock_advance(&fake, 1000);
	ck_assert_int_eq(woken, 2);
}
END_TEST

START_TEST(a_chains_better_target_is_tried_by_one_at_a_time)
{
	struct lease_want want = {.uid = ME,
		.provider = "a",
		.target = "a/m",
		.chain = "default",
		.number = 7,
		.valid_ms = 1000};
	int error;

	ck_assert(health_prefer(health, "default", "b/m", fake.time_ms));
	struct health_preferred *entry = health_preferred(health, "default", fake.time_ms);
	ck_assert_ptr_nonnull(lease_take(&table, &want, &error));
	ck_assert_uint_eq(entry->tried_by, 7);
	want.number = 8;
	ck_assert_ptr_nonnull(lease_take(&table, &want, &error));
	ck_assert_uint_eq(entry->tried_by, 7);
	fake_clock_advance(&fake, 1000);
	ck_assert_uint_eq(entry->tried_by, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lease");
	TCase *tests = tcase_create("lease");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_lease_is_its_users_until_it_ends);
	tcase_add_test(tests, no_two_are_of_one_name);
	tcase_add_test(tests, those_that_run_out_end_in_their_order_and_judge_nothing);
	tcase_add_test(tests, a_user_and_all_together_have_a_limit);
	tcase_add_test(tests, the_probe_is_one_leases_and_free_again_when_that_runs_out);
	tcase_add_test(tests, who_waits_for_a_provider_hears_of_an_end);
	tcase_add_test(tests, a_chains_better_target_is_tried_by_one_at_a_time);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
