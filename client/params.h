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
/*
 * Appends the request [0, msgid, method, [params]]. With deadline_ms above 0 that key is added
 * where the caller did not set it; where it was set to nil it is left out, so that the daemon's own
 * default holds. LLMFO_ENO_MEMORY, LLMFO_ETOO_LARGE.
 */
int params_pack(const struct llmfo_params *params, uint32_t msgid, const char *method,
	int64_t deadline_ms, struct bytes *out);

#endif
