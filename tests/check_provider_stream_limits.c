/* SPDX-License-Identifier: MIT */
/* What a streamed answer may grow to, in how many pieces it is told, and ids that are made up. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "provider_stream.h"

/* In these texts ' stands for ", which C and JSON both want. */
#define CHUNK(delta, finish) \
	"data: {'choices':[{'index':0,'delta':" delta ",'finish_reason':" finish "}]}\n\n"
#define TEXT(text) CHUNK("{'content':'" text "'}", "null")
#define CALLS(calls) CHUNK("{'tool_calls':[" calls "]}", "null")
#define STOP CHUNK("{}", "'stop'")
#define DONE "data: [DONE]\n\n"

static char *
with_quotes(const char *text)
{
	char *made = x_strdup(text);

	for (char *at = made; *at; at++)
		if (*at == '\'')
			*at = '"';
	return made;
}

struct counts {
	size_t texts, calls, bytes;
	bool text_after_call;
};

static void
count_text(void *arg, const char *text, size_t length)
{
	struct counts *counts = arg;

	(void)text;
	counts->texts++;
	counts->bytes += length;
	counts->text_after_call = counts->calls > 0;
}

static void
count_call(void *arg, const struct json *call)
{
	struct counts *counts = arg;

	ck_assert(call != NULL);
	counts->calls++;
}

static void
count_nothing(void *arg)
{
	(void)arg;
}

static const struct provider_stream_sink counting = {count_text, count_call, count_nothing};

static struct provider_stream *
new_stream(const char *preset, struct counts *counts, size_t max_bytes)
{
	return provider_stream_new(provider_preset(preset)->family, &counting, counts, max_bytes);
}

static bool
feed(struct provider_stream *stream, const char *text)
{
	char *bytes = with_quotes(text);
	bool going = provider_stream_feed(stream, bytes, strlen(bytes));

	free(bytes);
	return going;
}

START_TEST(what_one_feed_brings_is_told_in_one_piece)
{
	struct counts counts = {0};
	struct provider_stream *stream = new_stream("openai", &counts, 100000);

	ck_assert(feed(stream, TEXT("a") TEXT("b") TEXT("c")));
	ck_assert_uint_eq(counts.texts, 1);
	ck_assert(feed(stream, TEXT("d") CALLS("{'id':'c','function':{'name':'f'}}")));
	ck_assert_uint_eq(counts.texts, 2);
	ck_assert_uint_eq(counts.calls, 0);
	ck_assert(feed(stream, TEXT("e") STOP TEXT("f")));
	ck_assert_uint_eq(counts.texts, 4);
	ck_assert_uint_eq(counts.calls, 1);
	ck_assert(counts.text_after_call);
	ck_assert(!provider_stream_whole(stream));
	ck_assert(feed(stream, DONE));
	ck_assert(provider_stream_whole(stream));
	ck_assert_str_eq(provider_stream_answer(stream)->text.data, "abcdef");
	ck_assert_uint_eq(counts.texts, 4);
	provider_stream_free(stream);
}
END_TEST

/* A text of so many times "xxxxxxxx". */
static struct buf
long_text(const char *before, size_t times, const char *after)
{
	struct buf text;

	buf_init(&text, (size_t)64 << 20);
	buf_puts(&text, before);
	for (size_t i = 0; i < times; i++)
		buf_puts(&text, "xxxxxxxx");
	buf_puts(&text, after);
	return text;
}

static void
check_limit(
	const char *preset, const struct buf *bytes, size_t max_bytes, size_t step, const char *why)
{
	struct counts counts = {0};
	struct provider_stream *stream = new_stream(preset, &counts, max_bytes);
	bool going = true;

	for (size_t at = 0; at < bytes->len && going; at += step)
		going = provider_stream_feed(
			stream, bytes->data + at, bytes->len - at < step ? bytes->len - at : step);
	ck_assert(going == !why);
	ck_assert_pstr_eq(provider_stream_why(stream), why);
	if (why)
		ck_assert(!provider_stream_end(stream));
	ck_assert_uint_le(counts.bytes, max_bytes);
	provider_stream_free(stream);
}

#define TOO_LONG_EVENT "an event of the stream is too long"
#define TOO_LONG_ANSWER "the answer is too long"

