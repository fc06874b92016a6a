/* SPDX-License-Identifier: MIT */
/* What requests need and which models lack it; that the manual says so too. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "provider.h"
#include "support/config_support.h"

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define USER(content) "{\"messages\":[{\"role\":\"user\",\"content\":" content "}]}"
#define TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
#define BY_DATA "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\"}}]"
#define BY_URL "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x.test/y\"}}]"
#define JSON_MODE "\"response_format\":{\"type\":\"json_object\"}"

static const struct {
	const char *chat;
	unsigned needs;
} chats[] = {
	{"{" HI "}", 0},
	{USER("\"\""), PROVIDER_NEED_EMPTY},
	{USER("\" \\n\\t\""), PROVIDER_NEED_EMPTY},
	{USER("[]"), PROVIDER_NEED_EMPTY},
	{USER(BY_DATA), PROVIDER_NEED_IMAGE_DATA},
	{USER(BY_URL), PROVIDER_NEED_IMAGE_URL},
	{USER("[{\"type\":\"file\"}]"), PROVIDER_NEED_MEDIA},
	{"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
	 "{\"role\":\"developer\",\"content\":\"d\"}]}",
		PROVIDER_NEED_SYSTEM_ALONE},
	{"{\"messages\":[{\"role\":\"user\",\"name\":\"bob\",\"content\":\"x\"}]}",
		PROVIDER_NEED_SPEAKERS},
	{"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},"
	 "{\"role\":\"assistant\",\"content\":\"y\"}]}",
		PROVIDER_NEED_PREFILL},
	{"{\"messages\":[{\"role\":\"assistant\",\"content\":\"y\"}]," TOOLS "}",
		PROVIDER_NEED_TOOLS | PROVIDER_NEED_PREFILL | PROVIDER_NEED_PREFILL_TOOLS},
	{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\"}]},"
	 "{\"role\":\"tool\",\"name\":\"f\",\"content\":\"\"}]}",
		PROVIDER_NEED_TOOLS},
	{"{" HI ",\"tools\":[]}", 0},
	{"{" HI "," TOOLS "}", PROVIDER_NEED_TOOLS},
	{"{" HI "," TOOLS ",\"tool_choice\":\"auto\"}", PROVIDER_NEED_TOOLS},
	{"{" HI "," TOOLS ",\"tool_choice\":\"none\"}", 0},
	{"{" HI "," TOOLS ",\"tool_choice\":\"required\"}",
		PROVIDER_NEED_TOOLS | PROVIDER_NEED_TOOL_REQUIRED},
	{"{" HI "," TOOLS ",\"tool_choice\":{\"type\":\"function\"}}",
		PROVIDER_NEED_TOOLS | PROVIDER_NEED_TOOL_NAMED},
	{"{" HI ",\"tools\":[{\"type\":\"custom\"}]}",
		PROVIDER_NEED_TOOLS | PROVIDER_NEED_TOOL_CUSTOM},
	{"{" HI "," JSON_MODE "}", PROVIDER_NEED_JSON_OBJECT},
	{"{" HI "," TOOLS "," JSON_MODE "}",
		PROVIDER_NEED_TOOLS | PROVIDER_NEED_JSON_OBJECT | PROVIDER_NEED_JSON_TOOLS},
	{"{" HI ",\"response_format\":{\"type\":\"text\"}}", 0},
	{"{" HI ",\"response_format\":{\"type\":\"json_schema\"}}", PROVIDER_NEED_JSON_SCHEMA},
	{"{" HI ",\"response_format\":{\"type\":\"grammar\"}}", PROVIDER_NEED_JSON_OTHER},
	{"{" HI ",\"seed\":0}", PROVIDER_NEED_SEED},
	{"{" HI ",\"temperature\":1,\"top_p\":1}", 0},
	{"{" HI ",\"temperature\":0}", PROVIDER_NEED_SAMPLING},
	{"{" HI ",\"temperature\":0,\"top_p\":0.5}",
		PROVIDER_NEED_SAMPLING | PROVIDER_NEED_SAMPLING_BOTH},
	{"{" HI ",\"temperature\":1.5}", PROVIDER_NEED_SAMPLING | PROVIDER_NEED_TEMPERATURE_HIGH},
	{"{" HI ",\"stop\":[]}", 0},
	{"{" HI ",\"stop\":[\"a\",\"b\",\"c\",\"d\"]}", PROVIDER_NEED_STOP},
	{"{" HI ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"\\n\"]}",
		PROVIDER_NEED_STOP | PROVIDER_NEED_STOP_5 | PROVIDER_NEED_STOP_BLANK},
	{"{" HI ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}",
		PROVIDER_NEED_STOP | PROVIDER_NEED_STOP_5 | PROVIDER_NEED_STOP_6},
};

START_TEST(what_a_request_needs_is_seen)
{
	struct json *json = json_parse(chats[_i].chat, strlen(chats[_i].chat), true, NULL);
	struct provider_chat chat = {
		.messages = json_get(json, "messages"),
		.tools = json_get(json, "tools"),
		.tool_choice = json_get(json, "tool_choice"),
		.response_format = json_get(json, "response_format"),
		.stop = json_get(json, "stop"),
	};

	ck_assert_msg(json != NULL, "%s", chats[_i].chat);
	chat.has_temperature = json_double(json_get(json, "temperature"), &chat.temperature);
	chat.has_top_p = json_double(json_get(json, "top_p"), &chat.top_p);
	chat.has_seed = json_int(json_get(json, "seed"), &chat.seed);
	ck_assert_uint_eq(provider_needs_join(provider_needs_of_messages(&chat),
				  provider_needs_of_params(&chat)),
		chats[_i].needs);
	json_free(json);
}
END_TEST

static const struct {
	const char *preset, *model;
	unsigned needs, lacks;
} models[] = {
	{"openai", "gpt-4o-mini", PROVIDER_NEED_TOOLS | PROVIDER_NEED_STOP_5, PROVIDER_NEED_STOP_5},
	{"openai", "gpt-4o-mini", PROVIDER_NEED_SAMPLING, 0},
	{"openai", "o3-mini", PROVIDER_NEED_SAMPLING, PROVIDER_NEED_SAMPLING},
	{"openai", "gpt-5", PROVIDER_NEED_SAMPLING, PROVIDER_NEED_SAMPLING},
	{"openai", "gpt-5-mini", PROVIDER_NEED_SAMPLING, PROVIDER_NEED_SAMPLING},
	{"openai", "ft:gpt-5-mini:org::id", PROVIDER_NEED_SAMPLING, PROVIDER_NEED_SAMPLING},
	{"openai", "ft:gpt-5:org::id", PROVIDER_NEED_STOP, PROVIDER_NEED_STOP},
	{"openai", "gpt-5-chat-latest", PROVIDER_NEED_SAMPLING | PROVIDER_NEED_STOP, 0},
	{"gemini", "models/gemini-2.0-flash", PROVIDER_NEED_IMAGE_URL, PROVIDER_NEED_IMAGE_URL},
	{"openai", "gpt-5.4", PROVIDER_NEED_SAMPLING, 0},
	{"groq", "llama-3.3-70b-versatile", PROVIDER_NEED_JSON_SCHEMA, PROVIDER_NEED_JSON_SCHEMA},
	{"groq", "openai/gpt-oss-20b", PROVIDER_NEED_JSON_SCHEMA, 0},
	{"gemini", "gemini-2.5-flash", PROVIDER_NEED_JSON_TOOLS | PROVIDER_NEED_IMAGE_URL,
		PROVIDER_NEED_JSON_TOOLS},
	{"gemini", "gemini-2.0-flash", PROVIDER_NEED_IMAGE_URL, PROVIDER_NEED_IMAGE_URL},
	{"gemini", "gemini-3.6-flash", PROVIDER_NEED_JSON_TOOLS, 0},
	{"anthropic", "claude-haiku-4-5", PROVIDER_NEED_JSON_SCHEMA | PROVIDER_NEED_PREFILL, 0},
	{"anthropic", "claude-opus-4-1", PROVIDER_NEED_SAMPLING_BOTH, PROVIDER_NEED_SAMPLING_BOTH},
	{"anthropic", "claude-opus-4-6", PROVIDER_NEED_PREFILL, PROVIDER_NEED_PREFILL},
	/* it answers, if anew: a call is not kept from it */
	{"openai", "gpt-4o", PROVIDER_NEED_PREFILL, 0},
	{"anthropic", "claude-opus-4-8", PROVIDER_NEED_SAMPLING, PROVIDER_NEED_SAMPLING},
	{"anthropic", "claude-sonnet-5", PROVIDER_NEED_SAMPLING, PROVIDER_NEED_SAMPLING},
	{"anthropic", "claude-sonnet-4-20250514",
		PROVIDER_NEED_JSON_SCHEMA | PROVIDER_NEED_SAMPLING, PROVIDER_NEED_JSON_SCHEMA},
	{"anthropic", "claude-3-haiku-20240307", PROVIDER_NEED_JSON_SCHEMA | PROVIDER_NEED_PREFILL,
		PROVIDER_NEED_JSON_SCHEMA},
	{"ollama", "llama3.2", PROVIDER_NEED_IMAGE_DATA | PROVIDER_NEED_IMAGE_URL,
		PROVIDER_NEED_IMAGE_URL},
};

