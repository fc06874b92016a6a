/* SPDX-License-Identifier: MIT */
/* See choose.h. llmfo-protocol(7), "What a call may use", tells the rules. */
#include "choose.h"

#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "task.h"

/* ---- what there is, for those who ask for something else ---- */

static int
no_such(struct buf *why, const char *what, const char *name, struct buf *known)
{
	config_no_such(why, what, name, known->data);
	buf_free(known);
	return LLMFO_ENOT_FOUND;
}

static int
no_such_chain(const struct config *config, const char *name, bool agent, struct buf *why)
{
	struct buf known;

	buf_init(&known, 4096);
	config_list_chains(config, agent, &known);
	return no_such(why, agent ? "agent" : "chain", name, &known);
}

static int
no_such_model(const struct config *config, const char *model, struct buf *why)
{
	struct buf known;

	buf_init(&known, 4096);
	for (size_t i = 0; i < config->target_count; i++)
		if (config->targets[i]->listed)
			(void)buf_printf(
				&known, "%s%s", known.len ? ", " : "", config->targets[i]->name);
	(void)buf_printf(why, "no provider lists the model `%.200s`; listed: %s", model,
		known.len ? known.data : "none");
	buf_free(&known);
	return LLMFO_ENOT_FOUND;
}

/* ---- the candidates ---- */

static void
warn(struct call_request *request, char *text)
{
	if (!request->warnings)
		request->warnings = json_new_array();
	json_push(request->warnings, json_new_string(text, strlen(text)));
	free(text);
}

static int
take_named(struct call_request *request, const char *name, bool agent, struct buf *why)
{
	request->chain = config_find_chain(request->config, name, agent);
	request->remembers = true;
	if (!request->chain)
		return no_such_chain(request->config, name, agent, why);
	if (request->chain->target_count > 0)
		return 0;
	(void)buf_printf(why, "no configured target fits the chain `%s` (%s)", request->chain->name,
		config_rule_text(request->chain));
	return LLMFO_ENOT_FOUND;
}

static int
make_chain(struct call_request *request, const char *const *names, size_t count, struct buf *why)
{
	int error = config_make_chain(request->config, names, count, &request->own_chain, why);

	request->chain = request->own_chain;
	return error;
}

/* The call named a provider or a model and nothing else: nothing outside them is tried. */
static int
take_filters(struct call_request *request, struct buf *why)
{
	const struct config *config = request->config;

	if (request->provider && request->model) {
		char *both = x_asprintf("%s/%s", request->provider, request->model);
		int error = make_chain(request, (const char *const[]){both}, 1, why);

		free(both);
		return error;
	}
	request->own_chain = config_filter_chain(config, request->provider, request->model);
	request->chain = request->own_chain;
	if (request->chain)
		return 0;
	if (request->model)
		return no_such_model(config, request->model, why);
	(void)buf_printf(
		why, "provider `%s` lists no models; name one with `model`", request->provider);
	return LLMFO_ENOT_FOUND;
}

/* The chain of the call's task; NULL (and a warning, unless none was named): the default one, which
 * never stands for a chain of local targets: then nothing leaves the host. */
static struct config_chain *
chain_of_task(struct call_request *request, const char *type)
{
	const struct route_demand *demand = &request->demand;

	if (!type)
		return NULL;
	bool judged = util_equal_nocase(type, "auto");
	const char *name = judged ? task_judge(request->messages, demand->images, demand->tools,
					    demand->prompt_tokens)
				  : type;
	struct config_chain *chain = task_chain(request->config, name);
	if (chain && (chain->target_count > 0 || config_rule_is_local(chain)))
		return chain;
	if (chain)
		warn(request,
			x_asprintf("task_type %.60s: no configured target fits the chain %s; the "
				   "default chain was taken",
				type, chain->name));
	else
		warn(request,
			x_asprintf("task_type `%.60s` is not known; the default chain was taken",
				type));
	return NULL;
}

static bool
demands_something(const struct choose_wish *wish)
{
	return wish->require_count > 0 || wish->prefer_count > 0 || wish->has_budget;
}

static int
check_provider(const struct config *config, const char *name, struct buf *why)
{
	struct buf known;

	if (!name || config_find_provider(config, name))
		return 0;
	buf_init(&known, 4096);
	config_list_providers(config, &known);
	return no_such(why, "provider", name, &known);
}

