/* SPDX-License-Identifier: MIT */
/* The client library as daemons come and go: how it finds one, loses it, and finds it again. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "llmfo.h"
#include "support/fake_daemon.h"

#define LONG_MS 10000

static struct fake_daemon fake;
static struct llmfo_client *client;
static struct llmfo_reply *reply;

static void
connect_to(fake_serve *serve, const void *arg)
{
	fake_daemon_start(&fake, serve, arg);
	ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
}

static void
clean_up(void)
{
	llmfo_reply_free(reply);
	llmfo_client_free(client);
	fake_daemon_stop(&fake);
}

static void
call_again(int expected)
{
	llmfo_reply_free(reply);
	ck_assert_int_eq(llmfo_call(client, "ping", NULL, LONG_MS, &reply), expected);
}

START_TEST(without_a_daemon_the_places_looked_at_are_named)
{
	char runtime[] = "/tmp/llmfo-test-XXXXXX";
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(runtime));
	snprintf(path, sizeof path, "%s/llmfo/llmfo.sock", runtime);
	ck_assert_int_eq(unsetenv("LLMFO_SOCKET"), 0);
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
	ck_assert_int_eq(llmfo_client_new(&client, NULL), 0);
	if (access("/run/llmfo/llmfo.sock", F_OK) != 0) {
		ck_assert_int_eq(llmfo_call(client, "m", NULL, 100, NULL), LLMFO_ENO_DAEMON);
		ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), path));
		ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), "/run/llmfo/llmfo.sock"));
	}
	llmfo_client_free(client);
	rmdir(runtime);
}
END_TEST

START_TEST(the_users_daemon_comes_before_the_hosts)
{
	char directory[96];

	fake_daemon_start(&fake, fake_serve_echo, NULL);
	snprintf(directory, sizeof directory, "%s/llmfo", fake.directory);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	fake_daemon_kill(&fake);
	(void)unlink(fake.path);
	snprintf(fake.path, sizeof fake.path, "%s/llmfo/llmfo.sock", fake.directory);
	fake_daemon_restart(&fake, fake_serve_echo, NULL);
	ck_assert_int_eq(unsetenv("LLMFO_SOCKET"), 0);
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", fake.directory, 1), 0);
	ck_assert_int_eq(llmfo_client_new(&client, NULL), 0);
	call_again(0);
	ck_assert_str_eq(llmfo_client_socket(client), fake.path);
	llmfo_client_free(client);
	(void)unlink(fake.path);
	ck_assert_int_eq(rmdir(directory), 0);
	llmfo_reply_free(reply);
	fake_daemon_stop(&fake);
}
END_TEST

START_TEST(llmfo_socket_names_the_place)
{
	fake_daemon_start(&fake, fake_serve_echo, NULL);
	ck_assert_int_eq(setenv("LLMFO_SOCKET", fake.path, 1), 0);
	ck_assert_int_eq(llmfo_client_new(&client, NULL), 0);
	call_again(0);
	ck_assert_str_eq(llmfo_client_socket(client), fake.path);
	clean_up();
}
END_TEST

START_TEST(a_path_that_no_socket_can_have_is_refused)
{
	char path[200];

	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	ck_assert_int_eq(llmfo_client_new(&client, path), LLMFO_EUSAGE);
	ck_assert_ptr_null(client);
	ck_assert_int_eq(llmfo_client_new(&client, ""), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_client_new(NULL, "/x"), LLMFO_EUSAGE);
}
END_TEST

START_TEST(a_socket_that_nobody_serves_is_no_daemon)
{
	connect_to(fake_serve_echo, NULL);
	fake_daemon_kill(&fake);
	call_again(LLMFO_ENO_DAEMON);
	ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), "Connection refused"));
	clean_up();
}
END_TEST

/* Answers one request and closes; what arg points to is a pipe that then gets a byte. */
static void
serve_one(int fd, int connection, const void *arg)
{
	const int *closed = arg;
	struct fake_request request;
	char result[64];

	if (!fake_read(fd, &request))
		return;
	snprintf(result, sizeof result, "{\"connection\": %d}", connection);
	fake_reply(fd, request.msgid, NULL, result);
	fake_request_free(&request);
	shutdown(fd, SHUT_RDWR);
	if (closed)
		fake_write(*closed, "", 1);
}

