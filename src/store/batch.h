/*
 * Batches: the rows of one table and one site day on their way into a segment.
 */
#pragma once

#include "base/status.h"
#include "record/record.h"

#include <stddef.h>
#include <stdint.h>

struct batch_text;

struct batch {
	const struct record_table *table;
	int32_t day;
	int64_t from; /* first moment of the day, µs UTC, and of the next one */
	int64_t to;
	uint8_t *rows;
	size_t count;
	size_t cap;
	struct batch_text *texts; /* copies of the rows' text */
	size_t text_bytes;        /* in them */
};

/* A new empty batch, or NULL without memory. */
struct batch *batch_new(const struct record_table *table, int32_t day);
void batch_free(struct batch *batch);

/* Forgets the rows, keeps their memory. */
void batch_clear(struct batch *batch);

/* Appends copies of rows, text included.  -ENOMEM leaves the batch as it was. */
ST_MUST_CHECK int batch_append(struct batch *batch, const void *rows, size_t count);
