/* SPDX-License-Identifier: MIT */
/*
 * The chat API that OpenAI made and most others took over. Our callers speak its form already, so
 * messages and tools go through as they are, but for what provider_openai_form.c makes fit; what
 * else differs between presets are flags of their rows.
 */
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "provider_common.h"
#include "provider_openai_form.h"

#define AZURE_API_VERSION "2024-10-21"

/* ---- requests ---- */

static bool
ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Azure's URLs name the deployment, but for its newer /openai/v1, which is OpenAI's own form. */
static bool
names_deployment(const struct provider_endpoint *endpoint)
{
	return (endpoint->preset->flags & PROVIDER_DEPLOYMENTS) &&
		!ends_with(endpoint->base_url, "/openai/v1");
}

static const char *
api_version(const struct provider_endpoint *endpoint)
{
	return endpoint->api_version ? endpoint->api_version : AZURE_API_VERSION;
}

static char *
chat_url(const struct provider_endpoint *endpoint, const char *model)
{
	struct buf url;

	if (!names_deployment(endpoint))
		return x_asprintf("%s/chat/completions", endpoint->base_url);
	buf_init(&url, strlen(endpoint->base_url) + 3 * strlen(model) + 200);
	buf_printf(&url, "%s%s/deployments/", endpoint->base_url,
		ends_with(endpoint->base_url, "/openai") ? "" : "/openai");
	provider_add_segment(&url, model);
	buf_puts(&url, "/chat/completions?api-version=");
	provider_add_segment(&url, api_version(endpoint));
	return buf_take(&url, NULL);
}

/* Does OpenAI's model refuse max_tokens? o1, o3-mini, gpt-5, ft:gpt-5.4-mini:... do. */
static bool
is_newer_model(const char *model)
{
	model = provider_bare_model(model);
	if (model[0] == 'o' && model[1] >= '1' && model[1] <= '9')
		return true;
	return util_starts_with(model, "gpt-") && strtol(model + strlen("gpt-"), NULL, 10) >= 5;
}

static const char *
max_tokens_name(const struct provider_endpoint *endpoint, const char *model)
{
	unsigned flags = endpoint->preset->flags;
	bool newer = (flags & PROVIDER_OPENAI_MODELS) && is_newer_model(model);

	return (flags & PROVIDER_MAX_COMPLETION_TOKENS) || newer ? "max_completion_tokens"
								 : "max_tokens";
}

static void
set_shared(struct json *body, const char *key, const struct json *value)
{
	if (value)
		json_set(body, key, json_ref(value));
}

static struct json *
chat_body(const struct provider_endpoint *endpoint, const struct provider_chat *chat)
{
	unsigned flags = endpoint->preset->flags;
	struct json *body = json_new_object();

	json_set_text(body, "model", chat->model);
	json_set(body, "messages", provider_openai_messages(endpoint->preset, chat->messages));
	set_shared(body, "tools", chat->tools);
	set_shared(body, "tool_choice", chat->tool_choice);
	set_shared(body, "response_format", chat->response_format);
	set_shared(body, "stop", chat->stop);
	provider_set_sampling(endpoint, chat, body, "top_p");
	if (chat->has_seed)
		json_set_int(
			body, flags & PROVIDER_RANDOM_SEED ? "random_seed" : "seed", chat->seed);
	if (chat->max_tokens > 0)
		json_set_int(body, max_tokens_name(endpoint, chat->model), chat->max_tokens);
	if (chat->user && !(flags & PROVIDER_NO_USER))
		json_set_text(body, "user", chat->user);
	return body;
}

static int
make_request(const struct provider_endpoint *endpoint, const struct provider_chat *chat,
	struct http_request *request, struct buf *why)
{
	char *url = chat_url(endpoint, chat->model);
	int error = provider_begin(endpoint, "POST", url, request, why);

	if (!error)
		error = provider_refuse_lacks(endpoint, chat, why);
	if (error)
		return error;
	struct json *body = chat_body(endpoint, chat);
	error = json_write(body, &request->body);
	json_free(body);
	return error;
}

static int
make_check(const struct provider_endpoint *endpoint, struct http_request *request)
{
	struct buf why;
	char *url = names_deployment(endpoint)
		? x_asprintf("%s%s/models?api-version=%s", endpoint->base_url,
			  ends_with(endpoint->base_url, "/openai") ? "" : "/openai",
			  api_version(endpoint))
		: x_asprintf("%s/models", endpoint->base_url);

	buf_init(&why, 200);
	int error = provider_begin(endpoint, "GET", url, request, &why);
	buf_free(&why);
	return error;
}

/* ---- answers ---- */

/* Appends content: a string, or the text parts of an array. */
static void
take_content(const struct json *content, struct buf *text)
{
	size_t length = 0;
	const char *string = json_string(content, &length);

	if (string)
		buf_add(text, string, length);
	for (size_t i = 0; json_type(content) == JSON_ARRAY && i < json_count(content); i++)
		take_content(json_get(json_at(content, i), "text"), text);
}