START_TEST(after_the_daemon_closed_the_next_call_connects_anew)
{
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	connect_to(serve_one, &ends[1]);
	for (int i = 0; i < 3; i++) {
		call_again(0);
		ck_assert_int_eq(llmfo_reply_int(reply, "connection", -1), i);
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	}
	clean_up();
}
END_TEST

START_TEST(a_restarted_daemon_is_found_again)
{
	connect_to(fake_serve_echo, NULL);
	call_again(0);
	fake_daemon_restart(&fake, fake_serve_echo, NULL);
	call_again(0);
	fake_daemon_kill(&fake);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, 40, NULL), LLMFO_ETIMED_OUT);
	fake_daemon_restart(&fake, fake_serve_echo, NULL);
	call_again(0);
	clean_up();
}
END_TEST

/* Takes the beginning of the first request and closes; serves the second connection. */
static void
serve_after_a_break(int fd, int connection, const void *arg)
{
	char bytes[100];

	if (connection == 0)
		(void)!read(fd, bytes, sizeof bytes);
	else
		serve_one(fd, connection, arg);
}

START_TEST(a_request_that_was_not_wholly_sent_is_sent_again)
{
	struct llmfo_params *params = llmfo_params_new();
	const size_t length = 1024 * 1024;
	char *text = malloc(length);

	memset(text, 'x', length);
	connect_to(serve_after_a_break, NULL);
	ck_assert_int_eq(llmfo_params_set_string_len(params, "prompt", text, length), 0);
	ck_assert_int_eq(llmfo_call(client, "m", params, LONG_MS, &reply), 0);
	ck_assert_int_eq(llmfo_reply_int(reply, "connection", -1), 1);
	free(text);
	llmfo_params_free(params);
	clean_up();
}
END_TEST

/* Refuses what it has seen the beginning of, as a daemon without a place does, and closes. */
static void
serve_a_refusal(int fd, int connection, const void *arg)
{
	unsigned char bytes[100];

	(void)connection;
	(void)arg;
	/* [0, msgid, ...] */
	if (read(fd, bytes, sizeof bytes) == sizeof bytes)
		fake_reply(fd, bytes[2], "{\"code\":\"busy\",\"message\":\"full\"}", NULL);
}

START_TEST(a_request_that_is_refused_before_it_was_wholly_sent_is_told_why)
{
	struct llmfo_params *params = llmfo_params_new();
	const size_t length = 1024 * 1024;
	char *text = malloc(length);

	memset(text, 'x', length);
	connect_to(serve_a_refusal, NULL);
	ck_assert_int_eq(llmfo_params_set_string_len(params, "prompt", text, length), 0);
	ck_assert_int_eq(llmfo_call(client, "m", params, LONG_MS, &reply), LLMFO_EBUSY);
	ck_assert_str_eq(llmfo_reply_string(reply, "message"), "full");
	free(text);
	llmfo_params_free(params);
	clean_up();
}
END_TEST

/* Closes the first connection after its request. */
static void
serve_but_not_the_first(int fd, int connection, const void *arg)
{
	struct fake_request request;

	if (connection > 0) {
		serve_one(fd, connection, arg);
		return;
	}
	if (fake_read(fd, &request))
		fake_request_free(&request);
}

START_TEST(a_request_that_was_sent_is_not_sent_again)
{
	connect_to(serve_but_not_the_first, NULL);
	call_again(LLMFO_EDISCONNECTED);
	ck_assert_ptr_null(reply);
	call_again(0);
	ck_assert_int_eq(llmfo_reply_int(reply, "connection", -1), 1);
	clean_up();
}
END_TEST

/* Answers the first request only after it was cancelled, then the others as they come. */
static void
serve_late(int fd, int connection, const void *arg)
{
	struct fake_request first;
	struct fake_request cancel;
	char expected[64];

	if (!fake_read(fd, &first) || !fake_read(fd, &cancel))
		return;
	snprintf(expected, sizeof expected, "[{\"msgid\":%u}]", first.msgid);
	if (strcmp(cancel.method, "cancel") != 0 || strcmp(cancel.params, expected) != 0)
		_exit(1);
	fake_reply(fd, first.msgid, "{\"code\": \"cancelled\", \"message\": \"late\"}", NULL);
	fake_reply(fd, cancel.msgid, NULL, "{}");
	fake_request_free(&first);
	fake_request_free(&cancel);
	fake_serve_echo(fd, connection, arg);
}

