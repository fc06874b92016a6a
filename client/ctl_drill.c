/* SPDX-License-Identifier: MIT */
/* `drill`: could each target of a chain take over? What that costs is said before it is spent. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

/* Every target has its own time, one after the other. */
#define DRILL_TIMEOUT_MS (INT64_C(3600) * 1000)

const struct ctl_option ctl_drill_options[] = {
	{"plan", CTL_FLAG, NULL, "plan", "only say what would be asked and what it would cost"},
	{"yes", CTL_FLAG, NULL, NULL, "do not ask before spending it"},
	{0},
};

static const char *
text_of(const struct llmfo_value *row, const char *key)
{
	const char *text = llmfo_value_string(llmfo_value_get(row, key), NULL);

	return text ? text : "";
}

static bool
bool_of(const struct llmfo_value *row, const char *key)
{
	return llmfo_value_bool(llmfo_value_get(row, key), false);
}

/* "$0.0012", "unknown", "$0.0012 and what is unknown" */
static void
put_cost(char *text, size_t bytes, const struct llmfo_value *value)
{
	int64_t picousd = llmfo_value_int(llmfo_value_get(value, "cost_picousd"), 0);
	bool unknown = bool_of(value, "cost_unknown");

	if (unknown && picousd == 0)
		snprintf(text, bytes, "unknown");
	else
		snprintf(text, bytes, "%s%s", ctl_money(picousd).text, unknown ? " or more" : "");
}

/* What would happen, on standard error: it is no result. */
static void
put_plan(struct ctl_out *err, const struct llmfo_value *plan)
{
	const struct llmfo_value *rows = llmfo_value_get(plan, "rows");
	int64_t asked = 0;
	char cost[80];

	for (size_t i = 0; i < llmfo_value_count(rows); i++)
		asked += bool_of(llmfo_value_at(rows, i), "asked");
	put_cost(cost, sizeof cost, plan);
	ctl_line(err, CTL_PLAIN, "chain %s: %s, one after the other; cost: %s",
		text_of(plan, "chain"), ctl_count(asked, "small call").text, cost);
}

static void
put_row(struct ctl_table *table, const struct llmfo_value *row, bool plan)
{
	const char *message = text_of(row, "message");
	bool asked = bool_of(row, "asked");
	bool ok = bool_of(row, "ok");
	int64_t status = llmfo_value_int(llmfo_value_get(row, "http_status"), 0);
	char cost[80];

	put_cost(cost, sizeof cost, row);
	ctl_cell(table, CTL_BOLD, "%s", text_of(row, "target"));
	if (plan)
		ctl_cell(table, asked ? CTL_PLAIN : CTL_YELLOW, asked ? "asked" : "not asked");
	else
		ctl_cell(table, ok ? CTL_GREEN : CTL_RED, ok ? "takes over" : "fails");
	ctl_cell(table, CTL_PLAIN, "%s",
		asked && !plan
			? ctl_time(llmfo_value_int(llmfo_value_get(row, "latency_ms"), 0)).text
			: "-");
	ctl_cell(table, CTL_PLAIN, "%s", asked ? cost : "-");
	if (!plan && asked && !ok && status)
		ctl_cell(table, CTL_DIM, "%s (%" PRId64 ")%s%s", text_of(row, "class"), status,
			*message ? ": " : "", message);
	else if (!plan && asked && !ok)
		ctl_cell(table, CTL_DIM, "%s%s%s", text_of(row, "class"), *message ? ": " : "",
			message);
	else
		ctl_cell(table, CTL_DIM, "%s", message);
}

static void
put_table(struct ctl_out *out, const struct llmfo_value *result)
{
	static const char *const heads[] = {"TARGET", "RESULT", "TIME", "COST", "WHY"};
	const struct llmfo_value *rows = llmfo_value_get(result, "rows");
	struct ctl_table *table = ctl_table_new(heads, "llrrl");

	for (size_t i = 0; i < llmfo_value_count(rows); i++)
		put_row(table, llmfo_value_at(rows, i), bool_of(result, "plan"));
	ctl_table_print(table, out);
}

/* Is there one that could not take over? */
static bool
has_failed(const struct llmfo_value *result)
{
	const struct llmfo_value *rows = llmfo_value_get(result, "rows");

	for (size_t i = 0; i < llmfo_value_count(rows); i++)
		if (!bool_of(llmfo_value_at(rows, i), "ok"))
			return !bool_of(result, "plan");
	return false;
}

/* Is it to be done? On no terminal nobody can be asked. */
static bool
agreed(struct ctl *ctl, const struct ctl_args *args)
{
	char answer[16];

	if (ctl_given(args, "yes"))
		return true;
	if (!isatty(STDIN_FILENO) || !ctl->err.terminal) {
		ctl_line(&ctl->err, CTL_PLAIN,
			"llmfoctl drill: nobody can be asked here: --yes has it done");
		return false;
	}
	ctl_put(&ctl->err, CTL_PLAIN, "go on? [y/N] ");
	(void)fflush(ctl->err.file);
	return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Asks for the plan and shows it; a status other than CTL_DONE ends the command. */
static int
show_plan(struct ctl *ctl, const struct ctl_args *args)
{
	struct llmfo_params *params = ctl_must(llmfo_params_new());
	struct llmfo_reply *reply = NULL;

	(void)llmfo_params_set_bool(params, "plan", true);
	if (args->word_count)
		(void)llmfo_params_set_string(params, "chain", args->words[0]);
	int status = ctl_request(ctl, "drill", params, CTL_TIMEOUT_MS, &reply);
	if (!status)
		put_plan(&ctl->err, llmfo_reply_value(reply));
	llmfo_params_free(params);
	if (!status)
		llmfo_reply_free(reply);
	return status;
}

int
ctl_drill(struct ctl *ctl, struct ctl_args *args)
{
	struct llmfo_reply *reply;
	int status = CTL_DONE;

	if (args->word_count)
		(void)llmfo_params_set_string(args->params, "chain", args->words[0]);
	if (!ctl_given(args, "plan")) {
		status = show_plan(ctl, args);
		if (!status && !agreed(ctl, args))
			status = CTL_FAILED;
	}
	if (!status)
		status = ctl_request(ctl, "drill", args->params, DRILL_TIMEOUT_MS, &reply);
	if (status)
		return status;
	const struct llmfo_value *result = llmfo_reply_value(reply);
	if (ctl->json)
		ctl_json(ctl->out.file, result, true);
	else
		put_table(&ctl->out, result);
	status = has_failed(result) ? CTL_FAILED : CTL_DONE;
	llmfo_reply_free(reply);
	return status;
}
