/* SPDX-License-Identifier: MIT */
/*
 * Where a provider's key comes from: the credentials folder, its key file, `api_key`, the preset's
 * variables, in this order. No text made here holds one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"

static void
leave_out(struct config_provider *provider, char *reason)
{
	free(provider->reason);
	provider->reason = reason;
	provider->configured = false;
}

/* NULL if the key can stand in a header. */
static const char *
unusable(const char *key)
{
	if (strlen(key) > CONFIG_SECRET_MAX_BYTES)
		return "the key is longer than 8 KiB";
	for (; *key; key++)
		if ((unsigned char)*key <= 0x20 || (unsigned char)*key >= 0x7f)
			return "the key holds a line break, a blank or another character that "
			       "no key has";
	return NULL;
}

static void
set_key(struct config_provider *provider, const char *key)
{
	provider->key = x_strdup(key);
	provider->endpoint.key = provider->key;
}

/* What is wrong with the content of a key file; NULL: nothing, and the key is set (or empty). */
static const char *
take_content(struct config_provider *provider, const struct buf *text, const char *path)
{
	const char *why = NULL;

	if (strlen(text->data) != text->len)
		why = "the key holds a NUL byte";
	else if (text->len == 0)
		leave_out(provider, x_asprintf("%s is empty", path));
	else if (!(why = unusable(text->data)))
		set_key(provider, text->data);
	return why;
}

static void
read_key_file(struct config_reader *r, struct config_node *node, struct config_provider *provider)
{
	const char *written = config_text(r, node);
	struct buf text;
	unsigned mode = 0, owner = 0;

	if (!written || !*written)
		return;
	char *path = config_relative(node->file, written);
	int error = config_secret_read(path, &text, &mode, &owner);
	const char *why = error ? NULL : take_content(provider, &text, path);
	if (error)
		config_error(r, node, "`%s` cannot be read: %s", path,
			config_slurp_text(error, "larger than a key"));
	else if (why)
		config_error(r, node, "`%s` cannot be used: %s", path, why);
	else
		config_secret_warn_open(r, node, path, mode, owner, "key");
	config_secret_free(&text);
	free(path);
}

/* Where a provider's credential is, a new string; NULL: nowhere. One of that name is not its. */
static char *
credential_path(const struct config_env *env, const char *name)
{
	return strcmp(name, CONFIG_REDIS_CREDENTIAL) == 0 ? NULL
							  : config_secret_credential(env, name);
}

/* False: there is no credential of that name. */
static bool
read_credential(struct config_reader *r, const struct config_node *section,
	struct config_provider *provider)
{
	char *path = credential_path(r->env, provider->name);
	struct buf text;

	if (!path)
		return false;
	int error = config_secret_read(path, &text, NULL, NULL);
	const char *why = error ? config_slurp_text(error, "larger than a key")
				: take_content(provider, &text, path);
	if (why && error != -ENOENT) {
		struct config_place place = {section ? section->file : "environment",
			section ? section->line : 0, section ? section->column : 0, provider->name};
		config_fault_add(r->faults, false, place, "the credential `%s` cannot be used: %s",
			path, why);
	}
	config_secret_free(&text);
	free(path);
	return error != -ENOENT;
}

bool
config_provider_has_credential(const struct config_env *env, const char *name)
{
	char *path = credential_path(env, name);
	struct buf text;

	if (!path)
		return false;
	int error = config_secret_read(path, &text, NULL, NULL);
	config_secret_free(&text);
	free(path);
	return error != -ENOENT;
}

static void
read_api_key(struct config_reader *r, struct config_node *node, struct config_provider *provider)
{
	const char *key = config_text_secret(r, node);

	if (node->variable)
		provider->key_variable = x_strdup(node->variable);
	if (!key) {
		leave_out(provider, x_strdup("its api_key is faulty"));
		return;
	}
	if (!*key) {
		leave_out(provider,
			node->variable ? x_asprintf("%s is not set", node->variable)
				       : x_strdup("api_key is empty"));
		return;
	}
	const char *why = unusable(key);
	if (why)
		config_error(r, node, "%s%s%s", why, node->variable ? "; see " : "",
			node->variable ? node->variable : "");
	else
		set_key(provider, key);
}

