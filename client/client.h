/* SPDX-License-Identifier: MIT */
/*
 * A client: its connection, the calls that were started and have not ended, and what it has
 * subscribed to. A turn of it (turn.c) does all that can be done without waiting; the blocking
 * half (call.c) and a program's own loop (start.c) both run on turns, so calls of either kind go
 * side by side and are treated alike.
 */
#ifndef LLMFO_CLIENT_CLIENT_H
#define LLMFO_CLIENT_CLIENT_H

#include "conn.h"
#include "place.h"

/* A day: longer times are shortened to it, so that no sum overflows. */
#define CLIENT_TIMEOUT_MAX_MS ((int64_t)24 * 3600 * 1000)
/* A daemon that is restarted has this long to be back, for calls of either kind. */
#define CLIENT_RESTART_MS 5000
/* No time at all, in times to wait until. */
#define CLIENT_NEVER_MS INT64_MAX

enum client_call_state {
	CLIENT_QUEUED,  /* no byte of it is on a connection */
	CLIENT_SENDING, /* on the connection, perhaps not wholly sent */
	CLIENT_SENT,    /* the daemon may have it */
	CLIENT_ENDED,   /* its end is to be told */
};

struct client_call {
	struct list node; /* of one of the client's lists */
	struct llmfo_client *client;
	uint64_t id; /* in the order in which they were started */
	enum client_call_state state;
	struct bytes request; /* method and parameters */
	uint32_t msgid;       /* while it is on the connection */
	uint64_t end_bytes;   /* of the connection's queued_bytes, behind it */
	int tries;            /* connections that broke before it was wholly sent */
	int refusals;         /* daemons that were about to end and did not begin it */
	bool on_connection;   /* the connection knows it, and will tell its end */
	int64_t until_ms;     /* when it has timed out, or CLIENT_NEVER_MS */
	int error;            /* CLIENT_ENDED: why */
	llmfo_delta *delta;   /* NULL: it is no stream */
	llmfo_done *done;
	void *arg;
};

enum subscription_state {
	SUBSCRIPTION_NONE,
	SUBSCRIPTION_DUE,   /* to be asked for at subscribe_ms */
	SUBSCRIPTION_ASKED, /* `call` is under way */
	SUBSCRIPTION_STANDS,
};

struct subscription {
	enum subscription_state state;
	struct llmfo_params *params; /* owned; NULL: every type */
	llmfo_event *event;
	void *arg;
	uint64_t call;
	int64_t due_ms;
	int pause_ms;
	bool told; /* that it does not stand */
};

struct llmfo_client {
	struct conn conn;
	struct place place;
	size_t current;                           /* of place, the one tried last */
	struct list queued, sending, sent, ended; /* of struct client_call, owned */
	uint64_t last_id;
	int64_t due_ms;   /* no call times out before it */
	bool connected;   /* as far as is known: the loss has not been noticed */
	int64_t lost_ms;  /* when it was, 0: never */
	int64_t retry_ms; /* not to connect before */
	int pause_ms;     /* before trying again */
	bool full;        /* the daemon's queue was, at the last try */
	bool inside;      /* a turn, and callbacks in it */
	bool closing;     /* takes no more calls */
	struct subscription subscription;
	char missing[512]; /* where no daemon was, and why */
	char error[512];
};

/* Remembers the words of an error and gives it back. */
__attribute__((format(printf, 3, 4))) int client_say(
	struct llmfo_client *client, int error, const char *format, ...);

/* ---- turn.c ---- */

int64_t client_clock_ms(void);
/* Does what can be done without waiting: reads, connects, sends, ends calls and tells it.
 * client->inside must be set. */
void client_turn(struct llmfo_client *client);
/* How long until a turn has something to do by itself: 0 now, -1 never. */
int64_t client_wait_ms(const struct llmfo_client *client);

/* ---- start.c ---- */

/*
 * Queues a call; see llmfo_start(). timeout_ms 0: none. *call, if it is wanted, lives until its
 * end is told. LLMFO_EUSAGE, LLMFO_ENO_MEMORY, in words too.
 */
int client_start(struct llmfo_client *client, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_done *done, void *arg, struct client_call **call);
/* The same for a `generate` that streams. */
int client_start_stream(struct llmfo_client *client, const struct llmfo_params *params,
	int64_t timeout_ms, llmfo_delta *delta, llmfo_done *done, void *arg,
	struct client_call **call);
/* A call under way by its id, NULL for none. */
struct client_call *client_find(struct llmfo_client *client, uint64_t id);
/* Ends a call without a reply, which the next turn tells; what the daemon may have of it is
 * cancelled then. */
void client_end(struct client_call *call, int error);
/* Tells it, in words too, and frees the call. The reply is handed on. */
void client_tell(struct client_call *call, int error, struct llmfo_reply *reply);
/* A conn_done whose arg is the call. */
void client_conn_done(void *arg, int error, struct llmfo_reply *reply);

/* ---- stream.c ---- */

/* A notification that may be a piece of a stream. */
void client_streamed(
	struct llmfo_client *client, const char *method, const struct llmfo_value *params);

/* ---- event.c ---- */

/* A conn_notified whose arg is the client. */
void client_notified(void *arg, const char *method, const struct llmfo_value *params);
/* Asks for it where that is due. */
void client_subscribe_due(struct llmfo_client *client, int64_t now_ms);
/* The connection is gone. */
void client_subscription_lost(struct llmfo_client *client);

#endif
