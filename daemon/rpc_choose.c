/* SPDX-License-Identifier: MIT */
/* The choosing half of generate, which pick and explain share, from its parameters; and those two.
 */
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "decimal.h"
#include "error.h"
#include "llmfo.h"
#include "pick.h"
#include "rpc.h"

#define TARGETS_MAX 100
#define NAMES_MAX 32
#define WHY_MAX_BYTES 8192

/* The texts of a wish, all owned here. */
struct texts {
	char *chain, *agent, *provider, *model, *strategy, *task_type;
	char **targets, **require, **prefer; /* NULL-terminated */
};

static void
free_names(char **names)
{
	for (size_t i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}

static void
free_texts(struct texts *texts)
{
	free(texts->chain);
	free(texts->agent);
	free(texts->provider);
	free(texts->model);
	free(texts->strategy);
	free(texts->task_type);
	free_names(texts->targets);
	free_names(texts->require);
	free_names(texts->prefer);
}

/* A list of names, or one alone. False: the request was answered. */
static bool
take_names(struct session_request *request, const msgpack_object_map *map, const char *key,
	uint32_t low, uint32_t high, char ***names, size_t *count)
{
	const msgpack_object *value = message_get(map, key);

	if (!value)
		return true;
	bool many = value->type == MSGPACK_OBJECT_ARRAY;
	const msgpack_object *items = many ? value->via.array.ptr : value;
	*count = many ? value->via.array.size : 1;
	if (*count < low || *count > high) {
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `%s` must name %u to %u %s", key, low, high,
			low > 0 ? "targets" : "capabilities");
		return false;
	}
	*names = x_calloc(*count + 1, sizeof **names);
	for (size_t i = 0; i < *count; i++)
		(*names)[i] = x_strndup(items[i].via.str.ptr, items[i].via.str.size);
	return true;
}

/* The budget that is left, in one of its two forms. False: the request was answered. */
static bool
take_budget(
	struct session_request *request, const msgpack_object_map *map, struct choose_wish *wish)
{
	char *usd = rpc_text(map, "budget_remaining_usd");
	bool picousd = message_get(map, "budget_remaining_picousd") != NULL;
	const char *why = NULL;

	wish->has_budget = picousd || usd;
	wish->budget_picousd = message_int(map, "budget_remaining_picousd", 0);
	if (picousd && usd)
		why = "give one of `budget_remaining_picousd` and `budget_remaining_usd`";
	else if (usd && decimal_read(usd, strlen(usd), 12, &wish->budget_picousd, NULL) != 0)
		why = "parameter `budget_remaining_usd` must be a decimal, such as \"0.05\"";
	else if (wish->budget_picousd < 0)
		why = "a budget must not be below 0";
	free(usd);
	if (why)
		session_fail(request, LLMFO_EINVALID_REQUEST, "%s", why);
	return !why;
}

static bool
take_wish(struct session_request *request, const msgpack_object_map *map, struct texts *texts,
	struct choose_wish *wish)
{
	*texts = (struct texts){
		.chain = rpc_text(map, "chain"),
		.agent = rpc_text(map, "agent"),
		.provider = rpc_text(map, "provider"),
		.model = rpc_text(map, "model"),
		.strategy = rpc_text(map, "strategy"),
		.task_type = rpc_text(map, "task_type"),
	};
	*wish = (struct choose_wish){
		.chain = texts->chain,
		.agent = texts->agent,
		.provider = texts->provider,
		.model = texts->model,
		.strategy = texts->strategy,
		.task_type = texts->task_type,
		.max_latency_ms = message_int(map, "max_latency_ms", 0),
	};
	bool taken = take_names(request, map, "targets", 1, TARGETS_MAX, &texts->targets,
			     &wish->target_count) &&
		take_names(request, map, "require", 0, NAMES_MAX, &texts->require,
			&wish->require_count) &&
		take_names(request, map, "prefer", 0, NAMES_MAX, &texts->prefer,
			&wish->prefer_count) &&
		take_budget(request, map, wish);
	wish->targets = (const char *const *)texts->targets;
	wish->require = (const char *const *)texts->require;
	wish->prefer = (const char *const *)texts->prefer;
	if (taken && message_get(map, "max_latency_ms") && wish->max_latency_ms < 1) {
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `max_latency_ms` must be 1 and up");
		return false;
	}
	return taken;
}

bool
rpc_choose(
	struct session_request *request, const msgpack_object_map *map, struct call_request *call)
{
	struct choose_wish wish;
	struct texts texts;
	struct buf why;
	bool chosen = false;

