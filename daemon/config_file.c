/* SPDX-License-Identifier: MIT */
/* A configuration file from its text to the snapshot: the order of its parts, the last checks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"
#include "config_value.h"
#include "llmfo.h"

static void
set_defaults(struct config *config)
{
	static const char *const sections[] = {
		"socket", "state", "redis", "health", "limits", "defaults", "features"};

	for (size_t i = 0; i < UTIL_COUNT(sections); i++)
		config_section_defaults(sections[i], config);
	config_section_defaults("strategies", &config->strategies);
	config->enable_fallback = true;
}

struct config *
config_new(const char *source)
{
	struct config *config = x_calloc(1, sizeof *config);

	config->references = 1;
	config->source = x_strdup(source);
	set_defaults(config);
	return config;
}

/* A cooldown above the default maximum raises it; below a configured one it must stay. */
static void
check_cooldown(struct config_reader *r, struct config_node *health)
{
	struct config *config = r->config;
	struct config_node *max = config_node_get(health, "cooldown_max");
	struct buf least;

	if (config->cooldown_max_ms >= config->cooldown_ms)
		return;
	if (!max) {
		config->cooldown_max_ms = config->cooldown_ms;
		return;
	}
	buf_init(&least, 100);
	config_value_print_duration(config->cooldown_ms, &least);
	if (!max->bad)
		config_error(r, max, "must be at least the cooldown, %s", least.data);
	buf_free(&least);
}

/* What the daemon would refuse when it starts. */
static void
check_socket(struct config_reader *r, struct config_node *socket)
{
	struct config_node *path = config_node_get(socket, "path");
	struct config_node *group = config_node_get(socket, "group");
	const struct config *config = r->config;

	if (path && !path->bad && config->socket_path && config->socket_path[0] != '/')
		config_error(r, path, "`%s` must begin with a slash", config->socket_path);
	if (group && !group->bad && config->socket_group &&
		!config_access_is_group(config->socket_group))
		config_error(r, group, "there is no group `%s` on this host", config->socket_group);
}

static void
check_state(struct config_reader *r, struct config_node *state)
{
	struct config_node *path = config_node_get(state, "path");
	const char *given = r->config->state_path;

	if (path && !path->bad && given && given[0] != '/' &&
		strcmp(given, CONFIG_STATE_NONE) != 0)
		config_error(r, path, "`%s` must begin with a slash, or be `none`", given);
}

static void
warn_open_admins(struct config_reader *r, struct config_node *admins)
{
	if (admins && r->config->admins.everybody)
		config_warning(r, admins, "`*` lets every local user change the daemon's state");
}

void
config_check_usable(struct config_reader *r)
{
	const struct config *config = r->config;
	struct config_place place = {config->source, 0, 0, "providers"};
	struct buf remedy;

	if (r->faults->errors > 0)
		return;
	buf_init(&remedy, 500);
	for (size_t i = 0; i < config->provider_count; i++) {
		const struct config_provider *provider = config->providers[i];
		if (provider->configured) {
			buf_free(&remedy);
			return;
		}
		buf_printf(&remedy, "%s%s (%s)", remedy.len ? ", or " : "",
			provider->key_variable ? provider->key_variable : "a key", provider->name);
	}
	if (remedy.len)
		config_fault_add(
			r->faults, false, place, "no provider can be used; set %s", remedy.data);
	else
		config_fault_add(r->faults, false, place,
			"no provider is configured; add one, "
			"such as `ollama: {base_url: \"http://localhost:11434\", "
			"models: [llama3.2]}`");
	buf_free(&remedy);
}

/* The folder of agents, if the file did not break off there: then its name may be any piece. */
static void
read_agents_dir(
	struct config_reader *r, struct config_node *root, struct config_agent_sources *agents)
{
	struct config_node *dir = config_node_get(root, "agents_dir");

	if (dir && !(r->broken && dir == root->items[root->count - 1]))
		config_agents_dir_read(r, dir, agents);
}

static void
read_root(struct config_reader *r, struct config_node *root)
{
	struct config *config = r->config;
	struct config_node *access = config_node_get(root, "access");
	struct config_node *providers = config_node_get(root, "providers");
	struct config_node *chains = config_node_get(root, "chains");
	struct config_node *defaults = config_node_get(root, "defaults");
	struct config_agent_sources agents = {.count = 0};

	config_section_read(r, root, "", config);
	config_access_read(
		r, config_node_get(access, "callers"), config_access_everybody, &config->callers);
	config_access_read(
		r, config_node_get(access, "admins"), config_access_root, &config->admins);
	warn_open_admins(r, config_node_get(access, "admins"));
	config_access_read(r, config_node_get(access, "reporters"), NULL, &config->reporters);
	check_socket(r, config_node_get(root, "socket"));
	check_state(r, config_node_get(root, "state"));
	config_redis_read(r, config_node_get(root, "redis"));
	check_cooldown(r, config_node_get(root, "health"));
	config_providers_read(r, providers);
	config_models_read(r, config_node_get(root, "registry"), config_node_get(root, "models"));
	config_chains_read(r, chains);
	config_agents_read(r, config_node_get(root, "agents"), &agents);
	read_agents_dir(r, root, &agents);
	if (!r->broken) {
		config_chains_resolve(r, chains, config_node_get(defaults, "chain"));
		config_agents_resolve(r, &agents);
		config_check_usable(r);
		config_targets_learn(config);
	}
	config_agents_free(&agents);
}

static struct config *
finish(struct config_reader *r)
{
	config_faults_sort(r->faults);
	if (r->faults->errors == 0)
		return r->config;
	config_unref(r->config);
	return NULL;
}

struct config *
config_read_text(const char *text, size_t length, const char *name, const struct config_env *env,
	struct config_faults *faults)
{
	struct config_reader r = {.config = config_new(name), .env = env, .faults = faults};
	struct config_place place = {name, 0, 0, ""};
	struct config_node *root = config_yaml_parse(text, length, name, faults, &r.broken);

	if (root && (root->kind == CONFIG_MAP || r.broken))
		read_root(&r, root);
	else if (root && !root->null)
		config_fault_add(
			faults, false, place, "must be a map of keys, such as `providers:`");
	else if (!r.broken)
		config_fault_add(faults, false, place,
			"is empty; it needs at least one provider under `providers:`");
	config_yaml_free(root);
	return finish(&r);
}

struct config *
config_read_file(const char *path, const struct config_env *env, struct config_faults *faults)
{
	struct config_place place = {path, 0, 0, ""};
	struct config *config = NULL;
	struct buf text;

	buf_init(&text, CONFIG_YAML_MAX_BYTES + 1);
	int error = config_slurp(path, CONFIG_YAML_MAX_BYTES, &text, NULL, NULL);
	if (error)
		config_fault_add(faults, false, place, "cannot be read: %s",
			config_slurp_text(error, "larger than 1 MiB"));
	else
		config = config_read_text(text.data, text.len, path, env, faults);
	util_wipe(text.data, text.len);
	buf_free(&text);
	return config;
}
