/* SPDX-License-Identifier: MIT */
/* What callers send reaches every kind of provider unharmed: any Unicode, empty texts, numbers
 * beyond 2^53, schemas as deep as JSON may be. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/family.h"

#define NAME "weather-in_town"
#define WORDS \
	"\xf0\x9f\x98\x80 \xe2\x80\xae\xe4\xb8\xad \\u0000\\u0001\\\" \\\\ \xe2\x80\xa8 " \
	"a\xcc\x88 \xf4\x8f\xbf\xbf / \\n "
#define ARGUMENTS \
	"\\\"n\\\":9007199254740993,\\\"u\\\":18446744073709551615,\\\"w\\\":-" \
	"123456789012345678901234567890,\\\"f\\\":1e-7"
#define DEEP 100

static const char *const presets[] = {"openai", "mistral", "anthropic", "gemini", "ollama"};

/* {"properties":{"properties":...}}, so deep; a new string. */
static char *
deep_schema(void)
{
	struct buf text;

	buf_init(&text, 10000);
	for (int i = 0; i < DEEP; i++)
		buf_puts(&text, "{\"properties\":");
	buf_puts(&text,
		"{\"maximum\":123456789012345678901234567890,\"pattern\":\"" WORDS
		"\",\"x\":\"\"}");
	for (int i = 0; i < DEEP; i++)
		buf_putc(&text, '}');
	return buf_take(&text, NULL);
}

static void
assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no `%s` in: %s", part, text);
}

START_TEST(nothing_is_changed_on_its_way_out)
{
	char *schema = deep_schema();
	char *chat = x_asprintf(
		"{\"messages\":[{\"role\":\"system\",\"content\":\"s" WORDS "\"},"
		"{\"role\":\"user\",\"content\":\"u" WORDS "\"},"
		"{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"a1b2c3d4e\","
		"\"type\":\"function\",\"function\":{\"name\":\"" NAME
		"\",\"arguments\":\"{" ARGUMENTS "}\"}}]},"
		"{\"role\":\"tool\",\"tool_call_id\":\"a1b2c3d4e\",\"content\":\"t" WORDS "\"}],"
		"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"" NAME
		"\",\"description\":\"d" WORDS "\",\"parameters\":%s}}]}",
		schema);
	struct family_request request = family_ask(presets[_i], "m", chat);
	struct json *body = json_parse(request.body, strlen(request.body), true, NULL);

	ck_assert_int_eq(request.error, 0);
	ck_assert_ptr_nonnull(body);
	assert_has(request.body, schema);
	assert_has(request.body, "\"s" WORDS "\"");
	assert_has(request.body, "\"u" WORDS "\"");
	assert_has(request.body, "\"t" WORDS "\"");
	assert_has(request.body, "\"d" WORDS "\"");
	assert_has(request.body, "\"" NAME "\"");
	assert_has(request.body, "9007199254740993,");
	assert_has(request.body, "18446744073709551615");
	assert_has(request.body, "-123456789012345678901234567890,");
	json_free(body);
	family_request_free(&request);
	free(chat);
	free(schema);
}
END_TEST

static const char *const replies[][2] = {
	{"openai",
		"{\"choices\":[{\"message\":{\"content\":\"" WORDS "\",\"tool_calls\":[{\"id\":"
		"\"a\",\"function\":{\"name\":\"" NAME "\",\"arguments\":\"{" ARGUMENTS
		"}\"}}]}}]}"},
	{"anthropic",
		"{\"content\":[{\"type\":\"text\",\"text\":\"" WORDS
		"\"},{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"" NAME
		"\",\"input\":{\"n\":9007199254740993,\"u\":18446744073709551615,\"w\":-"
		"123456789012345678901234567890,\"f\":1e-7}}]}"},
	{"gemini",
		"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" WORDS
		"\"},{\"functionCall\":{\"id\":\"a\",\"name\":\"" NAME
		"\",\"args\":{\"n\":9007199254740993,\"u\":18446744073709551615,\"w\":-"
		"123456789012345678901234567890,\"f\":1e-7}}}"
		"]}}]}"},
	{"ollama",
		"{\"message\":{\"content\":\"" WORDS
		"\",\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"" NAME
		"\",\"arguments\":{\"n\":9007199254740993,\"u\":18446744073709551615,\"w\":-"
		"123456789012345678901234567890,\"f\":1e-7}}}"
		"]},\"done\":true}"},
};

START_TEST(nothing_is_changed_on_its_way_back)
{
	char *read = family_read(replies[_i][0], replies[_i][1]);

	assert_has(read, "{\"text\":\"" WORDS "\",");
	assert_has(read, "\"name\":\"" NAME "\"");
	assert_has(read, "\"arguments\":\"{" ARGUMENTS "}\"");
	assert_has(read, "\"id\":\"a\"");
	free(read);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_unharmed");
	TCase *tests = tcase_create("provider_unharmed");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, nothing_is_changed_on_its_way_out, 0, (int)UTIL_COUNT(presets));
	tcase_add_loop_test(tests, nothing_is_changed_on_its_way_back, 0, (int)UTIL_COUNT(replies));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
