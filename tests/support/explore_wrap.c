/* SPDX-License-Identifier: MIT */
/*
 * What stands between sessions and calls in the explorer's programs: the linker (--wrap) leads
 * every use of call_start(), call_hold() and call_cancel() here. So the explorer knows of each call
 * that a client's bytes began, and sees what it is told and what becomes of it, with the same rules
 * as of a call of its own; what the client gets of that in bytes is explore_hear.c's.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "explore_state.h"

struct call *explore_wrap_start(struct call_env *env, struct call_request *request,
	const struct call_events *events, void *arg) __asm__("__wrap_call_start");
struct call *explore_real_start(struct call_env *env, struct call_request *request,
	const struct call_events *events, void *arg) __asm__("__real_call_start");
void explore_wrap_hold(struct call *running, bool held) __asm__("__wrap_call_hold");
void explore_real_hold(struct call *running, bool held) __asm__("__real_call_hold");
void explore_wrap_cancel(struct call *running) __asm__("__wrap_call_cancel");
void explore_real_cancel(struct call *running) __asm__("__real_call_cancel");

static struct explore *current;

void
explore_wrap(struct explore *explore)
{
	current = explore;
}

/* ---- what calls tell sessions ---- */

static void
on_text(void *arg, const char *text, size_t length)
{
	struct explore_call *call = arg;

	explore_told.text(call, text, length);
	call->events->text(call->events_arg, text, length);
	explore_check_heard(call);
}

static void
on_tool_call(void *arg, const struct json *tool_call)
{
	struct explore_call *call = arg;

	explore_told.tool_call(call, tool_call);
	call->events->tool_call(call->events_arg, tool_call);
	explore_check_heard(call);
}

static void
on_reset(void *arg)
{
	struct explore_call *call = arg;

	explore_told.reset(call);
	call->events->reset(call->events_arg);
	explore_check_heard(call);
}

static void
on_done(void *arg, const struct call_result *result)
{
	struct explore_call *call = arg;

	explore_told.done(call, result);
	call->result = result;
	call->events->done(call->events_arg, result);
	call->result = NULL;
}

static const struct call_events stream_events = {
	.done = on_done, .text = on_text, .tool_call = on_tool_call, .reset = on_reset};
static const struct call_events events_at_once = {.done = on_done};

/* ---- what sessions do with calls ---- */

static struct explore_asked *
asked_by(struct explore_client *client, const struct call_request *request)
{
	const struct json *messages = request->messages;
	const char *prompt = json_text(json_at(messages, json_count(messages) - 1), "content");

	assert(prompt && strncmp(prompt, "call <", 6) == 0);
	size_t label = (size_t)strtoul(prompt + 6, NULL, 10);
	for (size_t i = 0; i < client->asked_count; i++)
		if (client->asked[i].label == label &&
			client->asked[i].method == MESSAGE_M_generate)
			return &client->asked[i];
	abort();
}

struct call *
explore_wrap_start(struct call_env *env, struct call_request *request,
	const struct call_events *events, void *arg)
{
	struct explore_client *client = current ? current->speaker : NULL;

	if (!client)
		return explore_real_start(env, request, events, arg);
	struct explore_asked *asked = asked_by(client, request);
	struct explore_call *call = explore_keep_call(current, request, asked->label);
	asked->call = call;
	call->client = client;
	call->events = events;
	call->events_arg = arg;
	struct call *running = explore_real_start(
		env, request, call->stream ? &stream_events : &events_at_once, call);
	if (call->row->replies)
		explore_blame(current, "No call is answered from inside its start", "call %zu",
			call->number);
	else
		call->row->call = running;
	return running;
}

/* NULL: it is none of a client's. */
static struct explore_call *
find(const struct call *running)
{
	for (size_t i = current ? current->call_count : 0; i-- > 0;)
		if (current->calls[i]->row->call == running && current->calls[i]->client)
			return current->calls[i];
	return NULL;
}

void
explore_wrap_hold(struct call *running, bool held)
{
	struct explore_call *call = find(running);

	if (call && call->held != held) {
		explore_say(current, "call %zu is %s", call->number, held ? "held" : "let go");
		call->held = held;
		call->was_held |= held;
		call->held_ms = current->scene->clock.time_ms;
	}
	explore_real_hold(running, held);
}

void
explore_wrap_cancel(struct call *running)
{
	struct explore_call *call = find(running);

	if (call)
		explore_leave(call);
	explore_real_cancel(running);
}
