/* SPDX-License-Identifier: MIT */
/* See page.h. */
#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

char *
page_section(const char *page, const char *head, const char *end)
{
	const char *from = strstr(page, head);
	const char *to = from ? strstr(from + 1, end) : NULL;

	return from ? x_strndup(from, to ? (size_t)(to - from) : strlen(from)) : x_strdup("");
}

bool
page_has_word(const char *text, const char *name)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
	size_t length = strlen(name);

	for (const char *at = text; (at = strstr(at, name)) != NULL; at++)
		if ((at == text || !strchr(word, at[-1])) &&
			(!at[length] || !strchr(word, at[length])))
			return true;
	return false;
}

char *
page_method(const char *page, const char *head, const char *end, enum message_method method)
{
	static const char *const who[] = {
		[MESSAGE_ALL] = " (ALL)",
		[MESSAGE_CALLERS] = " (CALLERS)",
		[MESSAGE_REPORTERS] = " (REPORTERS)",
		[MESSAGE_ADMINS] = " (ADMINS)",
	};
	const struct message_info *info = message_info(method);

	for (const char *at = page; (at = strstr(at, head)) != NULL; at++) {
		char *line = x_strndup(at + 1, strcspn(at + 1, "\n"));
		bool ours = page_has_word(line, info->name) && strstr(line, who[info->who]);

		free(line);
		if (ours)
			return page_section(at, head, end);
	}
	return x_strdup("");
}
