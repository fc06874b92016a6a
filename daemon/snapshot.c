/* SPDX-License-Identifier: MIT */
/* See snapshot.h. */
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static int64_t
clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static int64_t
bounded_ms(int64_t ms)
{
	return clamp(ms, 0, SNAPSHOT_TIME_MAX_MS);
}

static bool
is_name(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	return length > 0 && length <= SNAPSHOT_NAME_MAX_BYTES && utf8_valid(name, length);
}

static bool
is_subject(enum health_kind kind, const char *name)
{
	return is_name(name) && (kind != HEALTH_TARGET || strchr(name, '/'));
}

/* Room for one more behind count entries. */
static void *
grown(void *list, size_t count, size_t bytes)
{
	if ((count & (count - 1)) != 0)
		return list;
	return x_realloc(list, (count ? 2 * count : 1) * bytes);
}

bool
snapshot_add_circuit(struct snapshot *snapshot, const struct snapshot_circuit *circuit)
{
	struct snapshot_circuit copy = *circuit;

	if (!is_subject(circuit->kind, circuit->name) || circuit->class == OUTCOME_OK ||
		snapshot->circuit_count == SNAPSHOT_ROWS_MAX)
		return false;
	copy.name = x_strdup(circuit->name);
	copy.failures = circuit->failures < 0 ? 0 : circuit->failures;
	copy.left_ms = bounded_ms(circuit->left_ms);
	copy.seen_left_ms = clamp(circuit->seen_left_ms, 0, copy.left_ms);
	copy.cooldown_ms = bounded_ms(circuit->cooldown_ms);
	snapshot->circuits = grown(snapshot->circuits, snapshot->circuit_count, sizeof copy);
	snapshot->circuits[snapshot->circuit_count++] = copy;
	return true;
}

bool
snapshot_add_preferred(struct snapshot *snapshot, const struct snapshot_preferred *preferred)
{
	struct snapshot_preferred copy = *preferred;

	if (!is_name(preferred->chain) || !is_subject(HEALTH_TARGET, preferred->target) ||
		snapshot->preferred_count == SNAPSHOT_ROWS_MAX)
		return false;
	copy.chain = x_strdup(preferred->chain);
	copy.target = x_strdup(preferred->target);
	copy.left_ms = bounded_ms(preferred->left_ms);
	snapshot->preferred = grown(snapshot->preferred, snapshot->preferred_count, sizeof copy);
	snapshot->preferred[snapshot->preferred_count++] = copy;
	return true;
}

bool
snapshot_add_disabled(struct snapshot *snapshot, enum health_kind kind, const char *name)
{
	if (!is_subject(kind, name) || snapshot->disabled_count == SNAPSHOT_ROWS_MAX)
		return false;
	snapshot->disabled = grown(
		snapshot->disabled, snapshot->disabled_count, sizeof snapshot->disabled[0]);
	snapshot->disabled[snapshot->disabled_count++] =
		(struct snapshot_disabled){kind, x_strdup(name)};
	return true;
}

bool
snapshot_set_forced(struct snapshot *snapshot, const char *provider, bool strict, int64_t left_ms,
	uint32_t by_uid)
{
	if (provider && !is_name(provider))
		return false;
	free(snapshot->forced);
	snapshot->forced = x_strdup(provider);
	snapshot->forced_strict = provider && strict;
	snapshot->forced_left_ms = provider ? bounded_ms(left_ms) : 0;
	snapshot->forced_by_uid = provider ? by_uid : 0;
	return true;
}

void
snapshot_set_forced_age(struct snapshot *snapshot, int64_t age_ms)
{
	snapshot->forced_age_ms = clamp(age_ms, -1, SNAPSHOT_TIME_MAX_MS);
}

bool
snapshot_set_epoch(struct snapshot *snapshot, const char *epoch)
{
	if (epoch && !is_name(epoch))
		return false;
	free(snapshot->epoch);
	snapshot->epoch = x_strdup(epoch);
	return true;
}

static void
free_preferred(struct snapshot_preferred *preferred)
{
	free(preferred->chain);
	free(preferred->target);
}

void
snapshot_free(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->circuit_count; i++)
		free(snapshot->circuits[i].name);
	for (size_t i = 0; i < snapshot->preferred_count; i++)
		free_preferred(&snapshot->preferred[i]);
	for (size_t i = 0; i < snapshot->disabled_count; i++)
		free(snapshot->disabled[i].name);
	free(snapshot->circuits);
	free(snapshot->preferred);
	free(snapshot->disabled);
	free(snapshot->forced);
	free(snapshot->epoch);
	*snapshot = (struct snapshot){0};
}

void
snapshot_age(struct snapshot *snapshot, int64_t ms)
{
	int64_t gone_ms = bounded_ms(ms);
	size_t kept = 0;

	for (size_t i = 0; i < snapshot->circuit_count; i++) {
		struct snapshot_circuit *circuit = &snapshot->circuits[i];

		circuit->left_ms = bounded_ms(circuit->left_ms - gone_ms);
		circuit->seen_left_ms = bounded_ms(circuit->seen_left_ms - gone_ms);
	}
	for (size_t i = 0; i < snapshot->preferred_count; i++) {
		struct snapshot_preferred *preferred = &snapshot->preferred[i];

		preferred->left_ms -= gone_ms;
		if (preferred->left_ms > 0)
			snapshot->preferred[kept++] = *preferred;
		else
			free_preferred(preferred);
	}
	snapshot->preferred_count = kept;
	snapshot->forced_left_ms -= gone_ms;
	if (snapshot->forced_left_ms <= 0)
		(void)snapshot_set_forced(snapshot, NULL, false, 0, 0);
	if (snapshot->forced_age_ms >= 0)
		snapshot_set_forced_age(snapshot, snapshot->forced_age_ms + gone_ms);
}

int64_t
snapshot_gone_ms(int64_t saved_boot_ms, int64_t now_boot_ms)
{
	int64_t saved_ms = saved_boot_ms > 0 ? saved_boot_ms : 0;
	int64_t now_ms = now_boot_ms > 0 ? now_boot_ms : 0;

	return now_ms >= saved_ms ? now_ms - saved_ms : now_ms;
}
