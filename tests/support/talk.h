/* SPDX-License-Identifier: MIT */
/*
 * A client's session without a socket, on a core with a fake clock and a fake network: what the
 * client says goes straight in, what the daemon says is kept to be looked at.
 */
#ifndef LLMFO_TESTS_TALK_H
#define LLMFO_TESTS_TALK_H

#include "fake_clock.h"
#include "fake_transport.h"
#include "session.h"
#include "wire.h"

/* Providers a and b (ollama at http://a and http://b), each with model m, in chain default. */
#define TALK_CONFIG \
	"providers:\n" \
	"  a: {api: ollama, base_url: 'http://a:1', models: [m]}\n" \
	"  b: {api: ollama, base_url: 'http://b:1', models: [m]}\n" \
	"chains: {default: {targets: [a/m, b/m]}}\n"

struct talk {
	struct fake_clock clock;
	struct fake_transport transport;
	struct core core;
	struct session *session; /* NULL: it has been freed */
	struct buf out;          /* replies not looked at yet */
	unsigned sent;           /* replies so far */
	size_t unread_bytes;     /* what the session is told that the client has not read yet */
	bool closed;             /* the daemon ended the connection */
	unsigned reloads;
};

/* settings: further lines of the configuration. uid 0 is the daemon's own user. */
void talk_begin(struct talk *talk, const char *settings, uint32_t uid);
/* Hangs up, and ends the core. */
void talk_end(struct talk *talk);
/* The client goes away; what runs is cancelled. */
void talk_hang_up(struct talk *talk);
/* Bytes from the client, in as many turns as they take. */
void talk_feed(struct talk *talk, const char *bytes, size_t count);
/* A request. */
void talk_ask(struct talk *talk, uint32_t msgid, const char *method, const char *params);
/* The next reply that is there, or closed. */
struct wire_reply talk_reply(struct talk *talk);
/* Asks, lets everything that is due happen, and takes the reply, which must be there. */
struct wire_reply talk_get(struct talk *talk, const char *method, const char *params);
/* The same, of which only the error's code counts: "" for none. */
void talk_expect(struct talk *talk, const char *method, const char *params, const char *code);

#endif
