/* SPDX-License-Identifier: MIT */
/* See conn.h. */
#include "conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "error.h"
#include "params.h"
#include "value.h"

#define CONN_READ_BYTES ((size_t)64 * 1024)
/* Reads in one conn_process(), so that a daemon that never stops sending does not keep us from
 * looking at the clock. */
#define CONN_READS 16
/* Room for the longest request behind others. */
#define CONN_OUT_MAX (PARAMS_MAX_BYTES + ((size_t)1 << 20))
/* The codes a daemon may answer with end here; those below are the library's own. */
#define CONN_CODE_MIN (-39)

struct conn_call {
	struct list node;       /* of conn->calls */
	struct conn_call *next; /* of its slot */
	uint32_t msgid;
	uint64_t end_bytes; /* queued_bytes behind its last byte */
	conn_done *done;    /* NULL: given up */
	void *arg;
};

void
conn_init(struct conn *conn)
{
	*conn = (struct conn){.fd = -1, .why = ""};
	bytes_init(&conn->out, CONN_OUT_MAX);
	bytes_init(&conn->in, CONN_REPLY_MAX + CONN_READ_BYTES);
	list_init(&conn->calls);
	watch_init(&conn->watch);
}

void
conn_free(struct conn *conn)
{
	conn_close(conn, LLMFO_EDISCONNECTED);
	watch_free(&conn->watch);
}

/* Takes a call out; who waits for it is the caller's to tell. */
static void
take_out(struct conn *conn, struct conn_call *call)
{
	struct conn_call **at = &conn->slots[call->msgid % CONN_SLOTS];

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	list_remove(&call->node);
	if (call->done)
		conn->awaited--;
	else
		conn->abandoned--;
}

static bool
wholly_sent(const struct conn *conn, const struct conn_call *call)
{
	return conn->sent_bytes >= call->end_bytes;
}

void
conn_close(struct conn *conn, int error)
{
	struct list calls;

	watch_remove(&conn->watch);
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	conn->doomed = conn->leaving = conn->mute = false;
	bytes_free(&conn->out);
	bytes_free(&conn->in);
	list_init(&calls);
	list_splice(&calls, &conn->calls);
	while (!list_empty(&calls)) {
		struct conn_call *call = LIST_OWNER(calls.next, struct conn_call, node);
		bool unsent = error == LLMFO_EDISCONNECTED && !wholly_sent(conn, call);

		take_out(conn, call);
		if (call->done)
			call->done(call->arg, unsent ? LLMFO_ENO_DAEMON : error, NULL);
		free(call);
	}
}

static int
open_error(struct conn *conn, int number)
{
	const char *text = strerrordesc_np(number);

	conn->why = text ? text : "unknown error";
	conn->barred = number == EACCES || number == EPERM;
	if (number == EAGAIN)
		return LLMFO_EBUSY;
	return number == ENOMEM || number == ENOBUFS ? LLMFO_ENO_MEMORY : LLMFO_ENO_DAEMON;
}

int
conn_open(struct conn *conn, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);

	memcpy(address.sun_path, path, length + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return open_error(conn, errno);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int number = errno;

		close(fd);
		return open_error(conn, number);
	}
	if (watch_add(&conn->watch, fd) < 0) {
		close(fd);
		return open_error(conn, ENOMEM);
	}
	conn->fd = fd;
	conn->queued_bytes = 0;
	conn->sent_bytes = 0;
	conn->scanned_bytes = 0;
	frame_init(&conn->frame, CONN_REPLY_MAX);
	return 0;
}

static struct conn_call *
find(const struct conn *conn, uint32_t msgid)
{
	struct conn_call *call = conn->slots[msgid % CONN_SLOTS];

	while (call && call->msgid != msgid)
		call = call->next;
	return call;
}

static uint32_t
unused_msgid(struct conn *conn)
{
	while (find(conn, conn->next_msgid))
		conn->next_msgid++;
	return conn->next_msgid++;
}

static void
put_in(struct conn *conn, struct conn_call *call)
{
	struct conn_call **slot = &conn->slots[call->msgid % CONN_SLOTS];

	call->next = *slot;
	*slot = call;
	list_append(&conn->calls, &call->node);
	if (call->done)
		conn->awaited++;
	else
		conn->abandoned++;
}

int
conn_start(
	struct conn *conn, const struct bytes *request, conn_done *done, void *arg, uint32_t *msgid)
{
	size_t before = conn->out.len;
	struct conn_call *call = calloc(1, sizeof *call);
	int error;

