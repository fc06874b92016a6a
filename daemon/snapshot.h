/* SPDX-License-Identifier: MIT */
/*
 * What outlives a daemon, as values: open circuits, what chains prefer, the forced provider, what
 * an administrator disabled. All times are what was left when it was taken, so that no clock has to
 * agree with another one. Made from health and brought back into it by remember.c; state_sqlite.c
 * keeps it.
 */
#ifndef LLMFO_SNAPSHOT_H
#define LLMFO_SNAPSHOT_H

#include "health.h"

struct snapshot_circuit {
	enum health_kind kind;
	char *name;
	enum outcome_class class; /* what opened it */
	bool hinted;
	int failures;         /* consecutive ones */
	int64_t left_ms;      /* until half-open; 0: it is half-open */
	int64_t seen_left_ms; /* of it, what this host itself has seen: see struct circuit */
	int64_t cooldown_ms;  /* of the last opening */
	bool shared;          /* it stood in the place that hosts share */
};

struct snapshot_preferred {
	char *chain, *target;
	int64_t left_ms;
	bool shared;
};

struct snapshot_disabled {
	enum health_kind kind;
	char *name;
};

struct snapshot {
	struct snapshot_circuit *circuits;
	size_t circuit_count;
	struct snapshot_preferred *preferred;
	size_t preferred_count;
	struct snapshot_disabled *disabled;
	size_t disabled_count;
	char *forced; /* NULL: nobody */
	bool forced_strict;
	int64_t forced_left_ms;
	uint32_t forced_by_uid;
	/* When what is forced was set, or cleared: so long ago; -1: never. */
	int64_t forced_age_ms;
	bool forced_shared;
	char *epoch; /* of the shared place, as it was last seen; NULL: it was not */
};

/* Frees what it owns and leaves it empty; zeroed memory is an empty one. */
void snapshot_free(struct snapshot *snapshot);
/* So much time has gone by: takes it off everything, drops preferred entries and a forced provider
 * whose time is over. Circuits stay, half-open. */
void snapshot_age(struct snapshot *snapshot, int64_t ms);

#endif
