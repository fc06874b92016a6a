/* SPDX-License-Identifier: MIT */
/*
 * All that the service manager is told: ready, reloading, stopping, a line on how it is, and that
 * the loop gets on. Where nobody listens ($NOTIFY_SOCKET is not set) nothing is done. The line is
 * told when it has changed, at most once a second, and for its sake an idle daemon never wakes. A
 * service manager that does not read misses lines, is told the rest when it reads again, and holds
 * up nothing.
 */
#ifndef LLMFO_NOTIFY_H
#define LLMFO_NOTIFY_H

#include <sys/un.h>
#include <uv.h>

#include "core.h"

/* What the line says. */
struct notify_view {
	size_t usable, providers; /* providers with all they need, and all of them */
	int open_circuits;
	int running, waiting; /* calls */
	bool draining;
	bool refused; /* the last reload had faults */
};

/* What is as it was leaves the line as it is. */
struct notify_mark {
	const struct config *config;
	const char *refused;
	uint64_t circuits;
	int running, waiting;
	bool draining;
};

struct notify {
	int socket;              /* -1: nobody listens */
	struct sockaddr_un place;
	socklen_t place_bytes;
	const struct core *core; /* NULL: not ready yet */
	struct clock *clock;
	uv_prepare_t turn;
	struct clock_timer again; /* to look at the line once more */
	struct clock_timer ping;
	int64_t looked_ms;
	struct notify_mark seen; /* then */
	int64_t watchdog_ms; /* what the watchdog bears, 0: there is none */
	char line[160];      /* as it was told */
	char *owed[4];       /* owned, the oldest first: what must not be missed and had no room */
	size_t owed_count;
	struct clock_timer pay;
};

/* Writes the line. */
void notify_line(const struct notify_view *view, struct buf *out);

void notify_open(struct notify *notify, uv_loop_t *loop, struct clock *clock);
/* It listens. From now on the line is kept current and the watchdog fed. The core is borrowed. */
void notify_ready(struct notify *notify, const struct core *core);
/* Around a reload that a signal asked for: as notify-reload services have it (sd_notify(3)). */
void notify_reloading(struct notify *notify);
void notify_reloaded(struct notify *notify);
/* It ends, within that time. */
void notify_stopping(struct notify *notify, int64_t within_ms);
/* Nothing more is told, and the core may go. */
void notify_mute(struct notify *notify);
/* The memory may go once the loop has run its close callbacks. */
void notify_close(struct notify *notify);

#endif
