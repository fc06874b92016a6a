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

#define TEXT_MAX_BYTES ((size_t)256 * 1024 * 1024)

static int
refuse(struct buf *why, const char *text)
{
	buf_clear(why);
	buf_puts(why, text);
	return LLMFO_EBAD_REQUEST;
}

/* ---- messages ---- */

/* Adds the data of an image URL to `images` of a message. */
static int
add_image(const struct json *part, struct json *images, struct buf *why)
{
	const struct json *image = json_get(part, "image_url");
	const char *url = json_type(image) == JSON_STRING ? json_string(image, NULL)
							  : json_text(image, "url");
	const char *comma = url ? strchr(url, ',') : NULL;

	if (!comma || strncasecmp(url, "data:", 5) != 0)
		return refuse(why, "ollama takes images as data only");
	if (comma - url < 7 || strncasecmp(comma - 7, ";base64", 7) != 0)
		return refuse(why, "ollama takes images as base64 data only");
	json_push(images, json_new_string(comma + 1, strlen(comma + 1)));
	return 0;
}

static int
add_part(const struct json *part, struct buf *text, struct json *images, struct buf *why)
{
	const char *type = json_text(part, "type");
	size_t length = 0;
	const char *words = json_string(json_get(part, "text"), &length);

	if (type && strcmp(type, "image_url") == 0)
		return add_image(part, images, why);
	if (!words || (type && strcmp(type, "text") != 0))
		return refuse(why, "ollama takes text and images only");
	if (text->len > 0)
		buf_putc(text, '\n');
	return buf_add(text, words, length);
}

/* Sets content and images of a message from content in OpenAI's form. */
static int
set_content(struct json *message, const struct json *content, struct buf *why)
{
	struct json *images = json_new_array();
	struct buf text;
	int error = 0;

	if (json_type(content) == JSON_STRING) {
		json_set(message, "content", json_ref(content));
		json_free(images);
		return 0;
	}
	buf_init(&text, TEXT_MAX_BYTES);
	for (size_t i = 0; json_type(content) == JSON_ARRAY && i < json_count(content) && !error;
		i++)
		error = add_part(json_at(content, i), &text, images, why);
	json_set(message, "content", json_new_string(text.data, text.len));
	buf_free(&text);
	if (json_count(images) > 0)
		json_set(message, "images", images);
	else
		json_free(images);
	return error;
}