START_TEST(what_a_model_lacks_is_known)
{
	const struct provider_preset *preset = provider_preset(models[_i].preset);

	ck_assert_uint_eq(
		provider_lacks(preset, models[_i].model, models[_i].needs), models[_i].lacks);
}
END_TEST

static const struct {
	const char *preset, *model, *with; /* NULL: messages alone */
	bool takes;
} prefills[] = {
	{"openai", "gpt-4o-mini", NULL, false},
	{"openai", "gpt-5", NULL, false},
	{"azure", "my-deployment", NULL, false},
	{"groq", "llama-3.3-70b-versatile", NULL, true},
	{"groq", "moonshotai/kimi-k2-instruct-0905", NULL, true},
	{"groq", "openai/gpt-oss-120b", NULL, false},
	{"mistral", "mistral-small-latest", NULL, true},
	{"mistral", "mistral-small-latest", TOOLS, false},
	{"together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", NULL, false},
	{"deepseek", "deepseek-v4-flash", NULL, true},
	{"deepseek", "deepseek-v4-flash", TOOLS, false},
	{"deepseek", "deepseek-v4-flash", TOOLS ",\"tool_choice\":\"none\"", true},
	{"openrouter", "openai/gpt-4o-mini", NULL, false},
	{"openrouter", "anthropic/claude-3.7-sonnet:thinking", NULL, true},
	{"openrouter", "anthropic/claude-opus-4", NULL, true},
	{"openrouter", "anthropic/claude-opus-4.1", NULL, true},
	{"openrouter", "anthropic/claude-haiku-4.5", NULL, true},
	{"openrouter", "anthropic/claude-opus-4.6", NULL, false},
	{"openrouter", "anthropic/claude-sonnet-5", NULL, false},
	{"openrouter", "meta-llama/llama-3.3-70b-instruct", NULL, false},
	{"gemini", "gemini-2.5-flash", NULL, true},
	{"gemini", "models/gemini-2.0-flash", NULL, true},
	{"gemini", "gemini-3-pro-preview", NULL, true},
	{"gemini", "gemini-3.1-pro-preview", NULL, true},
	{"gemini", "gemini-3.5-flash", NULL, true},
	{"gemini", "gemini-3.5-flash-lite", NULL, false},
	{"gemini", "gemini-3.6-flash", NULL, false},
	{"gemini", "gemini-flash-latest", NULL, false},
	{"gemini-openai", "gemini-2.5-flash", NULL, false},
	{"anthropic", "claude-3-haiku-20240307", NULL, true},
	{"anthropic", "claude-3-5-sonnet-latest", NULL, true},
	{"anthropic", "claude-opus-4-0", NULL, true},
	{"anthropic", "claude-sonnet-4-20250514", NULL, true},
	{"anthropic", "claude-opus-4-1-20250805", NULL, true},
	{"anthropic", "claude-haiku-4-5", NULL, true},
	{"anthropic", "claude-haiku-4-5", TOOLS, true},
	{"anthropic", "claude-opus-4-6", NULL, false},
	{"anthropic", "claude-sonnet-4-7", NULL, false},
	{"anthropic", "claude-opus-4-8", NULL, false},
	{"anthropic", "claude-sonnet-5", NULL, false},
	{"anthropic", "claude-next", NULL, false},
	{"vllm", "m", NULL, true},
	{"llamacpp", "m", NULL, true},
	{"ollama", "llama3.2", NULL, true},
	{"ollama", "llama3.2", JSON_MODE, false},
	{"ollama", "llama3.2", "\"response_format\":{\"type\":\"text\"}", true},
	{"anthropic", "claude-haiku-4-5", "\"response_format\":{\"type\":\"json_schema\"}", false},
};

