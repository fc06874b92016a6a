/* SPDX-License-Identifier: MIT */
/*
 * See connection.h. A connection's memory goes in its last close callback; nothing of it is touched
 * after uv_close(). What is left over when its user's time in this turn is used up waits in the run
 * queue, and the connection is not read from until then.
 */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "rpc.h"

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

struct connection {
	struct list node;
	struct connections *all;
	uv_pipe_t pipe;
	struct session *session; /* owned; NULL: it never got one, or has ended */
	struct user *user;       /* owned: a reference, to the last; NULL likewise */
	struct out out;
	struct turn_entry turn;   /* something is left to do: what was read, or reading */
	bool reads_next;          /* what it reads next has been paid for */
	int64_t since_ns;         /* up to when its time has been charged */
	struct clock_timer close; /* in the next turn */
	char *rest;               /* owned: read, but its turn is still to come; NULL: none */
	size_t rest_bytes, rest_at;
	bool leaving;     /* its client can send no more */
	bool ending;      /* closes when the output is out */
	bool doomed;      /* closes in the next turn */
	uv_poll_t hangup; /* watches a half-closed peer, by hangup_fd */
	int hangup_fd;    /* -1: no watch */
	int open_handles;
};

static struct connection *
owner(struct list *node)
{
	return LIST_OWNER(node, struct connection, node);
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	struct connections *all = connection->all;

	if (--connection->open_handles > 0)
		return;
	if (connection->hangup_fd >= 0)
		close(connection->hangup_fd);
	if (connection->user)
		user_release(connection->user);
	list_remove(&connection->node);
	all->count--;
	free(connection);
	all->gone(all->arg);
}

void
connection_close(struct connection *connection)
{
	struct connections *all = connection->all;

	if (uv_is_closing((uv_handle_t *)&connection->pipe))
		return;
	if (connection->hangup_fd >= 0)
		uv_close((uv_handle_t *)&connection->hangup, on_handle_closed);
	uv_close((uv_handle_t *)&connection->pipe, on_handle_closed);
	if (!connection->session)
		return;
	clock_stop(all->core->clock, &connection->close);
	turn_forget(&all->turns, &connection->turn);
	all->open--;
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
	return OUT_HIGH_BYTES + connection->all->core->config->stream_queue_bytes;
}

static void wait_turn(struct connection *connection);

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
	if (connection->all->draining && list_empty(&connection->session->requests) &&
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
		connection_close(connection);
		return;
	}
	session_sent(connection->session);
	let_go_if_idle(connection);
	if (connection->session->held &&
		out_waiting(&connection->out) < out_high_bytes(connection) / 2) {
		connection->session->held = false;
		wait_turn(connection);
	}
}

static void
on_close_now(void *arg)
{
	connection_close(arg);
}

/* Sessions may not be freed from inside their own functions: the end comes in the next turn. */
static void
close_soon(struct connection *connection)
{
	(void)uv_read_stop((uv_stream_t *)&connection->pipe);
	connection->session->closing = true;
	connection->doomed = true;
	clock_soon(connection->all->core->clock, &connection->close, on_close_now, connection);
}

static void
end_unread(struct connection *connection)
{
	struct connections *all = connection->all;

	if (log_rate_allows(&all->unread, clock_now_ms(all->core->clock)))
		log_warning("connection of uid %u ended: it does not read its replies; %llu did "
			    "not so far",
			connection->session->peer.uid, (unsigned long long)all->unread.count);
	close_soon(connection);
}

