/* SPDX-License-Identifier: MIT */
/* What a call says: the message of its failure and its lines in the log, worded as docs/llmfod.8
 * promises. */
#include "call_rules.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "health_report.h"
#include "llmfo.h"
#include "log.h"

#define MESSAGE_MAX_BYTES ((size_t)16 << 10)

/* "rate_limited (429: slow down)" */
static void
add_outcome(struct buf *text, const struct outcome *outcome)
{
	(void)buf_puts(text, outcome_text(outcome->class));
	if (outcome->http_status > 0 && outcome->message[0])
		(void)buf_printf(text, " (%d: %s)", outcome->http_status, outcome->message);
	else if (outcome->http_status > 0)
		(void)buf_printf(text, " (%d)", outcome->http_status);
	else if (outcome->message[0])
		(void)buf_printf(text, " (%s)", outcome->message);
}

/* "not tried, the circuit is open for 12 s more" */
static void
add_reason(struct buf *text, const struct route_candidate *candidate)
{
	(void)buf_puts(text, "not tried, ");
	route_why(candidate, text);
	if (candidate->out_for_ms > 0)
		(void)buf_printf(text, " for %lld s more",
			(long long)((candidate->out_for_ms + 999) / 1000));
}

/* The end of one that was cancelled beside another, NULL if there was none. */
static const struct outcome *
cancelled(const struct call *call, const struct route_candidate *candidate)
{
	for (size_t i = 0; i < call->attempt_count; i++)
		if (strcmp(call->attempts[i].target, candidate->target->name) == 0)
			return &call->attempts[i].outcome;
	return NULL;
}

/* Every candidate and what became of it; returns how many there are. */
static size_t
add_candidates(struct buf *text, const struct call *call)
{
	size_t count = 0;

	for (size_t i = 0; i < call->route.count; i++) {
		const struct route_candidate *candidate = &call->route.candidates[i];
		const struct outcome *last = &call->progress[i].last;
		const struct outcome *left = cancelled(call, candidate);

		if (candidate->out == ROUTE_NOT_FIRST && last->class == OUTCOME_OK)
			continue;
		(void)buf_printf(text, "%s%s ", count ? "; " : "", candidate->target->name);
		if (last->class != OUTCOME_OK)
			add_outcome(text, last);
		else if (left)
			add_outcome(text, left);
		else if (candidate->out == ROUTE_IN)
			(void)buf_puts(text, "not tried");
		else
			add_reason(text, candidate);
		count++;
	}
	return count;
}

char *
call_failure_text(const struct call *call, int error)
{
	struct buf list, text;

	buf_init(&list, MESSAGE_MAX_BYTES);
	buf_init(&text, MESSAGE_MAX_BYTES + 200);
	size_t count = add_candidates(&list, call);
	const struct call_attempt *last =
		call->attempt_count ? &call->attempts[call->attempt_count - 1] : NULL;

	if (error == LLMFO_EALL_FAILED) {
		(void)buf_printf(&text, "all %zu target%s failed: %s", count, count == 1 ? "" : "s",
			list.data);
	} else if (error == LLMFO_EDEADLINE_EXCEEDED) {
		(void)buf_printf(&text, "no answer within %lld ms: %s",
			(long long)(call->deadline_ms - call->started_ms), list.data);
	} else if (error == LLMFO_EINTERRUPTED && call->request->on_break != CALL_BREAK_ERROR) {
		(void)buf_printf(&text, "the answer broke off and nobody took over: %s", list.data);
	} else if (last) {
		(void)buf_printf(&text,
			"%s%s: ", error == LLMFO_EINTERRUPTED ? "the answer broke off: " : "",
			last->target);
		add_outcome(&text, &last->outcome);
	} else if (count > 0) {
		(void)buf_printf(&text, "no target can take this request: %s", list.data);
	} else {
		(void)buf_puts(&text, error_text(error));
	}
	buf_free(&list);
	return buf_take(&text, NULL);
}

static const char *
name_of(const struct route_candidate *candidate)
{
	return candidate ? candidate->target->name : NULL;
}

/* The fields that llmfod(8) lists, those that apply. */
static void
log_call(enum log_level level, const struct call *call, const struct route_candidate *from,
	const struct route_candidate *to, const struct outcome *outcome, int64_t latency_ms,
	const char *message)
{
	const struct call_request *request = call->request;
	const struct log_field fields[] = {
		LOG_STRING("request_id", request->request_id),
		LOG_NUMBER("user", request->uid),
		LOG_STRING("chain", request->chain->name[0] ? request->chain->name : NULL),
		LOG_STRING("from", name_of(from)),
		LOG_STRING("to", name_of(to)),
		LOG_STRING("class", outcome ? outcome_text(outcome->class) : NULL),
		{.key = outcome && outcome->http_status ? "http_status" : "",
			.number = outcome ? outcome->http_status : 0},
		{.key = latency_ms >= 0 ? "latency_ms" : "", .number = latency_ms},
		LOG_STRING("workspace",
			request->workspace ? request->workspace : request->chain->workspace),
	};

	log_line(level, fields, UTIL_COUNT(fields), "%s", message);
}

static bool
is_primary(const struct call *call, const struct route_candidate *candidate)
{
	return candidate->place == call_first_place(&call->route);
}

