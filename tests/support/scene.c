/* SPDX-License-Identifier: MIT */
/* See scene.h. */
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "call_rules.h"
#include "choose.h"
#include "llmfo.h"

/* The keys of every story hold this; it may stand in no line of the log. */
#define SECRET "sk-secret"
/* Of the backoff. */
#define SEED 1

void
scene_blame(struct scene *scene, const char *format, ...)
{
	va_list args;

	if (scene->fault)
		return;
	va_start(args, format);
	scene->fault = x_vasprintf(format, args);
	va_end(args);
	log_error("here it went wrong: %s", scene->fault);
}

static void
on_log(void *arg, enum log_level level, const char *line)
{
	struct scene *scene = arg;
	struct scene_log *row;

	scene->log = x_realloc(scene->log, (scene->log_count + 1) * sizeof *row);
	row = &scene->log[scene->log_count++];
	*row = (struct scene_log){level, x_strdup(line)};
	if (strstr(line, SECRET))
		scene_blame(scene, "a key is in the log: %s", line);
}

/* ---- probes: what goes through an open circuit ---- */

static void
add_probe(struct scene *scene, size_t request, const struct health_subject *subject, bool aside)
{
	if (!subject || !subject->circuit.open || aside ||
		circuit_is_hearsay(&subject->circuit, scene->clock.time_ms))
		return;
	for (size_t i = 0; i < scene->probe_count; i++)
		if (scene->probes[i].kind == subject->kind &&
			strcmp(scene->probes[i].subject, subject->name) == 0)
			scene_blame(scene, "a second probe of %s while one is out", subject->name);
	scene->probes =
		x_realloc(scene->probes, (scene->probe_count + 1) * sizeof scene->probes[0]);
	scene->probes[scene->probe_count++] =
		(struct scene_probe){request, x_strdup(subject->name), subject->kind};
}

/* The model that a request asks for. */
static const char *
model_of(const char *body, char *model, size_t size)
{
	struct json *tree = json_parse(body, strlen(body), false, NULL);
	const char *text = json_text(tree, "model");

	model[0] = '\0';
	if (text && strlen(text) < size)
		memcpy(model, text, strlen(text) + 1);
	json_free(tree);
	return model;
}

/* Does a call go to this target because it was forced when the call began? Such a one passes open
 * circuits. */
static bool
is_forced(const struct scene *scene, const char *provider, const char *target)
{
	const struct health_forced *forced =
		health_forced(scene->core.health, scene->clock.time_ms);

	/* it may be starting, and not be known here yet */
	if (forced && strcmp(forced->provider, provider) == 0)
		return true;
	for (size_t i = 0; i < scene->call_count; i++) {
		const struct call *call = scene->calls[i]->call;

		for (size_t j = 0; call && j < call->lane_count; j++) {
			const struct route_candidate *candidate = call->lanes[j].candidate;

			if (candidate && candidate->forced &&
				strcmp(candidate->target->name, target) == 0)
				return true;
		}
	}
	return false;
}

static void
on_started(void *arg, size_t index)
{
	struct scene *scene = arg;
	const struct fake_request *request = &scene->transport.requests[index];
	char model[128];
	char *name =
		x_asprintf("%s/%s", request->host, model_of(request->body, model, sizeof model));
	/* a connection that was replaced goes on with the attempt that it had */
	bool aside = request->fresh || is_forced(scene, request->host, name);

	add_probe(scene, index, health_find(scene->core.health, HEALTH_PROVIDER, request->host),
		aside);
	add_probe(scene, index, health_find(scene->core.health, HEALTH_TARGET, name), aside);
	free(name);
}

static void
on_ended(void *arg, size_t request)
{
	struct scene *scene = arg;

	for (size_t i = scene->probe_count; i-- > 0;) {
		if (scene->probes[i].request != request)
			continue;
		free(scene->probes[i].subject);
		scene->probes[i] = scene->probes[--scene->probe_count];
	}
}

