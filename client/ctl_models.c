/* SPDX-License-Identifier: MIT */
/* `models`: what the configured models are, cost and can do. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "decimal.h"

/* USD per million tokens are this many places above pico-USD a token. */
#define PRICE_PLACES 6

const struct ctl_option ctl_models_options[] = {
	{"provider", CTL_TEXT, "NAME", "provider", "of this provider alone"},
	{"capability", CTL_LIST, "C,...", "capability", "those known to have all of these"},
	{"cheapest", CTL_FLAG, NULL, "cheapest", "the cheapest first"},
	{"fastest", CTL_FLAG, NULL, "fastest", "the quickest first"},
	{"max-cost", CTL_TEXT, "USD", NULL, "no dearer, per million tokens of the prompt"},
	{"max-latency", CTL_MS, "TIME", "max_latency_ms", "no slower"},
	{0},
};

static const struct llmfo_value *
field(const struct llmfo_value *row, const char *key)
{
	return llmfo_value_get(row, key);
}

static const char *
text_of(const struct llmfo_value *row, const char *key)
{
	const char *text = llmfo_value_string(field(row, key), NULL);

	return text ? text : "";
}

static bool
is_known(const struct llmfo_value *value)
{
	return llmfo_value_type(value) == LLMFO_INT;
}

/* A number of tokens; a question mark: unknown. */
static void
cell_count(struct ctl_table *table, const struct llmfo_value *value)
{
	if (is_known(value))
		ctl_cell(table, CTL_PLAIN, "%" PRId64, llmfo_value_int(value, 0));
	else
		ctl_cell(table, CTL_DIM, "?");
}

/* A price in USD per million tokens. */
static void
cell_price(struct ctl_table *table, const struct llmfo_value *value)
{
	char text[DECIMAL_TEXT_BYTES];

	decimal_text(llmfo_value_int(value, 0), PRICE_PLACES, 2, text);
	if (!is_known(value))
		ctl_cell(table, CTL_DIM, "?");
	else
		ctl_cell(table, CTL_PLAIN, "%s", text);
}

/* A tilde: not measured, but what the registry says. */
static void
cell_latency(struct ctl_table *table, const struct llmfo_value *row)
{
	const struct llmfo_value *latency = field(row, "latency_ms");
	bool measured = strcmp(text_of(row, "latency_source"), "measured") == 0;

	if (is_known(latency))
		ctl_cell(table, measured ? CTL_PLAIN : CTL_DIM, "%s%s", measured ? "" : "~",
			ctl_time(llmfo_value_int(latency, 0)).text);
	else
		ctl_cell(table, CTL_DIM, "?");
}

/* What it can do; what is not known of it ends in a question mark. */
static void
cell_capabilities(struct ctl_table *table, const struct llmfo_value *row)
{
	static const char *const keys[] = {"capabilities", "capabilities_unknown"};
	char *text = NULL;
	size_t bytes = 0, total = 0;
	FILE *memory = ctl_must(open_memstream(&text, &bytes));

	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		const struct llmfo_value *list = field(row, keys[k]);

		for (size_t i = 0; i < llmfo_value_count(list); i++) {
			const char *name = llmfo_value_string(llmfo_value_at(list, i), NULL);

			fprintf(memory, "%s%s%s", total++ ? ", " : "", name ? name : "",
				k ? "?" : "");
		}
	}
	fclose(memory);
	ctl_cell(table, CTL_PLAIN, "%s", (char *)ctl_must(text));
	free(text);
}

static void
put_model(struct ctl_table *table, const struct llmfo_value *row)
{
	const char *state = text_of(row, "state");
	bool well = strcmp(state, "closed") == 0;

	ctl_cell(table, CTL_BOLD, "%s", text_of(row, "target"));
	ctl_cell(table, well ? CTL_GREEN : CTL_YELLOW, "%s", state);
	cell_count(table, field(row, "context_tokens"));
	cell_price(table, field(row, "input_picousd_per_token"));
	cell_price(table, field(row, "output_picousd_per_token"));
	cell_count(table, field(row, "quality"));
	cell_latency(table, row);
	cell_capabilities(table, row);
}

static void
print_models(struct ctl *ctl, const struct llmfo_value *rows)
{
	static const char *const heads[] = {"MODEL", "STATE", "CONTEXT", "INPUT $/M", "OUTPUT $/M",
		"QUALITY", "LATENCY", "CAPABILITIES"};
	struct ctl_table *table = ctl_table_new(heads, "llrrrrrl");

	for (size_t i = 0; i < llmfo_value_count(rows); i++)
		put_model(table, llmfo_value_at(rows, i));
	ctl_table_print(table, &ctl->out);
}

/* --max-cost as the daemon takes it; what is no amount is told. */
static int
set_max_cost(struct ctl *ctl, struct ctl_args *args)
{
	const char *text = ctl_given(args, "max-cost");
	int64_t picousd;

	if (!text)
		return CTL_DONE;
	if (decimal_read(text, strlen(text), PRICE_PLACES, &picousd, NULL) != 0 || picousd < 0)
		return ctl_usage(&ctl->err, args->command,
			"--max-cost takes USD per million tokens, such as 2.50, not '%s'", text);
	(void)llmfo_params_set_int(args->params, "max_cost_picousd", picousd);
	return CTL_DONE;
}

int
ctl_models(struct ctl *ctl, struct ctl_args *args)
{
	struct llmfo_reply *reply;
	int status = set_max_cost(ctl, args);

	if (!status)
		status = ctl_request(ctl, "models", args->params, CTL_TIMEOUT_MS, &reply);
	if (status)
		return status;
	const struct llmfo_value *rows = llmfo_value_get(llmfo_reply_value(reply), "rows");
	if (ctl->json)
		ctl_json(ctl->out.file, llmfo_reply_value(reply), true);
	else if (llmfo_value_count(rows) == 0)
		ctl_line(&ctl->out, CTL_PLAIN, "there are no models like that");
	else
		print_models(ctl, rows);
	llmfo_reply_free(reply);
	return CTL_DONE;
}
