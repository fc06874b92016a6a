/* SPDX-License-Identifier: MIT */
/* Calls that were started, many at once in a loop of the program's own: each ends exactly once. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/fake_daemon.h"
#include "support/tally.h"

#define LONG_MS 10000

static struct fake_daemon fake;
static struct llmfo_client *client;
static struct tally tally;

static void
connect_to(fake_serve *serve, const void *arg)
{
	fake_daemon_start(&fake, serve, arg);
	ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
	tally_init(&tally, client);
}

static void
clean_up(void)
{
	tally_check(&tally);
	llmfo_client_free(client);
	fake_daemon_stop(&fake);
}

static void
on_nothing(void *arg, uint64_t id, int error, struct llmfo_reply *reply)
{
	(void)arg, (void)id, (void)error;
	llmfo_reply_free(reply);
	ck_abort_msg("called back");
}

START_TEST(three_hundred_calls_are_answered_each_once_and_with_its_own)
{
	connect_to(fake_serve_echo, NULL);
	for (int i = 0; i < 300; i++) {
		struct llmfo_params *params = llmfo_params_new();

		ck_assert_int_eq(llmfo_params_set_int(params, "n", i), 0);
		tally_start(&tally, "m", params, LONG_MS);
		llmfo_params_free(params);
	}
	tally_run(&tally, 300);
	ck_assert_uint_eq(tally.with[0], 300);
	for (int i = 0; i < 300; i++) {
		char expected[32];

		snprintf(expected, sizeof expected, "[{\"n\":%d}]", i);
		ck_assert_str_eq(llmfo_reply_string(tally.calls[i].reply, "params"), expected);
	}
	clean_up();
}
END_TEST

/* Reads *arg requests, then answers them, the last one first. */
static void
serve_backwards(int fd, int connection, const void *arg)
{
	struct fake_request request;
	uint32_t msgids[64];
	int count = 0;

	(void)connection;
	while (count < *(const int *)arg && fake_read(fd, &request)) {
		msgids[count++] = request.msgid;
		fake_request_free(&request);
	}
	while (count-- > 0) {
		char result[32];

		snprintf(result, sizeof result, "{\"place\": %d}", count);
		fake_reply(fd, msgids[count], NULL, result);
	}
	pause();
}

START_TEST(replies_may_come_in_any_order)
{
	static const int count = 50;

	connect_to(serve_backwards, &count);
	for (int i = 0; i < count; i++)
		tally_start(&tally, "m", NULL, LONG_MS);
	tally_run(&tally, (size_t)count);
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(llmfo_reply_int(tally.calls[i].reply, "place", -1), i);
	clean_up();
}
END_TEST

START_TEST(an_error_of_the_daemon_comes_with_its_reply)
{
	connect_to(fake_serve_canned, "!{\"code\": \"busy\", \"message\": \"no room\"}");
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_run(&tally, 1);
	ck_assert_int_eq(tally.calls[0].error, LLMFO_EBUSY);
	ck_assert_str_eq(llmfo_reply_string(tally.calls[0].reply, "message"), "no room");
	clean_up();
}
END_TEST

/* Answers what is not `slow`, and `cancel` by ending what it names. */
static void
serve_but_slow(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection, (void)arg;
	while (fake_read(fd, &request)) {
		if (strcmp(request.method, "cancel") == 0) {
			const char *msgid = strchr(request.params, ':');

			fake_reply(fd, (uint32_t)strtoul(msgid + 1, NULL, 10),
				"{\"code\": \"cancelled\", \"message\": \"by cancel\"}", NULL);
		}
		if (strcmp(request.method, "slow") != 0)
			fake_reply(fd, request.msgid, NULL, "{}");
		fake_request_free(&request);
	}
}

START_TEST(what_was_cancelled_ends_as_cancelled_whether_it_was_sent_or_not)
{
	connect_to(serve_but_slow, NULL);
	tally_start(&tally, "slow", NULL, LONG_MS);
	tally_cancel(&tally, 0);
	ck_assert_int_eq(llmfo_cancel(client, tally.calls[0].id), LLMFO_ENOT_FOUND);
	ck_assert_int_eq(llmfo_timeout_ms(client), 0);
	tally_start(&tally, "slow", NULL, LONG_MS);
	tally_run(&tally, 1);
	tally_cancel(&tally, 1);
	tally_run(&tally, 2);
	ck_assert_uint_eq(tally.with[-LLMFO_ECANCELLED], 2);
	tally_start(&tally, "quick", NULL, LONG_MS);
	tally_run(&tally, 3);
	ck_assert_int_eq(tally.calls[2].error, 0);
	ck_assert_int_eq(llmfo_cancel(client, tally.calls[2].id), LLMFO_ENOT_FOUND);
	ck_assert_int_eq(llmfo_cancel(client, 0), LLMFO_ENOT_FOUND);
	clean_up();
}
END_TEST

