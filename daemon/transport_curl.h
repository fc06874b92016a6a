/* SPDX-License-Identifier: MIT */
/*
 * The real transport: libcurl's multi interface driven by the libuv loop. Connections are pooled,
 * HTTP/2 is used where a server offers it over TLS, redirects and the environment's proxies are
 * never followed, a request is never sent twice.
 */
#ifndef LLMFO_TRANSPORT_CURL_H
#define LLMFO_TRANSPORT_CURL_H

#include <uv.h>

#include "transport.h"

/*
 * A transport on the loop, NULL with *why (static text) when libcurl is unusable (no asynchronous
 * resolver, no TLS). curl_global_init(), and ignoring SIGPIPE, are the caller's. user_agent is
 * borrowed.
 */
struct transport *transport_curl_new(uv_loop_t *loop, const char *user_agent, const char **why);
/*
 * Cancels what is running (without callbacks), closes the pool; closed(arg) comes from the loop
 * when everything is gone and the transport freed. It may be called from inside a callback; nothing
 * may be started after it.
 */
void transport_curl_close(struct transport *transport, void (*closed)(void *arg), void *arg);

#endif
