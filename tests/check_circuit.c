/* SPDX-License-Identifier: MIT */
/* A circuit opens, lets one probe through, and closes, by the rules of section 6 of the contract.
 */
#include <check.h>
#include <stdlib.h>

#include "circuit.h"

#define NOW 1000000
#define MINUTE 60000

static const struct circuit_policy policy = {
	.failure_threshold = 3, .cooldown_ms = 5 * MINUTE, .cooldown_max_ms = 5 * MINUTE};

/* An outcome as the judge would give it, with a wait of the provider's own (or -1). */
static struct outcome
outcome_of(enum outcome_class class, int64_t wait_ms)
{
	struct outcome outcome;

	outcome_set(&outcome, class, "%s", "");
	outcome.retry_after_ms = wait_ms;
	outcome.http_status = class == OUTCOME_OK ? 200 : 500;
	return outcome;
}

static bool
note(struct circuit *circuit, enum outcome_class class, int64_t wait_ms, uint64_t probe,
	int64_t now_ms)
{
	struct outcome outcome = outcome_of(class, wait_ms);

	return circuit_note(circuit, &policy, &outcome, true, probe, now_ms);
}

/* What one class does to a closed circuit, alone and often. */
static const struct {
	enum outcome_class class;
	int64_t wait_ms;
	int opens_after; /* 0: never */
	int64_t open_ms;
	bool hinted;
} rows[] = {
	{OUTCOME_OK, -1, 0, 0, false},
	{OUTCOME_RATE_LIMITED, -1, 3, 5 * MINUTE, false},
	{OUTCOME_RATE_LIMITED, 30000, 1, 30000, true},
	{OUTCOME_RATE_LIMITED, 10 * MINUTE, 1, 10 * MINUTE, true},
	{OUTCOME_RATE_LIMITED, INT64_MAX, 1, 60 * MINUTE, true},
	{OUTCOME_QUOTA_EXHAUSTED, -1, 1, 5 * MINUTE, false},
	{OUTCOME_QUOTA_EXHAUSTED, 20 * MINUTE, 1, 20 * MINUTE, true},
	{OUTCOME_QUOTA_EXHAUSTED, 1000, 1, 5 * MINUTE, false},
	{OUTCOME_OVERLOADED, -1, 3, 5 * MINUTE, false},
	{OUTCOME_OVERLOADED, 1000, 3, 5 * MINUTE, false},
	{OUTCOME_OVERLOADED, 7 * MINUTE, 3, 7 * MINUTE, true},
	{OUTCOME_UNAVAILABLE, -1, 3, 5 * MINUTE, false},
	{OUTCOME_SERVER_ERROR, -1, 3, 5 * MINUTE, false},
	{OUTCOME_MALFORMED_RESPONSE, -1, 3, 5 * MINUTE, false},
	{OUTCOME_CONNECT_FAILED, -1, 3, 5 * MINUTE, false},
	{OUTCOME_TIMEOUT, -1, 3, 5 * MINUTE, false},
	{OUTCOME_AUTH, -1, 1, 5 * MINUTE, false},
	{OUTCOME_PERMISSION, -1, 1, 5 * MINUTE, false},
	{OUTCOME_MODEL_NOT_FOUND, -1, 1, 5 * MINUTE, false},
	{OUTCOME_CONTEXT_LENGTH, -1, 0, 0, false},
	{OUTCOME_CONTENT_POLICY, -1, 0, 0, false},
	{OUTCOME_TOO_LARGE, -1, 0, 0, false},
	{OUTCOME_BAD_REQUEST, -1, 0, 0, false},
	{OUTCOME_CANCELLED, -1, 0, 0, false},
	{OUTCOME_DEADLINE_EXCEEDED, -1, 0, 0, false},
};

