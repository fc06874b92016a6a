/* SPDX-License-Identifier: MIT */
/*
 * A daemon that a test makes up: a child process at a socket of its own that does to each
 * connection what the test's function says, byte by byte if it likes. It knows enough of the
 * protocol to read a request and to answer with what is written as JSON, and nothing else.
 */
#ifndef LLMFO_TESTS_FAKE_DAEMON_H
#define LLMFO_TESTS_FAKE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Serves one connection, the first is 0; it is closed when the function returns. */
typedef void fake_serve(int fd, int connection, const void *arg);

struct fake_daemon {
	char directory[64];
	char path[96];
	pid_t pid;
};

/* A request as the fake sees it. */
struct fake_request {
	uint32_t msgid;
	char method[64];
	char *params; /* as JSON; free by fake_request_free() */
};

/* Starts it; the socket accepts when this returns. It dies with the test. */
void fake_daemon_start(struct fake_daemon *fake, fake_serve *serve, const void *arg);
/* The same at the socket of one that was stopped, with the same path. */
void fake_daemon_restart(struct fake_daemon *fake, fake_serve *serve, const void *arg);
/* Ends the process and leaves the socket's file, as a daemon that was killed does. */
void fake_daemon_kill(struct fake_daemon *fake);
/* Ends it and removes everything. */
void fake_daemon_stop(struct fake_daemon *fake);

/* In the child: reads one whole request. false when the other side has gone. */
bool fake_read(int fd, struct fake_request *request);
void fake_request_free(struct fake_request *request);
/* In the child: writes all of it, or gives up when the other side has gone. */
void fake_write(int fd, const void *bytes, size_t count);
/* In the child: answers with an error or a result; the other one is NULL. */
void fake_reply(int fd, uint32_t msgid, const char *error_json, const char *result_json);

/* In the child: a notification with that msgid and, unless it is NULL, what is written as JSON. */
void fake_notify(int fd, const char *method, uint32_t msgid, const char *json);

/* Answers each request with {connection, method, params (as JSON text)}. */
void fake_serve_echo(int fd, int connection, const void *arg);
/* Answers each with the same result, the JSON text arg, or with an error when "!" stands before. */
void fake_serve_canned(int fd, int connection, const void *arg);

#endif
