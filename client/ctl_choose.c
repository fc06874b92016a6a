/* SPDX-License-Identifier: MIT */
/* `pick` and `explain`: the choice without the call. */
#include "ctl_choose.h"

#include <inttypes.h>
#include <string.h>

#include "ctl.h"

const struct ctl_option ctl_choose_options[] = {
	CTL_CHOOSE_OPTIONS,
	{"user", CTL_TEXT, "NAME", "user", "for whom a sticky chain draws"},
	{0},
};

/* What a call there would cost and take, as far as that is known. */
static void
put_estimates(struct ctl *ctl, const struct llmfo_value *pick)
{
	int64_t cost = llmfo_value_int(llmfo_value_get(pick, "cost_estimate_picousd"), -1);
	int64_t latency_ms = llmfo_value_int(llmfo_value_get(pick, "latency_estimate_ms"), -1);

	if (cost >= 0) {
		ctl_put(&ctl->out, CTL_DIM, "%-8s  ", "cost");
		ctl_line(&ctl->out, CTL_PLAIN, "%s", ctl_money(cost).text);
	}
	if (latency_ms >= 0) {
		ctl_put(&ctl->out, CTL_DIM, "%-8s  ", "latency");
		ctl_line(&ctl->out, CTL_PLAIN, "%s", ctl_time(latency_ms).text);
	}
}

int
ctl_pick(struct ctl *ctl, struct ctl_args *args)
{
	static const char *const keys[] = {
		"target", "provider", "model", "api", "base_url", "lease"};
	struct llmfo_reply *reply;
	int status = ctl_request(ctl, "pick", args->params, CTL_TIMEOUT_MS, &reply);

	if (status)
		return status;
	if (ctl->json)
		ctl_json(ctl->out.file, llmfo_reply_value(reply), true);
	for (size_t i = 0; !ctl->json && i < sizeof keys / sizeof keys[0]; i++) {
		const char *text = llmfo_reply_string(reply, keys[i]);

		if (!*text)
			continue;
		ctl_put(&ctl->out, CTL_DIM, "%-8s  ", keys[i]);
		ctl_line(&ctl->out, i ? CTL_PLAIN : CTL_BOLD, "%s", text);
	}
	if (!ctl->json)
		put_estimates(ctl, llmfo_reply_value(reply));
	llmfo_reply_free(reply);
	return CTL_DONE;
}

static void
put_candidate(struct ctl_table *table, const struct llmfo_value *row)
{
	int64_t rank = llmfo_value_int(llmfo_value_get(row, "rank"), 0);
	int64_t out_for_ms = llmfo_value_int(llmfo_value_get(row, "out_for_ms"), 0);
	const char *target = llmfo_value_string(llmfo_value_get(row, "target"), NULL);
	const char *state = llmfo_value_string(llmfo_value_get(row, "state"), NULL);
	const char *why = llmfo_value_string(llmfo_value_get(row, "why"), NULL);
	int64_t cost = llmfo_value_int(llmfo_value_get(row, "cost_estimate_picousd"), -1);
	int64_t latency_ms = llmfo_value_int(llmfo_value_get(row, "latency_estimate_ms"), -1);
	const char *source = llmfo_value_string(llmfo_value_get(row, "latency_source"), NULL);
	bool in = llmfo_value_bool(llmfo_value_get(row, "in"), false);

	if (rank > 0)
		ctl_cell(table, CTL_GREEN, "%" PRId64, rank);
	else
		ctl_cell(table, CTL_DIM, "-");
	ctl_cell(table, in ? CTL_BOLD : CTL_DIM, "%s", target ? target : "?");
	ctl_cell(table, CTL_PLAIN, "%s", state ? state : "");
	ctl_cell(table, CTL_PLAIN, "%s", out_for_ms > 0 ? ctl_time(out_for_ms).text : "");
	ctl_cell(table, CTL_PLAIN, "%s", cost >= 0 ? ctl_money(cost).text : "?");
	/* a figure of the registry's is a guess until there is a measurement */
	ctl_cell(table, CTL_PLAIN, "%s%s", source && strcmp(source, "registry") == 0 ? "~" : "",
		latency_ms >= 0 ? ctl_time(latency_ms).text : "?");
	ctl_cell(table, in ? CTL_GREEN : CTL_YELLOW, "%s%s%s", in ? "in" : "out", why ? ": " : "",
		why ? why : "");
}

int
ctl_explain(struct ctl *ctl, struct ctl_args *args)
{
	static const char *const heads[] = {
		"RANK", "TARGET", "STATE", "OUT FOR", "COST", "LATENCY", "WHY"};
	struct llmfo_reply *reply;
	int status = ctl_request(ctl, "explain", args->params, CTL_TIMEOUT_MS, &reply);

	if (status)
		return status;
	const struct llmfo_value *rows = llmfo_value_get(llmfo_reply_value(reply), "candidates");
	if (ctl->json) {
		ctl_json(ctl->out.file, llmfo_reply_value(reply), true);
	} else if (llmfo_value_count(rows) == 0) {
		ctl_line(&ctl->out, CTL_PLAIN, "there are no candidates");
	} else {
		struct ctl_table *table = ctl_table_new(heads, "rllrrrl");

		for (size_t i = 0; i < llmfo_value_count(rows); i++)
			put_candidate(table, llmfo_value_at(rows, i));
		ctl_table_print(table, &ctl->out);
	}
	llmfo_reply_free(reply);
	return CTL_DONE;
}
