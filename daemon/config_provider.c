/* SPDX-License-Identifier: MIT */
/*
 * `providers:` and the endpoints that an agent's provider_url makes of them. Where a key comes from
 * is config_key.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_reader.h"

struct config_provider *
config_provider_new(struct config *config, const char *name, const struct provider_preset *preset)
{
	struct config_provider *provider = x_calloc(1, sizeof *provider);

	provider->name = x_strdup(name);
	provider->endpoint.preset = preset;
	provider->models = x_calloc(1, sizeof *provider->models);
	config_section_defaults("providers.*", provider);
	config_section_defaults("timeout", &provider->timeout);
	config->providers = x_realloc(
		config->providers, (config->provider_count + 1) * sizeof(struct config_provider *));
	config->providers[config->provider_count++] = provider;
	return provider;
}

void
config_provider_free(struct config_provider *provider)
{
	free(provider->name);
	free(provider->base_url);
	free(provider->api_version);
	free(provider->region);
	if (provider->key)
		util_wipe(provider->key, strlen(provider->key));
	free(provider->key);
	free(provider->key_variable);
	free(provider->reason);
	config_texts_free(provider->models);
	config_params_free(&provider->params);
	if (provider->proxy)
		util_wipe(provider->proxy, strlen(provider->proxy));
	free(provider->proxy);
	free(provider->ca_file);
	free(provider->derived_from);
	free(provider);
}

void
config_provider_set_url(struct config_provider *provider, char *base_url)
{
	free(provider->base_url);
	provider->base_url = base_url;
	provider->endpoint.base_url = base_url;
}

/* ---- hosts ---- */

static bool
is_loopback(const char *host, size_t length)
{
	static const char localhost[] = "localhost";
	size_t tail = sizeof localhost - 1;
	char name[256];

	if (length >= sizeof name)
		return false;
	memcpy(name, host, length);
	name[length] = '\0';
	if (strspn(name, "0123456789.") == length)
		return util_starts_with(name, "127.");
	if (strcmp(name, "[::1]") == 0)
		return true;
	return length >= tail && util_equal_nocase(name + length - tail, localhost) &&
		(length == tail || name[length - tail - 1] == '.');
}

bool
config_provider_here(const struct config_provider *provider)
{
	char *host = provider->base_url ? provider_url_host(provider->base_url) : NULL;
	bool here = false;

	if (host)
		here = is_loopback(
			host, host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":"));
	free(host);
	return here;
}

static bool
local_by_itself(const struct config_provider *provider)
{
	const struct provider_preset *preset = provider->endpoint.preset;

	return preset && (preset->flags & PROVIDER_LOCAL) && config_provider_here(provider);
}

static void
warn_plain_http(struct config_reader *r, const struct config_node *node,
	const struct config_provider *provider)
{
	if (provider->key && !provider->local && provider->base_url &&
		util_starts_with(provider->base_url, "http:") && !config_provider_here(provider))
		config_warning(r, node,
			"the key of %s goes over the network unencrypted; use "
			"https",
			provider->name);
}

/* ---- one provider of the file ---- */

static void
unknown_api(struct config_reader *r, struct config_node *api, const char *name)
{
	const char *names[64] = {NULL};

	for (size_t i = 0; i + 1 < UTIL_COUNT(names) && provider_preset_at(i); i++)
		names[i] = provider_preset_at(i)->name;
	const char *nearest = config_nearest(name, names);
	if (nearest)
		config_error(r, api, "unknown api `%s`; did you mean `%s`?", name, nearest);
	else
		config_error(r, api, "unknown api `%s`; one of %s", name, provider_preset_names());
}

static const struct provider_preset *
find_preset(struct config_reader *r, struct config_node *node)
{
	struct config_node *api = config_node_get(node, "api");
	const char *name = api ? config_text(r, api) : node->key;
	const struct provider_preset *preset = name ? provider_preset(name) : NULL;

	if (preset || !name)
		return preset;
	if (!api)
		config_key_error(r, node,
			"`%s` is no kind of provider by itself; add `api:`, one "
			"of %s",
			name, provider_preset_names());
	else if (!api->bad)
		unknown_api(r, api, name);
	return NULL;
}

static void
read_base_url(struct config_reader *r, struct config_node *node, struct config_provider *provider)
{
	const struct provider_preset *preset = provider->endpoint.preset;
	struct config_node *url = config_node_get(node, "base_url");
	const char *text = url ? config_text(r, url) : preset ? preset->base_url : NULL, *why = "";

	if (!text || (url && !*text))
		return;
	if (!*text) {
		config_key_error(r, node, "base_url is required for the api %s", preset->name);
		return;
	}
	char *base_url = provider_base_url(preset, text, &why);
	if (base_url)
		config_provider_set_url(provider, base_url);
	else
		config_error(r, url ? url : node, "cannot be used as a URL: %s", why);
}

static void
read_models(struct config_reader *r, struct config_node *node, struct config_provider *provider)
{
	struct config_node *models = config_node_get(node, "models");

	if (!models || !config_is_list(r, models, "[gpt-4o-mini, ...]"))
		return;
	config_texts_free(provider->models);
	provider->models = config_texts(r, models);
	for (char **model = provider->models; *model && provider->endpoint.preset; model++)
		config_target_intern(r->config, provider, *model);
}

