/* SPDX-License-Identifier: MIT */
/*
 * Where facts about models come from: the file that is shipped, the files of `registry:`, the map
 * `models:`; and how they get to the targets.
 */
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"
#include "registry_litellm.h"

#define LIST_MAX_BYTES ((size_t)32 << 20)

/* ---- one model ---- */

static const struct {
	const char *key;
	unsigned fact;
} fact_keys[] = {
	{"context", MODEL_CONTEXT},
	{"max_output", MODEL_MAX_OUTPUT},
	{"quality", MODEL_QUALITY},
	{"latency", MODEL_LATENCY},
};

static const struct {
	const char *key;
	unsigned fact;
} price_keys[] = {
	{"input", MODEL_INPUT_PRICE},
	{"cached_input", MODEL_CACHED_PRICE},
	{"output", MODEL_OUTPUT_PRICE},
};

static void
add_capability(struct config_reader *r, struct config_node *node, struct model_facts *facts)
{
	const char *text = config_text(r, node), *known[MODEL_CAPABILITIES + 1] = {NULL};
	unsigned capability = text ? model_capability(text) : 0;

	facts->capabilities |= capability;
	if (!text || capability)
		return;
	for (size_t i = 0; i < MODEL_CAPABILITIES; i++)
		known[i] = model_capability_name(i);
	const char *nearest = config_nearest(text, known);
	if (nearest)
		config_error(
			r, node, "there is no capability `%s`; did you mean `%s`?", text, nearest);
	else
		config_error(r, node, "there is no capability `%s`; one of %s", text,
			model_capability_names());
}

/* The list is whole: what it does not name, the model cannot do. */
static void
read_capabilities(struct config_reader *r, struct config_node *list, struct model_facts *facts)
{
	if (!list || !config_is_list(r, list, "[chat, code, tools]"))
		return;
	for (size_t i = 0; i < list->count; i++)
		add_capability(r, list->items[i], facts);
	facts->capabilities_known = (1u << MODEL_CAPABILITIES) - 1;
}

static void
read_model(struct config_reader *r, struct config_node *node)
{
	struct config_node *price = config_node_get(node, "price");
	struct model_facts facts = {0};

	if (!config_name_ok(r, node, false))
		return;
	config_section_read(r, node, "models.*", &facts);
	if (price)
		config_section_read(r, price, "price", &facts);
	for (size_t i = 0; i < UTIL_COUNT(fact_keys); i++)
		if (config_node_get(node, fact_keys[i].key))
			facts.known |= fact_keys[i].fact;
	for (size_t i = 0; i < UTIL_COUNT(price_keys); i++)
		if (config_node_get(price, price_keys[i].key) || facts.local)
			facts.known |= price_keys[i].fact;
	read_capabilities(r, config_node_get(node, "capabilities"), &facts);
	registry_add(r->config->registry, node->key, &facts);
}

static void
read_map(struct config_reader *r, const struct config_node *models)
{
	if (!models || models->kind != CONFIG_MAP)
		return;
	registry_open(r->config->registry);
	for (size_t i = 0; i < models->count; i++)
		read_model(r, models->items[i]);
	registry_close(r->config->registry);
}

/* ---- files ---- */

/* A file of ours: a map `models:` and nothing else. */
static void
read_ours(struct config_reader *r, const char *path, const struct buf *text)
{
	struct config_place place = {path, 0, 0, ""};
	bool broken = false;
	struct config_node *root =
		config_yaml_parse(text->data, text->len, path, r->faults, &broken);

	if (!root || root->kind != CONFIG_MAP) {
		if (!broken)
			config_fault_add(r->faults, false, place,
				"holds no models; it needs a map `models: {provider/model: "
				"{...}}`");
		config_yaml_free(root);
		return;
	}
	for (size_t i = 0; i < root->count; i++) {
		struct config_node *item = root->items[i];

		if (strcmp(item->key, "models") != 0)
			config_key_error(
				r, item, "unknown key `%s`; known here: models", item->key);
		else if (item->kind != CONFIG_MAP && !item->null)
			config_error(r, item, "must be a map of models: `provider/model: {...}`");
		else
			read_map(r, item);
	}
	config_yaml_free(root);
}

