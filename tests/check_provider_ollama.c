/* SPDX-License-Identifier: MIT */
/* What OpenAI's form becomes for Ollama's own API, and its answers on the way back. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "provider.h"

static struct json *
parse(const char *text)
{
	struct json *json = json_parse(text, strlen(text), true, NULL);

	ck_assert_msg(json != NULL, "%s", text);
	return json;
}

/* params: messages and whatever else a chat may have. */
static int
request(const char *params_text, struct http_request *http, struct buf *why)
{
	struct provider_endpoint endpoint = {
		provider_preset("ollama"), "http://localhost:11434", NULL, NULL};
	struct json *params = parse(params_text);
	struct provider_chat chat = {.model = "llama3.2",
		.messages = json_get(params, "messages"),
		.tools = json_get(params, "tools"),
		.tool_choice = json_get(params, "tool_choice"),
		.response_format = json_get(params, "response_format"),
		.stop = json_get(params, "stop"),
		.user = json_text(params, "user")};

	chat.has_temperature = json_double(json_get(params, "temperature"), &chat.temperature);
	chat.has_top_p = json_double(json_get(params, "top_p"), &chat.top_p);
	chat.has_seed = json_int(json_get(params, "seed"), &chat.seed);
	json_int(json_get(params, "max_tokens"), &chat.max_tokens);
	int error = provider_ollama.request(&endpoint, &chat, http, why);
	json_free(params);
	return error;
}

#define START "{\"model\":\"llama3.2\",\"stream\":false,"
#define MESSAGES(list) "{\"messages\":[" list "]}"
#define HI "{\"role\":\"user\",\"content\":\"hi\"}"
#define TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"

static const struct {
	const char *params, *body;
} requests[] = {
	{MESSAGES(HI), START "\"messages\":[" HI "]}"},
	{"{\"messages\":[" HI "],\"temperature\":0.7,\"top_p\":0.9,\"max_tokens\":64,\"seed\":7,"
	 "\"stop\":[\"a\",\"\"],\"user\":\"u\"}",
		START
		"\"options\":{\"num_predict\":64,\"temperature\":0.7,\"top_p\":0.9,\"seed\":7,"
		"\"stop\":[\"a\",\"\"]},\"messages\":[" HI "]}"},
	{MESSAGES("{\"role\":\"developer\",\"content\":\"d\"},{\"role\":\"system\",\"content\":"
		  "\"\"}"),
		START "\"messages\":[{\"role\":\"system\",\"content\":\"d\"},"
		      "{\"role\":\"system\",\"content\":\"\"}]}"},
	{MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
		  "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},"
		  "{\"type\":\"image_url\",\"image_url\":\"DATA:image/jpeg;BASE64,BBBB\"},"
		  "{\"type\":\"text\",\"text\":\"b\"}]}"),
		START "\"messages\":[{\"role\":\"user\",\"content\":\"ab\","
		      "\"images\":[\"AAAA\",\"BBBB\"]}]}"},
	{MESSAGES(
		 "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
		 "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
		 "\"{\\\"n\\\":9007199254740993,\\\"s\\\":\\\"\xf0\x9f\x98\x80\\\"}\"}},{"
		 "\"function\":"
		 "{\"name\":\"g\",\"arguments\":\"\"}}]},"
		 "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"42\"}"),
		START "\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
		      "{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":"
		      "{\"n\":9007199254740993,\"s\":\"\xf0\x9f\x98\x80\"}}},"
		      "{\"function\":{\"name\":\"g\",\"arguments\":{}}}]},"
		      "{\"role\":\"tool\",\"content\":\"42\",\"tool_call_id\":\"c1\","
		      "\"tool_name\":\"f\"}]}"},
	{MESSAGES(HI ",{\"role\":\"assistant\",\"content\":\"The \"}"),
		START "\"messages\":[" HI ",{\"role\":\"assistant\",\"content\":\"The \"}]}"},
	{"{\"messages\":[" HI "]," TOOLS "}", START "\"messages\":[" HI "]," TOOLS "}"},
	{"{\"messages\":[" HI "]," TOOLS ",\"tool_choice\":\"auto\"}",
		START "\"messages\":[" HI "]," TOOLS "}"},
	{"{\"messages\":[" HI "]," TOOLS ",\"tool_choice\":\"none\"}",
		START "\"messages\":[" HI "]}"},
	{"{\"messages\":[" HI "],\"response_format\":{\"type\":\"json_object\"}}",
		START "\"messages\":[" HI "],\"format\":\"json\"}"},
	{"{\"messages\":[" HI "],\"response_format\":{\"type\":\"text\"}}",
		START "\"messages\":[" HI "]}"},
	{"{\"messages\":[" HI "],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
	 "{\"name\":\"x\",\"schema\":{\"type\":\"object\",\"maximum\":1e-7}}}}",
		START "\"messages\":[" HI "],\"format\":{\"type\":\"object\",\"maximum\":1e-7}}"},
};

