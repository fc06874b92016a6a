/* SPDX-License-Identifier: MIT */
/*
 * A turn of a client: reads what has come, connects where a call needs it, ends what has timed out,
 * and sends what goes. It never waits. Requests are handed to the connection as it takes them, so
 * that one that is still here can be taken back, or be sent over the next connection.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "error.h"

#define TURN_PAUSE_MAX_MS 64
/* The connection is given requests until it holds so much; so often a turn. */
#define TURN_FEED_BYTES ((size_t)256 * 1024)
#define TURN_FEEDS 16

int64_t
client_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Appends to the words about places where no daemon was reached. One that may not be opened may
 * well have a daemon. */
static void
say_missing(struct llmfo_client *client, const char *path)
{
	const struct conn *conn = &client->conn;
	size_t length = strlen(client->missing);

	(void)snprintf(client->missing + length, sizeof client->missing - length,
		conn->barred ? "%s%s may not be opened: %s" : "%sno daemon at %s: %s",
		length ? ", " : "", path, conn->why);
}

/* Tries each place once. LLMFO_EBUSY: someone is there, but has no room in its queue at the moment.
 */
static int
connect_once(struct llmfo_client *client)
{
	client->missing[0] = '\0';
	for (size_t i = 0; i < client->place.count; i++) {
		const char *path = client->place.path[i];
		int error = conn_open(&client->conn, path);

		client->current = i;
		if (error != LLMFO_ENO_DAEMON)
			return error;
		say_missing(client, path);
	}
	return LLMFO_ENO_DAEMON;
}

/* Up to the full pause, at least half of it: many clients that wait for one daemon should not come
 * back together. */
static int64_t
jittered(int pause_ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return pause_ms - (int)((unsigned long)now.tv_nsec / 64 % ((unsigned)pause_ms / 2 + 1));
}

/* Are calls, for want of a daemon, at their end? */
static bool
hopeless(const struct llmfo_client *client, int error, int64_t now_ms)
{
	bool restarts = client->lost_ms && now_ms < client->lost_ms + CLIENT_RESTART_MS;

	return error != LLMFO_ENO_DAEMON || !restarts;
}

static void
connect_anew(struct llmfo_client *client, int64_t now_ms)
{
	int error = connect_once(client);

	client->full = error == LLMFO_EBUSY;
	if (!error) {
		client->connected = true;
		client->retry_ms = 0;
		client->pause_ms = 1;
		return;
	}
	client->retry_ms = now_ms + jittered(client->pause_ms);
	if (client->pause_ms < TURN_PAUSE_MAX_MS)
		client->pause_ms *= 2;
	if (client->full || !hopeless(client, error, now_ms))
		return;
	while (!list_empty(&client->queued))
		client_end(LIST_OWNER(client->queued.next, struct client_call, node), error);
}

/* A connection to a daemon that ends is of no more use once all on it is answered. */
static void
leave(struct conn *conn)
{
	if (conn->fd >= 0 && conn->leaving && conn->awaited == 0)
		conn_close(conn, LLMFO_EDISCONNECTED);
}

static void
notice_loss(struct llmfo_client *client, int64_t now_ms)
{
	if (client->conn.fd >= 0 || !client->connected)
		return;
	client->connected = false;
	client->lost_ms = now_ms;
	client_subscription_lost(client);
}

static void
expire_some(struct llmfo_client *client, struct list *calls, int64_t now_ms)
{
	struct list *next;

	for (struct list *node = calls->next; node != calls; node = next) {
		struct client_call *call = LIST_OWNER(node, struct client_call, node);

		next = node->next;
		if (call->until_ms <= now_ms)
			client_end(call, LLMFO_ETIMED_OUT);
		else if (call->until_ms < client->due_ms)
			client->due_ms = call->until_ms;
	}
}

static void
expire(struct llmfo_client *client, int64_t now_ms)
{
	if (now_ms < client->due_ms)
		return;
	client->due_ms = CLIENT_NEVER_MS;
	expire_some(client, &client->queued, now_ms);
	expire_some(client, &client->sending, now_ms);
	expire_some(client, &client->sent, now_ms);
}

/* The connection need not tell of what has ended here. */
static void
abandon_ended(struct llmfo_client *client)
{
	struct list *ended = &client->ended;

	for (struct list *node = ended->next; node != ended; node = node->next) {
		struct client_call *call = LIST_OWNER(node, struct client_call, node);

		if (!call->on_connection)
			continue;
		call->on_connection = false;
		conn_abandon(&client->conn, call->msgid);
	}
}

