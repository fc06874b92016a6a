/* SPDX-License-Identifier: MIT */
/* What is remembered is bounded, and grows old by what certainly went by. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

#define HOUR_MS ((int64_t)60 * 60 * 1000)

static struct snapshot snapshot;

static void
empty(void)
{
	snapshot_free(&snapshot);
}

static char *
long_name(size_t length)
{
	char *name = x_calloc(length + 1, 1);

	memset(name, 'n', length);
	name[1] = '/';
	return name;
}

static bool
add_circuit(enum health_kind kind, const char *name, int64_t left_ms, int64_t seen_left_ms)
{
	const struct snapshot_circuit circuit = {
		.kind = kind,
		.name = (char *)(uintptr_t)name,
		.class = OUTCOME_UNAVAILABLE,
		.failures = 3,
		.left_ms = left_ms,
		.seen_left_ms = seen_left_ms,
		.cooldown_ms = 300000,
	};

	return snapshot_add_circuit(&snapshot, &circuit);
}

static bool
add_preferred(const char *chain, const char *target, int64_t left_ms)
{
	const struct snapshot_preferred preferred = {
		.chain = (char *)(uintptr_t)chain,
		.target = (char *)(uintptr_t)target,
		.left_ms = left_ms,
	};

	return snapshot_add_preferred(&snapshot, &preferred);
}

START_TEST(zeroed_memory_is_an_empty_one_and_can_be_freed_twice)
{
	ck_assert(add_circuit(HEALTH_PROVIDER, "openai", 1, 1));
	ck_assert(add_preferred("c", "a/b", 1));
	ck_assert(snapshot_add_disabled(&snapshot, HEALTH_TARGET, "a/b"));
	ck_assert(snapshot_set_forced(&snapshot, "openai", true, 1, 7));
	ck_assert(snapshot_set_epoch(&snapshot, "e"));
	snapshot_free(&snapshot);
	snapshot_free(&snapshot);
	ck_assert_uint_eq(snapshot.circuit_count, 0);
	ck_assert_ptr_null(snapshot.forced);
}
END_TEST

START_TEST(entries_are_copies)
{
	char name[] = "openai/gpt";

	ck_assert(add_circuit(HEALTH_TARGET, name, 10, 5));
	ck_assert(snapshot_add_disabled(&snapshot, HEALTH_TARGET, name));
	ck_assert(add_preferred(name, name, 9));
	memset(name, 'x', sizeof name - 1);
	ck_assert_str_eq(snapshot.circuits[0].name, "openai/gpt");
	ck_assert_str_eq(snapshot.disabled[0].name, "openai/gpt");
	ck_assert_str_eq(snapshot.preferred[0].chain, "openai/gpt");
	ck_assert_str_eq(snapshot.preferred[0].target, "openai/gpt");
}
END_TEST

START_TEST(names_that_are_none_are_left_out)
{
	char *longest = long_name(SNAPSHOT_NAME_MAX_BYTES);
	char *longer = long_name(SNAPSHOT_NAME_MAX_BYTES + 1);
	const char *const bad[] = {NULL, "", "no-slash", "a/\xff", longer};

	for (size_t i = 0; i < UTIL_COUNT(bad); i++) {
		ck_assert(!add_circuit(HEALTH_TARGET, bad[i], 1, 1));
		ck_assert(!add_preferred("c", bad[i], 1));
		ck_assert(!snapshot_add_disabled(&snapshot, HEALTH_TARGET, bad[i]));
	}
	ck_assert(!add_preferred(NULL, "a/b", 1) && !add_preferred("", "a/b", 1));
	ck_assert(!snapshot_set_forced(&snapshot, "", false, 1, 0));
	ck_assert(!snapshot_set_forced(&snapshot, longer, false, 1, 0));
	ck_assert(!snapshot_set_epoch(&snapshot, longer));
	ck_assert(add_circuit(HEALTH_TARGET, longest, 1, 1));
	ck_assert(add_circuit(HEALTH_PROVIDER, "no-slash", 1, 1));
	ck_assert_uint_eq(snapshot.circuit_count, 2);
	free(longest);
	free(longer);
}
END_TEST

START_TEST(times_and_counts_are_brought_within_bounds)
{
	static const struct {
		int64_t left, seen, left_after, seen_after;
	} rows[] = {
		{10, 5, 10, 5},
		{10, 20, 10, 10},
		{-1, -1, 0, 0},
		{INT64_MIN, INT64_MAX, 0, 0},
		{INT64_MAX, INT64_MAX, SNAPSHOT_TIME_MAX_MS, SNAPSHOT_TIME_MAX_MS},
	};
	struct snapshot_circuit odd = {.name = (char *)(uintptr_t) "p",
		.class = OUTCOME_AUTH,
		.failures = -3,
		.cooldown_ms = INT64_MAX};

	for (size_t i = 0; i < UTIL_COUNT(rows); i++) {
		ck_assert(add_circuit(HEALTH_TARGET, "a/b", rows[i].left, rows[i].seen));
		ck_assert_int_eq(snapshot.circuits[i].left_ms, rows[i].left_after);
		ck_assert_int_eq(snapshot.circuits[i].seen_left_ms, rows[i].seen_after);
	}
	snapshot_free(&snapshot);
	ck_assert(snapshot_add_circuit(&snapshot, &odd));
	ck_assert_int_eq(snapshot.circuits[0].failures, 0);
	ck_assert_int_eq(snapshot.circuits[0].cooldown_ms, SNAPSHOT_TIME_MAX_MS);
	odd.class = OUTCOME_OK;
	ck_assert(!snapshot_add_circuit(&snapshot, &odd));
	ck_assert(snapshot_set_forced(&snapshot, "p", true, INT64_MAX, 1));
	ck_assert_int_eq(snapshot.forced_left_ms, SNAPSHOT_TIME_MAX_MS);
	snapshot_set_forced_age(&snapshot, INT64_MIN);
	ck_assert_int_eq(snapshot.forced_age_ms, -1);
	snapshot_set_forced_age(&snapshot, INT64_MAX);
	ck_assert_int_eq(snapshot.forced_age_ms, SNAPSHOT_TIME_MAX_MS);
}
END_TEST

START_TEST(no_list_grows_beyond_its_bound)
{
	for (int i = 0; i < SNAPSHOT_ROWS_MAX; i++) {
		ck_assert(add_circuit(HEALTH_PROVIDER, "p", 1, 1));
		ck_assert(add_preferred("c", "a/b", 1));
		ck_assert(snapshot_add_disabled(&snapshot, HEALTH_PROVIDER, "p"));
	}
	ck_assert(!add_circuit(HEALTH_PROVIDER, "p", 1, 1));
	ck_assert(!add_preferred("c", "a/b", 1));
	ck_assert(!snapshot_add_disabled(&snapshot, HEALTH_PROVIDER, "p"));
}
END_TEST

START_TEST(time_that_went_by_is_taken_off_everything)
{
	ck_assert(add_circuit(HEALTH_PROVIDER, "p", 100, 60));
	ck_assert(add_circuit(HEALTH_PROVIDER, "q", 50, 50));
	ck_assert(add_preferred("gone", "a/b", 70));
	ck_assert(add_preferred("stays", "a/b", 71));
	ck_assert(add_preferred("gone as well", "a/b", 1));
	ck_assert(snapshot_add_disabled(&snapshot, HEALTH_PROVIDER, "p"));
	ck_assert(snapshot_set_forced(&snapshot, "p", true, 71, 7));
	snapshot_set_forced_age(&snapshot, 5);
	snapshot_age(&snapshot, 70);
	ck_assert_int_eq(snapshot.circuits[0].left_ms, 30);
	ck_assert_int_eq(snapshot.circuits[0].seen_left_ms, 0);
	ck_assert_uint_eq(snapshot.circuit_count, 2);
	ck_assert_int_eq(snapshot.circuits[1].left_ms, 0);
	ck_assert_uint_eq(snapshot.preferred_count, 1);
	ck_assert_str_eq(snapshot.preferred[0].chain, "stays");
	ck_assert_int_eq(snapshot.preferred[0].left_ms, 1);
	ck_assert_uint_eq(snapshot.disabled_count, 1);
	ck_assert_str_eq(snapshot.forced, "p");
	ck_assert(snapshot.forced_strict);
	ck_assert_int_eq(snapshot.forced_left_ms, 1);
	ck_assert_int_eq(snapshot.forced_age_ms, 75);
	snapshot_age(&snapshot, 1);
	ck_assert_ptr_null(snapshot.forced);
	ck_assert_int_eq(snapshot.forced_age_ms, 76);
	ck_assert_uint_eq(snapshot.preferred_count, 0);
	/* what was dropped leaves room */
	ck_assert(add_preferred("new", "a/b", 5));
	ck_assert(add_preferred("newer", "a/b", 5));
	ck_assert_str_eq(snapshot.preferred[1].chain, "newer");
}
END_TEST

