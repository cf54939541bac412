/*
 * A worker's way to the store: rows, signatures and blobs, framed, with back-pressure.
 *
 * What the store does not take yet waits here within a bound; `behind` tells the worker to take
 * nothing new until there is room, so that nothing answered is lost.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"
#include "detect/ruleset_edition.h"
#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_BEHIND (8u << 20)
#define OUTBOX_MAX (64u << 20)

struct outbox;

struct outbox_counters {
	uint64_t rows;
	uint64_t messages;
	uint64_t lost_rows;  /* beyond OUTBOX_MAX: must stay 0 */
	uint64_t waited;     /* how often the store was behind */
};

ST_MUST_CHECK int outbox_new(int fd, struct outbox **ret_outbox);
void outbox_free(struct outbox *outbox);

/* As struct sessions_sink has it.  A row too large for a message loses its long texts. */
int outbox_row(void *outbox, enum record_table_id table, const void *row);
int outbox_blob(void *outbox, const char *sha256, const void *data, size_t len);
void outbox_signature(void *outbox, uint32_t id, const char *text);
/* Which rules were inspected with, from a time to a time. */
void outbox_edition(struct outbox *outbox, const struct ruleset_edition *edition, uint32_t rules,
    int64_t from_us, int64_t to_us);

/* An observed address by its number in the rows that follow. */
void outbox_address(struct outbox *outbox, uint32_t number, struct ip ip);

/* The clock of the rows of coverage that follow; rows before it have been sent. */
void outbox_clock(struct outbox *outbox, int64_t wall_minus_monotonic_us);

/* Sends what there is, as far as the store takes it.  ST_NOT_FOUND: the store is gone for good. */
ST_MUST_CHECK int outbox_flush(struct outbox *outbox);

/* So much waits that nothing new should be taken. */
bool outbox_behind(const struct outbox *outbox);
bool outbox_empty(const struct outbox *outbox);

/* Waits until all is sent, at most so long; then says that it was all.  ST_LIMIT: not all. */
ST_MUST_CHECK int outbox_finish(struct outbox *outbox, int timeout_ms);

const struct outbox_counters *outbox_counters(const struct outbox *outbox);
