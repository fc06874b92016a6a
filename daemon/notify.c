/* SPDX-License-Identifier: MIT */
/* See notify.h. */
#include "notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "watchdog.h"

#define LOOK_MS 1000
/* Pings in what the watchdog bears. */
#define PINGS 4
/* So often what had no room is tried again. */
#define PAY_MS 50

static void
put_count(struct buf *out, int count, const char *what)
{
	(void)buf_printf(out, "%d %s%s", count, what, count == 1 ? "" : "s");
}

void
notify_line(const struct notify_view *view, struct buf *out)
{
	if (view->draining) {
		(void)buf_puts(out, "Waiting for ");
		put_count(out, view->running + view->waiting, "call");
		return;
	}
	(void)buf_printf(out, "%zu of %zu providers usable, ", view->usable, view->providers);
	put_count(out, view->running, "call");
	(void)buf_puts(out, " in flight");
	if (view->waiting)
		(void)buf_printf(out, ", %d waiting", view->waiting);
	(void)buf_puts(out, ", ");
	put_count(out, view->open_circuits, "circuit");
	(void)buf_puts(out, " open");
	if (view->refused)
		(void)buf_puts(out, "; the last reload was refused: see the log");
}

static void
count_open(struct health_subject *subject, void *arg)
{
	*(int *)arg += subject->circuit.open;
}

static struct notify_view
look(const struct core *core)
{
	const struct config *config = core->config;
	struct notify_view view = {
		.providers = config->provider_count,
		.running = core->gate.running,
		.waiting = core->gate.waiting,
		.draining = core->draining,
		.refused = core->last_reload_error != NULL,
	};

	for (size_t i = 0; i < config->provider_count; i++)
		view.usable += config->providers[i]->configured;
	health_each(core->health, count_open, &view.open_circuits);
	return view;
}

static struct notify_mark
mark(const struct core *core)
{
	return (struct notify_mark){
		.config = core->config,
		.refused = core->last_reload_error,
		.circuits = core->events.looks,
		.running = core->gate.running,
		.waiting = core->gate.waiting,
		.draining = core->draining,
	};
}

static bool
same(const struct notify_mark *a, const struct notify_mark *b)
{
	return a->config == b->config && a->refused == b->refused && a->circuits == b->circuits &&
		a->running == b->running && a->waiting == b->waiting && a->draining == b->draining;
}

/* sd_notify() would wait for a reader. False: there is no room. */
static bool
send_now(const struct notify *notify, const char *text)
{
	return sendto(notify->socket, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
		       (const struct sockaddr *)&notify->place, notify->place_bytes) >= 0;
}

static void
forget_oldest(struct notify *notify)
{
	free(notify->owed[0]);
	notify->owed_count--;
	memmove(notify->owed, notify->owed + 1, notify->owed_count * sizeof notify->owed[0]);
}

static void
on_pay(void *arg)
{
	struct notify *notify = arg;

	while (notify->owed_count > 0 && send_now(notify, notify->owed[0]))
		forget_oldest(notify);
	if (notify->owed_count > 0)
		clock_start(notify->clock, &notify->pay, clock_now_ms(notify->clock) + PAY_MS,
			on_pay, notify);
}

/* Behind what is owed already; of that the oldest is given up where it is too much. */
static void
send_surely(struct notify *notify, const char *text)
{
	if (notify->owed_count == 0 && send_now(notify, text))
		return;
	if (notify->owed_count == UTIL_COUNT(notify->owed))
		forget_oldest(notify);
	notify->owed[notify->owed_count++] = x_strdup(text);
	if (!clock_running(&notify->pay))
		clock_start(notify->clock, &notify->pay, clock_now_ms(notify->clock) + PAY_MS,
			on_pay, notify);
}

/* Says head and the line behind it; with no head only a line that is new. What has a head must not
 * be missed. */
