/* SPDX-License-Identifier: MIT */
/*
 * `redis:`, and REDIS_URL where there is no file. The password stands in the URL, in `password`, in
 * a file or in the credentials folder. No text made here holds any of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"

#define ENVIRONMENT "environment"

static void
check_prefix(struct config_reader *r, struct config_node *node)
{
	const char *c = r->config->redis_prefix;

	if (!node || node->bad)
		return;
	while (*c > ' ' && *c < 0x7f && !strchr("*?[]\\^", *c))
		c++;
	if (*c)
		config_error(r, node,
			"must have no blanks, no letters but English ones and none of "
			"* ? [ ] \\ ^");
}

/* Several places may hold the password; one is to. False: it was one too many, and is told. */
static bool
may_set(struct config_reader *r, struct config_node *node, const char *there)
{
	if (!there)
		return true;
	config_error(r, node, "there is a password already, in %s; leave one of them out", there);
	return false;
}

static const char *
set_from_text(struct config_reader *r, struct config_node *node, const char *there)
{
	const char *password = config_text_secret(r, node);

	if (!password)
		return there;
	if (!*password) {
		config_warning(r, node, "%s is %s; Redis gets no password from here",
			node->variable ? node->variable : "the password",
			node->unset ? "not set" : "empty");
		return there;
	}
	if (!may_set(r, node, there))
		return there;
	const char *why = redis_url_set_password(r->config->redis, password);
	if (why)
		config_error(r, node, "%s", why);
	return "redis.password";
}

/* What is wrong with what a file holds; NULL: nothing, and it is set, or empty. */
static const char *
take_content(struct redis_url *url, const struct buf *text)
{
	if (strlen(text->data) != text->len)
		return "the password holds a NUL byte";
	return text->len ? redis_url_set_password(url, text->data) : NULL;
}

static const char *
set_from_file(struct config_reader *r, struct config_node *node, const char *there)
{
	const char *written = config_text(r, node);
	struct buf text;
	unsigned mode = 0, owner = 0;

	if (!written || !*written || !may_set(r, node, there))
		return there;
	char *path = config_relative(node->file, written);
	int error = config_secret_read(path, &text, &mode, &owner);
	const char *why = error ? NULL : take_content(r->config->redis, &text);
	if (error)
		config_error(r, node, "`%s` cannot be read: %s", path,
			config_slurp_text(error, "larger than a password"));
	else if (why)
		config_error(r, node, "`%s` cannot be used: %s", path, why);
	else if (text.len == 0)
		config_warning(r, node, "`%s` is empty; Redis gets no password from here", path);
	else
		config_secret_warn_open(r, node, path, mode, owner, "password");
	config_secret_free(&text);
	free(path);
	return r->config->redis->password ? "redis.password_file" : there;
}

static void
set_from_credential(struct config_reader *r, struct config_place place)
{
	char *path = config_secret_credential(r->env, CONFIG_REDIS_CREDENTIAL);
	struct buf text;

	if (!path)
		return;
	int error = config_secret_read(path, &text, NULL, NULL);
	const char *why = error ? config_slurp_text(error, "larger than a password")
				: take_content(r->config->redis, &text);
	if (why && error != -ENOENT)
		config_fault_add(r->faults, false, place, "the credential `%s` cannot be used: %s",
			path, why);
	config_secret_free(&text);
	free(path);
}

/* Nothing that is said of a Redis counts without a URL. */
static void
read_url(struct config_reader *r, struct config_node *section, struct config_node *node)
{
	const char *why, *text = node ? config_text_secret(r, node) : NULL;

	if (!node) {
		config_warning(r, section, "has no url: every host keeps what it knows to itself");
	} else if (text && !*text) {
		config_warning(r, node,
			"%s is %s: every host keeps what it knows to itself",
			node->variable ? node->variable : "the url",
			node->unset ? "not set" : "empty");
	} else if (text) {
		r->config->redis = redis_url_parse(text, &why);
		if (!r->config->redis)
			config_error(r, node, "%s", why);
	}
}

void
config_redis_read(struct config_reader *r, struct config_node *section)
{
	if (!section || section->kind != CONFIG_MAP)
		return;
	struct config_node *direct = config_node_get(section, "password");
	struct config_node *file = config_node_get(section, "password_file");

	check_prefix(r, config_node_get(section, "prefix"));
	read_url(r, section, config_node_get(section, "url"));
	if (!r->config->redis)
		return;
	const char *there = r->config->redis->password ? "redis.url" : NULL;
	if (direct)
		there = set_from_text(r, direct, there);
	if (file)
		there = set_from_file(r, file, there);
	if (!there)
		set_from_credential(r,
			(struct config_place){section->file, section->key_line, section->key_column,
				"redis"});
}

void
config_redis_from_env(struct config_reader *r, const char *text)
{
	struct config_place place = {ENVIRONMENT, 0, 0, ""};
	const char *why;

	if (!text)
		return;
	r->config->redis = redis_url_parse(text, &why);
	if (!r->config->redis)
		config_fault_add(r->faults, false, place, "REDIS_URL cannot be used: %s", why);
	else if (!r->config->redis->password)
		set_from_credential(r, place);
}
