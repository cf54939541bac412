/*
 * Rows between DuckDB and C a vector at a time: a query that is read as it runs, and rows that are
 * appended to a table of a connection.
 */
#pragma once

#include "base/status.h"
#include "record/record.h"
#include "store/engine.h"

/*
 * Runs a SELECT and hands over its chunks until `each` returns non-zero, which is returned.  The
 * result is never in memory as a whole; what DuckDB needs for sorting is its own.
 */
ST_MUST_CHECK int chunks_read(duckdb_connection con, const char *sql,
    int (*each)(void *arg, duckdb_data_chunk chunk, struct err *err), void *arg, struct err *err);

/* A column's values in a chunk; the type is what the SELECT casts to. */
#define CHUNKS_COLUMN(chunk, column, type) \
	((const type *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, column)))

/* Rows on their way into a table that exists on the connection. */
struct chunks_writer {
	const struct record_table *table;
	duckdb_appender appender;
	duckdb_data_chunk chunk;
};

/* table: whose columns the table `name` has. */
ST_MUST_CHECK int chunks_writer_open(struct chunks_writer *writer, duckdb_connection con,
    const struct record_table *table, const char *name, struct err *err);

/* At most duckdb_vector_size() rows, which are copied. */
ST_MUST_CHECK int chunks_writer_add(struct chunks_writer *writer, const void *rows, size_t count,
    struct err *err);

/* Rows are in the table after this.  Zeroed writers are allowed. */
ST_MUST_CHECK int chunks_writer_close(struct chunks_writer *writer, struct err *err);

/*
 * The same for who does not care about the order of rows, a third of the time: DuckDB's threads
 * call `each` where they read, one at a time, and nothing is copied.
 *
 * A taker belongs to a database that answers nobody's own SQL, because it is a function there.  It
 * is freed after the database is closed.
 */
struct chunks_taker;

ST_MUST_CHECK int chunks_taker_new(duckdb_connection con, struct chunks_taker **ret_taker,
    struct err *err);
/* NULL is allowed. */
void chunks_taker_free(struct chunks_taker *taker);

ST_MUST_CHECK int chunks_take(struct chunks_taker *taker, duckdb_connection con, const char *sql,
    int (*each)(void *arg, duckdb_data_chunk chunk, struct err *err), void *arg, struct err *err);
