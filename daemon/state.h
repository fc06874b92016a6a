/* SPDX-License-Identifier: MIT */
/*
 * Where a snapshot is kept over a restart. Nobody waits for it: the newest one that was given to it
 * is written by and by, on a thread of its own. state_sqlite.c is one; tests have another.
 */
#ifndef LLMFO_STATE_H
#define LLMFO_STATE_H

#include "snapshot.h"

struct state;

struct state_ops {
	/* Takes over the content of the snapshot, which is empty afterwards. One that was given
	 * before and is not written yet is replaced by it. */
	void (*save)(struct state *state, struct snapshot *snapshot);
};

/* Embedded first in every implementation. */
struct state {
	const struct state_ops *ops;
};

#endif
