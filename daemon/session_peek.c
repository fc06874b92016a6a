/* SPDX-License-Identifier: MIT */
/* See session_peek.h. */
#include "session_peek.h"

/* Reads an unsigned integer in any of its forms; false if there is none, or not all of it. */
static bool
peek_uint(const unsigned char **at, const unsigned char *end, uint64_t *number)
{
	unsigned char first = *at < end ? *(*at)++ : 0xc0;

	*number = first;
	if (first <= 0x7f)
		return true;
	/* what is written as a signed one may be positive, too */
	unsigned form = first >= 0xd0 && first <= 0xd3 ? first - 4U : first;
	if (form < 0xcc || form > 0xcf || end - *at < 1 << (form - 0xcc))
		return false;
	bool negative = form != first && **at > 0x7f;
	*number = 0;
	for (int left = 1 << (form - 0xcc); left > 0; left--)
		*number = *number << 8 | *(*at)++;
	return !negative;
}

bool
session_peek_msgid(const char *head, size_t count, uint32_t *msgid)
{
	const unsigned char *at = (const unsigned char *)head;
	const unsigned char *end = at + count;
	uint64_t kind, number;

	if (count == 0)
		return false;
	if (*at >= 0x92 && *at <= 0x9f)
		at++;
	else if ((*at == 0xdc && end - at > 2) || (*at == 0xdd && end - at > 4))
		at += *at == 0xdc ? 3 : 5;
	else
		return false;
	if (!peek_uint(&at, end, &kind) || kind != 0 || !peek_uint(&at, end, &number) ||
		number > UINT32_MAX)
		return false;
	*msgid = (uint32_t)number;
	return true;
}