/* What a call's events say of whose it is; for others it is nobody's. */
#define WHOSE(call) \
	{.key = "request_id", .text = (call)->request->request_id, .own = true}, \
		{.key = (call)->request->chain->name[0] ? "chain" : NULL, \
			.text = (call)->request->chain->name, \
			.own = true}, \
	{ \
		.key = "uid", .kind = EVENT_NUMBER, .number = (call)->request->uid, .own = true \
	}

static void
tell_failover(const struct call *call, const struct route_candidate *from,
	const struct route_candidate *to)
{
	const struct call_progress *last = call_progress(call, from);

	const struct event_field fields[] = {
		{.key = "from", .text = from->target->name},
		{.key = "to", .text = to->target->name},
		{.key = "class", .text = outcome_text(last->last.class)},
		{.key = last->last.http_status > 0 ? "http_status" : NULL,
			.kind = EVENT_NUMBER,
			.number = last->last.http_status},
		{.key = "latency_ms", .kind = EVENT_NUMBER, .number = last->latency_ms},
		WHOSE(call),
	};

	event_tell(
		call->env->events, EVENT_failover, call->request->uid, fields, UTIL_COUNT(fields));
}

static void
tell_all_failed(const struct call *call)
{
	const struct event_field fields[] = {
		{.key = "attempts", .kind = EVENT_NUMBER, .number = (int64_t)call->attempt_count},
		{.key = call->retry_after_ms >= 0 ? "retry_after_ms" : NULL,
			.kind = EVENT_NUMBER,
			.number = call->retry_after_ms},
		WHOSE(call),
	};

	event_tell(call->env->events, EVENT_all_failed, call->request->uid, fields,
		UTIL_COUNT(fields));
}

static void
report_failover(const struct call *call, const struct route_candidate *from,
	const struct route_candidate *to)
{
	struct call_progress *last = call_progress(call, from);

	last->unreported = false;
	tell_failover(call, from, to);
	if (!log_wants(LOG_WARNING))
		return;
	char *message = x_asprintf("%s failed (%s), switching to fallback: %s",
		is_primary(call, from) ? "primary provider" : "fallback",
		outcome_text(last->last.class), to->target->name);
	log_call(LOG_WARNING, call, from, to, &last->last, last->latency_ms, message);
	free(message);
}

void
call_log_switch(const struct call_lane *lane)
{
	const struct call *call = lane->call;
	const struct route_candidate *to = lane->candidate;

	if (lane->failed && lane->failed != to) {
		report_failover(call, lane->failed, to);
	} else if (log_wants(LOG_DEBUG)) {
		char *message = x_asprintf("using %s provider: %s",
			is_primary(call, to) ? "primary" : "fallback", to->target->provider->name);

		log_call(LOG_DEBUG, call, NULL, to, NULL, -1, message);
		free(message);
	}
}

void
call_log_answered(const struct call *call, const struct route_candidate *winner)
{
	int64_t took_ms = clock_now_ms(call->env->clock) - call->started_ms;
	bool fallback = call->failed && call->failed != winner;

	/* in a race the one that took over ran beside them already */
	for (size_t i = 0; i < call->route.count; i++)
		if (call->progress[i].unreported && &call->route.candidates[i] != winner)
			report_failover(call, &call->route.candidates[i], winner);
	if (!log_wants(fallback ? LOG_INFO : LOG_DEBUG))
		return;
	char *message = x_asprintf(
		fallback ? "fallback succeeded: %s" : "answered by %s", winner->target->name);
	log_call(fallback ? LOG_INFO : LOG_DEBUG, call, fallback ? call->failed : NULL, winner,
		NULL, took_ms, message);
	free(message);
}

void
call_log_failed(const struct call *call)
{
	enum log_level level = call->error == LLMFO_EALL_FAILED ? LOG_ERROR : LOG_WARNING;
	const struct call_attempt *last =
		call->attempt_count ? &call->attempts[call->attempt_count - 1] : NULL;
	int64_t took_ms = clock_now_ms(call->env->clock) - call->started_ms;

	if (call->error == LLMFO_EALL_FAILED)
		tell_all_failed(call);
	log_call(level, call, NULL, NULL, last ? &last->outcome : NULL, took_ms,
		call->message ? call->message : "");
}

void
call_log_circuits(const struct call *call, const struct config_target *target,
	struct health_change change, const struct outcome *outcome)
{
	const struct call_request *request = call->request;
	struct health_about about = {
		.request_id = request->request_id,
		.uid = request->uid,
		.chain = request->chain->name[0] ? request->chain->name : NULL,
		.workspace = request->workspace ? request->workspace : request->chain->workspace,
	};

	health_report_change(call->env->health, &about, target->provider->name, target->name,
		change, outcome, clock_now_ms(call->env->clock));
}

void
call_log_candidates(const struct call *call)
{
	const struct call_request *request = call->request;
	struct buf text;

	if (!log_wants(LOG_DEBUG))
		return;
	buf_init(&text, MESSAGE_MAX_BYTES);
	route_text(&call->route, &text);
	log_debug("call %s: %s: %s", request->request_id, strategy_name(request->strategy),
		text.data);
	buf_free(&text);
}
