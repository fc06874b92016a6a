/* SPDX-License-Identifier: MIT */
/*
 * Agents: `agents:` and the files of agents_dir, in the form with primary and backup and in the old
 * flat one. Their faults have fixed words that people search for; keep them.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"

#define AGENT_FILES_MAX 10000

/* One agent between the two steps of reading. */
struct config_agent_source {
	char *name;
	struct config_node *node;   /* borrowed from root or from the main file */
	struct config_node *root;   /* owned: a file of agents_dir; NULL */
	char *file;                 /* its path, owned; NULL */
	struct config_chain *chain; /* borrowed from the configuration; NULL: not to be resolved */
};

static struct config_agent_source *
add_source(struct config_agent_sources *sources, const char *name, struct config_node *node)
{
	sources->list = x_realloc(sources->list, (sources->count + 1) * sizeof *sources->list);
	struct config_agent_source *source = &sources->list[sources->count++];
	*source = (struct config_agent_source){.name = x_strdup(name), .node = node};
	return source;
}

void
config_agents_free(struct config_agent_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		free(sources->list[i].name);
		config_yaml_free(sources->list[i].root);
		free(sources->list[i].file);
	}
	free(sources->list);
	*sources = (struct config_agent_sources){.count = 0};
}

/* ---- step one: keys and values ---- */

static bool
given(const struct config_node *node)
{
	return node && !node->null;
}

static bool
is_flat(const struct config_node *node)
{
	return config_node_get(node, "model") || config_node_get(node, "provider") ||
		config_node_get(node, "provider_url");
}

/* Is there one that the agent goes to first? */
static bool
has_primary(const struct config_node *node)
{
	return given(config_node_get(node, "primary")) || is_flat(node);
}

/* What an agent lacks, in the words it has always had: the map's model and provider. */
static void
check_pair(struct config_reader *r, struct config_node *at, const char *agent, const char *which,
	const char *rule)
{
	static const char *const keys[] = {"model", "provider"};

	for (size_t i = 0; i < UTIL_COUNT(keys); i++) {
		struct config_node *node = config_node_get(at, keys[i]);
		const char *text = node ? config_text(r, node) : "";
		if (text && !*text)
			config_key_error(r, node ? node : at, "agent '%s': %s.%s %s", agent, which,
				keys[i], rule);
	}
}

static void
read_primary(struct config_reader *r, struct config_node *node, const char *agent)
{
	struct config_node *primary = config_node_get(node, "primary");

	if (given(primary) && is_flat(node)) {
		config_key_error(r, primary,
			"agent '%s': the flat form (model, provider, "
			"provider_url) and primary exclude each other; remove the flat keys",
			agent);
	} else if (is_flat(node)) {
		config_warning(r, node,
			"agent '%s': the flat form (model, provider, provider_url) "
			"is deprecated; write primary: {…}",
			agent);
		check_pair(r, node, agent, "primary", "is required");
	} else if (given(primary)) {
		config_section_read(r, primary, "primary", NULL);
		if (primary->kind == CONFIG_MAP)
			check_pair(r, primary, agent, "primary", "is required");
		if (config_node_get(primary, "chain"))
			config_error(r, config_node_get(primary, "chain"),
				"a primary is one "
				"target; write `chain:` beside it, or backup: {chain: NAME}");
	} else if (!given(config_node_get(node, "chain"))) {
		config_key_error(
			r, node, "agent '%s': primary model configuration is missing", agent);
	}
}

static void
read_backup(struct config_reader *r, struct config_node *backup, const char *agent)
{
	config_section_read(r, backup, "primary", NULL);
	if (backup->kind != CONFIG_MAP && !backup->null)
		return;
	if (!config_node_get(backup, "chain"))
		check_pair(r, backup, agent, "backup", "must not be empty if backup is specified");
	else if (backup->count > 1)
		config_error(r, backup, "is either a target or a chain; remove one of them");
}

static void
read_backups(struct config_reader *r, struct config_node *backup, const char *agent)
{
	if (!backup)
		return;
	if (backup->kind != CONFIG_LIST) {
		read_backup(r, backup, agent);
		return;
	}
	if (backup->count == 0)
		config_error(r, backup,
			"agent '%s': backup must not be empty; write {model: ..., provider: ...}, "
			"or leave it out",
			agent);
	for (size_t i = 0; i < backup->count; i++) {
		if (backup->items[i]->null)
			config_error(
				r, backup->items[i], "is empty; write {model: ..., provider: ...}");
		else
			read_backup(r, backup->items[i], agent);
	}
}

static void
read_agent(struct config_reader *r, struct config_agent_source *source)
{
	struct config_node *node = source->node;
	struct config_chain *chain = config_find_chain(r->config, source->name, true);

	/* the `id` of a file that broke off may not have been reached */
	if (chain && !node->cut) {
		config_key_error(r, node, "agent '%s': is configured twice", source->name);
		return;
	}
	source->chain = config_chain_new(source->name, true);
	config_chain_go_by(source->chain, r->config);
	if (has_primary(node))
		source->chain->strategy = STRATEGY_sequential;
	config_append_chain(r->config, source->chain);
	config_section_read(r, node, "agents.*", source->chain);
	if ((node->kind != CONFIG_MAP && !node->null) || node->cut)
		return;
	config_retry_on_read(r, config_node_get(node, "retry_on"), &source->chain->retry_on);
	read_primary(r, node, source->name);
	read_backups(r, config_node_get(node, "backup"), source->name);
}

