/* SPDX-License-Identifier: MIT */
/*
 * The scanner of messages: whatever pieces bytes come in, it says the same, and what it lets pass
 * msgpack-c unpacks to the same end. The first byte is the length of the pieces.
 */
#include <msgpack.h>
#include <stdlib.h>

#include "frame.h"
#include "fuzz.h"

#define MAX_BYTES 65536

const char fuzz_name[] = "frame";

static enum frame_status
scan(struct frame *frame, const uint8_t *bytes, size_t count, size_t piece, size_t *length)
{
	enum frame_status status = FRAME_MORE;

	*length = 0;
	frame_init(frame, MAX_BYTES);
	while (*length < count && status == FRAME_MORE) {
		size_t part = count - *length < piece ? count - *length : piece, used;

		status = frame_scan(frame, bytes + *length, part, &used);
		if (used > part || (status == FRAME_MORE && used != part))
			abort();
		*length += used;
	}
	return status;
}

static void
compare_with_unpacker(const uint8_t *bytes, size_t length)
{
	msgpack_unpacked unpacked;
	size_t used = 0;

	msgpack_unpacked_init(&unpacked);
	if (msgpack_unpack_next(&unpacked, (const char *)bytes, length, &used) !=
			MSGPACK_UNPACK_SUCCESS ||
		used != length)
		abort();
	msgpack_unpacked_destroy(&unpacked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	struct frame whole, pieces;
	size_t length, piece_length;

	if (count < 2)
		return 0;
	enum frame_status status = scan(&whole, bytes + 1, count - 1, count, &length);
	if (scan(&pieces, bytes + 1, count - 1, 1 + bytes[0] % 16U, &piece_length) != status ||
		piece_length != length || pieces.excess != whole.excess)
		abort();
	if (status == FRAME_COMPLETE && whole.excess == FRAME_FITS)
		compare_with_unpacker(bytes + 1, length);
	return 0;
}
