/*
 * SQLite under the store: schema, version, opening without writing; the contract is in
 * catalogue.h.
 *
 * WAL lets readers and the writer work side by side.  The -wal and -shm files are left in place
 * when the writer closes, so that a reader without write permission still finds what it needs to
 * open the database; a store that was copied without them is opened as immutable.
 */
#include "store/catalogue.h"

#include "base/buf.h"
#include "record/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BUSY_TIMEOUT_MS 20000

static const char schema[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE sensor (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    "  country TEXT NOT NULL, kind TEXT NOT NULL, tags TEXT NOT NULL,"
    "  addresses INTEGER NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL);"
    /* Words above 2^63 are stored as the negative number with the same bits. */
    "CREATE TABLE destination (sensor INTEGER NOT NULL, idx INTEGER NOT NULL,"
    "  hi INTEGER NOT NULL, lo INTEGER NOT NULL, PRIMARY KEY (sensor, idx)) WITHOUT ROWID;"
    "CREATE TABLE signature (id INTEGER PRIMARY KEY, text TEXT NOT NULL);"
    "CREATE TABLE ingest (id INTEGER PRIMARY KEY AUTOINCREMENT, sensor INTEGER NOT NULL,"
    "  name TEXT NOT NULL, sha256 TEXT, rows INTEGER NOT NULL, at INTEGER NOT NULL);"
    "CREATE INDEX ingest_file ON ingest (sha256, sensor);"
    "CREATE TABLE segment (id INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL,"
    "  day INTEGER NOT NULL, name TEXT NOT NULL, schema INTEGER NOT NULL, rows INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL, crc32c INTEGER NOT NULL, ingest INTEGER NOT NULL,"
    "  superseded INTEGER NOT NULL DEFAULT 0);" /* time it was replaced at, 0 = in use */
    "CREATE INDEX segment_use ON segment (superseded, tbl, day);"
    "CREATE TABLE date (day INTEGER PRIMARY KEY, dirty INTEGER NOT NULL,"
    "  flow_dropped INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    "  ingest INTEGER NOT NULL, covered INTEGER NOT NULL);";

/* Tables that came later; stores that are older get them when they are written. */
static const char schema_added[] =
    /* Dates whose rows of a table retention has dropped: their absence means nothing. */
    "CREATE TABLE IF NOT EXISTS dropped (tbl TEXT NOT NULL, day INTEGER NOT NULL,"
    "  PRIMARY KEY (tbl, day)) WITHOUT ROWID;"
    /* Rule sets that sensors matched with; updated: days since 1970, 0 = not known. */
    "CREATE TABLE IF NOT EXISTS rules (sensor INTEGER NOT NULL, digest TEXT NOT NULL,"
    "  time_from INTEGER NOT NULL, time_to INTEGER NOT NULL, rules INTEGER NOT NULL,"
    "  updated INTEGER NOT NULL);"
    /* What people know about days; series: words as note.h reads them; numbers are not used again. */
    "CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY AUTOINCREMENT, day INTEGER NOT NULL,"
    "  series TEXT NOT NULL, ja TEXT, en TEXT, url TEXT, made INTEGER NOT NULL);";

static int fail(struct catalogue *cat, struct err *err)
{
	return err_set(err, ST_ENGINE, "catalogue: %s", sqlite3_errmsg(cat->db));
}

static int run_plain(struct catalogue *cat, const char *sql, struct err *err)
{
	return sqlite3_exec(cat->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ST_OK : fail(cat, err);
}

static int prepare(struct catalogue *cat, sqlite3_stmt **ret_stmt, struct err *err,
    const char *sql, const char *kinds, va_list args)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(cat->db, sql, -1, &stmt, NULL);

	for (int i = 1; rc == SQLITE_OK && *kinds; kinds++, i++) {
		if (*kinds == 'i')
			rc = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
		else
			rc = sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1,
			    SQLITE_TRANSIENT);
	}
	if (rc != SQLITE_OK) {
		(void)sqlite3_finalize(stmt); /* repeats rc */
		return fail(cat, err);
	}
	*ret_stmt = stmt;
	return ST_OK;
}

