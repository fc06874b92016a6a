/* SPDX-License-Identifier: MIT */
/*
 * What is sent to one connection and could not go at once. A stream is many small pieces: they wait
 * joined, in no more room than they need, and not each in an allocation of its own.
 */
#ifndef LLMFO_LISTEN_OUT_H
#define LLMFO_LISTEN_OUT_H

#include <uv.h>

#include "buf.h"

/* Of all connections together. */
struct out_all {
	size_t *waiting_bytes; /* borrowed */
	size_t waited_bytes;   /* that had to wait and are gone, since the last trim */
};

struct out {
	uv_stream_t *stream; /* borrowed */
	struct out_all *all; /* borrowed */
	size_t *own_bytes;   /* borrowed: of all that this one's user has waiting */
	struct buf tail;     /* not handed to libuv yet */
	size_t handed_bytes; /* on their way there */
	/* Some of what waited is out, or will never be (status below 0, UV_ECANCELED when the
	 * stream is closed). Never from inside out_send(). */
	void (*written)(void *arg, int status);
	void *arg;
};

void out_init(struct out *out, uv_stream_t *stream, struct out_all *all,
	size_t *own_bytes, void (*written)(void *arg, int status), void *arg);
/* Sends bytes, which stay the caller's, behind those that wait. 0, or libuv's error: the connection
 * is of no use any more. */
int out_send(struct out *out, const char *bytes, size_t count);
size_t out_waiting(const struct out *out);
/* The stream is being closed: what was not handed over is dropped. Nothing may be sent any more. */
void out_end(struct out *out);

#endif