static const struct {
	const char *preset, *before;
	size_t bytes; /* of the middle */
	const char *after, *why;
	size_t max_bytes;
} limits[] = {
	{"openai", "data: {'choices':[{'delta':{'content':'", PROVIDER_EVENT_MAX_BYTES - 64,
		"'}}]}\n\n", NULL, (size_t)8 << 20},
	{"openai", "data: {'choices':[{'delta':{'content':'", PROVIDER_EVENT_MAX_BYTES - 64,
		"'}}]}\n\n", TOO_LONG_ANSWER, (size_t)1 << 20},
	{"openai", "data: {'choices':[{'delta':{'content':'", PROVIDER_EVENT_MAX_BYTES, "'}}]}\n\n",
		TOO_LONG_EVENT, (size_t)8 << 20},
	{"openai", "data: ", PROVIDER_EVENT_MAX_BYTES + 8, "", TOO_LONG_EVENT, (size_t)8 << 20},
	{"openai", ": ", PROVIDER_EVENT_MAX_BYTES + 8, "\n", TOO_LONG_EVENT, (size_t)8 << 20},
	{"openai", "data: abcdefgh\ndata: ", PROVIDER_EVENT_MAX_BYTES - 8, "\n\n", TOO_LONG_EVENT,
		(size_t)8 << 20},
	{"openai", "{'choices':'", (size_t)1 << 20, "'}", TOO_LONG_ANSWER, (size_t)1 << 20},
	{"openai", "{'choices':'", (size_t)1 << 20, "'}", NULL, (size_t)2 << 20},
	{"ollama", "{'message':{'content':'", PROVIDER_EVENT_MAX_BYTES, "'}}\n", TOO_LONG_EVENT,
		(size_t)8 << 20},
	{"ollama", "{\n'message':'", (size_t)1 << 20, "'}", TOO_LONG_ANSWER, (size_t)1 << 20},
	{"anthropic",
		"data: {'type':'content_block_start','index':0,"
		"'content_block':{'type':'tool_use','id':'t','name':'f'}}\n\n"
		"data: {'type':'content_block_delta','index':0,'delta':"
		"{'type':'input_json_delta','partial_json':'",
		((size_t)1 << 20) + 8, "'}}\n\n", TOO_LONG_ANSWER, (size_t)1 << 20},
	{"gemini",
		"data: {'candidates':[{'content':{'parts':[{'functionCall':{'name':'f','args':"
		"{'a':'",
		(size_t)1 << 20, "'}}}]}}]}\n\n", TOO_LONG_ANSWER, (size_t)1 << 20},
};

START_TEST(an_event_and_an_answer_have_ceilings)
{
	static const size_t steps[] = {SIZE_MAX / 2, 16384, 1000};
	char *before = with_quotes(limits[_i].before), *after = with_quotes(limits[_i].after);
	struct buf bytes = long_text(before, limits[_i].bytes / 8, after);

	for (size_t i = 0; i < UTIL_COUNT(steps); i++)
		check_limit(
			limits[_i].preset, &bytes, limits[_i].max_bytes, steps[i], limits[_i].why);
	buf_free(&bytes);
	free(before);
	free(after);
}
END_TEST

START_TEST(many_empty_tool_calls_are_too_long_an_answer)
{
	struct counts counts = {0};
	struct provider_stream *stream = new_stream("openai", &counts, 100000);
	bool going = true;

	for (int i = 0; i < 1000 && going; i++)
		going = feed(stream,
			CALLS("{'id':'c','function':{'name':'f'}},"
			      "{'id':'d','function':{'name':'f'}}"));
	ck_assert(!going);
	ck_assert_str_eq(provider_stream_why(stream), TOO_LONG_ANSWER);
	ck_assert_uint_lt(counts.calls, 100);
	provider_stream_free(stream);
}
END_TEST

START_TEST(ids_that_are_made_up_differ_within_an_answer_and_between_answers)
{
	static const char call[] = "{'tool_calls':[{'index':%d,'function':{'name':'f'}}]}";
	const char *ids[4] = {NULL};
	struct provider_stream *streams[2];
	struct counts counts = {0};

	for (int i = 0; i < 2; i++) {
		streams[i] = new_stream("openai", &counts, 100000);
		for (int at = 0; at < 2; at++) {
			char *delta = x_asprintf(call, at);
			char *event = x_asprintf("data: {'id':'%d','choices':[{'delta':%s,"
						 "'finish_reason':null}]}\n\n",
				i, delta);
			ck_assert(feed(streams[i], event));
			free(event);
			free(delta);
		}
		ck_assert(feed(streams[i], STOP DONE));
		const struct json *calls = provider_stream_answer(streams[i])->tool_calls;
		ck_assert_uint_eq(json_count(calls), 2);
		ids[2 * i] = json_text(json_at(calls, 0), "id");
		ids[2 * i + 1] = json_text(json_at(calls, 1), "id");
	}
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(ids[i], ids[j]);
	provider_stream_free(streams[0]);
	provider_stream_free(streams[1]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("provider_stream_limits");
	TCase *tcase = tcase_create("limits");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, what_one_feed_brings_is_told_in_one_piece);
	tcase_add_loop_test(
		tcase, an_event_and_an_answer_have_ceilings, 0, (int)UTIL_COUNT(limits));
	tcase_add_test(tcase, many_empty_tool_calls_are_too_long_an_answer);
	tcase_add_test(tcase, ids_that_are_made_up_differ_within_an_answer_and_between_answers);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
