/*
 * Coverage of several observers that share a sensor's visitors, as one: a moment is observed when
 * all of them observed it.
 *
 * Each tells its intervals in the order of time; what they have in common comes out as intervals
 * of the sensor, with the sums of what was counted.  What one of them read while another did not
 * observe is counted all the same, with the next interval: sums are complete, no interval claims
 * what was not observed by all.  Clocks that were set are told apart by what they are ahead of the
 * monotonic one, so that a wall clock that jumps (each observer notices it by itself) loses no more
 * than the moment between their noticing.
 */
#pragma once

#include "base/status.h"
#include "record/record.h"

#include <stdbool.h>
#include <stdint.h>

#define OVERLAP_OBSERVERS_MAX 16
#define OVERLAP_WAITING_MAX 1440       /* intervals of one that wait for the others */
#define OVERLAP_STEP_US 1000000ll      /* clocks that differ by more are not the same */

struct overlap;

ST_MUST_CHECK int overlap_new(unsigned observers, struct overlap **ret_overlap);
void overlap_free(struct overlap *overlap);

/* An observer's next interval, by a clock that is so much ahead of the monotonic one.  Texts of the
 * row are not kept. */
void overlap_add(struct overlap *overlap, unsigned observer, int64_t wall_minus_monotonic_us,
    const struct record_coverage *row);

/* The next interval that all have observed; false when there is none yet. */
bool overlap_next(struct overlap *overlap, struct record_coverage *ret_row);

/* At the end: what was counted and is in no interval, as one that has no length.  false: nothing. */
bool overlap_rest(struct overlap *overlap, struct record_coverage *ret_row);
