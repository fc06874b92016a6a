/* SPDX-License-Identifier: MIT */
/*
 * Two thousand lives drawn from seeds, in which everything that must hold does. LLMFO_SEED lives
 * one again and tells it; LLMFO_SEEDS says how many there are. tools/simulate goes on.
 */
#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/explore.h"

#define LIVES 2000
#define AGAIN 50

static uint64_t
number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void
live(uint64_t seed, FILE *trace)
{
	struct explore_life life;

	explore_live(seed, trace, &life);
	ck_assert_msg(!life.broken, "LLMFO_SEED=%" PRIu64 ": %s", seed, life.broken);
}

START_TEST(whatever_happens_what_must_hold_does)
{
	bool valgrind = getenv("LLMFO_VALGRIND") != NULL;
	/* the same for everybody; tools/check --long and tools/simulate live others */
	uint64_t seed = 1;

	if (getenv("LLMFO_SEED")) {
		live(number_from("LLMFO_SEED", 0), stdout);
		return;
	}
	for (uint64_t i = 0; i < number_from("LLMFO_SEEDS", valgrind ? LIVES / 20 : LIVES); i++)
		live(seed + i, NULL);
}
END_TEST

START_TEST(the_same_seed_is_the_same_life)
{
	for (uint64_t seed = 1; seed <= AGAIN; seed++) {
		struct explore_life first, second;
		FILE *nowhere = fopen("/dev/null", "w");

		ck_assert_ptr_nonnull(nowhere);
		explore_live(seed, NULL, &first);
		explore_live(seed, nowhere, &second);
		ck_assert_ptr_null(first.broken);
		ck_assert_ptr_null(second.broken);
		ck_assert_uint_eq(first.hash, second.hash);
		ck_assert_int_eq(first.turns, second.turns);
		(void)fclose(nowhere);
	}
}
END_TEST

START_TEST(two_seeds_are_two_lives)
{
	struct explore_life first, second;

	explore_live(1, NULL, &first);
	explore_live(2, NULL, &second);
	ck_assert_uint_ne(first.hash, second.hash);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("explore");
	TCase *tcase = tcase_create("lives");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, whatever_happens_what_must_hold_does);
	tcase_add_test(tcase, the_same_seed_is_the_same_life);
	tcase_add_test(tcase, two_seeds_are_two_lives);
	tcase_set_timeout(tcase, 600);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
