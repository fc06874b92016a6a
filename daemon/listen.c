/* SPDX-License-Identifier: MIT */
/*
 * See listen.h. listen_bind.c makes the socket. A connection's memory goes in its last close
 * callback; nothing of it is touched after uv_close(). A peer that sends much has its messages
 * handled in turns with the others, one that does not read has none handled.
 */
#include "listen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen_admit.h"
#include "listen_bind.h"
#include "listen_out.h"
#include "log.h"
#include "session.h"

/* As llmfod.socket has it: an inherited socket gets ours. */
#define BACKLOG 4096
#define READ_BYTES 65536
/*
 * Above this much unread output a connection is not read from, and what was read waits. Above the
 * second it is ended: requests that ran already still reply, and a reply is never cut. Streams that
 * wait are no part of it: they have limits.stream_queue beside.
 */
#define OUT_HIGH_BYTES ((size_t)1 << 20)
#define OUT_MAX_BYTES ((size_t)8 << 20)
/* Above this much of all connections together the one with the most is ended. */
#define OUT_ALL_BYTES ((size_t)256 << 20)

struct listener {
	uv_loop_t *loop;
	struct core *core;
	uv_pipe_t pipe;
	bool listening;
	char *path;
	bool inherited;
	struct bound_file file; /* the socket file that is ours to remove */
	struct list connections;
	int count;
	int open; /* of them, those that are not on their way out */
	struct out_all out;
	char *read_buffer; /* READ_BYTES, shared: what is not a whole message is copied by its
	                      session */
	struct log_rate refused;
	struct log_rate unread;
	bool draining;
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
	void (*emptied)(void *arg); /* NULL: nobody waits for the last connection's end */
	void *emptied_arg;
};

struct connection {
	struct list node;
	struct listener *listener;
	uv_pipe_t pipe;
	struct session *session; /* owned */
	struct out out;
	struct clock_timer resume; /* goes on, or closes, in the next turn */
	char *rest;                /* owned: read, but its turn is still to come; NULL: none */
	size_t rest_bytes, rest_at;
	bool leaving;     /* its client can send no more */
	bool ending;      /* closes when the output is out */
	bool doomed;      /* closes in the next turn */
	uv_poll_t hangup; /* watches a half-closed peer, by hangup_fd */
	int hangup_fd;    /* -1: no watch */
	int open_handles;
};

static void
maybe_closed(struct listener *listener)
{
	if (!listener->closing || listener->count > 0 || listener->listening)
		return;
	void (*closed)(void *) = listener->closed;
	void *arg = listener->closed_arg;
	free(listener->path);
	free(listener->read_buffer);
	free(listener);
	closed(arg);
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	struct listener *listener = connection->listener;

	if (--connection->open_handles > 0)
		return;
	if (connection->hangup_fd >= 0)
		close(connection->hangup_fd);
	list_remove(&connection->node);
	listener->count--;
	free(connection);
	if (listener->count == 0 && listener->emptied && !listener->closing)
		listener->emptied(listener->emptied_arg);
	else
		maybe_closed(listener);
}

/* Ends a connection: everything that runs for it is cancelled at once. */
static void
close_connection(struct connection *connection)
{
	if (uv_is_closing((uv_handle_t *)&connection->pipe))
		return;
	clock_stop(connection->listener->core->clock, &connection->resume);
	if (connection->hangup_fd >= 0)
		uv_close((uv_handle_t *)&connection->hangup, on_handle_closed);
	uv_close((uv_handle_t *)&connection->pipe, on_handle_closed);
	connection->listener->open--;
	session_free(connection->session);
	connection->session = NULL;
	out_end(&connection->out);
	free(connection->rest);
	connection->rest = NULL;
}

/* So much may wait before it is not read from any more. */
static size_t
out_high_bytes(const struct connection *connection)
{
	return OUT_HIGH_BYTES + connection->listener->core->config->stream_queue_bytes;
}

static void go_on(void *arg);

/* Reading goes on up to the end of what was sent. A connection that is read no more ends already.
 */
static void
let_go(struct connection *connection)
{
	uv_os_fd_t fd;

	if (connection->leaving || connection->ending || connection->doomed ||
		uv_fileno((uv_handle_t *)&connection->pipe, &fd))
		return;
	connection->leaving = true;
	(void)shutdown(fd, SHUT_RD);
}

