/*
 * Rows in memory as a DuckDB table: `SELECT * FROM feed()` gives the rows of the struct feed that
 * the engine points at.  One loop over the record descriptors serves every table.
 */
#pragma once

#include "record/record.h"
#include "store/engine.h"

struct feed {
	const struct record_table *table;
	const void *rows; /* array of the table's C structs */
	size_t count;
	size_t position;
};

/* DuckDB's type of a column. */
duckdb_type feed_column_type(enum record_type type);

/* Copies rows, at most a vector's, into the columns of a chunk and sets its size. */
void feed_fill(const struct record_table *table, const void *rows, size_t count,
    duckdb_data_chunk chunk);

/* Makes feed() known to the engine's connection. */
ST_MUST_CHECK int feed_register(struct engine *engine, struct err *err);
