/* SPDX-License-Identifier: MIT */
/* See watchdog.h. */
#include "watchdog.h"

#include "clock.h"

static bool
in_time(const struct watchdog_view *view, int64_t due_ms, const char *what, struct buf *why)
{
	if (due_ms == CLOCK_NEVER || view->now_ms - due_ms <= view->late_ms)
		return true;
	(void)buf_printf(why, "%s is %lld ms late", what, (long long)(view->now_ms - due_ms));
	return false;
}

bool
watchdog_progress(const struct watchdog_view *view, struct buf *why)
{
	return in_time(view, view->timer_due_ms, "a timer", why) &&
		in_time(view, view->call_due_ms, "the end of a call", why);
}
