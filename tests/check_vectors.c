/* SPDX-License-Identifier: MIT */
/*
 * proto/vectors against the daemon: to each byte that they send it answers with the bytes that they
 * say. With `--write` the files are written anew from what it answers; look at the difference.
 */
#include <stdio.h>

#include "support/config_support.h"
#include "support/vector_stage.h"

#include "llmfo.h"
#include "message.h"

static void
check_meaning(const struct vector_file *file, const struct vector_step *step)
{
	struct buf bytes;

	ck_assert_msg(step->written, "%s:%d: bytes are missing", file->path, step->line);
	buf_init(&bytes, step->bytes.max);
	if (vector_pack(step->text, &bytes)) {
		ck_assert_msg(bytes.len == step->bytes.len &&
				memcmp(bytes.data, step->bytes.data, bytes.len) == 0,
			"%s:%d: the bytes are not what the line says", file->path, step->line);
	} else {
		ck_assert_msg(strcmp(step->text, "-") == 0, "%s:%d: this is not JSON", file->path,
			step->line);
	}
	buf_free(&bytes);
}

START_TEST(the_bytes_of_a_message_are_what_its_meaning_says)
{
	const struct vector_file *file = vector_file_at((size_t)_i);

	ck_assert_uint_ge(file->count, 1);
	for (size_t i = 0; i < file->count; i++)
		for (size_t k = 0; k < file->list[i].step_count; k++) {
			const struct vector_step *step = &file->list[i].steps[k];

			if (step->kind == VECTOR_SEND || step->kind == VECTOR_RECEIVE)
				check_meaning(file, step);
		}
}
END_TEST

/* Those that tell what a later daemon may send. */
static bool
for_clients_alone(const struct vector_file *file)
{
	return strcmp(file->name, "client") == 0;
}

START_TEST(the_daemon_answers_with_these_bytes)
{
	const struct vector_file *file = vector_file_at((size_t)_i);

	for (size_t i = 0; i < file->count && !for_clients_alone(file); i++) {
		char *fault = vector_stage_play(file, &file->list[i]);

		ck_assert_msg(!fault, "%s (%s)", fault, file->list[i].name);
		free(fault);
	}
}
END_TEST

/* How many messages of a file have that text in them. */
static int
count_messages(const struct vector_file *file, enum vector_kind kind, const char *text)
{
	int count = 0;

	for (size_t i = 0; i < file->count; i++)
		for (size_t k = 0; k < file->list[i].step_count; k++)
			count += file->list[i].steps[k].kind == kind &&
				strstr(file->list[i].steps[k].text, text) != NULL;
	return count;
}

START_TEST(every_method_has_a_result_and_an_error)
{
	const char *name = message_info((enum message_method)_i)->name;
	const struct vector_file *file = vector_file_find(name);
	char *request = x_asprintf(", \"%s\", ", name);

	ck_assert_msg(file != NULL, "there is no file for %s", name);
	ck_assert_msg(count_messages(file, VECTOR_SEND, request) > 0, "%s", name);
	ck_assert_msg(count_messages(file, VECTOR_RECEIVE, ", null, ") > 0, "%s", name);
	ck_assert_msg(count_messages(file, VECTOR_RECEIVE, "{\"code\": ") > 0, "%s", name);
	free(request);
}
END_TEST

/* The first one is reserved; the last one is a fault of the daemon. */
static bool
never_sent(int error)
{
	return error == LLMFO_EINTERRUPTED || error == LLMFO_EINTERNAL || error <= LLMFO_ENO_DAEMON;
}

START_TEST(every_code_of_an_error_is_in_one)
{
#define LLMFO_X(name, value, code, text) {(value), "{\"code\": \"" code "\""},
	static const struct {
		int error;
		const char *code;
	} errors[] = {LLMFO_ERROR_MAP(LLMFO_X)};
#undef LLMFO_X

	for (size_t i = 0; i < UTIL_COUNT(errors); i++) {
		int count = 0;

		for (size_t k = 0; k < vector_file_count(); k++)
			count += count_messages(vector_file_at(k), VECTOR_RECEIVE, errors[i].code);
		ck_assert_msg(count > 0 || never_sent(errors[i].error), "%s", errors[i].code);
	}
}
END_TEST

START_TEST(every_parameter_is_sent_by_one)
{
	const struct message_field *field;

	for (size_t i = 0; (field = message_field_at(i)) != NULL; i++) {
		char *key = x_asprintf("\"%s\": ", field->name);

		for (int m = 0; m < MESSAGE_METHODS; m++) {
			const char *name = message_info((enum message_method)m)->name;
			const struct vector_file *file = vector_file_find(name);

			if (field->methods & 1UL << m)
				ck_assert_msg(file && count_messages(file, VECTOR_SEND, key) > 0,
					"%s: %s", name, field->name);
		}
		free(key);
	}
}
END_TEST

/* The bytes of its messages, nobody being asked. */
static char *
fill_alone(const struct vector_file *file, struct vector *vector)
{
	for (size_t i = 0; i < vector->step_count; i++) {
		struct vector_step *step = &vector->steps[i];

		if (!vector_pack(step->text, &step->bytes))
			return x_asprintf("%s:%d: this is not JSON", file->path, step->line);
	}
	return NULL;
}

/* Writes every file anew, or the one named. */
static int
write_files(const char *name)
{
	int faults = 0;

	for (size_t i = 0; i < vector_file_count(); i++) {
		struct vector_file *file = vector_file_at(i);
		int before = faults;

		if (name && strcmp(file->name, name) != 0)
			continue;
		for (size_t k = 0; k < file->count; k++) {
			char *fault = for_clients_alone(file)
				? fill_alone(file, &file->list[k])
				: vector_stage_fill(file, &file->list[k]);

			if (fault)
				fprintf(stderr, "%s (%s)\n", fault, file->list[k].name);
			faults += fault != NULL;
			free(fault);
		}
		if (faults == before)
			vector_file_write(file);
	}
	vector_files_free();
	return faults ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("vectors");
	TCase *tests = tcase_create("vectors");
	int status;

	if (argc > 1 && strcmp(argv[1], "--write") == 0)
		return write_files(argv[2]);
	int files = (int)vector_file_count();
	tcase_add_loop_test(tests, the_bytes_of_a_message_are_what_its_meaning_says, 0, files);
	tcase_add_loop_test(tests, the_daemon_answers_with_these_bytes, 0, files);
	tcase_add_loop_test(tests, every_method_has_a_result_and_an_error, 0, MESSAGE_METHODS);
	tcase_add_test(tests, every_code_of_an_error_is_in_one);
	tcase_add_test(tests, every_parameter_is_sent_by_one);
	suite_add_tcase(suite, tests);
	status = support_run(suite);
	vector_files_free();
	return status;
}
