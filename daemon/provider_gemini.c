/* SPDX-License-Identifier: MIT */
/*
 * Gemini's own API, generateContent. The model is a part of the URL, turns hold parts, results of
 * tools go by the tool's name. Schemas go as JSON Schema, unharmed. What a model signed is given
 * back. What it answers is read by provider_gemini_answer.c.
 */
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "provider_common.h"
#include "provider_gemini_answer.h"

/* What the API takes for the signature of a call that another model made; newer models refuse
 * calls without any. */
#define FOREIGN_SIGNATURE "skip_thought_signature_validator"

/* A request in the making. */
struct draft {
	struct json *system;   /* parts, owned until they stand in the body */
	struct json *contents; /* in the body */
	struct json *results;  /* the parts of the last turn, if those are results of tools */
	struct provider_calls calls;
	bool signs; /* the model wants signatures */
	struct buf *why;
};

/* ---- contents ---- */

static void
set_string(struct json *object, const char *key, const char *text, size_t length)
{
	json_set(object, key, json_new_string(text, length));
}

/* The type that an image's URL names by its ending; NULL if it names none. */
static const char *
type_of_url(const char *url)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},
		{".webp", "image/webp"},
		{".gif", "image/gif"},
		{".heic", "image/heic"},
		{".heif", "image/heif"},
	};
	size_t length = strcspn(url, "?#");

	for (size_t i = 0; i < UTIL_COUNT(types); i++) {
		size_t end = strlen(types[i].end);
		if (length > end && strncasecmp(url + length - end, types[i].end, end) == 0)
			return types[i].type;
	}
	return NULL;
}

static int
add_image(struct json *parts, const struct provider_part *part, struct buf *why)
{
	int error = provider_check_image(part, why);
	struct json *outer, *inner;

	if (error)
		return error;
	outer = json_new_object();
	inner = json_new_object();
	if (part->data) {
		set_string(inner, "mimeType", part->type, part->type_length);
		json_set_text(inner, "data", part->data);
	} else {
		if (type_of_url(part->url))
			json_set_text(inner, "mimeType", type_of_url(part->url));
		json_set_text(inner, "fileUri", part->url);
	}
	json_set(outer, part->data ? "inlineData" : "fileData", inner);
	json_push(parts, outer);
	return 0;
}

static int
add_content(struct json *parts, const struct json *content, struct buf *why)
{
	struct provider_part part;
	int error = 0;

	for (size_t i = 0; !error && provider_read_part(content, i, &part); i++) {
		if (part.kind == PROVIDER_PART_IMAGE) {
			error = add_image(parts, &part, why);
		} else if (part.kind == PROVIDER_PART_OTHER) {
			error = provider_refuse(why, "gemini takes no audio or files");
		} else {
			struct json *made = json_new_object();
			set_string(made, "text", part.text, part.length);
			json_push(parts, made);
		}
	}
	return error;
}

/* Only the first of parallel calls bears a signature. */
static void
set_signature(struct json *part, const struct json *call, bool wanted)
{
	const char *own =
		json_text(json_get(json_get(call, "extra_content"), "google"), "thought_signature");

	if (own || wanted)
		json_set_text(part, "thoughtSignature", own ? own : FOREIGN_SIGNATURE);
}

static int
add_call(struct json *parts, const struct json *call, bool wanted, struct buf *why)
{
	const struct json *function = json_get(call, "function");
	struct json *arguments = provider_arguments(json_get(function, "arguments"));
	const char *name = json_text(function, "name");

	if (!arguments || !name) {
		json_free(arguments);
		return provider_refuse(why,
			arguments ? "a tool call has no name"
				  : "the arguments of a tool call are not a JSON object");
	}
	struct json *part = json_new_object(), *made = json_new_object();
	if (json_text(call, "id"))
		json_set_text(made, "id", json_text(call, "id"));
	json_set_text(made, "name", name);
	json_set(made, "args", arguments);
	json_set(part, "functionCall", made);
	set_signature(part, call, wanted);
	json_push(parts, part);
	return 0;
}

static struct json *
add_turn(struct draft *draft, const char *role)
{
	struct json *turn = json_new_object(), *parts = json_new_array();

	json_set_text(turn, "role", role);
	json_set(turn, "parts", parts);
	json_push(draft->contents, turn);
	return parts;
}