/* What was closed since its probe went out is no matter of probes any more. */
static void
forget_closed(struct scene *scene)
{
	for (size_t i = scene->probe_count; i-- > 0;) {
		struct scene_probe *probe = &scene->probes[i];
		const struct health_subject *subject =
			health_find(scene->core.health, probe->kind, probe->subject);

		if (!subject || subject->circuit.open)
			continue;
		free(probe->subject);
		*probe = scene->probes[--scene->probe_count];
	}
}

/* ---- what must hold ---- */

struct tally {
	struct scene *scene;
	int at_providers, at_targets;
};

static void
tally_subject(struct health_subject *subject, void *arg)
{
	struct tally *tally = arg;

	if (subject->kind == HEALTH_PROVIDER)
		tally->at_providers += subject->in_flight;
	else
		tally->at_targets += subject->in_flight;
	if (subject->in_flight < 0)
		scene_blame(tally->scene, "%s has %d in flight", subject->name, subject->in_flight);
	if (subject->in_flight == 0 && subject->circuit.probing)
		scene_blame(
			tally->scene, "%s is held for a probe that nobody makes", subject->name);
	if (subject->circuit.consecutive_failures < 0)
		scene_blame(tally->scene, "%s has a negative count", subject->name);
}

static bool
is_leased(const struct lease_table *table, uint64_t number)
{
	for (struct list *node = table->by_end.next; node != &table->by_end; node = node->next)
		if (LIST_OWNER(node, struct lease, node)->number == number)
			return true;
	return false;
}

static void
check_entry(const struct health_preferred *entry, void *arg)
{
	struct scene *scene = arg;

	if (entry->tried_by == 0 || is_leased(&scene->core.leases, entry->tried_by))
		return;
	for (size_t i = 0; i < scene->call_count; i++)
		if (scene->calls[i]->call && scene->calls[i]->call->number == entry->tried_by)
			return;
	scene_blame(scene, "chain %s is held for a trial that nobody makes", entry->chain);
}

void
scene_check(struct scene *scene)
{
	struct tally tally = {.scene = scene};
	int trying = 0, entered = 0, queued = 0;

	if (scene->guests)
		return;
	for (size_t i = 0; i < scene->call_count; i++) {
		const struct scene_call *row = scene->calls[i];

		if (row->replies > (row->cancelled ? 0 : 1))
			scene_blame(scene, "call %zu got %d replies", i + 1, row->replies);
		if (!row->call)
			continue;
		trying += (int)call_attempts_running(row->call);
		entered += row->call->waiter.entered;
		queued += row->call->waiter.waits;
		if (scene->clock.time_ms > row->call->deadline_ms)
			scene_blame(scene, "call %zu goes on after its deadline", i + 1);
	}
	trying += scene->configured ? scene->core.leases.count : 0;
	forget_closed(scene);
	health_each(scene->core.health, tally_subject, &tally);
	health_each_preferred(scene->core.health, scene->clock.time_ms, check_entry, scene);
	if (tally.at_providers != trying || tally.at_targets != trying)
		scene_blame(scene,
			"%d attempts run, but %d are in flight at providers, %d at targets", trying,
			tally.at_providers, tally.at_targets);
	if (scene->transport.in_flight > trying)
		scene_blame(
			scene, "%d transfers for %d attempts", scene->transport.in_flight, trying);
	if (scene->core.gate.running != entered || scene->core.gate.waiting != queued)
		scene_blame(scene, "the gate counts %d calls and %d waiting, there are %d and %d",
			scene->core.gate.running, scene->core.gate.waiting, entered, queued);
	/* a reload may lower the limit below what runs already */
	if (scene->core.gate.running > scene->core.gate.max_running &&
		scene->core.gate.running > scene->ran)
		scene_blame(scene, "%d calls run, %d may", scene->core.gate.running,
			scene->core.gate.max_running);
	scene->ran = scene->core.gate.running;
}

static void
on_turn(void *arg)
{
	scene_check(arg);
}