int catalogue_prepare(struct catalogue *cat, sqlite3_stmt **ret_stmt, struct err *err,
    const char *sql, const char *kinds, ...)
{
	va_list args;
	int ret;

	va_start(args, kinds);
	ret = prepare(cat, ret_stmt, err, sql, kinds, args);
	va_end(args);
	return ret;
}

int catalogue_step(struct catalogue *cat, sqlite3_stmt *stmt, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail(cat, err);
}

int catalogue_run(struct catalogue *cat, struct err *err, const char *sql, const char *kinds, ...)
{
	sqlite3_stmt *stmt = NULL;
	va_list args;
	int ret;

	va_start(args, kinds);
	ret = prepare(cat, &stmt, err, sql, kinds, args);
	va_end(args);
	if (ret)
		return ret;
	ret = catalogue_step(cat, stmt, err);
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret < 0 ? ret : ST_OK;
}

int catalogue_int(struct catalogue *cat, int64_t *ret_value, struct err *err, const char *sql,
    const char *kinds, ...)
{
	sqlite3_stmt *stmt = NULL;
	va_list args;
	int ret;

	va_start(args, kinds);
	ret = prepare(cat, &stmt, err, sql, kinds, args);
	va_end(args);
	if (ret)
		return ret;
	ret = catalogue_step(cat, stmt, err);
	if (ret == 1)
		*ret_value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret == 1 ? ST_OK : ret == 0 ? ST_NOT_FOUND : ret;
}

const char *catalogue_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}

int catalogue_begin(struct catalogue *cat, struct err *err)
{
	return run_plain(cat, "BEGIN IMMEDIATE", err);
}

int catalogue_begin_read(struct catalogue *cat, struct err *err)
{
	return run_plain(cat, "BEGIN", err);
}

int catalogue_end(struct catalogue *cat, int ret, struct err *err)
{
	if (ret == ST_OK)
		ret = run_plain(cat, "COMMIT", err);
	if (ret != ST_OK && !sqlite3_get_autocommit(cat->db))
		(void)sqlite3_exec(cat->db, "ROLLBACK", NULL, NULL, NULL); /* ret says more */
	return ret;
}

/* Appends path percent-encoded for a SQLite URI. */
static void put_uri_path(struct buf *b, const char *path)
{
	buf_puts(b, "file:");
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		if (*p <= ' ' || *p == '%' || *p == '?' || *p == '#')
			buf_printf(b, "%%%02X", *p);
		else
			buf_putc(b, (char)*p);
	}
}

static int check_version(struct catalogue *cat, const char *dir, struct err *err)
{
	int64_t version;
	int64_t records;
	int ret = catalogue_int(cat, &version, err,
	    "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'version'", "");

	if (ret == ST_OK)
		ret = catalogue_int(cat, &records, err,
		    "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'schema'", "");
	if (ret == ST_NOT_FOUND)
		return err_set(err, ST_MALFORMED, "%s/catalogue.db is not the catalogue of a store",
		    dir);
	if (ret)
		return ret;
	if (version > CATALOGUE_VERSION || records > RECORD_SCHEMA_VERSION)
		return err_set(err, ST_UNSUPPORTED,
		    "the store %s was written by a newer Teiten (store version %lld, records %lld; "
		    "this program knows %d and %d)",
		    dir, (long long)version, (long long)records, CATALOGUE_VERSION,
		    RECORD_SCHEMA_VERSION);
	return ST_OK;
}