static void
note_sent(struct llmfo_client *client)
{
	while (!list_empty(&client->sending)) {
		struct client_call *call =
			LIST_OWNER(client->sending.next, struct client_call, node);

		if (client->conn.sent_bytes < call->end_bytes)
			return;
		call->state = CLIENT_SENT;
		list_remove(&call->node);
		list_append(&client->sent, &call->node);
	}
}

static void
put_on_connection(struct client_call *call)
{
	struct llmfo_client *client = call->client;
	struct conn *conn = &client->conn;
	int error = conn_start(conn, &call->request, client_conn_done, call, &call->msgid);

	if (error) {
		client_end(call, error);
		return;
	}
	call->on_connection = true;
	call->end_bytes = conn->queued_bytes;
	call->state = CLIENT_SENDING;
	list_remove(&call->node);
	list_append(&client->sending, &call->node);
}

static void
feed(struct llmfo_client *client)
{
	struct conn *conn = &client->conn;

	for (int i = 0; i < TURN_FEEDS && conn->fd >= 0; i++) {
		while (!list_empty(&client->queued) && conn->out.len < TURN_FEED_BYTES &&
			!conn->leaving)
			put_on_connection(
				LIST_OWNER(client->queued.next, struct client_call, node));
		if (!conn->out.len)
			return;
		if (conn_process(conn, 0) == 0)
			note_sent(client);
		if (conn->out.len)
			return;
	}
}

/* What callbacks end now is told in the next turn: so this comes to an end. */
static void
tell_ended(struct llmfo_client *client)
{
	struct list due;

	list_init(&due);
	list_splice(&due, &client->ended);
	while (!list_empty(&due)) {
		struct client_call *call = LIST_OWNER(due.next, struct client_call, node);

		list_remove(&call->node);
		if (call->on_connection)
			list_append(&client->ended, &call->node);
		else
			client_tell(call, call->error, NULL);
	}
}

void
client_turn(struct llmfo_client *client)
{
	int64_t now_ms = client_clock_ms();

	if (conn_process(&client->conn, POLLIN) == 0)
		note_sent(client);
	leave(&client->conn);
	notice_loss(client, now_ms);
	client_subscribe_due(client, now_ms);
	if (client->conn.fd < 0 && !list_empty(&client->queued) && now_ms >= client->retry_ms)
		connect_anew(client, now_ms);
	expire(client, now_ms);
	abandon_ended(client);
	feed(client);
	tell_ended(client);
}

/* When a turn has something to do that nobody else will tell. */
static int64_t
next_ms(const struct llmfo_client *client)
{
	const struct conn *conn = &client->conn;
	bool idle = list_empty(&client->queued) && list_empty(&client->sending) &&
		list_empty(&client->sent);
	int64_t at_ms = idle ? CLIENT_NEVER_MS : client->due_ms;

	if (!list_empty(&client->ended) || (conn->fd < 0 && client->connected))
		return 0;
	if (client->subscription.state == SUBSCRIPTION_DUE && client->subscription.due_ms < at_ms)
		at_ms = client->subscription.due_ms;
	if (list_empty(&client->queued) || conn->leaving)
		return at_ms;
	if (conn->fd >= 0)
		return conn->out.len < TURN_FEED_BYTES ? 0 : at_ms;
	return client->retry_ms < at_ms ? client->retry_ms : at_ms;
}

int64_t
client_wait_ms(const struct llmfo_client *client)
{
	int64_t at_ms = next_ms(client);

	if (at_ms == CLIENT_NEVER_MS)
		return -1;
	int64_t left_ms = at_ms ? at_ms - client_clock_ms() : 0;
	return left_ms > 0 ? left_ms : 0;
}

int
llmfo_fd(struct llmfo_client *client)
{
	return client ? watch_open(&client->conn.watch) : LLMFO_EUSAGE;
}

int
llmfo_events(const struct llmfo_client *client)
{
	return client ? LLMFO_WANT_READ : 0;
}

int64_t
llmfo_timeout_ms(const struct llmfo_client *client)
{
	return client ? client_wait_ms(client) : -1;
}

int
llmfo_process(struct llmfo_client *client)
{
	if (!client || client->inside)
		return LLMFO_EUSAGE;
	client->inside = true;
	client_turn(client);
	client->inside = false;
	return 0;
}
