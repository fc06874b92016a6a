/* SPDX-License-Identifier: MIT */
/* Who knocks, and whether there is a place left for him. Used by listen.c alone. */
#ifndef LLMFO_LISTEN_ADMIT_H
#define LLMFO_LISTEN_ADMIT_H

#include "config.h"
#include "session.h"

/* Places that administrators alone may take, so that there is always a way in to look and to mend.
 * Fewer where there are few at all. */
#define ADMIT_RESERVE 16

/* Who is at the other end: uid, gid and pid of the one that connected, and its groups (to be
 * freed), all from the kernel. Negative: it does not say. */
int admit_ask_peer(int fd, struct session_peer *peer);
/* Descriptors that connections leave to everything else, where there are few. */
#define ADMIT_FILES_RESERVE 32

/*
 * Tells a peer that there is no place for it, if its first request has come already; no answer is
 * expected of who says nothing. The connection is the caller's to close.
 */
void admit_refuse(int fd, const char *why);

/*
 * NULL, or why there is no place for a connection of a user, when `open` are open and `own` of them
 * are that user's, this one among both. admin: no share holds it up.
 */
const char *admit_fault(const struct config *config, bool admin, int open, int own);

#endif
