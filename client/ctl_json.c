/* SPDX-License-Identifier: MIT */
/*
 * A reply as JSON: built and written by json-c, then made harmless for a terminal. Beyond ASCII
 * only strings hold anything, so that what moves a cursor or turns text round can be escaped in the
 * text.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

/* json-c takes UTF-8 as it comes: bytes that are none are mended before it sees them. */
static struct json_object *
new_string(const char *text, size_t length)
{
	struct json_object *made;
	char *mended = malloc(length * 3 + 1);
	size_t out = 0;

	if (!mended)
		return NULL;
	for (size_t i = 0; i < length;) {
		int32_t code;
		size_t bytes = ctl_utf8(text + i, length - i, &code);

		memcpy(mended + out, code < 0 ? "\xef\xbf\xbd" : text + i, code < 0 ? 3 : bytes);
		out += code < 0 ? 3 : bytes;
		i += bytes;
	}
	made = json_object_new_string_len(mended, (int)out);
	free(mended);
	return made;
}

/* With the shortest decimal that reads back as the same number. */
static struct json_object *
new_double(double number)
{
	char text[40];

	if (!isfinite(number))
		return NULL;
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof text - 2, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	if (!strpbrk(text, ".e"))
		strncat(text, ".0", sizeof text - strlen(text) - 1);
	return json_object_new_double_s(number, text);
}

static struct json_object *new_value(const struct llmfo_value *value);

static struct json_object *
new_container(const struct llmfo_value *value)
{
	bool map = llmfo_value_type(value) == LLMFO_MAP;
	struct json_object *made = map ? json_object_new_object() : json_object_new_array();

	for (size_t i = 0; made && i < llmfo_value_count(value); i++) {
		const char *key = llmfo_value_key(value, i);

		if (map)
			json_object_object_add(
				made, key ? key : "?", new_value(llmfo_value_at(value, i)));
		else
			json_object_array_add(made, new_value(llmfo_value_at(value, i)));
	}
	return made;
}

static struct json_object *
new_value(const struct llmfo_value *value)
{
	const char *text;
	size_t length;

	switch (llmfo_value_type(value)) {
	case LLMFO_NIL: break;
	case LLMFO_BOOL: return json_object_new_boolean(llmfo_value_bool(value, false));
	case LLMFO_INT: return json_object_new_int64(llmfo_value_int(value, 0));
	case LLMFO_DOUBLE: return new_double(llmfo_value_double(value, 0));
	case LLMFO_STRING:
		text = llmfo_value_string(value, &length);
		return new_string(text, length);
	case LLMFO_ARRAY:
	case LLMFO_MAP: return new_container(value);
	}
	return NULL;
}

/* The text with everything that is harmful as \u escapes; line breaks are json-c's own. */
static void
put_harmless(FILE *file, const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length;) {
		int32_t code;
		size_t bytes = ctl_utf8(text + i, length - i, &code);

		if (code != '\n' && ctl_is_harmful(code))
			fprintf(file, "\\u%04x", (unsigned)code);
		else
			fwrite(text + i, 1, bytes, file);
		i += bytes;
	}
	fputc('\n', file);
}

static void
put(FILE *file, struct json_object *object, bool pretty)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE | JSON_C_TO_STRING_SPACED;

	put_harmless(file,
		json_object_to_json_string_ext(
			object, pretty ? flags | JSON_C_TO_STRING_PRETTY : flags));
	json_object_put(object);
}

void
ctl_json(FILE *file, const struct llmfo_value *value, bool pretty)
{
	put(file, new_value(value), pretty);
}

void
ctl_json_within(FILE *file, const char *key, const char *text, const char *other,
	const struct llmfo_value *value)
{
	struct json_object *object = json_object_new_object();

	if (key)
		json_object_object_add(object, key, new_string(text, strlen(text)));
	json_object_object_add(object, other, new_value(value));
	put(file, object, true);
}

void
ctl_json_error(FILE *file, const char *code, const char *message)
{
	struct json_object *object = json_object_new_object();
	struct json_object *error = json_object_new_object();

	json_object_object_add(error, "code", new_string(code, strlen(code)));
	json_object_object_add(error, "message", new_string(message, strlen(message)));
	json_object_object_add(object, "error", error);
	put(file, object, true);
}
