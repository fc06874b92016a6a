/* SPDX-License-Identifier: MIT */
/* What can be seen: status, providers, chains. Built from values that hold no secret. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rpc.h"

/* What packing a view needs at hand. */
struct view {
	msgpack_packer *packer;
	struct core *core;
	int64_t now_ms;
	bool admin;  /* sees what belongs to others too */
	size_t used; /* how many targets answered a call */
};

static double
rate(int64_t part, int64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static void
pack_pair_double(msgpack_packer *packer, const char *key, double number)
{
	rpc_pack_text(packer, key);
	msgpack_pack_double(packer, number);
}

static void
pack_daemon(const struct view *view)
{
	struct core *core = view->core;
	int connections = core->hooks.connections ? core->hooks.connections(core->hooks.arg) : 0;

	rpc_pack_text(view->packer, "daemon");
	msgpack_pack_map(view->packer, 8);
	rpc_pack_pair_text(view->packer, "version", PACKAGE_VERSION);
	rpc_pack_pair_int(view->packer, "pid", getpid());
	rpc_pack_pair_int(view->packer, "uptime_ms", view->now_ms - core->started_ms);
	rpc_pack_pair_int(view->packer, "connections", connections);
	rpc_pack_pair_int(view->packer, "calls_in_flight", core->gate.running);
	rpc_pack_pair_int(view->packer, "calls_waiting", core->gate.waiting);
	rpc_pack_pair_text(view->packer, "config", core->config->source);
	rpc_pack_pair_text(view->packer, "last_reload_error", core->last_reload_error);
}

/* The state file: nil where nothing is kept over a restart. */
static void
pack_state(const struct view *view)
{
	const struct core_hooks *hooks = &view->core->hooks;
	struct db_look look;

	rpc_pack_text(view->packer, "state");
	if (!hooks->kept || !hooks->kept(hooks->arg, &look)) {
		msgpack_pack_nil(view->packer);
		return;
	}
	msgpack_pack_map(view->packer, 3);
	rpc_pack_pair_text(view->packer, "path", look.path);
	rpc_pack_pair_bool(view->packer, "ok", look.ok);
	rpc_pack_pair_text(view->packer, "error", look.ok ? NULL : look.why);
}

static void
pack_store(const struct view *view)
{
	const struct store *store = share_store(view->core->share);

	rpc_pack_text(view->packer, "store");
	msgpack_pack_map(view->packer, store ? 6 : 3);
	rpc_pack_pair_text(view->packer, "kind", store ? "redis" : "memory");
	rpc_pack_pair_bool(view->packer, "connected", !store || store->joined);
	if (store) {
		rpc_pack_pair_text(view->packer, "url", store->where);
		rpc_pack_pair_int(view->packer, "since_ms", view->now_ms - store->since_ms);
		rpc_pack_pair_text(view->packer, "error", store->why[0] ? store->why : NULL);
	}
	pack_state(view);
}

void
rpc_pack_forced(msgpack_packer *packer, const struct health_forced *forced, int64_t now_ms)
{
	if (!forced) {
		msgpack_pack_nil(packer);
		return;
	}
	msgpack_pack_map(packer, 4);
	rpc_pack_pair_text(packer, "provider", forced->provider);
	rpc_pack_pair_bool(packer, "strict", forced->strict);
	rpc_pack_pair_int(packer, "remaining_ms", forced->until_ms - now_ms);
	rpc_pack_pair_int(packer, "by_uid", forced->by_uid);
}

static void
count_preferred(const struct health_preferred *preferred, void *arg)
{
	(void)preferred;
	(*(size_t *)arg)++;
}

static void
pack_one_preferred(const struct health_preferred *preferred, void *arg)
{
	const struct view *view = arg;

	msgpack_pack_map(view->packer, 3);
	rpc_pack_pair_text(view->packer, "chain", preferred->chain);
	rpc_pack_pair_text(view->packer, "target", preferred->target);
	rpc_pack_pair_int(view->packer, "remaining_ms", preferred->until_ms - view->now_ms);
}

static void
pack_preferred(struct view *view)
{
	size_t count = 0;

	health_each_preferred(view->core->health, view->now_ms, count_preferred, &count);
	rpc_pack_text(view->packer, "preferred");
	msgpack_pack_array(view->packer, count);
	health_each_preferred(view->core->health, view->now_ms, pack_one_preferred, view);
}

static void
pack_latency(msgpack_packer *packer, const struct latency *latency)
{
	bool measured = latency->count > 0;

	rpc_pack_text(packer, "average_latency_ms");
	if (measured)
		msgpack_pack_int64(packer, latency_average_ms(latency));
	else
		msgpack_pack_nil(packer);
	rpc_pack_text(packer, "latency_ms");
	if (!measured) {
		msgpack_pack_nil(packer);
		return;
	}
	msgpack_pack_map(packer, 3);
	rpc_pack_pair_int(packer, "p50", latency_percentile_ms(latency, 50));
	rpc_pack_pair_int(packer, "p95", latency_percentile_ms(latency, 95));
	rpc_pack_pair_int(packer, "p99", latency_percentile_ms(latency, 99));
}

static void
pack_last_error(const struct view *view, const struct health_error *error)
{
	rpc_pack_text(view->packer, "last_error");
	if (error->class == OUTCOME_OK) {
		msgpack_pack_nil(view->packer);
		return;
	}
	msgpack_pack_map(view->packer, 3 + (error->http_status > 0));
	rpc_pack_pair_text(view->packer, "class", outcome_text(error->class));
	if (error->http_status > 0)
		rpc_pack_pair_int(view->packer, "http_status", error->http_status);
	rpc_pack_pair_text(view->packer, "message", error->message);
	rpc_pack_pair_int(view->packer, "age_ms", view->now_ms - error->at_ms);
}

#define HEALTH_PAIRS 13

/* What providers and targets have in common: HEALTH_PAIRS pairs. */
static void
pack_health(const struct view *view, const struct config_provider *provider, const char *name,
	const struct health_subject *subject)
{
	static const struct health_subject unknown;
	const struct health_subject *known = subject ? subject : &unknown;
	const char *state = route_state_text(provider, subject, view->now_ms);

	rpc_pack_pair_text(view->packer, "name", name);
	rpc_pack_pair_text(view->packer, "state", state);
	rpc_pack_pair_bool(view->packer, "is_healthy", strcmp(state, "closed") == 0);
	rpc_pack_pair_int(
		view->packer, "consecutive_failures", known->circuit.consecutive_failures);
	rpc_pack_pair_int(view->packer, "cooldown_remaining_ms",
		circuit_remaining_ms(&known->circuit, view->now_ms));
	rpc_pack_pair_int(view->packer, "success_count", known->successes);
	rpc_pack_pair_int(view->packer, "failure_count", known->failures);
	pack_pair_double(view->packer, "success_rate",
		known->successes + known->failures > 0
			? rate(known->successes, known->successes + known->failures)
			: 1);
	pack_latency(view->packer, &known->latency);
	rpc_pack_pair_int(view->packer, "in_flight", known->in_flight);
	pack_last_error(view, &known->last_error);
	rpc_pack_pair_text(view->packer, "reason", provider->configured ? NULL : provider->reason);
}

static void
pack_provider_rows(const struct view *view)
{
	const struct config *config = view->core->config;

	rpc_pack_text(view->packer, "providers");
	msgpack_pack_array(view->packer, config->provider_count);
	for (size_t i = 0; i < config->provider_count; i++) {
		const struct config_provider *provider = config->providers[i];
		const struct health_subject *subject =
			health_find(view->core->health, HEALTH_PROVIDER, provider->name);

		msgpack_pack_map(view->packer, HEALTH_PAIRS + 4);
		pack_health(view, provider, provider->name, subject);
		rpc_pack_pair_text(view->packer, "api", provider->endpoint.preset->name);
		rpc_pack_pair_text(view->packer, "base_url", provider->endpoint.base_url);
		rpc_pack_pair_bool(view->packer, "local", provider->local);
		rpc_pack_pair_bool(view->packer, "enabled", !(subject && subject->disabled));
	}
}

static void
pack_pair_known(msgpack_packer *packer, const char *key, bool known, int64_t number)
{
	rpc_pack_text(packer, key);
	if (known)
		msgpack_pack_int64(packer, number);
	else
		msgpack_pack_nil(packer);
}

static void
pack_quota(const struct view *view, const struct quota *quota)
{
	rpc_pack_text(view->packer, "quota");
	if (!quota || !quota_holds(quota, view->now_ms)) {
		msgpack_pack_nil(view->packer);
		return;
	}
	msgpack_pack_map(view->packer, 3);
	pack_pair_known(view->packer, "requests_remaining", quota->requests_remaining >= 0,
		quota->requests_remaining);
	pack_pair_known(view->packer, "tokens_remaining", quota->tokens_remaining >= 0,
		quota->tokens_remaining);
	pack_pair_known(view->packer, "reset_ms", quota->timed, quota->until_ms - view->now_ms);
}

static void
pack_target_row(const struct view *view, const struct config_provider *provider, const char *name,
	const char *model, const struct health_subject *subject, bool listed)
{
	msgpack_pack_map(view->packer, HEALTH_PAIRS + 4);
	pack_health(view, provider, name, subject);
	rpc_pack_pair_text(view->packer, "provider", provider->name);
	rpc_pack_pair_text(view->packer, "model", model);
	rpc_pack_pair_bool(view->packer, "listed", listed);
	pack_quota(view, subject ? &subject->quota : NULL);
}

/* Targets that only callers named, with their provider: for administrators, since the name of a
 * model is what a caller wrote. */
struct unlisted {
	const struct config *config;
	struct health_subject **subjects;
	const struct config_provider **providers;
	size_t count;
};

static void
gather_unlisted(struct health_subject *subject, void *arg)
{
	struct unlisted *unlisted = arg;

	if (subject->kind != HEALTH_TARGET || subject->listed)
		return;
	const struct config_provider *provider =
		config_find_provider_of(unlisted->config, subject->name);
	if (!provider)
		return;
	unlisted->subjects =
		x_realloc(unlisted->subjects, (unlisted->count + 1) * sizeof unlisted->subjects[0]);
	unlisted->providers = x_realloc(
		unlisted->providers, (unlisted->count + 1) * sizeof unlisted->providers[0]);
	unlisted->subjects[unlisted->count] = subject;
	unlisted->providers[unlisted->count++] = provider;
}

static void
pack_target_rows(const struct view *view)
{
	const struct config *config = view->core->config;
	struct unlisted unlisted = {.config = config};

	if (view->admin)
		health_each(view->core->health, gather_unlisted, &unlisted);
	rpc_pack_text(view->packer, "targets");
	msgpack_pack_array(view->packer, config->target_count + unlisted.count);
	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_target *target = config->targets[i];

		pack_target_row(view, target->provider, target->name, target->model,
			health_find(view->core->health, HEALTH_TARGET, target->name),
			target->listed);
	}
	for (size_t i = 0; i < unlisted.count; i++)
		pack_target_row(view, unlisted.providers[i], unlisted.subjects[i]->name,
			strchr(unlisted.subjects[i]->name, '/') + 1, unlisted.subjects[i], false);
	free(unlisted.subjects);
	free(unlisted.providers);
}