/* Opens and reads something, because SQLite touches the files only then. */
static int open_uri(struct catalogue *cat, const char *dir, const char *query, int flags)
{
	struct buf uri = {0};
	struct buf path = {0};
	int rc = SQLITE_NOMEM;

	buf_printf(&path, "%s/catalogue.db", dir);
	put_uri_path(&uri, buf_text(&path));
	buf_puts(&uri, query);
	if (uri.failed || path.failed)
		goto out;
	rc = sqlite3_open_v2(buf_text(&uri), &cat->db, flags | SQLITE_OPEN_URI, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(cat->db, BUSY_TIMEOUT_MS);
	/* A large statement may want a temporary file, and the sandbox lets it have none. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(cat->db, "PRAGMA temp_store = MEMORY; "
		    "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
out:
	buf_fini(&uri);
	buf_fini(&path);
	return rc;
}

/* Bytes of DIR/catalogue.db-wal, which may hold what is not in the database yet; -1: no file. */
static int64_t wal_size(const char *dir)
{
	struct buf path = {0};
	struct stat st;
	int64_t size;

	buf_printf(&path, "%s/catalogue.db-wal", dir);
	size = stat(buf_text(&path), &st) == 0 ? st.st_size : -1;
	buf_fini(&path);
	return size;
}

static int open_read(struct catalogue *cat, const char *dir, struct err *err)
{
	/* SQLite would make a missing -wal file even for a reader. */
	int rc = wal_size(dir) < 0 ? SQLITE_CANTOPEN
	    : open_uri(cat, dir, "?mode=ro&readonly_shm=1", SQLITE_OPEN_READONLY);
	int ret;

	if ((rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY) && wal_size(dir) <= 0) {
		(void)sqlite3_close(cat->db); /* nothing is open in it */
		cat->db = NULL;
		rc = open_uri(cat, dir, "?mode=ro&immutable=1", SQLITE_OPEN_READONLY);
	}
	if (rc == SQLITE_CANTOPEN)
		return err_set(err, ST_NOT_FOUND, "there is no store at %s (no readable %s)", dir,
		    "catalogue.db");
	if (rc != SQLITE_OK)
		return err_set(err, ST_ENGINE, "%s/catalogue.db: %s", dir,
		    cat->db ? sqlite3_errmsg(cat->db) : sqlite3_errstr(rc));
	ret = check_version(cat, dir, err);
	return ret;
}

static int create(struct catalogue *cat, const char *timezone, struct err *err)
{
	int ret = catalogue_begin(cat, err);

	if (ret)
		return ret;
	ret = run_plain(cat, schema, err);
	if (!ret)
		ret = catalogue_run(cat, err, "INSERT INTO meta VALUES ('version', ?)", "i",
		    (int64_t)CATALOGUE_VERSION);
	if (!ret)
		ret = catalogue_run(cat, err, "INSERT INTO meta VALUES ('schema', ?)", "i",
		    (int64_t)RECORD_SCHEMA_VERSION);
	if (!ret)
		ret = catalogue_run(cat, err, "INSERT INTO meta VALUES ('timezone', ?)", "s",
		    timezone ? timezone : "UTC");
	return catalogue_end(cat, ret, err);
}

static int open_write(struct catalogue *cat, const char *dir, const char *timezone,
    struct err *err)
{
	int rc = open_uri(cat, dir, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	int64_t tables;
	int keep = 1;
	int ret;

	if (rc != SQLITE_OK)
		return err_set(err, ST_ENGINE, "%s/catalogue.db: %s", dir,
		    cat->db ? sqlite3_errmsg(cat->db) : sqlite3_errstr(rc));
	(void)sqlite3_file_control(cat->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	ret = run_plain(cat, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", err);
	if (!ret)
		ret = catalogue_int(cat, &tables, err, "SELECT count(*) FROM sqlite_master", "");
	if (!ret && tables == 0)
		ret = create(cat, timezone, err);
	if (!ret)
		ret = check_version(cat, dir, err);
	if (!ret)
		ret = run_plain(cat, schema_added, err);
	if (!ret)
		ret = catalogue_run(cat, err,
		    "UPDATE meta SET value = ? WHERE key = 'schema' AND CAST(value AS INTEGER) < ?",
		    "ii", (int64_t)RECORD_SCHEMA_VERSION, (int64_t)RECORD_SCHEMA_VERSION);
	return ret;
}

int catalogue_open(struct catalogue *cat, const char *dir, bool write, const char *timezone,
    struct err *err)
{
	int ret;

	cat->db = NULL;
	ret = write ? open_write(cat, dir, timezone, err) : open_read(cat, dir, err);
	if (ret)
		catalogue_close(cat);
	return ret;
}

void catalogue_close(struct catalogue *cat)
{
	(void)sqlite3_close(cat->db); /* every statement is finalized */
	cat->db = NULL;
}
