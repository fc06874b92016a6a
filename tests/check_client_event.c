/* SPDX-License-Identifier: MIT */
/* Subscriptions: what happens is told, and so is every time that it may have been missed. */
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

/* What the callback was told, a word each. */
static char told[1024];
static size_t tellings;

static void
on_event(void *arg, int error, const struct llmfo_value *event)
{
	size_t length = strlen(told);
	const char *type = llmfo_value_string(llmfo_value_get(event, "type"), NULL);

	ck_assert_ptr_eq(arg, told);
	tellings++;
	if (error)
		snprintf(told + length, sizeof told - length, "%s%s ", event ? "!" : "",
			llmfo_error_code(error));
	else
		snprintf(told + length, sizeof told - length, "%s ",
			event ? type ? type : "?" : "stands");
}

static void
wait_for_tellings(size_t count)
{
	for (int i = 0; i < 2000 && tellings < count; i++)
		tally_step(&tally, 10);
	ck_assert_msg(tellings == count, "%s", told);
}

static void
connect_to(fake_serve *serve, const void *arg)
{
	fake_daemon_start(&fake, serve, arg);
	ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
	tally_init(&tally, client);
	told[0] = '\0';
	tellings = 0;
}

static void
clean_up(void)
{
	tally_check(&tally);
	llmfo_client_free(client);
	fake_daemon_stop(&fake);
}

static void
send_event(int fd, const char *type)
{
	char bytes[64] = "\x93\x02\xa5"
			 "event\x91\x81\xa4type";
	size_t length = strlen(bytes);

	bytes[length++] = (char)(0xa0 | strlen(type));
	memcpy(bytes + length, type, strlen(type));
	fake_write(fd, bytes, length + strlen(type));
}

/* Answers `subscribe` with what it was sent, then sends the event it is asked for by method. */
static void
serve_events(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection, (void)arg;
	while (fake_read(fd, &request)) {
		if (strncmp(request.method, "send-", 5) == 0)
			send_event(fd, request.method + 5);
		fake_reply(fd, request.msgid, NULL, "{}");
		if (strcmp(request.method, "subscribe") == 0)
			send_event(fd, strstr(request.params, "forced") ? "forced" : "circuit");
		fake_request_free(&request);
	}
}

START_TEST(events_are_told_once_the_subscription_stands)
{
	static const char *const types[] = {"circuit", "forced", NULL};

	connect_to(serve_events, NULL);
	ck_assert_int_eq(llmfo_subscribe(client, types, on_event, told), 0);
	ck_assert_uint_eq(tellings, 0);
	wait_for_tellings(2);
	tally_start(&tally, "send-circuit", NULL, LONG_MS);
	tally_start(&tally, "send-reloaded", NULL, LONG_MS);
	tally_run(&tally, 2);
	ck_assert_str_eq(told, "stands forced circuit reloaded ");
	ck_assert_int_eq(llmfo_timeout_ms(client), -1);
	clean_up();
}
END_TEST

START_TEST(a_blocking_call_tells_events_too)
{
	connect_to(serve_events, NULL);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, told), 0);
	wait_for_tellings(2);
	ck_assert_int_eq(llmfo_call(client, "send-forced", NULL, LONG_MS, NULL), 0);
	ck_assert_str_eq(told, "stands circuit forced ");
	clean_up();
}
END_TEST

START_TEST(a_restart_is_told_and_subscribed_over_again)
{
	connect_to(serve_events, NULL);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, told), 0);
	wait_for_tellings(2);
	fake_daemon_kill(&fake);
	wait_for_tellings(3);
	for (int i = 0; i < 5; i++)
		tally_step(&tally, 20);
	fake_daemon_restart(&fake, serve_events, NULL);
	wait_for_tellings(5);
	ck_assert_str_eq(told, "stands circuit disconnected stands circuit ");
	clean_up();
}
END_TEST

START_TEST(a_daemon_that_is_not_there_yet_is_told_once_and_waited_for)
{
	connect_to(serve_events, NULL);
	fake_daemon_kill(&fake);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, told), 0);
	wait_for_tellings(1);
	for (int i = 0; i < 3; i++)
		tally_step(&tally, 100);
	fake_daemon_restart(&fake, serve_events, NULL);
	wait_for_tellings(3);
	ck_assert_str_eq(told, "no_daemon stands circuit ");
	clean_up();
}
END_TEST

static const struct refusal {
	const char *answer, *told;
} refusals[] = {
	{"!{\"code\": \"not_permitted\", \"message\": \"no\"}", "!not_permitted "},
	{"!{\"code\": \"unknown_method\", \"message\": \"no\"}", "!unknown_method "},
	{"!{\"code\": \"invalid_request\", \"message\": \"no\"}", "!invalid_request "},
	{"!{\"code\": \"shutting_down\", \"message\": \"no\"}", "shutting_down "},
	{"!{\"code\": \"busy\", \"message\": \"no\"}", "busy "},
};

START_TEST(a_refusal_ends_it_and_what_passes_does_not)
{
	bool ends = refusals[_i].told[0] == '!';

	connect_to(fake_serve_canned, refusals[_i].answer);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, told), 0);
	wait_for_tellings(1);
	ck_assert_str_eq(told, refusals[_i].told);
	ck_assert(ends == (llmfo_timeout_ms(client) == -1));
	clean_up();
}
END_TEST

