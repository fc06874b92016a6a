/* SPDX-License-Identifier: MIT */
/*
 * llmfo-protocol(7) and PROTOCOL.md against the tables and against proto/vectors: what can be sent
 * is there with its type, and so is every key that ever came back.
 */
#include "support/config_support.h"
#include "support/page.h"
#include "support/vector.h"

#include "json.h"
#include "llmfo.h"
#include "message.h"

static const struct page {
	const char *file, *head, *end, *errors, *errors_end;
} pages[] = {
	{"docs/llmfo-protocol.7", "\n.Ss ", "\n.S", "\n.Sh ERROR REPLIES\n", "\n.Sh "},
	{"proto/PROTOCOL.md", "\n### ", "\n### ", "\n## Errors\n", "\n## "},
};

/* The types of messages.def as the manual calls them. */
static const struct {
	const char *type, *word;
} types[] = {
	{"STRING", "string"},
	{"STRING_OR_NIL", "string | nil"},
	{"TEXT", "text"},
	{"INT", "integer"},
	{"NUMBER", "number"},
	{"BOOL", "boolean"},
	{"STRINGS", "strings"},
	{"JSON", "json"},
};

static const char *
type_word(const struct message_field *field)
{
	for (size_t i = 0; i < UTIL_COUNT(types); i++)
		if (strcmp(types[i].type, field->type) == 0)
			return types[i].word;
	return "?";
}

START_TEST(the_manual_has_every_parameter_with_its_type)
{
	char *manual = support_shipped(pages[0].file);
	char *text = page_method(manual, pages[0].head, pages[0].end, (enum message_method)_i);
	const char *name = message_info((enum message_method)_i)->name;
	const struct message_field *field;

	ck_assert_msg(text[0], "%s", name);
	for (size_t i = 0; (field = message_field_at(i)) != NULL; i++) {
		char *line = x_asprintf("\n.It Ic %s Ar %s\n", field->name, type_word(field));

		if (field->methods & 1UL << _i)
			ck_assert_msg(strstr(text, line), "%s: %s", name, line + 1);
		free(line);
	}
	free(text);
	free(manual);
}
END_TEST

/* The same in PROTOCOL.md, where a parameter is a row of a table. */
START_TEST(the_protocol_has_every_parameter_with_its_type)
{
	char *protocol = support_shipped(pages[1].file);
	char *text = page_method(protocol, pages[1].head, pages[1].end, (enum message_method)_i);
	const char *name = message_info((enum message_method)_i)->name;
	const struct message_field *field;

	for (size_t i = 0; (field = message_field_at(i)) != NULL; i++) {
		bool nil = strcmp(field->type, "STRING_OR_NIL") == 0;
		char *row = x_asprintf(
			"\n| `%s` | %s |", field->name, nil ? "string or nil" : type_word(field));

		if (field->methods & 1UL << _i)
			ck_assert_msg(strstr(text, row), "%s: %s", name, row + 1);
		free(row);
	}
	free(text);
	free(protocol);
}
END_TEST

START_TEST(both_have_every_code_of_an_error)
{
	char *page = support_shipped(pages[_i].file);
	char *text = page_section(page, pages[_i].errors, pages[_i].errors_end);

#define LLMFO_X(name, value, code, words) \
	ck_assert_msg((value) <= LLMFO_ENO_DAEMON || page_has_word(text, code), "%s", code);
	LLMFO_ERROR_MAP(LLMFO_X)
#undef LLMFO_X
	free(text);
	free(page);
}
END_TEST

/* ---- what comes back ---- */

struct look {
	const char *where, *text;
};

static void look_at(const struct json *value, const struct look *look);

static bool
look_at_pair(const char *key, struct json *value, void *arg)
{
	const struct look *look = arg;

	ck_assert_msg(page_has_word(look->text, key), "%s: %s", look->where, key);
	/* its keys are names of targets */
	if (strcmp(key, "models_used") != 0)
		look_at(value, look);
	return true;
}

