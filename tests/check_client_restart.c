/* SPDX-License-Identifier: MIT */
/* Started calls as daemons come and go: sent again or told, never lost, and nothing waits. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
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
ask_once(void)
{
	size_t ended = tally.ended;

	tally_start(&tally, "ping", NULL, LONG_MS);
	tally_run(&tally, ended + 1);
	ck_assert_int_eq(tally.calls[tally.started - 1].error, 0);
}

START_TEST(where_no_daemon_is_a_call_is_told_at_once)
{
	connect_to(fake_serve_echo, NULL);
	fake_daemon_kill(&fake);
	tally_start(&tally, "ping", NULL, LONG_MS);
	tally_start(&tally, "ping", NULL, LONG_MS);
	ck_assert_int_eq(llmfo_process(client), 0);
	ck_assert_uint_eq(tally.with[-LLMFO_ENO_DAEMON], 2);
	ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), "Connection refused"));
	clean_up();
}
END_TEST

START_TEST(a_restart_is_waited_for_and_the_calls_of_that_time_are_answered)
{
	connect_to(fake_serve_echo, NULL);
	ask_once();
	fake_daemon_kill(&fake);
	for (int i = 0; i < 20; i++) {
		tally_start(&tally, "m", NULL, LONG_MS);
		tally_step(&tally, 2);
	}
	ck_assert_uint_eq(tally.ended, 1);
	fake_daemon_restart(&fake, fake_serve_echo, NULL);
	tally_run(&tally, 21);
	ck_assert_uint_eq(tally.with[0], 21);
	clean_up();
}
END_TEST

START_TEST(where_no_daemon_was_a_blocking_call_is_told_at_once_too)
{
	connect_to(fake_serve_echo, NULL);
	fake_daemon_kill(&fake);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(llmfo_call(client, "m", NULL, LONG_MS, NULL), LLMFO_ENO_DAEMON);
	clean_up();
}
END_TEST

static void
restart(struct tally *t, struct tally_call *call)
{
	t->then = NULL;
	ck_assert_int_eq(call->error, LLMFO_ETIMED_OUT);
	fake_daemon_restart(&fake, fake_serve_echo, NULL);
}

START_TEST(a_blocking_call_waits_for_a_restart_too)
{
	struct llmfo_reply *reply;

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, LONG_MS, NULL), 0);
	fake_daemon_kill(&fake);
	tally.then = restart;
	tally_start(&tally, "m", NULL, 40);
	ck_assert_int_eq(llmfo_call(client, "late", NULL, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "method"), "late");
	ck_assert_uint_eq(tally.ended, 1);
	llmfo_reply_free(reply);
	clean_up();
}
END_TEST

START_TEST(a_blocking_call_waits_for_it_no_longer_than_it_has_time)
{
	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, LONG_MS, NULL), 0);
	fake_daemon_kill(&fake);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, 40, NULL), LLMFO_ETIMED_OUT);
	ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), "no daemon at "));
	clean_up();
}
END_TEST

START_TEST(a_restart_is_waited_for_no_longer_than_the_call_has_time)
{
	connect_to(fake_serve_echo, NULL);
	ask_once();
	fake_daemon_kill(&fake);
	tally_start(&tally, "m", NULL, 40);
	tally_run(&tally, 2);
	ck_assert_int_eq(tally.calls[1].error, LLMFO_ETIMED_OUT);
	clean_up();
}
END_TEST

START_TEST(what_was_sent_to_a_daemon_that_died_is_told_and_not_sent_again)
{
	connect_to(fake_serve_echo, NULL);
	ask_once();
	ck_assert_int_eq(kill(fake.pid, SIGSTOP), 0);
	for (int i = 0; i < 10; i++)
		tally_start(&tally, "m", NULL, LONG_MS);
	tally_step(&tally, 0);
	fake_daemon_restart(&fake, fake_serve_echo, NULL);
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_run(&tally, 12);
	ck_assert_uint_eq(tally.with[-LLMFO_EDISCONNECTED], 10);
	ck_assert_uint_eq(tally.with[0], 2);
	clean_up();
}
END_TEST

/* With a daemon that reads nothing, a request of a mebibyte is stuck half-way, and others behind.
 */
START_TEST(what_was_not_wholly_sent_is_sent_again_in_its_order)
{
	struct llmfo_params *params = tally_params((size_t)1024 * 1024);

	connect_to(fake_serve_echo, NULL);
	ask_once();
	ck_assert_int_eq(kill(fake.pid, SIGSTOP), 0);
	tally_start(&tally, "long", params, LONG_MS);
	for (int i = 0; i < 50; i++)
		tally_start(&tally, "m", NULL, LONG_MS);
	for (int i = 0; i < 3; i++)
		tally_step(&tally, 0);
	fake_daemon_restart(&fake, fake_serve_echo, NULL);
	tally_run(&tally, 52);
	ck_assert_uint_eq(tally.with[0], 52);
	ck_assert_str_eq(llmfo_reply_string(tally.calls[1].reply, "method"), "long");
	for (size_t i = 1; i < 52; i++)
		ck_assert_int_eq(llmfo_reply_int(tally.calls[i].reply, "connection", -1), 0);
	llmfo_params_free(params);
	clean_up();
}
END_TEST

