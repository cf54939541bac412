/*
 * Rows in memory as a chunk of DuckDB's vectors.  One loop over the record descriptors serves every
 * table.
 */
#pragma once

#include "record/record.h"

#include <duckdb.h>

/* DuckDB's type of a column. */
duckdb_type feed_column_type(enum record_type type);

/* Copies rows, at most a vector's, into the columns of a chunk and sets its size. */
void feed_fill(const struct record_table *table, const void *rows, size_t count,
    duckdb_data_chunk chunk);
