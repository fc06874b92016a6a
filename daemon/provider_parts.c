/* SPDX-License-Identifier: MIT */
/*
 * Reading messages in OpenAI's form, for the families that have to translate them: parts of a
 * content, images, tool calls and what their results answer, paths.
 */
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "provider_common.h"

/* More calls than this in one message are nobody's; a bound for looking them up. */
#define CALLS_MAX 256

int
provider_refuse(struct buf *why, const char *text)
{
	buf_clear(why);
	buf_puts(why, text);
	return LLMFO_EBAD_REQUEST;
}

/* ---- contents ---- */

/* Splits "data:image/png;base64,AAAA"; without base64 there is no data and no type. */
static void
read_data_url(const char *url, struct provider_part *part)
{
	static const char mark[] = ";base64";
	const char *type = url + strlen("data:"), *comma = strchr(type, ',');
	size_t length = comma ? (size_t)(comma - type) : 0;

	part->data = part->type = "";
	if (length < strlen(mark) || strncasecmp(comma - strlen(mark), mark, strlen(mark)) != 0)
		return;
	part->data = comma + 1;
	part->type = type;
	part->type_length = strcspn(type, ";,");
}

static void
read_image(const struct json *image, struct provider_part *part)
{
	const char *url = json_type(image) == JSON_STRING ? json_string(image, NULL)
							  : json_text(image, "url");

	part->kind = PROVIDER_PART_IMAGE;
	part->url = url ? url : "";
	if (strncasecmp(part->url, "data:", strlen("data:")) == 0)
		read_data_url(part->url, part);
}

static void
read_map(const struct json *map, struct provider_part *part)
{
	const char *type = json_text(map, "type");

	part->text = json_string(json_get(map, "text"), &part->length);
	if (type && strcmp(type, "image_url") == 0)
		read_image(json_get(map, "image_url"), part);
	else if (type && strcmp(type, "refusal") == 0)
		part->text = json_string(json_get(map, "refusal"), &part->length);
	else if (!part->text || (type && strcmp(type, "text") != 0))
		part->kind = PROVIDER_PART_OTHER;
	if (part->kind == PROVIDER_PART_TEXT && !part->text)
		part->kind = PROVIDER_PART_OTHER;
}

bool
provider_read_part(const struct json *content, size_t index, struct provider_part *part)
{
	*part = (struct provider_part){.kind = PROVIDER_PART_TEXT};
	if (json_type(content) == JSON_STRING && index == 0) {
		part->text = json_string(content, &part->length);
		return true;
	}
	if (json_type(content) != JSON_ARRAY || index >= json_count(content))
		return false;
	read_map(json_at(content, index), part);
	return true;
}

int
provider_check_image(const struct provider_part *part, struct buf *why)
{
	if (part->data && part->type_length == 0)
		return provider_refuse(
			why, "an image's data must be base64 with its type before it");
	return part->data || part->url[0] ? 0 : provider_refuse(why, "an image has no URL");
}

bool
provider_is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && (text[i] < '\t' || text[i] > '\r'))
			return false;
	return true;
}

void
provider_plain_text(const struct json *content, struct buf *text)
{
	struct provider_part part;

	for (size_t i = 0; provider_read_part(content, i, &part); i++) {
		if (part.kind == PROVIDER_PART_TEXT)
			buf_add(text, part.text, part.length);
	}
}

bool
provider_has_image(const struct json *content)
{
	struct provider_part part;

	for (size_t i = 0; provider_read_part(content, i, &part); i++)
		if (part.kind == PROVIDER_PART_IMAGE)
			return true;
	return false;
}

bool
provider_is_system(const struct json *message)
{
	const char *role = json_text(message, "role");

	return role && (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0);
}

struct json *
provider_schema(const struct json *response_format)
{
	const char *type = json_text(response_format, "type");
	struct json *schema = json_get(json_get(response_format, "json_schema"), "schema");

	return type && strcmp(type, "json_schema") == 0 && json_type(schema) == JSON_OBJECT ? schema
											    : NULL;
}

/* ---- tool calls ---- */

struct json *
provider_arguments(const struct json *arguments)
{
	size_t length = 0;
	const char *text = json_string(arguments, &length);

	if (json_type(arguments) == JSON_OBJECT)
		return json_ref(arguments);
	if (json_type(arguments) <= JSON_NULL || (text && provider_is_blank(text, length)))
		return json_new_object();
	if (!text)
		return NULL;
	struct json *object = json_parse(text, length, true, NULL);
	if (json_type(object) == JSON_OBJECT)
		return object;
	json_free(object);
	return NULL;
}

int
provider_note_calls(struct provider_calls *calls, const struct json *message, struct buf *why)
{
	const struct json *list = json_get(message, "tool_calls");

	if (json_type(list) != JSON_ARRAY || json_count(list) == 0)
		return 0;
	if (json_count(list) > CALLS_MAX)
		return provider_refuse(why, "a message holds more than 256 tool calls");
	calls->list = list;
	return 0;
}

const char *
provider_called_name(const struct provider_calls *calls, const char *id)
{
	for (size_t i = 0; calls->list && id && i < json_count(calls->list); i++) {
		const struct json *call = json_at(calls->list, i);
		const char *own = json_text(call, "id");
		if (own && strcmp(own, id) == 0)
			return json_text(json_get(call, "function"), "name");
	}
	return NULL;
}

/* ---- URLs ---- */

void
provider_add_segment(struct buf *url, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			strchr("-._~", c))
			buf_putc(url, *text);
		else
			buf_printf(url, "%%%02X", c);
	}
}

char *
provider_cut_end(const char *url, const char *const *ends)
{
	size_t length = strlen(url);

	for (; *ends; ends++) {
		size_t end = strlen(*ends);
		if (length > end && strcmp(url + length - end, *ends) == 0)
			return x_strndup(url, length - end);
	}
	return x_strdup(url);
}
