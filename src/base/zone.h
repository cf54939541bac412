/*
 * Time zones: which site day a moment belongs to, and when a site day begins.
 *
 * Backed by ICU's copy of the IANA database.  A day is named by its date as days since
 * 1970-01-01 of the site's calendar (civil.h) and may last 23 to 25 hours.
 */
#pragma once

#include "base/status.h"

#include <stdint.h>

struct zone;

/* Opens an IANA name ("Asia/Tokyo", "UTC").  The caller frees with zone_free.  ST_NOT_FOUND. */
ST_MUST_CHECK int zone_new(const char *name, struct zone **ret_zone, struct err *err);
void zone_free(struct zone *zone);

const char *zone_name(const struct zone *zone);

/* Offset from UTC at a moment, in seconds (Tokyo: 32400). */
int32_t zone_offset(struct zone *zone, int64_t time_us);

/* The site day that contains the moment. */
int32_t zone_day(struct zone *zone, int64_t time_us);

/* The first moment of a site day, microseconds UTC. */
int64_t zone_day_start(struct zone *zone, int32_t day);
