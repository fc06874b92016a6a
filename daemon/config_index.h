/* SPDX-License-Identifier: MIT */
/*
 * Finding by name among many: agents and targets may be thousands, and are looked for by each call.
 * What is indexed begins with its name (char *), which stays as it is; it is borrowed.
 */
#ifndef LLMFO_CONFIG_INDEX_H
#define LLMFO_CONFIG_INDEX_H

/* *index is NULL at first. Where the name is there already, the one that was first stays. */
void config_index_add(void **index, void *named);
/* NULL: there is none of that name. */
void *config_index_find(void *index, const char *name);
void config_index_free(void *index);

#endif
