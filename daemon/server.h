/* SPDX-License-Identifier: MIT */
/*
 * The daemon as a process: one libuv loop, the socket, signals, the service manager. Everything
 * starts here in order and stops in reverse.
 */
#ifndef LLMFO_SERVER_H
#define LLMFO_SERVER_H

#include <stdbool.h>

struct environment;

/* What the command line said, and where variables are. Strings are borrowed; NULL: not given. */
struct server_options {
	const char *config;
	const char *socket;
	const char *state;
	const char *env_file;
	bool check_config;
	struct environment *environment; /* borrowed */
};

/* Runs the daemon until it is told to end, or only checks the configuration. Returns the exit
 * status: 0, or 1 with the reason said. */
int server_run(const struct server_options *options);

#endif
