/* SPDX-License-Identifier: MIT */
/* See health.h. Subjects lie in libc's search trees, one for providers and one for targets. */
#include "health_inside.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct health *
health_new(void)
{
	struct health *health = x_calloc(1, sizeof *health);

	list_init(&health->watches);
	return health;
}

void
health_watch(struct health *health, struct health_watch *watch,
	void (*note)(void *arg, const struct health_news *news), void *arg)
{
	watch->note = note;
	watch->arg = arg;
	list_append(&health->watches, &watch->node);
}

void
health_unwatch(struct health_watch *watch)
{
	if (watch->note)
		list_remove(&watch->node);
	watch->note = NULL;
}

void
health_say(struct health *health, const struct health_news *news)
{
	for (struct list *node = health->watches.next; node != &health->watches;
		node = node->next) {
		struct health_watch *watch = LIST_OWNER(node, struct health_watch, node);

		watch->note(watch->arg, news);
	}
}

void
health_say_circuit(struct health *health, struct health_subject *subject, bool heard)
{
	const struct health_news news = {HEALTH_NEWS_CIRCUIT, subject->name, subject, heard};

	health_say(health, &news);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct health_subject *)a)->name, ((const struct health_subject *)b)->name);
}

static void
free_subject(void *node)
{
	struct health_subject *subject = node;

	free(subject->name);
	free(subject);
}

void
health_free(struct health *health)
{
	if (!health)
		return;
	tdestroy(health->trees[HEALTH_PROVIDER], free_subject);
	tdestroy(health->trees[HEALTH_TARGET], free_subject);
	health_forget_choices(health);
	free(health);
}

const struct health_policy *
health_policy(const struct health *health)
{
	return &health->policy;
}

void
health_set_jitter(struct health *health, int permille)
{
	health->policy.circuit.jitter_permille = permille;
}

struct health_subject *
health_find(const struct health *health, enum health_kind kind, const char *name)
{
	struct health_subject key = {.name = (char *)(uintptr_t)name};
	struct health_subject *const *found =
		tfind(&key, (void *const *)&health->trees[kind], by_name);

	return found ? *found : NULL;
}

static void
remove_subject(struct health *health, struct health_subject *subject)
{
	tdelete(subject, &health->trees[subject->kind], by_name);
	if (!subject->listed)
		health->unlisted--;
	free_subject(subject);
}

struct walk {
	void (*visit)(struct health_subject *subject, void *arg);
	void *arg;
};

static void
visit_node(const void *node, VISIT which, void *closure)
{
	const struct walk *walk = closure;

	if (which == postorder || which == leaf)
		walk->visit(*(struct health_subject *const *)node, walk->arg);
}

static void
each_of(const struct health *health, enum health_kind kind,
	void (*visit)(struct health_subject *, void *), void *arg)
{
	struct walk walk = {visit, arg};

	twalk_r(health->trees[kind], visit_node, &walk);
}

void
health_each(const struct health *health, void (*visit)(struct health_subject *subject, void *arg),
	void *arg)
{
	each_of(health, HEALTH_PROVIDER, visit, arg);
	each_of(health, HEALTH_TARGET, visit, arg);
}

/* Subjects picked in a walk, which may not change the tree itself. */
struct picked {
	const struct health *health;
	const char *provider; /* with its targets */
	struct health_subject **list;
	size_t count;
};

static void
pick(struct picked *picked, struct health_subject *subject)
{
	picked->list = x_realloc(picked->list, (picked->count + 1) * sizeof picked->list[0]);
	picked->list[picked->count++] = subject;
}

static void
find_oldest(struct health_subject *subject, void *arg)
{
	struct health_subject **oldest = arg;

	if (!subject->listed && !subject->disabled && subject->in_flight == 0 &&
		(!*oldest || subject->used < (*oldest)->used))
		*oldest = subject;
}

static void
make_room(struct health *health)
{
	struct health_subject *oldest = NULL;

	if (health->unlisted < HEALTH_UNLISTED_MAX)
		return;
	each_of(health, HEALTH_TARGET, find_oldest, &oldest);
	if (oldest)
		remove_subject(health, oldest);
}

static struct health_subject *
new_subject(struct health *health, enum health_kind kind, const char *name)
{
	struct health_subject *subject = x_calloc(1, sizeof *subject);

	subject->kind = kind;
	subject->name = x_strdup(name);
	health->unlisted++;
	if (!tsearch(subject, &health->trees[kind], by_name))
		abort();
	return subject;
}

struct health_subject *
health_subject(struct health *health, enum health_kind kind, const char *name)
{
	struct health_subject *subject = health_find(health, kind, name);

	if (!subject) {
		make_room(health);
		subject = new_subject(health, kind, name);
	}
	subject->used = ++health->used;
	return subject;
}

static void
unlist(struct health_subject *subject, void *arg)
{
	struct health *health = arg;

	if (subject->listed)
		health->unlisted++;
	subject->listed = false;
}

void
health_unlist_all(struct health *health)
{
	health_each(health, unlist, health);
}

