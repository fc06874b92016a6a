/* SPDX-License-Identifier: MIT */
/* See remember.h. */
#include "remember.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is kept ---- */

/* A snapshot in the making. */
struct taking {
	struct snapshot *snapshot;
	int64_t now_ms;
};

static int64_t
left_ms(const struct taking *taking, int64_t until_ms)
{
	return until_ms > taking->now_ms ? until_ms - taking->now_ms : 0;
}

static void
take_subject(struct health_subject *subject, void *arg)
{
	struct taking *taking = arg;
	const struct circuit *circuit = &subject->circuit;
	const struct snapshot_circuit kept = {
		.kind = subject->kind,
		.name = subject->name,
		.class = circuit->opened_by,
		.hinted = circuit->hinted,
		.failures = circuit->consecutive_failures,
		.left_ms = left_ms(taking, circuit->open_until_ms),
		.seen_left_ms = left_ms(taking, circuit->seen_until_ms),
		.cooldown_ms = circuit->cooldown_ms,
		.shared = subject->mark.there,
	};

	if (circuit->open)
		(void)snapshot_add_circuit(taking->snapshot, &kept);
	if (subject->disabled)
		(void)snapshot_add_disabled(taking->snapshot, subject->kind, subject->name);
}

static void
take_preferred(const struct health_preferred *preferred, void *arg)
{
	struct taking *taking = arg;
	const struct snapshot_preferred kept = {
		.chain = preferred->chain,
		.target = preferred->target,
		.left_ms = left_ms(taking, preferred->until_ms),
		.shared = preferred->there,
	};

	(void)snapshot_add_preferred(taking->snapshot, &kept);
}

static void
take_forced(struct health *health, const struct taking *taking)
{
	const struct health_forced *forced = health_forced(health, taking->now_ms);
	const struct health_forced *entry = health_forced_entry(health);

	if (forced)
		(void)snapshot_set_forced(taking->snapshot, forced->provider, forced->strict,
			left_ms(taking, forced->until_ms), forced->by_uid);
	snapshot_set_forced_age(
		taking->snapshot, entry->set_ms ? taking->now_ms - entry->set_ms : -1);
	taking->snapshot->forced_shared = entry->there;
}

static void
save(void *arg)
{
	struct remember *remember = arg;
	struct snapshot snapshot = {0};
	struct taking taking = {&snapshot, clock_now_ms(remember->clock)};

	health_each(remember->health, take_subject, &taking);
	health_each_preferred(remember->health, taking.now_ms, take_preferred, &taking);
	take_forced(remember->health, &taking);
	(void)snapshot_set_epoch(&snapshot, remember->epoch);
	remember->next_ms = taking.now_ms + REMEMBER_PACE_MS;
	remember->state->ops->save(remember->state, &snapshot);
}

void
remember_changed(struct remember *remember)
{
	/* not now, but in the next turn at the earliest: the change may be half done */
	if (remember->state && !clock_running(&remember->timer))
		clock_start(remember->clock, &remember->timer, remember->next_ms, save, remember);
}

static void
note(void *arg, const struct health_news *news)
{
	/* nothing has changed by what a call would like */
	if (news->kind != HEALTH_NEWS_WANTED)
		remember_changed(arg);
}

void
remember_set_epoch(struct remember *remember, const char *epoch)
{
	char *copy = x_strdup(epoch);

	free(remember->epoch);
	remember->epoch = copy;
	remember_changed(remember);
}

/* ---- what is brought back ---- */

/* Is its provider configured? Of others nothing is known any more. */
static bool
is_listed(const struct health *health, const char *name)
{
	char *provider = x_strndup(name, strcspn(name, "/"));
	const struct health_subject *subject = health_find(health, HEALTH_PROVIDER, provider);

	free(provider);
	return subject && subject->listed;
}

static void
restore_circuit(struct health *health, const struct snapshot_circuit *kept, int64_t now_ms)
{
	const struct circuit circuit = {
		.open = true,
		.hinted = kept->hinted,
		.opened_by = kept->class,
		.consecutive_failures = kept->failures,
		.open_until_ms = now_ms + kept->left_ms,
		.seen_until_ms = now_ms + kept->seen_left_ms,
		.cooldown_ms = kept->cooldown_ms,
	};

	if (!is_listed(health, kept->name))
		return;
	health_restore_circuit(health, kept->kind, kept->name, &circuit);
	struct health_subject *subject = health_find(health, kept->kind, kept->name);
	if (subject)
		subject->mark.there = kept->shared && subject->circuit.open;
}

static void
restore_preferred(struct health *health, const struct snapshot_preferred *kept, int64_t now_ms)
{
	if (!is_listed(health, kept->target))
		return;
	(void)health_heard_preferred(
		health, kept->chain, kept->target, now_ms + kept->left_ms);
	struct health_preferred *preferred = health_preferred(health, kept->chain, now_ms);
	if (preferred)
		preferred->there = kept->shared;
}

static void
restore_forced(struct health *health, const struct snapshot *found, int64_t now_ms)
{
	int64_t set_ms = now_ms - found->forced_age_ms;
	const struct health_forced forced = {
		.provider = found->forced,
		.strict = found->forced_strict,
		.until_ms = now_ms + found->forced_left_ms,
		.by_uid = found->forced_by_uid,
		/* perhaps before this clock began; 0 would mean never */
		.set_ms = found->forced_age_ms < 0 ? 0 : set_ms == 0 ? -1 : set_ms,
		.heard = true,
		.there = found->forced_shared,
	};

	if (found->forced ? is_listed(health, found->forced) : found->forced_age_ms >= 0)
		health_heard_forced(health, &forced);
}

static void
restore(struct health *health, const struct snapshot *found, int64_t now_ms)
{
	for (size_t i = 0; i < found->circuit_count; i++)
		restore_circuit(health, &found->circuits[i], now_ms);
	for (size_t i = 0; i < found->preferred_count; i++)
		restore_preferred(health, &found->preferred[i], now_ms);
	/* an administrator's word holds for what comes back into the configuration, too */
	for (size_t i = 0; i < found->disabled_count; i++)
		(void)health_disable(
			health, found->disabled[i].kind, found->disabled[i].name, true);
	restore_forced(health, found, now_ms);
}

void
remember_start(struct remember *remember, struct health *health, struct clock *clock,
	struct state *state, const struct snapshot *found)
{
	*remember = (struct remember){
		.health = health, .clock = clock, .state = state, .epoch = x_strdup(found->epoch)};
	restore(health, found, clock_now_ms(clock));
	health_watch(health, &remember->watch, note, remember);
}

void
remember_stop(struct remember *remember)
{
	if (clock_running(&remember->timer)) {
		clock_stop(remember->clock, &remember->timer);
		save(remember);
	}
	health_unwatch(&remember->watch);
	free(remember->epoch);
	remember->epoch = NULL;
	/* from now on nothing is to be kept */
	remember->state = NULL;
}
