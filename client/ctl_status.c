/* SPDX-License-Identifier: MIT */
/*
 * `status`: the health of everything, what is wrong first. It only shows what the daemon says; a
 * field that a daemon does not send is left out or a dash.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

const struct ctl_option ctl_status_options[] = {
	{"watch", CTL_FLAG, NULL, NULL, "show it again and again until interrupted"},
	{"interval", CTL_MS, "DURATION", NULL, "how often, with --watch (default 1s)"},
	{0},
};

/* How a state looks and how bad it is: 0 is well. */
static const struct state {
	const char *name;
	const char *sign;
	const char *words;
	enum ctl_style style;
	int rank;
} states[] = {
	{"open", "✗", "open", CTL_RED, 5},
	{"half_open", "~", "half-open", CTL_YELLOW, 4},
	{"not_configured", "–", "not configured", CTL_YELLOW, 2},
	{"disabled", "–", "disabled", CTL_DIM, 1},
	{"closed", "✓", "closed", CTL_GREEN, 0},
};

/* Closed, but failing at the moment. */
static const struct state failing = {"closed", "!", "closed", CTL_YELLOW, 3};
static const struct state unknown = {"", "?", "unknown", CTL_YELLOW, 2};

static const char *
text_of(const struct llmfo_value *row, const char *key)
{
	const char *text = llmfo_value_string(llmfo_value_get(row, key), NULL);

	return text ? text : "";
}

/* What a daemon always says; a question mark where it does not. */
static const char *
word_of(const struct llmfo_value *row, const char *key)
{
	const char *text = text_of(row, key);

	return *text ? text : "?";
}

static int64_t
int_of(const struct llmfo_value *row, const char *key)
{
	return llmfo_value_int(llmfo_value_get(row, key), 0);
}

static const struct state *
state_of(const struct llmfo_value *row)
{
	const char *name = text_of(row, "state");
	bool healthy = llmfo_value_bool(llmfo_value_get(row, "is_healthy"), true);

	if (strcmp(name, "closed") == 0 && (int_of(row, "consecutive_failures") > 0 || !healthy))
		return &failing;
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
		if (strcmp(states[i].name, name) == 0)
			return &states[i];
	return &unknown;
}

static void
put_header(struct ctl_out *out, const struct llmfo_value *status)
{
	const struct llmfo_value *daemon = llmfo_value_get(status, "daemon");
	const char *config = text_of(daemon, "config");

	ctl_put(out, CTL_BOLD, "llmfod %s", word_of(daemon, "version"));
	ctl_put(out, CTL_PLAIN, ", up %s, pid %" PRId64, ctl_time(int_of(daemon, "uptime_ms")).text,
		int_of(daemon, "pid"));
	ctl_put(out, CTL_PLAIN, ", %s",
		ctl_count(int_of(daemon, "connections"), "connection").text);
	ctl_put(out, CTL_PLAIN, ", %s in flight",
		ctl_count(int_of(daemon, "calls_in_flight"), "call").text);
	ctl_put(out, CTL_PLAIN, ", store %s", word_of(status, "store.kind"));
	if (*text_of(status, "store.url"))
		ctl_put(out, CTL_PLAIN, " (%s)", text_of(status, "store.url"));
	ctl_line(out, CTL_PLAIN, "%s", "");
	if (*config)
		ctl_line(out, CTL_DIM, "configuration %s", config);
}

/* What is not kept over a restart, if that is so against anybody's will. */
static int
put_state_problem(struct ctl_out *out, const struct llmfo_value *status)
{
	const char *error = text_of(status, "store.state.error");

	if (!*error)
		return 0;
	ctl_put(out, CTL_RED, "✗ state %s", text_of(status, "store.state.path"));
	ctl_line(out, CTL_PLAIN, " cannot be kept — %s", error);
	return 1;
}

/* A problem that is none of a row's: the last reload, the store, the state file. */
static int
put_daemon_problems(struct ctl_out *out, const struct llmfo_value *status)
{
	const char *reload = text_of(status, "daemon.last_reload_error");
	const struct llmfo_value *connected = llmfo_value_get(status, "store.connected");
	const char *error = text_of(status, "store.error");
	int count = 0;

	if (*reload) {
		ctl_put(out, CTL_RED, "✗ the last reload failed");
		ctl_line(out, CTL_PLAIN, ", the configuration before it is in use — %s", reload);
		count++;
	}
	if (!llmfo_value_bool(connected, true)) {
		ctl_put(out, CTL_RED, "✗ store %s away for %s", text_of(status, "store.kind"),
			ctl_time(int_of(status, "store.since_ms")).text);
		ctl_line(out, CTL_PLAIN, ", this host goes on with what it knows%s%s",
			*error ? " — " : "", error);
		count++;
	} else if (*error) {
		ctl_put(out, CTL_RED, "✗ store %s takes nothing", text_of(status, "store.kind"));
		ctl_line(out, CTL_PLAIN, " — %s", error);
		count++;
	}
	return count + put_state_problem(out, status);
}

