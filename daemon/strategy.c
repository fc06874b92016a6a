/* SPDX-License-Identifier: MIT */
/* See strategy.h. */
#include "strategy.h"

static const char *const names[] = {
#define X(name, help) #name,
#include "strategy.def"
#undef X
};

enum strategy
strategy_find(const char *name)
{
	size_t i = 0;

	while (i < UTIL_COUNT(names) && !util_equal_nocase(names[i], name))
		i++;
	return (enum strategy)i;
}

const char *
strategy_name(enum strategy strategy)
{
	return names[strategy];
}

const char *
strategy_names(void)
{
	static const char all[] =
#define X(name, help) ", " #name
#include "strategy.def"
#undef X
		;

	return all + 2;
}
