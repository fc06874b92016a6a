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
	char *before = forced_text(health_forced(core->health, now_ms), now_ms);

	health_force(core->health, provider, strict, now_ms + duration_s * 1000,
		request->session->peer.uid);
	char *after = forced_text(health_forced(core->health, now_ms), now_ms);
	log_change(request, provider, before, after);
	msgpack_packer *packer = session_reply_begin(request);
	msgpack_pack_map(packer, 2);
	rpc_pack_text(packer, "forced");
	rpc_pack_forced(packer, health_forced(core->health, now_ms), now_ms);
	rpc_pack_pair_text(packer, "was", before);
	session_reply_end(request);
	free(before);
	free(after);
}

void
rpc_no_such(struct session_request *request, const char *what, const char *name)
{
	struct buf known;

	buf_init(&known, 4096);
	rpc_list_providers(request->session->core->config, &known);
	session_fail(request, LLMFO_ENOT_FOUND, "there is no %s `%s`; providers: %s", what, name,
		known.len ? known.data : "none");
	buf_free(&known);
}

void
rpc_force_provider(struct session_request *request, const msgpack_object_map *map)
{
	const struct config *config = request->session->core->config;
	int64_t duration_s = message_int(map, "duration_s", FORCE_DEFAULT_S);
	char *provider = rpc_text(map, "provider");

	if (!message_get(map, "provider"))
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `provider` is missing; nil clears");
	else if (duration_s < 1 || duration_s > FORCE_MAX_S)
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `duration_s` must be from 1 to %d (7 days)", FORCE_MAX_S);
	else if (provider && !config_find_provider(config, provider))
		rpc_no_such(request, "provider", provider);
	else
		apply_force(request, provider, duration_s, message_bool(map, "strict", false));
	free(provider);
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

void
rpc_clear_cache(struct session_request *request, const msgpack_object_map *map)
{
	int count = health_unprefer_all(request->session->core->health);
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

void
rpc_reset_health(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;
	char *name = rpc_text(map, "name");

	if (name && !is_known(core, name)) {
		rpc_no_such(request, "provider or target", name);
	} else {
		int count = health_reset(core->health, name);

		if (!name)
			stats_reset(&core->stats, clock_wall_ms(core->clock));
		log_change(request, name ? name : "all", NULL, "closed");
		reply_count(request, "reset", count);
		gate_wake(&core->gate);
	}
	free(name);
}

static void
set_enabled(struct session_request *request, const msgpack_object_map *map, bool enabled)
{
	struct core *core = request->session->core;
	char *name = rpc_text(map, "name");
	struct health_subject *subject = NULL;

	if (!name)
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `name` is missing: a provider or a target");
	else if (!is_known(core, name))
		rpc_no_such(request, "provider or target", name);
	else
		subject = health_subject(core->health,
			config_find_provider(core->config, name) ? HEALTH_PROVIDER : HEALTH_TARGET,
			name);
	if (subject) {
		log_change(request, name, subject->disabled ? "disabled" : "enabled",
			enabled ? "enabled" : "disabled");
		subject->disabled = !enabled;
		msgpack_packer *packer = session_reply_begin(request);
		msgpack_pack_map(packer, 2);
		rpc_pack_pair_text(packer, "name", name);
		rpc_pack_pair_bool(packer, "enabled", enabled);
		session_reply_end(request);
		gate_wake(&core->gate);
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

/* All faults, one a line. */
static char *
faults_text(const struct config_faults *faults)
{
	struct buf text;

	buf_init(&text, 256 * 1024);
	for (size_t i = 0; i < faults->count; i++) {
		char *line = config_fault_text(&faults->list[i]);

		(void)buf_printf(&text, "%s%s", i ? "\n" : "", line);
		free(line);
	}
	return buf_take(&text, NULL);
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
	int error = core->hooks.reload(core->hooks.arg, &faults);
	log_change(request, core->config->source, NULL, error ? "refused" : "reloaded");
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
