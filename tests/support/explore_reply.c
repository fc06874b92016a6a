/* SPDX-License-Identifier: MIT */
/* What must hold of every reply. */
#include <string.h>

#include "explore_rule.h"
#include "llmfo.h"

static bool
it_is_the_first(struct explore_moment *moment)
{
	const struct scene_call *row = moment->call->row;

	return explore_holds(
		moment, row->replies == 1 && !row->cancelled, "call %zu", moment->call->number);
}

static bool
it_is_in_time(struct explore_moment *moment)
{
	int64_t now_ms = moment->explore->scene->clock.time_ms;

	return explore_holds(moment, now_ms <= moment->call->deadline_ms, "call %zu: %lld ms late",
		moment->call->number, (long long)(now_ms - moment->call->deadline_ms));
}

static bool
attempts_are_those_made(struct explore_moment *moment)
{
	return explore_holds(moment, moment->result->attempt_count == (size_t)moment->call->made,
		"call %zu: %zu are told, %d were made", moment->call->number,
		moment->result->attempt_count, moment->call->made);
}

static size_t
answered(const struct call_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->attempt_count; i++)
		count += result->attempts[i].outcome.class == OUTCOME_OK;
	return count;
}

static bool
one_attempt_is_the_answer(struct explore_moment *moment)
{
	const struct call_result *result = moment->result;
	size_t expected = result->error == 0;

	return explore_holds(moment,
		answered(result) == expected &&
			(!expected ||
				strcmp(result->attempts[result->attempt_count - 1].target,
					result->target->name) == 0),
		"call %zu: %zu attempts are ok, the error is %d", moment->call->number,
		answered(result), result->error);
}

static bool
is_error(struct explore_moment *moment)
{
	static const int errors[] = {0, LLMFO_EALL_FAILED, LLMFO_EBAD_REQUEST,
		LLMFO_ECONTEXT_LENGTH, LLMFO_ECONTENT_POLICY, LLMFO_EDEADLINE_EXCEEDED, LLMFO_EBUSY,
		LLMFO_ESHUTTING_DOWN, LLMFO_ENOT_FOUND, LLMFO_EINTERRUPTED};

	for (size_t i = 0; i < UTIL_COUNT(errors); i++)
		if (moment->result->error == errors[i])
			return true;
	return explore_holds(
		moment, false, "call %zu: %d", moment->call->number, moment->result->error);
}

static bool
the_deadline_is_there(struct explore_moment *moment)
{
	return explore_holds(moment,
		moment->result->error != LLMFO_EDEADLINE_EXCEEDED ||
			moment->explore->scene->clock.time_ms >= moment->call->deadline_ms,
		"call %zu", moment->call->number);
}

static bool
no_secret(struct explore_moment *moment)
{
	const struct call_result *result = moment->result;

	return explore_holds(moment, !result->error || !strstr(result->message, "sk-secret"),
		"call %zu: %.200s", moment->call->number, result->message);
}

static bool
is_text(const char *text, const char *bytes, size_t length)
{
	return text && strlen(text) == length && (length == 0 || memcmp(text, bytes, length) == 0);
}

/* Success is one provider's whole answer, in its own words, from the target that is named. */
static bool
the_answer_is_whole(struct explore_moment *moment)
{
	const struct explore *explore = moment->explore;
	const struct explore_call *call = moment->call;
	const struct call_result *result = moment->result;

	if (result->error)
		return true;
	const struct buf *text = &result->answer->text;
	for (size_t i = explore->request_count; i-- > 0;) {
		const struct explore_request *request = &explore->requests[i];

		if (request->call == call->number && request->whole != EXPLORE_CUT &&
			strcmp(call->candidates[request->candidate].name, result->target->name) ==
				0 &&
			is_text(request->text, text->data, text->len))
			return true;
	}
	return explore_holds(moment, false, "call %zu: \"%.200s\" of %s", call->number,
		text->len ? text->data : "", result->target->name);
}

/* Of a stream the reply has what was told, be it the answer or, with an error, what there is. */
static bool
it_agrees_with_what_was_told(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;
	const struct call_result *result = moment->result;
	const struct buf *told = &call->told;

	if (!call->stream)
		return true;
	const char *bytes = result->error ? result->partial : result->answer->text.data;
	size_t length = result->error ? result->partial_length : result->answer->text.len;
	return explore_holds(moment,
		length == told->len && (length == 0 || memcmp(bytes, told->data, length) == 0),
		"call %zu: \"%.*s\" was told, the reply has \"%.*s\"", call->number, (int)told->len,
		told->len ? told->data : "", (int)length, length ? bytes : "");
}

/* Who reads again in the very turn that it was given up in is told so in the next. */
static bool
was_waited_for(const struct explore_call *call)
{
	return call->held ||
		(call->was_held && call->held_ms == call->explore->scene->clock.time_ms);
}

static bool
a_break_is_told_as_one(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;

	return explore_holds(moment,
		moment->result->error != LLMFO_EINTERRUPTED ||
			(call->stream &&
				(call->told.len > 0 || call->told_tools > 0 ||
					was_waited_for(call))),
		"call %zu", call->number);
}

/* Until there is something better a caller keeps what it has. */
static bool
what_is_void_was_replaced(struct explore_moment *moment)
{
	return explore_holds(moment, !moment->result->error || !moment->call->void_yet, "call %zu",
		moment->call->number);
}

static bool
its_times_are_right(struct explore_moment *moment)
{
	const struct explore_call *call = moment->call;
	const struct call_result *result = moment->result;
	int64_t took_ms = moment->explore->scene->clock.time_ms - call->row->asked_ms;
	int64_t first_ms = call->first_ms ? call->first_ms - call->row->asked_ms : -1;

	return explore_holds(moment,
		result->total_latency_ms == took_ms && result->first_token_ms == first_ms,
		"call %zu: %lld ms and %lld to the first piece, the reply has %lld and %lld",
		call->number, (long long)took_ms, (long long)first_ms,
		(long long)result->total_latency_ms, (long long)result->first_token_ms);
}

static const struct explore_rule of_reply[] = {
	{"A call gets one reply, none when it was cancelled", it_is_the_first},
	{"No reply comes after the deadline", it_is_in_time},
	{"A reply lists the attempts that were made", attempts_are_those_made},
	{"Success is one attempt's, the last; a failure has none", one_attempt_is_the_answer},
	{"A call's error is one of those that calls have", is_error},
	{"A deadline is exceeded when it has come", the_deadline_is_there},
	{"No key is in a message", no_secret},
	{"A call's answer is one provider's whole answer", the_answer_is_whole},
	{"A stream's reply is what was told", it_agrees_with_what_was_told},
	{"A reset comes right before what takes its place", what_is_void_was_replaced},
	{"A reply says how long it took", its_times_are_right},
	{"Only a stream that told something is interrupted", a_break_is_told_as_one},
};

void
explore_check_reply(struct explore_call *call, const struct call_result *result)
{
	struct explore_moment moment = {.explore = call->explore, .call = call, .result = result};

	explore_apply(&moment, of_reply, UTIL_COUNT(of_reply));
}
