/* SPDX-License-Identifier: MIT */
/*
 * Which targets a call may use, in which order, and why the others not. Pure: a chain, what the
 * call wants, and health in; a list out. Whether a candidate is let through is asked again when its
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
	ROUTE_PROVIDER_OPEN,  /* the provider's circuit is open */
	ROUTE_TARGET_OPEN,    /* its own is */
	ROUTE_PROBING,        /* a circuit is half-open and its one probe is out */
	ROUTE_BUSY,           /* its provider is at max_concurrency */
	ROUTE_NOT_FIRST,      /* the call asked for no failover, and it is not the first */
	ROUTE_NOT_FORCED,     /* another provider is forced, strictly */
};

struct route_want {
	const struct config_chain *chain;
	const char *provider, *model; /* those that match come first; NULL: no wish */
	bool remembers; /* a named sequential chain or agent: preferred entries hold */
	bool fallback;  /* false: the first candidate alone */
	uint64_t call;  /* the call's number, for tried_by; 0: nobody asks to try (explain) */
	const struct config *config; /* whose defaults hold */
	/* The call's own parameters and provider_needs_of_messages(); NULL: the request is not
	 * known, and nobody lacks anything. */
	const struct config_params *params;
	unsigned needs;
};

struct route_candidate {
	struct config_target *target;
	size_t place; /* in the chain's own order, from 0 */
	enum route_out out;
	int64_t out_for_ms; /* how long it stays out, 0 if that is not a matter of time */
	unsigned lacks;     /* PROVIDER_NEED_... of the request that it cannot fill */
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
/* Is it one that the call could use, now or later? False: not configured, disabled, not forced, or
 * it lacks something. */
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
