/* SPDX-License-Identifier: MIT */
/* See vector_client.h. */
#include "vector_client.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake_daemon.h"

/* ---- what the library can make ---- */

static bool
is_message(const struct json *value)
{
	return json_type(value) == JSON_OBJECT && json_count(value) == 2 &&
		json_text(value, "role") && json_text(value, "content");
}

static bool
can_set(const char *key, struct json *value, void *arg)
{
	bool *can = arg;
	bool messages = strcmp(key, "messages") == 0;

	*can &= json_type(value) != JSON_OBJECT;
	*can &= json_type(value) != JSON_ARRAY || json_count(value) > 0;
	for (size_t i = 0; json_type(value) == JSON_ARRAY && i < json_count(value); i++)
		*can &= messages ? is_message(json_at(value, i))
				 : json_type(json_at(value, i)) == JSON_STRING;
	return *can;
}

bool
vector_can_make(const char *meaning, int64_t msgid)
{
	struct json *tree = json_parse(meaning, strlen(meaning), true, NULL);
	const struct json *params = json_at(tree, 3);
	int64_t written;
	bool can = json_int(json_at(tree, 1), &written) && written == msgid &&
		json_string(json_at(tree, 2), NULL) && json_type(params) == JSON_ARRAY &&
		json_count(params) == 1 && json_type(json_at(params, 0)) == JSON_OBJECT;

	if (can)
		json_each(json_at(params, 0), can_set, &can);
	json_free(tree);
	return can;
}

/* ---- the daemon ---- */

/* Reads what is wanted; false: it was something else. */
static bool
takes(int fd, const struct buf *wanted)
{
	for (size_t i = 0; i < wanted->len; i++) {
		char byte;

		if (read(fd, &byte, 1) != 1)
			return false;
		if (byte != wanted->data[i]) {
			fprintf(stderr, "byte %zu of a request is %02x instead of %02x\n", i,
				(unsigned char)byte, (unsigned char)wanted->data[i]);
			return false;
		}
	}
	return true;
}

void
vector_serve(int fd, int connection, const void *arg)
{
	const struct vector *vector = arg;

	for (size_t i = 0; i < vector->step_count && connection == 0; i++) {
		const struct vector_step *step = &vector->steps[i];

		if (step->kind == VECTOR_SEND && !takes(fd, &step->bytes))
			return;
		if (step->kind == VECTOR_RECEIVE)
			fake_write(fd, step->bytes.data, step->bytes.len);
	}
}

/* ---- the client ---- */

static void
set_items(struct llmfo_params *params, const char *key, const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *item = json_at(list, i);

		if (json_type(item) == JSON_OBJECT)
			(void)llmfo_params_add_message(
				params, json_text(item, "role"), json_text(item, "content"));
		else
			(void)llmfo_params_add_string(params, key, json_string(item, NULL));
	}
}

static bool
set_param(const char *key, struct json *value, void *arg)
{
	struct llmfo_params *params = arg;
	const char *text;
	size_t length;
	int64_t integer;
	double number;

	switch (json_type(value)) {
	case JSON_BOOL: (void)llmfo_params_set_bool(params, key, json_bool(value, false)); break;
	case JSON_INT:
		ck_assert(json_int(value, &integer));
		(void)llmfo_params_set_int(params, key, integer);
		break;
	case JSON_DOUBLE:
		ck_assert(json_double(value, &number));
		(void)llmfo_params_set_double(params, key, number);
		break;
	case JSON_STRING:
		text = json_string(value, &length);
		(void)llmfo_params_set_string_len(params, key, text, length);
		break;
	case JSON_ARRAY: set_items(params, key, value); break;
	default: (void)llmfo_params_set_nil(params, key); break;
	}
	return true;
}

struct pairs {
	const struct llmfo_value *map;
	size_t index;
	bool same;
};

