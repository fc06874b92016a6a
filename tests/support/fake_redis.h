/* SPDX-License-Identifier: MIT */
/*
 * A server in the test's own loop that says to each kind of command what its script has for it,
 * byte for byte, so that it can misbehave in ways no real Redis does.
 */
#ifndef LLMFO_TESTS_FAKE_REDIS_H
#define LLMFO_TESTS_FAKE_REDIS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define FAKE_REDIS_TIMES_MAX 16

/* NULL: what a real one would say; "": nothing. */
struct fake_redis_script {
	const char *accept; /* said to whoever comes; NULL: nothing as well */
	const char *auth, *ping, *subscribe, *get, *ttl, *set, *other;
	bool drip;       /* each byte in a packet of its own */
	bool close;      /* behind what accept says */
	bool close_told; /* behind what get, ttl, set and other say */
};

struct fake_redis {
	uv_loop_t *loop;
	uv_tcp_t listener;
	const struct fake_redis_script *script; /* may be changed at any time */
	int port;
	unsigned connections, commands, open;
	int64_t came_ms[FAKE_REDIS_TIMES_MAX]; /* when the first ones came */
	struct fake_redis_client *clients;
};

void fake_redis_open(struct fake_redis *fake, uv_loop_t *loop);
/* Closes everything; the loop has to run to be rid of it. */
void fake_redis_close(struct fake_redis *fake);
/* To all that are there, whatever they asked. */
void fake_redis_say(struct fake_redis *fake, const char *bytes);

#endif