void
config_agents_read(
	struct config_reader *r, struct config_node *agents, struct config_agent_sources *sources)
{
	if (!agents || agents->kind != CONFIG_MAP)
		return;
	for (size_t i = 0; i < agents->count; i++)
		if (config_name_ok(r, agents->items[i], false))
			read_agent(r, add_source(sources, agents->items[i]->key, agents->items[i]));
}

/* ---- agents_dir ---- */

static bool
is_agent_file(const char *name)
{
	const char *dot = strrchr(name, '.');

	return name[0] != '.' && dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* Its id, else the file's name without the suffix; NULL after a fault. A new string. */
static char *
agent_name(struct config_reader *r, struct config_node *root, const char *path)
{
	struct config_node *id = config_node_get(root, "id");
	const char *base = strrchr(path, '/') + 1;
	const char *text = id ? config_text(r, id) : "";
	struct config_node named = {.file = path, .key_line = 1, .key_column = 1};

	if (!text)
		return NULL;
	if (id) {
		named.key_line = id->line;
		named.key_column = id->column;
	}
	named.key = *text ? x_strdup(text) : x_strndup(base, (size_t)(strrchr(base, '.') - base));
	if (config_name_ok(r, &named, false))
		return named.key;
	free(named.key);
	return NULL;
}

/* A file of agents_dir may be another program's too: its keys are noted, not refused. */
static void
read_agent_root(struct config_reader *r, struct config_node *root, const char *path,
	struct config_agent_source *source)
{
	struct config_place place = {path, 0, 0, ""};
	struct buf foreign;
	size_t kept = 0;

	for (size_t i = 0; i < root->count; i++) {
		if (strcmp(root->items[i]->key, "id") == 0)
			config_yaml_free(root->items[i]);
		else
			root->items[kept++] = root->items[i];
	}
	root->count = kept;
	buf_init(&foreign, 400);
	r->foreign = &foreign;
	read_agent(r, source);
	r->foreign = NULL;
	if (foreign.len)
		config_fault_add(r->faults, true, place, "ignored keys that are not llmfo's: %s%s",
			foreign.data, foreign.failed ? ", ..." : "");
	buf_free(&foreign);
}

static void
read_agent_file(struct config_reader *r, const char *path, struct config_agent_sources *sources)
{
	struct config_place place = {path, 0, 0, ""};
	struct buf text;
	bool broken = false;

	buf_init(&text, CONFIG_YAML_MAX_BYTES + 1);
	int error = config_slurp(path, CONFIG_YAML_MAX_BYTES, &text, NULL, NULL);
	if (error) {
		config_fault_add(r->faults, false, place, "cannot be read: %s",
			config_slurp_text(error, "larger than 1 MiB"));
		buf_free(&text);
		return;
	}
	char *file = x_strdup(path);
	struct config_node *root = config_yaml_parse(text.data, text.len, file, r->faults, &broken);
	buf_free(&text);
	char *name = NULL;
	if (root && root->kind == CONFIG_MAP)
		name = agent_name(r, root, file);
	else if (!broken)
		config_fault_add(r->faults, false, place, "must be a map of an agent's keys");
	if (!name) {
		config_yaml_free(root);
		free(file);
		return;
	}
	struct config_agent_source *source = add_source(sources, name, root);
	source->root = root;
	source->file = file;
	free(name);
	read_agent_root(r, root, file, source);
	if (broken)
		source->chain = NULL;
}

static int
compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/*
 * The names of the files, sorted, NULL-terminated; NULL with errno (EFBIG: more than there may be;
 * which of them stand first in a folder is chance).
 */
static char **
list_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	if (!dir)
		return NULL;
	char **names = x_calloc(AGENT_FILES_MAX + 2, sizeof *names);
	errno = 0;
	while (count <= AGENT_FILES_MAX && (entry = readdir(dir)) != NULL)
		if (is_agent_file(entry->d_name))
			names[count++] = x_strdup(entry->d_name);
	int error = count > AGENT_FILES_MAX ? EFBIG : errno;
	closedir(dir);
	qsort(names, count, sizeof *names, compare_names);
	if (!error)
		return names;
	config_texts_free(names);
	errno = error;
	return NULL;
}

void
config_agents_dir_read(
	struct config_reader *r, struct config_node *dir, struct config_agent_sources *sources)
{
	const char *written = config_text(r, dir);

	if (!written || !*written)
		return;
	char *path = config_relative(dir->file, written);
	char **names = list_files(path);
	if (!names && errno == ENOENT)
		config_warning(r, dir, "there is no folder `%s`; no agents come from it", path);
	else if (!names && errno == EFBIG)
		config_error(
			r, dir, "the folder `%s` holds more than %d agents", path, AGENT_FILES_MAX);
	else if (!names)
		config_error(r, dir, "the folder `%s` cannot be read: %s", path, strerror(errno));
	for (char **name = names; name && *name; name++) {
		char *file = x_asprintf("%s/%s", path, *name);
		read_agent_file(r, file, sources);
		free(file);
	}
	config_texts_free(names);
	free(path);
}

