/* SPDX-License-Identifier: MIT */
/* What is well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef LLMFO_PROTO_UTF8_H
#define LLMFO_PROTO_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* What a byte that belongs to no character is replaced by: U+FFFD. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the well-formed character at text, of which length bytes are there; 0 if there is none.
 */
size_t utf8_char_bytes(const char *text, size_t length);
/* Bytes of well-formed text from the start on. */
size_t utf8_good_bytes(const char *text, size_t length);
bool utf8_valid(const char *text, size_t length);

#endif
