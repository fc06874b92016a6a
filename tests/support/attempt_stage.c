/* SPDX-License-Identifier: MIT */
/* See attempt_stage.h. */
#include "attempt_stage.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config_support.h"

struct attempt_stage stage;

static void
on_text(void *arg, const char *bytes, size_t length)
{
	ck_assert_ptr_eq(arg, &stage);
	ck_assert_ptr_nonnull(stage.attempt);
	ck_assert_uint_gt(length, 0);
	ck_assert_int_eq(buf_add(&stage.text, bytes, length), 0);
	if (stage.at_text)
		stage.at_text();
}

static void
on_tool_call(void *arg, const struct json *call)
{
	ck_assert_ptr_eq(arg, &stage);
	ck_assert_ptr_nonnull(stage.attempt);
	stage.calls++;
	free(stage.call_name);
	stage.call_name = x_strdup(json_text(json_get(call, "function"), "name"));
}

static void
on_done(void *arg, struct attempt_result *result)
{
	ck_assert_ptr_eq(arg, &stage);
	ck_assert_ptr_nonnull(stage.attempt);
	stage.attempt = NULL;
	stage.done++;
	stage.told = *result;
	stage.answered = result->answer != NULL;
	if (stage.answered)
		stage.answer = x_strndup(result->answer->text.data, result->answer->text.len);
}

void
attempt_stage_open(void)
{
	static const char list[] = "[{\"role\":\"user\",\"content\":\"hi\"}]";

	stage = (struct attempt_stage){0};
	fake_clock_init(&stage.clock);
	fake_transport_init(&stage.network, &stage.clock);
	stage.config = support_read("providers:\n"
				    "  a: {api: openai, base_url: 'http://a.test/v1', api_key: k,"
				    " models: [m]}\n"
				    "  o: {api: ollama, base_url: 'http://o.test', models: [m]}\n",
		NULL);
	stage.messages = json_parse(list, strlen(list), true, NULL);
	stage.chat =
		(struct provider_chat){.model = "m", .messages = stage.messages, .stream = true};
	stage.request = (struct attempt_request){
		.target = config_find_target(stage.config, "a/m"),
		.chat = &stage.chat,
		.own_limit_ms = HOUR,
		.limit_ms = HOUR,
		.stream = true,
		.first_token_ms = 10000,
		.idle_ms = 5000,
		.first_content_ms = HOUR,
		.deadline_ms = stage.clock.time_ms + HOUR,
	};
	buf_init(&stage.text, 1000);
}

void
attempt_stage_close(void)
{
	ck_assert_ptr_null(stage.attempt);
	ck_assert_int_eq(stage.network.in_flight, 0);
	fake_transport_free(&stage.network);
	fake_clock_free(&stage.clock);
	buf_free(&stage.text);
	free(stage.answer);
	free(stage.call_name);
	json_free(stage.messages);
	config_unref(stage.config);
}

void
attempt_stage_script(
	const char *host, struct fake_behaviour behaviour, const struct fake_piece *pieces)
{
	for (int i = 0; i < PIECES && (pieces[i].kind != FAKE_BYTES || pieces[i].text); i++)
		fake_behaviour_add(&behaviour, pieces[i].after_ms, pieces[i].kind, pieces[i].text);
	fake_transport_script(&stage.network, host, &behaviour, false);
}

void
attempt_stage_start(void)
{
	static const struct attempt_events events = {on_done, on_text, on_tool_call};

	stage.attempt = attempt_start(
		&stage.clock.clock, &stage.network.transport, &stage.request, &events, &stage);
	ck_assert_int_eq(stage.done, 0);
	ck_assert_uint_eq(stage.text.len, 0);
}

void
attempt_stage_pass(int64_t ms)
{
	fake_clock_advance(&stage.clock, ms);
}