START_TEST(who_goes_on_from_an_assistants_last_words_is_known)
{
	const char *with = prefills[_i].with;
	char *text = x_asprintf("{" HI "%s%s}", with ? "," : "", with ? with : "");
	struct json *json = json_parse(text, strlen(text), true, NULL);
	struct provider_chat chat = {
		.model = prefills[_i].model,
		.messages = json_get(json, "messages"),
		.tools = json_get(json, "tools"),
		.tool_choice = json_get(json, "tool_choice"),
		.response_format = json_get(json, "response_format"),
	};

	ck_assert_ptr_nonnull(json);
	ck_assert_msg(provider_takes_prefill(provider_preset(prefills[_i].preset), &chat) ==
			prefills[_i].takes,
		"%s/%s", prefills[_i].preset, prefills[_i].model);
	json_free(json);
	free(text);
}
END_TEST

/* Every kind is in the table above. */
START_TEST(no_kind_was_forgotten)
{
	const struct provider_preset *preset;

	for (size_t i = 0; (preset = provider_preset_at(i)) != NULL; i++) {
		bool found = false;
		for (size_t j = 0; j < UTIL_COUNT(prefills); j++)
			found |= strcmp(preset->name, prefills[j].preset) == 0;
		ck_assert_msg(found, "%s", preset->name);
	}
}
END_TEST

