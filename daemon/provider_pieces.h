/* SPDX-License-Identifier: MIT */
/*
 * An answer in the making, of a stream: what the families put their pieces into, told as it comes.
 * For provider_stream.c and the provider_<family>.c files alone.
 */
#ifndef LLMFO_PROVIDER_PIECES_H
#define LLMFO_PROVIDER_PIECES_H

#include "provider_echo.h"
#include "provider_stream.h"

struct provider_pieces {
	const struct provider_stream_sink *sink;
	void *arg;
	size_t max_bytes; /* of the answer */
	struct provider_answer answer;

	/* What the family says. */
	struct json *last;  /* the event with the finish reason, owned; NULL: none came yet */
	struct json *usage; /* as it came last, owned; NULL: none came yet */
	struct json *error; /* what breaks the stream, if that is but a part of an event, owned */
	bool ended;         /* the provider's own end came: nothing that follows matters */
	bool refused;       /* the text is the model's refusal */
	bool stirred;       /* it works, though there is nothing to show */

	/* Its own. */
	struct provider_echo *echo; /* what the text may begin with, borrowed; NULL: nothing */
	size_t told;                /* bytes of the text */
	struct json *call;          /* the tool call in the making, owned; NULL: none */
	int64_t call_at;            /* its place */
	struct buf arguments;       /* its, as far as they came as text */
	uint64_t call_hash;         /* for an id */
	size_t calls_bytes;         /* of the calls that are whole */
	const char *event;          /* the bytes of the event at hand */
	size_t event_length;
};

void provider_pieces_init(struct provider_pieces *pieces, const struct provider_stream_sink *sink,
	void *arg, size_t max_bytes);
void provider_pieces_free(struct provider_pieces *pieces);
/* Tells the text that was not told yet, and that the model works. whole: no more will come. */
void provider_pieces_tell(struct provider_pieces *pieces, bool whole);
/* Is it more than max_bytes by now? */
bool provider_pieces_too_long(const struct provider_pieces *pieces);

/* ---- for the families ---- */

/* More text: a string; anything else, or an empty one, is nothing. */
void provider_pieces_text(struct provider_pieces *pieces, const struct json *text);
/* What is not shown: it works if that is more than nothing. */
void provider_pieces_stir(struct provider_pieces *pieces, const struct json *hidden);
/*
 * A tool call begins, in a place of the answer; the one before it is whole. id and name may be
 * NULL. False with bad_call of the answer set if that one is none.
 */
bool provider_pieces_open_call(
	struct provider_pieces *pieces, int64_t at, const char *id, const char *name);
/* More of the open call's arguments: text, or all of them as an object. */
void provider_pieces_arguments(struct provider_pieces *pieces, const struct json *arguments);
/* The open call, if there is one, is whole, and told. False as above. */
bool provider_pieces_close_call(struct provider_pieces *pieces);
/* A call that comes whole, in OpenAI's form; taken over. False as above. */
bool provider_pieces_call(struct provider_pieces *pieces, struct json *call);
/* The tokens used so far, if it is an object. */
void provider_pieces_usage(struct provider_pieces *pieces, const struct json *usage);
/* The event holds a finish reason: the open call is whole. False as above. */
bool provider_pieces_finish(struct provider_pieces *pieces, const struct json *event);

#endif
