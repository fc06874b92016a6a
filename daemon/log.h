/* SPDX-License-Identifier: MIT */
/*
 * The log: one line an event, to stderr, as text for people, logfmt or JSON, with the priorities
 * that the journal reads in front when it is not a terminal. A reader that does not read makes
 * lines drop (and be counted), never the daemon wait. Callers pass no secret and no prompt; control
 * characters are made harmless here. Lines may come from any thread once it is set up.
 */
#ifndef LLMFO_LOG_H
#define LLMFO_LOG_H

#include "util.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_LOGFMT, LOG_JSON };

/* A field of a line: text, or a number where text is NULL. Fields with an empty key are left out.
 */
struct log_field {
	const char *key;
	const char *text;
	int64_t number;
};

#define LOG_STRING(name, value) \
	{ \
		.key = (value) ? (name) : "", .text = (value) \
	}
#define LOG_NUMBER(name, value) \
	{ \
		.key = (name), .number = (value) \
	}

/* What the log does until told otherwise: warnings and worse, as text. terminal: in colour, without
 * priorities. */
void log_setup(enum log_level level, enum log_format format, bool terminal);
bool log_wants(enum log_level level);
/* For tests: lines go there instead of stderr; NULL: back to stderr. */
void log_capture(void (*sink)(void *arg, enum log_level level, const char *line), void *arg);
/*
 * Lines that others can cause as often as they like: one a second, the rest is counted. True: this
 * one is to be written. All zero to begin with.
 */
struct log_rate {
	int64_t last_ms;
	uint64_t count; /* all so far */
};
bool log_rate_allows(struct log_rate *rate, int64_t now_ms);
/* How many lines were dropped because nobody read. */
uint64_t log_dropped(void);

void log_line(enum log_level level, const struct log_field *fields, size_t count,
	const char *format, ...) UTIL_PRINTF(4, 5);

#define log_error(...) log_line(LOG_ERROR, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, NULL, 0, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, NULL, 0, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, NULL, 0, __VA_ARGS__)

/* The level or format of a name, or -1. */
int log_level_from_text(const char *text);
int log_format_from_text(const char *text);

#endif
