/* SPDX-License-Identifier: MIT */
/*
 * Where the daemon's socket may be. The environment is read once, when a client is made, and never
 * by a program that gained privileges by being started.
 */
#ifndef LLMFO_CLIENT_PLACE_H
#define LLMFO_CLIENT_PLACE_H

#include <stddef.h>
#include <sys/un.h>

#define PLACE_MAX 2
#define PLACE_PATH_BYTES sizeof(((struct sockaddr_un *)0)->sun_path)

struct place {
	char path[PLACE_MAX][PLACE_PATH_BYTES]; /* in the order in which they are tried */
	size_t count;
};

/* socket_path, else $LLMFO_SOCKET, else the user's and then the host's. LLMFO_EUSAGE: empty, or
 * longer than a socket's path may be. */
int place_find(struct place *place, const char *socket_path);

#endif