/* The first to time out kills the daemon, the second one, in whose time there is none, starts it.
 */
static void
kill_and_restart(struct tally *t, struct tally_call *call)
{
	if (call->error == LLMFO_EDISCONNECTED) {
		tally_start(t, "m", NULL, 60);
	} else if (fake.pid) {
		ck_assert_int_eq(call->error, LLMFO_ETIMED_OUT);
		fake_daemon_kill(&fake);
	} else {
		ck_assert_int_eq(call->error, LLMFO_ETIMED_OUT);
		fake_daemon_restart(&fake, fake_serve_echo, NULL);
	}
}

START_TEST(a_blocking_call_that_was_half_sent_waits_for_the_restart_too)
{
	struct llmfo_params *params = tally_params((size_t)1024 * 1024);
	struct llmfo_reply *reply;

	connect_to(fake_serve_echo, NULL);
	ask_once();
	ck_assert_int_eq(kill(fake.pid, SIGSTOP), 0);
	tally.then = kill_and_restart;
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_start(&tally, "m", NULL, 40);
	ck_assert_int_eq(llmfo_call(client, "long", params, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "method"), "long");
	llmfo_reply_free(reply);
	tally.then = NULL;
	tally_run(&tally, 4);
	llmfo_params_free(params);
	clean_up();
}
END_TEST

/* Takes a few bytes and closes, always. */
static void
serve_nobody(int fd, int connection, const void *arg)
{
	char bytes[100];

	(void)connection, (void)arg;
	(void)!read(fd, bytes, sizeof bytes);
}

START_TEST(a_daemon_that_closes_every_connection_is_not_tried_for_ever)
{
	struct llmfo_params *params = tally_params((size_t)1024 * 1024);

	connect_to(serve_nobody, NULL);
	for (int i = 0; i < 5; i++)
		tally_start(&tally, "m", params, LONG_MS);
	tally_run(&tally, 5);
	ck_assert_uint_eq(tally.with[-LLMFO_ENO_DAEMON], 5);
	ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), "closes every connection"));
	llmfo_params_free(params);
	clean_up();
}
END_TEST

/* ---- a daemon that ends refuses what it has not begun ---- */

static const char refusal[] =
	"{\"code\": \"shutting_down\", \"message\": \"over\", \"begun\": false}";

/* Refuses all on the first connections, as many as *arg says, and answers on the others. */
static void
serve_refusing(int fd, int connection, const void *arg)
{
	const int *count = arg;
	struct fake_request request;

	if (connection >= *count) {
		fake_serve_echo(fd, connection, NULL);
		return;
	}
	while (fake_read(fd, &request)) {
		fake_reply(fd, request.msgid, refusal, NULL);
		fake_request_free(&request);
	}
}

START_TEST(what_a_daemon_refuses_as_it_ends_goes_to_the_next_one)
{
	static const int once = 1;
	struct llmfo_reply *reply;

	connect_to(serve_refusing, &once);
	for (int i = 0; i < 20; i++)
		tally_start(&tally, "m", NULL, LONG_MS);
	ck_assert_int_eq(llmfo_call(client, "late", NULL, LONG_MS, &reply), 0);
	ck_assert_int_eq(llmfo_reply_int(reply, "connection", -1), 1);
	llmfo_reply_free(reply);
	tally_run(&tally, 20);
	ck_assert_uint_eq(tally.with[0], 20);
	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(llmfo_reply_int(tally.calls[i].reply, "connection", -1), 1);
	clean_up();
}
END_TEST

START_TEST(what_every_daemon_refuses_is_told_in_the_end)
{
	static const int many = 1000;

	connect_to(serve_refusing, &many);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, LONG_MS, NULL), LLMFO_ESHUTTING_DOWN);
	ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), "over"));
	clean_up();
}
END_TEST

/* The first call is answered after the second was refused, and by the same daemon. */
static void
serve_first_alone(int fd, int connection, const void *arg)
{
	struct fake_request first, second;

	(void)arg;
	if (connection > 0) {
		fake_serve_echo(fd, connection, NULL);
		return;
	}
	if (!fake_read(fd, &first) || !fake_read(fd, &second))
		_exit(1);
	fake_reply(fd, second.msgid, refusal, NULL);
	fake_reply(fd, first.msgid, NULL, "{\"connection\": 0}");
	while (fake_read(fd, &second))
		fake_reply(fd, second.msgid, "{\"code\": \"internal\"}", NULL);
}

