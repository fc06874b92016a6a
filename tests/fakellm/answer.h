/* SPDX-License-Identifier: MIT */
/*
 * What a provider says: text, words, finish reason and usage, from the request and the step. It
 * knows no format; a shape gives it one.
 */
#ifndef FAKELLM_ANSWER_H
#define FAKELLM_ANSWER_H

#include "shape.h"

/* Fills `a`, which answer_free empties; it borrows from `ask` and `step`. */
void answer_make(struct answer *a, const struct ask *ask, const struct step *step);
void answer_free(struct answer *a);

#endif
