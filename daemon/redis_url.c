/* SPDX-License-Identifier: MIT */
/* See redis_url.h. No text made here quotes what it was given: it may be a password. */
#include "redis_url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define DEFAULT_PORT 6379
#define HOST_MAX_BYTES 253
#define PATH_MAX_BYTES 107
#define NO_SENTINEL "Sentinel is not supported: give the address of the Redis itself"
#define NO_CLUSTER "a cluster is not supported: give the address of a single Redis"
#define SEVERAL \
	"it names several hosts; a cluster or Sentinel is not supported: give the address of a " \
	"single Redis"
#define TWICE "it names a user, a password or a database twice"
#define BAD_DB "the database must be a number from 0 to 1000000: redis://127.0.0.1:6379/0"

/* A piece of the text that is being parsed. */
struct piece {
	const char *at;
	size_t length;
};

static const struct scheme {
	const char *name;
	bool is_unix;
	const char *why; /* it is refused for this; NULL: it is not */
} schemes[] = {
	{"redis", false, NULL},
	{"unix", true, NULL},
	{"redis+unix", true, NULL},
	{"rediss", false,
		"TLS is not supported: let a local stunnel or the like do it, and give its address "
		"as redis:// or unix://"},
	{"redis+sentinel", false, NO_SENTINEL},
	{"redis-sentinel", false, NO_SENTINEL},
	{"rediss+sentinel", false, NO_SENTINEL},
	{"sentinel", false, NO_SENTINEL},
	{"redis+cluster", false, NO_CLUSTER},
	{"redis-cluster", false, NO_CLUSTER},
	{"rediss+cluster", false, NO_CLUSTER},
};

static void
wipe_free(char *secret)
{
	if (secret)
		util_wipe(secret, strlen(secret));
	free(secret);
}

void
redis_url_free(struct redis_url *url)
{
	if (!url)
		return;
	free(url->host);
	free(url->path);
	wipe_free(url->user);
	wipe_free(url->password);
	free(url->shown);
	free(url);
}

/* ---- pieces ---- */

static bool
is(struct piece piece, const char *word)
{
	return strlen(word) == piece.length && strncasecmp(piece.at, word, piece.length) == 0;
}

/* Cuts from the front of rest what stands before the first of `ends`, which stays in rest. */
static struct piece
cut(struct piece *rest, const char *ends)
{
	struct piece piece = {rest->at, 0};

	while (piece.length < rest->length && !strchr(ends, piece.at[piece.length]))
		piece.length++;
	rest->at += piece.length;
	rest->length -= piece.length;
	return piece;
}

