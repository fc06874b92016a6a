/* SPDX-License-Identifier: MIT */
/*
 * proto/vectors against the library: it makes the bytes of each request, and reads out of each
 * reply what that means. The daemon is made up: it compares what comes and sends what it should.
 * Left out is what the library cannot send: what is wrong, parameters that hold maps (they may be
 * given as JSON text), requests that run side by side, which a blocking call never makes, and what
 * is for the next daemon.
 */
#include <stdio.h>

#include "support/config_support.h"
#include "support/fake_daemon.h"
#include "support/vector_client.h"

#include "message.h"

#define PATIENCE_MS 10000

/* Are its messages requests with a reply behind each? */
static bool
can_play(const struct vector *vector)
{
	bool asked = false;
	int64_t msgid = 0;

	for (size_t i = 0; i < vector->step_count; i++) {
		const struct vector_step *step = &vector->steps[i];

		if (vector_is_refusal(step))
			return false;
		if (step->kind == VECTOR_GIVEN || vector_is_notification(step))
			continue;
		if (step->kind != (asked ? VECTOR_RECEIVE : VECTOR_SEND))
			return false;
		if (step->kind == VECTOR_SEND && !vector_can_make(step->text, msgid++))
			return false;
		asked = !asked;
	}
	return !asked;
}

static int
ask(struct llmfo_client *client, const struct vector_step *step, struct llmfo_reply **reply)
{
	struct json *tree = vector_tree(step);
	struct llmfo_params *params = vector_params(tree);
	int error =
		llmfo_call(client, json_string(json_at(tree, 2), NULL), params, PATIENCE_MS, reply);

	llmfo_params_free(params);
	json_free(tree);
	return error;
}

static void
play(const struct vector_file *file, const struct vector *vector)
{
	struct fake_daemon fake;
	struct llmfo_client *client;
	struct llmfo_reply *reply = NULL;
	int error = 0;

	fake_daemon_start(&fake, vector_serve, vector);
	ck_assert_int_eq(llmfo_client_new(&client, fake.path), 0);
	for (size_t i = 0; i < vector->step_count; i++) {
		const struct vector_step *step = &vector->steps[i];

		if (step->kind == VECTOR_SEND)
			error = ask(client, step, &reply);
		if (step->kind != VECTOR_RECEIVE || vector_is_notification(step))
			continue;
		char *fault = vector_look(file, step, error, llmfo_reply_value(reply));
		ck_assert_msg(!fault, "%s", fault);
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
