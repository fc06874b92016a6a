/* SPDX-License-Identifier: MIT */
/* llmfoctl(1) against llmfoctl itself: every command, option and exit status is in the manual. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *manual;

static void
read_manual(void)
{
	const char *source = getenv("top_srcdir");
	size_t size = 0;
	char path[512];
	FILE *file;

	snprintf(path, sizeof path, "%s/docs/llmfoctl.1", source ? source : ".");
	file = fopen(path, "r");
	if (!file || getdelim(&manual, &size, '\0', file) < 0) {
		fprintf(stderr, "%s cannot be read\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(file);
}

static FILE *
help_of(const char *command)
{
	const char *program = getenv("LLMFOCTL");
	char line[512];

	snprintf(line, sizeof line, "'%s' %s --help", program ? program : "./llmfoctl", command);
	FILE *help = popen(line, "r");
	ck_assert_ptr_nonnull(help);
	return help;
}

static void
check_options(const char *command)
{
	FILE *help = help_of(command);
	char line[512];

	while (fgets(line, sizeof line, help)) {
		char option[64];
		char wanted[80];

		if (strncmp(line, "  --", 4) != 0)
			continue;
		snprintf(option, sizeof option, "%.*s", (int)strcspn(line + 4, " \n"), line + 4);
		snprintf(wanted, sizeof wanted, " \\-%s", option);
		ck_assert_msg(strstr(manual, wanted) != NULL,
			"llmfoctl(1) lacks the option --%s of %s", option, command);
	}
	ck_assert_int_eq(pclose(help), 0);
}

START_TEST(every_command_and_option_is_in_the_manual)
{
	FILE *help = help_of("");
	char line[512];
	int commands = 0;

	while (fgets(line, sizeof line, help)) {
		char command[64];
		char wanted[80];

		if (strncmp(line, "  ", 2) != 0 || line[2] < 'a' || line[2] > 'z')
			continue;
		snprintf(command, sizeof command, "%.*s", (int)strcspn(line + 2, " "), line + 2);
		snprintf(wanted, sizeof wanted, "\n.It Cm %s", command);
		ck_assert_msg(strstr(manual, wanted) != NULL, "llmfoctl(1) lacks %s", command);
		check_options(command);
		commands++;
	}
	ck_assert_int_ge(commands, 15);
	ck_assert_int_eq(pclose(help), 0);
	check_options("");
}
END_TEST

START_TEST(every_exit_status_is_in_the_manual)
{
	char *section = strstr(manual, ".Sh EXIT STATUS");
	char wanted[16];

	ck_assert_ptr_nonnull(section);
	snprintf(wanted, sizeof wanted, "\n.It %d\n", _i);
	ck_assert_msg(strstr(section, wanted) != NULL, "llmfoctl(1) lacks exit status %d", _i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("llmfoctl(1)");
	TCase *tcase = tcase_create("completeness");
	SRunner *runner = srunner_create(suite);
	int failed;

	read_manual();
	tcase_add_test(tcase, every_command_and_option_is_in_the_manual);
	tcase_add_loop_test(tcase, every_exit_status_is_in_the_manual, 0, 5);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	free(manual);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
