/* SPDX-License-Identifier: MIT */
/*
 * See listen.h. listen_bind.c makes the socket. A connection's memory goes in its last close
 * callback; nothing of it is touched after uv_close(). A peer that sends much is read in turns with
 * the others, one that does not read is not read from.
 */
#include "listen.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen_bind.h"
#include "log.h"
#include "session.h"

#define BACKLOG 511
#define READ_BYTES 65536
/* What one peer may have handled before the others get their turn. */
#define TURN_BYTES (128 * 1024)
/* Above this much unread output a connection is not read from; above the second it is ended. */
#define OUT_HIGH_BYTES ((size_t)1 << 20)
#define OUT_MAX_BYTES ((size_t)256 << 20)

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
	char *read_buffer;  /* READ_BYTES, shared: what is not a whole message is copied by its
	                       session */
	int64_t refused_ms; /* last time a connection was refused and logged */
	uint64_t refused;
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
};

struct connection {
	struct list node;
	struct listener *listener;
	uv_pipe_t pipe;
	struct session *session;   /* owned */
	struct clock_timer resume; /* reading goes on in the next turn */
	int64_t turn_ms;           /* when turn_bytes were read */
	size_t turn_bytes;
	bool paused;      /* not read from: too much output waits */
	bool ending;      /* closes when the output is out */
	uv_poll_t hangup; /* watches a half-closed peer */
	int hangup_fd;    /* its own descriptor, ours to close; -1: it does not watch */
	int open_handles;
};

/* A piece of output on its way. */
struct output {
	uv_write_t write;
	char *bytes; /* owned */
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
	list_remove(&connection->node);
	listener->count--;
	free(connection);
	maybe_closed(listener);
}

/* Ends a connection: everything that runs for it is cancelled at once. */
static void
close_connection(struct connection *connection)
{
	if (uv_is_closing((uv_handle_t *)&connection->pipe))
		return;
	clock_stop(connection->listener->core->clock, &connection->resume);
	if (connection->hangup_fd >= 0) {
		uv_close((uv_handle_t *)&connection->hangup, on_handle_closed);
		close(connection->hangup_fd);
	}
	uv_close((uv_handle_t *)&connection->pipe, on_handle_closed);
	session_free(connection->session);
	connection->session = NULL;
}

static size_t
waiting_bytes(const struct connection *connection)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&connection->pipe);
}

static void start_reading(struct connection *connection);

static void
on_resume(void *arg)
{
	start_reading(arg);
}

static void
on_written(uv_write_t *write, int status)
{
	struct output *output = UTIL_OWNER(write, struct output, write);
	struct connection *connection = write->handle->data;

	free(output->bytes);
	free(output);
	if (uv_is_closing((uv_handle_t *)&connection->pipe))
		return;
	if (status < 0 || (connection->ending && waiting_bytes(connection) == 0)) {
		close_connection(connection);
	} else if (connection->paused && waiting_bytes(connection) < OUT_HIGH_BYTES / 2) {
		connection->paused = false;
		start_reading(connection);
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
	clock_soon(
		connection->listener->core->clock, &connection->resume, on_close_now, connection);
}

static void
ops_send(void *arg, char *bytes, size_t count)
{
	struct connection *connection = arg;
	uv_stream_t *stream = (uv_stream_t *)&connection->pipe;
	uv_buf_t buffer = uv_buf_init(bytes, (unsigned)count);

	int sent = uv_try_write(stream, &buffer, 1);
	if (sent == (int)count) {
		free(bytes);
		return;
	}
	if (sent < 0 && sent != UV_EAGAIN) {
		free(bytes);
		close_soon(connection);
		return;
	}
	struct output *output = x_calloc(1, sizeof *output);
	output->bytes = bytes;
	buffer = uv_buf_init(
		bytes + (sent > 0 ? sent : 0), (unsigned)(count - (size_t)(sent > 0 ? sent : 0)));
	if (uv_write(&output->write, stream, &buffer, 1, on_written)) {
		free(bytes);
		free(output);
		close_soon(connection);
	} else if (waiting_bytes(connection) > OUT_MAX_BYTES) {
		log_warning("connection of uid %u ended: it does not read its replies",
			connection->session->peer.uid);
		close_soon(connection);
	} else if (waiting_bytes(connection) > OUT_HIGH_BYTES && !connection->paused) {
		connection->paused = true;
		(void)uv_read_stop(stream);
	}
}

static void
ops_close(void *arg)
{
	struct connection *connection = arg;

	connection->ending = true;
	if (waiting_bytes(connection) == 0)
		close_soon(connection);
	else
		(void)uv_read_stop((uv_stream_t *)&connection->pipe);
}

static const struct session_ops ops = {ops_send, ops_close};

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct connection *connection = handle->data;

	(void)suggested;
	*buffer = uv_buf_init(connection->listener->read_buffer, READ_BYTES);
}

static void
on_hangup(uv_poll_t *poll_handle, int status, int events)
{
	(void)status;
	(void)events;
	close_connection(poll_handle->data);
}

