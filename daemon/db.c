/* SPDX-License-Identifier: MIT */
/*
 * See db.h. There is never more than one connection in the process (with SQLite before 3.51.3 two
 * that write may damage the file), and another process that has the same file writes only when this
 * one has ended: the lock of db_file.h says who does. Nothing here waits for the disk with the
 * mutex held.
 */
#include "db.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db_connect.h"
#include "llmfo.h"
#include "log.h"
#include "utf8.h"

/* The same complaint is told again after so long. */
#define TELL_AGAIN_MS ((int64_t)10 * 60 * 1000)
/* At the end, between two attempts at a file that somebody has locked; and when to give up, before
 * the other thread does. */
#define CLOSING_RETRY_MS 100
#define CLOSING_MS (DB_CLOSE_MS * 3 / 4)

struct db {
	char *path;
	struct db_task *tasks;
	/* ---- of whoever works: the starter, then the thread ---- */
	int lock;         /* a descriptor; -1: not held */
	bool second;      /* another process writes */
	sqlite3 *sqlite;  /* NULL: not open */
	struct db_file_id id;
	int64_t told_ms;  /* when a complaint was logged last */
	int64_t retry_ms; /* when to try again; 0: nothing failed */
	/* ---- */
	pthread_t thread;
	bool threaded;
	pthread_mutex_t mutex; /* of what follows, and of wanted of all tasks */
	pthread_cond_t changed;
	int64_t closing_ms; /* the end has begun: when to give up; 0: it has not */
	bool ok;
	char why[256];
};

