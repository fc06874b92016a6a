/* SPDX-License-Identifier: MIT */
/*
 * Plays vectors against the daemon's own session and core, in a scene: time, network and random
 * numbers are made up, so that its replies are the same to the byte each time.
 */
#ifndef LLMFO_VECTOR_STAGE_H
#define LLMFO_VECTOR_STAGE_H

#include "vector.h"

/* Plays it and compares: NULL, or "file:line: what is not so", a new string. */
char *vector_stage_play(const struct vector_file *file, const struct vector *vector);
/* Plays it and puts what came into the steps that receive, with their meaning; and into those that
 * send what their meaning stands for. NULL, or what went wrong. */
char *vector_stage_fill(const struct vector_file *file, struct vector *vector);

#endif
