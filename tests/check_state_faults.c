/* SPDX-License-Identifier: MIT */
/* Whatever stands in the state file's place and whatever the disk does: the daemon goes on, says
 * so, loses nothing silently, and writes again as soon as it can. check_state_others.c has what
 * other processes do. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/state_file.h"

#define CIRCUITS STATE_FILE_CIRCUITS

/* ---- what stands in its place ---- */

static void
make_empty(void)
{
	state_file_put("", "", 0);
}

static void
make_noise(void)
{
	char noise[20000];

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (char)(i * 7919 >> 3);
	state_file_put("", noise, sizeof noise);
}

static void
cut(size_t to)
{
	size_t count;
	char *bytes = state_file_bytes("", &count);

	ck_assert_uint_lt(to, count);
	state_file_put("", bytes, to);
	free(bytes);
}

static void
make_half(void)
{
	cut(8192);
}

static void
make_a_header_alone(void)
{
	cut(100);
}

static void
make_one_byte(void)
{
	cut(1);
}

static void
make_foreign(void)
{
	state_file_execute("PRAGMA application_id=252006673");
}

static void
make_versionless(void)
{
	state_file_execute("PRAGMA user_version=0");
}

static void
make_other_tables(void)
{
	state_file_execute("ALTER TABLE circuit RENAME COLUMN left_ms TO left_s");
}

/* The header of one that SQLite may only read. */
static void
make_unwritable(void)
{
	size_t count;
	char *bytes = state_file_bytes("", &count);

	bytes[18] = 3;
	state_file_put("", bytes, count);
	free(bytes);
}

static void
make_newer(void)
{
	state_file_execute("PRAGMA user_version=2");
}

static const struct {
	const char *what;
	void (*make)(void); /* of a good one */
	const char *aside;
	const char *said;
} unfit[] = {
	{"empty", make_empty, ".broken-1", "is empty"},
	{"noise", make_noise, ".broken-1", "not a database"},
	{"half", make_half, ".broken-1", "malformed"},
	{"header alone", make_a_header_alone, ".broken-1", "malformed"},
	{"one byte", make_one_byte, ".broken-1", "no state file"},
	{"foreign", make_foreign, ".broken-1", "no state file"},
	{"versionless", make_versionless, ".broken-1", "no version"},
	{"other tables", make_other_tables, ".broken-1", "left_ms"},
	{"unwritable", make_unwritable, ".broken-1", "is damaged"},
	{"newer", make_newer, ".newer-1", "a later version"},
};

START_TEST(a_file_that_cannot_be_used_is_set_aside_and_a_new_one_begun)
{
	size_t count, aside_count;

	state_file_make(4, CIRCUITS);
	unfit[_i].make();
	char *bytes = state_file_bytes("", &count);
	ck_assert_msg(state_file_marked(CIRCUITS) == 0, "%s", unfit[_i].what);
	ck_assert_msg(state_file_there(unfit[_i].aside), "%s", unfit[_i].what);
	char *aside = state_file_bytes(unfit[_i].aside, &aside_count);
	ck_assert_uint_eq(aside_count, count);
	ck_assert_int_eq(memcmp(aside, bytes, count), 0);
	ck_assert_uint_eq(state_file_logged("and a new one is begun"), 1);
	ck_assert_uint_ge(state_file_logged(unfit[_i].said), 1);
	state_file_make(5, CIRCUITS);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 5);
	ck_assert_uint_eq(state_file_logged("and a new one is begun"), 1);
	free(aside);
	free(bytes);
}
END_TEST

