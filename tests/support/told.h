/* SPDX-License-Identifier: MIT */
/*
 * What a client is told of a call that it has streamed, put together as a client does, and held
 * against what the protocol promises: pieces are for calls that run, whole and before the reply;
 * what they make is what the reply says.
 */
#ifndef LLMFO_TESTS_TOLD_H
#define LLMFO_TESTS_TOLD_H

#include "wire.h"

struct told {
	uint32_t msgid;
	bool other;      /* it is another request than a stream, of which only the reply comes */
	struct buf text; /* since the last reset, NUL-terminated */
	struct buf void_text; /* what the last reset took back */
	unsigned deltas, resets;
	size_t tool_calls;       /* since the last reset */
	struct wire_reply reply; /* message NULL: not there yet */
};

/* Asks for a stream with these params, a JSON map's members ("\"prompt\":\"hello\""). */
void told_ask(struct told *told, struct wire *wire, uint32_t msgid, const char *params);
/*
 * Takes the next message of the wire into the one of count that it belongs to, sorted by msgid from
 * first on; returns that one. Once its reply is there it has been checked.
 */
struct told *told_next(struct told *all, size_t count, uint32_t first, struct wire *wire);
/* Reads up to its reply, which must have that error code (NULL: a result). */
void told_all(struct told *told, struct wire *wire, const char *code);
void told_free(struct told *told);

#endif
