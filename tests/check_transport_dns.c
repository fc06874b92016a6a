/* SPDX-License-Identifier: MIT */
/*
 * The real transport beside a name server that never answers: in a network of the test's own, whose
 * only name server is a socket that nobody reads. Skipped where the kernel does not let us have
 * one.
 */
#include <check.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/exchange.h"
#include "support/tiny_http.h"

static struct stage stage;
static struct tiny_http *tiny;
static struct exchange silent, other;

static bool
bring_up_loopback(void)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "lo");
	int error = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return error == 0;
}

static bool
use_name_server(void)
{
	static const char text[] = "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n";
	char path[] = "/tmp/llmfo-resolv-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		return false;
	bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
		fchmod(fd, 0644) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
	close(fd);
	unlink(path);
	return done;
}

/* Stays bound, and unread, until the process ends. */
static bool
be_silent(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static bool
make_silent_world(void)
{
	int flags = CLONE_NEWNET | CLONE_NEWNS;

	if (geteuid() != 0)
		flags |= CLONE_NEWUSER;
	return unshare(flags) == 0 && bring_up_loopback() && use_name_server() && be_silent();
}

static void
set_up(void)
{
	static const struct tiny_reply reply = {
		.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};

	stage_open(&stage);
	tiny = tiny_http_new(&stage.loop, &reply, 1);
	exchange_init(&silent, &stage, 1);
	exchange_url(&silent, "http://silent.example.com/");
	exchange_init(&other, &stage, tiny_http_port(tiny));
}

static void
tear_down(void)
{
	exchange_free(&silent);
	exchange_free(&other);
	tiny_http_close(tiny);
	stage_close(&stage);
}

static int64_t
now_ms(void)
{
	return (int64_t)(uv_hrtime() / 1000000);
}

START_TEST(others_do_not_notice_and_cancelling_is_immediate)
{
	exchange_start(&silent);
	for (int i = 0; i < 50; i++) {
		int64_t began_ms = now_ms();
		exchange_start(&other);
		while (other.done_told == 0)
			uv_run(&stage.loop, UV_RUN_ONCE);
		ck_assert_int_eq(other.result.end, TRANSPORT_DONE);
		ck_assert_int_le(now_ms() - began_ms, 200);
	}
	ck_assert_uint_eq(silent.done_told, 0);
	int64_t began_ms = now_ms();
	exchange_cancel(&silent);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
	ck_assert_int_le(now_ms() - began_ms, 200);
}
END_TEST

START_TEST(it_ends_at_the_connect_limit)
{
	silent.request.connect_timeout_ms = 60;
	int64_t began_ms = now_ms();
	ck_assert_int_eq(exchange_run(&silent), TRANSPORT_CONNECT_TIMEOUT);
	ck_assert_int_ge(now_ms() - began_ms, 59);
	ck_assert_int_le(now_ms() - began_ms, 1000);
}
END_TEST

START_TEST(closing_does_not_wait_for_it)
{
	exchange_start(&silent);
	exchange_start(&other);
	while (other.done_told == 0)
		uv_run(&stage.loop, UV_RUN_ONCE);
	int64_t began_ms = now_ms();
	stage_begin_close(&stage);
	while (!stage.closed)
		uv_run(&stage.loop, UV_RUN_ONCE);
	ck_assert_int_le(now_ms() - began_ms, 200);
}
END_TEST

int
main(void)
{
	if (!make_silent_world()) {
		puts("no network of its own: skipped");
		return 77;
	}
	Suite *suite = suite_create("transport_dns");
	TCase *tc = tcase_create("silence");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, others_do_not_notice_and_cancelling_is_immediate);
	tcase_add_test(tc, it_ends_at_the_connect_limit);
	tcase_add_test(tc, closing_does_not_wait_for_it);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
