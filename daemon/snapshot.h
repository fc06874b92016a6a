/* SPDX-License-Identifier: MIT */
/*
 * What outlives a daemon, as values: open circuits, what chains prefer, the forced provider, what
 * an administrator disabled. All times are what was left when it was taken, so that no clock has to
 * agree with another one. Made from health and brought back into it by remember.c; state_sqlite.c
 * keeps it. Pure.
 */
#ifndef LLMFO_SNAPSHOT_H
#define LLMFO_SNAPSHOT_H

#include "health.h"

/* No name is longer (a target's is two of 255 with a slash), no list has more entries, no time is
 * longer. */
#define SNAPSHOT_NAME_MAX_BYTES (255 + 1 + 255)
#define SNAPSHOT_ROWS_MAX 20000
#define SNAPSHOT_TIME_MAX_MS ((int64_t)7 * 24 * 60 * 60 * 1000)

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

/*
 * Each adds a copy of an entry. Times and counts are brought within bounds; false, and nothing is
 * added: its names are none, or the list is full.
 */
bool snapshot_add_circuit(struct snapshot *snapshot, const struct snapshot_circuit *circuit);
bool snapshot_add_preferred(struct snapshot *snapshot, const struct snapshot_preferred *preferred);
bool snapshot_add_disabled(struct snapshot *snapshot, enum health_kind kind, const char *name);
/* The same for what is forced, and for the epoch; NULL: none. */
bool snapshot_set_forced(struct snapshot *snapshot, const char *provider, bool strict,
	int64_t left_ms, uint32_t by_uid);
void snapshot_set_forced_age(struct snapshot *snapshot, int64_t age_ms);
bool snapshot_set_epoch(struct snapshot *snapshot, const char *epoch);

/* Frees what it owns and leaves it empty; zeroed memory is an empty one. */
void snapshot_free(struct snapshot *snapshot);
/* So much time has gone by: takes it off everything, drops preferred entries and a forced provider
 * whose time is over. Circuits stay, half-open. */
void snapshot_age(struct snapshot *snapshot, int64_t ms);

/*
 * How much time has gone by at least between two readings of the time since boot, the first of
 * which may be of an earlier boot. Either it was the same one, and then it is their difference; or
 * the host was started in between, and then it is all that the second one says, which is more. Wall
 * time is not asked: it may have jumped by years meanwhile.
 */
int64_t snapshot_gone_ms(int64_t saved_boot_ms, int64_t now_boot_ms);

#endif
