/* SPDX-License-Identifier: MIT */
/*
 * A streamed answer, from the bytes of a 2xx reply to pieces of text and whole tool calls, for
 * every family: server-sent events or lines of JSON (its framing), and what an event means (its
 * own). Pure, and indifferent to where the bytes are cut.
 */
#ifndef LLMFO_PROVIDER_STREAM_H
#define LLMFO_PROVIDER_STREAM_H

#include "provider_echo.h"

/* An event that is longer is no event. */
#define PROVIDER_EVENT_MAX_BYTES ((size_t)4 << 20)

/* What comes of the bytes, from inside provider_stream_feed() and provider_stream_end(). */
struct provider_stream_sink {
	/* More of the text: UTF-8, whole characters, never empty. What one feed brings comes in as
	 * few pieces as the order allows. */
	void (*text)(void *arg, const char *text, size_t length);
	/* A tool call, once it is whole: {id, type, function: {name, arguments (text)}}; borrowed.
	 */
	void (*tool_call)(void *arg, const struct json *call);
	/* The model works, though nothing is to be shown: reasoning, a piece of a tool call. */
	void (*progress)(void *arg);
};

struct provider_stream;

/* sink is borrowed and outlives it. max_bytes: of the whole answer. */
struct provider_stream *provider_stream_new(const struct provider_family *family,
	const struct provider_stream_sink *sink, void *arg, size_t max_bytes);
/* The text may begin with this, which is left out; borrowed, and outlives the stream. */
void provider_stream_skip(struct provider_stream *stream, struct provider_echo *echo);
void provider_stream_free(struct provider_stream *stream);
/*
 * The next bytes. False: the stream is broken here (an error in it, an event that cannot be read or
 * is too long); it must not be fed again.
 */
bool provider_stream_feed(struct provider_stream *stream, const char *bytes, size_t count);
/* The answer is whole: its end was seen, and what may follow (the rest of an HTTP body) says
 * nothing more about it. */
bool provider_stream_whole(const struct provider_stream *stream);
/* A finish reason came: what is still to come is not more than the usage and an end mark. */
bool provider_stream_finished(const struct provider_stream *stream);
/*
 * The reply has ended. True: the answer is whole (a finish reason came; a missing [DONE] does not
 * matter, nor that the provider sent one plain answer instead of a stream). False: it is not, or
 * the stream was broken before.
 */
bool provider_stream_end(struct provider_stream *stream);
/* What has come so far, owned by the stream; the receiver may take its content. */
struct provider_answer *provider_stream_answer(struct provider_stream *stream);
/*
 * Once it is broken or has ended without being whole, what outcome_judge() is to read as the
 * reply's body: the event that broke it, or the beginning of a reply that is no stream. Borrowed.
 */
const struct buf *provider_stream_fault(const struct provider_stream *stream);
/* And its `why`: what is wrong, where the provider does not say. Static text; NULL: it does. */
const char *provider_stream_why(const struct provider_stream *stream);

#endif
