/* SPDX-License-Identifier: MIT */
/* See server.h. */
#include "server.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "clock_uv.h"
#include "core.h"
#include "listen.h"
#include "llmfo.h"
#include "log.h"
#include "notify.h"
#include "server_config.h"
#include "server_store.h"
#include "transport_curl.h"

/* Once the daemon was told to end, running calls may take limits.drain_timeout, and their replies
 * this long to get out. What comes then takes no time to speak of. */
#define FLUSH_MS 5000
#define CLOSE_MS 5000

/* How far the end has come. */
enum server_state {
	SERVER_RUNNING,
	SERVER_DRAINING, /* no new calls; those that run may finish */
	SERVER_FLUSHING, /* no calls; replies go out */
	SERVER_CLOSING,  /* everything is being closed */
};

struct server {
	enum server_state state;
	const struct server_options *options;
	uv_loop_t loop;
	struct clock_uv clock;
	struct transport *transport; /* owned */
	struct core core;
	struct server_store store; /* once core is there */
	struct listener *listener; /* owned */
	struct notify notify;
	uv_signal_t signals[3];
	struct clock_timer timer; /* the limit of the present state */
	struct clock_timer idle;  /* calls have ended: go on in the next turn */
	bool at_once;             /* told twice: nobody is waited for */
};

static void set_state(struct server *server, enum server_state state);

/* ---- the end, step by step ---- */

static void
close_rest(struct server *server)
{
	clock_stop(&server->clock.clock, &server->idle);
	clock_stop(&server->clock.clock, &server->timer);
	notify_close(&server->notify);
	clock_uv_close(&server->clock);
	for (size_t i = 0; i < UTIL_COUNT(server->signals); i++)
		uv_close((uv_handle_t *)&server->signals[i], NULL);
}

static void
on_transport_closed(void *arg)
{
	close_rest(arg);
}

static void
on_store_closed(void *arg)
{
	struct server *server = arg;

	/* whatever is left of it is cancelled while there is a transport to do it */
	core_free(&server->core);
	transport_curl_close(server->transport, on_transport_closed, server);
}

static void
on_listener_closed(void *arg)
{
	struct server *server = arg;

	notify_mute(&server->notify);
	server_store_close(&server->store, on_store_closed, server);
}

static void
on_limit(void *arg)
{
	struct server *server = arg;

	if (server->state == SERVER_DRAINING) {
		log_warning("limits.drain_timeout is over, calls that did not finish: %d",
			server->core.gate.running + server->core.gate.waiting);
		set_state(server, SERVER_FLUSHING);
	} else if (server->state == SERVER_FLUSHING) {
		set_state(server, SERVER_CLOSING);
	}
}

static void
on_idle_turn(void *arg)
{
	struct server *server = arg;

	if (server->state == SERVER_DRAINING && server->core.gate.running == 0 &&
		server->core.gate.waiting == 0)
		set_state(server, SERVER_FLUSHING);
}

static void
on_idle(void *arg)
{
	struct server *server = arg;

	if (server->state == SERVER_DRAINING)
		clock_soon(&server->clock.clock, &server->idle, on_idle_turn, server);
}

static void
on_emptied(void *arg)
{
	struct server *server = arg;

	if (server->state == SERVER_FLUSHING)
		set_state(server, SERVER_CLOSING);
}

/* The replies of calls that are ended now come in the next turn; the connections end behind them,
 * at once if the daemon was told so: what the sockets do not take then is lost. */
static void
on_flush_turn(void *arg)
{
	struct server *server = arg;

	if (server->at_once || listen_connections(server->listener) == 0)
		set_state(server, SERVER_CLOSING);
	else
		listen_end(server->listener, on_emptied, server);
}

static void
arm(struct server *server, int64_t ms)
{
	clock_start(&server->clock.clock, &server->timer, clock_now_ms(&server->clock.clock) + ms,
		on_limit, server);
}

