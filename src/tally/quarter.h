/*
 * Event counts per quarter of an hour, on their way to the `event` table: few keys, many events.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define QUARTER_US 900000000ll

struct quarter_count {
	uint64_t count;
	uint16_t module; /* number and event as protocol.h has them */
	uint16_t event;
	uint16_t port;
	char country[2];
};

typedef int (*quarter_fn)(void *arg, int64_t quarter_us, const struct quarter_count *count);

struct quarter;

/* -ENOMEM. */
ST_MUST_CHECK int quarter_new(quarter_fn give, void *arg, struct quarter **ret_quarter);
void quarter_free(struct quarter *quarter);

/* Counts one event of a source of this country.  When another quarter begins, or the table is full,
 * what is there is given first; returns the first error of that. */
ST_MUST_CHECK int quarter_add(struct quarter *quarter, int64_t time_us, uint16_t module,
    uint16_t event, uint16_t port, const char country[2]);

/* Gives what is there if its quarter is over at now_us (INT64_MAX: in any case). */
ST_MUST_CHECK int quarter_flush(struct quarter *quarter, int64_t now_us);
