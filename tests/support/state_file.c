/* SPDX-License-Identifier: MIT */
/* See state_file.h. */
#include "state_file.h"

#include <assert.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define PATIENCE_MS 20000
#define LOOK_EACH_MS 5

char state_folder[64];
char state_path[96];

/* Lines come from the thread of the state as well. */
static pthread_mutex_t lines_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct buf lines;

static void
hear(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	pthread_mutex_lock(&lines_mutex);
	(void)buf_printf(&lines, "%s\n", line);
	pthread_mutex_unlock(&lines_mutex);
}

void
state_file_setup(void)
{
	snprintf(state_folder, sizeof state_folder, "/tmp/llmfo-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(state_folder));
	snprintf(state_path, sizeof state_path, "%s/llmfo.db", state_folder);
	buf_init(&lines, 1 << 20);
	log_setup(LOG_INFO, LOG_TEXT, false);
	log_capture(hear, NULL);
}

static int
remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
	(void)about;
	(void)kind;
	(void)place;
	return remove(path);
}

void
state_file_teardown(void)
{
	log_capture(NULL, NULL);
	buf_free(&lines);
	(void)nftw(state_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

unsigned
state_file_logged(const char *part)
{
	unsigned count = 0;

	pthread_mutex_lock(&lines_mutex);
	for (const char *at = lines.data; (at = strstr(at, part)); at += strlen(part))
		count++;
	pthread_mutex_unlock(&lines_mutex);
	return count;
}

struct state *
state_file_open(struct snapshot *found)
{
	struct snapshot nobody_asks = {0};
	struct buf why;

	buf_init(&why, 1024);
	struct state *state = state_sqlite_open(state_path, found ? found : &nobody_asks, &why);
	assert(state);
	buf_free(&why);
	snapshot_free(&nobody_asks);
	return state;
}

void
state_file_save(struct state *state, int mark, int circuits)
{
	struct snapshot snapshot = {.forced_age_ms = -1};
	char name[32];

	for (int i = 0; i < circuits; i++) {
		const struct snapshot_circuit circuit = {
			.kind = HEALTH_TARGET,
			.name = name,
			.class = OUTCOME_UNAVAILABLE,
			.failures = mark,
			.left_ms = 3600000,
		};

		snprintf(name, sizeof name, "provider/model-%d", i);
		bool added = snapshot_add_circuit(&snapshot, &circuit);
		assert(added);
	}
	state->ops->save(state, &snapshot);
	assert(snapshot.circuit_count == 0);
}

int
state_file_mark(const struct snapshot *snapshot, int circuits)
{
	if (snapshot->circuit_count == 0)
		return 0;
	ck_assert_uint_eq(snapshot->circuit_count, (size_t)circuits);
	for (int i = 1; i < circuits; i++)
		ck_assert_int_eq(
			snapshot->circuits[i].failures, snapshot->circuits[0].failures);
	return snapshot->circuits[0].failures;
}

int
state_file_marked(int circuits)
{
	struct snapshot found = {0};
	struct state *state = state_file_open(&found);
	int mark = state_file_mark(&found, circuits);

	state_sqlite_close(state);
	snapshot_free(&found);
	return mark;
}

void
state_file_make(int mark, int circuits)
{
	struct state *state = state_file_open(NULL);

	state_file_save(state, mark, circuits);
	state_sqlite_close(state);
}

static void
look_again(int *left_ms)
{
	struct timespec pause = {.tv_nsec = LOOK_EACH_MS * 1000000};

	(void)nanosleep(&pause, NULL);
	*left_ms -= LOOK_EACH_MS;
}

void
state_file_wait(struct state *state, bool ok, const char *why)
{
	int left_ms = PATIENCE_MS;
	struct db_look look;

	for (state_sqlite_look(state, &look); look.ok != ok || !strstr(look.why, why);
		state_sqlite_look(state, &look)) {
		look_again(&left_ms);
		ck_assert_msg(left_ms > 0, "ok %d, not %d: %s", look.ok, ok, look.why);
	}
}

static sqlite3 *
connect_to(const char *path)
{
	sqlite3 *sqlite = NULL;

	ck_assert_int_eq(sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	(void)sqlite3_busy_timeout(sqlite, 5000);
	return sqlite;
}

void
state_file_execute(const char *statements)
{
	sqlite3 *sqlite = connect_to(state_path);
	char *error = NULL;

	(void)sqlite3_exec(sqlite, statements, NULL, NULL, &error);
	ck_assert_msg(!error, "%s: %s", statements, error);
	ck_assert_int_eq(sqlite3_close(sqlite), SQLITE_OK);
}

int64_t
state_file_number(const char *query)
{
	sqlite3 *sqlite = connect_to(state_path);
	sqlite3_stmt *statement = NULL;

	ck_assert_msg(sqlite3_prepare_v2(sqlite, query, -1, &statement, NULL) == SQLITE_OK, "%s",
		sqlite3_errmsg(sqlite));
	ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
	int64_t number = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	ck_assert_int_eq(sqlite3_close(sqlite), SQLITE_OK);
	return number;
}

void
state_file_wait_number(const char *query, int64_t number)
{
	int left_ms = PATIENCE_MS;

	while (state_file_number(query) != number) {
		look_again(&left_ms);
		ck_assert_msg(left_ms > 0, "never %lld: %s", (long long)number, query);
	}
}

int64_t
state_file_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *
state_file_name(const char *suffix)
{
	static char names[8][160];
	static unsigned next;
	char *name = names[next++ % UTIL_COUNT(names)];

	snprintf(name, sizeof names[0], "%s%s", state_path, suffix);
	return name;
}

bool
state_file_there(const char *suffix)
{
	struct stat there;

	return lstat(state_file_name(suffix), &there) == 0;
}

char *
state_file_bytes(const char *suffix, size_t *count)
{
	const char *name = state_file_name(suffix);
	struct stat about;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0 && fstat(fd, &about) == 0, "%s: %s", name, strerror(errno));
	char *bytes = x_malloc((size_t)about.st_size + 1);
	*count = (size_t)about.st_size;
	ck_assert_int_eq(read(fd, bytes, *count), about.st_size);
	close(fd);
	return bytes;
}

void
state_file_put(const char *suffix, const void *bytes, size_t count)
{
	int fd = open(state_file_name(suffix), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
	close(fd);
}

/* ---- other processes ---- */

pid_t
state_file_fork(void (*act)(void))
{
	int done[2];
	char byte = 0;

	ck_assert_int_eq(pipe(done), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(done[0]);
		act();
		(void)!write(done[1], "!", 1);
		for (;;)
			pause();
	}
	close(done[1]);
	ck_assert_int_eq(read(done[0], &byte, 1), 1);
	close(done[0]);
	return pid;
}

void
state_file_be_a_daemon(void)
{
	struct state *state = state_file_open(NULL);

	state_file_save(state, 1, STATE_FILE_CIRCUITS);
	state_file_wait_number("SELECT coalesce(max(failures), 0) FROM circuit", 1);
}

void
state_file_end(pid_t pid, int signal)
{
	ck_assert_int_eq(kill(pid, signal), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
