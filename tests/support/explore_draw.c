/* SPDX-License-Identifier: MIT */
/* The explorer's chance, of its own so that it is the same everywhere, and its trace. */
#include <stdlib.h>
#include <string.h>

#include "explore_state.h"

/* splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t
explore_draw(struct explore *explore)
{
	uint64_t value = explore->state += 0x9e3779b97f4a7c15;

	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

int
explore_below(struct explore *explore, int limit)
{
	return (int)(explore_draw(explore) % (uint64_t)limit);
}

bool
explore_one_in(struct explore *explore, int count)
{
	return explore_below(explore, count) == 0;
}

uint32_t
explore_some_uid(struct explore *explore)
{
	return EXPLORE_FIRST_UID + (uint32_t)explore_below(explore, EXPLORE_USERS);
}

int64_t
explore_some_ms(struct explore *explore)
{
	static const int scales[] = {2, 50, 50, 1000, 1000, 5000, 30000, 400000};

	return explore_below(explore, scales[explore_below(explore, UTIL_COUNT(scales))]);
}

/* FNV-1a. */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

static void
print(struct explore *explore, const char *line)
{
	struct scene *scene = explore->scene;

	for (; explore->logged < scene->log_count; explore->logged++)
		(void)fprintf(explore->trace, "%14s| %s\n", "", scene->log[explore->logged].text);
	(void)fprintf(explore->trace, "%12lld  %s\n",
		(long long)(scene->clock.time_ms - scene->core.started_ms), line);
}

void
explore_say(struct explore *explore, const char *format, ...)
{
	char line[600];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	explore->hash = hash_text(explore->hash, line);
	explore->hash = (explore->hash ^ (uint64_t)explore->scene->clock.time_ms) * 0x100000001b3;
	if (explore->trace)
		print(explore, line);
}

void
explore_blame(struct explore *explore, const char *sentence, const char *format, ...)
{
	va_list args;

	if (explore->broken)
		return;
	va_start(args, format);
	char *how = x_vasprintf(format, args);
	va_end(args);
	explore->broken = x_asprintf("%s: %s", sentence, how);
	explore_say(explore, "HERE IT WENT WRONG: %s", explore->broken);
	free(how);
}
