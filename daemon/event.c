/* SPDX-License-Identifier: MIT */
/* See event.h. */
#include "event.h"

#include <assert.h>
#include <string.h>

static void on_timer(void *arg);

static const char *const texts[EVENT_TYPES] = {
#define X(name, help) #name,
#include "event.def"
#undef X
};

const char *
event_text(enum event_type type)
{
	return texts[type];
}

int
event_from_text(const char *text, size_t length)
{
	for (int i = 0; i < EVENT_TYPES; i++)
		if (strlen(texts[i]) == length && memcmp(texts[i], text, length) == 0)
			return i;
	return -1;
}

void
event_init(struct events *events, struct clock *clock, struct health *health)
{
	*events = (struct events){.clock = clock, .health = health};
	list_init(&events->listeners);
}

void
event_free(struct events *events)
{
	assert(list_empty(&events->listeners));
	clock_stop(events->clock, &events->timer);
}

bool
event_wanted(const struct events *events, enum event_type type)
{
	if (!events)
		return false;
	for (struct list *node = events->listeners.next; node != &events->listeners;
		node = node->next)
		if (LIST_OWNER(node, struct event_listener, node)->types & EVENT_BIT(type))
			return true;
	return false;
}

void
event_tell(struct events *events, enum event_type type, uint32_t uid,
	const struct event_field *fields, size_t count)
{
	if (!event_wanted(events, type))
		return;
	const struct event event = {
		.type = type,
		.at_ms = clock_wall_ms(events->clock),
		.uid = uid,
		.fields = fields,
		.count = count,
	};
	for (struct list *node = events->listeners.next; node != &events->listeners;
		node = node->next) {
		struct event_listener *listener = LIST_OWNER(node, struct event_listener, node);

		if (listener->types & EVENT_BIT(type))
			listener->hear(listener->arg, &event);
	}
}

void
event_preferred(struct events *events, const char *chain, const char *target)
{
	const struct event_field fields[] = {
		{.key = "chain", .text = chain},
		{.key = "target", .text = target},
	};

	event_tell(events, EVENT_preferred, 0, fields, UTIL_COUNT(fields));
}

void
event_forced(struct events *events)
{
	int64_t now_ms = clock_now_ms(events->clock);
	const struct health_forced *forced = health_forced(events->health, now_ms);
	const struct event_field fields[] = {
		{.key = "provider", .text = forced ? forced->provider : NULL},
		{.key = forced ? "strict" : NULL,
			.kind = EVENT_YES_NO,
			.number = forced && forced->strict},
		{.key = forced ? "for_ms" : NULL,
			.kind = EVENT_NUMBER,
			.number = forced ? forced->until_ms - now_ms : 0},
	};

	event_tell(events, EVENT_forced, 0, fields, UTIL_COUNT(fields));
}

/* ---- circuits ---- */

struct look {
	struct events *events;
	int64_t now_ms;
	int64_t next_ms; /* when the next one becomes half-open */
	bool quiet;      /* only remember how they are */
};

static void
tell_circuit(const struct look *look, const struct health_subject *subject)
{
	const struct circuit *circuit = &subject->circuit;
	bool closed = subject->told == CIRCUIT_CLOSED;
	const struct event_field fields[] = {
		{.key = subject->kind == HEALTH_PROVIDER ? "provider" : "target",
			.text = subject->name},
		{.key = "state", .text = circuit_state_text(subject->told)},
		{.key = closed ? NULL : "class", .text = outcome_text(circuit->opened_by)},
		{.key = subject->told == CIRCUIT_OPEN ? "for_ms" : NULL,
			.kind = EVENT_NUMBER,
			.number = circuit_remaining_ms(circuit, look->now_ms)},
	};

	event_tell(look->events, EVENT_circuit, 0, fields, UTIL_COUNT(fields));
}

static void
look_at(struct health_subject *subject, void *arg)
{
	struct look *look = arg;
	enum circuit_state state = circuit_state(&subject->circuit, look->now_ms);

	if (state == CIRCUIT_OPEN && subject->circuit.open_until_ms < look->next_ms)
		look->next_ms = subject->circuit.open_until_ms;
	if (state == subject->told)
		return;
	subject->told = state;
	if (!look->quiet)
		tell_circuit(look, subject);
}

static void
look_at_all(struct events *events, bool quiet)
{
	struct look look = {events, clock_now_ms(events->clock), CLOCK_NEVER, quiet};

	health_each(events->health, look_at, &look);
	if (look.next_ms == CLOCK_NEVER)
		clock_stop(events->clock, &events->timer);
	else
		clock_start(events->clock, &events->timer, look.next_ms, on_timer, events);
}

static void
on_timer(void *arg)
{
	look_at_all(arg, false);
}

void
event_circuits(struct events *events)
{
	if (event_wanted(events, EVENT_circuit))
		look_at_all(events, false);
}

void
event_listen(struct events *events, struct event_listener *listener, unsigned types)
{
	bool watched = event_wanted(events, EVENT_circuit);

	if (listener->types == 0 && types != 0)
		list_append(&events->listeners, &listener->node);
	else if (listener->types != 0 && types == 0)
		list_remove(&listener->node);
	listener->types = types;
	bool watches = event_wanted(events, EVENT_circuit);
	if (watches && !watched)
		look_at_all(events, true);
	else if (!watches)
		clock_stop(events->clock, &events->timer);
}
