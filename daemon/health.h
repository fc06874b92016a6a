/* SPDX-License-Identifier: MIT */
/*
 * The host's one memory of how providers and targets fare: a circuit, counters, latency and the
 * last error of each, and what chains prefer and an administrator forced. Pure: it takes now_ms, it
 * knows neither clock nor network. The rules are those of docs/llmfod.8, HEALTH.
 */
#ifndef LLMFO_HEALTH_H
#define LLMFO_HEALTH_H

#include "circuit.h"
#include "latency.h"
#include "list.h"
#include "quota.h"
#include "recent.h"
#include "retry.h"

/* Targets that no configuration lists (callers may name any model) are remembered up to this many;
 * idle ones go first. */
#define HEALTH_UNLISTED_MAX 1000

enum health_kind { HEALTH_PROVIDER, HEALTH_TARGET };

struct health_error {
	enum outcome_class class; /* OUTCOME_OK: there was none */
	int http_status;
	int64_t at_ms;
	char message[OUTCOME_MESSAGE_BYTES];
};

/* What share.c remembers of it, and nobody else reads but to keep it. */
struct health_mark {
	bool there;         /* it stands in the place that hosts share */
	uint64_t changed;   /* the number of this host's last change: what was read before is old */
	int64_t changed_ms; /* when that was; 0: never */
	/* Of the leave to probe its half-open circuit. */
	enum { HEALTH_LEAVE_NONE, HEALTH_LEAVE_ASKED, HEALTH_LEAVE_HELD, HEALTH_LEAVE_TAKEN } leave;
	int64_t leave_ms;  /* held: until when; taken by another host: not to ask before */
	int64_t asked_ms;  /* for it, the last time */
	int64_t wanted_ms; /* since when calls here have wanted it in vain; 0: they have not */
};

/* A provider or a target. Read it, change it through health_*() alone. */
struct health_subject {
	enum health_kind kind;
	char *name;
	bool listed;   /* the configuration names it */
	bool disabled; /* by an administrator */
	struct circuit circuit;
	enum circuit_state told; /* how it was when listeners were last told: event.c's alone */
	struct health_mark mark;
	int in_flight;
	int64_t successes, failures;
	struct latency latency;     /* of successes */
	struct latency first_token; /* of streams that succeeded: until their first content */
	int64_t answered_ms;        /* when latency was last measured; 0: never */
	struct recent recent;       /* how often it went well of late */
	struct retry retry;         /* of a provider: what repeats at its targets take from */
	struct health_error last_error;
	struct quota quota;      /* of a target: what its last reply that told left of its limits */
	int64_t last_failure_ms; /* of those that count against it; 0: none since the last success
	                          */
	int64_t checked_well_ms; /* last active check that went well; 0: none */
	uint64_t used;           /* for forgetting the least recently used */
};

/* What a chain goes to first since it failed over to it. */
struct health_preferred {
	char *chain, *target;
	int64_t until_ms;
	uint64_t tried_by; /* the call that is out at a better-placed target; 0: none */
	bool heard; /* another host made it, or this one before a restart */
	bool there; /* as in struct health_mark */
	uint64_t changed;
	int64_t told_until_ms; /* what others were told last */
};

struct health_forced {
	char *provider; /* NULL: nothing is forced */
	bool strict;
	int64_t until_ms;
	uint32_t by_uid;
	int64_t set_ms; /* when it was set, or nobody forced any more; 0: never */
	bool heard;     /* as in struct health_preferred */
	bool there;     /* as in struct health_mark */
	uint64_t changed;
};

struct health_policy {
	struct circuit_policy circuit;
	int64_t preferred_ttl_ms;
	bool tracking;  /* features.health_tracking */
	bool preferred; /* features.preferred */
};

struct health;

/* What happens to that which is remembered over a restart and shared with other hosts. What time
 * does by itself (an entry runs out, a circuit becomes half-open) is no news. */
enum health_news_kind {
	HEALTH_NEWS_CIRCUIT,   /* a circuit opened or closed, or its time changed */
	HEALTH_NEWS_WANTED,    /* a call would have probed, had this host leave */
	HEALTH_NEWS_PREFERRED, /* an entry was made, changed or dropped; name: the chain's memory */
	HEALTH_NEWS_FORCED,    /* a provider was forced, or is no longer */
	HEALTH_NEWS_DISABLED,  /* or enabled */
	HEALTH_NEWS_SETTINGS,  /* a new policy dropped whatever it does without */
};

struct health_news {
	enum health_news_kind kind;
	const char *name; /* of the subject or the chain; NULL: of none */
	struct health_subject *subject;
	bool heard; /* it came from another host, or from before a restart */
};

/* Embedded in who watches; zeroed memory watches nothing. note() may not change health. */
struct health_watch {
	struct list node;
	void (*note)(void *arg, const struct health_news *news);
	void *arg;
};

struct health *health_new(void);
/* Nobody may watch any more. */
void health_free(struct health *health);
void health_watch(struct health *health, struct health_watch *watch,
	void (*note)(void *arg, const struct health_news *news), void *arg);
/* Fine for one that does not watch. */
void health_unwatch(struct health_watch *watch);
/* Closes all circuits where tracking is off, drops the preferred entries where those are off. */
void health_set_policy(struct health *health, const struct health_policy *policy);
const struct health_policy *health_policy(const struct health *health);
/* 0 to 999, drawn by the owner from time to time: see struct circuit_policy. */
void health_set_jitter(struct health *health, int permille);

