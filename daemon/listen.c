/* SPDX-License-Identifier: MIT */
/*
 * See listen.h. listen_bind.c makes the socket, connection.c has what was accepted. Accepting has a
 * slice of each turn of the loop, as every user has: who comes and goes all the time holds up
 * nobody.
 */
#include "listen.h"

#include <stdlib.h>
#include <unistd.h>

#include "connection.h"
#include "listen_admit.h"
#include "listen_bind.h"
#include "log.h"
#include "rpc.h"

/* As llmfod.socket has it: an inherited socket gets ours. */
#define BACKLOG 4096

struct listener {
	uv_loop_t *loop;
	struct core *core;
	uv_pipe_t pipe;
	uv_check_t turn_over; /* runs after each poll: the next turn begins */
	int open_handles;     /* of these, and all.serve */
	char *path;
	bool inherited;
	struct bound_file file; /* the socket file that is ours to remove */
	struct connections all;
	struct turn_user accepting;
	bool postponed; /* one waits to be accepted in the next turn */
	struct log_rate refused;
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
	void (*emptied)(void *arg); /* NULL: nobody waits for the last connection's end */
	void *emptied_arg;
};

static void
maybe_closed(struct listener *listener)
{
	if (!listener->closing || listener->all.count > 0 || listener->open_handles > 0)
		return;
	void (*closed)(void *) = listener->closed;
	void *arg = listener->closed_arg;
	connections_free(&listener->all);
	free(listener->path);
	free(listener);
	closed(arg);
}

static void
on_gone(void *arg)
{
	struct listener *listener = arg;

	if (listener->all.count == 0 && listener->emptied && !listener->closing)
		listener->emptied(listener->emptied_arg);
	else
		maybe_closed(listener);
}

/* One line a second at most, however many knock. */
static void
log_refused(struct listener *listener, const char *why)
{
	if (log_rate_allows(&listener->refused, clock_now_ms(listener->core->clock)))
		log_warning("connection refused: %s; %d are open, %llu were refused so far", why,
			listener->all.count, (unsigned long long)listener->refused.count);
}

/* Takes the next one that waits. NULL, or why it is turned away. */
static const char *
take_peer(struct listener *listener, uv_stream_t *stream, struct session_peer *peer)
{
	uv_os_fd_t fd;
	int error = uv_accept((uv_stream_t *)&listener->pipe, stream);

	if (!error)
		error = uv_fileno((uv_handle_t *)stream, &fd);
	if (error)
		return uv_strerror(error);
	if (admit_ask_peer(fd, peer))
		return "the kernel does not say who it is";
	const struct config *config = listener->core->config;
	const struct user *user = users_find(&listener->core->users, peer->uid);
	bool admin = rpc_privileged(listener->core, peer);
	const char *why = admit_fault(
		config, admin, listener->all.open + 1, user ? user->connections + 1 : 1);
	if (why)
		free(peer->groups);
	return why;
}

static void
accept_one(struct listener *listener)
{
	int64_t began_ns = (int64_t)uv_hrtime();
	uv_stream_t *stream;
	struct connection *connection = connection_new(&listener->all, &stream);
	struct session_peer peer;
	uv_os_fd_t fd;
	const char *why = take_peer(listener, stream, &peer);

	if (!why) {
		connection_begin(connection, &peer);
	} else {
		log_refused(listener, why);
		if (uv_fileno((uv_handle_t *)stream, &fd) == 0)
			admit_refuse(fd, why);
		connection_close(connection);
	}
	turn_spend(&listener->all.turns, &listener->accepting, (int64_t)uv_hrtime() - began_ns);
}

/* One that is not accepted here waits, and libuv looks for no other. */
static void
on_connection(uv_stream_t *server, int status)
{
	struct listener *listener = server->data;

	if (status < 0)
		log_refused(listener, uv_strerror(status));
	else if (turn_has_time(&listener->all.turns, &listener->accepting, false))
		accept_one(listener);
	else
		listener->postponed = true;
}

static void
on_turn_over(uv_check_t *check)
{
	struct listener *listener = check->data;

	turns_begin(&listener->all.turns);
	if (!listener->postponed || uv_is_closing((uv_handle_t *)&listener->pipe))
		return;
	listener->postponed = false;
	accept_one(listener);
}

static void
on_given_up(void *arg)
{
	(void)arg;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;

	listener->open_handles--;
	maybe_closed(listener);
}

static void
on_serve_closed(uv_handle_t *handle)
{
	struct listener *listener = UTIL_OWNER(handle, struct listener, all.serve);

	listener->open_handles--;
	maybe_closed(listener);
}

static void
init(struct listener *listener, uv_loop_t *loop, struct core *core, const char *path)
{
	listener->loop = loop;
	listener->core = core;
	connections_init(&listener->all, loop, core, on_gone, listener);
	turn_user_init(&listener->accepting);
	(void)uv_check_init(loop, &listener->turn_over);
	listener->turn_over.data = listener;
	(void)uv_check_start(&listener->turn_over, on_turn_over);
	(void)uv_pipe_init(loop, &listener->pipe, 0);
	listener->pipe.data = listener;
	listener->open_handles = 3;
	listener->path = x_strdup(path);
}

struct listener *
listen_start(
	uv_loop_t *loop, struct core *core, const char *path, int inherited_fd, struct buf *why)
{
	struct listener *listener = x_calloc(1, sizeof *listener);
	int fd = inherited_fd;

	listener->inherited = inherited_fd >= 0;
	if (fd < 0)
		fd = bind_socket(path, core->config->socket_mode, core->config->socket_group,
			&listener->file, why);
	if (fd < 0) {
		free(listener);
		return NULL;
	}
	init(listener, loop, core, path);
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
stop(struct listener *listener)
{
	if (uv_is_closing((uv_handle_t *)&listener->pipe))
		return;
	/* it is taken from the socket already: nobody else would find it there */
	if (listener->postponed)
		accept_one(listener);
	listener->postponed = false;
	if (!listener->inherited)
		bind_remove(listener->path, &listener->file);
	uv_close((uv_handle_t *)&listener->pipe, on_handle_closed);
}

void
listen_drain(struct listener *listener)
{
	stop(listener);
	connections_drain(&listener->all);
}

void
listen_abort_all(struct listener *listener, int error, const char *message)
{
	connections_abort_all(&listener->all, error, message);
}

void
listen_end(struct listener *listener, void (*emptied)(void *arg), void *arg)
{
	listener->emptied = emptied;
	listener->emptied_arg = arg;
	connections_end(&listener->all);
}

void
listen_close(struct listener *listener, void (*closed)(void *arg), void *arg)
{
	listener->closing = true;
	listener->closed = closed;
	listener->closed_arg = arg;
	stop(listener);
	uv_close((uv_handle_t *)&listener->turn_over, on_handle_closed);
	uv_close((uv_handle_t *)&listener->all.serve, on_serve_closed);
	connections_close(&listener->all);
	maybe_closed(listener);
}

int
listen_connections(const struct listener *listener)
{
	return listener->all.count;
}

const char *
listen_path(const struct listener *listener)
{
	return listener->path;
}
