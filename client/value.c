/* SPDX-License-Identifier: MIT */
/* See value.h. Recursion is safe here: the scanner bounded the depth to FRAME_DEPTH_MAX before
 * anything was unpacked. */
#include "value.h"

#include <msgpack/unpack.h>
#include <stdlib.h>
#include <string.h>

/* How much a tree takes. */
struct measure {
	size_t values;
	size_t text_bytes;
};

/* Where the next ones go. */
struct place {
	struct llmfo_value *value;
	char *text;
};

static bool
measure(const msgpack_object *object, struct measure *size)
{
	size->values++;
	switch (object->type) {
	case MSGPACK_OBJECT_STR: size->text_bytes += (size_t)object->via.str.size + 1; return true;
	case MSGPACK_OBJECT_BIN: size->text_bytes += (size_t)object->via.bin.size + 1; return true;
	case MSGPACK_OBJECT_ARRAY:
		for (uint32_t i = 0; i < object->via.array.size; i++)
			if (!measure(&object->via.array.ptr[i], size))
				return false;
		return true;
	case MSGPACK_OBJECT_MAP:
		for (uint32_t i = 0; i < object->via.map.size; i++)
			if (!measure(&object->via.map.ptr[i].key, size) ||
				!measure(&object->via.map.ptr[i].val, size))
				return false;
		return true;
	case MSGPACK_OBJECT_EXT: return false;
	default: return true;
	}
}

static void
copy_text(struct llmfo_value *value, struct place *free_place, const char *text, uint32_t length)
{
	if (length)
		memcpy(free_place->text, text, length);
	free_place->text[length] = '\0';
	value->type = LLMFO_STRING;
	value->count = length;
	value->as.text = free_place->text;
	free_place->text += (size_t)length + 1;
}

static void
copy_scalar(struct llmfo_value *value, const msgpack_object *object)
{
	switch (object->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		value->type = LLMFO_BOOL;
		value->as.yes = object->via.boolean;
		break;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		value->type = LLMFO_INT;
		value->as.number =
			object->via.u64 > INT64_MAX ? INT64_MAX : (int64_t)object->via.u64;
		break;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		value->type = LLMFO_INT;
		value->as.number = object->via.i64;
		break;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		value->type = LLMFO_DOUBLE;
		value->as.real = object->via.f64;
		break;
	default: value->type = LLMFO_NIL; break;
	}
}

static void copy(struct llmfo_value *value, const msgpack_object *object, struct place *free_place);

static struct llmfo_value *
take_values(struct llmfo_value *value, enum llmfo_type type, uint32_t count, size_t values,
	struct place *free_place)
{
	struct llmfo_value *items = free_place->value;

	value->type = type;
	value->count = count;
	value->as.items = items;
	free_place->value += values;
	return items;
}

static void
copy_array(struct llmfo_value *value, const msgpack_object_array *array, struct place *free_place)
{
	struct llmfo_value *items =
		take_values(value, LLMFO_ARRAY, array->size, array->size, free_place);

	for (uint32_t i = 0; i < array->size; i++)
		copy(&items[i], &array->ptr[i], free_place);
}

static void
copy_map(struct llmfo_value *value, const msgpack_object_map *map, struct place *free_place)
{
	struct llmfo_value *items =
		take_values(value, LLMFO_MAP, map->size, (size_t)map->size * 2, free_place);

	for (size_t i = 0; i < map->size; i++) {
		copy(&items[2 * i], &map->ptr[i].key, free_place);
		copy(&items[2 * i + 1], &map->ptr[i].val, free_place);
	}
}

static void
copy(struct llmfo_value *value, const msgpack_object *object, struct place *free_place)
{
	*value = (struct llmfo_value){.type = LLMFO_NIL};
	switch (object->type) {
	case MSGPACK_OBJECT_STR:
		copy_text(value, free_place, object->via.str.ptr, object->via.str.size);
		break;
	case MSGPACK_OBJECT_BIN:
		copy_text(value, free_place, object->via.bin.ptr, object->via.bin.size);
		break;
	case MSGPACK_OBJECT_ARRAY: copy_array(value, &object->via.array, free_place); break;
	case MSGPACK_OBJECT_MAP: copy_map(value, &object->via.map, free_place); break;
	default: copy_scalar(value, object); break;
	}
}

