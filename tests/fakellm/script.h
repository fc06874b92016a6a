/* SPDX-License-Identifier: MIT */
/*
 * The script language: text into steps, and the queue that hands out one step a request. It knows
 * the words (script.def) and nothing of what an answer looks like. Steps are separated by `;` or a
 * new line, `x3` repeats one, the last one repeats for ever, `#` begins a comment.
 */
#ifndef FAKELLM_SCRIPT_H
#define FAKELLM_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "out.h"

enum step_kind {
	STEP_OK,
	STEP_STATUS,
	STEP_REFUSE,
	STEP_RESET,
	STEP_RESET_HEADERS,
	STEP_CLOSE,
	STEP_CLOSE_ON_REUSE,
	STEP_HANG,
	STEP_HEADERS_HANG,
	STEP_1XX,
	STEP_GZIP_BOMB,
	STEP_HTML,
	STEP_EMPTY,
	STEP_BAD_JSON,
	STEP_NO_CHOICES,
	STEP_REDIRECT,
};

/* Numbers are -1 and texts empty (data == NULL) where nothing was written. */
struct step {
	enum step_kind kind_of;
	int status; /* of STEP_STATUS, and of every other answer that has a status */
	int64_t times;
	int64_t amount;   /* the kind's own number */
	struct out value; /* the kind's own text */
	char *source;     /* the step as it was written */

	struct out text, reasoning, tool_call, finish, usage;
	struct out kind, message, retry_after, retry_after_ms;
	struct out headers; /* lines, each with its CR LF */
	struct out body, body_file, content_type;
	int64_t tokens, stamps, no_prefill, delay_ms, first_token_ms, gap_ms, hold, hold_after;
	int64_t echo_key, retry_after_date;
	int64_t chunk_bytes, drip_ms, slow_headers_ms, big_headers, big_body, bigline;
	int64_t truncated, blank_lines, split, utf8_split, connection_close;
	int64_t cut_after, reset_after, stall_after, error_after, bad_event_after;
	int64_t pings, no_done, no_finish, crlf;
};

struct script {
	struct step *steps;
	int n_steps;
	int at;
	int64_t used; /* how often the step at `at` was handed out */
};

/*
 * Replaces what `s` holds by the steps of `text`. 0, or -1 with the reason in `why` (the caller
 * frees it) and `s` left as it was. An empty text is `ok`.
 */
int script_parse(struct script *s, const char *text, char **why);
void script_free(struct script *s);
/* The step that the next request gets, without taking it; it lives until the script is replaced. */
const struct step *script_peek(const struct script *s);
/* Takes one. */
const struct step *script_next(struct script *s);
/* Drops the step at hand whatever its repeats; after the last one, `ok` follows. */
void script_skip(struct script *s);

/* A text of a step as a string, or NULL where nothing was written. */
const char *script_text(const struct out *text);
/* The words with their meaning, for --help; the caller frees it. */
char *script_help(void);

#endif
