/* SPDX-License-Identifier: MIT */
/*
 * Streams through the real daemon: clients that do not read, that go away, that are many; and what
 * the end of the daemon is to a stream. How long things take is printed, not asserted.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/told.h"

#define FROM_A "\"prompt\":\"hello\",\"chain\":\"a\""
#define FROM_B "\"prompt\":\"hello\",\"chain\":\"b\""

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct wire wire;
static struct told told;

/* Providers a and b, each with a chain of its name; patient ones. */
static void
begin(const char *limits)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "b=ollama", NULL};

	fp = fake_provider_start(options);
	daemon_begin(d,
		"providers:\n"
		"  a: {api: vllm, base_url: '%s/v1', models: [m],"
		" timeout: {first_token: 200s, idle: 200s, total: 300s}}\n"
		"  b: {api: ollama, base_url: '%s', models: [m]}\n"
		"chains: {default: {targets: [a/m, b/m]}, a: {targets: [a/m]}, b: {targets: "
		"[b/m]}}\n"
		"defaults: {deadline: 10m}\n"
		"limits: {%s}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"), limits);
	wire_open(&wire, d->socket);
}

static void
end(void)
{
	wire_close(&wire);
	if (d->pid)
		daemon_stop(d);
	else
		daemon_clean(d);
	fake_provider_stop(fp);
}

/* Another client, streaming and not, whom nothing may disturb. */
static void
others_are_served(int calls)
{
	struct wire other;

	wire_open(&other, d->socket);
	for (int i = 0; i < calls; i++) {
		struct told one;

		told_ask(&one, &other, 1, FROM_B);
		told_all(&one, &other, NULL);
		ck_assert_str_eq(tree_text(one.reply.result, "provider_used"), "b");
		told_free(&one);
		wire_request(&other, 2, "generate", "[{" FROM_B "}]");
		wire_expect_only(&other, 2, NULL);
	}
	wire_close(&other);
}

/* Nothing of the call is left: the connection's next message is the reply to the next request. */
static void
assert_quiet(void)
{
	wire_request(&wire, 99, "hello", "[]");
	wire_expect_only(&wire, 99, NULL);
}

static void
assert_nothing_in_flight(void)
{
	struct json *view = daemon_view(d, "status");

	ck_assert_int_eq(tree_int(view, "daemon.calls_in_flight"), 0);
	ck_assert_int_eq(tree_int(view, "targets.a/m.in_flight"), 0);
	ck_assert_int_eq(tree_int(view, "targets.a/m.failure_count"), 0);
	json_free(view);
}

/* Reads until so many deltas have come. */
static void
read_deltas(unsigned count)
{
	while (told.deltas < count) {
		told_next(&told, 1, told.msgid, &wire);
		ck_assert_msg(!told.reply.message, "the reply came early");
	}
}

/* ---- clients that do not read ---- */

#define GROWTH_MAX_KB (2L * 1024)

START_TEST(a_client_that_never_reads_costs_little_and_nobody_else_anything)
{
	begin("stream_stall: 2s");
	fake_provider_script(fp, "a", "big-body=1G");
	others_are_served(20);
	daemon_forget_peak(d);
	long before_kb = daemon_peak_kb(d);
	told_ask(&told, &wire, 1, FROM_A);
	fake_provider_wait(fp, "a", "requests=1");
	others_are_served(100);
	fake_provider_wait(fp, "a", "cancelled=1&in_flight=0&timeout_ms=60000");
	long grown_kb = daemon_peak_kb(d) - before_kb;
	printf("a client that never reads 1 GB: %ld KiB more, at most\n", grown_kb);
	ck_assert_msg(daemon_is_sanitized() || grown_kb < GROWTH_MAX_KB, "%ld KiB", grown_kb);
	told_all(&told, &wire, "interrupted");
	ck_assert_uint_gt(told.text.len, 0);
	ck_assert_uint_lt(told.text.len, (size_t)2 << 20);
	told_free(&told);
	assert_quiet();
	others_are_served(1);
	end();
}
END_TEST

