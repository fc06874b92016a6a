/* SPDX-License-Identifier: MIT */
/* Code <-> number <-> text, expanded from LLMFO_ERROR_MAP so that none of the three can be
 * forgotten. */
#include "error.h"

#include <string.h>

#include "llmfo.h"

static const struct {
	int error;
	const char *code;
	const char *text;
} errors[] = {
#define LLMFO_X(name, value, code, text) {(value), (code), (text)},
	LLMFO_ERROR_MAP(LLMFO_X)
#undef LLMFO_X
};

static const size_t error_count = sizeof errors / sizeof errors[0];

const char *
error_code(int error)
{
	if (error == 0)
		return "ok";
	for (size_t i = 0; i < error_count; i++)
		if (errors[i].error == error)
			return errors[i].code;
	return "unknown";
}

const char *
error_text(int error)
{
	if (error == 0)
		return "no error";
	for (size_t i = 0; i < error_count; i++)
		if (errors[i].error == error)
			return errors[i].text;
	return "an unknown error";
}

int
error_from_code(const char *code)
{
	for (size_t i = 0; code && i < error_count; i++)
		if (strcmp(errors[i].code, code) == 0)
			return errors[i].error;
	return LLMFO_EINTERNAL;
}
