/* SPDX-License-Identifier: MIT */
/* What was saved is found again, by the time that went by; what somebody wrote into it is
 * checked. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "support/state_file.h"

#define HOUR_MS ((int64_t)60 * 60 * 1000)
#define YEAR_MS (365 * 24 * HOUR_MS)

/* The host's clocks, as the test sets them. Of others this process has the true ones. */
static int64_t boot_ms = 5 * HOUR_MS, wall_ms = 50 * YEAR_MS;

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int64_t ms = clock == CLOCK_BOOTTIME ? boot_ms : wall_ms;

	if (clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME)
		return (int)syscall(SYS_clock_gettime, clock, now);
	*now = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	return 0;
}

static void
add_circuit(struct snapshot *snapshot, const char *name, int64_t left_ms)
{
	const struct snapshot_circuit circuit = {
		.kind = strchr(name, '/') ? HEALTH_TARGET : HEALTH_PROVIDER,
		.name = (char *)(uintptr_t)name,
		.class = OUTCOME_RATE_LIMITED,
		.hinted = true,
		.failures = 4,
		.left_ms = left_ms,
		.seen_left_ms = left_ms / 2,
		.cooldown_ms = 300000,
		.shared = true,
	};

	ck_assert(snapshot_add_circuit(snapshot, &circuit));
}

static void
add_preferred(struct snapshot *snapshot, const char *chain, int64_t left_ms)
{
	const struct snapshot_preferred preferred = {
		.chain = (char *)(uintptr_t)chain,
		.target = (char *)(uintptr_t) "groq/llama",
		.left_ms = left_ms,
		.shared = true,
	};

	ck_assert(snapshot_add_preferred(snapshot, &preferred));
}

/* A file with something of everything in it. */
static void
make_full(void)
{
	struct snapshot snapshot = {0};
	struct state *state = state_file_open(NULL);

	add_circuit(&snapshot, "openai", 300000);
	add_circuit(&snapshot, "openai/gpt'; DROP TABLE circuit; --", 100000);
	add_preferred(&snapshot, "Chain \xc3\xa9", 200000);
	ck_assert(snapshot_add_disabled(&snapshot, HEALTH_TARGET, "b/m"));
	ck_assert(snapshot_add_disabled(&snapshot, HEALTH_PROVIDER, "b"));
	ck_assert(snapshot_set_forced(&snapshot, "groq", true, 150000, UINT32_MAX));
	snapshot_set_forced_age(&snapshot, 7);
	snapshot.forced_shared = true;
	ck_assert(snapshot_set_epoch(&snapshot, "epoch-1"));
	state->ops->save(state, &snapshot);
	state_sqlite_close(state);
}

/* Is all of it found, so much later? */
static void
expect_full(int64_t gone_ms)
{
	struct snapshot found = {0};
	struct state *state = state_file_open(&found);

	ck_assert_uint_eq(found.circuit_count, 2);
	const struct snapshot_circuit *circuit = &found.circuits[0];
	ck_assert_int_eq(circuit->kind, HEALTH_PROVIDER);
	ck_assert_str_eq(circuit->name, "openai");
	ck_assert_int_eq(circuit->class, OUTCOME_RATE_LIMITED);
	ck_assert(circuit->hinted && circuit->shared);
	ck_assert_int_eq(circuit->failures, 4);
	ck_assert_int_eq(circuit->left_ms, 300000 - gone_ms);
	ck_assert_int_eq(circuit->seen_left_ms, 150000 - gone_ms);
	ck_assert_int_eq(circuit->cooldown_ms, 300000);
	ck_assert_int_eq(found.circuits[1].kind, HEALTH_TARGET);
	ck_assert_str_eq(found.circuits[1].name, "openai/gpt'; DROP TABLE circuit; --");
	ck_assert_uint_eq(found.preferred_count, 1);
	ck_assert_str_eq(found.preferred[0].chain, "Chain \xc3\xa9");
	ck_assert_str_eq(found.preferred[0].target, "groq/llama");
	ck_assert_int_eq(found.preferred[0].left_ms, 200000 - gone_ms);
	ck_assert(found.preferred[0].shared);
	ck_assert_uint_eq(found.disabled_count, 2);
	ck_assert_str_eq(found.forced, "groq");
	ck_assert(found.forced_strict && found.forced_shared);
	ck_assert_int_eq(found.forced_left_ms, 150000 - gone_ms);
	ck_assert_uint_eq(found.forced_by_uid, UINT32_MAX);
	ck_assert_int_eq(found.forced_age_ms, 7 + gone_ms);
	ck_assert_str_eq(found.epoch, "epoch-1");
	snapshot_free(&found);
	state_sqlite_close(state);
}

