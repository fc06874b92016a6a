/* SPDX-License-Identifier: MIT */
/* A daemon that is killed while it writes leaves one whole snapshot; a file with changed bytes in
 * it is used or set aside, and harms nobody. By a seed: CHECK_STATE_SEED. */
#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/state_file.h"

#define CIRCUITS 200
#define PAGE_BYTES 4096

static unsigned seed;

static void
setup(void)
{
	const char *given = getenv("CHECK_STATE_SEED");

	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();
	printf("CHECK_STATE_SEED=%u\n", seed);
	fflush(stdout);
	state_file_setup();
}

static int
drawn(int below)
{
	return rand_r(&seed) % below;
}

/* ---- killed ---- */

/* A daemon whose health changes all the time. */
static void
change_for_ever(int begun)
{
	struct state *state = state_file_open(NULL);

	for (int mark = 1;; mark++) {
		struct timespec pace = {.tv_nsec = 200000};

		state_file_save(state, mark, CIRCUITS);
		if (mark == 1)
			(void)!write(begun, "!", 1);
		(void)nanosleep(&pace, NULL);
	}
}

/* Kills one at some moment: while it opens the file, makes it, or writes. */
static void
kill_one(void)
{
	struct timespec until = {.tv_nsec = drawn(15) * 1000000 + drawn(1000000)};
	bool writing = drawn(4) != 0;
	int begun[2];
	char byte;

	ck_assert_int_eq(pipe(begun), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		change_for_ever(begun[1]);
	}
	close(begun[1]);
	if (writing)
		ck_assert_int_eq(read(begun[0], &byte, 1), 1);
	(void)nanosleep(&until, NULL);
	state_file_end(pid, SIGKILL);
	close(begun[0]);
}

static void
expect_integrity(void)
{
	sqlite3 *sqlite = NULL;
	sqlite3_stmt *statement = NULL;

	ck_assert_int_eq(sqlite3_open(state_path, &sqlite), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_prepare_v2(sqlite, "PRAGMA integrity_check", -1, &statement, NULL),
		SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
	ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), "ok");
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(sqlite);
}

START_TEST(a_daemon_that_is_killed_leaves_one_whole_snapshot)
{
	int times = getenv("LLMFO_LONG") ? 1000 : 20;
	bool any = false;

	for (int i = 0; i < times; i++) {
		kill_one();
		/* it may be killed before there is a file; from then on there always is one */
		ck_assert(state_file_there("") || !any);
		if (!state_file_there(""))
			continue;
		expect_integrity();
		int mark = state_file_marked(CIRCUITS);
		ck_assert(mark > 0 || !any);
		any |= mark > 0;
		ck_assert_msg(!state_file_there(".broken-1"), "life %d", i);
	}
	ck_assert(any);
}
END_TEST

/* ---- changed ---- */

/* Puts the bytes there, opens the file and uses it. Was it set aside? */
static bool
survives(const char *bytes, size_t count, const char *what, size_t at)
{
	size_t aside_count = count;

	state_file_put("", bytes, count);
	struct snapshot found = {0};
	struct state *state = state_file_open(&found);
	struct db_look look;
	state_sqlite_look(state, &look);
	ck_assert_msg(look.ok, "%s at %zu: %s", what, at, look.why);
	ck_assert_uint_le(found.circuit_count, SNAPSHOT_ROWS_MAX);
	snapshot_free(&found);
	state_file_save(state, 9, 3);
	state_sqlite_close(state);
	ck_assert_msg(state_file_marked(3) == 9, "%s at %zu", what, at);
	if (!state_file_there(".broken-1"))
		return false;
	/* what SQLite found whole at first it may have written before it saw what is wrong */
	free(state_file_bytes(".broken-1", &aside_count));
	ck_assert_uint_ge(aside_count, count);
	ck_assert_int_eq(unlink(state_file_name(".broken-1")), 0);
	(void)unlink(state_file_name(".broken-1-wal"));
	(void)unlink(state_file_name(".broken-1-shm"));
	return true;
}

START_TEST(a_damaged_page_is_seen_whichever_it_is)
{
	size_t count;

	state_file_make(1, CIRCUITS);
	char *whole = state_file_bytes("", &count), *bytes = x_malloc(count);
	ck_assert_uint_ge(count, (size_t)10 * PAGE_BYTES);
	for (size_t page = 0; page < count; page += PAGE_BYTES) {
		size_t header = page ? page : 100;

		memcpy(bytes, whole, count);
		for (size_t i = 0; i < 8; i++)
			bytes[header + i] ^= (char)(1 + drawn(255));
		ck_assert_msg(survives(bytes, count, "header", page), "page at %zu", page);
	}
	free(bytes);
	free(whole);
}
END_TEST

START_TEST(changed_bytes_harm_nobody)
{
	int times = getenv("LLMFO_LONG") ? 2000 : 60;
	size_t count;

	state_file_make(1, CIRCUITS);
	char *whole = state_file_bytes("", &count), *bytes = x_malloc(count);
	for (int i = 0; i < times; i++) {
		size_t at = 0;

		memcpy(bytes, whole, count);
		for (int changes = drawn(4); changes >= 0; changes--) {
			at = (size_t)drawn(drawn(3) ? (int)count : 200);
			bytes[at] ^= (char)(1 + drawn(255));
		}
		(void)survives(bytes, count, "a byte", at);
		(void)unlink(state_file_name(".newer-1"));
	}
	free(bytes);
	free(whole);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("state_crash");
	TCase *tests = tcase_create("state_crash");

	if (getenv("LLMFO_LONG"))
		tcase_set_timeout(tests, 900);
	tcase_add_checked_fixture(tests, setup, state_file_teardown);
	tcase_add_test(tests, a_daemon_that_is_killed_leaves_one_whole_snapshot);
	tcase_add_test(tests, a_damaged_page_is_seen_whichever_it_is);
	tcase_add_test(tests, changed_bytes_harm_nobody);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