START_TEST(a_second_subscription_replaces_the_first)
{
	static const char *const types[] = {"forced", NULL};

	connect_to(serve_events, NULL);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, NULL), 0);
	ck_assert_int_eq(llmfo_subscribe(client, types, on_event, told), 0);
	wait_for_tellings(2);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, told), 0);
	wait_for_tellings(4);
	ck_assert_str_eq(told, "stands forced stands circuit ");
	clean_up();
}
END_TEST

/* As the first: but before it answers a subscription to `forced`, it sends what the one before was
 * for. */
static void
serve_late_event(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection, (void)arg;
	while (fake_read(fd, &request)) {
		bool forced = strstr(request.params, "forced") != NULL;

		if (forced)
			send_event(fd, "circuit");
		fake_reply(fd, request.msgid, NULL, "{}");
		if (forced)
			send_event(fd, "forced");
		fake_request_free(&request);
	}
}

START_TEST(what_the_first_was_for_is_not_told_to_the_second)
{
	static const char *const types[] = {"forced", NULL};

	connect_to(serve_late_event, NULL);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, told), 0);
	wait_for_tellings(1);
	ck_assert_int_eq(llmfo_subscribe(client, types, on_event, told), 0);
	wait_for_tellings(3);
	ck_assert_str_eq(told, "stands stands forced ");
	clean_up();
}
END_TEST

/* Ends well only if the second subscription is an empty one. */
static void
serve_two(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection, (void)arg;
	for (int i = 0; fake_read(fd, &request); i++) {
		if (i == 1 && strcmp(request.params, "[{\"types\":[]}]") != 0)
			_exit(1);
		fake_reply(fd, request.msgid, NULL, "{}");
		send_event(fd, "forced");
		fake_request_free(&request);
	}
}

START_TEST(after_unsubscribing_nothing_is_told_and_the_daemon_knows)
{
	connect_to(serve_two, NULL);
	llmfo_unsubscribe(client);
	ck_assert_int_eq(llmfo_timeout_ms(client), -1);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, told), 0);
	wait_for_tellings(2);
	llmfo_unsubscribe(client);
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_run(&tally, 1);
	ck_assert_uint_eq(tally.with[0], 1);
	ck_assert_uint_eq(tellings, 2);
	clean_up();
}
END_TEST

/* From within its own callback. */
static void
on_last_event(void *arg, int error, const struct llmfo_value *event)
{
	on_event(arg, error, event);
	if (event)
		llmfo_unsubscribe(client);
}

START_TEST(a_callback_may_unsubscribe)
{
	connect_to(serve_events, NULL);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_last_event, told), 0);
	wait_for_tellings(2);
	tally_start(&tally, "send-forced", NULL, LONG_MS);
	tally_run(&tally, 1);
	ck_assert_str_eq(told, "stands circuit ");
	clean_up();
}
END_TEST

/* Subscribes to all that comes: well, the connection closed. */
static void
serve_and_close(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)connection, (void)arg;
	if (!fake_read(fd, &request))
		return;
	fake_reply(fd, request.msgid, NULL, "{}");
	fake_request_free(&request);
}

START_TEST(a_daemon_that_closes_after_each_subscription_keeps_nobody_busy)
{
	connect_to(serve_and_close, NULL);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, on_event, told), 0);
	for (int i = 0; i < 30; i++)
		tally_step(&tally, 10);
	ck_assert_uint_ge(tellings, 2);
	ck_assert_uint_le(tellings, 30);
	clean_up();
}
END_TEST

START_TEST(what_cannot_be_subscribed_is_refused)
{
	static const char *const none[] = {NULL};

	connect_to(serve_events, NULL);
	ck_assert_int_eq(llmfo_subscribe(NULL, NULL, on_event, told), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_subscribe(client, NULL, NULL, told), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_subscribe(client, none, on_event, told), LLMFO_EUSAGE);
	llmfo_unsubscribe(NULL);
	ck_assert_int_eq(llmfo_timeout_ms(client), -1);
	clean_up();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client, events");
	TCase *tcase = tcase_create("events");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, events_are_told_once_the_subscription_stands);
	tcase_add_test(tcase, a_blocking_call_tells_events_too);
	tcase_add_test(tcase, a_restart_is_told_and_subscribed_over_again);
	tcase_add_test(tcase, a_daemon_that_is_not_there_yet_is_told_once_and_waited_for);
	tcase_add_loop_test(tcase, a_refusal_ends_it_and_what_passes_does_not, 0,
		(int)(sizeof refusals / sizeof refusals[0]));
	tcase_add_test(tcase, a_second_subscription_replaces_the_first);
	tcase_add_test(tcase, what_the_first_was_for_is_not_told_to_the_second);
	tcase_add_test(tcase, after_unsubscribing_nothing_is_told_and_the_daemon_knows);
	tcase_add_test(tcase, a_callback_may_unsubscribe);
	tcase_add_test(tcase, a_daemon_that_closes_after_each_subscription_keeps_nobody_busy);
	tcase_add_test(tcase, what_cannot_be_subscribed_is_refused);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
