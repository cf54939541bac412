/*
 * DuckDB, opened for one of two uses: the writer's engine may do anything with files, a reader's
 * engine can only read Parquet files of the store and can't be talked out of that.
 */
#pragma once

#include "base/status.h"

#include <duckdb.h>
#include <stdbool.h>
#include <stdint.h>

struct engine {
	duckdb_database db;
	duckdb_connection con;
};

struct engine_options {
	unsigned threads;      /* 0 = number of processors */
	uint64_t memory_bytes; /* 0 = ENGINE_MEMORY_DEFAULT */
	const char *temp_path; /* where sorts may spill; NULL: nowhere */
	/* NULL: everything is allowed.  Else the only folders that can be read, and settings are
	 * locked. */
	const char *const *read_only_paths;
	unsigned read_only_count;
};

#define ENGINE_MEMORY_DEFAULT (1ull << 30)

/* engine lives until engine_close; its address must not change. */
ST_MUST_CHECK int engine_open(struct engine *engine, const struct engine_options *options,
    struct err *err);

/* Zeroed engines are allowed. */
void engine_close(struct engine *engine);

/* Runs a statement (or several) for its effect.  ST_ENGINE with DuckDB's own words. */
ST_MUST_CHECK int engine_run(struct engine *engine, const char *sql, struct err *err);

/* As engine_run, and gives the first column of the first row as an integer (0 when there is none). */
ST_MUST_CHECK int engine_run_int(struct engine *engine, const char *sql, int64_t *ret_value,
    struct err *err);

/* DuckDB's words without the hint lines after the first two, for an error sentence. */
int engine_error(struct err *err, const char *what, const char *words);
