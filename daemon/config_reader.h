/* SPDX-License-Identifier: MIT */
/*
 * The inside of reading a configuration, shared by the config_*.c files: what is under way, how a
 * fault is tied to a place, and how a map is read by the rows of config.def. Reading goes in two
 * steps: first every file's keys and values, then (if no file broke off) what refers to something
 * elsewhere, so that all faults come together and none is a consequence of another.
 */
#ifndef LLMFO_CONFIG_READER_H
#define LLMFO_CONFIG_READER_H

#include "config_yaml.h"

struct config_agent_source;

struct config_reader {
	struct config *config; /* being filled */
	const struct config_env *env;
	struct config_faults *faults;
	bool broken;         /* the file could not be read to its end */
	struct buf *foreign; /* not NULL: unknown keys are noted, no faults */
};

/* A snapshot with nothing but defaults and one reference. */
struct config *config_new(const char *source);

/* ---- faults with a place ---- */

void config_error(struct config_reader *r, struct config_node *node, const char *format, ...)
	UTIL_PRINTF(3, 4);
void config_warning(struct config_reader *r, const struct config_node *node, const char *format,
	...) UTIL_PRINTF(3, 4);
/* The same at the node's key, for what concerns a whole map. */
void config_key_error(struct config_reader *r, struct config_node *node, const char *format, ...)
	UTIL_PRINTF(3, 4);

/* ---- reading by rows (config_section.c) ---- */

/*
 * Reads a map by the rows under prefix ("providers.*") into the struct of their owner. What is
 * empty is an empty map; what is none is a fault.
 */
void config_section_read(
	struct config_reader *r, struct config_node *node, const char *prefix, void *into);
/* Reads one value by the row of that path, for what may be a map or a single value. */
void config_section_value(
	struct config_reader *r, struct config_node *node, const char *path, void *into);
/* Writes the defaults of the rows under prefix, at any depth, into the struct of their owner. */
void config_section_defaults(const char *prefix, void *into);

struct config_row {
	const char *path, *type, *default_text, *help;
	bool reload;
};
/* The rows in their order, for tests and documentation; false beyond the last. */
bool config_section_row(size_t index, struct config_row *row);

/* ---- values by hand (config_text.c) ---- */

/*
 * A scalar's text with its variables filled in; NULL after a fault, which it reports: not a scalar,
 * an unset variable, a control character. Null and "" are "".
 */
const char *config_text(struct config_reader *r, struct config_node *node);
/* config_text() that lets a variable be unset (node->unset) and says "" then. */
const char *config_text_secret(struct config_reader *r, struct config_node *node);
/* config_text() that may hold line breaks, as a stop sequence does. */
const char *config_text_free(struct config_reader *r, struct config_node *node);
/* Is it a list (or nothing)? A fault if not. example: what would be right. */
bool config_is_list(struct config_reader *r, struct config_node *node, const char *example);
/* The list's texts as a new NULL-terminated array, without empty ones and doubles (both told). */
char **config_texts(struct config_reader *r, struct config_node *list);
/* Frees a NULL-terminated array of strings. */
void config_texts_free(char **texts);
/* A path that is relative to the folder of the file it stands in; a new string. */
char *config_relative(const char *file, const char *path);
/*
 * A name among those that a user gives: not empty, no control characters, at most 128 bytes;
 * strict ones have letters, digits, - _ . alone and begin with a letter or digit.
 */
bool config_name_ok(struct config_reader *r, struct config_node *node, bool strict);
/* The nearest of words to a misspelled one, NULL if none is near. words is NULL-terminated. */
const char *config_nearest(const char *word, const char *const *words);

/* ---- parts of the file ---- */

void config_params_read(
	struct config_reader *r, struct config_node *node, struct config_params *params);
void config_params_free(struct config_params *params);
/* Fills what into does not have from `from`. */
void config_params_merge(struct config_params *into, const struct config_params *from);
/* One duration is the total; a map sets each by itself. None ends up longer than the total. */
void config_timeout_read(
	struct config_reader *r, struct config_node *node, struct config_timeout *timeout);
void config_timeout_clamp(struct config_timeout *timeout);
void config_retry_on_read(
	struct config_reader *r, struct config_node *node, struct config_retry_on *rules);
/* defaults: NULL-terminated, for a list that is not there. */
void config_access_read(struct config_reader *r, struct config_node *list,
	const char *const *defaults, struct config_access *access);
/* The defaults of callers and of admins. */
extern const char *const config_access_everybody[], *const config_access_root[];
/* Does this host know a group of that name? */
bool config_access_is_group(const char *name);
void config_access_free(struct config_access *access);

/* providers: */
void config_providers_read(struct config_reader *r, struct config_node *providers);
/* A provider of that name with all defaults, added to the configuration. */
struct config_provider *config_provider_new(
	struct config *config, const char *name, const struct provider_preset *preset);
