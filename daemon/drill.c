/* SPDX-License-Identifier: MIT */
/* See drill.h. */
#include "drill.h"

#include <stdlib.h>
#include <string.h>

#include "attempt.h"
#include "log.h"

#define PROMPT "Reply with OK."
#define ANSWER_TOKENS 16

struct drill {
	struct config *config; /* a reference */
	const struct config_chain *chain;
	struct drill_row *rows; /* owned */
	size_t count, next;
	struct config_params params;
	struct json *messages;
	struct provider_chat chat; /* for the target that is asked */
	struct clock *clock;
	struct transport *transport;
	struct clock_timer timer;
	struct attempt *attempt; /* NULL: none runs */
	drill_done done;
	void *arg;
};

/* Why a target is not asked, NULL if it is. */
static const char *
why_not(const struct config_target *target, const struct health *health)
{
	const struct health_subject *own = health_find(health, HEALTH_TARGET, target->name);
	const struct health_subject *provider =
		health_find(health, HEALTH_PROVIDER, target->provider->name);

	if (!target->provider->configured)
		return target->provider->reason ? target->provider->reason : "not configured";
	if ((own && own->disabled) || (provider && provider->disabled))
		return "disabled by an administrator";
	return NULL;
}

static void
fill_chat(struct drill *drill, const struct config_target *target)
{
	drill->chat = (struct provider_chat){.model = target->model, .messages = drill->messages};
	config_params_fill(&drill->chat, &drill->params, drill->chain, target, drill->config);
}

static struct pricing_cost
cost_of(struct drill *drill, const struct config_target *target,
	const struct provider_answer *answer)
{
	if (answer && answer->usage.reported)
		return pricing_of_usage(&target->facts, &answer->usage);
	fill_chat(drill, target);
	return pricing_estimate(&target->facts, provider_estimate_prompt_tokens(&drill->chat),
		answer ? provider_estimate_text_tokens(answer->text.data, answer->text.len)
		       : ANSWER_TOKENS);
}

static struct json *
new_messages(void)
{
	struct json *messages = json_new_array();
	struct json *message = json_new_object();

	json_set_text(message, "role", "user");
	json_set_text(message, "content", PROMPT);
	json_push(messages, message);
	return messages;
}

struct drill *
drill_new(struct config *config, struct config_chain *chain, const struct health *health)
{
	struct drill *drill = x_calloc(1, sizeof *drill);

	drill->config = config_ref(config);
	drill->chain = chain;
	drill->params.max_tokens = ANSWER_TOKENS;
	drill->messages = new_messages();
	drill->count = chain->target_count;
	drill->rows = x_calloc(drill->count, sizeof drill->rows[0]);
	for (size_t i = 0; i < drill->count; i++) {
		struct drill_row *row = &drill->rows[i];

		row->target = chain->targets[i];
		row->why = why_not(row->target, health);
		row->asked = !row->why;
		if (row->asked)
			row->cost = cost_of(drill, row->target, NULL);
	}
	return drill;
}

static void
log_row(const struct drill *drill, const struct drill_row *row)
{
	const struct log_field fields[] = {
		LOG_STRING("chain", drill->chain->name),
		LOG_STRING("target", row->target->name),
		LOG_STRING("class", outcome_text(row->outcome.class)),
		LOG_NUMBER("latency_ms", row->latency_ms),
	};
	bool ok = row->outcome.class == OUTCOME_OK;

	log_line(ok ? LOG_INFO : LOG_WARNING, fields, UTIL_COUNT(fields), "drill: %s %s take over",
		row->target->name, ok ? "can" : "could not");
}

static void ask_next(void *arg);

static void
on_done(void *arg, struct attempt_result *result)
{
	struct drill *drill = arg;
	struct drill_row *row = &drill->rows[drill->next++];
	bool ok = result->outcome.class == OUTCOME_OK;

	drill->attempt = NULL;
	row->outcome = result->outcome;
	row->latency_ms = result->latency_ms;
	row->cost = ok ? cost_of(drill, row->target, result->answer) : (struct pricing_cost){0};
	log_row(drill, row);
	clock_soon(drill->clock, &drill->timer, ask_next, drill);
}

static const struct attempt_events events = {.done = on_done};

static void
ask(struct drill *drill, const struct config_target *target)
{
	const struct config_chain *chain = drill->chain;
	int64_t limit_ms = target->provider->timeout.total_ms;
	int64_t allowed_ms =
		chain->deadline_ms ? chain->deadline_ms : drill->config->default_deadline_ms;

	if (chain->timeout_ms && chain->timeout_ms < limit_ms)
		limit_ms = chain->timeout_ms;
	fill_chat(drill, target);
	struct attempt_request request = {
		.target = target,
		.chat = &drill->chat,
		.own_limit_ms = limit_ms,
		.limit_ms = limit_ms,
		.first_token_ms = CLOCK_NEVER,
		.idle_ms = CLOCK_NEVER,
		.first_content_ms = limit_ms,
		.deadline_ms = clock_now_ms(drill->clock) + allowed_ms,
	};
	drill->attempt = attempt_start(drill->clock, drill->transport, &request, &events, drill);
}

static void
ask_next(void *arg)
{
	struct drill *drill = arg;

	while (drill->next < drill->count && !drill->rows[drill->next].asked)
		drill->next++;
	if (drill->next < drill->count)
		ask(drill, drill->rows[drill->next].target);
	else
		drill->done(drill->arg);
}

void
drill_start(struct drill *drill, struct clock *clock, struct transport *transport, drill_done done,
	void *arg)
{
	drill->clock = clock;
	drill->transport = transport;
	drill->done = done;
	drill->arg = arg;
	clock_soon(clock, &drill->timer, ask_next, drill);
}

void
drill_free(struct drill *drill)
{
	if (drill->clock)
		clock_stop(drill->clock, &drill->timer);
	if (drill->attempt)
		(void)attempt_cancel(drill->attempt);
	json_free(drill->messages);
	free(drill->rows);
	config_unref(drill->config);
	free(drill);
}

const struct config_chain *
drill_chain(const struct drill *drill)
{
	return drill->chain;
}

const struct drill_row *
drill_rows(const struct drill *drill, size_t *count)
{
	*count = drill->count;
	return drill->rows;
}