/*
 * The end of input is either a peer that is gone, or one that only sends no more. The latter still
 * gets its replies; whether it goes before them shows as a hang-up, which libuv reports for a poll
 * that waits for urgent data (which a Unix socket never has).
 */
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
	if (poll(&peer, 1, 0) < 0 || (peer.revents & (POLLHUP | POLLERR)) || connection->ending) {
		close_connection(connection);
		return;
	}
	int copy = dup(fd);
	if (copy < 0 || uv_poll_init(connection->listener->loop, &connection->hangup, copy)) {
		if (copy >= 0)
			close(copy);
		close_connection(connection);
		return;
	}
	connection->hangup.data = connection;
	connection->hangup_fd = copy;
	connection->open_handles++;
	(void)uv_poll_start(&connection->hangup, UV_PRIORITIZED, on_hangup);
	session_end_of_input(connection->session);
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
	struct connection *connection = stream->data;
	struct clock *clock = connection->listener->core->clock;

	if (count == UV_EOF) {
		(void)uv_read_stop(stream);
		end_of_input(connection);
		return;
	}
	if (count < 0) {
		close_connection(connection);
		return;
	}
	if (connection->turn_ms != clock_now_ms(clock)) {
		connection->turn_ms = clock_now_ms(clock);
		connection->turn_bytes = 0;
	}
	connection->turn_bytes += (size_t)count;
	session_feed(connection->session, buffer->base, (size_t)count);
	if (connection->turn_bytes > TURN_BYTES && !connection->paused && !connection->ending &&
		!clock_running(&connection->resume)) {
		(void)uv_read_stop(stream);
		clock_soon(clock, &connection->resume, on_resume, connection);
	}
}

static void
start_reading(struct connection *connection)
{
	connection->turn_bytes = 0;
	if (!connection->paused && !connection->ending &&
		uv_read_start((uv_stream_t *)&connection->pipe, on_alloc, on_read))
		close_connection(connection);
}

/* Who is there: uid, gid and pid of the one that connected, and its groups, all from the kernel. */
static int
ask_peer(int fd, struct session_peer *peer)
{
	struct ucred credentials;
	socklen_t length = sizeof credentials;
	uint32_t groups[256];
	socklen_t groups_length = sizeof groups;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_length) < 0)
		groups_length = 0;
	size_t count = groups_length / sizeof groups[0];
	*peer = (struct session_peer){
		.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid};
	peer->groups = x_calloc(count + 1, sizeof peer->groups[0]);
	memcpy(peer->groups, groups, count * sizeof groups[0]);
	peer->groups[count] = credentials.gid;
	peer->group_count = count + 1;
	return 0;
}

/* One line a second at most, however many knock. */
static void
log_refused(struct listener *listener)
{
	int64_t now_ms = clock_now_ms(listener->core->clock);

	listener->refused++;
	if (listener->refused_ms != 0 && now_ms - listener->refused_ms < 1000)
		return;
	log_warning("connection refused: %d are open (socket.max_connections); %llu refused so far",
		listener->count, (unsigned long long)listener->refused);
	listener->refused_ms = now_ms;
}

static void
on_connection(uv_stream_t *server, int status)
{
	struct listener *listener = server->data;
	struct connection *connection;
	struct session_peer peer;
	uv_os_fd_t fd;

	if (status < 0) {
		log_warning("a connection could not be accepted: %s", uv_strerror(status));
		return;
	}
	connection = x_calloc(1, sizeof *connection);
	connection->listener = listener;
	connection->hangup_fd = -1;
	(void)uv_pipe_init(listener->loop, &connection->pipe, 0);
	connection->pipe.data = connection;
	connection->open_handles = 1;
	list_init(&connection->node);
	listener->count++;
	int error = uv_accept(server, (uv_stream_t *)&connection->pipe);
	if (error || uv_fileno((uv_handle_t *)&connection->pipe, &fd) ||
		listener->count > listener->core->config->max_connections ||
		ask_peer(fd, &peer) < 0) {
		if (!error)
			log_refused(listener);
		uv_close((uv_handle_t *)&connection->pipe, on_handle_closed);
		return;
	}
	list_append(&listener->connections, &connection->node);
	connection->session = session_new(listener->core, &peer, &ops, connection);
	start_reading(connection);
}

struct listener *
listen_start(
	uv_loop_t *loop, struct core *core, const char *path, int inherited_fd, struct buf *why)
{
	struct listener *listener = x_calloc(1, sizeof *listener);
	int fd = inherited_fd;

	listener->loop = loop;
	listener->core = core;
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
	if (!error)
		error = uv_listen((uv_stream_t *)&listener->pipe, BACKLOG, on_connection);
	if (error) {
		/* only a descriptor that is no listening socket gets here, before anything runs */
		(void)buf_printf(why, "cannot listen at %s: %s", path, uv_strerror(error));
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

void
listen_stop(struct listener *listener)
{
	if (uv_is_closing((uv_handle_t *)&listener->pipe))
		return;
	if (!listener->inherited)
		bind_remove(listener->path, &listener->file);
	uv_close((uv_handle_t *)&listener->pipe, on_listener_closed);
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
listen_end(struct listener *listener)
{
	for (struct list *node = listener->connections.next; node != &listener->connections;
		node = node->next) {
		struct connection *connection = LIST_OWNER(node, struct connection, node);

		if (connection->session)
			ops_close(connection);
	}
}

void
listen_close(struct listener *listener, void (*closed)(void *arg), void *arg)
{
	listener->closing = true;
	listener->closed = closed;
	listener->closed_arg = arg;
	listen_stop(listener);
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