static bool
skip(struct piece *rest, char c)
{
	if (rest->length == 0 || *rest->at != c)
		return false;
	rest->at++;
	rest->length--;
	return true;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is percent-encoded made plain, a new string; NULL with *why. */
static char *
decode(struct piece piece, const char **why)
{
	char *text = x_calloc(piece.length + 1, 1), *out = text;

	for (size_t i = 0; i < piece.length; i++) {
		int c = (unsigned char)piece.at[i];
		if (c == '%') {
			bool whole = i + 2 < piece.length;
			int high = whole ? hex(piece.at[i + 1]) : -1;
			int low = whole ? hex(piece.at[i + 2]) : -1;
			if (high < 0 || low < 0) {
				*why = "a % in it must be followed by two hexadecimal digits; a % "
				       "itself is written %25";
				goto fail;
			}
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f) {
			*why = "it holds a control character";
			goto fail;
		}
		*out++ = (char)c;
	}
	return text;
fail:
	util_wipe(text, piece.length);
	free(text);
	return NULL;
}

/* A number from min to max without sign, -1 if it is none. */
static int
number(struct piece piece, int min, int max)
{
	int value = 0;

	if (piece.length == 0 || piece.length > 7)
		return -1;
	for (size_t i = 0; i < piece.length; i++) {
		if (piece.at[i] < '0' || piece.at[i] > '9')
			return -1;
		value = value * 10 + (piece.at[i] - '0');
	}
	return value >= min && value <= max ? value : -1;
}

/* ---- parts: each NULL, or why it is none ---- */

const char *
redis_url_set_password(struct redis_url *url, const char *password)
{
	if (strlen(password) > REDIS_URL_PASSWORD_MAX_BYTES)
		return "the password is longer than 512 bytes";
	for (const char *c = password; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return "the password holds a line break or another control character";
	wipe_free(url->password);
	url->password = x_strdup(password);
	return NULL;
}

static const char *
take_secret(char **into, struct piece piece)
{
	const char *why = NULL;

	if (*into)
		return TWICE;
	if (piece.length == 0)
		return NULL;
	if (piece.length > 3 * REDIS_URL_PASSWORD_MAX_BYTES)
		return "user and password have at most 512 bytes each";
	*into = decode(piece, &why);
	if (*into && strlen(*into) > REDIS_URL_PASSWORD_MAX_BYTES)
		return "user and password have at most 512 bytes each";
	return why;
}

/* "user:password" before the last @ of the authority, which then begins behind it. */
static const char *
take_user(struct redis_url *url, struct piece *authority)
{
	const char *at = memrchr(authority->at, '@', authority->length);

	if (!at)
		return NULL;
	struct piece both = {authority->at, (size_t)(at - authority->at)};
	authority->length -= both.length + 1;
	authority->at = at + 1;
	struct piece user = cut(&both, ":");
	(void)skip(&both, ':');
	const char *why = take_secret(&url->user, user);
	return why ? why : take_secret(&url->password, both);
}

static bool
is_host_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		c == '-' || c == '.' || c == '_';
}

static const char *
take_host(struct redis_url *url, struct piece *authority)
{
	bool in_brackets = skip(authority, '[');
	struct piece host = cut(authority, in_brackets ? "]" : ":");
	unsigned char address[16];

	if (in_brackets && !skip(authority, ']'))
		return "the bracket of its IPv6 address is not closed";
	if (host.length == 0)
		return "it names no host: redis://127.0.0.1:6379/0";
	if (host.length > HOST_MAX_BYTES)
		return "its host has more than 253 bytes";
	url->host = x_strndup(host.at, host.length);
	if (in_brackets && inet_pton(AF_INET6, url->host, address) != 1)
		return "what stands in brackets is no IPv6 address";
	for (size_t i = 0; !in_brackets && i < host.length; i++) {
		if (host.at[i] == ',')
			return SEVERAL;
		if (!is_host_char(host.at[i]))
			return "its host holds a character that no host's name has";
	}
	return NULL;
}

static const char *
take_port(struct redis_url *url, struct piece authority)
{
	url->port = DEFAULT_PORT;
	if (authority.length == 0)
		return NULL;
	if (!skip(&authority, ':'))
		return "behind the bracket of an IPv6 address stands a colon and the port, if "
		       "anything";
	if (memchr(authority.at, ',', authority.length))
		return SEVERAL;
	if (memchr(authority.at, ':', authority.length))
		return "an IPv6 address stands in brackets: redis://[::1]:6379/0";
	url->port = number(authority, 1, 65535);
	return url->port > 0 ? NULL : "the port must be a number from 1 to 65535";
}

static const char *
take_db(struct redis_url *url, struct piece piece)
{
	if (url->db >= 0)
		return TWICE;
	url->db = number(piece, 0, REDIS_URL_DB_MAX);
	return url->db >= 0 ? NULL : BAD_DB;
}

/* "?db=1&user=u&password=p". */
static const char *
take_query(struct redis_url *url, struct piece query)
{
	const char *why = NULL;

	if (query.length && !skip(&query, '?'))
		return "a # has no place in it";
	while (!why && query.length) {
		struct piece value = cut(&query, "&");
		struct piece key = cut(&value, "=");
		(void)skip(&query, '&');
		(void)skip(&value, '=');
		if (is(key, "db"))
			why = take_db(url, value);
		else if (is(key, "user") || is(key, "username"))
			why = take_secret(&url->user, value);
		else if (is(key, "password"))
			why = take_secret(&url->password, value);
		else
			why = "behind its ? may stand db=, user= and password= alone";
	}
	return why;
}

static const char *
take_path(struct redis_url *url, struct piece piece)
{
	const char *why = NULL;

	if (piece.length < 2)
		return "it names no file: unix:///run/redis/redis.sock";
	url->path = decode(piece, &why);
	if (why)
		return why;
	if (strlen(url->path) > PATH_MAX_BYTES)
		return "the path of a socket has at most 107 bytes";
	return utf8_valid(url->path, strlen(url->path)) ? NULL : "its path is not UTF-8";
}

/* ---- the whole ---- */

static const struct scheme *
find_scheme(const char *text)
{
	const char *colon = strstr(text, "://");

	for (size_t i = 0; colon && i < UTIL_COUNT(schemes); i++)
		if (is((struct piece){text, (size_t)(colon - text)}, schemes[i].name))
			return &schemes[i];
	return NULL;
}

static const char *
parse(struct redis_url *url, const char *text)
{
	const struct scheme *scheme = find_scheme(text);

	if (!scheme)
		return "it must begin with redis:// or unix://, as in redis://127.0.0.1:6379/0 or "
		       "unix:///run/redis/redis.sock";
	if (scheme->why)
		return scheme->why;
	text += strlen(scheme->name) + strlen("://");
	struct piece rest = {text, strlen(text)};
	struct piece authority = cut(&rest, "/?#");
	if (memchr(rest.at, '@', rest.length))
		return "a / ? # or @ in user or password must be percent-encoded: %2F %3F %23 %40";
	const char *why = take_user(url, &authority);
	struct piece path = cut(&rest, "?#");
	if (why)
		return why;
	if (scheme->is_unix) {
		if (authority.length)
			return "the path of a socket begins with a slash: "
			       "unix:///run/redis/redis.sock";
		why = take_path(url, path);
	} else {
		if (!(why = take_host(url, &authority)))
			why = take_port(url, authority);
		if (!why && path.length > 1)
			why = take_db(url, (struct piece){path.at + 1, path.length - 1});
	}
	return why ? why : take_query(url, rest);
}

static char *
show(const struct redis_url *url)
{
	if (url->path && url->db)
		return x_asprintf("unix://%s?db=%d", url->path, url->db);
	if (url->path)
		return x_asprintf("unix://%s", url->path);
	bool colons = strchr(url->host, ':') != NULL;
	return x_asprintf("redis://%s%s%s:%d/%d", colons ? "[" : "", url->host, colons ? "]" : "",
		url->port, url->db);
}

struct redis_url *
redis_url_parse(const char *text, const char **why)
{
	struct redis_url *url = x_calloc(1, sizeof *url);

	url->db = -1;
	*why = strlen(text) > REDIS_URL_MAX_BYTES ? "it has more than 2048 bytes" : NULL;
	for (const char *c = text; !*why && *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			*why = "it holds a blank or a control character";
	if (!*why)
		*why = parse(url, text);
	if (*why) {
		redis_url_free(url);
		return NULL;
	}
	if (url->db < 0)
		url->db = 0;
	url->shown = show(url);
	return url;
}

static bool
same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : !a && !b;
}

bool
redis_url_equal(const struct redis_url *a, const struct redis_url *b)
{
	return same(a->host, b->host) && same(a->path, b->path) && a->port == b->port &&
		a->db == b->db && same(a->user, b->user) && same(a->password, b->password);
}

struct redis_url *
redis_url_copy(const struct redis_url *url)
{
	struct redis_url *copy = x_calloc(1, sizeof *copy);

	copy->host = x_strdup(url->host);
	copy->path = x_strdup(url->path);
	copy->port = url->port;
	copy->db = url->db;
	copy->user = x_strdup(url->user);
	copy->password = x_strdup(url->password);
	copy->shown = x_strdup(url->shown);
	return copy;
}
