/* SPDX-License-Identifier: MIT */
/* See client.h: how a client comes and goes, and what it says of itself. */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"

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
	c->conn.notified = client_notified;
	c->conn.notified_arg = c;
	list_init(&c->queued);
	list_init(&c->sending);
	list_init(&c->sent);
	list_init(&c->ended);
	c->due_ms = CLIENT_NEVER_MS;
	c->pause_ms = 1;
	error = place_find(&c->place, socket_path);
	if (error) {
		free(c);
		return error;
	}
	*client = c;
	return 0;
}

static void
tell_all(struct list *calls, int error)
{
	while (!list_empty(calls)) {
		struct client_call *call = LIST_OWNER(calls->next, struct client_call, node);

		client_tell(call, call->state == CLIENT_ENDED ? call->error : error, NULL);
	}
}

void
llmfo_client_free(struct llmfo_client *client)
{
	if (!client || client->inside)
		return;
	client->inside = true;
	client->closing = true;
	llmfo_unsubscribe(client);
	conn_free(&client->conn); /* which tells what is on the connection */
	/* Callbacks may cancel what is still queued, which then has ended instead. */
	do {
		tell_all(&client->ended, LLMFO_ECANCELLED);
		tell_all(&client->queued, LLMFO_ECANCELLED);
	} while (!list_empty(&client->ended));
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

int
client_say(struct llmfo_client *client, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(client->error, sizeof client->error, format, args);
	va_end(args);
	return error;
}
