/* SPDX-License-Identifier: MIT */
/*
 * Who may look up a name, and who waits for whom: libcurl gives each transfer whose address it does
 * not know a thread. Of those that go to one name the first is the pilot, the others wait until it
 * has found the address. Pure bookkeeping: it knows names and times, no transfer and no libcurl.
 */
#ifndef LLMFO_TRANSPORT_LOOKUP_H
#define LLMFO_TRANSPORT_LOOKUP_H

#include "list.h"

/* How long an address that was found counts as known. */
#define TRANSPORT_LOOKUP_KNOWN_S 50
/* Pilots of all names together; each has a thread. */
#define TRANSPORT_LOOKUP_PILOTS_MAX 64

enum transport_lookup_role {
	TRANSPORT_LOOKUP_FREE, /* has no name, or the address of it is known */
	TRANSPORT_LOOKUP_WAITING,
	TRANSPORT_LOOKUP_PILOT,
	TRANSPORT_LOOKUP_FAILED, /* waited for a name that has no address */
};

/* A transfer's part in it, embedded there; set up by transport_lookup_seat_init(). */
struct transport_lookup_seat {
	struct list link;
	struct transport_lookup_host *host;
	enum transport_lookup_role role;
};

struct transport_lookup;

struct transport_lookup *transport_lookup_new(void);
/* No seat is waiting or pilot any more. */
void transport_lookup_free(struct transport_lookup *lookup);
void transport_lookup_seat_init(struct transport_lookup_seat *seat);
/*
 * A free seat comes for a name: it may start at once, as free or as pilot, or has to wait, as its
 * role says.
 */
void transport_lookup_enter(struct transport_lookup *lookup, struct transport_lookup_seat *seat,
	const char *name, int64_t now_ms);
/* It has come to its end, or will: the next one that waits for its name takes its place. */
void transport_lookup_leave(struct transport_lookup *lookup, struct transport_lookup_seat *seat);
/* The pilot has found the address: all that wait for it may start. The pilot is free. */
void transport_lookup_found(
	struct transport_lookup *lookup, struct transport_lookup_seat *pilot, int64_t now_ms);
/* The pilot knows that the name has no address: all that wait for it have failed. It is free. */
void transport_lookup_failed(struct transport_lookup *lookup, struct transport_lookup_seat *pilot);
/* Whatever was found has to be looked up anew. */
void transport_lookup_forget(struct transport_lookup *lookup);
/*
 * The next seat that waits no longer, in the order in which they came to their names; its role says
 * why. NULL: none.
 */
struct transport_lookup_seat *transport_lookup_next(struct transport_lookup *lookup);
/* The seats of the pilots, by `link`; any of the above may take the one it is given from it. */
const struct list *transport_lookup_pilots(const struct transport_lookup *lookup);

#endif