START_TEST(a_client_that_reads_late_gets_all_of_it_once)
{
	begin("stream_stall: 100s");
	fake_provider_script(fp, "a", "big-body=20M");
	told_ask(&told, &wire, 1, FROM_A);
	fake_provider_wait(fp, "a", "requests=1");
	others_are_served(50);
	ck_assert_int_eq(fake_provider_stats(fp, "a").in_flight, 1);
	told_all(&told, &wire, NULL);
	ck_assert_uint_gt(told.text.len, (size_t)20 << 20);
	told_free(&told);
	end();
}
END_TEST

START_TEST(of_two_streams_of_a_deaf_client_both_end_and_both_are_told)
{
	struct told both[2];
	unsigned done = 0;

	begin("stream_stall: 1s, stream_queue: 64KiB");
	fake_provider_script(fp, "a", "big-body=1G");
	for (uint32_t i = 0; i < 2; i++)
		told_ask(&both[i], &wire, i, FROM_A);
	fake_provider_wait(fp, "a", "cancelled=2&in_flight=0&timeout_ms=60000");
	while (done < 2)
		done += told_next(both, 2, 0, &wire)->reply.message != NULL;
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(wire_code(&both[i].reply), "interrupted");
		told_free(&both[i]);
	}
	assert_quiet();
	end();
}
END_TEST

/* ---- races ---- */

static const char *const racing[] = {"hang", "headers-hang", "hold", "tokens=10 stall-after=0"};

START_TEST(of_a_race_the_loser_ends_at_the_provider_at_once)
{
	begin("");
	fake_provider_script(fp, "a", racing[_i]);
	told_ask(&told, &wire, 1, "\"prompt\":\"hello\",\"strategy\":\"fastest\"");
	told_all(&told, &wire, NULL);
	ck_assert_str_eq(tree_text(told.reply.result, "provider_used"), "b");
	fake_provider_wait(fp, "a", "in_flight=0");
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, 1);
	told_free(&told);
	wire_request(&wire, 2, "generate", "[{\"prompt\":\"hi\",\"strategy\":\"fastest\"}]");
	wire_expect_only(&wire, 2, NULL);
	fake_provider_wait(fp, "a", "in_flight=0");
	assert_nothing_in_flight();
	end();
}
END_TEST

/* ---- clients that go away ---- */

START_TEST(a_stream_that_is_cancelled_ends_at_the_provider_at_once)
{
	begin("");
	fake_provider_script(fp, "a", "tokens=20000 gap=10");
	told_ask(&told, &wire, 1, FROM_A);
	read_deltas(3);
	wire_request(&wire, 2, "cancel", "[{\"msgid\":1}]");
	/* the two replies come in either order, further deltas before that of the call */
	struct told cancel[3] = {[1] = told, [2] = {.msgid = 2, .other = true}};
	buf_init(&cancel[2].text, 1);
	while (!cancel[1].reply.message || !cancel[2].reply.message)
		told_next(cancel, 3, 0, &wire);
	ck_assert_str_eq(wire_code(&cancel[1].reply), "cancelled");
	fake_provider_wait(fp, "a", "cancelled=1&in_flight=0");
	assert_quiet();
	told_free(&cancel[1]);
	told_free(&cancel[2]);
	end();
}
END_TEST

static const char *const left_scripts[] = {
	"tokens=20000 gap=10", "tokens=10 stall-after=4", "big-body=1G"};

START_TEST(a_stream_whose_client_closes_ends_at_the_provider_at_once)
{
	begin("");
	fake_provider_script(fp, "a", left_scripts[_i]);
	told_ask(&told, &wire, 1, FROM_A);
	read_deltas(3);
	wire_close(&wire);
	fake_provider_wait(fp, "a", "cancelled=1&in_flight=0");
	told_free(&told);
	assert_nothing_in_flight();
	end();
}
END_TEST

