/* SPDX-License-Identifier: MIT */
/* See watch.h. */
#include "watch.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "llmfo.h"

void
watch_init(struct watch *watch)
{
	*watch = (struct watch){.epoll_fd = -1, .fd = -1};
}

void
watch_free(struct watch *watch)
{
	if (watch->epoll_fd >= 0)
		close(watch->epoll_fd);
	watch_init(watch);
}

static int
control(const struct watch *watch, int operation, short events)
{
	struct epoll_event event = {.events = 0};

	if (events & POLLIN)
		event.events |= EPOLLIN;
	if (events & POLLOUT)
		event.events |= EPOLLOUT;
	return epoll_ctl(watch->epoll_fd, operation, watch->fd, &event);
}

int
watch_open(struct watch *watch)
{
	if (watch->epoll_fd >= 0)
		return watch->epoll_fd;
	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch->epoll_fd < 0)
		return LLMFO_ENO_MEMORY;
	if (watch->fd >= 0 && control(watch, EPOLL_CTL_ADD, watch->events) < 0) {
		close(watch->epoll_fd);
		watch->epoll_fd = -1;
		return LLMFO_ENO_MEMORY;
	}
	return watch->epoll_fd;
}

int
watch_add(struct watch *watch, int fd)
{
	watch->fd = fd;
	watch->events = POLLIN;
	if (watch->epoll_fd < 0 || control(watch, EPOLL_CTL_ADD, POLLIN) == 0)
		return 0;
	watch->fd = -1;
	return LLMFO_ENO_MEMORY;
}

void
watch_set(struct watch *watch, short events)
{
	if (watch->fd < 0 || watch->events == events)
		return;
	watch->events = events;
	if (watch->epoll_fd >= 0)
		(void)control(watch, EPOLL_CTL_MOD, events); /* it is in there: cannot fail */
}

void
watch_remove(struct watch *watch)
{
	if (watch->fd >= 0 && watch->epoll_fd >= 0)
		(void)control(watch, EPOLL_CTL_DEL, 0);
	watch->fd = -1;
}