static int
build(const msgpack_object *object, struct llmfo_reply **reply)
{
	struct measure size = {0, 0};

	if (!measure(object, &size))
		return LLMFO_EPROTOCOL;
	size_t values_bytes = size.values * sizeof(struct llmfo_value);
	struct llmfo_reply *r = malloc(sizeof *r + values_bytes + size.text_bytes);
	if (!r)
		return LLMFO_ENO_MEMORY;
	r->root = r->values;
	struct place free_place = {r->values + 1, (char *)(r->values + size.values)};
	copy(r->values, object, &free_place);
	*reply = r;
	return 0;
}

int
value_unpack(const char *message, size_t length, struct llmfo_reply **reply)
{
	msgpack_unpacked unpacked;
	size_t end = 0;
	int error;

	msgpack_unpacked_init(&unpacked);
	switch (msgpack_unpack_next(&unpacked, message, length, &end)) {
	case MSGPACK_UNPACK_SUCCESS:
		error = end == length ? build(&unpacked.data, reply) : LLMFO_EPROTOCOL;
		break;
	case MSGPACK_UNPACK_NOMEM_ERROR: error = LLMFO_ENO_MEMORY; break;
	default: error = LLMFO_EPROTOCOL; break;
	}
	msgpack_unpacked_destroy(&unpacked);
	return error;
}

enum llmfo_type
llmfo_value_type(const struct llmfo_value *value)
{
	return value ? value->type : LLMFO_NIL;
}

static bool
is(const struct llmfo_value *value, enum llmfo_type type)
{
	return value && value->type == type;
}

size_t
llmfo_value_count(const struct llmfo_value *value)
{
	return is(value, LLMFO_ARRAY) || is(value, LLMFO_MAP) ? value->count : 0;
}

const struct llmfo_value *
llmfo_value_at(const struct llmfo_value *value, size_t index)
{
	if (index >= llmfo_value_count(value))
		return NULL;
	return value->type == LLMFO_MAP ? &value->as.items[2 * index + 1] : &value->as.items[index];
}

const char *
llmfo_value_key(const struct llmfo_value *value, size_t index)
{
	if (!is(value, LLMFO_MAP) || index >= value->count)
		return NULL;
	return llmfo_value_string(&value->as.items[2 * index], NULL);
}

static const struct llmfo_value *
look_up(const struct llmfo_value *map, const char *key, size_t length)
{
	for (size_t i = 0; is(map, LLMFO_MAP) && i < map->count; i++) {
		const struct llmfo_value *name = &map->as.items[2 * i];

		if (name->type == LLMFO_STRING && name->count == length &&
			memcmp(name->as.text, key, length) == 0)
			return name + 1;
	}
	return NULL;
}

const struct llmfo_value *
llmfo_value_get(const struct llmfo_value *value, const char *path)
{
	while (value && path) {
		size_t length = strcspn(path, ".");

		value = look_up(value, path, length);
		path = path[length] ? path + length + 1 : NULL;
	}
	return value;
}

const char *
llmfo_value_string(const struct llmfo_value *value, size_t *length)
{
	bool text = is(value, LLMFO_STRING);

	if (length)
		*length = text ? value->count : 0;
	return text ? value->as.text : NULL;
}

int64_t
llmfo_value_int(const struct llmfo_value *value, int64_t fallback)
{
	return is(value, LLMFO_INT) ? value->as.number : fallback;
}

double
llmfo_value_double(const struct llmfo_value *value, double fallback)
{
	if (is(value, LLMFO_INT))
		return (double)value->as.number;
	return is(value, LLMFO_DOUBLE) ? value->as.real : fallback;
}

bool
llmfo_value_bool(const struct llmfo_value *value, bool fallback)
{
	return is(value, LLMFO_BOOL) ? value->as.yes : fallback;
}

const struct llmfo_value *
llmfo_reply_value(const struct llmfo_reply *reply)
{
	return reply ? reply->root : NULL;
}

const char *
llmfo_reply_string(const struct llmfo_reply *reply, const char *path)
{
	const char *text =
		llmfo_value_string(llmfo_value_get(llmfo_reply_value(reply), path), NULL);

	return text ? text : "";
}

int64_t
llmfo_reply_int(const struct llmfo_reply *reply, const char *path, int64_t fallback)
{
	return llmfo_value_int(llmfo_value_get(llmfo_reply_value(reply), path), fallback);
}

void
llmfo_reply_free(struct llmfo_reply *reply)
{
	free(reply);
}