	if (!call)
		return LLMFO_ENO_MEMORY;
	call->msgid = unused_msgid(conn);
	error = params_pack_head(call->msgid, &conn->out);
	if (!error)
		error = bytes_add(&conn->out, request->data, request->len);
	if (error) {
		conn->out.len = before;
		free(call);
		return error;
	}
	conn->queued_bytes += conn->out.len - before;
	call->end_bytes = conn->queued_bytes;
	call->done = done;
	call->arg = arg;
	put_in(conn, call);
	if (msgid)
		*msgid = call->msgid;
	return 0;
}

void *
conn_waiting(const struct conn *conn, int64_t msgid)
{
	const struct conn_call *call =
		msgid >= 0 && msgid <= UINT32_MAX ? find(conn, (uint32_t)msgid) : NULL;

	return call && call->done && wholly_sent(conn, call) ? call->arg : NULL;
}

void
conn_leave(struct conn *conn)
{
	conn->leaving = true;
}

static int
lost(struct conn *conn, const char *why)
{
	conn->why = why;
	return LLMFO_EDISCONNECTED;
}

static int
nonsense(struct conn *conn, const char *why)
{
	conn->why = why;
	return LLMFO_EPROTOCOL;
}

static int
out_of_memory(struct conn *conn)
{
	conn->why = error_text(LLMFO_ENO_MEMORY);
	return LLMFO_ENO_MEMORY;
}

static int
flush(struct conn *conn)
{
	size_t done = 0;
	int error = 0;

	while (done < conn->out.len) {
		ssize_t count =
			send(conn->fd, conn->out.data + done, conn->out.len - done, MSG_NOSIGNAL);

		if (count > 0) {
			done += (size_t)count;
			continue;
		}
		if (count < 0 && errno == EINTR)
			continue;
		conn->mute = count < 0 && (errno == EPIPE || errno == ECONNRESET);
		if (count < 0 && errno != EAGAIN && !conn->mute)
			error = lost(conn, "the connection cannot be written to");
		break;
	}
	conn->sent_bytes += done;
	bytes_consume(&conn->out, conn->mute ? conn->out.len : done);
	conn->leaving |= conn->mute;
	return error;
}

/* The error number of an error map; 0 when it is none. */
static int
error_of(const struct llmfo_value *map)
{
	const char *code = llmfo_value_string(llmfo_value_get(map, "code"), NULL);

	if (!code)
		return 0;
	int error = error_from_code(code);
	return error < CONN_CODE_MIN ? LLMFO_EINTERNAL : error;
}

static int
take_reply(struct conn *conn, const struct llmfo_value *message, struct llmfo_reply *reply)
{
	int64_t msgid = llmfo_value_int(llmfo_value_at(message, 1), -1);
	const struct llmfo_value *failure = llmfo_value_at(message, 2);
	bool failed = llmfo_value_type(failure) != LLMFO_NIL;
	int error = failed ? error_of(failure) : 0;

	if (msgid < 0 || msgid > UINT32_MAX)
		return nonsense(conn, "the daemon sent a reply without a msgid");
	if (failed && !error)
		return nonsense(conn, "the daemon sent an error without a code");
	struct conn_call *call = find(conn, (uint32_t)msgid);
	/* a daemon may refuse what it has seen the beginning of, and not read on */
	if (!call || (!failed && !wholly_sent(conn, call)))
		return nonsense(conn, "the daemon answered what was not asked");
	take_out(conn, call);
	reply->root = failed ? failure : llmfo_value_at(message, 3);
	if (call->done)
		call->done(call->arg, error, reply);
	else
		llmfo_reply_free(reply);
	free(call);
	return 0;
}

/* Frees the reply. */
static int
take_notification(struct conn *conn, const struct llmfo_value *message, struct llmfo_reply *reply)
{
	const char *method = llmfo_value_string(llmfo_value_at(message, 1), NULL);
	const struct llmfo_value *params = llmfo_value_at(message, 2);

	if (!method || llmfo_value_type(params) != LLMFO_ARRAY)
		return nonsense(conn, "the daemon sent a notification that is none");
	if (conn->notified)
		conn->notified(conn->notified_arg, method, params);
	llmfo_reply_free(reply);
	return 0;
}

static int
take_message(struct conn *conn, const char *data, size_t length)
{
	struct llmfo_reply *reply = NULL;
	int error = value_unpack(data, length, &reply);

	if (error == LLMFO_ENO_MEMORY)
		return out_of_memory(conn);
	if (error)
		return nonsense(conn, "the daemon sent what is not MessagePack");
	const struct llmfo_value *message = reply->root;
	int64_t kind = llmfo_value_int(llmfo_value_at(message, 0), -1);
	bool array = llmfo_value_type(message) == LLMFO_ARRAY;
	if (array && kind == 1 && llmfo_value_count(message) == 4)
		error = take_reply(conn, message, reply);
	else if (array && kind == 2 && llmfo_value_count(message) == 3)
		error = take_notification(conn, message, reply);
	else
		error = nonsense(conn, "the daemon sent what is no MessagePack-RPC");
	if (error)
		llmfo_reply_free(reply);
	return error;
}

