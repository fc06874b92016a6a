/* SPDX-License-Identifier: MIT */
/*
 * One view of many hosts: tells a store what this host's health learns (open circuits, what chains
 * prefer, who is forced) and brings into it what others have told there. Health is read and written
 * in memory alone, and nobody ever waits for the store; when it is away each host goes on with what
 * it knows, and when it is back both sides are merged. What comes from it is checked and clamped.
 * The rules are those of docs/llmfod.8, MANY HOSTS. A machine: it acts through clock and store.
 */
#ifndef LLMFO_SHARE_H
#define LLMFO_SHARE_H

#include "config.h"
#include "event.h"
#include "store.h"

struct share;

/* clock, health and events are borrowed. host: how this one is named to the others, and differs
 * from all of them. changed(arg): what was heard has changed circuits or choices, or what stands in
 * the store is known better (marks, the epoch); once for all that happens in a turn. */
struct share *share_new(struct clock *clock, struct health *health, struct events *events,
	const char *host, void (*changed)(void *arg), void *arg);
/* Its store must be closed already. */
void share_free(struct share *share);
/* What names mean from now on. Takes a reference. */
void share_configure(struct share *share, struct config *config);
/* Shares by this store from now on, which is opened; NULL: by none. The one before must be closed
 * already. */
void share_use(struct share *share, struct store *store);
/* The store, or NULL. */
const struct store *share_store(const struct share *share);
/* By what the store is known again: what stood there before means nothing once it has lost its
 * memory. NULL: it was never seen. */
const char *share_epoch(const struct share *share);
/* The same as it was before a restart. */
void share_remember_epoch(struct share *share, const char *epoch);

#endif
