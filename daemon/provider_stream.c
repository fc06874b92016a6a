/* SPDX-License-Identifier: MIT */
/*
 * See provider_stream.h. What all families have in common: events are JSON objects, `[DONE]` is an
 * end, an error is no chunk, a reply that is no stream may still be an answer. What a chunk says is
 * the family's.
 */
#include "provider_stream.h"

#include <stdlib.h>
#include <string.h>

#include "provider_common.h"
#include "provider_pieces.h"
#include "sse.h"

/* Of a reply that is neither a stream nor JSON, this much is kept for the judge. */
#define HEAD_MAX_BYTES ((size_t)64 << 10)

enum state {
	STATE_BEGUN, /* not known yet what it is */
	STATE_EVENTS,
	STATE_PLAIN, /* one JSON text */
	STATE_WHOLE,
	STATE_BROKEN
};

struct provider_stream {
	const struct provider_family *family;
	enum state state;
	struct sse sse;
	struct provider_pieces pieces;
	struct buf fault; /* the beginning of the reply, until it is known to be a stream */
	const char *why;
	bool looked; /* at the first byte that is not white space */
};

struct provider_stream *
provider_stream_new(const struct provider_family *family, const struct provider_stream_sink *sink,
	void *arg, size_t max_bytes)
{
	struct provider_stream *stream = x_calloc(1, sizeof(*stream));

	stream->family = family;
	sse_init(&stream->sse, family->framing, PROVIDER_EVENT_MAX_BYTES);
	provider_pieces_init(&stream->pieces, sink, arg, max_bytes);
	buf_init(&stream->fault,
		max_bytes > PROVIDER_EVENT_MAX_BYTES ? max_bytes : PROVIDER_EVENT_MAX_BYTES);
	return stream;
}

void
provider_stream_skip(struct provider_stream *stream, struct provider_echo *echo)
{
	stream->pieces.echo = echo;
}

void
provider_stream_free(struct provider_stream *stream)
{
	if (!stream)
		return;
	sse_free(&stream->sse);
	provider_pieces_free(&stream->pieces);
	buf_free(&stream->fault);
	free(stream);
}

/* ---- what breaks it ---- */

static void
broken(struct provider_stream *stream, const char *why)
{
	stream->state = STATE_BROKEN;
	stream->why = why;
}

static void
broken_by(struct provider_stream *stream, const struct json *event)
{
	broken(stream, NULL);
	buf_clear(&stream->fault);
	(void)json_write(event, &stream->fault);
}

/* By something that an event, or only its name, calls an error: as an envelope that the judge
 * knows. Takes it over. */
static void
broken_by_part(struct provider_stream *stream, struct json *error)
{
	struct json *envelope = json_new_object();

	json_set(envelope, "error", error);
	broken_by(stream, envelope);
	json_free(envelope);
}

static bool
is_text(const struct json *object, const char *key, const char *text)
{
	const char *value = json_text(object, key);

	return value && strcmp(value, text) == 0;
}

static bool
is_error(const struct json *event)
{
	return json_truthy(json_get(event, "error")) || is_text(event, "type", "error") ||
		is_text(event, "object", "error");
}

/* ---- events ---- */

/* Nothing more comes: is it an answer? */
static void
conclude(struct provider_stream *stream)
{
	struct provider_pieces *pieces = &stream->pieces;

	if (!pieces->last)
		broken(stream, "the stream ended without a finish reason");
	else if (!provider_pieces_close_call(pieces))
		broken(stream, pieces->answer.bad_call);
	else if (!stream->family->finish(pieces))
		broken_by(stream, pieces->last);
	else
		stream->state = STATE_WHOLE;
}

static void
take_chunk(struct provider_stream *stream, const struct json *root)
{
	struct provider_pieces *pieces = &stream->pieces;
	bool taken = stream->family->event(pieces, root);

	if (provider_pieces_too_long(pieces))
		broken(stream, "the answer is too long");
	else if (pieces->answer.bad_call)
		broken(stream, pieces->answer.bad_call);
	else if (pieces->error)
		broken_by_part(stream, json_ref(pieces->error));
	else if (!taken)
		broken_by(stream, root);
	else if (pieces->ended)
		conclude(stream);
}

static bool
is_done(const struct sse_event *event)
{
	static const char done[] = "[DONE]";
	size_t length = sizeof(done) - 1;

	return event->length >= length && memcmp(event->data, done, length) == 0 &&
		provider_is_blank(event->data + length, event->length - length);
}

/* The first line of one JSON text that was laid out for people. */
static bool
is_opening(const struct provider_stream *stream, const struct sse_event *event)
{
	return stream->state == STATE_BEGUN && stream->family->framing == SSE_LINES &&
		event->length > 0 && event->data[0] == '{' &&
		provider_is_blank(event->data + 1, event->length - 1);
}

static void
take_event(struct provider_stream *stream, const struct sse_event *event)
{
	bool named_error = strcmp(event->name, "error") == 0;
	struct json *root;

	if (stream->state == STATE_BEGUN)
		buf_free(&stream->fault);
	stream->state = STATE_EVENTS;
	if (is_done(event)) {
		conclude(stream);
		return;
	}
	stream->pieces.event = event->data;
	stream->pieces.event_length = event->length;
	root = json_parse(event->data, event->length, false, NULL);
	if (root && is_error(root)) {
		broken_by(stream, root);
	} else if (named_error) {
		broken_by_part(stream,
			root ? json_ref(root) : json_new_string(event->data, event->length));
	} else if (json_type(root) != JSON_OBJECT) {
		broken(stream, "an event of the stream is not JSON");
		buf_clear(&stream->fault);
		(void)buf_add(&stream->fault, event->data, event->length);
	} else {
		take_chunk(stream, root);
	}
	json_free(root);
}

