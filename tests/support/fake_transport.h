/* SPDX-License-Identifier: MIT */
/*
 * A network for simulations: every host does what its script says, in virtual time. It keeps every
 * request for later questions, and it is stricter than the real transport: a callback that would
 * come from inside start(), after cancel() or, with bytes, while held, stops the test. What comes
 * while a transfer is held waits in a socket buffer without end, and its end behind it.
 */
#ifndef LLMFO_FAKE_TRANSPORT_H
#define LLMFO_FAKE_TRANSPORT_H

#include "fake_clock.h"
#include "fake_reply.h"
#include "list.h"
#include "transport.h"

/* What was asked, by whom and when. */
struct fake_request {
	char *host; /* the first label of the URL's host */
	char *url, *headers, *body;
	int64_t at_ms;
	bool fresh, stream;
};

struct fake_transport {
	struct transport transport;
	struct fake_clock *clock;
	struct list hosts;             /* of struct fake_host, private */
	struct list transfers;         /* those in flight */
	struct fake_request *requests; /* owned */
	size_t request_count;
	int in_flight; /* checks aside */
	/* What a host does with a request (its place in requests) for which nothing is scripted,
	 * made for it alone: the transport frees it. NULL: it answers. */
	struct fake_behaviour (*improvise)(void *arg, size_t request);
	/* A request that is kept starts (its place in requests); may be NULL. */
	void (*started)(void *arg, size_t request);
	/* It ended or was cancelled; may be NULL. */
	void (*ended)(void *arg, size_t request);
	void *arg;
};

void fake_transport_init(struct fake_transport *fake, struct fake_clock *clock);
void fake_transport_free(struct fake_transport *fake);
/*
 * Adds to what a host does, one a request; takes over the behaviour. forever: what it does when
 * nothing else is scripted, which is otherwise to answer.
 */
void fake_transport_script(struct fake_transport *fake, const char *host,
	const struct fake_behaviour *behaviour, bool forever);
/* What a host says when it is asked for its models: a body, or that it is not there (NULL, and when
 * nothing was set). Such requests are not kept. */
void fake_transport_check(struct fake_transport *fake, const char *host, const char *body);
/* How many requests a host got. */
size_t fake_transport_count(const struct fake_transport *fake, const char *host);
/* The last one, or NULL. */
const struct fake_request *fake_transport_last(const struct fake_transport *fake, const char *host);
/* How many are in flight to it. */
int fake_transport_in_flight(const struct fake_transport *fake, const char *host);

#endif
