/* The calendar, counted day by day from year 1 to 9999 and at known dates. */
#include "base/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static void every_day(void **state)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int32_t days = civil_to_days((struct civil){1, 1, 1});
	int weekday = 0; /* 0001-01-01 was a Monday */

	(void)state;
	assert_int_equal(days, -719162);
	for (int year = 1; year <= 9999; year++) {
		for (int month = 1; month <= 12; month++) {
			int length = lengths[month - 1] + (month == 2 && is_leap(year));

			assert_int_equal(civil_days_in_month(year, month), length);
			for (int day = 1; day <= length; day++, days++) {
				struct civil date = civil_from_days(days);

				if (date.year != year || date.month != month || date.day != day ||
				    civil_to_days(date) != days || civil_weekday(days) != weekday)
					fail_msg("%04d-%02d-%02d", year, month, day);
				weekday = (weekday + 1) % 7;
			}
		}
	}
}

static void known_texts(void **state)
{
	char text[CIVIL_TIME_TEXT_MAX];
	char date[CIVIL_DATE_TEXT_MAX];

	(void)state;
	assert_string_equal(civil_format_time(0, text), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(civil_format_time(-1, text), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(
	    civil_format_time(1790812799123456ll, text), "2026-09-30T23:59:59.123456Z");
	assert_string_equal(civil_format_date(20726, date), "2026-09-30");
	assert_string_equal(civil_format_date(-1, date), "1969-12-31");
	assert_int_equal(civil_days_of_time(-1), -1);
	assert_int_equal(civil_days_of_time(CIVIL_US_PER_DAY - 1), 0);
	assert_int_equal(civil_days_of_time(-CIVIL_US_PER_DAY), -1);
	assert_int_equal(civil_weekday(0), 3);
	assert_int_equal(civil_weekday(-4), 6);
	/* Whatever time stamp a broken capture holds, its text fits. */
	assert_non_null(civil_format_time(INT64_MAX, text));
	assert_true(strlen(text) < sizeof(text));
	assert_non_null(civil_format_time(INT64_MIN, text));
	assert_true(strlen(text) < sizeof(text));
}

static void parsing(void **state)
{
	static const char *const bad[] = {
	    "2026-02-29",
	    "2026-13-01",
	    "2026-00-10",
	    "2026-10-00",
	    "2026-10-32",
	    "0000-01-01",
	    "2026-1-001",
	    "2026/10/01",
	    "2026-10-0x",
	    "+026-10-01",
	    "2026-10-1",
	    "2026-10-011",
	    "1900-02-29",
	    "",
	};
	int32_t days = 5;

	(void)state;
	assert_int_equal(civil_parse_date("2026-09-30", 10, &days), ST_OK);
	assert_int_equal(days, 20726);
	assert_int_equal(civil_parse_date("2000-02-29", 10, &days), ST_OK);
	assert_int_equal(days, 11016);
	days = 5;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (civil_parse_date(bad[i], strlen(bad[i]), &days) != ST_MALFORMED)
			fail_msg("%s", bad[i]);
	assert_int_equal(days, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_day),
	    cmocka_unit_test(known_texts),
	    cmocka_unit_test(parsing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
