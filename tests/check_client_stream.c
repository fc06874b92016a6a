/* SPDX-License-Identifier: MIT */
/* Streams: each piece is told once and in order, to the call that it belongs to, before its end. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/fake_daemon.h"
#include "support/tally.h"

#define LONG_MS 10000
#define SAID_BYTES 4096

static struct fake_daemon fake;
static struct llmfo_client *client;

/* What a stream was told: texts as they are, `<id>` for a tool call, `|` for a new beginning; then
 * its end. */
struct heard {
	char said[SAID_BYTES];
	int ends, error;
	struct llmfo_reply *reply; /* owned */
	uint64_t id;               /* as told with each piece */
	bool cancels;              /* at its first piece */
};

/*
 * What the daemon does with each request, a line a step: delta JSON, other JSON (for a msgid that
 * is not in flight), reset, ok JSON, error JSON, close; a method of its own with JSON. A `cancel`
 * is answered, and ends the request before it.
 */
static void
serve_lines(int fd, int connection, const void *arg)
{
	struct fake_request request;
	uint32_t last = 0;

	(void)connection;
	while (fake_read(fd, &request)) {
		char *lines = strdup(arg);
		bool cancel = strcmp(request.method, "cancel") == 0;
		char *rest = lines, *line;

		if (cancel) {
			fake_reply(fd, last, "{\"code\": \"cancelled\", \"message\": \"\"}", NULL);
			fake_reply(fd, request.msgid, NULL, "{}");
		}
		last = request.msgid;
		while (!cancel && (line = strsep(&rest, "\n")) != NULL) {
			char *word = strsep(&line, " ");

			if (strcmp(word, "ok") == 0)
				fake_reply(fd, request.msgid, NULL, line);
			else if (strcmp(word, "error") == 0)
				fake_reply(fd, request.msgid, line, NULL);
			else if (strcmp(word, "params") == 0)
				fake_reply(fd, request.msgid, NULL, request.params);
			else if (strcmp(word, "other") == 0)
				fake_notify(fd, "delta", request.msgid + 1, line);
			else if (strcmp(word, "close") == 0)
				shutdown(fd, SHUT_RDWR);
			else
				fake_notify(fd, word, request.msgid, line);
		}
		free(lines);
		fake_request_free(&request);
	}
}

static void
connect_to(const char *lines)
{
	fake_daemon_start(&fake, serve_lines, lines);
	ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
}

static void
clean_up(struct heard *heard, size_t count)
{
	for (size_t i = 0; i < count; i++)
		llmfo_reply_free(heard[i].reply);
	llmfo_client_free(client);
	fake_daemon_stop(&fake);
}

static void
on_delta(void *arg, uint64_t id, const struct llmfo_value *delta)
{
	struct heard *heard = arg;
	size_t length = strlen(heard->said);
	const char *text = llmfo_value_string(llmfo_value_get(delta, "text"), NULL);
	const char *call = llmfo_value_string(llmfo_value_get(delta, "tool_call.id"), NULL);

	ck_assert_int_eq(heard->ends, 0);
	ck_assert(heard->id == 0 || heard->id == id);
	heard->id = id;
	snprintf(heard->said + length, sizeof heard->said - length, call ? "<%s>" : "%s",
		call           ? call
			: text ? text
			       : "|");
	if (heard->cancels)
		ck_assert_int_eq(llmfo_cancel(client, id), 0);
}

static void
on_done(void *arg, uint64_t id, int error, struct llmfo_reply *reply)
{
	struct heard *heard = arg;

	ck_assert(heard->id == 0 || heard->id == id);
	heard->ends++;
	heard->error = error;
	heard->reply = reply;
}

/* Until so many of them have ended. */
static void
run(const struct heard *heard, size_t count)
{
	struct tally tally;

	tally_init(&tally, client);
	for (int i = 0; i < 2000; i++) {
		size_t ended = 0;

		for (size_t k = 0; k < count; k++)
			ended += heard[k].ends > 0;
		if (ended == count)
			return;
		tally_step(&tally, LONG_MS / 10);
	}
	ck_abort_msg("a stream has not ended");
}