START_TEST(a_client_that_only_reads_any_more_gets_its_stream)
{
	begin("");
	fake_provider_script(fp, "a", "tokens=10 hold-after=5");
	told_ask(&told, &wire, 1, FROM_A);
	ck_assert_int_eq(shutdown(wire.fd, SHUT_WR), 0);
	read_deltas(5);
	fake_provider_wait(fp, "a", "held=1");
	fake_provider_release(fp, "a");
	told_all(&told, &wire, NULL);
	told_free(&told);
	ck_assert_uint_eq(wire_drain(&wire), 0);
	end();
}
END_TEST

/* ---- the daemon's own life ---- */

static void
stream_and_terminate(void)
{
	begin("");
	fake_provider_script(fp, "a", "tokens=10 hold-after=5");
	told_ask(&told, &wire, 1, FROM_A);
	read_deltas(5);
	fake_provider_wait(fp, "a", "held=1");
	daemon_signal(d, SIGTERM);
	daemon_wait_told(d, "STOPPING=1");
}

START_TEST(told_to_end_it_lets_a_stream_come_to_its_end)
{
	stream_and_terminate();
	fake_provider_release(fp, "a");
	told_all(&told, &wire, NULL);
	ck_assert_int_eq(tree_int(told.reply.result, "usage.completion_tokens"), 10);
	told_free(&told);
	ck_assert_uint_eq(wire_drain(&wire), 0);
	ck_assert_int_eq(daemon_wait(d), 0);
	ck_assert_uint_eq(daemon_logged(d, "left open"), 0);
	end();
}
END_TEST

START_TEST(told_twice_it_ends_streams_with_an_error_that_says_so)
{
	stream_and_terminate();
	daemon_signal(d, SIGTERM);
	told_all(&told, &wire, "shutting_down");
	ck_assert_uint_eq(told.deltas, 5);
	told_free(&told);
	ck_assert_uint_eq(wire_drain(&wire), 0);
	ck_assert_int_eq(daemon_wait(d), 0);
	fake_provider_wait(fp, "a", "cancelled=1&in_flight=0");
	end();
}
END_TEST

START_TEST(a_client_that_never_reads_does_not_hold_up_the_end_for_long)
{
	begin("stream_stall: 1s");
	fake_provider_script(fp, "a", "big-body=1G");
	told_ask(&told, &wire, 1, FROM_A);
	fake_provider_wait(fp, "a", "requests=1");
	others_are_served(10);
	daemon_signal(d, SIGTERM);
	ck_assert_int_eq(daemon_wait(d), 0);
	fake_provider_wait(fp, "a", "cancelled=1&in_flight=0");
	told_free(&told);
	end();
}
END_TEST

START_TEST(a_reload_leaves_a_stream_alone)
{
	begin("");
	fake_provider_script(fp, "a", "tokens=10 hold-after=5");
	told_ask(&told, &wire, 1, FROM_A);
	read_deltas(5);
	daemon_ctl_ends(d, 0, "reload", NULL);
	fake_provider_wait(fp, "a", "held=1");
	fake_provider_release(fp, "a");
	told_all(&told, &wire, NULL);
	told_free(&told);
	end();
}
END_TEST

/* ---- many at once ---- */

#define STREAMS 1000
#define STREAMS_SANITIZED 200
#define TOKENS 20
#define STAMP_DIGITS 16

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int
by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

/* Each token is the time it was sent at: all there, in order, once. */
static void
assert_whole(const struct told *one)
{
	int64_t last_us = 0;
	int count = 0;

	for (char *at = one->text.data; *at; count++) {
		int64_t us = strtoll(at, &at, 10);

		ck_assert_int_gt(us, last_us);
		last_us = us;
	}
	ck_assert_int_eq(count, TOKENS);
	ck_assert_uint_eq(one->resets, 0);
}

