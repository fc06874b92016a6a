/* SPDX-License-Identifier: MIT */
/*
 * The scripted provider's shapes and its language: that its answers, refusals and errors are those
 * of the real APIs, since other tests build on them.
 */
#include <check.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "support/asker.h"

struct shape_row {
	const char *name, *path, *body, *has[4];
};

static void
assert_shape(const struct shape_row *row)
{
	struct asker_reply r = asker_ask(row->name, row->path, row->body);

	ck_assert_int_eq(r.result, CURLE_OK);
	ck_assert_msg(r.status == 200, "%s: %ld %s", row->path, r.status, r.body);
	for (int i = 0; i < 4 && row->has[i]; i++)
		asker_assert_has(r.body, row->has[i]);
	asker_free(&r);
}

static const struct shape_row shapes[] = {
	{"o", "/v1/chat/completions", ASK_OPENAI,
		{"\"object\":\"chat.completion\"", "Hello from o (m). You said: hello",
			"\"finish_reason\":\"stop\"", "\"total_tokens\":8"}},
	{"o", "/openai/deployments/d/chat/completions?api-version=1", "{" ASK_MESSAGES "}",
		{"\"object\":\"chat.completion\""}},
	{"a", "/v1/messages", ASK_ANTHROPIC,
		{"\"type\":\"message\"", "{\"type\":\"text\",\"text\":\"Hello from a",
			"\"stop_reason\":\"end_turn\"", "\"output_tokens\":7"}},
	{"g", ASK_GENERATE, ASK_GEMINI,
		{"\"parts\":[{\"text\":\"Hello from g (m).", "\"finishReason\":\"STOP\"",
			"\"totalTokenCount\":8"}},
	{"g", "/v1beta/openai/chat/completions", ASK_OPENAI, {"\"object\":\"chat.completion\""}},
	{"l", "/api/chat", ASK_OLLAMA,
		{"\"content\":\"Hello from l (m).", "\"done\":true", "\"done_reason\":\"stop\""}},
	{"l", "/v1/chat/completions", ASK_OPENAI, {"\"object\":\"chat.completion\""}},
	{"o", "/v1/models", NULL, {"\"object\":\"list\"", "gpt-4o-mini"}},
	{"a", "/v1/models", NULL, {"\"has_more\":false"}},
	{"g", "/v1beta/models", NULL, {"\"models\":[{\"name\":\"models/gemini"}},
	{"l", "/api/version", NULL, {"\"version\""}},
	{"l", "/api/tags", NULL, {"\"models\":[{\"name\""}},
	{"l", "/api/ps", NULL, {"\"size_vram\""}},
	{"l", "/", NULL, {"Ollama is running"}},
};

START_TEST(each_api_answers_in_its_own_shape)
{
	assert_shape(&shapes[_i]);
}
END_TEST

static const struct shape_row streams[] = {
	{"o", "/v1/chat/completions", ASK_OPENAI_STREAM,
		{"\"delta\":{\"content\":\"Hello\"}", "\"finish_reason\":\"stop\"",
			"data: [DONE]\n\n"}},
	{"a", "/v1/messages", ASK_ANTHROPIC_STREAM,
		{"event: message_start\ndata: {", "event: content_block_delta\n",
			"\"stop_reason\":\"end_turn\"", "event: message_stop\n"}},
	{"g", ASK_GENERATE_STREAM, ASK_GEMINI,
		{"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello\"}]",
			"\"finishReason\":\"STOP\""}},
	{"g", "/v1beta/models/m:streamGenerateContent", ASK_GEMINI,
		{"[{\"candidates\"", ",\n{\"candidates\"", "]\n"}},
	{"l", "/api/chat", ASK_OLLAMA_STREAM,
		{"\"content\":\"Hello\"},\"done\":false}\n", "\"done_reason\":\"stop\"",
			"\"eval_count\":7"}},
};

START_TEST(each_api_streams_in_its_own_shape)
{
	assert_shape(&streams[_i]);
}
END_TEST

struct refusal_row {
	const char *name, *path, *body;
	long status;
	const char *has;
};

