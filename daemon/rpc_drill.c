/* SPDX-License-Identifier: MIT */
/* drill: has each target of a chain asked in turn, or (plan) says what that would be and cost. One
 * at a time: it costs money. */
#include <stdlib.h>

#include "drill.h"
#include "error.h"
#include "llmfo.h"
#include "log.h"
#include "rpc.h"

struct drilling {
	struct session_request *request;
	struct drill *drill; /* owned */
	bool plan;
};

static void
free_drilling(struct drilling *drilling)
{
	if (!drilling->plan)
		drilling->request->session->core->drilling = false;
	drill_free(drilling->drill);
	free(drilling);
}

static void
pack_row(msgpack_packer *packer, const struct drill_row *row, bool plan)
{
	const struct outcome *outcome = &row->outcome;
	bool judged = row->asked && !plan;
	bool failed = judged && outcome->class != OUTCOME_OK;
	const char *message = failed && outcome->message[0] ? outcome->message : row->why;
	bool status = judged && outcome->http_status > 0;

	msgpack_pack_map(packer, 6 + status + (message != NULL) + row->cost.unknown);
	rpc_pack_pair_text(packer, "target", row->target->name);
	rpc_pack_pair_bool(packer, "asked", row->asked);
	rpc_pack_text(packer, "ok");
	if (plan)
		msgpack_pack_nil(packer);
	else if (judged && !failed)
		msgpack_pack_true(packer);
	else
		msgpack_pack_false(packer);
	rpc_pack_pair_text(packer, "class", judged ? outcome_text(outcome->class) : NULL);
	if (status)
		rpc_pack_pair_int(packer, "http_status", outcome->http_status);
	if (message)
		rpc_pack_pair_text(packer, "message", message);
	rpc_pack_pair_int(packer, "latency_ms", row->latency_ms);
	rpc_pack_pair_int(packer, "cost_picousd", row->cost.picousd);
	if (row->cost.unknown)
		rpc_pack_pair_bool(packer, "cost_unknown", true);
}

static void
reply(struct drilling *drilling)
{
	struct session_request *request = drilling->request;
	msgpack_packer *packer = session_reply_begin(request);
	struct pricing_cost cost = {0};
	size_t count;
	const struct drill_row *rows = drill_rows(drilling->drill, &count);

	for (size_t i = 0; i < count; i++)
		cost = pricing_add(cost, rows[i].cost);
	msgpack_pack_map(packer, 4 + cost.unknown);
	rpc_pack_pair_text(packer, "chain", drill_chain(drilling->drill)->name);
	rpc_pack_pair_bool(packer, "plan", drilling->plan);
	rpc_pack_text(packer, "rows");
	msgpack_pack_array(packer, count);
	for (size_t i = 0; i < count; i++)
		pack_row(packer, &rows[i], drilling->plan);
	rpc_pack_pair_int(packer, "cost_picousd", cost.picousd);
	if (cost.unknown)
		rpc_pack_pair_bool(packer, "cost_unknown", true);
	free_drilling(drilling);
	session_reply_end(request);
}

static void
on_done(void *arg)
{
	reply(arg);
}

static void
on_cancel(void *arg)
{
	free_drilling(arg);
}

static void
log_start(const struct session_request *request, const struct config_chain *chain)
{
	const struct session *session = request->session;
	const struct log_field fields[] = {
		LOG_NUMBER("uid", session->peer.uid),
		LOG_NUMBER("pid", session->peer.pid),
		LOG_STRING("client", session->client[0] ? session->client : NULL),
		LOG_STRING("chain", chain->name),
	};

	log_line(LOG_WARNING, fields, UTIL_COUNT(fields), "drill of %s by an administrator",
		chain->name);
}

static void
start(struct session_request *request, struct config_chain *chain, bool plan)
{
	struct core *core = request->session->core;
	struct drilling *drilling = x_calloc(1, sizeof *drilling);

	drilling->request = request;
	drilling->plan = plan;
	drilling->drill = drill_new(core->config, chain, core->health);
	if (plan) {
		reply(drilling);
		return;
	}
	core->drilling = true;
	request->cancel = on_cancel;
	request->arg = drilling;
	log_start(request, chain);
	drill_start(drilling->drill, core->clock, core->transport, on_done, drilling);
}

/* NULL: the request was answered. */
static struct config_chain *
find_chain(struct session_request *request, const char *name)
{
	const struct config *config = request->session->core->config;
	struct config_chain *chain = config_find_chain(config, name, false);
	struct buf known, text;

	if (chain && chain->target_count > 0)
		return chain;
	buf_init(&known, 4096);
	buf_init(&text, 8192);
	if (chain) {
		(void)buf_printf(&text, "no configured target fits the chain `%s` (%s)",
			chain->name, config_rule_text(chain));
	} else {
		config_list_chains(config, false, &known);
		config_no_such(&text, "chain", name, known.data);
	}
	session_fail(request, LLMFO_ENOT_FOUND, "%s", text.data);
	buf_free(&known);
	buf_free(&text);
	return NULL;
}

void
rpc_drill(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;
	char *name = rpc_text(map, "chain");
	bool plan = message_bool(map, "plan", false);

	if (!plan && rpc_shuts_down(request)) {
		free(name);
		return;
	}
	if (!plan && core->drilling) {
		session_fail(request, LLMFO_EBUSY, "another drill runs");
	} else {
		struct config_chain *chain =
			find_chain(request, name ? name : core->config->default_chain);

		if (chain)
			start(request, chain, plan);
	}
	free(name);
}
