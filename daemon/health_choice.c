/* SPDX-License-Identifier: MIT */
/* See health.h: what chains prefer, and what an administrator forced. */
#include <stdlib.h>
#include <string.h>

#include "health_inside.h"

struct health_preferred *
health_find_preferred(struct health *health, const char *chain)
{
	for (size_t i = 0; i < health->preferred_count; i++)
		if (strcmp(health->preferred[i].chain, chain) == 0)
			return &health->preferred[i];
	return NULL;
}

void
health_drop_preferred(struct health *health, struct health_preferred *entry)
{
	free(entry->chain);
	free(entry->target);
	*entry = health->preferred[--health->preferred_count];
}

struct health_preferred *
health_preferred(struct health *health, const char *chain, int64_t now_ms)
{
	struct health_preferred *entry = health_find_preferred(health, chain);

	if (!entry || now_ms < entry->until_ms)
		return entry;
	health_drop_preferred(health, entry);
	return NULL;
}

static void
say(struct health *health, enum health_news_kind kind, const char *name, bool heard)
{
	const struct health_news news = {.kind = kind, .name = name, .heard = heard};

	health_say(health, &news);
}

void
health_say_preferred(struct health *health, const char *chain, bool heard)
{
	say(health, HEALTH_NEWS_PREFERRED, chain, heard);
}

struct health_preferred *
health_make_preferred(struct health *health, const char *chain)
{
	struct health_preferred *entry = health_find_preferred(health, chain);

	if (entry)
		return entry;
	health->preferred =
		x_realloc(health->preferred, (health->preferred_count + 1) * sizeof *entry);
	entry = &health->preferred[health->preferred_count++];
	*entry = (struct health_preferred){.chain = x_strdup(chain)};
	return entry;
}

void
health_set_preferred(struct health_preferred *entry, const char *target, int64_t until_ms)
{
	char *copy = x_strdup(target);

	if (!entry->target || strcmp(entry->target, target) != 0)
		entry->told_until_ms = 0;
	free(entry->target);
	entry->target = copy;
	entry->until_ms = until_ms;
}

bool
health_prefer(struct health *health, const char *chain, const char *target, int64_t now_ms)
{
	struct health_preferred *entry = health_find_preferred(health, chain);
	int64_t until_ms = util_add_clamped(now_ms, health->policy.preferred_ttl_ms);

	if (!health->policy.preferred || health->policy.preferred_ttl_ms <= 0)
		return false;
	bool known = entry && strcmp(entry->target, target) == 0;
	if (!entry)
		entry = health_make_preferred(health, chain);
	health_set_preferred(entry, target, until_ms);
	entry->heard = false;
	health_say_preferred(health, chain, false);
	return !known;
}

bool
health_unprefer(struct health *health, const char *chain)
{
	struct health_preferred *entry = health_find_preferred(health, chain);

	if (!entry)
		return false;
	health_drop_preferred(health, entry);
	health_say_preferred(health, chain, false);
	return true;
}

int
health_unprefer_all(struct health *health)
{
	int count = (int)health->preferred_count;

	while (health->preferred_count > 0) {
		char *chain = x_strdup(health->preferred[0].chain);

		(void)health_unprefer(health, chain);
		free(chain);
	}
	return count;
}

void
health_forget_preferred(struct health *health)
{
	while (health->preferred_count > 0)
		health_drop_preferred(health, &health->preferred[0]);
}

void
health_forget_choices(struct health *health)
{
	health_forget_preferred(health);
	free(health->preferred);
	free(health->forced.provider);
}

void
health_each_preferred(struct health *health, int64_t now_ms,
	void (*visit)(const struct health_preferred *preferred, void *arg), void *arg)
{
	for (size_t i = health->preferred_count; i-- > 0;) {
		if (now_ms >= health->preferred[i].until_ms)
			health_drop_preferred(health, &health->preferred[i]);
		else
			visit(&health->preferred[i], arg);
	}
}

/* Whoever heard of an entry did not see what failed: it takes the entry's beginning for that, until
 * it knows better. */
static int64_t
failed_ms(const struct health *health, const struct health_preferred *entry,
	const struct health_subject *target)
{
	int64_t seen_ms = target ? target->last_failure_ms : 0;

	if (!entry || !entry->heard)
		return seen_ms;
	int64_t made_ms = entry->until_ms - health->policy.preferred_ttl_ms;
	bool knows = seen_ms > made_ms || (target && target->answered_ms > made_ms);
	return knows ? seen_ms : made_ms;
}

bool
health_passed_over(const struct health *health, const struct health_preferred *entry,
	const struct health_subject *target, int64_t now_ms, int64_t *remaining_ms)
{
	int64_t from_ms = failed_ms(health, entry, target);
	int64_t until_ms = util_add_clamped(from_ms, health->policy.circuit.cooldown_ms);
	bool well = target && target->checked_well_ms > from_ms;
	bool passed_over = from_ms > 0 && !well && now_ms < until_ms;

	if (remaining_ms)
		*remaining_ms = passed_over ? until_ms - now_ms : 0;
	return passed_over;
}

const struct health_forced *
health_forced(struct health *health, int64_t now_ms)
{
	struct health_forced *forced = &health->forced;

	if (forced->provider && now_ms >= forced->until_ms) {
		free(forced->provider);
		forced->provider = NULL;
	}
	return forced->provider ? forced : NULL;
}

struct health_forced *
health_forced_entry(struct health *health)
{
	return &health->forced;
}

void
health_set_forced(struct health *health, const struct health_forced *forced, bool heard)
{
	char *copy = x_strdup(forced->provider);

	free(health->forced.provider);
	health->forced = *forced;
	health->forced.provider = copy;
	say(health, HEALTH_NEWS_FORCED, copy, heard);
}

void
health_force(struct health *health, const char *provider, bool strict, int64_t until_ms,
	uint32_t by_uid, int64_t now_ms)
{
	const struct health_forced forced = {
		.provider = (char *)(uintptr_t)provider,
		.strict = strict,
		.until_ms = until_ms,
		.by_uid = by_uid,
		.set_ms = now_ms,
	};

	health_set_forced(health, &forced, false);
}
