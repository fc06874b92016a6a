/* SPDX-License-Identifier: MIT */
/*
 * Ollama's own chat API. Its messages look like OpenAI's but are not: images stand beside the text
 * as base64, the arguments of a tool call are an object, parameters are `options`. What it has no
 * way to say is refused, so that another target gets the call.
 */
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "provider_common.h"
#include "provider_pieces.h"

#define TEXT_MAX_BYTES ((size_t)256 * 1024 * 1024)

/* ---- messages ---- */

/* Adds an image's data to `images` of a message. */
static int
add_image(const struct provider_part *part, struct json *images, struct buf *why)
{
	int error = provider_check_image(part, why);

	if (!error && !part->data)
		error = provider_refuse(why, "ollama takes no images by URL");
	if (!error)
		json_push(images, json_new_string(part->data, strlen(part->data)));
	return error;
}

/* Sets content and images of a message from content in OpenAI's form. */
static int
set_content(struct json *message, const struct json *content, struct buf *why)
{
	struct json *images = json_new_array();
	struct provider_part part;
	struct buf text;
	int error = 0;

	buf_init(&text, TEXT_MAX_BYTES);
	provider_plain_text(content, &text);
	for (size_t i = 0; !error && provider_read_part(content, i, &part); i++) {
		if (part.kind == PROVIDER_PART_IMAGE)
			error = add_image(&part, images, why);
		else if (part.kind == PROVIDER_PART_OTHER)
			error = provider_refuse(why, "ollama takes no audio or files");
	}
	json_set(message, "content", json_new_string(text.data, text.len));
	buf_free(&text);
	if (json_count(images) > 0)
		json_set(message, "images", images);
	else
		json_free(images);
	return error;
}

static int
set_tool_calls(struct json *message, const struct json *calls, struct buf *why)
{
	if (json_type(calls) != JSON_ARRAY || json_count(calls) == 0)
		return 0;
	struct json *list = json_new_array();
	json_set(message, "tool_calls", list);
	for (size_t i = 0; i < json_count(calls); i++) {
		const struct json *call = json_at(calls, i), *function = json_get(call, "function");
		struct json *arguments = provider_arguments(json_get(function, "arguments"));
		if (!arguments)
			return provider_refuse(
				why, "the arguments of a tool call are not a JSON object");
		struct json *ours = json_new_object(), *named = json_new_object();
		json_set_text(named, "name", json_text(function, "name"));
		json_set(named, "arguments", arguments);
		if (json_text(call, "id"))
			json_set_text(ours, "id", json_text(call, "id"));
		json_set(ours, "function", named);
		json_push(list, ours);
	}
	return 0;
}

static int
add_message(struct json *messages, const struct json *given, struct provider_calls *calls,
	struct buf *why)
{
	const char *role = json_text(given, "role"), *id = json_text(given, "tool_call_id");
	const char *tool = provider_called_name(calls, id);
	struct json *message = json_new_object();
	int error;

	json_push(messages, message);
	json_set_text(message, "role", provider_is_system(given) ? "system" : role);
	error = set_content(message, json_get(given, "content"), why);
	if (!error)
		error = set_tool_calls(message, json_get(given, "tool_calls"), why);
	if (id)
		json_set_text(message, "tool_call_id", id);
	if (tool)
		json_set_text(message, "tool_name", tool);
	return error ? error : provider_note_calls(calls, given, why);
}

static int
set_messages(struct json *body, const struct json *given, struct buf *why)
{
	struct json *messages = json_new_array();
	struct provider_calls calls = {0};
	int error = 0;

	json_set(body, "messages", messages);
	for (size_t i = 0; i < json_count(given) && !error; i++)
		error = add_message(messages, json_at(given, i), &calls, why);
	return error;
}

/* `format` is a word or the schema itself. */
static int
set_format(struct json *body, const struct json *wanted, struct buf *why)
{
	const char *type = json_text(wanted, "type");

	if (!type || strcmp(type, "text") == 0)
		return 0;
	if (strcmp(type, "json_object") == 0) {
		json_set_text(body, "format", "json");
		return 0;
	}
	struct json *schema = provider_schema(wanted);
	if (!schema)
		return provider_refuse(why, "response_format json_schema holds no schema");
	json_set(body, "format", json_ref(schema));
	return 0;
}

static void
set_tools(struct json *body, const struct provider_chat *chat)
{
	const char *choice = json_string(chat->tool_choice, NULL);

	if (json_count(chat->tools) > 0 && !(choice && strcmp(choice, "none") == 0))
		json_set(body, "tools", json_ref(chat->tools));
}

static void
set_options(struct json *body, const struct provider_endpoint *endpoint,
	const struct provider_chat *chat)
{
	struct json *options = json_new_object();

	if (chat->max_tokens > 0)
		json_set_int(options, "num_predict", chat->max_tokens);
	provider_set_sampling(endpoint, chat, options, "top_p");
	if (chat->has_seed)
		json_set_int(options, "seed", chat->seed);
	if (chat->stop)
		json_set(options, "stop", json_ref(chat->stop));
	if (json_count(options) > 0)
		json_set(body, "options", options);
	else
		json_free(options);
}

