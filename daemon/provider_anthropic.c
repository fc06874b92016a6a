/* SPDX-License-Identifier: MIT */
/*
 * Anthropic's Messages API. The system prompt stands beside the messages, which hold blocks; the
 * results of tools are blocks of a user's message; max_tokens is always there. What it answers is
 * read by provider_anthropic_answer.c.
 */
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "provider_anthropic_answer.h"
#include "provider_common.h"

#define API_VERSION "2023-06-01"
#define ID_MAX_BYTES 64
#define TEXT_MAX_BYTES ((size_t)256 << 20)

/* Blocks, the last of them a text that more may still join. */
struct blocks {
	struct json *list; /* borrowed */
	struct buf text;
	bool open;
};

/* A request in the making. */
struct draft {
	struct blocks system;  /* its list is owned until it stands in the body */
	struct json *messages; /* in the body */
	struct json *results;  /* the blocks of the last message, if those are results of tools */
	struct buf *why;
};

/* ---- messages ---- */

static struct json *
new_block(const char *type)
{
	struct json *block = json_new_object();

	json_set_text(block, "type", type);
	return block;
}

static struct blocks
blocks_of(struct json *list)
{
	struct blocks blocks = {.list = list};

	buf_init(&blocks.text, TEXT_MAX_BYTES);
	return blocks;
}

/* Makes a block of the open text, if there is one: 0 or LLMFO_ETOO_LARGE. */
static int
close_text(struct blocks *blocks)
{
	bool failed = blocks->text.failed;

	if (blocks->open) {
		struct json *block = new_block("text");

		json_set(block, "text", json_new_string(blocks->text.data, blocks->text.len));
		json_push(blocks->list, block);
	}
	blocks->open = false;
	buf_free(&blocks->text);
	return failed ? LLMFO_ETOO_LARGE : 0;
}

/* The API refuses blocks without anything to see in them: such a text joins the one before it. */
static int
add_text(struct blocks *blocks, const struct provider_part *part)
{
	bool blank = provider_is_blank(part->text, part->length);
	int error = blank ? 0 : close_text(blocks);

	if (!blank)
		blocks->open = true;
	if (blocks->open)
		(void)buf_add(&blocks->text, part->text, part->length);
	return error;
}

static int
add_image(struct json *blocks, const struct provider_part *part, struct buf *why)
{
	struct json *block, *source;
	int error = provider_check_image(part, why);

	if (error)
		return error;
	block = new_block("image");
	source = new_block(part->data ? "base64" : "url");
	if (part->data) {
		json_set(source, "media_type", json_new_string(part->type, part->type_length));
		json_set_text(source, "data", part->data);
	} else {
		json_set_text(source, "url", part->url);
	}
	json_set(block, "source", source);
	json_push(blocks, block);
	return 0;
}

/* Adds a content's parts; its last text stays open. */
static int
add_parts(struct blocks *blocks, const struct json *content, struct buf *why)
{
	struct provider_part part;
	int error = 0;

	for (size_t i = 0; !error && provider_read_part(content, i, &part); i++) {
		if (part.kind == PROVIDER_PART_TEXT) {
			error = add_text(blocks, &part);
		} else if (part.kind == PROVIDER_PART_IMAGE) {
			error = close_text(blocks);
			if (!error)
				error = add_image(blocks->list, &part, why);
		} else {
			error = provider_refuse(why, "anthropic takes no audio or files");
		}
	}
	return error;
}

/* The API refuses to go on from white space. */
static void
cut_blank_end(struct buf *text)
{
	while (text->len > 0 && provider_is_blank(text->data + text->len - 1, 1))
		text->data[--text->len] = '\0';
}

/* prefill: it is to be gone on from. */
static int
add_content(struct json *list, const struct json *content, bool prefill, struct buf *why)
{
	struct blocks blocks = blocks_of(list);
	int error = add_parts(&blocks, content, why);

	if (prefill)
		cut_blank_end(&blocks.text);
	int unfinished = close_text(&blocks);

	return error ? error : unfinished;
}

/* Ids hold letters, digits, _ and -; others, which come from elsewhere, become such. */
static void
set_id(struct json *block, const char *key, const char *id)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_-";
	size_t length = strlen(id);

	if (length > 0 && length <= ID_MAX_BYTES && strspn(id, plain) == length) {
		json_set_text(block, key, id);
		return;
	}
	char *made = x_asprintf("call_%016llx", (unsigned long long)provider_hash(id, length));
	json_set_text(block, key, made);
	free(made);
}