START_TEST(each_has_its_own_number_and_too_many_are_left_alone)
{
	state_file_put(".broken-1", "a", 1);
	state_file_put(".broken-2-wal", "b", 1);
	make_noise();
	state_file_make(5, CIRCUITS);
	ck_assert(state_file_there(".broken-3") && !state_file_there(".broken-2"));
	for (int i = 4; i <= 100; i++) {
		char suffix[32];

		snprintf(suffix, sizeof suffix, ".broken-%d", i);
		state_file_put(suffix, "c", 1);
	}
	make_noise();
	struct state *state = state_file_open(NULL);
	state_file_wait(state, false, "100 such files lie beside it");
	state_file_save(state, 6, CIRCUITS);
	ck_assert_int_eq(unlink(state_file_name(".broken-50")), 0);
	state_file_wait(state, true, "");
	state_sqlite_close(state);
	ck_assert(state_file_there(".broken-50"));
	ck_assert_int_eq(state_file_marked(CIRCUITS), 6);
}
END_TEST

START_TEST(a_log_without_its_file_is_set_aside_too)
{
	struct state *state = state_file_open(NULL);
	size_t count;

	state_file_save(state, 3, CIRCUITS);
	state_file_wait_number("SELECT max(failures) FROM circuit", 3);
	char *log = state_file_bytes("-wal", &count);
	state_sqlite_close(state);
	ck_assert_int_eq(unlink(state_path), 0);
	state_file_put("-wal", log, count);
	free(log);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 0);
	ck_assert(state_file_there(".broken-1-wal") && !state_file_there(".broken-1"));
	state_file_make(5, CIRCUITS);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 5);
}
END_TEST

START_TEST(what_an_earlier_start_left_half_made_is_in_nobodys_way)
{
	state_file_put(".new", "half", 4);
	state_file_put(".new-journal", "half", 4);
	state_file_make(5, CIRCUITS);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 5);
	ck_assert(!state_file_there(".new") && !state_file_there(".new-journal"));
}
END_TEST

static void
make_link(void)
{
	state_file_put(".elsewhere", "", 0);
	ck_assert_int_eq(symlink(state_file_name(".elsewhere"), state_path), 0);
}

static void
make_dangling_link(void)
{
	ck_assert_int_eq(symlink("/nowhere/at/all", state_path), 0);
}

static void
make_folder(void)
{
	ck_assert_int_eq(mkdir(state_path, 0700), 0);
}

static void
make_fifo(void)
{
	ck_assert_int_eq(mkfifo(state_path, 0600), 0);
}

static const struct {
	void (*make)(void);
	const char *said;
} obstacles[] = {
	{make_link, "is a symbolic link"},
	{make_dangling_link, "is a symbolic link"},
	{make_folder, "is a folder"},
	{make_fifo, "is no regular file"},
};

START_TEST(a_link_a_folder_or_a_pipe_is_left_alone_until_it_is_gone)
{
	obstacles[_i].make();
	struct state *state = state_file_open(NULL);
	state_file_save(state, 7, CIRCUITS);
	state_file_wait(state, false, obstacles[_i].said);
	ck_assert_uint_eq(state_file_logged(obstacles[_i].said), 1);
	ck_assert_int_eq(remove(state_path), 0);
	state_file_wait(state, true, "");
	ck_assert_uint_eq(state_file_logged("is written"), 1);
	state_sqlite_close(state);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 7);
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_waited_for)
{
	state_file_put("", "a file", 6);
	char *path = x_asprintf("%s/llmfo.db", state_path);
	struct snapshot found = {0};
	struct db_look look;
	struct buf why;

	buf_init(&why, 512);
	struct state *state = state_sqlite_open(path, &found, &why);
	state_sqlite_look(state, &look);
	ck_assert(!look.ok);
	ck_assert_msg(strstr(why.data, "Not a directory") != NULL, "%s", why.data);
	ck_assert_int_eq(unlink(state_path), 0);
	state_file_wait(state, true, "");
	state_sqlite_close(state);
	buf_free(&why);
	free(path);
}
END_TEST

