/* SPDX-License-Identifier: MIT */
/* Secrets leave the environment that the kernel shows; what asks for them still has them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"

static char block[] = "HOME=/root\0OPENAI_API_KEY=sk-1234\0MY_TOKEN=t\0REDIS_URL=redis://:pw@h\0"
		      "ODD\0EMPTY_KEY=\0WANTED=w\0KEYS=k\0OPENAI_API_KEY=second";
static char *variables[10];

static void
set_up(void)
{
	char *at = block;

	for (size_t i = 0; i < 9; i++, at += strlen(at) + 1)
		variables[i] = at;
	variables[9] = NULL;
	environ = variables;
}

START_TEST(what_is_named_like_a_secret_is_moved)
{
	struct environment *environment = environment_take();

	ck_assert_str_eq(getenv("HOME"), "/root");
	ck_assert_str_eq(getenv("KEYS"), "k");
	ck_assert_str_eq(getenv("WANTED"), "w");
	ck_assert_str_eq(getenv("OPENAI_API_KEY"), "");
	ck_assert_str_eq(getenv("MY_TOKEN"), "");
	ck_assert_str_eq(getenv("REDIS_URL"), "");
	ck_assert_ptr_null(memmem(block, sizeof block, "1234", 4));
	ck_assert_ptr_null(memmem(block, sizeof block, "second", 6));
	ck_assert_ptr_null(memmem(block, sizeof block, "pw@h", 4));
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(environment_get(environment, "OPENAI_API_KEY"), "sk-1234");
		ck_assert_str_eq(environment_get(environment, "MY_TOKEN"), "t");
		ck_assert_str_eq(environment_get(environment, "REDIS_URL"), "redis://:pw@h");
	}
	environment_free(environment);
}
END_TEST

START_TEST(what_is_asked_for_is_moved_too)
{
	struct environment *environment = environment_take();

	ck_assert_str_eq(environment_get(environment, "WANTED"), "w");
	ck_assert_str_eq(getenv("WANTED"), "");
	ck_assert_str_eq(environment_get(environment, "WANTED"), "w");
	ck_assert_str_eq(environment_get(environment, "EMPTY_KEY"), "");
	ck_assert_ptr_null(environment_get(environment, "WANT"));
	ck_assert_ptr_null(environment_get(environment, "ODD"));
	ck_assert_ptr_null(environment_get(environment, "NOT_THERE"));
	environment_free(environment);
}
END_TEST

/* Or else a configuration with ${HOME} in it would take the state file's place away. */
START_TEST(what_the_daemon_needs_itself_stays)
{
	struct environment *environment = environment_take();

	ck_assert_str_eq(environment_get(environment, "HOME"), "/root");
	ck_assert_str_eq(getenv("HOME"), "/root");
	ck_assert_ptr_null(environment_get(environment, "CREDENTIALS_DIRECTORY"));
	environment_free(environment);
}
END_TEST

START_TEST(an_empty_environment_is_fine)
{
	variables[0] = NULL;
	struct environment *environment = environment_take();
	ck_assert_ptr_null(environment_get(environment, "HOME"));
	environment_free(environment);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("environment");
	TCase *tests = tcase_create("environment");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, what_is_named_like_a_secret_is_moved);
	tcase_add_test(tests, what_is_asked_for_is_moved_too);
	tcase_add_test(tests, what_the_daemon_needs_itself_stays);
	tcase_add_test(tests, an_empty_environment_is_fine);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
