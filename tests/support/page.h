/* SPDX-License-Identifier: MIT */
/* Looking at a page of the documentation, be it a manual page or Markdown: its parts, its words. */
#ifndef LLMFO_PAGE_H
#define LLMFO_PAGE_H

#include "message.h"

/* From `head` up to the next line that begins with `end`, a new string; "" if there is no head. */
char *page_section(const char *page, const char *head, const char *end);
/* Does the name stand there, as a word? */
bool page_has_word(const char *text, const char *name);
/*
 * The part that is about a method: its heading begins with that text ("\n### ", "\n.Ss "), names
 * the method and who may call it, and it goes up to the next heading, which begins with `end`. A
 * new string, "" if there is none.
 */
char *page_method(const char *page, const char *head, const char *end, enum message_method method);

#endif