static int
ask(struct heard *heard)
{
	heard->error = llmfo_generate_stream(client, NULL, LONG_MS, on_delta, heard, &heard->reply);
	heard->ends++;
	return heard->error;
}

#define OK "ok {\"text\": \"whole\"}"

/* What the daemon says, what is heard of it, and the end. */
static const struct {
	const char *lines, *said;
	int error;
} rows[] = {
	{OK, "", 0},
	{"delta {\"text\": \"Hé\"}\ndelta {\"text\": \"llo\"}\n" OK, "Héllo", 0},
	{"delta {\"text\": \"x\"}\ndelta {\"tool_call\": {\"id\": \"c1\"}}\n" OK, "x<c1>", 0},
	{"delta {\"text\": \"Hel\"}\nreset\ndelta {\"text\": \"Hi\"}\n" OK, "Hel|Hi", 0},
	{"other {\"text\": \"no\"}\nreset 1\ndelta {\"text\": \"yes\"}\n" OK, "|yes", 0},
	{"weather {\"text\": \"no\"}\ndelta\ndelta 7\ndelta [1]\n" OK, "", 0},
	{"delta {\"text\": \"a\"}\n" OK "\ndelta {\"text\": \"late\"}\nreset", "a", 0},
	{"delta {\"text\": \"a\"}\nerror {\"code\": \"interrupted\", \"message\": \"m\", "
	 "\"partial\": \"a\"}",
		"a", LLMFO_EINTERRUPTED},
	{"delta {\"text\": \"a\"}\nclose", "a", LLMFO_EDISCONNECTED},
	{"close", "", LLMFO_EDISCONNECTED},
};

START_TEST(pieces_are_told_in_order_before_the_end_to_who_waits)
{
	struct heard heard = {.id = 0};

	connect_to(rows[_i].lines);
	ck_assert_int_eq(ask(&heard), rows[_i].error);
	ck_assert_str_eq(heard.said, rows[_i].said);
	ck_assert(rows[_i].error == LLMFO_EDISCONNECTED ? !heard.reply : heard.reply != NULL);
	clean_up(&heard, 1);
}
END_TEST

START_TEST(pieces_are_told_in_order_before_the_end_to_who_started_it)
{
	struct heard heard = {.id = 0};
	uint64_t id;

	connect_to(rows[_i].lines);
	ck_assert_int_eq(
		llmfo_start_stream(client, NULL, LONG_MS, on_delta, on_done, &heard, &id), 0);
	run(&heard, 1);
	ck_assert_int_eq(heard.ends, 1);
	ck_assert_int_eq(heard.error, rows[_i].error);
	ck_assert_str_eq(heard.said, rows[_i].said);
	ck_assert(heard.id == 0 || heard.id == id);
	clean_up(&heard, 1);
}
END_TEST

START_TEST(streams_side_by_side_are_told_their_own)
{
	static struct heard heard[40];

	memset(heard, 0, sizeof heard);
	connect_to("delta {\"text\": \"a\"}\ndelta {\"text\": \"b\"}\nreset\n" OK);
	for (size_t i = 0; i < 40; i++)
		ck_assert_int_eq(llmfo_start_stream(
					 client, NULL, LONG_MS, on_delta, on_done, &heard[i], NULL),
			0);
	run(heard, 40);
	for (size_t i = 0; i < 40; i++)
		ck_assert_str_eq(heard[i].said, "ab|");
	clean_up(heard, 40);
}
END_TEST