/* A call's arguments, text in OpenAI's form, as an object; NULL if they are none. */
static struct json *
arguments_object(const struct json *arguments)
{
	size_t length = 0;
	const char *text = json_string(arguments, &length);

	if (json_type(arguments) == JSON_OBJECT)
		return json_ref(arguments);
	if (!text || length == 0)
		return json_new_object();
	struct json *object = json_parse(text, length, true, NULL);
	if (json_type(object) == JSON_OBJECT)
		return object;
	json_free(object);
	return NULL;
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
		struct json *arguments = arguments_object(json_get(function, "arguments"));
		if (!arguments)
			return refuse(why, "the arguments of a tool call are not a JSON object");
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

/* The name of the tool that an earlier message called under this id; NULL if none did. */
static const char *
tool_name(const struct json *messages, size_t before, const char *id)
{
	for (size_t i = before; i-- > 0;) {
		const struct json *calls = json_get(json_at(messages, i), "tool_calls");
		for (size_t j = 0; json_type(calls) == JSON_ARRAY && j < json_count(calls); j++) {
			const char *called = json_text(json_at(calls, j), "id");
			if (called && strcmp(called, id) == 0)
				return json_text(json_get(json_at(calls, j), "function"), "name");
		}
	}
	return NULL;
}

static struct json *
make_message(const struct json *messages, size_t index, struct buf *why, int *error)
{
	const struct json *given = json_at(messages, index);
	const char *role = json_text(given, "role"), *id = json_text(given, "tool_call_id");
	const char *tool = id ? tool_name(messages, index, id) : NULL;
	struct json *message = json_new_object();

	json_set_text(message, "role", role && strcmp(role, "developer") == 0 ? "system" : role);
	*error = set_content(message, json_get(given, "content"), why);
	if (!*error)
		*error = set_tool_calls(message, json_get(given, "tool_calls"), why);
	if (id)
		json_set_text(message, "tool_call_id", id);
	if (tool)
		json_set_text(message, "tool_name", tool);
	return message;
}

static int
set_messages(struct json *body, const struct json *given, struct buf *why)
{
	struct json *messages = json_new_array();
	int error = 0;

	json_set(body, "messages", messages);
	for (size_t i = 0; i < json_count(given) && !error; i++)
		json_push(messages, make_message(given, i, why, &error));
	return error;
}

/* ---- the rest of a request ---- */

static int
set_format(struct json *body, const struct json *format, struct buf *why)
{
	const char *type = json_text(format, "type");
	const struct json *schema = json_get(json_get(format, "json_schema"), "schema");

	if (!format || (type && strcmp(type, "text") == 0))
		return 0;
	if (type && strcmp(type, "json_object") == 0) {
		json_set_text(body, "format", "json");
		return 0;
	}
	if (!type || strcmp(type, "json_schema") != 0 || json_type(schema) != JSON_OBJECT)
		return refuse(
			why, "ollama takes json_object or json_schema as response_format only");
	json_set(body, "format", json_ref(schema));
	return 0;
}

static int
set_tools(struct json *body, const struct provider_chat *chat, struct buf *why)
{
	const char *choice = json_string(chat->tool_choice, NULL);

	if (json_count(chat->tools) == 0 || (choice && strcmp(choice, "none") == 0))
		return 0;
	if (json_type(chat->tool_choice) > JSON_NULL && (!choice || strcmp(choice, "auto") != 0))
		return refuse(why, "ollama cannot be told which tool to call");
	json_set(body, "tools", json_ref(chat->tools));
	return 0;
}

static void
set_options(struct json *body, const struct provider_chat *chat)
{
	struct json *options = json_new_object();

	if (chat->max_tokens > 0)
		json_set_int(options, "num_predict", chat->max_tokens);
	if (chat->has_temperature)
		json_set(options, "temperature", json_new_double(chat->temperature));
	if (chat->has_top_p)
		json_set(options, "top_p", json_new_double(chat->top_p));
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
	static const char *const ends[] = {"/v1", "/api"};
	size_t length = strlen(endpoint->base_url);

	for (size_t i = 0; i < UTIL_COUNT(ends); i++) {
		size_t end = strlen(ends[i]);
		if (length > end && strcmp(endpoint->base_url + length - end, ends[i]) == 0) {
			length -= end;
			break;
		}
	}
	return x_asprintf("%.*s%s", (int)length, endpoint->base_url, path);
}

static int
make_request(const struct provider_endpoint *endpoint, const struct provider_chat *chat,
	struct http_request *request, struct buf *why)
{
	char *url = make_url(endpoint, "/api/chat");
	struct json *body = json_new_object();
	int error = provider_begin(endpoint, "POST", url, request, why);

	json_set_text(body, "model", chat->model);
	json_set_bool(body, "stream", false);
	set_options(body, chat);
	if (!error)
		error = set_messages(body, chat->messages, why);
	if (!error)
		error = set_tools(body, chat, why);
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
take_message(const struct json *root, struct provider_answer *answer)
{
	const struct json *message = json_get(root, "message");
	struct json *calls = json_get(message, "tool_calls");
	const char *reason = json_text(root, "done_reason");
	size_t length = 0;
	const char *text = json_string(json_get(message, "content"), &length);

	if (text && buf_add(&answer->text, text, length) != 0)
		return false;
	if (json_type(calls) == JSON_ARRAY && json_count(calls) > 0) {
		answer->tool_calls = provider_tool_calls(calls);
		if (!answer->tool_calls)
			return false;
	}
	answer->finish = reason && strcmp(reason, "length") == 0 ? PROVIDER_FINISH_LENGTH
		: answer->tool_calls                             ? PROVIDER_FINISH_TOOL_CALLS
								 : PROVIDER_FINISH_STOP;
	return length > 0 || answer->tool_calls ||
		(message && answer->finish == PROVIDER_FINISH_LENGTH);
}

static bool
read_answer(const char *body, size_t length, struct provider_answer *answer)
{
	struct json *root = json_parse(body, length, false, NULL);
	bool done = root && !json_truthy(json_get(root, "error")) &&
		json_bool(json_get(root, "done"), true) && take_message(root, answer);

	if (done)
		provider_read_usage(&answer->usage, json_get(root, "prompt_eval_count"),
			json_get(root, "eval_count"), NULL, NULL);
	json_free(root);
	return done;
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
	.check = make_check,
	.check_has_model = check_has_model,
};