START_TEST(cancelling_hundreds_leaves_the_others_their_connection)
{
	connect_to(serve_but_slow, NULL);
	for (int i = 0; i < 500; i++)
		tally_start(&tally, "slow", NULL, LONG_MS);
	for (int i = 0; i < 3; i++)
		tally_step(&tally, 0);
	for (size_t i = 0; i < 499; i++)
		tally_cancel(&tally, i);
	tally_start(&tally, "quick", NULL, LONG_MS);
	tally_run(&tally, 500);
	ck_assert_uint_eq(tally.with[-LLMFO_ECANCELLED], 499);
	ck_assert_uint_eq(tally.with[0], 1);
	tally_cancel(&tally, 499);
	tally_run(&tally, 501);
	clean_up();
}
END_TEST

START_TEST(each_call_has_its_own_time)
{
	connect_to(serve_but_slow, NULL);
	tally_start(&tally, "slow", NULL, 3600 * 1000);
	tally_start(&tally, "slow", NULL, 60);
	tally_start(&tally, "slow", NULL, 30);
	tally_start(&tally, "quick", NULL, LONG_MS);
	tally_run(&tally, 3);
	ck_assert_int_eq(tally.calls[1].error, LLMFO_ETIMED_OUT);
	ck_assert_int_eq(tally.calls[2].error, LLMFO_ETIMED_OUT);
	ck_assert_int_eq(tally.calls[3].error, 0);
	ck_assert_int_gt(llmfo_timeout_ms(client), 3000 * 1000);
	tally_cancel(&tally, 0);
	tally_run(&tally, 4);
	ck_assert_int_eq(llmfo_timeout_ms(client), -1);
	clean_up();
}
END_TEST

/* What a callback may and what it may not. */
static void
act_inside(struct tally *t, struct tally_call *call)
{
	struct llmfo_reply *reply;

	(void)call;
	t->then = NULL;
	ck_assert_int_eq(llmfo_process(client), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, LONG_MS, &reply), LLMFO_EUSAGE);
	ck_assert_ptr_null(reply);
	llmfo_client_free(client);
	tally_start(t, "m", NULL, LONG_MS);
	tally_start(t, "m", NULL, LONG_MS);
	tally_cancel(t, 1);
	tally_cancel(t, 3);
}

START_TEST(a_callback_may_start_and_cancel_but_not_wait)
{
	connect_to(fake_serve_echo, NULL);
	tally.then = act_inside;
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_run(&tally, 4);
	ck_assert_uint_eq(tally.with[0], 2);
	ck_assert_uint_eq(tally.with[-LLMFO_ECANCELLED], 2);
	clean_up();
}
END_TEST

/* One starts the next, up to a hundred. */
static void
go_on(struct tally *t, struct tally_call *call)
{
	(void)call;
	if (t->started < 100)
		tally_start(t, "m", NULL, LONG_MS);
}

START_TEST(calls_may_follow_from_one_another)
{
	connect_to(fake_serve_echo, NULL);
	tally.then = go_on;
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_run(&tally, 100);
	ck_assert_uint_eq(tally.with[0], 100);
	clean_up();
}
END_TEST

