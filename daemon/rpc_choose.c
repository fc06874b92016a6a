/* SPDX-License-Identifier: MIT */
/* The choosing half of generate, which pick and explain share: which chain, which filters. And
 * those two. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "llmfo.h"
#include "pick.h"
#include "rpc.h"

/* not_found, naming what there is. */
static bool
not_found(struct session_request *request, const char *what, const char *name, struct buf *known)
{
	struct buf text;

	buf_init(&text, 8192);
	config_no_such(&text, what, name, known->data);
	session_fail(request, LLMFO_ENOT_FOUND, "%s", text.data);
	buf_free(&text);
	buf_free(known);
	return false;
}

static bool
find_chain(struct session_request *request, struct call_request *call, const char *name, bool agent)
{
	struct buf known;

	call->chain = config_find_chain(call->config, name, agent);
	call->remembers = true;
	if (call->chain)
		return true;
	buf_init(&known, 4096);
	rpc_list_chains(call->config, agent, &known);
	return not_found(request, agent ? "agent" : "chain", name, &known);
}

static bool
make_chain(struct session_request *request, struct call_request *call, const char *const *names,
	size_t count)
{
	struct buf why;

	buf_init(&why, 4096);
	int error = config_make_chain(call->config, names, count, &call->own_chain, &why);
	if (error)
		session_fail(request, error, "%s", why.data);
	buf_free(&why);
	call->chain = call->own_chain;
	return error == 0;
}

/* A chain of the targets that a request lists. */
static bool
take_targets(
	struct session_request *request, const msgpack_object *value, struct call_request *call)
{
	uint32_t count = value->type == MSGPACK_OBJECT_ARRAY ? value->via.array.size : 1;
	const msgpack_object *items =
		value->type == MSGPACK_OBJECT_ARRAY ? value->via.array.ptr : value;
	char **names;

	if (count == 0 || count > 100) {
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `targets` must name 1 to 100 targets");
		return false;
	}
	names = x_calloc(count, sizeof names[0]);
	for (uint32_t i = 0; i < count; i++)
		names[i] = x_strndup(items[i].via.str.ptr, items[i].via.str.size);
	bool made = make_chain(request, call, (const char *const *)names, count);
	for (uint32_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return made;
}

static void
no_such_model(struct session_request *request, const struct config *config, const char *model)
{
	struct buf known;

	buf_init(&known, 4096);
	for (size_t i = 0; i < config->target_count; i++)
		if (config->targets[i]->listed)
			(void)buf_printf(
				&known, "%s%s", known.len ? ", " : "", config->targets[i]->name);
	session_fail(request, LLMFO_ENOT_FOUND, "no provider lists the model `%s`; listed: %s",
		model, known.len ? known.data : "none");
	buf_free(&known);
}

/* The call named a provider or a model and nothing else: nothing outside them is tried. */
static bool
take_filters(struct session_request *request, struct call_request *call)
{
	const struct config *config = call->config;
	const char **names = x_calloc(config->target_count + 1, sizeof names[0]);
	char *both = NULL;
	size_t count = 0;
	bool made = false;

	if (call->provider && call->model) {
		both = x_asprintf("%s/%s", call->provider, call->model);
		names[count++] = both;
	}
	for (size_t i = 0; !both && i < config->target_count; i++) {
		const struct config_target *target = config->targets[i];

		if ((!call->provider || strcmp(target->provider->name, call->provider) == 0) &&
			(!call->model || strcmp(target->model, call->model) == 0))
			names[count++] = target->name;
	}
	if (count > 0)
		made = make_chain(request, call, names, count);
	else if (call->model)
		no_such_model(request, config, call->model);
	else
		session_fail(request, LLMFO_ENOT_FOUND,
			"provider `%s` lists no models; name one with `model`", call->provider);
	free(both);
	free(names);
	return made;
}

static bool
check_provider(struct session_request *request, const struct call_request *call)
{
	struct buf known;

	if (!call->provider || config_find_provider(call->config, call->provider))
		return true;
	buf_init(&known, 4096);
	rpc_list_providers(call->config, &known);
	return not_found(request, "provider", call->provider, &known);
}

/* name: the call's own; NULL: the chain's holds. */
static void
set_strategy(struct call_request *call, const char *name)
{
	const struct strategy_settings *settings = &call->chain->strategies;

	call->strategy = name ? strategy_find(name) : call->chain->strategy;
	call->remembers &= call->strategy == STRATEGY_sequential;
	call->race = (struct call_race){.max_parallel = 1};
	if (call->strategy == STRATEGY_fastest)
		call->race = (struct call_race){
			.max_parallel = settings->fastest.max_parallel,
			.hedge_after_ms = settings->fastest.hedge_after_ms,
		};
}

bool
rpc_choose(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	const msgpack_object *targets = message_get(map, "targets");
	char *chain = rpc_text(map, "chain");
	char *agent = rpc_text(map, "agent");
	char *strategy = rpc_text(map, "strategy");
	bool chosen = false;

	call->provider = rpc_text(map, "provider");
	call->model = rpc_text(map, "model");
	call->fallback =
		call->config->fallback && message_bool(map, "enable_fallback", call->fallback);
	if ((targets != NULL) + (chain != NULL) + (agent != NULL) > 1)
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"give one of `targets`, `agent` and `chain`");
	else if (strategy && strategy_find(strategy) == STRATEGY_COUNT)
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `strategy`: `%.40s` is not one of: %s", strategy,
			strategy_names());
	else if (!check_provider(request, call))
		chosen = false;
	else if (targets)
		chosen = take_targets(request, targets, call);
	else if (chain || agent)
		chosen = find_chain(request, call, chain ? chain : agent, agent != NULL);
	else if (call->provider || call->model)
		chosen = take_filters(request, call);
	else
		chosen = find_chain(request, call, call->config->default_chain, false);
	if (chosen)
		set_strategy(call, strategy);
	free(chain);
	free(agent);
	free(strategy);
	return chosen && rpc_read_content(request, map, call);
}

