/* SPDX-License-Identifier: MIT */
/*
 * The glue to json-c. json-c has no node for null (it is a NULL pointer there), while our callers
 * must tell "null" from "not there": one static node stands for every null and never enters json-c.
 * Text is checked or mended before json-c sees it, since its own check lets overlong forms and
 * surrogates pass.
 */
#include "json.h"

/* Two of the library's types have the names of two of our functions. */
#define json_bool json_c_bool
#define json_type json_c_type
#include <json-c/json.h>
#undef json_bool
#undef json_type
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_strict.h"
#include "llmfo.h"
#include "utf8.h"

static char null_node;

static void narrow(struct json *json);

static struct json *
wrap(struct json_object *object)
{
	return object ? (struct json *)(void *)object : (struct json *)(void *)&null_node;
}

/* The library's node: NULL for null and for "not there". */
static struct json_object *
unwrap(const struct json *json)
{
	if (!json || (const void *)json == (const void *)&null_node)
		return NULL;
	return (struct json_object *)(uintptr_t)json;
}

static const char *
tokener_why(enum json_tokener_error error)
{
	switch (error) {
	case json_tokener_continue: return "unexpected end";
	case json_tokener_error_depth: return "nested too deeply";
	case json_tokener_error_parse_number: return "a number that is none or too large";
	case json_tokener_error_parse_unexpected:
	case json_tokener_error_parse_eof: return "unexpected character";
	default: return json_tokener_error_desc(error);
	}
}

static bool
only_space(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n')
			return false;
	}
	return true;
}

/* Counts a bracket, from depth on, as far as that matters. */
static int
count_bracket(const char *text, size_t length, char bracket, int depth)
{
	const char *at = text, *end = text + length;

	while (depth < JSON_DEPTH_MAX && (at = memchr(at, bracket, (size_t)(end - at))) != NULL) {
		at++;
		depth++;
	}
	return depth;
}

/* How deep the text can be nested at most: the tokener has room for each level from the start. */
static int
depth_of(const char *text, size_t length)
{
	return count_bracket(text, length, '[', count_bracket(text, length, '{', 2));
}

static struct json *
parse_utf8(const char *text, size_t length, bool strict, const char **why)
{
	struct json_tokener *tokener = json_tokener_new_ex(depth_of(text, length));

	if (!tokener) {
		*why = "out of memory";
		return NULL;
	}
	json_tokener_set_flags(tokener, strict ? JSON_TOKENER_STRICT : 0);
	struct json_object *object = json_tokener_parse_ex(tokener, text, (int)length);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);
	if (error == json_tokener_continue) {
		/* A number at the very end is complete only once something else follows. */
		object = json_tokener_parse_ex(tokener, "", 1);
		error = json_tokener_get_error(tokener);
		end = length;
	}
	json_tokener_free(tokener);
	if (error != json_tokener_success) {
		*why = tokener_why(error);
		return NULL;
	}
	if (!only_space(text + end, length - end)) {
		*why = "something follows the value";
		json_object_put(object);
		return NULL;
	}
	return wrap(object);
}

static bool
narrow_pair(const char *key, struct json *value, void *arg)
{
	(void)key;
	(void)arg;
	narrow(value);
	return true;
}

/* Gives integers that were widened their own text back. */
static void
narrow(struct json *json)
{
	struct json_object *object = unwrap(json);

	if (json_type(json) == JSON_DOUBLE) {
		const char *text = json_number_text(json);
		size_t length = strlen(text), own = json_strict_narrow(text, length);
		if (own < length)
			json_object_set_serializer(object, json_object_userdata_to_json_string,
				x_strndup(text, own), json_object_free_userdata);
	}
	for (size_t i = 0; json_type(json) == JSON_ARRAY && i < json_count(json); i++)
		narrow(json_at(json, i));
	json_each(json, narrow_pair, NULL);
}

