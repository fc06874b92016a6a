/* SPDX-License-Identifier: MIT */
/*
 * The seam between the machines and the network: one HTTP exchange, started and cancelled.
 * transport_curl.c is the real one, tests/support/fake_transport.c the one that scenarios script. A
 * transport never retries, redirects or judges.
 */
#ifndef LLMFO_TRANSPORT_H
#define LLMFO_TRANSPORT_H

#include "http.h"

/* How an exchange ended, as far as the network is concerned. */
enum transport_end {
	TRANSPORT_DONE,            /* a whole reply came; its status is the provider's business */
	TRANSPORT_REFUSED,         /* nobody listens there */
	TRANSPORT_UNREACHABLE,     /* no route, host down, or another failure to connect */
	TRANSPORT_DNS,             /* the name has no address */
	TRANSPORT_TLS,             /* handshake or certificate */
	TRANSPORT_CONNECT_TIMEOUT, /* no connection within connect_timeout_ms, name look-up included
	                            */
	TRANSPORT_RESET,           /* the connection ended before the first byte of a reply */
	TRANSPORT_TIMEOUT,         /* connected, and then no whole reply in time */
	TRANSPORT_TRUNCATED,       /* the connection ended within the reply */
	TRANSPORT_TOO_LARGE,       /* the reply was longer than max_reply_bytes */
	TRANSPORT_PROTOCOL,        /* what came is not HTTP */
	TRANSPORT_INTERNAL,        /* this machine's own trouble (memory, descriptors) */
};

struct transport_request {
	const struct http_request *http; /* borrowed until done or cancel */
	int64_t connect_timeout_ms;      /* 0: none; all else takes as long as the caller likes */
	size_t max_reply_bytes;
	const char *proxy;     /* URL, NULL: none (the environment's is never used) */
	const char *ca_file;   /* NULL: the system's bundle */
	bool fresh_connection; /* do not use a pooled connection */
	bool stream; /* what comes may be held: it must not share a connection that others need */
};

struct transport_result {
	enum transport_end end;
	int status;         /* HTTP status, 0 if none came */
	bool reused;        /* it went over a pooled connection */
	int64_t connect_ms; /* time until connected, 0 on a pooled connection */
	char detail[160];   /* for people: "Connection refused"; no secret in it */
};

/*
 * Callbacks come from the loop, never from inside start() or cancel(). on_headers comes once, when
 * the final status and all headers are there (not for 1xx); on_body for each piece; on_done exactly
 * once, last. After cancel() none comes. The transfer is gone once on_done returns or cancel() was
 * called; both may be followed by a new start() at once, also from inside a callback; cancel() may
 * be called from inside a callback of the same transfer.
 */
struct transport_callbacks {
	void (*on_headers)(void *arg, int status, const struct http_headers *headers);
	void (*on_body)(void *arg, const char *bytes, size_t count);
	void (*on_done)(void *arg, const struct transport_result *result);
};

struct transfer;
struct transport;

struct transport_ops {
	/* The new transfer; never NULL: trouble at the start is told by on_done
	 * (TRANSPORT_INTERNAL). */
	struct transfer *(*start)(struct transport *transport,
		const struct transport_request *request,
		const struct transport_callbacks *callbacks, void *arg);
	void (*cancel)(struct transfer *transfer);
	/* While a transfer is held no on_body comes, and what comes from the network waits there;
	 * no more than one read of it waits in memory. on_done may come. Fine from inside its own
	 * on_body, after which nothing more comes until it is let go. */
	void (*hold)(struct transfer *transfer, bool held);
};

/* Embedded first in every implementation. */
struct transport {
	const struct transport_ops *ops;
};

static inline struct transfer *
transport_start(struct transport *transport, const struct transport_request *request,
	const struct transport_callbacks *callbacks, void *arg)
{
	return transport->ops->start(transport, request, callbacks, arg);
}

static inline void
transport_cancel(struct transport *transport, struct transfer *transfer)
{
	transport->ops->cancel(transfer);
}

static inline void
transport_hold(struct transport *transport, struct transfer *transfer, bool held)
{
	transport->ops->hold(transfer, held);
}

/* A word for an end, for logs: "refused", "dns", ... */
const char *transport_end_name(enum transport_end end);

#endif
