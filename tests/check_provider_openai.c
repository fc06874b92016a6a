/* SPDX-License-Identifier: MIT */
/* Requests of the OpenAI family as each preset wants them, and its answers in all their dialects.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "provider.h"

#define ASSISTANT(id, extra) \
	"{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"" id \
	"\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}" extra "}]}"
#define PLAIN(id) ASSISTANT(id, "")
#define SIGNED(id, signature) \
	ASSISTANT(id, ",\"extra_content\":{\"google\":{\"thought_signature\":\"" signature "\"}}")
#define RESULT(id) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"r\"}"
#define MESSAGES \
	"[{\"role\":\"system\",\"content\":\"be brief\"},{\"role\":\"user\",\"content\":\"hi\"}]"

static struct json *
parse(const char *text)
{
	struct json *json = text ? json_parse(text, strlen(text), true, NULL) : NULL;

	ck_assert(!text || json);
	return json;
}

struct wanted {
	const char *preset, *base_url, *key, *model, *params, *url, *headers, *body;
};

/* params: a JSON object with what a chat may have besides model and messages. */
static int
request(const struct wanted *wanted, struct http_request *http, struct buf *why)
{
	const struct provider_preset *preset = provider_preset(wanted->preset);
	struct provider_endpoint endpoint = {
		preset, wanted->base_url ? wanted->base_url : preset->base_url, wanted->key, NULL};
	struct json *params = parse(wanted->params ? wanted->params : "{}");
	struct json *messages = parse(MESSAGES);
	struct provider_chat chat = {.model = wanted->model,
		.messages = json_get(params, "messages") ? json_get(params, "messages") : messages,
		.tools = json_get(params, "tools"),
		.tool_choice = json_get(params, "tool_choice"),
		.response_format = json_get(params, "response_format"),
		.stop = json_get(params, "stop"),
		.user = json_text(params, "user")};

	chat.stream = json_bool(json_get(params, "stream"), false);
	chat.has_temperature = json_double(json_get(params, "temperature"), &chat.temperature);
	chat.has_top_p = json_double(json_get(params, "top_p"), &chat.top_p);
	chat.has_seed = json_int(json_get(params, "seed"), &chat.seed);
	json_int(json_get(params, "max_tokens"), &chat.max_tokens);
	int error = preset->family->request(&endpoint, &chat, http, why);
	json_free(params);
	json_free(messages);
	return error;
}

#define PREFILL(mark) \
	"[{\"role\":\"user\",\"content\":\"a\"}," \
	"{\"role\":\"assistant\",\"content\":\"b\"" mark "}]"
#define HEADERS "Accept: application/json\nContent-Type: application/json\n"

