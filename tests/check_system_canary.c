/* SPDX-License-Identifier: MIT */
/*
 * Keys as canaries, one a way that a key can come in. They go through faults of all kinds and an
 * abort; then all that the daemon left or shows is searched for them, for their first eight
 * characters and for their base64: nowhere. What is to be searched as well is one more row of
 * `places`.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/redis.h"

/* Whom the daemon runs as, and another one, where the test is root's. */
#define DAEMON_UID 54321
#define OTHER_UID 54322

#define WRONG_KEY "CNRYwron-7f0e2d3c4b5a69788796a5b4"

static const struct canary {
	const char *provider, *key, *base64;
} canaries[] = {
	{"a", "CNRYfile-1f0e2d3c4b5a69788796a5b4", "Q05SWWZpbGUtMWYwZTJkM2M0YjVhNjk3ODg3OTZhNWI0"},
	{"b", "CNRYvari-2f0e2d3c4b5a69788796a5b4", "Q05SWXZhcmktMmYwZTJkM2M0YjVhNjk3ODg3OTZhNWI0"},
	{"c", "CNRYkeyf-3f0e2d3c4b5a69788796a5b4", "Q05SWWtleWYtM2YwZTJkM2M0YjVhNjk3ODg3OTZhNWI0"},
	{"e", "CNRYcred-4f0e2d3c4b5a69788796a5b4", "Q05SWWNyZWQtNGYwZTJkM2M0YjVhNjk3ODg3OTZhNWI0"},
	{"f", "CNRYenvf-5f0e2d3c4b5a69788796a5b4", "Q05SWWVudmYtNWYwZTJkM2M0YjVhNjk3ODg3OTZhNWI0"},
	/* no providers: the password of Redis, and a wrong one */
	{"redis", "CNRYredi-6f0e2d3c4b5a69788796a5b4",
		"Q05SWXJlZGktNmYwZTJkM2M0YjVhNjk3ODg3OTZhNWI0"},
	{"nobody", WRONG_KEY, "Q05SWXdyb24tN2YwZTJkM2M0YjVhNjk3ODg3OTZhNWI0"},
};

#define CANARIES (sizeof canaries / sizeof canaries[0])
#define REDIS 5
#define PROVIDERS REDIS

/* Files that hold keys because they were put there. */
static const char *const holders[] = {"llmfo.yaml", "key-of-c", "e", "env", "redis"};

static struct fake_provider *fp;
static struct redis redis;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;

/* ---- searching ---- */

static bool
has(const char *bytes, size_t count, const char *part, size_t length)
{
	return memmem(bytes, count, part, length) != NULL;
}

static void
assert_none(const char *where, const char *bytes, size_t count)
{
	for (size_t i = 0; i < CANARIES; i++) {
		const struct canary *canary = &canaries[i];

		ck_assert_msg(!has(bytes, count, canary->key, 8) &&
				!has(bytes, count, canary->base64, strlen(canary->base64)),
			"%s has the key of %s", where, canary->provider);
	}
}

static void
search_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *bytes = NULL;
	size_t size = 0, count;

	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	FILE *copy = open_memstream(&bytes, &size);
	char part[4096];
	while ((count = fread(part, 1, sizeof part, file)) > 0)
		(void)fwrite(part, 1, count, copy);
	(void)fclose(copy);
	(void)fclose(file);
	assert_none(path, bytes, size);
	free(bytes);
}

static int
search_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
	const char *name = path + place->base;

	(void)kind;
	for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++)
		if (strcmp(name, holders[i]) == 0)
			return 0;
	ck_assert_msg(strncmp(name, "core", 4) != 0, "%s is a core file", path);
	if (S_ISREG(about->st_mode))
		search_file(path);
	return 0;
}

/* The log, and whatever else the daemon has in its folder, state included. */
static void
search_folder(void)
{
	char *log = daemon_log(d);

	ck_assert_uint_gt(strlen(log), 1000);
	free(log);
	ck_assert_int_eq(nftw(d->directory, search_one, 8, FTW_PHYS), 0);
}

static void
search_process(void)
{
	static const char *const names[] = {"cmdline", "environ", "status", "comm"};
	char path[64];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", (int)d->pid, names[i]);
		if (access(path, R_OK) == 0)
			search_file(path);
	}
}

