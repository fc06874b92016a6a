/* SPDX-License-Identifier: MIT */
/* See retry.h. */
#include "retry.h"

bool
retry_take(struct retry *retry)
{
	if (retry_left(retry) < RETRY_REPEAT)
		return false;
	retry->spent += RETRY_REPEAT;
	return true;
}

void
retry_answered(struct retry *retry)
{
	retry->spent = retry->spent > RETRY_ANSWER ? retry->spent - RETRY_ANSWER : 0;
}

int
retry_left(const struct retry *retry)
{
	return RETRY_FULL - retry->spent;
}
