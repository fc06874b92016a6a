/* SPDX-License-Identifier: MIT */
/* What administrators change. Every change is logged with who did it, old and new. */
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "log.h"
#include "rpc.h"

#define FORCE_DEFAULT_S 3600
#define FORCE_MAX_S 604800

/* One line an administrator's change. */
static void
log_change(const struct session_request *request, const char *name, const char *before,
	const char *after)
{
	const struct session *session = request->session;
	const struct log_field fields[] = {
		LOG_NUMBER("uid", session->peer.uid),
		LOG_NUMBER("pid", session->peer.pid),
		LOG_STRING("client", session->client[0] ? session->client : NULL),
		LOG_STRING("name", name),
		LOG_STRING("old", before),
		LOG_STRING("new", after),
	};

	log_line(LOG_WARNING, fields, UTIL_COUNT(fields), "%s by an administrator",
		message_info(request->method)->name);
}

static char *
forced_text(const struct health_forced *forced, int64_t now_ms)
{
	if (!forced)
		return x_strdup("none");
	return x_asprintf("%s%s for %lld s", forced->provider, forced->strict ? " strictly" : "",
		(long long)((forced->until_ms - now_ms) / 1000));
}

static void
apply_force(struct session_request *request, const char *provider, int64_t duration_s, bool strict)
{
	struct core *core = request->session->core;
	int64_t now_ms = clock_now_ms(core->clock);
	const struct health_forced *forced = health_forced(core->health, now_ms);
	char *before = forced_text(forced, now_ms);
	struct health_forced was = forced ? *forced : (struct health_forced){.provider = NULL};

	was.provider = x_strdup(was.provider);
	health_force(core->health, provider, strict, now_ms + duration_s * 1000,
		request->session->peer.uid, now_ms);
	char *after = forced_text(health_forced(core->health, now_ms), now_ms);
	log_change(request, provider, before, after);
	event_forced(&core->events);
	msgpack_packer *packer = session_reply_begin(request);
	msgpack_pack_map(packer, 2);
	rpc_pack_text(packer, "forced");
	rpc_pack_forced(packer, health_forced(core->health, now_ms), now_ms);
	rpc_pack_text(packer, "was");
	rpc_pack_forced(packer, was.provider ? &was : NULL, now_ms);
	session_reply_end(request);
	free(was.provider);
	free(before);
	free(after);
}

void
rpc_no_such(struct session_request *request, const char *what, const char *name)
{
	const struct config *config = request->session->core->config;
	struct buf known, text;

	buf_init(&known, 4096);
	buf_init(&text, 8192);
	if (strstr(what, "provider"))
		config_list_providers(config, &known);
	for (size_t i = 0; strstr(what, "target") && i < config->target_count; i++)
		(void)buf_printf(&known, "%s%s", known.len ? ", " : "", config->targets[i]->name);
	config_no_such(&text, what, name, known.data);
	session_fail(request, LLMFO_ENOT_FOUND, "%s", text.data);
	buf_free(&text);
	buf_free(&known);
}

void
rpc_force_provider(struct session_request *request, const msgpack_object_map *map)
{
	const struct config *config = request->session->core->config;
	int64_t duration_s = message_int(map, "duration_s", FORCE_DEFAULT_S);
	char *name = rpc_text(map, "provider");
	const struct config_provider *provider = name ? config_find_provider(config, name) : NULL;

	if (!message_get(map, "provider"))
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `provider` is missing; nil clears");
	else if (duration_s < 1 || duration_s > FORCE_MAX_S)
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `duration_s` must be from 1 to %d (7 days)", FORCE_MAX_S);
	else if (name && !provider)
		rpc_no_such(request, "provider", name);
	else if (provider && !provider->configured)
		session_fail(request, LLMFO_EINVALID_REQUEST, "provider %s is not configured: %s",
			name, provider->reason);
	else
		apply_force(request, name, duration_s, message_bool(map, "strict", false));
	free(name);
}

/* Replies {key: number}. */
static void
reply_count(struct session_request *request, const char *key, int64_t count)
{
	msgpack_packer *packer = session_reply_begin(request);

	msgpack_pack_map(packer, 1);
	rpc_pack_pair_int(packer, key, count);
	session_reply_end(request);
}

static void
tell_unpreferred(const struct health_preferred *preferred, void *arg)
{
	event_preferred(arg, preferred->chain, NULL);
}

void
rpc_clear_cache(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;

	health_each_preferred(
		core->health, clock_now_ms(core->clock), tell_unpreferred, &core->events);
	int count = health_unprefer_all(core->health);
	char *before = x_asprintf("%d preferred", count);

	(void)map;
	log_change(request, NULL, before, "0 preferred");
	free(before);
	reply_count(request, "cleared", count);
}

/* Is it the name of a provider or of a target that is known? */
static bool
is_known(const struct core *core, const char *name)
{
	return config_find_provider(core->config, name) || config_find_target(core->config, name) ||
		health_find(core->health, HEALTH_TARGET, name);
}

