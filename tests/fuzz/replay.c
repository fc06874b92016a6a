/* SPDX-License-Identifier: MIT */
/*
 * Drives a fuzz target without a fuzzer: each seed as it is, then mutations of them, the same ones
 * each time. $LLMFO_SEED makes them others, $LLMFO_LONG makes them many.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "../support/hostile.h"

#define SEED_MAX_BYTES 16384
#define ROUNDS 400
#define LONG_ROUNDS 100000

static glob_t seeds;

static size_t
read_seed(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "rb");

	ck_assert_msg(file != NULL, "%s", path);
	size_t count = fread(bytes, 1, SEED_MAX_BYTES, file);
	fclose(file);
	return count;
}

/* Hands over a copy of the exact size, so that a byte too many is noticed. */
static void
give(const uint8_t *bytes, size_t count)
{
	uint8_t *exact = malloc(count ? count : 1);

	memcpy(exact, bytes, count);
	(void)LLVMFuzzerTestOneInput(exact, count);
	free(exact);
}

START_TEST(a_seed_is_survived)
{
	uint8_t bytes[SEED_MAX_BYTES];

	give(bytes, read_seed(seeds.gl_pathv[_i], bytes));
}
END_TEST

/* One change of a few bytes somewhere. */
static size_t
change(uint8_t *bytes, size_t count)
{
	size_t at = count ? hostile_random() % count : 0;
	size_t length = 1 + hostile_random() % 8;

	if (at + length > count)
		length = count - at;
	switch (hostile_random() % 5) {
	case 0: hostile_random_bytes((char *)bytes + at, length); break;
	case 1:
		memmove(bytes + at, bytes + at + length, count - at - length);
		return count - length;
	case 2:
		if (count + length > SEED_MAX_BYTES)
			break;
		memmove(bytes + at + length, bytes + at, count - at);
		return count + length;
	case 3: return at;
	default:
		if (count > 0)
			bytes[at] ^= (uint8_t)(1U << hostile_random() % 8);
	}
	return count;
}

START_TEST(mutations_of_a_seed_are_survived)
{
	uint8_t seed[SEED_MAX_BYTES], bytes[SEED_MAX_BYTES];
	size_t count = read_seed(seeds.gl_pathv[_i], seed);

	for (unsigned i = hostile_rounds(ROUNDS, LONG_ROUNDS); i > 0; i--) {
		size_t length = count;

		memcpy(bytes, seed, count);
		for (unsigned changes = 1 + hostile_random() % 4; changes > 0; changes--)
			length = change(bytes, length);
		give(bytes, length);
	}
}
END_TEST

int
main(void)
{
	const char *top = getenv("top_srcdir");
	char *pattern = x_asprintf("%s/tests/fuzz/corpus/%s/*", top ? top : ".", fuzz_name);
	Suite *suite = suite_create(fuzz_name);
	TCase *tests = tcase_create("replay");
	SRunner *runner = srunner_create(suite);
	int count = glob(pattern, 0, NULL, &seeds) ? 0 : (int)seeds.gl_pathc;

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, getenv("LLMFO_LONG") ? 900 : 60);
	tcase_add_loop_test(tests, a_seed_is_survived, 0, count);
	tcase_add_loop_test(tests, mutations_of_a_seed_are_survived, 0, count);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&seeds);
	free(pattern);
	return failed || count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
