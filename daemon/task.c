/* SPDX-License-Identifier: MIT */
/* See task.h; llmfod(8), CHAINS, tells the rules. */
#include "task.h"

#include <string.h>

static char
folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' || c == ' ' ? '_' : c;
}

/* Its length without the s of a plural. */
static size_t
singular(const char *name)
{
	size_t length = strlen(name);

	return length > 1 && folded(name[length - 1]) == 's' ? length - 1 : length;
}

static bool
same_task(const char *a, const char *b)
{
	size_t length = singular(a);

	if (singular(b) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (folded(a[i]) != folded(b[i]))
			return false;
	return true;
}

struct config_chain *
task_chain(const struct config *config, const char *type)
{
	struct config_chain *chain = config_find_chain(config, type, false);

	for (size_t i = 0; !chain && i < config->chain_count; i++)
		if (!config->chains[i]->agent && same_task(config->chains[i]->name, type))
			chain = config->chains[i];
	if (!chain && same_task(type, "code"))
		chain = config_find_chain(config, "code_generation", false);
	return chain;
}

/* ---- the kind of a request ---- */

static bool
has(const char *text, size_t length, const char *sign)
{
	return memmem(text, length, sign, strlen(sign)) != NULL;
}

/* A fenced block, or two different signs of source code. */
static bool
is_code(const char *text, size_t length)
{
	static const char *const signs[] = {"#include", "def ", "function ", "class ", "import ",
		"return ", "SELECT ", "Traceback", "();", "};", "</", " => ", "==", "!="};
	int seen = 0;

	if (has(text, length, "```"))
		return true;
	for (size_t i = 0; i < UTIL_COUNT(signs) && seen < 2; i++)
		seen += has(text, length, signs[i]);
	return seen >= 2;
}

static bool
content_is_code(const struct json *content)
{
	size_t length;
	const char *text = json_string(content, &length);

	if (text)
		return is_code(text, length);
	for (size_t i = 0; json_type(content) == JSON_ARRAY && i < json_count(content); i++) {
		text = json_string(json_get(json_at(content, i), "text"), &length);
		if (text && is_code(text, length))
			return true;
	}
	return false;
}

const char *
task_judge(const struct json *messages, bool images, bool tools, int64_t prompt_tokens)
{
	if (images)
		return "balanced";
	if (prompt_tokens >= TASK_LONG_TOKENS)
		return "long_context";
	for (size_t i = 0; i < json_count(messages); i++)
		if (content_is_code(json_get(json_at(messages, i), "content")))
			return "code_generation";
	return prompt_tokens <= TASK_SHORT_TOKENS && !tools ? "simple_tasks" : "balanced";
}
