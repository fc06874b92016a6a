/* SPDX-License-Identifier: MIT */
/*
 * A server in the test's own loop that answers each request with a body of any size, whose n-th
 * byte is n % 251, as fast as it is taken. It keeps no more of it in memory than one piece.
 */
#ifndef FLOOD_H
#define FLOOD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct flood {
	uv_loop_t *loop;
	uv_tcp_t listener;
	int port;
	int64_t length;   /* what it says that its body has */
	int64_t cut_at;   /* there the connection ends; length or more: it goes on */
	int64_t sent;     /* of bodies, as far as the kernel took it */
	unsigned clients; /* connections that are open */
	unsigned requests;
};

/* Listens on 127.0.0.1; flood outlives the loop. */
void flood_open(struct flood *flood, uv_loop_t *loop, int64_t length);
/* Its connections have to be closed by the other side, or at their end. */
void flood_close(struct flood *flood);

#endif
