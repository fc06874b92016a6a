/* SPDX-License-Identifier: MIT */
/*
 * A circuit: closed, open for a while, then half-open for one probe at a time. Pure; the rules are
 * those of docs/llmfod.8, HEALTH. After Nygard's circuit breaker ("Release It!"), with what the
 * provider asked for on top.
 */
#ifndef LLMFO_CIRCUIT_H
#define LLMFO_CIRCUIT_H

#include "outcome.h"

/* No wait that a provider asks for is believed beyond this. */
#define CIRCUIT_WAIT_MAX_MS ((int64_t)60 * 60 * 1000)

enum circuit_state {
	CIRCUIT_CLOSED,    /* calls go through */
	CIRCUIT_OPEN,      /* none does until open_until_ms */
	CIRCUIT_HALF_OPEN, /* one does, as a probe */
};

struct circuit_policy {
	int failure_threshold;
	int64_t cooldown_ms, cooldown_max_ms;
	/* 0 to 999: how much of a tenth of a cooldown is taken off, so that hosts do not come back
	 * in step. Never of a provider's wait. */
	int jitter_permille;
};

/* Zeroed memory is a closed circuit. */
struct circuit {
	bool open;    /* opened and not closed since; half-open once the time has come */
	bool hinted;  /* open for as long as the provider asked for */
	/* Until then by what this host saw itself. What keeps it open beyond is a word alone, a
	 * report's or another host's, and keeps nobody from the last usable target. */
	int64_t seen_until_ms;
	enum outcome_class opened_by;
	uint64_t probing; /* the number of the probe that is out, 0: none */
	bool untimely;    /* it went before the time (early, forced): its failure doubles nothing */
	bool by_leave;    /* hosts share it: half-open, it lets a probe through with their leave */
	bool leave;       /* this host has it */
	uint64_t probes;  /* how many there were; outlasts everything else */
	int consecutive_failures;
	int64_t open_until_ms;
	int64_t cooldown_ms; /* of the last opening, doubled by failed probes; 0: none yet */
};

enum circuit_state circuit_state(const struct circuit *circuit, int64_t now_ms);
const char *circuit_state_text(enum circuit_state state);
/* Time until it lets a probe through, 0 if it does not keep calls out now. */
int64_t circuit_remaining_ms(const struct circuit *circuit, int64_t now_ms);
/* Would a call be let through now, be it as a probe? */
bool circuit_admits(const struct circuit *circuit, int64_t now_ms);
/* Would it, if this host had the others' leave? */
bool circuit_wants_leave(const struct circuit *circuit, int64_t now_ms);
/* May it be probed before its time when nothing else is left? Not what needs a person, nor what the
 * provider asked for. */
bool circuit_admits_early(const struct circuit *circuit);
/* May an active check that went well bring it to half-open? */
bool circuit_checkable(const struct circuit *circuit, int64_t now_ms);
/* It did. */
void circuit_check_passed(struct circuit *circuit, int64_t now_ms);
/* Is it out by a word alone now? */
bool circuit_is_hearsay(const struct circuit *circuit, int64_t now_ms);
/* What another host says of it. */
struct circuit_word {
	enum outcome_class class; /* what opened it there */
	bool hinted;
	int64_t left_ms; /* how long it stays open yet */
};
/* It is open elsewhere: the later end holds. True if it changed by that. */
bool circuit_heard_open(struct circuit *circuit, const struct circuit_word *word, int64_t now_ms);
/* A call goes through: the number of a probe if it is one, whose end must be told by circuit_note()
 * or circuit_release(), else 0. */
uint64_t circuit_enter(struct circuit *circuit, int64_t now_ms);
/* Closes it and forgets all; a probe that is out becomes an ordinary call. */
void circuit_reset(struct circuit *circuit);
/*
 * What an attempt came to that bears on this circuit (mine: its class counts against this kind of
 * subject). probe: what circuit_enter() said. Returns true when the circuit was opened, closed or
 * opened for longer by it.
 */
bool circuit_note(struct circuit *circuit, const struct circuit_policy *policy,
	const struct outcome *outcome, bool mine, uint64_t probe, int64_t now_ms);
/* A probe ended without a judgement: its place is free again. 0 is fine. */
void circuit_release(struct circuit *circuit, uint64_t probe);

#endif
