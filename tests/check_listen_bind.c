/* SPDX-License-Identifier: MIT */
/* The socket's file beside strangers: what only another user can do to it. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listen_bind.h"

#define STRANGER 54321

static char folder[32], path[64], lock_path[80];
static struct bound_file file;
static struct buf why;

static void
setup(void)
{
	snprintf(folder, sizeof folder, "/tmp/llmfo-bind-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 01777), 0);
	snprintf(path, sizeof path, "%s/s", folder);
	snprintf(lock_path, sizeof lock_path, "%s.lock", path);
	buf_init(&why, 1024);
}

static void
teardown(void)
{
	buf_free(&why);
	(void)unlink(path);
	(void)unlink(lock_path);
	(void)rmdir(folder);
}

/* Binds as somebody else; what went wrong is in why. */
static void
bind_as_stranger(void)
{
	int ends[2], status;
	char text[512];

	ck_assert_int_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		if (setgid(STRANGER) == 0 && setuid(STRANGER) == 0 &&
			bind_socket(path, 0600, NULL, &file, &why) < 0)
			(void)!write(ends[1], why.data, why.len);
		_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ssize_t count = read(ends[0], text, sizeof text);
	(void)buf_add(&why, text, count > 0 ? (size_t)count : 0);
	close(ends[0]);
}

START_TEST(a_live_socket_that_may_not_be_asked_is_left_alone)
{
	struct stat before, after;

	if (geteuid() != 0)
		return;
	/* the stranger may remove files here */
	ck_assert_int_eq(chmod(folder, 0777), 0);
	int fd = bind_socket(path, 0600, NULL, &file, &why);
	ck_assert_msg(fd > 0, "%s", why.data);
	ck_assert_int_eq(stat(path, &before), 0);
	bind_as_stranger();
	ck_assert_msg(strstr(why.data, "cannot be told") != NULL, "%s", why.data);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	close(fd);
}
END_TEST

START_TEST(a_strangers_lock_holds_up_nobody)
{
	int lock = open(lock_path, O_RDWR | O_CREAT, 0666);

	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(fchmod(lock, 0666), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(fchown(lock, STRANGER, STRANGER), 0);
	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	int fd = bind_socket(path, 0600, NULL, &file, &why);
	ck_assert_int_eq(fd > 0, geteuid() == 0);
	if (fd > 0)
		close(fd);
	close(lock);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("the socket's file");
	TCase *tests = tcase_create("bind");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_live_socket_that_may_not_be_asked_is_left_alone);
	tcase_add_test(tests, a_strangers_lock_holds_up_nobody);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
