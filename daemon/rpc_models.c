/* SPDX-License-Identifier: MIT */
/*
 * models: what the configured targets are, cost and can do, as far as it is known; those that are
 * wanted alone, and in the order that is wanted.
 */
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"
#include "rpc.h"

/* A prompt is this many times as long as its answer where models are put in order by price. */
#define PROMPT_SHARE 3

struct row {
	const struct config_target *target;
	const struct health_subject *subject; /* NULL: nothing has happened there yet */
	size_t place;
	int64_t price_picousd; /* of a token, as PROMPT_SHARE has it; INT64_MAX: unknown */
	int64_t latency_ms;    /* as measured, else as the registry has it; INT64_MAX: unknown */
	bool measured;
};

struct wanted {
	char *provider; /* owned; NULL: any */
	unsigned capabilities;
	int64_t max_cost_picousd, max_latency_ms; /* -1: any */
	bool cheapest, fastest;
};

/* ---- what is wanted ---- */

static bool
read_capability(struct session_request *request, const msgpack_object *name, struct wanted *wanted)
{
	char *text = x_strndup(name->via.str.ptr, name->via.str.size);
	unsigned capability = model_capability(text);

	wanted->capabilities |= capability;
	if (!capability)
		session_fail(request, LLMFO_EINVALID_REQUEST,
			"parameter `capability`: there is no capability `%.40s`; one of %s", text,
			model_capability_names());
	free(text);
	return capability != 0;
}

static bool
read_capabilities(
	struct session_request *request, const msgpack_object_map *map, struct wanted *wanted)
{
	const msgpack_object *names = message_get(map, "capability");
	bool sound = true;

	if (!names)
		return true;
	if (names->type != MSGPACK_OBJECT_ARRAY)
		return read_capability(request, names, wanted);
	for (uint32_t i = 0; i < names->via.array.size && sound; i++)
		sound = read_capability(request, &names->via.array.ptr[i], wanted);
	return sound;
}

static bool
read_limit(struct session_request *request, const msgpack_object_map *map, const char *key,
	int64_t *limit)
{
	*limit = message_int(map, key, -1);
	if (*limit >= 0 || !message_get(map, key))
		return true;
	session_fail(request, LLMFO_EINVALID_REQUEST, "parameter `%s` must not be negative", key);
	return false;
}

static bool
read_provider(struct session_request *request, const msgpack_object_map *map, struct wanted *wanted)
{
	wanted->provider = rpc_text(map, "provider");
	if (!wanted->provider ||
		config_find_provider(request->session->core->config, wanted->provider))
		return true;
	rpc_no_such(request, "provider", wanted->provider);
	return false;
}

static bool
read_wanted(struct session_request *request, const msgpack_object_map *map, struct wanted *wanted)
{
	wanted->cheapest = message_bool(map, "cheapest", false);
	wanted->fastest = message_bool(map, "fastest", false);
	return read_provider(request, map, wanted) && read_capabilities(request, map, wanted) &&
		read_limit(request, map, "max_cost_picousd", &wanted->max_cost_picousd) &&
		read_limit(request, map, "max_latency_ms", &wanted->max_latency_ms);
}

/* What is not known to fit does not. */
static bool
fits(const struct row *row, const struct wanted *wanted)
{
	const struct model_facts *facts = &row->target->facts;

	if (wanted->provider && strcmp(row->target->provider->name, wanted->provider) != 0)
		return false;
	if (wanted->capabilities & ~facts->capabilities)
		return false;
	if (wanted->max_cost_picousd >= 0 &&
		(!(facts->known & MODEL_INPUT_PRICE) ||
			facts->input_picousd > wanted->max_cost_picousd))
		return false;
	return wanted->max_latency_ms < 0 || row->latency_ms <= wanted->max_latency_ms;
}

/* ---- the rows and their order ---- */

static void
fill_row(struct row *row, const struct core *core, size_t index)
{
	const struct config_target *target = core->config->targets[index];
	const struct model_facts *facts = &target->facts;
	unsigned priced = facts->known & (MODEL_INPUT_PRICE | MODEL_OUTPUT_PRICE);

	*row = (struct row){
		.target = target,
		.subject = health_find(core->health, HEALTH_TARGET, target->name),
		.place = index,
		.price_picousd = INT64_MAX,
		.latency_ms = INT64_MAX,
	};
	row->measured = row->subject && row->subject->latency.count > 0;
	if (priced == (MODEL_INPUT_PRICE | MODEL_OUTPUT_PRICE))
		row->price_picousd = PROMPT_SHARE * facts->input_picousd + facts->output_picousd;
	if (row->measured)
		row->latency_ms = latency_average_ms(&row->subject->latency);
	else if (facts->known & MODEL_LATENCY)
		row->latency_ms = facts->typical_latency_ms;
}

