/* SPDX-License-Identifier: MIT */
/*
 * What stands around the events of a stream: server-sent events as the WHATWG reads them, or lines
 * that are an event each (NDJSON). Pure; where the bytes are cut makes no difference. What an event
 * says is not looked at, and what came before is not looked at again.
 */
#ifndef LLMFO_SSE_H
#define LLMFO_SSE_H

#include "buf.h"

enum sse_framing {
	SSE_EVENTS, /* field: value, ended by an empty line */
	SSE_LINES   /* one JSON text a line */
};

#define SSE_NAME_MAX_BYTES 63

struct sse_event {
	const char *name; /* "" if it has none, or one that is too long */
	const char *data; /* not NUL-terminated; never all blank */
	size_t length;
};

struct sse {
	enum sse_framing framing;
	bool known;    /* a line came that this framing has, be it a comment */
	bool after_cr; /* a line feed here is the rest of a line's end */
	bool joined;   /* `line` is whole and was read */
	bool given;    /* the event in the making was given */
	bool has_data;
	size_t mark;     /* bytes of a byte order mark at the beginning so far; beyond: none */
	struct buf line; /* the beginning of a line */
	struct buf data; /* of the event in the making */
	const char *one; /* its data while that is a single line in the bytes at hand; NULL */
	size_t one_length;
	const char *feed; /* the next line feed in the bytes at hand; NULL: not looked for */
	char name[SSE_NAME_MAX_BYTES + 1];
};

/* max_bytes: of a line and of an event's data. */
void sse_init(struct sse *sse, enum sse_framing framing, size_t max_bytes);
void sse_free(struct sse *sse);
/*
 * The next event that ends within the count bytes at *bytes, which it takes away: 1; 0 when all of
 * them are taken and none is left; LLMFO_ETOO_LARGE or LLMFO_ENO_MEMORY, after which only
 * sse_free() may follow. To be called until it says 0; the bytes stay until then, the event until
 * the next call.
 */
int sse_next(struct sse *sse, const char **bytes, size_t *count, struct sse_event *event);
/* At the end of the stream: the event that was not ended, if there is one. */
bool sse_rest(struct sse *sse, struct sse_event *event);

#endif
