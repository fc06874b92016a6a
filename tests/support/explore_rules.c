/* SPDX-License-Identifier: MIT */
/*
 * What must hold in every life, each a sentence and a function that looks whether it does. Those of
 * the requests are in explore_request.c.
 */
#include <stdlib.h>
#include <string.h>

#include "call_rules.h"
#include "explore_rule.h"
#include "llmfo.h"

void
explore_apply(struct explore_moment *moment, const struct explore_rule *rules, size_t count)
{
	for (size_t i = 0; i < count && !moment->explore->broken; i++)
		if (!rules[i].holds(moment))
			explore_blame(moment->explore, rules[i].sentence, "%s", moment->why);
}

bool
explore_holds(struct explore_moment *moment, bool holds, const char *format, ...)
{
	va_list args;

	if (holds)
		return true;
	va_start(args, format);
	(void)vsnprintf(moment->why, sizeof moment->why, format, args);
	va_end(args);
	return false;
}

/* ---- after every turn ---- */

static bool
nothing_without_a_call(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->request_count; i++)
		if (!explore->requests[i].over &&
			!explore->calls[explore->requests[i].call]->row->call)
			return explore_holds(moment, false, "request %zu of call %zu", i,
				explore->requests[i].call);
	return true;
}

static bool
nothing_after_the_deadline(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->request_count; i++) {
		const struct explore_call *call = explore->calls[explore->requests[i].call];

		if (!explore->requests[i].over && explore->scene->clock.time_ms > call->deadline_ms)
			return explore_holds(moment, false, "request %zu of call %zu", i,
				explore->requests[i].call);
	}
	return true;
}

/* What was held back may take as much longer. */
static bool
nothing_takes_too_long(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->request_count; i++) {
		const struct explore_request *request = &explore->requests[i];
		const struct explore_call *call = explore->calls[request->call];

		if (!request->over && !call->was_held &&
			explore->scene->clock.time_ms - request->at_ms >
				call->candidates[request->candidate].limit_ms)
			return explore_holds(
				moment, false, "request %zu of call %zu", i, request->call);
	}
	return true;
}

static bool
who_does_not_read_is_left(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->call_count; i++) {
		const struct explore_call *call = explore->calls[i];

		if (call->row->call && call->held &&
			explore->scene->clock.time_ms - call->held_ms >
				call->config->stream_stall_ms)
			return explore_holds(moment, false, "call %zu", i);
	}
	return true;
}

/* A reload may lower the limit below what waits already. */
static bool
the_queue_has_an_end(struct explore_moment *moment)
{
	struct explore *explore = moment->explore;
	const struct gate *gate = &explore->scene->core.gate;
	int before = explore->waited;

	explore->waited = gate->waiting;
	return explore_holds(moment, gate->waiting <= gate->max_waiting || gate->waiting <= before,
		"%d calls wait, %d may", gate->waiting, gate->max_waiting);
}

static bool
nobody_waits_where_there_is_room(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;
	const struct gate *gate = &explore->scene->core.gate;

	for (size_t i = 0; i < explore->call_count && gate->running < gate->max_running; i++) {
		const struct call *running = explore->calls[i]->row->call;

		if (running && running->waiter.waits && !running->waiter.entered &&
			running->waiter.user->running < gate->max_user_running)
			return explore_holds(moment, false, "call %zu: %d run, %d may", i,
				gate->running, gate->max_running);
	}
	return true;
}

/* What lets a candidate in by itself, without anything that happens at the daemon: a cooldown that
 * ends, a limit that is full again, a forced provider's time. */
static bool
changes_by_time(const struct call *call, const struct route_candidate *candidate, int64_t now_ms)
{
	const struct config_target *target = candidate->target;
	const struct health_subject *of_target =
		health_find(call->env->health, HEALTH_TARGET, target->name);
	const struct health_subject *of_provider =
		health_find(call->env->health, HEALTH_PROVIDER, target->provider->name);

	return candidate->forced || (of_target && of_target->quota.known) ||
		(of_target && circuit_state(&of_target->circuit, now_ms) != CIRCUIT_CLOSED) ||
		(of_provider && circuit_state(&of_provider->circuit, now_ms) != CIRCUIT_CLOSED);
}

static bool
may_go_on(struct call *call, int64_t now_ms)
{
	for (size_t i = 0; i < call->route.count; i++) {
		struct route_candidate candidate = call->route.candidates[i];

		if (candidate.out == ROUTE_BUSY && !call->progress[i].spent &&
			!changes_by_time(call, &candidate, now_ms) &&
			route_admit(&candidate, call->env->health, now_ms) == ROUTE_IN)
			return true;
	}
	return false;
}

/* The others hear of what it held in the next turn. */
static bool
somebody_is_ending(const struct explore *explore)
{
	for (size_t i = 0; i < explore->call_count; i++)
		if (explore->calls[i]->row->call &&
			explore->calls[i]->row->call->state == CALL_ENDING)
			return true;
	return false;
}