static bool
is_used(const struct health_subject *subject, const struct view *view)
{
	return subject->kind == HEALTH_TARGET && subject->successes > 0 &&
		(subject->listed || view->admin);
}

static void
count_used(struct health_subject *subject, void *arg)
{
	struct view *view = arg;

	view->used += is_used(subject, view);
}

static void
pack_used(struct health_subject *subject, void *arg)
{
	const struct view *view = arg;

	if (is_used(subject, view))
		rpc_pack_pair_int(view->packer, subject->name, subject->successes);
}

static void
pack_fallback(struct view *view)
{
	const struct stats *stats = &view->core->stats;

	rpc_pack_text(view->packer, "fallback");
	msgpack_pack_map(view->packer, 6);
	rpc_pack_pair_int(view->packer, "total_requests", stats->total_requests);
	rpc_pack_pair_int(view->packer, "fallback_requests", stats->fallback_requests);
	pack_pair_double(view->packer, "fallback_rate",
		rate(stats->fallback_requests, stats->total_requests));
	pack_pair_double(view->packer, "overall_success_rate",
		rate(stats->succeeded, stats->total_requests));
	health_each(view->core->health, count_used, view);
	rpc_pack_text(view->packer, "models_used");
	msgpack_pack_map(view->packer, view->used);
	health_each(view->core->health, pack_used, view);
	rpc_pack_pair_int(view->packer, "counters_since_ms", stats->since_wall_ms);
}