/* Parses UTF-8 with integers of any size, which json-c would cut. */
static struct json *
parse_wide(const char *text, size_t length, bool strict, const char **why)
{
	struct json *json = NULL;
	struct buf wide;

	buf_init(&wide, INT_MAX - 1);
	if (!json_strict_widen(text, length, &wide))
		json = parse_utf8(text, length, strict, why);
	else if (!wide.failed)
		json = parse_utf8(wide.data, wide.len, strict, why);
	else
		*why = "out of memory";
	if (wide.len > 0)
		narrow(json);
	buf_free(&wide);
	return json;
}

/* Parses text that is not UTF-8 after mending it. */
static struct json *
parse_mended(const char *text, size_t length, const char **why)
{
	struct buf mended;
	struct json *json = NULL;

	buf_init(&mended, INT_MAX - 1);
	if (buf_add_mended(&mended, text, length) == 0)
		json = parse_wide(mended.data, mended.len, false, why);
	else
		*why = "out of memory";
	buf_free(&mended);
	return json;
}

struct json *
json_parse(const char *text, size_t length, bool strict, const char **why)
{
	const char *unasked;
	bool utf8 = utf8_valid(text, length);

	if (!why)
		why = &unasked;
	if (length >= INT_MAX) {
		*why = "longer than 2 GiB";
		return NULL;
	}
	if (memchr(text, '\0', length)) {
		*why = "a NUL byte";
		return NULL;
	}
	if (strict && !utf8) {
		*why = "not UTF-8";
		return NULL;
	}
	const char *fault = strict ? json_strict_fault(text, length) : NULL;
	if (!fault && json_strict_cuts_key(text, length))
		fault = "a NUL in a key";
	if (fault) {
		*why = fault;
		return NULL;
	}
	if (!utf8)
		return parse_mended(text, length, why);
	return parse_wide(text, length, strict, why);
}

void
json_free(struct json *json)
{
	json_object_put(unwrap(json));
}

struct json *
json_ref(const struct json *json)
{
	return json ? wrap(json_object_get(unwrap(json))) : NULL;
}

enum json_type
json_type(const struct json *json)
{
	if (!json)
		return JSON_NONE;
	switch (json_object_get_type(unwrap(json))) {
	case json_type_null: return JSON_NULL;
	case json_type_boolean: return JSON_BOOL;
	case json_type_double: return JSON_DOUBLE;
	case json_type_int: return JSON_INT;
	case json_type_object: return JSON_OBJECT;
	case json_type_array: return JSON_ARRAY;
	case json_type_string: return JSON_STRING;
	}
	return JSON_NONE;
}

struct json *
json_get(const struct json *object, const char *key)
{
	struct json_object *value;

	if (json_type(object) != JSON_OBJECT)
		return NULL;
	return json_object_object_get_ex(unwrap(object), key, &value) ? wrap(value) : NULL;
}

struct json *
json_at(const struct json *array, size_t index)
{
	if (json_type(array) != JSON_ARRAY || index >= json_count(array))
		return NULL;
	return wrap(json_object_array_get_idx(unwrap(array), index));
}

size_t
json_count(const struct json *json)
{
	switch (json_type(json)) {
	case JSON_ARRAY: return json_object_array_length(unwrap(json));
	case JSON_OBJECT: return (size_t)json_object_object_length(unwrap(json));
	default: return 0;
	}
}

void
json_each(const struct json *object, bool (*visit)(const char *key, struct json *value, void *arg),
	void *arg)
{
	struct lh_entry *entry, *next;

	if (json_type(object) != JSON_OBJECT)
		return;
	for (entry = json_object_get_object(unwrap(object))->head; entry; entry = next) {
		next = entry->next;
		if (!visit(entry->k, wrap((struct json_object *)(uintptr_t)entry->v), arg))
			return;
	}
}

const char *
json_string(const struct json *json, size_t *length)
{
	if (json_type(json) != JSON_STRING)
		return NULL;
	if (length)
		*length = (size_t)json_object_get_string_len(unwrap(json));
	return json_object_get_string(unwrap(json));
}

