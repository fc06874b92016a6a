/* SPDX-License-Identifier: MIT */
/* See provider_pieces.h. */
#include "provider_pieces.h"

#include <string.h>

#include "provider_common.h"

/* What a tool call takes in memory besides its arguments. */
#define CALL_BYTES 1024

void
provider_pieces_init(struct provider_pieces *pieces, const struct provider_stream_sink *sink,
	void *arg, size_t max_bytes)
{
	*pieces = (struct provider_pieces){.sink = sink, .arg = arg, .max_bytes = max_bytes};
	provider_answer_init(&pieces->answer);
	pieces->answer.text.max = max_bytes;
	buf_init(&pieces->arguments, max_bytes);
}

void
provider_pieces_free(struct provider_pieces *pieces)
{
	provider_answer_free(&pieces->answer);
	buf_free(&pieces->arguments);
	json_free(pieces->last);
	json_free(pieces->usage);
	json_free(pieces->error);
	json_free(pieces->call);
}

static void
tell_text(struct provider_pieces *pieces, bool whole)
{
	struct buf *text = &pieces->answer.text;
	size_t told = pieces->told;

	if (pieces->echo && text->len > 0) {
		if (!provider_echo_cut(pieces->echo, text, whole)) {
			pieces->stirred = true;
			return;
		}
		pieces->echo = NULL;
	}
	pieces->told = text->len;
	if (told < text->len)
		pieces->sink->text(pieces->arg, text->data + told, text->len - told);
}

void
provider_pieces_tell(struct provider_pieces *pieces, bool whole)
{
	tell_text(pieces, whole);
	if (pieces->stirred)
		pieces->sink->progress(pieces->arg);
	pieces->stirred = false;
}

bool
provider_pieces_too_long(const struct provider_pieces *pieces)
{
	return pieces->answer.text.failed || pieces->arguments.failed ||
		pieces->answer.text.len + pieces->calls_bytes + pieces->arguments.len >
		pieces->max_bytes;
}

void
provider_pieces_text(struct provider_pieces *pieces, const struct json *text)
{
	size_t length = 0;
	const char *words = json_string(text, &length);

	if (length > 0)
		(void)buf_add(&pieces->answer.text, words, length);
}

void
provider_pieces_stir(struct provider_pieces *pieces, const struct json *hidden)
{
	if (json_truthy(hidden))
		pieces->stirred = true;
}

/* ---- tool calls ---- */

bool
provider_pieces_call(struct provider_pieces *pieces, struct json *call)
{
	struct provider_answer *answer = &pieces->answer;
	size_t index = json_count(answer->tool_calls), length = 0;

	answer->bad_call = provider_fit_call(call, index, pieces->call_hash);
	if (answer->bad_call) {
		json_free(call);
		return false;
	}
	(void)json_string(json_get(json_get(call, "function"), "arguments"), &length);
	pieces->calls_bytes += CALL_BYTES + length;
	if (!answer->tool_calls)
		answer->tool_calls = json_new_array();
	json_push(answer->tool_calls, call);
	tell_text(pieces, true);
	pieces->sink->tool_call(pieces->arg, call);
	return true;
}

bool
provider_pieces_close_call(struct provider_pieces *pieces)
{
	struct json *call = pieces->call;
	struct buf *arguments = &pieces->arguments;

	pieces->call = NULL;
	if (!call || arguments->failed) {
		json_free(call);
		return true;
	}
	if (arguments->len > 0)
		json_set(json_get(call, "function"), "arguments",
			json_new_string(arguments->data, arguments->len));
	buf_clear(arguments);
	return provider_pieces_call(pieces, call);
}

bool
provider_pieces_open_call(
	struct provider_pieces *pieces, int64_t at, const char *id, const char *name)
{
	struct json *call, *function;

	if (!provider_pieces_close_call(pieces))
		return false;
	call = json_new_object();
	function = json_new_object();
	if (id)
		json_set_text(call, "id", id);
	else
		pieces->call_hash = provider_hash(pieces->event, pieces->event_length);
	if (name)
		json_set_text(function, "name", name);
	json_set(call, "function", function);
	pieces->call = call;
	pieces->call_at = at;
	pieces->stirred = true;
	return true;
}

void
provider_pieces_arguments(struct provider_pieces *pieces, const struct json *arguments)
{
	size_t length = 0;
	const char *text = json_string(arguments, &length);

	if (!pieces->call || !json_truthy(arguments))
		return;
	pieces->stirred = true;
	if (text)
		(void)buf_add(&pieces->arguments, text, length);
	else
		json_set(json_get(pieces->call, "function"), "arguments", json_ref(arguments));
}

/* ---- the end ---- */

void
provider_pieces_usage(struct provider_pieces *pieces, const struct json *usage)
{
	if (json_type(usage) != JSON_OBJECT)
		return;
	json_free(pieces->usage);
	pieces->usage = json_ref(usage);
}

bool
provider_pieces_finish(struct provider_pieces *pieces, const struct json *event)
{
	json_free(pieces->last);
	pieces->last = json_ref(event);
	return provider_pieces_close_call(pieces);
}
