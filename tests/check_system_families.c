/* SPDX-License-Identifier: MIT */
/*
 * One conversation with everything in it, through the real daemon and every family: what comes back
 * has the same shape everywhere; who cannot carry it says what it lacks.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "support/daemon.h"
#include "support/fake_provider.h"

#define SYSTEM "{\"role\":\"system\",\"content\":\"be brief \xe2\x98\x83\"}"
#define IMAGE \
	"{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBORw0KGgo=\"}}"
#define USER \
	"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"what is it?\"}," IMAGE "]}"
#define SCHEMA \
	"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]," \
	"\"additionalProperties\":false}"
#define TOOLS \
	"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\",\"description\":" \
	"\"looks\",\"parameters\":" SCHEMA "}},{\"type\":\"function\",\"function\":{\"name\":" \
	"\"now\"}}]"
#define FORMAT \
	"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\"," \
	"\"schema\":" SCHEMA "}}"
#define LATER "{\"role\":\"developer\",\"content\":\"in JSON\"}"

static const char *const names[] = {"openai", "anthropic", "gemini", "ollama", "mistral"};
static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;
static struct wire wire;

static void
setup(void)
{
	static const char *const options[] = {"--provider", "openai=openai", "--provider",
		"anthropic=anthropic", "--provider", "gemini=gemini", "--provider", "ollama=ollama",
		"--provider", "mistral=openai", "--key", "openai:k1", "--key", "anthropic:k2",
		"--key", "gemini:k3", "--key", "mistral:k4", "--models",
		"anthropic:claude-haiku-4-5", "--models", "gemini:gemini-3.6-flash,gemini-2.5-pro",
		NULL};

	fp = fake_provider_start(options);
	daemon_init(d);
	daemon_begin(d,
		"providers:\n"
		"  openai: {api: openai, base_url: '%s', api_key: k1, models: [gpt-4o]}\n"
		"  anthropic: {api: anthropic, base_url: '%s', api_key: k2,"
		" models: [claude-haiku-4-5]}\n"
		"  gemini: {api: gemini, base_url: '%s', api_key: k3,"
		" models: [gemini-3.6-flash, gemini-2.5-pro]}\n"
		"  ollama: {api: ollama, base_url: '%s', models: [llama3.2]}\n"
		"  mistral: {api: mistral, base_url: '%s', api_key: k4, models: [m]}\n"
		"  deepseek: {api: deepseek, base_url: 'http://127.0.0.1:1', api_key: k5,"
		" models: [m]}\n"
		"chains: {default: {targets: [deepseek/m, anthropic/claude-haiku-4-5]}}\n"
		"models:\n"
		"  gpt-4o: &all {context: 100000000, capabilities: [chat, vision, tools, json]}\n"
		"  claude-haiku-4-5: *all\n"
		"  gemini-3.6-flash: *all\n"
		"  gemini-2.5-pro: *all\n"
		"  llama3.2: *all\n",
		fake_provider_url(fp, "openai"), fake_provider_url(fp, "anthropic"),
		fake_provider_url(fp, "gemini"), fake_provider_url(fp, "ollama"),
		fake_provider_url(fp, "mistral"));
	wire_open(&wire, d->socket);
}

static void
teardown(void)
{
	wire_close(&wire);
	daemon_stop(d);
	fake_provider_stop(fp);
}

/* What one call of a conversation came to. */
static struct wire_reply
ask(const char *provider, const char *messages, const char *rest, const char *code)
{
	char *params = x_asprintf("[{\"provider\":\"%s\",\"messages\":[%s]%s%s}]", provider,
		messages, rest[0] ? "," : "", rest);

	wire_request(&wire, 1, "generate", params);
	free(params);
	return wire_expect(&wire, 1, code);
}

static void
assert_finish(const struct wire_reply *reply, const char *finish)
{
	ck_assert_str_eq(tree_text(reply->result, "finish_reason"), finish);
	ck_assert_int_gt(tree_int(reply->result, "usage.prompt_tokens"), 0);
	ck_assert_int_gt(tree_int(reply->result, "usage.completion_tokens"), 0);
	const struct json *estimated = tree_get(reply->result, "usage.estimated");
	ck_assert(json_type(estimated) == JSON_BOOL && !json_bool(estimated, true));
}

