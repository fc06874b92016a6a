/* SPDX-License-Identifier: MIT */
/*
 * The configuration: an immutable snapshot, read from one file or made from the environment. A call
 * holds a reference to the snapshot it started with; reload makes a new one. Reading collects every
 * fault there is before it gives up. The keys, their types, ranges and defaults are config.def.
 */
#ifndef LLMFO_CONFIG_H
#define LLMFO_CONFIG_H

#include "buf.h"
#include "provider.h"
#include "redis_url.h"
#include "registry.h"
#include "strategy.h"

/* One thing wrong (or, as a warning, doubtful) with what was read. Strings are owned. */
struct config_fault {
	bool warning;
	char *file;       /* "environment" where there is no file */
	int line, column; /* from 1; 0: not at one place */
	char *path;       /* "providers.openai.timeout.connect"; "" for the file as a whole */
	char *text;       /* what is wrong and what would be right; never a key */
};

struct config_faults {
	struct config_fault *list; /* owned */
	size_t count;
	size_t errors; /* how many of them are no warnings */
};

void config_faults_free(struct config_faults *faults);
/*
 * "file:line:column: path: text" (parts that are missing are left out), as --check-config and
 * reload print it. A new string.
 */
char *config_fault_text(const struct config_fault *fault);

/*
 * Sampling parameters. Unset ones fall through to the next of call, agent, chain, model, provider,
 * defaults.
 */
struct config_params {
	bool has_temperature, has_top_p, has_seed;
	double temperature, top_p;
	int64_t seed;
	int64_t max_tokens;           /* 0: not set */
	struct json *stop;            /* NULL or array of strings, owned */
	struct json *response_format; /* NULL or object, owned */
};

struct config_timeout { /* milliseconds, above 0 */
	int64_t connect_ms, first_token_ms, idle_ms, total_ms;
};

#define CONFIG_RETRY_STATUSES 16
/* No name of a target is longer. */
#define CONFIG_TARGET_MAX_BYTES 400

/* What fails over: classes by name, statuses (429, 5xx), `default`, `any`. */
struct config_retry_on {
	bool set; /* false: default */
	bool any, include_default;
	uint32_t classes; /* 1 << enum outcome_class */
	struct {
		int low, high;
	} statuses[CONFIG_RETRY_STATUSES];
	size_t status_count;
};

struct config_provider {
	char *name;
	struct provider_endpoint endpoint; /* borrows the next three */
	char *base_url, *api_version;
	char *key;          /* NULL: none; wiped when freed */
	char *key_variable; /* where the key came from or should have; NULL */
	bool configured;    /* false: left out, `reason` says why */
	char *reason;       /* "OPENAI_API_KEY is not set"; NULL */
	bool local;         /* what goes there stays on this host */
	char *region;       /* NULL: not said */
	char **models;      /* what it offers, NULL-terminated; never NULL */
	struct config_params params;
	struct config_timeout timeout; /* defaults filled in */
	int max_retries;
	int64_t retry_after_max_ms;
	int max_concurrency; /* 0: no limit */
	char *proxy;         /* NULL: none */
	char *ca_file;       /* NULL: the system's */
	char *derived_from;  /* NULL, or "openai" for "openai@api-eu.openai.com",
	                        which an agent's provider_url made */
};

/* One model at one provider. Every target that anything names exists once. */
struct config_target {
	char *name;                       /* "provider/model" */
	struct config_provider *provider; /* borrowed */
	char *model;
	bool listed;              /* the provider's models: names it, or is empty */
	bool transient;           /* made by config_make_chain(): owned by its chain */
	struct model_facts facts; /* of the model there; a local one has prices of 0 */
};

