/* SPDX-License-Identifier: MIT */
/*
 * The blocking half of the library: a client, and a call as a loop over the steps of its connection
 * until the reply or the deadline. It decides where to connect, when to connect anew and what a
 * person is told; the connection does the rest.
 */
#include <assert.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conn.h"
#include "error.h"
#include "params.h"
#include "place.h"

/* How long after the deadline of a `generate` its reply, which says what happened, is still waited
 * for. */
#define CALL_GRACE_MS 500
/* A day: longer times are shortened to it, so that no sum overflows. */
#define CALL_TIMEOUT_MAX_MS ((int64_t)24 * 3600 * 1000)
/* How often a request that was not wholly sent goes out again. */
#define CALL_TRIES 4
#define CALL_PAUSE_MAX_MS 64

struct llmfo_client {
	struct conn conn;
	struct place place;
	size_t current; /* of place, the one tried last */
	char error[512];
};

/* One blocking call under way. */
struct wait {
	bool done;
	int error;
	struct llmfo_reply *reply; /* owned */
};

const char *
llmfo_version(void)
{
	return PACKAGE_VERSION;
}

const char *
llmfo_error_code(int error)
{
	return error_code(error);
}

const char *
llmfo_error_text(int error)
{
	return error_text(error);
}

int
llmfo_error_from_code(const char *code)
{
	return error_from_code(code);
}

int
llmfo_client_new(struct llmfo_client **client, const char *socket_path)
{
	struct llmfo_client *c;
	int error;

	if (!client)
		return LLMFO_EUSAGE;
	*client = NULL;
	c = calloc(1, sizeof *c);
	if (!c)
		return LLMFO_ENO_MEMORY;
	conn_init(&c->conn);
	error = place_find(&c->place, socket_path);
	if (error) {
		free(c);
		return error;
	}
	*client = c;
	return 0;
}

void
llmfo_client_free(struct llmfo_client *client)
{
	if (!client)
		return;
	conn_close(&client->conn, LLMFO_EDISCONNECTED);
	free(client);
}

const char *
llmfo_client_socket(const struct llmfo_client *client)
{
	return client ? client->place.path[client->current] : "";
}

const char *
llmfo_client_error(const struct llmfo_client *client)
{
	return client ? client->error : "";
}

static int64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Remembers the words of an error and gives it back. */
__attribute__((format(printf, 3, 4))) static int
say(struct llmfo_client *client, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(client->error, sizeof client->error, format, args);
	va_end(args);
	return error;
}

/* Appends to the words. */
__attribute__((format(printf, 2, 3))) static void
say_more(struct llmfo_client *client, const char *format, ...)
{
	size_t length = strlen(client->error);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(client->error + length, sizeof client->error - length, format, args);
	va_end(args);
}

/* Tries each place once. LLMFO_EBUSY: someone is there, but has no room in its queue at the moment.
 */
static int
connect_once(struct llmfo_client *client)
{
	struct conn *conn = &client->conn;

	client->error[0] = '\0';
	for (size_t i = 0; i < client->place.count; i++) {
		const char *path = client->place.path[i];
		int error = conn_open(conn, path);

		client->current = i;
		if (error == LLMFO_ENO_MEMORY)
			return say(client, error, "%s: %s", path, conn->why);
		if (error != LLMFO_ENO_DAEMON)
			return error;
		say_more(client, "%s%s: %s", i ? ", " : "no daemon at ", path, conn->why);
	}
	return LLMFO_ENO_DAEMON;
}

/* Up to the full pause, at least half of it: many clients that wait for one queue should not come
 * back together. */
static int
jittered(int pause_ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return pause_ms - (int)((unsigned long)now.tv_nsec / 64 % ((unsigned)pause_ms / 2 + 1));
}

static int
connect_until(struct llmfo_client *client, int64_t deadline_ms)
{
	int pause_ms = 1;

	for (;;) {
		int error = connect_once(client);

		if (error != LLMFO_EBUSY)
			return error;
		if (clock_ms() + pause_ms > deadline_ms)
			return say(client, LLMFO_ETIMED_OUT, "%s: the daemon's queue is full",
				llmfo_client_socket(client));
		(void)poll(NULL, 0, jittered(pause_ms));
		if (pause_ms < CALL_PAUSE_MAX_MS)
			pause_ms *= 2;
	}
}

