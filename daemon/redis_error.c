/* SPDX-License-Identifier: MIT */
/* See redis_error.h. An error begins with a word in capitals, which says what kind it is. */
#include "redis_error.h"

#include <string.h>

#include "buf.h"

#define QUOTED_MAX_BYTES 80
/* Redis cuts what it quotes: so much of the password's beginning counts as the password. */
#define SECRET_BYTES 4

static const struct known {
	const char *begins;
	bool away;
	const char *why; /* NULL: as Redis says it */
} known[] = {
	{"NOAUTH", true, "Redis asks for a password (redis.url or redis.password)"},
	{"WRONGPASS", true, "Redis does not take this user and password (redis.url)"},
	{"ERR invalid password", true, "Redis does not take this password (redis.url)"},
	{"ERR AUTH <password> called without any password", true,
		"Redis asks for no password, but one is configured (redis.url)"},
	{"ERR Client sent AUTH, but no password is set", true,
		"Redis asks for no password, but one is configured (redis.url)"},
	{"ERR max number of clients", true, "Redis has all the clients it takes (its maxclients)"},
	{"ERR DB index is out of range", true, "Redis has no database of that number (redis.url)"},
	{"ERR invalid DB index", true, "Redis has no database of that number (redis.url)"},
	{"ERR SELECT is not allowed in cluster mode", true,
		"it is a Redis cluster, which is not supported"},
	{"LOADING", true, "Redis is still loading its data"},
	{"MASTERDOWN", true, "this Redis is a replica and has lost its master"},
	{"DENIED", true, "Redis is in protected mode and takes clients of its own host alone"},
	{"OOM", false, "Redis has no memory left (its maxmemory)"},
	{"READONLY", false, "this Redis is a replica that nothing can be written to"},
	{"MISCONF", false, "Redis takes no writes because it cannot save to its disk (MISCONF)"},
	{"NOREPLICAS", false, "Redis takes no writes because it lacks replicas (NOREPLICAS)"},
	{"MOVED", false, "it is a Redis cluster, which is not supported"},
	{"CLUSTERDOWN", false, "it is a Redis cluster, which is not supported"},
	{"WRONGTYPE", false, "a name of ours holds another kind of value in Redis (WRONGTYPE)"},
};

static bool
begins(const char *error, size_t length, const char *with)
{
	return length >= strlen(with) && strncmp(error, with, strlen(with)) == 0;
}

static const struct known *
find(const char *error, size_t length)
{
	for (size_t i = 0; i < UTIL_COUNT(known); i++)
		if (begins(error, length, known[i].begins))
			return &known[i];
	return NULL;
}

bool
redis_error_is_away(const char *error, size_t length)
{
	const struct known *row = find(error, length);

	return row && row->away;
}

bool
redis_error_is_wrong_type(const char *error, size_t length)
{
	return begins(error, length, "WRONGTYPE");
}

static size_t
first_word(const char *error, size_t length)
{
	size_t bytes = 0;

	while (bytes < length && error[bytes] >= 'A' && error[bytes] <= 'Z')
		bytes++;
	return bytes;
}

static bool
has_secret(const struct redis_url *url, const char *error, size_t length)
{
	return url->password &&
		memmem(error, length, url->password, strnlen(url->password, SECRET_BYTES));
}

/* Puts the text down as one line, and cuts it where a character ends. */
static void
put(const char *text, size_t length, struct buf *line)
{
	size_t start = line->len;

	(void)buf_add_mended(line, text, length);
	for (size_t i = start; i < line->len; i++)
		if ((unsigned char)line->data[i] < 0x20 || line->data[i] == 0x7f)
			line->data[i] = ' ';
}

void
redis_error_text(const struct redis_url *url, enum redis_error_at at, const char *error,
	size_t length, char *why, size_t size)
{
	const struct known *row = find(error, length);
	size_t word = first_word(error, length);
	/* what follows the first word may be what was sent, or a piece of it */
	bool quotable = at != REDIS_ERROR_AT_AUTH && !has_secret(url, error, length);
	struct buf line;

	buf_init(&line, 512);
	if (row) {
		(void)buf_puts(&line, row->why);
	} else if (begins(error, length, "NOPERM")) {
		(void)buf_puts(&line,
			"Redis does not let this user do that (NOPERM): it needs GETRANGE, PTTL, "
			"SET, DEL, PUBLISH, SUBSCRIBE, PING under redis.prefix");
	} else {
		(void)buf_puts(&line, "Redis says: ");
		if (length > QUOTED_MAX_BYTES)
			length = QUOTED_MAX_BYTES;
		if (word > length)
			word = length;
		put(error, quotable ? length : word, &line);
		if (!quotable && word == 0)
			(void)buf_puts(&line, "an error to the password");
	}
	size_t fits = line.len < size ? line.len : size - 1;
	while (fits > 0 && fits < line.len && ((unsigned char)line.data[fits] & 0xc0) == 0x80)
		fits--;
	memcpy(why, line.data, fits);
	why[fits] = '\0';
	buf_free(&line);
}
