/* SPDX-License-Identifier: MIT */
/*
 * Where a Redis is and how one gets in, as a URL says it: parsed without ever looking at the
 * network. What it was parsed from is forgotten; what it holds is wiped when it is freed.
 */
#ifndef LLMFO_REDIS_URL_H
#define LLMFO_REDIS_URL_H

#include "util.h"

#define REDIS_URL_MAX_BYTES 2048
#define REDIS_URL_PASSWORD_MAX_BYTES 512
#define REDIS_URL_DB_MAX 1000000

struct redis_url {
	char *host;     /* a name or an address without brackets; NULL: path */
	char *path;     /* of a Unix socket; NULL: host and port */
	int port;       /* 1 to 65535 */
	int db;         /* from 0 */
	char *user;     /* NULL: the password alone */
	char *password; /* NULL: none */
	char *shown;    /* "redis://127.0.0.1:6379/0", "unix:///run/redis.sock?db=0": no secrets */
};

/*
 * Parses a URL: redis://[user[:password]@]host[:port][/db], an IPv6 address in brackets, or
 * unix://[user[:password]@]/path[?db=N]. User and password are percent-decoded, and may also be
 * given behind `?` as the other form's words. NULL with *why (a text that quotes nothing secret,
 * static) where it is none, or asks for what there is not.
 */
struct redis_url *redis_url_parse(const char *text, const char **why);
/* Sets the password of one that has none: NULL, or why it cannot be one (static). */
const char *redis_url_set_password(struct redis_url *url, const char *password);
/* Do both lead to the same place by the same way in? */
bool redis_url_equal(const struct redis_url *a, const struct redis_url *b);
struct redis_url *redis_url_copy(const struct redis_url *url);
/* Wipes and frees; NULL is fine. */
void redis_url_free(struct redis_url *url);

#endif