START_TEST(a_chat_is_translated)
{
	struct http_request http;
	struct buf why;

	http_request_init(&http, 1 << 20);
	buf_init(&why, 1000);
	ck_assert_int_eq(request(requests[_i].params, &http, &why), 0);
	ck_assert_str_eq(http.method, "POST");
	ck_assert_str_eq(http.url, "http://localhost:11434/api/chat");
	ck_assert_str_eq(
		http.headers.data, "Accept: application/json\nContent-Type: application/json\n");
	ck_assert_str_eq(http.body.data, requests[_i].body);
	http_request_free(&http);
	buf_free(&why);
}
END_TEST

static const struct {
	const char *params, *why;
} refusals[] = {
	{MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
		  "{\"url\":\"https://x/y.png\"}}]}"),
		"ollama takes no images by URL"},
	{MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}"),
		"ollama takes no images by URL"},
	{MESSAGES("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
		  "{\"url\":\"data:,x\"}}]}"),
		"an image's data must be base64 with its type before it"},
	{MESSAGES(
		 "{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\",\"input_audio\":{}}]}"),
		"ollama takes no audio or files"},
	{MESSAGES("{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\","
		  "\"arguments\":\"not json\"}}]}"),
		"the arguments of a tool call are not a JSON object"},
	{MESSAGES("{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\","
		  "\"arguments\":\"[1]\"}}]}"),
		"the arguments of a tool call are not a JSON object"},
	{"{\"messages\":[" HI "]," TOOLS ",\"tool_choice\":\"required\"}",
		"ollama cannot be made to call a tool"},
	{"{\"messages\":[" HI "]," TOOLS ",\"tool_choice\":{\"type\":\"function\"}}",
		"ollama cannot be told which tool to call"},
	{"{\"messages\":[" HI "],\"response_format\":{\"type\":\"grammar\"}}",
		"ollama takes no other response_format than text, json_object and json_schema"},
	{"{\"messages\":[" HI "],\"response_format\":{\"type\":\"json_schema\"}}",
		"response_format json_schema holds no schema"},
};

START_TEST(what_ollama_cannot_say_is_refused_with_the_reason)
{
	struct http_request http;
	struct buf why;

	http_request_init(&http, 1 << 20);
	buf_init(&why, 1000);
	ck_assert_int_eq(request(refusals[_i].params, &http, &why), LLMFO_EBAD_REQUEST);
	ck_assert_str_eq(why.data, refusals[_i].why);
	http_request_free(&http);
	buf_free(&why);
}
END_TEST