/* LiteLLM's list is one JSON object; a file of ours begins with a key. */
static void
read_file(struct config_reader *r, const char *path, const struct buf *text)
{
	size_t blank = strspn(text->data, " \t\r\n");

	if (text->data[blank] != '{') {
		read_ours(r, path, text);
		return;
	}
	registry_open(r->config->registry);
	registry_litellm_read(r->config->registry, text->data, text->len, path, r->faults);
	registry_close(r->config->registry);
}

/* 0 or what config_slurp() says, which nobody has been told then. */
static int
load(struct config_reader *r, const char *path)
{
	struct buf text;

	buf_init(&text, LIST_MAX_BYTES);
	int error = config_slurp(path, LIST_MAX_BYTES, &text, NULL, NULL);
	if (!error)
		read_file(r, path, &text);
	buf_free(&text);
	return error;
}

static void
load_shipped(struct config_reader *r)
{
	const char *path = r->env ? r->env->models_path : NULL;
	struct config_place place = {path, 0, 0, ""};
	int error = path ? load(r, path) : 0;

	if (error)
		config_fault_add(r->faults, true, place,
			"cannot be read: %s; what models cost and can do is not known",
			config_slurp_text(error, "larger than 32 MiB"));
}

static void
load_listed(struct config_reader *r, struct config_node *list)
{
	if (!list || !config_is_list(r, list, "[/etc/llmfo/models.yaml]"))
		return;
	for (size_t i = 0; i < list->count; i++) {
		struct config_node *node = list->items[i];
		const char *written = config_text(r, node);

		if (!written || !*written)
			continue;
		char *path = config_relative(node->file, written);
		int error = load(r, path);
		if (error)
			config_error(r, node, "`%s` cannot be read: %s", path,
				config_slurp_text(error, "larger than 32 MiB"));
		free(path);
	}
}

/* ---- `models:` ---- */

/* Its names must be of somebody: a slip of the pen would otherwise say nothing about no one. */
static void
check_provider(struct config_reader *r, struct config_node *node)
{
	const char *slash = node->key ? strchr(node->key, '/') : NULL;

	if (!slash)
		return;
	char *name = x_strndup(node->key, (size_t)(slash - node->key));
	if (!config_find_provider(r->config, name) && !provider_preset(name))
		config_key_error(r, node,
			"`%s` is neither a provider nor a kind of provider; write "
			"provider/model",
			name);
	free(name);
}

void
config_models_read(struct config_reader *r, struct config_node *files, struct config_node *models)
{
	r->config->registry = registry_new();
	load_shipped(r);
	load_listed(r, files);
	read_map(r, models);
	for (size_t i = 0; models && models->kind == CONFIG_MAP && i < models->count; i++)
		check_provider(r, models->items[i]);
}

/* ---- targets ---- */

void
config_target_learn(const struct config *config, struct config_target *target)
{
	const struct config_provider *provider = target->provider;
	struct registry_key key = {
		.provider = provider->name,
		.derived_from = provider->derived_from,
		.preset = provider->endpoint.preset ? provider->endpoint.preset->name : "",
		.model = target->model,
	};
	struct model_facts *facts = &target->facts;

	if (config->registry)
		registry_find(config->registry, &key, facts);
	facts->local = provider->local;
	if (facts->local) {
		facts->known |= MODEL_PRICES;
		facts->input_picousd = facts->output_picousd = facts->cached_picousd = 0;
	}
}

void
config_targets_learn(struct config *config)
{
	for (size_t i = 0; i < config->target_count; i++)
		config_target_learn(config, config->targets[i]);
}
