/* SPDX-License-Identifier: MIT */
/*
 * The inside of a call, shared by call.c (its life), call_lane.c (the candidates that run),
 * call_stream.c (what is told while they do), call_rules.c and call_limit.c (what is judged) and
 * call_report.c (what is said). Nobody else includes it but tests.
 */
#ifndef LLMFO_CALL_RULES_H
#define LLMFO_CALL_RULES_H

#include "call.h"

enum call_state {
	CALL_STARTING,
	CALL_QUEUED,  /* waits at the gate; no lane is in use */
	CALL_RUNNING, /* at least one lane is in use */
	CALL_ENDING,  /* its error is on its way */
	CALL_OVER,
};

/* How far a call is with one candidate; parallel to route.candidates. */
struct call_progress {
	int repeats;         /* attempts beyond the first */
	bool spent;          /* failed over from, or useless for this call */
	bool too_small;      /* that, because the request is longer than it takes */
	bool running;        /* it has a lane */
	bool broke;          /* its stream broke after it had told something: others come first */
	bool unreported;     /* it failed for good, and nobody was said to have taken over */
	bool no_prefill;     /* it refused to go on from what was told */
	int64_t free_at_ms;  /* when the limit ends that its provider named; 0: it named none */
	int64_t latency_ms;  /* of its last attempt */
	struct outcome last; /* of its last attempt */
};

/*
 * A candidate that runs: its attempt, or the pause before a repeat. A call has one lane, in a race
 * several.
 */
struct call_lane {
	struct call *call;
	struct route_candidate *candidate; /* NULL: the lane is free */
	struct route_candidate *failed;    /* that it left last, for another to take over; NULL */
	struct attempt *attempt;           /* NULL: it is free or pauses */
	struct health_ticket ticket;       /* of the attempt */
	struct provider_chat chat;         /* for the candidate; borrows from request and config */
	struct json *messages;             /* with what was told as the last one: owned; NULL */
	struct clock_timer timer;          /* of the pause */
	bool continues;                    /* the attempt goes on from what was told */
	bool told;                         /* something of the attempt was told */
	size_t told_from; /* where its own words begin in what was told: behind what it goes on from
	                   */
	size_t blank;     /* of the white space that ends what was told: not seen again yet */
};

struct call {
	struct list node; /* of env->all */
	enum call_state state;
	struct call_env *env;
	struct call_request *request; /* owned */
	struct user *user; /* owned: a reference */
	uint64_t number;
	const struct call_events *events;
	void *arg;
	int64_t started_ms, deadline_ms; /* absolute */
	bool waited;                     /* the one long wait was used */
	struct route route;
	struct call_progress *progress; /* owned */
	struct call_lane *lanes;        /* owned */
	size_t lane_count;
	struct call_lane *newest;       /* that began last; NULL: none did */
	struct call_lane *winner;       /* of a stream: whose pieces are told; NULL: nobody's yet */
	struct route_candidate *failed; /* the last that failed; NULL */
	struct call_attempt *attempts;  /* owned */
	size_t attempt_count;
	struct gate_waiter waiter;
	uint64_t freed; /* providers where it has made room, as the gate knows them: to be told */
	struct clock_timer timer; /* of the queue, and of the end */
	struct clock_timer hedge; /* brings one more forward */
	struct clock_timer stall; /* runs while the caller takes nothing */
	bool held;
	struct buf told;        /* the text that the caller has, since the last reset */
	size_t told_calls;      /* tool calls that it has, likewise */
	int64_t first_token_ms; /* since the start, -1: nothing was told yet */
	int error;
	char *message; /* owned */
	int64_t retry_after_ms;
};

/* ---- call.c: its life ---- */

void call_set_state(struct call *call, enum call_state state);
/* Decides what a call does now that something has changed: starts what may run, waits, or ends. */
void call_go_on(struct call *call);
/* The call has its answer, a lane's, whose attempt has ended; the call is gone afterwards. */
void call_succeed(struct call_lane *lane, struct provider_answer *answer);
/* Ends with an error, all lanes stopped; takes over message. The reply goes out in the next turn.
 */
void call_fail(struct call *call, int error, char *message);
/* The same, in the words of what its attempts came to. */
void call_fail_with(struct call *call, int error);
/* The same, with the error that they come to. */
void call_fail_as_judged(struct call *call);

/* ---- call_lane.c: the candidates that run ---- */

/* As many lanes as the call may have at once, all free; those it had must be free, too. */
void call_lanes_make(struct call *call);
/* One that is free, or NULL. */
struct call_lane *call_lane_free(struct call *call);
bool call_lanes_idle(const struct call *call);
/* How many attempts run. */
size_t call_attempts_running(const struct call *call);
/* Starts an attempt at a candidate in a free lane, or in one that has it. */
void call_lane_try(struct call_lane *lane, struct route_candidate *candidate);
/* Lets a candidate wait in a free lane, or in one that has it, before it is tried again. */
void call_lane_pause(struct call_lane *lane, struct route_candidate *candidate, int64_t wait_ms);
/* Stops all lanes but one (NULL: all), telling health that they ended without a judgement. `why` is
 * what is said of them among the attempts. */
#define CALL_WAS_FASTER "another target answered first"
void call_lanes_stop(struct call *call, const struct call_lane *but, const char *why);

/* ---- call_stream.c: what is told ---- */

