/* SPDX-License-Identifier: MIT */
/*
 * A gzip body that is small on the wire and large unpacked. It is made by hand, because its middle
 * repeats to the byte, so that a bomb of any size is sent from a few kilobytes.
 */
#ifndef FAKELLM_GZIP_H
#define FAKELLM_GZIP_H

#include "reply.h"

/* Adds a body that unpacks to at least `bytes` (rounded up to 2064), with a right checksum. */
void gzip_bomb(struct reply *r, int64_t bytes);

#endif