void config_provider_free(struct config_provider *provider);
/* Takes over base_url (normalised). */
void config_provider_set_url(struct config_provider *provider, char *base_url);
/* Fills in `local` where it was not configured: a local preset at this very host. */
bool config_provider_here(const struct config_provider *provider);
/*
 * Finds the key: the credentials folder, api_key_file, api_key, the preset's variables (where there
 * is a preset). Sets configured and reason, and reports a provider that is left out. section is
 * NULL when there is no file.
 */
void config_provider_find_key(
	struct config_reader *r, struct config_node *section, struct config_provider *provider);
/* Was the key set by a file in the credentials folder? Used to see which providers there are. */
bool config_provider_has_credential(const struct config_env *env, const char *name);
/*
 * The provider that a provider_url makes of another one: itself if that is its own URL, else
 * "name@host". NULL after a fault at node.
 */
struct config_provider *config_provider_at_url(struct config_reader *r, struct config_node *node,
	struct config_provider *provider, const char *url);

/* `redis:`; NULL: there is none. */
void config_redis_read(struct config_reader *r, struct config_node *section);
/* The same of REDIS_URL alone; NULL: it is not set. */
void config_redis_from_env(struct config_reader *r, const char *text);
/* The credential that is the password of Redis, and never a provider's key. */
#define CONFIG_REDIS_CREDENTIAL "redis"

/* Fills the registry: what is shipped, the files of `registry:`, `models:`. Both may be NULL. */
void config_models_read(
	struct config_reader *r, struct config_node *files, struct config_node *models);
/* Tells a target what the registry knows of it; the second: all targets of the configuration. */
void config_target_learn(const struct config *config, struct config_target *target);
void config_targets_learn(struct config *config);

/* Targets and chains. */
struct config_target *config_target_intern(
	struct config *config, struct config_provider *provider, const char *model);
void config_target_free(struct config_target *target);
struct config_chain *config_chain_new(const char *name, bool agent);
/* Takes over how the configuration orders where nothing else is said. */
void config_chain_go_by(struct config_chain *chain, const struct config *config);
/* False if the chain has it already. */
bool config_chain_add(struct config_chain *chain, struct config_target *target);
/* Takes the chain over; agents stay behind chains. */
void config_append_chain(struct config *config, struct config_chain *chain);
/* Step one and two of `chains:`; the second one also makes the chain `default`. */
void config_chains_read(struct config_reader *r, struct config_node *chains);
void config_chains_resolve(
	struct config_reader *r, struct config_node *chains, struct config_node *default_name);
/* The chains made by rule, once those of the file are there. */
void config_rules_make(struct config *config);
/* Is that the name of one of them? */
bool config_is_rule(const char *name);
/* The chain of every target that providers offer. */
void config_chain_make_default(struct config *config, const char *name);
/* The provider of a name, or a fault at node that says which there are. */
struct config_provider *config_provider_named(
	struct config_reader *r, struct config_node *node, const char *name);
/* Complains if none of the chain's targets can be used. */
void config_chain_warn_unusable(
	struct config_reader *r, const struct config_node *node, const struct config_chain *chain);

/* Agents: of `agents:` and of the files in agents_dir. */
struct config_agent_sources {
	struct config_agent_source *list; /* owned */
	size_t count;
};
void config_agents_read(
	struct config_reader *r, struct config_node *agents, struct config_agent_sources *sources);
void config_agents_dir_read(
	struct config_reader *r, struct config_node *dir, struct config_agent_sources *sources);
void config_agents_resolve(struct config_reader *r, struct config_agent_sources *sources);
void config_agents_free(struct config_agent_sources *sources);

/* Reads a regular file of at most max bytes: 0, or -errno (EFBIG: larger; EINVAL: not regular). */
int config_slurp(const char *path, size_t max, struct buf *out, unsigned *mode, unsigned *owner);
/* No secret is longer. */
#define CONFIG_SECRET_MAX_BYTES 8192
/*
 * Reads a file that holds a secret alone, without the line end behind it, in memory that holds no
 * other copy: as config_slurp(). config_secret_free() is for text either way.
 */
int config_secret_read(const char *path, struct buf *text, unsigned *mode, unsigned *owner);
/* Wipes it. */
void config_secret_free(struct buf *text);
/* The path of a file in the credentials folder, a new string; NULL: there is no such folder. */
char *config_secret_credential(const struct config_env *env, const char *name);
/* Warns if others may read it; what: "key". */
void config_secret_warn_open(struct config_reader *r, const struct config_node *node,
	const char *path, unsigned mode, unsigned owner, const char *what);
/* What its error means; too_large: the words for EFBIG. */
const char *config_slurp_text(int error, const char *too_large);
/* The "nothing can be used" fault; says what to set. */
void config_check_usable(struct config_reader *r);

#endif
