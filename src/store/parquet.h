/*
 * Rows in memory → one Parquet file, quickly.
 *
 * DuckDB's own writer takes two to three times as long: it copies the rows into its vectors, collects
 * these, and hashes every value of every column twice.  Any reader of Parquet reads the result;
 * compaction writes it anew, small, with DuckDB.
 */
#pragma once

#include "base/status.h"
#include "record/record.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Creates the file (it must not exist), writes the rows in their order and syncs it.  The file is
 * left behind on failure.  ret_crc: CRC-32C of all its bytes.
 */
ST_MUST_CHECK int parquet_write(const char *path, const struct record_table *table,
    const void *rows, size_t count, uint64_t *ret_bytes, uint32_t *ret_crc, struct err *err);
