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
#include "provider_pieces.h"

#define AZURE_API_VERSION "2024-10-21"
#define AZURE_STREAM_USAGE_VERSION "2024-09"

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

static bool
ends_in_prefill(const struct provider_chat *chat)
{
	return provider_is_prefill(provider_last_message(chat));
}

static char *
beta_url(const struct provider_endpoint *endpoint)
{
	static const char *const ends[] = {"/v1", "/beta", NULL};
	char *host = provider_cut_end(endpoint->base_url, ends);
	char *url = x_asprintf("%s/beta/chat/completions", host);

	free(host);
	return url;
}

static char *
chat_url(const struct provider_endpoint *endpoint, const struct provider_chat *chat)
{
	struct buf url;

	if ((endpoint->preset->flags & PROVIDER_PREFIX_BETA) && ends_in_prefill(chat))
		return beta_url(endpoint);
	if (!names_deployment(endpoint))
		return x_asprintf("%s/chat/completions", endpoint->base_url);
	buf_init(&url, strlen(endpoint->base_url) + 3 * strlen(chat->model) + 200);
	buf_printf(&url, "%s%s/deployments/", endpoint->base_url,
		ends_with(endpoint->base_url, "/openai") ? "" : "/openai");
	provider_add_segment(&url, chat->model);
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

/* A stream's usage is asked for where the question is taken; Azure's older versions refuse it. */
static void
set_stream(struct json *body, const struct provider_endpoint *endpoint)
{
	struct json *options;

	json_set_bool(body, "stream", true);
	if ((endpoint->preset->flags & PROVIDER_USAGE_UNASKED) ||
		(names_deployment(endpoint) &&
			strcmp(api_version(endpoint), AZURE_STREAM_USAGE_VERSION) < 0))
		return;
	options = json_new_object();
	json_set_bool(options, "include_usage", true);
	json_set(body, "stream_options", options);
}

static struct json *
chat_body(const struct provider_endpoint *endpoint, const struct provider_chat *chat)
{
	unsigned flags = endpoint->preset->flags;
	struct json *body = json_new_object();

	json_set_text(body, "model", chat->model);
	json_set(body, "messages", provider_openai_messages(endpoint->preset, chat->messages));
	if ((flags & PROVIDER_CONTINUE_FINAL) && ends_in_prefill(chat)) {
		json_set_bool(body, "continue_final_message", true);
		json_set_bool(body, "add_generation_prompt", false);
	}
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
	if (chat->stream)
		set_stream(body, endpoint);
	return body;
}

static int
make_request(const struct provider_endpoint *endpoint, const struct provider_chat *chat,
	struct http_request *request, struct buf *why)
{
	char *url = chat_url(endpoint, chat);
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
take_usage(const struct json *sent, struct provider_usage *usage)
{
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

	if (root)
		take_usage(json_get(root, "usage"), &answer->usage);
	json_free(root);
	return done;
}

/* ---- streamed answers ---- */

static const char *
filled(const char *text)
{
	return text && text[0] ? text : NULL;
}

/*
 * Does a piece begin a call? Its place tells, or, where a server gives none or always the same,
 * another id, or another name.
 */
static bool
begins_call(const struct provider_pieces *pieces, const int64_t *at, const char *id,
	const char *name, const struct json *arguments)
{
	const char *own = json_text(pieces->call, "id");

	if (!pieces->call || (at && *at != pieces->call_at))
		return name || json_truthy(arguments);
	if (id && own)
		return name && strcmp(id, own) != 0;
	return !at && name && json_text(json_get(pieces->call, "function"), "name");
}

static bool
take_function(struct provider_pieces *pieces, const int64_t *at, const char *id,
	const struct json *function)
{
	const char *name = filled(json_text(function, "name"));
	const struct json *arguments = json_get(function, "arguments");

	if (begins_call(pieces, at, id, name, arguments)) {
		if (!provider_pieces_open_call(pieces, at ? *at : 0, id, name))
			return false;
	} else if (!pieces->call || (at && *at != pieces->call_at)) {
		return true;
	}
	if (id && !json_text(pieces->call, "id"))
		json_set_text(pieces->call, "id", id);
	if (name && !json_text(json_get(pieces->call, "function"), "name"))
		json_set_text(json_get(pieces->call, "function"), "name", name);
	provider_pieces_arguments(pieces, arguments);
	return true;
}

static bool
take_call_pieces(struct provider_pieces *pieces, const struct json *list)
{
	size_t count = json_type(list) == JSON_ARRAY ? json_count(list) : 0;

	for (size_t i = 0; i < count; i++) {
		const struct json *piece = json_at(list, i), *extra;
		int64_t at;
		bool placed = json_int(json_get(piece, "index"), &at);
		if (!take_function(pieces, placed ? &at : NULL, filled(json_text(piece, "id")),
			    json_get(piece, "function")))
			return false;
		extra = json_get(piece, "extra_content");
		if (pieces->call && extra)
			json_set(pieces->call, "extra_content", json_ref(extra));
	}
	return true;
}

/* Content: a string, or an array of parts, of which those without a text are thoughts. */
static void
take_text_piece(struct provider_pieces *pieces, const struct json *content)
{
	size_t count = json_type(content) == JSON_ARRAY ? json_count(content) : 0;

	provider_pieces_text(pieces, content);
	for (size_t i = 0; i < count; i++) {
		const struct json *part = json_at(content, i), *text = json_get(part, "text");
		provider_pieces_text(pieces, text);
		if (!text)
			provider_pieces_stir(pieces, part);
	}
}

static bool
take_delta(struct provider_pieces *pieces, const struct json *delta)
{
	static const char *const thoughts[] = {
		"reasoning_content", "reasoning", "reasoning_details", "thinking"};
	const struct json *refusal = json_get(delta, "refusal");
	const struct json *function = json_get(delta, "function_call");
	int64_t at = 0;

	for (size_t i = 0; i < UTIL_COUNT(thoughts); i++)
		provider_pieces_stir(pieces, json_get(delta, thoughts[i]));
	take_text_piece(pieces, json_get(delta, "content"));
	if (json_truthy(refusal) && (pieces->refused || pieces->answer.text.len == 0)) {
		pieces->refused = true;
		provider_pieces_text(pieces, refusal);
	}
	return take_call_pieces(pieces, json_get(delta, "tool_calls")) &&
		(!json_truthy(function) || take_function(pieces, &at, NULL, function));
}

static bool
take_chunk(struct provider_pieces *pieces, const struct json *chunk)
{
	const struct json *choice = json_at(json_get(chunk, "choices"), 0);
	const struct json *groq = json_get(chunk, "x_groq");

	provider_pieces_usage(pieces, json_get(chunk, "usage"));
	provider_pieces_usage(pieces, json_get(groq, "usage"));
	if (json_truthy(json_get(groq, "error"))) {
		pieces->error = json_ref(json_get(groq, "error"));
		return false;
	}
	if (json_truthy(json_get(choice, "error")))
		return false;
	return take_delta(pieces, json_get(choice, "delta")) &&
		(!filled(json_text(choice, "finish_reason")) ||
			provider_pieces_finish(pieces, chunk));
}

static bool
finish_stream(struct provider_pieces *pieces)
{
	struct provider_answer *answer = &pieces->answer;
	const struct json *choice = json_at(json_get(pieces->last, "choices"), 0);

	if (!take_finish(json_text(choice, "finish_reason"), answer))
		return false;
	if (pieces->refused && !answer->tool_calls)
		answer->finish = PROVIDER_FINISH_CONTENT_FILTER;
	return answer->text.len > 0 || answer->tool_calls ||
		answer->finish == PROVIDER_FINISH_LENGTH;
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
	.framing = SSE_EVENTS,
	.event = take_chunk,
	.finish = finish_stream,
	.usage = take_usage,
	.check = make_check,
	.check_has_model = check_has_model,
};