static int64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec
timespec_of(int64_t ms)
{
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

/* ---- the file ---- */

static void
disconnect(struct db *db)
{
	(void)sqlite3_close(db->sqlite);
	db->sqlite = NULL;
}

/* What cannot be used goes out of the way, loudly. */
static int
set_aside(struct db *db, enum db_fault fault, struct buf *why)
{
	struct buf aside;

	disconnect(db);
	buf_init(&aside, 8192);
	char *what = x_strndup(why->data, why->len);
	int error = db_file_set_aside(
		db->path, fault == DB_NEWER ? "newer" : "broken", &aside, why);
	if (!error)
		log_error("state: %s; it is now %s, and a new one is begun", what, aside.data);
	buf_free(&aside);
	free(what);
	return error;
}

static int
take_lock(struct db *db, struct buf *why)
{
	if (db->lock >= 0)
		return 0;
	int fd = db_file_lock(db->path, why);
	db->second = fd == -1;
	if (db->second) {
		buf_clear(why);
		(void)buf_printf(why,
			"another llmfod writes %s; until it ends, what this one learns is not "
			"remembered",
			db->path);
	}
	if (fd < 0)
		return LLMFO_EINTERNAL;
	db->lock = fd;
	return 0;
}

static int
make_tables(struct db *db)
{
	int code = SQLITE_OK;

	for (struct db_task *task = db->tasks; task && code == SQLITE_OK; task = task->next)
		code = db_execute(db->sqlite, task->schema);
	return code;
}

static int
load_all(struct db *db)
{
	int code = SQLITE_OK;

	for (struct db_task *task = db->tasks; task && code == SQLITE_OK; task = task->next)
		code = task->load(task, db->sqlite);
	return code;
}

/* Opens the file that is there, with the tables that belong into it. load: the tasks read as well.
 */
static enum db_fault
open_there(struct db *db, bool load, struct buf *why)
{
	bool writing = db->lock >= 0;
	enum db_fault fault;
	int code = SQLITE_OK;

	db->sqlite = db_connect(db->path, writing, &fault, why);
	if (!db->sqlite)
		return fault;
	if (writing)
		code = make_tables(db);
	if (code == SQLITE_OK && load)
		code = load_all(db);
	if (code == SQLITE_OK)
		return DB_WELL;
	db_say(db->sqlite, db->path, why);
	disconnect(db);
	return db_fault_of(code);
}

/* A new file in place of what was there, if anything was. */
static int
begin_anew(struct db *db, struct buf *why)
{
	enum db_fault fault = DB_FAILED;
	int error = db_create(db->path, why);

	if (!error && db_file_look(db->path, &db->id, why) == DB_FILE_THERE)
		fault = open_there(db, false, why);
	return fault == DB_WELL ? 0 : LLMFO_EINTERNAL;
}

/* Opens the file for writing, whatever stands there. */
static int
open_writing(struct db *db, bool load, struct buf *why)
{
	enum db_fault fault;

	switch (db_file_look(db->path, &db->id, why)) {
	case DB_FILE_REFUSED: return LLMFO_EINTERNAL;
	case DB_FILE_ABSENT:
		/* a log without its file would be taken for the new one's */
		if (db_file_bytes(db->path, "-wal") == 0)
			return begin_anew(db, why);
		buf_clear(why);
		(void)buf_printf(why, "%s is gone, but not its log", db->path);
		fault = DB_BROKEN;
		break;
	case DB_FILE_EMPTY:
		buf_clear(why);
		(void)buf_printf(why, "%s is empty", db->path);
		fault = DB_BROKEN;
		break;
	default: fault = open_there(db, load, why); break;
	}
	if (fault == DB_WELL)
		return 0;
	if (fault == DB_FAILED || fault == DB_BUSY || set_aside(db, fault, why))
		return LLMFO_EINTERNAL;
	return begin_anew(db, why);
}

/* What is there is read at least. */
static enum db_fault
read_there(struct db *db, struct buf *why)
{
	if (db->second)
		return open_there(db, true, why);
	db->sqlite = db_connect_rescue(db->path);
	return db->sqlite && load_all(db) == SQLITE_OK ? DB_WELL : DB_FAILED;
}

static void
read_only(struct db *db)
{
	struct buf why;

	buf_init(&why, 8192);
	if (db_file_look(db->path, &db->id, &why) == DB_FILE_THERE &&
		read_there(db, &why) != DB_WELL)
		log_error("state: what was remembered cannot be read (%s)", db->path);
	disconnect(db);
	buf_free(&why);
}

/* The first time: reads what is there even where it cannot be written. */
static int
open_first(struct db *db, struct buf *why)
{
	int error = db_file_make_folder(db->path, why);

	if (!error)
		error = take_lock(db, why);
	if (!error)
		error = open_writing(db, true, why);
	if (error)
		read_only(db);
	return error;
}

/* ---- work ---- */

static void
want_all(struct db *db)
{
	pthread_mutex_lock(&db->mutex);
	for (struct db_task *task = db->tasks; task; task = task->next)
		task->wanted = true;
	pthread_mutex_unlock(&db->mutex);
}

/* Has the file, open and its own. Who removed it meanwhile gets a new one. */
static int
have_file(struct db *db, struct buf *why)
{
	if (db->sqlite && db_file_is(db->path, &db->id))
		return 0;
	disconnect(db);
	int error = db_file_make_folder(db->path, why);
	if (!error)
		error = take_lock(db, why);
	if (!error)
		error = open_writing(db, false, why);
	if (!error)
		want_all(db);
	return error;
}

/* Somebody who reads and does not end keeps the log from being emptied. */
static int
bound_log(struct db *db, struct buf *why)
{
	if (db_file_bytes(db->path, "-wal") <= DB_LOG_MAX_BYTES)
		return 0;
	(void)sqlite3_wal_checkpoint_v2(
		db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (db_file_bytes(db->path, "-wal") <= DB_LOG_MAX_BYTES)
		return 0;
	buf_clear(why);
	(void)buf_printf(why, "%s-wal has grown beyond %d MiB: somebody reads the file and does "
			      "not end",
		db->path, DB_LOG_MAX_BYTES >> 20);
	return LLMFO_EINTERNAL;
}

static int
run_task(struct db *db, struct db_task *task)
{
	int code = db_execute(db->sqlite, "BEGIN IMMEDIATE");

	if (code == SQLITE_OK)
		code = task->run(task, db->sqlite);
	if (code == SQLITE_OK)
		code = db_execute(db->sqlite, "COMMIT");
	return code;
}

/* Is it wanted? Then it is not any more. */
static bool
claim(struct db *db, struct db_task *task)
{
	pthread_mutex_lock(&db->mutex);
	bool wanted = task->wanted;
	task->wanted = false;
	pthread_mutex_unlock(&db->mutex);
	return wanted;
}

/* An SQLite result code, with why. */
static int
run_wanted(struct db *db, struct buf *why)
{
	int code = SQLITE_OK;

	for (struct db_task *task = db->tasks; task && code == SQLITE_OK; task = task->next) {
		if (!claim(db, task))
			continue;
		code = run_task(db, task);
		if (code == SQLITE_OK)
			continue;
		db_say(db->sqlite, db->path, why);
		(void)db_execute(db->sqlite, "ROLLBACK");
		db_want(db, task);
	}
	return code;
}

/* One attempt at all that is wanted. 0: done. */
static int
attempt(struct db *db, struct buf *why)
{
	if (have_file(db, why) || bound_log(db, why))
		return LLMFO_EINTERNAL;
	int code = run_wanted(db, why);
	if (code == SQLITE_OK)
		return 0;
	/* after an error of the disk nothing that the connection knows is to be relied on */
	if (db_fault_of(code) != DB_BUSY)
		disconnect(db);
	if (db_fault_of(code) != DB_BROKEN)
		return LLMFO_EINTERNAL;
	if (set_aside(db, DB_BROKEN, why) || begin_anew(db, why))
		return LLMFO_EINTERNAL;
	want_all(db);
	code = run_wanted(db, why);
	return code == SQLITE_OK ? 0 : LLMFO_EINTERNAL;
}

/* Tells `status` and, where it is news, the log. */
static void
tell(struct db *db, bool ok, const char *why)
{
	int64_t now_ms = monotonic_ms();
	size_t length = utf8_good_bytes(why, strnlen(why, sizeof db->why - 1));

	pthread_mutex_lock(&db->mutex);
	bool was_ok = db->ok;
	bool news = was_ok || strlen(db->why) != length || memcmp(db->why, why, length) != 0;
	db->ok = ok;
	memcpy(db->why, why, length);
	db->why[length] = '\0';
	pthread_mutex_unlock(&db->mutex);
	if (ok && !was_ok)
		log_info("state: %s is written", db->path);
	if (!ok && (news || now_ms - db->told_ms >= TELL_AGAIN_MS)) {
		db->told_ms = now_ms;
		log_line(db->second ? LOG_WARNING : LOG_ERROR, NULL, 0,
			"state: %s; calls go on, and it is tried again", why);
	}
}

static void
settle(struct db *db, int error, const struct buf *why)
{
	db->retry_ms = error ? monotonic_ms() + DB_RETRY_MS : 0;
	tell(db, !error, error ? why->data : "");
}

/* ---- the thread ---- */

/* With the mutex held. */
static bool
any_wanted(const struct db *db)
{
	for (const struct db_task *task = db->tasks; task; task = task->next)
		if (task->wanted)
			return true;
	return false;
}

/* Returns when there is something to do: true, or false when the end is reached. */
static bool
wait_for_work(struct db *db)
{
	pthread_mutex_lock(&db->mutex);
	while (!db->closing_ms) {
		if (db->retry_ms ? monotonic_ms() >= db->retry_ms : any_wanted(db))
			break;
		if (db->retry_ms) {
			struct timespec until = timespec_of(db->retry_ms);

			(void)pthread_cond_timedwait(&db->changed, &db->mutex, &until);
		} else {
			pthread_cond_wait(&db->changed, &db->mutex);
		}
	}
	bool closing = db->closing_ms != 0;
	pthread_mutex_unlock(&db->mutex);
	return !closing;
}

/* The last attempts: again while somebody has the file locked, but not when nothing will come of
 * it. */
static void
finish(struct db *db, struct buf *why)
{
	for (;;) {
		pthread_mutex_lock(&db->mutex);
		bool wanted = any_wanted(db);
		int64_t until_ms = db->closing_ms;
		pthread_mutex_unlock(&db->mutex);
		if (!wanted)
			return;
		int error = attempt(db, why);
		settle(db, error, why);
		/* only a connection that is merely busy is still open */
		if (error && (!db->sqlite || monotonic_ms() >= until_ms)) {
			log_warning("state: ended, and the newest is not written");
			return;
		}
		if (error) {
			struct timespec pause = timespec_of(CLOSING_RETRY_MS);

			(void)nanosleep(&pause, NULL);
		}
	}
}

static void *
work(void *arg)
{
	struct db *db = arg;
	struct buf why;

	buf_init(&why, 8192);
	while (wait_for_work(db)) {
		int error = attempt(db, &why);

		settle(db, error, &why);
	}
	finish(db, &why);
	disconnect(db);
	if (db->lock >= 0)
		close(db->lock);
	buf_free(&why);
	return NULL;
}

/* Signals are the loop's. */
static void
start_thread(struct db *db)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&db->thread, NULL, work, db);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	db->threaded = error == 0;
	if (error)
		tell(db, false, "there is no thread for it");
}

