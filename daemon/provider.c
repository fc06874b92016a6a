/* SPDX-License-Identifier: MIT */
/*
 * The presets, base URLs, and what all families need to make a request and an answer. Speaks no
 * provider's language itself.
 */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "provider_common.h"
#include "tokens.h"

#define ANSWER_MAX_BYTES ((size_t)256 * 1024 * 1024)
#define TOKENS_MAX 1000000000
#define TOKENS_PER_MESSAGE 4
#define TOKENS_PER_IMAGE 800

static const struct provider_preset presets[] = {
#define X(name, family, base_url, path, key_variables, default_model, flags, lacks) \
	{name, &provider_##family, base_url, path, key_variables, default_model, flags, lacks},
#include "provider.def"
#undef X
};

static const char names[] =
#define X(name, family, base_url, path, key_variables, default_model, flags, lacks) ", " name
#include "provider.def"
#undef X
	;

static const struct {
	const char *name, *stands_for;
} aliases[] = {
	{"claude", "anthropic"},
	{"google", "gemini"},
};

const struct provider_preset *
provider_preset(const char *name)
{
	for (size_t i = 0; i < UTIL_COUNT(aliases); i++) {
		if (util_equal_nocase(name, aliases[i].name))
			name = aliases[i].stands_for;
	}
	for (size_t i = 0; i < UTIL_COUNT(presets); i++) {
		if (util_equal_nocase(name, presets[i].name))
			return &presets[i];
	}
	return NULL;
}

const struct provider_preset *
provider_preset_at(size_t index)
{
	return index < UTIL_COUNT(presets) ? &presets[index] : NULL;
}

const char *
provider_preset_names(void)
{
	return names + strlen(", ");
}

/* ---- base URLs ---- */

/* Bytes of "http://" or "https://" at the beginning, in any case; 0 if there is neither. */
static size_t
scheme_bytes(const char *url)
{
	static const char *const schemes[] = {"http://", "https://"};
	char start[sizeof("https://")];

	for (size_t i = 0; i < UTIL_COUNT(schemes); i++) {
		size_t length = strlen(schemes[i]);
		if (strlen(url) <= length)
			continue;
		memcpy(start, url, length);
		start[length] = '\0';
		if (util_equal_nocase(start, schemes[i]))
			return length;
	}
	return 0;
}

static bool
is_port(const char *text, size_t length)
{
	return length > 0 && length <= 5 && strspn(text, "0123456789") >= length &&
		strtol(text, NULL, 10) > 0 && strtol(text, NULL, 10) <= 65535;
}

/* What is wrong with host and port, NULL if nothing is. */
static const char *
host_fault(const char *host, size_t length)
{
	const char *end = host + length;
	const char *bracket = memchr(host, ']', length);
	const char *colon = memchr(host, ':', length);

	if (memchr(host, '@', length))
		return "a user or password in the URL is not supported, use api_key";
	if (host[0] == '[') {
		if (!bracket)
			return "the address has no closing bracket";
		colon = bracket + 1 < end ? bracket + 1 : NULL;
		if (colon && *colon != ':')
			return "something between address and port";
	}
	if (length == 0 || colon == host)
		return "the host is missing";
	if (colon && !is_port(colon + 1, (size_t)(end - colon) - 1))
		return "the port is not a number from 1 to 65535";
	return NULL;
}

static const char *
url_fault(const char *url)
{
	size_t scheme = scheme_bytes(url);

	for (const char *at = url; *at; at++) {
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f ||
			strchr("\"<>\\^`{|}", *at))
			return "a blank or another character that no URL has";
	}
	if (scheme == 0)
		return "it must begin with http:// or https:// and name a host";
	if (strpbrk(url, "?#"))
		return "a query or fragment has no place in a base URL";
	if (strstr(url, "/chat/completions") || strstr(url, "/api/chat") ||
		strstr(url, "/v1/messages") || strstr(url, ":generateContent"))
		return "it must end before the endpoint's own path (/chat/completions)";
	return host_fault(url + scheme, strcspn(url + scheme, "/"));
}

