/* SPDX-License-Identifier: MIT */
/*
 * The place where the real daemon listens: whose file it is, who may open it, what it does about
 * what is there already, and a socket that the service manager passes.
 */
#include <check.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/daemon.h"

#define CONFIGURATION \
	"providers:\n" \
	"  a: {api: ollama, base_url: 'http://127.0.0.1:1', models: [m]}\n" \
	"chains: {default: {targets: [a/m]}}\n"

static struct daemon daemon_;
static struct daemon *const d = &daemon_;

static void
setup(void)
{
	daemon_init(d);
	daemon_configure(d, CONFIGURATION);
}

static void
teardown(void)
{
	if (d->pid)
		daemon_stop(d);
	else
		daemon_clean(d);
}

static struct stat
about(const char *path)
{
	struct stat there;

	ck_assert_msg(lstat(path, &there) == 0, "%s is not there", path);
	return there;
}

static void
fails_saying(const char *reason)
{
	ck_assert_int_eq(daemon_start_failing(d), 1);
	char *log = daemon_log(d);
	ck_assert_msg(strstr(log, reason) != NULL, "no `%s` in: %s", reason, log);
	ck_assert_ptr_null(strstr(log, "left open"));
	free(log);
}

START_TEST(its_owner_and_group_may_open_it_and_nobody_else)
{
	(void)umask(0);
	daemon_start(d);
	ck_assert_uint_eq(about(d->socket).st_mode, S_IFSOCK | 0660);
}
END_TEST

START_TEST(it_has_the_mode_and_group_that_are_configured)
{
	gid_t groups[64];
	int count = getgroups(64, groups);
	gid_t group = count > 0 ? groups[count - 1] : getgid();
	const struct group *entry = geteuid() == 0 ? getgrnam("daemon") : getgrgid(group);

	if (!entry)
		return;
	daemon_configure(
		d, CONFIGURATION "socket: {mode: \"0606\", group: \"%s\"}\n", entry->gr_name);
	daemon_start(d);
	ck_assert_uint_eq(about(d->socket).st_mode, S_IFSOCK | 0606);
	ck_assert_uint_eq(about(d->socket).st_gid, entry->gr_gid);
}
END_TEST

START_TEST(a_group_that_is_not_there_is_told)
{
	daemon_configure(d, CONFIGURATION "socket: {group: no-such-group}\n");
	fails_saying("no-such-group");
	ck_assert_int_ne(access(d->socket, F_OK), 0);
}
END_TEST

START_TEST(what_a_killed_daemon_left_is_replaced)
{
	daemon_start(d);
	daemon_signal(d, SIGKILL);
	ck_assert_int_eq(daemon_wait(d), 128 + SIGKILL);
	ck_assert_uint_eq(about(d->socket).st_mode & S_IFMT, S_IFSOCK);
	daemon_start(d);
	daemon_serves(d);
}
END_TEST

START_TEST(a_second_daemon_refuses_and_leaves_the_first_alone)
{
	struct daemon second;

	daemon_start(d);
	ino_t inode = about(d->socket).st_ino;
	daemon_init(&second);
	daemon_configure(&second, CONFIGURATION);
	memcpy(second.socket, d->socket, sizeof second.socket);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(daemon_start_failing(&second), 1);
	ck_assert_uint_eq(daemon_logged(&second, "another llmfod listens there"), 3);
	daemon_clean(&second);
	ck_assert_uint_eq(about(d->socket).st_ino, inode);
	daemon_serves(d);
}
END_TEST

START_TEST(one_that_ends_leaves_the_file_of_the_one_that_came_after)
{
	struct daemon second;

	daemon_start(d);
	ck_assert_int_eq(unlink(d->socket), 0);
	daemon_init(&second);
	daemon_configure(&second, CONFIGURATION);
	memcpy(second.socket, d->socket, sizeof second.socket);
	daemon_start(&second);
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	daemon_serves(&second);
	daemon_stop(&second);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
	(void)daemon_file(d, "llmfo.sock", "precious");
	fails_saying("no socket; it is left alone");
	ck_assert_int_eq(about(d->socket).st_size, 8);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	char target[128];

	memcpy(target, daemon_file(d, "precious", "precious"), sizeof target);
	ck_assert_int_eq(symlink(target, d->socket), 0);
	fails_saying("no socket; it is left alone");
	ck_assert_int_eq(about(target).st_size, 8);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_told_with_its_limit)
{
	static const char *options[] = {"--socket", NULL, NULL};
	char path[200];

	memset(path, 'x', sizeof path);
	memcpy(path, d->directory, strlen(d->directory));
	path[strlen(d->directory)] = '/';
	path[108] = '\0';
	options[1] = path;
	d->options = options;
	d->no_socket = true;
	fails_saying("the path has 108 bytes, a socket's may have 107 at most");
	path[107] = '\0';
	daemon_start(d);
	ck_assert_uint_eq(about(path).st_mode, S_IFSOCK | 0660);
}
END_TEST

