/* SPDX-License-Identifier: MIT */
/*
 * What a target's limits leave, from the rate-limit headers of any reply, good or bad, in all
 * forms that providers have. Pure; times are read as outcome_wait.h reads them.
 */
#ifndef LLMFO_QUOTA_H
#define LLMFO_QUOTA_H

#include "http.h"

/* What a reply leaves without a time holds for this long: most limits are per minute. */
#define QUOTA_UNTIMED_MS 60000
/* And no target is kept out longer than this by what it told. */
#define QUOTA_BELIEVED_MS 3600000

struct quota {
	bool known;                 /* a header told something */
	bool low;                   /* of some limit less than a tenth is left */
	bool used_up;               /* of some limit nothing is left, and its time was told */
	bool timed;                 /* one told when limits are full again */
	int64_t requests_remaining; /* -1: not told */
	int64_t tokens_remaining;   /* -1: not told */
	int64_t until_ms;           /* monotonic: when this is old news */
};

/* Reads a reply's headers (NULL: none). wall_ms and now_ms are the same moment on both clocks. */
struct quota quota_read(const struct http_headers *headers, int64_t wall_ms, int64_t now_ms);
/* How long nothing is left of some limit: 0 if something is, or if no time was told. Nothing beyond
 * an hour is believed. */
int64_t quota_used_up_ms(const struct quota *quota, int64_t now_ms);
/* Does it still say something? */
bool quota_holds(const struct quota *quota, int64_t now_ms);

#endif