/* A chain, or an agent, which is a chain with a caller's defaults. */
struct config_chain {
	char *name;   /* "" for one made for a call */
	char *memory; /* under which health remembers what it prefers: its name, or "agent:NAME" */
	bool agent;
	struct config_target **targets; /* the pointers owned, the targets borrowed */
	int *weights; /* owned, one a target: the order is drawn; NULL: it is as written */
	bool sticky;  /* by the call's `user`: the same one draws the same */
	size_t target_count;
	enum strategy strategy;
	struct strategy_settings strategies;
	struct config_retry_on retry_on;
	int64_t timeout_ms;        /* per attempt, 0: the provider's */
	int64_t deadline_ms;       /* 0: defaults.deadline */
	int max_retries_per_model; /* -1: the provider's max_retries */
	struct config_params params;
	char *workspace;                /* agents; NULL */
	const struct config_rule *rule; /* by which the configuration made it; NULL: written */
};

/* Users and @groups of access.*. */
struct config_access {
	bool everybody;        /* "*" */
	uint32_t *uids, *gids; /* owned */
	size_t uid_count, gid_count;
	char **names; /* as written, NULL-terminated, for messages */
};

/* In the place of the state file's path. */
#define CONFIG_STATE_NONE "none"

struct config {
	int references;
	char *source;      /* the file's path, or "environment" */
	char *socket_path; /* NULL: not configured */
	unsigned socket_mode;
	char *socket_group; /* NULL: none */
	char *state_path;   /* NULL: not configured; CONFIG_STATE_NONE: nothing is kept */
	size_t max_message_bytes;
	int max_connections;
	struct config_access callers, admins;
	struct config_access reporters; /* names NULL: as callers */
	int failure_threshold;
	int64_t cooldown_ms, cooldown_max_ms, preferred_ttl_ms, check_interval_ms;
	bool when_all_open_try;
	struct redis_url *redis; /* what hosts share is there; NULL: nowhere */
	char *redis_prefix;      /* of its names */
	int max_calls, max_queue;
	int64_t drain_timeout_ms;
	/* of one user; 0: user_limits() says how many */
	int max_user_connections, max_user_calls, max_user_queue;
	size_t max_user_bytes;
	int64_t lease_ms;
	size_t stream_queue_bytes;
	char *default_chain;    /* a chain of that name exists unless there is no
	                           chain at all */
	enum strategy strategy; /* of chains that say none, and of a chain made for a call */
	struct strategy_settings strategies;
	int64_t default_deadline_ms;
	struct config_params params;
	bool fallback, preferred, health_tracking, active_checks, hedging; /* features */
	int64_t stream_stall_ms;
	bool enable_fallback; /* the default of a call's enable_fallback */
	struct config_provider **providers;
	size_t provider_count;
	struct config_target **targets;
	size_t target_count;
	void *targets_by_name; /* config_index.h */
	/* Configured chains, then those made by rule, then agents. */
	struct config_chain **chains; /* agents behind all others */
	size_t chain_count;
	void *agents_by_name; /* config_index.h */
	/* Every target that providers offer, for a call that names none: owned. */
	struct config_chain *offered;
	struct registry *registry; /* owned: what the targets know is from there */
};

/*
 * Where the values of ${VAR} and of the environment's configuration come from: a function, so that
 * tests and --env-file can put theirs first.
 */
struct config_env {
	const char *(*get)(void *arg, const char *name); /* NULL: unset */
	void *arg;
	const char *credentials_dir; /* $CREDENTIALS_DIRECTORY or NULL */
	const char *models_path;     /* facts about models that are shipped; NULL: none */
};

/*
 * Reads a YAML file and everything it names (key files, agents_dir). The new snapshot with one
 * reference, or NULL when there are errors; faults (initialised to zero by the caller) gets those
 * and the warnings either way.
 */
struct config *config_read_file(
	const char *path, const struct config_env *env, struct config_faults *faults);
/*
 * The same from text, for tests and fuzzing; name stands for the file in faults and for its folder
 * in relative paths.
 */
struct config *config_read_text(const char *text, size_t length, const char *name,
	const struct config_env *env, struct config_faults *faults);
