/* SPDX-License-Identifier: MIT */
/* What is well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF), and how
 * text that is not is mended. */
#ifndef LLMFO_UTF8_H
#define LLMFO_UTF8_H

#include "buf.h"

/* What a byte that belongs to no character is replaced by: U+FFFD. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the well-formed character at text, of which length bytes are there; 0 if there is none.
 */
size_t utf8_char_bytes(const char *text, size_t length);
bool utf8_valid(const char *text, size_t length);
/* Appends text with each byte that belongs to no character replaced: 0 or what buf_add() says. */
int utf8_mend(const char *text, size_t length, struct buf *out);

#endif
