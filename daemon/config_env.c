/* SPDX-License-Identifier: MIT */
/* The configuration that the environment makes when there is no file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"
#include "config_value.h"

#define PLACE "environment"

/* In the order of chain `default`: what costs nothing comes first. */
static const char *const candidates[] = {
	"ollama",
	"gemini",
	"groq",
	"openai",
	"anthropic",
	"mistral",
	"together",
	"deepseek",
	"openrouter",
};

static void UTIL_PRINTF(3, 4) note(struct config_reader *r, bool warning, const char *format, ...)
{
	struct config_place place = {PLACE, 0, 0, ""};
	va_list args;

	va_start(args, format);
	config_fault_vadd(r->faults, warning, place, format, args);
	va_end(args);
}

/* The value of a variable; NULL when it is unset or empty. */
static const char *
value_of(const struct config_reader *r, const char *name)
{
	const char *value = r->env && r->env->get ? r->env->get(r->env->arg, name) : NULL;

	return value && *value ? value : NULL;
}

/* "groq" and "_API_KEY" make GROQ_API_KEY; a new string. */
static char *
variable(const char *provider, const char *suffix)
{
	char *name = x_asprintf("%s%s", provider, suffix);

	for (char *c = name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - ('a' - 'A'));
	return name;
}

static const char *
provider_value(const struct config_reader *r, const char *provider, const char *suffix)
{
	char *name = variable(provider, suffix);
	const char *value = value_of(r, name);

	free(name);
	return value;
}

static const char *
either(const char *first, const char *second)
{
	return first ? first : second;
}

/* The variable that makes a provider, as messages name it; a new string. */
static char *
maker(const char *provider)
{
	return variable(provider, strcmp(provider, "ollama") == 0 ? "_BASE_URL" : "_API_KEY");
}

static bool
is_wanted(const struct config_reader *r, const char *provider)
{
	if (strcmp(provider, "ollama") == 0)
		return value_of(r, "OLLAMA_BASE_URL") || value_of(r, "OLLAMA_URL");
	return provider_value(r, provider, "_API_KEY") ||
		config_provider_has_credential(r->env, provider);
}

/* ---- one provider ---- */

static void
set_timeout(struct config_reader *r, struct config_provider *provider)
{
	struct config_timeout *timeout = &provider->timeout;
	const char *text = provider_value(r, provider->name, "_TIMEOUT");
	struct buf why;
	double seconds;

	buf_init(&why, 200);
	if (!text)
		return;
	if (config_value_decimal(text, &seconds, &why) != 0 || seconds < 0.001 || seconds > 86400) {
		char *name = variable(provider->name, "_TIMEOUT");
		note(r, false, "%s is '%s'; it must be a number of seconds from 0.001 to 86400",
			name, text);
		free(name);
	} else {
		timeout->total_ms = (int64_t)(seconds * 1000 + 0.5);
		config_timeout_clamp(timeout);
	}
	buf_free(&why);
}

static void
set_url(struct config_reader *r, struct config_provider *provider)
{
	const char *text = provider_value(r, provider->name, "_BASE_URL"), *why = "";

	if (!text && strcmp(provider->name, "ollama") == 0)
		text = value_of(r, "OLLAMA_URL");
	char *url = provider_base_url(
		provider->endpoint.preset, text ? text : provider->endpoint.preset->base_url, &why);
	if (url)
		config_provider_set_url(provider, url);
	else
		note(r, false, "the URL of %s cannot be used: %s", provider->name, why);
}

static void
set_model(struct config_reader *r, struct config_provider *provider)
{
	const char *model = either(provider_value(r, provider->name, "_MODEL"),
		provider_value(r, provider->name, "_MODEL_NAME"));

	if (!model)
		model = provider->endpoint.preset->default_model;
	free(provider->models);
	provider->models = x_calloc(2, sizeof *provider->models);
	provider->models[0] = x_strdup(model);
}

static void
add_provider(struct config_reader *r, const char *name)
{
	const struct provider_preset *preset = provider_preset(name);

	struct config_provider *provider = config_provider_new(r->config, name, preset);
	set_url(r, provider);
	set_timeout(r, provider);
	set_model(r, provider);
	provider->local = (preset->flags & PROVIDER_LOCAL) && config_provider_here(provider);
	config_provider_find_key(r, NULL, provider);
	if (provider->key && provider->base_url && !config_provider_here(provider) &&
		util_starts_with(provider->base_url, "http:"))
		note(r, true, "the key of %s goes over the network unencrypted; use https", name);
}