START_TEST(a_limit_is_made_up_only_where_one_is_demanded)
{
	const struct provider_preset *anthropic = provider_preset("anthropic");

	ck_assert_int_eq(provider_default_max_tokens(anthropic, "claude-3-opus-20240229"), 4096);
	ck_assert_int_eq(provider_default_max_tokens(anthropic, "claude-sonnet-5"), 8192);
	ck_assert_int_eq(provider_default_max_tokens(anthropic, "anything"), 8192);
	ck_assert_int_eq(provider_default_max_tokens(provider_preset("openai"), "gpt-4o"), 0);
	ck_assert_int_eq(provider_default_max_tokens(provider_preset("openai"), "o3"), 0);
}
END_TEST

/* The part of the manual that tells what each kind cannot do, unfolded to one line. */
static char *
manual_part(void)
{
	char *text = support_shipped("docs/llmfo.yaml.5");
	char *start = strstr(text, "\n.Ss What they cannot do\n");

	ck_assert_ptr_nonnull(start);
	char *end = strstr(start + 1, "\n.Ss ");
	char *part = end ? x_strndup(start, (size_t)(end - start)) : x_strdup(start);
	for (char *c = part; *c; c++)
		if (*c == '\n' && c[1] != '.')
			*c = ' ';
	free(text);
	return part;
}

START_TEST(the_manual_says_what_each_kind_cannot_do)
{
	const struct provider_preset *preset = provider_preset_at((size_t)_i);
	char *part = manual_part();
	struct buf line;

	if (preset && preset->lacks) {
		buf_init(&line, 4000);
		buf_printf(&line, "\n.It %s ", preset->name);
		provider_lacks_text(preset->lacks, &line);
		buf_puts(&line, ".\n");
		ck_assert_msg(strstr(part, line.data) != NULL, "%s", line.data);
		buf_free(&line);
	}
	free(part);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_needs");
	TCase *tests = tcase_create("provider_needs");

	tcase_add_loop_test(tests, what_a_request_needs_is_seen, 0, (int)UTIL_COUNT(chats));
	tcase_add_loop_test(tests, what_a_model_lacks_is_known, 0, (int)UTIL_COUNT(models));
	tcase_add_loop_test(tests, who_goes_on_from_an_assistants_last_words_is_known, 0,
		(int)UTIL_COUNT(prefills));
	tcase_add_test(tests, no_kind_was_forgotten);
	tcase_add_test(tests, a_limit_is_made_up_only_where_one_is_demanded);
	tcase_add_loop_test(tests, the_manual_says_what_each_kind_cannot_do, 0, 20);
	suite_add_tcase(suite, tests);
	return support_run(suite);
}