static void
put_why(struct ctl_out *out, const struct llmfo_value *row)
{
	const struct llmfo_value *error = llmfo_value_get(row, "last_error");
	const char *reason = text_of(row, "reason");

	if (*reason) {
		ctl_put(out, CTL_PLAIN, " — %s", reason);
	} else if (llmfo_value_type(error) == LLMFO_MAP) {
		ctl_put(out, CTL_PLAIN, " — ");
		ctl_put_failure(out, error);
		ctl_put(out, CTL_DIM, ", %s ago", ctl_time(int_of(error, "age_ms")).text);
	}
}

static void
put_problem(struct ctl_out *out, const struct llmfo_value *row, const struct state *state)
{
	int64_t failures = int_of(row, "consecutive_failures");
	int64_t left_ms = int_of(row, "cooldown_remaining_ms");

	ctl_put(out, state->style, "%s %s", state->sign, word_of(row, "name"));
	if (state != &failing)
		ctl_put(out, CTL_PLAIN, "  %s", state->words);
	else if (failures > 0)
		ctl_put(out, CTL_PLAIN, "  %s in a row", ctl_count(failures, "failure").text);
	else
		ctl_put(out, CTL_PLAIN, "  not healthy");
	if (strcmp(state->name, "half_open") == 0)
		ctl_put(out, CTL_PLAIN, ", the next call is its probe");
	if (strcmp(state->name, "open") == 0 && left_ms > 0)
		ctl_put(out, CTL_PLAIN, ", %s left", ctl_time(left_ms).text);
	if (strcmp(state->name, "disabled") != 0)
		put_why(out, row);
	fputc('\n', out->file);
}

/* The worst first, providers before their targets. */
static void
put_problems(struct ctl_out *out, const struct llmfo_value *status)
{
	static const char *const lists[] = {"providers", "targets"};
	int count = put_daemon_problems(out, status);

	for (int rank = states[0].rank; rank > 0; rank--) {
		for (size_t l = 0; l < 2; l++) {
			const struct llmfo_value *rows = llmfo_value_get(status, lists[l]);

			for (size_t i = 0; i < llmfo_value_count(rows); i++) {
				const struct llmfo_value *row = llmfo_value_at(rows, i);
				const struct state *state = state_of(row);

				if (state->rank != rank)
					continue;
				put_problem(out, row, state);
				count++;
			}
		}
	}
	if (count == 0)
		ctl_line(out, CTL_GREEN, "✓ all well");
	fputc('\n', out->file);
}

/* Of a target's quota, is nothing left of this? */
static bool
is_used_up(const struct llmfo_value *quota, const char *what)
{
	return llmfo_value_int(llmfo_value_get(quota, what), -1) == 0;
}

/* A line a target that has used up what its provider allows; how many. */
static int
put_used_up(struct ctl_out *out, const struct llmfo_value *targets)
{
	int count = 0;

	for (size_t i = 0; i < llmfo_value_count(targets); i++) {
		const struct llmfo_value *row = llmfo_value_at(targets, i);
		const struct llmfo_value *quota = llmfo_value_get(row, "quota");
		int64_t reset_ms = int_of(quota, "reset_ms");
		bool requests = is_used_up(quota, "requests_remaining");

		if (!requests && !is_used_up(quota, "tokens_remaining"))
			continue;
		ctl_put(out, CTL_DIM, "used up    ");
		ctl_put(out, CTL_CYAN, "%s", word_of(row, "name"));
		ctl_put(out, CTL_PLAIN, ": no %s left", requests ? "requests" : "tokens");
		if (reset_ms > 0)
			ctl_put(out, CTL_PLAIN, ", for %s", ctl_time(reset_ms).text);
		fputc('\n', out->file);
		count++;
	}
	return count;
}

static void
put_choices(struct ctl_out *out, const struct llmfo_value *status)
{
	const struct llmfo_value *forced = llmfo_value_get(status, "forced");
	const struct llmfo_value *preferred = llmfo_value_get(status, "preferred");

	if (llmfo_value_type(forced) == LLMFO_MAP) {
		bool strict = llmfo_value_bool(llmfo_value_get(forced, "strict"), false);

		ctl_put(out, CTL_DIM, "forced     ");
		ctl_put(out, CTL_CYAN, "%s", text_of(forced, "provider"));
		ctl_line(out, CTL_PLAIN, "%s, %s left", strict ? " (strict)" : "",
			ctl_time(int_of(forced, "remaining_ms")).text);
	}
	for (size_t i = 0; i < llmfo_value_count(preferred); i++) {
		const struct llmfo_value *entry = llmfo_value_at(preferred, i);

		ctl_put(out, CTL_DIM, "preferred  ");
		ctl_put(out, CTL_CYAN, "%s", text_of(entry, "target"));
		ctl_line(out, CTL_PLAIN, " by chain %s, %s left", text_of(entry, "chain"),
			ctl_time(int_of(entry, "remaining_ms")).text);
	}
	int used_up = put_used_up(out, llmfo_value_get(status, "targets"));
	if (used_up || llmfo_value_type(forced) == LLMFO_MAP || llmfo_value_count(preferred))
		fputc('\n', out->file);
}

