/* SPDX-License-Identifier: MIT */
/*
 * What the commands of llmfoctl share: the table they stand in, their options, the request to the
 * daemon and what is told when it fails. A command is a row in llmfoctl.c and a function in the
 * ctl_*.c of its family.
 */
#ifndef LLMFO_CTL_H
#define LLMFO_CTL_H

#include <llmfo.h>

#include "ctl_out.h"

/* Exit statuses, as the manual lists them. */
enum ctl_exit {
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NO_DAEMON = 3,
	CTL_NOT_PERMITTED = 4,
};

/* How long commands wait for the daemon where nothing else is said. */
#define CTL_TIMEOUT_MS 10000

struct ctl {
	struct llmfo_client *client;
	bool json;
	struct ctl_out out;
	struct ctl_out err;
};

/* What an option's value is; with a param, it is set in the request under that name. */
enum ctl_kind {
	CTL_FLAG,
	CTL_FLAG_OFF, /* given: the parameter is false */
	CTL_TEXT,
	CTL_LIST, /* separated by commas */
	CTL_INT,
	CTL_NUMBER,
	CTL_MS,      /* a duration, in milliseconds */
	CTL_SECONDS, /* a duration, in whole seconds, rounded up */
};

struct ctl_option {
	const char *name;
	enum ctl_kind kind;
	const char *value; /* what the help calls it, NULL for flags */
	const char *param; /* NULL: the command looks at it by ctl_given() */
	const char *help;
};

#define CTL_OPTIONS_MAX 24

struct ctl_args {
	const struct ctl_command *command;
	const char *given[CTL_OPTIONS_MAX]; /* by row of the command's options: NULL, "" for a flag,
	                                       or the text */
	char *const *words;
	int word_count;
	struct llmfo_params *params; /* owned; what the options said, the command adds to it */
};

struct ctl_command {
	const char *name;
	const char *words; /* what the help calls them, "" for none */
	int min_words;
	int max_words;
	const char *help;
	const struct ctl_option *options; /* ended by a row without a name; NULL for none */
	int (*run)(struct ctl *ctl, struct ctl_args *args);
};

/* ---- ctl_args.c ---- */

/* What stands before or among the options of any command. */
struct ctl_globals {
	const char *socket;
	bool json;
	bool help;
	bool version;
};

/* Reads options up to the first word; *next is its place in argv. 0 or CTL_USAGE, after telling
 * why. */
int ctl_parse_globals(
	int argc, char *const *argv, struct ctl_globals *globals, int *next, struct ctl_out *err);
/* Reads what follows a command's name (argv[0]). args->params is made; ctl_args_free() in any case.
 */
int ctl_parse(const struct ctl_command *command, int argc, char *const *argv,
	struct ctl_globals *globals, struct ctl_args *args, struct ctl_out *err);
void ctl_args_free(struct ctl_args *args);
/* The text of an option, "" for a flag, NULL when it was not given. */
const char *ctl_given(const struct ctl_args *args, const char *name);
/* "1h30m", "500ms": milliseconds, or -1 when it is no duration with units or beyond a year. */
int64_t ctl_duration_ms(const char *text);
/* The name of the list nearest to a mistyped one, NULL when none is near. */
const char *ctl_nearest(const char *typed, const char *const *names, size_t count);
/* Tells what is wrong with the command line, and where to read more. Always CTL_USAGE. */
__attribute__((format(printf, 3, 4))) int ctl_usage(
	struct ctl_out *err, const struct ctl_command *command, const char *format, ...);
void ctl_print_options(struct ctl_out *out, const struct ctl_option *options);
extern const struct ctl_option ctl_global_options[];

/* ---- ctl_request.c ---- */

/* Calls and waits; on failure tells what happened. CTL_DONE with the reply (to be freed), else the
 * exit status. */
int ctl_request(struct ctl *ctl, const char *method, const struct llmfo_params *params,
	int64_t timeout_ms, struct llmfo_reply **reply);
/* Tells a failed call, with its attempts and when to come back; frees the reply. The exit status.
 */
int ctl_fail(struct ctl *ctl, int error, struct llmfo_reply *reply);
/* "rate_limited (429): message" */
void ctl_put_failure(struct ctl_out *out, const struct llmfo_value *failure);
/* A line for each attempt that failed or was cancelled. */
void ctl_put_attempts(struct ctl_out *out, const struct llmfo_value *attempts);

/* ---- ctl_json.c ---- */

/* The value as JSON that any terminal can take, indented when pretty, with a newline behind it. */
void ctl_json(FILE *file, const struct llmfo_value *value, bool pretty);
/* An object of a text under key (left out if that is NULL) and a value (NULL: null) under other. */
void ctl_json_within(FILE *file, const char *key, const char *text, const char *other,
	const struct llmfo_value *value);
/* {"error": {code, message}} */
void ctl_json_error(FILE *file, const char *code, const char *message);

/* ---- ctl_status.c ---- */

void ctl_status_print(struct ctl_out *out, const struct llmfo_value *status);

/* ---- the commands ---- */

extern const struct ctl_option ctl_ask_options[];
extern const struct ctl_option ctl_choose_options[];
extern const struct ctl_option ctl_drill_options[];
extern const struct ctl_option ctl_force_options[];
extern const struct ctl_option ctl_models_options[];
extern const struct ctl_option ctl_status_options[];
int ctl_status(struct ctl *ctl, struct ctl_args *args);
int ctl_watch(struct ctl *ctl, int64_t interval_ms);
int ctl_ask(struct ctl *ctl, struct ctl_args *args);
int ctl_pick(struct ctl *ctl, struct ctl_args *args);
int ctl_explain(struct ctl *ctl, struct ctl_args *args);
int ctl_force_provider(struct ctl *ctl, struct ctl_args *args);
int ctl_clear_cache(struct ctl *ctl, struct ctl_args *args);
int ctl_reset_health(struct ctl *ctl, struct ctl_args *args);
int ctl_enable(struct ctl *ctl, struct ctl_args *args);
int ctl_disable(struct ctl *ctl, struct ctl_args *args);
int ctl_drill(struct ctl *ctl, struct ctl_args *args);
int ctl_drain(struct ctl *ctl, struct ctl_args *args);
int ctl_reload(struct ctl *ctl, struct ctl_args *args);
int ctl_check(struct ctl *ctl, struct ctl_args *args);
int ctl_providers(struct ctl *ctl, struct ctl_args *args);
int ctl_models(struct ctl *ctl, struct ctl_args *args);
int ctl_chains(struct ctl *ctl, struct ctl_args *args);
int ctl_ping(struct ctl *ctl, struct ctl_args *args);
int ctl_version(struct ctl *ctl, struct ctl_args *args);

#endif
