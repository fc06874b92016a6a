/* SPDX-License-Identifier: MIT */
/*
 * One check of one provider by a request that costs nothing (its list of models): is it there, is
 * the key good, does it have the models. A machine; it tells, it does not judge what follows.
 */
#ifndef LLMFO_CHECK_H
#define LLMFO_CHECK_H

#include "clock.h"
#include "config.h"

struct check_result {
	struct config_provider *provider;
	bool reachable;        /* it answered at all */
	bool key_ok;           /* it did not refuse the key */
	bool well;             /* it answered as a working provider does */
	char **models_missing; /* of `models:`, NULL-terminated, owned by the check; never NULL */
	int64_t latency_ms;
	struct outcome outcome; /* what went wrong, OUTCOME_OK if nothing did */
};

struct check;

typedef void (*check_done)(void *arg, const struct check_result *result);

/*
 * Starts one; models (NULL-terminated) are looked for in the list. The provider and models must
 * outlive it. done comes once, never from inside, unless it is cancelled.
 */
struct check *check_start(struct clock *clock, struct transport *transport,
	struct config_provider *provider, char *const *models, check_done done, void *arg);
void check_cancel(struct check *check);

#endif