/* An open connection that is not known to be dead. */
static int
ready(struct llmfo_client *client, int64_t deadline_ms)
{
	if (client->conn.fd >= 0)
		(void)conn_process(&client->conn, POLLIN); /* a dead one is closed by this */
	return client->conn.fd >= 0 ? 0 : connect_until(client, deadline_ms);
}

static void
call_done(void *arg, int error, struct llmfo_reply *reply)
{
	struct wait *wait = arg;

	assert(!wait->done);
	wait->done = true;
	wait->error = error;
	wait->reply = reply;
}

/* Until the call has ended or the deadline passed. */
static int
wait_for(struct llmfo_client *client, struct wait *wait, uint32_t msgid, int64_t deadline_ms)
{
	struct conn *conn = &client->conn;
	short got = 0;

	for (;;) {
		(void)conn_process(conn, got); /* what breaks the connection ends the call */
		if (wait->done)
			return wait->error;
		int64_t left_ms = deadline_ms - clock_ms();
		if (left_ms <= 0)
			break;
		struct pollfd pollfd = {.fd = conn->fd, .events = conn_events(conn)};
		got = poll(&pollfd, 1, (int)left_ms) > 0 ? pollfd.revents : 0;
	}
	conn_abandon(conn, msgid);
	return LLMFO_ETIMED_OUT;
}

/* Puts the failure of a call into words. */
static int
explain(struct llmfo_client *client, int error, const struct wait *wait)
{
	const char *path = llmfo_client_socket(client);

	if (wait->reply)
		return say(client, error, "%s: %s", error_code(error),
			llmfo_reply_string(wait->reply, "message"));
	switch (error) {
	case LLMFO_ETIMED_OUT:
		return say(client, error, "%s: no reply within the time given", path);
	case LLMFO_ENO_DAEMON:
		return say(client, error, "no daemon at %s: it closes every connection", path);
	case LLMFO_EDISCONNECTED:
		return say(client, error, "%s: %s before it answered", path, client->conn.why);
	default: return say(client, error, "%s: %s", path, client->conn.why);
	}
}

/* Sends the request once and waits. LLMFO_ENO_DAEMON with *sent: it was not wholly sent, connecting
 * anew may help. */
static int
try_call(struct llmfo_client *client, const char *method, const struct llmfo_params *params,
	int64_t call_deadline_ms, int64_t until_ms, struct wait *wait, bool *sent)
{
	uint32_t msgid;
	int error = ready(client, until_ms);

	*sent = false;
	if (error)
		return error;
	*wait = (struct wait){.done = false};
	error = conn_start(
		&client->conn, method, params, call_deadline_ms, call_done, wait, &msgid);
	if (error == LLMFO_ETOO_LARGE)
		return say(client, LLMFO_EUSAGE, "the parameters are longer than a request may be");
	if (error)
		return say(client, error, "%s", error_text(error));
	*sent = true;
	error = wait_for(client, wait, msgid, until_ms);
	return error ? explain(client, error, wait) : 0;
}

int
llmfo_call(struct llmfo_client *client, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms, struct llmfo_reply **reply)
{
	struct wait wait = {.done = false};
	int64_t call_deadline_ms = 0;
	bool sent = true;
	int error;

	if (reply)
		*reply = NULL;
	if (!client)
		return LLMFO_EUSAGE;
	client->error[0] = '\0';
	if (!method || timeout_ms <= 0)
		return say(client, LLMFO_EUSAGE, "a call needs a method and a time above 0");
	error = params_error(params);
	if (error)
		return say(client, error, "a parameter could not be set: %s", error_text(error));
	if (timeout_ms > CALL_TIMEOUT_MAX_MS)
		timeout_ms = CALL_TIMEOUT_MAX_MS;
	if (strcmp(method, "generate") == 0)
		call_deadline_ms = timeout_ms;
	int64_t until_ms = clock_ms() + timeout_ms;
	if (call_deadline_ms && !params_has(params, "deadline_ms"))
		until_ms += CALL_GRACE_MS;
	error = LLMFO_ENO_DAEMON;
	for (int i = 0; i < CALL_TRIES && sent && error == LLMFO_ENO_DAEMON; i++)
		error = try_call(client, method, params, call_deadline_ms, until_ms, &wait, &sent);
	if (reply)
		*reply = wait.reply;
	else
		llmfo_reply_free(wait.reply);
	return error;
}

int
llmfo_generate(struct llmfo_client *client, const struct llmfo_params *params, int64_t timeout_ms,
	struct llmfo_reply **reply)
{
	return llmfo_call(client, "generate", params, timeout_ms, reply);
}
