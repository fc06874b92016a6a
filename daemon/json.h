/* SPDX-License-Identifier: MIT */
/*
 * The only door to the JSON library (json-c). A struct json is a node of a tree: freeing the root
 * frees all; a node handed to json_set()/json_push() belongs to the tree from then on. Getters take
 * NULL as "not there", so that they can be chained. Integers keep all 64 bits, other numbers and
 * longer integers, which are doubles here, their text.
 */
#ifndef LLMFO_JSON_H
#define LLMFO_JSON_H

#include <msgpack.h>

#include "buf.h"

struct json;

enum json_type {
	JSON_NONE, /* not there at all */
	JSON_NULL,
	JSON_BOOL,
	JSON_INT,
	JSON_DOUBLE,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

#define JSON_DEPTH_MAX 128

/*
 * Parses exactly one JSON value with white space around it, at most JSON_DEPTH_MAX deep. NULL when
 * the text is not that: *why, if asked for, is then a static text ("unexpected end", ...). strict
 * is for what our callers send: it refuses what standard JSON does not know and what is not UTF-8;
 * else broken UTF-8 is mended (U+FFFD). A key with a NUL in it is refused either way. All strings
 * of a tree are well-formed UTF-8. A JSON `null` parses to a node of type JSON_NULL.
 */
struct json *json_parse(const char *text, size_t length, bool strict, const char **why);
/* Frees a root. NULL is fine. */
void json_free(struct json *json);
/* One more owner of a node: each owner frees it. */
struct json *json_ref(const struct json *json);

enum json_type json_type(const struct json *json);
struct json *json_get(const struct json *object, const char *key);
struct json *json_at(const struct json *array, size_t index);
/* Items of an array or pairs of an object, else 0. */
size_t json_count(const struct json *json);
/* Calls visit for each pair of an object, until it returns false. */
void json_each(const struct json *object,
	bool (*visit)(const char *key, struct json *value, void *arg), void *arg);
/* The text of a string, NULL for anything else; length may be NULL. */
const char *json_string(const struct json *json, size_t *length);
/* json_string(json_get(object, key), NULL) */
const char *json_text(const struct json *object, const char *key);
/* An integer, or a double with no fraction; false for anything else or beyond int64. */
bool json_int(const struct json *json, int64_t *number);
bool json_double(const struct json *json, double *number);
/* The text of a number as it was sent; "" for anything else. Valid as long as the node. */
const char *json_number_text(const struct json *json);
bool json_bool(const struct json *json, bool fallback);
/* Anything but not there, null, false, 0, "", [] and {}. */
bool json_truthy(const struct json *json);

struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *text, size_t length);
struct json *json_new_int(int64_t number);
struct json *json_new_uint(uint64_t number);
struct json *json_new_null(void);
/* Null for infinity and NaN, which JSON cannot have. */
struct json *json_new_double(double number);
struct json *json_new_bool(bool yes);
/* Takes over value; NULL value stands for null. */
void json_set(struct json *object, const char *key, struct json *value);
void json_push(struct json *array, struct json *value);
void json_set_text(struct json *object, const char *key, const char *text);
void json_set_int(struct json *object, const char *key, int64_t number);
void json_set_bool(struct json *object, const char *key, bool yes);

/* Appends the tree as compact JSON text: 0 or what buf_add() says. Slashes are not escaped,
 * non-ASCII goes as UTF-8. */
int json_write(const struct json *json, struct buf *out);
/*
 * A tree from an unpacked MessagePack object: map keys must be strings, strings must be UTF-8, no
 * ext, no NaN. NULL and *why (static text) otherwise. bin is taken as a string.
 */
struct json *json_from_msgpack(const msgpack_object *object, const char **why);
/* Packs a tree as MessagePack. */
void json_pack(const struct json *json, msgpack_packer *packer);

#endif
