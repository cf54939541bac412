/*
 * The catalogue: one SQLite database that says which segments exist, so that a file that is not
 * listed does not exist for anybody.  Its schema and its statements' helpers.
 */
#pragma once

#include "base/status.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* Of the catalogue and the folder layout; a store with a newer one is refused. */
#define CATALOGUE_VERSION 1

struct catalogue {
	sqlite3 *db;
};

/* Opens DIR/catalogue.db; for writing it is created with the zone when absent. */
ST_MUST_CHECK int catalogue_open(struct catalogue *cat, const char *dir, bool write,
    const char *timezone, struct err *err);
void catalogue_close(struct catalogue *cat);

/*
 * Prepares sql and binds its arguments: kinds has one letter each, i = int64_t, s = const char *
 * (NULL allowed).  The caller finalizes *ret_stmt.
 */
ST_MUST_CHECK int catalogue_prepare(struct catalogue *cat, sqlite3_stmt **ret_stmt,
    struct err *err, const char *sql, const char *kinds, ...);

/* Next row: 1, or 0 at the end, or a negative code. */
ST_MUST_CHECK int catalogue_step(struct catalogue *cat, sqlite3_stmt *stmt, struct err *err);

/* Runs one statement with arguments for its effect. */
ST_MUST_CHECK int catalogue_run(struct catalogue *cat, struct err *err, const char *sql,
    const char *kinds, ...);

/* The first column of the first row; ST_NOT_FOUND (err untouched) when there is no row. */
ST_MUST_CHECK int catalogue_int(struct catalogue *cat, int64_t *ret_value, struct err *err,
    const char *sql, const char *kinds, ...);

/* Column as text, never NULL. */
const char *catalogue_text(sqlite3_stmt *stmt, int column);

/* A write transaction; catalogue_end commits when ret is ST_OK and rolls back otherwise, and
 * returns ret or what went wrong in the commit. */
ST_MUST_CHECK int catalogue_begin(struct catalogue *cat, struct err *err);
ST_MUST_CHECK int catalogue_end(struct catalogue *cat, int ret, struct err *err);

/* A read transaction, so that several statements see one state. */
ST_MUST_CHECK int catalogue_begin_read(struct catalogue *cat, struct err *err);