static const struct wanted requests[] = {
	{"openai", NULL, "sk-1", "gpt-4o-mini", NULL, "https://api.openai.com/v1/chat/completions",
		HEADERS "Authorization: Bearer sk-1\n",
		"{\"model\":\"gpt-4o-mini\",\"messages\":" MESSAGES "}"},
	{"openai", NULL, "sk-1", "gpt-4o-mini",
		"{\"temperature\":0.7,\"top_p\":1,\"max_tokens\":64,\"seed\":-9223372036854775808,"
		"\"stop\":[\"a\",\"\"],\"user\":\"u\"}",
		NULL, NULL,
		"{\"model\":\"gpt-4o-mini\",\"messages\":" MESSAGES ",\"stop\":[\"a\",\"\"],"
		"\"temperature\":0.7,\"top_p\":1.0,\"seed\":-9223372036854775808,\"max_tokens\":64,"
		"\"user\":\"u\"}"},
	{"openai", NULL, "k", "gpt-5-mini", "{\"max_tokens\":5}", NULL, NULL,
		"{\"model\":\"gpt-5-mini\",\"messages\":" MESSAGES ",\"max_completion_tokens\":5}"},
	{"openai", NULL, "k", "o3-mini", "{\"max_tokens\":5}", NULL, NULL,
		"{\"model\":\"o3-mini\",\"messages\":" MESSAGES ",\"max_completion_tokens\":5}"},
	{"openai", NULL, "k", "ft:gpt-5.4-nano:x", "{\"max_tokens\":5}", NULL, NULL,
		"{\"model\":\"ft:gpt-5.4-nano:x\",\"messages\":" MESSAGES
		",\"max_completion_tokens\":5}"},
	{"openai", NULL, "k", "gpt-4.1", "{\"max_tokens\":5}", NULL, NULL,
		"{\"model\":\"gpt-4.1\",\"messages\":" MESSAGES ",\"max_tokens\":5}"},
	{"groq", NULL, "k", "m", "{\"max_tokens\":5}",
		"https://api.groq.com/openai/v1/chat/completions", NULL,
		"{\"model\":\"m\",\"messages\":" MESSAGES ",\"max_completion_tokens\":5}"},
	{"mistral", NULL, "k", "m", "{\"seed\":5,\"user\":\"u\"}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":" MESSAGES ",\"random_seed\":5}"},
	{"deepseek", NULL, "k", "m", NULL, "https://api.deepseek.com/chat/completions", NULL, NULL},
	{"gemini-openai", NULL, "k", "m", NULL,
		"https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
		HEADERS "Authorization: Bearer k\n", NULL},
	{"vllm", NULL, NULL, "m", NULL, "http://localhost:8000/v1/chat/completions", HEADERS, NULL},
	{"vllm", NULL, "", "m", NULL, NULL, HEADERS, NULL},
	{"azure", "https://r.openai.azure.com", "k", "my model/\xc3\xbc?", NULL,
		"https://r.openai.azure.com/openai/deployments/my%20model%2F%C3%BC%3F/chat/"
		"completions"
		"?api-version=2024-10-21",
		HEADERS "api-key: k\n", NULL},
	{"azure", "https://r.openai.azure.com/openai", "k", "d", NULL,
		"https://r.openai.azure.com/openai/deployments/d/chat/completions"
		"?api-version=2024-10-21",
		NULL, NULL},
	{"azure", "https://r.openai.azure.com/openai/v1", "k", "d", NULL,
		"https://r.openai.azure.com/openai/v1/chat/completions", HEADERS "api-key: k\n",
		NULL},
	/* A stream tells its usage where it is asked for it, or by itself. */
	{"openai", NULL, "k", "m", "{\"stream\":true}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":" MESSAGES
		",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
	{"azure", "https://r.openai.azure.com", "k", "m", "{\"stream\":true}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":" MESSAGES
		",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
	{"mistral", NULL, "k", "m", "{\"stream\":true}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":" MESSAGES ",\"stream\":true}"},
	{"groq", NULL, "k", "m", "{\"stream\":true}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":" MESSAGES ",\"stream\":true}"},
	/* The details in which others differ. */
	{"groq", NULL, "k", "m", "{\"messages\":[{\"role\":\"developer\",\"content\":\"d\"}]}",
		NULL, NULL,
		"{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"d\"}]}"},
	{"openai", NULL, "k", "m", "{\"messages\":[{\"role\":\"developer\",\"content\":\"d\"}]}",
		NULL, NULL,
		"{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"d\"}]}"},
	{"mistral", NULL, "k", "m",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
		"{\"role\":\"assistant\",\"content\":\"b\"}]}",
		NULL, NULL,
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
		"{\"role\":\"assistant\",\"content\":\"b\",\"prefix\":true}]}"},
	{"deepseek", NULL, "k", "m", "{\"messages\":" PREFILL("") "}",
		"https://api.deepseek.com/beta/chat/completions", NULL,
		"{\"model\":\"m\",\"messages\":" PREFILL(",\"prefix\":true") "}"},
	{"deepseek", "https://h/v1", "k", "m", "{\"messages\":" PREFILL("") "}",
		"https://h/beta/chat/completions", NULL, NULL},
	{"deepseek", "https://h/beta", "k", "m", "{\"messages\":" PREFILL("") "}",
		"https://h/beta/chat/completions", NULL, NULL},
	{"deepseek", "https://h/v1", "k", "m", NULL, "https://h/v1/chat/completions", NULL, NULL},
	{"vllm", NULL, "k", "m", "{\"messages\":" PREFILL("") "}",
		"http://localhost:8000/v1/chat/completions", NULL,
		"{\"model\":\"m\",\"messages\":" PREFILL(
			"") ",\"continue_final_message\":true,\"add_generation_prompt\":false}"},
	{"groq", NULL, "k", "m", "{\"messages\":" PREFILL("") "}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":" PREFILL("") "}"},
	{"openrouter", NULL, "k", "anthropic/claude-sonnet-4.5", "{\"messages\":" PREFILL("") "}",
		NULL, NULL,
		"{\"model\":\"anthropic/claude-sonnet-4.5\",\"messages\":" PREFILL("") "}"},
	{"mistral", NULL, "k", "m",
		"{\"messages\":[" SIGNED("call_abc", "") "," RESULT("call_abc") "]}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":[" PLAIN("6sr448bhu") "," RESULT("6sr448bhu") "]}"},
	{"mistral", NULL, "k", "m",
		"{\"messages\":[" PLAIN("a1B2c3D4e") "," RESULT("a1B2c3D4e") "]}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":[" PLAIN("a1B2c3D4e") "," RESULT("a1B2c3D4e") "]}"},
	{"openai", NULL, "k", "m", "{\"messages\":[" SIGNED("c", "sig") "]}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":[" PLAIN("c") "]}"},
	{"gemini-openai", NULL, "k", "m", "{\"messages\":[" SIGNED("c", "sig") "]}", NULL, NULL,
		"{\"model\":\"m\",\"messages\":[" SIGNED("c", "sig") "]}"},
	{"openai", NULL, "k", "gpt-5", "{\"temperature\":1,\"top_p\":1}", NULL, NULL,
		"{\"model\":\"gpt-5\",\"messages\":" MESSAGES "}"},
	/* What a caller says goes through as it is. */
	{"openrouter", NULL, "k", "a/b",
		"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\"},"
		"{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}],\"x\":null},"
		"{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\"}]}],"
		"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
		"{\"maximum\":9007199254740993,\"multipleOf\":1e-7,\"pattern\":"
		"\"\\u0000\xf0\x9f\x98\x80/\"}}}"
		"],\"tool_choice\":{\"type\":\"function\"},\"response_format\":{\"type\":\"json_"
		"object\"}}",
		NULL, NULL,
		"{\"model\":\"a/"
		"b\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
		"\"text\":\"\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/"
		"y.png\"}}],"
		"\"x\":null},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":"
		"\"1\"}]}],"
		"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
		"{\"maximum\":9007199254740993,\"multipleOf\":1e-7,\"pattern\":"
		"\"\\u0000\xf0\x9f\x98\x80/\"}}}"
		"],\"tool_choice\":{\"type\":\"function\"},\"response_format\":{\"type\":\"json_"
		"object\"}}"},
};

START_TEST(a_request_is_as_the_preset_wants_it)
{
	const struct wanted *wanted = &requests[_i];
	struct http_request http;
	struct buf why;

	http_request_init(&http, 1 << 20);
	buf_init(&why, 1000);
	ck_assert_int_eq(request(wanted, &http, &why), 0);
	ck_assert_str_eq(http.method, "POST");
	if (wanted->url)
		ck_assert_str_eq(http.url, wanted->url);
	if (wanted->headers)
		ck_assert_str_eq(http.headers.data, wanted->headers);
	if (wanted->body)
		ck_assert_str_eq(http.body.data, wanted->body);
	http_request_free(&http);
	buf_free(&why);
}
END_TEST

START_TEST(a_request_beyond_the_ceiling_or_with_a_broken_key_is_refused)
{
	struct wanted wanted = {.preset = "openai", .key = "k", .model = "m"};
	struct http_request http;
	struct buf why;

	buf_init(&why, 1000);
	http_request_init(&http, 20);
	ck_assert_int_eq(request(&wanted, &http, &why), LLMFO_ETOO_LARGE);
	http_request_free(&http);
	http_request_init(&http, 2000);
	wanted.key = "k\r\nX-Evil: 1";
	ck_assert_int_eq(request(&wanted, &http, &why), LLMFO_EBAD_REQUEST);
	ck_assert_str_eq(why.data, "the key holds a control character");
	http_request_free(&http);
	buf_free(&why);
}
END_TEST

#define CHOICE(message, finish) \
	"{\"choices\":[{\"index\":0,\"message\":" message ",\"finish_reason\":" finish "}]}"
#define CALL(arguments) \
	"{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\"," \
	"\"arguments\":" arguments "}}"

static const struct {
	const char *body, *text, *tool_calls;
	enum provider_finish finish;
} answers[] = {
	{CHOICE("{\"content\":\"hello\"}", "\"stop\""), "hello", NULL, PROVIDER_FINISH_STOP},
	{"\n\n\n \r\n" CHOICE("{\"content\":\"hello\"}", "\"stop\"") "\n", "hello", NULL,
		PROVIDER_FINISH_STOP},
	{CHOICE("{\"content\":\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"}", "null"),
		"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", NULL, PROVIDER_FINISH_STOP},
	{CHOICE("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"thinking\","
		"\"thinking\":"
		"[{\"type\":\"text\",\"text\":\"no\"}]},{\"type\":\"text\",\"text\":\"b\"}]}",
		 "\"stop\""),
		"ab", NULL, PROVIDER_FINISH_STOP},
	{CHOICE("{\"content\":\"cut\"}", "\"length\""), "cut", NULL, PROVIDER_FINISH_LENGTH},
	{CHOICE("{\"content\":\"cut\"}", "\"model_length\""), "cut", NULL, PROVIDER_FINISH_LENGTH},
	{CHOICE("{\"content\":null}", "\"length\""), "", NULL, PROVIDER_FINISH_LENGTH},
	{CHOICE("{\"content\":\"part\"}", "\"content_filter\""), "part", NULL,
		PROVIDER_FINISH_CONTENT_FILTER},
	{CHOICE("{\"content\":\"x\"}", "\"eos\""), "x", NULL, PROVIDER_FINISH_STOP},
	{CHOICE("{\"content\":null,\"refusal\":\"I won't\"}", "\"stop\""), "I won't", NULL,
		PROVIDER_FINISH_CONTENT_FILTER},
	{CHOICE("{\"content\":null,\"tool_calls\":[" CALL("\"{\\\"a\\\":1}\"") "]}",
		 "\"tool_calls\""),
		"", "[" CALL("\"{\\\"a\\\":1}\"") "]", PROVIDER_FINISH_TOOL_CALLS},
	{CHOICE("{\"content\":\"\",\"tool_calls\":[" CALL("\"\"") "]}", "\"stop\""), "",
		"[" CALL("\"{}\"") "]", PROVIDER_FINISH_TOOL_CALLS},
	{CHOICE("{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":"
		"18446744073709551615}}},{\"id\":\"\",\"function\":{\"name\":\"g\"}}]}",
		 "\"tool_calls\""),
		"",
		"[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":18446744073709551615}\"}"
		","
		"\"id\":\"call_3cf076cc_0\",\"type\":\"function\"},{\"id\":\"call_3cf076cc_1\","
		"\"function\":{"
		"\"name\":"
		"\"g\",\"arguments\":\"{}\"},\"type\":\"function\"}]",
		PROVIDER_FINISH_TOOL_CALLS},
	{CHOICE("{\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}", "\"function_call\""),
		"",
		"[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},\"id\":\"call_4435dfc9_0\","
		"\"type\":"
		"\"function\"}]",
		PROVIDER_FINISH_TOOL_CALLS},
	{"{\"error\":null,\"choices\":[{\"error\":null,\"message\":{\"content\":\"x\"}}]}", "x",
		NULL, PROVIDER_FINISH_STOP},
	{CHOICE("{\"content\":\"bro\xff\"}", "\"stop\""), "bro\xef\xbf\xbd", NULL,
		PROVIDER_FINISH_STOP},
};

static void
written_is(const struct json *json, const char *wanted)
{
	struct buf out;

	buf_init(&out, 10000);
	ck_assert_int_eq(json_write(json, &out), 0);
	ck_assert_str_eq(out.data, wanted);
	buf_free(&out);
}

START_TEST(an_answer_is_read_in_every_dialect)
{
	struct provider_answer answer;

	provider_answer_init(&answer);
	ck_assert(provider_openai.answer(answers[_i].body, strlen(answers[_i].body), &answer));
	ck_assert_str_eq(answer.text.data, answers[_i].text);
	ck_assert_int_eq(answer.finish, answers[_i].finish);
	if (answers[_i].tool_calls)
		written_is(answer.tool_calls, answers[_i].tool_calls);
	else
		ck_assert_ptr_null(answer.tool_calls);
	provider_answer_free(&answer);
}
END_TEST

static const struct {
	const char *body, *class;
} failures[] = {
	{"", "malformed_response"},
	{"\n\n", "malformed_response"},
	{"<html></html>", "malformed_response"},
	{"{\"choices\":[{\"message\":{\"content\":\"cu", "malformed_response"},
	{"null", "malformed_response"},
	{"[]", "malformed_response"},
	{"7", "malformed_response"},
	{"{}", "malformed_response"},
	{"{\"choices\":[]}", "malformed_response"},
	{"{\"choices\":[null]}", "malformed_response"},
	{"{\"choices\":{\"message\":1}}", "malformed_response"},
	{CHOICE("{}", "\"stop\""), "malformed_response"},
	{CHOICE("{\"content\":\"\"}", "\"stop\""), "malformed_response"},
	{CHOICE("{\"content\":7}", "\"stop\""), "malformed_response"},
	{CHOICE("{\"content\":[null,7,{\"text\":[]}]}", "null"), "malformed_response"},
	{CHOICE("{\"content\":\"\",\"tool_calls\":[]}", "\"tool_calls\""), "malformed_response"},
	{CHOICE("{\"content\":\"x\",\"tool_calls\":[{}]}", "\"stop\""), "malformed_response"},
	{CHOICE("{\"content\":\"x\",\"tool_calls\":[7]}", "\"stop\""), "malformed_response"},
	{CHOICE("{\"content\":\"\"}", "\"content_filter\""), "content_policy"},
	{CHOICE("{\"content\":\"x\"}", "\"error\""), "server_error"},
	{CHOICE("{\"content\":\"\"}", "\"insufficient_system_resource\""), "overloaded"},
	{"{\"error\":{\"code\":429,\"message\":\"slow\"}}", "rate_limited"},
	{"{\"error\":\"busy\",\"choices\":[{\"message\":{\"content\":\"x\"}}]}", "server_error"},
	{"{\"choices\":[{\"message\":{\"content\":\"part\"},\"finish_reason\":\"error\",\"error\":"
	 "{\"code\":502,\"message\":\"gone\",\"metadata\":{\"error_type\":\"provider_unavailable\"}"
	 "}}]}",
		"unavailable"},
};

START_TEST(what_is_no_answer_is_left_to_the_judge)
{
	const char *body = failures[_i].body;
	struct outcome_input in = {.status = 200, .body = body, .body_bytes = strlen(body)};
	struct provider_answer answer;
	struct outcome outcome;

	provider_answer_init(&answer);
	ck_assert(!provider_openai.answer(body, strlen(body), &answer));
	provider_answer_free(&answer);
	outcome_judge(&in, &outcome);
	ck_assert_str_eq(outcome_text(outcome.class), failures[_i].class);
}
END_TEST

static const struct {
	const char *usage;
	struct provider_usage wanted;
} usages[] = {
	{"{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12}", {9, 3, 0, 12, true}},
	{"{\"prompt_tokens\":9,\"completion_tokens\":3}", {9, 3, 0, 12, true}},
	{"{\"prompt_tokens\":9.0,\"completion_tokens\":0,\"total_tokens\":-5}", {9, 0, 0, 9, true}},
	{"{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":40,"
	 "\"prompt_tokens_details\":{\"cached_tokens\":8}}",
		{9, 3, 8, 40, true}},
	{"{\"prompt_tokens\":9,\"completion_tokens\":3,\"prompt_cache_hit_tokens\":4}",
		{9, 3, 4, 12, true}},
	{"{\"prompt_tokens\":9,\"completion_tokens\":3,\"prompt_cache_hit_tokens\":10}",
		{9, 3, 0, 12, true}},
	{"{\"prompt_tokens\":-9,\"completion_tokens\":3}", {0, 0, 0, 0, false}},
	{"{\"prompt_tokens\":9,\"completion_tokens\":99999999999999}", {0, 0, 0, 0, false}},
	{"{\"prompt_tokens\":9.5,\"completion_tokens\":3}", {0, 0, 0, 0, false}},
	{"{\"prompt_tokens\":\"9\",\"completion_tokens\":3}", {0, 0, 0, 0, false}},
	{"{\"prompt_tokens\":9}", {0, 0, 0, 0, false}},
	{"{\"total_tokens\":9}", {0, 0, 0, 0, false}},
	{"null", {0, 0, 0, 0, false}},
	{"[]", {0, 0, 0, 0, false}},
};

START_TEST(usage_is_taken_if_it_can_be_true)
{
	struct provider_answer answer;
	struct buf body;

	buf_init(&body, 10000);
	buf_printf(&body, "{\"choices\":[{\"message\":{\"content\":\"x\"}}],\"usage\":%s}",
		usages[_i].usage);
	provider_answer_init(&answer);
	ck_assert(provider_openai.answer(body.data, body.len, &answer));
	ck_assert_int_eq(answer.usage.prompt_tokens, usages[_i].wanted.prompt_tokens);
	ck_assert_int_eq(answer.usage.completion_tokens, usages[_i].wanted.completion_tokens);
	ck_assert_int_eq(answer.usage.cached_tokens, usages[_i].wanted.cached_tokens);
	ck_assert_int_eq(answer.usage.total_tokens, usages[_i].wanted.total_tokens);
	ck_assert_int_eq(answer.usage.reported, usages[_i].wanted.reported);
	provider_answer_free(&answer);
	buf_free(&body);
}
END_TEST

static const struct {
	const char *preset, *base_url, *url, *headers;
} checks[] = {
	{"openai", "https://api.openai.com/v1", "https://api.openai.com/v1/models",
		"Accept: application/json\nAuthorization: Bearer k\n"},
	{"azure", "https://r.openai.azure.com",
		"https://r.openai.azure.com/openai/models?api-version=2024-10-21",
		"Accept: application/json\napi-key: k\n"},
};

START_TEST(a_check_asks_for_the_models)
{
	struct provider_endpoint endpoint = {
		provider_preset(checks[_i].preset), checks[_i].base_url, "k", NULL};
	struct http_request http;

	http_request_init(&http, 0);
	ck_assert_int_eq(provider_openai.check(&endpoint, &http), 0);
	ck_assert_str_eq(http.method, "GET");
	ck_assert_str_eq(http.url, checks[_i].url);
	ck_assert_str_eq(http.headers.data, checks[_i].headers);
	http_request_free(&http);
}
END_TEST

static const struct {
	const char *body, *model;
	int found;
} lists[] = {
	{"{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", "b", 1},
	{"{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}", "c", 0},
	{"[{\"id\":\"a\"}]", "a", 1},
	{"{\"data\":[{\"id\":\"models/g\"}]}", "g", 1},
	{"{\"data\":[{\"id\":\"models/g\"}]}", "models/g", 1},
	{"{\"data\":[]}", "a", 0},
	{"{\"data\":[null,{\"id\":7}]}", "a", 0},
	{"{\"data\":[{\"id\":\"a\",\"lifecycle_status\":\"x\"}]}", "a", -1},
	{"{}", "a", -1},
	{"<html>", "a", -1},
	{"", "a", -1},
};

START_TEST(a_model_is_found_in_the_list)
{
	ck_assert_int_eq(provider_openai.check_has_model(
				 lists[_i].body, strlen(lists[_i].body), lists[_i].model),
		lists[_i].found);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_openai");
	TCase *tcase = tcase_create("family");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(
		tcase, a_request_is_as_the_preset_wants_it, 0, (int)UTIL_COUNT(requests));
	tcase_add_test(tcase, a_request_beyond_the_ceiling_or_with_a_broken_key_is_refused);
	tcase_add_loop_test(tcase, an_answer_is_read_in_every_dialect, 0, (int)UTIL_COUNT(answers));
	tcase_add_loop_test(
		tcase, what_is_no_answer_is_left_to_the_judge, 0, (int)UTIL_COUNT(failures));
	tcase_add_loop_test(tcase, usage_is_taken_if_it_can_be_true, 0, (int)UTIL_COUNT(usages));
	tcase_add_loop_test(tcase, a_check_asks_for_the_models, 0, (int)UTIL_COUNT(checks));
	tcase_add_loop_test(tcase, a_model_is_found_in_the_list, 0, (int)UTIL_COUNT(lists));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