/* What is about to be forgotten. */
struct forgotten {
	const char *name; /* NULL: of all */
	int open;
	int64_t failures;
};

static void
count_failures(struct health_subject *subject, void *arg)
{
	struct forgotten *forgotten = arg;

	if (forgotten->name && !health_concerns(subject, forgotten->name))
		return;
	forgotten->open += subject->circuit.open;
	forgotten->failures += subject->kind == HEALTH_TARGET ? subject->failures : 0;
}

static char *
failures_text(const struct health *health, const char *name)
{
	struct forgotten forgotten = {.name = name};

	health_each(health, count_failures, &forgotten);
	return x_asprintf(
		"%d circuits open, %lld failures", forgotten.open, (long long)forgotten.failures);
}

void
rpc_reset_health(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;
	char *name = rpc_text(map, "name");

	if (name && !is_known(core, name)) {
		rpc_no_such(request, "provider or target", name);
	} else {
		char *before = failures_text(core->health, name);
		int count = health_reset(core->health, name);

		if (!name)
			stats_reset(&core->stats, clock_wall_ms(core->clock));
		log_change(request, name ? name : "all", before, "no failures");
		free(before);
		event_circuits(&core->events);
		reply_count(request, "reset", count);
		gate_wake_all(&core->gate);
	}
	free(name);
}

static void
set_enabled(struct session_request *request, const msgpack_object_map *map, bool enabled)
{
	struct core *core = request->session->core;
	char *name = rpc_text(map, "name");

	if (!name) {
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `name` is missing: a provider or a target");
	} else if (!is_known(core, name)) {
		rpc_no_such(request, "provider or target", name);
	} else {
		bool was = health_disable(core->health,
			config_find_provider(core->config, name) ? HEALTH_PROVIDER : HEALTH_TARGET,
			name, !enabled);

		log_change(request, name, was ? "disabled" : "enabled",
			enabled ? "enabled" : "disabled");
		msgpack_packer *packer = session_reply_begin(request);
		msgpack_pack_map(packer, 2);
		rpc_pack_pair_text(packer, "name", name);
		rpc_pack_pair_bool(packer, "enabled", enabled);
		session_reply_end(request);
		gate_wake_all(&core->gate);
	}
	free(name);
}

void
rpc_enable(struct session_request *request, const msgpack_object_map *map)
{
	set_enabled(request, map, true);
}

void
rpc_disable(struct session_request *request, const msgpack_object_map *map)
{
	set_enabled(request, map, false);
}

void
rpc_drain(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;

	(void)map;
	if (!core->hooks.drain) {
		session_fail(request, LLMFO_EINTERNAL, "this daemon cannot drain");
		return;
	}
	log_change(request, NULL, core->draining ? "draining" : "running", "draining");
	core->hooks.drain(core->hooks.arg);
	msgpack_packer *packer = session_reply_begin(request);
	msgpack_pack_map(packer, 4);
	rpc_pack_pair_bool(packer, "draining", true);
	rpc_pack_pair_int(packer, "calls_in_flight", core->gate.running);
	rpc_pack_pair_int(packer, "calls_waiting", core->gate.waiting);
	rpc_pack_pair_int(packer, "drain_timeout_ms", core->config->drain_timeout_ms);
	session_reply_end(request);
}

/* All faults but warnings, one a line. */
static char *
faults_text(const struct config_faults *faults)
{
	struct buf text;

	buf_init(&text, 256 * 1024);
	for (size_t i = 0; i < faults->count; i++) {
		char *line = config_fault_text(&faults->list[i]);

		if (!faults->list[i].warning)
			(void)buf_printf(&text, "%s%s", text.len ? "\n" : "", line);
		free(line);
	}
	return buf_take(&text, NULL);
}

static char *
config_text_of(const struct config *config)
{
	return x_asprintf("%zu providers, %zu chains and agents", config->provider_count,
		config->chain_count);
}

void
rpc_reload(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;
	struct config_faults faults = {0};

	(void)map;
	if (!core->hooks.reload) {
		session_fail(request, LLMFO_EINTERNAL, "this daemon cannot reload");
		return;
	}
	char *before = config_text_of(core->config);
	int error = core->hooks.reload(core->hooks.arg, &faults);
	char *after = error ? x_strdup("refused") : config_text_of(core->config);

	log_change(request, core->config->source, before, after);
	free(before);
	free(after);
	if (error) {
		char *text = faults_text(&faults);

		session_fail(request, LLMFO_EINVALID_REQUEST, "%s", text);
		free(text);
	} else {
		msgpack_packer *packer = session_reply_begin(request);

		msgpack_pack_map(packer, 2);
		rpc_pack_pair_bool(packer, "ok", true);
		rpc_pack_text(packer, "warnings");
		msgpack_pack_array(packer, faults.count);
		for (size_t i = 0; i < faults.count; i++) {
			char *line = config_fault_text(&faults.list[i]);

			rpc_pack_text(packer, line);
			free(line);
		}
		session_reply_end(request);
	}
	config_faults_free(&faults);
}