static const struct refusal_row refusals[] = {
	{"o", "/v1/chat/completions", "{\"model\"", 400, "could not parse the JSON"},
	{"o", "/v1/chat/completions", "{" ASK_MESSAGES "}", 400, "you must provide a model"},
	{"o", "/v1/chat/completions", "{\"model\":\"m\"}", 400, "'messages'"},
	{"o", "/v1/chat/completions", "{\"model\":\"m\",\"x\":1," ASK_MESSAGES "}", 400,
		"Unrecognized request argument supplied: x"},
	{"o", "/v1/chat/completions", "{\"model\":\"o1\",\"max_tokens\":1," ASK_MESSAGES "}", 400,
		"unsupported_parameter"},
	{"o", "/v1/chat/completions", "{\"model\":\"m\",\"temperature\":3," ASK_MESSAGES "}", 400,
		"decimal_above_max_value"},
	{"o", "/v1/nonsense", ASK_OPENAI, 404, "\"error\""},
	{"locked", "/v1/chat/completions", ASK_OPENAI, 401, "You didn't provide an API key"},
	{"a", "/v1/messages", ASK_OPENAI, 400, "max_tokens: Field required"},
	{"a", "/v1/messages", "{\"model\":\"m\",\"max_tokens\":1,\"x\":1," ASK_MESSAGES "}", 400,
		"x: Extra inputs are not permitted"},
	{"a", "/v1/messages",
		"{\"model\":\"m\",\"max_tokens\":1,\"messages\":[{\"role\":\"system\","
		"\"content\":\"s\"}]}",
		400, "Unexpected role"},
	{"g", ASK_GENERATE, "{\"contents\":[{\"role\":\"assistant\",\"parts\":[]}]}", 400,
		"valid role: user, model"},
	{"g", ASK_GENERATE, "{\"timeout\":1}", 400, "Unknown name \\\"timeout\\\""},
	{"g", "/v1beta/openai/chat/completions", "{}", 400, "[{\n"},
	{"l", "/api/chat", "{}", 400, "{\"error\":\"model is required\"}"},
};

START_TEST(a_request_that_the_api_refuses_is_refused_in_its_words)
{
	const struct refusal_row *row = &refusals[_i];
	struct asker_reply r = asker_ask(row->name, row->path, row->body);

	ck_assert_int_eq(r.status, row->status);
	asker_assert_has(r.body, row->has);
	asker_free(&r);
}
END_TEST

START_TEST(a_refused_request_takes_no_step_of_the_script)
{
	struct asker_reply r = asker_ask_scripted("503; ok", "{}");

	ck_assert_int_eq(r.status, 400);
	asker_free(&r);
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
	ck_assert_int_eq(r.status, 503);
	asker_free(&r);
}
END_TEST

static const struct {
	const char *name, *path, *body;
} prefills[] = {
	{"o", "/v1/chat/completions",
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"},"
		"{\"role\":\"assistant\",\"content\":\"Hi\"}]}"},
	{"a", "/v1/messages",
		"{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
		"\"hello\"},{\"role\":\"assistant\",\"content\":\"Hi\"}]}"},
	{"g", ASK_GENERATE,
		"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hello\"}]},"
		"{\"role\":\"model\",\"parts\":[{\"text\":\"Hi\"}]}]}"},
};

START_TEST(who_takes_no_prefill_refuses_it_and_keeps_its_step)
{
	const char *name = prefills[_i].name, *path = prefills[_i].path;
	struct asker_reply r;

	fake_provider_script(asker_fp, name, "ok no-prefill text=whole; 503");
	r = asker_ask(name, path, prefills[_i].body);
	ck_assert_int_eq(r.status, 400);
	asker_assert_has(r.body, "does not support assistant message prefill");
	asker_free(&r);
	r = asker_ask(name, path,
		*name == 'o'           ? ASK_OPENAI
			: *name == 'a' ? ASK_ANTHROPIC
				       : ASK_GEMINI);
	ck_assert_int_eq(r.status, 200);
	asker_assert_has(r.body, "whole");
	asker_free(&r);
}
END_TEST