START_TEST(messages_of_any_shape_do_no_harm)
{
	static const char *const shapes[] = {"{}", "{\"messages\":7}", "{\"messages\":{}}",
		MESSAGES("null,7,\"x\",[]"), MESSAGES("{\"role\":7,\"content\":{}}"),
		MESSAGES("{\"role\":\"tool\",\"tool_call_id\":\"x\",\"tool_calls\":{}}"),
		MESSAGES("{\"tool_calls\":[null,{},{\"function\":[]}]},{\"tool_call_id\":\"y\"}"),
		MESSAGES("{\"content\":[null,7,[]]}"),
		"{\"messages\":[],\"tools\":{},\"tool_choice\":7,\"response_format\":[]}"};
	struct http_request http;
	struct buf why;

	for (size_t i = 0; i < UTIL_COUNT(shapes); i++) {
		http_request_init(&http, 1 << 20);
		buf_init(&why, 1000);
		int error = request(shapes[i], &http, &why);
		ck_assert(error == 0 || error == LLMFO_EBAD_REQUEST);
		http_request_free(&http);
		http_request_init(&http, 5);
		ck_assert_int_ne(request(shapes[i], &http, &why), 0);
		http_request_free(&http);
		buf_free(&why);
	}
}
END_TEST

static const struct {
	const char *body, *text, *tool_calls;
	enum provider_finish finish;
	struct provider_usage usage;
} answers[] = {
	{"{\"message\":{\"role\":\"assistant\",\"content\":\"hello\"},\"done\":true,"
	 "\"done_reason\":\"stop\",\"prompt_eval_count\":26,\"eval_count\":5}\n",
		"hello", NULL, PROVIDER_FINISH_STOP, {26, 5, 0, 31, true}},
	{"{\"message\":{\"content\":\"cut\"},\"done\":true,\"done_reason\":\"length\","
	 "\"eval_count\":5}",
		"cut", NULL, PROVIDER_FINISH_LENGTH, {0, 0, 0, 0, false}},
	{"{\"message\":{\"content\":\"\",\"thinking\":\"hm\"},\"done\":true,\"done_reason\":"
	 "\"length\"}",
		"", NULL, PROVIDER_FINISH_LENGTH, {0, 0, 0, 0, false}},
	{"{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\","
	 "\"arguments\":"
	 "{\"n\":9007199254740993,\"s\":\"\xc3\xbc\"}}},{\"id\":\"x\",\"function\":{\"name\":\"g\","
	 "\"arguments\":{}}}]},\"done\":true,\"done_reason\":\"stop\"}",
		"",
		"[{\"function\":{\"name\":\"f\",\"arguments\":"
		"\"{\\\"n\\\":9007199254740993,\\\"s\\\":\\\"\xc3\xbc\\\"}\"},\"id\":\"call_"
		"e40e729e_0\","
		"\"type\":\"function\"},{\"id\":\"x\",\"function\":{\"name\":\"g\",\"arguments\":"
		"\"{}\"},"
		"\"type\":\"function\"}]",
		PROVIDER_FINISH_TOOL_CALLS, {0, 0, 0, 0, false}},
};

START_TEST(an_answer_comes_back_in_openai_s_form)
{
	struct provider_answer answer;
	struct buf calls;

	provider_answer_init(&answer);
	buf_init(&calls, 10000);
	ck_assert(provider_ollama.answer(answers[_i].body, strlen(answers[_i].body), &answer));
	ck_assert_str_eq(answer.text.data, answers[_i].text);
	ck_assert_int_eq(answer.finish, answers[_i].finish);
	ck_assert_int_eq(answer.usage.reported, answers[_i].usage.reported);
	ck_assert_int_eq(answer.usage.prompt_tokens, answers[_i].usage.prompt_tokens);
	ck_assert_int_eq(answer.usage.completion_tokens, answers[_i].usage.completion_tokens);
	ck_assert_int_eq(answer.usage.total_tokens, answers[_i].usage.total_tokens);
	if (answers[_i].tool_calls) {
		ck_assert_int_eq(json_write(answer.tool_calls, &calls), 0);
		ck_assert_str_eq(calls.data, answers[_i].tool_calls);
	} else {
		ck_assert_ptr_null(answer.tool_calls);
	}
	provider_answer_free(&answer);
	buf_free(&calls);
}
END_TEST