START_TEST(no_time_makes_anything_last_longer)
{
	ck_assert(add_circuit(HEALTH_PROVIDER, "p", 100, 60));
	ck_assert(add_preferred("c", "a/b", 100));
	snapshot_age(&snapshot, -1000);
	snapshot_age(&snapshot, INT64_MIN);
	ck_assert_int_eq(snapshot.circuits[0].left_ms, 100);
	ck_assert_int_eq(snapshot.preferred[0].left_ms, 100);
	snapshot_age(&snapshot, INT64_MAX);
	ck_assert_int_eq(snapshot.circuits[0].left_ms, 0);
	ck_assert_uint_eq(snapshot.preferred_count, 0);
	snapshot_set_forced_age(&snapshot, -1);
	snapshot_age(&snapshot, 1000);
	ck_assert_int_eq(snapshot.forced_age_ms, -1);
}
END_TEST

START_TEST(what_went_by_is_known_from_the_time_since_boot)
{
	static const struct {
		const char *why;
		int64_t saved, now, gone;
	} rows[] = {
		{"the same boot", 1000, 61000, 60000},
		{"at once", 1000, 1000, 0},
		{"a later boot: all of it", 50 * HOUR_MS, 90000, 90000},
		{"a later boot that is up for longer: at least that", HOUR_MS, 3 * HOUR_MS,
			2 * HOUR_MS},
		{"a file that somebody wrote", -5, 1000, 1000},
		{"a file that somebody wrote", INT64_MIN, INT64_MAX, INT64_MAX},
		{"a file that somebody wrote", INT64_MAX, 1000, 1000},
	};

	for (size_t i = 0; i < UTIL_COUNT(rows); i++) {
		int64_t gone = snapshot_gone_ms(rows[i].saved, rows[i].now);

		ck_assert_msg(gone == rows[i].gone, "%s: %lld", rows[i].why, (long long)gone);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("snapshot");
	TCase *tests = tcase_create("snapshot");

	tcase_add_checked_fixture(tests, NULL, empty);
	tcase_add_test(tests, zeroed_memory_is_an_empty_one_and_can_be_freed_twice);
	tcase_add_test(tests, entries_are_copies);
	tcase_add_test(tests, names_that_are_none_are_left_out);
	tcase_add_test(tests, times_and_counts_are_brought_within_bounds);
	tcase_add_test(tests, no_list_grows_beyond_its_bound);
	tcase_add_test(tests, time_that_went_by_is_taken_off_everything);
	tcase_add_test(tests, no_time_makes_anything_last_longer);
	tcase_add_test(tests, what_went_by_is_known_from_the_time_since_boot);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