struct db *
db_open(const char *path, struct db_task *task, struct buf *why)
{
	struct db *db = x_calloc(1, sizeof *db);
	pthread_condattr_t attributes;

	db->path = x_strdup(path);
	db->tasks = task;
	db->lock = -1;
	db->ok = true;
	pthread_mutex_init(&db->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&db->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	int error = open_first(db, why);
	settle(db, error, why);
	if (!error)
		buf_clear(why);
	start_thread(db);
	return db;
}

void
db_want(struct db *db, struct db_task *task)
{
	pthread_mutex_lock(&db->mutex);
	task->wanted = true;
	pthread_cond_signal(&db->changed);
	pthread_mutex_unlock(&db->mutex);
}

void
db_look(struct db *db, struct db_look *look)
{
	pthread_mutex_lock(&db->mutex);
	look->path = db->path;
	look->ok = db->ok;
	memcpy(look->why, db->why, sizeof look->why);
	pthread_mutex_unlock(&db->mutex);
}

static bool
join(struct db *db)
{
	struct timespec until = timespec_of(monotonic_ms() + DB_CLOSE_MS);

	return pthread_clockjoin_np(db->thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}

bool
db_close(struct db *db)
{
	pthread_mutex_lock(&db->mutex);
	db->closing_ms = monotonic_ms() + CLOSING_MS;
	pthread_cond_signal(&db->changed);
	pthread_mutex_unlock(&db->mutex);
	if (db->threaded && !join(db)) {
		log_warning("state: %s does not take what is written", db->path);
		return false;
	}
	if (!db->threaded) {
		disconnect(db);
		if (db->lock >= 0)
			close(db->lock);
	}
	pthread_cond_destroy(&db->changed);
	pthread_mutex_destroy(&db->mutex);
	free(db->path);
	free(db);
	return true;
}
