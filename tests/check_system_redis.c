/* SPDX-License-Identifier: MIT */
/*
 * A real daemon with a Redis that is no help: not there, silent, full, read-only, behind a
 * password. Its calls are answered all the same, and it says what is wrong.
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/fake_provider.h"
#include "support/redis.h"
#include "util.h"

#define CALLS 50
#define TRIES_MAX 4000
/* What is asked of Redis is given up after a second: no call may be as late as that. */
#define LATE_MS 1000

static const struct {
	const char *what;
	const char *options[3]; /* of a real one; none: there is none */
	const char *password;
	const char *url; /* instead of its own; a colon at its end: where nobody ever answers */
	bool connected;
	const char *error; /* that is told in `status` */
} odd[] = {
	{.what = "nobody", .url = "redis://127.0.0.1:1", .error = "refused"},
	{.what = "no such socket", .url = "unix:///nowhere/redis.sock", .error = "no such file"},
	{.what = "silence", .url = "redis://127.0.0.1:", .error = "says nothing"},
	{.what = "one that is full",
		.options = {"--maxmemory", "1"},
		.connected = true,
		.error = "memory"},
	{.what = "one that may not be written to",
		.options = {"--replicaof", "127.0.0.1 1"},
		.connected = true,
		.error = "replica"},
	{.what = "one that asks for a password",
		.options = {"--port", "0"},
		.password = "CANARY-open-sesame",
		.error = "password"},
};

static struct redis redis;
static struct fake_provider *fp;
static struct daemon daemon_;
static struct daemon *const d = &daemon_;

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The kernel takes connections there, and nobody else does. */
static int
listen_in_silence(int *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, bytes), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void
configure(const char *url)
{
	daemon_configure(d,
		"providers:\n"
		"  a: {api: openai, base_url: '%s/v1', api_key: k, models: [m], max_retries: 0}\n"
		"  b: {api: openai, base_url: '%s/v1', api_key: k, models: [m], max_retries: 0}\n"
		"chains: {default: {targets: [a/m, b/m]}}\n"
		"health: {failure_threshold: 1, check_interval: 0s}\n"
		"redis: {url: '%s'}\n",
		fake_provider_url(fp, "a"), fake_provider_url(fp, "b"), url);
}

static const char *
url_of(int row, int port, char url[160])
{
	const char *text = odd[row].url ? odd[row].url : redis.url;

	if (text[strlen(text) - 1] == ':')
		snprintf(url, 160, "%s%d", text, port);
	else
		snprintf(url, 160, "%s", text);
	return url;
}

/* What of the store is told: its error, once there is one. */
static void
assert_told(int row)
{
	char said[200] = "";

	for (int tries = 0; !strstr(said, odd[row].error); tries++) {
		struct json *status = daemon_view(d, "status");
		bool connected = json_bool(tree_get(status, "store.connected"), false);

		snprintf(said, sizeof said, "%s", tree_text(status, "store.error"));
		ck_assert_msg(tries < TRIES_MAX, "%s: it says `%s`, and is %sconnected",
			odd[row].what, said, connected ? "" : "not ");
		if (strstr(said, odd[row].error))
			ck_assert_int_eq(connected, odd[row].connected);
		json_free(status);
	}
}

static void
assert_calls_are_answered(const char *what)
{
	for (int i = 0; i < CALLS; i++) {
		int64_t start_ms = now_ms();
		struct wire wire;

		wire_open(&wire, d->socket);
		wire_request(&wire, 1, "generate", "[{\"prompt\":\"hello\"}]");
		wire_expect_only(&wire, 1, NULL);
		wire_close(&wire);
		ck_assert_msg(now_ms() - start_ms < LATE_MS, "%s: a call took %lld ms", what,
			(long long)(now_ms() - start_ms));
	}
}

START_TEST(calls_are_answered_whatever_is_in_the_place_of_redis)
{
	static const char *const options[] = {
		"--provider", "a=openai", "--provider", "b=openai", NULL};
	int port, silence = listen_in_silence(&port);
	char url[160];

	fp = fake_provider_start(options);
	daemon_init(d);
	redis_init(&redis);
	redis.options = odd[_i].options[0] ? odd[_i].options : NULL;
	redis.password = odd[_i].password;
	if (odd[_i].options[0])
		redis_start(&redis);
	configure(url_of(_i, port, url));
	daemon_start(d);
	/* something to be told to others: a circuit that opens */
	fake_provider_script(fp, "a", "503; ok");
	assert_calls_are_answered(odd[_i].what);
	assert_told(_i);
	assert_calls_are_answered(odd[_i].what);
	daemon_ctl_ends(d, 0, "force-provider", "b", NULL);
	daemon_ctl_ends(d, 0, "clear-cache", NULL);
	daemon_ctl_ends(d, 0, "reset-health", NULL);
	char *log = daemon_log(d);
	ck_assert_ptr_null(strstr(log, "CANARY"));
	free(log);
	daemon_stop(d);
	fake_provider_stop(fp);
	redis_stop(&redis);
	close(silence);
}
END_TEST

int
main(void)
{
	if (!redis_is_installed()) {
		puts("no redis-server: skipped");
		return 77;
	}
	Suite *suite = suite_create("a Redis that is no help");
	TCase *tests = tcase_create("odd");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, calls_are_answered_whatever_is_in_the_place_of_redis, 0,
		(int)UTIL_COUNT(odd));
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