char *
provider_base_url(const struct provider_preset *preset, const char *url, const char **why)
{
	const char *fault = url_fault(url);

	if (fault) {
		*why = fault;
		return NULL;
	}
	size_t length = strlen(url), scheme = scheme_bytes(url);
	while (url[length - 1] == '/')
		length--;
	bool bare = !memchr(url + scheme, '/', length - scheme);
	const char *path = bare && preset ? preset->path : "";
	const char *name = scheme == strlen("https://") ? "https://" : "http://";
	return x_asprintf("%s%.*s%s", name, (int)(length - scheme), url + scheme, path);
}

char *
provider_url_host(const char *base_url)
{
	const char *host = base_url + scheme_bytes(base_url);

	return x_strndup(host, strcspn(host, "/"));
}

/* ---- answers ---- */

void
provider_answer_init(struct provider_answer *answer)
{
	*answer = (struct provider_answer){0};
	buf_init(&answer->text, ANSWER_MAX_BYTES);
}

void
provider_answer_free(struct provider_answer *answer)
{
	buf_free(&answer->text);
	json_free(answer->tool_calls);
	answer->tool_calls = NULL;
}

const char *
provider_finish_text(enum provider_finish finish)
{
	switch (finish) {
	case PROVIDER_FINISH_STOP: return "stop";
	case PROVIDER_FINISH_LENGTH: return "length";
	case PROVIDER_FINISH_TOOL_CALLS: return "tool_calls";
	case PROVIDER_FINISH_CONTENT_FILTER: return "content_filter";
	}
	return "stop";
}

int64_t
provider_estimate_text_tokens(const char *text, size_t length)
{
	return tokens_estimate(text, length);
}

static int64_t
estimate_string(const struct json *json)
{
	size_t length = 0;
	const char *text = json_string(json, &length);

	return text ? provider_estimate_text_tokens(text, length) : 0;
}

static int64_t
estimate_content(const struct json *content)
{
	int64_t tokens = estimate_string(content);

	for (size_t i = 0; json_type(content) == JSON_ARRAY && i < json_count(content); i++) {
		const struct json *part = json_at(content, i);
		tokens += json_get(part, "image_url") ? TOKENS_PER_IMAGE
						      : estimate_string(json_get(part, "text"));
	}
	return tokens;
}

int64_t
provider_estimate_json_tokens(const struct json *json)
{
	struct buf text;

	if (!json)
		return 0;
	buf_init(&text, ANSWER_MAX_BYTES);
	json_write(json, &text);
	int64_t tokens = provider_estimate_text_tokens(text.data, text.len);
	buf_free(&text);
	return tokens;
}

int64_t
provider_estimate_prompt_tokens(const struct provider_chat *chat)
{
	int64_t tokens = provider_estimate_json_tokens(chat->tools);

	for (size_t i = 0; i < json_count(chat->messages); i++) {
		const struct json *message = json_at(chat->messages, i);
		tokens += TOKENS_PER_MESSAGE + estimate_content(json_get(message, "content")) +
			provider_estimate_json_tokens(json_get(message, "tool_calls"));
	}
	return tokens;
}

/* ---- for the families ---- */

/* Adds the header that carries the key. */
static int
add_key(const struct provider_endpoint *endpoint, struct http_request *request)
{
	const struct provider_preset *preset = endpoint->preset;
	const char *header =
		preset->flags & PROVIDER_API_KEY_HEADER ? "api-key" : preset->family->key_header;
	char *value = x_asprintf("%s%s", header ? "" : "Bearer ", endpoint->key);
	int error = http_request_header(request, header ? header : "Authorization", value);

	util_wipe(value, strlen(value));
	free(value);
	return error;
}

int
provider_begin(const struct provider_endpoint *endpoint, const char *method, char *url,
	struct http_request *request, struct buf *why)
{
	int error = http_request_header(request, "Accept", "application/json");