START_TEST(what_runs_at_a_daemon_that_ends_is_answered_by_it)
{
	connect_to(serve_first_alone, NULL);
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_run(&tally, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(tally.calls[i].error, 0);
		ck_assert_int_eq(llmfo_reply_int(tally.calls[i].reply, "connection", -1), i);
	}
	clean_up();
}
END_TEST

START_TEST(what_had_begun_is_told_and_not_sent_again)
{
	connect_to(fake_serve_canned, "!{\"code\": \"shutting_down\", \"message\": \"cut\"}");
	ck_assert_int_eq(llmfo_call(client, "m", NULL, LONG_MS, NULL), LLMFO_ESHUTTING_DOWN);
	clean_up();
}
END_TEST

START_TEST(the_descriptor_stays_the_same_whatever_the_connection_does)
{
	int fd;

	connect_to(fake_serve_echo, NULL);
	fd = llmfo_fd(client);
	ck_assert_int_ge(fd, 0);
	for (int i = 0; i < 3; i++) {
		ask_once();
		ck_assert_int_eq(llmfo_fd(client), fd);
		fake_daemon_restart(&fake, fake_serve_echo, NULL);
		tally_step(&tally, 100);
		ck_assert_int_eq(llmfo_fd(client), fd);
	}
	clean_up();
}
END_TEST

START_TEST(a_descriptor_that_is_asked_for_late_has_the_connection_in_it)
{
	struct llmfo_reply *reply;

	connect_to(fake_serve_echo, NULL);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, LONG_MS, &reply), 0);
	llmfo_reply_free(reply);
	ask_once();
	clean_up();
}
END_TEST

/* Says that it has accepted, and does no more with its first connection until something comes. */
static void
serve_when_told(int fd, int connection, const void *arg)
{
	char byte = 'x';

	if (connection > 0) {
		fake_serve_echo(fd, connection, arg);
		return;
	}
	fake_write(fd, &byte, 1);
	(void)!read(fd, &byte, 1);
}

/* Connects until a further connection would have to wait; fds[0] is the one that is served. */
static int
fill_queue(const char *path, int *fds, int count)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char byte;

	memcpy(address.sun_path, path, strlen(path) + 1);
	for (int i = 0; i < count; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | (i ? SOCK_NONBLOCK : 0), 0);
		if (connect(fds[i], (const struct sockaddr *)&address, sizeof address) < 0) {
			close(fds[i]);
			return i;
		}
		if (i == 0)
			ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	}
	return count;
}

START_TEST(a_full_queue_is_tried_again_by_and_by)
{
	int fds[64];

	connect_to(serve_when_told, NULL);
	int count = fill_queue(fake.path, fds, 64);
	ck_assert_int_lt(count, 64);
	tally_start(&tally, "m", NULL, 50);
	tally_start(&tally, "m", NULL, LONG_MS);
	tally_run(&tally, 1);
	ck_assert_int_eq(tally.calls[0].error, LLMFO_ETIMED_OUT);
	ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), "queue is full"));
	for (int i = 0; i < count; i++)
		close(fds[i]);
	tally_run(&tally, 2);
	ck_assert_int_eq(tally.calls[1].error, 0);
	clean_up();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client, started calls and restarts");
	TCase *tcase = tcase_create("restarts");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, where_no_daemon_is_a_call_is_told_at_once);
	tcase_add_test(tcase, a_restart_is_waited_for_and_the_calls_of_that_time_are_answered);
	tcase_add_test(tcase, where_no_daemon_was_a_blocking_call_is_told_at_once_too);
	tcase_add_test(tcase, a_blocking_call_waits_for_a_restart_too);
	tcase_add_test(tcase, a_blocking_call_waits_for_it_no_longer_than_it_has_time);
	tcase_add_test(tcase, a_restart_is_waited_for_no_longer_than_the_call_has_time);
	tcase_add_test(tcase, what_was_sent_to_a_daemon_that_died_is_told_and_not_sent_again);
	tcase_add_test(tcase, what_was_not_wholly_sent_is_sent_again_in_its_order);
	tcase_add_test(tcase, a_blocking_call_that_was_half_sent_waits_for_the_restart_too);
	tcase_add_test(tcase, a_daemon_that_closes_every_connection_is_not_tried_for_ever);
	tcase_add_test(tcase, what_a_daemon_refuses_as_it_ends_goes_to_the_next_one);
	tcase_add_test(tcase, what_every_daemon_refuses_is_told_in_the_end);
	tcase_add_test(tcase, what_runs_at_a_daemon_that_ends_is_answered_by_it);
	tcase_add_test(tcase, what_had_begun_is_told_and_not_sent_again);
	tcase_add_test(tcase, the_descriptor_stays_the_same_whatever_the_connection_does);
	tcase_add_test(tcase, a_descriptor_that_is_asked_for_late_has_the_connection_in_it);
	tcase_add_test(tcase, a_full_queue_is_tried_again_by_and_by);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
