/* SPDX-License-Identifier: MIT */
/*
 * The guard before hiredis' reader: whatever pieces bytes come in, it says the same, and what it
 * lets pass hiredis reads without complaint and to the same ends. The first byte is the length of
 * the pieces.
 */
#include <hiredis.h>
#include <stdlib.h>

#include "fuzz.h"
#include "redis_guard.h"

const char fuzz_name[] = "redis";

/* How many replies hiredis sees in a piece that has passed. */
static unsigned
read_piece(redisReader *reader, const char *piece, size_t count)
{
	unsigned replies = 0;
	void *reply;

	if (redisReaderFeed(reader, piece, count) != REDIS_OK)
		abort();
	do {
		if (redisReaderGetReply(reader, &reply) != REDIS_OK)
			abort();
		if (reply) {
			freeReplyObject(reply);
			replies++;
		}
	} while (reply);
	return replies;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	struct redis_guard whole = {0}, pieces = {0};
	redisReader *reader = redisReaderCreate();
	const char *text = (const char *)bytes + 1;
	unsigned replies = 0;

	for (size_t at = 0; count > 1 && at < count - 1;) {
		size_t left = count - 1 - at, piece = 1 + bytes[0] % 16U;

		if (piece > left)
			piece = left;
		if (redis_guard_pass(&pieces, text + at, piece))
			break;
		replies += read_piece(reader, text + at, piece);
		at += piece;
	}
	redisReaderFree(reader);
	if (count > 1 && redis_guard_pass(&whole, text, count - 1) != pieces.why)
		abort();
	if (replies > count || (count > 1 && redis_guard_is_between(&pieces) && replies == 0))
		abort();
	return 0;
}
