/* SPDX-License-Identifier: MIT */
/* See explore.h: how a life goes. */
#include "explore.h"

#include <stdlib.h>
#include <string.h>

#include "explore_state.h"
#include "llmfo.h"

#define HOUR_MS 3600000

/* ---- an administrator ---- */

/* What was forced is so no longer; name is, from now on, or (NULL) nothing. */
static void
force(struct explore *explore, const char *name, bool strict)
{
	struct scene *scene = explore->scene;
	int64_t now_ms = scene->clock.time_ms, until_ms = now_ms + 1 + explore_some_ms(explore);

	explore_say(explore, "%s is forced%s", name ? name : "nothing", strict ? ", strictly" : "");
	for (size_t i = 0; i < explore->host_count; i++) {
		struct explore_host *host = &explore->hosts[i];

		if (name && strcmp(host->name, name) == 0) {
			host->forced_until_ms = until_ms;
			explore->forced = strict ? host : NULL;
		} else if (host->forced_until_ms > now_ms)
			host->forced_until_ms = now_ms;
	}
	if (!name)
		explore->forced = NULL;
	explore->forced_ms = now_ms;
	explore->strict |= name && strict;
	health_force(
		scene->core.health, name, strict, until_ms, 0, scene->clock.time_ms);
}

static void
administer(struct explore *explore)
{
	struct scene *scene = explore->scene;
	struct health *health = scene->core.health;
	const char *name = explore->hosts[explore_below(explore, (int)explore->host_count)].name;
	bool yes = explore_one_in(explore, 2);

	switch (explore_below(explore, 6)) {
	case 0: force(explore, name, yes); break;
	case 1: force(explore, NULL, false); break;
	case 2:
		explore_say(explore, "health of %s is reset", yes ? name : "all");
		explore_count_reset(explore, yes ? name : NULL);
		(void)health_reset(health, yes ? name : NULL);
		gate_wake_all(&scene->core.gate);
		break;
	case 3:
		explore_say(explore, "what is preferred is forgotten");
		(void)health_unprefer_all(health);
		break;
	case 4:
		explore_say(explore, "%s is %s", name, yes ? "disabled" : "enabled");
		(void)health_disable(health, HEALTH_PROVIDER, name, yes);
		gate_wake_all(&scene->core.gate);
		break;
	default: explore_configure(explore); break;
	}
	explore_check_turn(explore);
}

/* ---- a life ---- */

static void
bear(struct explore *explore)
{
	struct explore_call *call = explore_some_call(explore);

	if (!call)
		return;
	if (call->client)
		explore_client_bear(call);
	else if (call->stream && !explore_one_in(explore, 3))
		explore_hold(call, !call->held);
	else
		explore_cancel(call);
}

static void
advance(struct explore *explore, int64_t ms)
{
	explore_say(explore, "%lld ms pass", (long long)ms);
	scene_advance(explore->scene, ms);
}

static void
step(struct explore *explore)
{
	switch (explore_below(explore, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		if (explore->spoken)
			explore_speak(explore);
		else
			explore_ask(explore);
		break;
	case 5:
	case 6: explore_change_weather(explore); break;
	case 7: bear(explore); break;
	case 8: administer(explore); break;
	case 9:
		if (explore_one_in(explore, 2))
			explore_pick(explore);
		else
			explore_report(explore);
		break;
	default: advance(explore, explore_some_ms(explore)); break;
	}
}

/* The daemon goes, or all calls run to their end. */
static void
wind_up(struct explore *explore)
{
	if (explore_one_in(explore, 4)) {
		explore_say(explore, "the daemon shuts down");
		if (explore->spoken)
			explore_clients_shut_down(explore);
		else
			scene_shut_down(explore->scene);
		advance(explore, 0);
		explore_check_shutdown(explore);
	}
	advance(explore, HOUR_MS);
	for (size_t i = 0; i < explore->call_count; i++)
		if (explore->calls[i]->row->call && explore->calls[i]->held &&
			!explore->calls[i]->client)
			explore_hold(explore->calls[i], false);
	explore_clients_catch_up(explore);
	advance(explore, 25 * HOUR_MS);
	explore_check_end(explore);
}

static void
on_turn(void *arg)
{
	explore_clients_turn(arg);
	explore_check_turn(arg);
}

static void
on_started(void *arg, size_t request)
{
	struct explore *explore = arg;

	explore->scene_started(explore->scene, request);
}

static void
on_ended(void *arg, size_t request)
{
	struct explore *explore = arg;

	explore->scene_ended(explore->scene, request);
	explore_on_ended(explore, request);
}

static void
be_born(struct explore *explore)
{
	struct scene *scene = explore->scene = scene_new();
	struct fake_transport *transport = &scene->transport;

	/* every word of the log is looked at in some lives: it takes half of the time */
	if (!explore->trace && explore->seed % 16 != 0)
		log_setup(LOG_ERROR, LOG_TEXT, false);
	explore->scene_started = transport->started;
	explore->scene_ended = transport->ended;
	explore->scene_turned = scene->clock.turned;
	transport->improvise = explore_on_request;
	transport->started = on_started;
	transport->ended = on_ended;
	transport->arg = explore;
	scene->clock.turned = on_turn;
	scene->clock.arg = explore;
	explore->host_count = 1 + (size_t)explore_below(explore, EXPLORE_HOSTS);
	for (size_t i = 0; i < explore->host_count; i++)
		explore->hosts[i].name[0] = (char)('a' + i);
	explore_configure(explore);
	explore_wrap(explore);
	explore->spoken = explore_one_in(explore, 2);
	scene->core.env.jitter_cooldowns = explore_one_in(explore, 2);
}

static void
die(struct explore *explore)
{
	struct scene *scene = explore->scene;

	explore_clients_free(explore);
	explore_wrap(NULL);
	for (size_t i = 0; i < explore->call_count; i++)
		if (explore->calls[i]->row->call)
			explore_cancel(explore->calls[i]);
	/* what comes now is the scene's own */
	scene->clock.turned = NULL;
	char *left = scene_free(scene);
	if (left && !explore->broken)
		explore->broken = x_asprintf("Nothing is left when all is over: %s", left);
	free(left);
	for (size_t i = 0; i < explore->call_count; i++)
		explore_call_free(explore->calls[i]);
	for (size_t i = 0; i < explore->request_count; i++)
		free(explore->requests[i].text);
	free(explore->calls);
	free(explore->requests);
}

void
explore_live(uint64_t seed, FILE *trace, struct explore_life *life)
{
	struct explore explore = {
		.seed = seed, .state = seed, .trace = trace, .hash = 0xcbf29ce484222325};

	be_born(&explore);
	for (int steps = 10 + explore_below(&explore, 80); steps > 0 && !explore.broken; steps--)
		step(&explore);
	if (!explore.broken)
		wind_up(&explore);
	*life = (struct explore_life){
		.calls = (long)explore.call_count,
		.requests = (long)explore.request_count,
		.deltas = explore.deltas,
	};
	die(&explore);
	life->turns = explore.turns;
	life->hash = explore.hash;
	life->broken = explore.broken;
}
