/*
 * Coverage of a capture: from when to when each site day was observed, and what was read then.
 *
 * A capture observes from its first to its last packet.  A silence of more than
 * COVERAGE_SILENCE_MAX days inside it is taken as an outage (or a broken clock), not as quiet.
 */
#pragma once

#include "base/zone.h"
#include "record/record.h"
#include "tally/tally.h"

#define COVERAGE_SILENCE_MAX_DAYS 7

struct coverage;

/* zone is borrowed. */
ST_MUST_CHECK int coverage_new(struct zone *zone, struct coverage **ret_coverage);
void coverage_free(struct coverage *coverage);

/* Packets of one site day, one after the other. */
struct coverage_run {
	size_t count;
	int64_t first_us; /* the earliest and the latest */
	int64_t last_us;
};

/*
 * The packets from the first on that are of one site day: a batch is handed to the tally in such
 * runs, so that counts belong to the right day.  At least one, unless count is 0.
 */
struct coverage_run coverage_run(struct coverage *coverage, const struct decode_packet *packets,
    size_t count);

/* Adds the last run: its packets' times and what the tally's counters grew by. */
ST_MUST_CHECK int coverage_add(struct coverage *coverage, const struct coverage_run *run,
    const struct tally_counters *before, const struct tally_counters *after);

/* Observed time so far in microseconds, silences left out. */
int64_t coverage_observed_us(struct coverage *coverage);

/* Whole days of silence that were left out. */
int64_t coverage_silent_days(struct coverage *coverage);

/*
 * The rows: one per site day, split where a silence was.  They and their texts belong to the
 * coverage and are valid until the next call.
 */
ST_MUST_CHECK int coverage_rows(struct coverage *coverage, uint16_t sensor, uint32_t addresses,
    const struct record_coverage **ret_rows, size_t *ret_count);