/* ---- step two: what they refer to ---- */

/* The target that a map with model, provider and perhaps provider_url names; NULL after a fault. */
static struct config_target *
find_target(struct config_reader *r, struct config_node *at)
{
	struct config_node *model = config_node_get(at, "model");
	struct config_node *name = config_node_get(at, "provider");
	struct config_node *url = config_node_get(at, "provider_url");

	if (!model || !name || model->bad || name->bad || (url && url->bad))
		return NULL;
	const char *model_text = config_text(r, model), *name_text = config_text(r, name);
	const char *url_text = url ? config_text(r, url) : "";
	if (!model_text || !name_text || !url_text || !*model_text || !*name_text)
		return NULL;
	struct config_provider *provider = config_provider_named(r, name, name_text);
	if (provider && *url_text)
		provider = config_provider_at_url(r, url, provider, url_text);
	return provider ? config_target_intern(r->config, provider, model_text) : NULL;
}

static const struct config_chain *
find_chain(struct config_reader *r, struct config_node *node)
{
	const char *name = node->bad ? NULL : config_text(r, node);
	const struct config_chain *chain = name ? config_find_chain(r->config, name, false) : NULL;
	/* where there are faults, the chains that nobody wrote were not made */
	bool unmade = name && r->faults->errors > 0 &&
		(util_equal_nocase(name, "default") || config_is_rule(name));

	if (name && !chain && !unmade)
		config_error(r, node, "there is no chain `%s`", name);
	return chain;
}

static void
add_target(struct config_reader *r, struct config_chain *agent, struct config_node *node)
{
	struct config_target *target = find_target(r, node);

	if (target && !config_chain_add(agent, target))
		config_warning(
			r, node, "agent '%s': `%s` is listed twice", agent->name, target->name);
}

static void
add_chain(struct config_reader *r, struct config_chain *agent, struct config_node *node)
{
	const struct config_chain *chain = find_chain(r, node);

	for (size_t i = 0; chain && i < chain->target_count; i++)
		config_chain_add(agent, chain->targets[i]);
}

static void
add_backup(struct config_reader *r, struct config_chain *agent, struct config_node *backup)
{
	struct config_node *chain = config_node_get(backup, "chain");

	if (backup->bad)
		return;
	if (chain)
		add_chain(r, agent, chain);
	else if (backup->kind == CONFIG_MAP)
		add_target(r, agent, backup);
}

static int64_t
shorter(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The agent's own `chain:` also lends it what the agent does not say itself. */
static void
inherit(struct config_reader *r, struct config_chain *agent, struct config_node *at)
{
	const struct config_chain *chain = find_chain(r, config_node_get(at, "chain"));

	if (!chain)
		return;
	for (size_t i = 0; i < chain->target_count; i++)
		config_chain_add(agent, chain->targets[i]);
	if (!config_node_get(at, "strategy") && !has_primary(at))
		agent->strategy = chain->strategy;
	if (chain->weights && agent->target_count == chain->target_count &&
		agent->strategy == chain->strategy && !has_primary(at) &&
		!given(config_node_get(at, "backup"))) {
		agent->weights = x_calloc(chain->target_count, sizeof agent->weights[0]);
		memcpy(agent->weights, chain->weights,
			chain->target_count * sizeof agent->weights[0]);
		agent->sticky = chain->sticky;
	}
	if (!config_node_get(at, "strategies"))
		agent->strategies = chain->strategies;
	if (!agent->retry_on.set)
		agent->retry_on = chain->retry_on;
	agent->timeout_ms = shorter(agent->timeout_ms, chain->timeout_ms);
	agent->deadline_ms = shorter(agent->deadline_ms, chain->deadline_ms);
	agent->max_retries_per_model = chain->max_retries_per_model;
	config_params_merge(&agent->params, &chain->params);
}

static void
resolve_agent(struct config_reader *r, const struct config_agent_source *source)
{
	struct config_node *node = source->node, *primary = config_node_get(node, "primary");
	struct config_node *backup = config_node_get(node, "backup");
	struct config_node *chain = config_node_get(node, "chain");

	if (given(primary) && primary->kind == CONFIG_MAP)
		add_target(r, source->chain, primary);
	else if (is_flat(node))
		add_target(r, source->chain, node);
	if (given(backup) && backup->kind == CONFIG_LIST)
		for (size_t i = 0; i < backup->count; i++)
			add_backup(r, source->chain, backup->items[i]);
	else if (given(backup))
		add_backup(r, source->chain, backup);
	if (given(chain))
		inherit(r, source->chain, node);
	config_chain_warn_unusable(r, node, source->chain);
}

void
config_agents_resolve(struct config_reader *r, struct config_agent_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++)
		if (sources->list[i].chain)
			resolve_agent(r, &sources->list[i]);
}