START_TEST(each_class_opens_as_often_and_as_long_as_the_table_says)
{
	struct circuit circuit = {0};

	for (int i = 1; i < (rows[_i].opens_after ? rows[_i].opens_after : 10); i++) {
		ck_assert(!note(&circuit, rows[_i].class, rows[_i].wait_ms, 0, NOW));
		ck_assert_int_eq(circuit_state(&circuit, NOW), CIRCUIT_CLOSED);
	}
	if (!rows[_i].opens_after)
		return;
	ck_assert(note(&circuit, rows[_i].class, rows[_i].wait_ms, 0, NOW));
	ck_assert_int_eq(circuit_state(&circuit, NOW), CIRCUIT_OPEN);
	ck_assert_int_eq(circuit_remaining_ms(&circuit, NOW), rows[_i].open_ms);
	ck_assert_int_eq(circuit.hinted, rows[_i].hinted);
	ck_assert_int_eq(circuit.opened_by, rows[_i].class);
}
END_TEST

START_TEST(a_success_begins_the_count_anew)
{
	struct circuit circuit = {0};

	for (int i = 0; i < 10; i++) {
		ck_assert(!note(&circuit, OUTCOME_SERVER_ERROR, -1, 0, NOW));
		ck_assert(!note(&circuit, OUTCOME_SERVER_ERROR, -1, 0, NOW));
		ck_assert_int_eq(circuit.consecutive_failures, 2);
		ck_assert(!note(&circuit, OUTCOME_OK, -1, 0, NOW));
		ck_assert_int_eq(circuit.consecutive_failures, 0);
	}
}
END_TEST

START_TEST(what_says_nothing_of_health_leaves_the_count_alone)
{
	struct circuit circuit = {0};

	(void)note(&circuit, OUTCOME_SERVER_ERROR, -1, 0, NOW);
	(void)note(&circuit, OUTCOME_BAD_REQUEST, -1, 0, NOW);
	(void)note(&circuit, OUTCOME_CANCELLED, -1, 0, NOW);
	ck_assert_int_eq(circuit.consecutive_failures, 1);
}
END_TEST

START_TEST(a_failure_that_is_no_evidence_does_not_count)
{
	struct circuit circuit = {0};
	struct outcome cut = outcome_of(OUTCOME_TIMEOUT, -1);

	cut.counts = false;
	for (int i = 0; i < 5; i++)
		ck_assert(!circuit_note(&circuit, &policy, &cut, true, 0, NOW));
	ck_assert_int_eq(circuit.consecutive_failures, 0);
}
END_TEST

static struct circuit
opened_by(enum outcome_class class, int64_t wait_ms)
{
	struct circuit circuit = {0};

	for (int i = 0; i < 3; i++)
		(void)note(&circuit, class, wait_ms, 0, NOW);
	ck_assert_int_eq(circuit_state(&circuit, NOW), CIRCUIT_OPEN);
	return circuit;
}

START_TEST(half_open_lets_one_probe_through_and_no_more)
{
	struct circuit circuit = opened_by(OUTCOME_SERVER_ERROR, -1);
	int64_t then_ms = NOW + 5 * MINUTE;

	ck_assert(!circuit_admits(&circuit, then_ms - 1));
	ck_assert_int_eq(circuit_state(&circuit, then_ms), CIRCUIT_HALF_OPEN);
	ck_assert(circuit_admits(&circuit, then_ms));
	ck_assert(circuit_enter(&circuit, circuit.open_until_ms));
	ck_assert(!circuit_admits(&circuit, then_ms));
	ck_assert(!circuit_enter(&circuit, circuit.open_until_ms));
}
END_TEST