static bool
nobody_waits_for_who_has_room(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	if (somebody_is_ending(explore))
		return true;
	for (size_t i = 0; i < explore->call_count; i++) {
		struct call *call = explore->calls[i]->row->call;

		if (call && call->waiter.waits && call->waiter.entered &&
			may_go_on(call, explore->scene->clock.time_ms))
			return explore_holds(moment, false, "call %zu", i);
	}
	return true;
}

/* A reload may lower the share below what runs already. */
static bool
no_user_has_more_than_its_share(struct explore_moment *moment)
{
	struct explore *explore = moment->explore;
	const struct gate *gate = &explore->scene->core.gate;

	for (uint32_t i = 0; i < EXPLORE_USERS; i++) {
		const struct user *user =
			users_find(&explore->scene->core.users, EXPLORE_FIRST_UID + i);
		int running = user ? user->calls.running : 0;
		int waiting = user ? user->calls.waiting : 0;

		if ((running > gate->max_user_running && running > explore->ran_of[i]) ||
			(waiting > gate->max_user_waiting && waiting > explore->waited_of[i]))
			return explore_holds(moment, false, "uid %u: %d run, %d wait",
				EXPLORE_FIRST_UID + i, running, waiting);
		explore->ran_of[i] = running;
		explore->waited_of[i] = waiting;
	}
	return true;
}

static bool
one_reply(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->call_count; i++) {
		const struct scene_call *row = explore->calls[i]->row;

		if (row->replies > (row->cancelled ? 0 : 1))
			return explore_holds(moment, false, "call %zu got %d", i, row->replies);
	}
	return true;
}

static bool
counters_agree(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;
	const struct stats *is = &explore->scene->core.stats, *should = &explore->expected;

#define X(name, help) \
	if (is->name != should->name) \
		return explore_holds(moment, false, #name " is %lld and should be %lld", \
			(long long)is->name, (long long)should->name);
#include "stats.def"
#undef X
	return true;
}

/* What no configuration names may be forgotten at any time. */
static void
follow_unlisted(struct explore_count *count, const struct health_subject *subject)
{
	count->successes = subject ? subject->successes : 0;
	count->failures = subject ? subject->failures : 0;
}

static bool
health_agrees(struct explore_moment *moment)
{
	struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->count_count; i++) {
		struct explore_count *count = &explore->counts[i];
		const struct health_subject *subject =
			health_find(explore->scene->core.health, count->kind, count->name);

		if (!subject || !subject->listed)
			follow_unlisted(count, subject);
		else if (subject->successes != count->successes ||
			subject->failures != count->failures)
			return explore_holds(moment, false,
				"%s has %lld successes and %lld failures, there were %lld and %lld",
				count->name, (long long)subject->successes,
				(long long)subject->failures, (long long)count->successes,
				(long long)count->failures);
	}
	return true;
}

/* At most three repeats, and one more for every five answers. */
static bool
repeats_are_paid_for(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->count_count; i++) {
		const struct explore_count *count = &explore->counts[i];

		if (count->kind == HEALTH_PROVIDER && count->repeats * 5 > 15 + count->answers)
			return explore_holds(moment, false,
				"%s got %lld repeats and gave %lld answers", count->name,
				(long long)count->repeats, (long long)count->answers);
	}
	return true;
}

static bool
the_scene_holds(struct explore_moment *moment)
{
	struct explore *explore = moment->explore;

	explore->scene_turned(explore->scene);
	return explore_holds(moment, !explore->scene->fault, "%s", explore->scene->fault);
}

static const struct explore_rule at_turn[] = {
	{"What the scene looks at holds", the_scene_holds},
	{"A call gets one reply, none when it was cancelled", one_reply},
	{"Nothing is in flight for a call that is over", nothing_without_a_call},
	{"Nothing is in flight after its call's deadline", nothing_after_the_deadline},
	{"No attempt takes longer than it may", nothing_takes_too_long},
	{"Who does not read is not waited for longer than stream_stall", who_does_not_read_is_left},
	{"No more calls wait than limits.queue", the_queue_has_an_end},
	{"No call waits for a place that is free", nobody_waits_where_there_is_room},
	{"No call waits for a provider that has room", nobody_waits_for_who_has_room},
	{"No user has more calls at once, or waiting, than its share",
		no_user_has_more_than_its_share},
	{"The daemon's counters are what happened", counters_agree},
	{"The counters of providers and targets are what happened", health_agrees},
	{"Repeats at a provider are within its retry budget", repeats_are_paid_for},
};

static void
count_all(struct explore *explore)
{
	for (size_t i = 0; i < explore->call_count; i++) {
		const struct call *running = explore->calls[i]->row->call;

		if (running)
			explore_count_attempts(
				explore->calls[i], running->attempts, running->attempt_count);
	}
}