/* The older form of a single call, as a list of one. */
static struct json *
legacy_calls(const struct json *call)
{
	struct json *calls = json_new_array(), *wrapped = json_new_object();

	json_set(wrapped, "function", json_ref(call));
	json_push(calls, wrapped);
	return calls;
}

/* True unless there are calls that nobody could carry out. */
static bool
take_tool_calls(
	const struct json *message, const char *body, size_t length, struct provider_answer *answer)
{
	struct json *calls = json_get(message, "tool_calls");
	const struct json *call = json_get(message, "function_call");

	if (!provider_take_calls(answer, calls, body, length))
		return false;
	if (answer->tool_calls || json_type(call) != JSON_OBJECT)
		return true;
	calls = legacy_calls(call);
	bool whole = provider_take_calls(answer, calls, body, length);
	json_free(calls);
	return whole;
}

static const struct finish_row {
	const char *text;
	enum provider_finish finish;
	bool failed;
} finish_rows[] = {
	{"stop", PROVIDER_FINISH_STOP, false},
	{"length", PROVIDER_FINISH_LENGTH, false},
	{"model_length", PROVIDER_FINISH_LENGTH, false},
	{"max_tokens", PROVIDER_FINISH_LENGTH, false},
	{"tool_calls", PROVIDER_FINISH_TOOL_CALLS, false},
	{"function_call", PROVIDER_FINISH_TOOL_CALLS, false},
	{"content_filter", PROVIDER_FINISH_CONTENT_FILTER, false},
	{"error", PROVIDER_FINISH_STOP, true},
	{"insufficient_system_resource", PROVIDER_FINISH_STOP, true},
};

/* A reason that nobody knows, or none, is taken for a stop: the answer is whole all the same. */
static bool
take_finish(const char *reason, struct provider_answer *answer)
{
	answer->finish = PROVIDER_FINISH_STOP;
	for (size_t i = 0; reason && i < UTIL_COUNT(finish_rows); i++) {
		if (strcmp(reason, finish_rows[i].text) != 0)
			continue;
		if (finish_rows[i].failed)
			return false;
		answer->finish = finish_rows[i].finish;
	}
	if (answer->tool_calls && answer->finish == PROVIDER_FINISH_STOP)
		answer->finish = PROVIDER_FINISH_TOOL_CALLS;
	return true;
}

static void
take_usage(const struct json *root, struct provider_usage *usage)
{
	const struct json *sent = json_get(root, "usage");
	const struct json *cached =
		json_get(json_get(sent, "prompt_tokens_details"), "cached_tokens");

	if (!cached)
		cached = json_get(sent, "prompt_cache_hit_tokens");
	provider_read_usage(usage, json_get(sent, "prompt_tokens"),
		json_get(sent, "completion_tokens"), json_get(sent, "total_tokens"), cached);
}

static bool
take_choice(
	const struct json *choice, const char *body, size_t length, struct provider_answer *answer)
{
	const struct json *message = json_get(choice, "message");

	if (json_truthy(json_get(choice, "error")))
		return false;
	take_content(json_get(message, "content"), &answer->text);
	if (!take_tool_calls(message, body, length, answer) ||
		!take_finish(json_text(choice, "finish_reason"), answer))
		return false;
	if (answer->text.len == 0 && !answer->tool_calls && json_text(message, "refusal")) {
		take_content(json_get(message, "refusal"), &answer->text);
		answer->finish = PROVIDER_FINISH_CONTENT_FILTER;
	}
	if (answer->text.failed)
		return false;
	/* A model that thought until its tokens were used up has answered, if with nothing. */
	return answer->text.len > 0 || answer->tool_calls ||
		(message && answer->finish == PROVIDER_FINISH_LENGTH);
}

static bool
read_answer(const char *body, size_t length, struct provider_answer *answer)
{
	struct json *root = json_parse(body, length, false, NULL);
	bool done = root && !json_truthy(json_get(root, "error")) &&
		take_choice(json_at(json_get(root, "choices"), 0), body, length, answer);

	if (done)
		take_usage(root, &answer->usage);
	json_free(root);
	return done;
}

/* Gemini's compatible endpoint lists "models/gemini-...". */
static bool
same_model(const char *listed, const char *model)
{
	if (util_starts_with(listed, "models/") && !util_starts_with(model, "models/"))
		listed += strlen("models/");
	return strcmp(listed, model) == 0;
}

static int
check_has_model(const char *body, size_t length, const char *model)
{
	struct json *root = json_parse(body, length, false, NULL);
	/* Together sends the bare array. */
	const struct json *list = json_type(root) == JSON_ARRAY ? root : json_get(root, "data");
	/* Azure lists what could be deployed, not what is. */
	int found = json_get(json_at(list, 0), "lifecycle_status")
		? -1
		: provider_list_has(list, "id", model, same_model);

	json_free(root);
	return found;
}

const struct provider_family provider_openai = {
	.name = "openai",
	.request = make_request,
	.answer = read_answer,
	.check = make_check,
	.check_has_model = check_has_model,
};
