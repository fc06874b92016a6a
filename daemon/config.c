/* SPDX-License-Identifier: MIT */
/* The snapshot itself: its life and its finders. How it is read is in the config_*.c files. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "config_index.h"
#include "config_reader.h"

struct config *
config_ref(struct config *config)
{
	config->references++;
	return config;
}

void
config_unref(struct config *config)
{
	if (!config || --config->references > 0)
		return;
	for (size_t i = 0; i < config->chain_count; i++)
		config_chain_free(config->chains[i]);
	config_chain_free(config->offered);
	for (size_t i = 0; i < config->target_count; i++)
		config_target_free(config->targets[i]);
	for (size_t i = 0; i < config->provider_count; i++)
		config_provider_free(config->providers[i]);
	config_index_free(config->targets_by_name);
	config_index_free(config->agents_by_name);
	free(config->chains);
	free(config->targets);
	free(config->providers);
	config_access_free(&config->callers);
	config_access_free(&config->admins);
	config_access_free(&config->reporters);
	config_params_free(&config->params);
	redis_url_free(config->redis);
	free(config->redis_prefix);
	free(config->default_chain);
	free(config->socket_path);
	free(config->socket_group);
	free(config->state_path);
	registry_free(config->registry);
	free(config->source);
	free(config);
}

struct config_provider *
config_find_provider(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->provider_count; i++)
		if (strcmp(config->providers[i]->name, name) == 0)
			return config->providers[i];
	return NULL;
}

struct config_provider *
config_find_provider_of(const struct config *config, const char *target)
{
	for (size_t i = 0; i < config->provider_count; i++) {
		size_t length = strlen(config->providers[i]->name);

		if (strncmp(target, config->providers[i]->name, length) == 0 &&
			target[length] == '/')
			return config->providers[i];
	}
	return NULL;
}

struct config_target *
config_find_target(const struct config *config, const char *name)
{
	return config_index_find(config->targets_by_name, name);
}

struct config_chain *
config_find_chain(const struct config *config, const char *name, bool agent)
{
	if (agent)
		return config_index_find(config->agents_by_name, name);
	/* agents stand behind all of them, and there may be thousands */
	for (size_t i = 0; i < config->chain_count && !config->chains[i]->agent; i++)
		if (util_equal_nocase(config->chains[i]->name, name))
			return config->chains[i];
	return NULL;
}

static void
add_name(struct buf *text, const char *name)
{
	(void)buf_printf(text, "%s%s", text->len ? ", " : "", name);
}

void
config_list_providers(const struct config *config, struct buf *text)
{
	for (size_t i = 0; i < config->provider_count; i++)
		add_name(text, config->providers[i]->name);
}

void
config_list_chains(const struct config *config, bool agents, struct buf *text)
{
	for (size_t i = 0; i < config->chain_count; i++)
		if (config->chains[i]->agent == agents)
			add_name(text, config->chains[i]->name);
}

void
config_no_such(struct buf *text, const char *what, const char *name, const char *known)
{
	(void)buf_printf(text, "there is no %s `%s`; there ", what, name);
	if (known[0])
		(void)buf_printf(text, "%s: %s", strchr(known, ',') ? "are" : "is", known);
	else
		(void)buf_puts(text, "is none");
}
