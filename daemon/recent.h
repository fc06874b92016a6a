/* SPDX-License-Identifier: MIT */
/*
 * How often something went well of late: successes and failures, each counting half as much after
 * every RECENT_HALF_MS. Pure.
 */
#ifndef LLMFO_RECENT_H
#define LLMFO_RECENT_H

#include "util.h"

#define RECENT_HALF_MS 10000

struct recent {
	int64_t at_ms;                 /* when the two were last brought up to date */
	int64_t well_milli, ill_milli; /* thousandths of an end */
};

void recent_note(struct recent *recent, bool well, int64_t now_ms);
/*
 * The share of successes in thousandths, of which one is added to what was seen: 1000 when nothing
 * is known, 500 right after a first failure, 250 after three.
 */
int recent_permille(const struct recent *recent, int64_t now_ms);

#endif
