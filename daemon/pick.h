/* SPDX-License-Identifier: MIT */
/*
 * Calls that programs make themselves: the choice that a call would make now, with a lease on it,
 * and what the program says came of it. Health, log and events learn of it as of the daemon's own
 * attempts, but for one thing: a circuit that a report opened keeps nobody from the last target
 * that could be used (docs/llmfod.8, HEALTH).
 */
#ifndef LLMFO_PICK_H
#define LLMFO_PICK_H

#include "core.h"

/* Orders the candidates of a request, whose choosing half is filled in. Freed by route_free(). */
void pick_order(struct core *core, const struct call_request *request, struct route *route);
/* Where every candidate is kept out: the one that is used all the same, because a report alone took
 * it out, or as an early probe; NULL. */
const struct route_candidate *pick_despite(
	struct core *core, const struct call_request *request, const struct route *route);
/* What was picked. */
struct pick {
	const struct config_target *target; /* borrowed from the request's configuration */
	const struct lease *lease;
	int64_t cost_picousd, latency_ms; /* estimated; -1: unknown */
};

/* Chooses for a request, whose choosing half is filled in. 0: *pick; LLMFO_EALL_FAILED: none may be
 * used now; LLMFO_ENOT_FOUND: a provider is forced strictly and has none; LLMFO_EBUSY: too many
 * leases are held. */
int pick_take(struct core *core, struct call_request *request, struct pick *pick) UTIL_MUST_CHECK;

/* What is reported. Borrowed. */
struct pick_report {
	uint32_t uid;
	const char *lease;  /* NULL: none, target says where it was */
	const char *target; /* a known one */
	const struct outcome *outcome;
	int64_t latency_ms; /* -1: not said */
};

/* Notes it. LLMFO_ENOT_FOUND: no such lease (any more), or no such target. *state: how the target
 * stands now, its provider counted in. */
int pick_report(struct core *core, const struct pick_report *report, enum circuit_state *state);

#endif
