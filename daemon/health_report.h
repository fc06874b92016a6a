/* SPDX-License-Identifier: MIT */
/* What is said in the log when an attempt, the daemon's own or a reported one, changes a circuit.
 */
#ifndef LLMFO_HEALTH_REPORT_H
#define LLMFO_HEALTH_REPORT_H

#include "health.h"

/* Whose attempt it was, for the fields of the line. Texts may be NULL. */
struct health_about {
	const char *request_id;
	uint32_t uid;
	const char *chain, *workspace;
};

/* A line a circuit that changed, loudly if it needs a person. */
void health_report_change(const struct health *health, const struct health_about *about,
	const char *provider, const char *target, struct health_change change,
	const struct outcome *outcome, int64_t now_ms);

#endif