/* ---- life ---- */

struct scene *
scene_new(void)
{
	struct scene *scene = x_calloc(1, sizeof *scene);

	fake_clock_init(&scene->clock);
	fake_transport_init(&scene->transport, &scene->clock);
	scene->clock.turned = on_turn;
	scene->clock.arg = scene;
	scene->transport.started = on_started;
	scene->transport.ended = on_ended;
	scene->transport.arg = scene;
	log_setup(LOG_DEBUG, LOG_TEXT, false);
	log_capture(on_log, scene);
	return scene;
}

static void
free_reply(struct scene_call *row)
{
	for (size_t i = 0; i < row->attempt_count; i++)
		free(row->attempts[i].target);
	free(row->attempts);
	buf_free(&row->told);
	free(row->partial);
	free(row->text);
	free(row->message);
	free(row->target);
	free(row);
}

/* Everything is over: nothing may be left. */
static void
check_nothing_left(struct scene *scene)
{
	if (scene->configured) {
		int left = scene->core.gate.running + scene->core.gate.waiting;

		scene_check(scene);
		if (left)
			scene_blame(scene, "%d calls are left over", left);
		event_listen(&scene->core.events, &scene->listener, 0);
		core_free(&scene->core);
	}
	if (!list_empty(&scene->transport.transfers))
		scene_blame(scene, "a transfer is left over");
	if (scene->clock.clock.count)
		scene_blame(scene, "%zu timers are left over", scene->clock.clock.count);
}

char *
scene_free(struct scene *scene)
{
	for (size_t i = 0; i < scene->call_count; i++)
		if (scene->calls[i]->call)
			scene_cancel(scene, scene->calls[i]);
	check_nothing_left(scene);
	char *fault = scene->fault;
	log_capture(NULL, NULL);
	log_setup(LOG_WARNING, LOG_TEXT, false);
	for (size_t i = 0; i < scene->call_count; i++)
		free_reply(scene->calls[i]);
	for (size_t i = 0; i < scene->log_count; i++)
		free(scene->log[i].text);
	free(scene->calls);
	free(scene->log);
	scene_forget(scene);
	fake_transport_free(&scene->transport);
	free(scene->probes);
	if (fault)
		scene->clock.clock.count = 0;
	fake_clock_free(&scene->clock);
	free(scene);
	return fault;
}

static const char *
no_variable(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return NULL;
}

char *
scene_configure(struct scene *scene, const char *yaml, size_t length)
{
	const struct config_env env = {.get = no_variable};
	struct config_faults faults = {0};
	struct config *config = config_read_text(yaml, length, "config", &env, &faults);
	char *fault = NULL;

	if (config && scene->configured)
		core_configure(&scene->core, config);
	else if (config)
		core_init(&scene->core, &scene->clock.clock, &scene->transport.transport, config,
			NULL, SEED);
	else
		fault = faults.count ? config_fault_text(&faults.list[0])
				     : x_strdup("the configuration is refused without a word");
	if (config && !scene->configured)
		scene_listen(scene);
	scene->configured |= config != NULL;
	config_unref(config);
	config_faults_free(&faults);
	return fault;
}

/* ---- calls ---- */

static struct json *
text_and_image(const struct scene_wish *wish)
{
	struct json *parts = json_new_array(), *text = json_new_object();
	struct json *part = json_new_object(), *image = json_new_object();

	json_set_text(text, "type", "text");
	json_set_text(text, "text", wish->prompt);
	json_set_text(image, "url", wish->image);
	json_set_text(part, "type", "image_url");
	json_set(part, "image_url", image);
	json_push(parts, text);
	json_push(parts, part);
	return parts;
}

static struct json *
one_message(const struct scene_wish *wish)
{
	struct json *messages = json_new_array(), *message = json_new_object();

	json_set_text(message, "role", "user");
	if (wish->image)
		json_set(message, "content", text_and_image(wish));
	else
		json_set_text(message, "content", wish->prompt);
	json_push(messages, message);
	return messages;
}

