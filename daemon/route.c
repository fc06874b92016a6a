/* SPDX-License-Identifier: MIT */
/* See route.h. */
#include "route_view.h"

#include <stdlib.h>
#include <string.h>

static bool
kept_out(struct route_candidate *candidate, enum route_out out, int64_t for_ms)
{
	candidate->out = out;
	candidate->out_for_ms = for_ms;
	return true;
}

/* Sets out if this circuit keeps the candidate out. */
static bool
circuit_keeps_out(struct route_candidate *candidate, const struct health_subject *subject,
	enum route_out open, int64_t now_ms)
{
	if (!subject || circuit_admits(&subject->circuit, now_ms))
		return false;
	if (circuit_state(&subject->circuit, now_ms) == CIRCUIT_HALF_OPEN)
		return kept_out(candidate, ROUTE_PROBING, 0);
	return kept_out(candidate, open, circuit_remaining_ms(&subject->circuit, now_ms));
}

/* Either circuit, the one that does so for longer. */
static bool
circuits_keep_out(struct route_candidate *candidate, const struct health_subject *of_provider,
	const struct health_subject *of_target, int64_t now_ms)
{
	bool by_provider = circuit_keeps_out(candidate, of_provider, ROUTE_PROVIDER_OPEN, now_ms);
	struct route_candidate before = *candidate;
	bool by_target = circuit_keeps_out(candidate, of_target, ROUTE_TARGET_OPEN, now_ms);

	if (by_provider && before.out_for_ms >= candidate->out_for_ms)
		*candidate = before;
	return by_provider || by_target;
}

static bool
has_room(const struct config_provider *provider, const struct health_subject *of_provider)
{
	return provider->max_concurrency == 0 || !of_provider ||
		of_provider->in_flight < provider->max_concurrency;
}

/* Sets out, out_for_ms and state by what is known of the two. */
static enum route_out
admit(struct route_candidate *candidate, const struct health_subject *of_provider,
	const struct health_subject *of_target, int64_t now_ms)
{
	const struct config_provider *provider = candidate->target->provider;
	int64_t used_up_ms = of_target ? quota_used_up_ms(&of_target->quota, now_ms) : 0;

	candidate->out = ROUTE_IN;
	candidate->out_for_ms = 0;
	candidate->state = route_state_text(provider, of_target, now_ms);
	if (!provider->configured)
		(void)kept_out(candidate, ROUTE_NOT_CONFIGURED, 0);
	else if ((of_provider && of_provider->disabled) || (of_target && of_target->disabled))
		(void)kept_out(candidate, ROUTE_DISABLED, 0);
	else if (candidate->lacks)
		(void)kept_out(candidate, ROUTE_LACKS, 0);
	else if (candidate->bar != ROUTE_IN)
		(void)kept_out(candidate, candidate->bar, candidate->bar_ms);
	else if (!candidate->forced && circuits_keep_out(candidate, of_provider, of_target, now_ms))
		return candidate->out;
	else if (!candidate->forced && used_up_ms > 0)
		(void)kept_out(candidate, ROUTE_USED_UP, used_up_ms);
	else if (!has_room(provider, of_provider))
		(void)kept_out(candidate, ROUTE_BUSY, 0);
	if (candidate->out == ROUTE_DISABLED)
		candidate->state = "disabled";
	return candidate->out;
}

enum route_out
route_admit(struct route_candidate *candidate, struct health *health, int64_t now_ms)
{
	const struct config_target *target = candidate->target;
	enum route_out out =
		admit(candidate, health_find(health, HEALTH_PROVIDER, target->provider->name),
			health_find(health, HEALTH_TARGET, target->name), now_ms);

	if (out == ROUTE_PROBING)
		health_want_probe(health, target->provider->name, target->name, now_ms);
	return out;
}

/* One digit a rule, the weightier first; within the same number the chain's own order decides. */
static int
group_of(const struct route_candidate *candidate)
{
	int group = 2;

	if (candidate->passed_over)
		group = 4;
	else if (candidate->low)
		group = 3;
	else if (candidate->preferred)
		group = 1;
	else if (candidate->better)
		group = 0;
	return (candidate->forced ? 0 : 100) + (candidate->wished ? 0 : 10) + group;
}

