/* SPDX-License-Identifier: MIT */
/*
 * The inside of a call, shared by call.c (what happens), call_rules.c (what is judged) and
 * call_report.c (what is said). Nobody else includes it.
 */
#ifndef LLMFO_CALL_RULES_H
#define LLMFO_CALL_RULES_H

#include "call.h"

enum call_state {
	CALL_STARTING,
	CALL_QUEUED,  /* waits at the gate */
	CALL_TRYING,  /* an attempt runs */
	CALL_PAUSING, /* before a repeat, or for what a provider asked for */
	CALL_ENDING,  /* its error is on its way */
	CALL_OVER,
};

/* How far a call is with one candidate; parallel to route.candidates. */
struct call_progress {
	int repeats;         /* attempts beyond the first */
	bool spent;          /* failed over from, or useless for this call */
	int64_t free_at_ms;  /* when the limit ends that its provider named; 0: it named none */
	struct outcome last; /* of its last attempt */
};

struct call {
	enum call_state state;
	struct call_env *env;
	struct call_request *request; /* owned */
	uint64_t number;
	const struct call_events *events;
	void *arg;
	int64_t started_ms, deadline_ms; /* absolute */
	bool entered;                    /* holds one of limits.calls */
	bool waited;                     /* the one long wait was used */
	struct route route;
	struct call_progress *progress;  /* owned */
	struct route_candidate *current; /* tried, or paused for; NULL */
	struct route_candidate *failed;  /* the last that failed; NULL */
	struct attempt *attempt;         /* running; NULL */
	struct health_ticket ticket;     /* of the running attempt */
	struct provider_chat chat;     /* for the current target; borrows from request and config */
	struct call_attempt *attempts; /* owned */
	size_t attempt_count;
	struct gate_waiter waiter;
	struct clock_timer timer;
	int error;
	char *message; /* owned */
	int64_t retry_after_ms;
};

/* ---- call_rules.c: judgements ---- */

/* The progress of the current candidate. */
struct call_progress *call_progress(struct call *call);
/* The place, in the chain's own order, of its first candidate that is there at all. */
size_t call_first_place(const struct route *route);
/*
 * The next candidate to try: the current one again after a pause, else the first that is neither
 * spent nor kept out. NULL if there is none; *busy: some are only kept out by max_concurrency.
 */
struct route_candidate *call_next_candidate(struct call *call, int64_t now_ms, bool *busy);
/* When none is let through: one that only a report keeps out, or NULL. */
struct route_candidate *call_last_resort(struct call *call, int64_t now_ms);
/* How long to wait before the same target is asked again, -1 if it is not. */
int64_t call_repeat_wait_ms(struct call *call, const struct outcome *outcome);
/* May another target be tried after this failure? */
bool call_goes_on(const struct call *call, const struct outcome *outcome);
/* The current candidate is done with, and after some failures others with it. */
void call_mark_spent(struct call *call, const struct outcome *outcome);
/*
 * When nothing else is left: how long to wait for a rate-limited target that named its wait, which
 * becomes the current one; -1 if none did or it does not fit the deadline. Once a call.
 */
int64_t call_last_wait_ms(struct call *call, int64_t now_ms);
/* Did the call leave an earlier candidate for reasons of health (rather than for what the request
 * was)? */
bool call_left_for_health(const struct call *call, const struct route_candidate *winner);
/* Fills the chat for a target: the call's own parameters before agent or chain, provider and
 * defaults. */
void call_fill_chat(struct call *call, const struct config_target *target);
/* How long a call may take: the shorter of its own deadline and its chain's, else the default. */
int64_t call_allowed_ms(const struct call_request *request);
/* Fills the time limits of an attempt at the current candidate. */
void call_limits(const struct call *call, struct attempt_request *request);
/* Fills in tokens by estimate. */
void call_estimate_usage(const struct call *call, struct provider_usage *usage,
	const struct provider_answer *answer);
/* Does the winner stand before what its chain prefers? */
bool call_beats_preferred(const struct call *call, const struct route_candidate *winner);
/* The error that a call which got no answer ends with. */
int call_final_error(const struct call *call);
/* When it is worth trying again, -1 when nothing is known. */
int64_t call_retry_after_ms(struct call *call);

/* ---- call_report.c: words ---- */

/* The message of a failed call, a new string. */
char *call_failure_text(const struct call *call, int error);
/* At debug level: every candidate in its order, as explain has it. */
void call_log_candidates(const struct call *call);
void call_log_switch(const struct call *call);
void call_log_answered(const struct call *call);
void call_log_failed(const struct call *call);
void call_log_circuits(
	const struct call *call, struct health_change change, const struct outcome *outcome);

#endif