/* Reads all replies; how long each delta was under way that was sent since now, *count of them,
 * sorted. */
static int64_t *
read_many(struct told *all, size_t streams, size_t *count)
{
	int64_t *took_us = x_calloc(streams * TOKENS, sizeof *took_us), from_us = now_us();

	*count = 0;
	for (size_t done = 0; done < streams;) {
		struct told *one = told_next(all, streams, 0, &wire);

		if (one->reply.message) {
			ck_assert_str_eq(wire_code(&one->reply), "");
			done++;
			continue;
		}
		ck_assert_uint_ge(one->text.len, STAMP_DIGITS);
		ck_assert_uint_lt(*count, streams * TOKENS);
		int64_t sent_us = strtoll(one->text.data + one->text.len - STAMP_DIGITS, NULL, 10);
		if (sent_us >= from_us)
			took_us[(*count)++] = now_us() - sent_us;
	}
	qsort(took_us, *count, sizeof *took_us, by_value);
	return took_us;
}

START_TEST(a_thousand_streams_drip_at_once_and_none_loses_a_token)
{
	size_t streams = daemon_is_sanitized() ? STREAMS_SANITIZED : STREAMS, count;
	struct told *all = x_calloc(streams, sizeof *all);

	begin("");
	fake_provider_script(fp, "a", "tokens=20 stamps gap=200");
	for (size_t i = 0; i < streams; i++)
		told_ask(&all[i], &wire, (uint32_t)i, FROM_A);
	int64_t *took_us = read_many(all, streams, &count);
	printf("%zu streams of %d tokens, one each 200 ms, up to %lld at once", streams, TOKENS,
		(long long)fake_provider_stats(fp, "a").in_flight_max);
	if (count > 0)
		printf(": from the provider's write to the client's parsed delta p50 %lld us, p99 "
		       "%lld us, most %lld us\n",
			(long long)took_us[count / 2], (long long)took_us[count * 99 / 100],
			(long long)took_us[count - 1]);
	for (size_t i = 0; i < streams; i++) {
		assert_whole(&all[i]);
		told_free(&all[i]);
	}
	ck_assert_int_eq(fake_provider_stats(fp, "a").requests, (int64_t)streams);
	free(took_us);
	free(all);
	end();
}
END_TEST

static void
add_tests(TCase *tests)
{
	int scripts = (int)(sizeof left_scripts / sizeof left_scripts[0]);
	int races = (int)(sizeof racing / sizeof racing[0]);

	tcase_add_test(tests, a_client_that_never_reads_costs_little_and_nobody_else_anything);
	tcase_add_test(tests, a_client_that_reads_late_gets_all_of_it_once);
	tcase_add_test(tests, of_two_streams_of_a_deaf_client_both_end_and_both_are_told);
	tcase_add_loop_test(tests, of_a_race_the_loser_ends_at_the_provider_at_once, 0, races);
	tcase_add_test(tests, a_stream_that_is_cancelled_ends_at_the_provider_at_once);
	tcase_add_loop_test(
		tests, a_stream_whose_client_closes_ends_at_the_provider_at_once, 0, scripts);
	tcase_add_test(tests, a_client_that_only_reads_any_more_gets_its_stream);
	tcase_add_test(tests, told_to_end_it_lets_a_stream_come_to_its_end);
	tcase_add_test(tests, told_twice_it_ends_streams_with_an_error_that_says_so);
	tcase_add_test(tests, a_client_that_never_reads_does_not_hold_up_the_end_for_long);
	tcase_add_test(tests, a_reload_leaves_a_stream_alone);
	tcase_add_test(tests, a_thousand_streams_drip_at_once_and_none_loses_a_token);
}

int
main(void)
{
	Suite *suite = suite_create("streams");
	TCase *tests = tcase_create("streams");
	SRunner *runner = srunner_create(suite);

	tcase_set_timeout(tests, 240);
	suite_add_tcase(suite, tests);
	add_tests(tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
