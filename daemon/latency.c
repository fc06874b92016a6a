/* SPDX-License-Identifier: MIT */
/* See latency.h. */
#include "latency.h"

/* 0 to 7 ms have a step each; above, the three bits behind the leading one choose among eight. */
static size_t
step_of(int64_t ms)
{
	if (ms < 8)
		return (size_t)ms;
	unsigned top = 63 - (unsigned)__builtin_clzll((unsigned long long)ms);
	size_t step = (size_t)(top - 2) * 8 + (size_t)(ms >> (top - 3) & 7);
	return step < LATENCY_STEPS ? step : LATENCY_STEPS - 1;
}

/* The middle of a step. */
static int64_t
value_of(size_t step)
{
	if (step < 8)
		return (int64_t)step;
	unsigned top = (unsigned)(step / 8) + 2;
	int64_t low = (int64_t)(8 + step % 8) << (top - 3);
	return low + (((int64_t)1 << (top - 3)) - 1) / 2;
}

void
latency_note(struct latency *latency, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (latency->count == 0 || ms < latency->low_ms)
		latency->low_ms = ms;
	if (ms > latency->high_ms)
		latency->high_ms = ms;
	int64_t us = ms > INT64_MAX / 4000 ? INT64_MAX / 4 : ms * 1000;
	if (latency->count == 0)
		latency->lately_us = us;
	else
		latency->lately_us += (us - latency->lately_us) / 4;
	latency->count++;
	latency->sum_ms = util_add_clamped(latency->sum_ms, ms);
	latency->steps[step_of(ms)]++;
}

int64_t
latency_average_ms(const struct latency *latency)
{
	if (latency->count == 0)
		return -1;
	int64_t count = (int64_t)latency->count;
	return latency->sum_ms / count + (latency->sum_ms % count >= (count + 1) / 2);
}

int64_t
latency_lately_ms(const struct latency *latency)
{
	return latency->count == 0 ? -1 : (latency->lately_us + 500) / 1000;
}

int64_t
latency_percentile_ms(const struct latency *latency, int percent)
{
	if (latency->count == 0)
		return -1;
	uint64_t wanted = (latency->count * (uint64_t)percent + 99) / 100;
	uint64_t seen = 0;
	size_t step = 0;
	if (wanted >= latency->count)
		return latency->high_ms;
	while (step < LATENCY_STEPS - 1 && (seen += latency->steps[step]) < wanted)
		step++;
	int64_t ms = value_of(step);
	if (ms < latency->low_ms)
		return latency->low_ms;
	return ms > latency->high_ms ? latency->high_ms : ms;
}
