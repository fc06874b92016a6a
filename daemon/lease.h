/* SPDX-License-Identifier: MIT */
/*
 * What `pick` hands out: the right to make one call at a target and to say what came of it. While a
 * lease holds, its target counts one in flight and, if it is the probe of a half-open circuit, has
 * that probe to itself. It belongs to a user, not to a connection: who picks and who reports may be
 * two processes. One that runs out unreported is no judgement. A machine: time comes through clock.
 */
#ifndef LLMFO_LEASE_H
#define LLMFO_LEASE_H

#include "clock.h"
#include "gate.h"
#include "health.h"

#define LEASE_ID_BYTES 33
/* Beyond these a user, or everybody together, gets no more until some have ended. */
#define LEASE_USER_MAX 1024
#define LEASE_MAX 8192

struct lease {
	struct list node;        /* by until_ms */
	char id[LEASE_ID_BYTES]; /* cannot be guessed */
	uint32_t uid;
	char *provider, *target;
	char *chain;     /* owned: whose better-placed target it tries; NULL */
	uint64_t number; /* as entry->tried_by has it */
	struct health_ticket ticket;
	int64_t taken_ms, until_ms;
};

struct lease_table {
	struct clock *clock; /* borrowed, as are the next two */
	struct health *health;
	struct gate *gate;  /* those that wait for a provider hear of a lease's end */
	struct list by_end; /* of struct lease, owned */
	void *by_id;        /* a tree of the same */
	int count;
	struct clock_timer timer;
};

/* What is to be leased. Borrowed texts. */
struct lease_want {
	uint32_t uid;
	const char *provider, *target;
	const char *chain; /* the memory of the chain whose better-placed target it is; NULL */
	uint64_t number;   /* of the call that it stands for */
	int64_t valid_ms;
};

void lease_table_init(
	struct lease_table *table, struct clock *clock, struct health *health, struct gate *gate);
/* Forgets all of them; health is left as it is. */
void lease_table_free(struct lease_table *table);
/* A new one, NULL (and *error LLMFO_EBUSY or LLMFO_EINTERNAL) if there may be none. Valid until it
 * ends. */
const struct lease *lease_take(
	struct lease_table *table, const struct lease_want *want, int *error);
/* That user's lease of that name, or NULL. */
struct lease *lease_find(const struct lease_table *table, const char *id, uint32_t uid);
/* It ends with an outcome; latency_ms below 0: not known. The lease is gone. */
struct health_change lease_end(struct lease_table *table, struct lease *lease,
	const struct outcome *outcome, int64_t latency_ms);

#endif
