/* SPDX-License-Identifier: MIT */
/*
 * Does the loop get on with its work? What the service manager's watchdog is fed by: that a timer
 * of the loop fires shows that it turns, and this that its turns come to something. Pure.
 */
#ifndef LLMFO_WATCHDOG_H
#define LLMFO_WATCHDOG_H

#include "buf.h"

struct watchdog_view {
	int64_t now_ms;
	int64_t timer_due_ms; /* the earliest timer, CLOCK_NEVER for none */
	int64_t call_due_ms;  /* the earliest deadline of a call that has not ended, or the same */
	int64_t late_ms;      /* what is later than this is stuck */
};

/* False: it does not, and why says what is stuck. */
bool watchdog_progress(const struct watchdog_view *view, struct buf *why);

#endif
