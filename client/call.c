/* SPDX-License-Identifier: MIT */
/*
 * The blocking half of the library: a call is one that was started, and turns of the client until
 * it has ended. What else the client has under way goes on meanwhile.
 */
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "client.h"

/* One blocking call under way. */
struct wait {
	struct llmfo_client *client;
	llmfo_delta *delta; /* NULL: it is no stream */
	void *arg;
	bool done;
	int error;
	struct llmfo_reply *reply; /* owned */
	char words[sizeof((struct llmfo_client *)0)->error];
};

static void
call_done(void *arg, uint64_t call_id, int error, struct llmfo_reply *reply)
{
	struct wait *wait = arg;

	(void)call_id;
	wait->done = true;
	wait->error = error;
	wait->reply = reply;
	memcpy(wait->words, wait->client->error, sizeof wait->words);
}

static void
call_delta(void *arg, uint64_t call_id, const struct llmfo_value *delta)
{
	const struct wait *wait = arg;

	wait->delta(wait->arg, call_id, delta);
}

/* Until the client has something to do. */
static void
wait_for(struct llmfo_client *client)
{
	const struct conn *conn = &client->conn;
	struct pollfd pollfd = {.fd = conn->fd, .events = conn_events(conn)};
	int64_t wait_ms = client_wait_ms(client);

	if (wait_ms != 0)
		(void)poll(
			&pollfd, conn->fd >= 0 ? 1 : 0, wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
}

/* The others' callbacks may have had words of their own since. */
static int
finish(struct llmfo_client *client, struct wait *wait, struct llmfo_reply **reply)
{
	client->error[0] = '\0';
	if (wait->error)
		memcpy(client->error, wait->words, sizeof client->error);
	if (reply)
		*reply = wait->reply;
	else
		llmfo_reply_free(wait->reply);
	return wait->error;
}

/* 0: the client may wait for a call. */
static int
begin(struct llmfo_client *client, struct llmfo_reply **reply)
{
	if (reply)
		*reply = NULL;
	if (!client)
		return LLMFO_EUSAGE;
	if (client->inside)
		return client_say(client, LLMFO_EUSAGE, "a callback may not wait for a call");
	client->error[0] = '\0';
	return 0;
}

static int
until_done(struct llmfo_client *client, struct wait *wait, struct llmfo_reply **reply)
{
	client->inside = true;
	client_turn(client);
	while (!wait->done) {
		wait_for(client);
		client_turn(client);
	}
	client->inside = false;
	return finish(client, wait, reply);
}

int
llmfo_call(struct llmfo_client *client, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms, struct llmfo_reply **reply)
{
	struct wait wait = {.client = client};
	int error = begin(client, reply);

	if (error)
		return error;
	if (!method || timeout_ms <= 0)
		return client_say(client, LLMFO_EUSAGE, "a call needs a method and a time above 0");
	error = client_start(client, method, params, timeout_ms, call_done, &wait, NULL);
	return error ? error : until_done(client, &wait, reply);
}

int
llmfo_generate_stream(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_delta *delta, void *arg, struct llmfo_reply **reply)
{
	struct wait wait = {.client = client, .delta = delta, .arg = arg};
	int error = begin(client, reply);

	if (error)
		return error;
	if (!delta || timeout_ms <= 0)
		return client_say(
			client, LLMFO_EUSAGE, "a stream needs a callback and a time above 0");
	error = client_start_stream(client, params, timeout_ms, call_delta, call_done, &wait, NULL);
	return error ? error : until_done(client, &wait, reply);
}

int
llmfo_generate(struct llmfo_client *client, const struct llmfo_params *params, int64_t timeout_ms,
	struct llmfo_reply **reply)
{
	return llmfo_call(client, "generate", params, timeout_ms, reply);
}

int
llmfo_pick(struct llmfo_client *client, const struct llmfo_params *params, int64_t timeout_ms,
	struct llmfo_reply **reply)
{
	return llmfo_call(client, "pick", params, timeout_ms, reply);
}

int
llmfo_report(struct llmfo_client *client, const struct llmfo_params *params, int64_t timeout_ms,
	struct llmfo_reply **reply)
{
	return llmfo_call(client, "report", params, timeout_ms, reply);
}
