/* Time zones by ICU; the contract is in zone.h. */
#include "base/zone.h"

#include "base/civil.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

/* An hour's offset is remembered: rows come in time order and ICU is slow. */
#define CACHE_SPAN_US (15 * CIVIL_US_PER_MINUTE)

/* The years 1 and 9999, between which civil.h is defined. */
#define TIME_MIN_US (-62135596800ll * CIVIL_US_PER_SECOND)
#define TIME_MAX_US (253402300799ll * CIVIL_US_PER_SECOND)

struct zone {
	UCalendar *cal;
	int64_t cached_slot;
	int32_t cached_offset;
	bool cached;
	char name[64];
};

int zone_new(const char *name, struct zone **ret_zone, struct err *err)
{
	UErrorCode status = U_ZERO_ERROR;
	UBool known = 0;
	UChar id[64];
	UChar canonical[64];
	struct zone *zone;

	if (strlen(name) >= sizeof(zone->name))
		return err_set(err, ST_NOT_FOUND, "no such time zone: %.40s…", name);
	u_uastrncpy(id, name, 64);
	(void)ucal_getCanonicalTimeZoneID(id, -1, canonical, 64, &known, &status);
	if (U_FAILURE(status) || !known)
		return err_set(err, ST_NOT_FOUND, "no such time zone: %s", name);
	zone = calloc(1, sizeof(*zone));
	if (!zone)
		return err_set(err, -12, "out of memory");
	status = U_ZERO_ERROR;
	zone->cal = ucal_open(id, -1, "en_US", UCAL_GREGORIAN, &status);
	if (U_FAILURE(status)) {
		free(zone);
		return err_set(err, ST_ENGINE, "time zone %s: %s", name, u_errorName(status));
	}
	(void)snprintf(zone->name, sizeof(zone->name), "%s", name);
	*ret_zone = zone;
	return ST_OK;
}

void zone_free(struct zone *zone)
{
	if (!zone)
		return;
	ucal_close(zone->cal);
	free(zone);
}

const char *zone_name(const struct zone *zone)
{
	return zone->name;
}

/* Broken captures hold any time; sums with an offset must not leave the range of int64_t. */
static int64_t sane_time(int64_t time_us)
{
	if (time_us < TIME_MIN_US)
		return TIME_MIN_US;
	return time_us > TIME_MAX_US ? TIME_MAX_US : time_us;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int32_t zone_offset(struct zone *zone, int64_t time_us)
{
	int64_t slot = floor_div(sane_time(time_us), CACHE_SPAN_US);
	UErrorCode status = U_ZERO_ERROR;
	int32_t ms;

	if (zone->cached && slot == zone->cached_slot)
		return zone->cached_offset;
	ucal_setMillis(zone->cal, (double)floor_div(slot * CACHE_SPAN_US, 1000), &status);
	ms = ucal_get(zone->cal, UCAL_ZONE_OFFSET, &status)
	    + ucal_get(zone->cal, UCAL_DST_OFFSET, &status);
	if (U_FAILURE(status))
		ms = 0;
	zone->cached = true;
	zone->cached_slot = slot;
	zone->cached_offset = ms / 1000;
	return zone->cached_offset;
}

int32_t zone_day(struct zone *zone, int64_t time_us)
{
	time_us = sane_time(time_us);
	return civil_days_of_time(time_us + zone_offset(zone, time_us) * CIVIL_US_PER_SECOND);
}

int64_t zone_day_start(struct zone *zone, int32_t day)
{
	int64_t local = (int64_t)day * CIVIL_US_PER_DAY;
	/* The offset just before and just after midnight can differ; the earliest moment of
	 * the day is the one that maps back to it. */
	int64_t guess = local - zone_offset(zone, local - 14 * 3600 * CIVIL_US_PER_SECOND)
	    * CIVIL_US_PER_SECOND;

	guess = local - zone_offset(zone, guess - CIVIL_US_PER_SECOND) * CIVIL_US_PER_SECOND;
	while (zone_day(zone, guess) < day)
		guess += CACHE_SPAN_US;
	while (zone_day(zone, guess - CACHE_SPAN_US) >= day)
		guess -= CACHE_SPAN_US;
	return guess;
}
