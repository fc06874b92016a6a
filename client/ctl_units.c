/* SPDX-License-Identifier: MIT */
/* Numbers as people say them. See ctl_out.h. */
#include <inttypes.h>
#include <string.h>

#include "ctl_out.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* Pico-dollars in a millionth of a dollar. */
#define MICRO INT64_C(1000000)

/* The two largest units, the second left out when it is 0. */
static struct ctl_unit
two_units(int64_t ms, int64_t large, char large_name, int64_t small, char small_name)
{
	struct ctl_unit unit;
	int64_t rest = ms % large / small;

	if (rest)
		snprintf(unit.text, sizeof unit.text, "%" PRId64 "%c %" PRId64 "%c", ms / large,
			large_name, rest, small_name);
	else
		snprintf(unit.text, sizeof unit.text, "%" PRId64 "%c", ms / large, large_name);
	return unit;
}

struct ctl_unit
ctl_time(int64_t ms)
{
	struct ctl_unit unit;

	if (ms < 0)
		ms = 0;
	if (ms >= DAY)
		return two_units(ms, DAY, 'd', HOUR, 'h');
	if (ms >= HOUR)
		return two_units(ms, HOUR, 'h', MINUTE, 'm');
	if (ms >= MINUTE)
		return two_units(ms, MINUTE, 'm', SECOND, 's');
	if (ms >= 10 * SECOND)
		snprintf(unit.text, sizeof unit.text, "%" PRId64 " s", ms / SECOND);
	else if (ms >= SECOND)
		snprintf(unit.text, sizeof unit.text, "%" PRId64 ".%" PRId64 " s", ms / SECOND,
			ms % SECOND / 100);
	else
		snprintf(unit.text, sizeof unit.text, "%" PRId64 " ms", ms);
	return unit;
}

struct ctl_unit
ctl_rate(double rate)
{
	struct ctl_unit unit = {"-"};

	if (!(rate >= 0 && rate <= 1))
		return unit;
	int tenths = (int)(rate * 1000 + 0.5);
	if (tenths == 1000 && rate < 1)
		tenths = 999; /* not quite all is not all */
	if (tenths == 0 && rate > 0)
		tenths = 1;
	if (tenths % 10)
		snprintf(unit.text, sizeof unit.text, "%d.%d %%", tenths / 10, tenths % 10);
	else
		snprintf(unit.text, sizeof unit.text, "%d %%", tenths / 10);
	return unit;
}

struct ctl_unit
ctl_count(int64_t count, const char *thing)
{
	struct ctl_unit unit;

	snprintf(unit.text, sizeof unit.text, "%" PRId64 " %s%s", count, thing,
		count == 1 ? "" : "s");
	return unit;
}

struct ctl_unit
ctl_money(int64_t picousd)
{
	struct ctl_unit unit;
	int64_t micros = picousd / MICRO;

	if (picousd > 0 && micros == 0) {
		snprintf(unit.text, sizeof unit.text, "under $0.000001");
		return unit;
	}
	int length = snprintf(unit.text, sizeof unit.text, "$%" PRId64 ".%06" PRId64,
		micros / MICRO, micros % MICRO);
	for (int decimals = 6; decimals > 2 && unit.text[length - 1] == '0'; decimals--)
		unit.text[--length] = '\0';
	return unit;
}