/* What a probe's end makes of the circuit. */
static const struct {
	enum outcome_class class;
	int64_t wait_ms;
	bool counts;
	enum circuit_state then;
	int64_t open_ms;
} probes[] = {
	{OUTCOME_OK, -1, false, CIRCUIT_CLOSED, 0},
	{OUTCOME_BAD_REQUEST, -1, false, CIRCUIT_CLOSED, 0},
	{OUTCOME_CONTEXT_LENGTH, -1, false, CIRCUIT_CLOSED, 0},
	{OUTCOME_CONTENT_POLICY, -1, false, CIRCUIT_CLOSED, 0},
	{OUTCOME_SERVER_ERROR, -1, true, CIRCUIT_OPEN, 5 * MINUTE},
	{OUTCOME_TIMEOUT, -1, true, CIRCUIT_OPEN, 5 * MINUTE},
	{OUTCOME_RATE_LIMITED, 2000, false, CIRCUIT_OPEN, 2000},
	{OUTCOME_RATE_LIMITED, -1, false, CIRCUIT_OPEN, 5 * MINUTE},
	{OUTCOME_AUTH, -1, false, CIRCUIT_OPEN, 5 * MINUTE},
	{OUTCOME_CANCELLED, -1, false, CIRCUIT_HALF_OPEN, 0},
	{OUTCOME_DEADLINE_EXCEEDED, -1, false, CIRCUIT_HALF_OPEN, 0},
	{OUTCOME_TIMEOUT, -1, false, CIRCUIT_HALF_OPEN, 0},
	{OUTCOME_TOO_LARGE, -1, false, CIRCUIT_HALF_OPEN, 0},
};

START_TEST(each_end_of_a_probe_does_what_it_should)
{
	struct circuit circuit = opened_by(OUTCOME_SERVER_ERROR, -1);
	int64_t then_ms = NOW + 5 * MINUTE;
	struct outcome outcome = outcome_of(probes[_i].class, probes[_i].wait_ms);

	outcome.counts = probes[_i].counts;
	uint64_t probe = circuit_enter(&circuit, circuit.open_until_ms);
	ck_assert(probe);
	bool changed = circuit_note(&circuit, &policy, &outcome, true, probe, then_ms);
	ck_assert_int_eq(changed, probes[_i].then != CIRCUIT_HALF_OPEN);
	ck_assert_int_eq(circuit_state(&circuit, then_ms), probes[_i].then);
	ck_assert_int_eq(circuit_remaining_ms(&circuit, then_ms), probes[_i].open_ms);
	ck_assert(!circuit.probing);
}
END_TEST

START_TEST(a_request_that_was_never_sent_proves_nothing)
{
	struct circuit circuit = opened_by(OUTCOME_SERVER_ERROR, -1);
	struct outcome unsent = outcome_of(OUTCOME_BAD_REQUEST, -1);

	unsent.http_status = 0;
	unsent.lacks_capability = true;
	uint64_t probe = circuit_enter(&circuit, circuit.open_until_ms);
	ck_assert(!circuit_note(&circuit, &policy, &unsent, true, probe, NOW + 5 * MINUTE));
	ck_assert_int_eq(circuit_state(&circuit, NOW + 5 * MINUTE), CIRCUIT_HALF_OPEN);
	ck_assert(circuit_admits(&circuit, NOW + 5 * MINUTE));
}
END_TEST

START_TEST(an_answer_to_a_call_from_before_the_opening_closes_nothing)
{
	struct circuit circuit = opened_by(OUTCOME_SERVER_ERROR, -1);

	ck_assert(!note(&circuit, OUTCOME_OK, -1, 0, NOW + 1));
	ck_assert_int_eq(circuit_state(&circuit, NOW + 1), CIRCUIT_OPEN);
}
END_TEST

START_TEST(late_failures_of_calls_from_before_the_opening_do_not_prolong_it)
{
	struct circuit circuit = opened_by(OUTCOME_SERVER_ERROR, -1);

	for (int i = 1; i < 10; i++)
		ck_assert(!note(&circuit, OUTCOME_SERVER_ERROR, -1, 0, NOW + i * 1000));
	ck_assert_int_eq(circuit_remaining_ms(&circuit, NOW), 5 * MINUTE);
}
END_TEST