START_TEST(what_was_saved_is_found_again)
{
	make_full();
	expect_full(0);
	/* it is still there if nothing was saved meanwhile */
	expect_full(0);
	ck_assert_uint_eq(state_file_logged("state:"), 0);
}
END_TEST

START_TEST(time_goes_by_as_the_host_is_up)
{
	make_full();
	boot_ms += 60000;
	expect_full(60000);
	boot_ms += 40000;
	expect_full(100000);
	/* started anew, 80 s ago */
	boot_ms = 80000;
	expect_full(80000);
}
END_TEST

START_TEST(a_wall_clock_that_jumps_by_years_changes_nothing)
{
	static const int64_t jumps[] = {10 * YEAR_MS, -10 * YEAR_MS, HOUR_MS, -HOUR_MS};

	for (size_t i = 0; i < UTIL_COUNT(jumps); i++) {
		make_full();
		wall_ms += jumps[i];
		boot_ms += 1000;
		expect_full(1000);
	}
}
END_TEST

START_TEST(a_snapshot_takes_the_place_of_the_one_before)
{
	struct state *state = state_file_open(NULL);

	for (int mark = 1; mark <= 200; mark++)
		state_file_save(state, mark, 3);
	state_sqlite_close(state);
	ck_assert_int_eq(state_file_marked(3), 200);
	make_full();
	state_file_make(0, 0);
	ck_assert_int_eq(state_file_number("SELECT (SELECT count(*) FROM circuit) +"
					   " (SELECT count(*) FROM preferred) +"
					   " (SELECT count(*) FROM disabled) +"
					   " (SELECT count(provider) FROM forced)"),
		0);
}
END_TEST

START_TEST(a_snapshot_is_written_without_the_end_being_waited_for)
{
	struct state *state = state_file_open(NULL);

	state_file_save(state, 5, 1);
	state_file_wait_number("SELECT coalesce(max(failures), 0) FROM circuit", 5);
	state_sqlite_close(state);
}
END_TEST

START_TEST(where_there_was_no_file_nothing_is_found_and_one_is_made)
{
	struct snapshot found = {0};
	struct db_look look;
	struct stat about;

	snprintf(state_path, sizeof state_path, "%s/x/y/llmfo.db", state_folder);
	mode_t before = umask(0);
	struct state *state = state_file_open(&found);
	ck_assert_uint_eq(found.circuit_count, 0);
	ck_assert_int_eq(found.forced_age_ms, -1);
	state_sqlite_look(state, &look);
	ck_assert(look.ok);
	ck_assert_str_eq(look.path, state_path);
	ck_assert_str_eq(look.why, "");
	state_file_save(state, 1, 1);
	state_file_wait_number("SELECT count(*) FROM circuit", 1);
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	for (size_t i = 0; i < UTIL_COUNT(suffixes); i++) {
		ck_assert_int_eq(stat(state_file_name(suffixes[i]), &about), 0);
		ck_assert_int_eq(about.st_mode & 07777, 0600);
	}
	ck_assert_int_eq(stat(state_folder, &about), 0);
	char *folder = x_asprintf("%s/x/y", state_folder);
	ck_assert_int_eq(stat(folder, &about), 0);
	ck_assert_int_eq(about.st_mode & 07777, 0700);
	free(folder);
	state_sqlite_close(state);
	umask(before);
	ck_assert(!state_file_there("-wal") && !state_file_there("-shm"));
}
END_TEST

