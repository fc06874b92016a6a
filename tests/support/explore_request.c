/* SPDX-License-Identifier: MIT */
/* What must hold of every request that a provider gets. */
#include <string.h>

#include "call_rules.h"
#include "explore_rule.h"

static int64_t
now_ms(const struct explore_moment *moment)
{
	return moment->explore->scene->clock.time_ms;
}

static bool
its_call_runs(struct explore_moment *moment)
{
	const struct scene_call *row = moment->call->row;

	return explore_holds(
		moment, row->replies == 0 && !row->cancelled, "call %zu", moment->call->number);
}

static bool
the_deadline_is_ahead(struct explore_moment *moment)
{
	return explore_holds(moment, now_ms(moment) < moment->call->deadline_ms, "call %zu",
		moment->call->number);
}

static bool
it_is_configured(struct explore_moment *moment)
{
	return explore_holds(moment, moment->candidate->configured, "%s", moment->candidate->name);
}

static const struct health_subject *
provider_of(const struct explore_moment *moment, const struct explore_candidate *candidate)
{
	return health_find(moment->explore->scene->core.health, HEALTH_PROVIDER,
		moment->explore->hosts[candidate->host].name);
}

static const struct health_subject *
target_of(const struct explore_moment *moment, const struct explore_candidate *candidate)
{
	return health_find(moment->explore->scene->core.health, HEALTH_TARGET, candidate->name);
}

static bool
it_is_not_disabled(struct explore_moment *moment)
{
	const struct health_subject *provider = provider_of(moment, moment->candidate);

	return explore_holds(
		moment, provider && !provider->disabled, "%s", moment->candidate->name);
}

static bool
no_more_than_may_run_at_once(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;
	int may = call->race.max_parallel;

	if (!call->config->hedging)
		may = 1;
	else if (may == 0)
		may = (int)call->candidate_count;
	return explore_holds(moment, call->in_flight < may, "call %zu has %d in flight",
		call->number, call->in_flight);
}

/* One that was hedged comes no sooner than its time, or its share of the deadline, unless something
 * failed. */
static bool
a_hedge_comes_in_its_time(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;
	int64_t waited_ms = now_ms(moment) - call->last_ms;
	int64_t left_ms = call->deadline_ms - call->last_ms;

	return explore_holds(moment,
		call->in_flight == 0 || call->race.hedge_after_ms <= 0 || call->counted > 0 ||
			waited_ms >= call->race.hedge_after_ms ||
			waited_ms >= left_ms / (int64_t)call->candidate_count,
		"call %zu", call->number);
}

static bool
the_provider_has_room(struct explore_moment *moment)
{
	const struct health_subject *provider = provider_of(moment, moment->candidate);
	int may = moment->candidate->max_concurrency;

	return explore_holds(moment, may == 0 || (provider && provider->in_flight <= may),
		"%s has %d in flight and may have %d", moment->candidate->name,
		provider ? provider->in_flight : 0, may);
}

static bool
without_failover_it_is_one(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;

	for (size_t i = 0; i < call->candidate_count && !call->fallback; i++)
		if (&call->candidates[i] != moment->candidate && call->candidates[i].attempts > 0)
			return explore_holds(moment, false, "call %zu: %s after %s", call->number,
				moment->candidate->name, call->candidates[i].name);
	return true;
}

/* Beyond the repeats that it has it may wait out a limit, once. */
static bool
repeats_are_allowed(struct explore_moment *moment)
{
	const struct explore_candidate *candidate = moment->candidate;
	int may = candidate->max_repeats + candidate->limited;

	return explore_holds(moment, candidate->attempts - candidate->unjudged <= may,
		"call %zu: %s for the %dth time", moment->call->number, candidate->name,
		candidate->attempts + 1);
}

static bool
it_may_pass(struct explore_moment *moment)
{
	return explore_holds(moment, !moment->candidate->lasts, "call %zu: %s after %s",
		moment->call->number, moment->candidate->name,
		outcome_text(moment->candidate->last));
}

