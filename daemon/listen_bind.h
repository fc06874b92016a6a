/* SPDX-License-Identifier: MIT */
/* Makes the daemon's listening socket in the file system, and takes it away again. Used by listen.c
 * alone. */
#ifndef LLMFO_LISTEN_BIND_H
#define LLMFO_LISTEN_BIND_H

#include <sys/types.h>

#include "buf.h"

/* Which file it is, so that never another daemon's is removed. */
struct bound_file {
	dev_t device;
	ino_t inode;
};

/*
 * A bound, non-blocking socket at path with mode and group (NULL: as it comes), its folder made if
 * only that is missing. A stale file is replaced. Negative with why: somebody listens there, it is
 * no socket, the path is too long, the folder is not there, ...
 */
int bind_socket(const char *path, unsigned mode, const char *group, struct bound_file *file,
	struct buf *why);
/* Removes the file if it is still the same one. */
void bind_remove(const char *path, const struct bound_file *file);

#endif
