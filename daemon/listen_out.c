/* SPDX-License-Identifier: MIT */
/* See listen_out.h. */
#include "listen_out.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* Small pieces are joined up to this size. */
#define PIECE_BYTES ((size_t)32 << 10)
/* After so much output that had to wait, free memory goes back to the system. */
#define TRIM_BYTES ((size_t)8 << 20)

/* Bytes on their way through libuv. */
struct piece {
	uv_write_t write;
	struct out *out;
	char *bytes; /* owned */
	size_t count;
};

void
out_init(struct out *out, uv_stream_t *stream, struct out_all *all, size_t *own_bytes,
	void (*written)(void *arg, int status), void *arg)
{
	*out = (struct out){.stream = stream,
		.all = all,
		.own_bytes = own_bytes,
		.written = written,
		.arg = arg};
	buf_init(&out->tail, PIECE_BYTES);
}

/* The allocator would keep what waited in small pieces for ever. */
static void
give_back(const struct out *out, size_t bytes)
{
	struct out_all *all = out->all;

	*out->own_bytes -= bytes;
	*all->waiting_bytes -= bytes;
	all->waited_bytes += bytes;
	if (all->waited_bytes < TRIM_BYTES)
		return;
	all->waited_bytes = 0;
	(void)malloc_trim(0);
}

static int hand_over_tail(struct out *out);

static void
on_written(uv_write_t *write, int status)
{
	struct piece *piece = UTIL_OWNER(write, struct piece, write);
	struct out *out = piece->out;

	out->handed_bytes -= piece->count;
	give_back(out, piece->count);
	free(piece->bytes);
	free(piece);
	if (status == 0 && out->handed_bytes == 0 && !uv_is_closing((uv_handle_t *)out->stream))
		status = hand_over_tail(out);
	out->written(out->arg, status);
}

/* Takes over the bytes, also when it fails. */
static int
hand_over(struct out *out, char *bytes, size_t count)
{
	struct piece *piece = x_calloc(1, sizeof *piece);
	uv_buf_t buffer = uv_buf_init(bytes, (unsigned)count);

	piece->out = out;
	piece->bytes = bytes;
	piece->count = count;
	int error = uv_write(&piece->write, out->stream, &buffer, 1, on_written);
	if (error) {
		give_back(out, count);
		free(piece->bytes);
		free(piece);
	} else {
		out->handed_bytes += count;
	}
	return error;
}

static int
hand_over_tail(struct out *out)
{
	size_t count;

	if (out->tail.len == 0)
		return 0;
	char *bytes = buf_take(&out->tail, &count);
	return hand_over(out, bytes, count);
}

static int
keep(struct out *out, const char *bytes, size_t count)
{
	int error = 0;

	if (count > PIECE_BYTES - out->tail.len)
		error = hand_over_tail(out);
	if (error)
		return error;
	*out->all->waiting_bytes += count;
	*out->own_bytes += count;
	if (count <= PIECE_BYTES && buf_add(&out->tail, bytes, count) == 0)
		return out->handed_bytes == 0 ? hand_over_tail(out) : 0;
	char *copy = x_malloc(count);
	memcpy(copy, bytes, count);
	return hand_over(out, copy, count);
}

int
out_send(struct out *out, const char *bytes, size_t count)
{
	int sent = 0;

	if (out_waiting(out) == 0) {
		/* it is not written to */
		char *start = (char *)(uintptr_t)bytes;
		uv_buf_t buffer = uv_buf_init(start, (unsigned)count);

		sent = uv_try_write(out->stream, &buffer, 1);
		if (sent < 0 && sent != UV_EAGAIN)
			return sent;
		if (sent < 0)
			sent = 0;
	}
	if ((size_t)sent == count)
		return 0;
	return keep(out, bytes + sent, count - (size_t)sent);
}

size_t
out_waiting(const struct out *out)
{
	return out->handed_bytes + out->tail.len;
}

void
out_end(struct out *out)
{
	give_back(out, out->tail.len);
	buf_free(&out->tail);
}
