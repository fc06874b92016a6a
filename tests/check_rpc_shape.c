/* SPDX-License-Identifier: MIT */
/* What is refused at the door, and in which words; and what passes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rpc_shape.h"

#define CALLS(calls) \
	"{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":" calls "}]}"
#define PART(part) "{\"messages\":[{\"role\":\"user\",\"content\":[" part "]}]}"
#define F "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}"

/* why: "" for what passes. */
static const struct {
	const char *given, *why;
} rows[] = {
	{"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", ""},
	{"{\"messages\":[]}", "`messages` must hold at least one message"},
	{"{\"messages\":[7]}", "messages[0]: it must be a map"},
	{"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"me\",\"content\":\"x\"}]"
	 "}",
		"messages[1]: its role must be system, developer, user, assistant or tool"},
	{"{\"messages\":[{\"role\":\"user\"}]}",
		"messages[0]: its content must be a string or an array of parts"},
	{"{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"function_call\":{\"name\":"
	 "\"f\"}}]}",
		"messages[0]: function_call is no longer used: give tool_calls"},
	{"{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"function_call\":null}]}", ""},
	{CALLS("[]"), ""},
	{CALLS("null"), ""},
	{CALLS("[" F "]"), ""},
	{CALLS("[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]"), ""},
	{CALLS("\"[{\\\"function\\\":{\\\"name\\\":\\\"f\\\"}}]\""), ""},
	{CALLS("\"{\""), "messages[0]: tool_calls is not usable JSON: unexpected character"},
	{CALLS("\"{}\""), "messages[0]: tool_calls must be an array"},
	{CALLS("{\"function\":{\"name\":\"f\"}}"), "messages[0]: tool_calls must be an array"},
	{CALLS("[" F ",null]"), "messages[0]: tool_calls[1] must be a map"},
	{CALLS("[{}]"), "messages[0]: tool_calls[0] must have a function with a name"},
	{CALLS("[{\"function\":{\"name\":\"\"}}]"),
		"messages[0]: tool_calls[0] must have a function with a name"},
	{CALLS("[{\"type\":7}]"), "messages[0]: tool_calls[0] must have a string as its type"},
	{PART("{\"type\":\"text\",\"text\":\"x\"}"), ""},
	{PART("\"{\\\"type\\\":\\\"text\\\",\\\"text\\\":\\\"x\\\"}\""), ""},
	{PART("{},7"), "messages[0]: content[1] must be a map, or a map's JSON text"},
	{PART("\"x\""), "messages[0]: content[0] must be a map, or a map's JSON text"},
	{PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"DATA:image/png;base64,AA\"}}"), ""},
	{PART("{\"type\":\"image_url\",\"image_url\":\"https://h/x.png\"}"), ""},
	{PART("{\"type\":\"image_url\",\"image_url\":{\"url\":\"file:///etc/passwd\"}}"),
		"messages[0]: content[0] must have an image_url with a url that is data:, https:// "
		"or http://"},
	{PART("{\"type\":\"image_url\"}"),
		"messages[0]: content[0] must have an image_url with a url that is data:, https:// "
		"or http://"},
	{"{\"tools\":[" F ",{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]}", ""},
	{"{\"tools\":[]}", ""},
	{"{\"tools\":[\"x\"]}", "tools[0] must be a map"},
	{"{\"tools\":[" F ",{\"type\":\"function\"}]}",
		"tools[1] must have a function with a name"},
	{"{\"choice\":\"auto\"}", ""},
	{"{\"choice\":\"none\",\"tools\":[]}", ""},
	{"{\"choice\":\"required\",\"tools\":[" F "]}", ""},
	{"{\"choice\":\"required\"}", "`tool_choice` demands a call, and there are no `tools`"},
	{"{\"choice\":" F ",\"tools\":[]}",
		"`tool_choice` demands a call, and there are no `tools`"},
};

START_TEST(a_shape_passes_or_is_refused_by_name)
{
	struct json *given = json_parse(rows[_i].given, strlen(rows[_i].given), true, NULL);
	struct json *messages = json_get(given, "messages"), *tools = json_get(given, "tools");
	struct buf why;

	ck_assert_ptr_nonnull(given);
	buf_init(&why, 300);
	bool good = (!messages || rpc_shape_messages(messages, &why)) &&
		rpc_shape_tools(tools, &why) &&
		rpc_shape_choice(tools, json_get(given, "choice"), &why);
	ck_assert_str_eq(why.data, rows[_i].why);
	ck_assert_int_eq(good, rows[_i].why[0] == '\0');
	buf_free(&why);
	json_free(given);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rpc_shape");
	TCase *tests = tcase_create("rpc_shape");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, a_shape_passes_or_is_refused_by_name, 0, (int)UTIL_COUNT(rows));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
