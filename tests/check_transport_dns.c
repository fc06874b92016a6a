/* SPDX-License-Identifier: MIT */
/*
 * The real transport and a name server that keeps silent, or answers late: in a network of the
 * test's own, whose only name server is a socket of ours. Skipped where the kernel does not let us
 * have one.
 */
#include <check.h>
#include <dirent.h>
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
#include "transport_lookup.h"

static struct stage stage;
static struct tiny_http *tiny;
static struct exchange silent, other;
static int name_server = -1;

#define MANY 1000
static struct exchange many[MANY];

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

/* Stays bound until the process ends; unread unless answer() is called. */
static bool
be_silent(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	name_server = fd;
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

enum answer { NO_SUCH_NAME, LOOPBACK };

/* Makes a reply of the query in place; there is room. How long it is, 0: it was no query. */
static size_t
make_answer(unsigned char *bytes, size_t length, enum answer answer)
{
	static const unsigned char record[] = {
		0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
	size_t end = 12;

	while (end < length && bytes[end])
		end += bytes[end] + 1u;
	if (end + 5 > length)
		return 0;
	bool ipv4 = bytes[end + 2] == 1;
	end += 5;
	bytes[2] |= 0x80;
	bytes[3] = answer == NO_SUCH_NAME ? 0x83 : 0x80;
	memset(bytes + 6, 0, 6);
	if (answer == NO_SUCH_NAME || !ipv4)
		return end;
	bytes[7] = 1;
	memcpy(bytes + end, record, sizeof(record));
	return end + sizeof(record);
}

/* Answers what has been asked up to now: how much. */
static unsigned
answer_queries(enum answer answer)
{
	unsigned char bytes[2048];
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	unsigned count = 0;
	ssize_t got;

	while ((got = recvfrom(name_server, bytes, 1024, MSG_DONTWAIT, (struct sockaddr *)&peer,
			&size)) > 0) {
		size_t length = make_answer(bytes, (size_t)got, answer);
		if (length)
			sendto(name_server, bytes, length, 0, (const struct sockaddr *)&peer, size);
		count++;
	}
	return count;
}

static void
on_query(uv_poll_t *poll, int status, int events)
{
	(void)events;
	ck_assert_int_eq(status, 0);
	answer_queries(*(enum answer *)poll->data);
}

/* Runs until all exchanges are done, with a name server that answers. */
static void
run_answered(enum answer answer)
{
	uv_poll_t poll;

	ck_assert_int_eq(uv_poll_init(&stage.loop, &poll, name_server), 0);
	poll.data = &answer;
	ck_assert_int_eq(uv_poll_start(&poll, UV_READABLE, on_query), 0);
	stage_run(&stage);
	uv_close((uv_handle_t *)&poll, NULL);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
}

static int
threads(void)
{
	DIR *directory = opendir("/proc/self/task");
	int count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2;
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

	(void)answer_queries(NO_SUCH_NAME); /* of the test before */
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

/* To one host, or to names below it. */
static void
start_many(int count, const char *host, bool below, int64_t connect_timeout_ms)
{
	for (int i = 0; i < count; i++) {
		char url[96];
		if (below)
			snprintf(url, sizeof(url), "http://n%d.%s/", i, host);
		else
			snprintf(url, sizeof(url), "http://%s/", host);
		exchange_init(&many[i], &stage, 1);
		exchange_url(&many[i], url);
		many[i].request.connect_timeout_ms = connect_timeout_ms;
		exchange_start(&many[i]);
	}
	for (int turn = 0; turn < 5; turn++)
		uv_run(&stage.loop, UV_RUN_NOWAIT);
}

static void
free_many(int count)
{
	for (int i = 0; i < count; i++)
		exchange_free(&many[i]);
}

static void
expect_ends(int count, enum transport_end end)
{
	for (int i = 0; i < count; i++) {
		ck_assert_uint_eq(many[i].done_told, 1);
		ck_assert_int_eq(many[i].result.end, end);
	}
}

START_TEST(a_thousand_who_go_to_one_name_need_one_thread)
{
	int before = threads();

	start_many(MANY, "silent.example.com", false, 10000);
	ck_assert_int_le(threads(), before + 1);
	exchange_start(&other);
	while (other.done_told == 0)
		uv_run(&stage.loop, UV_RUN_ONCE);
	ck_assert_int_eq(other.result.end, TRANSPORT_DONE);
	for (int i = 0; i < MANY; i++)
		exchange_cancel(&many[i]);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
	ck_assert_int_le(threads(), before + 1);
	free_many(MANY);
}
END_TEST

START_TEST(a_thousand_who_give_up_one_after_the_other_need_one_thread)
{
	int before = threads();

	start_many(MANY, "silent.example.com", false, 10000);
	for (int i = 0; i < MANY; i++) {
		exchange_cancel(&many[i]);
		uv_run(&stage.loop, UV_RUN_NOWAIT);
		uv_run(&stage.loop, UV_RUN_NOWAIT);
		ck_assert_int_le(threads(), before + 1);
	}
	free_many(MANY);
}
END_TEST

START_TEST(a_thousand_who_come_too_late_need_one_thread)
{
	int before = threads();

	start_many(MANY, "silent.example.com", false, 50);
	while (stage.running > 0) {
		ck_assert_int_le(threads(), before + 1);
		uv_run(&stage.loop, UV_RUN_ONCE);
	}
	expect_ends(MANY, TRANSPORT_CONNECT_TIMEOUT);
	free_many(MANY);
}
END_TEST

START_TEST(names_together_have_a_limit_too)
{
	int before = threads(), count = TRANSPORT_LOOKUP_PILOTS_MAX + 10;

	start_many(count, "silent.example.com", true, 10000);
	ck_assert_int_le(threads(), before + TRANSPORT_LOOKUP_PILOTS_MAX);
	ck_assert_int_ge(threads(), before + TRANSPORT_LOOKUP_PILOTS_MAX / 2);
	run_answered(NO_SUCH_NAME);
	expect_ends(count, TRANSPORT_DNS);
	free_many(count);
}
END_TEST

START_TEST(a_name_without_address_ends_all_who_wait)
{
	start_many(MANY, "nowhere.example.com", false, 10000);
	run_answered(NO_SUCH_NAME);
	expect_ends(MANY, TRANSPORT_DNS);
	ck_assert_str_eq(many[0].result.detail, many[MANY - 1].result.detail);
	free_many(MANY);
}
END_TEST

START_TEST(an_address_lets_all_go_who_wait)
{
	char host[80];
	int before = threads();

	snprintf(host, sizeof(host), "here.example.com:%d", tiny_http_port(tiny));
	start_many(50, host, false, 10000);
	run_answered(LOOPBACK);
	expect_ends(50, TRANSPORT_DONE);
	free_many(50);
	start_many(50, host, false, 10000); /* and needs no look-up for a while */
	ck_assert_int_eq(threads(), before);
	stage_run(&stage);
	expect_ends(50, TRANSPORT_DONE);
	free_many(50);
}
END_TEST

START_TEST(each_has_its_own_limit)
{
	silent.request.connect_timeout_ms = 10000;
	exchange_start(&silent);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
	start_many(1, "silent.example.com", false, 60);
	int64_t began_ms = now_ms();
	while (many[0].done_told == 0)
		uv_run(&stage.loop, UV_RUN_ONCE);
	expect_ends(1, TRANSPORT_CONNECT_TIMEOUT);
	ck_assert_int_le(now_ms() - began_ms, 1000);
	ck_assert_uint_eq(silent.done_told, 0);
	exchange_cancel(&silent);
	free_many(1);
}
END_TEST

/* The look-up of one that was cancelled, or came too late, serves those who wait. */
START_TEST(a_look_up_goes_on_without_who_began_it)
{
	char host[64], url[80];
	int before = threads();

	snprintf(host, sizeof(host), "here.example.com:%d", tiny_http_port(tiny));
	snprintf(url, sizeof(url), "http://%s/", host);
	exchange_url(&silent, url);
	silent.request.connect_timeout_ms = _i ? 50 : 10000;
	exchange_start(&silent);
	uv_run(&stage.loop, UV_RUN_NOWAIT);
	start_many(20, host, false, 10000);
	if (_i) {
		while (silent.done_told == 0)
			uv_run(&stage.loop, UV_RUN_ONCE);
		ck_assert_int_eq(silent.result.end, TRANSPORT_CONNECT_TIMEOUT);
	} else {
		exchange_cancel(&silent);
	}
	ck_assert_int_le(threads(), before + 1);
	run_answered(LOOPBACK);
	expect_ends(20, TRANSPORT_DONE);
	ck_assert_uint_eq(tiny_http_requests(tiny), 20);
	free_many(20);
}
END_TEST

static void
cancel_many(struct exchange *exchange, enum exchange_event event)
{
	(void)event;
	for (struct exchange *each = many; each < many + 20; each++) {
		if (each != exchange && each->transfer)
			exchange_cancel(each);
	}
}

/* Whoever is told first takes the others with it. */
START_TEST(those_who_wait_may_be_cancelled_when_the_verdict_is_told)
{
	unsigned told = 0;

	start_many(20, "nowhere.example.com", false, _i ? 50 : 10000);
	for (int i = 0; i < 20; i++)
		many[i].hook = cancel_many;
	run_answered(NO_SUCH_NAME);
	for (int i = 0; i < 20; i++)
		told += many[i].done_told;
	ck_assert_uint_eq(told, 1);
	free_many(20);
}
END_TEST

static void
close_stage(struct exchange *exchange, enum exchange_event event)
{
	(void)event;
	if (!exchange->stage->closing)
		stage_begin_close(exchange->stage);
}

START_TEST(closing_does_not_wait_for_those_who_wait)
{
	start_many(20, "silent.example.com", false, _i ? 50 : 10000);
	int64_t began_ms = now_ms();
	many[0].hook = close_stage;
	if (!_i)
		stage_begin_close(&stage);
	while (!stage.closed)
		uv_run(&stage.loop, UV_RUN_ONCE);
	ck_assert_int_le(now_ms() - began_ms, 1000);
	for (int i = 1; i < 20; i++)
		ck_assert_uint_eq(many[i].done_told, 0);
	free_many(20);
}
END_TEST

static void
add_many_tests(TCase *tc)
{
	tcase_add_test(tc, a_thousand_who_go_to_one_name_need_one_thread);
	tcase_add_test(tc, a_thousand_who_give_up_one_after_the_other_need_one_thread);
	tcase_add_test(tc, a_thousand_who_come_too_late_need_one_thread);
	tcase_add_test(tc, names_together_have_a_limit_too);
	tcase_add_test(tc, a_name_without_address_ends_all_who_wait);
	tcase_add_test(tc, an_address_lets_all_go_who_wait);
	tcase_add_test(tc, each_has_its_own_limit);
	tcase_add_loop_test(tc, a_look_up_goes_on_without_who_began_it, 0, 2);
	tcase_add_loop_test(tc, those_who_wait_may_be_cancelled_when_the_verdict_is_told, 0, 2);
	tcase_add_loop_test(tc, closing_does_not_wait_for_those_who_wait, 0, 2);
}

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
	add_many_tests(tc);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
