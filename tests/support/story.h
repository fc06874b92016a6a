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
/* "streams", the words behind it: "text" and what happens to the stream. */
char *story_read_stream(struct words *words, struct fake_behaviour *behaviour);
/* Of a wish: "race [hedge 200ms | hedge auto] [parallel 2]", "stream [on-break error | restart |
 * continue]", the words behind the first. */
char *story_read_race(struct words *words, struct scene_wish *wish);
char *story_read_on_break(struct words *words, struct scene_wish *wish);
/* "client stops-reading [call 2]", "client reads-again [call 2]". */
char *story_hold(struct scene *scene, struct words *words, bool held);
/* "expect deltas [of call 2] "text"", "expect resets 1", "expect tool-calls 1". */
char *story_expect_deltas(struct scene *scene, struct words *words);
char *story_expect_resets(struct scene *scene, struct words *words);
char *story_expect_tool_calls(struct scene *scene, struct words *words);
/* Of a reply: "partial "text"", "first-token 300ms". */
char *story_expect_partial(const struct scene_call *call, struct words *words);
char *story_expect_first_token(const struct scene_call *call, struct words *words);
/* "call 2", or the last one without these words; *fault if there is none. */
struct scene_call *story_call(struct scene *scene, struct words *words, char **fault);

#endif
