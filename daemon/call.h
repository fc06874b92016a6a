/* SPDX-License-Identifier: MIT */
/*
 * A call: one request of a client, from its arrival to its one reply. It goes through its
 * candidates, repeats and fails over by the rules of docs/llmfod.8, FAILURES, and tells health what
 * it saw. A machine: time, network and memory come through struct call_env alone.
 */
#ifndef LLMFO_CALL_H
#define LLMFO_CALL_H

#include "attempt.h"
#include "event.h"
#include "gate.h"
#include "route.h"
#include "stats.h"
#include "user.h"

/* What calls live in. Shared by all of them; outlives them. */
struct call_env {
	struct clock *clock;
	struct transport *transport;
	struct health *health;
	struct users *users;
	struct gate *gate;
	struct stats *stats;
	struct events *events;  /* may be NULL: nobody hears of anything */
	struct list *all;       /* where each stands until it has ended; NULL: nobody looks */
	unsigned short seed[3]; /* of all jitter, for nrand48() */
	bool jitter_cooldowns;  /* up to a tenth shorter, so that hosts do not come back in step */
	uint64_t calls;         /* numbers them */
	/* A circuit changed or a target failed: the owner may want to start its active checks. May
	 * be NULL. */
	void (*health_changed)(void *arg);
	void *arg;
};

/* What a stream that breaks after its first delta becomes. */
enum call_on_break {
	CALL_BREAK_ERROR,    /* an error that carries what was told */
	CALL_BREAK_RESTART,  /* another target, from the beginning */
	CALL_BREAK_CONTINUE, /* another target goes on from what was told, if it can */
};

/* How many candidates run at once. */
struct call_race {
	int max_parallel; /* 0: all of them; 1: no race */
	/* One more is started whenever this has passed without a first content; 0: all at once;
	 * CALL_HEDGE_AUTO: what 95 of 100 answers of the one that runs have taken. */
	int64_t hedge_after_ms;
};
#define CALL_HEDGE_AUTO (-1)

/* What is asked. Made by the caller, owned by the call from call_start() on. */
struct call_request {
	struct config *config;          /* a reference */
	struct config_chain *chain;     /* borrowed from config, or own_chain */
	struct config_chain *own_chain; /* made for this call: owned; NULL */
	enum strategy strategy;         /* how its candidates are ordered */
	struct route_demand demand;     /* what they have to fit; owned content */
	uint64_t seed;                  /* of the order's chance; 0: drawn when it starts */
	char *provider, *model;         /* NULL, or those that match come first */
	bool remembers;
	bool fallback;
	bool has_retry_on;
	struct config_retry_on retry_on; /* the call's own */
	int64_t deadline_ms;             /* from now, the chain's if that is shorter; 0: not said */
	int64_t timeout_ms;              /* of one attempt; 0: the chain's and the provider's */
	bool stream;                     /* what comes is told as it comes */
	enum call_on_break on_break;     /* of a stream, once something was told */
	struct call_race race;
	int max_retries;             /* at the same target; -1: the chain's or the provider's */
	struct config_params params; /* owned content */
	struct json *messages, *tools, *tool_choice; /* owned; the latter two may be NULL */
	unsigned needs;        /* of these three: provider_needs_of_messages() */
	char *end_user;        /* `user` of the request: passed on to the provider; NULL */
	char *workspace;       /* for the log; NULL: the agent's */
	char request_id[33];   /* for log and reply */
	uint32_t uid;          /* whose call it is */
	bool admin;            /* an administrator's: limits of users do not hold it up */
	struct json *warnings; /* array of texts, owned, or NULL */
};

/* Sets needs and what they demand, once messages and tools are there. */
void call_request_judge(struct call_request *request);
/* What the route of a request is ordered by. Borrows from it. */
struct route_want call_request_want(const struct call_request *request);
/* Frees what a request owns, and itself. For requests that never reach call_start(). */
void call_request_free(struct call_request *request);

/* One attempt, as it is reported. */
struct call_attempt {
	char *target;
	struct outcome outcome;
	int64_t latency_ms;
	int64_t cost_picousd;
	bool cost_unknown; /* a price is not known: it cost at least that */
	bool cost_may;     /* of one that was left early: cost_picousd is what it may have cost */
};

/* What came of it. Borrowed: valid within done(). */
struct call_result {
	int error;                          /* 0 or LLMFO_E... */
	const char *message;                /* with an error */
	int64_t retry_after_ms;             /* with an error; -1: not known */
	const struct config_target *target; /* that answered; NULL with an error */
	const struct provider_answer *answer;
	bool usage_estimated;
	int64_t cost_picousd; /* of all attempts, what some may have cost included */
	bool cost_unknown;    /* a price is not known: it is at least that */
	bool fallback_occurred;
	const struct call_attempt *attempts;
	size_t attempt_count;
	int64_t total_latency_ms;
	int64_t first_token_ms; /* of a stream: from the call's start to its first delta; -1 */
	/* With an error: what the caller was told so far and may keep; NULL: nothing. */
	const char *partial;
	size_t partial_length;
	const struct call_request *request;
};

/* Why one more call of that user would be `busy`: a new string. */
char *call_crowded_text(
	const struct gate *gate, const struct user *user, enum gate_fault fault);

struct call;

/*
 * What a call tells. Of a stream: pieces of the answer's text (UTF-8, whole characters, not empty)
 * and whole tool calls (in OpenAI's form, borrowed), each once; reset: what was told so far is
 * void, the answer begins anew. Then done, exactly once, for every call that is not cancelled; the
 * call is gone when it returns. None comes from inside call_start(), call_cancel() or call_hold();
 * from inside text, tool_call and reset the call may be held, not cancelled.
 */
struct call_events {
	void (*done)(void *arg, const struct call_result *result);
	/* NULL where request->stream is not set. */
	void (*text)(void *arg, const char *text, size_t length);
	void (*tool_call)(void *arg, const struct json *call);
	void (*reset)(void *arg);
};

/* Starts a call. events is borrowed and outlives it. */
struct call *call_start(struct call_env *env, struct call_request *request,
	const struct call_events *events, void *arg);
/* The one who is told cannot take more at the moment (or can again): what comes from the provider
 * waits there. Too long (limits.stream_stall), and the call ends with LLMFO_EINTERRUPTED. */
void call_hold(struct call *call, bool held);
/* Ends it without a reply, down to its transfer. */
void call_cancel(struct call *call);
/* Ends it with an error of the daemon's own (LLMFO_ESHUTTING_DOWN): done comes in the next turn of
 * the loop. */
void call_abort(struct call *call, int error, const char *message);
/* The earliest deadline of those in call_env's `all`; CLOCK_NEVER if there are none. */
int64_t call_first_deadline_ms(const struct list *all);

#endif
