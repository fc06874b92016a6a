/* SPDX-License-Identifier: MIT */
/*
 * A real redis-server for a test: in a folder of its own, on a Unix socket there (and a port of
 * 127.0.0.1, if asked for), keeping nothing on disk, gone with the test. Failures of its own end
 * the test; nothing here waits longer than 25 seconds.
 */
#ifndef LLMFO_TESTS_REDIS_H
#define LLMFO_TESTS_REDIS_H

#include <stdbool.h>
#include <sys/types.h>

struct redis {
	char folder[64];
	char socket[96];
	char url[128]; /* "unix:///tmp/.../redis.sock", without a password */
	int port;      /* 0: on the socket alone */
	/* Further words of its command line, NULL-terminated; NULL: none. */
	const char *const *options;
	const char *password; /* that it asks for; NULL: none. Borrowed */
	pid_t pid;            /* 0: not running */
};

/* Is there a redis-server? Where not, a test prints a line and ends with 77. */
bool redis_is_installed(void);

/* Makes its folder. port, options and password may be set after it. */
void redis_init(struct redis *redis);
/* Finds a free port and makes it listen there as well: before redis_start(). */
void redis_use_port(struct redis *redis);
/* Starts it, or starts it again, empty, and waits until it is ready. */
void redis_start(struct redis *redis);
/* It stands still and answers nobody, while the kernel still accepts for it; and goes on. */
void redis_freeze(struct redis *redis);
void redis_thaw(struct redis *redis);
/* Ends it at once, frozen or not. redis_start() may follow. */
void redis_kill(struct redis *redis);
/* Ends it if it runs, and removes the folder. */
void redis_stop(struct redis *redis);

/*
 * Runs one command, given as words. What it answered, as text: a number in digits, an error as it
 * is ("ERR ..."), "(nil)" for nothing, items of a list a line each. The caller frees it.
 */
char *redis_ask(const struct redis *redis, ...) __attribute__((sentinel));
/* The same where any answer will do but an error. */
void redis_do(const struct redis *redis, ...) __attribute__((sentinel));
/* Does it answer exactly that? */
bool redis_answers(const struct redis *redis, const char *answer, ...) __attribute__((sentinel));

#endif