static bool
same_pair(const char *key, struct json *json, void *arg)
{
	struct pairs *pairs = arg;
	const char *there = llmfo_value_key(pairs->map, pairs->index);

	pairs->same = there && strcmp(there, key) == 0 &&
		vector_same(json, llmfo_value_at(pairs->map, pairs->index));
	pairs->index++;
	return pairs->same;
}

static bool
same_text(const struct json *json, const struct llmfo_value *value)
{
	size_t wanted_length, length;
	const char *wanted = json_string(json, &wanted_length);
	const char *text = llmfo_value_string(value, &length);

	return text && length == wanted_length && memcmp(text, wanted, length) == 0;
}

static bool
same_items(const struct json *json, const struct llmfo_value *value)
{
	for (size_t i = 0; i < json_count(json); i++)
		if (!vector_same(json_at(json, i), llmfo_value_at(value, i)))
			return false;
	return true;
}

bool
vector_same(const struct json *json, const struct llmfo_value *value)
{
	static const enum llmfo_type types[] = {
		[JSON_NULL] = LLMFO_NIL,
		[JSON_BOOL] = LLMFO_BOOL,
		[JSON_INT] = LLMFO_INT,
		[JSON_DOUBLE] = LLMFO_DOUBLE,
		[JSON_STRING] = LLMFO_STRING,
		[JSON_ARRAY] = LLMFO_ARRAY,
		[JSON_OBJECT] = LLMFO_MAP,
	};
	struct pairs pairs = {.map = value, .same = true};
	int64_t integer;
	double number;

	if (llmfo_value_type(value) != types[json_type(json)] ||
		llmfo_value_count(value) != json_count(json))
		return false;
	switch (json_type(json)) {
	case JSON_BOOL:
		return llmfo_value_bool(value, !json_bool(json, false)) == json_bool(json, false);
	case JSON_INT:
		return json_int(json, &integer) && llmfo_value_int(value, ~integer) == integer;
	case JSON_DOUBLE:
		return json_double(json, &number) && llmfo_value_double(value, -1e9) == number;
	case JSON_STRING: return same_text(json, value);
	case JSON_ARRAY: return same_items(json, value);
	case JSON_OBJECT: json_each(json, same_pair, &pairs); return pairs.same;
	default: return true;
	}
}

struct llmfo_params *
vector_params(const struct json *request)
{
	const struct json *map = json_at(json_at(request, 3), 0);
	struct llmfo_params *params = llmfo_params_new();

	json_each(map, set_param, params);
	/* nil: the library adds none of its own */
	if (strcmp(json_string(json_at(request, 2), NULL), "generate") == 0 &&
		!json_get(map, "deadline_ms"))
		(void)llmfo_params_set_nil(params, "deadline_ms");
	return params;
}

struct json *
vector_tree(const struct vector_step *step)
{
	return json_parse(step->text, strlen(step->text), true, NULL);
}

bool
vector_is_notification(const struct vector_step *step)
{
	return step->kind == VECTOR_RECEIVE && step->text[1] == '2';
}

bool
vector_is_refusal(const struct vector_step *step)
{
	return step->kind == VECTOR_RECEIVE && strstr(step->text, "\"begun\": false");
}

char *
vector_look(const struct vector_file *file, const struct vector_step *step, int error,
	const struct llmfo_value *value)
{
	struct json *tree = vector_tree(step);
	const struct json *wanted = json_at(tree, 2);
	char *fault = NULL;
	int wanted_error = 0;

	if (json_type(wanted) == JSON_NULL)
		wanted = json_at(tree, 3);
	else
		wanted_error = llmfo_error_from_code(json_text(wanted, "code"));
	if (error != wanted_error)
		fault = x_asprintf("%s:%d: %s", file->path, step->line, llmfo_error_code(error));
	else if (!vector_same(wanted, value))
		fault = x_asprintf("%s:%d: it reads something else", file->path, step->line);
	json_free(tree);
	return fault;
}