START_TEST(what_timed_out_is_cancelled_and_its_late_reply_dropped)
{
	connect_to(serve_late, NULL);
	ck_assert_int_eq(llmfo_call(client, "slow", NULL, 50, &reply), LLMFO_ETIMED_OUT);
	ck_assert_ptr_null(reply);
	for (int i = 0; i < 2; i++) {
		call_again(0);
		ck_assert_str_eq(llmfo_reply_string(reply, "method"), "ping");
		ck_assert_int_eq(llmfo_reply_int(reply, "connection", -1), 0);
	}
	clean_up();
}
END_TEST

/* Accepts and reads nothing. */
static void
serve_nothing(int fd, int connection, const void *arg)
{
	(void)fd, (void)connection, (void)arg;
	pause();
}

START_TEST(a_daemon_that_reads_nothing_is_waited_for_no_longer_than_asked)
{
	struct llmfo_params *params = llmfo_params_new();
	char *text = calloc(1, 4 * 1024 * 1024);

	connect_to(serve_nothing, NULL);
	ck_assert_int_eq(llmfo_params_set_string_len(params, "p", text, 4 * 1024 * 1024), 0);
	ck_assert_int_eq(llmfo_call(client, "m", params, 50, &reply), LLMFO_ETIMED_OUT);
	ck_assert_int_eq(llmfo_call(client, "m", params, 50, &reply), LLMFO_ETIMED_OUT);
	free(text);
	llmfo_params_free(params);
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
	usleep(20000);
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

START_TEST(a_full_queue_is_tried_again_until_the_time_is_up)
{
	int fds[64];

	connect_to(serve_when_told, NULL);
	int count = fill_queue(fake.path, fds, 64);
	ck_assert_int_lt(count, 64);
	ck_assert_int_eq(llmfo_call(client, "m", NULL, 50, &reply), LLMFO_ETIMED_OUT);
	ck_assert_ptr_nonnull(strstr(llmfo_client_error(client), "queue is full"));
	for (int i = 0; i < count; i++)
		close(fds[i]);
	clean_up();
}
END_TEST

START_TEST(a_queue_that_was_full_for_a_moment_costs_a_moment)
{
	int fds[64];

	connect_to(serve_when_told, NULL);
	int count = fill_queue(fake.path, fds, 64);
	ck_assert_int_lt(count, 64);
	ck_assert_int_eq(write(fds[0], "x", 1), 1);
	for (int i = 0; i < count; i++)
		close(fds[i]);
	call_again(0);
	clean_up();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client, daemons that come and go");
	TCase *tcase = tcase_create("connections");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, without_a_daemon_the_places_looked_at_are_named);
	tcase_add_test(tcase, the_users_daemon_comes_before_the_hosts);
	tcase_add_test(tcase, llmfo_socket_names_the_place);
	tcase_add_test(tcase, a_path_that_no_socket_can_have_is_refused);
	tcase_add_test(tcase, a_socket_that_nobody_serves_is_no_daemon);
	tcase_add_test(tcase, after_the_daemon_closed_the_next_call_connects_anew);
	tcase_add_test(tcase, a_restarted_daemon_is_found_again);
	tcase_add_test(tcase, a_request_that_was_not_wholly_sent_is_sent_again);
	tcase_add_test(tcase, a_request_that_is_refused_before_it_was_wholly_sent_is_told_why);
	tcase_add_test(tcase, a_request_that_was_sent_is_not_sent_again);
	tcase_add_test(tcase, what_timed_out_is_cancelled_and_its_late_reply_dropped);
	tcase_add_test(tcase, a_daemon_that_reads_nothing_is_waited_for_no_longer_than_asked);
	tcase_add_test(tcase, a_full_queue_is_tried_again_until_the_time_is_up);
	tcase_add_test(tcase, a_queue_that_was_full_for_a_moment_costs_a_moment);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
