/* SPDX-License-Identifier: MIT */
/*
 * Listeners. A site that refuses keeps its port with a socket that is bound and does not listen, so
 * that nobody else gets the port and the kernel answers connects with RST.
 */
#include "server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"

enum { SERVER_BACKLOG = 1024 };

static void
server_on_connection(uv_stream_t *listener, int status)
{
	struct site *site = listener->data;

	if (status == 0)
		conn_accept(site->server, site, listener);
}

static void
server_on_control(uv_stream_t *listener, int status)
{
	if (status == 0)
		conn_accept(listener->data, NULL, listener);
}

static int
server_bind(struct server *s, uv_tcp_t *tcp, int *port)
{
	struct sockaddr_in address;
	int len = sizeof(address), result;

	result = uv_tcp_init(&s->loop, tcp);
	if (result == 0)
		result = uv_ip4_addr("127.0.0.1", *port, &address);
	if (result == 0)
		result = uv_tcp_bind(tcp, (const struct sockaddr *)&address, 0);
	if (result == 0)
		result = uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &len);
	if (result == 0)
		*port = ntohs(address.sin_port);
	return result;
}

static void
server_free_handle(uv_handle_t *handle)
{
	free(handle);
}

static int
server_new_listener(struct site *site)
{
	site->listener = out_alloc(sizeof(*site->listener));
	site->listener->data = site;
	return server_bind(site->server, site->listener, &site->provider->port);
}

int
server_refuse(struct site *site)
{
	if (site->refusing)
		return 0;
	site->refusing = true;
	uv_close((uv_handle_t *)site->listener, server_free_handle);
	conn_close_idle(site);
	return server_new_listener(site);
}

int
server_open(struct site *site)
{
	int result = 0;

	uv_timer_stop(&site->reopen);
	if (script_peek(&site->provider->chat)->kind_of == STEP_REFUSE) {
		script_skip(&site->provider->chat);
		provider_forget(site->provider);
	}
	if (site->refusing)
		result = uv_listen(
			(uv_stream_t *)site->listener, SERVER_BACKLOG, server_on_connection);
	if (result == 0)
		site->refusing = false;
	return result;
}

static void
server_on_reopen(uv_timer_t *timer)
{
	struct site *site = timer->data;

	server_open(site);
	server_look_at_step(site);
}

void
server_look_at_step(struct site *site)
{
	const struct step *step = script_peek(&site->provider->chat);

	if (step->kind_of != STEP_REFUSE) {
		if (site->refusing)
			server_open(site);
		return;
	}
	server_refuse(site);
	if (step->amount > 0)
		uv_timer_start(&site->reopen, server_on_reopen, (uint64_t)step->amount, 0);
}

struct site *
server_site(struct server *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n_sites; i++) {
		const char *own = s->sites[i].provider->name;

		if (strlen(own) == len && memcmp(own, name, len) == 0)
			return &s->sites[i];
	}
	return NULL;
}

static void
server_on_signal(uv_signal_t *signal, int number)
{
	struct server *s = signal->data;

	(void)number;
	if (s->stopping)
		return;
	s->stopping = true;
	conn_close_all(s);
	for (size_t i = 0; i < s->n_sites; i++) {
		uv_close((uv_handle_t *)s->sites[i].listener, server_free_handle);
		uv_close((uv_handle_t *)&s->sites[i].reopen, NULL);
	}
	uv_close((uv_handle_t *)&s->control, NULL);
	uv_close((uv_handle_t *)&s->signals[0], NULL);
	uv_close((uv_handle_t *)&s->signals[1], NULL);
}

static int
server_start_site(struct site *site)
{
	int result;

	uv_timer_init(&site->server->loop, &site->reopen);
	site->reopen.data = site;
	result = server_new_listener(site);
	if (result == 0)
		result = uv_listen(
			(uv_stream_t *)site->listener, SERVER_BACKLOG, server_on_connection);
	if (result == 0)
		server_look_at_step(site);
	return result;
}

int
server_start(struct server *s, struct provider **providers, size_t n, FILE *log)
{
	static const int numbers[] = {SIGTERM, SIGINT};
	int result = uv_loop_init(&s->loop);

	s->log = log;
	s->sites = out_alloc(n * sizeof(*s->sites));
	s->n_sites = n;
	for (int i = 0; i < 2 && result == 0; i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		result = uv_signal_start(&s->signals[i], server_on_signal, numbers[i]);
	}
	if (result == 0)
		result = server_bind(s, &s->control, &s->control_port);
	s->control.data = s;
	if (result == 0)
		result = uv_listen((uv_stream_t *)&s->control, SERVER_BACKLOG, server_on_control);
	for (size_t i = 0; i < n && result == 0; i++) {
		s->sites[i].server = s;
		s->sites[i].provider = providers[i];
		result = server_start_site(&s->sites[i]);
	}
	return result;
}

void
server_run(struct server *s)
{
	uv_run(&s->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < s->n_sites; i++)
		provider_free(s->sites[i].provider);
	free(s->sites);
	uv_loop_close(&s->loop);
}
