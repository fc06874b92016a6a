/* SPDX-License-Identifier: MIT */
/*
 * One connection to the daemon and the calls under way on it. It never waits: whoever owns it waits
 * for conn_events() on conn.fd and then lets conn_process() go on, be that the blocking
 * llmfo_call() or a program's own loop. It knows messages, msgids and what was wholly sent; it does
 * not know deadlines, retries or where the daemon is.
 */
#ifndef LLMFO_CLIENT_CONN_H
#define LLMFO_CLIENT_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "frame.h"
#include "list.h"
#include "llmfo.h"
#include "watch.h"

/* The longest reply that is taken. */
#define CONN_REPLY_MAX ((size_t)64 * 1024 * 1024)
/* So many calls may have been given up and still be unanswered: with more, the connection is closed
 * as soon as no other call needs it, and with many more at once. */
#define CONN_ABANDONED_MAX 64
#define CONN_ABANDONED_END 65536
/* A power of two: calls under way are found by the lowest bits of their msgid. */
#define CONN_SLOTS 256

/* A notification: its parameters live until this returns. */
typedef void conn_notified(void *arg, const char *method, const struct llmfo_value *params);
/*
 * The end of a call, exactly once, never from inside conn_start(). 0 or a code of the daemon with
 * the reply, which is now the callee's to free; or without one: LLMFO_ENO_DAEMON (the connection
 * broke before the request was wholly sent: it may be sent again), LLMFO_EDISCONNECTED (it broke
 * afterwards), LLMFO_EPROTOCOL, LLMFO_ENO_MEMORY. It may start calls and give them up, but not
 * close the connection.
 */
typedef void conn_done(void *arg, int error, struct llmfo_reply *reply);

struct conn_call;

struct conn {
	int fd; /* -1: closed */
	struct bytes out;
	struct bytes in;
	struct frame frame;    /* of the message that begins at in.data */
	size_t scanned_bytes;  /* of in, looked at */
	uint64_t queued_bytes; /* since the connection was made */
	uint64_t sent_bytes;
	uint32_t next_msgid;
	size_t abandoned;                    /* calls under way that nobody waits for */
	size_t awaited;                      /* and the others */
	struct conn_call *slots[CONN_SLOTS]; /* owned */
	struct list calls;                   /* the same, in the order of their requests */
	conn_notified *notified;             /* may be NULL */
	void *notified_arg;
	bool processing; /* inside conn_process(): closing waits for its end */
	bool doomed;     /* ... and is due then */
	bool leaving;    /* the daemon ends: new requests are for the next connection */
	bool mute;       /* ... and takes no bytes: the replies to what it has come, then the end */
	const char *why; /* what broke it last, a constant sentence */
	bool barred;     /* ... which was that this user may not open the socket */
	struct watch watch;
};

void conn_init(struct conn *conn);
/* Closes it for good. */
void conn_free(struct conn *conn);
/* Closes it; every call under way ends with its code. */
void conn_close(struct conn *conn, int error);
/*
 * Connects a closed one, at once or not at all: LLMFO_EBUSY (the queue of the one who listens is
 * full: try again soon), LLMFO_ENO_DAEMON with `why`, LLMFO_ENO_MEMORY.
 */
int conn_open(struct conn *conn, const char *path);
/* Queues a request, whose method and parameters params_pack() made; they are copied. It is sent
 * when sent_bytes has reached what queued_bytes is afterwards. LLMFO_ENO_MEMORY, LLMFO_ETOO_LARGE:
 * nothing was queued. */
int conn_start(struct conn *conn, const struct bytes *request, conn_done *done, void *arg,
	uint32_t *msgid);
/*
 * Gives a call up: its `done` is not called any more. What was wholly sent is cancelled at the
 * daemon and its late reply dropped. A request that is half sent cannot be taken back: the
 * connection is closed, unless other calls need it.
 */
void conn_abandon(struct conn *conn, uint32_t msgid);
/* What was given as arg with a call that was wholly sent and is still waited for; NULL: none of
 * that msgid is. */
void *conn_waiting(const struct conn *conn, int64_t msgid);
/* The daemon said that it ends. */
void conn_leave(struct conn *conn);
/* POLLIN, and POLLOUT while there is something to send. */
short conn_events(const struct conn *conn);
/* Sends and reads what goes without waiting, a bounded amount at a time. An error: the connection
 * is closed, the calls have ended. */
int conn_process(struct conn *conn, short ready);

#endif