START_TEST(anthropic_wants_its_two_headers)
{
	struct curl_slist *headers = curl_slist_append(NULL, "x-api-key: k");
	struct asker_reply r = asker_ask_with("a", "/v1/messages", ASK_ANTHROPIC, NULL, 0);

	ck_assert_int_eq(r.status, 401);
	asker_assert_has(r.body, "authentication_error");
	asker_free(&r);
	r = asker_ask_with("a", "/v1/messages", ASK_ANTHROPIC, headers, 0);
	ck_assert_int_eq(r.status, 400);
	asker_assert_has(r.body, "anthropic-version: header is required");
	asker_free(&r);
	curl_slist_free_all(headers);
}
END_TEST

START_TEST(a_key_and_models_are_demanded_when_they_are_given)
{
	static const char other[] = "{\"model\":\"z\"," ASK_MESSAGES "}";
	struct curl_slist *wrong = curl_slist_append(NULL, "Authorization: Bearer sk-wrong-key");
	struct curl_slist *right = curl_slist_append(NULL, "Authorization: Bearer sk-right-key");
	struct asker_reply r =
		asker_ask_with("locked", "/v1/chat/completions", ASK_OPENAI, wrong, 0);

	ck_assert_int_eq(r.status, 401);
	asker_assert_has(r.body, "Incorrect API key provided: ****-key.");
	asker_free(&r);
	r = asker_ask_with("locked", "/v1/chat/completions", ASK_OPENAI, right, 0);
	ck_assert_int_eq(r.status, 200);
	asker_free(&r);
	r = asker_ask_with("locked", "/v1/chat/completions", other, right, 0);
	ck_assert_int_eq(r.status, 404);
	asker_assert_has(r.body, "model_not_found");
	asker_free(&r);
	curl_slist_free_all(wrong);
	curl_slist_free_all(right);
}
END_TEST

struct error_row {
	const char *name, *script;
	long status;
	const char *head, *body;
};

static const struct error_row errors[] = {
	{"o", "429 retry-after=7 retry-after-ms=7100", 429,
		"retry-after: 7\r\nretry-after-ms: 7100", "\"code\": \"rate_limit_exceeded\""},
	{"o", "429 kind=insufficient_quota", 429, "", "\"code\": \"insufficient_quota\""},
	{"o", "400 kind=context", 400, "", "context_length_exceeded"},
	{"o", "502", 502, "text/html", "<title>"},
	{"o", "418 body=\"a\\tb\\x41\" content-type=text/plain", 418, "text/plain", "a\tbA"},
	{"o", "503 header=\"X-A: b\" message='no $M'", 503, "X-A: b\r\n", "\"no m\""},
	{"o", "429 retry-after-date=60", 429, " GMT\r\n", "error"},
	{"a", "529", 529, "request-id", "overloaded_error"},
	{"a", "413", 413, "", "{\"error\":{\"type\":\"request_too_large\""},
	{"a", "429 kind=spend_limit", 429, "", "enforced_spend_limit_reached"},
	{"g", "429 retry-after=34.4", 429, "", "\"retryDelay\": \"34.4s\""},
	{"g", "400 kind=auth", 400, "", "API_KEY_INVALID"},
	{"g", "429 kind=daily", 429, "", "PerDay"},
	{"l", "503", 503, "", "{\"error\":\"server busy, please try again.  maximum"},
	{"l", "404", 404, "", "model \\\"m\\\" not found"},
};

START_TEST(each_api_words_its_errors_itself)
{
	const struct error_row *row = &errors[_i];
	const char *path = *row->name == 'o' ? "/v1/chat/completions"
		: *row->name == 'a'          ? "/v1/messages"
		: *row->name == 'g'          ? ASK_GENERATE
					     : "/api/chat";
	const char *body = *row->name == 'o' ? ASK_OPENAI
		: *row->name == 'a'          ? ASK_ANTHROPIC
		: *row->name == 'g'          ? ASK_GEMINI
					     : ASK_OLLAMA;
	struct asker_reply r;

	fake_provider_script(asker_fp, row->name, row->script);
	r = asker_ask(row->name, path, body);
	ck_assert_int_eq(r.status, row->status);
	asker_assert_has(r.head, row->head);
	asker_assert_has(r.body, row->body);
	asker_free(&r);
}
END_TEST

