/*
 * Periods: half-open runs of site days, the one before, and the words people type for them.
 *
 * Pure calendar arithmetic on site days (base/civil.h); which moment a day begins is the zone's
 * business.  Weeks begin on the day the site chose; fiscal quarters and years begin in April.
 */
#pragma once

#include "base/status.h"
#include "report/document.h"

#include <stdint.h>

#define REPORT_MONDAY 0
#define REPORT_SATURDAY 5
#define REPORT_SUNDAY 6

/* "monday" … "sunday" → 0 … 6, as civil_weekday counts; ST_NOT_FOUND. */
ST_MUST_CHECK int report_weekday_find(const char *text, int *ret_weekday);

/* The period of that kind which contains the day (REPORT_PERIOD_DAYS: that one day). */
struct report_period report_period_containing(enum report_period_kind kind, int32_t day,
    int week_start);

/* The period just before; for REPORT_PERIOD_DAYS as many days before. */
struct report_period report_period_previous(const struct report_period *period);

int32_t report_period_days(const struct report_period *period);

/*
 * Reads a person's words for a period of the wanted kind:
 *   2026-10, R8.10, 令和8年10月     a month
 *   2026-W41                       the site's week that holds most of that ISO week
 *   2026-10-05, R8.10.5            that day, or the period of the wanted kind that contains it
 *   2026Q3                         a quarter, of the fiscal year when that kind is wanted
 *   2026, R8, 令和8年              a year, likewise
 *   2026-10-01..2026-10-07         both days included
 *   last                           the last complete period: one that ends by first_incomplete,
 *                                  the first site day that is not completely observed
 * REPORT_PERIOD_DAYS as wanted kind accepts all of them.  ST_USAGE says what was expected.
 */
ST_MUST_CHECK int report_period_parse(const char *text, enum report_period_kind wanted,
    int week_start, int32_t first_incomplete, struct report_period *ret_period, struct err *err);
