/* SPDX-License-Identifier: MIT */
/*
 * Starts the daemon.
 */
#include "server.h"

int
main(void)
{
	return server_run();
}
