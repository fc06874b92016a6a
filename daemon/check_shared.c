/* SPDX-License-Identifier: MIT */
/* See check_shared.h. */
#include "check_shared.h"

#include <stdlib.h>

struct check_shared {
	struct list node;                 /* in core->checks */
	struct config *config;            /* a reference: the provider is of it */
	struct config_provider *provider; /* borrowed */
	struct check *check;              /* NULL: it has ended */
	struct list waiters;
};

static void
release(struct check_shared *shared)
{
	if (shared->check)
		check_cancel(shared->check);
	list_remove(&shared->node);
	config_unref(shared->config);
	free(shared);
}

/* A waiter's done may make other waiters leave. */
static void
on_checked(void *arg, const struct check_result *result)
{
	struct check_shared *shared = arg;

	shared->check = NULL;
	/* who asks from now on is told of a new check */
	list_remove(&shared->node);
	list_init(&shared->node);
	while (!list_empty(&shared->waiters)) {
		struct check_waiter *waiter =
			LIST_OWNER(shared->waiters.next, struct check_waiter, node);

		list_remove(&waiter->node);
		waiter->check = NULL;
		waiter->done(waiter->arg, result);
	}
	release(shared);
}

static struct check_shared *
find(const struct core *core, const struct config_provider *provider)
{
	for (struct list *node = core->checks.next; node != &core->checks; node = node->next) {
		struct check_shared *shared = LIST_OWNER(node, struct check_shared, node);

		if (shared->provider == provider)
			return shared;
	}
	return NULL;
}

static struct check_shared *
start(struct core *core, struct config_provider *provider)
{
	static char *const none[] = {NULL};
	struct check_shared *shared = x_calloc(1, sizeof *shared);

	shared->config = config_ref(core->config);
	shared->provider = provider;
	list_init(&shared->waiters);
	list_append(&core->checks, &shared->node);
	shared->check = check_start(core->clock, core->transport, provider,
		provider->models ? provider->models : none, on_checked, shared);
	return shared;
}

void
check_shared_join(struct core *core, struct config_provider *provider, struct check_waiter *waiter,
	check_done done, void *arg)
{
	struct check_shared *shared = find(core, provider);

	if (!shared)
		shared = start(core, provider);
	*waiter = (struct check_waiter){.check = shared, .done = done, .arg = arg};
	list_append(&shared->waiters, &waiter->node);
}

void
check_shared_leave(struct check_waiter *waiter)
{
	struct check_shared *shared = waiter->check;

	if (!shared)
		return;
	list_remove(&waiter->node);
	waiter->check = NULL;
	/* while it tells its waiters it frees itself */
	if (list_empty(&shared->waiters) && shared->check)
		release(shared);
}
