/* SPDX-License-Identifier: MIT */
/*
 * Calls that were started: how one begins, how it ends, and what is said of its end. Starting and
 * cancelling only put down what is to be done; a turn does it, so that no callback comes from in
 * here but by one.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "error.h"
#include "params.h"

/* How long after the deadline of a `generate` its reply, which says what happened, is still waited
 * for. */
#define START_GRACE_MS 500
/* Over so many connections a request that was not wholly sent goes out. */
#define START_TRIES 4
/* So many daemons in turn may refuse a call because they end. */
#define START_REFUSALS 32

/* When a call is given up, and in *deadline_ms what the daemon is told of it, 0 for nothing. */
static int64_t
until(const char *method, const struct llmfo_params *params, int64_t timeout_ms,
	int64_t *deadline_ms)
{
	*deadline_ms = 0;
	if (timeout_ms == 0)
		return CLIENT_NEVER_MS;
	if (timeout_ms > CLIENT_TIMEOUT_MAX_MS)
		timeout_ms = CLIENT_TIMEOUT_MAX_MS;
	int64_t until_ms = client_clock_ms() + timeout_ms;
	if (strcmp(method, "generate") != 0)
		return until_ms;
	*deadline_ms = timeout_ms;
	return until_ms + (params_has(params, "deadline_ms") ? 0 : START_GRACE_MS);
}

static void
release(struct client_call *call)
{
	list_remove(&call->node);
	bytes_free(&call->request);
	free(call);
}

static int
pack(struct client_call *call, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms)
{
	int64_t deadline_ms;
	int error = params_error(params);

	if (error)
		return client_say(
			call->client, error, "a parameter could not be set: %s", error_text(error));
	call->until_ms = until(method, params, timeout_ms, &deadline_ms);
	error = params_pack(params, method, deadline_ms, call->delta != NULL, &call->request);
	if (error == LLMFO_ETOO_LARGE)
		return client_say(call->client, LLMFO_EUSAGE,
			"the parameters are longer than a request may be");
	return error ? client_say(call->client, error, "%s", error_text(error)) : 0;
}

static struct client_call *
new_call(struct llmfo_client *client, llmfo_done *done, void *arg)
{
	struct client_call *call = calloc(1, sizeof *call);

	if (!call) {
		client_say(client, LLMFO_ENO_MEMORY, "%s", error_text(LLMFO_ENO_MEMORY));
		return NULL;
	}
	call->client = client;
	call->done = done;
	call->arg = arg;
	list_init(&call->node);
	bytes_init(&call->request, PARAMS_MAX_BYTES);
	return call;
}

/* Takes over the call, also when it fails. */
static int
start(struct client_call *call, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms, struct client_call **started)
{
	struct llmfo_client *client = call->client;
	int error = pack(call, method, params, timeout_ms);

	if (error) {
		release(call);
		return error;
	}
	call->id = ++client->last_id;
	list_append(&client->queued, &call->node);
	if (call->until_ms < client->due_ms)
		client->due_ms = call->until_ms;
	if (started)
		*started = call;
	return 0;
}

int
client_start(struct llmfo_client *client, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_done *done, void *arg, struct client_call **started)
{
	struct client_call *call = new_call(client, done, arg);

	return call ? start(call, method, params, timeout_ms, started) : LLMFO_ENO_MEMORY;
}

int
client_start_stream(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_delta *delta, llmfo_done *done, void *arg,
	struct client_call **started)
{
	struct client_call *call = new_call(client, done, arg);

	if (!call)
		return LLMFO_ENO_MEMORY;
	call->delta = delta;
	return start(call, "generate", params, timeout_ms, started);
}

int
llmfo_start(struct llmfo_client *client, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_done *done, void *arg, uint64_t *call_id)
{
	struct client_call *call;

	if (!client || client->closing)
		return LLMFO_EUSAGE;
	if (!method || timeout_ms <= 0 || !done)
		return client_say(client, LLMFO_EUSAGE,
			"a call needs a method, a time above 0 and a callback");
	int error = client_start(client, method, params, timeout_ms, done, arg, &call);
	if (!error && call_id)
		*call_id = call->id;
	return error;
}