static void
pack_counters(const struct view *view)
{
	const struct stats *stats = &view->core->stats;

	rpc_pack_text(view->packer, "counters");
	msgpack_pack_map(view->packer, STATS_COUNT);
#define X(name, help) rpc_pack_pair_int(view->packer, #name, stats->name);
#include "stats.def"
#undef X
}

static void
pack_estimate(const struct view *view)
{
	const struct stats *stats = &view->core->stats;

	rpc_pack_text(view->packer, "estimate");
	msgpack_pack_map(view->packer, 2);
	rpc_pack_pair_int(view->packer, "count", stats->estimate.count);
	pack_pair_known(view->packer, "mean_error_permille", stats->estimate.count > 0,
		stats_estimate_error_permille(stats));
}

void
rpc_status(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;
	struct view view = {
		.core = core,
		.now_ms = clock_now_ms(core->clock),
		.admin = rpc_permitted(request->session, MESSAGE_ADMINS),
	};

	(void)map;
	view.packer = session_reply_begin(request);
	msgpack_pack_map(view.packer, 9);
	pack_daemon(&view);
	pack_store(&view);
	rpc_pack_text(view.packer, "forced");
	rpc_pack_forced(view.packer, health_forced(core->health, view.now_ms), view.now_ms);
	pack_preferred(&view);
	pack_provider_rows(&view);
	pack_target_rows(&view);
	pack_fallback(&view);
	pack_counters(&view);
	pack_estimate(&view);
	session_reply_end(request);
}