/* A piece of a lane's answer. The first one makes it the winner. */
void call_tell_text(struct call_lane *lane, const char *text, size_t length);
void call_tell_tool_call(struct call_lane *lane, const struct json *tool_call);
/* Was anything told that still holds? */
bool call_has_told(const struct call *call);
/* Could a candidate go on from what was told? */
bool call_can_continue(const struct call *call, const struct route_candidate *candidate);
/* Makes a lane's messages end in what was told, if that is how its candidate is to be asked. */
void call_prefill(struct call_lane *lane);
/* A candidate's stream broke after it had told something: may the call go on? False: it ends. */
bool call_mends(struct call *call, const struct outcome *outcome);
/* A stream's answer is whole: what it went on from is part of it. */
void call_complete(struct call_lane *lane, struct provider_answer *answer);

/* ---- call_rules.c: judgements ---- */

struct call_progress *call_progress(
	const struct call *call, const struct route_candidate *candidate);
/* The place, in the chain's own order, of its first candidate that is there at all. */
size_t call_first_place(const struct route *route);
/* Is a candidate let through now? What the call itself ruled out stays out. */
enum route_out call_admit(struct call *call, struct route_candidate *candidate, int64_t now_ms);
/*
 * The next candidate to try: the first that is neither spent nor kept out nor has a lane, after a
 * break one that can continue before others. NULL if there is none; *busy: some are only kept out
 * by max_concurrency.
 */
struct route_candidate *call_next_candidate(struct call *call, int64_t now_ms, bool *busy);
/* When none is let through: one that only a report keeps out, or NULL. */
struct route_candidate *call_last_resort(struct call *call, int64_t now_ms);
/* How long to wait before the same target is asked again, -1 if it is not. A wait is paid for from
 * the provider's retry budget. */
int64_t call_repeat_wait_ms(
	struct call *call, struct route_candidate *candidate, const struct outcome *outcome);
/* When nothing else is left: one whose stream broke and that may be asked again after *wait_ms, or
 * NULL. */
struct route_candidate *call_broken_again(struct call *call, int64_t *wait_ms);
/* May another target be tried after this failure? */
bool call_goes_on(const struct call *call, const struct outcome *outcome);
/* The candidate is done with, and after some failures others with it. */
void call_mark_spent(
	struct call *call, const struct route_candidate *candidate, const struct outcome *outcome);
/*
 * When nothing else is left: one that is rate-limited, named its wait (*wait_ms) and may be waited
 * for; NULL if there is none or it does not fit the deadline. Once a call.
 */
struct route_candidate *call_last_wait(struct call *call, int64_t now_ms, int64_t *wait_ms);
/* Did the call leave an earlier candidate for reasons of health (rather than for what the request
 * was)? */
bool call_left_for_health(const struct call *call, const struct route_candidate *winner);
/* Does the winner stand before what its chain prefers? */
bool call_beats_preferred(const struct call *call, const struct route_candidate *winner);
/* The error of a failure that lies in the request itself, else LLMFO_EALL_FAILED. */
int call_error_of(const struct outcome *outcome);
/* The error that a call which got no answer ends with. */
int call_final_error(const struct call *call);
/* When it is worth trying again, -1 when nothing is known. */
int64_t call_retry_after_ms(struct call *call);

/* ---- call_limit.c: what an attempt is given, and what it is reckoned at ---- */

/* Fills the chat for a target: the call's own parameters before agent or chain, provider and
 * defaults. */
void call_fill_chat(
	const struct call *call, const struct config_target *target, struct provider_chat *chat);
/* How long a call may take: the shorter of its own deadline and its chain's, else the default. */
int64_t call_allowed_ms(const struct call_request *request);
/* Fills the time limits of an attempt at a lane's candidate. */
void call_limits(const struct call_lane *lane, struct attempt_request *request);
/* How long the newest lane is waited for before one more is brought forward, if there are so many
 * more. */
int64_t call_hedge_ms(const struct call *call, size_t more);
/* Fills in tokens by estimate. */
void call_estimate_usage(const struct call_lane *lane, struct provider_usage *usage,
	const struct provider_answer *answer);

/* ---- call_cost.c: what it costs ---- */

/* Fills in what a lane's attempt cost, or may have cost. result: NULL if it was stopped. */
void call_attempt_cost(const struct call_lane *lane, const struct attempt_result *result,
	struct call_attempt *attempt);
/* The same for the one that answered, which is the last in the list. */
void call_answer_cost(
	struct call *call, const struct config_target *target, const struct provider_usage *usage);
/* Fills in what all attempts together cost. */
void call_sum_costs(const struct call *call, struct call_result *result);
/* The tokens of what a lane's target is asked, by estimate. */
int64_t call_prompt_tokens(const struct call_lane *lane);
/* Counts how far the estimate of a prompt is from what its provider counted. */
void call_note_estimate(const struct call_lane *lane, const struct provider_usage *usage);

/* ---- call_report.c: words ---- */

/* The message of a failed call, a new string. */
char *call_failure_text(const struct call *call, int error);
/* At debug level: every candidate in its order, as explain has it. */
void call_log_candidates(const struct call *call);
void call_log_switch(const struct call_lane *lane);
void call_log_answered(const struct call *call, const struct route_candidate *winner);
void call_log_failed(const struct call *call);
void call_log_circuits(const struct call *call, const struct config_target *target,
	struct health_change change, const struct outcome *outcome);

#endif
