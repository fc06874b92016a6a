/* SPDX-License-Identifier: MIT */
/*
 * A drill: one small call to each target of a chain in turn, those before it taken as failed. Could
 * it take over? A machine. It asks by attempts alone: circuits, the gate and what chains prefer
 * neither steer it nor hear of it; only what an administrator disabled is left alone.
 */
#ifndef LLMFO_DRILL_H
#define LLMFO_DRILL_H

#include "clock.h"
#include "config.h"
#include "health.h"
#include "pricing.h"
#include "transport.h"

/* One target. */
struct drill_row {
	const struct config_target *target;
	bool asked;             /* it is, or was, called */
	const char *why;        /* it is not: static, or of the configuration */
	struct outcome outcome; /* once it was: OUTCOME_OK, it can take over */
	int64_t latency_ms;
	struct pricing_cost cost; /* before: at most, by estimate; then what it was */
};

struct drill;

typedef void (*drill_done)(void *arg);

/*
 * Plans one: every row is there, with what it would cost, nothing is sent. Takes a reference to the
 * configuration, of which the chain is. health is only looked at, now.
 */
struct drill *drill_new(
	struct config *config, struct config_chain *chain, const struct health *health);
/* Carries it out, once. done comes when the last target was asked; never from inside. */
void drill_start(struct drill *drill, struct clock *clock, struct transport *transport,
	drill_done done, void *arg);
/* Ends what runs, and frees it; not from inside done. */
void drill_free(struct drill *drill);
const struct config_chain *drill_chain(const struct drill *drill);
const struct drill_row *drill_rows(const struct drill *drill, size_t *count);

#endif