START_TEST(a_file_that_is_removed_is_made_again)
{
	struct state *state = state_file_open(NULL);

	state_file_save(state, 1, CIRCUITS);
	state_file_wait_number("SELECT max(failures) FROM circuit", 1);
	ck_assert_int_eq(unlink(state_path), 0);
	ck_assert_int_eq(unlink(state_file_name("-wal")), 0);
	ck_assert_int_eq(unlink(state_file_name("-shm")), 0);
	state_file_save(state, 2, CIRCUITS);
	state_sqlite_close(state);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 2);
}
END_TEST

/* ---- the disk ---- */

/* Every write of SQLite's fails with this; 0: none does. */
static _Atomic int write_fails;

static const sqlite3_io_methods *true_methods;

static int
failing_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
	return write_fails ? write_fails : true_methods->xWrite(file, bytes, count, offset);
}

static int
failing_sync(sqlite3_file *file, int flags)
{
	return write_fails ? write_fails : true_methods->xSync(file, flags);
}

static int
open_failing(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	/* the database's own file has other ones than what is beside it */
	static sqlite3_io_methods both[2];
	sqlite3_io_methods *methods = &both[(flags & SQLITE_OPEN_MAIN_DB) != 0];
	sqlite3_vfs *below = vfs->pAppData;
	int code = below->xOpen(below, name, file, flags, out);

	if (code != SQLITE_OK)
		return code;
	true_methods = file->pMethods;
	*methods = *true_methods;
	methods->xWrite = failing_write;
	methods->xSync = failing_sync;
	file->pMethods = methods;
	return SQLITE_OK;
}

