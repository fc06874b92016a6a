/* SPDX-License-Identifier: MIT */
/* See daemon.h: what looks at a running daemon, from outside and through its own eyes. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

static char *
read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return x_strdup("");
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = x_strdup("");
	}
	fclose(file);
	return text;
}

char *
daemon_log(const struct daemon *d)
{
	return read_text(d->log);
}

unsigned
daemon_logged(const struct daemon *d, const char *part)
{
	char *log = daemon_log(d);
	unsigned count = 0;

	for (const char *at = log; (at = strstr(at, part)); at += strlen(part))
		count++;
	free(log);
	return count;
}

int
daemon_descriptors(const struct daemon *d)
{
	char path[64];
	int count = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)d->pid);
	DIR *folder = opendir(path);
	if (!folder)
		return -1;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count - 2;
}

static long
status_number(const struct daemon *d, const char *key)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/status", (int)d->pid);
	char *text = read_text(path);
	const char *at = strstr(text, key);
	ck_assert_msg(at != NULL, "no %s in %s", key, path);
	long number = strtol(at + strlen(key), NULL, 10);
	free(text);
	return number;
}

long
daemon_resident_kb(const struct daemon *d)
{
	return status_number(d, "\nVmRSS:");
}

long
daemon_peak_kb(const struct daemon *d)
{
	return status_number(d, "\nVmHWM:");
}

void
daemon_forget_peak(const struct daemon *d)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)d->pid);
	FILE *file = fopen(path, "w");
	/* the daemon hides its memory: an ordinary user may not touch this, not even its own */
	if (!file && errno == EACCES)
		return;
	ck_assert_msg(file != NULL, "%s cannot be written", path);
	ck_assert_int_ge(fputs("5", file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

long
daemon_switches(const struct daemon *d)
{
	return status_number(d, "\nvoluntary_ctxt_switches:");
}

bool
daemon_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return true;
#endif
#endif
	return getenv("RUNNING_ON_VALGRIND") != NULL;
}

/* The part of a path up to the next dot, which may be a name with dots in it after a '"'. */
static const struct json *
step(const struct json *node, const char *name)
{
	char *end;

	if (json_type(node) != JSON_ARRAY)
		return json_get(node, name);
	size_t index = strtoul(name, &end, 10);
	if (*end == '\0')
		return json_at(node, index);
	for (size_t i = 0; i < json_count(node); i++) {
		const char *given = json_text(json_at(node, i), "name");

		if (given && strcmp(given, name) == 0)
			return json_at(node, i);
	}
	return NULL;
}

const struct json *
tree_get(const struct json *tree, const char *path)
{
	char name[128];

	while (tree && *path) {
		size_t length = strcspn(path, ".");

		ck_assert_uint_lt(length, sizeof name);
		memcpy(name, path, length);
		name[length] = '\0';
		tree = step(tree, name);
		path += length + (path[length] == '.');
	}
	return tree;
}

const char *
tree_text(const struct json *tree, const char *path)
{
	const char *text = json_string(tree_get(tree, path), NULL);

	return text ? text : "";
}

int64_t
tree_int(const struct json *tree, const char *path)
{
	int64_t number = 0;

	ck_assert_msg(json_int(tree_get(tree, path), &number), "no number at %s", path);
	return number;
}

void
daemon_serves(const struct daemon *d)
{
	struct wire wire;

	wire_open(&wire, d->socket);
	wire_request(&wire, 7, "hello", "[]");
	wire_expect_only(&wire, 7, NULL);
	wire_close(&wire);
}
