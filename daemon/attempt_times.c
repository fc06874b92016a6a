/* SPDX-License-Identifier: MIT */
/* See attempt_times.h. */
#include "attempt_times.h"

static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

void
attempt_times_start(struct attempt_times *times, int64_t now_ms)
{
	times->started_ms = times->sign_ms = now_ms;
	times->begun = false;
	times->held_since_ms = CLOCK_NEVER;
	times->held_ms = 0;
}

bool
attempt_times_sign(struct attempt_times *times, int64_t now_ms)
{
	bool first = !times->begun;

	times->begun = true;
	times->sign_ms = now_ms;
	return first;
}

void
attempt_times_hold(struct attempt_times *times, bool held, int64_t now_ms)
{
	if (held == (times->held_since_ms != CLOCK_NEVER))
		return;
	if (held) {
		times->held_since_ms = now_ms;
	} else {
		times->held_ms += now_ms - times->held_since_ms;
		times->sign_ms += now_ms - times->held_since_ms;
		times->held_since_ms = CLOCK_NEVER;
	}
}

int64_t
attempt_times_held_ms(const struct attempt_times *times, int64_t now_ms)
{
	return times->held_ms +
		(times->held_since_ms == CLOCK_NEVER ? 0 : now_ms - times->held_since_ms);
}

static int64_t
silence_end_ms(const struct attempt_times *times)
{
	return util_add_clamped(
		times->sign_ms, times->begun ? times->idle_ms : times->first_token_ms);
}

int64_t
attempt_times_own_end_ms(const struct attempt_times *times)
{
	int64_t total_end_ms = util_add_clamped(
		util_add_clamped(times->started_ms, times->own_limit_ms), times->held_ms);

	if (times->held_since_ms != CLOCK_NEVER)
		return CLOCK_NEVER;
	return sooner(total_end_ms, silence_end_ms(times));
}

int64_t
attempt_times_end_ms(const struct attempt_times *times)
{
	int64_t end_ms =
		sooner(times->deadline_ms, util_add_clamped(times->started_ms, times->limit_ms));

	if (!times->begun && times->held_since_ms == CLOCK_NEVER)
		end_ms = sooner(end_ms,
			util_add_clamped(util_add_clamped(times->started_ms, times->share_ms),
				times->held_ms));
	return sooner(end_ms, attempt_times_own_end_ms(times));
}

bool
attempt_times_silent(const struct attempt_times *times, int64_t now_ms)
{
	return times->begun && times->held_since_ms == CLOCK_NEVER &&
		now_ms >= silence_end_ms(times);
}