/* The subject of that name, made if it is not there yet. Valid until the next health_subject() of
 * another unlisted name or health_forget(). */
struct health_subject *health_subject(
	struct health *health, enum health_kind kind, const char *name);
/* The same without making one: NULL. */
struct health_subject *health_find(
	const struct health *health, enum health_kind kind, const char *name);
/* Marks what a new configuration names; what it no longer names is forgotten (at once, or when
 * nothing is in flight there). */
void health_unlist_all(struct health *health);
void health_list(struct health *health, enum health_kind kind, const char *name);
void health_sweep(struct health *health);
/* A provider's endpoint or key changed: it and its targets start anew. */
void health_forget_provider(struct health *health, const char *provider);
void health_each(const struct health *health,
	void (*visit)(struct health_subject *subject, void *arg), void *arg);

/* An attempt, from its start to its end: what it holds. */
struct health_ticket {
	uint64_t target_probe, provider_probe; /* numbers of the circuits', 0: none */
};

/* An attempt starts: counts it in flight and takes the probe of a half-open (or early-probed)
 * circuit. */
struct health_ticket health_begin(
	struct health *health, const char *provider, const char *target, int64_t now_ms);
/* What an outcome did to the circuits. */
struct health_change {
	bool target_circuit, provider_circuit; /* opened, reopened or closed */
};
/* It ended; latency_ms below 0: nobody measured. */
struct health_change health_end(struct health *health, const char *provider, const char *target,
	struct health_ticket ticket, const struct outcome *outcome, int64_t latency_ms,
	int64_t now_ms);
/* The same for a call that health_begin() knew nothing of: it is nobody's probe. */
struct health_change health_note(struct health *health, const char *provider, const char *target,
	const struct outcome *outcome, int64_t latency_ms, int64_t now_ms);
/* When the first content of a stream that succeeded came, from the start of its attempt. */
void health_first_token(
	struct health *health, const char *provider, const char *target, int64_t first_token_ms);
/* What a reply of the target told of its limits. */
void health_quota(struct health *health, const char *target, const struct quota *quota);
/* An active check of a provider went well; target is NULL for the provider itself. True if a
 * circuit became half-open by it. */
bool health_checked_well(
	struct health *health, const char *provider, const char *target, int64_t now_ms);
/* Keeps it out of all calls, or no longer. How it was before. */
bool health_disable(
	struct health *health, enum health_kind kind, const char *name, bool disabled);
/* A call would have probed a half-open circuit of these, had this host the others' leave. */
void health_want_probe(
	struct health *health, const char *provider, const char *target, int64_t now_ms);
/* Is it the provider or the target of that name, or one of that provider's targets? */
bool health_concerns(const struct health_subject *subject, const char *name);
/* Closes circuits and forgets counters: of one provider with its targets, of one target, or (NULL)
 * of all. How many there were. */
int health_reset(struct health *health, const char *name);

/* The entry of a chain that has not run out, or NULL. */
struct health_preferred *health_preferred(struct health *health, const char *chain, int64_t now_ms);
/* The chain failed over to target and it worked. True if that is news. */
bool health_prefer(struct health *health, const char *chain, const char *target, int64_t now_ms);
/* True if there was an entry. */
bool health_unprefer(struct health *health, const char *chain);
/* Forgets every entry: how many. */
int health_unprefer_all(struct health *health);
void health_each_preferred(struct health *health, int64_t now_ms,
	void (*visit)(const struct health_preferred *preferred, void *arg), void *arg);
/*
 * While an entry stands, is a better-placed target (NULL: nothing is known of it) still passed
 * over? Until cooldown after its last failure, or until an active check found it well. entry NULL:
 * by what this host saw alone. *remaining_ms (may be NULL): how long yet.
 */
bool health_passed_over(const struct health *health, const struct health_preferred *entry,
	const struct health_subject *target, int64_t now_ms, int64_t *remaining_ms);

/* The forced provider, NULL when none is or its time has run out. */
const struct health_forced *health_forced(struct health *health, int64_t now_ms);
/* What was forced last, whatever became of it: its marks may be changed. */
struct health_forced *health_forced_entry(struct health *health);
/* By an administrator of this host. provider NULL: clears. */
void health_force(struct health *health, const char *provider, bool strict, int64_t until_ms,
	uint32_t by_uid, int64_t now_ms);

/* ---- what comes from another host, or from before a restart: health_heard.c ---- */

/* The later end holds. True if it changed a circuit; then the last error says who told, unless this
 * host saw one itself. */
bool health_heard_open(struct health *health, enum health_kind kind, const char *name,
	const struct circuit_word *word, const char *by, int64_t now_ms);
/* True if it closed one. */
bool health_heard_closed(
	struct health *health, enum health_kind kind, const char *name, int64_t now_ms);
/* Puts an entry in the place of another; target NULL: drops it. True if it changed something. */
bool health_heard_preferred(
	struct health *health, const char *chain, const char *target, int64_t until_ms);
/* Puts it in the place of what was forced; of set_ms and marks as well. */
void health_heard_forced(struct health *health, const struct health_forced *forced);
/* A circuit as it was before a restart. */
void health_restore_circuit(struct health *health, enum health_kind kind, const char *name,
	const struct circuit *circuit);

#endif
