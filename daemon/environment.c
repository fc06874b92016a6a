/* SPDX-License-Identifier: MIT */
/* See environment.h. */
#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What was moved: NAME=value texts one behind the other, in a region that has room for all. */
struct environment {
	char *region;
	size_t size, used;
};

/* Of names that mean secrets. REDIS_URL may hold a password. */
static const char *const endings[] = {
	"_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_PASS", "_PWD", "_CREDENTIALS", "REDIS_URL"};

/* What the daemon itself, or a library, asks getenv() for, at any time: it stays where it is, even
 * if the configuration names it, as in ${HOME}. */
static const char *const needed[] = {"HOME", "PATH", "TMPDIR", "TZ", "CREDENTIALS_DIRECTORY",
	"STATE_DIRECTORY", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "NOTIFY_SOCKET", "LLMFO_CONFIG",
	"LLMFO_MODELS", "LLMFO_SOCKET", "SSL_CERT_FILE", "SSL_CERT_DIR"};

static bool
is_needed(const char *name)
{
	for (size_t i = 0; i < UTIL_COUNT(needed); i++)
		if (strcmp(needed[i], name) == 0)
			return true;
	return false;
}

static bool
is_secret(const char *name, size_t length)
{
	for (size_t i = 0; i < UTIL_COUNT(endings); i++) {
		size_t count = strlen(endings[i]);

		if (length >= count && memcmp(name + length - count, endings[i], count) == 0)
			return true;
	}
	return false;
}

static size_t
block_bytes(void)
{
	size_t bytes = 0;

	for (char **at = environ; at && *at; at++)
		bytes += strlen(*at) + 1;
	return bytes;
}

/* The value of what was moved already, the first of that name; NULL: none. */
static const char *
find(const struct environment *environment, const char *name, size_t length)
{
	const char *end = environment->region + environment->used;

	for (const char *at = environment->region; at < end; at += strlen(at) + 1)
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
	return NULL;
}

/* Each variable is moved once at most, and its room was counted. */
static void
move(struct environment *environment, char *variable, size_t name_length)
{
	char *value = variable + name_length + 1;
	size_t bytes = strlen(variable) + 1;

	if (!*value || bytes > environment->size - environment->used)
		return;
	memcpy(environment->region + environment->used, variable, bytes);
	environment->used += bytes;
	util_wipe(value, strlen(value));
}

struct environment *
environment_take(void)
{
	struct environment *environment = x_calloc(1, sizeof *environment);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	environment->size = (block_bytes() / page + 1) * page;
	environment->region = mmap(NULL, environment->size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (environment->region == MAP_FAILED)
		abort();
	(void)madvise(environment->region, environment->size, MADV_DONTDUMP);
	(void)mlock(environment->region, environment->size);
	for (char **at = environ; at && *at; at++) {
		size_t length = strcspn(*at, "=");

		if ((*at)[length] && is_secret(*at, length))
			move(environment, *at, length);
	}
	return environment;
}

const char *
environment_get(struct environment *environment, const char *name)
{
	size_t length = strlen(name);

	if (is_needed(name))
		return getenv(name);
	const char *value = find(environment, name, length);
	for (char **at = environ; !value && at && *at; at++) {
		if (strncmp(*at, name, length) != 0 || (*at)[length] != '=')
			continue;
		move(environment, *at, length);
		value = find(environment, name, length);
		if (!value)
			return *at + length + 1;
	}
	return value;
}

void
environment_free(struct environment *environment)
{
	if (!environment)
		return;
	util_wipe(environment->region, environment->size);
	(void)munmap(environment->region, environment->size);
	free(environment);
}
