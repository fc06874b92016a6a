/* SPDX-License-Identifier: MIT */
/*
 * One connection: bytes in, requests, the playing of replies, the end. It owns its descriptor, its
 * timer and what is under way on it; libuv memory goes in the last close callback.
 */
#ifndef FAKELLM_CONN_H
#define FAKELLM_CONN_H

#include "server.h"

/* `site` is NULL on the control port. */
void conn_accept(struct server *s, struct site *site, uv_stream_t *listener);
void conn_close_idle(struct site *site);
/* Lets every held answer of the site go on; returns how many there were. */
int64_t conn_release(struct site *site);
void conn_close_all(struct server *s);

#endif
