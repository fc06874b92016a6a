/* SPDX-License-Identifier: MIT */
/* Tool calls that a model made badly: no family answers with them or counts them as a failure. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/family.h"

#define OPENAI(calls, finish) \
	"{\"choices\":[{\"message\":{\"content\":\"x\"," calls "},\"finish_reason\":\"" finish \
	"\"}]}"
#define CALL(function) "\"tool_calls\":[{\"id\":\"a\",\"function\":" function "}]"
#define ANTHROPIC(block, reason) \
	"{\"type\":\"message\",\"content\":[" block "],\"stop_reason\":\"" reason "\"}"
#define OLLAMA(function) \
	"{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":" function "}]}," \
	"\"done\":true}"
#define GEMINI(part, reason) \
	"{\"candidates\":[{\"content\":{\"parts\":[" part "]},\"finishReason\":\"" reason "\"}]}"

static const struct {
	const char *preset, *body, *wanted;
} bad[] = {
	{"openai", OPENAI(CALL("{\"arguments\":\"{}\"}"), "tool_calls"), "malformed_response"},
	{"openai", OPENAI(CALL("{\"name\":\"\"}"), "tool_calls"), "malformed_response"},
	{"openai", OPENAI(CALL("{\"name\":7}"), "tool_calls"), "malformed_response"},
	{"openai", OPENAI("\"tool_calls\":[null]", "stop"), "malformed_response"},
	{"openai", OPENAI("\"tool_calls\":[{}]", "stop"), "malformed_response"},
	{"openai", OPENAI("\"tool_calls\":[7]", "stop"), "malformed_response"},
	{"openai", OPENAI("\"function_call\":{\"arguments\":\"{}\"}", "function_call"),
		"malformed_response"},
	{"openai", OPENAI(CALL("{\"name\":\"f\",\"arguments\":\"{broken\"}"), "tool_calls"),
		"malformed_response"},
	{"openai", OPENAI(CALL("{\"name\":\"f\",\"arguments\":\"{} x\"}"), "tool_calls"),
		"malformed_response"},
	{"openai", OPENAI(CALL("{\"name\":\"f\",\"arguments\":\"[1]\"}"), "tool_calls"),
		"malformed_response"},
	{"openai", OPENAI(CALL("{\"name\":\"f\",\"arguments\":[1,2]}"), "tool_calls"),
		"malformed_response"},
	{"openai", OPENAI(CALL("{\"name\":\"f\",\"arguments\":false}"), "tool_calls"),
		"malformed_response"},
	{"openai", OPENAI(CALL("{\"name\":\"f\",\"arguments\":7}"), "content_filter"),
		"content_policy"},
	{"openai", OPENAI(CALL("{\"name\":\"f\",\"arguments\":7}"), "error"), "server_error!"},
	{"anthropic", ANTHROPIC("{\"type\":\"tool_use\",\"id\":\"a\",\"input\":{}}", "tool_use"),
		"malformed_response"},
	{"anthropic",
		ANTHROPIC("{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":[1]}",
			"tool_use"),
		"malformed_response"},
	{"anthropic", ANTHROPIC("{\"type\":\"tool_use\"}", "refusal"), "content_policy"},
	{"ollama", OLLAMA("{\"arguments\":{}}"), "malformed_response"},
	{"ollama", OLLAMA("{\"name\":\"\",\"arguments\":{}}"), "malformed_response"},
	{"ollama", OLLAMA("{\"name\":\"f\",\"arguments\":[1]}"), "malformed_response"},
	{"gemini", GEMINI("{\"functionCall\":{\"args\":{}}}", "STOP"), "malformed_response"},
	{"gemini", GEMINI("{\"functionCall\":{\"name\":\"f\",\"args\":[1]}}", "STOP"),
		"malformed_response"},
	{"gemini", GEMINI("{\"functionCall\":{\"name\":\"f\"}}", "TOO_MANY_TOOL_CALLS"),
		"malformed_response"},
	{"gemini", GEMINI("", "MALFORMED_RESPONSE"), "malformed_response"},
	{"gemini", GEMINI("", "MALFORMED_FUNCTION_CALL"), "malformed_response"},
};

START_TEST(a_bad_tool_call_is_no_answer_and_no_failure_of_the_provider)
{
	char *got = family_read(bad[_i].preset, bad[_i].body);

	ck_assert_str_eq(got, bad[_i].wanted);
	free(got);
}
END_TEST

static const struct {
	const char *given, *arguments;
} good[] = {
	{"{\"name\":\"f\"}", "{}"},
	{"{\"name\":\"f\",\"arguments\":null}", "{}"},
	{"{\"name\":\"f\",\"arguments\":\"\"}", "{}"},
	{"{\"name\":\"f\",\"arguments\":\" \\n\"}", "{}"},
	{"{\"name\":\"f\",\"arguments\":{\"a\":[1]}}", "{\\\"a\\\":[1]}"},
	{"{\"name\":\"f\",\"arguments\":\" {\\\"a\\\" : 1.50}\"}", " {\\\"a\\\" : 1.50}"},
};

START_TEST(arguments_that_are_an_object_its_text_or_nothing_are_answered_as_text)
{
	char *body =
		x_asprintf(OPENAI("\"tool_calls\":[{\"function\":%s}]", "stop"), good[_i].given);
	char *wanted = x_asprintf("\"arguments\":\"%s\"", good[_i].arguments);
	char *got = family_read("openai", body);

	ck_assert_msg(strstr(got, wanted) != NULL, "%s has no %s", got, wanted);
	free(got);
	free(wanted);
	free(body);
}
END_TEST

static const struct {
	const char *body, *message;
} words[] = {
	{OPENAI(CALL("{}"), "stop"), "the model called a tool without naming it"},
	{OPENAI(CALL("{\"name\":\"f\",\"arguments\":[]}"), "stop"),
		"the model called a tool with arguments that are no JSON object"},
};

START_TEST(the_failure_says_what_the_model_did)
{
	const char *body = words[_i].body;
	struct outcome_input in = {.status = 200, .body = body, .body_bytes = strlen(body)};
	struct provider_answer answer;
	struct outcome outcome;

	provider_answer_init(&answer);
	ck_assert(!provider_openai.answer(body, strlen(body), &answer));
	in.bad_call = answer.bad_call;
	provider_answer_free(&answer);
	outcome_judge(&in, &outcome);
	ck_assert_str_eq(outcome.message, words[_i].message);
	ck_assert(!outcome.counts);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider calls");
	TCase *tcase = tcase_create("calls");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, a_bad_tool_call_is_no_answer_and_no_failure_of_the_provider, 0,
		(int)UTIL_COUNT(bad));
	tcase_add_loop_test(tcase,
		arguments_that_are_an_object_its_text_or_nothing_are_answered_as_text, 0,
		(int)UTIL_COUNT(good));
	tcase_add_loop_test(tcase, the_failure_says_what_the_model_did, 0, (int)UTIL_COUNT(words));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
