/* SPDX-License-Identifier: MIT */
/* Of story.h: sentences about streams, what a provider does with one and what a client saw of it.
 */
#include <stdlib.h>
#include <string.h>

#include "story.h"

/* ---- provider streams "..." ---- */

struct stream {
	const char *text, *error, *tool;
	int64_t gap_ms, first_ms;
	int64_t pings, ping_ms, thoughts, thought_ms;
	int64_t after; /* so many words the fault comes; -1: there is none */
	enum { CUT, STALL, ERROR_EVENT, BAD_EVENT } fault;
	bool no_done, no_finish;
};

static char *
read_count_and_time(struct words *words, int64_t *count, int64_t *ms)
{
	if (!words_number(words, count) || !words_time(words, ms))
		return words_fault(words, "a number and a time");
	return NULL;
}

/* A fault of the stream: *done when the word is none. */
static char *
read_fault(struct words *words, struct stream *stream, bool *done)
{
	static const char *const names[] = {
		"cut-after", "stall-after", "error-after", "bad-event-after"};

	for (size_t i = 0; i < UTIL_COUNT(names); i++) {
		if (!words_accept(words, names[i]))
			continue;
		stream->fault = (unsigned)i;
		if (!words_number(words, &stream->after))
			return words_fault(words, "a number of words");
		if (stream->fault == ERROR_EVENT && !(stream->error = words_take(words)))
			return words_fault(words, "an error's words");
		return NULL;
	}
	*done = true;
	return NULL;
}

static char *
read_option(struct words *words, struct stream *stream, bool *done)
{
	if (words_accept(words, "gap"))
		return words_time(words, &stream->gap_ms) ? NULL : words_fault(words, "a time");
	if (words_accept(words, "first"))
		return words_time(words, &stream->first_ms) ? NULL : words_fault(words, "a time");
	if (words_accept(words, "pings"))
		return read_count_and_time(words, &stream->pings, &stream->ping_ms);
	if (words_accept(words, "thinks"))
		return read_count_and_time(words, &stream->thoughts, &stream->thought_ms);
	if (words_accept(words, "tool")) {
		stream->tool = words_take(words);
		return stream->tool ? NULL : words_fault(words, "a tool's name and arguments");
	}
	if (words_accept(words, "no-done"))
		stream->no_done = true;
	else if (words_accept(words, "no-finish"))
		stream->no_finish = true;
	else
		return read_fault(words, stream, done);
	return NULL;
}

/* The words that come, each with the space behind it; how many there are. */
static int64_t
add_words(const struct stream *stream, struct fake_behaviour *behaviour)
{
	int64_t count = 0;
	size_t length;

	for (const char *text = stream->text; *text; text += length, count++) {
		length = strcspn(text, " ");
		length += strspn(text + length, " ");
		if (stream->after >= 0 && count == stream->after)
			return count;
		char *word = x_strndup(text, length);
		fake_behaviour_add(
			behaviour, count ? stream->gap_ms : stream->first_ms, FAKE_TEXT, word);
		free(word);
	}
	return count;
}

static void
add_fault(const struct stream *stream, struct fake_behaviour *behaviour)
{
	switch (stream->fault) {
	case CUT:
		behaviour->end = TRANSPORT_TRUNCATED;
		behaviour->after_ms = stream->gap_ms;
		break;
	case STALL: behaviour->hangs = true; break;
	case ERROR_EVENT:
		fake_behaviour_add(behaviour, stream->gap_ms, FAKE_ERROR, stream->error);
		break;
	case BAD_EVENT: fake_behaviour_add(behaviour, stream->gap_ms, FAKE_NONSENSE, NULL); break;
	}
}

