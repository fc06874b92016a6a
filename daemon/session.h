/* SPDX-License-Identifier: MIT */
/*
 * One client's connection, without its socket: bytes in, messages found and handed to rpc, replies
 * out. Requests run side by side; when the client goes away all of them are cancelled. A machine:
 * it acts through struct session_ops alone.
 */
#ifndef LLMFO_SESSION_H
#define LLMFO_SESSION_H

#include <msgpack.h>

#include "buf.h"
#include "core.h"
#include "json.h"
#include "message.h"

/* Who is on the other end, as the kernel tells it. */
struct session_peer {
	uint32_t uid, gid;
	int32_t pid;      /* for logs alone: it may be another process by now */
	uint32_t *groups; /* owned by the session: all groups, gid among them */
	size_t group_count;
};

struct session_ops {
	/* Sends bytes, which stay the caller's. */
	void (*send)(void *arg, const char *bytes, size_t count);
	/* The same for a piece of a stream, which is never why a connection ends: streams are held
	 * instead. NULL: send. */
	void (*tell)(void *arg, const char *bytes, size_t count);
	/* Ends the connection once what was sent is out; session_free() follows, not from inside.
	 */
	void (*close)(void *arg);
	/* Between two messages: may the next one be handled in this turn? NULL: yes. */
	bool (*goes_on)(void *arg);
	/* How many bytes that were sent are not out yet. NULL: none ever. */
	size_t (*waiting)(void *arg);
};

/* One request on its way to its one reply. */
struct session_request {
	struct list node;
	struct session *session;
	uint32_t msgid;
	size_t bytes; /* of its message */
	enum message_method method;
	/* Ends what runs on behalf of the request, which gets no reply; NULL while nothing runs. */
	void (*cancel)(void *arg);
	/* Ends it with an error of the daemon's own; replies by and by. NULL: as cancel, then the
	 * error. */
	void (*abort)(void *arg, int error, const char *message);
	/* It streams: no more for now, or (false) go on. NULL: it does not. */
	void (*hold)(void *arg, bool held);
	void *arg;
};

struct session {
	struct core *core;
	const struct session_ops *ops;
	void *arg;
	struct session_peer peer;
	struct user *user;      /* owned: a reference */
	char client[64];        /* the name it claims, for the log */
	struct list requests;   /* of struct session_request, owned */
	unsigned request_count; /* how many of them */
	bool held;              /* set by the owner: nothing is handled, too much output waits */
	bool streams_held;      /* too much output waits for more deltas */
	size_t turn_bytes;      /* of replies since session_feed() began */
	bool closing;           /* takes no more bytes; the owner may set it, too */
	bool half_closed;       /* the client sends no more, but reads */
	struct event_listener events; /* what it subscribed to */
	int64_t events_lost;          /* not told, since too much waited to be read */
	struct session_input *input;  /* owned */
};

struct session *session_new(struct core *core, const struct session_peer *peer,
	const struct session_ops *ops, void *arg);
/* Cancels what runs and frees it. */
void session_free(struct session *session);
/* So many requests may run on one connection; further ones are `busy`, only `cancel`
 * goes on. */
#define SESSION_REQUESTS 1024
/*
 * Bytes came. At most SESSION_TURN_MESSAGES messages of them are handled, and no more after
 * SESSION_TURN_BYTES of replies, so that others get their turn; none while it is held. Returns how
 * many bytes were taken. The rest is to be given again, in a later turn.
 */
#define SESSION_TURN_MESSAGES 32
#define SESSION_TURN_BYTES ((size_t)128 << 10)
size_t session_feed(struct session *session, const void *bytes, size_t count);
/* The client sends no more; it is closed when everything was answered. */
void session_end_of_input(struct session *session);
/* Some of what was sent is out: what did not fit before may be told of, streams may go on. */
void session_sent(struct session *session);
/* Everything that runs gets this error as its reply. */
void session_abort_all(struct session *session, int error, const char *message);

/* ---- for rpc and its handlers ---- */

/* A reply is packed between these: begin gives the packer, at the place of the result; end sends it
 * and frees the request. */
msgpack_packer *session_reply_begin(struct session_request *request);
void session_reply_end(struct session_request *request);
/* The same for an error map of `fields` pairs, of which code and message are packed already. */
msgpack_packer *session_error_begin(
	struct session_request *request, int error, const char *message, size_t more_fields);
/* A whole error reply. Frees the request. */
void session_fail(struct session_request *request, int error, const char *format, ...)
	UTIL_PRINTF(3, 4);
/*
 * A stream's pieces on their way to the reply: `delta` with text (whole characters) or with a tool
 * call, `reset`. When more than limits.stream_queue waits to be read, every stream of the session
 * is held until half of that is; one that begins meanwhile asks streams_held.
 */
void session_delta_text(struct session_request *request, const char *text, size_t length);
void session_delta_tool_call(struct session_request *request, const struct json *call);
void session_reset(struct session_request *request);
/* The request with that msgid, or NULL. */
struct session_request *session_find(struct session *session, uint32_t msgid);

#endif