/* The model calls a tool: the messages that answer it. */
static char *
answer_call(const struct wire_reply *reply)
{
	const char *id = tree_text(reply->result, "tool_calls.0.id");
	struct buf calls;

	assert_finish(reply, "tool_calls");
	ck_assert_str_ne(id, "");
	ck_assert_str_eq(tree_text(reply->result, "tool_calls.0.type"), "function");
	ck_assert_str_eq(tree_text(reply->result, "tool_calls.0.function.name"), "look");
	const char *arguments = tree_text(reply->result, "tool_calls.0.function.arguments");
	struct json *tree = json_parse(arguments, strlen(arguments), true, NULL);
	ck_assert_str_eq(tree_text(tree, "city"), "K\xc3\xb6ln");
	ck_assert_int_eq(tree_int(tree, "id"), 9007199254740993);
	json_free(tree);
	buf_init(&calls, 10000);
	ck_assert_int_eq(json_write(tree_get(reply->result, "tool_calls"), &calls), 0);
	char *messages =
		x_asprintf("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":%s},"
			   "{\"role\":\"tool\",\"tool_call_id\":\"%s\",\"content\":\"a cat\"}",
			calls.data, id);
	buf_free(&calls);
	return messages;
}

START_TEST(a_conversation_goes_through_every_family_and_comes_back_in_one_shape)
{
	const char *name = names[_i];
	struct wire_reply reply;

	setup();
	fake_provider_script(fp, name,
		"ok tool_call='look:{\"city\":\"K\xc3\xb6ln\",\"id\":9007199254740993}' "
		"finish=tool_calls; ok text='{\"n\":9007199254740993}'");
	reply = ask(name, SYSTEM "," USER, TOOLS, NULL);
	char *answer = answer_call(&reply);
	wire_reply_free(&reply);

	char *messages = x_asprintf(SYSTEM "," USER ",%s," LATER, answer);
	reply = ask(name, messages, TOOLS "," FORMAT, NULL);
	ck_assert_str_eq(tree_text(reply.result, "text"), "{\"n\":9007199254740993}");
	ck_assert_str_eq(tree_text(reply.result, "provider_used"), name);
	ck_assert_ptr_null(json_get(reply.result, "tool_calls"));
	assert_finish(&reply, "stop");
	ck_assert_int_eq(fake_provider_stats(fp, name).requests, 2);
	wire_reply_free(&reply);
	free(messages);
	free(answer);
	teardown();
}
END_TEST

static void
assert_part(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no `%s` in: %s", part, text);
}

START_TEST(who_cannot_carry_it_says_what_it_lacks)
{
	setup();
	struct wire_reply reply = ask("deepseek", SYSTEM "," USER, TOOLS "," FORMAT, "bad_request");
	const char *message = tree_text(reply.error, "message");
	assert_part(message, "no target can take this request: deepseek/m not tried, ");
	assert_part(message, "takes no images as data, has no response_format json_schema");
	ck_assert_uint_eq(json_count(json_get(reply.error, "attempts")), 0);
	wire_reply_free(&reply);

	reply = ask("gemini", SYSTEM "," USER, "\"model\":\"gemini-2.5-pro\"," TOOLS "," FORMAT,
		"bad_request");
	assert_part(tree_text(reply.error, "message"),
		"cannot take tools and a JSON response_format in one request");
	wire_reply_free(&reply);
	teardown();
}
END_TEST

START_TEST(who_cannot_carry_it_is_passed_over)
{
	setup();
	wire_request(&wire, 1, "generate", "[{\"messages\":[" SYSTEM "," USER "]}]");
	struct wire_reply reply = wire_expect(&wire, 1, NULL);

	ck_assert_str_eq(tree_text(reply.result, "provider_used"), "anthropic");
	ck_assert_uint_eq(json_count(json_get(reply.result, "attempts")), 1);
	ck_assert(!json_bool(json_get(reply.result, "fallback_occurred"), true));
	wire_reply_free(&reply);
	teardown();
}
END_TEST

