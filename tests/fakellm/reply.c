/* SPDX-License-Identifier: MIT */
/*
 * Plans of replies: bytes, segments, transfer coding.
 */
#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPLY_BLOCK_BYTES = 64 << 10 };

static void
reply_new_segment(struct reply *r, int64_t wait_ms)
{
	size_t n = r->n_segments;

	if ((n & (n - 1)) == 0) /* full: it has a power of two */
		r->segments = out_realloc(r->segments, (n ? 2 * n : 1) * sizeof(*r->segments));
	r->segments[r->n_segments++] = (struct segment){
		.off = r->bytes.len, .wait_ms = wait_ms, .repeat = 1, .slice_ms = -1};
}

struct reply *
reply_new(void)
{
	struct reply *r = out_alloc(sizeof(*r));

	r->refs = 1;
	reply_new_segment(r, 0);
	return r;
}

struct reply *
reply_ref(struct reply *r)
{
	r->refs++;
	return r;
}

void
reply_unref(struct reply *r)
{
	if (!r || --r->refs > 0)
		return;
	out_free(&r->bytes);
	free(r->segments);
	free(r);
}

struct segment *
reply_last(struct reply *r)
{
	return &r->segments[r->n_segments - 1];
}

void
reply_add(struct reply *r, const void *bytes, size_t len)
{
	out_add(&r->bytes, bytes, len);
	reply_last(r)->len += len;
}

void
reply_text(struct reply *r, const char *text)
{
	reply_add(r, text, strlen(text));
}

void
reply_cut(struct reply *r, int64_t wait_ms)
{
	struct segment *last = reply_last(r);

	if (last->len || last->hold || last->repeat != 1)
		reply_new_segment(r, wait_ms);
	else
		last->wait_ms += wait_ms;
}

static void
reply_chunk(struct reply *r, const char *bytes, size_t len)
{
	char size[24];

	snprintf(size, sizeof(size), "%zx\r\n", len);
	reply_text(r, size);
	reply_add(r, bytes, len);
	reply_text(r, "\r\n");
}

void
reply_body(struct reply *r, const void *bytes, size_t len)
{
	const char *at = bytes;

	if (!r->chunk_bytes) {
		reply_add(r, bytes, len);
		return;
	}
	while (len) {
		size_t n = len;

		if (r->chunk_bytes > 0 && n > (size_t)r->chunk_bytes)
			n = (size_t)r->chunk_bytes;
		reply_chunk(r, at, n);
		at += n;
		len -= n;
	}
}

void
reply_repeat(struct reply *r, const void *bytes, size_t len, int64_t times)
{
	int64_t each = len < REPLY_BLOCK_BYTES ? REPLY_BLOCK_BYTES / (int64_t)len : 1;

	if (times / each > 0) {
		reply_cut(r, 0);
		for (int64_t i = 0; i < each; i++)
			reply_body(r, bytes, len);
		reply_last(r)->repeat = times / each;
		reply_new_segment(r, 0);
	}
	for (int64_t i = 0; i < times % each; i++)
		reply_body(r, bytes, len);
}

void
reply_fill(struct reply *r, int64_t bytes)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	reply_repeat(r, block, sizeof(block), bytes / (int64_t)sizeof(block));
	reply_body(r, block, (size_t)(bytes % (int64_t)sizeof(block)));
}

void
reply_finish(struct reply *r)
{
	if (r->chunk_bytes)
		reply_text(r, "0\r\n\r\n");
}

void
reply_split_utf8(struct reply *r)
{
	struct segment *old = r->segments;
	size_t n_old = r->n_segments;
	const unsigned char *bytes = (const unsigned char *)r->bytes.data;

	r->segments = NULL;
	r->n_segments = 0;
	for (size_t i = 0; i < n_old; i++) {
		struct segment s = old[i];
		size_t end = s.off + s.len;

		for (size_t at = s.off + 1; s.repeat == 1 && at < end; at++) {
			if ((bytes[at] & 0xc0) != 0x80)
				continue;
			reply_new_segment(r, s.wait_ms);
			*reply_last(r) = s;
			reply_last(r)->len = at - s.off;
			s.len -= at - s.off;
			s.off = at;
			s.wait_ms = 1;
			s.hold = false;
		}
		reply_new_segment(r, s.wait_ms);
		*reply_last(r) = s;
	}
	free(old);
}

void
reply_stamp(struct reply *r, const struct segment *s)
{
	const size_t n = strlen(REPLY_STAMP);
	char *at = r->bytes.data + s->off, *end = at + s->len, digits[24];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(digits, sizeof(digits), "%016lld",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	while ((at = memmem(at, (size_t)(end - at), REPLY_STAMP, n))) {
		memcpy(at, digits, n);
		at += n;
	}
}
