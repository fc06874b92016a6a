/* SPDX-License-Identifier: MIT */
/*
 * Streams of every family through the real daemon, in pieces of every size: what a client is told
 * is the same everywhere, and the same as what a call without a stream gives.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/told.h"

#define TEXT \
	"Gr\xc3\xbc\xc3\x9f" \
	"e: \xe4\xbd\xa0\xe5\xa5\xbd, \xd0\xbc\xd0\xb8\xd1\x80 \xf0\x9f\x8e\x89"
#define CALL "look:{\"city\":\"K\xc3\xb6ln\",\"id\":9007199254740993}"
#define TOOLS \
	",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\"," \
	"\"parameters\":{\"type\":\"object\"}}}]"

static const char *const names[] = {"openai", "anthropic", "gemini", "ollama"};
static const char *const wires[] = {
	"", " split", " utf8-split", " crlf", " chunk=7", " pings=3", " connection-close"};
#define NAMES (int)(sizeof names / sizeof names[0])
#define WIRES (int)(sizeof wires / sizeof wires[0])

static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct wire wire;

static void
setup(void)
{
	static const char *const options[] = {"--provider", "openai=openai", "--provider",
		"anthropic=anthropic", "--provider", "gemini=gemini", "--provider", "ollama=ollama",
		"--key", "openai:k1", "--key", "anthropic:k2", "--key", "gemini:k3", NULL};

	fp = fake_provider_start(options);
	daemon_begin(d,
		"providers:\n"
		"  openai: {api: openai, base_url: '%s', api_key: k1, models: [gpt-4o]}\n"
		"  anthropic: {api: anthropic, base_url: '%s', api_key: k2,"
		" models: [claude-haiku-4-5]}\n"
		"  gemini: {api: gemini, base_url: '%s', api_key: k3, models: [gemini-2.5-pro]}\n"
		"  ollama: {api: ollama, base_url: '%s', models: [llama3.2]}\n",
		fake_provider_url(fp, "openai"), fake_provider_url(fp, "anthropic"),
		fake_provider_url(fp, "gemini"), fake_provider_url(fp, "ollama"));
	wire_open(&wire, d->socket);
}

static void
teardown(void)
{
	wire_close(&wire);
	daemon_stop(d);
	fake_provider_stop(fp);
}

/* One stream of a provider that does so. */
static struct told
ask(const char *name, const char *script, const char *wires_word, const char *rest)
{
	char *whole = x_asprintf("%s%s", script, wires_word);
	char *params = x_asprintf("\"prompt\":\"hello\",\"provider\":\"%s\"%s", name, rest);
	struct told told;

	fake_provider_script(fp, name, whole);
	told_ask(&told, &wire, 1, params);
	told_all(&told, &wire, NULL);
	ck_assert_str_eq(tree_text(told.reply.result, "provider_used"), name);
	ck_assert_int_eq(fake_provider_stats(fp, name).requests, 1);
	ck_assert_uint_eq(told.resets, 0);
	const struct json *estimated = tree_get(told.reply.result, "usage.estimated");
	ck_assert(json_type(estimated) == JSON_BOOL && !json_bool(estimated, true));
	free(params);
	free(whole);
	return told;
}

START_TEST(text_of_every_family_arrives_in_whole_characters)
{
	struct told told = ask(names[_i / WIRES], "ok text='" TEXT "'", wires[_i % WIRES], "");

	ck_assert_str_eq(told.text.data, TEXT);
	ck_assert_uint_gt(told.deltas, 1);
	ck_assert_str_eq(tree_text(told.reply.result, "finish_reason"), "stop");
	ck_assert_int_eq(tree_int(told.reply.result, "usage.completion_tokens"), 4);
	ck_assert_int_ge(tree_int(told.reply.result, "first_token_ms"), 0);
	told_free(&told);
}
END_TEST

START_TEST(a_tool_call_of_every_family_arrives_whole)
{
	struct told told = ask(names[_i / WIRES], "ok tool_call='" CALL "' finish=tool_calls",
		wires[_i % WIRES], TOOLS);

	ck_assert_uint_eq(told.tool_calls, 1);
	ck_assert_uint_eq(told.deltas, 1);
	ck_assert_str_eq(tree_text(told.reply.result, "finish_reason"), "tool_calls");
	ck_assert_str_eq(tree_text(told.reply.result, "tool_calls.0.function.name"), "look");
	const char *arguments = tree_text(told.reply.result, "tool_calls.0.function.arguments");
	struct json *tree = json_parse(arguments, strlen(arguments), true, NULL);
	ck_assert_str_eq(tree_text(tree, "city"), "K\xc3\xb6ln");
	ck_assert_int_eq(tree_int(tree, "id"), 9007199254740993);
	json_free(tree);
	told_free(&told);
}
END_TEST

START_TEST(thoughts_are_not_told)
{
	struct told told = ask(names[_i], "ok reasoning='let me see' text='" TEXT "'", "", "");

	ck_assert_str_eq(told.text.data, TEXT);
	told_free(&told);
}
END_TEST

START_TEST(an_answer_that_was_too_long_says_so)
{
	struct told told = ask(names[_i], "ok tokens=20", "", ",\"max_tokens\":5");

	ck_assert_str_eq(told.text.data, "word1 word2 word3 word4 word5");
	ck_assert_str_eq(tree_text(told.reply.result, "finish_reason"), "length");
	told_free(&told);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("streams of every family");
	TCase *tests = tcase_create("families");
	SRunner *runner = srunner_create(suite);

	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(
		tests, text_of_every_family_arrives_in_whole_characters, 0, NAMES * WIRES);
	tcase_add_loop_test(tests, a_tool_call_of_every_family_arrives_whole, 0, NAMES * WIRES);
	tcase_add_loop_test(tests, thoughts_are_not_told, 0, NAMES);
	tcase_add_loop_test(tests, an_answer_that_was_too_long_says_so, 0, NAMES);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