START_TEST(a_stream_is_asked_for_unless_the_parameters_say_otherwise)
{
	struct llmfo_params *params = llmfo_params_new();
	struct heard heard = {.id = 0};
	struct llmfo_reply *reply;

	connect_to("params");
	ck_assert_int_eq(ask(&heard), 0);
	const struct llmfo_value *sent = llmfo_value_at(llmfo_reply_value(heard.reply), 0);
	ck_assert(llmfo_value_bool(llmfo_value_get(sent, "stream"), false));
	ck_assert_int_eq(llmfo_value_int(llmfo_value_get(sent, "deadline_ms"), 0), LONG_MS);
	(void)llmfo_params_set_bool(params, "stream", false);
	ck_assert_int_eq(
		llmfo_generate_stream(client, params, LONG_MS, on_delta, &heard, &reply), 0);
	sent = llmfo_value_at(llmfo_reply_value(reply), 0);
	ck_assert(!llmfo_value_bool(llmfo_value_get(sent, "stream"), true));
	llmfo_reply_free(reply);
	llmfo_params_free(params);
	clean_up(&heard, 1);
}
END_TEST

START_TEST(a_callback_cancels_its_stream_and_hears_no_more)
{
	struct heard heard[2] = {{.cancels = true}, {.cancels = true}};

	connect_to("delta {\"text\": \"a\"}\ndelta {\"text\": \"b\"}\nreset");
	ck_assert_int_eq(ask(&heard[0]), LLMFO_ECANCELLED);
	ck_assert_str_eq(heard[0].said, "a");
	ck_assert_int_eq(
		llmfo_start_stream(client, NULL, LONG_MS, on_delta, on_done, &heard[1], NULL), 0);
	run(&heard[1], 1);
	ck_assert_int_eq(heard[1].error, LLMFO_ECANCELLED);
	ck_assert_str_eq(heard[1].said, "a");
	clean_up(heard, 2);
}
END_TEST

START_TEST(a_call_that_is_no_stream_hears_no_pieces)
{
	struct llmfo_reply *reply;

	connect_to("delta {\"text\": \"a\"}\nreset\n" OK);
	ck_assert_int_eq(llmfo_generate(client, NULL, LONG_MS, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "text"), "whole");
	llmfo_reply_free(reply);
	clean_up(NULL, 0);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
	struct heard heard = {.id = 0};

	connect_to(OK);
	ck_assert_int_eq(
		llmfo_generate_stream(NULL, NULL, LONG_MS, on_delta, NULL, NULL), LLMFO_EUSAGE);
	ck_assert_int_eq(
		llmfo_generate_stream(client, NULL, LONG_MS, NULL, NULL, NULL), LLMFO_EUSAGE);
	ck_assert_int_eq(
		llmfo_generate_stream(client, NULL, 0, on_delta, NULL, NULL), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_start_stream(NULL, NULL, LONG_MS, on_delta, on_done, NULL, NULL),
		LLMFO_EUSAGE);
	ck_assert_int_eq(
		llmfo_start_stream(client, NULL, LONG_MS, NULL, on_done, NULL, NULL), LLMFO_EUSAGE);
	ck_assert_int_eq(llmfo_start_stream(client, NULL, LONG_MS, on_delta, NULL, NULL, NULL),
		LLMFO_EUSAGE);
	ck_assert_int_ne(*llmfo_client_error(client), '\0');
	clean_up(&heard, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client_stream");
	TCase *tests = tcase_create("streams");
	int count = (int)(sizeof rows / sizeof rows[0]);

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, pieces_are_told_in_order_before_the_end_to_who_waits, 0, count);
	tcase_add_loop_test(
		tests, pieces_are_told_in_order_before_the_end_to_who_started_it, 0, count);
	tcase_add_test(tests, streams_side_by_side_are_told_their_own);
	tcase_add_test(tests, a_stream_is_asked_for_unless_the_parameters_say_otherwise);
	tcase_add_test(tests, a_callback_cancels_its_stream_and_hears_no_more);
	tcase_add_test(tests, a_call_that_is_no_stream_hears_no_pieces);
	tcase_add_test(tests, what_is_missing_is_said);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
