/* SPDX-License-Identifier: MIT */
/*
 * The codes and texts of errors, there and back.
 */
#include <check.h>
#include <stdlib.h>

#include "error.h"
#include "llmfo.h"

static const int errors[] = {
#define LLMFO_X(name, value, code, text) (value),
	LLMFO_ERROR_MAP(LLMFO_X)
#undef LLMFO_X
};

START_TEST(every_error_is_found_again_by_its_code)
{
	ck_assert_int_lt(errors[_i], 0);
	ck_assert_int_eq(error_from_code(error_code(errors[_i])), errors[_i]);
	ck_assert_int_ne(error_text(errors[_i])[0], '\0');
}
END_TEST

START_TEST(what_is_no_error_of_ours_has_words_as_well)
{
	ck_assert_str_eq(error_code(0), "ok");
	ck_assert_str_eq(error_code(-12345), "unknown");
	ck_assert_ptr_nonnull(error_text(0));
	ck_assert_ptr_nonnull(error_text(-12345));
}
END_TEST

START_TEST(a_code_of_a_later_version_is_an_internal_error)
{
	ck_assert_int_eq(error_from_code("of_next_year"), LLMFO_EINTERNAL);
	ck_assert_int_eq(error_from_code(NULL), LLMFO_EINTERNAL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("error");
	TCase *tcase = tcase_create("codes");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, every_error_is_found_again_by_its_code, 0,
		(int)(sizeof errors / sizeof errors[0]));
	tcase_add_test(tcase, what_is_no_error_of_ours_has_words_as_well);
	tcase_add_test(tcase, a_code_of_a_later_version_is_an_internal_error);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
