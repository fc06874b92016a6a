/* SPDX-License-Identifier: MIT */
/* See family.h. */
#include "family.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ROOM ((size_t)64 << 20)

static void
fill_chat(struct provider_chat *chat, const struct json *json)
{
	chat->messages = json_get(json, "messages");
	chat->tools = json_get(json, "tools");
	chat->tool_choice = json_get(json, "tool_choice");
	chat->response_format = json_get(json, "response_format");
	chat->stop = json_get(json, "stop");
	chat->user = json_text(json, "user");
	chat->has_temperature = json_double(json_get(json, "temperature"), &chat->temperature);
	chat->has_top_p = json_double(json_get(json, "top_p"), &chat->top_p);
	chat->has_seed = json_int(json_get(json, "seed"), &chat->seed);
	(void)json_int(json_get(json, "max_tokens"), &chat->max_tokens);
}

struct family_request
family_ask(const char *preset, const char *model, const char *text)
{
	const struct provider_preset *row = provider_preset(preset);
	struct provider_endpoint endpoint = {row, row->base_url, "k", NULL};
	struct provider_chat chat = {.model = model};
	struct json *json = json_parse(text, strlen(text), true, NULL);
	struct http_request http;
	struct buf why;

	ck_assert_msg(json != NULL, "%s", text);
	fill_chat(&chat, json);
	http_request_init(&http, ROOM);
	buf_init(&why, 1000);
	struct family_request request = {row->family->request(&endpoint, &chat, &http, &why),
		x_strdup(http.url), x_strndup(http.headers.data, http.headers.len),
		x_strndup(http.body.data, http.body.len), x_strdup(why.data)};
	http_request_free(&http);
	buf_free(&why);
	json_free(json);
	return request;
}

void
family_request_free(struct family_request *request)
{
	free(request->url);
	free(request->headers);
	free(request->body);
	free(request->why);
}

static struct json *
new_usage(const struct provider_usage *usage)
{
	struct json *list = json_new_array();

	if (!usage->reported)
		return list;
	json_push(list, json_new_int(usage->prompt_tokens));
	json_push(list, json_new_int(usage->completion_tokens));
	json_push(list, json_new_int(usage->cached_tokens));
	json_push(list, json_new_int(usage->total_tokens));
	return list;
}

static char *
answer_text(const struct provider_answer *answer)
{
	struct json *json = json_new_object();
	struct buf text;

	json_set(json, "text", json_new_string(answer->text.data, answer->text.len));
	if (answer->tool_calls)
		json_set(json, "tool_calls", json_ref(answer->tool_calls));
	json_set_text(json, "finish", provider_finish_text(answer->finish));
	json_set(json, "usage", new_usage(&answer->usage));
	buf_init(&text, ROOM);
	ck_assert_int_eq(json_write(json, &text), 0);
	json_free(json);
	return buf_take(&text, NULL);
}

char *
family_read(const char *preset, const char *body)
{
	struct outcome_input in = {.status = 200, .body = body, .body_bytes = strlen(body)};
	struct provider_answer answer;
	struct outcome outcome;
	char *text;

	provider_answer_init(&answer);
	if (provider_preset(preset)->family->answer(body, strlen(body), &answer)) {
		text = answer_text(&answer);
	} else {
		in.bad_call = answer.bad_call;
		outcome_judge(&in, &outcome);
		text = x_asprintf("%s%s", outcome_text(outcome.class), outcome.counts ? "!" : "");
	}
	provider_answer_free(&answer);
	return text;
}