/* Puts a disk between SQLite and the true one that fails when it is told to. */
static void
break_disk(void)
{
	static sqlite3_vfs vfs;
	sqlite3_vfs *below = sqlite3_vfs_find(NULL);

	vfs = *below;
	vfs.zName = "failing";
	vfs.xOpen = open_failing;
	vfs.pAppData = below;
	ck_assert_int_eq(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

static const struct {
	int code;
	const char *said;
} disk_errors[] = {
	{SQLITE_IOERR_WRITE, "disk I/O error"},
	{SQLITE_FULL, "full"},
	{SQLITE_READONLY, "readonly"},
};

START_TEST(a_disk_that_fails_is_tried_again_and_gets_the_newest)
{
	break_disk();
	struct state *state = state_file_open(NULL);
	state_file_save(state, 1, CIRCUITS);
	state_file_wait_number("SELECT max(failures) FROM circuit", 1);
	write_fails = disk_errors[_i].code;
	state_file_save(state, 2, CIRCUITS);
	state_file_wait(state, false, disk_errors[_i].said);
	for (int mark = 3; mark < 100; mark++)
		state_file_save(state, mark, CIRCUITS);
	ck_assert_uint_eq(state_file_logged("calls go on"), 1);
	ck_assert_int_eq(state_file_number("SELECT min(failures) FROM circuit"), 1);
	write_fails = 0;
	state_file_wait(state, true, "");
	ck_assert_int_eq(state_file_number("SELECT min(failures) FROM circuit"), 99);
	ck_assert_uint_eq(state_file_logged("is written"), 1);
	state_sqlite_close(state);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 99);
	ck_assert(!state_file_there(".broken-1"));
}
END_TEST

START_TEST(an_end_on_a_failing_disk_is_not_waited_for)
{
	break_disk();
	struct state *state = state_file_open(NULL);
	state_file_save(state, 1, CIRCUITS);
	state_file_wait_number("SELECT max(failures) FROM circuit", 1);
	write_fails = SQLITE_IOERR_WRITE;
	int64_t begun_ms = state_file_now_ms();
	state_file_save(state, 2, CIRCUITS);
	state_sqlite_close(state);
	ck_assert_int_lt(state_file_now_ms() - begun_ms, DB_CLOSE_MS);
	ck_assert_uint_eq(state_file_logged("the newest is not written"), 1);
	write_fails = 0;
	ck_assert_int_eq(state_file_marked(CIRCUITS), 1);
}
END_TEST

/* A small disk of the test's own, where this process may have one. */
static bool
mount_small(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("small", state_folder, "tmpfs", 0, "size=256k,mode=0700") == 0;
}

/* Takes all the room that is left. */
static void
fill_disk(void)
{
	char bytes[4096] = {1};
	int fd = open(state_file_name(".ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	while (write(fd, bytes, sizeof bytes) > 0)
		;
	close(fd);
}

START_TEST(a_full_disk_is_written_when_there_is_room_again)
{
	if (!mount_small())
		return;
	struct state *state = state_file_open(NULL);
	state_file_save(state, 1, CIRCUITS);
	state_file_wait_number("SELECT max(failures) FROM circuit", 1);
	fill_disk();
	for (int mark = 2; mark < 30; mark++)
		state_file_save(state, mark, 20 * CIRCUITS);
	state_file_wait(state, false, "full");
	ck_assert_int_eq(unlink(state_file_name(".ballast")), 0);
	state_file_save(state, 31, CIRCUITS);
	state_file_wait(state, true, "");
	state_sqlite_close(state);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 31);
	/* and at a start it is read, whether it was closed or not */
	fill_disk();
	ck_assert_int_eq(state_file_marked(CIRCUITS), 31);
	ck_assert_int_eq(unlink(state_file_name(".ballast")), 0);
	state_file_end(state_file_fork(state_file_be_a_daemon), SIGKILL);
	ck_assert_int_eq(unlink(state_file_name("-shm")), 0);
	fill_disk();
	ck_assert_int_eq(state_file_marked(CIRCUITS), 1);
	ck_assert(!state_file_there(".broken-1"));
	ck_assert_int_eq(umount2(state_folder, MNT_DETACH), 0);
}
END_TEST

START_TEST(a_disk_that_became_read_only_is_read_and_tried_again)
{
	if (!mount_small())
		return;
	state_file_make(1, CIRCUITS);
	ck_assert_int_eq(
		mount("small", state_folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=256k"), 0);
	struct snapshot found = {0};
	struct state *state = state_file_open(&found);
	ck_assert_int_eq(state_file_mark(&found, CIRCUITS), 1);
	snapshot_free(&found);
	state_file_save(state, 2, CIRCUITS);
	state_file_wait(state, false, "Read-only file system");
	ck_assert_int_eq(mount("small", state_folder, "tmpfs", MS_REMOUNT, "size=256k"), 0);
	state_file_wait(state, true, "");
	state_sqlite_close(state);
	ck_assert_int_eq(state_file_marked(CIRCUITS), 2);
	ck_assert_int_eq(umount2(state_folder, MNT_DETACH), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("state_faults");
	TCase *tests = tcase_create("state_faults");

	tcase_add_checked_fixture(tests, state_file_setup, state_file_teardown);
	tcase_add_loop_test(tests, a_file_that_cannot_be_used_is_set_aside_and_a_new_one_begun, 0,
		(int)UTIL_COUNT(unfit));
	tcase_add_test(tests, each_has_its_own_number_and_too_many_are_left_alone);
	tcase_add_test(tests, a_log_without_its_file_is_set_aside_too);
	tcase_add_test(tests, what_an_earlier_start_left_half_made_is_in_nobodys_way);
	tcase_add_loop_test(tests, a_link_a_folder_or_a_pipe_is_left_alone_until_it_is_gone, 0,
		(int)UTIL_COUNT(obstacles));
	tcase_add_test(tests, a_folder_that_cannot_be_made_is_waited_for);
	tcase_add_test(tests, a_file_that_is_removed_is_made_again);
	tcase_add_loop_test(tests, a_disk_that_fails_is_tried_again_and_gets_the_newest, 0,
		(int)UTIL_COUNT(disk_errors));
	tcase_add_test(tests, an_end_on_a_failing_disk_is_not_waited_for);
	tcase_add_test(tests, a_full_disk_is_written_when_there_is_room_again);
	tcase_add_test(tests, a_disk_that_became_read_only_is_read_and_tried_again);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
