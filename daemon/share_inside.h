/* SPDX-License-Identifier: MIT */
/* What the files of share have in common: share.c joins, reads and hears; share_circuit.c has
 * circuits, share_leave.c their probes, share_choice.c what is preferred and forced. */
#ifndef LLMFO_SHARE_INSIDE_H
#define LLMFO_SHARE_INSIDE_H

#include "log.h"
#include "share.h"
#include "share_text.h"

/* The longest name that stands in the store: a target's, behind its kind. */
#define SHARE_NAME_BYTES 600
/* What differs by less is the same time, seen over a network. */
#define SHARE_SLACK_MS 2000
/* A probe's leave holds so long, and is renewed while it is needed. */
#define SHARE_LEAVE_MS 10000

/* An entry that was dropped here, for what is older elsewhere. */
struct share_gone {
	char *chain;
	uint64_t changed;
	int64_t at_ms;
};

/* A name to be read again. */
struct share_due {
	char *name; /* "open:a/m" */
	bool closed; /* somebody said that it is: nothing there means that */
};

struct share {
	struct clock *clock; /* borrowed, as are the next two */
	struct health *health;
	struct events *events;
	struct store *store;   /* borrowed; NULL: none */
	struct config *config; /* a reference; NULL before the first share_configure() */
	char *host;
	char *epoch; /* NULL: not seen yet */
	void (*changed)(void *arg);
	void *arg;
	struct health_watch watch;
	uint64_t changes; /* numbers what changes here */
	bool joined;      /* and known again: what stands in the store may be read and written */
	struct share_due *due; /* owned */
	size_t due_count, due_max;
	size_t readings; /* of them, under way */
	struct clock_timer due_timer;    /* reads what is due, in the next turn */
	struct clock_timer reread_timer; /* reads everything */
	struct clock_timer changed_timer; /* the owner hears of it in the next turn */
	struct clock_timer leave_timer;  /* the next circuit becomes half-open, or a leave ends */
	int64_t foreign_ms; /* when one was forced that is not configured here; 0: never */
	struct share_gone *gone;         /* owned */
	size_t gone_count;
	struct list waits;     /* of operations under way: struct share_wait */
	struct log_rate odd;   /* what made no sense */
	unsigned short seed[3];
};

/* An operation under way. */
struct share_wait {
	struct list node;
	struct share *share;
	uint64_t changed;    /* share->changes when it was asked */
	struct share_due *names; /* of a reading, owned */
	size_t count;
};

/* A new one; names are taken over. */
struct share_wait *share_wait_new(struct share *share, struct share_due *names, size_t count);
void share_wait_free(struct share_wait *wait);

/* A name is to be read again. */
void share_due(struct share *share, const char *kind, const char *name, bool closed);
/* "VERB NAME" to all others. */
void share_tell(struct share *share, const char *verb, const char *kind, const char *name);
/* What stood in the store made no sense: one line a second at most. */
void share_odd(struct share *share, const char *name, const char *why);
/* Has a text stand in the store. Once it is known whether it does, that is news, and told to
 * share_..._stands(). */
void share_put(struct share *share, const char *kind, const char *name, const char *text,
	int64_t ttl_ms);
/* The same without anybody being told. */
void share_set(struct share *share, const char *kind, const char *name, const char *text,
	int64_t ttl_ms);
void share_remove(struct share *share, const char *kind, const char *name);
int64_t share_now_ms(const struct share *share);
/* Tells its owner, in the next turn, however often it is said before. */
void share_changed(struct share *share);
/* It stands in the store, or does not: the owner is told where that was otherwise before. */
void share_mark(struct share *share, bool *there, bool stands);

/* ---- share_circuit.c ---- */

/* Do hosts have this provider, or provider of a target, in common? */
bool share_has(const struct share *share, const char *name);
/* The provider or target of that name that health knows, or NULL. */
struct health_subject *share_subject(const struct share *share, const char *name);
void share_circuit_changed(struct share *share, struct health_subject *subject);
/* It was read: NULL text where there is nothing. changed: share->changes when it was asked. */
void share_circuit_read(struct share *share, const struct share_due *due, const char *name,
	const struct store_item *item, uint64_t changed);
void share_circuit_stands(struct share *share, const char *name, bool stands, uint64_t changed);
/* What was told to the store may have got lost: it is not there any more as far as is known. */
void share_circuit_forget(struct share *share);

/* ---- share_leave.c ---- */

/* In the next turn, however often it is said before: circuits are looked at, those that are
 * half-open and those that will be. */
void share_leave_soon(struct share *share);
void share_leave_wanted(struct share *share, struct health_subject *subject);
/* Its circuit closed or opened anew. */
void share_leave_end(struct share *share, struct health_subject *subject);
/* Another host wants it, or has left it. */
void share_leave_asked(struct share *share, const char *name);
void share_leave_free(struct share *share, const char *name);
/* Joined: circuits are probed by leave. Parted: every host for itself. */
void share_leave_rule(struct share *share, bool joined);

/* ---- share_choice.c ---- */

void share_preferred_changed(struct share *share, const char *chain);
void share_forced_changed(struct share *share);
void share_preferred_read(struct share *share, const char *chain, const struct store_item *item,
	uint64_t changed);
void share_forced_read(struct share *share, const struct store_item *item, uint64_t changed);
void share_preferred_stands(
	struct share *share, const char *chain, bool stands, uint64_t changed);
void share_forced_stands(struct share *share, bool stands, uint64_t changed);
void share_choice_forget(struct share *share);
void share_gone_free(struct share *share);

#endif