/* The results of one turn's tools stand in one turn of the user's; a text is their `output`. */
static int
add_result(struct draft *draft, const struct json *given)
{
	const char *id = json_text(given, "tool_call_id");
	const char *name = provider_called_name(&draft->calls, id);
	struct json *part, *made, *response, *rest;
	struct buf text;

	if (!name)
		return provider_refuse(
			draft->why, "the result of a tool answers no call of the message before");
	if (!draft->results)
		draft->results = add_turn(draft, "user");
	part = json_new_object();
	made = json_new_object();
	response = json_new_object();
	buf_init(&text, (size_t)256 << 20);
	provider_plain_text(json_get(given, "content"), &text);
	json_set_text(made, "id", id);
	json_set_text(made, "name", name);
	set_string(response, "output", text.data, text.len);
	buf_free(&text);
	json_set(made, "response", response);
	json_set(part, "functionResponse", made);
	json_push(draft->results, part);
	rest = json_new_array();
	int error = add_content(rest, json_get(given, "content"), draft->why);
	for (size_t i = 0; i < json_count(rest); i++)
		if (!json_get(json_at(rest, i), "text"))
			json_push(draft->results, json_ref(json_at(rest, i)));
	json_free(rest);
	return error;
}

static int
add_assistant(struct draft *draft, const struct json *given)
{
	const struct json *calls = json_get(given, "tool_calls");
	struct json *content = json_get(given, "content");
	struct json *parts = add_turn(draft, "model");
	size_t length = 0;
	bool nothing = json_string(content, &length) && length == 0 && json_count(calls) > 0;
	int error = nothing ? 0 : add_content(parts, content, draft->why);

	for (size_t i = 0; json_type(calls) == JSON_ARRAY && i < json_count(calls) && !error; i++)
		error = add_call(parts, json_at(calls, i), draft->signs && i == 0, draft->why);
	return error ? error : provider_note_calls(&draft->calls, given, draft->why);
}

static int
add_message(struct draft *draft, const struct json *given)
{
	const char *role = json_text(given, "role");

	if (provider_is_system(given) && provider_has_image(json_get(given, "content")))
		return provider_refuse(draft->why, "gemini takes no images in a system message");
	if (provider_is_system(given))
		return add_content(draft->system, json_get(given, "content"), draft->why);
	if (role && strcmp(role, "tool") == 0)
		return add_result(draft, given);
	draft->results = NULL;
	if (role && strcmp(role, "assistant") == 0)
		return add_assistant(draft, given);
	return add_content(add_turn(draft, "user"), json_get(given, "content"), draft->why);
}

static bool
wants_signatures(const char *model)
{
	model = provider_bare_model(model);
	return !util_starts_with(model, "gemini-1") && !util_starts_with(model, "gemini-2");
}

static int
set_contents(struct json *body, const struct provider_chat *chat, struct buf *why)
{
	struct draft draft = {.system = json_new_array(),
		.contents = json_new_array(),
		.signs = wants_signatures(chat->model),
		.why = why};
	int error = 0;

	json_set(body, "contents", draft.contents);
	for (size_t i = 0; i < json_count(chat->messages) && !error; i++)
		error = add_message(&draft, json_at(chat->messages, i));
	if (json_count(draft.system) > 0) {
		struct json *system = json_new_object();
		json_set(system, "parts", draft.system);
		json_set(body, "systemInstruction", system);
	} else {
		json_free(draft.system);
	}
	return error;
}

/* ---- the rest of a request ---- */

static struct json *
new_declaration(const struct json *function)
{
	struct json *made = json_new_object();
	const struct json *parameters = json_get(function, "parameters");

	json_set_text(made, "name", json_text(function, "name"));
	if (json_text(function, "description"))
		json_set(made, "description", json_ref(json_get(function, "description")));
	if (json_type(parameters) == JSON_OBJECT)
		json_set(made, "parametersJsonSchema", json_ref(parameters));
	return made;
}

/* tool_choice is a word, or names a function. */
static int
set_choice(struct json *body, const struct json *choice, struct buf *why)
{
	const char *word = json_string(choice, NULL);
	const char *name = json_text(json_get(choice, "function"), "name");
	bool required = word && strcmp(word, "required") == 0;
	struct json *config, *calling;

	if (json_type(choice) <= JSON_NULL || (word && strcmp(word, "auto") == 0))
		return 0;
	if (!name && !required)
		return provider_refuse(why, "gemini has no such tool_choice");
	config = json_new_object();
	calling = json_new_object();
	json_set_text(calling, "mode", "ANY");
	if (name) {
		struct json *names = json_new_array();
		json_push(names, json_new_string(name, strlen(name)));
		json_set(calling, "allowedFunctionNames", names);
	}
	json_set(config, "functionCallingConfig", calling);
	json_set(body, "toolConfig", config);
	return 0;
}

/* Tools that must not be called are not named. */
static int
set_tools(struct json *body, const struct provider_chat *chat, struct buf *why)
{
	const char *word = json_string(chat->tool_choice, NULL);
	struct json *list, *tool, *tools;

	if (json_type(chat->tools) != JSON_ARRAY || json_count(chat->tools) == 0 ||
		(word && strcmp(word, "none") == 0))
		return 0;
	list = json_new_array();
	for (size_t i = 0; i < json_count(chat->tools); i++)
		json_push(list, new_declaration(json_get(json_at(chat->tools, i), "function")));
	tool = json_new_object();
	json_set(tool, "functionDeclarations", list);
	tools = json_new_array();
	json_push(tools, tool);
	json_set(body, "tools", tools);
	return set_choice(body, chat->tool_choice, why);
}

