/* SPDX-License-Identifier: MIT */
/*
 * Several hosts on one fake clock that share one fake place: the health of each and what shares it,
 * without calls. A host's "call" is the question whether its circuits let one through, and its end.
 */
#ifndef LLMFO_FLEET_H
#define LLMFO_FLEET_H

#include "event.h"
#include "fake_store.h"
#include "share.h"

#define FLEET_MAX 5
#define FLEET_DELAY_MS 2

struct fleet_host {
	struct fleet *fleet;
	char name[32];
	struct health *health;
	struct events events;
	struct share *share;
	struct fake_store store;
	size_t changes; /* how often share said that circuits changed */
};

struct fleet {
	struct fake_clock clock;
	struct fake_place place;
	struct config *config;
	struct fleet_host hosts[FLEET_MAX];
	size_t count;
};

/* With a configuration in YAML, every host joined. */
struct fleet *fleet_new(size_t count, const char *yaml);
/* Checks that nothing is left. */
void fleet_free(struct fleet *fleet);
void fleet_after(struct fleet *fleet, int64_t ms);
int64_t fleet_now_ms(const struct fleet *fleet);

/* A host forgets everything, as a restart without a state file does, and joins again. */
void fleet_restart(struct fleet *fleet, size_t host);

/* Does its circuit let a call of that target through? If it is a probe's turn and not this host's,
 * it asks for it, as a call does. */
bool fleet_admits(struct fleet *fleet, size_t host, const char *target);
struct health_ticket fleet_begin(struct fleet *fleet, size_t host, const char *target);
void fleet_end(struct fleet *fleet, size_t host, const char *target, struct health_ticket ticket,
	enum outcome_class class);
/* Begins and ends at once; a rate limit names `wait_ms` (0: none). */
void fleet_call(struct fleet *fleet, size_t host, const char *target, enum outcome_class class,
	int64_t wait_ms);

enum circuit_state fleet_state(struct fleet *fleet, size_t host, const char *name);
int64_t fleet_left_ms(struct fleet *fleet, size_t host, const char *name);
/* "" for nothing. */
const char *fleet_preferred(struct fleet *fleet, size_t host, const char *chain);
const char *fleet_forced(struct fleet *fleet, size_t host);
void fleet_force(struct fleet *fleet, size_t host, const char *provider, int64_t for_ms);

#endif
