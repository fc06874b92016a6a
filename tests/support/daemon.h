/* SPDX-License-Identifier: MIT */
/*
 * The real llmfod for a test: in a folder of its own, with the configuration the test writes, ready
 * when daemon_start() returns (it listens to what the daemon tells the service manager, so nothing
 * polls). And llmfoctl, or any program, run against it. Failures of its own end the test.
 */
#ifndef LLMFO_TESTS_DAEMON_H
#define LLMFO_TESTS_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "json.h"
#include "wire.h"

struct daemon {
	char directory[64];
	char socket[96], config[96], log[96], state[96];
	const char *const *options;   /* further ones of llmfod, NULL-terminated; NULL: none */
	const char *const *variables; /* NAME=VALUE, NULL-terminated, set for it; NULL: none */
	bool no_config;               /* no --config: the environment is the configuration */
	bool no_socket;               /* no --socket either */
	bool no_state;                /* nor --state, which is a file of its folder */
	int inherited;                /* a listening socket to be passed as systemd does; 0: none */
	uid_t client_uid;             /* who its clients run as; 0: as the test does */
	gid_t client_gid;             /* and their only further group; 0: none */
	pid_t pid;                    /* 0: not running */
	int life;                     /* hangs up when it ends */
	int notify;                   /* where it tells how it is */
};

/* What a program printed and how it ended. Freed by run_free(). */
struct run {
	int status; /* its exit status, 128 + signal */
	char *out, *err;
};

/* Makes its folder. Members may be set after it. */
void daemon_init(struct daemon *d);
/* Writes the configuration file. */
void daemon_configure(struct daemon *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A file of the daemon's folder: its path, valid until the next one. */
const char *daemon_file(struct daemon *d, const char *name, const char *text);
/* Starts it and waits until it is ready. */
void daemon_start(struct daemon *d);
/* Starts it with a configuration in one go. */
void daemon_begin(struct daemon *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Starts it without waiting; and whether it then became ready, or ended. */
void daemon_launch(struct daemon *d);
bool daemon_is_ready(struct daemon *d);
/* Starts it where it is expected to end by itself; its exit status. */
int daemon_start_failing(struct daemon *d);
/* Waits for the next thing it tells the service manager; the whole text, valid until the next. */
const char *daemon_told(struct daemon *d);
/* The same until one contains part. */
void daemon_wait_told(struct daemon *d, const char *part);
void daemon_signal(struct daemon *d, int number);
/* Waits for its end; its exit status, 128 + signal. */
int daemon_wait(struct daemon *d);
/* SIGTERM, waits, checks that it ended well and removes the folder. */
void daemon_stop(struct daemon *d);
/* Removes what a daemon that has ended left. */
void daemon_clean(struct daemon *d);
/* All it has logged so far. The caller frees it. */
char *daemon_log(const struct daemon *d);
/* How often a text stands in the log. */
unsigned daemon_logged(const struct daemon *d, const char *part);

/* Descriptors, -1 where they may not be seen; resident kilobytes; times it slept. */
int daemon_descriptors(const struct daemon *d);
long daemon_resident_kb(const struct daemon *d);
/* The most it has been since daemon_forget_peak(); that is root's, for others since its start. */
long daemon_peak_kb(const struct daemon *d);
void daemon_forget_peak(const struct daemon *d);
long daemon_switches(const struct daemon *d);
/* Is it built with a sanitizer? Then memory says nothing. */
bool daemon_is_sanitized(void);

/* Runs a program with its arguments (NULL-terminated) and LLMFO_SOCKET set. */
struct run daemon_run(const struct daemon *d, const char *program, const char *const *arguments);
/* Runs llmfoctl with words; "|TEXT" as the last one is its standard input. */
struct run daemon_ctl(const struct daemon *d, ...) __attribute__((sentinel));
/* The same, expecting an exit status. */
void daemon_ctl_ends(const struct daemon *d, int status, ...) __attribute__((sentinel));
void run_free(struct run *run);
/* llmfoctl --json with one word: its output as a tree, which the caller frees. */
struct json *daemon_view(const struct daemon *d, const char *command);

/* A node by its path, "preferred.0.target"; an object in an array by its name: "targets.a/m.state".
 */
const struct json *tree_get(const struct json *tree, const char *path);
const char *tree_text(const struct json *tree, const char *path); /* "" if there is none */
int64_t tree_int(const struct json *tree, const char *path);      /* must be there */

/* An honest client: asks and gets the answer. */
void daemon_serves(const struct daemon *d);

#endif