START_TEST(explain_and_pick_see_it_beforehand)
{
	setup();
	wire_request(&wire, 1, "explain", "[{\"messages\":[" SYSTEM "," USER "],\"seed\":1}]");
	struct wire_reply reply = wire_expect(&wire, 1, NULL);
	ck_assert_str_eq(tree_text(reply.result, "candidates.0.why"),
		"takes no images as data, takes no seed");
	ck_assert_str_eq(tree_text(reply.result, "candidates.1.why"), "takes no seed");
	wire_reply_free(&reply);
	wire_request(&wire, 2, "explain", "[]");
	reply = wire_expect(&wire, 2, NULL);
	ck_assert(json_bool(tree_get(reply.result, "candidates.0.in"), false));
	wire_reply_free(&reply);

	wire_request(&wire, 3, "pick", "[{\"messages\":[" SYSTEM "," USER "]}]");
	reply = wire_expect(&wire, 3, NULL);
	ck_assert_str_eq(tree_text(reply.result, "target"), "anthropic/claude-haiku-4-5");
	wire_reply_free(&reply);
	teardown();
}
END_TEST

#define LONG_BYTES ((size_t)8 << 20)

START_TEST(a_long_prompt_arrives_whole)
{
	char *text = x_malloc(LONG_BYTES + 1), *params;

	setup();
	memset(text, 'w', LONG_BYTES);
	text[LONG_BYTES] = '\0';
	memcpy(text + LONG_BYTES - 5, " last", 5);
	params = x_asprintf("[{\"provider\":\"%s\",\"prompt\":\"%s\"}]", names[_i], text);
	wire_request(&wire, 1, "generate", params);
	wire_expect_only(&wire, 1, NULL);
	char *seen = fake_provider_requests(fp, names[_i]);
	ck_assert_ptr_nonnull(strstr(seen, text));
	free(seen);
	free(params);
	free(text);
	teardown();
}
END_TEST

/* The library has setters for text alone; the rest is given as JSON text. */
START_TEST(the_library_sends_an_image_in_a_conversation_that_is_json_text)
{
	struct llmfo_params *params = llmfo_params_new();
	struct llmfo_client *client;
	struct llmfo_reply *reply;

	setup();
	fake_provider_script(fp, "openai", "ok text='a cat'");
	ck_assert_int_eq(llmfo_client_new(&client, d->socket), 0);
	ck_assert_int_eq(llmfo_params_set_string(params, "provider", "openai"), 0);
	ck_assert_int_eq(llmfo_params_set_string(params, "messages", "[" SYSTEM "," USER "]"), 0);
	ck_assert_int_eq(llmfo_generate(client, params, 10000, &reply), 0);
	ck_assert_str_eq(llmfo_reply_string(reply, "text"), "a cat");
	char *requests = fake_provider_requests(fp, "openai");
	ck_assert_msg(strstr(requests, "iVBORw0KGgo=") != NULL, "%s", requests);
	free(requests);
	llmfo_reply_free(reply);
	llmfo_client_free(client);
	llmfo_params_free(params);
	teardown();
}
END_TEST

START_TEST(a_check_knows_every_family)
{
	setup();
	for (size_t i = 0; i < 3; i++) {
		char *params = x_asprintf("[{\"provider\":\"%s\"}]", names[i]);

		wire_request(&wire, 1, "check", params);
		struct wire_reply reply = wire_expect(&wire, 1, NULL);
		const struct json *row = json_type(reply.result) == JSON_ARRAY
			? json_at(reply.result, 0)
			: json_at(json_get(reply.result, "providers"), 0);
		ck_assert_str_eq(tree_text(row, "name"), names[i]);
		ck_assert(json_bool(json_get(row, "reachable"), false));
		ck_assert(json_bool(json_get(row, "key_ok"), false));
		if (i > 0)
			ck_assert_uint_eq(json_count(json_get(row, "models_missing")), 0);
		wire_reply_free(&reply);
		free(params);
	}
	teardown();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("system_families");
	TCase *tests = tcase_create("system_families");
	SRunner *runner = srunner_create(suite);
	int count = (int)(sizeof names / sizeof names[0]), failed;

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests,
		a_conversation_goes_through_every_family_and_comes_back_in_one_shape, 0, count);
	tcase_add_test(tests, who_cannot_carry_it_says_what_it_lacks);
	tcase_add_test(tests, who_cannot_carry_it_is_passed_over);
	tcase_add_test(tests, explain_and_pick_see_it_beforehand);
	tcase_add_loop_test(tests, a_long_prompt_arrives_whole, 0, count);
	tcase_add_test(tests, the_library_sends_an_image_in_a_conversation_that_is_json_text);
	tcase_add_test(tests, a_check_knows_every_family);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
