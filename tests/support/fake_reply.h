/* SPDX-License-Identifier: MIT */
/*
 * What a host of the simulated network says to one request: a script (struct fake_behaviour), and
 * the bytes and moments that come of it in the form of the provider's family. Pure: whoever sends
 * them is fake_transport.c.
 */
#ifndef LLMFO_FAKE_REPLY_H
#define LLMFO_FAKE_REPLY_H

#include "transport.h"

/* What one piece of a streamed answer is, in the form of the family that was asked. */
enum fake_piece_kind {
	FAKE_BYTES,     /* these bytes as they are: whatever has no kind of its own */
	FAKE_TEXT,      /* a piece of the answer's text */
	FAKE_REASONING, /* the model thinks: a sign of progress, and no text */
	FAKE_TOOL,      /* a whole tool call: "NAME ARGUMENTS" */
	FAKE_PING,      /* no content: a comment, or an empty line */
	FAKE_NONSENSE,  /* an event that is not JSON */
	FAKE_ERROR,     /* an event that tells of an error with this message */
	FAKE_FINISH,    /* the finish reason (NULL: "stop") and the usage */
	FAKE_MARK,      /* [DONE]; nothing where the family has no such thing */
};

struct fake_piece {
	int64_t after_ms; /* behind the piece before it; the first: behind the headers */
	enum fake_piece_kind kind;
	char *text; /* owned; NULL */
};

/*
 * What a host does with one request. Texts are owned.
 *
 * Without pieces it answers in one go, or, where a stream was asked for and its status is 2xx, with
 * the stream of its text, a word an event: headers and the first byte (of a stream: the first word)
 * at begins_ms, the rest and the end at after_ms; half of it, if end is no TRANSPORT_DONE.
 *
 * With pieces it sends headers at begins_ms (-1: with the first piece), then each piece, and its
 * end after_ms behind the last one; nothing more if it hangs. Who asked for no stream gets the
 * pieces' text in one answer at the end, or half of it if they have no FAKE_FINISH.
 */
struct fake_behaviour {
	enum transport_end end;
	bool hangs;  /* it never ends; without pieces nothing comes but headers at begins_ms */
	bool reused; /* it went over a pooled connection, unless a fresh one is asked for */
	int status;  /* 0: no reply at all */
	char *text;  /* the answer's or the error's words; NULL: "hello from HOST" */
	char *type, *code;  /* of an error; NULL: null */
	char *body;         /* instead of a body made from these; NULL */
	struct buf headers; /* "name: value\n" each */
	bool no_usage;
	int64_t begins_ms;         /* -1: together with the rest */
	int64_t after_ms;          /* the rest, and the end */
	struct fake_piece *pieces; /* owned */
	size_t piece_count;
	size_t cut_bytes; /* the network cuts whatever comes into pieces of so many; 0: does not */
};

/* An answer with status 200 at once. */
struct fake_behaviour fake_behaviour_new(void);
void fake_behaviour_free(struct fake_behaviour *behaviour);
/* Adds a piece; text is copied and may be NULL. */
void fake_behaviour_add(struct fake_behaviour *behaviour, int64_t after_ms,
	enum fake_piece_kind kind, const char *text);
/*
 * Adds a piece a word of the text (with the space behind it), after_ms between each two, then the
 * finish and the mark.
 */
void fake_behaviour_add_words(struct fake_behaviour *behaviour, int64_t after_ms, const char *text);

/* By then the headers and so many bytes have come. */
struct fake_step {
	int64_t at_ms; /* from the start */
	size_t bytes;
};

struct fake_reply {
	struct buf body;
	struct fake_step *steps; /* owned */
	size_t step_count;
	enum transport_end end;
	int64_t end_ms; /* from the start, CLOCK_NEVER: it never ends */
};

/* What the host called so says to a request for url. */
void fake_reply_make(struct fake_reply *reply, const struct fake_behaviour *behaviour,
	const char *host, const char *url, bool stream);
void fake_reply_free(struct fake_reply *reply);

#endif
