/* SPDX-License-Identifier: MIT */
/* What those that wait at the gate learn when something ended at a provider. */
#ifndef LLMFO_ROOM_H
#define LLMFO_ROOM_H

#include "gate.h"
#include "health.h"

/*
 * One that was in flight at that provider is so no longer, which did that to the circuits: those
 * that wait for it are asked in their turn, until it has as many again as it may.
 */
void room_made(struct gate *gate, const struct health *health, const char *provider,
	struct health_change change);

#endif