static const struct {
	const char *body, *class;
} failures[] = {
	{"", "malformed_response"},
	{"<html>", "malformed_response"},
	{"{}", "malformed_response"},
	{"[]", "malformed_response"},
	{"{\"message\":7,\"done\":true}", "malformed_response"},
	{"{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}",
		"malformed_response"},
	{"{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"load\"}",
		"malformed_response"},
	{"{\"message\":{\"content\":\"half\"},\"done\":false}", "malformed_response"},
	{"{\"message\":{\"content\":\"x\",\"tool_calls\":[{}]},\"done\":true}",
		"malformed_response"},
	{"{\"error\":\"an error was encountered while running the model\"}", "server_error"},
	{"{\"message\":{\"content\":\"a\"},\"done\":false}\n{\"error\":\"crashed\"}\n",
		"server_error"},
};

START_TEST(what_is_no_answer_is_left_to_the_judge)
{
	const char *body = failures[_i].body;
	struct outcome_input in = {.status = 200, .body = body, .body_bytes = strlen(body)};
	struct provider_answer answer;
	struct outcome outcome;

	provider_answer_init(&answer);
	ck_assert(!provider_ollama.answer(body, strlen(body), &answer));
	provider_answer_free(&answer);
	outcome_judge(&in, &outcome);
	ck_assert_str_eq(outcome_text(outcome.class), failures[_i].class);
}
END_TEST

static const struct {
	const char *base_url, *key, *url, *headers;
} checks[] = {
	{"http://localhost:11434", NULL, "http://localhost:11434/api/tags",
		"Accept: application/json\n"},
	{"http://localhost:11434/v1", NULL, "http://localhost:11434/api/tags",
		"Accept: application/json\n"},
	{"https://ollama.com/api", "k", "https://ollama.com/api/tags",
		"Accept: application/json\nAuthorization: Bearer k\n"},
};

START_TEST(a_check_asks_for_the_tags)
{
	struct provider_endpoint endpoint = {
		provider_preset("ollama"), checks[_i].base_url, checks[_i].key, NULL};
	struct http_request http;

	http_request_init(&http, 0);
	ck_assert_int_eq(provider_ollama.check(&endpoint, &http), 0);
	ck_assert_str_eq(http.method, "GET");
	ck_assert_str_eq(http.url, checks[_i].url);
	ck_assert_str_eq(http.headers.data, checks[_i].headers);
	http_request_free(&http);
}
END_TEST

#define TAGS \
	"{\"models\":[{\"name\":\"llama3.2:latest\"},{\"name\":\"gemma3:1b\"},{\"model\":\"x\"}]}"

static const struct {
	const char *body, *model;
	int found;
} lists[] = {
	{TAGS, "llama3.2", 1},
	{TAGS, "llama3.2:latest", 1},
	{TAGS, "llama3", 0},
	{TAGS, "llama3.2:1b", 0},
	{TAGS, "gemma3:1b", 1},
	{TAGS, "gemma3", 0},
	{TAGS, "gemma3:latest", 0},
	{TAGS, "x", 1},
	{"{\"models\":[]}", "x", 0},
	{"{\"models\":null}", "x", -1},
	{"", "x", -1},
};

START_TEST(a_model_is_found_with_and_without_its_tag)
{
	ck_assert_int_eq(provider_ollama.check_has_model(
				 lists[_i].body, strlen(lists[_i].body), lists[_i].model),
		lists[_i].found);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_ollama");
	TCase *tcase = tcase_create("family");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, a_chat_is_translated, 0, (int)UTIL_COUNT(requests));
	tcase_add_loop_test(tcase, what_ollama_cannot_say_is_refused_with_the_reason, 0,
		(int)UTIL_COUNT(refusals));
	tcase_add_test(tcase, messages_of_any_shape_do_no_harm);
	tcase_add_loop_test(
		tcase, an_answer_comes_back_in_openai_s_form, 0, (int)UTIL_COUNT(answers));
	tcase_add_loop_test(
		tcase, what_is_no_answer_is_left_to_the_judge, 0, (int)UTIL_COUNT(failures));
	tcase_add_loop_test(tcase, a_check_asks_for_the_tags, 0, (int)UTIL_COUNT(checks));
	tcase_add_loop_test(
		tcase, a_model_is_found_with_and_without_its_tag, 0, (int)UTIL_COUNT(lists));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