static void
cell_state(struct ctl_table *table, const struct llmfo_value *row)
{
	const struct state *state = state_of(row);
	int64_t left_ms = int_of(row, "cooldown_remaining_ms");

	if (strcmp(state->name, "open") == 0 && left_ms > 0)
		ctl_cell(table, state->style, "%s open %s", state->sign, ctl_time(left_ms).text);
	else
		ctl_cell(table, state->style, "%s %s", state->sign, state->words);
}

static void
cell_time(struct ctl_table *table, const struct llmfo_value *ms)
{
	if (llmfo_value_type(ms) == LLMFO_INT || llmfo_value_type(ms) == LLMFO_DOUBLE)
		ctl_cell(table, CTL_PLAIN, "%s", ctl_time((int64_t)llmfo_value_double(ms, 0)).text);
	else
		ctl_cell(table, CTL_DIM, "-");
}

static void
cell_counts(struct ctl_table *table, const struct llmfo_value *row)
{
	int64_t in_a_row = int_of(row, "consecutive_failures");
	int64_t calls = int_of(row, "success_count") + int_of(row, "failure_count");
	double rate = calls ? llmfo_value_double(llmfo_value_get(row, "success_rate"), -1) : -1;

	ctl_cell(table, in_a_row ? CTL_YELLOW : CTL_PLAIN, "%" PRId64, in_a_row);
	ctl_cell(table, CTL_PLAIN, "%s", ctl_rate(rate).text);
	cell_time(table, llmfo_value_get(row, "average_latency_ms"));
	cell_time(table, llmfo_value_get(row, "latency_ms.p95"));
	ctl_cell(table, CTL_PLAIN, "%" PRId64, int_of(row, "in_flight"));
	ctl_cell(table, CTL_PLAIN, "%" PRId64, calls);
}

static void
put_rows(struct ctl_out *out, const struct llmfo_value *rows, const char *head)
{
	const char *const heads[] = {
		head, "STATE", "FAILURES", "SUCCESS", "AVERAGE", "P95", "IN FLIGHT", "CALLS"};
	struct ctl_table *table = ctl_table_new(heads, "llrrrrrr");

	for (size_t i = 0; i < llmfo_value_count(rows); i++) {
		const struct llmfo_value *row = llmfo_value_at(rows, i);

		ctl_cell(table, CTL_BOLD, "%s", word_of(row, "name"));
		cell_state(table, row);
		cell_counts(table, row);
	}
	ctl_table_print(table, out);
	if (llmfo_value_count(rows))
		fputc('\n', out->file);
}

static void
put_fallback(struct ctl_out *out, const struct llmfo_value *fallback)
{
	int64_t total = int_of(fallback, "total_requests");
	const struct llmfo_value *used = llmfo_value_get(fallback, "models_used");

	if (total == 0) {
		ctl_line(out, CTL_PLAIN, "no calls yet");
		return;
	}
	ctl_put(out, CTL_BOLD, "%s", ctl_count(total, "call").text);
	ctl_put(out, CTL_PLAIN, ", %s answered",
		ctl_rate(llmfo_value_double(llmfo_value_get(fallback, "overall_success_rate"), -1))
			.text);
	ctl_line(out, CTL_PLAIN, ", %" PRId64 " by a fallback (%s)",
		int_of(fallback, "fallback_requests"),
		ctl_rate(llmfo_value_double(llmfo_value_get(fallback, "fallback_rate"), -1)).text);
	for (size_t i = 0; i < llmfo_value_count(used); i++) {
		const char *target = llmfo_value_key(used, i);

		ctl_put(out, CTL_PLAIN, "%s%s %" PRId64, i ? ", " : "answered by ",
			target ? target : "?", llmfo_value_int(llmfo_value_at(used, i), 0));
	}
	if (llmfo_value_count(used))
		fputc('\n', out->file);
}

void
ctl_status_print(struct ctl_out *out, const struct llmfo_value *status)
{
	const struct llmfo_value *targets = llmfo_value_get(status, "targets");

	put_header(out, status);
	fputc('\n', out->file);
	put_problems(out, status);
	put_choices(out, status);
	put_rows(out, targets, "TARGET");
	if (llmfo_value_count(targets) == 0)
		ctl_line(out, CTL_PLAIN, "no targets are configured");
	put_rows(out, llmfo_value_get(status, "providers"), "PROVIDER");
	put_fallback(out, llmfo_value_get(status, "fallback"));
}

int
ctl_status(struct ctl *ctl, struct ctl_args *args)
{
	const char *interval = ctl_given(args, "interval");
	struct llmfo_reply *reply;

	if (ctl_given(args, "watch"))
		return ctl_watch(ctl, interval ? ctl_duration_ms(interval) : 1000);
	if (interval)
		return ctl_usage(&ctl->err, args->command, "--interval belongs to --watch");
	int status = ctl_request(ctl, "status", NULL, CTL_TIMEOUT_MS, &reply);
	if (status)
		return status;
	if (ctl->json)
		ctl_json(ctl->out.file, llmfo_reply_value(reply), true);
	else
		ctl_status_print(&ctl->out, llmfo_reply_value(reply));
	llmfo_reply_free(reply);
	return CTL_DONE;
}
