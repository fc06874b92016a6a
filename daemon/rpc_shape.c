/* SPDX-License-Identifier: MIT */
/* See rpc_shape.h. */
#include "rpc_shape.h"

#include <string.h>
#include <strings.h>

static bool
has_name(const struct json *map)
{
	const char *name = json_text(map, "name");

	return name && name[0];
}

/* Of a tool, or of a call of one: NULL or what is wrong. Types that are not `function` are the
 * provider's to judge. */
static const char *
function_fault(const struct json *item)
{
	const struct json *type = json_get(item, "type");
	const char *word = json_string(type, NULL);

	if (json_type(item) != JSON_OBJECT)
		return "must be a map";
	if (json_type(type) > JSON_NULL && !word)
		return "must have a string as its type";
	if (word && strcmp(word, "function") != 0)
		return NULL;
	return has_name(json_get(item, "function")) ? NULL : "must have a function with a name";
}

/* ---- messages ---- */

/* The URL of an image that an image_url is, or holds; "" for none. */
static const char *
image_url(const struct json *image)
{
	const char *url = json_string(image, NULL);

	if (!url)
		url = json_text(image, "url");
	return url ? url : "";
}

static const char *
part_fault(const struct json *part)
{
	static const char *const schemes[] = {"data:", "https://", "http://"};
	const char *type = json_text(part, "type");

	if (json_type(part) != JSON_OBJECT)
		return "must be a map, or a map's JSON text";
	if (!type || strcmp(type, "image_url") != 0)
		return NULL;
	const char *url = image_url(json_get(part, "image_url"));
	for (size_t i = 0; i < UTIL_COUNT(schemes); i++)
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			return NULL;
	return "must have an image_url with a url that is data:, https:// or http://";
}

static bool
check_parts(struct json *message, const struct json *content, struct buf *why)
{
	struct json *parts = json_new_array();
	const char *fault = NULL;

	for (size_t i = 0; i < json_count(content) && !fault; i++) {
		size_t length;
		const char *text = json_string(json_at(content, i), &length);
		struct json *part =
			text ? json_parse(text, length, true, NULL) : json_ref(json_at(content, i));
		json_push(parts, part);
		fault = part_fault(part);
		if (fault)
			(void)buf_printf(why, "content[%zu] %s", i, fault);
	}
	if (fault)
		json_free(parts);
	else
		json_set(message, "content", parts);
	return !fault;
}

static bool
check_calls(struct json *message, struct buf *why)
{
	size_t length;
	const char *text = json_string(json_get(message, "tool_calls"), &length);
	const char *unread = "unknown";

	if (text) {
		struct json *tree = json_parse(text, length, true, &unread);
		if (!tree) {
			(void)buf_printf(why, "tool_calls is not usable JSON: %s", unread);
			return false;
		}
		json_set(message, "tool_calls", tree);
	}
	const struct json *calls = json_get(message, "tool_calls");
	if (json_type(calls) > JSON_NULL && json_type(calls) != JSON_ARRAY) {
		(void)buf_puts(why, "tool_calls must be an array");
		return false;
	}
	for (size_t i = 0; i < json_count(calls); i++) {
		const char *fault = function_fault(json_at(calls, i));
		if (!fault)
			continue;
		(void)buf_printf(why, "tool_calls[%zu] %s", i, fault);
		return false;
	}
	return true;
}

/* What is wrong with a message apart from its parts and calls, or NULL. */
static const char *
message_fault(const struct json *message)
{
	static const char *const roles[] = {"system", "developer", "user", "assistant", "tool"};
	const char *role = json_text(message, "role");
	enum json_type content = json_type(json_get(message, "content"));
	bool known = false;

	if (json_type(message) != JSON_OBJECT)
		return "it must be a map";
	for (size_t i = 0; role && i < UTIL_COUNT(roles); i++)
		known |= strcmp(role, roles[i]) == 0;
	if (!known)
		return "its role must be system, developer, user, assistant or tool";
	if (json_type(json_get(message, "function_call")) > JSON_NULL)
		return "function_call is no longer used: give tool_calls";
	if (content != JSON_STRING && content != JSON_ARRAY &&
		!(strcmp(role, "assistant") == 0 && json_get(message, "tool_calls")))
		return "its content must be a string or an array of parts";
	return NULL;
}

static bool
check_message(struct json *message, struct buf *why)
{
	const char *fault = message_fault(message);
	const struct json *content = json_get(message, "content");

	if (fault)
		(void)buf_puts(why, fault);
	return !fault && check_calls(message, why) &&
		(json_type(content) != JSON_ARRAY || check_parts(message, content, why));
}

bool
rpc_shape_messages(struct json *messages, struct buf *why)
{
	struct buf fault;
	bool good = json_count(messages) > 0;

	if (!good)
		(void)buf_puts(why, "`messages` must hold at least one message");
	buf_init(&fault, why->max);
	for (size_t i = 0; i < json_count(messages) && good; i++) {
		good = check_message(json_at(messages, i), &fault);
		if (!good)
			(void)buf_printf(why, "messages[%zu]: %s", i, fault.data);
	}
	buf_free(&fault);
	return good;
}

/* ---- tools ---- */

bool
rpc_shape_tools(const struct json *tools, struct buf *why)
{
	for (size_t i = 0; i < json_count(tools); i++) {
		const char *fault = function_fault(json_at(tools, i));
		if (!fault)
			continue;
		(void)buf_printf(why, "tools[%zu] %s", i, fault);
		return false;
	}
	return true;
}

bool
rpc_shape_choice(const struct json *tools, const struct json *choice, struct buf *why)
{
	const char *word = json_string(choice, NULL);
	bool demands = json_type(choice) == JSON_OBJECT || (word && strcmp(word, "required") == 0);

	if (!demands || json_count(tools) > 0)
		return true;
	(void)buf_puts(why, "`tool_choice` demands a call, and there are no `tools`");
	return false;
}
