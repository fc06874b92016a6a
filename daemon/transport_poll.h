/* SPDX-License-Identifier: MIT */
/*
 * libcurl's sockets and its one timer on the libuv loop, and a timer of the owner's. Owns each
 * descriptor of a connection and the poll handle that watches it, which is kept from one transfer
 * to the next; never calls into libcurl, so that the owner alone decides when that happens. No
 * handle is closed within its own callback: what dies is buried in the loop's next turn.
 */
#ifndef LLMFO_TRANSPORT_POLL_H
#define LLMFO_TRANSPORT_POLL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct transport_poll;

struct transport_poll_ops {
	/*
	 * A socket is ready (CURL_CSELECT_* in flags), or libcurl's timer expired
	 * (CURL_SOCKET_TIMEOUT).
	 */
	void (*ready)(void *arg, curl_socket_t fd, int flags);
	/* The turn that transport_poll_wake() asked for, before the loop sleeps. */
	void (*turn)(void *arg);
	/* The time that transport_poll_alarm() set has come, or nearly so. */
	void (*alarm)(void *arg);
};

/* Cannot fail. Both ops and arg are borrowed. */
struct transport_poll *transport_poll_new(
	uv_loop_t *loop, const struct transport_poll_ops *ops, void *arg);
/* Makes this the one that a multi handle tells of its sockets and its timer. */
CURLMcode transport_poll_attach(struct transport_poll *poll, CURLM *multi);
/*
 * Opens a socket and watches it: the descriptor or a negative errno. It is for
 * CURLOPT_OPENSOCKETFUNCTION; the connection must then be closed by transport_poll_close_socket.
 */
int transport_poll_open_socket(struct transport_poll *poll, const struct curl_sockaddr *address);
/* CURLOPT_CLOSESOCKETFUNCTION; its data is the struct transport_poll. */
int transport_poll_close_socket(void *poll, curl_socket_t fd);
/* Whether libcurl wants to be called for a timeout at once; asking takes the wish away. */
bool transport_poll_take_due(struct transport_poll *poll);
/* Asks for one call of ops->turn, in this turn of the loop or the next, before it sleeps. */
void transport_poll_wake(struct transport_poll *poll);
/* Asks for one call of ops->alarm in in_ms; replaces what was asked for before. */
void transport_poll_alarm(struct transport_poll *poll, int64_t in_ms);
/*
 * Closes everything, once libcurl has let go of it; closed(arg) comes from the loop when all is
 * gone and *poll freed. Not from within ops->ready.
 */
void transport_poll_close(struct transport_poll *poll, void (*closed)(void *arg), void *arg);

#endif
