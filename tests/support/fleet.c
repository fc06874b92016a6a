/* SPDX-License-Identifier: MIT */
/* See fleet.h. */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_support.h"
#include "log.h"

const char fleet_usual[] =
	"providers:\n"
	"  a: {api: openai, base_url: 'http://a.test', api_key: k, models: [m, n]}\n"
	"  b: {api: openai, base_url: 'http://b.test', api_key: k, models: [m]}\n"
	"  here: {api: ollama, base_url: 'http://localhost:1', models: [m]}\n"
	"chains:\n"
	"  default: {targets: [a/m, b/m]}\n"
	"  homely: {targets: [here/m, b/m]}\n"
	"health: {cooldown: 5m, cooldown_max: 5m}\n";

static void
on_changed(void *arg)
{
	struct fleet_host *host = arg;

	host->changes++;
	event_circuits(&host->events);
}

static void
begin(struct fleet_host *host)
{
	struct fleet *fleet = host->fleet;
	const struct config *config = fleet->config;
	struct health_policy policy = {
		.circuit = {.failure_threshold = config->failure_threshold,
			.cooldown_ms = config->cooldown_ms,
			.cooldown_max_ms = config->cooldown_max_ms},
		.preferred_ttl_ms = config->preferred_ttl_ms,
		.tracking = true,
		.preferred = true,
	};

	host->health = health_new();
	health_set_policy(host->health, &policy);
	for (size_t i = 0; i < config->provider_count; i++)
		health_list(host->health, HEALTH_PROVIDER, config->providers[i]->name);
	for (size_t i = 0; i < config->target_count; i++)
		health_list(host->health, HEALTH_TARGET, config->targets[i]->name);
	event_init(&host->events, &fleet->clock.clock, host->health);
	host->share = share_new(&fleet->clock.clock, host->health, &host->events, host->name,
		on_changed, host);
	share_configure(host->share, fleet->config);
	fake_store_init(&host->store, &fleet->place, FLEET_DELAY_MS);
	share_use(host->share, &host->store.store);
}

static void
finish(struct fleet_host *host)
{
	fake_store_close(&host->store);
	share_free(host->share);
	event_free(&host->events);
	health_free(host->health);
}

