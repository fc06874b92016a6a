/* SPDX-License-Identifier: MIT */
/*
 * The daemon as a whole.
 */
#include "server.h"

int
server_run(void)
{
	return 0;
}
