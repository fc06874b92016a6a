/* SPDX-License-Identifier: MIT */
/*
 * The socket and the connections on it: binds or inherits, accepts, asks the kernel who is there,
 * moves bytes between a connection and its session. It knows no protocol.
 */
#ifndef LLMFO_LISTEN_H
#define LLMFO_LISTEN_H

#include <uv.h>

#include "core.h"

struct listener;

/*
 * Listens at path: with that mode and group, a stale socket file replaced, a live daemon's left
 * alone. inherited_fd of 0 and above: a listening socket that systemd passed, which is used as it
 * is. NULL with why saying what is wrong.
 */
struct listener *listen_start(
	uv_loop_t *loop, struct core *core, const char *path, int inherited_fd, struct buf *why);
/*
 * No more connections; the socket file goes unless it was inherited. A connection that nothing runs
 * for is let go at once, the others when their last reply is out: its client cannot send any more,
 * all that it sent before is still handled, and then the connection ends. So no request is left
 * unread that a client takes for sent.
 */
void listen_drain(struct listener *listener);
/* Every running request gets this error. */
void listen_abort_all(struct listener *listener, int error, const char *message);
/* Every connection is let go like that. emptied(arg) comes from the loop when the
 * last one has gone; never if there is none. */
void listen_end(struct listener *listener, void (*emptied)(void *arg), void *arg);
/* Ends every connection now, cancelling what runs. closed(arg) comes from the loop when the last
 * one is gone and the listener freed. */
void listen_close(struct listener *listener, void (*closed)(void *arg), void *arg);
int listen_connections(const struct listener *listener);
const char *listen_path(const struct listener *listener);

#endif
