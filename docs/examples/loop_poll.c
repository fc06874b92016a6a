/* SPDX-License-Identifier: MIT */
/*
 * Asks many things at once, over one connection and in one thread, in a loop of poll().
 *
 *     cc loop_poll.c $(pkg-config --cflags --libs llmfo) -o loop_poll
 *     ./loop_poll "Name a river." "Name a lake." "Name a sea."
 */
#include <limits.h>
#include <llmfo.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define MINUTE_MS 60000

struct question {
	struct llmfo_client *client;
	const char *text;
	int *left; /* questions without an end */
	int *failed;
};

/* Called once for each question, by llmfo_process(). */
static void
on_answer(void *arg, uint64_t call_id, int error, struct llmfo_reply *reply)
{
	struct question *question = arg;

	(void)call_id;
	if (error)
		printf("%s: %s\n", question->text, llmfo_client_error(question->client));
	else
		printf("%s: %s\n", question->text, llmfo_reply_string(reply, "text"));
	*question->failed += error != 0;
	--*question->left;
	llmfo_reply_free(reply);
}

static int
ask(struct question *question)
{
	struct llmfo_params *params = llmfo_params_new();
	int error;

	(void)llmfo_params_add_message(params, "user", question->text);
	error = llmfo_start(
		question->client, "generate", params, MINUTE_MS, on_answer, question, NULL);
	llmfo_params_free(params); /* they were copied */
	return error;
}

/* The descriptor stays the same; what to wait for, and how long, is asked each time. */
static int
wait_and_process(struct llmfo_client *client)
{
	struct pollfd pollfd = {.fd = llmfo_fd(client), .events = 0};
	int events = llmfo_events(client);
	int64_t wait_ms = llmfo_timeout_ms(client);

	if (pollfd.fd < 0)
		return pollfd.fd;
	if (events & LLMFO_WANT_READ)
		pollfd.events |= POLLIN;
	if (events & LLMFO_WANT_WRITE)
		pollfd.events |= POLLOUT;
	(void)poll(&pollfd, 1, wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
	return llmfo_process(client);
}

int
main(int argc, char **argv)
{
	struct question *questions = calloc((size_t)argc, sizeof *questions);
	struct llmfo_client *client = NULL;
	int left = 0, failed = 0;
	int error = questions ? llmfo_client_new(&client, NULL) : LLMFO_ENO_MEMORY;

	for (int i = 1; i < argc && !error; i++) {
		questions[i] = (struct question){client, argv[i], &left, &failed};
		error = ask(&questions[i]);
		left += error == 0;
	}
	while (left > 0 && !error)
		error = wait_and_process(client);
	if (error)
		fprintf(stderr, "%s\n", llmfo_error_text(error));
	llmfo_client_free(client);
	free(questions);
	return error || failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
