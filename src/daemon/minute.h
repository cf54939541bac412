/*
 * Coverage, minute by minute: when a sensor observed, what it read and what it lost.
 *
 * The clock is looked at against the monotonic one: where it was set, the minute is cut there, so
 * that no interval claims time that did not pass.
 */
#pragma once

#include "base/zone.h"
#include "record/record.h"

#include <stdbool.h>
#include <stdint.h>

#define MINUTE_STEP_US 1000000ll /* a clock that is off by more was set */
/* The first interval is short: a sensor that has just started has observed something, and who asks
 * its store wants to see that. */
#define MINUTE_FIRST_US 1000000ll

/* Sums since the start. */
struct minute_counts {
	uint64_t read;
	uint64_t counted;
	uint64_t kernel_drops;
};

struct minute {
	bool first;           /* no interval has ended yet */
	int64_t from_us;      /* UTC: the interval that is open */
	int64_t wall_minus_monotonic_us;
	struct minute_counts before;
};

void minute_begin(struct minute *minute, int64_t wall_us, int64_t monotonic_us);

/* The same after a time that was not observed, which ended with a last minute_turn. */
void minute_resume(struct minute *minute, int64_t wall_us, int64_t monotonic_us);

/*
 * Is a minute over (or the clock was set, or `last`)?  Then *ret_row is its coverage without drops
 * and the next one begins.
 */
bool minute_turn(struct minute *minute, int64_t wall_us, int64_t monotonic_us, bool last,
    const struct minute_counts *now, uint16_t sensor, uint32_t addresses,
    struct record_coverage *ret_row);