static int
by_group(const void *a, const void *b)
{
	const struct route_candidate *left = a, *right = b;
	int difference = group_of(left) - group_of(right);

	if (difference != 0)
		return difference;
	return left->place < right->place ? -1 : left->place > right->place;
}

/* The place of the chain's preferred target among the candidates, or count if there is none. */
static size_t
preferred_place(const struct route *route, struct health *health, const struct route_want *want,
	struct health_preferred **entry, int64_t now_ms)
{
	*entry = want->remembers ? health_preferred(health, want->chain->memory, now_ms) : NULL;
	for (size_t i = 0; *entry && i < route->count; i++)
		if (strcmp(route->candidates[i].target->name, (*entry)->target) == 0)
			return i;
	*entry = NULL;
	return route->count;
}

/*
 * Marks what the chain's memory says: the preferred one, and of those placed before it which are
 * passed over. One call at a time tries one that has served its wait.
 */
static void
apply_preferred(
	struct route *route, struct health *health, const struct route_want *want, int64_t now_ms)
{
	struct health_preferred *entry;
	size_t place = preferred_place(route, health, want, &entry, now_ms);

	if (!entry)
		return;
	route->candidates[place].preferred = true;
	for (size_t i = 0; i < place; i++) {
		struct route_candidate *candidate = &route->candidates[i];
		const struct health_subject *subject =
			health_find(health, HEALTH_TARGET, candidate->target->name);
		bool taken = entry->tried_by != 0 && entry->tried_by != want->call;

		candidate->better = true;
		candidate->passed_over = taken ||
			health_passed_over(health, entry, subject, now_ms, &candidate->rest_ms);
	}
}

static void
apply_forced(
	struct route *route, struct health *health, const struct route_want *want, int64_t now_ms)
{
	const struct health_forced *forced = health_forced(health, now_ms);
	bool any = false;

	/* a call that named another provider is not moved */
	if (!forced || (want->provider && strcmp(want->provider, forced->provider) != 0))
		return;
	for (size_t i = 0; i < route->count; i++) {
		const struct config_provider *provider = route->candidates[i].target->provider;
		const char *name = provider->derived_from ? provider->derived_from : provider->name;

		route->candidates[i].forced = strcmp(name, forced->provider) == 0 ||
			strcmp(provider->name, forced->provider) == 0;
		any |= route->candidates[i].forced;
	}
	for (size_t i = 0; forced->strict && i < route->count; i++)
		if (!route->candidates[i].forced)
			route->candidates[i].out = ROUTE_NOT_FORCED;
	route->strict_miss = forced->strict && !any;
}

bool
route_unsuited(enum route_out out)
{
	return out >= ROUTE_LACKS && out <= ROUTE_TOO_SLOW;
}

bool
route_takes_more(const struct route_candidate *candidate, const struct route_candidate *than)
{
	const struct model_facts *facts = &candidate->target->facts;
	const struct model_facts *others = &than->target->facts;

	/* the same model has the same context everywhere */
	if (strcmp(candidate->target->model, than->target->model) == 0)
		return false;
	return !(facts->known & others->known & MODEL_CONTEXT) ||
		facts->context_tokens > others->context_tokens;
}

bool
route_is_there(const struct route_candidate *candidate)
{
	switch (candidate->out) {
	case ROUTE_NOT_CONFIGURED:
	case ROUTE_DISABLED:
	case ROUTE_NOT_FORCED: return false;
	default: return !route_unsuited(candidate->out);
	}
}

/* Without failover only the first candidate that is there at all may be used; those that come there
 * later (an administrator enables them) may not either. */
static void
keep_first_alone(struct route *route)
{
	const struct route_candidate *first = NULL;

	for (size_t i = 0; i < route->count && !first; i++)
		if (route_is_there(&route->candidates[i]))
			first = &route->candidates[i];
	for (size_t i = 0; i < route->count && first; i++) {
		struct route_candidate *candidate = &route->candidates[i];

		if (candidate == first)
			continue;
		if (candidate->bar == ROUTE_IN)
			candidate->bar = ROUTE_NOT_FIRST;
		if (route_is_there(candidate))
			(void)kept_out(candidate, ROUTE_NOT_FIRST, 0);
	}
}

