/* Site days: known transitions, and the C library's own zone files as a second opinion. */
#include "base/civil.h"
#include "base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR_US (3600 * CIVIL_US_PER_SECOND)

static struct zone *open_zone(const char *name)
{
	struct zone *zone = NULL;
	struct err err = {0};

	if (zone_new(name, &zone, &err) != ST_OK)
		fail_msg("%s", err.text);
	assert_string_equal(zone_name(zone), name);
	return zone;
}

static int32_t day_of(const char *date)
{
	int32_t days = 0;

	assert_int_equal(civil_parse_date(date, strlen(date), &days), ST_OK);
	return days;
}

static void known_days(void **state)
{
	static const struct {
		const char *zone;
		const char *date;
		const char *start; /* UTC */
		int hours;
	} cases[] = {
	    {"UTC", "2026-10-01", "2026-10-01T00:00:00.000000Z", 24},
	    {"Asia/Tokyo", "2026-10-01", "2026-09-30T15:00:00.000000Z", 24},
	    {"America/New_York", "2026-03-08", "2026-03-08T05:00:00.000000Z", 23},
	    {"America/New_York", "2026-03-09", "2026-03-09T04:00:00.000000Z", 24},
	    {"America/New_York", "2026-11-01", "2026-11-01T04:00:00.000000Z", 25},
	    {"Europe/London", "2026-03-29", "2026-03-29T00:00:00.000000Z", 23},
	    {"Europe/London", "2026-10-25", "2026-10-24T23:00:00.000000Z", 25},
	    /* Midnight does not exist: the day begins at one o'clock. */
	    {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000000Z", 23},
	    {"Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00.000000Z", 23},
	    /* Midnight is reached, then it is eleven again: the day begins the second time. */
	    {"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00.000000Z", 24},
	    {"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00.000000Z", 25},
	    /* The first hour happens twice. */
	    {"America/Havana", "2018-11-04", "2018-11-04T04:00:00.000000Z", 25},
	    {"Asia/Kathmandu", "2026-10-01", "2026-09-30T18:15:00.000000Z", 24},
	    {"Pacific/Kiritimati", "2026-10-01", "2026-09-30T10:00:00.000000Z", 24},
	    {"Pacific/Pago_Pago", "2026-10-01", "2026-10-01T11:00:00.000000Z", 24},
	    /* The date line moved: this day does not exist and has no length. */
	    {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000000Z", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct zone *zone = open_zone(cases[i].zone);
		int32_t day = day_of(cases[i].date);
		int64_t start = zone_day_start(zone, day);
		char text[CIVIL_TIME_TEXT_MAX];

		if (strcmp(civil_format_time(start, text), cases[i].start) != 0)
			fail_msg("%s %s: %s", cases[i].zone, cases[i].date, text);
		if (zone_day_start(zone, day + 1) - start != cases[i].hours * HOUR_US)
			fail_msg("%s %s: length", cases[i].zone, cases[i].date);
		zone_free(zone);
	}
}

static void offsets(void **state)
{
	struct zone *zone = open_zone("America/New_York");
	int64_t spring = day_of("2026-03-08") * CIVIL_US_PER_DAY + 7 * HOUR_US;

	(void)state;
	assert_int_equal(zone_offset(zone, spring - 1), -5 * 3600);
	assert_int_equal(zone_offset(zone, spring), -4 * 3600);
	assert_int_equal(zone_offset(zone, spring - 1), -5 * 3600);
	zone_free(zone);
	zone = open_zone("Asia/Tokyo");
	assert_int_equal(zone_offset(zone, 0), 32400);
	assert_int_equal(zone_day(zone, 15 * HOUR_US), 1);
	assert_int_equal(zone_day(zone, 15 * HOUR_US - 1), 0);
	/* Whatever time a broken capture holds, there is an answer. */
	assert_int_equal(zone_day(zone, INT64_MAX), day_of("9999-12-31") + 1);
	assert_int_equal(zone_day(zone, INT64_MIN), day_of("0001-01-01"));
	zone_free(zone);
}

static void second_opinion(void **state)
{
	static const char *const names[] = {
	    "Asia/Tokyo",
	    "America/New_York",
	    "Europe/London",
	    "America/Sao_Paulo",
	    "Asia/Beirut",
	    "Australia/Lord_Howe",
	    "Pacific/Apia",
	    "Africa/Casablanca",
	    "Asia/Kolkata",
	};
	unsigned compared = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int32_t first = day_of("2005-01-01");
		int32_t last = day_of("2022-12-31"); /* before the two databases may differ */
		char path[128];
		struct zone *zone;

		(void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", names[i]);
		if (access(path, R_OK) != 0)
			continue;
		zone = open_zone(names[i]);
		assert_int_equal(setenv("TZ", names[i], 1), 0);
		tzset();
		for (int32_t day = first; day <= last; day++) {
			int64_t start = zone_day_start(zone, day);
			time_t moment = (time_t)(start / CIVIL_US_PER_SECOND);
			struct tm at;
			struct tm before;

			assert_non_null(localtime_r(&moment, &at));
			moment--;
			assert_non_null(localtime_r(&moment, &before));
			/* Only a day that does not exist is passed over. */
			if (zone_offset(zone, start) != at.tm_gmtoff ||
			    at.tm_mday == before.tm_mday || zone_day(zone, start) < day ||
			    zone_day(zone, start - 1) >= day)
				fail_msg("%s day %d", names[i], day);
			compared++;
		}
		zone_free(zone);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	if (compared == 0) {
		print_message("# no zone files here: skipped\n");
		skip();
	}
}

static void unknown_names(void **state)
{
	static const char *const bad[] = {
	    "",
	    "Asia/Tokio",
	    "JSTX",
	    "/etc/passwd",
	    "\xe6\x9d\xb1\xe4\xba\xac",
	    "Asia/Tokyo/Asia/Tokyo/Asia/Tokyo/Asia/Tokyo/Asia/Tokyo/Asia/Tokyo/Asia/Tokyo/",
	};
	struct zone *zone = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = {0};

		if (zone_new(bad[i], &zone, &err) != ST_NOT_FOUND || err.text[0] == '\0')
			fail_msg("'%s'", bad[i]);
	}
	assert_null(zone);
	zone_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_days),
	    cmocka_unit_test(offsets),
	    cmocka_unit_test(second_opinion),
	    cmocka_unit_test(unknown_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