void
explore_check_turn(struct explore *explore)
{
	struct explore_moment moment = {.explore = explore};

	explore->turns++;
	count_all(explore);
	explore_apply(&moment, at_turn, UTIL_COUNT(at_turn));
	explore_check_clients(explore);
}

/* ---- at every piece of a stream ---- */

static bool
is_running(struct explore_moment *moment)
{
	return explore_holds(
		moment, moment->call->row->replies == 0, "call %zu", moment->call->number);
}

static bool
wants_a_stream(struct explore_moment *moment)
{
	return explore_holds(moment, moment->call->stream, "call %zu", moment->call->number);
}

/* Who does not read gets what had come by then, and yet the first that an attempt brings. */
static bool
is_reading(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;
	int64_t now_ms = moment->explore->scene->clock.time_ms;

	return explore_holds(moment,
		!call->held || now_ms == call->held_ms || now_ms == call->teller_ms, "call %zu",
		call->number);
}

static bool
begins(const char *text, const struct buf *with)
{
	return text && with->len <= strlen(text) && memcmp(text, with->data, with->len) == 0;
}

/* Whose words they are. */
static void
note_teller(struct explore_call *call, size_t request)
{
	if (call->teller == request + 1)
		return;
	call->teller = request + 1;
	call->teller_ms = call->explore->scene->clock.time_ms;
}

static bool
is_what_one_said(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;
	struct explore_call *call = moment->call;

	for (size_t i = explore->request_count; i-- > 0;) {
		const struct explore_request *request = &explore->requests[i];

		if (request->call == call->number && begins(request->text, &call->told) &&
			call->told_tools <= request->tools) {
			note_teller(call, i);
			return true;
		}
	}
	return explore_holds(moment, false, "call %zu was told \"%s\" and %d tool calls",
		call->number, call->told.len ? call->told.data : "", call->told_tools);
}

static const struct explore_rule at_told[] = {
	{"Nothing is told after the reply", is_running},
	{"Nothing is told to who asked for no stream", wants_a_stream},
	{"What is told is the beginning of one answer, each piece once", is_what_one_said},
	{"Nothing more is told to who does not read", is_reading},
};

void
explore_check_told(struct explore_call *call)
{
	struct explore_moment moment = {.explore = call->explore, .call = call};

	explore_apply(&moment, at_told, UTIL_COUNT(at_told));
}

static bool
resets_are_wanted(struct explore_moment *moment)
{
	return explore_holds(moment, moment->call->on_break != CALL_BREAK_ERROR, "call %zu",
		moment->call->number);
}

static bool
something_is_void(struct explore_moment *moment)
{
	return explore_holds(moment, moment->call->told.len > 0 || moment->call->told_tools > 0,
		"call %zu", moment->call->number);
}

static const struct explore_rule at_reset[] = {
	{"Nothing is told after the reply", is_running},
	{"Nothing is told to who asked for no stream", wants_a_stream},
	{"Only who asked for it has an answer begun anew", resets_are_wanted},
	{"A reset comes after something was told", something_is_void},
};

void
explore_check_reset(struct explore_call *call)
{
	struct explore_moment moment = {.explore = call->explore, .call = call};

	explore_apply(&moment, at_reset, UTIL_COUNT(at_reset));
}

/* ---- when the daemon goes, and when all is over ---- */

static bool
no_call_runs(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->call_count; i++)
		if (explore->calls[i]->row->call)
			return explore_holds(moment, false, "call %zu", i);
	return true;
}

static const struct explore_rule at_shutdown[] = {
	{"A shutdown answers every call in the next turn", no_call_runs},
};

void
explore_check_shutdown(struct explore *explore)
{
	struct explore_moment moment = {.explore = explore};

	explore_apply(&moment, at_shutdown, UTIL_COUNT(at_shutdown));
}

static bool
every_call_is_over(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;

	for (size_t i = 0; i < explore->call_count; i++) {
		const struct scene_call *row = explore->calls[i]->row;

		if (row->replies != (row->cancelled ? 0 : 1))
			return explore_holds(
				moment, false, "call %zu got %d replies", i, row->replies);
	}
	return true;
}

static bool
nobody_waits(struct explore_moment *moment)
{
	const struct core *core = &moment->explore->scene->core;

	return explore_holds(moment,
		core->gate.running == 0 && core->gate.waiting == 0 && core->leases.count == 0,
		"%d calls run, %d wait, %d leases are held", core->gate.running, core->gate.waiting,
		core->leases.count);
}

static const struct explore_rule at_end[] = {
	{"Every call gets its reply in the end", every_call_is_over},
	{"Nothing runs in the end", nobody_waits},
};

void
explore_check_end(struct explore *explore)
{
	struct explore_moment moment = {.explore = explore};

	explore_apply(&moment, at_end, UTIL_COUNT(at_end));
}