/* Where a provider's key stands: never the key itself. */
static const char *
key_text(const struct config_provider *provider)
{
	if (provider->endpoint.key)
		return "set";
	return provider->configured ? "none" : "missing";
}

static void
pack_texts(msgpack_packer *packer, char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	msgpack_pack_array(packer, count);
	for (size_t i = 0; i < count; i++)
		rpc_pack_text(packer, texts[i]);
}

void
rpc_providers(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;
	const struct config *config = core->config;
	int64_t now_ms = clock_now_ms(core->clock);
	msgpack_packer *packer = session_reply_begin(request);

	(void)map;
	msgpack_pack_map(packer, 1);
	rpc_pack_text(packer, "providers");
	msgpack_pack_array(packer, config->provider_count);
	for (size_t i = 0; i < config->provider_count; i++) {
		const struct config_provider *provider = config->providers[i];
		const struct health_subject *subject =
			health_find(core->health, HEALTH_PROVIDER, provider->name);

		msgpack_pack_map(packer, 9);
		rpc_pack_pair_text(packer, "name", provider->name);
		rpc_pack_pair_text(packer, "api", provider->endpoint.preset->name);
		rpc_pack_pair_text(packer, "base_url", provider->endpoint.base_url);
		rpc_pack_pair_bool(packer, "local", provider->local);
		rpc_pack_pair_text(packer, "state", route_state_text(provider, subject, now_ms));
		rpc_pack_pair_bool(packer, "configured", provider->configured);
		rpc_pack_pair_text(
			packer, "reason", provider->configured ? NULL : provider->reason);
		rpc_pack_text(packer, "models");
		pack_texts(packer, provider->models);
		rpc_pack_pair_text(packer, "key", key_text(provider));
	}
	session_reply_end(request);
}

void
rpc_chains(struct session_request *request, const msgpack_object_map *map)
{
	const struct config *config = request->session->core->config;
	msgpack_packer *packer = session_reply_begin(request);

	(void)map;
	msgpack_pack_map(packer, 1);
	rpc_pack_text(packer, "chains");
	msgpack_pack_array(packer, config->chain_count);
	for (size_t i = 0; i < config->chain_count; i++) {
		const struct config_chain *chain = config->chains[i];

		msgpack_pack_map(packer, 6);
		rpc_pack_pair_text(packer, "name", chain->name);
		rpc_pack_pair_bool(packer, "agent", chain->agent);
		rpc_pack_pair_bool(packer, "builtin", chain->rule != NULL);
		rpc_pack_pair_text(packer, "strategy", strategy_name(chain->strategy));
		rpc_pack_pair_bool(packer, "default",
			!chain->agent && util_equal_nocase(chain->name, config->default_chain));
		rpc_pack_text(packer, "targets");
		msgpack_pack_array(packer, chain->target_count);
		for (size_t k = 0; k < chain->target_count; k++)
			rpc_pack_text(packer, chain->targets[k]->name);
	}
	session_reply_end(request);
}
