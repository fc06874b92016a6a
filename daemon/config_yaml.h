/* SPDX-License-Identifier: MIT */
/*
 * The only door to the YAML library (libfyaml). A file becomes a tree of nodes that know where they
 * stand; what YAML has and a configuration does not want (tags, several documents, keys that are
 * no text) is refused here. Aliases and merge keys are resolved into copies under one ceiling of
 * nodes, so that a small file cannot become a large tree.
 */
#ifndef LLMFO_CONFIG_YAML_H
#define LLMFO_CONFIG_YAML_H

#include "config_fault.h"

#define CONFIG_YAML_MAX_BYTES (1024 * 1024)
#define CONFIG_YAML_MAX_NODES 50000
#define CONFIG_YAML_MAX_DEPTH 32

enum config_kind { CONFIG_SCALAR, CONFIG_MAP, CONFIG_LIST };

struct config_node {
	enum config_kind kind;
	bool plain;       /* a scalar without quotes */
	bool null;        /* nothing, ~ or null */
	bool cut;         /* the text broke off inside it */
	bool bad;         /* already complained about */
	bool expanded;    /* config_text.c has replaced ${VAR} in text */
	char *text;       /* a scalar's, owned, wiped when freed; else NULL */
	char *variable;   /* the first ${VAR} in it, owned; NULL */
	bool unset;       /* that variable is not set */
	char *key;        /* in a map, owned; NULL */
	int line, column; /* from 1; of the key where the value is empty */
	int key_line, key_column;
	const char *file;           /* borrowed from whoever had it parsed */
	struct config_node *parent; /* NULL: the root */
	struct config_node **items; /* of a map in the file's order, of a list; owned */
	size_t count;
};

/*
 * Parses one YAML document. NULL for an empty one or when there is nothing to be had. *broken says
 * that the text could not be read to its end: the tree holds what stood before that place.
 */
struct config_node *config_yaml_parse(const char *text, size_t length, const char *file,
	struct config_faults *faults, bool *broken);
void config_yaml_free(struct config_node *node);

/* The node under key of a map; NULL for anything else. */
struct config_node *config_node_get(const struct config_node *map, const char *key);
/* "providers.openai.models[2]"; a new string. */
char *config_node_path(const struct config_node *node);

#endif