/* user: of that one's; NULL: of all. */
static void
end_fullest(struct connections *all, const struct user *user)
{
	struct connection *fullest = NULL;

	for (struct list *node = all->list.next; node != &all->list; node = node->next) {
		struct connection *connection = owner(node);

		if (connection->session && !connection->doomed &&
			(!user || connection->user == user) &&
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

/* Are its user's unread replies more than all that it may have here? */
static bool
owes_too_much(const struct connection *connection)
{
	const struct config *config = connection->all->core->config;

	return connection->user->output_bytes > user_limits(config).bytes &&
		!rpc_privileged(connection->all->core, &connection->session->peer);
}

static void
ops_send(void *arg, const char *bytes, size_t count)
{
	struct connection *connection = arg;
	size_t high_bytes = out_high_bytes(connection);
	bool too_much = out_waiting(&connection->out) > high_bytes - OUT_HIGH_BYTES + OUT_MAX_BYTES;
	int error = out_send(&connection->out, bytes, count);

	if (connection->all->core->output_bytes > OUT_ALL_BYTES)
		end_fullest(connection->all, NULL);
	else if (owes_too_much(connection))
		end_fullest(connection->all, connection->user);
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

/* ---- turns ---- */

/* Only one user is here: nobody waits for it. */
static bool
is_alone(const struct connections *all)
{
	return all->core->users.count <= 1;
}

static int64_t
spent_ns(struct connection *connection)
{
	int64_t before_ns = connection->since_ns;

	connection->since_ns = (int64_t)uv_hrtime();
	return connection->since_ns - before_ns;
}

static bool
has_time(const struct connection *connection)
{
	const struct connections *all = connection->all;

	return turn_has_time(&all->turns, &connection->user->turn, is_alone(all));
}

static bool
ops_goes_on(void *arg)
{
	struct connection *connection = arg;

	turn_spend(&connection->all->turns, &connection->user->turn, spent_ns(connection));
	return has_time(connection);
}

static const struct session_ops ops = {ops_send, ops_tell, ops_close, ops_goes_on, ops_waiting};

static void on_serve(uv_idle_t *idle);

/* libuv does not sleep as long as somebody waits for a turn. */
static void
wait_turn(struct connection *connection)
{
	struct connections *all = connection->all;

	if (connection->doomed || connection->ending || connection->session->held)
		return;
	turn_wait(&all->turns, &connection->turn);
	(void)uv_idle_start(&all->serve, on_serve);
}

/* ---- reading ---- */

/* What comes for a user whose time is used up is left where it is: libuv calls back without having
 * read. */
static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct connection *connection = handle->data;
	bool reads = connection->reads_next || has_time(connection);

	(void)suggested;
	*buffer = uv_buf_init(
		reads ? connection->all->read_buffer : NULL, reads ? READ_BYTES : 0);
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
	if (uv_poll_init(connection->all->loop, &connection->hangup, copy)) {
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
		connection_close(connection);
		return;
	}
	peer.fd = fd;
	if (poll(&peer, 1, 0) < 0 || (peer.revents & (POLLHUP | POLLERR)) || connection->ending ||
		watch_hangup(connection, fd) != 0)
		connection_close(connection);
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
	wait_turn(connection);
}

static void
feed_rest(struct connection *connection)
{
	connection->rest_at += session_feed(connection->session,
		connection->rest + connection->rest_at,
		connection->rest_bytes - connection->rest_at);
	if (connection->rest_at < connection->rest_bytes) {
		wait_turn(connection);
		return;
	}
	free(connection->rest);
	connection->rest = NULL;
}

/* Charges what this took; a turn of the run queue was charged beforehand. */
static void
charge(struct connection *connection, bool served)
{
	struct turns *turns = &connection->all->turns;
	struct turn_user *user = &connection->user->turn;

	if (served)
		turn_settle(turns, user, spent_ns(connection));
	else
		turn_spend(turns, user, spent_ns(connection));
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
	struct connection *connection = stream->data;
	bool served = connection->reads_next;

	connection->since_ns = (int64_t)uv_hrtime();
	connection->reads_next = false;
	if (count == UV_ENOBUFS) {
		(void)uv_read_stop(stream);
		wait_turn(connection);
	} else if (count == UV_EOF) {
		(void)uv_read_stop(stream);
		end_of_input(connection);
	} else if (count < 0) {
		connection_close(connection);
	} else {
		feed(connection, buffer->base, (size_t)count);
		charge(connection, served);
	}
}

/* Its turn: what is left of the last reading, else reading again. */
static void
go_on(struct connection *connection)
{
	/* the turn was charged beforehand, once: reading behind the rest is not */
	bool paid = !connection->rest;

	if (connection->doomed || connection->ending || connection->session->held)
		return;
	if (connection->rest) {
		connection->since_ns = (int64_t)uv_hrtime();
		feed_rest(connection);
		charge(connection, true);
		if (connection->rest)
			return;
	}
	if (connection->doomed || connection->ending || connection->session->held ||
		connection->session->half_closed)
		return;
	connection->reads_next = paid;
	if (uv_read_start((uv_stream_t *)&connection->pipe, on_alloc, on_read))
		connection_close(connection);
}

static void
on_serve(uv_idle_t *idle)
{
	struct connections *all = idle->data;
	struct turn_entry *entry;

	while ((entry = turns_next(&all->turns, is_alone(all))))
		go_on(LIST_OWNER(entry, struct connection, turn));
	if (!turns_wait(&all->turns))
		(void)uv_idle_stop(idle);
}

/* ---- life ---- */

void
connections_init(struct connections *all, uv_loop_t *loop, struct core *core,
	void (*gone)(void *arg), void *arg)
{
	*all = (struct connections){.loop = loop, .core = core, .gone = gone, .arg = arg};
	list_init(&all->list);
	all->out.waiting_bytes = &core->output_bytes;
	all->read_buffer = x_malloc(READ_BYTES);
	turns_init(&all->turns);
	(void)uv_idle_init(loop, &all->serve);
	all->serve.data = all;
}

void
connections_free(struct connections *all)
{
	free(all->read_buffer);
}

struct connection *
connection_new(struct connections *all, uv_stream_t **stream)
{
	struct connection *connection = x_calloc(1, sizeof *connection);

	connection->all = all;
	(void)uv_pipe_init(all->loop, &connection->pipe, 0);
	connection->pipe.data = connection;
	connection->open_handles = 1;
	connection->hangup_fd = -1;
	list_init(&connection->node);
	all->count++;
	*stream = (uv_stream_t *)&connection->pipe;
	return connection;
}

void
connection_begin(struct connection *connection, const struct session_peer *peer)
{
	struct connections *all = connection->all;

	all->open++;
	list_append(&all->list, &connection->node);
	connection->user = users_take(&all->core->users, peer->uid);
	turn_entry_init(&connection->turn, &connection->user->turn);
	out_init(&connection->out, (uv_stream_t *)&connection->pipe, &all->out,
		&connection->user->output_bytes, on_written, connection);
	connection->session = session_new(all->core, peer, &ops, connection);
	if (uv_read_start((uv_stream_t *)&connection->pipe, on_alloc, on_read))
		connection_close(connection);
}

void
connections_abort_all(struct connections *all, int error, const char *message)
{
	for (struct list *node = all->list.next; node != &all->list; node = node->next)
		if (owner(node)->session)
			session_abort_all(owner(node)->session, error, message);
}

void
connections_drain(struct connections *all)
{
	all->draining = true;
	for (struct list *node = all->list.next; node != &all->list; node = node->next)
		if (owner(node)->session)
			let_go_if_idle(owner(node));
}

void
connections_end(struct connections *all)
{
	for (struct list *node = all->list.next; node != &all->list; node = node->next)
		if (owner(node)->session)
			let_go(owner(node));
}

void
connections_close(struct connections *all)
{
	for (struct list *node = all->list.next; node != &all->list; node = node->next)
		connection_close(owner(node));
}
