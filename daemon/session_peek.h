/* SPDX-License-Identifier: MIT */
/* Whom to answer when a message is not whole, or is not looked at. Used by session.c and
 * listen_admit.c. */
#ifndef LLMFO_SESSION_PEEK_H
#define LLMFO_SESSION_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The msgid of a message of which perhaps only the beginning is there: [0, msgid, ...]. False if it
 * has none.
 */
bool session_peek_msgid(const char *head, size_t count, uint32_t *msgid);

#endif
