/* SPDX-License-Identifier: MIT */
/*
 * What the real daemon tells the service manager while it lives: a line on how it is, and that its
 * loop gets on, for as long as it does.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/fake_provider.h"

/* What the watchdog bears; the daemon pings four times in it. */
#define WATCHDOG_MS 800
#define PING_MS (WATCHDOG_MS / 4)
/* How long nothing may come where nothing is expected. */
#define QUIET_MS (2 * WATCHDOG_MS)

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;

static void
configure(const char *more)
{
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"%s"
		"chains: {default: {targets: [a/m]}}\n",
		fake_provider_url(fp, "a"), more);
}

static void
setup(void)
{
	static const char *const options[] = {"--provider", "a=openai", NULL};
	static const char *variables[] = {NULL, NULL};
	static char watchdog[40];

	snprintf(watchdog, sizeof watchdog, "WATCHDOG_USEC=%d", WATCHDOG_MS * 1000);
	variables[0] = watchdog;
	fp = fake_provider_start(options);
	daemon_init(d);
	d->variables = variables;
	configure("");
	daemon_start(d);
}

static void
teardown(void)
{
	daemon_stop(d);
	fake_provider_stop(fp);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- how it is ---- */

/* Takes all that was told so far: how often it had that part. */
static int
count_told(const char *part)
{
	char text[1024];
	int found = 0;
	ssize_t count;

	while ((count = recv(d->notify, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
		text[count] = '\0';
		found += strstr(text, part) != NULL;
	}
	return found;
}

START_TEST(the_status_text_follows_what_happens)
{
	struct wire wire;

	fake_provider_script(fp, "a", "hold; ok");
	wire_open(&wire, d->socket);
	wire_request(&wire, 1, "generate", "[{\"prompt\":\"hello\"}]");
	daemon_wait_told(d, "STATUS=1 of 1 providers usable, 1 call in flight, 0 circuits open");
	fake_provider_release(fp, "a");
	wire_expect_only(&wire, 1, NULL);
	daemon_wait_told(d, "STATUS=1 of 1 providers usable, 0 calls in flight, 0 circuits open");
	configure("health: {failure_threshold: 1, check_interval: 0s}\n");
	daemon_ctl_ends(d, 0, "reload", NULL);
	fake_provider_script(fp, "a", "503");
	daemon_ctl_ends(d, 1, "ask", "hello", NULL);
	daemon_wait_told(d, "0 calls in flight, 1 circuit open");
	wire_close(&wire);
}
END_TEST

#define STEPS 200
#define STEP_MS 12

/* There is one call more at each step, so that the text is never as it was. */
START_TEST(the_status_text_is_told_once_a_second_at_most)
{
	int64_t start_ms = now_ms();
	struct wire wire;
	int told = 0;

	fake_provider_script(fp, "a", "hang");
	wire_open(&wire, d->socket);
	for (uint32_t i = 0; i < STEPS; i++) {
		wire_request(&wire, i, "generate", "[{\"prompt\":\"hello\"}]");
		wire_request(&wire, STEPS, "hello", "[]");
		wire_expect_only(&wire, STEPS, NULL);
		told += count_told("STATUS=");
		(void)poll(NULL, 0, STEP_MS);
	}
	ck_assert_int_ge(told, 2);
	ck_assert_int_le(told, (int)((now_ms() - start_ms) / 1000) + 1);
	wire_close(&wire);
}
END_TEST

/* ---- a service manager that does not read ---- */

/* Nothing more has room there. */
static void
fill(void)
{
	struct sockaddr_un place;
	socklen_t bytes = sizeof place;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(getsockname(d->notify, (struct sockaddr *)&place, &bytes), 0);
	while (sendto(fd, "X=1", 3, MSG_DONTWAIT, (const struct sockaddr *)&place, bytes) == 3)
		;
	close(fd);
}

START_TEST(one_that_does_not_read_holds_up_nothing_and_misses_no_change)
{
	struct wire wire;

	wire_open(&wire, d->socket);
	fill();
	daemon_signal(d, SIGHUP);
	for (uint32_t i = 0; daemon_logged(d, "configuration reloaded") == 0; i++) {
		wire_request(&wire, i, "hello", "[]");
		wire_expect_only(&wire, i, NULL);
	}
	wire_request(&wire, UINT32_MAX, "hello", "[]");
	wire_expect_only(&wire, UINT32_MAX, NULL);
	daemon_wait_told(d, "RELOADING=1");
	daemon_wait_told(d, "READY=1");
	fill();
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	wire_close(&wire);
	(void)count_told("");
	daemon_start(d);
}
END_TEST

/* ---- the watchdog ---- */

static void
assert_quiet(const char *when)
{
	(void)count_told("");
	(void)poll(NULL, 0, QUIET_MS);
	ck_assert_msg(count_told("WATCHDOG=1") == 0, "%s it says that all is well", when);
}

START_TEST(the_watchdog_is_fed_four_times_in_what_it_bears)
{
	daemon_wait_told(d, "WATCHDOG=1");
	int64_t start_ms = now_ms();
	for (int i = 0; i < 8; i++)
		daemon_wait_told(d, "WATCHDOG=1");
	int64_t took_ms = now_ms() - start_ms;
	/* this test may have been late for some of them, which waited here meanwhile */
	ck_assert_msg(took_ms >= 4 * PING_MS && took_ms < 8 * PING_MS + WATCHDOG_MS,
		"8 pings took %lld ms", (long long)took_ms);
}
END_TEST

START_TEST(one_that_stands_still_feeds_it_no_more)
{
	daemon_wait_told(d, "WATCHDOG=1");
	daemon_signal(d, SIGSTOP);
	ck_assert_int_eq(waitpid(d->pid, NULL, WUNTRACED), d->pid);
	assert_quiet("while it is stopped");
	daemon_signal(d, SIGCONT);
	daemon_wait_told(d, "WATCHDOG=1");
}
END_TEST

START_TEST(one_that_ends_slowly_is_fed_for_all_that_time)
{
	struct wire wire;

	fake_provider_script(fp, "a", "hold; ok");
	wire_open(&wire, d->socket);
	wire_request(&wire, 1, "generate", "[{\"prompt\":\"hello\"}]");
	fake_provider_wait(fp, "a", "held=1");
	daemon_signal(d, SIGTERM);
	daemon_wait_told(d, "STOPPING=1");
	for (int i = 0; i < 6; i++)
		daemon_wait_told(d, "WATCHDOG=1");
	fake_provider_release(fp, "a");
	wire_expect_only(&wire, 1, NULL);
	ck_assert_int_eq(daemon_wait(d), 0);
	wire_close(&wire);
	daemon_init(d);
	configure("");
	daemon_start(d);
}
END_TEST

/* A namespace of files for the daemon, in which the list of groups is a pipe that nobody writes to:
 * who looks up a group there waits. False: that takes more than this user may. */
static bool
can_hang(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* It is in the loop that a reload looks up a group. */
START_TEST(one_whose_loop_hangs_feeds_it_no_more)
{
	char pipe_path[128];

	if (!can_hang()) {
		printf("a hanging loop is not seen: no mount namespace for this user\n");
		return;
	}
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	daemon_start(d);
	snprintf(pipe_path, sizeof pipe_path, "%s/pipe", d->directory);
	ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
	configure("access: {callers: [\"*\", \"@llmfo-nobody-is-in-this\"]}\n");
	daemon_wait_told(d, "WATCHDOG=1");
	ck_assert_int_eq(mount(pipe_path, "/etc/group", NULL, MS_BIND, NULL), 0);
	daemon_signal(d, SIGHUP);
	daemon_wait_told(d, "RELOADING=1");
	assert_quiet("while its loop hangs");
	int writer = open(pipe_path, O_WRONLY);
	ck_assert_int_ge(writer, 0);
	close(writer);
	ck_assert_int_eq(umount2("/etc/group", MNT_DETACH), 0);
	daemon_wait_told(d, "READY=1");
	daemon_wait_told(d, "WATCHDOG=1");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("what the service manager is told");
	TCase *tests = tcase_create("told");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_status_text_follows_what_happens);
	tcase_add_test(tests, the_status_text_is_told_once_a_second_at_most);
	tcase_add_test(tests, one_that_does_not_read_holds_up_nothing_and_misses_no_change);
	tcase_add_test(tests, the_watchdog_is_fed_four_times_in_what_it_bears);
	tcase_add_test(tests, one_that_stands_still_feeds_it_no_more);
	tcase_add_test(tests, one_that_ends_slowly_is_fed_for_all_that_time);
	tcase_add_test(tests, one_whose_loop_hangs_feeds_it_no_more);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
