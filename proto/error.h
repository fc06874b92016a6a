/* SPDX-License-Identifier: MIT */
/* Error codes and their texts, for daemon and library alike, from the one list in llmfo.h. */
#ifndef LLMFO_PROTO_ERROR_H
#define LLMFO_PROTO_ERROR_H

/* The wire code ("all_failed"); "ok" for 0, "unknown" for no error of ours. */
const char *error_code(int error);
/* A sentence; never NULL. */
const char *error_text(int error);
/* The error a wire code names, LLMFO_EINTERNAL if this version does not know it. */
int error_from_code(const char *code);

#endif
