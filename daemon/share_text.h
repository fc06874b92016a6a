/* SPDX-License-Identifier: MIT */
/*
 * The texts that hosts leave for each other, small JSON objects that a person can read (and write:
 * a bare word does as well). Pure; what is read is checked, and clamped to what this host would
 * do itself.
 */
#ifndef LLMFO_SHARE_TEXT_H
#define LLMFO_SHARE_TEXT_H

#include "health.h"
#include "store.h"

#define SHARE_TEXT_BYTES 512
#define SHARE_FORCE_MAX_MS ((int64_t)7 * 24 * 60 * 60 * 1000)

/* An open circuit. for_ms: how long it stays open from when it was opened. */
void share_write_open(char *text, const struct circuit *circuit, int64_t for_ms, const char *host);
/* False if it says nothing that makes sense. *age_ms: how long ago it was opened. by (bytes of
 * room): who says so, harmless in a log. */
bool share_read_open(const struct store_item *item, const struct circuit_policy *policy,
	struct circuit_word *word, int64_t *age_ms, char *by, size_t by_bytes);

/* What is forced, or that nobody is. for_ms: from when that was said. */
void share_write_forced(
	char *text, const struct health_forced *forced, int64_t for_ms, const char *host);
/* forced->provider is new, or NULL: nobody; until_ms and set_ms are filled by now_ms. */
bool share_read_forced(const struct store_item *item, int64_t now_ms, struct health_forced *forced);

/* How long an entry of that lifetime holds, at most as long as one of this host's own. */
int64_t share_preferred_left_ms(int64_t ttl_ms, int64_t own_ttl_ms);

#endif
