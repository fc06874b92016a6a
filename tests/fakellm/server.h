/* SPDX-License-Identifier: MIT */
/*
 * The event loop, the sites (a provider with its listener) and the control port. One server is made
 * in main and handed down. Everything here runs on the loop.
 */
#ifndef FAKELLM_SERVER_H
#define FAKELLM_SERVER_H

#include <stdio.h>
#include <uv.h>

#include "provider.h"

struct conn;

struct site {
	struct server *server;
	struct provider *provider;
	uv_tcp_t *listener; /* listens, or only keeps the port while the site refuses */
	uv_timer_t reopen;  /* ends a refusal of limited time */
	bool refusing;
	int waiters; /* control requests that wait for something to be counted */
};

struct server {
	uv_loop_t loop;
	struct site *sites;
	size_t n_sites;
	uv_tcp_t control;
	int control_port;
	uv_signal_t signals[2];
	struct conn *conns; /* all of them */
	int64_t n_conns;    /* ever: numbers the connections */
	FILE *log;          /* or NULL */
	bool stopping;
};

/* Takes the providers over and listens; 0 or a libuv error. The array itself stays the caller's. */
int server_start(struct server *s, struct provider **providers, size_t n, FILE *log);
/* Runs until SIGTERM or SIGINT and frees everything. */
void server_run(struct server *s);

struct site *server_site(struct server *s, const char *name, size_t len);
/* Refuses if the step at hand says so; called whenever that step may have changed. */
void server_look_at_step(struct site *site);
/* From now on connections are refused; idle ones are closed, busy ones after their answer. */
int server_refuse(struct site *site);
/* Listens again; a `refuse` step at hand is over. */
int server_open(struct site *site);

#endif
