/* SPDX-License-Identifier: MIT */
/*
 * A reply as a plan: bytes in segments, each with a wait before it, and what happens at the end.
 * Whoever holds the connection plays the plan; whoever makes it needs no clock and no socket. A
 * plan is not changed once it is made, so it can be played to many connections (but for one with
 * stamps, which says when it was played).
 */
#ifndef FAKELLM_REPLY_H
#define FAKELLM_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "out.h"

enum reply_end {
	REPLY_KEEP,  /* the connection waits for its next request */
	REPLY_CLOSE, /* FIN */
	REPLY_RESET, /* RST */
	REPLY_HANG,  /* nothing more, the connection stays open */
};

#define REPLY_FOREVER (-1)
/* In a reply with stamps: becomes as many digits, the time in us, when its segment is sent. */
#define REPLY_STAMP "@@@@@@@@@@@@@@@@"

struct segment {
	size_t off;
	size_t len;
	int64_t wait_ms;  /* before the first byte, and before each repeat of a segment that repeats
	                   */
	int64_t repeat;   /* how often it is sent; 1, more, or REPLY_FOREVER */
	int64_t slice_ms; /* -1: one write; else a write for each byte, so many ms apart */
	bool hold;        /* waits for a release before wait_ms */
};

struct reply {
	int refs;
	struct out bytes;
	struct segment *segments;
	size_t n_segments; /* at least 1 */
	enum reply_end end;
	int64_t chunk_bytes; /* 0: the body goes out as it is; -1: a chunk a piece; else chunks of
	                        this */
	bool once;           /* not to be given again to an equal request */
	bool stamps;         /* it has REPLY_STAMPs, and once is set */
};

struct reply *reply_new(void);
struct reply *reply_ref(struct reply *r);
void reply_unref(struct reply *r);

/* Bytes behind the last ones, as they are. */
void reply_add(struct reply *r, const void *bytes, size_t len);
void reply_text(struct reply *r, const char *text);
/* The segment that is being written. */
struct segment *reply_last(struct reply *r);
/* What follows is a segment of its own, sent after `wait_ms`. */
void reply_cut(struct reply *r, int64_t wait_ms);
/* Bytes of the body, in the reply's transfer coding. */
void reply_body(struct reply *r, const void *bytes, size_t len);
/* `times` copies of a piece of the body, sent without holding them all in memory. */
void reply_repeat(struct reply *r, const void *bytes, size_t len, int64_t times);
/* `bytes` times the letter x as a piece of the body. */
void reply_fill(struct reply *r, int64_t bytes);
/* The end mark of the transfer coding. */
void reply_finish(struct reply *r);
/* Cuts each segment inside its characters beyond ASCII. */
void reply_split_utf8(struct reply *r);
/* Puts the time into the segment's stamps. */
void reply_stamp(struct reply *r, const struct segment *s);

#endif
