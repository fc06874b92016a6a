/* SPDX-License-Identifier: MIT */
/* See family.h. */
#include "family.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "provider_stream.h"
#include "utf8.h"

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
	chat->stream = json_bool(json_get(json, "stream"), false);
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

/* ---- streams ---- */

struct record {
	struct buf text;
	bool stirred;
};

static void
note_text(void *arg, const char *text, size_t length)
{
	struct record *record = arg;

	ck_assert_uint_gt(length, 0);
	ck_assert(utf8_valid(text, length));
	buf_add(&record->text, text, length);
}

static void
note_call(void *arg, const struct json *call)
{
	struct record *record = arg;

	buf_putc(&record->text, '<');
	ck_assert_int_eq(json_write(call, &record->text), 0);
	buf_putc(&record->text, '>');
}

static void
note_progress(void *arg)
{
	struct record *record = arg;

	record->stirred = true;
}

static void
note_answer(struct record *record, const struct provider_answer *answer)
{
	const struct provider_usage *usage = &answer->usage;

	buf_printf(&record->text, "|%s", provider_finish_text(answer->finish));
	if (usage->reported)
		buf_printf(&record->text, " %ld+%ld=%ld", (long)usage->prompt_tokens,
			(long)usage->completion_tokens, (long)usage->total_tokens);
	if (usage->cached_tokens > 0)
		buf_printf(&record->text, ", %ld cached", (long)usage->cached_tokens);
}

static void
note_fault(struct record *record, struct provider_stream *stream)
{
	const struct buf *fault = provider_stream_fault(stream);
	struct outcome outcome;

	outcome_judge(&(struct outcome_input){.status = 200,
			      .body = fault->data,
			      .body_bytes = fault->len,
			      .bad_call = provider_stream_answer(stream)->bad_call,
			      .why = provider_stream_why(stream)},
		&outcome);
	buf_printf(&record->text, "|%s%s: %s", outcome_text(outcome.class),
		outcome.counts ? "!" : "", outcome.message);
}

/* Feeds a copy of the exact size, so that a byte too many is noticed. */
static bool
feed(struct provider_stream *stream, const char *bytes, size_t length)
{
	char *copy = x_malloc(length + !length);

	memcpy(copy, bytes, length);
	bool going = provider_stream_feed(stream, copy, length);
	memset(copy, 'x', length);
	free(copy);
	return going;
}

char *
family_stream(const char *preset, const char *bytes, size_t length, size_t cut)
{
	static const struct provider_stream_sink sink = {note_text, note_call, note_progress};
	struct record record = {.stirred = false};
	struct provider_stream *stream;
	bool going = true;

	buf_init(&record.text, ROOM);
	stream = provider_stream_new(provider_preset(preset)->family, &sink, &record, ROOM);
	for (size_t at = 0; at < length && going;) {
		size_t count = cut == 1 ? 1 : at < cut ? cut : length - at;
		going = feed(stream, bytes + at, count);
		at += count;
	}
	if (going && provider_stream_end(stream))
		note_answer(&record, provider_stream_answer(stream));
	else
		note_fault(&record, stream);
	if (record.stirred)
		buf_putc(&record.text, '~');
	provider_stream_free(stream);
	return buf_take(&record.text, NULL);
}