static bool
is_too_small(const struct explore_call *call, const char *model)
{
	for (size_t i = 0; i < call->candidate_count; i++)
		if (call->candidates[i].last == OUTCOME_CONTEXT_LENGTH &&
			strcmp(call->candidates[i].model, model) == 0)
			return true;
	return false;
}

static bool
the_model_was_not_too_small(struct explore_moment *moment)
{
	return explore_holds(moment, !is_too_small(moment->call, moment->candidate->model),
		"call %zu: %s", moment->call->number, moment->candidate->name);
}

/* ---- circuits ---- */

static bool
is_forced(const struct explore_moment *moment)
{
	const struct explore_host *host = &moment->explore->hosts[moment->candidate->host];

	return host->forced_until_ms >= moment->call->row->asked_ms;
}

static bool
keeps_out(const struct explore_moment *moment, const struct health_subject *subject)
{
	return subject && circuit_state(&subject->circuit, now_ms(moment)) == CIRCUIT_OPEN;
}

/* Could a candidate be used in the ordinary way? */
static bool
is_open_to(const struct explore_moment *moment, const struct explore_candidate *candidate)
{
	const struct health_subject *provider = provider_of(moment, candidate);
	const struct health_subject *target = target_of(moment, candidate);

	return candidate->configured && candidate->attempts == 0 && !moment->call->has_needs &&
		!is_too_small(moment->call, candidate->model) &&
		(!provider ||
			(!provider->disabled &&
				circuit_admits(&provider->circuit, now_ms(moment)))) &&
		(!target || circuit_admits(&target->circuit, now_ms(moment))) &&
		(candidate->max_concurrency == 0 || !provider ||
			provider->in_flight < candidate->max_concurrency);
}

static bool
is_early(const struct explore_moment *moment, const struct health_subject *subject)
{
	const struct circuit *circuit = &subject->circuit;

	return moment->call->config->when_all_open_try && moment->call->made == 0 &&
		!circuit->hinted &&
		outcome_rule(circuit->opened_by)->opens != OUTCOME_OPENS_AT_ONCE;
}

static bool
may_pass(struct explore_moment *moment, const struct health_subject *subject)
{
	if (!keeps_out(moment, subject) || is_forced(moment))
		return true;
	return explore_holds(moment, circuit_is_hearsay(&subject->circuit, now_ms(moment)) ||
			is_early(moment, subject),
		"%s for call %zu", subject->name, moment->call->number);
}

static bool
circuits_let_it_through(struct explore_moment *moment)
{
	return may_pass(moment, provider_of(moment, moment->candidate)) &&
		may_pass(moment, target_of(moment, moment->candidate));
}

static bool
nothing_else_is_left(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;
	bool out = keeps_out(moment, provider_of(moment, moment->candidate)) ||
		keeps_out(moment, target_of(moment, moment->candidate));

	if (!out || is_forced(moment) || !call->fallback)
		return true;
	for (size_t i = 0; i < call->candidate_count; i++)
		if (&call->candidates[i] != moment->candidate &&
			is_open_to(moment, &call->candidates[i]) && !moment->explore->strict)
			return explore_holds(moment, false, "call %zu: %s, and there is %s",
				call->number, moment->candidate->name, call->candidates[i].name);
	return true;
}

static bool
strictly_forced_is_alone(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;
	const struct explore_host *forced = explore->forced;

	return explore_holds(moment,
		!forced || moment->call->names_provider ||
			explore->forced_ms >= moment->call->row->asked_ms ||
			now_ms(moment) >= forced->forced_until_ms ||
			forced == &explore->hosts[moment->candidate->host],
		"call %zu: %s", moment->call->number, moment->candidate->name);
}

/* ---- streams that broke ---- */

static bool
breaks_are_mended_where_wanted(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;

	return explore_holds(moment,
		call->on_break != CALL_BREAK_ERROR ||
			(call->told.len == 0 && call->told_tools == 0),
		"call %zu", call->number);
}