void
route_order(
	struct route *route, struct health *health, const struct route_want *want, int64_t now_ms)
{
	*route = (struct route){.count = 0};
	route_view(route, health, want, now_ms);
	apply_forced(route, health, want, now_ms);
	if (want->fallback)
		apply_preferred(route, health, want, now_ms);
	for (size_t i = 0; i < route->count; i++) {
		struct route_candidate *candidate = &route->candidates[i];

		candidate->state =
			route_state_text(candidate->target->provider, candidate->of_target, now_ms);
		if (candidate->out != ROUTE_NOT_FORCED)
			(void)admit(
				candidate, candidate->of_provider, candidate->of_target, now_ms);
		/* neither has to be there any longer when this returns */
		candidate->of_provider = candidate->of_target = NULL;
	}
	qsort(route->candidates, route->count, sizeof route->candidates[0], by_group);
	if (!want->fallback)
		keep_first_alone(route);
}

void
route_free(struct route *route)
{
	free(route->candidates);
	*route = (struct route){0};
}

/* Is a probe out already, and may there be an early one? */
static bool
early_probe_state(const struct route_candidate *candidate, struct health *health, bool *probing)
{
	const struct config_target *target = candidate->target;
	const struct health_subject *subjects[] = {
		health_find(health, HEALTH_PROVIDER, target->provider->name),
		health_find(health, HEALTH_TARGET, target->name),
	};
	bool admits = has_room(target->provider, subjects[0]);

	*probing = false;
	for (size_t i = 0; i < UTIL_COUNT(subjects); i++) {
		if (!subjects[i])
			continue;
		*probing |= subjects[i]->circuit.probing != 0;
		admits &= circuit_admits_early(&subjects[i]->circuit);
	}
	return admits;
}

struct route_candidate *
route_early_probe(const struct route *route, struct health *health, int64_t now_ms)
{
	struct route_candidate *soonest = NULL;

	for (size_t i = 0; i < route->count; i++) {
		struct route_candidate *candidate = &route->candidates[i];
		bool probing;

		if (candidate->out == ROUTE_NOT_FORCED || candidate->out == ROUTE_NOT_FIRST)
			continue;
		enum route_out out = route_admit(candidate, health, now_ms);
		if (!route_is_there(candidate) || out == ROUTE_NOT_FIRST)
			continue;
		bool admits = early_probe_state(candidate, health, &probing);
		if (out == ROUTE_USED_UP)
			continue;
		if (probing || (out != ROUTE_PROVIDER_OPEN && out != ROUTE_TARGET_OPEN))
			return NULL;
		if (admits && (!soonest || candidate->out_for_ms < soonest->out_for_ms))
			soonest = candidate;
	}
	return soonest;
}

static bool
by_hearsay(const struct health_subject *subject, int64_t now_ms)
{
	return !subject || circuit_admits(&subject->circuit, now_ms) ||
		circuit_is_hearsay(&subject->circuit, now_ms);
}

bool
route_out_by_hearsay(const struct route_candidate *candidate, struct health *health, int64_t now_ms)
{
	const struct config_provider *provider = candidate->target->provider;
	const struct health_subject *of_provider =
		health_find(health, HEALTH_PROVIDER, provider->name);
	const struct health_subject *of_target =
		health_find(health, HEALTH_TARGET, candidate->target->name);

	if (candidate->out != ROUTE_PROVIDER_OPEN && candidate->out != ROUTE_TARGET_OPEN &&
		candidate->out != ROUTE_PROBING)
		return false;
	if (!has_room(provider, of_provider))
		return false;
	return by_hearsay(of_provider, now_ms) && by_hearsay(of_target, now_ms);
}

struct route_candidate *
route_last_resort(const struct route *route, struct health *health, int64_t now_ms)
{
	for (size_t i = 0; i < route->count; i++)
		if (route_out_by_hearsay(&route->candidates[i], health, now_ms)) {
			route->candidates[i].hearsay = true;
			return &route->candidates[i];
		}
	return NULL;
}
