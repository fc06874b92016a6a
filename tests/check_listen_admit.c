/* SPDX-License-Identifier: MIT */
/* Who gets a place when places become few. */
#include <check.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen_admit.h"

static const struct {
	int max, open, own;
	bool admin; /* or root, or who the daemon runs as */
	const char *why;
} cases[] = {
	{100, 1, 1, false, NULL},
	{100, 50, 50, false, NULL},
	{100, 51, 51, false, "a single user"},
	{100, 84, 34, false, NULL},
	{100, 85, 34, false, "for administrators"},
	{100, 85, 85, true, NULL},
	{100, 100, 100, true, NULL},
	{100, 101, 1, true, "no more"},
	{100, 101, 1, false, "no more"},
	{4, 2, 2, false, NULL},
	{4, 3, 1, false, NULL},
	{4, 4, 1, false, "for administrators"},
	{4, 4, 1, true, NULL},
	{1, 1, 1, false, NULL},
	{1, 2, 1, true, "no more"},
};

START_TEST(no_user_takes_every_place)
{
	struct config config = {.max_connections = cases[_i].max};
	const char *why = admit_fault(&config, cases[_i].admin, cases[_i].open, cases[_i].own);

	ck_assert_int_eq(why == NULL, cases[_i].why == NULL);
	ck_assert(!why || strstr(why, cases[_i].why) != NULL);
}
END_TEST

START_TEST(a_user_may_have_as_many_as_the_configuration_says)
{
	struct config config = {.max_connections = 100, .max_user_connections = 70};

	ck_assert_ptr_null(admit_fault(&config, false, 70, 70));
	ck_assert_ptr_nonnull(
		strstr(admit_fault(&config, false, 71, 71), "limits.user_connections"));
	ck_assert_ptr_null(admit_fault(&config, true, 71, 71));
	config.max_user_connections = 1000;
	ck_assert_ptr_nonnull(strstr(admit_fault(&config, false, 85, 85), "administrators"));
}
END_TEST

START_TEST(descriptors_limit_places_too)
{
	const struct rlimit few = {64, 64};
	struct config config = {.max_connections = 1000};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_ptr_null(admit_fault(&config, true, 32, 32));
	ck_assert_ptr_nonnull(strstr(admit_fault(&config, true, 33, 33), "descriptors"));
	ck_assert_ptr_nonnull(admit_fault(&config, false, 17, 17));
}
END_TEST

/* What the first bytes of a connection get for an answer, "" for none. */
static void
refused(const char *bytes, size_t count, char answer[64])
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(write(ends[1], bytes, count), (ssize_t)count);
	admit_refuse(ends[0], "no");
	close(ends[0]);
	ssize_t got = read(ends[1], answer, 63);
	answer[got > 0 ? got : 0] = '\0';
	close(ends[1]);
}

START_TEST(who_has_asked_already_is_told_why)
{
	static const char hello[] = "\x94\x00\x07\xa5hello\x90";
	static const char told[] = "\x94\x01\x07\x82\xa4"
				   "code\xa4"
				   "busy\xa7message\xa2no\xc0";
	char answer[64];

	refused(hello, sizeof hello - 1, answer);
	ck_assert_str_eq(answer, told);
	/* as much as the msgid is enough */
	refused(hello, 3, answer);
	ck_assert_str_eq(answer, told);
	refused(hello, 2, answer);
	ck_assert_str_eq(answer, "");
	refused("GET / HTTP/1.1", 14, answer);
	ck_assert_str_eq(answer, "");
	refused("", 0, answer);
	ck_assert_str_eq(answer, "");
}
END_TEST

START_TEST(the_kernel_tells_all_groups_of_a_peer)
{
	enum { GROUPS = 300 };
	gid_t groups[GROUPS];
	struct session_peer peer;
	int ends[2];

	if (geteuid() != 0)
		return;
	for (gid_t i = 0; i < GROUPS; i++)
		groups[i] = 1000 + i;
	ck_assert_int_eq(setgroups(GROUPS, groups), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(admit_ask_peer(ends[0], &peer), 0);
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.group_count, GROUPS + 1);
	ck_assert_uint_eq(peer.groups[GROUPS - 1], 1000 + GROUPS - 1);
	ck_assert_uint_eq(peer.groups[GROUPS], getegid());
	free(peer.groups);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("admission");
	TCase *tests = tcase_create("admission");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	tcase_add_loop_test(
		tests, no_user_takes_every_place, 0, (int)(sizeof cases / sizeof cases[0]));
	tcase_add_test(tests, a_user_may_have_as_many_as_the_configuration_says);
	/* valgrind keeps descriptors for itself and lets no limit of its program be lowered */
	if (!getenv("LLMFO_VALGRIND"))
		tcase_add_test(tests, descriptors_limit_places_too);
	tcase_add_test(tests, who_has_asked_already_is_told_why);
	tcase_add_test(tests, the_kernel_tells_all_groups_of_a_peer);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