/* A base URL that was meant for the compatible endpoint serves as well. */
static char *
make_url(const struct provider_endpoint *endpoint, const char *path)
{
	static const char *const ends[] = {"/v1", "/api", NULL};
	char *host = provider_cut_end(endpoint->base_url, ends);
	char *url = x_asprintf("%s%s", host, path);

	free(host);
	return url;
}

static int
make_request(const struct provider_endpoint *endpoint, const struct provider_chat *chat,
	struct http_request *request, struct buf *why)
{
	char *url = make_url(endpoint, "/api/chat");
	struct json *body = json_new_object();
	int error = provider_begin(endpoint, "POST", url, request, why);

	json_set_text(body, "model", chat->model);
	json_set_bool(body, "stream", chat->stream);
	set_options(body, endpoint, chat);
	if (!error)
		error = provider_refuse_lacks(endpoint, chat, why);
	if (!error)
		error = set_messages(body, chat->messages, why);
	set_tools(body, chat);
	if (!error)
		error = set_format(body, chat->response_format, why);
	if (!error)
		error = json_write(body, &request->body);
	json_free(body);
	return error;
}

static int
make_check(const struct provider_endpoint *endpoint, struct http_request *request)
{
	struct buf why;

	buf_init(&why, 200);
	int error = provider_begin(endpoint, "GET", make_url(endpoint, "/api/tags"), request, &why);
	buf_free(&why);
	return error;
}

/* ---- answers ---- */

static bool
is_answer(const struct json *last, struct provider_answer *answer)
{
	const char *reason = json_text(last, "done_reason");

	answer->finish = reason && strcmp(reason, "length") == 0 ? PROVIDER_FINISH_LENGTH
		: answer->tool_calls                             ? PROVIDER_FINISH_TOOL_CALLS
								 : PROVIDER_FINISH_STOP;
	return answer->text.len > 0 || answer->tool_calls ||
		(json_get(last, "message") && answer->finish == PROVIDER_FINISH_LENGTH);
}

static void
take_usage(const struct json *last, struct provider_usage *out)
{
	provider_read_usage(
		out, json_get(last, "prompt_eval_count"), json_get(last, "eval_count"), NULL, NULL);
}

static bool
take_message(const struct json *root, const char *body, size_t body_length,
	struct provider_answer *answer)
{
	const struct json *message = json_get(root, "message");
	struct json *calls = json_get(message, "tool_calls");
	size_t length = 0;
	const char *text = json_string(json_get(message, "content"), &length);

	if (text && buf_add(&answer->text, text, length) != 0)
		return false;
	if (!provider_take_calls(answer, calls, body, body_length))
		return false;
	return is_answer(root, answer);
}

static bool
read_answer(const char *body, size_t length, struct provider_answer *answer)
{
	struct json *root = json_parse(body, length, false, NULL);
	bool done = root && !json_truthy(json_get(root, "error")) &&
		json_bool(json_get(root, "done"), true) && take_message(root, body, length, answer);

	if (root)
		take_usage(root, &answer->usage);
	json_free(root);
	return done;
}

/* ---- streamed answers: a line each, the last one with `done` ---- */

/* Calls come whole. */
static bool
take_calls(struct provider_pieces *pieces, const struct json *calls)
{
	size_t count = json_type(calls) == JSON_ARRAY ? json_count(calls) : 0;

	if (count > 0)
		pieces->call_hash = provider_hash(pieces->event, pieces->event_length);
	for (size_t i = 0; i < count; i++)
		if (!provider_pieces_call(pieces, json_ref(json_at(calls, i))))
			return false;
	return true;
}

static bool
take_line(struct provider_pieces *pieces, const struct json *line)
{
	const struct json *message = json_get(line, "message");

	provider_pieces_stir(pieces, json_get(message, "thinking"));
	provider_pieces_text(pieces, json_get(message, "content"));
	if (!take_calls(pieces, json_get(message, "tool_calls")))
		return false;
	if (!json_bool(json_get(line, "done"), false))
		return true;
	provider_pieces_usage(pieces, line);
	pieces->ended = true;
	return provider_pieces_finish(pieces, line);
}

static bool
finish_stream(struct provider_pieces *pieces)
{
	return is_answer(pieces->last, &pieces->answer);
}

/* A name without a tag means the tag "latest". */
static bool
same_model(const char *listed, const char *model)
{
	static const char latest[] = ":latest";
	const char *tag = strrchr(listed, ':');
	size_t name = tag && strcmp(tag, latest) == 0 ? (size_t)(tag - listed) : strlen(listed);
	const char *wanted_tag = strrchr(model, ':');
	size_t wanted = wanted_tag && strcmp(wanted_tag, latest) == 0 ? (size_t)(wanted_tag - model)
								      : strlen(model);

	return name == wanted && strncmp(listed, model, name) == 0;
}

static int
check_has_model(const char *body, size_t length, const char *model)
{
	struct json *root = json_parse(body, length, false, NULL);
	const struct json *list = json_get(root, "models");
	int found = provider_list_has(list, "name", model, same_model);

	if (found == 0)
		found = provider_list_has(list, "model", model, same_model);
	json_free(root);
	return found;
}

const struct provider_family provider_ollama = {
	.name = "ollama",
	.request = make_request,
	.answer = read_answer,
	.framing = SSE_LINES,
	.event = take_line,
	.finish = finish_stream,
	.usage = take_usage,
	.check = make_check,
	.check_has_model = check_has_model,
};
