/* SPDX-License-Identifier: MIT */
/*
 * One connection to a Redis, from the first packet to the last: libuv owns its socket, hiredis
 * formats what goes out and parses what comes in behind redis_guard. It lives once: what ends it
 * (refused, silent, nonsense) is told, and whoever wants another one makes another one.
 */
#ifndef LLMFO_REDIS_LINK_H
#define LLMFO_REDIS_LINK_H

#include <hiredis.h>
#include <uv.h>

#include "clock.h"
#include "redis_url.h"

/* Until it is ready; until a command is answered; so long nothing comes before it asks for a sign
 * of life. */
#define REDIS_LINK_READY_MS 2000
#define REDIS_LINK_ANSWER_MS 1000
#define REDIS_LINK_QUIET_MS 2000
/* Commands that are under way: of a change to all that a host knows, two for each name. */
#define REDIS_LINK_WAITING_MAX 32768
#define REDIS_LINK_WHY_BYTES 160
/* A run's name has 40 digits. */
#define REDIS_LINK_RUN_BYTES 41

/* The answer to a command: borrowed, never from inside redis_link_ask(). */
typedef void redis_link_answer(void *arg, const redisReply *reply);

/* None of them comes from inside a call of ours; none but gone after ended or a close. */
struct redis_link_events {
	/* It was let in, its database is selected, its channel subscribed. */
	void (*ready)(void *arg);
	/* It is over, and the link with it; what was asked and not answered will not be. connected:
	 * it had got as far as that. */
	void (*ended)(void *arg, const char *why, bool connected);
	/* Somebody's word on its channel. */
	void (*message)(void *arg, const char *bytes, size_t length);
	/* After either end: its memory has gone. */
	void (*gone)(void *arg);
};

struct redis_link;

/*
 * Begins to connect: to address, or where that is NULL to url's path. channel: NULL, or what to
 * subscribe to; nothing can be asked then. url, channel and events are borrowed.
 */
struct redis_link *redis_link_new(uv_loop_t *loop, struct clock *clock, const struct redis_url *url,
	const struct sockaddr *address, const char *channel, const struct redis_link_events *events,
	void *arg);
/* Answers come in the order of the asking. False: it is not ready or has too much to do; no answer
 * comes any more, also to what was asked before, and it ends in the next turn if it has not. */
bool redis_link_ask(struct redis_link *link, int count, const char *const *words,
	redis_link_answer *answer, void *arg);
/* What this run of Redis is called, once the link is ready; "": it does not say, or the link is one
 * that hears. */
const char *redis_link_run(const struct redis_link *link);
/* Before it has ended; from wherever. */
void redis_link_close(struct redis_link *link);

#endif
