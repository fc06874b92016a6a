/* SPDX-License-Identifier: MIT */
/*
 * proto/vectors against the library: it makes the bytes of each request, and reads out of each
 * reply what that means. The daemon is made up: it compares what comes and sends what it should.
 * Left out is what the library cannot send: what is wrong, parameters that hold maps (they may be
 * given as JSON text), and requests that run side by side, which a blocking call never makes.
 */
#include <stdio.h>
#include <unistd.h>

#include "support/config_support.h"
#include "support/fake_daemon.h"
#include "support/vector.h"

#include "json.h"
#include "llmfo.h"
#include "message.h"

#define PATIENCE_MS 10000

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

/* [0, msgid, method, [{...}]] with nothing in it that has no setter; msgids begin at 0. */
static bool
can_make(const char *meaning, int64_t msgid)
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

static bool
is_notification(const struct vector_step *step)
{
	return step->kind == VECTOR_RECEIVE && step->text[1] == '2';
}

/* Are its messages requests with a reply behind each? */
static bool
can_play(const struct vector *vector)
{
	bool asked = false;
	int64_t msgid = 0;

	for (size_t i = 0; i < vector->step_count; i++) {
		const struct vector_step *step = &vector->steps[i];

		if (step->kind == VECTOR_GIVEN || is_notification(step))
			continue;
		if (step->kind != (asked ? VECTOR_RECEIVE : VECTOR_SEND))
			return false;
		if (step->kind == VECTOR_SEND && !can_make(step->text, msgid++))
			return false;
		asked = !asked;
	}
	return !asked;
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

static void
serve(int fd, int connection, const void *arg)
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

/* Is the value that the library gives the one that the JSON says? */
static bool same(const struct json *json, const struct llmfo_value *value);

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
		same(json, llmfo_value_at(pairs->map, pairs->index));
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
		if (!same(json_at(json, i), llmfo_value_at(value, i)))
			return false;
	return true;
}

static bool
same(const struct json *json, const struct llmfo_value *value)
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

static int
ask(struct llmfo_client *client, const char *meaning, struct llmfo_reply **reply)
{
	struct json *tree = json_parse(meaning, strlen(meaning), true, NULL);
	const struct json *map = json_at(json_at(tree, 3), 0);
	const char *method = json_string(json_at(tree, 2), NULL);
	struct llmfo_params *params = llmfo_params_new();

	json_each(map, set_param, params);
	/* nil: the library adds none of its own */
	if (strcmp(method, "generate") == 0 && !json_get(map, "deadline_ms"))
		(void)llmfo_params_set_nil(params, "deadline_ms");
	int error = llmfo_call(client, method, params, PATIENCE_MS, reply);
	llmfo_params_free(params);
	json_free(tree);
	return error;
}

static void
look(const struct vector_file *file, const struct vector_step *step, int error,
	const struct llmfo_reply *reply)
{
	struct json *tree = json_parse(step->text, strlen(step->text), true, NULL);
	const struct json *wanted = json_at(tree, 2);
	int wanted_error = 0;

	if (json_type(wanted) == JSON_NULL)
		wanted = json_at(tree, 3);
	else
		wanted_error = llmfo_error_from_code(json_text(wanted, "code"));
	ck_assert_msg(error == wanted_error, "%s:%d: %s", file->path, step->line,
		llmfo_error_code(error));
	ck_assert_msg(same(wanted, llmfo_reply_value(reply)), "%s:%d: it reads something else",
		file->path, step->line);
	json_free(tree);
}

static void
play(const struct vector_file *file, const struct vector *vector)
{
	struct fake_daemon fake;
	struct llmfo_client *client;
	struct llmfo_reply *reply = NULL;
	int error = 0;

	fake_daemon_start(&fake, serve, vector);
	ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
	for (size_t i = 0; i < vector->step_count; i++) {
		const struct vector_step *step = &vector->steps[i];

		if (step->kind == VECTOR_SEND)
			error = ask(client, step->text, &reply);
		if (step->kind != VECTOR_RECEIVE || is_notification(step))
			continue;
		look(file, step, error, reply);
		llmfo_reply_free(reply);
		reply = NULL;
	}
	llmfo_client_free(client);
	fake_daemon_stop(&fake);
}

START_TEST(the_library_makes_and_reads_these_bytes)
{
	const struct vector_file *file = vector_file_at((size_t)_i);

	for (size_t i = 0; i < file->count; i++)
		if (can_play(&file->list[i]))
			play(file, &file->list[i]);
}
END_TEST

START_TEST(every_method_has_vectors_for_the_library)
{
	const char *name = message_info((enum message_method)_i)->name;
	const struct vector_file *file = vector_file_find(name);
	size_t played = 0;

	for (size_t i = 0; file && i < file->count; i++)
		played += can_play(&file->list[i]);
	ck_assert_msg(played >= 2, "%s: %zu", name, played);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vectors of the library");
	TCase *tests = tcase_create("vectors");
	int files = (int)vector_file_count(), status;

	tcase_add_loop_test(tests, the_library_makes_and_reads_these_bytes, 0, files);
	tcase_add_loop_test(tests, every_method_has_vectors_for_the_library, 0, MESSAGE_METHODS);
	suite_add_tcase(suite, tests);
	status = support_run(suite);
	vector_files_free();
	return status;
}
