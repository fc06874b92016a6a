/* SPDX-License-Identifier: MIT */
/*
 * The daemon restarted over and over under load, behind a socket that outlives it as systemd's
 * does. In the normal run 20 times, with LLMFO_LONG 1,000.
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "llmfo.h"
#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/storm.h"

/* So many calls end in a daemon's life. */
#define LIFE_CALLS 15
#define PATIENCE_MS 30000

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct storm storm;

static int
restarts(void)
{
	return getenv("LLMFO_LONG") ? 1000 : 20;
}

static int
listen_as_systemd(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, d->socket, strlen(d->socket) + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, 4096), 0);
	return fd;
}

static void
setup(void)
{
	static const char *const options[] = {"--provider", "a=openai", "--script",
		"a:ok delay=2 gap=1", "--provider", "b=openai", "--script",
		"b:429 retry-after=3600", NULL};

	fp = fake_provider_start(options);
	daemon_init(d);
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m], max_retries: 0}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: k, models: [m], max_retries: 0}\n"
		"chains: {default: {targets: [a/m]}, other: {targets: [b/m, a/m]}}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"));
	d->inherited = listen_as_systemd();
	daemon_start(d);
	/* what is to be known to the last */
	daemon_ctl_ends(d, 0, "ask", "--chain", "other", "hello", NULL);
	daemon_ctl_ends(d, 0, "force-provider", "a", "--for", "2h", NULL);
	storm_start(&storm, d->socket);
}

static void
teardown(void)
{
	close(d->inherited);
	daemon_stop(d);
	storm_free(&storm);
	fake_provider_stop(fp);
}

static void
live_a_while(void)
{
	int64_t until = storm_ended(&storm) + LIFE_CALLS;

	for (int i = 0; storm_ended(&storm) < until; i++) {
		ck_assert_msg(i < PATIENCE_MS, "calls do not end");
		(void)poll(NULL, 0, 1);
	}
}

/* By the storm: one call came before it. */
static int64_t
asked(void)
{
	return fake_provider_stats(fp, "a").requests - 1;
}

static void
assert_known_again(void)
{
	struct json *view = daemon_view(d, "status");

	ck_assert_str_eq(tree_text(view, "targets.b/m.state"), "open");
	ck_assert_str_eq(tree_text(view, "preferred.0.chain"), "other");
	ck_assert_str_eq(tree_text(view, "preferred.0.target"), "a/m");
	ck_assert_str_eq(tree_text(view, "forced.provider"), "a");
	json_free(view);
	ck_assert_int_eq(fake_provider_stats(fp, "b").requests, 1);
}

static void
assert_one_reply_each(struct storm_count *sum)
{
	storm_stop(&storm);
	storm_sum(&storm, sum);
	ck_assert_int_eq(sum->ended, sum->started);
	ck_assert_int_eq(sum->doubled, 0);
	ck_assert_int_eq(sum->wrong, 0);
}

START_TEST(restarts_refuse_nothing_lose_nothing_and_double_nothing)
{
	struct storm_count sum;

	for (int i = 0; i < restarts(); i++) {
		live_a_while();
		daemon_signal(d, SIGTERM);
		ck_assert_int_eq(daemon_wait(d), 0);
		daemon_start(d);
	}
	assert_one_reply_each(&sum);
	assert_known_again();
	ck_assert_int_eq(sum.with[0], sum.started);
	ck_assert_int_eq(asked(), sum.started);
	ck_assert_int_eq(fake_provider_stats(fp, "a").cancelled, 0);
}
END_TEST

/* One ends by itself, one is told twice, one is killed. */
static void
end_roughly(int how)
{
	daemon_signal(d, how % 3 == 2 ? SIGKILL : SIGTERM);
	if (how % 3 == 1) {
		daemon_wait_told(d, "STOPPING=1");
		daemon_signal(d, SIGTERM);
	}
	(void)daemon_wait(d);
}

START_TEST(where_calls_are_cut_each_is_told_and_none_is_made_twice)
{
	struct storm_count sum;

	for (int i = 0; i < restarts() / 2; i++) {
		live_a_while();
		end_roughly(i);
		daemon_start(d);
	}
	assert_one_reply_each(&sum);
	assert_known_again();
	int64_t told = sum.with[-LLMFO_ESHUTTING_DOWN] + sum.with[-LLMFO_EDISCONNECTED];
	ck_assert_int_eq(sum.with[0] + told, sum.started);
	ck_assert_int_gt(told, 0);
	int64_t requests = asked();
	ck_assert_int_ge(requests, sum.with[0]);
	ck_assert_int_le(requests, sum.started);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("restarts");
	TCase *tests = tcase_create("restarts");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, getenv("LLMFO_LONG") ? 1200 : 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, restarts_refuse_nothing_lose_nothing_and_double_nothing);
	tcase_add_test(tests, where_calls_are_cut_each_is_told_and_none_is_made_twice);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
