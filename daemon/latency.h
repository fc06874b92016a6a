/* SPDX-License-Identifier: MIT */
/*
 * How long something takes: a count, a mean, one that leans to the latest, and a histogram with
 * eight steps to each doubling, so that a percentile is right to within 9 %, and exact where it is
 * the largest value. Fixed size, pure.
 */
#ifndef LLMFO_LATENCY_H
#define LLMFO_LATENCY_H

#include "util.h"

#define LATENCY_STEPS 168 /* up to 2^21 ms, more than half an hour */

struct latency {
	uint64_t count;
	int64_t low_ms, high_ms; /* of what was noted: no percentile lies outside */
	int64_t sum_ms;
	int64_t lately_us; /* the exponentially weighted mean */
	uint32_t steps[LATENCY_STEPS];
};

void latency_note(struct latency *latency, int64_t ms);
/* The mean, -1 when nothing was measured. */
int64_t latency_average_ms(const struct latency *latency);
/* The mean in which each new value counts a quarter, -1 when nothing was measured. */
int64_t latency_lately_ms(const struct latency *latency);
/* The value that percent of all are not above (1 to 100), -1 when nothing was measured. */
int64_t latency_percentile_ms(const struct latency *latency, int percent);

#endif
