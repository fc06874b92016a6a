/* SPDX-License-Identifier: MIT */
/*
 * What happens, for those that asked to hear of it: who produces an event says it once, and each
 * listener that wants its type hears it. Nobody listens: nothing is done. What circuits do is found
 * by looking at them (event_circuits()), since one becomes half-open by nothing but time; a timer
 * runs only while somebody listens to them. No event holds a secret or a provider's words.
 */
#ifndef LLMFO_EVENT_H
#define LLMFO_EVENT_H

#include "clock.h"
#include "health.h"
#include "list.h"

enum event_type {
#define X(name, help) EVENT_##name,
#include "event.def"
#undef X
	EVENT_TYPES
};

#define EVENT_BIT(type) (1U << (type))
#define EVENT_ALL (EVENT_BIT(EVENT_TYPES) - 1)

/* Fields with a NULL key are left out. */
struct event_field {
	const char *key;
	enum { EVENT_TEXT, EVENT_NUMBER, EVENT_YES_NO } kind;
	const char *text; /* NULL: nil */
	int64_t number;
	bool own; /* for the user whose call it is about, and for administrators */
};

struct event {
	enum event_type type;
	int64_t at_ms; /* since 1970 */
	uint32_t uid;  /* whose call it is about, for fields that are `own` */
	const struct event_field *fields;
	size_t count;
};

/* Embedded in who listens; zeroed memory listens to nothing. */
struct event_listener {
	struct list node;
	unsigned types; /* EVENT_BIT() of those it hears; 0: it is in no list */
	void (*hear)(void *arg, const struct event *event);
	void *arg;
};

struct events {
	struct clock *clock; /* borrowed, as is the next */
	struct health *health;
	struct list listeners;
	struct clock_timer timer; /* when the next open circuit becomes half-open */
};

void event_init(struct events *events, struct clock *clock, struct health *health);
/* Nobody may listen any more. */
void event_free(struct events *events);
/* Hears these types from now on, instead of those before; 0: none. hear() may neither change who
 * listens nor tell events. */
void event_listen(struct events *events, struct event_listener *listener, unsigned types);

/* Does anybody hear this? events may be NULL here and below: nobody does. */
bool event_wanted(const struct events *events, enum event_type type);
void event_tell(struct events *events, enum event_type type, uint32_t uid,
	const struct event_field *fields, size_t count);
/* Tells of circuits that are not as they were when it was last told. To be called after whatever
 * may have changed one. */
void event_circuits(struct events *events);
/* target NULL: the chain prefers nothing any more. */
void event_preferred(struct events *events, const char *chain, const char *target);

/* What is forced now, or that nobody is. */
void event_forced(struct events *events);

const char *event_text(enum event_type type);
/* The type of a name (not NUL-terminated), or -1. */
int event_from_text(const char *text, size_t length);

#endif
