/* SPDX-License-Identifier: MIT */
/*
 * The client's side of the library.
 */
#include <llmfo.h>

const char *
llmfo_version(void)
{
	return PACKAGE_VERSION;
}
