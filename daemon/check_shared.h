/* SPDX-License-Identifier: MIT */
/*
 * Checks that requests wait for: one at a time of each provider, which whoever asks meanwhile
 * joins. So however many ask, a provider is asked once.
 */
#ifndef LLMFO_CHECK_SHARED_H
#define LLMFO_CHECK_SHARED_H

#include "check.h"
#include "core.h"

/* One that waits; embedded in what its owner keeps. */
struct check_waiter {
	struct list node;
	struct check_shared *check; /* NULL: it waits for nothing */
	check_done done;
	void *arg;
};

/*
 * Waits for the check of a provider of the present configuration, which is started if none runs.
 * done comes once, never from inside, unless the waiter leaves before.
 */
void check_shared_join(struct core *core, struct config_provider *provider,
	struct check_waiter *waiter, check_done done, void *arg);
/* Fine for one that waits for nothing. When the last one leaves the check is cancelled. */
void check_shared_leave(struct check_waiter *waiter);

#endif
