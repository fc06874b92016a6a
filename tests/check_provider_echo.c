/* SPDX-License-Identifier: MIT */
/*
 * What a model says again of the words that it goes on from is no part of its answer, whether that
 * comes whole or in pieces, and whatever the pieces are.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "provider_echo.h"
#include "support/attempt_stage.h"
#include "support/config_support.h"

/* (content is JSON) */
static const struct {
	const char *preset, *model, *role, *content, *said, *answer;
} rows[] = {
	{"mistral", "m", "assistant", "\"The sky\"", "The sky is blue", " is blue"},
	{"mistral", "m", "assistant", "\"The sky\"", "The sky", ""},
	{"mistral", "m", "assistant", "\"ab\"", "ababc", "abc"},
	/* It may leave out the white space at the end, or not. */
	{"mistral", "m", "assistant", "\"The sky \\n\"", "The sky is blue", "is blue"},
	{"mistral", "m", "assistant", "\"The sky \\n\"", "The sky \nis blue", "is blue"},
	{"mistral", "m", "assistant", "\"The sky \\n\"", "The sky\n\tis", "\n\tis"},
	{"mistral", "m", "assistant", "\"a \"", "a  b", " b"},
	{"mistral", "m", "assistant",
		"[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
		"\"text\":\"\xe2\x82\xac\"}]",
		"a\xe2\x82\xac\xe2\x82\xad", "\xe2\x82\xad"},
	/* What is not all of them is chance. */
	{"mistral", "m", "assistant", "\"The sky\"", "The sea", "The sea"},
	{"mistral", "m", "assistant", "\"The sky\"", " is blue", " is blue"},
	{"mistral", "m", "assistant", "\"The sky\"", "The", "The"},
	{"mistral", "m", "assistant", "\"The sky\"", "", ""},
	{"mistral", "m", "assistant", "\"\"", "The", "The"},
	{"mistral", "m", "user", "\"The sky\"", "The sky is blue", "The sky is blue"},
	{"mistral", "m", "assistant", "null", "a", "a"},
	/* White space that does not go to the model comes from there anew. */
	{"anthropic", "claude-haiku-4-5", "assistant", "\"The sky \"", " is blue", "is blue"},
	{"anthropic", "claude-haiku-4-5", "assistant", "\"f:\\n\"", "\n    x", "    x"},
	{"anthropic", "claude-haiku-4-5", "assistant", "\"f:\\n    \"", "\n\tx", "\tx"},
	{"anthropic", "claude-haiku-4-5", "assistant", "\"The sky \"", "is blue", "is blue"},
	{"anthropic", "claude-haiku-4-5", "assistant", "\"The sky\"", " is blue", " is blue"},
	{"anthropic", "claude-haiku-4-5", "assistant", "\"The sky\"", "The sky", "The sky"},
	/* Others do not. */
	{"ollama", "m", "assistant", "\"The sky \"", " is blue", " is blue"},
	{"vllm", "m", "assistant", "\"{\"", "{\"a\":1}}", "{\"a\":1}}"},
};

static struct json *
last_words(const char *role, const char *content)
{
	char *text = x_asprintf("[{\"role\":\"%s\",\"content\":%s}]", role, content);
	struct json *messages = json_parse(text, strlen(text), true, NULL);

	ck_assert_msg(messages != NULL, "%s", text);
	free(text);
	return messages;
}

START_TEST(what_is_said_again_is_cut_off)
{
	const char *said = rows[_i].said;
	struct json *messages = last_words(rows[_i].role, rows[_i].content);
	struct provider_chat chat = {.model = rows[_i].model, .messages = messages};

	for (size_t cut = 0; cut <= strlen(said); cut++) {
		struct provider_echo echo;
		struct buf answer;

		provider_echo_init(&echo, provider_preset(rows[_i].preset), &chat);
		buf_init(&answer, 1000);
		buf_add(&answer, said, cut);
		if (!provider_echo_cut(&echo, &answer, false))
			ck_assert_uint_eq(answer.len, cut);
		buf_add(&answer, said + cut, strlen(said) - cut);
		ck_assert(provider_echo_cut(&echo, &answer, true));
		ck_assert_msg(strcmp(answer.data, rows[_i].answer) == 0, "%zu: '%s', not '%s'", cut,
			answer.data, rows[_i].answer);
		buf_free(&answer);
		provider_echo_free(&echo);
	}
	json_free(messages);
}
END_TEST

static void
ask_mistral(bool stream)
{
	json_free(stage.messages);
	stage.messages = last_words("assistant", "\"one two\"");
	stage.chat.messages = stage.messages;
	stage.chat.stream = stage.request.stream = stream;
	stage.request.target->provider->endpoint.preset = provider_preset("mistral");
	attempt_stage_start();
	attempt_stage_pass(1000);
	ck_assert_int_eq(stage.done, 1);
	ck_assert(stage.answered);
	ck_assert_str_eq(stage.answer, " three four");
}

static void
script_words(void)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	fake_behaviour_add_words(&behaviour, 100, "one two three four");
	fake_transport_script(&stage.network, "a", &behaviour, false);
}

START_TEST(a_stream_tells_only_what_is_new)
{
	script_words();
	ask_mistral(true);
	ck_assert_str_eq(stage.text.data, " three four");
}
END_TEST

START_TEST(a_whole_answer_is_only_what_is_new)
{
	struct fake_behaviour behaviour = fake_behaviour_new();

	free(behaviour.body);
	behaviour.body = x_strdup("{\"choices\":[{\"message\":{\"content\":\"one two three four\"},"
				  "\"finish_reason\":\"stop\"}]}");
	fake_transport_script(&stage.network, "a", &behaviour, false);
	ask_mistral(false);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_echo");
	TCase *cuts = tcase_create("cuts"), *attempts = tcase_create("attempts");

	tcase_add_loop_test(cuts, what_is_said_again_is_cut_off, 0, (int)UTIL_COUNT(rows));
	suite_add_tcase(suite, cuts);
	tcase_add_checked_fixture(attempts, attempt_stage_open, attempt_stage_close);
	tcase_add_test(attempts, a_stream_tells_only_what_is_new);
	tcase_add_test(attempts, a_whole_answer_is_only_what_is_new);
	suite_add_tcase(suite, attempts);
	return support_run(suite);
}
