/* SPDX-License-Identifier: MIT */
/*
 * The language of tests/scenarios: a file tells a story line by line, and every line either makes
 * something happen in a scene or says what one expects to see. tests/scenarios/README.md tells it.
 */
#ifndef LLMFO_STORY_H
#define LLMFO_STORY_H

#include "scene.h"
#include "words.h"

/* Plays a file: NULL, or "file:line: what is wrong", a new string. */
char *story_play(const char *path);

/* A line that begins with "expect", the words behind it: NULL or what is not so, a new string. */
char *story_expect(struct scene *scene, struct words *words);
/* "call 2", or the last one without these words; *fault if there is none. */
struct scene_call *story_call(struct scene *scene, struct words *words, char **fault);

#endif
