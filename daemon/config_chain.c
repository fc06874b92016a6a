/* SPDX-License-Identifier: MIT */
/* Targets and chains: those of `chains:`, the chain `default`, and one made for a call. */
#include <stdlib.h>
#include <string.h>

#include "config_index.h"
#include "config_reader.h"
#include "config_value.h"
#include "llmfo.h"

/* ---- targets ---- */

static bool
offers(const struct config_provider *provider, const char *model)
{
	char *const *listed = provider->models;

	if (!*listed)
		return true;
	while (*listed && strcmp(*listed, model) != 0)
		listed++;
	return *listed != NULL;
}

static struct config_target *
target_new(struct config_provider *provider, const char *model)
{
	struct config_target *target = x_calloc(1, sizeof *target);

	target->name = x_asprintf("%s/%s", provider->name, model);
	target->provider = provider;
	target->model = x_strdup(model);
	target->listed = offers(provider, model);
	return target;
}

void
config_target_free(struct config_target *target)
{
	free(target->name);
	free(target->model);
	free(target);
}

struct config_target *
config_target_intern(struct config *config, struct config_provider *provider, const char *model)
{
	struct config_target *target = target_new(provider, model);
	struct config_target *same = config_find_target(config, target->name);

	if (same) {
		config_target_free(target);
		return same;
	}
	config->targets = x_realloc(
		config->targets, (config->target_count + 1) * sizeof(struct config_target *));
	config->targets[config->target_count++] = target;
	config_index_add(&config->targets_by_name, target);
	return target;
}

/* ---- chains ---- */

struct config_chain *
config_chain_new(const char *name, bool agent)
{
	struct config_chain *chain = x_calloc(1, sizeof *chain);

	chain->name = x_strdup(name);
	chain->memory = agent ? x_asprintf("agent:%s", name) : x_strdup(name);
	chain->agent = agent;
	chain->max_retries_per_model = -1;
	return chain;
}

void
config_chain_free(struct config_chain *chain)
{
	if (!chain)
		return;
	for (size_t i = 0; i < chain->target_count; i++)
		if (chain->targets[i]->transient)
			config_target_free(chain->targets[i]);
	free(chain->targets);
	free(chain->weights);
	free(chain->name);
	free(chain->memory);
	free(chain->workspace);
	config_params_free(&chain->params);
	free(chain);
}

void
config_chain_go_by(struct config_chain *chain, const struct config *config)
{
	chain->strategy = config->strategy;
	chain->strategies = config->strategies;
}

bool
config_chain_add(struct config_chain *chain, struct config_target *target)
{
	for (size_t i = 0; i < chain->target_count; i++)
		if (strcmp(chain->targets[i]->name, target->name) == 0)
			return false;
	chain->targets = x_realloc(
		chain->targets, (chain->target_count + 1) * sizeof(struct config_target *));
	chain->targets[chain->target_count++] = target;
	return true;
}

void
config_append_chain(struct config *config, struct config_chain *chain)
{
	size_t place = config->chain_count;

	config->chains = x_realloc(
		config->chains, (config->chain_count + 1) * sizeof(struct config_chain *));
	for (; !chain->agent && place > 0 && config->chains[place - 1]->agent; place--)
		config->chains[place] = config->chains[place - 1];
	config->chains[place] = chain;
	config->chain_count++;
	if (chain->agent)
		config_index_add(&config->agents_by_name, chain);
}

/* ---- `chains:`, its keys ---- */

/* The same name in another case would be the same chain to whoever asks for it. */
static bool
name_is_free(struct config_reader *r, struct config_node *node)
{
	const struct config_chain *other = config_find_chain(r->config, node->key, false);

	if (other)
		config_key_error(r, node,
			"chain names do not differ in case alone: `%s` is there "
			"already",
			other->name);
	return !other;
}

static void
read_chain(struct config_reader *r, struct config_node *node)
{
	if (!config_name_ok(r, node, false) || !name_is_free(r, node))
		return;
	struct config_chain *chain = config_chain_new(node->key, false);
	config_chain_go_by(chain, r->config);
	config_append_chain(r->config, chain);
	config_section_read(r, node, "chains.*", chain);
	config_retry_on_read(r, config_node_get(node, "retry_on"), &chain->retry_on);
}

void
config_chains_read(struct config_reader *r, struct config_node *chains)
{
	if (!chains || chains->kind != CONFIG_MAP)
		return;
	for (size_t i = 0; i < chains->count; i++)
		read_chain(r, chains->items[i]);
}

/* ---- `chains:`, what they refer to ---- */

struct config_provider *
config_provider_named(struct config_reader *r, struct config_node *node, const char *name)
{
	struct config *config = r->config;
	struct config_provider *provider = config_find_provider(config, name);
	struct buf list, text;

	if (provider)
		return provider;
	const char **names = x_calloc(config->provider_count + 1, sizeof *names);
	buf_init(&list, 500);
	for (size_t i = 0, count = 0; i < config->provider_count; i++)
		if (!config->providers[i]->derived_from) {
			names[count] = config->providers[i]->name;
			buf_printf(&list, "%s%s", count++ ? ", " : "", config->providers[i]->name);
		}
	const char *nearest = config_nearest(name, names);
	buf_init(&text, 1000);
	if (nearest)
		buf_printf(&text, "there is no provider `%s`; did you mean `%s`?", name, nearest);
	else
		config_no_such(&text, "provider", name, list.data);
	config_error(r, node, "%s", text.data);
	free(names);
	buf_free(&text);
	buf_free(&list);
	return NULL;
}

