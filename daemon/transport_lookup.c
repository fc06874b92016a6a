/* SPDX-License-Identifier: MIT */
/*
 * See transport_lookup.h. A host is remembered while it has seats or its address is known; there
 * are as many as the configuration names, so that a list will do. A host that has seats waiting and
 * no pilot stands in line for one.
 */
#include "transport_lookup.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

struct transport_lookup_host {
	struct list link;
	struct list line;    /* where it stands in line; alone if it does not */
	struct list waiting; /* seats, the oldest first */
	struct transport_lookup_seat *pilot;
	int64_t known_until_ms;
	char *name;
};

struct transport_lookup {
	struct list hosts;
	struct list line;
	struct list pilots; /* seats */
	struct list ready;  /* seats for transport_lookup_next() */
	unsigned pilots_count;
};

static struct transport_lookup_seat *
first_seat(const struct list *list)
{
	return list_empty(list) ? NULL : LIST_OWNER(list->next, struct transport_lookup_seat, link);
}

struct transport_lookup *
transport_lookup_new(void)
{
	struct transport_lookup *lookup = x_calloc(1, sizeof(*lookup));

	list_init(&lookup->hosts);
	list_init(&lookup->line);
	list_init(&lookup->pilots);
	list_init(&lookup->ready);
	return lookup;
}

static void
free_host(struct transport_lookup_host *host)
{
	list_remove(&host->link);
	free(host->name);
	free(host);
}

void
transport_lookup_free(struct transport_lookup *lookup)
{
	assert(lookup->pilots_count == 0 && list_empty(&lookup->line));
	while (!list_empty(&lookup->hosts))
		free_host(LIST_OWNER(lookup->hosts.next, struct transport_lookup_host, link));
	free(lookup);
}

void
transport_lookup_seat_init(struct transport_lookup_seat *seat)
{
	list_init(&seat->link);
	seat->host = NULL;
	seat->role = TRANSPORT_LOOKUP_FREE;
}

/* Forgets those it passes that are of no use any more. */
static struct transport_lookup_host *
find_host(struct transport_lookup *lookup, const char *name, int64_t now_ms)
{
	struct list *next;

	for (struct list *node = lookup->hosts.next; node != &lookup->hosts; node = next) {
		struct transport_lookup_host *host =
			LIST_OWNER(node, struct transport_lookup_host, link);
		next = node->next;
		if (strcasecmp(host->name, name) == 0)
			return host;
		if (!host->pilot && list_empty(&host->waiting) && host->known_until_ms <= now_ms)
			free_host(host);
	}
	return NULL;
}

static struct transport_lookup_host *
make_host(struct transport_lookup *lookup, const char *name)
{
	struct transport_lookup_host *host = x_calloc(1, sizeof(*host));

	list_init(&host->line);
	list_init(&host->waiting);
	host->name = x_strdup(name);
	list_append(&lookup->hosts, &host->link);
	return host;
}

static void
make_pilot(struct transport_lookup *lookup, struct transport_lookup_seat *seat, struct list *list)
{
	seat->role = TRANSPORT_LOOKUP_PILOT;
	seat->host->pilot = seat;
	list_append(list, &seat->link);
	lookup->pilots_count++;
}

/* Pilots for those first in line, as far as there may be. */
static void
serve_line(struct transport_lookup *lookup)
{
	while (lookup->pilots_count < TRANSPORT_LOOKUP_PILOTS_MAX && !list_empty(&lookup->line)) {
		struct transport_lookup_host *host =
			LIST_OWNER(lookup->line.next, struct transport_lookup_host, line);
		struct transport_lookup_seat *seat = first_seat(&host->waiting);
		list_remove(&host->line);
		list_remove(&seat->link);
		make_pilot(lookup, seat, &lookup->ready);
	}
}

void
transport_lookup_enter(struct transport_lookup *lookup, struct transport_lookup_seat *seat,
	const char *name, int64_t now_ms)
{
	assert(seat->role == TRANSPORT_LOOKUP_FREE);
	struct transport_lookup_host *host = find_host(lookup, name, now_ms);

	if (host && host->known_until_ms > now_ms)
		return;
	if (!host)
		host = make_host(lookup, name);
	seat->host = host;
	if (!host->pilot && list_empty(&host->waiting) &&
		lookup->pilots_count < TRANSPORT_LOOKUP_PILOTS_MAX) {
		make_pilot(lookup, seat, &lookup->pilots);
		return;
	}
	if (!host->pilot && list_empty(&host->waiting))
		list_append(&lookup->line, &host->line);
	seat->role = TRANSPORT_LOOKUP_WAITING;
	list_append(&host->waiting, &seat->link);
}

static void
set_free(struct transport_lookup_seat *seat)
{
	list_remove(&seat->link);
	transport_lookup_seat_init(seat);
}

static void
dismiss_pilot(struct transport_lookup *lookup, struct transport_lookup_seat *pilot)
{
	struct transport_lookup_host *host = pilot->host;

	assert(pilot->role == TRANSPORT_LOOKUP_PILOT);
	set_free(pilot);
	host->pilot = NULL;
	lookup->pilots_count--;
	if (!list_empty(&host->waiting))
		list_append(&lookup->line, &host->line);
	serve_line(lookup);
}

void
transport_lookup_leave(struct transport_lookup *lookup, struct transport_lookup_seat *seat)
{
	struct transport_lookup_host *host = seat->host;

	if (seat->role == TRANSPORT_LOOKUP_PILOT) {
		dismiss_pilot(lookup, seat);
		return;
	}
	bool waited = seat->role == TRANSPORT_LOOKUP_WAITING;
	set_free(seat);
	if (waited && list_empty(&host->waiting))
		list_remove(&host->line);
}

static void
dismiss_waiting(struct transport_lookup *lookup, struct transport_lookup_host *host,
	enum transport_lookup_role role)
{
	struct transport_lookup_seat *seat;

	while ((seat = first_seat(&host->waiting))) {
		set_free(seat);
		seat->role = role;
		list_append(&lookup->ready, &seat->link);
	}
}

void
transport_lookup_found(
	struct transport_lookup *lookup, struct transport_lookup_seat *pilot, int64_t now_ms)
{
	pilot->host->known_until_ms = now_ms + TRANSPORT_LOOKUP_KNOWN_S * 1000;
	dismiss_waiting(lookup, pilot->host, TRANSPORT_LOOKUP_FREE);
	dismiss_pilot(lookup, pilot);
}

void
transport_lookup_failed(struct transport_lookup *lookup, struct transport_lookup_seat *pilot)
{
	dismiss_waiting(lookup, pilot->host, TRANSPORT_LOOKUP_FAILED);
	dismiss_pilot(lookup, pilot);
}

void
transport_lookup_forget(struct transport_lookup *lookup)
{
	for (struct list *node = lookup->hosts.next; node != &lookup->hosts; node = node->next)
		LIST_OWNER(node, struct transport_lookup_host, link)->known_until_ms = 0;
}

struct transport_lookup_seat *
transport_lookup_next(struct transport_lookup *lookup)
{
	struct transport_lookup_seat *seat = first_seat(&lookup->ready);

	if (!seat)
		return NULL;
	list_remove(&seat->link);
	if (seat->role == TRANSPORT_LOOKUP_PILOT)
		list_append(&lookup->pilots, &seat->link);
	return seat;
}

const struct list *
transport_lookup_pilots(const struct transport_lookup *lookup)
{
	return &lookup->pilots;
}
