/* SPDX-License-Identifier: MIT */
/*
 * Programs that make their calls themselves, and those that listen, against the real daemon: who
 * picks and who reports are two processes, and one that listens without reading harms nobody.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "util.h"

#define MANY 20000

static struct daemon daemon_;
static struct daemon *const d = &daemon_;

static void
setup(void)
{
	daemon_init(d);
	daemon_begin(d,
		"providers:\n"
		"  a: {api: ollama, base_url: 'http://127.0.0.1:1', models: [m]}\n"
		"  b: {api: ollama, base_url: 'http://127.0.0.1:1', models: [m]}\n"
		"chains: {default: {targets: [a/m, b/m]}}\n");
}

static void
teardown(void)
{
	daemon_stop(d);
}

static int64_t
in_flight(void)
{
	struct json *status = daemon_view(d, "status");
	int64_t count = tree_int(status, "targets.a/m.in_flight");

	json_free(status);
	return count;
}

static void
report(const char *lease, const char *more, const char *code, const char *state)
{
	char *params = x_asprintf("[{\"lease\":\"%s\",%s}]", lease, more);
	struct wire wire;

	wire_open(&wire, d->socket);
	wire_request(&wire, 1, "report", params);
	struct wire_reply reply = wire_expect(&wire, 1, code);
	if (!code)
		ck_assert_str_eq(tree_text(reply.result, "state"), state);
	wire_reply_free(&reply);
	wire_close(&wire);
	free(params);
}

START_TEST(one_process_picks_and_another_reports)
{
	struct json *picked = daemon_view(d, "pick");
	const char *lease = tree_text(picked, "lease");

	ck_assert_str_eq(tree_text(picked, "target"), "a/m");
	ck_assert_int_eq(tree_int(picked, "valid_ms"), 120000);
	ck_assert_int_eq(in_flight(), 1);
	report(lease, "\"outcome\":\"failed\",\"http_status\":404,\"message\":\"no such model\"",
		NULL, "open");
	ck_assert_int_eq(in_flight(), 0);
	report(lease, "\"outcome\":\"ok\"", "not_found", NULL);
	json_free(picked);
	picked = daemon_view(d, "pick");
	ck_assert_str_eq(tree_text(picked, "target"), "b/m");
	json_free(picked);
}
END_TEST

/* llmfoctl is a process each time: one that only calls, beside this one that only picks and
 * reports. */
static void
call_answers(const char *by)
{
	struct run run = daemon_ctl(d, "ask", "hello", NULL);

	ck_assert_int_eq(run.status, 0);
	ck_assert_msg(strstr(run.err, by) != NULL, "%s", run.err);
	run_free(&run);
}

static void
pick_is(const char *target, char lease[64])
{
	struct json *picked = daemon_view(d, "pick");

	ck_assert_str_eq(tree_text(picked, "target"), target);
	(void)snprintf(lease, 64, "%s", tree_text(picked, "lease"));
	json_free(picked);
}

START_TEST(what_one_process_learns_the_other_acts_on_at_its_next_request)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "b=openai", NULL};
	struct fake_provider *fp = fake_provider_start(options);
	char lease[64];

	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: k, models: [m]}\n"
		"chains: {default: {targets: [a/m, b/m]}}\n"
		"health: {check_interval: 0s}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"));
	daemon_ctl_ends(d, 0, "reload", NULL);
	/* the picker learns, the caller acts on it */
	pick_is("a/m", lease);
	report(lease, "\"outcome\":\"failed\",\"http_status\":429,\"retry_after_ms\":600000", NULL,
		"open");
	call_answers("b/m");
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, 0);
	/* the caller learns, the picker acts on it */
	daemon_ctl_ends(d, 0, "reset-health", NULL);
	daemon_ctl_ends(d, 0, "clear-cache", NULL);
	fake_provider_script(fp, "a", "401");
	call_answers("b/m");
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, 1);
	pick_is("b/m", lease);
	report(lease, "\"outcome\":\"ok\"", NULL, "closed");
	fake_provider_stop(fp);
}
END_TEST

START_TEST(a_daemon_ends_while_leases_are_held)
{
	for (int i = 0; i < 20; i++)
		json_free(daemon_view(d, "pick"));
	ck_assert_int_eq(in_flight(), 20);
}
END_TEST

START_TEST(who_listens_hears_of_a_reload_by_signal)
{
	struct wire wire;

	wire_open(&wire, d->socket);
	wire_request(&wire, 1, "subscribe", "[{\"types\":[\"reloaded\"]}]");
	wire_expect_only(&wire, 1, NULL);
	daemon_signal(d, SIGHUP);
	struct wire_reply event = wire_read(&wire);
	ck_assert_str_eq(tree_text(event.event, "type"), "reloaded");
	ck_assert(json_bool(json_get(event.event, "ok"), false));
	wire_reply_free(&event);
	wire_close(&wire);
}
END_TEST

/* Makes `count` events, each of which is answered before the next. */
static void
make_events(int count)
{
	struct wire wire;

	wire_open(&wire, d->socket);
	for (int i = 0; i < count; i++) {
		wire_request(&wire, 1, "force_provider", "[{\"provider\":\"a\"}]");
		wire_expect_only(&wire, 1, NULL);
	}
	wire_close(&wire);
}

START_TEST(who_listens_and_does_not_read_harms_nobody_and_hears_what_it_lost)
{
	struct wire deaf;
	int64_t heard = 0, lost = 0;

	wire_open(&deaf, d->socket);
	wire_request(&deaf, 1, "subscribe", "[{\"types\":[\"forced\"]}]");
	wire_expect_only(&deaf, 1, NULL);
	make_events(100);
	long before_kb = daemon_resident_kb(d);
	make_events(MANY - 100);
	if (!daemon_is_sanitized())
		ck_assert_int_le(daemon_resident_kb(d) - before_kb, 8192);
	while (heard + lost < MANY) {
		struct wire_reply event = wire_read(&deaf);

		ck_assert(!event.closed && event.event != NULL);
		if (strcmp(tree_text(event.event, "type"), "lost") == 0)
			lost += tree_int(event.event, "count");
		else
			heard++;
		wire_reply_free(&event);
	}
	ck_assert_int_eq(heard + lost, MANY);
	ck_assert_int_gt(lost, 0);
	ck_assert_int_gt(heard, 100);
	/* it is as good as new */
	make_events(1);
	struct wire_reply event = wire_read(&deaf);
	ck_assert_str_eq(tree_text(event.event, "type"), "forced");
	wire_reply_free(&event);
	wire_close(&deaf);
}
END_TEST

START_TEST(who_listens_and_leaves_is_forgotten)
{
	struct wire wire;

	for (int i = 0; i < 50; i++) {
		wire_open(&wire, d->socket);
		wire_request(&wire, 1, "subscribe", "[]");
		wire_expect_only(&wire, 1, NULL);
		wire_close(&wire);
	}
	make_events(10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("picks and events");
	TCase *tests = tcase_create("pick");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, one_process_picks_and_another_reports);
	tcase_add_test(tests, what_one_process_learns_the_other_acts_on_at_its_next_request);
	tcase_add_test(tests, a_daemon_ends_while_leases_are_held);
	tcase_add_test(tests, who_listens_hears_of_a_reload_by_signal);
	tcase_add_test(tests, who_listens_and_does_not_read_harms_nobody_and_hears_what_it_lost);
	tcase_add_test(tests, who_listens_and_leaves_is_forgotten);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
