/* SPDX-License-Identifier: MIT */
/* See route.h: what is said of candidates. */
#include <stdlib.h>
#include <string.h>

#include "route.h"

const char *
route_out_text(enum route_out out)
{
	static const char *const texts[] = {
		[ROUTE_IN] = "in",
		[ROUTE_NOT_CONFIGURED] = "the provider is not configured",
		[ROUTE_DISABLED] = "disabled by an administrator",
		[ROUTE_LACKS] = "it cannot do what the request needs",
		[ROUTE_UNFIT] = "it lacks a capability",
		[ROUTE_ELSEWHERE] = "it is not where the call wants it",
		[ROUTE_TOO_SHORT] = "the prompt is longer than its context",
		[ROUTE_TOO_DEAR] = "it costs more than the budget has left",
		[ROUTE_TOO_SLOW] = "it is slower than max_latency_ms",
		[ROUTE_USED_UP] = "its rate limit has nothing left",
		[ROUTE_PROVIDER_OPEN] = "the provider's circuit is open",
		[ROUTE_TARGET_OPEN] = "the circuit is open",
		[ROUTE_PROBING] = "half-open, and its probe is out",
		[ROUTE_BUSY] = "the provider has max_concurrency calls in flight",
		[ROUTE_NOT_FIRST] = "no failover was asked for, and it is not the first",
		[ROUTE_NOT_FORCED] = "another provider is forced, strictly",
	};

	return texts[out];
}

static void
why_unfit(unsigned unfit, struct buf *text)
{
	const char *between = "it is not known to be capable of ";

	for (size_t i = 0; i < MODEL_CAPABILITIES; i++)
		if (unfit & 1U << i) {
			(void)buf_printf(text, "%s%s", between, model_capability_name(i));
			between = ", ";
		}
}

static void
why_elsewhere(const struct config_provider *provider, struct buf *text)
{
	(void)buf_printf(text, "it is not where the call wants it: %s, region %s",
		provider->local ? "local" : "not local",
		provider->region ? provider->region : "unknown");
}

void
route_why(const struct route_candidate *candidate, struct buf *text)
{
	const char *reason = candidate->target->provider->reason;

	if (candidate->out == ROUTE_LACKS)
		provider_lacks_text(candidate->lacks, text);
	else if (candidate->out == ROUTE_NOT_CONFIGURED && reason)
		(void)buf_puts(text, reason);
	else if (candidate->out == ROUTE_UNFIT)
		why_unfit(candidate->unfit, text);
	else if (candidate->out == ROUTE_ELSEWHERE)
		why_elsewhere(candidate->target->provider, text);
	else if (candidate->out == ROUTE_TOO_SHORT)
		(void)buf_printf(text, "the prompt is longer than its context of %lld tokens",
			(long long)candidate->target->facts.context_tokens);
	else if (candidate->out == ROUTE_TOO_DEAR && candidate->cost_picousd < 0)
		(void)buf_puts(text, "what it costs is not known, and a budget is set");
	else
		(void)buf_puts(text, route_out_text(candidate->out));
}

const char *
route_state_text(const struct config_provider *provider, const struct health_subject *subject,
	int64_t now_ms)
{
	if (!provider->configured)
		return "not_configured";
	if (subject && subject->disabled)
		return "disabled";
	return circuit_state_text(
		subject ? circuit_state(&subject->circuit, now_ms) : CIRCUIT_CLOSED);
}

/* "a/m 1 cost 1234 latency 800 measured" */
static void
candidate_text(const struct route_candidate *candidate, int rank, struct buf *text)
{
	(void)buf_puts(text, candidate->target->name);
	if (candidate->out == ROUTE_IN) {
		(void)buf_printf(text, " %d", rank);
	} else {
		(void)buf_puts(text, " out (");
		route_why(candidate, text);
		if (candidate->out_for_ms > 0)
			(void)buf_printf(text, ", %lld ms", (long long)candidate->out_for_ms);
		(void)buf_puts(text, ")");
	}
	if (candidate->cost_picousd >= 0)
		(void)buf_printf(text, " cost_picousd %lld", (long long)candidate->cost_picousd);
	if (candidate->latency_ms >= 0)
		(void)buf_printf(text, " latency_ms %lld (%s)", (long long)candidate->latency_ms,
			route_latency_source(candidate));
}

void
route_text(const struct route *route, struct buf *text)
{
	int rank = 0;

	for (size_t i = 0; i < route->count; i++) {
		const struct route_candidate *candidate = &route->candidates[i];

		rank += candidate->out == ROUTE_IN;
		(void)buf_puts(text, i ? "; " : "");
		candidate_text(candidate, rank, text);
	}
}

const char *
route_latency_source(const struct route_candidate *candidate)
{
	if (candidate->latency_ms < 0)
		return NULL;
	return candidate->measured ? "measured" : "registry";
}