static void
let_go_if_idle(struct connection *connection)
{
	if (connection->listener->draining && list_empty(&connection->session->requests) &&
		out_waiting(&connection->out) == 0)
		let_go(connection);
}

static void
on_written(void *arg, int status)
{
	struct connection *connection = arg;

	if (uv_is_closing((uv_handle_t *)&connection->pipe))
		return;
	if (status < 0 || (connection->ending && out_waiting(&connection->out) == 0)) {
		close_connection(connection);
		return;
	}
	session_sent(connection->session);
	let_go_if_idle(connection);
	if (connection->session->held &&
		out_waiting(&connection->out) < out_high_bytes(connection) / 2) {
		connection->session->held = false;
		go_on(connection);
	}
}

static void
on_close_now(void *arg)
{
	close_connection(arg);
}

/* Sessions may not be freed from inside their own functions: the end comes in the next turn. */
static void
close_soon(struct connection *connection)
{
	(void)uv_read_stop((uv_stream_t *)&connection->pipe);
	connection->session->closing = true;
	connection->doomed = true;
	clock_soon(
		connection->listener->core->clock, &connection->resume, on_close_now, connection);
}

static void
end_unread(struct connection *connection)
{
	struct listener *listener = connection->listener;

	if (log_rate_allows(&listener->unread, clock_now_ms(listener->core->clock)))
		log_warning("connection of uid %u ended: it does not read its replies; %llu did "
			    "not so far",
			connection->session->peer.uid, (unsigned long long)listener->unread.count);
	close_soon(connection);
}

static void
end_fullest(struct listener *listener)
{
	struct connection *fullest = NULL;

	for (struct list *node = listener->connections.next; node != &listener->connections;
		node = node->next) {
		struct connection *connection = LIST_OWNER(node, struct connection, node);

		if (connection->session && !connection->doomed &&
			(!fullest || out_waiting(&connection->out) > out_waiting(&fullest->out)))
			fullest = connection;
	}
	if (fullest)
		end_unread(fullest);
}

/* Each stream that is held or begins meanwhile still brings what one read brought: that is little,
 * and has an end. */
static void
ops_tell(void *arg, const char *bytes, size_t count)
{
	struct connection *connection = arg;

	if (out_send(&connection->out, bytes, count))
		close_soon(connection);
}

static void
ops_send(void *arg, const char *bytes, size_t count)
{
	struct connection *connection = arg;
	size_t high_bytes = out_high_bytes(connection);
	bool too_much = out_waiting(&connection->out) > high_bytes - OUT_HIGH_BYTES + OUT_MAX_BYTES;
	int error = out_send(&connection->out, bytes, count);

	if (connection->listener->core->output_bytes > OUT_ALL_BYTES)
		end_fullest(connection->listener);
	if (error) {
		close_soon(connection);
	} else if (too_much) {
		end_unread(connection);
	} else if (out_waiting(&connection->out) > high_bytes && !connection->session->held) {
		connection->session->held = true;
		(void)uv_read_stop((uv_stream_t *)&connection->pipe);
	} else {
		let_go_if_idle(connection);
	}
}

static void
ops_close(void *arg)
{
	struct connection *connection = arg;

	connection->ending = true;
	if (out_waiting(&connection->out) == 0)
		close_soon(connection);
	else
		(void)uv_read_stop((uv_stream_t *)&connection->pipe);
}

static size_t
ops_waiting(void *arg)
{
	const struct connection *connection = arg;

	return out_waiting(&connection->out);
}

static const struct session_ops ops = {ops_send, ops_tell, ops_close, ops_waiting};

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct connection *connection = handle->data;

	(void)suggested;
	*buffer = uv_buf_init(connection->listener->read_buffer, READ_BYTES);
}

static void
on_hangup(uv_poll_t *watch, int status, int events)
{
	(void)status;
	(void)events;
	/* libuv 1.44 still looks at the handle after this: it may be stopped here, not closed */
	(void)uv_poll_stop(watch);
	close_soon(watch->data);
}

/* Whether a half-closed peer goes away shows as a hang-up, which libuv reports for a poll that
 * waits for urgent data (which a Unix socket never has). */
