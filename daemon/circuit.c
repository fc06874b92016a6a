/* SPDX-License-Identifier: MIT */
/* See circuit.h. */
#include "circuit.h"

enum circuit_state
circuit_state(const struct circuit *circuit, int64_t now_ms)
{
	if (!circuit->open)
		return CIRCUIT_CLOSED;
	return now_ms < circuit->open_until_ms ? CIRCUIT_OPEN : CIRCUIT_HALF_OPEN;
}

const char *
circuit_state_text(enum circuit_state state)
{
	static const char *const texts[] = {
		[CIRCUIT_CLOSED] = "closed",
		[CIRCUIT_OPEN] = "open",
		[CIRCUIT_HALF_OPEN] = "half_open",
	};

	return texts[state];
}

int64_t
circuit_remaining_ms(const struct circuit *circuit, int64_t now_ms)
{
	return circuit_state(circuit, now_ms) == CIRCUIT_OPEN ? circuit->open_until_ms - now_ms : 0;
}

bool
circuit_admits(const struct circuit *circuit, int64_t now_ms)
{
	switch (circuit_state(circuit, now_ms)) {
	case CIRCUIT_CLOSED: return true;
	case CIRCUIT_HALF_OPEN:
		return !circuit->probing && (circuit->leave || !circuit->by_leave);
	case CIRCUIT_OPEN: break;
	}
	return false;
}

bool
circuit_wants_leave(const struct circuit *circuit, int64_t now_ms)
{
	return circuit_state(circuit, now_ms) == CIRCUIT_HALF_OPEN && !circuit->probing &&
		circuit->by_leave && !circuit->leave;
}

bool
circuit_is_hearsay(const struct circuit *circuit, int64_t now_ms)
{
	return circuit->open && circuit->open_until_ms > circuit->seen_until_ms &&
		now_ms >= circuit->seen_until_ms;
}

bool
circuit_heard_open(struct circuit *circuit, const struct circuit_word *word, int64_t now_ms)
{
	int64_t until_ms = util_add_clamped(now_ms, word->left_ms);

	if (word->left_ms <= 0 || (circuit->open && circuit->open_until_ms >= until_ms))
		return false;
	/* what it saw itself goes on saying why */
	if (!circuit->open || now_ms >= circuit->seen_until_ms) {
		circuit->opened_by = word->class;
		circuit->hinted = word->hinted;
	}
	circuit->open = true;
	circuit->leave = false;
	circuit->open_until_ms = until_ms;
	return true;
}

bool
circuit_admits_early(const struct circuit *circuit)
{
	if (!circuit->open)
		return true;
	return !circuit->probing && !circuit->hinted &&
		outcome_rule(circuit->opened_by)->opens != OUTCOME_OPENS_AT_ONCE;
}

bool
circuit_checkable(const struct circuit *circuit, int64_t now_ms)
{
	return circuit_state(circuit, now_ms) == CIRCUIT_OPEN && !circuit->hinted &&
		outcome_rule(circuit->opened_by)->early;
}

void
circuit_check_passed(struct circuit *circuit, int64_t now_ms)
{
	if (circuit_checkable(circuit, now_ms))
		circuit->open_until_ms = now_ms;
}

uint64_t
circuit_enter(struct circuit *circuit, int64_t now_ms)
{
	if (!circuit->open || circuit->probing)
		return 0;
	circuit->untimely = circuit_state(circuit, now_ms) == CIRCUIT_OPEN;
	circuit->probing = ++circuit->probes;
	return circuit->probing;
}

void
circuit_release(struct circuit *circuit, uint64_t probe)
{
	if (circuit->probing == probe)
		circuit->probing = 0;
}

void
circuit_reset(struct circuit *circuit)
{
	*circuit = (struct circuit){.probes = circuit->probes};
}

/* How long to stay open for a failure without a wait of the provider's own. */
static int64_t
next_cooldown_ms(const struct circuit *circuit, const struct circuit_policy *policy, bool probe)
{
	int64_t cooldown_ms = policy->cooldown_ms;

	if (probe && !circuit->untimely && circuit->cooldown_ms > 0 &&
		policy->cooldown_max_ms > policy->cooldown_ms) {
		cooldown_ms = util_add_clamped(circuit->cooldown_ms, circuit->cooldown_ms);
		if (cooldown_ms > policy->cooldown_max_ms)
			cooldown_ms = policy->cooldown_max_ms;
	}
	return cooldown_ms;
}

