/*
 * The journal's file format: rows on the disk before they are in a segment.
 *
 *   header  "TEITENJ\n", u32 format, u32 record schema version
 *   frame   u32 length, u32 CRC-32C of the payload; payload: u32 table (FNV-1a of its name), rows
 *
 * All little endian.  A reader stops at the first frame that is not whole: after a crash that is
 * where the disk ends.
 */
#pragma once

#include "base/status.h"
#include "record/record.h"

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_HEADER_SIZE 16

struct journal;

/* Makes the file (it must not exist) and its header durable. */
ST_MUST_CHECK int journal_create(const char *path, struct journal **ret_journal, struct err *err);

/* NULL is allowed; syncs nothing. */
void journal_close(struct journal *journal);

/* Appends rows; they are durable after the next journal_sync. */
ST_MUST_CHECK int journal_append(struct journal *journal, const struct record_table *table,
    const void *rows, size_t count, struct err *err);
ST_MUST_CHECK int journal_sync(struct journal *journal, struct err *err);

/* Bytes written so far. */
uint64_t journal_offset(const struct journal *journal);

/*
 * Reads the frames of a journal in memory from an offset on (at least the header's size) and
 * hands each row to `row`, whose non-zero result ends the reading and is returned.  Text points
 * into data.  *ret_end is where the last whole frame ends.  ST_MALFORMED when it is no journal,
 * ST_UNSUPPORTED when it is a newer one.
 */
ST_MUST_CHECK int journal_read(const uint8_t *data, size_t len, uint64_t from,
    int (*row)(void *arg, enum record_table_id table, const void *row), void *arg,
    uint64_t *ret_end);
