/* SPDX-License-Identifier: MIT */
/* Plays the stories of tests/scenarios, or those that are named on the command line: a test each.
 */
#include <check.h>
#include <glob.h>
#include <stdlib.h>

#include "support/story.h"

static char **paths;

START_TEST(the_story_goes_as_it_is_told)
{
	char *fault = story_play(paths[_i]);

	ck_assert_msg(!fault, "%s", fault);
}
END_TEST

static size_t
find_stories(glob_t *found)
{
	const char *top = getenv("top_srcdir");
	char *pattern = x_asprintf("%s/tests/scenarios/*.scn", top ? top : ".");
	int error = glob(pattern, 0, NULL, found);

	free(pattern);
	return error ? 0 : found->gl_pathc;
}

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("scenario");
	TCase *stories = tcase_create("stories");
	glob_t found = {0};
	size_t count = argc > 1 ? (size_t)argc - 1 : find_stories(&found);

	paths = argc > 1 ? argv + 1 : found.gl_pathv;
	tcase_add_loop_test(stories, the_story_goes_as_it_is_told, 0, (int)count);
	suite_add_tcase(suite, stories);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&found);
	return failed || count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