	request->method = method;
	free(request->url);
	request->url = url;
	if (!error && strcmp(method, "POST") == 0)
		error = http_request_header(request, "Content-Type", "application/json");
	if (!error && endpoint->key && endpoint->key[0])
		error = add_key(endpoint, request);
	if (error == LLMFO_EINVALID_REQUEST) {
		buf_puts(why, "the key holds a control character");
		error = LLMFO_EBAD_REQUEST;
	}
	return error;
}

static bool
read_count(const struct json *json, int64_t *count)
{
	return json_int(json, count) && *count >= 0 && *count <= TOKENS_MAX;
}

int64_t
provider_count(const struct json *usage, const char *key)
{
	int64_t count;

	return json_int(json_get(usage, key), &count) && count > 0 ? count : 0;
}

void
provider_read_usage(struct provider_usage *usage, const struct json *prompt,
	const struct json *completion, const struct json *total, const struct json *cached)
{
	int64_t in, out, sum, reused;

	*usage = (struct provider_usage){0};
	if (!read_count(prompt, &in) || !read_count(completion, &out))
		return;
	if (!read_count(total, &sum) || sum < in + out)
		sum = in + out;
	if (!read_count(cached, &reused) || reused > in)
		reused = 0;
	*usage = (struct provider_usage){in, out, reused, sum, true};
}

/*
 * Makes arguments text, whatever they came as: an object, its text, or nothing, which is an empty
 * object. False for anything else.
 */
static bool
make_arguments_text(struct json *function)
{
	const struct json *arguments = json_get(function, "arguments");
	size_t length = 0;
	const char *given = json_string(arguments, &length);
	struct json *object = provider_arguments(arguments);
	struct buf text;

	if (!object)
		return false;
	if (!given || provider_is_blank(given, length)) {
		buf_init(&text, ANSWER_MAX_BYTES);
		(void)json_write(object, &text);
		json_set(function, "arguments", json_new_string(text.data, text.len));
		buf_free(&text);
	}
	json_free(object);
	return true;
}

const char *
provider_fit_call(struct json *call, size_t index, uint64_t hash)
{
	struct json *function = json_get(call, "function");
	const char *id = json_text(call, "id"), *name = json_text(function, "name");

	if (!name || name[0] == '\0')
		return "the model called a tool without naming it";
	if (!make_arguments_text(function))
		return "the model called a tool with arguments that are no JSON object";
	if (!id || id[0] == '\0') {
		char *made_up =
			x_asprintf("call_%08lx_%zu", (unsigned long)(hash & 0xffffffff), index);
		json_set_text(call, "id", made_up);
		free(made_up);
	}
	json_set_text(call, "type", "function");
	return NULL;
}

bool
provider_take_calls(
	struct provider_answer *answer, struct json *calls, const char *body, size_t length)
{
	if (json_type(calls) != JSON_ARRAY || json_count(calls) == 0)
		return true;
	uint64_t hash = provider_hash(body, length);
	for (size_t i = 0; i < json_count(calls) && !answer->bad_call; i++)
		answer->bad_call = provider_fit_call(json_at(calls, i), i, hash);
	if (answer->bad_call)
		return false;
	answer->tool_calls = json_ref(calls);
	return true;
}

uint64_t
provider_hash(const char *text, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
	return hash;
}

void
provider_set_sampling(const struct provider_endpoint *endpoint, const struct provider_chat *chat,
	struct json *body, const char *top_p_name)
{
	bool narrow = provider_lacks(endpoint->preset, chat->model,
			      PROVIDER_NEED_SAMPLING | PROVIDER_NEED_SAMPLING_BOTH) != 0;

	if (chat->has_temperature && !(narrow && chat->temperature == 1))
		json_set(body, "temperature", json_new_double(chat->temperature));
	if (chat->has_top_p && !(narrow && chat->top_p == 1))
		json_set(body, top_p_name, json_new_double(chat->top_p));
}

int
provider_list_has(const struct json *list, const char *key, const char *model,
	bool (*same)(const char *listed, const char *model))
{
	if (json_type(list) != JSON_ARRAY)
		return -1;
	for (size_t i = 0; i < json_count(list); i++) {
		const char *listed = json_text(json_at(list, i), key);
		if (listed && same(listed, model))
			return 1;
	}
	return 0;
}