static int
add_call(struct json *blocks, const struct json *call, struct buf *why)
{
	const struct json *function = json_get(call, "function");
	const char *id = json_text(call, "id"), *name = json_text(function, "name");
	struct json *input = provider_arguments(json_get(function, "arguments"));

	if (!input || !id || !name) {
		json_free(input);
		return provider_refuse(why,
			input ? "a tool call has no id or no name"
			      : "the arguments of a tool call are not a JSON object");
	}
	struct json *block = new_block("tool_use");
	set_id(block, "id", id);
	json_set_text(block, "name", name);
	json_set(block, "input", input);
	json_push(blocks, block);
	return 0;
}

static struct json *
add_message(struct draft *draft, const char *role)
{
	struct json *message = json_new_object(), *blocks = json_new_array();

	json_set_text(message, "role", role);
	json_set(message, "content", blocks);
	json_push(draft->messages, message);
	return blocks;
}

/* The results of one turn's tools go into one message of the user's. */
static int
add_result(struct draft *draft, const struct json *given)
{
	const char *id = json_text(given, "tool_call_id");
	struct json *block, *content;

	if (!id)
		return provider_refuse(draft->why, "the result of a tool has no tool_call_id");
	if (!draft->results)
		draft->results = add_message(draft, "user");
	block = new_block("tool_result");
	json_push(draft->results, block);
	set_id(block, "tool_use_id", id);
	if (json_type(json_get(given, "content")) == JSON_STRING) {
		json_set(block, "content", json_ref(json_get(given, "content")));
		return 0;
	}
	content = json_new_array();
	json_set(block, "content", content);
	return add_content(content, json_get(given, "content"), false, draft->why);
}

static int
add_turn(struct draft *draft, const struct json *given, bool assistant, bool last)
{
	struct json *blocks = add_message(draft, assistant ? "assistant" : "user");
	const struct json *calls = assistant ? json_get(given, "tool_calls") : NULL;
	int error = add_content(
		blocks, json_get(given, "content"), last && provider_is_prefill(given), draft->why);

	draft->results = NULL;
	for (size_t i = 0; json_type(calls) == JSON_ARRAY && i < json_count(calls) && !error; i++)
		error = add_call(blocks, json_at(calls, i), draft->why);
	return error;
}

static int
add_messages(struct draft *draft, const struct json *given)
{
	int error = 0;

	for (size_t i = 0; i < json_count(given) && !error; i++) {
		const struct json *message = json_at(given, i);
		const char *role = json_text(message, "role");

		if (provider_is_system(message) && provider_has_image(json_get(message, "content")))
			error = provider_refuse(
				draft->why, "anthropic takes no images in a system message");
		else if (provider_is_system(message))
			error = add_parts(&draft->system, json_get(message, "content"), draft->why);
		else if (role && strcmp(role, "tool") == 0)
			error = add_result(draft, message);
		else
			error = add_turn(draft, message, role && strcmp(role, "assistant") == 0,
				i + 1 == json_count(given));
	}
	return error;
}

static int
set_messages(struct json *body, const struct json *given, struct buf *why)
{
	struct draft draft = {blocks_of(json_new_array()), json_new_array(), NULL, why};

	json_set(body, "messages", draft.messages);
	int error = add_messages(&draft, given), unfinished = close_text(&draft.system);
	if (json_count(draft.system.list) > 0)
		json_set(body, "system", draft.system.list);
	else
		json_free(draft.system.list);
	return error ? error : unfinished;
}

/* ---- the rest of a request ---- */

static struct json *
new_schema(void)
{
	struct json *schema = new_block("object");

	json_set(schema, "properties", json_new_object());
	return schema;
}

static struct json *
new_tool(const struct json *function)
{
	const struct json *parameters = json_get(function, "parameters");
	struct json *tool = json_new_object();

	json_set_text(tool, "name", json_text(function, "name"));
	if (json_text(function, "description"))
		json_set(tool, "description", json_ref(json_get(function, "description")));
	json_set(tool, "input_schema",
		json_type(parameters) == JSON_OBJECT ? json_ref(parameters) : new_schema());
	if (json_bool(json_get(function, "strict"), false))
		json_set_bool(tool, "strict", true);
	return tool;
}

/* tool_choice is a word, or names a function. */
static int
set_choice(struct json *body, const struct json *choice, struct buf *why)
{
	static const struct {
		const char *ours, *theirs;
	} words[] = {{"auto", "auto"}, {"none", "none"}, {"required", "any"}};
	const char *word = json_string(choice, NULL);
	const char *name = json_text(json_get(choice, "function"), "name");
	struct json *made = NULL;

	if (json_type(choice) <= JSON_NULL)
		return 0;
	for (size_t i = 0; word && i < UTIL_COUNT(words); i++)
		if (strcmp(word, words[i].ours) == 0)
			made = new_block(words[i].theirs);
	if (name) {
		made = new_block("tool");
		json_set_text(made, "name", name);
	}
	if (!made)
		return provider_refuse(why, "anthropic has no such tool_choice");
	json_set(body, "tool_choice", made);
	return 0;
}