START_TEST(a_late_failure_does_not_cut_a_longer_wait)
{
	struct circuit circuit = opened_by(OUTCOME_RATE_LIMITED, 10 * MINUTE);

	ck_assert(!note(&circuit, OUTCOME_RATE_LIMITED, 1000, 0, NOW));
	ck_assert(!note(&circuit, OUTCOME_AUTH, -1, 0, NOW));
	ck_assert_int_eq(circuit_remaining_ms(&circuit, NOW), 10 * MINUTE);
	ck_assert(note(&circuit, OUTCOME_RATE_LIMITED, 12 * MINUTE, 0, NOW));
	ck_assert_int_eq(circuit_remaining_ms(&circuit, NOW), 12 * MINUTE);
}
END_TEST

START_TEST(a_forced_call_that_fails_does_not_cut_what_was_asked_for)
{
	struct circuit circuit = opened_by(OUTCOME_RATE_LIMITED, 30 * MINUTE);

	ck_assert(!note(&circuit, OUTCOME_SERVER_ERROR, -1,
		circuit_enter(&circuit, circuit.open_until_ms), NOW + 1));
	ck_assert_int_eq(circuit_remaining_ms(&circuit, NOW), 30 * MINUTE);
	ck_assert(circuit.hinted);
	ck_assert(!circuit.probing);
}
END_TEST

START_TEST(failed_probes_double_the_cooldown_up_to_its_maximum)
{
	static const int64_t waits[] = {1, 2, 4, 8, 8, 8};
	struct circuit_policy doubling = policy;
	struct circuit circuit = {0};
	struct outcome failure = outcome_of(OUTCOME_SERVER_ERROR, -1);
	int64_t now_ms = NOW;

	doubling.cooldown_ms = MINUTE;
	doubling.cooldown_max_ms = 8 * MINUTE;
	for (int i = 0; i < 2; i++)
		(void)circuit_note(&circuit, &doubling, &failure, true, 0, now_ms);
	for (size_t i = 0; i < UTIL_COUNT(waits); i++) {
		uint64_t probe = circuit_enter(&circuit, circuit.open_until_ms);

		ck_assert_int_eq(probe != 0, i > 0);
		ck_assert(circuit_note(&circuit, &doubling, &failure, true, probe, now_ms));
		ck_assert_int_eq(circuit_remaining_ms(&circuit, now_ms), waits[i] * MINUTE);
		/* one that was on its way since before changes nothing */
		(void)circuit_note(&circuit, &doubling, &failure, true, 0, now_ms);
		now_ms += waits[i] * MINUTE;
	}
	struct outcome ok = outcome_of(OUTCOME_OK, -1);
	ck_assert(circuit_note(&circuit, &doubling, &ok, true,
		circuit_enter(&circuit, circuit.open_until_ms), now_ms));
	for (int i = 0; i < 3; i++)
		(void)circuit_note(&circuit, &doubling, &failure, true, 0, now_ms);
	ck_assert_int_eq(circuit_remaining_ms(&circuit, now_ms), MINUTE);
}
END_TEST

START_TEST(jitter_shortens_a_cooldown_and_never_what_was_asked_for)
{
	struct circuit_policy jittered = policy;
	struct circuit circuit = {0};
	struct outcome failure = outcome_of(OUTCOME_AUTH, -1);
	struct outcome limited = outcome_of(OUTCOME_RATE_LIMITED, 30000);

	jittered.jitter_permille = 999;
	(void)circuit_note(&circuit, &jittered, &failure, true, 0, NOW);
	ck_assert_int_lt(circuit_remaining_ms(&circuit, NOW), 5 * MINUTE);
	ck_assert_int_ge(circuit_remaining_ms(&circuit, NOW), 5 * MINUTE * 9 / 10);
	circuit = (struct circuit){0};
	(void)circuit_note(&circuit, &jittered, &limited, true, 0, NOW);
	ck_assert_int_eq(circuit_remaining_ms(&circuit, NOW), 30000);
}
END_TEST