/* ---- which one comes first ---- */

static const char *
known_name(const char *name)
{
	if (util_equal_nocase(name, "claude"))
		return "anthropic";
	if (util_equal_nocase(name, "google"))
		return "gemini";
	for (size_t i = 0; i < UTIL_COUNT(candidates); i++)
		if (util_equal_nocase(name, candidates[i]))
			return candidates[i];
	return NULL;
}

/* The candidate that PRIMARY_LLM or LLM_DEFAULT_PROVIDER names; NULL for none or after a fault. */
static const char *
first_provider(struct config_reader *r)
{
	const char *which = value_of(r, "PRIMARY_LLM") ? "PRIMARY_LLM" : "LLM_DEFAULT_PROVIDER";
	const char *written = value_of(r, which);
	const char *name = written ? known_name(written) : NULL;

	if (!written)
		return NULL;
	if (!name) {
		struct buf list;
		buf_init(&list, 300);
		for (size_t i = 0; i < UTIL_COUNT(candidates); i++)
			buf_printf(&list, "%s%s", i ? ", " : "", candidates[i]);
		note(r, false, "%s is '%s'; it must be one of %s", which, written, list.data);
		buf_free(&list);
	} else if (!is_wanted(r, name)) {
		char *key = maker(name);
		note(r, false, "%s is '%s' but %s is not set", which, written, key);
		free(key);
		name = NULL;
	}
	return name;
}

static void
add_providers(struct config_reader *r)
{
	const char *first = first_provider(r);

	if (first)
		add_provider(r, first);
	for (size_t i = 0; i < UTIL_COUNT(candidates); i++)
		if (candidates[i] != first && is_wanted(r, candidates[i]))
			add_provider(r, candidates[i]);
}

/* ---- switches ---- */

static bool
read_switch(struct config_reader *r, const char *name, bool fallback)
{
	static const char *const words[] = {"true", "false", "1", "0", "yes", "no", "on", "off"};
	const char *value = value_of(r, name);

	if (!value)
		return fallback;
	for (size_t i = 0; i < UTIL_COUNT(words); i++)
		if (util_equal_nocase(value, words[i]))
			return i % 2 == 0;
	note(r, false, "%s is '%s'; it must be true or false", name, value);
	return fallback;
}

static void
read_switches(struct config_reader *r)
{
	const char *name = value_of(r, "LLM_ROUTING_STRATEGY");
	enum strategy strategy = name ? strategy_find(name) : STRATEGY_sequential;

	r->config->enable_fallback = read_switch(r, "LLM_ENABLE_FALLBACK", true);
	if (strategy == STRATEGY_COUNT)
		note(r, false, "LLM_ROUTING_STRATEGY is '%s': unknown strategy; available: %s",
			name, strategy_names());
	else
		r->config->strategy = strategy;
	if (read_switch(r, "LLM_PREFER_LOCAL", false) && !name)
		r->config->strategy = STRATEGY_local_first;
	config_redis_from_env(r, value_of(r, "REDIS_URL"));
}

static void
nothing_there(struct config_reader *r)
{
	struct buf list;

	buf_init(&list, 500);
	for (size_t i = 0; i < UTIL_COUNT(candidates); i++) {
		char *name = maker(candidates[i]);
		buf_printf(&list, "%s%s", i ? ", " : "", name);
		free(name);
	}
	note(r, false,
		"no provider is configured; set one of %s, or write "
		"/etc/llmfo/llmfo.yaml",
		list.data);
	buf_free(&list);
}

struct config *
config_from_env(const struct config_env *env, struct config_faults *faults)
{
	struct config_reader r = {.config = config_new(PLACE), .env = env, .faults = faults};

	config_access_read(&r, NULL, config_access_everybody, &r.config->callers);
	config_access_read(&r, NULL, config_access_root, &r.config->admins);
	read_switches(&r);
	add_providers(&r);
	if (faults->errors == 0 && r.config->provider_count == 0)
		nothing_there(&r);
	config_models_read(&r, NULL, NULL);
	config_check_usable(&r);
	if (faults->errors == 0) {
		config_chain_make_default(r.config, "default");
		config_rules_make(r.config);
		config_targets_learn(r.config);
		return r.config;
	}
	config_unref(r.config);
	return NULL;
}
