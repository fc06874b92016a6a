/* SPDX-License-Identifier: MIT */
/*
 * Decimal text as an exact integer of a smaller unit: money and prices never pass through a
 * floating point number.
 */
#ifndef LLMFO_DECIMAL_H
#define LLMFO_DECIMAL_H

#include "buf.h"

/*
 * Reads a decimal number ("2.50", "7", "2.5e-06") times 10^places: 0, LLMFO_EINVALID_REQUEST when
 * the text is no such number, LLMFO_ETOO_LARGE when it is beyond int64. What is finer than the unit
 * is rounded half up (away from zero), and *exact, which may be NULL, becomes false.
 */
int decimal_read(
	const char *text, size_t length, int places, int64_t *value, bool *exact) UTIL_MUST_CHECK;
/* Appends value / 10^places with at least `least` and at most `places` digits behind the point:
 * decimal_print(2500000, 6, 2, out) is "2.50". */
void decimal_print(int64_t value, int places, int least, struct buf *out);

#endif