static void
search_views(void)
{
	static const char *const commands[][2] = {{"status", NULL}, {"providers", NULL},
		{"models", NULL}, {"chains", NULL}, {"check", NULL}, {"explain", NULL},
		{"pick", NULL}, {"ask", "hello"}, {"disable", "nothing"}, {"clear-cache", NULL}};

	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		struct run run = daemon_ctl(d, "--json", commands[i][0], commands[i][1], NULL);

		assert_none(commands[i][0], run.out, strlen(run.out));
		assert_none(commands[i][0], run.err, strlen(run.err));
		run_free(&run);
	}
}

/* All names in Redis, and what stands under them. */
static void
search_redis(void)
{
	char *names = redis_ask(&redis, "KEYS", "*", NULL), *rest = names, *name;

	assert_none("Redis", names, strlen(names));
	ck_assert_ptr_nonnull(strstr(names, "llmfo:epoch"));
	while ((name = strsep(&rest, "\n")) && *name) {
		char *text = redis_ask(&redis, "GET", name, NULL);

		assert_none(name, text, strlen(text));
		free(text);
	}
	free(names);
}

/* While it lives. */
static void (*const places[])(void) = {
	search_views, search_process, search_folder, search_redis};

static void
search_all(void)
{
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		places[i]();
}

/* ---- the daemon ---- */

/* ":PASSWORD@", or nothing: the credential is taken. */
static const char *redis_login = "";

static void
configure(const char *more)
{
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: %s, models: [m], max_retries: 0}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: '${TEST_API_KEY}', models: [m], "
		"max_retries: 0}\n"
		"  c: {api: openai, base_url: '%s/v1', api_key_file: '%s/key-of-c', models: [m], "
		"max_retries: 0}\n"
		"  e: {api: openai, base_url: '%s/v1', models: [m], max_retries: 0}\n"
		"  f: {api: openai, base_url: '%s/v1', api_key: '${FROM_FILE}', models: [m], "
		"max_retries: 0}\n"
		"redis: {url: 'redis://%s127.0.0.1:%d'}\n"
		"%s",
		fake_provider_url(fp, "a"), canaries[0].key, fake_provider_url(fp, "b"),
		fake_provider_url(fp, "c"), d->directory, fake_provider_url(fp, "e"),
		fake_provider_url(fp, "f"), redis_login, redis.port, more);
}

static const char well[] =
	"chains: {default: {targets: [a/m, b/m, c/m, e/m, f/m]}}\n"
	"health: {failure_threshold: 1000, check_interval: 50ms}\n";

static void
start_fake(void)
{
	static char texts[CANARIES][64];
	const char *options[CANARIES * 4 + 1] = {NULL};
	int n = 0;

	for (size_t i = 0; i < PROVIDERS; i++) {
		static char providers[CANARIES][16];

		snprintf(providers[i], sizeof providers[i], "%s=openai", canaries[i].provider);
		snprintf(texts[i], sizeof texts[i], "%s:%s", canaries[i].provider,
			canaries[i].key);
		options[n++] = "--provider";
		options[n++] = providers[i];
		options[n++] = "--key";
		options[n++] = texts[i];
	}
	fp = fake_provider_start(options);
}

static int
give_away(const char *path, const struct stat *about, int kind, struct FTW *place)
{
	(void)about, (void)kind, (void)place;
	return chown(path, DAEMON_UID, DAEMON_UID);
}

/* A daemon of root can read all: where that may be, it is another user's. */
static void
become_somebody(void)
{
	char text[512];

	if (geteuid() != 0)
		return;
	snprintf(text, sizeof text,
		"#!/bin/sh\nexec setpriv --reuid=%d --regid=%d --clear-groups '%s' \"$@\"\n",
		DAEMON_UID, DAEMON_UID, getenv("LLMFOD"));
	const char *script = daemon_file(d, "as-somebody", text);
	ck_assert_int_eq(chmod(script, 0755), 0);
	setenv("LLMFOD", script, 1);
	ck_assert_int_eq(nftw(d->directory, give_away, 8, FTW_PHYS), 0);
}

static void
start_redis(void)
{
	redis_init(&redis);
	redis_use_port(&redis);
	redis.password = canaries[REDIS].key;
	redis_start(&redis);
}

/* Until it shares, or says why it does not. */
static void
wait_store(bool connected)
{
	for (bool found = false; !found;) {
		struct json *status = daemon_view(d, "status");

		found = json_bool(tree_get(status, "store.connected"), false) == connected &&
			(connected || *tree_text(status, "store.error"));
		json_free(status);
	}
}

