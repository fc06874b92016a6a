/* SPDX-License-Identifier: MIT */
/*
 * See transport_poll.h. Sockets are found by their number. A poll handle goes on watching between
 * transfers (libcurl takes its interest back and gives it again for each, which would be three
 * system calls a request), and stops when something happens that nobody waits for. The number of a
 * closed descriptor is given out anew at once, and libuv forgets what it watches by number:
 * therefore the handle is closed first and its descriptor after it, both here.
 */
#include "transport_poll.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

struct watch {
	uv_poll_t handle;
	struct transport_poll *poll;
	curl_socket_t name; /* libcurl's number of it */
	int fd; /* what is watched: the same, or a duplicate of what libcurl closes itself */
	int wanted,
		watched; /* UV_READABLE | UV_WRITABLE: what libcurl waits for, what we look for */
	bool lent;       /* libcurl made and closes it: the wake-up pipe of its resolver */
	bool dead;
	struct watch *next_dead;
};

struct transport_poll {
	uv_loop_t *loop;
	uv_timer_t timer; /* libcurl's */
	uv_timer_t alarm; /* the owner's */
	uv_idle_t idle;
	const struct transport_poll_ops *ops;
	void *arg;
	struct watch **watches; /* by libcurl's number, NULL where there is none */
	size_t watches_count;
	struct watch *dead; /* stopped, not yet closed */
	size_t handles;     /* that libuv still knows */
	bool due, awake;
	void (*closed)(void *arg);
	void *closed_arg;
};

static struct watch *
find(const struct transport_poll *poll, curl_socket_t name)
{
	return name >= 0 && (size_t)name < poll->watches_count ? poll->watches[name] : NULL;
}

static void
remember(struct transport_poll *poll, struct watch *watch)
{
	size_t need = (size_t)watch->name + 1;

	if (need > poll->watches_count) {
		size_t count = poll->watches_count ? poll->watches_count : 64;
		while (count < need)
			count *= 2;
		poll->watches = x_realloc(poll->watches, count * sizeof(struct watch *));
		memset(poll->watches + poll->watches_count, 0,
			(count - poll->watches_count) * sizeof(struct watch *));
		poll->watches_count = count;
	}
	poll->watches[watch->name] = watch;
}

/* From here on libcurl's number may mean something else. */
static void
retire(struct watch *watch)
{
	struct transport_poll *poll = watch->poll;

	uv_poll_stop(&watch->handle);
	watch->wanted = watch->watched = 0;
	watch->dead = true;
	poll->watches[watch->name] = NULL;
	watch->next_dead = poll->dead;
	poll->dead = watch;
	transport_poll_wake(poll);
}

static void
on_gone(struct transport_poll *poll)
{
	if (--poll->handles > 0)
		return;
	poll->closed(poll->closed_arg);
	free(poll->watches);
	free(poll);
}

static void
on_watch_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;
	struct transport_poll *poll = watch->poll;

	free(watch);
	on_gone(poll);
}

static void on_watch_closed(uv_handle_t *handle);

/*
 * libcurl closed a descriptor without telling. libuv must forget the number at once, before it is
 * watched anew, and the descriptor is not ours to close any more.
 */
static void
disown(struct watch *watch)
{
	watch->poll->watches[watch->name] = NULL;
	watch->wanted = 0;
	watch->dead = true;
	uv_close((uv_handle_t *)&watch->handle, on_watch_closed);
}

