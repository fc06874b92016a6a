/* SPDX-License-Identifier: MIT */
/*
 * The parameters of a call, kept as what they are on the wire: each key with its packed value, so
 * that handing them to a call is copying. Nothing here knows which keys a method takes: the daemon
 * says so when one is wrong.
 */
#ifndef LLMFO_CLIENT_PARAMS_H
#define LLMFO_CLIENT_PARAMS_H

#include <stdint.h>

#include "bytes.h"
#include "llmfo.h"

/* What a request may hold; a daemon's own limit is lower and answered by `too_large`. */
#define PARAMS_MAX_BYTES ((size_t)1 << 30)

/* The failure of an earlier setter, or 0. params may be NULL. */
int params_error(const struct llmfo_params *params);
bool params_has(const struct llmfo_params *params, const char *key);
/* Sets the key to an empty array, which llmfo_params_add_string() then fills. */
int params_set_empty(struct llmfo_params *params, const char *key);
/* Appends how a request begins: the array, its kind and its msgid. LLMFO_ENO_MEMORY,
 * LLMFO_ETOO_LARGE. */
int params_pack_head(uint32_t msgid, struct bytes *out);
/*
 * Appends what comes behind the msgid: the method and [params]. With deadline_ms above 0 that key
 * is added where the caller did not set it; where it was set to nil it is left out, so that the
 * daemon's own default holds. With stream that key is added, true, where the caller did not set it.
 * LLMFO_ENO_MEMORY, LLMFO_ETOO_LARGE.
 */
int params_pack(const struct llmfo_params *params, const char *method, int64_t deadline_ms,
	bool stream, struct bytes *out);

#endif
