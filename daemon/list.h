/* SPDX-License-Identifier: MIT */
/* An intrusive, circular, doubly linked list: the head and every element are a struct list. */
#ifndef LLMFO_LIST_H
#define LLMFO_LIST_H

#include "util.h"

struct list {
	struct list *next, *prev;
};

#define LIST_OWNER(node, type, member) UTIL_OWNER(node, type, member)

static inline void
list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool
list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void
list_append(struct list *list, struct list *node)
{
	node->prev = list->prev;
	node->next = list;
	list->prev->next = node;
	list->prev = node;
}

/* Takes a node out and leaves it as an empty list, so that taking it out again does no harm. */
static inline void
list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Moves everything from one list to the end of another. */
static inline void
list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev->next = from->next;
	to->prev = from->prev;
	list_init(from);
}

#endif
