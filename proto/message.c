/* SPDX-License-Identifier: MIT */
/* See message.h. */
#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "llmfo.h"
#include "utf8.h"

static const struct message_info methods[] = {
#define X(name, who, help) {#name, MESSAGE_##who, help},
#include "methods.def"
#undef X
};

/* The names that messages.def joins by |. */
enum {
	HELLO = 1 << MESSAGE_M_hello,
	GENERATE = 1 << MESSAGE_M_generate,
	CANCEL = 1 << MESSAGE_M_cancel,
	PICK = 1 << MESSAGE_M_pick,
	EXPLAIN = 1 << MESSAGE_M_explain,
	REPORT = 1 << MESSAGE_M_report,
	MODELS = 1 << MESSAGE_M_models,
	CHECK = 1 << MESSAGE_M_check,
	SUBSCRIBE = 1 << MESSAGE_M_subscribe,
	FORCE_PROVIDER = 1 << MESSAGE_M_force_provider,
	RESET_HEALTH = 1 << MESSAGE_M_reset_health,
	DRILL = 1 << MESSAGE_M_drill,
	ENABLE = 1 << MESSAGE_M_enable,
	DISABLE = 1 << MESSAGE_M_disable,
};

enum type { STRING, STRING_OR_NIL, TEXT, INT, NUMBER, BOOL, STRINGS, JSON };

static const char *const type_texts[] = {
	[STRING] = "a string of valid UTF-8 without NUL characters",
	[STRING_OR_NIL] = "a string of valid UTF-8 without NUL characters, or nil",
	[TEXT] = "a string of valid UTF-8",
	[INT] = "an integer",
	[NUMBER] = "a number",
	[BOOL] = "true or false",
	[STRINGS] = "a string or an array of strings",
	[JSON] = "a map, an array, or JSON text in a string",
};

static const struct message_field fields[] = {
#define X(methods, name, type, help) {#name, #type, methods, help},
#include "messages.def"
#undef X
};

static const enum type field_types[] = {
#define X(methods, name, type, help) type,
#include "messages.def"
#undef X
};

static const size_t field_count = sizeof fields / sizeof fields[0];

const struct message_info *
message_info(enum message_method method)
{
	return &methods[method];
}

int
message_method(const char *name, size_t length)
{
	for (int i = 0; i < MESSAGE_METHODS; i++)
		if (strlen(methods[i].name) == length && memcmp(methods[i].name, name, length) == 0)
			return i;
	return -1;
}

const struct message_field *
message_field_at(size_t index)
{
	return index < field_count ? &fields[index] : NULL;
}

/* Text as we take it: UTF-8 without NULs. */
static bool
is_text(const msgpack_object *object)
{
	if (object->type != MSGPACK_OBJECT_STR)
		return false;
	return memchr(object->via.str.ptr, '\0', object->via.str.size) == NULL &&
		utf8_valid(object->via.str.ptr, object->via.str.size);
}

static bool
are_texts(const msgpack_object *object)
{
	if (object->type != MSGPACK_OBJECT_ARRAY)
		return is_text(object);
	for (uint32_t i = 0; i < object->via.array.size; i++)
		if (!is_text(&object->via.array.ptr[i]))
			return false;
	return true;
}

static bool
is_int(const msgpack_object *object)
{
	return object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
		(object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX);
}

static bool
has_type(const msgpack_object *object, enum type type)
{
	switch (type) {
	case STRING_OR_NIL: return object->type == MSGPACK_OBJECT_NIL || is_text(object);
	case STRING: return is_text(object);
	case TEXT:
		return object->type == MSGPACK_OBJECT_STR &&
			utf8_valid(object->via.str.ptr, object->via.str.size);
	case INT: return is_int(object);
	case NUMBER:
		return is_int(object) || object->type == MSGPACK_OBJECT_FLOAT32 ||
			object->type == MSGPACK_OBJECT_FLOAT64;
	case BOOL: return object->type == MSGPACK_OBJECT_BOOLEAN;
	case STRINGS: return are_texts(object);
	case JSON:
		return object->type == MSGPACK_OBJECT_STR || object->type == MSGPACK_OBJECT_BIN ||
			object->type == MSGPACK_OBJECT_MAP || object->type == MSGPACK_OBJECT_ARRAY;
	}
	return false;
}