static void
look_at(const struct json *value, const struct look *look)
{
	struct look copy = *look;

	if (json_type(value) == JSON_ARRAY)
		for (size_t i = 0; i < json_count(value); i++)
			look_at(json_at(value, i), look);
	if (json_type(value) == JSON_OBJECT)
		json_each(value, look_at_pair, &copy);
}

/* A result and an event against the part about the method, an error against that about errors. */
static void
look_at_message(
	const struct vector_step *step, const struct look *method, const struct look *errors)
{
	struct json *tree = json_parse(step->text, strlen(step->text), true, NULL);

	if (json_count(tree) == 3)
		look_at(json_at(tree, 2), method);
	else if (json_type(json_at(tree, 2)) == JSON_NULL)
		look_at(json_at(tree, 3), method);
	else
		look_at(json_at(tree, 2), errors);
	json_free(tree);
}

/* The method that the reply at an index answers; -1 if there is none of that name. */
static int
method_of(const struct vector *vector, size_t index)
{
	const char *reply = vector->steps[index].text;
	int method = -1;

	for (size_t i = index; i-- > 0 && method < 0;) {
		const struct vector_step *step = &vector->steps[i];
		struct json *asked = NULL, *got = json_parse(reply, strlen(reply), true, NULL);
		int64_t a = -1, b = -2;

		if (step->kind == VECTOR_SEND)
			asked = json_parse(step->text, strlen(step->text), true, NULL);
		(void)json_int(json_at(asked, 1), &a);
		(void)json_int(json_at(got, 1), &b);
		size_t length = 0;
		const char *name = json_string(json_at(asked, 2), &length);
		if (name && a == b)
			method = message_method(name, length);
		json_free(asked);
		json_free(got);
	}
	return method;
}

static void
look_at_step(const struct page *page, const char *text, const struct vector *vector, size_t index)
{
	const struct vector_step *step = &vector->steps[index];
	bool event = strncmp(step->text, "[2, \"event\"", 11) == 0;
	int method = event             ? message_method("subscribe", 9)
		: step->text[1] == '2' ? message_method("generate", 8)
				       : method_of(vector, index);

	if (method < 0)
		return;
	char *about = page_method(text, page->head, page->end, (enum message_method)method);
	char *errors = page_section(text, page->errors, page->errors_end);
	/* what stands in attempts is told where they are told */
	char *both = x_asprintf("%s%s", errors, about);
	char *where = x_asprintf("%s, %s", page->file, vector->name);

	look_at_message(step, &(struct look){where, about}, &(struct look){where, both});
	free(where);
	free(both);
	free(errors);
	free(about);
}

START_TEST(every_key_that_comes_back_is_there)
{
	char *text = support_shipped(pages[_i].file);

	for (size_t f = 0; f < vector_file_count(); f++) {
		const struct vector_file *file = vector_file_at(f);

		/* there one cannot tell which request is answered, or it is of a later version */
		if (strcmp(file->name, "hostile") == 0 || strcmp(file->name, "client") == 0)
			continue;
		for (size_t i = 0; i < file->count; i++)
			for (size_t k = 0; k < file->list[i].step_count; k++)
				if (file->list[i].steps[k].kind == VECTOR_RECEIVE)
					look_at_step(&pages[_i], text, &file->list[i], k);
	}
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("manual of the protocol");
	TCase *tests = tcase_create("completeness");
	int status;

	(void)vector_file_count();
	tcase_add_loop_test(
		tests, the_manual_has_every_parameter_with_its_type, 0, MESSAGE_METHODS);
	tcase_add_loop_test(
		tests, the_protocol_has_every_parameter_with_its_type, 0, MESSAGE_METHODS);
	tcase_add_loop_test(tests, both_have_every_code_of_an_error, 0, (int)UTIL_COUNT(pages));
	tcase_add_loop_test(tests, every_key_that_comes_back_is_there, 0, (int)UTIL_COUNT(pages));
	suite_add_tcase(suite, tests);
	status = support_run(suite);
	vector_files_free();
	return status;
}