/* Orders the candidates as generate would. The caller frees both. */
static struct call_request *
order(struct session_request *request, const msgpack_object_map *map, struct route *route)
{
	struct call_request *call = rpc_call_request(request);

	if (!rpc_choose(request, map, call)) {
		call_request_free(call);
		return NULL;
	}
	pick_order(request->session->core, call, route);
	return call;
}

static void
refuse_pick(struct session_request *request, const struct call_request *call, int error)
{
	if (error == LLMFO_ENOT_FOUND)
		session_fail(request, error,
			"another provider is forced strictly and has no target here");
	else if (error == LLMFO_EALL_FAILED)
		session_fail(request, error, "no candidate%s%s may be used now; explain says why",
			call->chain->name[0] ? " of chain " : "", call->chain->name);
	else
		session_fail(request, error,
			error == LLMFO_EBUSY ? "too many leases are held; report them, or wait for "
					       "their end (limits.lease)"
					     : "the lease could not be made");
}

static void
reply_pick(struct session_request *request, const struct config_target *target,
	const struct lease *lease)
{
	msgpack_packer *packer = session_reply_begin(request);

	msgpack_pack_map(packer, 7);
	rpc_pack_pair_text(packer, "target", target->name);
	rpc_pack_pair_text(packer, "provider", target->provider->name);
	rpc_pack_pair_text(packer, "model", target->model);
	rpc_pack_pair_text(packer, "api", target->provider->endpoint.preset->name);
	rpc_pack_pair_text(packer, "base_url", target->provider->endpoint.base_url);
	rpc_pack_pair_text(packer, "lease", lease->id);
	rpc_pack_pair_int(packer, "valid_ms", lease->until_ms - lease->taken_ms);
	session_reply_end(request);
}

void
rpc_pick(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;
	const struct config_target *target;
	const struct lease *lease;

	if (core->draining) {
		session_fail(request, LLMFO_ESHUTTING_DOWN, "%s", error_text(LLMFO_ESHUTTING_DOWN));
		return;
	}
	struct call_request *call = rpc_call_request(request);
	if (rpc_choose(request, map, call)) {
		int error = pick_take(core, call, &target, &lease);

		if (error)
			refuse_pick(request, call, error);
		else
			reply_pick(request, target, lease);
	}
	call_request_free(call);
}

/* Why a candidate is out, or what is special about one that is in; NULL: nothing. */
static const char *
why_text(const struct route_candidate *candidate, bool despite, const char *lacks)
{
	if (despite)
		return candidate->hearsay ? "only a report took it out, and nothing else is left"
					  : "every circuit is open: an early probe";
	if (candidate->out == ROUTE_NOT_CONFIGURED && candidate->target->provider->reason)
		return candidate->target->provider->reason;
	if (candidate->out == ROUTE_LACKS)
		return lacks;
	if (candidate->out != ROUTE_IN)
		return route_out_text(candidate->out);
	if (candidate->passed_over)
		return candidate->rest_ms > 0 ? "failed not long ago: behind the others"
					      : "another call is trying it: behind the others";
	if (candidate->forced)
		return "forced";
	return candidate->preferred ? "preferred" : NULL;
}

static void
pack_candidate(msgpack_packer *packer, struct core *core, const struct route_candidate *candidate,
	bool despite, int64_t rank)
{
	const struct config_target *target = candidate->target;
	const struct health_subject *subject =
		health_find(core->health, HEALTH_TARGET, target->name);
	bool in = despite || candidate->out == ROUTE_IN;
	struct buf lacks;

	buf_init(&lacks, 4096);
	provider_lacks_text(candidate->lacks, &lacks);
	msgpack_pack_map(packer, 6);
	rpc_pack_pair_text(packer, "target", target->name);
	rpc_pack_pair_bool(packer, "in", in);
	rpc_pack_pair_text(packer, "why", why_text(candidate, despite, lacks.data));
	rpc_pack_text(packer, "rank");
	if (in)
		msgpack_pack_int64(packer, rank);
	else
		msgpack_pack_nil(packer);
	rpc_pack_pair_text(packer, "state",
		candidate->out == ROUTE_DISABLED
			? "disabled"
			: route_state_text(target->provider, subject, clock_now_ms(core->clock)));
	rpc_pack_pair_int(packer, "out_for_ms",
		candidate->passed_over && in ? candidate->rest_ms : candidate->out_for_ms);
	buf_free(&lacks);
}

void
rpc_explain(struct session_request *request, const msgpack_object_map *map)
{
	struct route route;
	struct call_request *call = order(request, map, &route);
	int64_t rank = 0;

	if (!call)
		return;
	const struct route_candidate *despite = pick_despite(request->session->core, call, &route);
	msgpack_packer *packer = session_reply_begin(request);
	msgpack_pack_map(packer, 1);
	rpc_pack_text(packer, "candidates");
	msgpack_pack_array(packer, route.count);
	for (size_t i = 0; i < route.count; i++) {
		const struct route_candidate *candidate = &route.candidates[i];

		rank += candidate == despite || candidate->out == ROUTE_IN;
		pack_candidate(
			packer, request->session->core, candidate, candidate == despite, rank);
	}
	session_reply_end(request);
	route_free(&route);
	call_request_free(call);
}
