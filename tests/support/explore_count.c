/* SPDX-License-Identifier: MIT */
/* The explorer's own bookkeeping of what every provider and target has come to. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "explore_state.h"

struct explore_count *
explore_counts(struct explore *explore, enum health_kind kind, const char *name)
{
	for (size_t i = 0; i < explore->count_count; i++)
		if (explore->counts[i].kind == kind && strcmp(explore->counts[i].name, name) == 0)
			return &explore->counts[i];
	assert(explore->count_count < UTIL_COUNT(explore->counts));
	struct explore_count *count = &explore->counts[explore->count_count++];
	count->kind = kind;
	(void)snprintf(count->name, sizeof count->name, "%s", name);
	return count;
}

static void
count_at(struct explore *explore, enum health_kind kind, const char *name,
	const struct outcome *outcome)
{
	struct explore_count *count = explore_counts(explore, kind, name);

	if (outcome->class == OUTCOME_OK)
		count->successes++;
	else if (outcome_rule(outcome->class)->scope != OUTCOME_SCOPE_NOTHING)
		count->failures++;
	if (outcome->class == OUTCOME_OK && !outcome->reported)
		count->answers++;
}

void
explore_count(struct explore *explore, const char *target, const struct outcome *outcome)
{
	char provider[32];

	(void)snprintf(provider, sizeof provider, "%.*s", (int)strcspn(target, "/"), target);
	count_at(explore, HEALTH_PROVIDER, provider, outcome);
	count_at(explore, HEALTH_TARGET, target, outcome);
}

static struct explore_candidate *
find_candidate(struct explore_call *call, const char *name)
{
	for (size_t i = 0; i < call->candidate_count; i++)
		if (strcmp(call->candidates[i].name, name) == 0)
			return &call->candidates[i];
	return NULL;
}

/* Is there no use in asking the same target again, whatever the daemon's patience? */
static bool
lasts(const struct outcome *outcome)
{
	return outcome_rule(outcome->class)->repeat == OUTCOME_REPEAT_NEVER;
}

/* The request of the number-th attempt of a call at a candidate. */
static const struct explore_request *
request_of(const struct explore_call *call, const struct explore_candidate *candidate, int number)
{
	const struct explore *explore = call->explore;

	for (size_t i = 0; i < explore->request_count; i++) {
		const struct explore_request *request = &explore->requests[i];

		if (request->call == call->number && !request->fresh &&
			&call->candidates[request->candidate] == candidate && number-- == 0)
			return request;
	}
	return NULL;
}

/* Did it lose a race, or not take what was told for its own beginning? It may be asked again. */
static bool
is_unjudged(const struct explore_call *call, const struct explore_candidate *candidate,
	const struct outcome *outcome)
{
	const struct explore_request *request = request_of(call, candidate, candidate->ended);

	return outcome->class == OUTCOME_CANCELLED ||
		(outcome->class == OUTCOME_BAD_REQUEST && request && request->continues);
}

void
explore_count_attempts(struct explore_call *call, const struct call_attempt *attempts, size_t count)
{
	for (; call->counted < count; call->counted++) {
		const struct call_attempt *attempt = &attempts[call->counted];
		struct explore_candidate *candidate = find_candidate(call, attempt->target);

		explore_say(call->explore, "call %zu: %s at %s", call->number,
			outcome_text(attempt->outcome.class), attempt->target);
		explore_count(call->explore, attempt->target, &attempt->outcome);
		if (!candidate)
			continue;
		candidate->last = attempt->outcome.class;
		candidate->limited |= attempt->outcome.class == OUTCOME_RATE_LIMITED;
		candidate->judged = !is_unjudged(call, candidate, &attempt->outcome);
		candidate->ended++;
		if (candidate->judged)
			candidate->lasts |= lasts(&attempt->outcome);
		else
			candidate->unjudged++;
	}
}

static bool
concerns(const struct explore_count *count, const char *name)
{
	size_t length = strlen(name);

	return strcmp(count->name, name) == 0 ||
		(strncmp(count->name, name, length) == 0 && count->name[length] == '/');
}

/* Calls that have paid for a repeat already make it later, and give no more for it. */
static int64_t
paid_already(const struct explore *explore)
{
	int64_t running = 0;

	for (size_t i = 0; i < explore->call_count; i++)
		running += explore->calls[i]->row->call != NULL;
	return running * EXPLORE_CANDIDATES;
}

void
explore_count_reset(struct explore *explore, const char *name)
{
	for (size_t i = 0; i < explore->count_count; i++) {
		struct explore_count *count = &explore->counts[i];

		if (name && !concerns(count, name))
			continue;
		count->successes = count->failures = count->answers = 0;
		count->repeats = -paid_already(explore);
	}
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

void
explore_count_reloaded(
	struct explore *explore, const struct config *before, const struct config *now)
{
	for (size_t i = 0; i < now->provider_count; i++) {
		const struct config_provider *new = now->providers[i];
		const struct config_provider *old = config_find_provider(before, new->name);

		if (!old || old->endpoint.preset != new->endpoint.preset ||
			!same_text(old->base_url, new->base_url) || !same_text(old->key, new->key))
			explore_count_reset(explore, new->name);
	}
}