static int
watch_hangup(struct connection *connection, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -1;
	if (uv_poll_init(connection->listener->loop, &connection->hangup, copy)) {
		close(copy);
		return -1;
	}
	connection->hangup.data = connection;
	connection->hangup_fd = copy;
	connection->open_handles++;
	return uv_poll_start(&connection->hangup, UV_PRIORITIZED, on_hangup);
}

/* The end of input is either a peer that is gone, or one that only sends no more. The latter still
 * gets its replies. */
static void
end_of_input(struct connection *connection)
{
	struct pollfd peer = {.events = POLLIN};
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&connection->pipe, &fd) != 0) {
		close_connection(connection);
		return;
	}
	peer.fd = fd;
	if (poll(&peer, 1, 0) < 0 || (peer.revents & (POLLHUP | POLLERR)) || connection->ending ||
		watch_hangup(connection, fd) != 0)
		close_connection(connection);
	else
		session_end_of_input(connection->session);
}

/* Hands over what was read, as much as this turn takes; the rest is kept. */
static void
feed(struct connection *connection, const char *bytes, size_t count)
{
	size_t taken = session_feed(connection->session, bytes, count);

	if (taken == count || connection->ending)
		return;
	(void)uv_read_stop((uv_stream_t *)&connection->pipe);
	connection->rest_at = 0;
	connection->rest_bytes = count - taken;
	connection->rest = x_malloc(count - taken);
	memcpy(connection->rest, bytes + taken, count - taken);
	if (!connection->session->held && !clock_running(&connection->resume))
		clock_soon(
			connection->listener->core->clock, &connection->resume, go_on, connection);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
	struct connection *connection = stream->data;

	if (count == UV_EOF) {
		(void)uv_read_stop(stream);
		end_of_input(connection);
	} else if (count < 0) {
		close_connection(connection);
	} else {
		feed(connection, buffer->base, (size_t)count);
	}
}

/* The next turn of a connection: what is left of the last reading, then reading again. */
static void
go_on(void *arg)
{
	struct connection *connection = arg;
	size_t left = connection->rest_bytes - connection->rest_at;

	if (connection->session->held || connection->ending || clock_running(&connection->resume))
		return;
	if (connection->rest) {
		connection->rest_at += session_feed(
			connection->session, connection->rest + connection->rest_at, left);
		if (connection->rest_at < connection->rest_bytes) {
			if (!connection->session->held && !clock_running(&connection->resume))
				clock_soon(connection->listener->core->clock, &connection->resume,
					go_on, connection);
			return;
		}
		free(connection->rest);
		connection->rest = NULL;
	}
	if (!connection->session->held && !connection->ending &&
		!clock_running(&connection->resume) &&
		uv_read_start((uv_stream_t *)&connection->pipe, on_alloc, on_read))
		close_connection(connection);
}

/* One line a second at most, however many knock. */
static void
log_refused(struct listener *listener, const char *why)
{
	if (log_rate_allows(&listener->refused, clock_now_ms(listener->core->clock)))
		log_warning("connection refused: %s; %d are open, %llu were refused so far", why,
			listener->count, (unsigned long long)listener->refused.count);
}

static int
count_of(const struct listener *listener, uint32_t uid)
{
	int count = 0;

	for (struct list *node = listener->connections.next; node != &listener->connections;
		node = node->next) {
		const struct session *session = LIST_OWNER(node, struct connection, node)->session;

		count += session && session->peer.uid == uid;
	}
	return count;
}

/* Takes the next one that waits. NULL, or why it is turned away. */
static const char *
take_peer(struct connection *connection, uv_stream_t *server, struct session_peer *peer)
{
	uv_os_fd_t fd;
	int error = uv_accept(server, (uv_stream_t *)&connection->pipe);

	if (!error)
		error = uv_fileno((uv_handle_t *)&connection->pipe, &fd);
	if (error)
		return uv_strerror(error);
	if (admit_ask_peer(fd, peer))
		return "the kernel does not say who it is";
	const struct listener *listener = connection->listener;
	const char *why = admit_fault(listener->core->config, peer->uid, listener->open + 1,
		count_of(listener, peer->uid) + 1);
	if (why)
		free(peer->groups);
	return why;
}

