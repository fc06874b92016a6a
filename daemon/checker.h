/* SPDX-License-Identifier: MIT */
/*
 * Active checks: while a circuit is open for a reason that may pass by itself, or a chain passes
 * over a target that failed, the provider is asked each health.check_interval whether it is well
 * again. When nothing is wrong nothing ticks. A machine.
 */
#ifndef LLMFO_CHECKER_H
#define LLMFO_CHECKER_H

#include "config.h"
#include "event.h"

struct checker;

struct checker *checker_new(struct clock *clock, struct transport *transport, struct health *health,
	struct events *events);
void checker_free(struct checker *checker);
/* From now on these providers, at this interval; what runs is cancelled. Takes a reference. */
void checker_configure(struct checker *checker, struct config *config);
/* Something failed: starts the timer if there is reason to and it does not run. */
void checker_consider(struct checker *checker);

#endif
