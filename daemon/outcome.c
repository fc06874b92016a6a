/* SPDX-License-Identifier: MIT */
/*
 * The judge: from how an exchange ended and what came to one outcome. The facts are gathered by
 * outcome_facts.c, the rules are rows of outcome_rules.c, waits are read by outcome_wait.c; here is
 * how they go together, and what an end of the transport means.
 */
#include "outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outcome_facts.h"
#include "outcome_rules.h"
#include "outcome_wait.h"

static const struct outcome_rule rules[OUTCOME_CLASSES] = {
#define X(name, text, failover, repeat, scope, opens, early, answered) \
	[OUTCOME_##name] = {text, OUTCOME_FAILOVER_##failover, OUTCOME_REPEAT_##repeat, \
		OUTCOME_SCOPE_##scope, OUTCOME_OPENS_##opens, early, answered},
#include "outcome.def"
#undef X
};

const struct outcome_rule *outcome_rule(enum outcome_class class)
{
	return &rules[class];
}

const char *outcome_text(enum outcome_class class)
{
	return rules[class].text;
}

int
outcome_from_text(const char *text)
{
	for (int i = 0; i < OUTCOME_CLASSES; i++) {
		if (strcmp(rules[i].text, text) == 0)
			return i;
	}
	return -1;
}

bool
outcome_fails_over(const struct outcome *outcome)
{
	switch (rules[outcome->class].failover) {
	case OUTCOME_FAILOVER_YES:
	case OUTCOME_FAILOVER_LONGER:
	case OUTCOME_FAILOVER_OTHER: return true;
	case OUTCOME_FAILOVER_ASKED:
	case OUTCOME_FAILOVER_NO: break;
	}
	return outcome->lacks_capability;
}

/* Is a failure of this class evidence that the remote service is failing? */
static bool counts(enum outcome_class class)
{
	switch (class) {
	case OUTCOME_OVERLOADED:
	case OUTCOME_UNAVAILABLE:
	case OUTCOME_SERVER_ERROR:
	case OUTCOME_MALFORMED_RESPONSE:
	case OUTCOME_CONNECT_FAILED:
	case OUTCOME_TIMEOUT: return true;
	default: return false;
	}
}

void
outcome_set(struct outcome *out, enum outcome_class class, const char *format, ...)
{
	char text[OUTCOME_MESSAGE_BYTES * 2];
	va_list args;

	*out = (struct outcome){.class = class, .counts = counts(class), .retry_after_ms = -1};
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	outcome_scrub(text, strlen(text), NULL, out->message, sizeof(out->message));
}

/* ---- replies ---- */

/* Why a 2xx is no answer, where the provider does not say. */
static const char *
malformed_text(const struct outcome_facts *facts, const struct outcome_input *in, bool model_made)
{
	if (in->status >= 300)
		return "a redirect, which is not followed";
	if (in->end == TRANSPORT_TRUNCATED)
		return "the reply broke off";
	if (facts->html)
		return "a web page instead of an answer";
	if (in->why)
		return in->why;
	if (facts->empty)
		return "an empty reply";
	if (!facts->has_json)
		return "the reply is not JSON";
	if (model_made)
		return in->bad_call ? in->bad_call
				    : "the model made an unusable tool call or answer";
	return "the reply holds no answer";
}

static void
set_message(const struct outcome_facts *facts, const struct outcome_input *in, bool model_made,
	struct outcome *out)
{
	bool own =
		out->class == OUTCOME_MALFORMED_RESPONSE && !facts->has_error && in->status < 400;
	const char *text = facts->message_count && !own ? facts->messages[0] : NULL;
	char plain[64];

	if (own) {
		text = malformed_text(facts, in, model_made);
	} else if (!text) {
		snprintf(plain, sizeof(plain), "HTTP status %d without a message", in->status);
		text = in->status < 300 ? "the answer was withheld" : plain;
	}
	outcome_scrub(text, strlen(text), in->secret, out->message, sizeof(out->message));
}

/* Does waiting help at all, and may the provider's prose and reset headers be taken for a wait? */
static int64_t
wait_of(const struct outcome_facts *facts, const struct outcome_input *in,
	const struct outcome *out)
{
	switch (out->class) {
	case OUTCOME_RATE_LIMITED: return outcome_wait_ms(in, facts, true, true);
	case OUTCOME_QUOTA_EXHAUSTED: return outcome_wait_ms(in, facts, false, false);
	default: return out->counts ? outcome_wait_ms(in, facts, false, true) : -1;
	}
}

static void
judge_reply(const struct outcome_input *in, struct outcome *out)
{
	struct outcome_facts facts;

	outcome_facts_init(&facts, in);
	struct outcome_verdict verdict = outcome_rules_judge(&facts, in->status);
	if (in->bad_call && verdict.class == OUTCOME_MALFORMED_RESPONSE)
		verdict.model_made = true;
	out->class = verdict.class;
	out->counts = counts(verdict.class) && !verdict.model_made;
	out->lacks_capability = verdict.lacks_capability;
	out->retry_after_ms = wait_of(&facts, in, out);
	set_message(&facts, in, verdict.model_made, out);
	outcome_facts_free(&facts);
}

/* ---- ends of the transport ---- */

static const struct end_row {
	enum outcome_class class;
	bool refused; /* asking again at once has no chance */
	const char *text;
} end_rows[] = {
	[TRANSPORT_REFUSED] = {OUTCOME_CONNECT_FAILED, true, "connection refused"},
	[TRANSPORT_UNREACHABLE] = {OUTCOME_CONNECT_FAILED, true, "host not reachable"},
	[TRANSPORT_DNS] = {OUTCOME_CONNECT_FAILED, true, "host name not found"},
	[TRANSPORT_TLS] = {OUTCOME_CONNECT_FAILED, true, "no trusted TLS connection"},
	[TRANSPORT_CONNECT_TIMEOUT] = {OUTCOME_TIMEOUT, false, "no connection in time"},
	[TRANSPORT_RESET] = {OUTCOME_CONNECT_FAILED, false, "connection ended before a reply"},
	[TRANSPORT_TIMEOUT] = {OUTCOME_TIMEOUT, false, "no complete reply in time"},
	[TRANSPORT_TRUNCATED] = {OUTCOME_MALFORMED_RESPONSE, false, "the reply broke off"},
	[TRANSPORT_TOO_LARGE] = {OUTCOME_MALFORMED_RESPONSE, false, "the reply is too large"},
	[TRANSPORT_PROTOCOL] = {OUTCOME_MALFORMED_RESPONSE, false, "the reply is not HTTP"},
	[TRANSPORT_INTERNAL] = {OUTCOME_UNAVAILABLE, false, "no resources for the request"},
};

static void
judge_end(const struct outcome_input *in, struct outcome *out)
{
	const struct end_row *row = &end_rows[in->end];
	bool told = in->detail && in->detail[0];
	const char *text = told ? in->detail : row->text;

	out->class = row->class;
	out->refused = row->refused;
	out->counts = counts(row->class) && in->end != TRANSPORT_INTERNAL;
	outcome_scrub(text, strlen(text), in->secret, out->message, sizeof(out->message));
}

void
outcome_judge(const struct outcome_input *in, struct outcome *out)
{
	*out = (struct outcome){.http_status = in->status, .retry_after_ms = -1};
	/* A status that tells of a failure is worth more than the loss of what would have followed.
	 */
	bool cut_answer = in->end == TRANSPORT_TRUNCATED && in->status >= 200;
	if (in->end == TRANSPORT_DONE || cut_answer ||
		(in->status >= 400 && in->end != TRANSPORT_INTERNAL))
		judge_reply(in, out);
	else
		judge_end(in, out);
}