static void
on_connection(uv_stream_t *server, int status)
{
	struct listener *listener = server->data;
	struct connection *connection;
	struct session_peer peer;

	if (status < 0) {
		log_refused(listener, uv_strerror(status));
		return;
	}
	connection = x_calloc(1, sizeof *connection);
	connection->listener = listener;
	(void)uv_pipe_init(listener->loop, &connection->pipe, 0);
	connection->pipe.data = connection;
	connection->open_handles = 1;
	connection->hangup_fd = -1;
	out_init(&connection->out, (uv_stream_t *)&connection->pipe, &listener->out, on_written,
		connection);
	list_init(&connection->node);
	listener->count++;
	const char *why = take_peer(connection, server, &peer);
	if (why) {
		log_refused(listener, why);
		uv_close((uv_handle_t *)&connection->pipe, on_handle_closed);
		return;
	}
	listener->open++;
	list_append(&listener->connections, &connection->node);
	connection->session = session_new(listener->core, &peer, &ops, connection);
	go_on(connection);
}

static void
on_given_up(void *arg)
{
	(void)arg;
}

struct listener *
listen_start(
	uv_loop_t *loop, struct core *core, const char *path, int inherited_fd, struct buf *why)
{
	struct listener *listener = x_calloc(1, sizeof *listener);
	int fd = inherited_fd;

	listener->loop = loop;
	listener->core = core;
	listener->out.waiting_bytes = &core->output_bytes;
	listener->inherited = inherited_fd >= 0;
	list_init(&listener->connections);
	if (fd < 0)
		fd = bind_socket(path, core->config->socket_mode, core->config->socket_group,
			&listener->file, why);
	if (fd < 0) {
		free(listener);
		return NULL;
	}
	(void)uv_pipe_init(loop, &listener->pipe, 0);
	listener->pipe.data = listener;
	listener->path = x_strdup(path);
	listener->read_buffer = x_malloc(READ_BYTES);
	listener->listening = true;
	int error = uv_pipe_open(&listener->pipe, fd);
	if (error)
		close(fd);
	else
		error = uv_listen((uv_stream_t *)&listener->pipe, BACKLOG, on_connection);
	if (error) {
		(void)buf_printf(why, "cannot listen at %s: %s", path, uv_strerror(error));
		listen_close(listener, on_given_up, NULL);
		return NULL;
	}
	return listener;
}

static void
on_listener_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;

	listener->listening = false;
	maybe_closed(listener);
}

static void
stop(struct listener *listener)
{
	if (uv_is_closing((uv_handle_t *)&listener->pipe))
		return;
	if (!listener->inherited)
		bind_remove(listener->path, &listener->file);
	uv_close((uv_handle_t *)&listener->pipe, on_listener_closed);
}

void
listen_drain(struct listener *listener)
{
	stop(listener);
	listener->draining = true;
	for (struct list *node = listener->connections.next; node != &listener->connections;
		node = node->next) {
		struct connection *connection = LIST_OWNER(node, struct connection, node);

		if (connection->session)
			let_go_if_idle(connection);
	}
}

void
listen_abort_all(struct listener *listener, int error, const char *message)
{
	for (struct list *node = listener->connections.next; node != &listener->connections;
		node = node->next) {
		struct connection *connection = LIST_OWNER(node, struct connection, node);

		if (connection->session)
			session_abort_all(connection->session, error, message);
	}
}

void
listen_end(struct listener *listener, void (*emptied)(void *arg), void *arg)
{
	listener->emptied = emptied;
	listener->emptied_arg = arg;
	for (struct list *node = listener->connections.next; node != &listener->connections;
		node = node->next) {
		struct connection *connection = LIST_OWNER(node, struct connection, node);

		if (connection->session)
			let_go(connection);
	}
}

void
listen_close(struct listener *listener, void (*closed)(void *arg), void *arg)
{
	listener->closing = true;
	listener->closed = closed;
	listener->closed_arg = arg;
	stop(listener);
	for (struct list *node = listener->connections.next; node != &listener->connections;
		node = node->next)
		close_connection(LIST_OWNER(node, struct connection, node));
	maybe_closed(listener);
}

int
listen_connections(const struct listener *listener)
{
	return listener->count;
}

const char *
listen_path(const struct listener *listener)
{
	return listener->path;
}
