/*
 * Results of questions, copied out of DuckDB; the accessors are in store.h.
 */
#pragma once

#include "store/store.h"

#include <duckdb.h>

/* True when result_read can take the type as it is; others are cast to VARCHAR beforehand. */
bool result_takes(duckdb_type type);

/* Copies everything; names[i] overrides DuckDB's column names when not NULL. */
ST_MUST_CHECK int result_read(duckdb_result *from, const char *const *names,
    struct store_result **ret_result, struct err *err);
/* Gives `each` a block per chunk; the result is read as it is made. */
ST_MUST_CHECK int result_scan(duckdb_result *from, const char *const *names,
    store_scan_each *each, void *arg, struct err *err);