START_TEST(a_folder_is_made_but_not_its_parents)
{
	size_t length = strlen(d->directory);

	snprintf(d->socket + length, sizeof d->socket - length, "/one/s");
	daemon_start(d);
	daemon_serves(d);
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	snprintf(d->socket + length, sizeof d->socket - length, "/two/three/s");
	fails_saying("No such file or directory");
}
END_TEST

START_TEST(nobody_can_hold_up_the_start_by_locking_the_folder)
{
	int folder = open(d->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert(folder >= 0 && flock(folder, LOCK_EX) == 0);
	daemon_start(d);
	daemon_serves(d);
	close(folder);
}
END_TEST

START_TEST(while_another_one_starts_there_it_refuses)
{
	char path[128];

	memcpy(path, daemon_file(d, "llmfo.sock.lock", ""), sizeof path);
	int lock = open(path, O_RDWR | O_CLOEXEC);
	ck_assert(lock >= 0 && flock(lock, LOCK_EX) == 0);
	fails_saying("another llmfod is starting there");
	close(lock);
	daemon_start(d);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(daemons_that_start_at_once_leave_one_that_serves)
{
	struct daemon rivals[4];
	int serving = 0;

	for (int i = 0; i < 4; i++) {
		daemon_init(&rivals[i]);
		daemon_configure(&rivals[i], CONFIGURATION);
		memcpy(rivals[i].socket, d->socket, sizeof d->socket);
		daemon_launch(&rivals[i]);
	}
	for (int i = 0; i < 4; i++)
		serving += daemon_is_ready(&rivals[i]);
	ck_assert_int_eq(serving, 1);
	daemon_serves(d);
	for (int i = 0; i < 4; i++) {
		if (rivals[i].pid)
			daemon_stop(&rivals[i]);
		else
			daemon_clean(&rivals[i]);
	}
}
END_TEST

/* ---- passed by the service manager ---- */

static int
listening_socket(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, d->socket, strlen(d->socket) + 1);
	ck_assert(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 64), 0);
	return fd;
}

START_TEST(a_passed_socket_is_served_and_its_queue_waits_for_the_next_daemon)
{
	struct wire wire;

	d->inherited = listening_socket(SOCK_STREAM);
	d->no_socket = true;
	ino_t inode = about(d->socket).st_ino;
	for (int i = 0; i < 2; i++) {
		wire_open(&wire, d->socket);
		wire_request(&wire, 1, "hello", "[]");
		daemon_start(d);
		wire_expect_only(&wire, 1, NULL);
		wire_close(&wire);
		daemon_signal(d, SIGTERM);
		ck_assert_int_eq(daemon_wait(d), 0);
		ck_assert_uint_eq(about(d->socket).st_ino, inode);
	}
	close(d->inherited);
}
END_TEST

START_TEST(what_is_passed_and_is_no_listening_socket_is_refused)
{
	d->no_socket = true;
	d->inherited = _i == 0 ? listening_socket(SOCK_DGRAM) : open("/dev/null", O_RDONLY);
	fails_saying("one listening Unix socket is right");
	close(d->inherited);
}
END_TEST

static void
add_tests(TCase *tests)
{
	tcase_add_test(tests, its_owner_and_group_may_open_it_and_nobody_else);
	tcase_add_test(tests, it_has_the_mode_and_group_that_are_configured);
	tcase_add_test(tests, a_group_that_is_not_there_is_told);
	tcase_add_test(tests, what_a_killed_daemon_left_is_replaced);
	tcase_add_test(tests, a_second_daemon_refuses_and_leaves_the_first_alone);
	tcase_add_test(tests, one_that_ends_leaves_the_file_of_the_one_that_came_after);
	tcase_add_test(tests, a_file_that_is_no_socket_is_left_alone);
	tcase_add_test(tests, a_link_is_not_followed);
	tcase_add_test(tests, a_path_that_is_too_long_is_told_with_its_limit);
	tcase_add_test(tests, a_folder_is_made_but_not_its_parents);
	tcase_add_test(tests, nobody_can_hold_up_the_start_by_locking_the_folder);
	tcase_add_test(tests, while_another_one_starts_there_it_refuses);
	tcase_add_test(tests, daemons_that_start_at_once_leave_one_that_serves);
	tcase_add_test(tests, a_passed_socket_is_served_and_its_queue_waits_for_the_next_daemon);
	tcase_add_loop_test(tests, what_is_passed_and_is_no_listening_socket_is_refused, 0, 2);
}

int
main(void)
{
	Suite *suite = suite_create("the daemon's socket");
	TCase *tests = tcase_create("socket");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	add_tests(tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
