/* SPDX-License-Identifier: MIT */
/* Of scene.h: what a client is told of its call, and whether it may be. */
#include <stdlib.h>
#include <string.h>

#include "scene.h"

static void
keep_attempts(struct scene_call *row, const struct call_result *result)
{
	row->attempt_count = result->attempt_count;
	row->attempts = x_calloc(result->attempt_count, sizeof row->attempts[0]);
	for (size_t i = 0; i < result->attempt_count; i++)
		row->attempts[i] = (struct scene_attempt){
			.target = x_strdup(result->attempts[i].target),
			.class = result->attempts[i].outcome.class,
			.latency_ms = result->attempts[i].latency_ms,
			.cost_picousd = result->attempts[i].cost_picousd,
			.cost_unknown = result->attempts[i].cost_unknown,
			.cost_may = result->attempts[i].cost_may,
		};
}

/* Text, tool calls and resets come to those alone that asked for them, and before their reply. */
static void
check_told(struct scene_call *row)
{
	if (!row->stream)
		scene_blame(row->scene, "a call that asked for no stream is told one");
	if (row->replies || row->cancelled)
		scene_blame(row->scene, "a call is told something after its end");
}

static void
on_text(void *arg, const char *text, size_t length)
{
	struct scene_call *row = arg;

	check_told(row);
	if (length == 0)
		scene_blame(row->scene, "an empty piece is told");
	(void)buf_add(&row->told, text, length);
	row->deltas++;
}

static void
on_tool_call(void *arg, const struct json *tool_call)
{
	struct scene_call *row = arg;

	check_told(row);
	if (!json_text(json_get(tool_call, "function"), "name"))
		scene_blame(row->scene, "a tool call without a name is told");
	row->tool_calls++;
}

static void
on_reset(void *arg)
{
	struct scene_call *row = arg;

	check_told(row);
	if (row->told.len == 0 && row->tool_calls == 0)
		scene_blame(row->scene, "a reset when nothing was told");
	buf_clear(&row->told);
	row->tool_calls = 0;
	row->resets++;
}

/* A stream's reply holds what was told, and nothing else. */
static void
check_whole(const struct scene_call *row, const struct call_result *result)
{
	const char *text = result->error ? result->partial : result->answer->text.data;
	size_t length = result->error ? result->partial_length : result->answer->text.len;

	if (!row->stream)
		return;
	if (length != row->told.len || (length && memcmp(text, row->told.data, length) != 0))
		scene_blame(row->scene, "told was \"%s\", the reply has \"%s\"", row->told.data,
			text ? text : "");
	if (!result->error && json_count(result->answer->tool_calls) != row->tool_calls)
		scene_blame(row->scene, "%zu tool calls were told, the reply has %zu",
			row->tool_calls, json_count(result->answer->tool_calls));
}

static void
on_reply(void *arg, const struct call_result *result)
{
	struct scene_call *row = arg;

	row->call = NULL;
	if (++row->replies > 1)
		return;
	check_whole(row, result);
	row->over_ms = row->scene->clock.time_ms;
	row->first_token_ms = result->first_token_ms;
	row->partial = result->partial ? x_strndup(result->partial, result->partial_length) : NULL;
	row->error = result->error;
	row->fallback = result->fallback_occurred;
	row->estimated = result->usage_estimated;
	row->retry_after_ms = result->retry_after_ms;
	row->message = x_strdup(result->message);
	if (result->error == 0) {
		row->text = x_strndup(result->answer->text.data, result->answer->text.len);
		row->target = x_strdup(result->target->name);
		row->prompt_tokens = result->answer->usage.prompt_tokens;
		row->completion_tokens = result->answer->usage.completion_tokens;
		row->cost_picousd = result->cost_picousd;
		row->cost_unknown = result->cost_unknown;
	}
	keep_attempts(row, result);
}

const struct call_events scene_call_events = {
	.done = on_reply,
	.text = on_text,
	.tool_call = on_tool_call,
	.reset = on_reset,
};