static void
not_a_target(struct config_reader *r, struct config_node *node, const char *text)
{
	for (size_t i = 0; i < r->config->target_count; i++)
		if (strcmp(r->config->targets[i]->model, text) == 0) {
			config_error(r, node, "`%s` is no target; did you mean `%s`?", text,
				r->config->targets[i]->name);
			return;
		}
	config_error(r, node, "`%s` is no target; write provider/model", text);
}

/* Adds the target of that name; false after a fault, or where it is there already. */
static bool
resolve_target(struct config_reader *r, struct config_chain *chain, struct config_node *node,
	const char *text)
{
	const char *slash = strchr(text, '/');

	if (!slash || slash == text || !slash[1] || strlen(text) > CONFIG_TARGET_MAX_BYTES) {
		not_a_target(r, node, text);
		return false;
	}
	char *name = x_strndup(text, (size_t)(slash - text));
	struct config_provider *provider = config_provider_named(r, node, name);
	free(name);
	if (!provider)
		return false;
	if (config_chain_add(chain, config_target_intern(r->config, provider, slash + 1)))
		return true;
	config_warning(r, node, "`%s` is in this chain twice", text);
	return false;
}

/* The number behind `provider/model:`; -1 after a fault. */
static int64_t
read_weight(struct config_reader *r, struct config_node *node)
{
	const char *text = config_text(r, node);
	struct buf why;
	int64_t weight = -1;

	buf_init(&why, 200);
	if (text &&
		(config_value_int(text, &weight, &why) != 0 || weight < 0 || weight > 1000000)) {
		config_error(r, node, "`%s` is no weight; it must be from 0 to 1000000", text);
		weight = -1;
	}
	buf_free(&why);
	return weight;
}

/* An item of targets: a name, or a map of one name to its weight. */
static void
resolve_item(
	struct config_reader *r, struct config_chain *chain, struct config_node *node, size_t room)
{
	int64_t weight = -1;

	if (node->kind == CONFIG_MAP && node->count == 1) {
		weight = read_weight(r, node->items[0]);
		if (weight < 0 || !resolve_target(r, chain, node->items[0], node->items[0]->key))
			return;
		if (!chain->weights)
			chain->weights = x_calloc(room, sizeof chain->weights[0]);
		chain->weights[chain->target_count - 1] = (int)weight;
		return;
	}
	const char *text = config_text(r, node);
	if (text)
		(void)resolve_target(r, chain, node, text);
}

/* Weights are what the order is drawn by: some must count, and nothing else may make the order. */
static void
check_weights(struct config_reader *r, const struct config_chain *chain, struct config_node *node)
{
	struct config_node *strategy = config_node_get(node, "strategy");
	struct config_node *sticky = config_node_get(node, "sticky");
	bool drawn = chain->strategy == STRATEGY_sequential || chain->strategy == STRATEGY_fastest;
	int64_t sum = 0;

	for (size_t i = 0; chain->weights && i < chain->target_count; i++)
		sum += chain->weights[i];
	if (chain->weights && sum == 0)
		config_error(r, config_node_get(node, "targets"), "one weight must be above 0");
	if (chain->weights && !drawn)
		config_error(r, strategy ? strategy : config_node_get(node, "targets"),
			"weights make the order only where the strategy is sequential or fastest, "
			"and here it is %s",
			strategy_name(chain->strategy));
	if (sticky && !sticky->bad && !chain->weights)
		config_error(r, sticky,
			"is for a chain with weights; write targets: [provider/model: 90, ...]");
}

void
config_chain_warn_unusable(
	struct config_reader *r, const struct config_node *node, const struct config_chain *chain)
{
	for (size_t i = 0; i < chain->target_count; i++)
		if (chain->targets[i]->provider->configured)
			return;
	if (chain->target_count > 0)
		config_warning(r, node,
			"none of its targets can be used: no provider of theirs is "
			"configured");
}

static void
resolve_chain(struct config_reader *r, struct config_node *node)
{
	struct config_chain *chain = config_find_chain(r->config, node->key, false);
	struct config_node *targets = config_node_get(node, "targets");

	if (node->bad || node->kind != CONFIG_MAP || !chain) {
		if (node->null)
			config_key_error(
				r, node, "the chain is empty; write {targets: [provider/model]}");
		return;
	}
	if (!targets) {
		config_key_error(
			r, node, "the chain has no targets; add targets: [provider/model]");
		return;
	}
	if (!config_is_list(r, targets, "[provider/model, ...]"))
		return;
	if (targets->count == 0)
		config_error(r, targets, "the chain is empty; write [provider/model, ...]");
	for (size_t i = 0; i < targets->count; i++)
		resolve_item(r, chain, targets->items[i], targets->count);
	check_weights(r, chain, node);
	config_chain_warn_unusable(r, node, chain);
}

