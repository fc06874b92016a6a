/* SPDX-License-Identifier: MIT */
/*
 * What the daemon is without its edges: configuration, health, calls, sessions. The same in llmfod
 * and in tests; time and network come in through clock and transport.
 */
#ifndef LLMFO_CORE_H
#define LLMFO_CORE_H

#include "call.h"
#include "db.h"
#include "event.h"
#include "lease.h"
#include "list.h"
#include "log.h"
#include "partial.h"
#include "share.h"
#include "user.h"

/* What only the program around the core can do. Any may be NULL. */
struct core_hooks {
	/* Reads the configuration anew and calls core_configure(). 0, or an error with faults
	 * filled. */
	int (*reload)(void *arg, struct config_faults *faults);
	/* Begins the end, as SIGTERM does: no new calls from now on, those that run may finish. */
	void (*drain)(void *arg);
	/* How many connections there are now. */
	int (*connections)(void *arg);
	void *arg;
	/* What is shared, or known of that, changed. */
	void (*shared)(void *arg);
	/* How the file is that is kept over a restart; false: there is none. */
	bool (*kept)(void *arg, struct db_look *look);
	/* How this host is named to those that it shares with; NULL: it has none. */
	const char *host;
	uint32_t own_uid; /* whom the daemon runs as */
};

struct core {
	struct config *config;       /* a reference */
	struct clock *clock;         /* borrowed */
	struct transport *transport; /* borrowed */
	struct health *health;       /* owned */
	struct users users; /* everybody who has something here */
	struct gate gate;
	struct share *share;       /* owned */
	struct list calls;         /* all that have not ended; they are their requests' */
	struct events events;      /* what happens, for those that subscribed */
	struct lease_table leases; /* of those that call themselves */
	struct stats stats;
	struct call_env env;
	struct checker *checker; /* owned: active checks */
	struct list checks;      /* of struct check_shared: those that requests wait for */
	struct core_hooks hooks;
	int64_t started_ms;
	char *last_reload_error; /* owned; NULL: the last reload went well */
	uint64_t requests;       /* numbers request ids */
	char id_prefix[17];
	bool draining; /* no new calls */
	bool drilling; /* a drill runs: no other */
	/* ---- of all sessions ---- */
	size_t input_bytes;           /* half messages, and requests that run */
	size_t output_bytes;          /* sent, and not read by clients yet */
	struct partials partials;     /* the half messages */
	struct log_rate broken_lines; /* of connections closed for what they sent */
};

/* config: a reference is taken. seed: of everything random in it. */
void core_init(struct core *core, struct clock *clock, struct transport *transport,
	struct config *config, const struct core_hooks *hooks, uint64_t seed);
/* The end has begun: no new calls, no more active checks. The transport must still be there. */
void core_stop(struct core *core);
/* Every call must have ended. */
void core_free(struct core *core);
/*
 * A new configuration takes effect for new calls at once; health is kept for providers whose api,
 * URL and key stayed the same. Takes a reference.
 */
void core_configure(struct core *core, struct config *config);
/* Writes a new request id into id (33 bytes). */
void core_request_id(struct core *core, char *id);

#endif