static int
compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
compare_names(const struct row *a, const struct row *b)
{
	return strcmp(a->target->name, b->target->name);
}

static int
compare_prices(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = compare(a->price_picousd, b->price_picousd);

	if (!order)
		order = compare(a->latency_ms, b->latency_ms);
	return order ? order : compare_names(a, b);
}

static int
compare_latencies(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = compare(a->latency_ms, b->latency_ms);

	if (!order)
		order = compare(a->price_picousd, b->price_picousd);
	return order ? order : compare_names(a, b);
}

/* The rows that fit, in their order; a new array. */
static struct row *
gather(const struct core *core, const struct wanted *wanted, size_t *count)
{
	struct row *rows = x_calloc(core->config->target_count + 1, sizeof *rows);

	*count = 0;
	for (size_t i = 0; i < core->config->target_count; i++) {
		fill_row(&rows[*count], core, i);
		*count += fits(&rows[*count], wanted);
	}
	if (wanted->cheapest)
		qsort(rows, *count, sizeof *rows, compare_prices);
	else if (wanted->fastest)
		qsort(rows, *count, sizeof *rows, compare_latencies);
	return rows;
}

/* ---- the reply ---- */

static void
pack_known(msgpack_packer *packer, const char *key, bool known, int64_t number)
{
	rpc_pack_text(packer, key);
	if (known)
		msgpack_pack_int64(packer, number);
	else
		msgpack_pack_nil(packer);
}

static size_t
count_bits(unsigned bits)
{
	size_t count = 0;

	for (; bits; bits &= bits - 1)
		count++;
	return count;
}

static void
pack_capabilities(msgpack_packer *packer, const char *key, unsigned bits)
{
	rpc_pack_text(packer, key);
	msgpack_pack_array(packer, count_bits(bits));
	for (unsigned i = 0; i < MODEL_CAPABILITIES; i++)
		if (bits & (1u << i))
			rpc_pack_text(packer, model_capability_name(i));
}

static void
pack_facts(msgpack_packer *packer, const struct model_facts *facts)
{
	unsigned unknown = ((1u << MODEL_CAPABILITIES) - 1) & ~facts->capabilities_known;

	pack_known(packer, "context_tokens", facts->known & MODEL_CONTEXT, facts->context_tokens);
	pack_known(packer, "max_output_tokens", facts->known & MODEL_MAX_OUTPUT,
		facts->max_output_tokens);
	pack_known(packer, "input_picousd_per_token", facts->known & MODEL_INPUT_PRICE,
		facts->input_picousd);
	pack_known(packer, "cached_input_picousd_per_token", facts->known & MODEL_CACHED_PRICE,
		facts->cached_picousd);
	pack_known(packer, "output_picousd_per_token", facts->known & MODEL_OUTPUT_PRICE,
		facts->output_picousd);
	pack_capabilities(packer, "capabilities", facts->capabilities);
	pack_capabilities(packer, "capabilities_unknown", unknown);
	pack_known(packer, "quality", facts->known & MODEL_QUALITY, facts->quality);
}

static void
pack_row(msgpack_packer *packer, const struct row *row, int64_t now_ms)
{
	const struct config_target *target = row->target;
	bool known = row->latency_ms != INT64_MAX;

	msgpack_pack_map(packer, 16);
	rpc_pack_pair_text(packer, "target", target->name);
	rpc_pack_pair_text(packer, "provider", target->provider->name);
	rpc_pack_pair_text(packer, "model", target->model);
	rpc_pack_pair_text(
		packer, "state", route_state_text(target->provider, row->subject, now_ms));
	rpc_pack_pair_bool(packer, "listed", target->listed);
	rpc_pack_pair_bool(packer, "local", target->provider->local);
	pack_facts(packer, &target->facts);
	pack_known(packer, "latency_ms", known, row->latency_ms);
	rpc_pack_pair_text(packer, "latency_source",
		!known                  ? NULL
			: row->measured ? "measured"
					: "registry");
}

void
rpc_models(struct session_request *request, const msgpack_object_map *map)
{
	const struct core *core = request->session->core;
	struct wanted wanted = {0};
	size_t count;

	if (read_wanted(request, map, &wanted)) {
		int64_t now_ms = clock_now_ms(core->clock);
		struct row *rows = gather(core, &wanted, &count);
		msgpack_packer *packer = session_reply_begin(request);

		msgpack_pack_map(packer, 1);
		rpc_pack_text(packer, "rows");
		msgpack_pack_array(packer, count);
		for (size_t i = 0; i < count; i++)
			pack_row(packer, &rows[i], now_ms);
		session_reply_end(request);
		free(rows);
	}
	free(wanted.provider);
}
