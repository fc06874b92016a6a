/* SPDX-License-Identifier: MIT */
/*
 * What a client has subscribed to: asked for anew on every connection, with a pause that grows
 * while that fails, and told to the program whenever it begins or ceases to stand, so that it knows
 * what it may have missed.
 */
#include <string.h>

#include "client.h"
#include "error.h"
#include "params.h"

#define EVENT_PAUSE_MIN_MS 20
#define EVENT_PAUSE_MAX_MS 1000

/* Before the reply to our asking, what comes is meant for a subscription that was replaced. */
void
client_notified(void *arg, const char *method, const struct llmfo_value *params)
{
	struct llmfo_client *client = arg;
	struct subscription *subscription = &client->subscription;
	const struct llmfo_value *event = llmfo_value_at(params, 0);

	if (strcmp(method, "event") != 0)
		client_streamed(client, method, params);
	else if (llmfo_value_type(event) == LLMFO_MAP && subscription->state == SUBSCRIPTION_STANDS)
		subscription->event(subscription->arg, 0, event);
}

/* Later. The program is told once of each time that it does not stand. */
static void
try_later(struct llmfo_client *client, int error)
{
	struct subscription *subscription = &client->subscription;

	subscription->state = SUBSCRIPTION_DUE;
	subscription->due_ms = client_clock_ms() + subscription->pause_ms;
	if (subscription->pause_ms < EVENT_PAUSE_MAX_MS)
		subscription->pause_ms *= 2;
	if (subscription->told)
		return;
	subscription->told = true;
	subscription->event(subscription->arg, error, NULL);
}

/* Is it worth trying again? What else a daemon says is a refusal. */
static bool
passes(int error)
{
	return error < -39 || error == LLMFO_EBUSY || error == LLMFO_ESHUTTING_DOWN ||
		error == LLMFO_ECANCELLED;
}

static void
stands(struct subscription *subscription)
{
	subscription->state = SUBSCRIPTION_STANDS;
	subscription->pause_ms = EVENT_PAUSE_MIN_MS;
	subscription->told = false;
	subscription->event(subscription->arg, 0, NULL);
}

/* The reply to our asking. */
static void
on_subscribed(void *arg, uint64_t call_id, int error, struct llmfo_reply *reply)
{
	struct llmfo_client *client = arg;
	struct subscription *subscription = &client->subscription;
	bool ours = subscription->state == SUBSCRIPTION_ASKED && subscription->call == call_id;

	if (ours && !error) {
		stands(subscription);
	} else if (ours && passes(error)) {
		try_later(client, error);
	} else if (ours) {
		struct subscription refused = *subscription;

		*subscription = (struct subscription){.state = SUBSCRIPTION_NONE};
		llmfo_params_free(refused.params);
		refused.event(refused.arg, error, llmfo_reply_value(reply));
	}
	llmfo_reply_free(reply);
}

static void
on_unsubscribed(void *arg, uint64_t call_id, int error, struct llmfo_reply *reply)
{
	(void)arg, (void)call_id, (void)error;
	llmfo_reply_free(reply);
}

void
client_subscribe_due(struct llmfo_client *client, int64_t now_ms)
{
	struct subscription *subscription = &client->subscription;
	struct client_call *call;

	if (subscription->state != SUBSCRIPTION_DUE || now_ms < subscription->due_ms)
		return;
	int error = client_start(
		client, "subscribe", subscription->params, 0, on_subscribed, client, &call);
	if (error) {
		try_later(client, error);
		return;
	}
	subscription->state = SUBSCRIPTION_ASKED;
	subscription->call = call->id;
}

void
client_subscription_lost(struct llmfo_client *client)
{
	if (client->subscription.state == SUBSCRIPTION_STANDS)
		try_later(client, LLMFO_EDISCONNECTED);
}

/* NULL-terminated types as parameters; those of no types are an empty array. */
static struct llmfo_params *
types_params(const char *const *types)
{
	struct llmfo_params *params = llmfo_params_new();

	(void)params_set_empty(params, "types");
	for (; params && *types; types++)
		(void)llmfo_params_add_string(params, "types", *types);
	if (params_error(params)) {
		llmfo_params_free(params);
		return NULL;
	}
	return params;
}

/* Ends what is asked of the daemon no more. */
static void
drop(struct llmfo_client *client)
{
	struct subscription *subscription = &client->subscription;
	struct client_call *call = NULL;

	if (subscription->state == SUBSCRIPTION_ASKED)
		call = client_find(client, subscription->call);
	if (call)
		client_end(call, LLMFO_ECANCELLED);
	llmfo_params_free(subscription->params);
	*subscription = (struct subscription){.state = SUBSCRIPTION_NONE};
}

int
llmfo_subscribe(
	struct llmfo_client *client, const char *const *types, llmfo_event *event, void *arg)
{
	struct llmfo_params *params = NULL;

	if (!client || client->closing)
		return LLMFO_EUSAGE;
	if (!event || (types && !*types))
		return client_say(
			client, LLMFO_EUSAGE, "a subscription needs types and a callback");
	if (types && !(params = types_params(types)))
		return client_say(client, LLMFO_ENO_MEMORY, "%s", error_text(LLMFO_ENO_MEMORY));
	drop(client);
	client->subscription = (struct subscription){
		.state = SUBSCRIPTION_DUE,
		.params = params,
		.event = event,
		.arg = arg,
		.pause_ms = EVENT_PAUSE_MIN_MS,
	};
	return 0;
}

/* Where the daemon cannot be told for want of memory, it sends what is passed over here. */
void
llmfo_unsubscribe(struct llmfo_client *client)
{
	static const char *const none[] = {NULL};
	struct llmfo_params *params;

	if (!client || client->subscription.state == SUBSCRIPTION_NONE)
		return;
	drop(client);
	if (client->closing || !client->connected || !(params = types_params(none)))
		return;
	(void)client_start(
		client, "subscribe", params, CLIENT_TIMEOUT_MAX_MS, on_unsubscribed, client, NULL);
	llmfo_params_free(params);
}