/* Finds or makes the chain of a call: NULL, or what is wrong. */
static char *
choose_chain(const struct scene_wish *wish, struct call_request *request)
{
	struct choose_wish choice = {
		.chain = wish->chain,
		.agent = wish->agent,
		.provider = wish->provider,
		.model = wish->model,
		.strategy = wish->strategy,
		.task_type = wish->task_type,
		.targets = wish->target_count ? wish->targets : NULL,
		.target_count = wish->target_count,
		.require = wish->require,
		.require_count = wish->require_count,
		.prefer = wish->prefer,
		.prefer_count = wish->prefer_count,
		.max_latency_ms = wish->max_latency_ms,
		.has_budget = wish->has_budget,
		.budget_picousd = wish->budget_picousd,
	};
	struct buf why;

	buf_init(&why, 4000);
	int error = choose(request, &choice, &why);
	if (error)
		return buf_take(&why, NULL);
	buf_free(&why);
	return NULL;
}

static struct call_request *
request_of(struct scene *scene, const struct scene_wish *wish)
{
	struct call_request *request = x_calloc(1, sizeof *request);

	request->config = config_ref(scene->core.config);
	request->end_user = x_strdup(wish->user);
	request->fallback = scene->core.config->fallback && scene->core.config->enable_fallback &&
		!wish->no_fallback;
	request->has_retry_on = wish->has_retry_on;
	request->retry_on = wish->retry_on;
	request->deadline_ms = wish->deadline_ms;
	request->timeout_ms = wish->timeout_ms;
	request->stream = wish->stream;
	request->on_break = wish->on_break;
	request->max_retries = wish->has_max_retries ? wish->max_retries : -1;
	request->params = wish->params;
	request->messages = one_message(wish);
	request->uid = wish->uid ? (uint32_t)wish->uid : 1000;
	core_request_id(&scene->core, request->request_id);
	return request;
}

struct call_request *
scene_request(struct scene *scene, const struct scene_wish *wish, char **fault)
{
	struct call_request *request = request_of(scene, wish);

	call_request_judge(request);
	*fault = choose_chain(wish, request);
	if (wish->races) {
		request->strategy = STRATEGY_fastest;
		request->remembers = false;
		request->race = wish->race;
	}
	if (!*fault)
		return request;
	call_request_free(request);
	return NULL;
}

char *
scene_ask(struct scene *scene, const struct scene_wish *wish)
{
	char *fault;
	struct call_request *request = scene_request(scene, wish, &fault);
	struct scene_call *row;

	if (!request)
		return fault;
	row = x_calloc(1, sizeof *row);
	row->scene = scene;
	row->stream = wish->stream;
	buf_init(&row->told, (size_t)64 << 20);
	row->asked_ms = scene->clock.time_ms;
	scene->calls = x_realloc(scene->calls, (scene->call_count + 1) * sizeof(void *));
	scene->calls[scene->call_count++] = row;
	row->call = call_start(&scene->core.env, request, &scene_call_events, row);
	if (row->replies)
		scene_blame(
			scene, "call %zu was answered from inside its start", scene->call_count);
	scene_check(scene);
	return NULL;
}

void
scene_cancel(struct scene *scene, struct scene_call *row)
{
	struct call *call = row->call;

	row->call = NULL;
	if (call) {
		row->cancelled = true;
		row->over_ms = scene->clock.time_ms;
		call_cancel(call);
	}
	scene_check(scene);
}

void
scene_shut_down(struct scene *scene)
{
	for (size_t i = 0; i < scene->call_count; i++)
		if (scene->calls[i]->call)
			call_abort(scene->calls[i]->call, LLMFO_ESHUTTING_DOWN,
				"the daemon is shutting down");
	scene_check(scene);
}

void
scene_advance(struct scene *scene, int64_t ms)
{
	fake_clock_advance(&scene->clock, ms);
}
