/* SPDX-License-Identifier: MIT */
/* See pick.h. */
#include "pick.h"

#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "health_report.h"
#include "llmfo.h"
#include "log.h"

void
pick_order(struct core *core, const struct call_request *request, struct route *route)
{
	struct route_want want = call_request_want(request);

	route_order(route, core->health, &want, clock_now_ms(core->clock));
}

static const struct route_candidate *
first_in(const struct route *route)
{
	for (size_t i = 0; i < route->count; i++)
		if (route->candidates[i].out == ROUTE_IN)
			return &route->candidates[i];
	return NULL;
}

/* Those before the one that is taken would be probed, had this host leave. */
static void
want_probes(struct core *core, const struct route *route, const struct route_candidate *taken)
{
	for (size_t i = 0; i < route->count && &route->candidates[i] != taken; i++) {
		const struct config_target *target = route->candidates[i].target;

		if (route->candidates[i].out == ROUTE_PROBING)
			health_want_probe(core->health, target->provider->name, target->name,
				clock_now_ms(core->clock));
	}
}

const struct route_candidate *
pick_despite(struct core *core, const struct call_request *request, const struct route *route)
{
	int64_t now_ms = clock_now_ms(core->clock);

	if (first_in(route))
		return NULL;
	const struct route_candidate *resort = route_last_resort(route, core->health, now_ms);
	if (resort || !request->config->when_all_open_try)
		return resort;
	return route_early_probe(route, core->health, now_ms);
}

int
pick_take(struct core *core, struct call_request *request, struct pick *pick)
{
	struct route route;
	int error = LLMFO_EALL_FAILED;

	choose_draw(request, &core->env);
	pick_order(core, request, &route);
	if (route.strict_miss)
		error = LLMFO_ENOT_FOUND;
	const struct route_candidate *candidate = first_in(&route);
	want_probes(core, &route, candidate);
	if (!candidate)
		candidate = pick_despite(core, request, &route);
	if (candidate) {
		bool trial = candidate->better && !candidate->passed_over;
		struct lease_want leased = {
			.uid = request->uid,
			.provider = candidate->target->provider->name,
			.target = candidate->target->name,
			.chain = trial ? request->chain->memory : NULL,
			.number = ++core->env.calls,
			.valid_ms = request->config->lease_ms,
		};

		*pick = (struct pick){.target = candidate->target,
			.lease = lease_take(&core->leases, &leased, &error),
			.cost_picousd = candidate->cost_picousd,
			.latency_ms = candidate->latency_ms};
	}
	route_free(&route);
	return error;
}

/* The better-placed target works again: the chain goes back to it. */
static void
end_trial(struct core *core, const char *chain, const char *target)
{
	if (!health_unprefer(core->health, chain))
		return;
	log_info("chain %s is back at %s", chain, target);
	event_preferred(&core->events, chain, NULL);
}

/* Takes the lease, which is gone afterwards. */
static struct health_change
note_lease(struct core *core, struct lease *lease, const struct pick_report *report)
{
	int64_t latency_ms = report->latency_ms >= 0 ? report->latency_ms
						     : clock_now_ms(core->clock) - lease->taken_ms;

	if (lease->chain && report->outcome->class == OUTCOME_OK)
		end_trial(core, lease->chain, lease->target);
	return lease_end(&core->leases, lease, report->outcome, latency_ms);
}

static enum circuit_state
state_of(const struct core *core, const char *provider, const char *target)
{
	const struct health_subject *subjects[] = {
		health_find(core->health, HEALTH_PROVIDER, provider),
		health_find(core->health, HEALTH_TARGET, target),
	};
	int64_t now_ms = clock_now_ms(core->clock);
	enum circuit_state worst = CIRCUIT_CLOSED;

	for (size_t i = 0; i < UTIL_COUNT(subjects); i++) {
		enum circuit_state state =
			subjects[i] ? circuit_state(&subjects[i]->circuit, now_ms) : CIRCUIT_CLOSED;

		if (state != CIRCUIT_CLOSED && worst != CIRCUIT_OPEN)
			worst = state;
	}
	return worst;
}

static bool
is_target(const struct core *core, const char *name)
{
	return config_find_target(core->config, name) ||
		(health_find(core->health, HEALTH_TARGET, name) &&
			config_find_provider_of(core->config, name));
}

int
pick_report(struct core *core, const struct pick_report *report, enum circuit_state *state)
{
	struct lease *lease =
		report->lease ? lease_find(&core->leases, report->lease, report->uid) : NULL;
	struct health_change change;

	if (report->lease ? !lease : !is_target(core, report->target))
		return LLMFO_ENOT_FOUND;
	char *provider =
		x_strdup(lease ? lease->provider
			       : config_find_provider_of(core->config, report->target)->name);
	char *target = x_strdup(lease ? lease->target : report->target);
	struct health_about about = {.uid = report->uid};
	if (core->env.jitter_cooldowns)
		health_set_jitter(core->health, (int)(nrand48(core->env.seed) % 1000));
	if (lease)
		change = note_lease(core, lease, report);
	else
		change = health_note(core->health, provider, target, report->outcome,
			report->latency_ms, clock_now_ms(core->clock));
	health_report_change(core->health, &about, provider, target, change, report->outcome,
		clock_now_ms(core->clock));
	event_circuits(&core->events);
	if (report->outcome->class != OUTCOME_OK)
		core->env.health_changed(core->env.arg);
	*state = state_of(core, provider, target);
	free(provider);
	free(target);
	return 0;
}