static void
begin_drain(struct server *server)
{
	int64_t drain_ms = server->core.config->drain_timeout_ms;

	core_stop(&server->core);
	listen_drain(server->listener);
	notify_stopping(&server->notify, drain_ms + FLUSH_MS + CLOSE_MS);
	arm(server, drain_ms);
	on_idle(server);
}

static void
set_state(struct server *server, enum server_state state)
{
	static const char *const names[] = {"running", "draining", "flushing", "closing"};

	log_debug("server: %s -> %s", names[server->state], names[state]);
	server->state = state;
	switch (state) {
	case SERVER_RUNNING: break;
	case SERVER_DRAINING: begin_drain(server); break;
	case SERVER_FLUSHING:
		listen_abort_all(
			server->listener, LLMFO_ESHUTTING_DOWN, "the daemon is shutting down");
		arm(server, FLUSH_MS);
		clock_start(&server->clock.clock, &server->idle,
			clock_now_ms(&server->clock.clock) + 1, on_flush_turn, server);
		break;
	case SERVER_CLOSING:
		clock_stop(&server->clock.clock, &server->timer);
		clock_stop(&server->clock.clock, &server->idle);
		listen_close(server->listener, on_listener_closed, server);
		break;
	}
}

/* ---- reload ---- */

static void
tell_reloaded(struct server *server, bool ok)
{
	const struct event_field field = {.key = "ok", .kind = EVENT_YES_NO, .number = ok};

	event_tell(&server->core.events, EVENT_reloaded, 0, &field, 1);
}

static int
reload(void *arg, struct config_faults *faults)
{
	struct server *server = arg;
	struct config *config = server_config_read(server->options, faults);

	free(server->core.last_reload_error);
	server->core.last_reload_error = NULL;
	if (config)
		config_keep_unreloadable(config, server->core.config, faults);
	server_config_log(faults);
	if (!config) {
		server->core.last_reload_error = server_config_summary(faults);
		log_error("configuration not reloaded: %zu fault%s; what was loaded before stays",
			faults->errors, faults->errors == 1 ? "" : "s");
		tell_reloaded(server, false);
		return LLMFO_EINVALID_REQUEST;
	}
	core_configure(&server->core, config);
	server_store_configure(&server->store);
	tell_reloaded(server, true);
	log_info("configuration reloaded from %s", config->source);
	config_unref(config);
	return 0;
}

static void
reload_by_signal(struct server *server)
{
	struct config_faults faults = {0};

	notify_reloading(&server->notify);
	(void)reload(server, &faults);
	notify_reloaded(&server->notify);
	config_faults_free(&faults);
}

/* ---- told to end ---- */

/* What an administrator's `drain` does; told again, nothing more comes of it. */
static void
drain(void *arg)
{
	struct server *server = arg;

	if (server->state == SERVER_RUNNING)
		set_state(server, SERVER_DRAINING);
}

static void
on_signal(uv_signal_t *handle, int number)
{
	struct server *server = handle->data;

	if (number == SIGHUP) {
		if (server->state == SERVER_RUNNING)
			reload_by_signal(server);
		return;
	}
	if (server->state == SERVER_RUNNING) {
		log_info("told to end by %s: running calls may finish",
			number == SIGTERM ? "SIGTERM" : "SIGINT");
		set_state(server, SERVER_DRAINING);
	} else if (server->state == SERVER_DRAINING) {
		log_warning("told to end again, running calls that are ended: %d",
			server->core.gate.running);
		server->at_once = true;
		set_state(server, SERVER_FLUSHING);
	} else if (server->state == SERVER_FLUSHING) {
		set_state(server, SERVER_CLOSING);
	}
}

/* ---- the start ---- */

static int
connections(void *arg)
{
	struct server *server = arg;

	return server->listener ? listen_connections(server->listener) : 0;
}

static bool
kept(void *arg, struct db_look *look)
{
	struct server *server = arg;

	return server_store_look(&server->store, look);
}

static void
shared(void *arg)
{
	struct server *server = arg;

	server_store_changed(&server->store);
}

static uint64_t
random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		seed = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
	return seed;
}