START_TEST(rights_that_others_have_are_taken_away)
{
	struct stat about;

	make_full();
	ck_assert_int_eq(chmod(state_path, 0666), 0);
	expect_full(0);
	ck_assert_int_eq(stat(state_path, &about), 0);
	ck_assert_int_eq(about.st_mode & 07777, 0600);
}
END_TEST

START_TEST(a_person_can_read_it)
{
	make_full();
	ck_assert_int_eq(state_file_number("SELECT left_ms FROM circuit WHERE kind = 'provider'"
					   " AND name = 'openai' AND class = 'rate_limited'"),
		300000);
	ck_assert_int_eq(state_file_number("SELECT left_ms FROM preferred WHERE target ="
					   " 'groq/llama'"),
		200000);
	ck_assert_int_eq(
		state_file_number("SELECT by_uid FROM forced WHERE provider = 'groq'"), UINT32_MAX);
	ck_assert_int_eq(
		state_file_number("SELECT count(*) FROM disabled WHERE kind = 'target'"), 1);
	ck_assert_int_eq(
		state_file_number("SELECT value FROM meta WHERE name = 'saved_boot_ms'"), boot_ms);
	ck_assert_int_eq(state_file_number("PRAGMA user_version"), 1);
}
END_TEST

/* What somebody may have written, and whether it is left out. */
static const struct {
	const char *statement;
	bool left_out;
} odd[] = {
	{"INSERT INTO circuit VALUES ('target', 'a/b', 'no_class', 0, 1, 1, 1, 1, 0)", true},
	{"INSERT INTO circuit VALUES ('target', 'a/b', 'ok', 0, 1, 1, 1, 1, 0)", true},
	{"INSERT INTO circuit VALUES ('chain', 'a/b', 'timeout', 0, 1, 1, 1, 1, 0)", true},
	{"INSERT INTO circuit VALUES ('target', 'ab', 'timeout', 0, 1, 1, 1, 1, 0)", true},
	{"INSERT INTO circuit VALUES ('target', '', 'timeout', 0, 1, 1, 1, 1, 0)", true},
	{"INSERT INTO circuit VALUES (7, x'00', 1.5, 'a', 'b', 'c', 'd', 'e', 'f')", true},
	{"INSERT INTO circuit VALUES ('target', CAST(x'612f00' AS TEXT), 'timeout',"
	 " 0, 1, 1, 1, 1, 0)",
		true},
	{"INSERT INTO circuit VALUES ('target', CAST(x'612fff' AS TEXT), 'timeout',"
	 " 0, 1, 1, 1, 1, 0)",
		true},
	{"INSERT INTO circuit VALUES ('target', 'a/' || hex(zeroblob(300)), 'timeout',"
	 " 0, 1, 1, 1, 1, 0)",
		true},
	{"INSERT INTO preferred VALUES ('c', 'no-target', 1, 0)", true},
	{"INSERT INTO preferred VALUES ('', 'a/b', 1, 0)", true},
	{"INSERT INTO disabled VALUES ('nobody', 'a')", true},
	{"UPDATE forced SET by_uid = -1", true},
	{"UPDATE forced SET by_uid = 4294967296", true},
	{"UPDATE forced SET provider = ''", true},
	{"UPDATE meta SET value = hex(zeroblob(300)) WHERE name = 'epoch'", true},
	{"INSERT INTO meta VALUES ('from a later version', 1)", false},
	{"UPDATE circuit SET left_ms = 9e300, failures = -9e300", false},
	{"UPDATE circuit SET left_ms = -5, cooldown_ms = 9223372036854775807", false},
	{"UPDATE circuit SET left_ms = 'x', hinted = 'y', shared = x'00'", false},
	{"UPDATE forced SET left_ms = 9223372036854775807, age_ms = -77", false},
	{"UPDATE meta SET value = -1 WHERE name = 'saved_boot_ms'", false},
	{"UPDATE meta SET value = 9223372036854775807 WHERE name = 'saved_boot_ms'", false},
	{"DELETE FROM meta", false},
};

