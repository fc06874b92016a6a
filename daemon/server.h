/* SPDX-License-Identifier: MIT */
/*
 * The daemon as a whole.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

/* Runs the daemon until it is told to end. Returns the exit status. */
int server_run(void);

#endif
