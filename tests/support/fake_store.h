/* SPDX-License-Identifier: MIT */
/*
 * A place that hosts share, for simulations: texts with lifetimes in virtual time, and hosts that
 * look at it over a network of a given delay. An operation takes effect half-way, its answer comes
 * at the end. It may be cut off from a host, freeze, refuse what is written, or lose its memory.
 */
#ifndef LLMFO_FAKE_STORE_H
#define LLMFO_FAKE_STORE_H

#include "fake_clock.h"
#include "list.h"
#include "store.h"

struct fake_item {
	char *name, *text;
	int64_t until_ms; /* INT64_MAX: for ever */
};

struct fake_place {
	struct fake_clock *clock;
	struct fake_item *items;
	size_t item_count;
	struct list stores;  /* of struct fake_store */
	bool frozen, full;
	bool unreadable;     /* refuses to be read */
	bool loses_news;     /* nobody hears anything */
	size_t operations;   /* that took effect */
};

struct fake_store {
	struct store store;
	struct list node;
	struct fake_place *place;
	const struct store_events *events; /* NULL: not opened */
	void *arg;
	bool cut;            /* off from the place */
	int64_t delay_ms;    /* one way */
	struct list operations; /* under way: of struct fake_operation */
	struct clock_timer rejoin;
	size_t news_count;   /* told by it */
	size_t reading, most_read; /* names, now; the most there were at once */
};

void fake_place_init(struct fake_place *place, struct fake_clock *clock);
void fake_place_free(struct fake_place *place);
/* What stands there now, or NULL; and how long yet (-1: for ever). */
const struct fake_item *fake_place_find(struct fake_place *place, const char *name);
/* As a person would do by hand; text NULL removes. No news of it. */
void fake_place_put(struct fake_place *place, const char *name, const char *text, int64_t ttl_ms);
/* Everything in it is gone, and every host is parted for a moment: it was restarted. */
void fake_place_restart(struct fake_place *place);
/* Answers nothing; hosts notice after a second, and are back within two of its return. */
void fake_place_freeze(struct fake_place *place, bool frozen);

/* joined by opening. */
void fake_store_init(struct fake_store *store, struct fake_place *place, int64_t delay_ms);
/* Answers nothing any more. */
void fake_store_close(struct fake_store *store);
/* Cuts it off from the place, or lets it back. */
void fake_store_cut(struct fake_store *store, bool cut);
/* News as if another host had told them. */
void fake_store_hear(struct fake_store *store, const char *news);

#endif
