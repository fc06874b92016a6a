/* SPDX-License-Identifier: MIT */
/*
 * See quota.h. Of several limits of one kind (a minute's and a day's, input and output) the one
 * that leaves least is told; the time is that of what is used up, else the longest.
 */
#include "quota.h"

#include <string.h>

#include "outcome_wait.h"

#define VALUE_BYTES 64
#define DIGITS_MAX 15

static const struct row {
	bool tokens;
	const char *limit, *remaining, *reset;
} rows[] = {
#define X(tokens, limit, remaining, reset) {tokens, limit, remaining, reset},
#include "quota_header.def"
#undef X
};

/* A whole number from 0 up, perhaps with a fraction that is dropped; -1 for anything else: some
 * providers send -1 for what they do not count. */
static int64_t
read_count(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	int64_t number = 0;

	if (digits == 0 || digits > DIGITS_MAX)
		return -1;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (text[i] - '0');
	text += digits;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	return *text == '\0' ? number : -1;
}

static void
keep_least(int64_t *least, int64_t count)
{
	if (*least < 0 || count < *least)
		*least = count;
}

/* Is less than a tenth left of what there is? What the limit is has to be told. */
static bool
is_low(const struct http_headers *headers, const struct row *row, int64_t count)
{
	char value[VALUE_BYTES];

	if (!http_headers_get(headers, row->limit, value, sizeof value))
		return false;
	int64_t limit = read_count(value);
	return limit > 0 && count < (limit + 9) / 10;
}

struct quota
quota_read(const struct http_headers *headers, int64_t wall_ms, int64_t now_ms)
{
	struct quota quota = {.requests_remaining = -1, .tokens_remaining = -1};
	struct outcome_input input = {.headers = headers, .wall_ms = wall_ms};
	int64_t theirs_ms = headers ? outcome_wait_now_ms(&input) : wall_ms;
	int64_t used_up_ms = -1, longest_ms = -1;
	char value[VALUE_BYTES];

	for (size_t i = 0; headers && i < UTIL_COUNT(rows); i++) {
		if (!http_headers_get(headers, rows[i].remaining, value, sizeof value))
			continue;
		int64_t count = read_count(value);
		if (count < 0)
			continue;
		keep_least(rows[i].tokens ? &quota.tokens_remaining : &quota.requests_remaining,
			count);
		quota.low |= is_low(headers, &rows[i], count);
		int64_t wait_ms = http_headers_get(headers, rows[i].reset, value, sizeof value)
			? outcome_wait_parse(value, 1000, theirs_ms)
			: -1;
		if (count == 0 && wait_ms > used_up_ms)
			used_up_ms = wait_ms;
		if (wait_ms > longest_ms)
			longest_ms = wait_ms;
	}
	int64_t wait_ms = used_up_ms > 0 ? used_up_ms : longest_ms;
	quota.used_up = used_up_ms > 0;
	quota.known = quota.requests_remaining >= 0 || quota.tokens_remaining >= 0;
	quota.timed = wait_ms > 0;
	quota.until_ms = util_add_clamped(now_ms, quota.timed ? wait_ms : QUOTA_UNTIMED_MS);
	return quota;
}

int64_t
quota_used_up_ms(const struct quota *quota, int64_t now_ms)
{
	if (!quota->used_up || !quota_holds(quota, now_ms))
		return 0;
	return quota->until_ms - now_ms < QUOTA_BELIEVED_MS ? quota->until_ms - now_ms
							    : QUOTA_BELIEVED_MS;
}

bool
quota_holds(const struct quota *quota, int64_t now_ms)
{
	return quota->known && now_ms < quota->until_ms;
}
