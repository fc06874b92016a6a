/* SPDX-License-Identifier: MIT */
/*
 * Which targets a call may use, in which order, and why the others not. Pure: a chain, what the
 * call wants, and health in; a list out. The order is a strategy's, but for what is forced, wished
 * and preferred. Whether a candidate is let through is asked again when its
 * turn comes, since much may have happened by then.
 */
#ifndef LLMFO_ROUTE_H
#define LLMFO_ROUTE_H

#include "config.h"
#include "health.h"

/* Why a candidate is out. */
enum route_out {
	ROUTE_IN,
	ROUTE_NOT_CONFIGURED, /* its provider lacks a key */
	ROUTE_DISABLED,       /* by an administrator: provider or target */
	ROUTE_LACKS,          /* it cannot do what the request needs */
	ROUTE_UNFIT,          /* it lacks a capability that the call requires */
	ROUTE_ELSEWHERE,      /* it is not where the call wants it: local, a region */
	ROUTE_TOO_SHORT,      /* the prompt is longer than its context */
	ROUTE_TOO_DEAR,       /* it costs more than what is left, or nobody knows what */
	ROUTE_TOO_SLOW,       /* it takes longer than the call allows */
	ROUTE_PROVIDER_OPEN,  /* the provider's circuit is open */
	ROUTE_TARGET_OPEN,    /* its own is */
	ROUTE_PROBING,        /* a circuit is half-open and its one probe is out */
	ROUTE_BUSY,           /* its provider is at max_concurrency */
	ROUTE_USED_UP,        /* its rate limit has nothing left until its reset */
	ROUTE_NOT_FIRST,      /* the call asked for no failover, and it is not the first */
	ROUTE_NOT_FORCED,     /* another provider is forced, strictly */
};

/* What a call demands of its candidates beyond what its request says. */
struct route_demand {
	unsigned required, wanted; /* MODEL_CAN_...; the wanted hold the required */
	bool local;                /* on this host */
	char **regions;            /* in one of these: owned, NULL-terminated; NULL: anywhere */
	int64_t max_latency_ms;    /* 0: any */
	bool has_budget;
	int64_t budget_picousd;
	/* Of the request itself, which asks for it without saying so. */
	bool images, tools;
	int64_t prompt_tokens; /* by estimate */
};

struct route_want {
	const struct config_chain *chain;
	const char *provider, *model; /* those that match come first; NULL: no wish */
	bool remembers; /* a named sequential chain or agent: preferred entries hold */
	bool fallback;  /* false: the first candidate alone */
	enum strategy strategy;
	bool stream;                       /* what counts is the time until the first content */
	uint64_t seed;                     /* of what is drawn; 0: the likeliest order (explain) */
	const struct route_demand *demand; /* NULL: nothing is demanded */
	uint64_t call; /* the call's number, for tried_by; 0: nobody asks to try (explain) */
	const struct config *config; /* whose defaults hold */
	/* The call's own parameters and provider_needs_of_messages(); NULL: the request is not
	 * known, and nobody lacks anything. */
	const struct config_params *params;
	unsigned needs;
};

struct route_candidate {
	struct config_target *target;
	size_t place; /* in the order of the call's strategy, from 0 */
	enum route_out out;
	const char *state;    /* of its circuit, as `status` names it: static */
	int64_t out_for_ms;   /* how long it stays out, 0 if that is not a matter of time */
	unsigned lacks;       /* PROVIDER_NEED_... of the request that it cannot fill */
	unsigned unfit;       /* MODEL_CAN_... that are required and not known of it */
	enum route_out bar;   /* ROUTE_IN, or why this call may not have it: what of the demand it
	                         does not fit; that it is not the first */
	int64_t bar_ms;       /* how long that lasts; 0: as long as the call asks for it */
	int64_t cost_picousd; /* estimated, -1: unknown */
	int64_t latency_ms;   /* estimated, -1: unknown */
	bool measured;        /* that latency is; else it is the registry's figure */
	/* Within route_order() alone: what is known of the two; NULL. */
	const struct health_subject *of_provider, *of_target;
	bool low; /* of a rate limit less than a tenth is left: behind the others */
	bool forced;
	bool wished; /* matches the call's provider and model */
	bool better; /* better placed than the preferred one */
	bool preferred;
	bool hearsay;     /* only a report keeps it out: route_last_resort() says so */
	bool passed_over; /* better placed, but it failed not long ago: behind all others */
	int64_t rest_ms;  /* how long it is passed over; 0: until the call that tries it now ends */
};

struct route {
	struct route_candidate *candidates; /* owned */
	size_t count;
	bool strict_miss; /* a provider is forced strictly and has no candidate here */
};

/* Orders a chain's targets. The caller frees it with route_free(). */
void route_order(
	struct route *route, struct health *health, const struct route_want *want, int64_t now_ms);
void route_free(struct route *route);
/* Is that a reason that lies in the request and lasts as long as it: what a target lacks, its
 * place, its price? */
bool route_unsuited(enum route_out out);
/* Is it one that the call could use, now or later? False: not configured, disabled, not forced, or
 * it is unsuited. */
bool route_is_there(const struct route_candidate *candidate);
/* Asks anew whether a candidate is let through now; sets out and out_for_ms. forced candidates pass
 * open circuits. */
enum route_out route_admit(
	struct route_candidate *candidate, struct health *health, int64_t now_ms);
/*
 * The candidate to probe early when every one is kept out by circuits that permit it: the one free
 * soonest, or NULL.
 */
struct route_candidate *route_early_probe(
	const struct route *route, struct health *health, int64_t now_ms);
/*
 * Is a candidate kept out by circuits that a report alone opened, and by nothing else? Such a one
 * is used when nothing else is left.
 */
bool route_out_by_hearsay(
	const struct route_candidate *candidate, struct health *health, int64_t now_ms);
/* The first of those; NULL if there is none. */
struct route_candidate *route_last_resort(
	const struct route *route, struct health *health, int64_t now_ms);
/* May a candidate take a prompt that was too long for another one? */
bool route_takes_more(const struct route_candidate *candidate, const struct route_candidate *than);
/* Where its latency is known from: "measured" or "registry"; NULL: it is not. */
const char *route_latency_source(const struct route_candidate *candidate);
/* Appends every candidate in its order with all that is known of it, in one line. */
void route_text(const struct route *route, struct buf *text);
/* A sentence for people: "circuit open", with what is known. */
const char *route_out_text(enum route_out out);
/* Appends why a candidate is out, with what it lacks or why it is not configured. */
void route_why(const struct route_candidate *candidate, struct buf *text);
/*
 * The state of a provider (or, with its own subject, of a target) as `status` names it: closed,
 * open, half_open, disabled or not_configured. Subjects may be NULL: nothing is known of them.
 */
const char *route_state_text(const struct config_provider *provider,
	const struct health_subject *subject, int64_t now_ms);

#endif