void
health_list(struct health *health, enum health_kind kind, const char *name)
{
	struct health_subject *subject = health_find(health, kind, name);

	/* nothing is evicted for what is listed: others may only wait to be listed as well */
	if (!subject)
		subject = new_subject(health, kind, name);
	if (!subject->listed)
		health->unlisted--;
	subject->listed = true;
}

/* Is it a target of a provider that is still configured? */
static bool
has_provider(const struct health *health, const struct health_subject *subject)
{
	const char *slash = strchr(subject->name, '/');

	if (subject->kind != HEALTH_TARGET || !slash)
		return false;
	char *name = x_strndup(subject->name, (size_t)(slash - subject->name));
	const struct health_subject *provider = health_find(health, HEALTH_PROVIDER, name);
	free(name);
	return provider && provider->listed;
}

static void
pick_unlisted(struct health_subject *subject, void *arg)
{
	struct picked *picked = arg;

	if (!subject->listed && !subject->disabled && subject->in_flight == 0 &&
		!has_provider(picked->health, subject))
		pick(picked, subject);
}

void
health_sweep(struct health *health)
{
	struct picked picked = {.health = health};

	health_each(health, pick_unlisted, &picked);
	for (size_t i = 0; i < picked.count; i++)
		remove_subject(health, picked.list[i]);
	free(picked.list);
}

/* Is it the provider or one of its targets? */
static bool
belongs_to(const struct health_subject *subject, const char *provider)
{
	size_t length = strlen(provider);

	if (subject->kind == HEALTH_PROVIDER)
		return strcmp(subject->name, provider) == 0;
	return strncmp(subject->name, provider, length) == 0 && subject->name[length] == '/';
}

/* Closed and without a past, but still disabled, and still holding what is in flight. */
static void
start_anew(struct health_subject *subject)
{
	circuit_reset(&subject->circuit);
	subject->successes = subject->failures = 0;
	subject->latency = subject->first_token = (struct latency){0};
	subject->recent = (struct recent){0};
	subject->retry = (struct retry){0};
	subject->last_error = (struct health_error){.class = OUTCOME_OK};
	subject->quota = (struct quota){.known = false};
	subject->last_failure_ms = subject->checked_well_ms = subject->answered_ms = 0;
}

static void
start_anew_here(struct health *health, struct health_subject *subject)
{
	bool open = subject->circuit.open;

	start_anew(subject);
	if (open)
		health_say_circuit(health, subject, false);
}

static void
close_circuit(struct health_subject *subject, void *arg)
{
	(void)arg;
	circuit_reset(&subject->circuit);
}

void
health_set_policy(struct health *health, const struct health_policy *policy)
{
	const struct health_news news = {.kind = HEALTH_NEWS_SETTINGS};

	health->policy = *policy;
	if (!policy->tracking)
		health_each(health, close_circuit, NULL);
	if (!policy->preferred)
		health_forget_preferred(health);
	health_say(health, &news);
}

/* Subjects that begin anew. */
struct reset {
	struct health *health;
	const char *name; /* NULL: all of them */
	bool (*concerns)(const struct health_subject *subject, const char *name);
	int count;
};

static void
reset_if_named(struct health_subject *subject, void *arg)
{
	struct reset *reset = arg;

	if (reset->name && !reset->concerns(subject, reset->name))
		return;
	start_anew_here(reset->health, subject);
	reset->count++;
}

void
health_forget_provider(struct health *health, const char *provider)
{
	struct reset reset = {.health = health, .name = provider, .concerns = belongs_to};

	health_each(health, reset_if_named, &reset);
}

struct health_ticket
health_begin(struct health *health, const char *provider, const char *target, int64_t now_ms)
{
	struct health_subject *of_provider = health_subject(health, HEALTH_PROVIDER, provider);
	struct health_subject *of_target = health_subject(health, HEALTH_TARGET, target);

	of_provider->in_flight++;
	of_target->in_flight++;
	return (struct health_ticket){
		.target_probe = circuit_enter(&of_target->circuit, now_ms),
		.provider_probe = circuit_enter(&of_provider->circuit, now_ms),
	};
}

static void
remember_error(struct health_subject *subject, const struct outcome *outcome, int64_t now_ms)
{
	subject->last_error.class = outcome->class;
	subject->last_error.http_status = outcome->http_status;
	subject->last_error.at_ms = now_ms;
	memcpy(subject->last_error.message, outcome->message, sizeof subject->last_error.message);
}

/* Did the attempt say anything about the one that was asked? Leaving early says nothing. */
static bool judges(enum outcome_class class)
{
	return class != OUTCOME_CANCELLED && class != OUTCOME_DEADLINE_EXCEEDED;
}

/* Is it a reason to pass the target over? Not what lay in the request, nor what was cut short. */
static bool
is_evidence(const struct outcome *outcome)
{
	const struct outcome_rule *rule = outcome_rule(outcome->class);

	return rule->scope != OUTCOME_SCOPE_NOTHING &&
		(outcome->counts || rule->opens != OUTCOME_OPENS_THRESHOLD);
}

