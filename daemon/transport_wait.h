/* SPDX-License-Identifier: MIT */
/*
 * The transfers that wait for a name's address, those that look it up, and the time that both have
 * for it. Says what may run and who is late; what libcurl is told, and who is called back, is
 * transport_curl.c's.
 */
#ifndef LLMFO_TRANSPORT_WAIT_H
#define LLMFO_TRANSPORT_WAIT_H

#include "transport_transfer.h"

/* Lists of transfers, by `link`. */
struct transport_wait {
	struct transport_poll *poll;
	struct transport_lookup *lookup;
	struct list *queued; /* the owner's: where those go that wait no longer */
	struct list waiting;
	struct list looking; /* mute, in libcurl for their look-ups alone */
	struct list late;    /* running, and to be told so */
	struct list stale;   /* looked up for too long, to be taken from libcurl */
	int64_t alarm_ms;    /* what the poll's alarm is set to, 0: not set */
};

/* All is borrowed. Cannot fail. */
struct transport_wait *transport_wait_new(struct transport_poll *poll, struct list *queued);
/* Nobody waits or looks up any more. */
void transport_wait_free(struct transport_wait *wait);
/* The time for connecting begins, 0: without limit. */
void transport_wait_begin(struct transfer *transfer, int64_t connect_timeout_ms);
/* Whether the transfer, in no list, has to wait: then it is in one now. */
bool transport_wait_must(struct transport_wait *wait, struct transfer *transfer);
/* Sets what is left for connecting, right before libcurl gets the transfer. */
void transport_wait_limit(struct transport_wait *wait, struct transfer *transfer);
/* From wherever it is to those that start, or end if they are judged, in the loop's next turn. */
void transport_wait_queue(struct transport_wait *wait, struct transfer *transfer);
/* To be called when libcurl has run: those whose address was found wait no longer. */
void transport_wait_mind_pilots(struct transport_wait *wait);
/* A transfer ended because a name has no address: likewise those that waited for it, if any did. */
void transport_wait_fail(struct transport_wait *wait, struct transfer *transfer,
	const struct transport_result *result);
/* The transfer waits for nobody from here on, and nobody for it. */
void transport_wait_leave(struct transport_wait *wait, struct transfer *transfer);
/* Whether a running transfer is in libcurl's look-up, which should not be broken off. */
bool transport_wait_looks_up(const struct transfer *transfer);
/* A transfer that looks up has no caller any more; it goes on in `looking`. */
void transport_wait_abandon(struct transport_wait *wait, struct transfer *transfer);
/* The poll's alarm: those that wait and are late are judged and queued; fills `late`, `stale`. */
void transport_wait_mind_time(struct transport_wait *wait);
/* libcurl has forgotten all addresses. */
void transport_wait_forget(struct transport_wait *wait);

#endif