START_TEST(the_steps_of_a_script_are_taken_in_turn_and_the_last_one_stays)
{
	static const long expected[] = {429, 429, 500, 200, 200};
	struct asker_reply r;

	fake_provider_script(asker_fp, "o", "429 x2; 500 # an accident\nok");
	for (int i = 0; i < 5; i++) {
		r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
		ck_assert_int_eq(r.status, expected[i]);
		asker_free(&r);
	}
}
END_TEST

START_TEST(listings_have_a_script_of_their_own)
{
	struct asker_reply r;

	fake_provider_check_script(asker_fp, "o", "503; ok");
	r = asker_ask("o", "/v1/chat/completions", ASK_OPENAI);
	ck_assert_int_eq(r.status, 200);
	asker_free(&r);
	r = asker_ask("o", "/v1/models", NULL);
	ck_assert_int_eq(r.status, 503);
	asker_free(&r);
	r = asker_ask("o", "/v1/models", NULL);
	ck_assert_int_eq(r.status, 200);
	asker_free(&r);
}
END_TEST

static const char *const mistakes[] = {"nonsense", "429 retry-after", "ok tokens=many",
	"kind=nobody", "redirect", "text=\"open", "usage=some", "99", "=", "no-done=1",
	"body-file=/nonexistent"};

START_TEST(a_mistake_in_a_script_is_named)
{
	struct asker_reply r = asker_ask("o", "/_fake/script", mistakes[_i]);

	ck_assert_int_eq(r.status, 400);
	asker_assert_has(r.body, ": \"");
	asker_free(&r);
}
END_TEST

START_TEST(the_manual_names_every_word)
{
	static const char *const words[] = {
#define KIND(word, kind, value, meaning) word,
#define NUMBER(word, field, value, meaning) word,
#define FLAG(word, field, meaning) word,
#define TEXT(word, field, meaning) word,
#include "fakellm/script.def"
	};
	static char text[1 << 16];
	const char *top = getenv("top_srcdir");
	char path[1024], quoted[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fakellm/README.md", top ? top : ".");
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "cannot read %s", path);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	fclose(f);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(quoted, sizeof(quoted), "`%s", words[i]);
		ck_assert_msg(strstr(text, quoted) != NULL, "README.md lacks %s", words[i]);
	}
}
END_TEST

static Suite *
fakellm_suite(void)
{
	Suite *suite = suite_create("fakellm");
	TCase *tc = tcase_create("fakellm");

	tcase_add_checked_fixture(tc, asker_setup, asker_teardown);
	tcase_add_loop_test(tc, each_api_answers_in_its_own_shape, ASKER_FIRST, ASKER_END(shapes));
	tcase_add_loop_test(tc, each_api_streams_in_its_own_shape, ASKER_FIRST, ASKER_END(streams));
	tcase_add_loop_test(tc, a_request_that_the_api_refuses_is_refused_in_its_words, ASKER_FIRST,
		ASKER_END(refusals));
	tcase_add_test(tc, a_refused_request_takes_no_step_of_the_script);
	tcase_add_loop_test(tc, who_takes_no_prefill_refuses_it_and_keeps_its_step, ASKER_FIRST,
		ASKER_END(prefills));
	tcase_add_test(tc, anthropic_wants_its_two_headers);
	tcase_add_test(tc, a_key_and_models_are_demanded_when_they_are_given);
	tcase_add_loop_test(tc, each_api_words_its_errors_itself, ASKER_FIRST, ASKER_END(errors));
	tcase_add_test(tc, the_steps_of_a_script_are_taken_in_turn_and_the_last_one_stays);
	tcase_add_test(tc, listings_have_a_script_of_their_own);
	tcase_add_loop_test(tc, a_mistake_in_a_script_is_named, ASKER_FIRST, ASKER_END(mistakes));
	tcase_add_test(tc, the_manual_names_every_word);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(fakellm_suite());

	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