static bool
who_goes_on_may(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;

	return explore_holds(moment,
		!moment->request->continues ||
			(call->on_break == CALL_BREAK_CONTINUE && call->told.len > 0 &&
				call->told_tools == 0),
		"call %zu", call->number);
}

/* A prefill may not end in blanks. */
static bool
who_goes_on_gets_what_was_told(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;
	const struct buf *told = &moment->call->told;
	size_t length = 0, end = told->len;

	if (!moment->request->continues)
		return true;
	const char *body =
		explore->scene->transport.requests[moment->request - explore->requests].body;
	struct json *tree = json_parse(body, strlen(body), false, NULL);
	const struct json *messages = json_get(tree, "messages");
	const struct json *last = json_at(messages, json_count(messages) - 1);
	const char *text = json_string(json_get(last, "content"), &length);
	while (end > 0 && strchr(" \t\r\n", told->data[end - 1]))
		end--;
	bool holds = text && length == end && memcmp(text, told->data, length) == 0;
	json_free(tree);
	return explore_holds(moment, holds, "call %zu was told \"%.*s\"", moment->call->number,
		(int)told->len, told->data);
}

static const struct explore_rule of_attempt[] = {
	{"No attempt is made for a call that is over", its_call_runs},
	{"No attempt is made after the deadline", the_deadline_is_ahead},
	{"Nothing is sent to a provider without its key", it_is_configured},
	{"Nothing is sent to what is disabled", it_is_not_disabled},
	{"A call runs no more at once than it may", no_more_than_may_run_at_once},
	{"A hedge comes in its time", a_hedge_comes_in_its_time},
	{"A provider gets no more at once than max_concurrency", the_provider_has_room},
	{"Without failover one target is asked alone", without_failover_it_is_one},
	{"No target is asked more often than max_retries has it", repeats_are_allowed},
	{"What does not pass by itself is not repeated", it_may_pass},
	{"After context_length the same model is not asked", the_model_was_not_too_small},
	{"Where a provider is forced strictly no other is asked", strictly_forced_is_alone},
	{"A stream that broke ends, if its caller wants it so", breaks_are_mended_where_wanted},
	{"What was told is gone on from where it can be", who_goes_on_may},
	{"Who goes on from what was told gets it whole", who_goes_on_gets_what_was_told},
	{"An open circuit lets nothing through before its time", circuits_let_it_through},
	{"An open circuit is tried early when nothing else is left", nothing_else_is_left},
};

/* What replaces a dead connection goes on with an attempt that was judged when it began. */
static const struct explore_rule of_replacement[] = {
	{"No attempt is made for a call that is over", its_call_runs},
	{"No attempt is made after the deadline", the_deadline_is_ahead},
	{"A call runs no more at once than it may", no_more_than_may_run_at_once},
};

static void
count_attempt(struct explore_call *call, struct explore_candidate *candidate)
{
	struct explore *explore = call->explore;

	explore->expected.attempts++;
	explore->expected.repeats += candidate->attempts > candidate->unjudged;
	if (candidate->attempts > 0 && candidate->judged)
		explore_counts(explore, HEALTH_PROVIDER, explore->hosts[candidate->host].name)
			->repeats++;
	candidate->attempts++;
	call->made++;
	call->last_ms = explore->scene->clock.time_ms;
}

void
explore_check_request(struct explore_call *call, struct explore_request *request)
{
	struct explore_candidate *candidate = &call->candidates[request->candidate];
	const struct call *running = call->row->call;
	struct explore_moment moment = {
		.explore = call->explore, .call = call, .request = request, .candidate = candidate};

	if (running)
		explore_count_attempts(call, running->attempts, running->attempt_count);
	if (request->fresh)
		explore_apply(&moment, of_replacement, UTIL_COUNT(of_replacement));
	else
		explore_apply(&moment, of_attempt, UTIL_COUNT(of_attempt));
	if (!request->fresh)
		count_attempt(call, candidate);
	call->in_flight++;
}
