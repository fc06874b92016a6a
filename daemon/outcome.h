/* SPDX-License-Identifier: MIT */
/*
 * What an attempt came to, judged from what the provider sent, by one table for all families. Pure.
 * The rules are those of docs/llmfod.8, FAILURES: machine-readable fields first, then the status,
 * then known phrases; an ordinary 400 is never judged by a word in its message.
 */
#ifndef LLMFO_OUTCOME_H
#define LLMFO_OUTCOME_H

#include "transport.h"

enum outcome_class {
#define X(name, text, failover, repeat, scope, opens, early, answered) OUTCOME_##name,
#include "outcome.def"
#undef X
	OUTCOME_CLASSES
};

enum outcome_failover {
	OUTCOME_FAILOVER_YES,
	OUTCOME_FAILOVER_NO,
	OUTCOME_FAILOVER_LONGER,
	OUTCOME_FAILOVER_ASKED,
	OUTCOME_FAILOVER_OTHER
};
enum outcome_repeat {
	OUTCOME_REPEAT_NEVER,
	OUTCOME_REPEAT_BACKOFF,
	OUTCOME_REPEAT_WAIT,
	OUTCOME_REPEAT_RESET
};
enum outcome_scope { OUTCOME_SCOPE_NOTHING, OUTCOME_SCOPE_TARGET, OUTCOME_SCOPE_PROVIDER };
enum outcome_opens {
	OUTCOME_OPENS_NEVER,
	OUTCOME_OPENS_THRESHOLD,
	OUTCOME_OPENS_AT_ONCE,
	OUTCOME_OPENS_HINT
};

/* A row of outcome.def. */
struct outcome_rule {
	const char *text;
	enum outcome_failover failover;
	enum outcome_repeat repeat;
	enum outcome_scope scope;
	enum outcome_opens opens;
	bool early;
	bool answered;
};

const struct outcome_rule *outcome_rule(enum outcome_class class);
const char *outcome_text(enum outcome_class class);
/* The class of a text ("rate_limited"), or -1. */
int outcome_from_text(const char *text);

#define OUTCOME_MESSAGE_BYTES 400

struct outcome {
	enum outcome_class class;
	int http_status; /* 0: none came */
	bool counts;     /* evidence that the remote service is failing (counts_against_health) */
	bool lacks_capability;  /* a bad_request only because this target cannot do it: another may
	                         */
	bool refused;           /* connect_failed without any chance in a repeat at once */
	bool reported;          /* a program's word, not what the daemon saw itself */
	int64_t retry_after_ms; /* the provider's own wait, as it sent it, unclamped; -1: none */
	char message[OUTCOME_MESSAGE_BYTES]; /* the provider's words, one line, valid UTF-8, no
	                                        secret, perhaps cut */
};

struct outcome_input {
	enum transport_end end;
	const char *detail; /* of the transport; may be NULL */
	int status;
	const struct http_headers *headers; /* may be NULL */
	const char *body;                   /* may be NULL */
	size_t body_bytes;
	int64_t wall_ms;    /* now, for waits given as a date when the reply has no Date */
	const char *secret; /* the key that must not show in the message; may be NULL */
	/* What a tool call of the model's lacks that makes a reply no answer: the provider did
	 * its part. NULL: none. */
	const char *bad_call;
	/* What is wrong with a reply that is no answer, where the provider does not say: static
	 * text. NULL: not known beforehand. */
	const char *why;
};

/* Judges a finished exchange that is known or suspected to be a failure: any transport end, any
 * status, a 200 with an error in its body. */
void outcome_judge(const struct outcome_input *in, struct outcome *out);
/* An outcome of a class with a message of ours (formatted), without hint or status. */
void outcome_set(struct outcome *out, enum outcome_class class, const char *format, ...)
	UTIL_PRINTF(3, 4);
/* Would the error alone let another target be tried? (The call's retry_on and the candidates decide
 * the rest.) */
bool outcome_fails_over(const struct outcome *outcome);
/*
 * Copies text into out (size bytes) as one line of valid UTF-8 without control characters and with
 * every occurrence of secret, and anything that looks like a key ("sk-...", "Bearer ..."), replaced
 * by "[secret]".
 */
void outcome_scrub(const char *text, size_t length, const char *secret, char *out, size_t size);

#endif