static int
set_tools(struct json *body, const struct provider_chat *chat, struct buf *why)
{
	struct json *tools;

	if (json_type(chat->tools) != JSON_ARRAY || json_count(chat->tools) == 0)
		return 0;
	tools = json_new_array();
	json_set(body, "tools", tools);
	for (size_t i = 0; i < json_count(chat->tools); i++)
		json_push(tools, new_tool(json_get(json_at(chat->tools, i), "function")));
	return set_choice(body, chat->tool_choice, why);
}

static int
set_format(struct json *body, const struct json *wanted, struct buf *why)
{
	const char *type = json_text(wanted, "type");
	struct json *schema = provider_schema(wanted), *config, *format;

	if (!type || strcmp(type, "text") == 0)
		return 0;
	if (!schema)
		return provider_refuse(why, "response_format json_schema holds no schema");
	config = json_new_object();
	format = new_block("json_schema");
	json_set(format, "schema", json_ref(schema));
	json_set(config, "format", format);
	json_set(body, "output_config", config);
	return 0;
}

static void
set_params(struct json *body, const struct provider_endpoint *endpoint,
	const struct provider_chat *chat)
{
	int64_t max_tokens = chat->max_tokens;

	if (max_tokens <= 0)
		max_tokens = provider_default_max_tokens(endpoint->preset, chat->model);
	json_set_int(body, "max_tokens", max_tokens);
	provider_set_sampling(endpoint, chat, body, "top_p");
	if (chat->stop)
		json_set(body, "stop_sequences", json_ref(chat->stop));
	if (chat->user) {
		struct json *metadata = json_new_object();
		json_set_text(metadata, "user_id", chat->user);
		json_set(body, "metadata", metadata);
	}
}

/* Host and path: a base URL may end with the API's version, as other programs want it. */
static int
begin(const struct provider_endpoint *endpoint, const char *method, const char *path,
	struct http_request *request, struct buf *why)
{
	static const char *const ends[] = {"/v1", NULL};
	char *host = provider_cut_end(endpoint->base_url, ends);
	int error = provider_begin(endpoint, method, x_asprintf("%s%s", host, path), request, why);

	free(host);
	return error ? error : http_request_header(request, "anthropic-version", API_VERSION);
}

static int
make_request(const struct provider_endpoint *endpoint, const struct provider_chat *chat,
	struct http_request *request, struct buf *why)
{
	struct json *body = json_new_object();
	int error = begin(endpoint, "POST", "/v1/messages", request, why);

	json_set_text(body, "model", chat->model);
	set_params(body, endpoint, chat);
	if (chat->stream)
		json_set_bool(body, "stream", true);
	if (!error)
		error = provider_refuse_lacks(endpoint, chat, why);
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
	int error = begin(endpoint, "GET", "/v1/models?limit=1000", request, &why);
	buf_free(&why);
	return error;
}

/* ---- checks ---- */

/* "claude-haiku-4-5" and "claude-3-7-sonnet-latest" stand for models that are listed with a date.
 */
static bool
same_model(const char *listed, const char *model)
{
	static const char *const latest[] = {"-latest", NULL};
	char *name = provider_cut_end(model, latest);
	size_t length = strlen(name);
	bool begins = strncmp(listed, name, length) == 0;
	const char *rest = begins ? listed + length : "";
	bool same = strcmp(listed, model) == 0 ||
		(begins && rest[0] == '-' && strlen(rest) == 9 &&
			strspn(rest + 1, "0123456789") == 8);

	free(name);
	return same;
}

static int
check_has_model(const char *body, size_t length, const char *model)
{
	struct json *root = json_parse(body, length, false, NULL);
	int found = provider_list_has(json_get(root, "data"), "id", model, same_model);

	json_free(root);
	return found;
}

const struct provider_family provider_anthropic = {
	.name = "anthropic",
	.key_header = "x-api-key",
	.request = make_request,
	.answer = provider_anthropic_read,
	.framing = SSE_EVENTS,
	.event = provider_anthropic_event,
	.finish = provider_anthropic_finish,
	.usage = provider_anthropic_usage,
	.check = make_check,
	.check_has_model = check_has_model,
};
