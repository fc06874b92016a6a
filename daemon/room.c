/* SPDX-License-Identifier: MIT */
/* See room.h. */
#include "room.h"

#include "config.h"

struct room {
	const struct health *health;
	const char *provider;
};

/* By the configuration that a call began with: it may be another one than today's. */
static bool
has_room(const void *arg, const void *key)
{
	const struct room *room = arg;
	const struct config_provider *provider = config_find_provider(key, room->provider);
	const struct health_subject *subject =
		health_find(room->health, HEALTH_PROVIDER, room->provider);

	return !provider || provider->max_concurrency == 0 || !subject ||
		subject->in_flight < provider->max_concurrency;
}

void
room_made(struct gate *gate, const struct health *health, const char *provider,
	struct health_change change)
{
	const struct room room = {health, provider};
	struct gate_news news = {.room = has_room, .arg = &room};

	if (gate->waiting == 0)
		return;
	news.wants = gate_bit(provider);
	/* where a circuit is another one now, there may be nothing to wait for any more */
	if (change.target_circuit || change.provider_circuit)
		news.room = NULL;
	gate_wake(gate, &news);
}
