/* SPDX-License-Identifier: MIT */
/* See utf8.h. */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* The lead bytes and what may follow first; all further bytes are 80..BF (Unicode, table 3-7). */
static const struct form {
	unsigned char lead_first, lead_last;
	unsigned char second_first, second_last;
	unsigned char bytes;
} forms[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3},
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool
fits(const struct form *form, const char *text)
{
	unsigned char second = (unsigned char)text[1];

	if (second < form->second_first || second > form->second_last)
		return false;
	for (size_t i = 2; i < form->bytes; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

size_t
utf8_char_bytes(const char *text, size_t length)
{
	if (length == 0)
		return 0;
	unsigned char lead = (unsigned char)text[0];
	if (lead < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (lead >= forms[i].lead_first && lead <= forms[i].lead_last)
			return length >= forms[i].bytes && fits(&forms[i], text) ? forms[i].bytes
										 : 0;
	}
	return 0;
}

/* Bytes at the beginning that are ASCII, as far as whole words are. */
static size_t
ascii_words(const char *text, size_t length)
{
	size_t done = 0;
	uint64_t word;

	for (; length - done >= sizeof word; done += sizeof word) {
		memcpy(&word, text + done, sizeof word);
		if (word & 0x8080808080808080)
			break;
	}
	return done;
}

size_t
utf8_good_bytes(const char *text, size_t length)
{
	size_t done = 0;

	while (done < length) {
		done += ascii_words(text + done, length - done);
		if (done == length)
			break;
		size_t bytes = utf8_char_bytes(text + done, length - done);
		if (bytes == 0)
			break;
		done += bytes;
	}
	return done;
}

bool
utf8_valid(const char *text, size_t length)
{
	return utf8_good_bytes(text, length) == length;
}
