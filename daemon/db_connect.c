/* SPDX-License-Identifier: MIT */
/* See db_connect.h. */
#include "db_connect.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "llmfo.h"

enum db_fault
db_fault_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK: return DB_WELL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return DB_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	/* our own statements are right: what lies there has other tables */
	case SQLITE_ERROR:
	case SQLITE_SCHEMA: return DB_BROKEN;
	default: return DB_FAILED;
	}
}

void
db_say(sqlite3 *sqlite, const char *path, struct buf *why)
{
	int number = sqlite ? sqlite3_system_errno(sqlite) : 0;
	int code = sqlite ? sqlite3_errcode(sqlite) & 0xff : SQLITE_NOMEM;
	bool told = number != 0 && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN);

	buf_clear(why);
	(void)buf_printf(why, "%s: %s%s%s%s", path, sqlite ? sqlite3_errmsg(sqlite) : "no memory",
		told ? " (" : "", told ? strerror(number) : "", told ? ")" : "");
}

int
db_execute(sqlite3 *sqlite, const char *statements)
{
	return sqlite3_exec(sqlite, statements, NULL, NULL, NULL);
}

/* The one number that a statement gives. */
static int
read_number(sqlite3 *sqlite, const char *query, int64_t *number)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(sqlite, query, -1, &statement, NULL);

	if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
		*number = sqlite3_column_int64(statement, 0);
	int end = sqlite3_finalize(statement);
	return code == SQLITE_OK ? end : code;
}

/* Does SQLite find the file whole? */
static int
check_pages(sqlite3 *sqlite, bool *whole)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(sqlite, "PRAGMA quick_check(1)", -1, &statement, NULL);

	*whole = true;
	if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(statement, 0);

		*whole = text && strcmp((const char *)text, "ok") == 0;
	}
	int end = sqlite3_finalize(statement);
	return code == SQLITE_OK ? end : code;
}

static enum db_fault
complain(struct buf *why, const char *path, const char *what, enum db_fault fault)
{
	buf_clear(why);
	(void)buf_printf(why, "%s %s", path, what);
	return fault;
}

/* Is it one of ours, and whole? */
static enum db_fault
check(sqlite3 *sqlite, const char *path, struct buf *why)
{
	int64_t application = 0, version = 0;
	bool whole = true;
	int code = read_number(sqlite, "PRAGMA application_id", &application);

	if (code == SQLITE_OK)
		code = read_number(sqlite, "PRAGMA user_version", &version);
	if (code == SQLITE_OK && application != DB_APPLICATION_ID)
		return complain(why, path, "is no state file of llmfod", DB_BROKEN);
	if (code == SQLITE_OK && version > DB_VERSION)
		return complain(why, path, "is from a later version of llmfod", DB_NEWER);
	if (code == SQLITE_OK && version != DB_VERSION)
		return complain(why, path, "has no version that llmfod knows", DB_BROKEN);
	if (code == SQLITE_OK && db_file_bytes(path, "") <= DB_CHECK_MAX_BYTES)
		code = check_pages(sqlite, &whole);
	if (!whole)
		return complain(why, path, "is damaged", DB_BROKEN);
	if (code != SQLITE_OK)
		db_say(sqlite, path, why);
	return db_fault_of(code);
}

