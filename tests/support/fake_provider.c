/* SPDX-License-Identifier: MIT */
/*
 * The child process and its control port. It waits for nothing but the child's own lines and
 * answers.
 */
#include "fake_provider.h"

#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAKE_PROVIDERS_MAX = 64, FAKE_OPTIONS_MAX = 256 };

struct fake_port {
	char name[64];
	char url[64];
	int port;
};

struct fake_provider {
	pid_t pid;
	FILE *lines;
	CURL *curl;
	struct fake_port ports[FAKE_PROVIDERS_MAX]; /* the first one is the control port */
	int n_ports;
};

struct fake_body {
	char *text;
	size_t len;
};

static int
fake_program(char *path, size_t size)
{
	static const char *const places[] = {"/fakellm/fakellm", "/../fakellm/fakellm", "/fakellm"};
	const char *set = getenv("FAKELLM");
	char self[PATH_MAX];
	ssize_t n;

	if (set && *set)
		return snprintf(path, size, "%s", set) > 0 ? 0 : -1;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return -1;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, size, "%s%s", self, places[i]);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return -1;
}

static void
fake_exec(const char *const *options, int out)
{
	char path[PATH_MAX + 32];
	char *args[FAKE_OPTIONS_MAX + 3];
	int n = 0;

	if (fake_program(path, sizeof(path)) != 0) {
		fputs("fakellm is not built; or set FAKELLM to its path\n", stderr);
		_exit(127);
	}
	args[n++] = path;
	args[n++] = strdup("--exit-with-parent");
	for (; *options && n < FAKE_OPTIONS_MAX; options++)
		args[n++] = strdup(*options);
	args[n] = NULL;
	dup2(out, STDOUT_FILENO);
	execv(path, args);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

/* `fakellm: NAME http://127.0.0.1:PORT` */
static void
fake_read_line(struct fake_provider *fp)
{
	static const char start[] = "fakellm: ";
	struct fake_port *port = &fp->ports[fp->n_ports];
	char *line = NULL, *url = NULL;
	size_t cap = 0;

	if (getline(&line, &cap, fp->lines) > 0 && strncmp(line, start, sizeof(start) - 1) == 0)
		url = strchr(line + sizeof(start) - 1, ' ');
	ck_assert_msg(url != NULL, "fakellm did not start");
	*url++ = '\0';
	url[strcspn(url, "\n")] = '\0';
	snprintf(port->name, sizeof(port->name), "%s", line + sizeof(start) - 1);
	snprintf(port->url, sizeof(port->url), "%s", url);
	port->port = (int)strtol(strrchr(url, ':') + 1, NULL, 10);
	fp->n_ports++;
	free(line);
}

struct fake_provider *
fake_provider_start(const char *const *options)
{
	struct fake_provider *fp = calloc(1, sizeof(*fp));
	int ends[2], expected = 1;

	ck_assert(fp != NULL && pipe(ends) == 0);
	for (const char *const *o = options; *o; o++)
		expected += strcmp(*o, "--provider") == 0;
	ck_assert_int_le(expected, FAKE_PROVIDERS_MAX);
	fp->pid = fork();
	ck_assert_int_ge(fp->pid, 0);
	if (fp->pid == 0) {
		close(ends[0]);
		fake_exec(options, ends[1]);
	}
	close(ends[1]);
	fp->lines = fdopen(ends[0], "r");
	fp->curl = curl_easy_init();
	ck_assert(fp->lines != NULL && fp->curl != NULL);
	while (fp->n_ports < expected)
		fake_read_line(fp);
	return fp;
}

void
fake_provider_stop(struct fake_provider *fp)
{
	int status = -1;

	if (!fp)
		return;
	kill(fp->pid, SIGTERM);
	while (waitpid(fp->pid, &status, 0) < 0 && errno == EINTR)
		;
	curl_easy_cleanup(fp->curl);
	fclose(fp->lines);
	free(fp);
	ck_assert_msg(status == 0, "fakellm ended with status %#x", (unsigned)status);
}

static const struct fake_port *
fake_find(const struct fake_provider *fp, const char *name)
{
	for (int i = 0; i < fp->n_ports; i++) {
		if (strcmp(fp->ports[i].name, name) == 0)
			return &fp->ports[i];
	}
	ck_abort_msg("no provider '%s' was started", name);
	return NULL;
}

int
fake_provider_port(const struct fake_provider *fp, const char *name)
{
	return fake_find(fp, name)->port;
}

const char *
fake_provider_url(const struct fake_provider *fp, const char *name)
{
	return fake_find(fp, name)->url;
}

static size_t
fake_on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct fake_body *body = arg;
	char *text = realloc(body->text, body->len + size * n + 1);

	if (!text)
		return 0;
	memcpy(text + body->len, bytes, size * n);
	body->text = text;
	body->len += size * n;
	body->text[body->len] = '\0';
	return size * n;
}

