/* SPDX-License-Identifier: MIT */
/* Other processes at the same state file: who locks it, who reads it, a second daemon. Nobody is
 * held up, and what is newest is written when they are done. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "support/state_file.h"

#define CIRCUITS STATE_FILE_CIRCUITS

static sqlite3 *
connect_other(const char *statements)
{
	sqlite3 *sqlite = NULL;

	ck_assert_int_eq(sqlite3_open(state_path, &sqlite), SQLITE_OK);
	(void)sqlite3_busy_timeout(sqlite, 5000);
	ck_assert_int_eq(sqlite3_exec(sqlite, statements, NULL, NULL, NULL), SQLITE_OK);
	return sqlite;
}

static void
lock_exclusively(void)
{
	(void)connect_other("BEGIN EXCLUSIVE");
}

START_TEST(who_has_it_locked_holds_up_nobody)
{
	state_file_make(1, CIRCUITS);
	struct state *state = state_file_open(NULL);
	pid_t other = state_file_fork(lock_exclusively);
	int64_t begun_ms = state_file_now_ms();
	for (int mark = 2; mark < 52; mark++)
		state_file_save(state, mark, CIRCUITS);
	/* a save that waited for the lock would take 100 ms */
	ck_assert_int_lt(state_file_now_ms() - begun_ms, 2000);
	state_file_wait(state, false, "locked");
	state_file_end(other, SIGKILL);
	state_file_wait(state, true, "");
	ck_assert_int_eq(state_file_number("SELECT max(failures) FROM circuit"), 51);
	state_sqlite_close(state);
	ck_assert(!state_file_there(".broken-1"));
}
END_TEST

START_TEST(the_end_waits_for_a_lock_but_not_for_long)
{
	state_file_make(1, CIRCUITS);
	struct state *state = state_file_open(NULL);
	pid_t other = state_file_fork(lock_exclusively);
	int64_t begun_ms = state_file_now_ms();
	state_file_save(state, 2, CIRCUITS);
	state_sqlite_close(state);
	ck_assert_int_lt(state_file_now_ms() - begun_ms, DB_CLOSE_MS + 1000);
	ck_assert_uint_eq(state_file_logged("the newest is not written"), 1);
	state_file_end(other, SIGKILL);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 1);
}
END_TEST

START_TEST(who_reads_for_ever_does_not_fill_the_disk)
{
	struct state *state = state_file_open(NULL);
	int mark = 1;

	state_file_save(state, mark, 10);
	state_file_wait_number("SELECT max(failures) FROM circuit", 1);
	sqlite3 *reader = connect_other("BEGIN; SELECT count(*) FROM circuit");
	struct db_look look = {.ok = true};
	while (look.ok && mark < 500) {
		state_file_save(state, ++mark, SNAPSHOT_ROWS_MAX);
		state_sqlite_look(state, &look);
	}
	state_file_wait(state, false, "somebody reads");
	struct stat about;
	ck_assert_int_eq(stat(state_file_name("-wal"), &about), 0);
	ck_assert_int_lt(about.st_size, 2 * DB_LOG_MAX_BYTES);
	ck_assert_int_eq(sqlite3_close(reader), SQLITE_OK);
	state_file_wait(state, true, "");
	state_file_wait_number("SELECT min(failures) FROM circuit", mark);
	state_sqlite_close(state);
	ck_assert(!state_file_there("-wal"));
}
END_TEST

START_TEST(of_two_daemons_the_second_reads_and_takes_over_when_the_first_ends)
{
	struct snapshot found = {0};
	pid_t first = state_file_fork(state_file_be_a_daemon);
	struct state *state = state_file_open(&found);

	ck_assert_int_eq(state_file_mark(&found, CIRCUITS), 1);
	snapshot_free(&found);
	state_file_wait(state, false, "another llmfod writes");
	ck_assert_uint_eq(state_file_logged("another llmfod writes"), 1);
	state_file_save(state, 2, CIRCUITS);
	/* a second attempt has been made, and nothing came of it */
	int64_t begun_ms = state_file_now_ms();
	while (state_file_now_ms() - begun_ms < DB_RETRY_MS + 200)
		ck_assert_int_eq(state_file_number("SELECT max(failures) FROM circuit"), 1);
	state_file_end(first, SIGKILL);
	state_file_wait(state, true, "");
	ck_assert_int_eq(state_file_number("SELECT max(failures) FROM circuit"), 2);
	state_sqlite_close(state);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 2);
}
END_TEST

static void
hold_the_lock(void)
{
	int fd = open(state_file_name(".lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
}

START_TEST(the_second_sets_nothing_aside)
{
	state_file_put("", "no database at all, whatever its name says", 42);
	pid_t first = state_file_fork(hold_the_lock);
	struct state *state = state_file_open(NULL);
	ck_assert_uint_eq(state_file_logged("cannot be read"), 1);
	state_sqlite_close(state);
	ck_assert(state_file_there("") && !state_file_there(".broken-1"));
	state_file_end(first, SIGKILL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("state_others");
	TCase *tests = tcase_create("state_others");

	tcase_add_checked_fixture(tests, state_file_setup, state_file_teardown);
	tcase_add_test(tests, who_has_it_locked_holds_up_nobody);
	tcase_add_test(tests, the_end_waits_for_a_lock_but_not_for_long);
	tcase_add_test(tests, who_reads_for_ever_does_not_fill_the_disk);
	tcase_add_test(tests, of_two_daemons_the_second_reads_and_takes_over_when_the_first_ends);
	tcase_add_test(tests, the_second_sets_nothing_aside);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