struct client_call *
client_find(struct llmfo_client *client, uint64_t id)
{
	struct list *lists[] = {&client->sent, &client->sending, &client->queued};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		for (struct list *node = lists[i]->next; node != lists[i]; node = node->next) {
			struct client_call *call = LIST_OWNER(node, struct client_call, node);

			if (call->id == id)
				return call;
		}
	return NULL;
}

void
client_end(struct client_call *call, int error)
{
	list_remove(&call->node);
	list_append(&call->client->ended, &call->node);
	call->state = CLIENT_ENDED;
	call->error = error;
}

int
llmfo_cancel(struct llmfo_client *client, uint64_t call_id)
{
	struct client_call *call = client ? client_find(client, call_id) : NULL;

	if (!client)
		return LLMFO_EUSAGE;
	if (!call)
		return LLMFO_ENOT_FOUND;
	client_end(call, LLMFO_ECANCELLED);
	return 0;
}

/* Puts the failure of a call into words. */
static void
explain(struct client_call *call, int error, const struct llmfo_reply *reply)
{
	struct llmfo_client *client = call->client;
	const char *path = llmfo_client_socket(client);
	bool away = client->conn.fd < 0;

	if (reply)
		client_say(client, error, "%s: %s", error_code(error),
			llmfo_reply_string(reply, "message"));
	else if (error == LLMFO_ETIMED_OUT && away && !client->full && client->missing[0])
		client_say(client, error, "%s, for as long as was given", client->missing);
	else if (error == LLMFO_ETIMED_OUT)
		client_say(client, error, "%s: %s", path,
			away && client->full ? "the daemon's queue is full"
					     : "no reply within the time given");
	else if (error == LLMFO_ENO_DAEMON && call->tries >= START_TRIES)
		client_say(client, error, "no daemon at %s: it closes every connection", path);
	else if (error == LLMFO_ENO_DAEMON)
		client_say(client, error, "%s", client->missing);
	else if (error == LLMFO_EDISCONNECTED)
		client_say(client, error, "%s: %s before it answered", path, client->conn.why);
	else if (error == LLMFO_EPROTOCOL)
		client_say(client, error, "%s: %s", path, client->conn.why);
	else
		client_say(client, error, "%s: %s", path, error_text(error));
}

void
client_tell(struct client_call *call, int error, struct llmfo_reply *reply)
{
	llmfo_done *done = call->done;
	void *arg = call->arg;
	uint64_t id = call->id;

	if (error)
		explain(call, error, reply);
	release(call);
	done(arg, id, error, reply);
}

/* Back among those that wait, in the order in which they were started. */
static void
queue_again(struct client_call *call)
{
	struct list *queued = &call->client->queued;
	struct list *next = queued->next;

	while (next != queued && LIST_OWNER(next, struct client_call, node)->id < call->id)
		next = next->next;
	list_remove(&call->node);
	list_append(next, &call->node); /* before it */
	call->state = CLIENT_QUEUED;
}

/* Refused at its arrival by a daemon that ends: nothing was done for it, the next one may do it. */
static bool
is_for_the_next(struct client_call *call, int error, const struct llmfo_reply *reply)
{
	const struct llmfo_value *begun = llmfo_value_get(llmfo_reply_value(reply), "begun");

	return error == LLMFO_ESHUTTING_DOWN && !llmfo_value_bool(begun, true) &&
		++call->refusals < START_REFUSALS;
}

void
client_conn_done(void *arg, int error, struct llmfo_reply *reply)
{
	struct client_call *call = arg;
	bool unsent = error == LLMFO_ENO_DAEMON && !reply;

	call->on_connection = false;
	if (call->state == CLIENT_ENDED) {
		llmfo_reply_free(reply); /* it was given up meanwhile, and is told that */
	} else if (call->client->closing) {
		client_tell(call, LLMFO_ECANCELLED, NULL);
	} else if (unsent && ++call->tries < START_TRIES) {
		queue_again(call);
	} else if (is_for_the_next(call, error, reply)) {
		conn_leave(&call->client->conn);
		queue_again(call);
		llmfo_reply_free(reply);
	} else {
		client_tell(call, error, reply);
	}
}
