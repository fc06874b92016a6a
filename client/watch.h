/* SPDX-License-Identifier: MIT */
/*
 * One descriptor that stays the same while connections come and go, for a program's own loop: it
 * becomes readable when the connection is ready for what it waits for. It is an epoll instance with
 * the connection in it; made only when somebody asks, so that blocking programs do without.
 */
#ifndef LLMFO_CLIENT_WATCH_H
#define LLMFO_CLIENT_WATCH_H

struct watch {
	int epoll_fd; /* -1: nobody asked yet */
	int fd;       /* of the connection, -1: none */
	short events; /* what it waits for, POLLIN and POLLOUT */
};

void watch_init(struct watch *watch);
void watch_free(struct watch *watch);
/* The descriptor, made if there is none yet. LLMFO_ENO_MEMORY: the system has none left. */
int watch_open(struct watch *watch);
/* A connection was made, which waits for POLLIN at first. LLMFO_ENO_MEMORY. */
int watch_add(struct watch *watch, int fd);
/* What it waits for. */
void watch_set(struct watch *watch, short events);
/* It is about to be closed. Nothing if there is none. */
void watch_remove(struct watch *watch);

#endif
