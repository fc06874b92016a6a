/* SPDX-License-Identifier: MIT */
/*
 * A provider's retry budget, after gRPC's A6 ("gRPC Retry Design"): a bucket of tokens that repeats
 * at the same target take from and answers put back into, so that an outage is not multiplied by
 * those that try again. Pure.
 */
#ifndef LLMFO_RETRY_H
#define LLMFO_RETRY_H

#include "util.h"

/* A thousandth of a token each: what a bucket holds at most and at first, what a repeat takes, what
 * an answer gives back. */
#define RETRY_FULL 3000
#define RETRY_REPEAT 1000
#define RETRY_ANSWER 200

/* Zeroed memory is a full one. */
struct retry {
	int spent; /* of RETRY_FULL */
};

/* Pays for a repeat: false, and nothing is taken, if less than a token is left. */
bool retry_take(struct retry *retry) UTIL_MUST_CHECK;
/* An attempt was answered. */
void retry_answered(struct retry *retry);
/* What is left, in thousandths of a token. */
int retry_left(const struct retry *retry);

#endif
