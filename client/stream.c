/* SPDX-License-Identifier: MIT */
/*
 * Streams: the pieces that come before a reply go to the callback of the call that they belong to.
 * One for a call that nobody knows, or that has ended here, is passed over.
 */
#include <string.h>

#include "client.h"

static struct client_call *
call_of(const struct llmfo_client *client, const struct llmfo_value *params)
{
	int64_t msgid = llmfo_value_int(llmfo_value_at(params, 0), -1);
	struct client_call *call = conn_waiting(&client->conn, msgid);

	return call && call->state != CLIENT_ENDED && call->delta ? call : NULL;
}

void
client_streamed(struct llmfo_client *client, const char *method, const struct llmfo_value *params)
{
	bool reset = strcmp(method, "reset") == 0;
	const struct llmfo_value *delta = reset ? NULL : llmfo_value_at(params, 1);

	if (!reset && (strcmp(method, "delta") != 0 || llmfo_value_type(delta) != LLMFO_MAP))
		return;
	const struct client_call *call = client->closing ? NULL : call_of(client, params);
	if (call)
		call->delta(call->arg, call->id, delta);
}

int
llmfo_start_stream(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_delta *delta, llmfo_done *done, void *arg, uint64_t *call_id)
{
	struct client_call *call;

	if (!client || client->closing)
		return LLMFO_EUSAGE;
	if (timeout_ms <= 0 || !delta || !done)
		return client_say(client, LLMFO_EUSAGE,
			"a stream needs a time above 0 and both its callbacks");
	int error = client_start_stream(client, params, timeout_ms, delta, done, arg, &call);
	if (!error && call_id)
		*call_id = call->id;
	return error;
}