/* One control request; `post` NULL: GET. The answer is the caller's to free, and never NULL. */
static char *
fake_control(struct fake_provider *fp, const char *name, const char *what, const char *method,
	const char *post)
{
	struct fake_body body = {0};
	char url[512];
	long status = 0;
	CURLcode result;

	fake_find(fp, name);
	snprintf(url, sizeof(url), "%s/_fake/%s/%s", fp->ports[0].url, name, what);
	curl_easy_reset(fp->curl);
	curl_easy_setopt(fp->curl, CURLOPT_URL, url);
	curl_easy_setopt(fp->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(fp->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(fp->curl, CURLOPT_WRITEFUNCTION, fake_on_body);
	curl_easy_setopt(fp->curl, CURLOPT_WRITEDATA, &body);
	if (post)
		curl_easy_setopt(fp->curl, CURLOPT_POSTFIELDS, post);
	curl_easy_setopt(fp->curl, CURLOPT_CUSTOMREQUEST, method);
	result = curl_easy_perform(fp->curl);
	curl_easy_getinfo(fp->curl, CURLINFO_RESPONSE_CODE, &status);
	ck_assert_msg(result == CURLE_OK && status == 200, "%s %s: %s, status %ld: %s", method, url,
		curl_easy_strerror(result), status, body.text ? body.text : "");
	return body.text ? body.text : strdup("");
}

void
fake_provider_script(struct fake_provider *fp, const char *name, const char *script)
{
	free(fake_control(fp, name, "script", "POST", script));
}

void
fake_provider_check_script(struct fake_provider *fp, const char *name, const char *script)
{
	free(fake_control(fp, name, "script?for=check", "POST", script));
}

void
fake_provider_refuse(struct fake_provider *fp, const char *name)
{
	free(fake_control(fp, name, "refuse", "POST", ""));
}

void
fake_provider_open(struct fake_provider *fp, const char *name)
{
	free(fake_control(fp, name, "open", "POST", ""));
}

/* The number behind "name": in flat JSON. */
static int64_t
fake_number(const char *json, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(json, key);
	ck_assert_msg(at != NULL, "no %s in %s", key, json);
	return strtoll(at + strlen(key), NULL, 10);
}

int64_t
fake_provider_release(struct fake_provider *fp, const char *name)
{
	char *json = fake_control(fp, name, "release", "POST", "");
	int64_t n = fake_number(json, "released");

	free(json);
	return n;
}

char *
fake_provider_requests(struct fake_provider *fp, const char *name)
{
	return fake_control(fp, name, "requests", "GET", NULL);
}

void
fake_provider_forget_requests(struct fake_provider *fp, const char *name)
{
	free(fake_control(fp, name, "requests", "DELETE", NULL));
}

struct fake_provider_stats
fake_provider_stats(struct fake_provider *fp, const char *name)
{
	char *json = fake_control(fp, name, "stats", "GET", NULL);
	struct fake_provider_stats stats = {
		.requests = fake_number(json, "requests"),
		.checks = fake_number(json, "checks"),
		.connections_open = fake_number(json, "connections_open"),
		.connections_total = fake_number(json, "connections_total"),
		.in_flight = fake_number(json, "in_flight"),
		.in_flight_max = fake_number(json, "in_flight_max"),
		.held = fake_number(json, "held"),
		.cancelled = fake_number(json, "cancelled"),
	};

	free(json);
	return stats;
}

void
fake_provider_wait(struct fake_provider *fp, const char *name, const char *counts)
{
	char what[256];

	snprintf(what, sizeof(what), "wait?%s", counts);
	free(fake_control(fp, name, what, "GET", NULL));
}
