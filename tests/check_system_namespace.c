/* SPDX-License-Identifier: MIT */
/*
 * Who a caller is where user namespaces are in play. The unit has no PrivateUsers=, so that the
 * daemon sees uids as they are; the last test shows what would become of access control with it.
 * Only root can map other users, so for anybody else there is nothing to see here.
 */
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/daemon.h"
#include "util.h"

#define NOT_PERMITTED 4
#define STRANGER 54321

/* How many users and groups there are in a namespace, from root on, each as it is outside: all, or
 * root alone and the others are nobody, as with PrivateUsers=. */
#define ALL 65536
#define ROOT_ALONE 1

static struct daemon daemon_;
static struct daemon *const d = &daemon_;

/* ---- this program as what starts another in a namespace: --in COUNT PROGRAM ARGUMENTS ---- */

static bool
write_map(pid_t pid, const char *name, const char *count)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	FILE *file = fopen(path, "w");
	return file && fprintf(file, "0 0 %s\n", count) > 0 && fclose(file) == 0;
}

/* Who maps users stands outside: a child that was there before. */
static bool
enter(const char *count)
{
	int unshared[2], status;
	char byte = 'x';

	if (pipe(unshared) < 0)
		return false;
	pid_t outer = getpid(), child = fork();
	if (child == 0)
		_exit(read(unshared[0], &byte, 1) == 1 && write_map(outer, "uid_map", count) &&
					write_map(outer, "gid_map", count)
				? 0
				: 1);
	return child > 0 && unshare(CLONE_NEWUSER) == 0 && write(unshared[1], &byte, 1) == 1 &&
		waitpid(child, &status, 0) == child && status == 0;
}

static int
run_inside(char **argv)
{
	if (!enter(argv[2]))
		return 126;
	execv(argv[3], &argv[3]);
	return 127;
}

/* ---- the daemon in one ---- */

static void
start(int count, const char *access)
{
	char self[256] = "";

	ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
	daemon_init(d);
	daemon_configure(d,
		"providers:\n"
		"  a: {api: ollama, base_url: 'http://127.0.0.1:1', models: [m]}\n"
		"chains: {default: {targets: [a/m]}}\n"
		"socket: {mode: \"0666\"}\n"
		"access: {%s}\n",
		access);
	ck_assert_int_eq(chmod(d->directory, 0755), 0);
	char *text = x_asprintf(
		"#!/bin/sh\nexec '%s' --in %d '%s' \"$@\"\n", self, count, getenv("LLMFOD"));
	const char *script = daemon_file(d, "in-namespace", text);
	ck_assert_int_eq(chmod(script, 0755), 0);
	setenv("LLMFOD", script, 1);
	free(text);
	daemon_start(d);
}

/* What `status` ends with for a user, and what the daemon says to one who may not. */
static void
assert_caller(uid_t uid, int status, const char *said)
{
	d->client_uid = uid;
	struct run run = daemon_ctl(d, "status", NULL);
	ck_assert_msg(run.status == status && (!said || strstr(run.err, said)), "%d: %s%s",
		run.status, run.out, run.err);
	run_free(&run);
	d->client_uid = 0;
}

START_TEST(uids_arrive_true_in_a_namespace_that_has_them_all)
{
	start(ALL, "callers: [daemon]");
	assert_caller(1, 0, NULL);
	assert_caller(2, NOT_PERMITTED, "uid 2 may not call status");
	assert_caller(STRANGER, NOT_PERMITTED, "uid 54321 may not call status");
	daemon_stop(d);
}
END_TEST

START_TEST(with_PrivateUsers_every_caller_would_be_nobody)
{
	start(ROOT_ALONE, "callers: [daemon]");
	assert_caller(1, NOT_PERMITTED, "uid 65534 may not call status");
	daemon_stop(d);
}
END_TEST

START_TEST(with_PrivateUsers_who_lets_nobody_in_would_let_everybody_in)
{
	start(ROOT_ALONE, "callers: [nobody]");
	assert_caller(1, 0, NULL);
	assert_caller(STRANGER, 0, NULL);
	daemon_stop(d);
}
END_TEST

static bool
can_map(void)
{
	int status = 1;
	pid_t child = fork();

	if (child == 0)
		_exit(enter("65536") ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int
main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "--in") == 0)
		return run_inside(argv);
	Suite *suite = suite_create("namespaces");
	TCase *tests = tcase_create("namespaces");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	if (!can_map()) {
		srunner_free(runner);
		printf("this user may not map others into a namespace\n");
		return 77;
	}
	tcase_add_test(tests, uids_arrive_true_in_a_namespace_that_has_them_all);
	tcase_add_test(tests, with_PrivateUsers_every_caller_would_be_nobody);
	tcase_add_test(tests, with_PrivateUsers_who_lets_nobody_in_would_let_everybody_in);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
