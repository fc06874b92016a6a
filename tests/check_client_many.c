/* SPDX-License-Identifier: MIT */
/*
 * A thousand calls at once over one connection and in one thread, with the real daemon and a
 * scripted provider; the daemon is killed and started again in between. Each call ends exactly
 * once, and how is counted: none is lost in silence.
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/tally.h"

#define CALLS 1000
#define LONG_MS 60000

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct llmfo_client *client;
static struct tally tally;
static struct llmfo_params *params;

static void
setup(void)
{
	static const char *const options[] = {"--provider", "a=openai", NULL};

	fp = fake_provider_start(options);
	fake_provider_script(fp, "a", "ok text=fine");
	daemon_begin(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m], max_concurrency: "
		"64}\n"
		"chains: {default: {targets: [a/m]}}\n",
		fake_provider_url(fp, "a"));
	ck_assert_int_eq(llmfo_client_new(&client, d->socket), 0);
	tally_init(&tally, client);
	params = tally_params(1000);
}

static void
teardown(void)
{
	tally_check(&tally);
	llmfo_params_free(params);
	llmfo_client_free(client);
	daemon_stop(d);
	fake_provider_stop(fp);
}

static void
start(void)
{
	tally_start(&tally, "generate", params, LONG_MS);
}

static void
start_all(void)
{
	for (int i = 0; i < CALLS; i++)
		start();
}

static void
kill_daemon(void)
{
	daemon_signal(d, SIGKILL);
	ck_assert_int_eq(daemon_wait(d), 128 + SIGKILL);
}

START_TEST(a_thousand_calls_at_once_are_answered)
{
	start_all();
	tally_run(&tally, CALLS);
	ck_assert_uint_eq(tally.with[0], CALLS);
	for (size_t i = 0; i < CALLS; i++)
		ck_assert_str_eq(llmfo_reply_string(tally.calls[i].reply, "text"), "fine");
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, CALLS);
	struct json *view = daemon_view(d, "status");
	ck_assert_int_eq(tree_int(view, "counters.total_requests"), CALLS);
	json_free(view);
}
END_TEST

START_TEST(killed_with_all_of_them_under_way_it_is_said_of_each)
{
	llmfo_params_free(params);
	params = tally_params(1); /* short enough for the socket to take them all */
	fake_provider_script(fp, "a", "hold");
	start_all();
	while (fake_provider_stats(fp, "a").held < 64)
		tally_step(&tally, 10);
	kill_daemon();
	tally_run(&tally, CALLS);
	ck_assert_uint_eq(tally.with[-LLMFO_EDISCONNECTED], CALLS);
	fake_provider_script(fp, "a", "ok text=fine");
	daemon_start(d);
	start();
	tally_run(&tally, CALLS + 1);
	ck_assert_uint_eq(tally.with[0], 1);
}
END_TEST

/* It reads nothing, so most of the calls are still here when it is killed. */
START_TEST(killed_before_it_has_read_them_those_that_were_not_sent_are_sent_again)
{
	start();
	tally_run(&tally, 1);
	daemon_signal(d, SIGSTOP);
	for (int i = 1; i < CALLS; i++)
		start();
	for (int i = 0; i < 10; i++)
		tally_step(&tally, 0);
	kill_daemon();
	for (int i = 0; i < 10; i++)
		tally_step(&tally, 5);
	daemon_start(d);
	tally_run(&tally, CALLS);
	ck_assert_uint_ge(tally.with[-LLMFO_EDISCONNECTED], 20);
	ck_assert_uint_ge(tally.with[0], 500);
	ck_assert_uint_eq(tally.with[0] + tally.with[-LLMFO_EDISCONNECTED], CALLS);
	/* nothing reached the provider twice: what it saw is what was answered */
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, (int64_t)tally.with[0]);
}
END_TEST

/* A program that has 200 under way at any time, and starts over again what was cut off; not what a
 * daemon that shuts down refuses, as that would be refused again at once. */
static void
keep_going(struct tally *t, struct tally_call *call)
{
	size_t wanted = t->started - t->with[-LLMFO_EDISCONNECTED] - t->with[-LLMFO_ESHUTTING_DOWN];

	if (call->error == LLMFO_EDISCONNECTED || (!call->error && wanted < CALLS))
		start();
}

START_TEST(killed_again_and_again_a_program_that_starts_over_gets_all_its_answers)
{
	tally.then = keep_going;
	for (int i = 0; i < 200; i++)
		start();
	for (size_t answered = 100; answered < CALLS; answered += 300) {
		while (tally.with[0] < answered)
			tally_step(&tally, 1000);
		kill_daemon();
		tally_step(&tally, 5);
		daemon_start(d);
	}
	while (tally.ended < tally.started)
		tally_step(&tally, 1000);
	ck_assert_uint_eq(tally.with[0], CALLS);
	ck_assert_uint_gt(tally.with[-LLMFO_EDISCONNECTED], 0);
	ck_assert_uint_eq(tally.ended, CALLS + tally.with[-LLMFO_EDISCONNECTED]);
}
END_TEST

START_TEST(told_to_end_it_answers_or_refuses_each)
{
	struct pollfd end = {.fd = d->life, .events = 0};

	fake_provider_script(fp, "a", "hold");
	start_all();
	while (fake_provider_stats(fp, "a").held < 64)
		tally_step(&tally, 10);
	daemon_signal(d, SIGTERM);
	for (int i = 0; i < 5; i++)
		tally_step(&tally, 10);
	fake_provider_script(fp, "a", "ok text=fine");
	(void)fake_provider_release(fp, "a");
	while (poll(&end, 1, 0) == 0)
		tally_step(&tally, 10);
	ck_assert_int_eq(daemon_wait(d), 0);
	daemon_start(d);
	tally_run(&tally, CALLS);
	ck_assert_uint_ge(tally.with[0], 64);
	ck_assert_uint_eq(tally.with[0] + tally.with[-LLMFO_ESHUTTING_DOWN] +
			tally.with[-LLMFO_EDISCONNECTED],
		CALLS);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client, a thousand calls");
	TCase *tcase = tcase_create("calls");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_thousand_calls_at_once_are_answered);
	tcase_add_test(tcase, killed_with_all_of_them_under_way_it_is_said_of_each);
	tcase_add_test(
		tcase, killed_before_it_has_read_them_those_that_were_not_sent_are_sent_again);
	tcase_add_test(
		tcase, killed_again_and_again_a_program_that_starts_over_gets_all_its_answers);
	tcase_add_test(tcase, told_to_end_it_answers_or_refuses_each);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
