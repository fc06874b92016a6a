/* SPDX-License-Identifier: MIT */
/* How each family is asked for a stream, and that nothing else of the request changes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/config_support.h"
#include "support/family.h"

#define CHAT(stream) \
	"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}," \
	"{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":\"function\"," \
	"\"function\":{\"name\":\"f\"}}],\"max_tokens\":5" stream "}"
#define USAGE "\"stream\":true,\"stream_options\":{\"include_usage\":true}"

static const struct {
	const char *preset, *model;
	const char *url, *stream_url; /* their ends */
	const char *plain, *stream;   /* what stands in the body instead of what */
} rows[] = {
	{"openai", "m", "/chat/completions", "/chat/completions", NULL, USAGE},
	{"openrouter", "m", "/chat/completions", "/chat/completions", NULL, USAGE},
	{"deepseek", "m", "/chat/completions", "/chat/completions", NULL, USAGE},
	{"together", "m", "/chat/completions", "/chat/completions", NULL, USAGE},
	{"vllm", "m", "/chat/completions", "/chat/completions", NULL, USAGE},
	{"llamacpp", "m", "/chat/completions", "/chat/completions", NULL, USAGE},
	{"gemini-openai", "m", "/chat/completions", "/chat/completions", NULL, USAGE},
	{"mistral", "m", "/chat/completions", "/chat/completions", NULL, "\"stream\":true"},
	{"groq", "m", "/chat/completions", "/chat/completions", NULL, "\"stream\":true"},
	{"anthropic", "claude-haiku-4-5", "/v1/messages", "/v1/messages", NULL, "\"stream\":true"},
	{"ollama", "m", "/api/chat", "/api/chat", "\"stream\":false", "\"stream\":true"},
	{"gemini", "gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent",
		"/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", NULL, NULL},
	{"gemini", "tunedModels/t-1", "/v1beta/tunedModels/t-1:generateContent",
		"/v1beta/tunedModels/t-1:streamGenerateContent?alt=sse", NULL, NULL},
};

static void
check_end(const char *text, const char *end)
{
	ck_assert_uint_ge(strlen(text), strlen(end));
	ck_assert_str_eq(text + strlen(text) - strlen(end), end);
}

/* Takes a member out of an object's text, with its comma. */
static void
take_out(char *body, const char *member)
{
	char *at = member ? strstr(body, member) : NULL;
	size_t length;

	if (!member)
		return;
	ck_assert_msg(at != NULL, "%s in %s", member, body);
	length = strlen(member);
	if (at[length] == ',')
		length++;
	else if (at[-1] == ',')
		at--, length++;
	memmove(at, at + length, strlen(at + length) + 1);
}

START_TEST(a_stream_is_asked_for)
{
	struct family_request plain = family_ask(rows[_i].preset, rows[_i].model, CHAT(""));
	struct family_request stream =
		family_ask(rows[_i].preset, rows[_i].model, CHAT(",\"stream\":true"));

	ck_assert_int_eq(plain.error, 0);
	ck_assert_int_eq(stream.error, 0);
	check_end(plain.url, rows[_i].url);
	check_end(stream.url, rows[_i].stream_url);
	ck_assert_str_eq(plain.headers, stream.headers);
	take_out(plain.body, rows[_i].plain);
	take_out(stream.body, rows[_i].stream);
	ck_assert_str_eq(plain.body, stream.body);
	ck_assert_ptr_null(strstr(plain.body, "stream"));
	family_request_free(&plain);
	family_request_free(&stream);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_stream_request");
	TCase *tests = tcase_create("requests");

	tcase_add_loop_test(tests, a_stream_is_asked_for, 0, (int)UTIL_COUNT(rows));
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
