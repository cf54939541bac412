/*
 * The proleptic Gregorian calendar in integers: days since 1970-01-01, microseconds since then.
 *
 * Pure arithmetic, UTC only; time zones are in zone.h.  After Hinnant, "chrono-compatible
 * low-level date algorithms".  All functions are defined for years 1 to 9999.
 */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#define CIVIL_US_PER_SECOND 1000000ll
#define CIVIL_US_PER_MINUTE (60 * CIVIL_US_PER_SECOND)
#define CIVIL_US_PER_DAY (86400 * CIVIL_US_PER_SECOND)
#define CIVIL_TIME_TEXT_MAX 32
#define CIVIL_DATE_TEXT_MAX 16

struct civil {
	int year;
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
};

int32_t civil_to_days(struct civil date);
struct civil civil_from_days(int32_t days);

/* 0 = Monday … 6 = Sunday. */
int civil_weekday(int32_t days);

int civil_days_in_month(int year, int month);

/* Microseconds since 1970 → days, rounding towards the past. */
int32_t civil_days_of_time(int64_t time_us);

/* "2026-10-01T00:00:00.000000Z" (RFC 3339); returns text. */
const char *civil_format_time(int64_t time_us, char text[CIVIL_TIME_TEXT_MAX]);

/* "2026-10-01"; returns text. */
const char *civil_format_date(int32_t days, char text[CIVIL_DATE_TEXT_MAX]);

/* Parses exactly YYYY-MM-DD.  ST_MALFORMED also for days that do not exist. */
ST_MUST_CHECK int civil_parse_date(const char *text, size_t len, int32_t *ret_days);
