/* SPDX-License-Identifier: MIT */
/* The library as it is installed: what it exports, what it needs, and the example programs. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fake_daemon.h"

static const char *
built(void)
{
	const char *directory = getenv("top_builddir");

	return directory ? directory : ".";
}

static const char *
source(void)
{
	const char *directory = getenv("top_srcdir");

	return directory ? directory : ".";
}

/* What a shell command prints, to be freed; *status is what it ends with. */
static char *
output_of(const char *command, int *status)
{
	FILE *pipe = popen(command, "r");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(pipe);
	if (getdelim(&text, &size, '\0', pipe) < 0) {
		free(text);
		text = strdup("");
	}
	*status = pclose(pipe);
	ck_assert(WIFEXITED(*status));
	*status = WEXITSTATUS(*status);
	return text;
}

START_TEST(the_library_exports_llmfo_names_alone)
{
	char command[512];
	char *names;
	char *rest;
	int status;
	int count = 0;

	snprintf(command, sizeof command,
		"nm -D --defined-only '%s/.libs/libllmfo.so' | awk '$2 != \"A\" {print $3}'",
		built());
	names = output_of(command, &status);
	ck_assert_int_eq(status, 0);
	for (char *name = strtok_r(names, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest)) {
		ck_assert_msg(strncmp(name, "llmfo_", 6) == 0, "%s is exported", name);
		ck_assert_msg(strstr(name, "@@LLMFO_") != NULL, "%s has no version", name);
		count++;
	}
	ck_assert_int_ge(count, 30);
	free(names);
}
END_TEST

static const char answered[] =
	"{\"text\": \"Hello there.\", \"provider_used\": \"b\", \"model_used\": \"model\","
	" \"usage\": {\"total_tokens\": 46}}";
static const char failed[] = "!{\"code\": \"all_failed\", \"message\": \"all 1 targets failed\","
			     " \"attempts\": [{\"target\": \"a/model\", \"class\": \"auth\"}]}";

static void
serve(int fd, int connection, const void *arg)
{
	const char *text = arg;
	struct fake_request request;

	(void)connection;
	while (fake_read(fd, &request)) {
		if (strcmp(request.method, "generate") != 0)
			_exit(1);
		if (*text == '!')
			fake_reply(fd, request.msgid, text + 1, NULL);
		else
			fake_reply(fd, request.msgid, NULL, text);
		fake_request_free(&request);
	}
}

static void
run_example(const char *program, const char *reply, int wanted_status, const char *wanted)
{
	struct fake_daemon fake;
	char command[512];
	char *got;
	int status;

	fake_daemon_start(&fake, serve, reply);
	ck_assert_int_eq(setenv("LLMFO_SOCKET", fake.path, 1), 0);
	snprintf(command, sizeof command, "%s 'Say hello.' 2>&1", program);
	got = output_of(command, &status);
	ck_assert_str_eq(got, wanted);
	ck_assert_int_eq(status, wanted_status);
	free(got);
	fake_daemon_stop(&fake);
}

START_TEST(the_example_in_c_asks_and_tells_what_failed)
{
	char program[400];

	snprintf(program, sizeof program, "'%s/docs/examples/ask'", built());
	run_example(program, failed, 1,
		"all_failed: all 1 targets failed\n"
		"  a/model: auth\n");
}
END_TEST

START_TEST(the_example_in_c_prints_the_answer)
{
	char program[400];

	snprintf(program, sizeof program, "'%s/docs/examples/ask'", built());
	run_example(program, answered, 0,
		"answered by b/model, 46 tokens\n"
		"Hello there.\n");
}
END_TEST

static void
serve_loop(int fd, int connection, const void *arg)
{
	struct fake_request request;
	bool fails = arg != NULL;

	(void)connection;
	while (fake_read(fd, &request)) {
		if (strcmp(request.method, "subscribe") == 0)
			fake_reply(fd, request.msgid, NULL, "{\"subscribed\": []}");
		else if (fails && strstr(request.params, "two"))
			fake_reply(fd, request.msgid, failed + 1, NULL);
		else
			fake_reply(fd, request.msgid, NULL, answered);
		fake_request_free(&request);
	}
}

static const struct loop {
	const char *program;
	const char *fails;
	int status;
	const char *wanted;
} loops[] = {
	{"loop_poll", NULL, 0, "one: Hello there.\ntwo: Hello there.\nthree: Hello there.\n"},
	{"loop_poll", "yes", 1,
		"one: Hello there.\ntwo: all_failed: all 1 targets failed\n"
		"three: Hello there.\n"},
	{"loop_uv", NULL, 0, "1: Hello there.\n2: Hello there.\n3: Hello there.\n"},
	{"loop_uv", "yes", 1,
		"1: Hello there.\n2: all_failed: all 1 targets failed\n3: Hello there.\n"},
};

START_TEST(the_examples_of_loops_ask_all_at_once)
{
	struct fake_daemon fake;
	char command[512];
	char *got;
	int status;

	fake_daemon_start(&fake, serve_loop, loops[_i].fails);
	ck_assert_int_eq(setenv("LLMFO_SOCKET", fake.path, 1), 0);
	snprintf(command, sizeof command, "'%s/docs/examples/%s' one two three 2>&1", built(),
		loops[_i].program);
	got = output_of(command, &status);
	ck_assert_str_eq(got, loops[_i].wanted);
	ck_assert_int_eq(status, loops[_i].status);
	free(got);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(the_examples_of_loops_tell_that_there_is_no_daemon)
{
	static const char *const programs[] = {"loop_poll", "loop_uv"};

	ck_assert_int_eq(setenv("LLMFO_SOCKET", "/nowhere/llmfo.sock", 1), 0);
	for (size_t i = 0; i < 2; i++) {
		char command[512];
		char *got;
		int status;

		snprintf(command, sizeof command, "'%s/docs/examples/%s' one 2>/dev/null", built(),
			programs[i]);
		got = output_of(command, &status);
		ck_assert_ptr_nonnull(strstr(got, ": no daemon at /nowhere/llmfo.sock"));
		ck_assert_int_eq(status, 1);
		free(got);
	}
}
END_TEST

/* The interpreter that has the module msgpack, NULL for none. */
static const char *
python(void)
{
	static const char *const names[] = {"python3", "/usr/bin/python3"};

	for (size_t i = 0; i < 2; i++) {
		char command[128];

		snprintf(command, sizeof command, "%s -c 'import msgpack' 2>/dev/null", names[i]);
		if (system(command) == 0)
			return names[i];
	}
	return NULL;
}

START_TEST(the_example_in_python_asks)
{
	char program[400];

	if (!python()) {
		fprintf(stderr, "skipped: there is no Python with the module msgpack\n");
		return;
	}
	snprintf(program, sizeof program, "%s -u '%s/docs/examples/ask.py'", python(), source());
	run_example(program, answered, 0, "Hello there.\nanswered by b/model\n");
	run_example(program, failed, 1, "all_failed: all 1 targets failed\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client library");
	TCase *tcase = tcase_create("as installed");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_add_test(tcase, the_library_exports_llmfo_names_alone);
	tcase_add_test(tcase, the_example_in_c_asks_and_tells_what_failed);
	tcase_add_test(tcase, the_example_in_c_prints_the_answer);
	tcase_add_loop_test(tcase, the_examples_of_loops_ask_all_at_once, 0,
		(int)(sizeof loops / sizeof loops[0]));
	tcase_add_test(tcase, the_examples_of_loops_tell_that_there_is_no_daemon);
	tcase_add_test(tcase, the_example_in_python_asks);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
