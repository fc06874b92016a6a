/* SPDX-License-Identifier: MIT */
/*
 * What comes from a Redis is looked at here before hiredis sees it: its reader allocates what a
 * peer claims. Passes RESP2 within limits, byte by byte and without ever allocating; what is
 * refused once stays refused.
 */
#ifndef LLMFO_REDIS_GUARD_H
#define LLMFO_REDIS_GUARD_H

#include "store.h"

/* Of one reply: items of all its lists together, lists in each other, a text, a line, the whole. */
#define REDIS_GUARD_ITEMS_MAX 1024
#define REDIS_GUARD_DEPTH_MAX 4
#define REDIS_GUARD_TEXT_MAX_BYTES (65536 + STORE_TEXT_MAX_BYTES)
#define REDIS_GUARD_LINE_MAX_BYTES 4096
#define REDIS_GUARD_REPLY_MAX_BYTES (4 * REDIS_GUARD_TEXT_MAX_BYTES)

/* Zeroed memory is one that has seen nothing yet. */
struct redis_guard {
	int part;              /* what the next byte is of */
	char kind;             /* the first byte of the line */
	bool negative;         /* of the number in it */
	int digits;            /* so many, and what they make */
	int64_t number;
	size_t line;           /* bytes of the line, or yet to come of the text */
	size_t bytes, items;   /* of the reply so far */
	int depth;             /* lists that are open, */
	int64_t left[REDIS_GUARD_DEPTH_MAX]; /* and the items that each still lacks */
	const char *why;       /* it was refused; NULL: it was not */
};

/* NULL: all of it may be handed on; or why not (static). */
const char *redis_guard_pass(struct redis_guard *guard, const char *bytes, size_t count);
/* Does the last byte end a reply? True before the first one. */
bool redis_guard_is_between(const struct redis_guard *guard);

#endif