/* A rate limit opens for the wait that it named; anything else for the cooldown or the wait,
 * whichever ends later. False if it is open for longer already. mine: as for circuit_note(). */
static bool
open_circuit(struct circuit *circuit, const struct circuit_policy *policy,
	const struct outcome *outcome, bool mine, bool probe, int64_t now_ms)
{
	int64_t wait_ms = outcome->retry_after_ms > CIRCUIT_WAIT_MAX_MS ? CIRCUIT_WAIT_MAX_MS
									: outcome->retry_after_ms;
	int64_t cooldown_ms = next_cooldown_ms(circuit, policy, probe);
	int64_t open_ms = cooldown_ms - cooldown_ms * policy->jitter_permille / 10000;
	bool hinted = wait_ms > 0 &&
		(outcome_rule(outcome->class)->opens == OUTCOME_OPENS_HINT || wait_ms >= open_ms);
	int64_t until_ms = util_add_clamped(now_ms, hinted ? wait_ms : open_ms);

	if (circuit->open && circuit->open_until_ms >= until_ms)
		return false;
	bool seen = circuit->open && circuit->seen_until_ms >= circuit->open_until_ms;
	/* a word alone does not prolong what was seen */
	if (seen && outcome->reported && !probe)
		return false;
	if (seen || !outcome->reported)
		circuit->seen_until_ms = until_ms;
	if (!hinted)
		circuit->cooldown_ms = cooldown_ms;
	/* a probe that failed for somebody else's reason leaves open what it found open */
	if (mine || !circuit->open)
		circuit->opened_by = outcome->class;
	circuit->open = true;
	circuit->hinted = hinted;
	circuit->leave = false;
	circuit->open_until_ms = until_ms;
	return true;
}

/* Does this failure, no probe's, open the circuit or prolong its wait? The count is already up to
 * date. */
static bool
opens(const struct circuit *circuit, const struct circuit_policy *policy,
	const struct outcome *outcome)
{
	switch (outcome_rule(outcome->class)->opens) {
	case OUTCOME_OPENS_AT_ONCE: return true;
	case OUTCOME_OPENS_HINT:
		if (outcome->retry_after_ms > 0)
			return true;
		/* fall through */
	case OUTCOME_OPENS_THRESHOLD:
		return !circuit->open && circuit->consecutive_failures >= policy->failure_threshold;
	case OUTCOME_OPENS_NEVER: break;
	}
	return false;
}

/* Does it stand in the count of consecutive failures? A limit whose end the provider named is no
 * failing. */
static bool
counted(const struct outcome *outcome)
{
	if (outcome->class == OUTCOME_RATE_LIMITED)
		return outcome->retry_after_ms <= 0;
	return outcome->counts || outcome_rule(outcome->class)->opens == OUTCOME_OPENS_AT_ONCE;
}

bool
circuit_note(struct circuit *circuit, const struct circuit_policy *policy,
	const struct outcome *outcome, bool mine, uint64_t number, int64_t now_ms)
{
	const struct outcome_rule *rule = outcome_rule(outcome->class);
	bool was_open = circuit->open;
	/* a reset may have closed what it was a probe of */
	bool probe = number != 0 && number == circuit->probing;
	/* who reports such a class without a status has had an answer all the same */
	bool answered = rule->answered && (outcome->http_status > 0 || outcome->reported);

	circuit_release(circuit, number);
	if (outcome->class == OUTCOME_OK || (answered && probe)) {
		/* a call from before the opening proves nothing: only a probe closes */
		if (!was_open || probe)
			circuit_reset(circuit);
		return probe;
	}
	if (rule->scope == OUTCOME_SCOPE_NOTHING || (!mine && !probe))
		return false;
	/* whoever could not be reached answers again, be it with what counts against a target */
	if (!mine && outcome->http_status > 0 && circuit->opened_by == OUTCOME_CONNECT_FAILED) {
		circuit_reset(circuit);
		return true;
	}
	if (mine && !outcome->reported && circuit->open)
		circuit->seen_until_ms = circuit->open_until_ms;
	if (counted(outcome))
		circuit->consecutive_failures++;
	else if (rule->opens == OUTCOME_OPENS_THRESHOLD)
		return false;
	if (!probe && !opens(circuit, policy, outcome))
		return false;
	return open_circuit(circuit, policy, outcome, mine, probe, now_ms);
}