/* What lies in the file is data: it makes nothing happen. */
static void
distrust(sqlite3 *sqlite)
{
	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

/* journal_mode does not stay as it was in a file that somebody set to another one. */
static const char settings[] = "PRAGMA cell_size_check=ON;"
			       "PRAGMA temp_store=MEMORY;";
static const char writing_settings[] = "PRAGMA journal_mode=WAL;"
				       "PRAGMA synchronous=NORMAL;"
				       "PRAGMA journal_size_limit=4194304;";

static sqlite3 *
open_file(const char *path, int flags)
{
	sqlite3 *sqlite = NULL;
	int code = sqlite3_open_v2(path, &sqlite, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (sqlite) {
		(void)sqlite3_extended_result_codes(sqlite, 1);
		(void)sqlite3_busy_timeout(sqlite, DB_BUSY_MS);
	}
	if (code == SQLITE_OK)
		distrust(sqlite);
	return sqlite;
}

sqlite3 *
db_connect(const char *path, bool writing, enum db_fault *fault, struct buf *why)
{
	sqlite3 *sqlite =
		open_file(path, writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int code = sqlite ? sqlite3_errcode(sqlite) : SQLITE_NOMEM;

	*fault = DB_FAILED;
	if (code == SQLITE_OK && !writing)
		(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (code == SQLITE_OK)
		code = db_execute(sqlite, settings);
	if (code == SQLITE_OK)
		*fault = check(sqlite, path, why);
	if (code == SQLITE_OK && *fault == DB_WELL && writing) {
		code = db_execute(sqlite, writing_settings);
		*fault = db_fault_of(code);
	}
	/* a header may say that nobody is to write, which none of ours ever does */
	if (*fault == DB_WELL && writing && sqlite3_db_readonly(sqlite, "main") == 1 &&
		access(path, W_OK) == 0)
		*fault = complain(why, path, "is damaged", DB_BROKEN);
	if (code != SQLITE_OK) {
		*fault = db_fault_of(code);
		db_say(sqlite, path, why);
	}
	if (*fault == DB_WELL)
		return sqlite;
	(void)sqlite3_close(sqlite);
	return NULL;
}

/* The path in a URI that says that the file does not change. */
static char *
immutable_uri(const char *path)
{
	struct buf uri;

	buf_init(&uri, 3 * strlen(path) + 64);
	(void)buf_puts(&uri, "file:");
	for (; *path; path++)
		(void)buf_printf(&uri, strchr("%?#", *path) ? "%%%02x" : "%c", *path);
	(void)buf_puts(&uri, "?immutable=1");
	return buf_take(&uri, NULL);
}

sqlite3 *
db_connect_rescue(const char *path)
{
	/* a log is read only by who may lock the file, and then kept in memory */
	bool logged = db_file_bytes(path, "-wal") > 0;
	char *name = logged ? x_strdup(path) : immutable_uri(path);
	sqlite3 *sqlite = open_file(
		name, logged ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
	enum db_fault fault = DB_FAILED;
	struct buf why;

	buf_init(&why, 1024);
	(void)sqlite3_db_config(sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (sqlite && db_execute(sqlite, settings) == SQLITE_OK &&
		(!logged || db_execute(sqlite, "PRAGMA locking_mode=EXCLUSIVE") == SQLITE_OK))
		fault = check(sqlite, path, &why);
	buf_free(&why);
	free(name);
	if (fault == DB_WELL)
		return sqlite;
	(void)sqlite3_close(sqlite);
	return NULL;
}

/* What makes an empty file one of ours. */
static int
fill(const char *name, struct buf *why)
{
	sqlite3 *sqlite = open_file(name, SQLITE_OPEN_READWRITE);
	char *text = x_asprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;"
				"PRAGMA journal_mode=WAL;",
		DB_APPLICATION_ID, DB_VERSION);
	int code = sqlite ? db_execute(sqlite, text) : SQLITE_NOMEM;

	if (code != SQLITE_OK)
		db_say(sqlite, name, why);
	free(text);
	/* with the last one to close it its log goes into the file */
	(void)sqlite3_close(sqlite);
	return code == SQLITE_OK ? 0 : LLMFO_EINTERNAL;
}

int
db_create(const char *path, struct buf *why)
{
	struct buf name;

	buf_init(&name, 8192);
	int error = db_file_begin(path, &name, why);
	if (!error)
		error = fill(name.data, why);
	if (!error && db_file_bytes(name.data, "-wal") > 0) {
		buf_clear(why);
		(void)buf_printf(why, "%s could not be written whole", name.data);
		error = LLMFO_EINTERNAL;
	}
	if (!error)
		error = db_file_finish(path, name.data, why);
	buf_free(&name);
	return error;
}