/* Is it at the host that the preset itself names? */
static bool
at_own_host(const struct config_provider *provider)
{
	const char *own_url = provider->endpoint.preset->base_url;

	if (!provider->base_url || !own_url[0])
		return false;
	char *own = provider_url_host(own_url), *host = provider_url_host(provider->base_url);
	bool same = util_equal_nocase(own, host);
	free(own);
	free(host);
	return same;
}

/*
 * The preset's variables hold the key of one account with one host. They are for the section that
 * has the preset's name, whatever its base_url, and for any that goes to the preset's own host. A
 * section of another name that goes elsewhere has to name its key.
 */
static bool
may_take_variables(const struct config_node *section, const struct config_provider *provider)
{
	return !section || !config_node_get(section, "base_url") ||
		provider_preset(provider->name) == provider->endpoint.preset ||
		at_own_host(provider);
}

/*
 * The preset's own variables, the first that is set; *first becomes the name of the first. False:
 * one holds what is no key, which is reported.
 */
static bool
read_variables(struct config_reader *r, const struct config_node *section,
	struct config_provider *provider, char **first)
{
	const char *names = provider->endpoint.preset->key_variables;
	bool sound = true;

	for (size_t length; *names; names += length + (names[length] == ' ')) {
		length = strcspn(names, " ");
		char *name = x_strndup(names, length);
		const char *key = r->env && r->env->get ? r->env->get(r->env->arg, name) : NULL;
		const char *why = key && *key ? unusable(key) : NULL;
		if (why) {
			struct config_place place = {section ? section->file : "environment",
				section ? section->line : 0, section ? section->column : 0, name};
			config_fault_add(r->faults, false, place, "%s", why);
			sound = false;
		} else if (key && *key && !provider->key) {
			set_key(provider, key);
			provider->key_variable = x_strdup(name);
		}
		if (!*first)
			*first = x_strdup(name);
		free(name);
	}
	return sound;
}

/* What runs without a key: some kinds of provider, and whatever is local. */
static bool
works_without(const struct config_provider *provider)
{
	return (provider->endpoint.preset->flags & PROVIDER_KEYLESS) || provider->local ||
		config_provider_here(provider);
}

/* Nothing in the file or the credentials folder says what the key is. */
static void
look_in_environment(struct config_reader *r, const struct config_node *section,
	struct config_provider *provider)
{
	const struct provider_preset *preset = provider->endpoint.preset;
	char *first = NULL;

	if (!may_take_variables(section, provider)) {
		if (!works_without(provider))
			leave_out(provider,
				x_asprintf("it has no api_key; %.*s is for the provider `%s`",
					(int)strcspn(preset->key_variables, " "),
					preset->key_variables, preset->name));
		return;
	}
	bool sound = read_variables(r, section, provider, &first);
	if (sound && !provider->key && !works_without(provider))
		leave_out(provider,
			first ? x_asprintf("%s is not set", first) : x_strdup("it has no api_key"));
	if (!provider->key_variable)
		provider->key_variable = x_strdup(first);
	free(first);
}

static void
warn_left_out(struct config_reader *r, const struct config_node *section,
	const struct config_provider *provider)
{
	struct config_place place = {"environment", 0, 0, ""};

	if (section)
		config_warning(r, section, "provider %s not configured: %s", provider->name,
			provider->reason);
	else
		config_fault_add(r->faults, true, place, "provider %s not configured: %s",
			provider->name, provider->reason);
}

void
config_provider_find_key(
	struct config_reader *r, struct config_node *section, struct config_provider *provider)
{
	struct config_node *file = config_node_get(section, "api_key_file");
	struct config_node *direct = config_node_get(section, "api_key");

	provider->configured = true;
	if (read_credential(r, section, provider)) {
		if (direct)
			(void)config_text_secret(r, direct);
	} else if (file) {
		read_key_file(r, file, provider);
	} else if (direct) {
		read_api_key(r, direct, provider);
	} else if (provider->endpoint.preset) {
		look_in_environment(r, section, provider);
	}
	if (!provider->configured && (!direct || !direct->bad))
		warn_left_out(r, section, provider);
}