void
config_chain_make_default(struct config *config, const char *name)
{
	struct config_chain *chain = config_chain_new(name, false);

	config_chain_go_by(chain, config);
	for (size_t i = 0; i < config->provider_count; i++) {
		struct config_provider *provider = config->providers[i];
		const char *own = provider->endpoint.preset->default_model;
		for (char **model = provider->models; *model; model++)
			config_chain_add(chain, config_target_intern(config, provider, *model));
		if (!provider->models[0] && own && *own)
			config_chain_add(chain, config_target_intern(config, provider, own));
	}
	if (chain->target_count > 0)
		config_append_chain(config, chain);
	else
		config_chain_free(chain);
}

/* The name that a call gets which names nothing. `named` is what the file says; NULL. */
static void
choose_default(struct config_reader *r, struct config_node *named)
{
	struct config *config = r->config;
	const struct config_chain *chain = config_find_chain(config, config->default_chain, false);

	if (!chain && config_is_rule(config->default_chain))
		return;
	if (!chain && named && !util_equal_nocase(config->default_chain, "default")) {
		const char **names = x_calloc(config->chain_count + 1, sizeof *names);
		for (size_t i = 0; i < config->chain_count; i++)
			names[i] = config->chains[i]->name;
		const char *nearest = config_nearest(config->default_chain, names);
		if (!named->bad)
			config_error(r, named, "there is no chain `%s`%s%s%s",
				config->default_chain,
				nearest ? "; did you mean `" : "; add it under chains",
				nearest ? nearest : "", nearest ? "`?" : "");
		free(names);
		return;
	}
	if (!chain && r->faults->errors == 0) {
		config_chain_make_default(config, "default");
		chain = config_find_chain(config, "default", false);
		if (!chain && config->chain_count > 0)
			chain = config->chains[0];
	}
	if (chain) {
		char *name = x_strdup(chain->name);
		free(config->default_chain);
		config->default_chain = name;
	}
}

void
config_chains_resolve(
	struct config_reader *r, struct config_node *chains, struct config_node *default_name)
{
	if (chains && chains->kind == CONFIG_MAP)
		for (size_t i = 0; i < chains->count; i++)
			resolve_chain(r, chains->items[i]);
	choose_default(r, default_name);
	if (r->faults->errors == 0)
		config_rules_make(r->config);
}

/* ---- a chain for one call ---- */

static void
no_such_provider(const struct config *config, const char *name, struct buf *why)
{
	struct buf known;

	buf_init(&known, 2000);
	for (size_t i = 0; i < config->provider_count; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", config->providers[i]->name);
	config_no_such(why, "provider", name, known.data);
	buf_free(&known);
}

static int
add_named(
	const struct config *config, struct config_chain *chain, const char *name, struct buf *why)
{
	struct config_target *target = config_find_target(config, name);
	const char *slash = strchr(name, '/');

	bool named = slash && slash != name && slash[1] && strlen(name) <= CONFIG_TARGET_MAX_BYTES;
	if (!target && !named) {
		buf_printf(why, "`%.*s` is no target; write provider/model",
			CONFIG_TARGET_MAX_BYTES, name);
		return LLMFO_EINVALID_REQUEST;
	}
	if (!target) {
		char *first = x_strndup(name, (size_t)(slash - name));
		struct config_provider *provider = config_find_provider(config, first);
		if (!provider) {
			no_such_provider(config, first, why);
			free(first);
			return LLMFO_ENOT_FOUND;
		}
		free(first);
		target = target_new(provider, slash + 1);
		target->transient = true;
		config_target_learn(config, target);
	}
	if (!config_chain_add(chain, target) && target->transient)
		config_target_free(target);
	return 0;
}

int
config_make_chain(const struct config *config, const char *const *names, size_t count,
	struct config_chain **chain, struct buf *why)
{
	int error = count == 0 ? LLMFO_EINVALID_REQUEST : 0;

	if (error)
		buf_puts(why, "targets is empty");
	*chain = config_chain_new("", false);
	config_chain_go_by(*chain, config);
	for (size_t i = 0; i < count && !error; i++)
		error = add_named(config, *chain, names[i], why);
	if (error) {
		config_chain_free(*chain);
		*chain = NULL;
	}
	return error;
}

struct config_chain *
config_filter_chain(const struct config *config, const char *provider, const char *model)
{
	struct config_chain *chain = config_chain_new("", false);

	config_chain_go_by(chain, config);
	chain->targets = x_calloc(config->target_count + 1, sizeof(struct config_target *));
	for (size_t i = 0; i < config->target_count; i++) {
		struct config_target *target = config->targets[i];

		if ((!provider || strcmp(target->provider->name, provider) == 0) &&
			(!model || strcmp(target->model, model) == 0))
			chain->targets[chain->target_count++] = target;
	}
	if (chain->target_count > 0)
		return chain;
	config_chain_free(chain);
	return NULL;
}