/* A key as it may be shown in an error: short, without control characters. */
static void
show_key(const msgpack_object *key, char *out, size_t size)
{
	size_t n = 0;

	if (key->type == MSGPACK_OBJECT_STR)
		for (uint32_t i = 0; i < key->via.str.size && n + 1 < size && n < 40; i++) {
			unsigned char c = (unsigned char)key->via.str.ptr[i];

			out[n++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
		}
	out[n] = '\0';
}

/* The row for a key of a method, or -1. */
static int
find_field(enum message_method method, const msgpack_object *key)
{
	for (size_t i = 0; key->type == MSGPACK_OBJECT_STR && i < field_count; i++)
		if (fields[i].methods & 1UL << method &&
			strlen(fields[i].name) == key->via.str.size &&
			memcmp(fields[i].name, key->via.str.ptr, key->via.str.size) == 0)
			return (int)i;
	return -1;
}

static int
check_pair(enum message_method method, const msgpack_object_kv *pair, unsigned long long *seen,
	char *why, size_t why_bytes)
{
	char shown[48];
	int field = find_field(method, &pair->key);

	if (pair->key.type != MSGPACK_OBJECT_STR) {
		snprintf(why, why_bytes, "the keys of params must be strings");
		return LLMFO_EINVALID_REQUEST;
	}
	show_key(&pair->key, shown, sizeof shown);
	if (field < 0) {
		snprintf(why, why_bytes, "%s takes no parameter `%s`", methods[method].name, shown);
		return LLMFO_EINVALID_REQUEST;
	}
	if (*seen & 1ULL << field) {
		snprintf(why, why_bytes, "parameter `%s` is given twice", shown);
		return LLMFO_EINVALID_REQUEST;
	}
	*seen |= 1ULL << field;
	if (!has_type(&pair->val, field_types[field])) {
		snprintf(why, why_bytes, "parameter `%s` must be %s", shown,
			type_texts[field_types[field]]);
		return LLMFO_EINVALID_REQUEST;
	}
	return 0;
}

int
message_check(enum message_method method, const msgpack_object *params,
	const msgpack_object_map **map, char *why, size_t why_bytes)
{
	unsigned long long seen = 0;

	_Static_assert(sizeof fields / sizeof fields[0] <= 64, "one bit a field");
	*map = NULL;
	if (params->type != MSGPACK_OBJECT_ARRAY || params->via.array.size > 1 ||
		(params->via.array.size == 1 &&
			params->via.array.ptr[0].type != MSGPACK_OBJECT_MAP)) {
		snprintf(why, why_bytes, "params must be an array with one map, or an empty array");
		return LLMFO_EINVALID_REQUEST;
	}
	if (params->via.array.size == 0)
		return 0;
	const msgpack_object_map *given = &params->via.array.ptr[0].via.map;
	for (uint32_t i = 0; i < given->size; i++) {
		int error = check_pair(method, &given->ptr[i], &seen, why, why_bytes);

		if (error)
			return error;
	}
	*map = given;
	return 0;
}

const msgpack_object *
message_get(const msgpack_object_map *map, const char *key)
{
	size_t length = strlen(key);

	for (uint32_t i = 0; map && i < map->size; i++) {
		const msgpack_object *name = &map->ptr[i].key;

		if (name->type == MSGPACK_OBJECT_STR && name->via.str.size == length &&
			memcmp(name->via.str.ptr, key, length) == 0)
			return &map->ptr[i].val;
	}
	return NULL;
}

const char *
message_string(const msgpack_object_map *map, const char *key, size_t *length)
{
	const msgpack_object *value = message_get(map, key);

	if (!value || value->type != MSGPACK_OBJECT_STR)
		return NULL;
	*length = value->via.str.size;
	return value->via.str.ptr;
}

int64_t
message_int(const msgpack_object_map *map, const char *key, int64_t fallback)
{
	const msgpack_object *value = message_get(map, key);

	return value && is_int(value) ? value->via.i64 : fallback;
}

bool
message_bool(const msgpack_object_map *map, const char *key, bool fallback)
{
	const msgpack_object *value = message_get(map, key);

	return value && value->type == MSGPACK_OBJECT_BOOLEAN ? value->via.boolean : fallback;
}
