/* SPDX-License-Identifier: MIT */
/*
 * The command llmfoctl.
 */
#include <stdio.h>

#include <llmfo.h>

int
main(void)
{
	printf("llmfoctl %s\n", llmfo_version());
	return 0;
}
