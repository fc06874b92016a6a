/* SPDX-License-Identifier: MIT */
/*
 * From a request and the step of the script that it got to the plan of a reply. Pure, but for the
 * wall clock that a `created` time and a retry-after date want.
 */
#ifndef FAKELLM_BEHAVE_H
#define FAKELLM_BEHAVE_H

#include "reply.h"
#include "shape.h"

/*
 * A new reply with one reference. `nth` is which request of its connection this is, from 1. A
 * request that the API would refuse is refused; `step` may be NULL then.
 */
struct reply *behave(struct ask *ask, const struct step *step, int64_t nth);
/* A plain answer of the program itself; `body` may be NULL. */
struct reply *behave_page(int status, const char *type, const char *body, size_t len);

#endif