START_TEST(a_blocking_call_serves_the_others_meanwhile)
{
	struct llmfo_reply *reply;

	connect_to(serve_but_slow, NULL);
	tally_start(&tally, "quick", NULL, LONG_MS);
	tally_start(&tally, "slow", NULL, LONG_MS);
	tally_start(&tally, "slow", NULL, 30);
	ck_assert_int_eq(llmfo_call(client, "slow", NULL, 500, &reply), LLMFO_ETIMED_OUT);
	ck_assert_uint_eq(tally.ended, 2);
	ck_assert_int_eq(tally.calls[0].error, 0);
	ck_assert_int_eq(tally.calls[2].error, LLMFO_ETIMED_OUT);
	ck_assert_int_eq(llmfo_call(client, "quick", NULL, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_client_error(client), "");
	llmfo_reply_free(reply);
	tally_cancel(&tally, 1);
	tally_run(&tally, 3);
	clean_up();
}
END_TEST

START_TEST(freeing_a_client_ends_what_it_had_under_way)
{
	connect_to(serve_but_slow, NULL);
	for (int i = 0; i < 3; i++)
		tally_start(&tally, "slow", NULL, LONG_MS);
	tally_step(&tally, 0);
	tally_cancel(&tally, 1);
	tally_start(&tally, "slow", NULL, LONG_MS);
	llmfo_client_free(client);
	client = NULL;
	ck_assert_uint_eq(tally.with[-LLMFO_ECANCELLED], 4);
	clean_up();
}
END_TEST

/* The first of those that end cancels all others. */
static void
cancel_the_others(struct tally *t, struct tally_call *call)
{
	t->then = NULL;
	for (size_t i = 0; i < t->started; i++)
		if (&t->calls[i] != call)
			tally_cancel(t, i);
}

/* Of four calls those before _i are sent when the client is freed, the others queued. */
START_TEST(what_a_callback_cancels_while_its_client_is_freed_is_told_too)
{
	connect_to(serve_but_slow, NULL);
	for (int i = 0; i < _i; i++)
		tally_start(&tally, "slow", NULL, LONG_MS);
	tally_step(&tally, 0);
	for (int i = _i; i < 4; i++)
		tally_start(&tally, "slow", NULL, LONG_MS);
	tally.then = cancel_the_others;
	llmfo_client_free(client);
	client = NULL;
	ck_assert_uint_eq(tally.with[-LLMFO_ECANCELLED], 4);
	clean_up();
}
END_TEST

START_TEST(requests_longer_than_a_socket_takes_at_once_go_out_bit_by_bit)
{
	struct llmfo_params *params = tally_params((size_t)3 * 1024 * 1024);

	connect_to(fake_serve_canned, "{\"fine\": true}");
	for (int i = 0; i < 4; i++)
		tally_start(&tally, "m", params, LONG_MS);
	tally_run(&tally, 4);
	ck_assert_uint_eq(tally.with[0], 4);
	llmfo_params_free(params);
	clean_up();
}
END_TEST

START_TEST(what_cannot_be_started_is_refused_and_never_called_back)
{
	struct llmfo_params *wrong = llmfo_params_new();
	uint64_t id;

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_params_set_string(wrong, NULL, "x"), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_start(NULL, "m", NULL, 1, on_nothing, NULL, &id), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_start(client, NULL, NULL, 1, on_nothing, NULL, &id), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_start(client, "m", NULL, 0, on_nothing, NULL, &id), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_start(client, "m", NULL, 1, NULL, NULL, &id), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_start(client, "m", wrong, 1, on_nothing, NULL, &id), LLMFO_EUSAGE);
	ck_assert_str_ne(llmfo_client_error(client), "");
	ck_assert_int_eq(llmfo_timeout_ms(client), -1);
	ck_assert_int_eq(llmfo_process(client), 0);
	ck_assert_int_eq(llmfo_cancel(NULL, 1), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_process(NULL), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_fd(NULL), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_events(NULL), 0);
	ck_assert_int_eq(llmfo_timeout_ms(NULL), -1);
	llmfo_params_free(wrong);
	clean_up();
}
END_TEST

START_TEST(pick_and_report_call_the_methods_of_their_names)
{
	struct llmfo_reply *reply;

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_pick(client, NULL, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "method"), "pick");
	llmfo_reply_free(reply);
	ck_assert_int_eq(llmfo_report(client, NULL, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "method"), "report");
	llmfo_reply_free(reply);
	clean_up();
}
END_TEST

START_TEST(parameters_may_hold_parameters)
{
	struct llmfo_params *params = llmfo_params_new();
	struct llmfo_params *usage = llmfo_params_new();
	struct llmfo_reply *reply;

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_params_set_int(usage, "n", 5), 0);
	ck_assert_int_eq(llmfo_params_add_string(usage, "list", "x"), 0);
	ck_assert_int_eq(llmfo_params_set_map(params, "usage", usage), 0);
	ck_assert_int_eq(llmfo_report(client, params, LONG_MS, &reply), 0);
	ck_assert_str_eq(
		llmfo_reply_string(reply, "params"), "[{\"usage\":{\"n\":5,\"list\":[\"x\"]}}]");
	llmfo_reply_free(reply);
	ck_assert_int_eq(llmfo_params_set_map(params, "usage", NULL), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_params_set_map(usage, "usage", usage), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_report(client, params, LONG_MS, &reply), LLMFO_EUSAGE);
	llmfo_params_free(usage);
	llmfo_params_free(params);
	clean_up();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client, started calls");
	TCase *tcase = tcase_create("calls");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, three_hundred_calls_are_answered_each_once_and_with_its_own);
	tcase_add_test(tcase, replies_may_come_in_any_order);
	tcase_add_test(tcase, an_error_of_the_daemon_comes_with_its_reply);
	tcase_add_test(tcase, what_was_cancelled_ends_as_cancelled_whether_it_was_sent_or_not);
	tcase_add_test(tcase, cancelling_hundreds_leaves_the_others_their_connection);
	tcase_add_test(tcase, each_call_has_its_own_time);
	tcase_add_test(tcase, a_callback_may_start_and_cancel_but_not_wait);
	tcase_add_test(tcase, calls_may_follow_from_one_another);
	tcase_add_test(tcase, a_blocking_call_serves_the_others_meanwhile);
	tcase_add_test(tcase, freeing_a_client_ends_what_it_had_under_way);
	tcase_add_loop_test(
		tcase, what_a_callback_cancels_while_its_client_is_freed_is_told_too, 0, 5);
	tcase_add_test(tcase, requests_longer_than_a_socket_takes_at_once_go_out_bit_by_bit);
	tcase_add_test(tcase, what_cannot_be_started_is_refused_and_never_called_back);
	tcase_add_test(tcase, pick_and_report_call_the_methods_of_their_names);
	tcase_add_test(tcase, parameters_may_hold_parameters);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
