/* SPDX-License-Identifier: MIT */
/*
 * See state_sqlite.h. What is written is always the whole of a snapshot, in one transaction; what
 * is read is checked like anything from outside. With the remaining times stands what
 * CLOCK_BOOTTIME said when they were taken: see snapshot_gone_ms().
 */
#include "state_sqlite.h"

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS circuit (kind TEXT NOT NULL, name TEXT NOT NULL,"
	" class TEXT NOT NULL, hinted INTEGER NOT NULL, failures INTEGER NOT NULL,"
	" left_ms INTEGER NOT NULL, seen_left_ms INTEGER NOT NULL,"
	" cooldown_ms INTEGER NOT NULL, shared INTEGER NOT NULL, PRIMARY KEY (kind, name));"
	"CREATE TABLE IF NOT EXISTS preferred (chain TEXT NOT NULL PRIMARY KEY,"
	" target TEXT NOT NULL, left_ms INTEGER NOT NULL, shared INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS forced (provider TEXT, strict INTEGER NOT NULL,"
	" left_ms INTEGER NOT NULL, by_uid INTEGER NOT NULL, age_ms INTEGER NOT NULL,"
	" shared INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS disabled (kind TEXT NOT NULL, name TEXT NOT NULL,"
	" PRIMARY KEY (kind, name));"
	"CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value);";

static const char clear[] = "DELETE FROM circuit; DELETE FROM preferred; DELETE FROM forced;"
			    "DELETE FROM disabled; DELETE FROM meta;";

static const char *const kinds[] = {[HEALTH_PROVIDER] = "provider", [HEALTH_TARGET] = "target"};

struct state_sqlite {
	struct state state;
	struct db_task task;
	struct db *db;
	struct snapshot *found; /* while it is opened */
	int64_t found_boot_ms;  /* when that was taken; -1: nobody knows */
	size_t odd;             /* rows that were not understood */
	/* The thread's: what it writes, or wrote last. */
	struct snapshot written;
	int64_t written_boot_ms;
	bool any; /* there is one */
	pthread_mutex_t mutex; /* of what follows */
	struct snapshot given; /* the newest, not begun with */
	int64_t given_boot_ms;
	bool fresh; /* there is one */
};

static int64_t
boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct state_sqlite *
owner(struct db_task *task)
{
	return UTIL_OWNER(task, struct state_sqlite, task);
}

/* ---- reading ---- */

/* A column's text, or NULL if it is none. */
static const char *
text_at(sqlite3_stmt *row, int column)
{
	if (sqlite3_column_type(row, column) != SQLITE_TEXT)
		return NULL;
	const char *text = (const char *)sqlite3_column_text(row, column);
	return text && strlen(text) == (size_t)sqlite3_column_bytes(row, column) ? text : NULL;
}

static bool
kind_at(sqlite3_stmt *row, int column, enum health_kind *kind)
{
	const char *text = text_at(row, column);

	for (size_t i = 0; text && i < UTIL_COUNT(kinds); i++)
		if (strcmp(text, kinds[i]) == 0) {
			*kind = (enum health_kind)i;
			return true;
		}
	return false;
}

static int
count_at(sqlite3_stmt *row, int column)
{
	int64_t count = sqlite3_column_int64(row, column);

	return count < 0 ? 0 : count > INT_MAX ? INT_MAX : (int)count;
}

static bool
read_circuit(struct state_sqlite *own, sqlite3_stmt *row)
{
	struct snapshot_circuit circuit = {
		.name = (char *)(uintptr_t)text_at(row, 1),
		.hinted = sqlite3_column_int(row, 3) != 0,
		.failures = count_at(row, 4),
		.left_ms = sqlite3_column_int64(row, 5),
		.seen_left_ms = sqlite3_column_int64(row, 6),
		.cooldown_ms = sqlite3_column_int64(row, 7),
		.shared = sqlite3_column_int(row, 8) != 0,
	};
	const char *text = text_at(row, 2);
	int class = text ? outcome_from_text(text) : -1;

	if (class < 0 || !kind_at(row, 0, &circuit.kind))
		return false;
	circuit.class = (enum outcome_class)class;
	return snapshot_add_circuit(own->found, &circuit);
}

static bool
read_preferred(struct state_sqlite *own, sqlite3_stmt *row)
{
	struct snapshot_preferred preferred = {
		.chain = (char *)(uintptr_t)text_at(row, 0),
		.target = (char *)(uintptr_t)text_at(row, 1),
		.left_ms = sqlite3_column_int64(row, 2),
		.shared = sqlite3_column_int(row, 3) != 0,
	};

	return snapshot_add_preferred(own->found, &preferred);
}

static bool
read_forced(struct state_sqlite *own, sqlite3_stmt *row)
{
	int64_t by_uid = sqlite3_column_int64(row, 3);

	if (by_uid < 0 || by_uid > UINT32_MAX)
		return false;
	snapshot_set_forced_age(own->found, sqlite3_column_int64(row, 4));
	own->found->forced_shared = sqlite3_column_int(row, 5) != 0;
	return snapshot_set_forced(own->found, text_at(row, 0), sqlite3_column_int(row, 1) != 0,
		sqlite3_column_int64(row, 2), (uint32_t)by_uid);
}

static bool
read_disabled(struct state_sqlite *own, sqlite3_stmt *row)
{
	enum health_kind kind;

	return kind_at(row, 0, &kind) && snapshot_add_disabled(own->found, kind, text_at(row, 1));
}

static bool
read_meta(struct state_sqlite *own, sqlite3_stmt *row)
{
	const char *name = text_at(row, 0);

	if (name && strcmp(name, "saved_boot_ms") == 0)
		own->found_boot_ms = sqlite3_column_int64(row, 1);
	else if (name && strcmp(name, "epoch") == 0)
		return snapshot_set_epoch(own->found, text_at(row, 1));
	return name != NULL;
}

/* Which rows are read how. One more than may be there shows that there are too many. */
static const struct {
	const char *query;
	bool (*read)(struct state_sqlite *own, sqlite3_stmt *row);
} tables[] = {
	{"SELECT kind, name, class, hinted, failures, left_ms, seen_left_ms, cooldown_ms, shared"
	 " FROM circuit LIMIT ?",
		read_circuit},
	{"SELECT chain, target, left_ms, shared FROM preferred LIMIT ?", read_preferred},
	{"SELECT provider, strict, left_ms, by_uid, age_ms, shared FROM forced LIMIT ?",
		read_forced},
	{"SELECT kind, name FROM disabled LIMIT ?", read_disabled},
	{"SELECT name, value FROM meta LIMIT ?", read_meta},
};

static int
read_table(struct state_sqlite *own, sqlite3 *sqlite, size_t i)
{
	sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(sqlite, tables[i].query, -1, &row, NULL);

	if (code != SQLITE_OK)
		return code;
	(void)sqlite3_bind_int(row, 1, SNAPSHOT_ROWS_MAX + 1);
	while ((code = sqlite3_step(row)) == SQLITE_ROW)
		own->odd += !tables[i].read(own, row);
	(void)sqlite3_finalize(row);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static void
find_nothing(struct state_sqlite *own)
{
	snapshot_free(own->found);
	own->found->forced_age_ms = -1;
	own->found_boot_ms = -1;
	own->odd = 0;
}

/* All tables as they were at one moment, though another process may write. */
static int
load(struct db_task *task, sqlite3 *sqlite)
{
	struct state_sqlite *own = owner(task);
	int code = sqlite3_exec(sqlite, "BEGIN", NULL, NULL, NULL);

	find_nothing(own);
	for (size_t i = 0; i < UTIL_COUNT(tables) && code == SQLITE_OK; i++)
		code = read_table(own, sqlite, i);
	if (code == SQLITE_OK)
		code = sqlite3_exec(sqlite, "COMMIT", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		find_nothing(own);
	return code;
}

/* ---- writing ---- */

/* A statement of which each execution is one row. */
struct insert {
	sqlite3_stmt *statement;
	int column;
	int code; /* the first that was not SQLITE_OK */
};

static struct insert
insert_into(sqlite3 *sqlite, const char *text)
{
	struct insert insert = {.column = 0};

	insert.code = sqlite3_prepare_v2(sqlite, text, -1, &insert.statement, NULL);
	return insert;
}

static void
put_text(struct insert *insert, const char *text)
{
	if (insert->code == SQLITE_OK)
		insert->code = sqlite3_bind_text(
			insert->statement, ++insert->column, text, -1, SQLITE_STATIC);
}

static void
put_number(struct insert *insert, int64_t number)
{
	if (insert->code == SQLITE_OK)
		insert->code =
			sqlite3_bind_int64(insert->statement, ++insert->column, number);
}

static void
put_row(struct insert *insert)
{
	insert->column = 0;
	if (insert->code != SQLITE_OK)
		return;
	int code = sqlite3_step(insert->statement);
	insert->code = code == SQLITE_DONE ? SQLITE_OK : code;
	(void)sqlite3_reset(insert->statement);
}

static int
insert_end(struct insert *insert)
{
	(void)sqlite3_finalize(insert->statement);
	return insert->code;
}

static int
write_circuits(struct state_sqlite *own, sqlite3 *sqlite)
{
	struct insert insert = insert_into(
		sqlite, "INSERT OR REPLACE INTO circuit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");

	for (size_t i = 0; i < own->written.circuit_count; i++) {
		const struct snapshot_circuit *circuit = &own->written.circuits[i];

		put_text(&insert, kinds[circuit->kind]);
		put_text(&insert, circuit->name);
		put_text(&insert, outcome_text(circuit->class));
		put_number(&insert, circuit->hinted);
		put_number(&insert, circuit->failures);
		put_number(&insert, circuit->left_ms);
		put_number(&insert, circuit->seen_left_ms);
		put_number(&insert, circuit->cooldown_ms);
		put_number(&insert, circuit->shared);
		put_row(&insert);
	}
	return insert_end(&insert);
}

static int
write_preferred(struct state_sqlite *own, sqlite3 *sqlite)
{
	struct insert insert =
		insert_into(sqlite, "INSERT OR REPLACE INTO preferred VALUES (?, ?, ?, ?)");

	for (size_t i = 0; i < own->written.preferred_count; i++) {
		const struct snapshot_preferred *preferred = &own->written.preferred[i];

		put_text(&insert, preferred->chain);
		put_text(&insert, preferred->target);
		put_number(&insert, preferred->left_ms);
		put_number(&insert, preferred->shared);
		put_row(&insert);
	}
	return insert_end(&insert);
}

static int
write_forced(struct state_sqlite *own, sqlite3 *sqlite)
{
	struct insert insert =
		insert_into(sqlite, "INSERT INTO forced VALUES (?, ?, ?, ?, ?, ?)");

	put_text(&insert, own->written.forced);
	put_number(&insert, own->written.forced_strict);
	put_number(&insert, own->written.forced_left_ms);
	put_number(&insert, own->written.forced_by_uid);
	put_number(&insert, own->written.forced_age_ms);
	put_number(&insert, own->written.forced_shared);
	put_row(&insert);
	return insert_end(&insert);
}

static int
write_disabled(struct state_sqlite *own, sqlite3 *sqlite)
{
	struct insert insert = insert_into(sqlite, "INSERT OR REPLACE INTO disabled VALUES (?, ?)");

	for (size_t i = 0; i < own->written.disabled_count; i++) {
		put_text(&insert, kinds[own->written.disabled[i].kind]);
		put_text(&insert, own->written.disabled[i].name);
		put_row(&insert);
	}
	return insert_end(&insert);
}

static int
write_meta(struct state_sqlite *own, sqlite3 *sqlite)
{
	struct insert insert = insert_into(sqlite, "INSERT INTO meta VALUES (?, ?)");

	put_text(&insert, "saved_boot_ms");
	put_number(&insert, own->written_boot_ms);
	put_row(&insert);
	if (own->written.epoch) {
		put_text(&insert, "epoch");
		put_text(&insert, own->written.epoch);
		put_row(&insert);
	}
	return insert_end(&insert);
}

/* Makes the newest that was given what is written. */
static bool
take_given(struct state_sqlite *own)
{
	pthread_mutex_lock(&own->mutex);
	if (own->fresh) {
		snapshot_free(&own->written);
		own->written = own->given;
		own->written_boot_ms = own->given_boot_ms;
		own->given = (struct snapshot){0};
		own->fresh = false;
		own->any = true;
	}
	pthread_mutex_unlock(&own->mutex);
	return own->any;
}

static int
run(struct db_task *task, sqlite3 *sqlite)
{
	static int (*const writers[])(struct state_sqlite *, sqlite3 *) = {
		write_circuits, write_preferred, write_forced, write_disabled, write_meta};
	struct state_sqlite *own = owner(task);

	if (!take_given(own))
		return SQLITE_OK;
	int code = sqlite3_exec(sqlite, clear, NULL, NULL, NULL);
	for (size_t i = 0; i < UTIL_COUNT(writers) && code == SQLITE_OK; i++)
		code = writers[i](own, sqlite);
	return code;
}

/* ---- the loop's side ---- */

static void
save(struct state *state, struct snapshot *snapshot)
{
	struct state_sqlite *own = (struct state_sqlite *)state;
	struct snapshot old;

	pthread_mutex_lock(&own->mutex);
	old = own->given;
	own->given = *snapshot;
	own->given_boot_ms = boot_ms();
	own->fresh = true;
	pthread_mutex_unlock(&own->mutex);
	*snapshot = (struct snapshot){0};
	snapshot_free(&old);
	db_want(own->db, &own->task);
}

static const struct state_ops ops = {.save = save};

struct state *
state_sqlite_open(const char *path, struct snapshot *found, struct buf *why)
{
	struct state_sqlite *own = x_calloc(1, sizeof *own);

	own->state.ops = &ops;
	own->task = (struct db_task){.schema = schema, .load = load, .run = run};
	own->found = found;
	pthread_mutex_init(&own->mutex, NULL);
	find_nothing(own);
	own->db = db_open(path, &own->task, why);
	own->found = NULL;
	if (own->odd > 0)
		log_warning("state: %s has entries that are left out, for they are not understood "
			    "or too many: %zu",
			path, own->odd);
	if (own->found_boot_ms >= 0)
		snapshot_age(found, snapshot_gone_ms(own->found_boot_ms, boot_ms()));
	return &own->state;
}

void
state_sqlite_look(struct state *state, struct db_look *look)
{
	db_look(((struct state_sqlite *)state)->db, look);
}

void
state_sqlite_close(struct state *state)
{
	struct state_sqlite *own = (struct state_sqlite *)state;

	/* a thread that hangs still uses it */
	if (!own || !db_close(own->db))
		return;
	snapshot_free(&own->written);
	snapshot_free(&own->given);
	pthread_mutex_destroy(&own->mutex);
	free(own);
}
