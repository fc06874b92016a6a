/* SPDX-License-Identifier: MIT */
/*
 * Finds the end of a MessagePack message in a stream of bytes, without unpacking it and without
 * allocating anything: what a header claims is only ever counted. Pure and incremental: bytes may
 * come in any pieces, none is looked at twice.
 *
 * Why it is ours: msgpack-c reserves memory for whatever an array header claims, and tells "too
 * deep" and "out of memory" apart by nothing. After the scanner only whole, bounded messages reach
 * it.
 */
#ifndef LLMFO_PROTO_FRAME_H
#define LLMFO_PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* The protocol's limit of nesting: the message itself is level 1. */
#define FRAME_DEPTH_MAX 32
/* How many values (items, keys, containers) one message may hold. */
#define FRAME_VALUES_MAX 200000
/* A message may be passed over (see frame_scan) up to this many bytes; one that claims more is not
 * a message. */
#define FRAME_SKIP_MAX ((uint64_t)1 << 30)

enum frame_status {
	FRAME_MORE,     /* all bytes looked at, the message goes on */
	FRAME_COMPLETE, /* the message ended */
	FRAME_INVALID,  /* not MessagePack, or it claims more than FRAME_SKIP_MAX: close the
	                   connection */
};

/* Why a message that is MessagePack is none for us. It is scanned to its end all the same, so that
 * the next one is found. */
enum frame_excess {
	FRAME_FITS,
	FRAME_TOO_LONG, /* more bytes than max_bytes */
	FRAME_TOO_DEEP, /* nested deeper than FRAME_DEPTH_MAX */
	FRAME_TOO_MANY, /* more values than FRAME_VALUES_MAX */
	FRAME_HAS_EXT,  /* an extension type, which this protocol does not use */
};

/* Opaque state of one message being scanned; embed it, do not look inside. */
struct frame {
	uint64_t max_bytes;
	uint64_t bytes;                  /* scanned so far */
	uint64_t values;                 /* seen so far */
	uint64_t pending;                /* values still to come, over all levels */
	uint64_t skip;                   /* bytes of a string's body still to come */
	uint64_t level[FRAME_DEPTH_MAX]; /* values still to come at each level */
	unsigned depth;
	unsigned char head[9]; /* a header that came in pieces */
	unsigned head_bytes;
	enum frame_excess excess;
};

/* Ready for the first byte of a message of at most max_bytes. */
void frame_init(struct frame *frame, uint64_t max_bytes);
/*
 * Looks at count bytes. *used is how many of them belong to this message: all of them with
 * FRAME_MORE. Once frame->excess is not FRAME_FITS the bytes need not be kept, but have to be
 * scanned on. After FRAME_COMPLETE call frame_init() again.
 */
enum frame_status frame_scan(struct frame *frame, const void *bytes, size_t count, size_t *used);
/* A sentence about an excess, for the error reply. */
const char *frame_excess_text(enum frame_excess excess);

#endif