static void
expect_bounded(const struct snapshot *found)
{
	for (size_t i = 0; i < found->circuit_count; i++) {
		const struct snapshot_circuit *circuit = &found->circuits[i];

		ck_assert(circuit->left_ms >= 0 && circuit->left_ms <= SNAPSHOT_TIME_MAX_MS);
		ck_assert(circuit->cooldown_ms >= 0 &&
			circuit->cooldown_ms <= SNAPSHOT_TIME_MAX_MS);
		ck_assert_int_le(circuit->seen_left_ms, circuit->left_ms);
		ck_assert_int_ge(circuit->failures, 0);
		ck_assert_int_gt(circuit->class, OUTCOME_OK);
		ck_assert_int_lt(circuit->class, OUTCOME_CLASSES);
	}
	ck_assert_int_le(found->forced_left_ms, SNAPSHOT_TIME_MAX_MS);
	ck_assert_int_ge(found->forced_age_ms, -1);
}

START_TEST(what_somebody_wrote_into_it_is_bounded_or_left_out)
{
	struct snapshot found = {0};

	make_full();
	state_file_execute(odd[_i].statement);
	struct state *state = state_file_open(&found);
	ck_assert_msg(state_file_logged("not understood") == odd[_i].left_out, "%s",
		odd[_i].statement);
	expect_bounded(&found);
	snapshot_free(&found);
	state_sqlite_close(state);
	ck_assert_msg(!state_file_there(".broken-1"), "%s", odd[_i].statement);
}
END_TEST

START_TEST(no_more_rows_are_read_than_may_be)
{
	struct snapshot found = {0};

	make_full();
	state_file_execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			   " WHERE i < 30000) INSERT INTO circuit"
			   " SELECT 'target', 'a/' || i, 'timeout', 0, 1, 1, 1, 1, 0 FROM n");
	struct state *state = state_file_open(&found);
	ck_assert_uint_eq(found.circuit_count, SNAPSHOT_ROWS_MAX);
	ck_assert_uint_eq(state_file_logged("or too many"), 1);
	snapshot_free(&found);
	state_sqlite_close(state);
}
END_TEST

START_TEST(what_somebody_put_there_does_nothing)
{
	make_full();
	state_file_execute("CREATE TABLE heard (name);"
			   "CREATE TRIGGER t AFTER INSERT ON circuit BEGIN"
			   " INSERT INTO heard VALUES (new.name); END;");
	state_file_make(3, 2);
	ck_assert_int_eq(state_file_number("SELECT count(*) FROM heard"), 0);
	ck_assert_int_eq(state_file_marked(2), 3);
}
END_TEST

START_TEST(a_view_in_the_place_of_a_table_is_no_state)
{
	make_full();
	state_file_execute("ALTER TABLE circuit RENAME TO other;"
			   "CREATE VIEW circuit AS SELECT * FROM other;");
	ck_assert_int_eq(state_file_marked(2), 0);
	ck_assert(state_file_there(".broken-1"));
	state_file_make(3, 2);
	ck_assert_int_eq(state_file_marked(2), 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("state_sqlite");
	TCase *tests = tcase_create("state_sqlite");

	tcase_add_checked_fixture(tests, state_file_setup, state_file_teardown);
	tcase_add_test(tests, what_was_saved_is_found_again);
	tcase_add_test(tests, time_goes_by_as_the_host_is_up);
	tcase_add_test(tests, a_wall_clock_that_jumps_by_years_changes_nothing);
	tcase_add_test(tests, a_snapshot_takes_the_place_of_the_one_before);
	tcase_add_test(tests, a_snapshot_is_written_without_the_end_being_waited_for);
	tcase_add_test(tests, where_there_was_no_file_nothing_is_found_and_one_is_made);
	tcase_add_test(tests, rights_that_others_have_are_taken_away);
	tcase_add_test(tests, a_person_can_read_it);
	tcase_add_loop_test(tests, what_somebody_wrote_into_it_is_bounded_or_left_out, 0,
		(int)UTIL_COUNT(odd));
	tcase_add_test(tests, no_more_rows_are_read_than_may_be);
	tcase_add_test(tests, what_somebody_put_there_does_nothing);
	tcase_add_test(tests, a_view_in_the_place_of_a_table_is_no_state);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
