/* SPDX-License-Identifier: MIT */
/*
 * Chains that the configuration makes by rule: what providers offer, all of it, and the parts of it
 * that chain_rule.def names. Nothing that is not configured gets into one.
 */
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"

struct config_rule {
	const char *name;
	enum strategy order;
	unsigned able;
	bool local;
	const char *help;
};

static const struct config_rule rules[] = {
#define X(name, order, able, local, help) {#name, order, able, local, help},
#include "chain_rule.def"
#undef X
};

const char *
config_rule_text(const struct config_chain *chain)
{
	return chain->rule ? chain->rule->help : "";
}

bool
config_rule_is_local(const struct config_chain *chain)
{
	return chain->rule && chain->rule->local;
}

bool
config_is_rule(const char *name)
{
	for (size_t i = 0; i < UTIL_COUNT(rules); i++)
		if (util_equal_nocase(rules[i].name, name))
			return true;
	return false;
}

/* Of a provider that lists no models: those that chains name, else the default one of its api. */
static void
offer_unlisted(struct config *config, struct config_chain *chain, struct config_provider *provider)
{
	const char *own = provider->endpoint.preset->default_model;
	bool named = false;

	for (size_t i = 0; i < config->target_count; i++)
		if (config->targets[i]->provider == provider) {
			(void)config_chain_add(chain, config->targets[i]);
			named = true;
		}
	if (!named && own && *own)
		(void)config_chain_add(chain, config_target_intern(config, provider, own));
}

static void
offer(struct config *config)
{
	config->offered = config_chain_new("", false);
	config_chain_go_by(config->offered, config);
	config->offered->strategy = STRATEGY_capability_match;
	for (size_t i = 0; i < config->provider_count; i++) {
		struct config_provider *provider = config->providers[i];

		if (provider->derived_from)
			continue;
		for (char **model = provider->models; *model; model++)
			(void)config_chain_add(
				config->offered, config_target_intern(config, provider, *model));
		if (!provider->models[0])
			offer_unlisted(config, config->offered, provider);
	}
}

/* What is known not to chat (embeddings) belongs to none. */
static bool
belongs(const struct config_rule *rule, const struct config_target *target)
{
	const struct model_facts *facts = &target->facts;

	if (facts->capabilities_known & ~facts->capabilities & MODEL_CAN_CHAT)
		return false;
	return (!rule->local || target->provider->local) &&
		(!rule->able || (facts->capabilities & rule->able));
}

void
config_rules_make(struct config *config)
{
	offer(config);
	config_targets_learn(config);
	for (size_t i = 0; i < UTIL_COUNT(rules); i++) {
		if (config_find_chain(config, rules[i].name, false))
			continue;
		struct config_chain *chain = config_chain_new(rules[i].name, false);
		config_chain_go_by(chain, config);
		chain->strategy = rules[i].order;
		chain->rule = &rules[i];
		for (size_t k = 0; k < config->offered->target_count; k++)
			if (belongs(&rules[i], config->offered->targets[k]))
				(void)config_chain_add(chain, config->offered->targets[k]);
		config_append_chain(config, chain);
	}
}
