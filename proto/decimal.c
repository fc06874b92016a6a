/* SPDX-License-Identifier: MIT */
/* See decimal.h. */
#include "decimal.h"

#include <string.h>

#include "llmfo.h"

/* Beyond this an exponent makes zero or too much of whatever stands before it. */
#define EXPONENT_MAX 100000

struct number {
	const char *digits; /* where they begin; a point may be among them */
	const char *end;    /* behind the last one */
	bool negative;
	int64_t exponent; /* of the last digit */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What stands behind e or E; false if that is no number. */
static bool
read_exponent(const char *at, const char *end, int64_t *exponent)
{
	bool negative = at < end && *at == '-';
	int64_t number = 0;

	if (at < end && (*at == '-' || *at == '+'))
		at++;
	if (at == end)
		return false;
	for (; at < end; at++) {
		if (!is_digit(*at))
			return false;
		if (number < EXPONENT_MAX)
			number = number * 10 + (*at - '0');
	}
	*exponent = negative ? -number : number;
	return true;
}

static bool
split(const char *text, const char *end, struct number *number)
{
	bool point = false, any = false;
	const char *at = text;
	int64_t behind = 0;

	number->negative = at < end && *at == '-';
	number->digits = at += number->negative;
	for (; at < end && (is_digit(*at) || (*at == '.' && !point)); at++) {
		point |= *at == '.';
		any |= *at != '.';
		behind += point && *at != '.';
	}
	number->end = at;
	number->exponent = 0;
	if (!any || at[-1] == '.')
		return false;
	if (at < end && (*at == 'e' || *at == 'E') &&
		!read_exponent(at + 1, end, &number->exponent))
		return false;
	if (at < end && *at != 'e' && *at != 'E')
		return false;
	number->exponent -= behind;
	return true;
}

/* value * 10 + digit, downwards: the negative side has room for one more. */
static bool
append(int64_t *value, int digit)
{
	return !__builtin_mul_overflow(*value, (int64_t)10, value) &&
		!__builtin_sub_overflow(*value, (int64_t)digit, value);
}

static int
finish(int64_t value, const struct number *number, int64_t *result)
{
	if (!number->negative && value == INT64_MIN)
		return LLMFO_ETOO_LARGE;
	*result = number->negative ? value : -value;
	return 0;
}

int
decimal_read(const char *text, size_t length, int places, int64_t *value, bool *exact)
{
	struct number number;
	int64_t sum = 0, kept, seen = 0;
	bool whole = true, up = false;

	if (!split(text, text + length, &number))
		return LLMFO_EINVALID_REQUEST;
	/* how many of the digits stand above the unit's last place; the rest is rounded */
	for (const char *at = number.digits; at < number.end; at++)
		seen += *at != '.';
	kept = seen + number.exponent + places;
	seen = 0;
	for (const char *at = number.digits; at < number.end; at++) {
		if (*at == '.')
			continue;
		if (seen < kept && !append(&sum, *at - '0'))
			return LLMFO_ETOO_LARGE;
		whole &= seen < kept || *at == '0';
		up |= seen == kept && *at >= '5';
		seen++;
	}
	for (; seen < kept && sum != 0; seen++)
		if (!append(&sum, 0))
			return LLMFO_ETOO_LARGE;
	if (up && __builtin_sub_overflow(sum, (int64_t)1, &sum))
		return LLMFO_ETOO_LARGE;
	if (exact)
		*exact = whole;
	return finish(sum, &number, value);
}

void
decimal_text(int64_t value, int places, int least, char text[DECIMAL_TEXT_BYTES])
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[DECIMAL_TEXT_BYTES - 4];
	int count = 0, skip = 0;

	while (rest > 0 || count <= places) {
		digits[count++] = (char)('0' + rest % 10);
		rest /= 10;
	}
	while (skip < places - least && digits[skip] == '0')
		skip++;
	if (value < 0)
		*text++ = '-';
	while (count > skip) {
		if (count == places)
			*text++ = '.';
		*text++ = digits[--count];
	}
	*text = '\0';
}
