/* SPDX-License-Identifier: MIT */
/* The tree a configuration file becomes, apart from how it is parsed: see config_yaml.h. */
#include <stdlib.h>
#include <string.h>

#include "config_yaml.h"

#define PATH_MAX_BYTES 2000

static void
wipe_text(char *text)
{
	if (text)
		util_wipe(text, strlen(text));
	free(text);
}

void
config_yaml_free(struct config_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->count; i++)
		config_yaml_free(node->items[i]);
	free(node->items);
	wipe_text(node->text);
	free(node->variable);
	free(node->key);
	free(node);
}

struct config_node *
config_node_get(const struct config_node *map, const char *key)
{
	if (!map || map->kind != CONFIG_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->items[i]->key, key) == 0)
			return map->items[i];
	return NULL;
}

static void
add_path(const struct config_node *node, struct buf *out)
{
	const struct config_node *parent = node->parent;

	if (!parent)
		return;
	add_path(parent, out);
	if (parent->kind == CONFIG_MAP) {
		buf_printf(out, "%s%s", out->len ? "." : "", node->key ? node->key : "");
		return;
	}
	for (size_t i = 0; i < parent->count; i++)
		if (parent->items[i] == node)
			buf_printf(out, "[%zu]", i);
}

char *
config_node_path(const struct config_node *node)
{
	struct buf out;

	buf_init(&out, PATH_MAX_BYTES);
	add_path(node, &out);
	return buf_take(&out, NULL);
}
