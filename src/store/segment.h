/*
 * Segments: one immutable Parquet file, written so that it exists under its name only when it is
 * whole and on the disk.
 */
#pragma once

#include "base/buf.h"
#include "base/status.h"
#include "record/record.h"
#include "store/catalogue.h"
#include "store/engine.h"

#include <stdbool.h>
#include <stdint.h>

#define SEGMENT_NAME_MAX 40

struct segment {
	const struct record_table *table;
	int32_t day;
	char name[SEGMENT_NAME_MAX]; /* without folder and .parquet */
	unsigned schema;
	uint64_t rows;
	uint64_t bytes;
	uint32_t crc32c;
};

/* Appends DIR/TABLE/date=YYYY-MM-DD/NAME.parquet. */
void segment_path(struct buf *b, const char *dir, const char *table, int32_t day,
    const char *name);

/*
 * Runs COPY (select) TO the segment's file, small, through a temporary name, fsync and rename;
 * table, day and name of *segment are given, the rest is filled in.  Nothing is left behind on
 * failure.
 */
ST_MUST_CHECK int segment_write(struct engine *engine, const char *dir, const char *select,
    struct segment *segment, struct err *err);

/* The same with rows in memory, count of the table's C structs, and fast: parquet.h. */
ST_MUST_CHECK int segment_write_rows(const char *dir, const void *rows, size_t count,
    struct segment *segment, struct err *err);

/* Size and CRC-32C of a file. */
ST_MUST_CHECK int segment_checksum(const char *path, uint64_t *ret_bytes, uint32_t *ret_crc,
    struct err *err);

/* Adds the catalogue row; inside the caller's transaction. */
ST_MUST_CHECK int segment_list(struct catalogue *cat, const struct segment *segment,
    int64_t ingest, struct err *err);

/* Removes the file of a segment that was never listed. */
void segment_discard(const char *dir, const struct segment *segment);
