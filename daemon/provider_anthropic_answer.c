/* SPDX-License-Identifier: MIT */
/*
 * What Anthropic's Messages API answers, in one piece or as events. A reply counts cached tokens
 * apart from the others, ours counts them in.
 */
#include "provider_anthropic_answer.h"

#include <string.h>

#include "provider_common.h"
#include "provider_pieces.h"

/* ---- answers ---- */

static struct json *
read_call(const struct json *block)
{
	struct json *call = json_new_object(), *function = json_new_object();
	struct json *input = json_get(block, "input");

	if (json_text(block, "id"))
		json_set_text(call, "id", json_text(block, "id"));
	if (json_text(block, "name"))
		json_set_text(function, "name", json_text(block, "name"));
	if (input)
		json_set(function, "arguments", json_ref(input));
	json_set(call, "function", function);
	return call;
}

/* Takes the texts and, as a list that is the caller's, the calls. */
static void
read_blocks(const struct json *content, struct buf *text, struct json *calls)
{
	for (size_t i = 0; json_type(content) == JSON_ARRAY && i < json_count(content); i++) {
		const struct json *block = json_at(content, i);
		const char *type = json_text(block, "type");
		size_t length = 0;
		const char *words = json_string(json_get(block, "text"), &length);

		if (type && strcmp(type, "tool_use") == 0)
			json_push(calls, read_call(block));
		else if (words && (!type || strcmp(type, "text") == 0))
			buf_add(text, words, length);
	}
}

/* False for a refusal: the judge knows it. A reason that nobody knows is taken for a stop. */
static bool
take_finish(const char *reason, struct provider_answer *answer)
{
	static const struct {
		const char *text;
		enum provider_finish finish;
	} rows[] = {
		{"max_tokens", PROVIDER_FINISH_LENGTH},
		{"model_context_window_exceeded", PROVIDER_FINISH_LENGTH},
		{"tool_use", PROVIDER_FINISH_TOOL_CALLS},
	};

	answer->finish = answer->tool_calls ? PROVIDER_FINISH_TOOL_CALLS : PROVIDER_FINISH_STOP;
	for (size_t i = 0; reason && i < UTIL_COUNT(rows); i++)
		if (strcmp(reason, rows[i].text) == 0)
			answer->finish = rows[i].finish;
	return !reason || strcmp(reason, "refusal") != 0;
}

static bool
is_answer(const char *reason, struct provider_answer *answer)
{
	if (!take_finish(reason, answer) || answer->text.failed)
		return false;
	/* a stop text may come first of all */
	bool stopped = reason && strcmp(reason, "stop_sequence") == 0;
	return answer->text.len > 0 || answer->tool_calls || stopped ||
		answer->finish == PROVIDER_FINISH_LENGTH;
}

void
provider_anthropic_usage(const struct json *usage, struct provider_usage *out)
{
	int64_t read = provider_count(usage, "cache_read_input_tokens");
	int64_t written = provider_count(usage, "cache_creation_input_tokens"), input;
	struct json *prompt, *cached = json_new_int(read);

	if (json_int(json_get(usage, "input_tokens"), &input) && input >= 0)
		prompt = json_new_int(util_add_clamped(util_add_clamped(input, read), written));
	else
		prompt = json_new_null();
	provider_read_usage(out, prompt, json_get(usage, "output_tokens"), NULL, cached);
	json_free(prompt);
	json_free(cached);
}

static bool
take_message(
	const struct json *root, const char *body, size_t length, struct provider_answer *answer)
{
	struct json *calls = json_new_array();

	read_blocks(json_get(root, "content"), &answer->text, calls);
	bool whole = provider_take_calls(answer, calls, body, length);
	json_free(calls);
	return whole && is_answer(json_text(root, "stop_reason"), answer);
}

bool
provider_anthropic_read(const char *body, size_t length, struct provider_answer *answer)
{
	struct json *root = json_parse(body, length, false, NULL);
	bool done = root && !json_truthy(json_get(root, "error")) &&
		take_message(root, body, length, answer);

	if (root)
		provider_anthropic_usage(json_get(root, "usage"), &answer->usage);
	json_free(root);
	return done;
}

/* ---- streamed answers ---- */

static bool
begin_message(struct provider_pieces *pieces, const struct json *event)
{
	provider_pieces_usage(pieces, json_get(json_get(event, "message"), "usage"));
	return true;
}

static int64_t
place_of(const struct json *event)
{
	int64_t at;

	return json_int(json_get(event, "index"), &at) ? at : 0;
}

static bool
begin_block(struct provider_pieces *pieces, const struct json *event)
{
	const struct json *block = json_get(event, "content_block");
	const char *type = json_text(block, "type");

	if (type && strcmp(type, "tool_use") == 0) {
		if (!provider_pieces_open_call(pieces, place_of(event), json_text(block, "id"),
			    json_text(block, "name")))
			return false;
		provider_pieces_arguments(pieces, json_get(block, "input"));
	} else if (!type || strcmp(type, "text") == 0) {
		provider_pieces_text(pieces, json_get(block, "text"));
	} else {
		provider_pieces_stir(pieces, block);
	}
	return true;
}

static bool
go_on_with_block(struct provider_pieces *pieces, const struct json *event)
{
	const struct json *delta = json_get(event, "delta");
	const char *type = json_text(delta, "type");

	if (type && strcmp(type, "text_delta") == 0) {
		provider_pieces_text(pieces, json_get(delta, "text"));
	} else if (type && strcmp(type, "input_json_delta") == 0) {
		if (pieces->call && place_of(event) == pieces->call_at)
			provider_pieces_arguments(pieces, json_get(delta, "partial_json"));
		provider_pieces_stir(pieces, json_get(delta, "partial_json"));
	} else {
		provider_pieces_stir(pieces, delta);
	}
	return true;
}

static bool
end_block(struct provider_pieces *pieces, const struct json *event)
{
	return !pieces->call || place_of(event) != pieces->call_at ||
		provider_pieces_close_call(pieces);
}

static bool
set_count(const char *key, struct json *value, void *arg)
{
	if (json_type(value) > JSON_NULL)
		json_set(arg, key, json_ref(value));
	return true;
}

/* Its counts are cumulative, and those that it leaves out stand as they were. */
static bool
take_message_delta(struct provider_pieces *pieces, const struct json *event)
{
	const struct json *usage = json_get(event, "usage");

	if (pieces->usage)
		json_each(usage, set_count, pieces->usage);
	else
		provider_pieces_usage(pieces, usage);
	return !json_text(json_get(event, "delta"), "stop_reason") ||
		provider_pieces_finish(pieces, event);
}

static bool
end_message(struct provider_pieces *pieces, const struct json *event)
{
	(void)event;
	pieces->ended = true;
	return true;
}

bool
provider_anthropic_event(struct provider_pieces *pieces, const struct json *event)
{
	static const struct {
		const char *type;
		bool (*take)(struct provider_pieces *pieces, const struct json *event);
	} rows[] = {
		{"content_block_delta", go_on_with_block},
		{"message_start", begin_message},
		{"content_block_start", begin_block},
		{"content_block_stop", end_block},
		{"message_delta", take_message_delta},
		{"message_stop", end_message},
	};
	const char *type = json_text(event, "type");

	for (size_t i = 0; type && i < UTIL_COUNT(rows); i++)
		if (strcmp(type, rows[i].type) == 0)
			return rows[i].take(pieces, event);
	return true;
}

bool
provider_anthropic_finish(struct provider_pieces *pieces)
{
	return is_answer(
		json_text(json_get(pieces->last, "delta"), "stop_reason"), &pieces->answer);
}