static void
watch_signals(struct server *server)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	for (size_t i = 0; i < UTIL_COUNT(numbers); i++) {
		(void)uv_signal_init(&server->loop, &server->signals[i]);
		server->signals[i].data = server;
		(void)uv_signal_start(&server->signals[i], on_signal, numbers[i]);
	}
}

/* The socket that systemd passed, -1 if none, -2 if what it passed is not one. */
static int
inherited_socket(void)
{
	int count = sd_listen_fds(1);

	if (count <= 0)
		return -1;
	if (count > 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0) {
		log_error(
			"systemd passed %d descriptors; one listening Unix socket is right", count);
		return -2;
	}
	return SD_LISTEN_FDS_START;
}

static void
say_ready(struct server *server)
{
	const struct config *config = server->core.config;
	size_t usable = 0;

	for (size_t i = 0; i < config->provider_count; i++)
		usable += config->providers[i]->configured;
	log_info("llmfod %s listens at %s (%s; %zu of %zu providers usable)", PACKAGE_VERSION,
		listen_path(server->listener), config->source, usable, config->provider_count);
	notify_ready(&server->notify, &server->core);
}

/* Everything behind the sockets. */
static void
start_core(struct server *server, struct config *config)
{
	uint64_t seed = random_seed();
	struct core_hooks hooks = {
		.reload = reload,
		.drain = drain,
		.connections = connections,
		.shared = shared,
		.kept = kept,
		.host = server->store.host,
		.own_uid = geteuid(),
		.arg = server,
	};
	char *path = server_config_state(server->options, config);

	server_store_name(&server->store, seed);
	core_init(&server->core, &server->clock.clock, server->transport, config, &hooks, seed);
	server->core.env.jitter_cooldowns = true;
	server->core.gate.idle = on_idle;
	server->core.gate.idle_arg = server;
	server_store_open(&server->store, &server->loop, &server->core, path);
	free(path);
}

static int
start(struct server *server, struct config *config)
{
	char *path = server_config_socket(server->options, config);
	const char *fault = NULL;
	struct buf why;
	int fd = inherited_socket();

	buf_init(&why, 1024);
	if (fd == -2)
		goto out;
	server->transport = transport_curl_new(&server->loop, "llmfod/" PACKAGE_VERSION, &fault);
	if (!server->transport) {
		log_error("cannot start: %s", fault);
		goto out;
	}
	start_core(server, config);
	server->listener = listen_start(&server->loop, &server->core, path, fd, &why);
	if (!server->listener)
		log_error("cannot start: %s", why.data);
out:
	buf_free(&why);
	free(path);
	return server->listener ? 0 : LLMFO_EINTERNAL;
}

/* What a start that failed had made already. A signal meanwhile changes nothing. */
static void
give_up(struct server *server)
{
	server->state = SERVER_CLOSING;
	if (server->transport) {
		server_store_close(&server->store, on_store_closed, server);
	} else {
		close_rest(server);
	}
}

static int
run(const struct server_options *options, struct config *config)
{
	struct server server = {.options = options};

	if (uv_loop_init(&server.loop)) {
		log_error("cannot start: no event loop");
		return 1;
	}
	clock_uv_init(&server.clock, &server.loop);
	notify_open(&server.notify, &server.loop, &server.clock.clock);
	watch_signals(&server);
	int error = start(&server, config);
	if (error)
		give_up(&server);
	else
		say_ready(&server);
	(void)uv_run(&server.loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&server.loop))
		log_warning("something was left open at the end");
	if (!error)
		log_info("ended");
	return error ? 1 : 0;
}

int
server_run(const struct server_options *options)
{
	struct config_faults faults = {0};
	struct config *config = server_config_read(options, &faults);
	int status = config ? 0 : 1;

	if (options->check_config) {
		server_config_print(&faults, config != NULL);
	} else {
		server_config_log(&faults);
		if (config && curl_global_init(CURL_GLOBAL_ALL)) {
			log_error("cannot start: libcurl could not be initialised");
			status = 1;
		} else if (config) {
			status = run(options, config);
			curl_global_cleanup();
		}
	}
	config_unref(config);
	config_faults_free(&faults);
	return status;
}
