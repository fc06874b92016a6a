/* SPDX-License-Identifier: MIT */
/* What the files of health (health.c, health_choice.c, health_heard.c) have in common. */
#ifndef LLMFO_HEALTH_INSIDE_H
#define LLMFO_HEALTH_INSIDE_H

#include "health.h"

struct health {
	struct health_policy policy;
	void *trees[2];  /* by enum health_kind: of struct health_subject, owned */
	size_t unlisted; /* targets in the tree that are not listed */
	uint64_t used;
	struct health_preferred *preferred; /* owned */
	size_t preferred_count;
	struct health_forced forced;
	struct list watches; /* of struct health_watch */
};

void health_say(struct health *health, const struct health_news *news);
void health_say_circuit(struct health *health, struct health_subject *subject, bool heard);
void health_say_preferred(struct health *health, const char *chain, bool heard);
/* The entry of a chain, run out or not; NULL. */
struct health_preferred *health_find_preferred(struct health *health, const char *chain);
/* Made if it is not there yet. */
struct health_preferred *health_make_preferred(struct health *health, const char *chain);
void health_set_preferred(struct health_preferred *entry, const char *target, int64_t until_ms);
void health_drop_preferred(struct health *health, struct health_preferred *entry);
/* All entries, without a word. */
void health_forget_preferred(struct health *health);
/* Takes a copy. */
void health_set_forced(struct health *health, const struct health_forced *forced, bool heard);
/* Entries and what is forced, and their memory. */
void health_forget_choices(struct health *health);

#endif