static void
check_proxy(struct config_reader *r, struct config_node *node, const struct config_provider *p)
{
	static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
	struct config_node *proxy = config_node_get(node, "proxy");
	bool known = false;

	for (size_t i = 0; p->proxy && i < UTIL_COUNT(schemes); i++)
		known |= util_starts_with(p->proxy, schemes[i]) && p->proxy[strlen(schemes[i])];
	if (proxy && p->proxy && !known)
		config_error(r, proxy,
			"must be a URL with http, https, socks5 or socks5h, such as "
			"http://proxy.example:3128");
}

static void
check_ca_file(struct config_reader *r, struct config_node *node, struct config_provider *provider)
{
	if (!provider->ca_file)
		return;
	char *path = config_relative(node->file, provider->ca_file);
	free(provider->ca_file);
	provider->ca_file = path;
	if (access(path, R_OK) != 0)
		config_error(r, config_node_get(node, "ca_file"), "`%s` cannot be read: %s", path,
			strerror(errno));
}

/* What an unknown api leaves unknown is not looked at, all the rest is. */
static void
read_endpoint(struct config_reader *r, struct config_node *node, struct config_provider *provider)
{
	struct config_node *url = config_node_get(node, "base_url");

	read_base_url(r, node, provider);
	if (!config_node_get(node, "local"))
		provider->local = local_by_itself(provider);
	config_provider_find_key(r, node, provider);
	warn_plain_http(r, url ? url : node, provider);
	check_proxy(r, node, provider);
	check_ca_file(r, node, provider);
}

static void
read_provider(struct config_reader *r, struct config_node *node)
{
	const struct provider_preset *preset = NULL;
	bool readable = node->kind == CONFIG_MAP || node->null;

	if (!config_name_ok(r, node, true))
		return;
	if (!node->cut && readable)
		preset = find_preset(r, node);
	struct config_provider *provider = config_provider_new(r->config, node->key, preset);
	config_section_read(r, node, "providers.*", provider);
	provider->endpoint.api_version = provider->api_version;
	read_models(r, node, provider);
	if (readable)
		read_endpoint(r, node, provider);
}

void
config_providers_read(struct config_reader *r, struct config_node *providers)
{
	if (!providers || providers->kind != CONFIG_MAP)
		return;
	for (size_t i = 0; i < providers->count; i++)
		read_provider(r, providers->items[i]);
}

/* ---- derived ones ---- */

static char **
copy_texts(char *const *texts)
{
	size_t count = 0;

	while (texts[count])
		count++;
	char **copied = x_calloc(count + 1, sizeof *copied);
	for (size_t i = 0; i < count; i++)
		copied[i] = x_strdup(texts[i]);
	return copied;
}

static struct config_provider *
derive(struct config *config, const struct config_provider *from, const char *name, char *base_url)
{
	struct config_provider *to = config_provider_new(config, name, from->endpoint.preset);

	config_provider_set_url(to, base_url);
	to->key = x_strdup(from->key);
	to->endpoint.key = to->key;
	to->api_version = x_strdup(from->api_version);
	to->endpoint.api_version = to->api_version;
	to->key_variable = x_strdup(from->key_variable);
	to->configured = from->configured;
	to->reason = x_strdup(from->reason);
	to->local = config_provider_here(to) && (from->local || local_by_itself(to));
	free(to->models);
	to->models = copy_texts(from->models);
	config_params_merge(&to->params, &from->params);
	to->timeout = from->timeout;
	to->max_retries = from->max_retries;
	to->retry_after_max_ms = from->retry_after_max_ms;
	to->max_concurrency = from->max_concurrency;
	to->proxy = x_strdup(from->proxy);
	to->ca_file = x_strdup(from->ca_file);
	to->derived_from = x_strdup(from->name);
	return to;
}

/* The one that has this URL already; NULL if there is none. */
static struct config_provider *
find_derived(const struct config *config, const struct config_provider *from, const char *url)
{
	for (size_t i = 0; i < config->provider_count; i++) {
		struct config_provider *provider = config->providers[i];
		bool kin = provider == from ||
			(provider->derived_from && strcmp(provider->derived_from, from->name) == 0);
		if (kin && provider->base_url && strcmp(provider->base_url, url) == 0)
			return provider;
	}
	return NULL;
}

/* "openai@host", and "openai@host#2" for a second URL at the same host. */
static char *
derived_name(const struct config *config, const struct config_provider *from, const char *url)
{
	char *host = provider_url_host(url);
	char *name = x_asprintf("%s@%s", from->name, host);
	size_t length = strlen(name), taken = 0;

	for (size_t i = 0; i < config->provider_count; i++) {
		const char *other = config->providers[i]->name;
		taken += strncmp(other, name, length) == 0 &&
			(!other[length] || other[length] == '#');
	}
	if (taken > 0) {
		free(name);
		name = x_asprintf("%s@%s#%zu", from->name, host, taken + 1);
	}
	free(host);
	return name;
}

struct config_provider *
config_provider_at_url(struct config_reader *r, struct config_node *node,
	struct config_provider *provider, const char *url)
{
	const char *why = "";

	char *base_url = provider_base_url(provider->endpoint.preset, url, &why);
	if (!base_url) {
		config_error(r, node, "cannot be used as a URL: %s", why);
		return NULL;
	}
	struct config_provider *found =
		provider->endpoint.preset ? find_derived(r->config, provider, base_url) : NULL;
	if (found || !provider->endpoint.preset) {
		free(base_url);
		return found;
	}
	char *name = derived_name(r->config, provider, base_url);
	found = derive(r->config, provider, name, base_url);
	free(name);
	warn_plain_http(r, node, found);
	return found;
}