/* One subject's share of an end. mine: the outcome's class counts against this kind. */
static bool
end_at(struct health *health, struct health_subject *subject, const struct outcome *outcome,
	bool mine, uint64_t probe, int64_t latency_ms, int64_t now_ms)
{
	assert(subject->in_flight > 0);
	subject->in_flight--;
	if (outcome->class == OUTCOME_OK) {
		subject->successes++;
		subject->last_failure_ms = 0;
		recent_note(&subject->recent, true, now_ms);
		if (!outcome->reported)
			retry_answered(&subject->retry);
		if (latency_ms >= 0) {
			latency_note(&subject->latency, latency_ms);
			subject->answered_ms = now_ms > 0 ? now_ms : 1;
		}
	} else if (judges(outcome->class)) {
		/* what was wrong with the request is told, but it is no failure of theirs */
		bool failed = outcome_rule(outcome->class)->scope != OUTCOME_SCOPE_NOTHING;
		bool here = mine || subject->kind == HEALTH_TARGET;

		subject->failures += failed;
		if (failed)
			recent_note(&subject->recent, false, now_ms);
		if (failed && here)
			remember_error(subject, outcome, now_ms);
		if (here && is_evidence(outcome))
			subject->last_failure_ms = now_ms > 0 ? now_ms : 1;
	}
	if (!health->policy.tracking) {
		circuit_release(&subject->circuit, probe);
		return false;
	}
	bool changed = circuit_note(
		&subject->circuit, &health->policy.circuit, outcome, mine, probe, now_ms);
	if (changed)
		health_say_circuit(health, subject, false);
	return changed;
}

struct health_change
health_end(struct health *health, const char *provider, const char *target,
	struct health_ticket ticket, const struct outcome *outcome, int64_t latency_ms,
	int64_t now_ms)
{
	enum outcome_scope scope = outcome_rule(outcome->class)->scope;
	struct health_subject *of_target = health_subject(health, HEALTH_TARGET, target);
	struct health_subject *of_provider = health_subject(health, HEALTH_PROVIDER, provider);
	struct health_change change;

	change.target_circuit = end_at(health, of_target, outcome, scope == OUTCOME_SCOPE_TARGET,
		ticket.target_probe, latency_ms, now_ms);
	change.provider_circuit = end_at(health, of_provider, outcome,
		scope == OUTCOME_SCOPE_PROVIDER, ticket.provider_probe, latency_ms, now_ms);
	return change;
}

struct health_change
health_note(struct health *health, const char *provider, const char *target,
	const struct outcome *outcome, int64_t latency_ms, int64_t now_ms)
{
	health_subject(health, HEALTH_PROVIDER, provider)->in_flight++;
	health_subject(health, HEALTH_TARGET, target)->in_flight++;
	return health_end(
		health, provider, target, (struct health_ticket){0}, outcome, latency_ms, now_ms);
}

void
health_first_token(
	struct health *health, const char *provider, const char *target, int64_t first_token_ms)
{
	latency_note(
		&health_subject(health, HEALTH_PROVIDER, provider)->first_token, first_token_ms);
	latency_note(&health_subject(health, HEALTH_TARGET, target)->first_token, first_token_ms);
}

void
health_quota(struct health *health, const char *target, const struct quota *quota)
{
	health_subject(health, HEALTH_TARGET, target)->quota = *quota;
}

bool
health_checked_well(struct health *health, const char *provider, const char *target, int64_t now_ms)
{
	struct health_subject *subject = target ? health_find(health, HEALTH_TARGET, target)
						: health_find(health, HEALTH_PROVIDER, provider);

	if (!subject)
		return false;
	subject->checked_well_ms = now_ms > 0 ? now_ms : 1;
	if (!circuit_checkable(&subject->circuit, now_ms))
		return false;
	circuit_check_passed(&subject->circuit, now_ms);
	health_say_circuit(health, subject, false);
	return true;
}

bool
health_disable(struct health *health, enum health_kind kind, const char *name, bool disabled)
{
	struct health_subject *subject = health_subject(health, kind, name);
	const struct health_news news = {HEALTH_NEWS_DISABLED, subject->name, subject, false};
	bool was = subject->disabled;

	subject->disabled = disabled;
	if (was != disabled)
		health_say(health, &news);
	return was;
}

static void
want_leave(struct health *health, enum health_kind kind, const char *name, int64_t now_ms)
{
	struct health_subject *subject = health_find(health, kind, name);

	if (!subject || !circuit_wants_leave(&subject->circuit, now_ms))
		return;
	const struct health_news news = {HEALTH_NEWS_WANTED, subject->name, subject, false};
	health_say(health, &news);
}

void
health_want_probe(struct health *health, const char *provider, const char *target, int64_t now_ms)
{
	want_leave(health, HEALTH_PROVIDER, provider, now_ms);
	want_leave(health, HEALTH_TARGET, target, now_ms);
}

bool
health_concerns(const struct health_subject *subject, const char *name)
{
	return strcmp(subject->name, name) == 0 || belongs_to(subject, name);
}

int
health_reset(struct health *health, const char *name)
{
	struct reset reset = {.health = health, .name = name, .concerns = health_concerns};

	health_each(health, reset_if_named, &reset);
	return reset.count;
}