static int
take_candidates(struct call_request *request, const struct choose_wish *wish, struct buf *why)
{
	struct config *config = request->config;
	bool named = wish->targets || wish->agent || wish->chain;
	struct config_chain *task = named ? NULL : chain_of_task(request, wish->task_type);
	int error = check_provider(config, wish->provider, why);

	if (error)
		return error;
	if (wish->targets)
		return make_chain(request, wish->targets, wish->target_count, why);
	if (named)
		return take_named(
			request, wish->chain ? wish->chain : wish->agent, wish->agent != NULL, why);
	if (wish->provider || wish->model) {
		error = take_filters(request, why);
		if (!error && task) {
			request->own_chain->strategy = task->strategy;
			request->demand.local |= config_rule_is_local(task);
		}
		return error;
	}
	if (!task && !wish->task_type && demands_something(wish)) {
		request->chain = config->offered;
		return 0;
	}
	return take_named(request, task ? task->name : config->default_chain, false, why);
}

/* ---- what they have to fit ---- */

static void
add_region(struct route_demand *demand, const char *name)
{
	size_t count = 0;

	while (demand->regions && demand->regions[count])
		count++;
	demand->regions = x_realloc(demand->regions, (count + 2) * sizeof demand->regions[0]);
	demand->regions[count] = x_strdup(name);
	demand->regions[count + 1] = NULL;
}

/* One capability's name into a bit; 0 (and why): it is none. */
static unsigned
capability(const char *name, const char *parameter, bool places, struct buf *why)
{
	unsigned bit = model_capability(name);

	if (!bit)
		(void)buf_printf(why, "parameter `%s`: `%.40s` is not one of: %s%s", parameter,
			name, model_capability_names(), places ? ", local, region:NAME" : "");
	return bit;
}

static int
take_required(struct route_demand *demand, const struct choose_wish *wish, struct buf *why)
{
	for (size_t i = 0; i < wish->require_count; i++) {
		const char *name = wish->require[i];

		if (util_equal_nocase(name, "local")) {
			demand->local = true;
		} else if (util_starts_with(name, "region:") && name[7]) {
			add_region(demand, name + 7);
		} else {
			unsigned bit = capability(name, "require", true, why);
			if (!bit)
				return LLMFO_EINVALID_REQUEST;
			demand->required |= bit;
		}
	}
	for (size_t i = 0; i < wish->prefer_count; i++) {
		unsigned bit = capability(wish->prefer[i], "prefer", false, why);

		if (!bit)
			return LLMFO_EINVALID_REQUEST;
		demand->wanted |= bit;
	}
	demand->wanted |= demand->required;
	demand->max_latency_ms = wish->max_latency_ms;
	demand->has_budget = wish->has_budget;
	demand->budget_picousd = wish->budget_picousd;
	return 0;
}

/* ---- how they are gone through ---- */

/* name: the call's own; NULL: the chain's holds. */
static void
set_strategy(struct call_request *request, const char *name)
{
	const struct config_chain *chain = request->chain;

	request->strategy = name ? strategy_find(name) : chain->strategy;
	/* what is drawn has no place that it could go back to */
	request->remembers &= request->strategy == STRATEGY_sequential && !chain->weights;
	request->race = (struct call_race){.max_parallel = 1};
	if (request->strategy == STRATEGY_fastest)
		request->race = (struct call_race){
			.max_parallel = chain->strategies.fastest.max_parallel,
			.hedge_after_ms = chain->strategies.fastest.hedge_after_ms,
		};
}

int
choose(struct call_request *request, const struct choose_wish *wish, struct buf *why)
{
	int error = LLMFO_EINVALID_REQUEST;

	request->provider = x_strdup(wish->provider);
	request->model = x_strdup(wish->model);
	if ((wish->targets != NULL) + (wish->chain != NULL) + (wish->agent != NULL) > 1)
		(void)buf_puts(why, "give one of `targets`, `agent` and `chain`");
	else if (wish->strategy && strategy_find(wish->strategy) == STRATEGY_COUNT)
		(void)buf_printf(why, "parameter `strategy`: `%.40s` is not one of: %s",
			wish->strategy, strategy_names());
	else if ((error = take_required(&request->demand, wish, why)) == 0)
		error = take_candidates(request, wish, why);
	if (!error)
		set_strategy(request, wish->strategy);
	return error;
}

void
choose_stick(struct call_request *request)
{
	const struct config_chain *chain = request->chain;
	bool weighed =
		request->strategy == STRATEGY_sequential || request->strategy == STRATEGY_fastest;

	if (request->seed == 0 && chain->sticky && weighed && request->end_user)
		request->seed = strategy_seed(chain->memory, request->end_user);
}

void
choose_draw(struct call_request *request, struct call_env *env)
{
	const struct config_chain *chain = request->chain;

	if (request->seed != 0 || !strategy_draws(request->strategy, chain->weights != NULL))
		return;
	choose_stick(request);
	if (request->seed == 0)
		request->seed =
			((uint64_t)nrand48(env->seed) << 31 | (uint64_t)nrand48(env->seed)) + 1;
}

void
choose_free(struct call_request *request)
{
	char **regions = request->demand.regions;

	for (size_t i = 0; regions && regions[i]; i++)
		free(regions[i]);
	free(regions);
}
