/* SPDX-License-Identifier: MIT */
/* What the real daemon uses while it has nothing to do: little memory, and no time at all. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/daemon.h"
#include "support/fake_provider.h"

#define IDLE_MAX_KB (16L * 1024)
/* What 200 connections to a provider, kept for the next burst, may take on top. */
#define POOL_MAX_KB (4L * 1024)
#define LOOK_MS 1000
/* Connections to providers and the resolver's threads may still have to be put away, libcurl looks
 * at a new connection when its time to connect (2 s) would be over, and the last status text comes
 * a second after the one before it. */
#define SETTLE_MS 2300

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;

static void
setup(void)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "b=ollama", NULL};

	fp = fake_provider_start(options);
	daemon_begin(d,
		"providers:\n"
		"  a: {api: openai, base_url: 'http://localhost:%d/v1', api_key: k, models: [m]}\n"
		"  b: {api: ollama, base_url: '%s', models: [m]}\n"
		"chains: {default: {targets: [a/m, b/m]}}\n",
		fake_provider_port(fp, "a"), fake_provider_url(fp, "b"));
}

static void
teardown(void)
{
	daemon_stop(d);
	fake_provider_stop(fp);
}

/* The only waiting that is for time's sake: that nothing happens cannot be seen sooner. */
static void
assert_idle(const char *when, long max_kb)
{
	(void)poll(NULL, 0, SETTLE_MS);
	long before = daemon_switches(d);
	(void)poll(NULL, 0, LOOK_MS);
	long woken = daemon_switches(d) - before;
	long resident_kb = daemon_resident_kb(d);

	printf("%s: %ld kB, woken %ld times in %d ms\n", when, resident_kb, woken, LOOK_MS);
	ck_assert_int_eq(woken, 0);
	ck_assert_msg(
		daemon_is_sanitized() || resident_kb <= max_kb, "%s: %ld kB", when, resident_kb);
}

START_TEST(after_its_start_it_sleeps_in_little_memory)
{
	assert_idle("after the start", IDLE_MAX_KB);
}
END_TEST

START_TEST(after_a_hundred_calls_it_sleeps_again)
{
	struct wire wire;

	wire_open(&wire, d->socket);
	for (uint32_t i = 0; i < 100; i++) {
		wire_request(&wire, i, "generate", "[{\"prompt\":\"hello\"}]");
		wire_expect_only(&wire, i, NULL);
	}
	assert_idle("after 100 calls, the client still there", IDLE_MAX_KB);
	wire_close(&wire);
}
END_TEST

START_TEST(after_many_calls_at_once_it_sleeps_again)
{
	struct wire wire;

	wire_open(&wire, d->socket);
	for (uint32_t i = 0; i < 200; i++)
		wire_request(&wire, i, "generate", "[{\"prompt\":\"hello\"}]");
	for (uint32_t i = 0; i < 200; i++) {
		struct wire_reply reply = wire_read(&wire);

		ck_assert(!reply.closed && wire_code(&reply)[0] == '\0');
		wire_reply_free(&reply);
	}
	wire_close(&wire);
	assert_idle("after 200 calls at once", IDLE_MAX_KB + POOL_MAX_KB);
}
END_TEST

START_TEST(after_a_failover_and_a_check_it_sleeps_again)
{
	fake_provider_script(fp, "a", "429 retry-after=600; ok");
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
	daemon_ctl_ends(d, 1, "check", NULL);
	assert_idle("with a circuit open by a provider's own wait", IDLE_MAX_KB);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("an idle daemon");
	TCase *tests = tcase_create("idle");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, after_its_start_it_sleeps_in_little_memory);
	tcase_add_test(tests, after_a_hundred_calls_it_sleeps_again);
	tcase_add_test(tests, after_many_calls_at_once_it_sleeps_again);
	tcase_add_test(tests, after_a_failover_and_a_check_it_sleeps_again);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