static void
bury(struct transport_poll *poll)
{
	while (poll->dead) {
		struct watch *watch = poll->dead;
		poll->dead = watch->next_dead;
		uv_close((uv_handle_t *)&watch->handle, on_watch_closed);
		close(watch->fd);
	}
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void
look(struct watch *watch)
{
	watch->watched = watch->wanted;
	int error = uv_poll_start(&watch->handle, watch->wanted, on_poll);
	assert(error == 0);
	(void)error;
}

static void
on_poll(uv_poll_t *handle, int status, int events)
{
	struct watch *watch = handle->data;
	int flags = 0;

	if (status < 0)
		watch->watched = 0; /* libuv has stopped it */
	if (!watch->wanted) {
		uv_poll_stop(handle);
		watch->watched = 0;
		return;
	}
	/* Readable too: what came before a reset can still be read, as can the error itself. */
	if (status < 0)
		flags |= CURL_CSELECT_ERR | CURL_CSELECT_IN;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	watch->poll->ops->ready(watch->poll->arg, watch->name, flags);
	if (!watch->dead && watch->wanted && !watch->watched)
		look(watch);
}

/* A handle for fd, which becomes ours; NULL with errno, and fd is still the caller's. */
static struct watch *
watch_new(struct transport_poll *poll, curl_socket_t name, int fd)
{
	struct watch *watch = x_calloc(1, sizeof(*watch));
	int error = uv_poll_init_socket(poll->loop, &watch->handle, fd);

	if (error) {
		free(watch);
		errno = -error;
		return NULL;
	}
	watch->handle.data = watch;
	watch->poll = poll;
	watch->name = name;
	watch->fd = fd;
	poll->handles++;
	remember(poll, watch);
	return watch;
}

int
transport_poll_open_socket(struct transport_poll *poll, const struct curl_sockaddr *address)
{
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		address->protocol);

	if (fd < 0)
		return -errno;
	struct watch *stale = find(poll, fd);
	if (stale)
		disown(stale);
	if (!watch_new(poll, fd, fd)) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int
transport_poll_close_socket(void *arg, curl_socket_t fd)
{
	struct transport_poll *poll = arg;
	struct watch *watch = find(poll, fd);

	if (!watch)
		return close(fd);
	retire(watch);
	return 0;
}

/* NULL without a descriptor left: the transfer that waits for it then ends by its timeout. */
static struct watch *
watch_lent(struct transport_poll *poll, curl_socket_t name)
{
	int fd = fcntl(name, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return NULL;
	struct watch *watch = watch_new(poll, name, fd);
	if (!watch)
		close(fd);
	else
		watch->lent = true;
	return watch;
}

/*
 * Nobody waits for it any more. One that was to become writable is one that was connecting, most
 * likely: if that is given up, libcurl closes it without telling, and may have done so.
 */
static void
leave(struct watch *watch)
{
	watch->wanted = 0;
	if (!(watch->watched & UV_WRITABLE))
		return;
	watch->watched = 0;
	if (fcntl(watch->fd, F_GETFD) < 0)
		disown(watch);
	else
		uv_poll_stop(&watch->handle);
}

/* Never fails: -1 from here would abort every transfer. */
static int
on_socket(CURL *easy, curl_socket_t name, int what, void *arg, void *unused)
{
	struct transport_poll *poll = arg;
	struct watch *watch = find(poll, name);

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE) {
		if (watch && watch->lent)
			retire(watch);
		else if (watch)
			leave(watch);
		return 0;
	}
	if (!watch)
		watch = watch_lent(poll, name);
	if (!watch)
		return 0;
	watch->wanted =
		(what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	if (watch->wanted != watch->watched && watch->wanted)
		look(watch);
	return 0;
}

static void
on_idle(uv_idle_t *idle)
{
	struct transport_poll *poll = idle->data;

	poll->awake = false;
	bury(poll);
	poll->ops->turn(poll->arg);
	if (!poll->awake && !poll->due)
		uv_idle_stop(idle);
}

static void
on_timer(uv_timer_t *timer)
{
	struct transport_poll *poll = timer->data;

	poll->ops->ready(poll->arg, CURL_SOCKET_TIMEOUT, 0);
}

/*
 * Never fails, and never calls into libcurl: 0 ms is remembered for the owner, who asks after each
 * call.
 */
static int
on_timeout_change(CURLM *multi, long timeout_ms, void *arg)
{
	struct transport_poll *poll = arg;

	(void)multi;
	poll->due = timeout_ms == 0;
	if (poll->due)
		uv_idle_start(&poll->idle, on_idle);
	if (timeout_ms > 0)
		uv_timer_start(&poll->timer, on_timer, (uint64_t)timeout_ms, 0);
	else
		uv_timer_stop(&poll->timer);
	return 0;
}

struct transport_poll *
transport_poll_new(uv_loop_t *loop, const struct transport_poll_ops *ops, void *arg)
{
	struct transport_poll *poll = x_calloc(1, sizeof(*poll));

	poll->loop = loop;
	poll->ops = ops;
	poll->arg = arg;
	uv_timer_init(loop, &poll->timer);
	uv_timer_init(loop, &poll->alarm);
	uv_idle_init(loop, &poll->idle);
	poll->timer.data = poll->alarm.data = poll->idle.data = poll;
	poll->handles = 3;
	return poll;
}

CURLMcode
transport_poll_attach(struct transport_poll *poll, CURLM *multi)
{
	CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);

	if (!code)
		code = curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, poll);
	if (!code)
		code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
	if (!code)
		code = curl_multi_setopt(multi, CURLMOPT_TIMERDATA, poll);
	return code;
}

bool
transport_poll_take_due(struct transport_poll *poll)
{
	bool due = poll->due;

	poll->due = false;
	return due;
}

void
transport_poll_wake(struct transport_poll *poll)
{
	poll->awake = true;
	if (!uv_is_closing((uv_handle_t *)&poll->idle))
		uv_idle_start(&poll->idle, on_idle);
}

static void
on_alarm(uv_timer_t *alarm)
{
	struct transport_poll *poll = alarm->data;

	poll->ops->alarm(poll->arg);
}

void
transport_poll_alarm(struct transport_poll *poll, int64_t in_ms)
{
	if (!uv_is_closing((uv_handle_t *)&poll->alarm))
		uv_timer_start(&poll->alarm, on_alarm, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
}

static void
on_handle_closed(uv_handle_t *handle)
{
	on_gone(handle->data);
}

void
transport_poll_close(struct transport_poll *poll, void (*closed)(void *arg), void *arg)
{
	poll->closed = closed;
	poll->closed_arg = arg;
	for (size_t i = 0; i < poll->watches_count; i++) {
		if (poll->watches[i])
			retire(poll->watches[i]);
	}
	bury(poll);
	uv_close((uv_handle_t *)&poll->timer, on_handle_closed);
	uv_close((uv_handle_t *)&poll->alarm, on_handle_closed);
	uv_close((uv_handle_t *)&poll->idle, on_handle_closed);
}