static int
take_messages(struct conn *conn)
{
	size_t start = 0;
	int error = 0;

	while (!error && conn->scanned_bytes < conn->in.len) {
		const char *next = conn->in.data + conn->scanned_bytes;
		size_t used = 0;
		enum frame_status status =
			frame_scan(&conn->frame, next, conn->in.len - conn->scanned_bytes, &used);

		conn->scanned_bytes += used;
		if (status == FRAME_INVALID)
			return nonsense(conn, "the daemon sent what is not MessagePack");
		if (conn->frame.excess == FRAME_TOO_LONG)
			return nonsense(conn, "the daemon's reply is longer than 64 MiB");
		if (conn->frame.excess != FRAME_FITS)
			return nonsense(conn, frame_excess_text(conn->frame.excess));
		if (status == FRAME_MORE)
			break;
		error = take_message(conn, conn->in.data + start, conn->scanned_bytes - start);
		start = conn->scanned_bytes;
		frame_init(&conn->frame, CONN_REPLY_MAX);
	}
	bytes_consume(&conn->in, start);
	conn->scanned_bytes -= start;
	return error;
}

static int
receive(struct conn *conn)
{
	for (int i = 0; i < CONN_READS; i++) {
		int error = bytes_reserve(&conn->in, CONN_READ_BYTES);

		if (error)
			return error == LLMFO_ENO_MEMORY
				? out_of_memory(conn)
				: nonsense(conn, "the daemon's reply is longer than 64 MiB");
		ssize_t count = recv(conn->fd, conn->in.data + conn->in.len, CONN_READ_BYTES, 0);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN)
			return 0;
		if (count <= 0)
			return lost(conn, "the daemon closed the connection");
		conn->in.len += (size_t)count;
		error = take_messages(conn);
		if (error || (size_t)count < CONN_READ_BYTES)
			return error;
	}
	return 0;
}

short
conn_events(const struct conn *conn)
{
	return (short)(POLLIN | (conn->out.len ? POLLOUT : 0));
}

int
conn_process(struct conn *conn, short ready)
{
	int unsent = 0;
	int error = 0;

	if (conn->fd < 0)
		return 0;
	conn->processing = true;
	if (conn->out.len)
		unsent = flush(conn);
	/* A daemon that takes no more still answers what it has, and one that closed may have said
	 * why: what it sent is read even when sending failed. */
	if (unsent || conn->mute || (ready & (POLLIN | POLLHUP | POLLERR)))
		error = receive(conn);
	conn->processing = false;
	if (!error)
		error = unsent;
	if (!error && conn->doomed)
		error = LLMFO_EDISCONNECTED;
	if (error)
		conn_close(conn, error);
	else
		watch_set(&conn->watch, conn_events(conn));
	return error;
}

/* Tells the daemon; whether it heeds that or not, its reply is dropped. */
static int
start_cancel(struct conn *conn, uint32_t msgid)
{
	struct llmfo_params *params = llmfo_params_new();
	struct bytes request;
	int error = params ? llmfo_params_set_int(params, "msgid", msgid) : LLMFO_ENO_MEMORY;

	bytes_init(&request, PARAMS_MAX_BYTES);
	if (!error)
		error = params_pack(params, "cancel", 0, false, &request);
	if (!error)
		error = conn_start(conn, &request, NULL, NULL, NULL);
	bytes_free(&request);
	llmfo_params_free(params);
	return error;
}

static void
give_up(struct conn *conn)
{
	conn->why = "the connection was given up";
	if (conn->processing)
		conn->doomed = true;
	else
		conn_close(conn, LLMFO_EDISCONNECTED);
}

void
conn_abandon(struct conn *conn, uint32_t msgid)
{
	struct conn_call *call = find(conn, msgid);

	if (!call || !call->done)
		return;
	call->done = NULL;
	conn->awaited--;
	conn->abandoned++;
	bool stuck = !wholly_sent(conn, call) || conn->abandoned > CONN_ABANDONED_MAX;
	bool told = !(stuck && conn->awaited == 0) && start_cancel(conn, msgid) == 0;
	if ((!told && conn->awaited == 0) || conn->abandoned > CONN_ABANDONED_END)
		give_up(conn);
}
