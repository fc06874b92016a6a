/* SPDX-License-Identifier: MIT */
/* A state that keeps the newest snapshot in memory: for tests, and over the restarts they play. */
#ifndef LLMFO_FAKE_STATE_H
#define LLMFO_FAKE_STATE_H

#include "state.h"

struct fake_state {
	struct state state;
	struct snapshot newest; /* owned */
	unsigned saves;
};

void fake_state_init(struct fake_state *fake);
void fake_state_free(struct fake_state *fake);

#endif
