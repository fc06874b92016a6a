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

/* Plays one sentence in a scene: NULL, or what is wrong, a new string. */
char *story_sentence(struct scene *scene, const char *line);
/* A line that begins with "expect", the words behind it: NULL or what is not so, a new string. */
char *story_expect(struct scene *scene, struct words *words);
/* "client reports", the words behind it: [pick 2 | target a/m] OUTCOME [retry-after 30s] [in-vain].
 */
char *story_report(struct scene *scene, struct words *words);
/* "expect pick [of pick 2] a/m", "expect [no] event "text"". */
char *story_expect_pick(struct scene *scene, struct words *words);
char *story_expect_event(struct scene *scene, struct words *words, bool wanted);
/* "call 2", or the last one without these words; *fault if there is none. */
struct scene_call *story_call(struct scene *scene, struct words *words, char **fault);

#endif
