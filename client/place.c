/* SPDX-License-Identifier: MIT */
/* See place.h. */
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llmfo.h"

static int
add(struct place *place, const char *directory, const char *file)
{
	char *path = place->path[place->count];
	int length = snprintf(path, PLACE_PATH_BYTES, "%s%s", directory, file);

	if (length <= 0 || (size_t)length >= PLACE_PATH_BYTES)
		return LLMFO_EUSAGE;
	place->count++;
	return 0;
}

int
place_find(struct place *place, const char *socket_path)
{
	place->count = 0;
	if (socket_path)
		return add(place, socket_path, "");
	const char *named = secure_getenv("LLMFO_SOCKET");
	if (named && *named)
		return add(place, named, "");
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	if (runtime && *runtime == '/')
		(void)add(
			place, runtime, "/llmfo/llmfo.sock"); /* too long: no daemon can be there */
	return add(place, "/run/llmfo/llmfo.sock", "");
}
