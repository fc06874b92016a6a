/* SPDX-License-Identifier: MIT */
/* What the tests of the configuration share: an environment of their own, a folder, reading. */
#ifndef LLMFO_TESTS_CONFIG_SUPPORT_H
#define LLMFO_TESTS_CONFIG_SUPPORT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"

/* A provider openai with the model m. */
#define ONE "providers: {openai: {api_key: k, models: [m]}}\n"

/* Collects what is reported; support_report() empties it. */
extern struct config_faults support_faults;

/* An environment of pairs of name and value, NULL-terminated; NULL: an empty one. */
struct config_env support_env(const char *const *pairs);
/* Every fault, a line each, without the file's name; a new string. */
char *support_report(void);
/* Reads a text that must be without any fault but warnings. */
struct config *support_read(const char *text, const char *const *pairs);
/* Are the chain's targets these, with blanks between them? */
void support_targets(const struct config_chain *chain, const char *expected);
/* A file of the source tree, such as "data/llmfo.yaml.example"; a new string. */
char *support_shipped(const char *name);

/* A folder for one test, as a checked fixture, and files in it. */
extern char support_folder[];
void support_make_folder(void);
void support_remove_folder(void);
void support_put(const char *name, const char *content, mode_t mode);
/* Reads a text as if it stood in the folder; what is reported, a new string. */
char *support_read_there(const char *text, bool credentials, struct config **config);

/* Runs a suite: main()'s result. */
int support_run(Suite *suite);

#endif
