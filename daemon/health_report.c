/* SPDX-License-Identifier: MIT */
/* See health_report.h. */
#include "health_report.h"

#include <stdlib.h>

#include "log.h"

static void
say(enum log_level level, const struct health_about *about, const struct outcome *outcome,
	const char *message)
{
	const struct log_field fields[] = {
		LOG_STRING("request_id", about->request_id),
		LOG_NUMBER("user", about->uid),
		LOG_STRING("chain", about->chain),
		LOG_STRING("class", outcome ? outcome_text(outcome->class) : NULL),
		{.key = outcome && outcome->http_status ? "http_status" : "",
			.number = outcome ? outcome->http_status : 0},
		LOG_STRING("workspace", about->workspace),
	};

	log_line(level, fields, UTIL_COUNT(fields), "%s", message);
}

static void
say_circuit(const struct health *health, const struct health_about *about, enum health_kind kind,
	const char *name, const struct outcome *outcome, int64_t now_ms)
{
	const struct health_subject *subject = health_find(health, kind, name);
	const char *what = kind == HEALTH_PROVIDER ? "provider" : "target";
	bool needs_person = outcome_rule(outcome->class)->opens == OUTCOME_OPENS_AT_ONCE;

	if (!subject)
		return;
	int64_t remaining_ms = circuit_remaining_ms(&subject->circuit, now_ms);
	char *message = subject->circuit.open
		? x_asprintf("circuit of %s %s opened for %lld s (%s%s%s%s)", what, name,
			  (long long)((remaining_ms + 999) / 1000),
			  outcome->reported ? "reported " : "", outcome_text(outcome->class),
			  outcome->message[0] ? ": " : "", outcome->message)
		: x_asprintf("circuit of %s %s closed%s", what, name,
			  outcome->reported ? " by a report" : "");
	say(subject->circuit.open ? (needs_person ? LOG_ERROR : LOG_WARNING) : LOG_INFO, about,
		subject->circuit.open ? outcome : NULL, message);
	free(message);
}

void
health_report_change(const struct health *health, const struct health_about *about,
	const char *provider, const char *target, struct health_change change,
	const struct outcome *outcome, int64_t now_ms)
{
	if (change.target_circuit)
		say_circuit(health, about, HEALTH_TARGET, target, outcome, now_ms);
	if (change.provider_circuit)
		say_circuit(health, about, HEALTH_PROVIDER, provider, outcome, now_ms);
}