START_TEST(early_probes_and_checks_are_for_what_may_pass_by_itself)
{
	static const struct {
		enum outcome_class class;
		int64_t wait_ms;
		bool early, checkable;
	} cases[] = {
		{OUTCOME_SERVER_ERROR, -1, true, true},
		{OUTCOME_OVERLOADED, -1, true, true},
		{OUTCOME_UNAVAILABLE, -1, true, true},
		{OUTCOME_MALFORMED_RESPONSE, -1, true, true},
		{OUTCOME_CONNECT_FAILED, -1, true, true},
		{OUTCOME_TIMEOUT, -1, true, true},
		{OUTCOME_RATE_LIMITED, -1, true, false},
		{OUTCOME_RATE_LIMITED, 30000, false, false},
		{OUTCOME_UNAVAILABLE, 30 * MINUTE, false, false},
		{OUTCOME_AUTH, -1, false, false},
		{OUTCOME_PERMISSION, -1, false, false},
		{OUTCOME_QUOTA_EXHAUSTED, -1, false, false},
		{OUTCOME_MODEL_NOT_FOUND, -1, false, false},
	};

	for (size_t i = 0; i < UTIL_COUNT(cases); i++) {
		struct circuit circuit = opened_by(cases[i].class, cases[i].wait_ms);

		ck_assert_int_eq(circuit_admits_early(&circuit), cases[i].early);
		ck_assert_int_eq(circuit_checkable(&circuit, NOW), cases[i].checkable);
		circuit_check_passed(&circuit, NOW);
		ck_assert_int_eq(circuit_state(&circuit, NOW),
			cases[i].checkable ? CIRCUIT_HALF_OPEN : CIRCUIT_OPEN);
	}
}
END_TEST

START_TEST(a_probe_of_a_circuit_that_was_reset_meanwhile_is_an_ordinary_call)
{
	struct circuit circuit = opened_by(OUTCOME_SERVER_ERROR, -1);
	uint64_t old = circuit_enter(&circuit, circuit.open_until_ms);

	circuit_reset(&circuit);
	ck_assert(!note(&circuit, OUTCOME_SERVER_ERROR, -1, old, NOW));
	ck_assert_int_eq(circuit_state(&circuit, NOW), CIRCUIT_CLOSED);
	ck_assert_int_eq(circuit.consecutive_failures, 1);

	/* nor does it give up the place of the probe that came after it */
	circuit = opened_by(OUTCOME_SERVER_ERROR, -1);
	old = circuit_enter(&circuit, circuit.open_until_ms);
	circuit_reset(&circuit);
	(void)note(&circuit, OUTCOME_AUTH, -1, 0, NOW);
	uint64_t young = circuit_enter(&circuit, circuit.open_until_ms);
	ck_assert(young && young != old);
	ck_assert(!note(&circuit, OUTCOME_OK, -1, old, NOW + 6 * MINUTE));
	ck_assert(!circuit_admits(&circuit, NOW + 6 * MINUTE));
	ck_assert(note(&circuit, OUTCOME_OK, -1, young, NOW + 6 * MINUTE));
}
END_TEST

START_TEST(a_probe_that_fails_for_another_keeps_why_the_circuit_is_open)
{
	struct circuit circuit = opened_by(OUTCOME_AUTH, -1);
	struct outcome missing = outcome_of(OUTCOME_SERVER_ERROR, -1);

	uint64_t probe = circuit_enter(&circuit, circuit.open_until_ms);
	ck_assert(circuit_note(&circuit, &policy, &missing, false, probe, NOW + 5 * MINUTE));
	ck_assert_int_eq(circuit_state(&circuit, NOW + 5 * MINUTE), CIRCUIT_OPEN);
	ck_assert_int_eq(circuit.opened_by, OUTCOME_AUTH);
	ck_assert(!circuit_admits_early(&circuit));
}
END_TEST