static int
set_format(struct json *config, const struct json *wanted, struct buf *why)
{
	const char *type = json_text(wanted, "type");
	struct json *schema = provider_schema(wanted);

	if (!type || strcmp(type, "text") == 0)
		return 0;
	if (!schema && strcmp(type, "json_schema") == 0)
		return provider_refuse(why, "response_format json_schema holds no schema");
	json_set_text(config, "responseMimeType", "application/json");
	if (schema)
		json_set(config, "responseJsonSchema", json_ref(schema));
	return 0;
}

static int
set_config(struct json *body, const struct provider_endpoint *endpoint,
	const struct provider_chat *chat, struct buf *why)
{
	struct json *config = json_new_object();
	int error = set_format(config, chat->response_format, why);

	if (chat->max_tokens > 0)
		json_set_int(config, "maxOutputTokens", chat->max_tokens);
	provider_set_sampling(endpoint, chat, config, "topP");
	if (chat->stop)
		json_set(config, "stopSequences", json_ref(chat->stop));
	if (chat->has_seed)
		json_set_int(config, "seed", chat->seed);
	if (!error && chat->has_seed && (chat->seed < INT32_MIN || chat->seed > INT32_MAX))
		error = provider_refuse(why, "gemini takes seeds of 32 bits only");
	if (json_count(config) > 0)
		json_set(body, "generationConfig", config);
	else
		json_free(config);
	return error;
}

/* The base URL with the version; those of the OpenAI-shaped endpoint and of the bare host serve. */
static char *
base_of(const struct provider_endpoint *endpoint)
{
	static const char *const ends[] = {"/v1beta/openai", "/v1beta", NULL};
	static const char *const stable[] = {"/v1", "/v1alpha", NULL};
	char *host = provider_cut_end(endpoint->base_url, ends);
	char *without = provider_cut_end(host, stable);
	bool versioned = strcmp(host, without) != 0;
	char *base = versioned ? x_strdup(host) : x_asprintf("%s/v1beta", host);

	free(host);
	free(without);
	return base;
}

static char *
chat_url(const struct provider_endpoint *endpoint, const char *model, bool stream)
{
	char *base = base_of(endpoint);
	bool tuned = util_starts_with(model, "tunedModels/");
	struct buf url;

	buf_init(&url, strlen(base) + 3 * strlen(model) + 100);
	buf_printf(&url, "%s/%s/", base, tuned ? "tunedModels" : "models");
	provider_add_segment(
		&url, tuned ? model + strlen("tunedModels/") : provider_bare_model(model));
	buf_puts(&url, stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
	free(base);
	return buf_take(&url, NULL);
}

static int
make_request(const struct provider_endpoint *endpoint, const struct provider_chat *chat,
	struct http_request *request, struct buf *why)
{
	struct json *body = json_new_object();
	char *url = chat_url(endpoint, chat->model, chat->stream);
	int error = provider_begin(endpoint, "POST", url, request, why);

	if (!error)
		error = provider_refuse_lacks(endpoint, chat, why);
	if (!error)
		error = set_contents(body, chat, why);
	if (!error)
		error = set_tools(body, chat, why);
	if (!error)
		error = set_config(body, endpoint, chat, why);
	if (!error)
		error = json_write(body, &request->body);
	json_free(body);
	return error;
}

static int
make_check(const struct provider_endpoint *endpoint, struct http_request *request)
{
	char *base = base_of(endpoint);
	struct buf why;

	buf_init(&why, 200);
	int error = provider_begin(
		endpoint, "GET", x_asprintf("%s/models?pageSize=1000", base), request, &why);
	buf_free(&why);
	free(base);
	return error;
}

/* ---- checks ---- */

/* The list has "models/gemini-...". */
static bool
same_model(const char *listed, const char *model)
{
	return strcmp(provider_bare_model(listed), provider_bare_model(model)) == 0;
}

static int
check_has_model(const char *body, size_t length, const char *model)
{
	struct json *root = json_parse(body, length, false, NULL);
	int found = provider_list_has(json_get(root, "models"), "name", model, same_model);

	json_free(root);
	return found;
}

const struct provider_family provider_gemini = {
	.name = "gemini",
	.key_header = "x-goog-api-key",
	.request = make_request,
	.answer = provider_gemini_read,
	.framing = SSE_EVENTS,
	.event = provider_gemini_event,
	.finish = provider_gemini_finish,
	.usage = provider_gemini_usage,
	.check = make_check,
	.check_has_model = check_has_model,
};
