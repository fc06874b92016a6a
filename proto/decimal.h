/* SPDX-License-Identifier: MIT */
/*
 * Decimal text as an exact integer of a smaller unit: money and prices never pass through a
 * floating point number.
 */
#ifndef LLMFO_PROTO_DECIMAL_H
#define LLMFO_PROTO_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECIMAL_TEXT_BYTES 96

/*
 * Reads a decimal number ("2.50", "7", "2.5e-06") times 10^places: 0, LLMFO_EINVALID_REQUEST when
 * the text is no such number, LLMFO_ETOO_LARGE when it is beyond int64. What is finer than the unit
 * is rounded half up (away from zero), and *exact, which may be NULL, becomes false.
 */
__attribute__((warn_unused_result)) int decimal_read(
	const char *text, size_t length, int places, int64_t *value, bool *exact);
/* value / 10^places (at most 64) as text with at least `least` and at most `places` digits behind
 * the point: 2500000, 6 and 2 make "2.50". */
void decimal_text(int64_t value, int places, int least, char text[DECIMAL_TEXT_BYTES]);

#endif