START_TEST(whoever_could_not_be_reached_and_answers_is_there_again)
{
	struct circuit circuit = opened_by(OUTCOME_CONNECT_FAILED, -1);
	struct outcome limited = outcome_of(OUTCOME_RATE_LIMITED, 60000);

	uint64_t probe = circuit_enter(&circuit, circuit.open_until_ms);
	limited.http_status = 429;
	ck_assert(circuit_note(&circuit, &policy, &limited, false, probe, NOW + 5 * MINUTE));
	ck_assert_int_eq(circuit_state(&circuit, NOW + 5 * MINUTE), CIRCUIT_CLOSED);
}
END_TEST

START_TEST(a_probe_before_its_time_doubles_nothing)
{
	struct circuit_policy doubling = policy;
	struct circuit circuit = opened_by(OUTCOME_SERVER_ERROR, -1);
	struct outcome failure = outcome_of(OUTCOME_SERVER_ERROR, -1);

	doubling.cooldown_max_ms = 60 * MINUTE;
	for (int i = 1; i <= 3; i++) {
		uint64_t probe = circuit_enter(&circuit, NOW + i);
		(void)circuit_note(&circuit, &doubling, &failure, true, probe, NOW + i);
		ck_assert_int_eq(circuit_remaining_ms(&circuit, NOW + i), 5 * MINUTE);
	}
}
END_TEST

START_TEST(a_failure_that_counts_elsewhere_does_nothing_here)
{
	struct circuit circuit = {0};
	struct outcome auth = outcome_of(OUTCOME_AUTH, -1);

	ck_assert(!circuit_note(&circuit, &policy, &auth, false, 0, NOW));
	ck_assert_int_eq(circuit_state(&circuit, NOW), CIRCUIT_CLOSED);
	ck_assert_int_eq(circuit.consecutive_failures, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("circuit");
	TCase *tcase = tcase_create("circuit");
	SRunner *runner = srunner_create(suite);

	tcase_add_loop_test(tcase, each_class_opens_as_often_and_as_long_as_the_table_says, 0,
		(int)UTIL_COUNT(rows));
	tcase_add_test(tcase, a_success_begins_the_count_anew);
	tcase_add_test(tcase, what_says_nothing_of_health_leaves_the_count_alone);
	tcase_add_test(tcase, a_failure_that_is_no_evidence_does_not_count);
	tcase_add_test(tcase, half_open_lets_one_probe_through_and_no_more);
	tcase_add_loop_test(
		tcase, each_end_of_a_probe_does_what_it_should, 0, (int)UTIL_COUNT(probes));
	tcase_add_test(tcase, a_request_that_was_never_sent_proves_nothing);
	tcase_add_test(tcase, an_answer_to_a_call_from_before_the_opening_closes_nothing);
	tcase_add_test(tcase, late_failures_of_calls_from_before_the_opening_do_not_prolong_it);
	tcase_add_test(tcase, a_late_failure_does_not_cut_a_longer_wait);
	tcase_add_test(tcase, a_forced_call_that_fails_does_not_cut_what_was_asked_for);
	tcase_add_test(tcase, failed_probes_double_the_cooldown_up_to_its_maximum);
	tcase_add_test(tcase, jitter_shortens_a_cooldown_and_never_what_was_asked_for);
	tcase_add_test(tcase, early_probes_and_checks_are_for_what_may_pass_by_itself);
	tcase_add_test(tcase, a_probe_of_a_circuit_that_was_reset_meanwhile_is_an_ordinary_call);
	tcase_add_test(tcase, a_probe_that_fails_for_another_keeps_why_the_circuit_is_open);
	tcase_add_test(tcase, whoever_could_not_be_reached_and_answers_is_there_again);
	tcase_add_test(tcase, a_probe_before_its_time_doubles_nothing);
	tcase_add_test(tcase, a_failure_that_counts_elsewhere_does_nothing_here);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
