/* SPDX-License-Identifier: MIT */
/* The part of a strict read that json-c does not do; for json.c alone. */
#ifndef LLMFO_JSON_STRICT_H
#define LLMFO_JSON_STRICT_H

#include <stddef.h>

/* What is wrong with the tokens of text (which holds no NUL), as a static text; NULL if nothing is.
 */
const char *json_strict_fault(const char *text, size_t length);

#endif
