/* SPDX-License-Identifier: MIT */
/*
 * See frame.h. The scanner is a counter of values still to come, for each level while a message is
 * no deeper than allowed and over all levels always, so that a message that is too deep can still
 * be passed over to its end.
 */
#include "frame.h"

#include <string.h>

/* What a first byte says. length_bytes of header follow it; the length, if any, is of a body or of
 * children. */
enum kind { KIND_SCALAR, KIND_BODY, KIND_ARRAY, KIND_MAP, KIND_EXT, KIND_INVALID };

struct header {
	unsigned char kind;
	unsigned char length_bytes; /* bytes of an explicit length behind the first byte */
	unsigned char fixed;        /* bytes of a body whose length the first byte says */
};

/* 0xc0 to 0xdf, as the MessagePack specification lists its formats. */
static const struct header headers[32] = {
	{KIND_SCALAR, 0, 0},
	{KIND_INVALID, 0, 0},
	{KIND_SCALAR, 0, 0},
	{KIND_SCALAR, 0, 0},
	{KIND_BODY, 1, 0},
	{KIND_BODY, 2, 0},
	{KIND_BODY, 4, 0},
	{KIND_EXT, 1, 1},
	{KIND_EXT, 2, 1},
	{KIND_EXT, 4, 1},
	{KIND_SCALAR, 0, 4},
	{KIND_SCALAR, 0, 8},
	{KIND_SCALAR, 0, 1},
	{KIND_SCALAR, 0, 2},
	{KIND_SCALAR, 0, 4},
	{KIND_SCALAR, 0, 8},
	{KIND_SCALAR, 0, 1},
	{KIND_SCALAR, 0, 2},
	{KIND_SCALAR, 0, 4},
	{KIND_SCALAR, 0, 8},
	{KIND_EXT, 0, 2},
	{KIND_EXT, 0, 3},
	{KIND_EXT, 0, 5},
	{KIND_EXT, 0, 9},
	{KIND_EXT, 0, 17},
	{KIND_BODY, 1, 0},
	{KIND_BODY, 2, 0},
	{KIND_BODY, 4, 0},
	{KIND_ARRAY, 2, 0},
	{KIND_ARRAY, 4, 0},
	{KIND_MAP, 2, 0},
	{KIND_MAP, 4, 0},
};

/* Splits a first byte; *length is the length it says by itself. */
static struct header
header_of(unsigned char first, uint64_t *length)
{
	*length = 0;
	if (first <= 0x7f || first >= 0xe0)
		return (struct header){KIND_SCALAR, 0, 0};
	if (first <= 0x8f) {
		*length = first & 0x0f;
		return (struct header){KIND_MAP, 0, 0};
	}
	if (first <= 0x9f) {
		*length = first & 0x0f;
		return (struct header){KIND_ARRAY, 0, 0};
	}
	if (first <= 0xbf) {
		*length = first & 0x1f;
		return (struct header){KIND_BODY, 0, 0};
	}
	return headers[first - 0xc0];
}

void
frame_init(struct frame *frame, uint64_t max_bytes)
{
	memset(frame, 0, sizeof *frame);
	frame->max_bytes = max_bytes;
	frame->pending = 1;
}

static void
note_excess(struct frame *frame, enum frame_excess excess)
{
	if (frame->excess == FRAME_FITS)
		frame->excess = excess;
}

/* Takes one value off what is still to come. */
static void
count_value(struct frame *frame)
{
	frame->pending--;
	if (++frame->values > FRAME_VALUES_MAX)
		note_excess(frame, FRAME_TOO_MANY);
	if (frame->excess == FRAME_FITS && frame->depth > 0)
		frame->level[frame->depth - 1]--;
}

static void
open_container(struct frame *frame, uint64_t children)
{
	frame->pending += children;
	if (frame->depth == FRAME_DEPTH_MAX)
		note_excess(frame, FRAME_TOO_DEEP);
	if (frame->excess == FRAME_FITS)
		frame->level[frame->depth++] = children;
}

/* Leaves every level that has nothing more to come. */
static void
close_levels(struct frame *frame)
{
	while (frame->excess == FRAME_FITS && frame->depth > 0 &&
		frame->level[frame->depth - 1] == 0)
		frame->depth--;
}

/* Acts on a whole header in frame->head. */
static void
take_header(struct frame *frame)
{
	uint64_t length;
	struct header header = header_of(frame->head[0], &length);

	for (unsigned i = 1; i <= header.length_bytes; i++)
		length = length << 8 | frame->head[i];
	count_value(frame);
	if (header.kind == KIND_ARRAY)
		open_container(frame, length);
	else if (header.kind == KIND_MAP)
		open_container(frame, length * 2);
	else
		frame->skip = length + header.fixed;
	if (header.kind == KIND_EXT)
		note_excess(frame, FRAME_HAS_EXT);
	close_levels(frame);
}

/* What the message claims so far, every value still to come taking a byte at least. */
static uint64_t
claimed_bytes(const struct frame *frame)
{
	return frame->bytes + frame->skip + frame->pending;
}

/* Passes over as much of a body as there is. */
static size_t
take_body(struct frame *frame, size_t count)
{
	size_t part = frame->skip < count ? (size_t)frame->skip : count;

	frame->skip -= part;
	frame->bytes += part;
	return part;
}

enum frame_status
frame_scan(struct frame *frame, const void *bytes, size_t count, size_t *used)
{
	const unsigned char *start = bytes;
	const unsigned char *at = start;
	const unsigned char *end = start + count;
	enum frame_status status = FRAME_MORE;

	while (status == FRAME_MORE) {
		uint64_t length;

		if (frame->skip > 0)
			at += take_body(frame, (size_t)(end - at));
		if (frame->skip == 0 && frame->pending == 0) {
			status = FRAME_COMPLETE;
			break;
		}
		if (at == end)
			break;
		frame->head[frame->head_bytes++] = *at++;
		frame->bytes++;
		struct header header = header_of(frame->head[0], &length);
		if (header.kind == KIND_INVALID)
			status = FRAME_INVALID;
		if (header.kind == KIND_INVALID || frame->head_bytes <= header.length_bytes)
			continue;
		frame->head_bytes = 0;
		take_header(frame);
		if (claimed_bytes(frame) > frame->max_bytes)
			note_excess(frame, FRAME_TOO_LONG);
		if (claimed_bytes(frame) > FRAME_SKIP_MAX)
			status = FRAME_INVALID;
	}
	*used = (size_t)(at - start);
	return status;
}

const char *
frame_excess_text(enum frame_excess excess)
{
	switch (excess) {
	case FRAME_FITS: return "fits";
	case FRAME_TOO_LONG: return "the message is longer than socket.max_message";
	case FRAME_TOO_DEEP: return "the message is nested deeper than 32 levels";
	case FRAME_TOO_MANY: return "the message holds more than 200000 values";
	case FRAME_HAS_EXT:
		return "the message holds an extension type, which this protocol does not use";
	}
	return "unknown";
}