static void
on_log(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

struct fleet *
fleet_new(size_t count, const char *yaml)
{
	struct fleet *fleet = x_calloc(1, sizeof *fleet);

	log_capture(on_log, NULL);
	fake_clock_init(&fleet->clock);
	fake_place_init(&fleet->place, &fleet->clock);
	fleet->config = support_read(yaml, NULL);
	ck_assert_ptr_nonnull(fleet->config);
	fleet->count = count;
	for (size_t i = 0; i < count; i++) {
		struct fleet_host *host = &fleet->hosts[i];

		host->fleet = fleet;
		snprintf(host->name, sizeof host->name, "host-%zu", i);
		begin(host);
	}
	fleet_after(fleet, 100);
	return fleet;
}

void
fleet_free(struct fleet *fleet)
{
	/* news may be on their way */
	fleet_after(fleet, 10);
	for (size_t i = 0; i < fleet->count; i++)
		finish(&fleet->hosts[i]);
	config_unref(fleet->config);
	fake_place_free(&fleet->place);
	ck_assert_uint_eq(fleet->clock.clock.count, 0);
	fake_clock_free(&fleet->clock);
	free(fleet);
	log_capture(NULL, NULL);
}

void
fleet_restart(struct fleet *fleet, size_t host)
{
	/* news may be on their way */
	fleet_after(fleet, 10);
	finish(&fleet->hosts[host]);
	begin(&fleet->hosts[host]);
	fleet_after(fleet, 100);
}

void
fleet_after(struct fleet *fleet, int64_t ms)
{
	fake_clock_advance(&fleet->clock, ms);
}

int64_t
fleet_now_ms(const struct fleet *fleet)
{
	return fleet->clock.time_ms;
}

static const char *
provider_of(const struct fleet *fleet, const char *target)
{
	return config_find_provider_of(fleet->config, target)->name;
}

static struct health_subject *
subject(struct fleet *fleet, size_t host, const char *name)
{
	return health_subject(fleet->hosts[host].health,
		strchr(name, '/') ? HEALTH_TARGET : HEALTH_PROVIDER, name);
}

bool
fleet_admits(struct fleet *fleet, size_t host, const char *target)
{
	const char *provider = provider_of(fleet, target);
	int64_t now_ms = fleet_now_ms(fleet);
	bool admits = circuit_admits(&subject(fleet, host, provider)->circuit, now_ms) &&
		circuit_admits(&subject(fleet, host, target)->circuit, now_ms);

	if (!admits)
		health_want_probe(fleet->hosts[host].health, provider, target, now_ms);
	return admits;
}

size_t
fleet_admitting(struct fleet *fleet, const char *target)
{
	size_t count = 0;

	for (size_t i = 0; i < fleet->count; i++)
		count += fleet_admits(fleet, i, target);
	return count;
}

size_t
fleet_holder(struct fleet *fleet, const char *target)
{
	size_t host = 0;

	while (host < fleet->count && !fleet_admits(fleet, host, target))
		host++;
	ck_assert_uint_lt(host, fleet->count);
	return host;
}

struct health_ticket
fleet_begin(struct fleet *fleet, size_t host, const char *target)
{
	return health_begin(fleet->hosts[host].health, provider_of(fleet, target), target,
		fleet_now_ms(fleet));
}

static void
end_with_wait(struct fleet *fleet, size_t host, const char *target, struct health_ticket ticket,
	enum outcome_class class, int64_t wait_ms)
{
	struct outcome outcome;

	outcome_set(&outcome, class, "%s", "");
	outcome.http_status = class == OUTCOME_OK ? 200 : 500;
	outcome.retry_after_ms = wait_ms > 0 ? wait_ms : -1;
	(void)health_end(fleet->hosts[host].health, provider_of(fleet, target), target, ticket,
		&outcome, 10, fleet_now_ms(fleet));
}

void
fleet_end(struct fleet *fleet, size_t host, const char *target, struct health_ticket ticket,
	enum outcome_class class)
{
	end_with_wait(fleet, host, target, ticket, class, 0);
}

void
fleet_call(struct fleet *fleet, size_t host, const char *target, enum outcome_class class,
	int64_t wait_ms)
{
	end_with_wait(
		fleet, host, target, fleet_begin(fleet, host, target), class, wait_ms);
}

void
fleet_open(struct fleet *fleet, size_t host, const char *target)
{
	for (int i = 0; i < fleet->config->failure_threshold; i++)
		fleet_call(fleet, host, target, OUTCOME_UNAVAILABLE, 0);
}

void
fleet_prefer(struct fleet *fleet, size_t host, const char *target)
{
	(void)health_prefer(fleet->hosts[host].health, "default", target, fleet_now_ms(fleet));
}

const struct circuit *
fleet_circuit(struct fleet *fleet, size_t host, const char *name)
{
	return &subject(fleet, host, name)->circuit;
}

enum circuit_state
fleet_state(struct fleet *fleet, size_t host, const char *name)
{
	return circuit_state(fleet_circuit(fleet, host, name), fleet_now_ms(fleet));
}

int64_t
fleet_left_ms(struct fleet *fleet, size_t host, const char *name)
{
	return circuit_remaining_ms(&subject(fleet, host, name)->circuit, fleet_now_ms(fleet));
}

const char *
fleet_preferred(struct fleet *fleet, size_t host, const char *chain)
{
	const struct health_preferred *entry =
		health_preferred(fleet->hosts[host].health, chain, fleet_now_ms(fleet));

	return entry ? entry->target : "";
}

const char *
fleet_forced(struct fleet *fleet, size_t host)
{
	const struct health_forced *forced =
		health_forced(fleet->hosts[host].health, fleet_now_ms(fleet));

	return forced ? forced->provider : "";
}

void
fleet_force(struct fleet *fleet, size_t host, const char *provider, int64_t for_ms)
{
	int64_t now_ms = fleet_now_ms(fleet);

	health_force(fleet->hosts[host].health, provider, false, now_ms + for_ms, 7, now_ms);
}

void
fleet_assert_all(struct fleet *fleet, const char *name, enum circuit_state state)
{
	for (size_t i = 0; i < fleet->count; i++)
		ck_assert_msg(fleet_state(fleet, i, name) == state, "%s is %s on host %zu, not %s",
			name, circuit_state_text(fleet_state(fleet, i, name)), i,
			circuit_state_text(state));
}

void
fleet_assert_prefer(struct fleet *fleet, const char *chain, const char *target)
{
	for (size_t i = 0; i < fleet->count; i++)
		ck_assert_str_eq(fleet_preferred(fleet, i, chain), target);
}

void
fleet_assert_forced(struct fleet *fleet, const char *provider)
{
	for (size_t i = 0; i < fleet->count; i++)
		ck_assert_str_eq(fleet_forced(fleet, i), provider);
}
