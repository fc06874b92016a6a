/* SPDX-License-Identifier: MIT */
/* See config_index.h: libc's search tree. */
#include "config_index.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
leave(void *named)
{
	(void)named;
}

void
config_index_add(void **index, void *named)
{
	if (!tsearch(named, index, by_name))
		abort();
}

void *
config_index_find(void *index, const char *name)
{
	void *const *found = tfind(&name, &index, by_name);

	return found ? *found : NULL;
}

void
config_index_free(void *index)
{
	tdestroy(index, leave);
}
