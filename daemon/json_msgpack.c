/* SPDX-License-Identifier: MIT */
/* Trees to MessagePack and back. It knows json.h and msgpack-c only. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "llmfo.h"
#include "utf8.h"

static struct json *from_msgpack(const msgpack_object *object, unsigned depth, const char **why);

static struct json *
from_bytes(const char *bytes, size_t length, const char **why)
{
	if (!utf8_valid(bytes, length)) {
		*why = "a string that is not UTF-8";
		return NULL;
	}
	return json_new_string(length ? bytes : "", length);
}

static struct json *
from_array(const msgpack_object_array *array, unsigned depth, const char **why)
{
	struct json *json = json_new_array();

	for (uint32_t i = 0; i < array->size; i++) {
		struct json *item = from_msgpack(&array->ptr[i], depth, why);
		if (!item) {
			json_free(json);
			return NULL;
		}
		json_push(json, item);
	}
	return json;
}

/* The key of a pair as a new string, NULL with *why for one that JSON cannot have. */
static char *
key_text(const msgpack_object *key, const char **why)
{
	if (key->type != MSGPACK_OBJECT_STR) {
		*why = "a map key that is not a string";
		return NULL;
	}
	size_t length = key->via.str.size;
	const char *text = length ? key->via.str.ptr : "";
	if (!utf8_valid(text, length) || memchr(text, '\0', length)) {
		*why = "a map key that is not UTF-8 or holds a NUL";
		return NULL;
	}
	return x_strndup(text, length);
}

static struct json *
from_map(const msgpack_object_map *map, unsigned depth, const char **why)
{
	struct json *json = json_new_object();

	for (uint32_t i = 0; i < map->size; i++) {
		char *key = key_text(&map->ptr[i].key, why);
		struct json *value = key ? from_msgpack(&map->ptr[i].val, depth, why) : NULL;
		if (!value) {
			free(key);
			json_free(json);
			return NULL;
		}
		json_set(json, key, value);
		free(key);
	}
	return json;
}

static struct json *
from_double(double number, const char **why)
{
	struct json *json = json_new_double(number);

	if (json_type(json) == JSON_DOUBLE)
		return json;
	*why = "a number that is NaN or infinite";
	return NULL;
}

static struct json *
from_msgpack(const msgpack_object *object, unsigned depth, const char **why)
{
	if (depth == 0) {
		*why = "nested too deeply";
		return NULL;
	}
	switch (object->type) {
	case MSGPACK_OBJECT_NIL: return json_new_null();
	case MSGPACK_OBJECT_BOOLEAN: return json_new_bool(object->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER: return json_new_uint(object->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER: return json_new_int(object->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64: return from_double(object->via.f64, why);
	case MSGPACK_OBJECT_STR: return from_bytes(object->via.str.ptr, object->via.str.size, why);
	case MSGPACK_OBJECT_BIN: return from_bytes(object->via.bin.ptr, object->via.bin.size, why);
	case MSGPACK_OBJECT_ARRAY: return from_array(&object->via.array, depth - 1, why);
	case MSGPACK_OBJECT_MAP: return from_map(&object->via.map, depth - 1, why);
	case MSGPACK_OBJECT_EXT: break;
	}
	*why = "an extension type";
	return NULL;
}

struct json *
json_from_msgpack(const msgpack_object *object, const char **why)
{
	const char *unasked;

	return from_msgpack(object, JSON_DEPTH_MAX, why ? why : &unasked);
}

static void
pack_string(const char *text, size_t length, msgpack_packer *packer)
{
	msgpack_pack_str(packer, length);
	msgpack_pack_str_body(packer, text, length);
}

static bool
pack_member(const char *key, struct json *value, void *arg)
{
	pack_string(key, strlen(key), arg);
	json_pack(value, arg);
	return true;
}

static void
pack_number(const struct json *json, msgpack_packer *packer)
{
	int64_t integer;
	double number;

	if (json_type(json) == JSON_INT && json_int(json, &integer))
		msgpack_pack_int64(packer, integer);
	else if (json_type(json) == JSON_INT)
		msgpack_pack_uint64(packer, strtoull(json_number_text(json), NULL, 10));
	else if (json_double(json, &number))
		msgpack_pack_double(packer, number);
	else
		msgpack_pack_nil(packer);
}

static void
pack_array(const struct json *json, msgpack_packer *packer)
{
	size_t count = json_count(json);

	msgpack_pack_array(packer, count);
	for (size_t i = 0; i < count; i++)
		json_pack(json_at(json, i), packer);
}

void
json_pack(const struct json *json, msgpack_packer *packer)
{
	const char *text;
	size_t length;

	switch (json_type(json)) {
	case JSON_NONE:
	case JSON_NULL: msgpack_pack_nil(packer); return;
	case JSON_BOOL:
		json_bool(json, false) ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
		return;
	case JSON_INT:
	case JSON_DOUBLE: pack_number(json, packer); return;
	case JSON_STRING:
		text = json_string(json, &length);
		pack_string(text, length, packer);
		return;
	case JSON_ARRAY: pack_array(json, packer); return;
	case JSON_OBJECT:
		msgpack_pack_map(packer, json_count(json));
		json_each(json, pack_member, packer);
		return;
	}
}
