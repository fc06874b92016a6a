/* SPDX-License-Identifier: MIT */
/* Methods and their parameters as tables, from methods.def and messages.def, and the check of a
 * message against them. Pure. */
#ifndef LLMFO_PROTO_MESSAGE_H
#define LLMFO_PROTO_MESSAGE_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>

#define MESSAGE_PROTOCOL 1

enum message_who { MESSAGE_ALL, MESSAGE_CALLERS, MESSAGE_REPORTERS, MESSAGE_ADMINS };

enum message_method {
#define X(name, who, help) MESSAGE_M_##name,
#include "methods.def"
#undef X
	MESSAGE_METHODS
};

struct message_info {
	const char *name;
	enum message_who who;
	const char *help;
};

struct message_field {
	const char *name;
	const char *type;      /* "STRING", ... */
	unsigned long methods; /* 1 << enum message_method */
	const char *help;
};

const struct message_info *message_info(enum message_method method);
/* The method of a name (not NUL-terminated), or -1. */
int message_method(const char *name, size_t length);
/* The field at index, NULL beyond the end. */
const struct message_field *message_field_at(size_t index);

/*
 * Checks a request's params against the tables: an empty array or an array with one map, known
 * keys, right types, no key twice. 0: *map is the map (NULL for an empty array).
 * LLMFO_EINVALID_REQUEST: why says what is wrong and what would be right.
 */
int message_check(enum message_method method, const msgpack_object *params,
	const msgpack_object_map **map, char *why, size_t why_bytes);
/* The value under a key of a checked map; NULL when it is not there or map is NULL. */
const msgpack_object *message_get(const msgpack_object_map *map, const char *key);
/* Readers of checked values: a string that is there (its length in *length), an integer, ... or
 * what stands for "not given". */
const char *message_string(const msgpack_object_map *map, const char *key, size_t *length);
int64_t message_int(const msgpack_object_map *map, const char *key, int64_t fallback);
bool message_bool(const msgpack_object_map *map, const char *key, bool fallback);

#endif
