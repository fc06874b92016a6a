/* SPDX-License-Identifier: MIT */
/* The commands that only look: providers, chains, check, ping, version. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

/* Checks ask every provider over the network. */
#define CHECK_TIMEOUT_MS 60000

static const char *
text_of(const struct llmfo_value *row, const char *key)
{
	const char *text = llmfo_value_string(llmfo_value_get(row, key), NULL);

	return text ? text : "";
}

static bool
bool_of(const struct llmfo_value *row, const char *key, bool fallback)
{
	return llmfo_value_bool(llmfo_value_get(row, key), fallback);
}

/* A cell with the strings of an array, commas between. */
static void
cell_list(struct ctl_table *table, enum ctl_style style, const struct llmfo_value *list)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *memory = ctl_must(open_memstream(&text, &bytes));

	for (size_t i = 0; i < llmfo_value_count(list); i++) {
		const char *item = llmfo_value_string(llmfo_value_at(list, i), NULL);

		fprintf(memory, "%s%s", i ? ", " : "", item ? item : "?");
	}
	fclose(memory);
	ctl_cell(table, style, "%s", (char *)ctl_must(text));
	free(text);
}

/* Prints a reply's list: each row by put, or a sentence when it is empty. JSON as it is. */
static int
print_list(struct ctl *ctl, struct llmfo_reply *reply, const char *list, const char *const *heads,
	const char *align, void (*put)(struct ctl_table *, const struct llmfo_value *))
{
	const struct llmfo_value *rows = llmfo_value_get(llmfo_reply_value(reply), list);

	if (ctl->json) {
		ctl_json(ctl->out.file, llmfo_reply_value(reply), true);
	} else if (llmfo_value_count(rows) == 0) {
		ctl_line(&ctl->out, CTL_PLAIN, "there are no %s", list);
	} else {
		struct ctl_table *table = ctl_table_new(heads, align);

		for (size_t i = 0; i < llmfo_value_count(rows); i++)
			put(table, llmfo_value_at(rows, i));
		ctl_table_print(table, &ctl->out);
	}
	llmfo_reply_free(reply);
	return CTL_DONE;
}

static void
put_provider(struct ctl_table *table, const struct llmfo_value *row)
{
	bool configured = bool_of(row, "configured", true);
	const char *reason = text_of(row, "reason");
	const char *key = text_of(row, "key");

	ctl_cell(table, CTL_BOLD, "%s", text_of(row, "name"));
	ctl_cell(table, CTL_PLAIN, "%s", text_of(row, "api"));
	ctl_cell(table, configured ? CTL_PLAIN : CTL_YELLOW, "%s", text_of(row, "state"));
	ctl_cell(table, strcmp(key, "missing") == 0 ? CTL_YELLOW : CTL_PLAIN, "%s", key);
	ctl_cell(table, CTL_PLAIN, "%s", bool_of(row, "local", false) ? "local" : "remote");
	cell_list(table, CTL_PLAIN, llmfo_value_get(row, "models"));
	ctl_cell(table, CTL_DIM, "%s%s%s", text_of(row, "base_url"), *reason ? "  " : "", reason);
}

int
ctl_providers(struct ctl *ctl, struct ctl_args *args)
{
	static const char *const heads[] = {
		"PROVIDER", "API", "STATE", "KEY", "PLACE", "MODELS", "BASE URL"};
	struct llmfo_reply *reply;
	int status = ctl_request(ctl, "providers", args->params, CTL_TIMEOUT_MS, &reply);

	if (status)
		return status;
	return print_list(ctl, reply, "providers", heads, "lllllll", put_provider);
}

static void
put_chain(struct ctl_table *table, const struct llmfo_value *row)
{
	bool standard = bool_of(row, "default", false);

	ctl_cell(table, CTL_BOLD, "%s%s", text_of(row, "name"), standard ? " *" : "");
	ctl_cell(table, CTL_PLAIN, "%s",
		bool_of(row, "agent", false)             ? "agent"
			: bool_of(row, "builtin", false) ? "built-in"
							 : "chain");
	ctl_cell(table, CTL_PLAIN, "%s", text_of(row, "strategy"));
	cell_list(table, CTL_PLAIN, llmfo_value_get(row, "targets"));
}

int
ctl_chains(struct ctl *ctl, struct ctl_args *args)
{
	static const char *const heads[] = {"NAME", "KIND", "STRATEGY", "TARGETS"};
	struct llmfo_reply *reply;
	int status = ctl_request(ctl, "chains", args->params, CTL_TIMEOUT_MS, &reply);

	if (status)
		return status;
	return print_list(ctl, reply, "chains", heads, "llll", put_chain);
}

/* "yes", "no", or a dash for what was not asked. */
static void
cell_answer(struct ctl_table *table, const struct llmfo_value *answer)
{
	if (llmfo_value_type(answer) != LLMFO_BOOL)
		ctl_cell(table, CTL_DIM, "-");
	else if (llmfo_value_bool(answer, false))
		ctl_cell(table, CTL_GREEN, "yes");
	else
		ctl_cell(table, CTL_RED, "no");
}