static void
say(struct notify *notify, const char *head)
{
	struct notify_view view = look(notify->core);
	struct buf line;

	notify->looked_ms = clock_now_ms(notify->clock);
	notify->seen = mark(notify->core);
	buf_init(&line, sizeof notify->line - 1);
	notify_line(&view, &line);
	char *text = x_asprintf("%sSTATUS=%s", head, line.data);
	if (head[0] || strcmp(line.data, notify->line) != 0) {
		if (head[0])
			send_surely(notify, text);
		else
			(void)send_now(notify, text);
		snprintf(notify->line, sizeof notify->line, "%s", line.data);
	}
	free(text);
	buf_free(&line);
}

/* It only wakes the loop. */
static void
on_again(void *arg)
{
	(void)arg;
}

/* Whatever woke the loop may have changed the line. */
static void
on_turn(uv_prepare_t *turn)
{
	struct notify *notify = turn->data;
	int64_t next_ms = notify->looked_ms + LOOK_MS;
	struct notify_mark now = mark(notify->core);

	if (clock_running(&notify->again) || same(&now, &notify->seen))
		return;
	if (clock_now_ms(notify->clock) >= next_ms)
		say(notify, "");
	else
		clock_start(notify->clock, &notify->again, next_ms, on_again, notify);
}

static void
on_ping(void *arg)
{
	struct notify *notify = arg;
	struct watchdog_view view = {
		.now_ms = clock_now_ms(notify->clock),
		.timer_due_ms = clock_next_ms(notify->clock),
		.call_due_ms = call_first_deadline_ms(&notify->core->calls),
		.late_ms = notify->watchdog_ms,
	};
	struct buf why;

	buf_init(&why, 100);
	if (watchdog_progress(&view, &why))
		(void)send_now(notify, "WATCHDOG=1");
	else
		log_error("the watchdog is not fed: %s; the service manager will start anew",
			why.data);
	buf_free(&why);
	clock_start(notify->clock, &notify->ping, view.now_ms + notify->watchdog_ms / PINGS,
		on_ping, notify);
}

/* $NOTIFY_SOCKET: a path, or behind @ a name that is no file. */
static void
find_listener(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;

	if (length < 2 || length >= sizeof notify->place.sun_path || !strchr("/@", path[0]))
		return;
	notify->place.sun_family = AF_UNIX;
	memcpy(notify->place.sun_path, path, length);
	if (path[0] == '@')
		notify->place.sun_path[0] = '\0';
	notify->place_bytes =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '/'));
	notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void
notify_open(struct notify *notify, uv_loop_t *loop, struct clock *clock)
{
	uint64_t watchdog_us;

	*notify = (struct notify){.clock = clock, .socket = -1};
	(void)uv_prepare_init(loop, &notify->turn);
	notify->turn.data = notify;
	find_listener(notify);
	if (notify->socket >= 0 && sd_watchdog_enabled(0, &watchdog_us) > 0)
		notify->watchdog_ms = (int64_t)(watchdog_us / 1000);
}

void
notify_ready(struct notify *notify, const struct core *core)
{
	if (notify->socket < 0)
		return;
	notify->core = core;
	say(notify, "READY=1\n");
	(void)uv_prepare_start(&notify->turn, on_turn);
	if (notify->watchdog_ms >= PINGS)
		on_ping(notify);
}

void
notify_reloading(struct notify *notify)
{
	struct timespec now;
	char text[80];

	if (notify->socket < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	send_surely(notify, text);
}

void
notify_reloaded(struct notify *notify)
{
	if (notify->core)
		say(notify, "READY=1\n");
}

void
notify_stopping(struct notify *notify, int64_t within_ms)
{
	char head[80];

	snprintf(head, sizeof head, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld\n",
		(long long)within_ms * 1000);
	if (notify->core)
		say(notify, head);
}

void
notify_mute(struct notify *notify)
{
	clock_stop(notify->clock, &notify->again);
	clock_stop(notify->clock, &notify->ping);
	(void)uv_prepare_stop(&notify->turn);
	notify->core = NULL;
}

void
notify_close(struct notify *notify)
{
	notify_mute(notify);
	clock_stop(notify->clock, &notify->pay);
	while (notify->owed_count > 0)
		forget_oldest(notify);
	if (notify->socket >= 0)
		close(notify->socket);
	uv_close((uv_handle_t *)&notify->turn, NULL);
}
