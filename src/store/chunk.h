/*
 * One column chunk of a Parquet file: the values of one column in one row group, as a dictionary
 * page where values repeat, and a data page.
 */
#pragma once

#include "base/buf.h"
#include "base/status.h"
#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of a row group at most. */
#define CHUNK_ROWS_MAX (60u << 10)

/* Numbers of the format (parquet.thrift). */
enum chunk_encoding {
	CHUNK_PLAIN = 0,
	CHUNK_RLE = 3,
	CHUNK_DELTAS = 5,
	CHUNK_DELTA_LENGTHS = 6,
	CHUNK_DICTIONARY = 8,
};

enum chunk_codec {
	CHUNK_UNCOMPRESSED = 0,
	CHUNK_ZSTD = 6,
};

enum chunk_type {
	CHUNK_INT32 = 1,
	CHUNK_INT64 = 2,
	CHUNK_BYTES = 6,
};

/* What the footer says about it.  Offsets count from the start of the pages' buffer. */
struct chunk {
	enum chunk_encoding encoding;
	enum chunk_codec codec;
	size_t values; /* nulls included */
	size_t nulls;
	bool has_range; /* least and most are known; in the type's own order */
	uint64_t least;
	uint64_t most;
	size_t dictionary; /* offset of that page, when encoding is CHUNK_DICTIONARY */
	size_t data;
	size_t stored; /* bytes with headers */
	size_t unpacked;
};

struct chunk_writer;

enum chunk_type chunk_type(enum record_type type);

/* Bytes of one value in the array that chunk_write reads: as in the record's C struct. */
size_t chunk_value_size(enum record_type type);

/* NULL without memory. */
struct chunk_writer *chunk_writer_new(void);
void chunk_writer_free(struct chunk_writer *writer);

/* Appends the pages of count ≥ 1 values, at most CHUNK_ROWS_MAX, to out. */
ST_MUST_CHECK int chunk_write(struct chunk_writer *writer, enum record_type type,
    const void *values, size_t count, struct buf *out, struct chunk *ret_chunk);
