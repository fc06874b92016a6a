/* SPDX-License-Identifier: MIT */
/*
 * Who may do what, as the kernel tells who it is: the real daemon of root, asked by other users.
 * Only root can become another user, so for anybody else there is nothing to see here.
 */
#include <check.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/daemon.h"
#include "util.h"

#define NOT_PERMITTED 4
/* Users and groups that no machine has. */
#define STRANGER 54321
#define STRANGERS 54322

static struct daemon daemon_;
static struct daemon *const d = &daemon_;

static void
start(const char *access)
{
	daemon_init(d);
	daemon_configure(d,
		"providers:\n"
		"  a: {api: ollama, base_url: 'http://127.0.0.1:1', models: [m]}\n"
		"chains: {default: {targets: [a/m]}}\n"
		"socket: {mode: \"0666\"}\n"
		"access: {%s}\n",
		access);
	ck_assert_int_eq(chmod(d->directory, 0755), 0);
	daemon_start(d);
}

static uid_t
nobody(void)
{
	const struct passwd *entry = getpwnam("nobody");

	ck_assert_ptr_nonnull(entry);
	return entry->pw_uid;
}

static gid_t
group(const char *name)
{
	const struct group *entry = getgrnam(name);

	ck_assert_msg(entry != NULL, "%s", name);
	return entry->gr_gid;
}

/* What status (for callers) and clear-cache (for admins) end with for a user and one group more. */
static void
assert_rights(uid_t uid, gid_t gid, int as_caller, int as_admin)
{
	d->client_uid = uid;
	d->client_gid = gid;
	daemon_ctl_ends(d, 0, "ping", NULL);
	daemon_ctl_ends(d, as_caller, "status", NULL);
	daemon_ctl_ends(d, as_admin, "clear-cache", NULL);
	daemon_ctl_ends(d, as_admin, "disable", "a", NULL);
	daemon_ctl_ends(d, as_admin, "force-provider", "a", NULL);
	daemon_ctl_ends(d, as_admin, "reload", NULL);
	d->client_uid = 0;
	d->client_gid = 0;
}

START_TEST(by_default_everybody_may_call_and_root_may_change)
{
	start("");
	assert_rights(nobody(), 0, 0, NOT_PERMITTED);
	assert_rights(STRANGER, STRANGERS, 0, NOT_PERMITTED);
	assert_rights(0, 0, 0, 0);
	daemon_stop(d);
}
END_TEST

START_TEST(callers_are_those_that_are_named_and_admins_too)
{
	start("callers: [daemon], admins: [nobody]");
	assert_rights(getpwnam("daemon")->pw_uid, 0, 0, NOT_PERMITTED);
	assert_rights(STRANGER, 0, NOT_PERMITTED, NOT_PERMITTED);
	assert_rights(nobody(), 0, 0, 0);
	assert_rights(0, 0, 0, 0);
	daemon_stop(d);
}
END_TEST

START_TEST(groups_count_all_of_them)
{
	start("callers: [\"@daemon\"], admins: [\"@mail\"]");
	assert_rights(STRANGER, 0, NOT_PERMITTED, NOT_PERMITTED);
	assert_rights(STRANGER, group("daemon"), 0, NOT_PERMITTED);
	assert_rights(STRANGER, group("mail"), 0, 0);
	daemon_stop(d);
}
END_TEST

START_TEST(the_socket_itself_keeps_others_out)
{
	start("");
	ck_assert_int_eq(chmod(d->socket, 0660), 0);
	d->client_uid = STRANGER;
	struct run run = daemon_ctl(d, "status", NULL);
	ck_assert_int_eq(run.status, NOT_PERMITTED);
	char *said = x_asprintf("llmfoctl: %s may not be opened: Permission denied\n", d->socket);
	ck_assert_msg(strncmp(run.err, said, strlen(said)) == 0, "%s", run.err);
	ck_assert_ptr_null(strstr(run.err, "no daemon"));
	free(said);
	run_free(&run);
	d->client_uid = 0;
	daemon_stop(d);
}
END_TEST

START_TEST(a_refusal_says_who_may_not_do_what)
{
	start("callers: [root]");
	d->client_uid = STRANGER;
	struct run run = daemon_ctl(d, "force-provider", "a", NULL);
	ck_assert_int_eq(run.status, NOT_PERMITTED);
	ck_assert_ptr_nonnull(strstr(run.err, "uid 54321 may not call force_provider"));
	run_free(&run);
	d->client_uid = 0;
	daemon_stop(d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("access");
	TCase *tests = tcase_create("access");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tests);
	if (geteuid() == 0) {
		tcase_add_test(tests, by_default_everybody_may_call_and_root_may_change);
		tcase_add_test(tests, callers_are_those_that_are_named_and_admins_too);
		tcase_add_test(tests, groups_count_all_of_them);
		tcase_add_test(tests, the_socket_itself_keeps_others_out);
		tcase_add_test(tests, a_refusal_says_who_may_not_do_what);
	}
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