char *
story_read_stream(struct words *words, struct fake_behaviour *behaviour)
{
	struct stream stream = {.after = -1};
	bool done = false;
	char *fault = NULL;

	if (words_end(words))
		return words_fault(words, "the words that are streamed");
	stream.text = words_take(words);
	while (!fault && !done)
		fault = read_option(words, &stream, &done);
	if (fault)
		return fault;
	behaviour->status = 200;
	behaviour->begins_ms = 0;
	for (int64_t i = 0; i < stream.pings; i++)
		fake_behaviour_add(behaviour, stream.ping_ms, FAKE_PING, NULL);
	for (int64_t i = 0; i < stream.thoughts; i++)
		fake_behaviour_add(behaviour, stream.thought_ms, FAKE_REASONING, "hm");
	(void)add_words(&stream, behaviour);
	if (stream.after >= 0) {
		add_fault(&stream, behaviour);
		/* without any piece it would be no stream */
		if (behaviour->piece_count == 0)
			fake_behaviour_add(behaviour, 0, FAKE_PING, NULL);
		return NULL;
	}
	if (stream.tool)
		fake_behaviour_add(behaviour, stream.gap_ms, FAKE_TOOL, stream.tool);
	if (!stream.no_finish)
		fake_behaviour_add(behaviour, 0, FAKE_FINISH, stream.tool ? "tool_calls" : NULL);
	if (!stream.no_done)
		fake_behaviour_add(behaviour, 0, FAKE_MARK, NULL);
	return NULL;
}

/* ---- client asks ... race, stream; client stops-reading ---- */

char *
story_read_race(struct words *words, struct scene_wish *wish)
{
	int64_t number;

	wish->races = true;
	if (words_accept(words, "hedge")) {
		if (words_accept(words, "auto"))
			wish->race.hedge_after_ms = CALL_HEDGE_AUTO;
		else if (!words_time(words, &wish->race.hedge_after_ms))
			return words_fault(words, "a time or auto");
	}
	if (words_accept(words, "parallel")) {
		if (!words_number(words, &number))
			return words_fault(words, "a number");
		wish->race.max_parallel = (int)number;
	}
	return NULL;
}

char *
story_read_on_break(struct words *words, struct scene_wish *wish)
{
	static const char *const names[] = {"error", "restart", "continue"};

	wish->stream = true;
	if (!words_accept(words, "on-break"))
		return NULL;
	for (size_t i = 0; i < UTIL_COUNT(names); i++)
		if (words_accept(words, names[i])) {
			wish->on_break = (enum call_on_break)i;
			return NULL;
		}
	return words_fault(words, "error, restart or continue");
}

char *
story_hold(struct scene *scene, struct words *words, bool held)
{
	char *fault;
	struct scene_call *call = story_call(scene, words, &fault);

	if (call && call->call)
		call_hold(call->call, held);
	scene_check(scene);
	return fault;
}

/* ---- what was told ---- */

char *
story_expect_deltas(struct scene *scene, struct words *words)
{
	char *fault;
	(void)words_accept(words, "of");
	const struct scene_call *call = story_call(scene, words, &fault);

	if (!call)
		return fault;
	if (words_end(words))
		return words_fault(words, "what was told so far");
	if (strcmp(call->told.data, words_take(words)) == 0)
		return NULL;
	return x_asprintf("what was told is \"%s\"", call->told.data);
}

static char *
expect_count(struct scene *scene, struct words *words, size_t offset, const char *what)
{
	char *fault;
	int64_t wanted;
	(void)words_accept(words, "of");
	const struct scene_call *call = story_call(scene, words, &fault);

	if (!call)
		return fault;
	if (!words_number(words, &wanted))
		return words_fault(words, "a number");
	size_t seen = *(const size_t *)(const void *)((const char *)call + offset);
	return (int64_t)seen == wanted ? NULL : x_asprintf("there were %zu %s", seen, what);
}

char *
story_expect_resets(struct scene *scene, struct words *words)
{
	return expect_count(scene, words, offsetof(struct scene_call, resets), "resets");
}

char *
story_expect_tool_calls(struct scene *scene, struct words *words)
{
	return expect_count(scene, words, offsetof(struct scene_call, tool_calls), "tool calls");
}

char *
story_expect_partial(const struct scene_call *call, struct words *words)
{
	if (words_end(words))
		return words_fault(words, "a text");
	if (strcmp(call->partial ? call->partial : "", words_take(words)) == 0)
		return NULL;
	return x_asprintf("the partial text is \"%s\"", call->partial ? call->partial : "");
}

char *
story_expect_first_token(const struct scene_call *call, struct words *words)
{
	int64_t ms;

	if (!words_time(words, &ms))
		return words_fault(words, "a time");
	return ms == call->first_token_ms
		? NULL
		: x_asprintf("first_token_ms is %lld", (long long)call->first_token_ms);
}
