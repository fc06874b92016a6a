/* SPDX-License-Identifier: MIT */
/*
 * What a streaming call tells its caller, and what it makes of a stream that breaks. call->told is
 * the text that the caller has: what comes is told first and then added to it, a reset empties it,
 * and the answer's text is what it is in the end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "call_rules.h"
#include "llmfo.h"
#include "log.h"

/* What was told is handed to another target up to this length: a longer text begins anew. */
#define CONTINUE_MAX_BYTES ((size_t)1 << 20)

bool
call_has_told(const struct call *call)
{
	return call->told.len > 0 || call->told_calls > 0;
}

/* ---- telling ---- */

/* The first piece of a lane's makes it the winner; a caller that takes nothing gets this one yet.
 */
static void
win(struct call_lane *lane)
{
	struct call *call = lane->call;

	if (call->winner == lane)
		return;
	assert(!call->winner);
	call->winner = lane;
	call_lanes_stop(call, lane, CALL_WAS_FASTER);
	if (call->held)
		attempt_hold(lane->attempt, true);
}

static void
void_what_was_told(struct call *call)
{
	buf_free(&call->told);
	call->told_calls = 0;
	call->events->reset(call->arg);
}

/* Before a lane's first piece: if it did not go on from what was told, that is void now. */
static void
begin_telling(struct call_lane *lane)
{
	struct call *call = lane->call;

	if (lane->told)
		return;
	lane->told = true;
	if (!lane->continues && call_has_told(call))
		void_what_was_told(call);
	if (call->first_token_ms < 0)
		call->first_token_ms = clock_now_ms(call->env->clock) - call->started_ms;
}

/*
 * What was told ended in white space, which a prefill may not: a target that goes on from there
 * says it again. Skips that.
 */
static void
skip_blank(struct call_lane *lane, const char **text, size_t *length)
{
	const struct buf *told = &lane->call->told;

	while (lane->blank > 0 && *length > 0) {
		if (**text != told->data[told->len - lane->blank]) {
			lane->blank = 0;
			return;
		}
		lane->blank--;
		(*text)++;
		(*length)--;
	}
}

void
call_tell_text(struct call_lane *lane, const char *text, size_t length)
{
	struct call *call = lane->call;

	win(lane);
	skip_blank(lane, &text, &length);
	if (length == 0)
		return;
	begin_telling(lane);
	lane->blank = 0;
	(void)buf_add(&call->told, text, length);
	call->events->text(call->arg, text, length);
}

void
call_tell_tool_call(struct call_lane *lane, const struct json *tool_call)
{
	struct call *call = lane->call;

	win(lane);
	begin_telling(lane);
	call->told_calls++;
	call->events->tool_call(call->arg, tool_call);
}

void
call_complete(struct call_lane *lane, struct provider_answer *answer)
{
	struct call *call = lane->call;

	if (!call->request->stream)
		return;
	/* an answer without a word takes the place of what was told, too */
	if (!lane->told && !lane->continues && call_has_told(call))
		void_what_was_told(call);
	if (!lane->continues)
		return;
	buf_free(&answer->text);
	answer->text = call->told;
	buf_init(&call->told, 0);
}

/* ---- breaking ---- */

bool
call_mends(struct call *call, const struct outcome *outcome)
{
	int error = call_error_of(outcome);

	/* what lies in the request is nobody's break */
	if (error == LLMFO_EALL_FAILED && call->request->on_break != CALL_BREAK_ERROR &&
		call_goes_on(call, outcome))
		return true;
	if (clock_now_ms(call->env->clock) >= call->deadline_ms)
		error = LLMFO_EDEADLINE_EXCEEDED;
	call_fail_with(call, error == LLMFO_EALL_FAILED ? LLMFO_EINTERRUPTED : error);
	return false;
}

/* How many bytes of white space a text ends in. */
static size_t
blank_end(const struct buf *text)
{
	size_t count = 0;

	while (count < text->len && strchr(" \t\r\n", text->data[text->len - count - 1]) &&
		text->data[text->len - count - 1] != '\0')
		count++;
	return count;
}

bool
call_can_continue(const struct call *call, const struct route_candidate *candidate)
{
	const struct config_target *target = candidate->target;
	struct provider_chat chat;

	call_fill_chat(call, target, &chat);
	return call->told_calls == 0 && call->told.len > blank_end(&call->told) &&
		call->told.len <= CONTINUE_MAX_BYTES &&
		!call_progress(call, candidate)->no_prefill &&
		provider_takes_prefill(target->provider->endpoint.preset, &chat);
}

/* The text of a message of the caller's that is to be gone on from, as parts or as one. */
static void
add_text(const struct json *content, struct buf *text)
{
	size_t length;
	const char *own = json_string(content, &length);

	if (own)
		(void)buf_add(text, own, length);
	for (size_t i = 0; json_type(content) == JSON_ARRAY && i < json_count(content); i++) {
		const struct json *part = json_get(json_at(content, i), "text");

		own = json_string(part, &length);
		if (own)
			(void)buf_add(text, own, length);
	}
}

void
call_prefill(struct call_lane *lane)
{
	struct call *call = lane->call;
	const struct json *messages = call->request->messages;
	size_t count = json_count(messages);
	const struct json *last = count ? json_at(messages, count - 1) : NULL;
	const char *role = json_text(last, "role");
	struct buf text;

	json_free(lane->messages);
	lane->messages = NULL;
	lane->blank = 0;
	lane->continues = call->request->on_break == CALL_BREAK_CONTINUE && call_has_told(call) &&
		call_can_continue(call, lane->candidate);
	if (!lane->continues)
		return;
	lane->blank = blank_end(&call->told);
	buf_init(&text, SIZE_MAX / 2);
	/* the caller had words of its own put into the assistant's mouth */
	bool joins = role && strcmp(role, "assistant") == 0 &&
		json_count(json_get(last, "tool_calls")) == 0;
	if (joins)
		add_text(json_get(last, "content"), &text);
	(void)buf_add(&text, call->told.data, call->told.len - lane->blank);
	struct json *message = json_new_object();
	json_set_text(message, "role", "assistant");
	json_set(message, "content", json_new_string(text.data, text.len));
	buf_free(&text);
	lane->messages = json_new_array();
	for (size_t i = 0; i < count - joins; i++)
		json_push(lane->messages, json_ref(json_at(messages, i)));
	json_push(lane->messages, message);
}

/* ---- a caller that takes nothing ---- */

static void
on_stall(void *arg)
{
	struct call *call = arg;

	call_fail(call, LLMFO_EINTERRUPTED,
		x_asprintf("the client did not read its stream for %lld s",
			(long long)(call->request->config->stream_stall_ms / 1000)));
}

void
call_hold(struct call *call, bool held)
{
	struct clock *clock = call->env->clock;

	if (call->held == held || call->state >= CALL_ENDING)
		return;
	call->held = held;
	if (call->winner && call->winner->attempt)
		attempt_hold(call->winner->attempt, held);
	if (held)
		clock_start(clock, &call->stall,
			util_add_clamped(
				clock_now_ms(clock), call->request->config->stream_stall_ms),
			on_stall, call);
	else
		clock_stop(clock, &call->stall);
}