const char *
json_text(const struct json *object, const char *key)
{
	return json_string(json_get(object, key), NULL);
}

bool
json_int(const struct json *json, int64_t *number)
{
	if (json_type(json) == JSON_DOUBLE) {
		double value = json_object_get_double(unwrap(json));
		if (!(value >= -0x1p63 && value < 0x1p63) || value != trunc(value))
			return false;
		*number = (int64_t)value;
		return true;
	}
	if (json_type(json) != JSON_INT)
		return false;
	*number = json_object_get_int64(unwrap(json));
	return *number < 0 || (uint64_t)*number == json_object_get_uint64(unwrap(json));
}

bool
json_double(const struct json *json, double *number)
{
	enum json_type type = json_type(json);

	if (type != JSON_INT && type != JSON_DOUBLE)
		return false;
	*number = json_object_get_double(unwrap(json));
	return isfinite(*number);
}

const char *
json_number_text(const struct json *json)
{
	enum json_type type = json_type(json);

	if (type != JSON_INT && type != JSON_DOUBLE)
		return "";
	return json_object_to_json_string_ext(unwrap(json), JSON_C_TO_STRING_PLAIN);
}

bool
json_bool(const struct json *json, bool fallback)
{
	return json_type(json) == JSON_BOOL ? json_object_get_boolean(unwrap(json)) : fallback;
}

bool
json_truthy(const struct json *json)
{
	double number;
	size_t length;

	switch (json_type(json)) {
	case JSON_BOOL: return json_bool(json, false);
	case JSON_INT:
	case JSON_DOUBLE: return !json_double(json, &number) || number < 0 || number > 0;
	case JSON_STRING: return json_string(json, &length) && length > 0;
	case JSON_ARRAY:
	case JSON_OBJECT: return json_count(json) > 0;
	default: return false;
	}
}

/* A new node of the library; the daemon's small allocations never fail. */
static struct json *
made(struct json_object *object)
{
	if (!object) {
		fputs("<2>llmfod: out of memory\n", stderr);
		abort();
	}
	return wrap(object);
}

struct json *
json_new_object(void)
{
	return made(json_object_new_object());
}

struct json *
json_new_array(void)
{
	return made(json_object_new_array());
}

struct json *
json_new_string(const char *text, size_t length)
{
	return made(json_object_new_string_len(text, (int)length));
}

struct json *
json_new_int(int64_t number)
{
	return made(json_object_new_int64(number));
}

struct json *
json_new_uint(uint64_t number)
{
	return made(json_object_new_uint64(number));
}

struct json *
json_new_null(void)
{
	return wrap(NULL);
}

struct json *
json_new_double(double number)
{
	char text[40];

	if (!isfinite(number))
		return wrap(NULL);
	/* The shortest text that reads back as the same number. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text) - 2, "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	size_t end = strlen(text);
	if (!strpbrk(text, ".e"))
		memcpy(text + end, ".0", 3);
	return made(json_object_new_double_s(number, text));
}

struct json *
json_new_bool(bool yes)
{
	return made(json_object_new_boolean(yes));
}

void
json_set(struct json *object, const char *key, struct json *value)
{
	if (json_object_object_add(unwrap(object), key, unwrap(value)) != 0)
		made(NULL);
}

void
json_push(struct json *array, struct json *value)
{
	if (json_object_array_add(unwrap(array), unwrap(value)) != 0)
		made(NULL);
}

void
json_set_text(struct json *object, const char *key, const char *text)
{
	json_set(object, key, text ? json_new_string(text, strlen(text)) : NULL);
}

void
json_set_int(struct json *object, const char *key, int64_t number)
{
	json_set(object, key, json_new_int(number));
}

void
json_set_bool(struct json *object, const char *key, bool yes)
{
	json_set(object, key, json_new_bool(yes));
}

int
json_write(const struct json *json, struct buf *out)
{
	size_t length;
	const char *text = json_object_to_json_string_length(
		unwrap(json), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);

	return text ? buf_add(out, text, length) : LLMFO_ENO_MEMORY;
}
