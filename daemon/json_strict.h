/* SPDX-License-Identifier: MIT */
/* The part of a strict read that json-c does not do; for json.c alone. */
#ifndef LLMFO_JSON_STRICT_H
#define LLMFO_JSON_STRICT_H

#include "buf.h"

/* What is wrong with the tokens of text (which holds no NUL), as a static text; NULL if nothing is.
 */
const char *json_strict_fault(const char *text, size_t length);
/*
 * Appends the text with a mark behind integers beyond 64 bits that makes them other numbers of the
 * same value, whose text json-c keeps; integers themselves it would cut. False, and nothing
 * appended, if there are none.
 */
bool json_strict_widen(const char *text, size_t length, struct buf *out);
/* Bytes of a number's text without such a mark. */
size_t json_strict_narrow(const char *text, size_t length);
/* Does a key hold a NUL, at which json-c would cut it? */
bool json_strict_cuts_key(const char *text, size_t length);

#endif