/* Makes one from the environment alone (no file). */
struct config *config_from_env(const struct config_env *env, struct config_faults *faults);

/*
 * For a snapshot that is to follow `now` in a running daemon: what only a start brings into effect
 * stays as it is, with a warning for each value that had changed.
 */
void config_keep_unreloadable(
	struct config *next, const struct config *now, struct config_faults *faults);

struct config *config_ref(struct config *config);
/* The last one frees it and wipes the keys. NULL is fine. */
void config_unref(struct config *config);

/*
 * Finders by name: NULL when there is none. Names are compared exactly; chains (not agents) in any
 * case.
 */
struct config_provider *config_find_provider(const struct config *config, const char *name);
/* What a chain made by rule is for: "the best first"; "" for any other. */
const char *config_rule_text(const struct config_chain *chain);
/* Is it made by a rule that takes local targets alone? */
bool config_rule_is_local(const struct config_chain *chain);
/* The provider that a target's name ("provider/model") begins with. */
struct config_provider *config_find_provider_of(const struct config *config, const char *target);
struct config_target *config_find_target(const struct config *config, const char *name);
struct config_chain *config_find_chain(const struct config *config, const char *name, bool agent);
/* Appends "a, b, c": what there is, for config_no_such(). */
void config_list_providers(const struct config *config, struct buf *text);
void config_list_chains(const struct config *config, bool agents, struct buf *text);
/*
 * Appends "there is no provider `x`; there are: a, b" to text. known: what there is, with ", "
 * between, or "".
 */
void config_no_such(struct buf *text, const char *what, const char *name, const char *known);
/*
 * A chain made for one call from target names ("provider/model"), for `targets` in a request:
 * LLMFO_ENOT_FOUND with *why when one names no provider, LLMFO_EINVALID_REQUEST when one is no
 * target or there are none. A name that occurs twice counts once. Models that are not listed are
 * made as targets of the chain's own. The caller frees it with config_chain_free().
 */
int config_make_chain(const struct config *config, const char *const *names, size_t count,
	struct config_chain **chain, struct buf *why) UTIL_MUST_CHECK;
/* A chain for one call of all targets of a provider and a model (NULL: of any); NULL: there are
 * none. The caller frees it. */
struct config_chain *config_filter_chain(
	const struct config *config, const char *provider, const char *model);
void config_chain_free(struct config_chain *chain);

/*
 * Does a call with these rules fail over after that outcome? by_default is what it does without
 * any. What ends the call itself (ok, cancelled, deadline_exceeded) never does.
 */
bool config_retries_on(const struct config_retry_on *rules, enum outcome_class class,
	int http_status, bool by_default);
/*
 * Parses one item of retry_on ("default", "any", "429", "5xx", a class) into rules: 0, or
 * LLMFO_EINVALID_REQUEST for what is none of them or one status too many.
 */
int config_retry_on_add(struct config_retry_on *rules, const char *item) UTIL_MUST_CHECK;
/* Is this user (with these groups) among them? */
bool config_access_allows(
	const struct config_access *access, uint32_t uid, const uint32_t *gids, size_t gid_count);

/* A `.env` file: quotes, `export`, trailing comments. */
struct env_file;
/* NULL with faults filled when it cannot be read or has lines that are none. */
struct env_file *env_file_read(const char *path, struct config_faults *faults);
/* The value, NULL if the file does not set it. Valid until the file is freed. */
const char *env_file_get(const struct env_file *file, const char *name);
/* Wipes and frees; NULL is fine. */
void env_file_free(struct env_file *file);
/* Fills the parameters of a chat for a target: a call's own, those of agent or chain, of the
 * provider, the defaults; what an earlier layer sets stays. All borrowed. */
void config_params_fill(struct provider_chat *chat, const struct config_params *own,
	const struct config_chain *chain, const struct config_target *target,
	const struct config *config);

#endif
