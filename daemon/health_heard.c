/* SPDX-License-Identifier: MIT */
/*
 * See health.h: what comes from elsewhere, another host or the time before a restart. It is
 * believed less than what this host sees itself: a circuit opened by it keeps nobody from the last
 * usable target of a chain.
 */
#include <stdio.h>
#include <string.h>

#include "health_inside.h"

bool
health_heard_open(struct health *health, enum health_kind kind, const char *name,
	const struct circuit_word *word, const char *by, int64_t now_ms)
{
	if (!health->policy.tracking)
		return false;
	struct health_subject *subject = health_subject(health, kind, name);
	if (!circuit_heard_open(&subject->circuit, word, now_ms))
		return false;
	if (circuit_is_hearsay(&subject->circuit, now_ms)) {
		subject->last_error = (struct health_error){.class = word->class, .at_ms = now_ms};
		(void)snprintf(subject->last_error.message, sizeof subject->last_error.message,
			"told by %s", by);
	}
	health_say_circuit(health, subject, true);
	return true;
}

bool
health_heard_closed(struct health *health, enum health_kind kind, const char *name, int64_t now_ms)
{
	struct health_subject *subject = health_find(health, kind, name);

	if (!subject || !subject->circuit.open)
		return false;
	circuit_reset(&subject->circuit);
	/* it answered somebody: as good as a check of our own */
	subject->checked_well_ms = now_ms > 0 ? now_ms : 1;
	health_say_circuit(health, subject, true);
	return true;
}

bool
health_heard_preferred(
	struct health *health, const char *chain, const char *target, int64_t until_ms)
{
	struct health_preferred *entry = health_find_preferred(health, chain);

	if (!health->policy.preferred)
		return false;
	if (!target) {
		if (entry)
			health_drop_preferred(health, entry);
		if (entry)
			health_say_preferred(health, chain, true);
		return entry != NULL;
	}
	bool known = entry && strcmp(entry->target, target) == 0;
	bool changed = !known || entry->until_ms != until_ms;
	if (!entry)
		entry = health_make_preferred(health, chain);
	health_set_preferred(entry, target, until_ms);
	entry->heard |= !known;
	if (changed)
		health_say_preferred(health, chain, true);
	return !known;
}

void
health_heard_forced(struct health *health, const struct health_forced *forced)
{
	health_set_forced(health, forced, true);
}

void
health_restore_circuit(struct health *health, enum health_kind kind, const char *name,
	const struct circuit *circuit)
{
	struct health_subject *subject = health_subject(health, kind, name);

	if (!health->policy.tracking)
		return;
	subject->circuit = *circuit;
	health_say_circuit(health, subject, true);
}
