/* SPDX-License-Identifier: MIT */
/* See core.h. */
#include "core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker.h"

static void
on_health_changed(void *arg)
{
	struct core *core = arg;

	checker_consider(core->checker);
}

static void
on_shared(void *arg)
{
	struct core *core = arg;

	event_circuits(&core->events);
	checker_consider(core->checker);
	gate_wake_all(&core->gate);
	if (core->hooks.shared)
		core->hooks.shared(core->hooks.arg);
}

static void
apply(struct core *core, struct config *config)
{
	struct health_policy policy = {
		.circuit =
			{
				.failure_threshold = config->failure_threshold,
				.cooldown_ms = config->cooldown_ms,
				.cooldown_max_ms = config->cooldown_max_ms,
			},
		.preferred_ttl_ms = config->preferred_ttl_ms,
		.tracking = config->health_tracking,
		.preferred = config->preferred,
	};
	struct user_limits limits = user_limits(config);

	health_set_policy(core->health, &policy);
	health_unlist_all(core->health);
	for (size_t i = 0; i < config->provider_count; i++)
		health_list(core->health, HEALTH_PROVIDER, config->providers[i]->name);
	for (size_t i = 0; i < config->target_count; i++)
		health_list(core->health, HEALTH_TARGET, config->targets[i]->name);
	health_sweep(core->health);
	core->gate.max_running = config->max_calls;
	core->gate.max_waiting = config->max_queue;
	core->gate.max_user_running = limits.calls;
	core->gate.max_user_waiting = limits.queue;
	checker_configure(core->checker, config);
	share_configure(core->share, config);
	event_circuits(&core->events);
}

void
core_init(struct core *core, struct clock *clock, struct transport *transport,
	struct config *config, const struct core_hooks *hooks, uint64_t seed)
{
	*core = (struct core){.clock = clock, .transport = transport};
	if (hooks)
		core->hooks = *hooks;
	core->config = config_ref(config);
	core->health = health_new();
	list_init(&core->checks);
	list_init(&core->calls);
	partials_init(&core->partials, clock);
	event_init(&core->events, clock, core->health);
	core->checker = checker_new(clock, transport, core->health, &core->events);
	core->share = share_new(clock, core->health, &core->events,
		core->hooks.host ? core->hooks.host : "this-host", on_shared, core);
	core->started_ms = clock_now_ms(clock);
	users_init(&core->users);
	gate_init(&core->gate, config->max_calls, config->max_queue);
	lease_table_init(&core->leases, clock, core->health, &core->gate);
	stats_reset(&core->stats, clock_wall_ms(clock));
	core->env = (struct call_env){
		.clock = clock,
		.transport = transport,
		.health = core->health,
		.users = &core->users,
		.gate = &core->gate,
		.all = &core->calls,
		.stats = &core->stats,
		.events = &core->events,
		.seed = {(unsigned short)seed, (unsigned short)(seed >> 16),
			(unsigned short)(seed >> 32)},
		.health_changed = on_health_changed,
		.arg = core,
	};
	snprintf(core->id_prefix, sizeof core->id_prefix, "%016" PRIx64, seed);
	apply(core, config);
}

void
core_stop(struct core *core)
{
	core->draining = true;
	checker_stop(core->checker);
}

void
core_free(struct core *core)
{
	checker_free(core->checker);
	share_free(core->share);
	lease_table_free(&core->leases);
	event_free(&core->events);
	health_free(core->health);
	users_free(&core->users);
	config_unref(core->config);
	free(core->last_reload_error);
	*core = (struct core){.config = NULL};
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
same_endpoint(const struct config_provider *a, const struct config_provider *b)
{
	return a->endpoint.preset == b->endpoint.preset && a->configured == b->configured &&
		same_text(a->endpoint.base_url, b->endpoint.base_url) &&
		same_text(a->endpoint.key, b->endpoint.key);
}

void
core_configure(struct core *core, struct config *config)
{
	struct config *old = core->config;

	for (size_t i = 0; i < config->provider_count; i++) {
		const struct config_provider *before =
			config_find_provider(old, config->providers[i]->name);

		if (before && !same_endpoint(before, config->providers[i]))
			health_forget_provider(core->health, before->name);
	}
	core->config = config_ref(config);
	apply(core, config);
	config_unref(old);
	gate_wake_all(&core->gate);
}

void
core_request_id(struct core *core, char *id)
{
	snprintf(id, 33, "%s%016" PRIx64, core->id_prefix, ++core->requests);
}