/* ---- bytes ---- */

static void
take_plain(struct provider_stream *stream, const char *bytes, size_t count)
{
	stream->state = STATE_PLAIN;
	if (stream->fault.len + count > stream->pieces.max_bytes ||
		buf_add(&stream->fault, bytes, count)) {
		buf_clear(&stream->fault);
		broken(stream, "the answer is too long");
	}
}

static void
take_events(struct provider_stream *stream, const char *bytes, size_t count)
{
	struct sse_event event;
	int got;

	while ((got = sse_next(&stream->sse, &bytes, &count, &event)) == 1) {
		if (is_opening(stream, &event)) {
			buf_clear(&stream->fault);
			take_plain(stream, "{", 1);
			take_plain(stream, bytes, count);
			return;
		}
		take_event(stream, &event);
		if (stream->state != STATE_EVENTS)
			return;
	}
	if (got < 0)
		broken(stream, "an event of the stream is too long");
}

/* Bytes before the first that is no white space or byte order mark. */
static size_t
blank_bytes(const char *bytes, size_t count)
{
	size_t i = 0;

	while (i < count && bytes[i] != '\0' && strchr(" \t\r\n\xef\xbb\xbf", bytes[i]))
		i++;
	return i;
}

/* Looks whether a reply is one JSON text, not a stream: which begins otherwise. True: taken. */
static bool
take_beginning(struct provider_stream *stream, const char *bytes, size_t count)
{
	size_t blank = blank_bytes(bytes, count);

	if (stream->looked || blank == count)
		return false;
	stream->looked = true;
	if (stream->family->framing != SSE_EVENTS || !strchr("{[", bytes[blank]) || !bytes[blank])
		return false;
	buf_clear(&stream->fault);
	take_plain(stream, bytes + blank, count - blank);
	return true;
}

/* Keeps what came for the judge as long as it is not known for a stream. */
static void
keep_head(struct provider_stream *stream, const char *bytes, size_t count)
{
	size_t room = stream->fault.len < HEAD_MAX_BYTES ? HEAD_MAX_BYTES - stream->fault.len : 0;

	if (stream->sse.known)
		buf_free(&stream->fault);
	else
		(void)buf_add(&stream->fault, bytes, count < room ? count : room);
}

bool
provider_stream_feed(struct provider_stream *stream, const char *bytes, size_t count)
{
	if (stream->state == STATE_PLAIN) {
		take_plain(stream, bytes, count);
	} else if (stream->state < STATE_PLAIN && !take_beginning(stream, bytes, count)) {
		take_events(stream, bytes, count);
		if (stream->state == STATE_BEGUN)
			keep_head(stream, bytes, count);
	}
	provider_pieces_tell(&stream->pieces, stream->state == STATE_WHOLE);
	return stream->state != STATE_BROKEN;
}

/* ---- the end ---- */

/* One answer came instead of a stream. */
static void
end_plain(struct provider_stream *stream)
{
	struct provider_pieces *pieces = &stream->pieces;
	struct provider_answer *answer = &pieces->answer;
	bool whole = stream->family->answer(stream->fault.data, stream->fault.len, answer);
	const char *bad_call = answer->bad_call;

	if (!whole || provider_pieces_too_long(pieces)) {
		provider_answer_free(answer);
		provider_answer_init(answer);
		answer->bad_call = bad_call;
		broken(stream, bad_call);
		return;
	}
	stream->state = STATE_WHOLE;
	buf_free(&stream->fault);
	provider_pieces_tell(pieces, true);
	for (size_t i = 0; i < json_count(answer->tool_calls); i++)
		pieces->sink->tool_call(pieces->arg, json_at(answer->tool_calls, i));
}

/* What stands there without its end counts if it is whole by itself. */
static void
take_rest(struct provider_stream *stream)
{
	struct sse_event event;

	if (!sse_rest(&stream->sse, &event))
		return;
	struct json *root = json_parse(event.data, event.length, false, NULL);
	if (root || is_done(&event))
		take_event(stream, &event);
	json_free(root);
}

bool
provider_stream_end(struct provider_stream *stream)
{
	if (stream->state == STATE_PLAIN)
		end_plain(stream);
	if (stream->state < STATE_PLAIN)
		take_rest(stream);
	if (stream->state == STATE_EVENTS || (stream->state == STATE_BEGUN && stream->sse.known))
		conclude(stream);
	else if (stream->state == STATE_BEGUN)
		broken(stream, NULL);
	provider_pieces_tell(&stream->pieces, stream->state == STATE_WHOLE);
	return stream->state == STATE_WHOLE;
}

bool
provider_stream_whole(const struct provider_stream *stream)
{
	return stream->state == STATE_WHOLE;
}

struct provider_answer *
provider_stream_answer(struct provider_stream *stream)
{
	struct provider_pieces *pieces = &stream->pieces;

	if (pieces->usage && !pieces->answer.usage.reported)
		stream->family->usage(pieces->usage, &pieces->answer.usage);
	return &pieces->answer;
}

const struct buf *
provider_stream_fault(const struct provider_stream *stream)
{
	return &stream->fault;
}

const char *
provider_stream_why(const struct provider_stream *stream)
{
	return stream->why;
}

bool
provider_stream_finished(const struct provider_stream *stream)
{
	return stream->pieces.last != NULL;
}
