/* SPDX-License-Identifier: MIT */
/*
 * The control requests under /_fake/: scripts, what was asked, counters, refusing and opening. On a
 * provider's own port they mean that provider; on the control port the path names one:
 * /_fake/NAME/...
 */
#ifndef FAKELLM_CONTROL_H
#define FAKELLM_CONTROL_H

#include "reply.h"
#include "server.h"

bool control_is(const struct request *req);
/* The site a request is about, or NULL. `own` is the site of its port, NULL on the control port. */
struct site *control_site(struct server *s, struct site *own, const struct request *req);
/* Does what is asked. NULL: the request waits for control_met, at most control_timeout_ms. */
struct reply *control_answer(struct server *s, struct site *own, const struct request *req);
bool control_met(const struct site *site, const struct request *req);
uint64_t control_timeout_ms(const struct request *req);
/* The counters as an answer with this status. */
struct reply *control_stats(const struct site *site, int status);

#endif
