/* SPDX-License-Identifier: MIT */
/* check: asks providers, all at once, by requests that cost nothing, and replies when the last has
 * answered. Who asks for what is being asked already waits along. */
#include <stdlib.h>
#include <string.h>

#include "check_shared.h"
#include "llmfo.h"
#include "rpc.h"

/* So many may wait on one connection. */
#define CHECKS_WAITING 8

/* One provider's part of the reply. */
struct row {
	struct checks *checks;
	struct config_provider *provider;
	struct check_waiter waiter;
	bool reachable, key_ok;
	char **missing; /* owned list of borrowed names */
	int64_t latency_ms;
	struct outcome outcome;
};

struct checks {
	struct session_request *request;
	struct config *config; /* a reference: the rows borrow from it */
	struct row *rows;
	size_t count, running;
};

static void
free_checks(struct checks *checks)
{
	for (size_t i = 0; i < checks->count; i++) {
		check_shared_leave(&checks->rows[i].waiter);
		free(checks->rows[i].missing);
	}
	free(checks->rows);
	config_unref(checks->config);
	free(checks);
}

static void
pack_row(msgpack_packer *packer, const struct row *row)
{
	bool failed = row->provider->configured && row->outcome.class != OUTCOME_OK;
	size_t missing = 0;

	while (row->missing && row->missing[missing])
		missing++;
	msgpack_pack_map(packer, 7);
	rpc_pack_pair_text(packer, "name", row->provider->name);
	rpc_pack_pair_bool(packer, "configured", row->provider->configured);
	rpc_pack_pair_bool(packer, "reachable", row->reachable);
	rpc_pack_pair_bool(packer, "key_ok", row->key_ok);
	rpc_pack_text(packer, "models_missing");
	msgpack_pack_array(packer, missing);
	for (size_t i = 0; i < missing; i++)
		rpc_pack_text(packer, row->missing[i]);
	rpc_pack_pair_int(packer, "latency_ms", row->latency_ms);
	rpc_pack_text(packer, "error");
	if (failed) {
		char *text = x_asprintf(
			"%s: %s", outcome_text(row->outcome.class), row->outcome.message);

		rpc_pack_text(packer, text);
		free(text);
	} else {
		rpc_pack_text_or_nil(
			packer, row->provider->configured ? NULL : row->provider->reason);
	}
}

static void
reply(struct checks *checks)
{
	struct session_request *request = checks->request;
	msgpack_packer *packer = session_reply_begin(request);

	msgpack_pack_map(packer, 1);
	rpc_pack_text(packer, "providers");
	msgpack_pack_array(packer, checks->count);
	for (size_t i = 0; i < checks->count; i++)
		pack_row(packer, &checks->rows[i]);
	free_checks(checks);
	session_reply_end(request);
}

static void
on_checked(void *arg, const struct check_result *result)
{
	struct row *row = arg;
	size_t missing = 0;

	row->reachable = result->reachable;
	row->key_ok = result->key_ok;
	row->latency_ms = result->latency_ms;
	row->outcome = result->outcome;
	while (result->models_missing[missing])
		missing++;
	row->missing = x_calloc(missing + 1, sizeof row->missing[0]);
	memcpy(row->missing, result->models_missing, missing * sizeof row->missing[0]);
	if (--row->checks->running == 0)
		reply(row->checks);
}

static void
on_cancel(void *arg)
{
	free_checks(arg);
}

/* Why there may be no further check; false: there may. */
static bool
refused(struct session_request *request)
{
	int waiting = 0;

	if (rpc_shuts_down(request))
		return true;
	for (struct list *node = request->session->requests.next;
		node != &request->session->requests; node = node->next)
		waiting +=
			LIST_OWNER(node, struct session_request, node)->method == MESSAGE_M_check;
	if (waiting <= CHECKS_WAITING)
		return false;
	session_fail(request, LLMFO_EBUSY, "%d checks are waited for on this connection already",
		CHECKS_WAITING);
	return true;
}

void
rpc_check(struct session_request *request, const msgpack_object_map *map)
{
	if (refused(request))
		return;
	struct core *core = request->session->core;
	char *name = rpc_text(map, "provider");
	struct checks *checks = x_calloc(1, sizeof *checks);

	checks->request = request;
	checks->config = config_ref(core->config);
	checks->rows = x_calloc(core->config->provider_count, sizeof checks->rows[0]);
	for (size_t i = 0; i < core->config->provider_count; i++)
		if (!name || strcmp(core->config->providers[i]->name, name) == 0)
			checks->rows[checks->count++] = (struct row){
				.checks = checks, .provider = core->config->providers[i]};
	request->cancel = on_cancel;
	request->arg = checks;
	for (size_t i = 0; i < checks->count; i++) {
		struct row *row = &checks->rows[i];

		if (!row->provider->configured)
			continue;
		checks->running++;
		check_shared_join(core, row->provider, &row->waiter, on_checked, row);
	}
	if (name && checks->count == 0) {
		free_checks(checks);
		rpc_no_such(request, "provider", name);
	} else if (checks->running == 0) {
		reply(checks);
	}
	free(name);
}