static void
start(void)
{
	static const char *variables[] = {"TEST_API_KEY=CNRYvari-2f0e2d3c4b5a69788796a5b4",
		"UNUSED_TOKEN=CNRYvari-2f0e2d3c4b5a69788796a5b4", NULL, NULL};
	static const char *options[] = {"--log-level", "debug", "--env-file", NULL, NULL};
	static char credentials[128], env_file[128];
	const struct rlimit cores = {RLIM_INFINITY, RLIM_INFINITY};
	char text[80];

	(void)setrlimit(RLIMIT_CORE, &cores);
	start_fake();
	start_redis();
	daemon_init(d);
	(void)daemon_file(d, "key-of-c", canaries[2].key);
	(void)daemon_file(d, "e", canaries[3].key);
	(void)daemon_file(d, "redis", canaries[REDIS].key);
	snprintf(text, sizeof text, "FROM_FILE='%s'\n", canaries[4].key);
	snprintf(env_file, sizeof env_file, "%s", daemon_file(d, "env", text));
	snprintf(credentials, sizeof credentials, "CREDENTIALS_DIRECTORY=%s", d->directory);
	variables[2] = credentials;
	options[3] = env_file;
	d->variables = variables;
	d->options = options;
	configure(well);
	become_somebody();
	daemon_start(d);
}

/* Each key still opens its own provider. */
static void
assert_keys_work(void)
{
	for (size_t i = 0; i < PROVIDERS; i++) {
		fake_provider_script(fp, canaries[i].provider, "ok");
		daemon_ctl_ends(d, 0, "ask", "--provider", canaries[i].provider, "hello", NULL);
	}
}

static void
reload(const char *more)
{
	configure(more);
	daemon_signal(d, SIGHUP);
	daemon_wait_told(d, "RELOADING=1");
	daemon_wait_told(d, "READY=1");
}

static const char *const faults[] = {
	"401 echo-key",
	"400 echo-key",
	"429 echo-key retry-after=0",
	"500 echo-key",
	"403 echo-key kind=permission",
	"ok cut-after=1",
	"bad-json",
	"reset",
};

START_TEST(keys_are_found_nowhere_whatever_goes_wrong)
{
	start();
	wait_store(true);
	search_process();
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		for (size_t k = 0; k < PROVIDERS; k++) {
			fake_provider_script(fp, canaries[k].provider, faults[i]);
			fake_provider_check_script(
				fp, canaries[k].provider, i % 2 ? "ok" : "401 echo-key");
		}
		search_views();
		daemon_ctl_ends(d, 0, "reset-health", NULL);
	}
	reload("chains: {default: {targets: [a/m, nowhere/m]}}\nhealth: [CNR]\n");
	search_views();
	redis_login = ":" WRONG_KEY "@";
	reload(well);
	wait_store(false);
	search_all();
	redis_login = "";
	reload(well);
	wait_store(true);
	for (size_t k = 0; k < PROVIDERS; k++)
		fake_provider_check_script(fp, canaries[k].provider, "ok");
	assert_keys_work();
	search_all();
	daemon_signal(d, SIGABRT);
	ck_assert_int_eq(daemon_wait(d), 128 + SIGABRT);
	search_folder();
	ck_assert_int_ne(access("core", F_OK), 0);
	daemon_clean(d);
	fake_provider_stop(fp);
	search_redis();
	redis_stop(&redis);
}
END_TEST

/* ---- who may look into the process ---- */

/* In a child of that user: 0 if each of the files is closed to it. */
static int
look_as(uid_t uid, pid_t pid)
{
	static const char *const names[] = {"environ", "mem", "maps", "auxv", "fd/0", "root/etc"};
	char path[64];

	child_leaves_check();
	if (geteuid() == 0 && (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
		return 100;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, names[i]);
		if (open(path, O_RDONLY) >= 0)
			return (int)i + 1;
	}
	return 0;
}

static void
assert_closed_to(uid_t uid)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(look_as(uid, d->pid));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

START_TEST(nobody_looks_into_it_not_even_its_own_user)
{
	start();
	assert_closed_to(DAEMON_UID);
	if (geteuid() == 0)
		assert_closed_to(OTHER_UID);
	reload(well);
	assert_closed_to(DAEMON_UID);
	daemon_stop(d);
	fake_provider_stop(fp);
	redis_stop(&redis);
}
END_TEST

int
main(void)
{
	if (!redis_is_installed()) {
		puts("no redis-server: skipped");
		return 77;
	}
	Suite *suite = suite_create("canaries");
	TCase *tests = tcase_create("canaries");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, keys_are_found_nowhere_whatever_goes_wrong);
	if (!daemon_is_sanitized()) /* those are left open to the sanitizer's own looking */
		tcase_add_test(tests, nobody_looks_into_it_not_even_its_own_user);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