static void
put_check(struct ctl_table *table, const struct llmfo_value *row)
{
	const struct llmfo_value *error = llmfo_value_get(row, "error");
	const struct llmfo_value *latency = llmfo_value_get(row, "latency_ms");
	const char *text = llmfo_value_string(error, NULL);

	ctl_cell(table, CTL_BOLD, "%s", text_of(row, "name"));
	cell_answer(table, llmfo_value_get(row, "configured"));
	cell_answer(table, llmfo_value_get(row, "reachable"));
	cell_answer(table, llmfo_value_get(row, "key_ok"));
	ctl_cell(table, CTL_PLAIN, "%s",
		llmfo_value_type(latency) == LLMFO_INT ? ctl_time(llmfo_value_int(latency, 0)).text
						       : "-");
	cell_list(table, CTL_RED, llmfo_value_get(row, "models_missing"));
	if (!text)
		text = text_of(error, "message");
	ctl_cell(table, CTL_YELLOW, "%s", text);
}

/* Whether a provider that was asked lacks something; one that is not configured only does if it was
 * asked for. */
static bool
lacking(const struct llmfo_value *row, bool asked_for)
{
	if (!bool_of(row, "configured", true))
		return asked_for;
	return !bool_of(row, "reachable", true) || !bool_of(row, "key_ok", true) ||
		llmfo_value_type(llmfo_value_get(row, "error")) != LLMFO_NIL ||
		llmfo_value_count(llmfo_value_get(row, "models_missing")) > 0;
}

int
ctl_check(struct ctl *ctl, struct ctl_args *args)
{
	static const char *const heads[] = {
		"PROVIDER", "CONFIGURED", "REACHABLE", "KEY", "TIME", "MODELS MISSING", ""};
	bool asked_for = args->word_count == 1;
	struct llmfo_reply *reply;
	bool failed = false;

	if (asked_for)
		(void)llmfo_params_set_string(args->params, "provider", args->words[0]);
	int status = ctl_request(ctl, "check", args->params, CHECK_TIMEOUT_MS, &reply);
	if (status)
		return status;
	const struct llmfo_value *rows = llmfo_value_get(llmfo_reply_value(reply), "providers");
	for (size_t i = 0; i < llmfo_value_count(rows); i++)
		failed = failed || lacking(llmfo_value_at(rows, i), asked_for);
	(void)print_list(ctl, reply, "providers", heads, "llllrll", put_check);
	return failed ? CTL_FAILED : CTL_DONE;
}

/* Introduces itself to the daemon. */
static int
hello(struct ctl *ctl, struct llmfo_params *params, struct llmfo_reply **reply)
{
	(void)llmfo_params_set_string(params, "client", "llmfoctl");
	(void)llmfo_params_set_int(params, "protocol", 1);
	return llmfo_call(ctl->client, "hello", params, CTL_TIMEOUT_MS, reply);
}

static int64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int
ctl_ping(struct ctl *ctl, struct ctl_args *args)
{
	struct llmfo_reply *reply;
	int64_t start_us = clock_us();
	int error = hello(ctl, args->params, &reply);
	int64_t took_us = clock_us() - start_us;

	if (error)
		return ctl_fail(ctl, error, reply);
	if (ctl->json)
		ctl_json(ctl->out.file, llmfo_reply_value(reply), true);
	else
		ctl_line(&ctl->out, CTL_PLAIN,
			"%s %s answers at %s in %" PRId64 ".%02" PRId64 " ms",
			llmfo_reply_string(reply, "server"), llmfo_reply_string(reply, "version"),
			llmfo_client_socket(ctl->client), took_us / 1000, took_us % 1000 / 10);
	llmfo_reply_free(reply);
	return CTL_DONE;
}

static void
put_versions_json(FILE *file, const struct llmfo_reply *reply)
{
	ctl_json_within(file, "llmfoctl", llmfo_version(), "daemon", llmfo_reply_value(reply));
}

/* Without a daemon it still says its own version and is done: that was the question. */
int
ctl_version(struct ctl *ctl, struct ctl_args *args)
{
	struct llmfo_reply *reply;
	int error = hello(ctl, args->params, &reply);

	if (ctl->json) {
		put_versions_json(ctl->out.file, error ? NULL : reply);
	} else {
		ctl_line(&ctl->out, CTL_PLAIN, "llmfoctl %s", llmfo_version());
		if (error)
			ctl_line(&ctl->out, CTL_PLAIN, "%s", llmfo_client_error(ctl->client));
		else
			ctl_line(&ctl->out, CTL_PLAIN, "%s %s", llmfo_reply_string(reply, "server"),
				llmfo_reply_string(reply, "version"));
	}
	llmfo_reply_free(reply);
	return CTL_DONE;
}
