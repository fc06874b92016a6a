/* SPDX-License-Identifier: MIT */
/*
 * One HTTP request to one target on behalf of a call, from its bytes to one outcome. A machine: it
 * acts through transport and clock alone. It judges nothing about what comes next; that is the
 * call's business.
 */
#ifndef LLMFO_ATTEMPT_H
#define LLMFO_ATTEMPT_H

#include "clock.h"
#include "config.h"
#include "quota.h"
#include "transport.h"

/* No answer is longer than this; a longer one is a malformed response. */
#define ATTEMPT_REPLY_MAX_BYTES ((size_t)32 << 20)
/* Of an error's body this much is looked at; the rest is read and dropped, so that the connection
 * is kept. */
#define ATTEMPT_ERROR_MAX_BYTES ((size_t)64 << 10)

struct attempt_request {
	const struct config_target *target; /* borrowed until done or cancel */
	const struct provider_chat *chat;   /* likewise */
	int64_t own_limit_ms;               /* what provider and chain allow one attempt */
	int64_t limit_ms;                   /* the same, or less where the caller asks for it */
	bool stream;                        /* what comes is asked for, and told, as a stream */
	/* Of a stream: until the model shows that it works (any content of its: headers, pings and
	 * comments do not count), then between two signs of that; CLOCK_NEVER: no limit. */
	int64_t first_token_ms, idle_ms;
	int64_t first_content_ms; /* share of the deadline within which content has to begin */
	int64_t deadline_ms;      /* the call's, absolute */
};

struct attempt_result {
	struct outcome outcome;
	struct provider_answer *answer; /* when the outcome is OK: the receiver takes its content */
	/* What the provider counted, where it did, also of a reply that is no answer. */
	struct provider_usage usage;
	bool usage_unfinished; /* it broke: more may have come since it was counted */
	struct quota quota;    /* what its headers told */
	int64_t latency_ms;
	int64_t held_ms;          /* for how long of that it was held */
	int64_t first_content_ms; /* of a stream: when the first text or tool call came; -1 */
};

struct attempt;

/* None comes from inside attempt_start(), attempt_hold() or attempt_cancel(). */
struct attempt_events {
	/* Exactly once, last, unless it is cancelled; the attempt is gone when it returns. It may
	 * come while the attempt is held, and what was read already is told before it. */
	void (*done)(void *arg, struct attempt_result *result);
	/* Of a stream, as struct call_events has it; the attempt may be held meanwhile, not
	 * cancelled. NULL where request->stream is not set. */
	void (*text)(void *arg, const char *text, size_t length);
	void (*tool_call)(void *arg, const struct json *call);
};

/* Starts one. events is borrowed and outlives it. */
struct attempt *attempt_start(struct clock *clock, struct transport *transport,
	const struct attempt_request *request, const struct attempt_events *events, void *arg);
/*
 * A stream: what comes from the provider waits in the network until it is let go, but for what one
 * read has brought. Meanwhile its silence is nobody's, and only the call's limits end it.
 */
void attempt_hold(struct attempt *attempt, bool held);
/* Ends it without a word. How long it ran, in ms. */
int64_t attempt_cancel(struct attempt *attempt);

#endif
