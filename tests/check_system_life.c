/* SPDX-License-Identifier: MIT */
/* How the real daemon lives and ends: signals, reloading, what it tells the service manager. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/fake_provider.h"

/* An end that waits for nobody; the daemon itself gives slow readers 5 s. */
#define AT_ONCE_MS 4000

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

	fp = fake_provider_start(options);
	daemon_init(d);
	configure("");
	daemon_start(d);
}

static void
teardown(void)
{
	if (d->pid)
		daemon_stop(d);
	else
		daemon_clean(d);
	fake_provider_stop(fp);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A call that waits at the provider. */
static void
hold_a_call(struct wire *wire)
{
	fake_provider_script(fp, "a", "hold; ok");
	wire_open(wire, d->socket);
	wire_request(wire, 1, "generate", "[{\"prompt\":\"hello\"}]");
	fake_provider_wait(fp, "a", "held=1");
}

static void
ends_well(void)
{
	int64_t start_ms = now_ms();

	ck_assert_int_eq(daemon_wait(d), 0);
	ck_assert_int_lt(now_ms() - start_ms, AT_ONCE_MS);
	ck_assert_int_ne(access(d->socket, F_OK), 0);
	ck_assert_uint_eq(daemon_logged(d, "left open"), 0);
}

static const int ends[] = {SIGTERM, SIGINT};

static void
expect_refused(struct wire *wire, uint32_t msgid)
{
	struct wire_reply reply = wire_read(wire);

	ck_assert_uint_eq(reply.msgid, msgid);
	ck_assert_str_eq(wire_code(&reply), "shutting_down");
	ck_assert_int_eq(json_bool(json_get(reply.error, "begun"), true), false);
	wire_reply_free(&reply);
}

START_TEST(told_to_end_it_lets_a_running_call_finish)
{
	struct wire wire;

	hold_a_call(&wire);
	daemon_signal(d, ends[_i]);
	daemon_wait_told(d, "STOPPING=1");
	ck_assert_int_ne(access(d->socket, F_OK), 0);
	wire_request(&wire, 2, "generate", "[{\"prompt\":\"too late\"}]");
	expect_refused(&wire, 2);
	wire_request(&wire, 3, "status", "[]");
	wire_expect_only(&wire, 3, NULL);
	fake_provider_release(fp, "a");
	wire_expect_only(&wire, 1, NULL);
	ck_assert_uint_eq(wire_drain(&wire), 0);
	ends_well();
	wire_close(&wire);
}
END_TEST

#define MANY 200

/* The daemon stands still as it is told to end and is sent more than it handles in one turn. */
START_TEST(told_to_end_it_answers_all_that_was_sent_and_lets_idle_clients_go)
{
	struct wire wire, idle;
	int refused = 0;

	wire_open(&idle, d->socket);
	hold_a_call(&wire);
	daemon_signal(d, SIGSTOP);
	ck_assert_int_eq(waitpid(d->pid, NULL, WUNTRACED), d->pid);
	daemon_signal(d, SIGTERM);
	for (uint32_t i = 0; i < MANY; i++)
		wire_request(&idle, i, "generate", "[{\"prompt\":\"too late?\"}]");
	daemon_signal(d, SIGCONT);
	for (int i = 0; i < MANY; i++) {
		struct wire_reply reply = wire_read(&idle);

		ck_assert(!reply.closed);
		refused += strcmp(wire_code(&reply), "shutting_down") == 0;
		wire_reply_free(&reply);
	}
	ck_assert_int_gt(refused, 0);
	ck_assert_uint_eq(wire_drain(&idle), 0);
	fake_provider_release(fp, "a");
	wire_expect_only(&wire, 1, NULL);
	ends_well();
	wire_close(&wire);
	wire_close(&idle);
}
END_TEST

START_TEST(an_administrator_drains_it_as_a_signal_does)
{
	struct wire wire;

	configure("limits: {drain_timeout: 90s}\n");
	daemon_ctl_ends(d, 0, "reload", NULL);
	hold_a_call(&wire);
	struct json *result = daemon_view(d, "drain");
	ck_assert_int_eq(tree_int(result, "calls_in_flight"), 1);
	ck_assert_int_eq(tree_int(result, "calls_waiting"), 0);
	ck_assert_int_eq(tree_int(result, "drain_timeout_ms"), 90000);
	json_free(result);
	daemon_wait_told(d, "STOPPING=1\nEXTEND_TIMEOUT_USEC=100000000\nSTATUS=Waiting for 1 call");
	wire_request(&wire, 2, "drain", "[]");
	wire_expect_only(&wire, 2, NULL);
	fake_provider_release(fp, "a");
	wire_expect_only(&wire, 1, NULL);
	ends_well();
	ck_assert_uint_eq(daemon_logged(d, "drain by an administrator"), 2);
	wire_close(&wire);
}
END_TEST

START_TEST(what_outlasts_drain_timeout_gets_an_error_that_says_so)
{
	struct wire wire;

	configure("limits: {drain_timeout: 100ms}\n");
	daemon_ctl_ends(d, 0, "reload", NULL);
	hold_a_call(&wire);
	daemon_signal(d, SIGTERM);
	struct wire_reply reply = wire_read(&wire);
	ck_assert_str_eq(wire_code(&reply), "shutting_down");
	ck_assert_ptr_null(json_get(reply.error, "begun"));
	ck_assert_uint_eq(json_count(json_get(reply.error, "attempts")), 1);
	wire_reply_free(&reply);
	ends_well();
	ck_assert_uint_eq(daemon_logged(d, "limits.drain_timeout is over"), 1);
	wire_close(&wire);
}
END_TEST

START_TEST(told_twice_it_ends_at_once_and_says_so_to_every_call)
{
	struct wire wire, check;

	hold_a_call(&wire);
	fake_provider_check_script(fp, "a", "hang");
	wire_open(&check, d->socket);
	wire_request(&check, 1, "check", "[]");
	fake_provider_wait(fp, "a", "checks=1");
	daemon_signal(d, ends[_i]);
	daemon_wait_told(d, "STOPPING=1");
	daemon_signal(d, ends[_i]);
	wire_expect_only(&wire, 1, "shutting_down");
	wire_expect_only(&check, 1, "shutting_down");
	ck_assert_uint_eq(wire_drain(&wire), 0);
	ends_well();
	fake_provider_wait(fp, "a", "cancelled=1&in_flight=0");
	wire_close(&wire);
	wire_close(&check);
}
END_TEST

START_TEST(a_check_that_only_a_client_waits_for_does_not_hold_up_the_end)
{
	struct wire wire;

	fake_provider_check_script(fp, "a", "hang");
	wire_open(&wire, d->socket);
	wire_request(&wire, 1, "check", "[]");
	fake_provider_wait(fp, "a", "checks=1");
	daemon_signal(d, SIGTERM);
	wire_expect_only(&wire, 1, "shutting_down");
	ends_well();
	wire_close(&wire);
}
END_TEST

START_TEST(an_active_check_under_way_does_not_hold_up_the_end)
{
	fake_provider_script(fp, "a", "503");
	fake_provider_check_script(fp, "a", "hang");
	configure("health: {failure_threshold: 1, check_interval: 10ms}\n");
	daemon_ctl_ends(d, 0, "reload", NULL);
	daemon_ctl_ends(d, 1, "ask", "hello", NULL);
	fake_provider_wait(fp, "a", "checks=1");
	daemon_signal(d, SIGTERM);
	ends_well();
}
END_TEST

START_TEST(while_calls_may_finish_active_checks_may_not)
{
	struct wire wire;

	configure("health: {failure_threshold: 1, check_interval: 10ms}\n");
	daemon_ctl_ends(d, 0, "reload", NULL);
	hold_a_call(&wire);
	fake_provider_check_script(fp, "a", "hang");
	fake_provider_script(fp, "a", "503");
	daemon_ctl_ends(d, 1, "ask", "hello", NULL);
	fake_provider_wait(fp, "a", "checks=1&in_flight=2");
	daemon_signal(d, SIGTERM);
	daemon_wait_told(d, "STOPPING=1");
	fake_provider_wait(fp, "a", "held=1&in_flight=1");
	fake_provider_release(fp, "a");
	wire_expect_only(&wire, 1, NULL);
	ends_well();
	wire_close(&wire);
}
END_TEST

/* A client that asks much and reads nothing. */
static void
open_a_deaf_one(struct wire *wire)
{
	wire_open(wire, d->socket);
	for (uint32_t i = 0; i < 2000; i++) {
		size_t count;
		char *one = wire_pack(i, "status", "[]", &count);

		if (send(wire->fd, one, count, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			i = 2000;
		free(one);
	}
	daemon_serves(d);
}

START_TEST(a_client_that_reads_nothing_does_not_hold_up_the_end_for_long)
{
	struct wire wire;

	open_a_deaf_one(&wire);
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	wire_close(&wire);
}
END_TEST

START_TEST(told_twice_it_waits_for_no_reader_either)
{
	struct wire wire, deaf;

	open_a_deaf_one(&deaf);
	hold_a_call(&wire);
	daemon_signal(d, SIGTERM);
	daemon_wait_told(d, "STOPPING=1");
	daemon_signal(d, SIGTERM);
	wire_expect_only(&wire, 1, "shutting_down");
	ends_well();
	wire_close(&wire);
	wire_close(&deaf);
}
END_TEST

START_TEST(clients_that_wait_for_nothing_do_not_hold_up_the_end)
{
	struct wire wire;

	wire_open(&wire, d->socket);
	wire_request(&wire, 1, "hello", "[]");
	wire_expect_only(&wire, 1, NULL);
	daemon_signal(d, SIGTERM);
	ck_assert_uint_eq(wire_drain(&wire), 0);
	ends_well();
	wire_close(&wire);
}
END_TEST

START_TEST(a_broken_pipe_ends_nothing)
{
	daemon_signal(d, SIGPIPE);
	daemon_serves(d);
	for (int i = 0; i < 50; i++) {
		struct wire wire;

		wire_open(&wire, d->socket);
		wire_request(&wire, 1, "status", "[]");
		wire_close(&wire);
	}
	daemon_serves(d);
}
END_TEST

/* ---- reload ---- */

static const char *
reload_error(void)
{
	static char text[512];
	struct json *view = daemon_view(d, "status");

	snprintf(text, sizeof text, "%s", tree_text(view, "daemon.last_reload_error"));
	json_free(view);
	return text;
}

static size_t
provider_count(void)
{
	struct json *view = daemon_view(d, "status");
	size_t count = json_count(tree_get(view, "providers"));

	json_free(view);
	return count;
}

START_TEST(a_hangup_signal_reloads_and_says_so)
{
	configure("  b: {api: ollama, base_url: 'http://127.0.0.1:1', models: [n]}\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_told(d, "RELOADING=1\nMONOTONIC_USEC=");
	daemon_wait_told(d, "READY=1");
	ck_assert_uint_eq(provider_count(), 2);
	ck_assert_str_eq(reload_error(), "");
}
END_TEST

START_TEST(what_has_faults_is_not_loaded_and_status_tells)
{
	configure("  b: {api: nothing}\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_told(d,
		"READY=1\nSTATUS=1 of 1 providers usable, 0 calls in flight, 0 circuits "
		"open; the last reload was refused: see the log");
	ck_assert_uint_eq(provider_count(), 1);
	ck_assert_msg(strstr(reload_error(), "llmfo.yaml:3:") != NULL, "%s", reload_error());
	daemon_serves(d);
	configure("");
	daemon_signal(d, SIGHUP);
	daemon_wait_told(d, "READY=1");
	ck_assert_str_eq(reload_error(), "");
}
END_TEST

START_TEST(the_command_reloads_and_shows_all_faults)
{
	configure("  b: {api: nothing}\nhealth: {cooldown: -3}\nwhatever: 1\n");
	struct run run = daemon_ctl(d, "reload", NULL);
	ck_assert_int_eq(run.status, 1);
	ck_assert_ptr_nonnull(strstr(run.err, "llmfo.yaml:3:"));
	ck_assert_ptr_nonnull(strstr(run.err, "llmfo.yaml:4:"));
	ck_assert_ptr_nonnull(strstr(run.err, "llmfo.yaml:5:"));
	run_free(&run);
	ck_assert_uint_eq(provider_count(), 1);
	configure("");
	daemon_ctl_ends(d, 0, "reload", NULL);
	ck_assert_str_eq(reload_error(), "");
}
END_TEST

START_TEST(a_reload_says_what_takes_a_start)
{
	configure("socket: {mode: \"0600\"}\n");
	for (int i = 0; i < 2; i++) {
		struct run run = daemon_ctl(d, "reload", NULL);
		ck_assert_int_eq(run.status, 0);
		ck_assert_msg(
			strstr(run.err, "socket.mode: takes effect at the next start") != NULL,
			"%s", run.err);
		run_free(&run);
	}
	ck_assert_uint_eq(daemon_logged(d, "socket.mode: takes effect at the next start"), 2);
	configure("");
	struct run run = daemon_ctl(d, "reload", NULL);
	ck_assert_str_eq(run.err, "");
	run_free(&run);
}
END_TEST

START_TEST(a_reload_leaves_running_calls_and_health_alone)
{
	struct wire wire;

	hold_a_call(&wire);
	configure("  b: {api: ollama, base_url: 'http://127.0.0.1:1', models: [n]}\n");
	for (int i = 0; i < 20; i++)
		daemon_ctl_ends(d, 0, "reload", NULL);
	fake_provider_release(fp, "a");
	wire_expect_only(&wire, 1, NULL);
	wire_close(&wire);
	struct json *view = daemon_view(d, "status");
	ck_assert_int_eq(tree_int(view, "targets.a/m.success_count"), 1);
	ck_assert_int_eq(tree_int(view, "targets.a/m.in_flight"), 0);
	json_free(view);
}
END_TEST

/* ---- when there are too many ---- */

#define KNOCKS 120

/* Connects again and again; how many of them are answered. */
static int
knock(struct wire *wires)
{
	int answered = 0;

	for (int i = 0; i < KNOCKS; i++) {
		wire_open(&wires[i], d->socket);
		size_t count;
		char *bytes = wire_pack(1, "hello", "[]", &count);
		(void)wire_send(&wires[i], bytes, count);
		free(bytes);
	}
	for (int i = 0; i < KNOCKS; i++) {
		struct wire_reply reply = wire_read(&wires[i]);

		answered += !reply.closed && strcmp(wire_code(&reply), "busy") != 0;
		wire_reply_free(&reply);
	}
	for (int i = 0; i < KNOCKS; i++)
		wire_close(&wires[i]);
	return answered;
}

/* Takes no connection, and comes after everything that was done before: who has left is gone. */
static void
reload_by_signal(void)
{
	daemon_signal(d, SIGHUP);
	daemon_wait_told(d, "READY=1");
}

/* Whatever number of times, it is logged once a second. */
static void
assert_refusal_told(const char *text, int64_t start_ms)
{
	ck_assert_uint_ge(daemon_logged(d, text), 1);
	ck_assert_uint_le(daemon_logged(d, text), (now_ms() - start_ms) / 1000 + 1);
}

START_TEST(when_descriptors_run_out_it_turns_away_and_recovers)
{
	const struct rlimit few = {112, 112};
	struct wire wires[KNOCKS];
	int64_t start_ms = now_ms();

	ck_assert_int_eq(prlimit(d->pid, RLIMIT_NOFILE, &few, NULL), 0);
	int answered = knock(wires);
	ck_assert(answered > 10 && answered < 112);
	reload_by_signal();
	assert_refusal_told("connection refused: descriptors run out", start_ms);
	fake_provider_script(fp, "a", "ok");
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
}
END_TEST

START_TEST(there_are_no_more_connections_than_configured)
{
	struct wire wires[KNOCKS];
	int64_t start_ms = now_ms();

	configure("socket: {max_connections: 20}\n");
	for (int i = 0; i < 3; i++) {
		reload_by_signal();
		ck_assert_int_eq(knock(wires), 20);
	}
	reload_by_signal();
	assert_refusal_told("connection refused: ", start_ms);
	daemon_ctl_ends(d, 0, "ask", "hello", NULL);
}
END_TEST

/* The daemon finds both at once: that one has left, and that the next one is there. */
START_TEST(who_leaves_makes_room_at_once)
{
	struct wire first, next;

	configure("socket: {max_connections: 1}\n");
	reload_by_signal();
	wire_open(&first, d->socket);
	wire_request(&first, 1, "status", "[]");
	wire_expect_only(&first, 1, NULL);
	daemon_signal(d, SIGSTOP);
	ck_assert_int_eq(waitpid(d->pid, NULL, WUNTRACED), d->pid);
	wire_close(&first);
	wire_open(&next, d->socket);
	wire_request(&next, 1, "status", "[]");
	daemon_signal(d, SIGCONT);
	wire_expect_only(&next, 1, NULL);
	wire_close(&next);
}
END_TEST

static void
add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, told_to_end_it_lets_a_running_call_finish, 0, 2);
	tcase_add_test(tests, told_to_end_it_answers_all_that_was_sent_and_lets_idle_clients_go);
	tcase_add_test(tests, an_administrator_drains_it_as_a_signal_does);
	tcase_add_test(tests, what_outlasts_drain_timeout_gets_an_error_that_says_so);
	tcase_add_loop_test(tests, told_twice_it_ends_at_once_and_says_so_to_every_call, 0, 2);
	tcase_add_test(tests, a_check_that_only_a_client_waits_for_does_not_hold_up_the_end);
	tcase_add_test(tests, an_active_check_under_way_does_not_hold_up_the_end);
	tcase_add_test(tests, while_calls_may_finish_active_checks_may_not);
	tcase_add_test(tests, a_client_that_reads_nothing_does_not_hold_up_the_end_for_long);
	tcase_add_test(tests, told_twice_it_waits_for_no_reader_either);
	tcase_add_test(tests, clients_that_wait_for_nothing_do_not_hold_up_the_end);
	tcase_add_test(tests, a_broken_pipe_ends_nothing);
	tcase_add_test(tests, a_hangup_signal_reloads_and_says_so);
	tcase_add_test(tests, what_has_faults_is_not_loaded_and_status_tells);
	tcase_add_test(tests, the_command_reloads_and_shows_all_faults);
	tcase_add_test(tests, a_reload_says_what_takes_a_start);
	tcase_add_test(tests, a_reload_leaves_running_calls_and_health_alone);
	tcase_add_test(tests, when_descriptors_run_out_it_turns_away_and_recovers);
	tcase_add_test(tests, there_are_no_more_connections_than_configured);
	tcase_add_test(tests, who_leaves_makes_room_at_once);
}

int
main(void)
{
	Suite *suite = suite_create("the daemon's life");
	TCase *tests = tcase_create("life");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	add_tests(tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