	buf_init(&why, WHY_MAX_BYTES);
	call->fallback =
		call->config->fallback && message_bool(map, "enable_fallback", call->fallback);
	if (take_wish(request, map, &texts, &wish) && rpc_read_content(request, map, call)) {
		int error = choose(call, &wish, &why);

		chosen = error == 0;
		if (error)
			session_fail(request, error, "%s", why.data);
	}
	free_texts(&texts);
	buf_free(&why);
	return chosen;
}

/* Orders the candidates as generate would, but where it draws: then as is likeliest. The caller
 * frees both. */
static struct call_request *
order(struct session_request *request, const msgpack_object_map *map, struct route *route)
{
	struct call_request *call = rpc_call_request(request);

	if (!rpc_choose(request, map, call)) {
		call_request_free(call);
		return NULL;
	}
	choose_stick(call);
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
reply_pick(struct session_request *request, const struct pick *pick)
{
	const struct config_target *target = pick->target;
	msgpack_packer *packer = session_reply_begin(request);

	msgpack_pack_map(packer, 7 + (pick->cost_picousd >= 0) + (pick->latency_ms >= 0));
	rpc_pack_pair_text(packer, "target", target->name);
	rpc_pack_pair_text(packer, "provider", target->provider->name);
	rpc_pack_pair_text(packer, "model", target->model);
	rpc_pack_pair_text(packer, "api", target->provider->endpoint.preset->name);
	rpc_pack_pair_text(packer, "base_url", target->provider->endpoint.base_url);
	rpc_pack_pair_text(packer, "lease", pick->lease->id);
	rpc_pack_pair_int(packer, "valid_ms", pick->lease->until_ms - pick->lease->taken_ms);
	if (pick->cost_picousd >= 0)
		rpc_pack_pair_int(packer, "cost_estimate_picousd", pick->cost_picousd);
	if (pick->latency_ms >= 0)
		rpc_pack_pair_int(packer, "latency_estimate_ms", pick->latency_ms);
	session_reply_end(request);
}

void
rpc_pick(struct session_request *request, const msgpack_object_map *map)
{
	struct core *core = request->session->core;
	struct pick pick;

	if (rpc_shuts_down(request))
		return;
	struct call_request *call = rpc_call_request(request);
	if (rpc_choose(request, map, call)) {
		int error = pick_take(core, call, &pick);

		if (error)
			refuse_pick(request, call, error);
		else
			reply_pick(request, &pick);
	}
	call_request_free(call);
}

/* What is special about a candidate that is in, NULL: nothing. */
static const char *
why_in(const struct route_candidate *candidate, bool despite)
{
	if (despite)
		return candidate->hearsay ? "only a report took it out, and nothing else is left"
					  : "every circuit is open: an early probe";
	if (candidate->passed_over)
		return candidate->rest_ms > 0 ? "failed not long ago: behind the others"
					      : "another call is trying it: behind the others";
	if (candidate->forced)
		return "forced";
	if (candidate->low)
		return "less than a tenth of its rate limit is left: behind the others";
	return candidate->preferred ? "preferred" : NULL;
}

static void
pack_why(msgpack_packer *packer, const struct route_candidate *candidate, bool in, bool despite)
{
	struct buf why;

	if (in) {
		rpc_pack_pair_text(packer, "why", why_in(candidate, despite));
		return;
	}
	buf_init(&why, 4096);
	route_why(candidate, &why);
	rpc_pack_pair_text(packer, "why", why.data);
	buf_free(&why);
}

/* nil for what is below 0: not known. */
static void
pack_pair_known(msgpack_packer *packer, const char *key, int64_t number)
{
	rpc_pack_text(packer, key);
	if (number >= 0)
		msgpack_pack_int64(packer, number);
	else
		msgpack_pack_nil(packer);
}

static void
pack_candidate(
	msgpack_packer *packer, const struct route_candidate *candidate, bool despite, int64_t rank)
{
	bool in = despite || candidate->out == ROUTE_IN;

	msgpack_pack_map(packer, 9);
	rpc_pack_pair_text(packer, "target", candidate->target->name);
	rpc_pack_pair_bool(packer, "in", in);
	pack_why(packer, candidate, in, despite);
	pack_pair_known(packer, "rank", in ? rank : -1);
	rpc_pack_pair_text(packer, "state", candidate->state);
	rpc_pack_pair_int(packer, "out_for_ms",
		candidate->passed_over && in ? candidate->rest_ms : candidate->out_for_ms);
	pack_pair_known(packer, "cost_estimate_picousd", candidate->cost_picousd);
	pack_pair_known(packer, "latency_estimate_ms", candidate->latency_ms);
	rpc_pack_pair_text(packer, "latency_source", route_latency_source(candidate));
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
		pack_candidate(packer, candidate, candidate == despite, rank);
	}
	session_reply_end(request);
	route_free(&route);
	call_request_free(call);
}
