/* Periods and the words for them; weeks against a calendar, Saturday weeks as bloggers use them. */
#include "report/period.h"

#include "base/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static int32_t day(const char *text)
{
	int32_t days = 0;

	assert_int_equal(civil_parse_date(text, strlen(text), &days), ST_OK);
	return days;
}

static void assert_period(struct report_period period, enum report_period_kind kind,
    const char *from, const char *last)
{
	char text[CIVIL_DATE_TEXT_MAX];

	assert_int_equal(period.kind, kind);
	assert_string_equal(civil_format_date(period.from, text), from);
	assert_string_equal(civil_format_date(period.to - 1, text), last);
}

static void assert_parsed(const char *text, enum report_period_kind wanted, int week_start,
    enum report_period_kind kind, const char *from, const char *last)
{
	struct report_period period;
	struct err err = {0};

	if (report_period_parse(text, wanted, week_start, 0, &period, &err) != ST_OK)
		fail_msg("%s: %s", text, err.text);
	assert_period(period, kind, from, last);
}

static void assert_refused(const char *text, enum report_period_kind wanted)
{
	struct report_period period = {REPORT_PERIOD_DAY, 1, 2};
	struct err err = {0};

	assert_int_equal(report_period_parse(text, wanted, REPORT_MONDAY, 0, &period, &err),
	    ST_USAGE);
	assert_int_equal(period.from, 1);
	assert_true(err.text[0]);
}

static void test_weeks(void **state)
{
	(void)state;
	/* 2026-10-05 is a Monday. */
	assert_period(report_period_containing(REPORT_PERIOD_WEEK, day("2026-10-05"),
	    REPORT_MONDAY), REPORT_PERIOD_WEEK, "2026-10-05", "2026-10-11");
	assert_period(report_period_containing(REPORT_PERIOD_WEEK, day("2026-10-11"),
	    REPORT_MONDAY), REPORT_PERIOD_WEEK, "2026-10-05", "2026-10-11");
	assert_period(report_period_containing(REPORT_PERIOD_WEEK, day("2026-10-11"),
	    REPORT_SUNDAY), REPORT_PERIOD_WEEK, "2026-10-11", "2026-10-17");
	/* The honeypot blog's weeks: 2022-09-24, 2023-04-01 and 2023-10-28 begin one. */
	assert_period(report_period_containing(REPORT_PERIOD_WEEK, day("2022-09-30"),
	    REPORT_SATURDAY), REPORT_PERIOD_WEEK, "2022-09-24", "2022-09-30");
	assert_period(report_period_containing(REPORT_PERIOD_WEEK, day("2023-04-03"),
	    REPORT_SATURDAY), REPORT_PERIOD_WEEK, "2023-04-01", "2023-04-07");
	assert_period(report_period_containing(REPORT_PERIOD_WEEK, day("2023-10-28"),
	    REPORT_SATURDAY), REPORT_PERIOD_WEEK, "2023-10-28", "2023-11-03");
}

static void test_months_quarters_years(void **state)
{
	int32_t d = day("2024-02-29");

	(void)state;
	assert_period(report_period_containing(REPORT_PERIOD_MONTH, d, 0), REPORT_PERIOD_MONTH,
	    "2024-02-01", "2024-02-29");
	assert_period(report_period_containing(REPORT_PERIOD_QUARTER, d, 0), REPORT_PERIOD_QUARTER,
	    "2024-01-01", "2024-03-31");
	assert_period(report_period_containing(REPORT_PERIOD_QUARTER_FISCAL, d, 0),
	    REPORT_PERIOD_QUARTER_FISCAL, "2024-01-01", "2024-03-31");
	assert_period(report_period_containing(REPORT_PERIOD_YEAR, d, 0), REPORT_PERIOD_YEAR,
	    "2024-01-01", "2024-12-31");
	assert_period(report_period_containing(REPORT_PERIOD_YEAR_FISCAL, d, 0),
	    REPORT_PERIOD_YEAR_FISCAL, "2023-04-01", "2024-03-31");
	assert_period(report_period_containing(REPORT_PERIOD_YEAR_FISCAL, day("2024-04-01"), 0),
	    REPORT_PERIOD_YEAR_FISCAL, "2024-04-01", "2025-03-31");
	assert_period(report_period_containing(REPORT_PERIOD_MONTH, day("2026-12-31"), 0),
	    REPORT_PERIOD_MONTH, "2026-12-01", "2026-12-31");
}

static void test_previous(void **state)
{
	struct report_period p = report_period_containing(REPORT_PERIOD_MONTH, day("2026-03-15"),
	    0);

	(void)state;
	assert_period(report_period_previous(&p), REPORT_PERIOD_MONTH, "2026-02-01", "2026-02-28");
	p = report_period_containing(REPORT_PERIOD_MONTH, day("2026-01-15"), 0);
	assert_period(report_period_previous(&p), REPORT_PERIOD_MONTH, "2025-12-01", "2025-12-31");
	p = report_period_containing(REPORT_PERIOD_WEEK, day("2026-01-01"), REPORT_SATURDAY);
	assert_period(p, REPORT_PERIOD_WEEK, "2025-12-27", "2026-01-02");
	assert_period(report_period_previous(&p), REPORT_PERIOD_WEEK, "2025-12-20", "2025-12-26");
	p = report_period_containing(REPORT_PERIOD_QUARTER, day("2026-01-15"), 0);
	assert_period(report_period_previous(&p), REPORT_PERIOD_QUARTER, "2025-10-01",
	    "2025-12-31");
	p = (struct report_period){REPORT_PERIOD_DAYS, day("2026-10-05"), day("2026-10-15")};
	assert_period(report_period_previous(&p), REPORT_PERIOD_DAYS, "2026-09-25", "2026-10-04");
}

static void test_parse(void **state)
{
	(void)state;
	assert_parsed("2026-10", REPORT_PERIOD_MONTH, 0, REPORT_PERIOD_MONTH, "2026-10-01",
	    "2026-10-31");
	assert_parsed("2026-W41", REPORT_PERIOD_WEEK, REPORT_MONDAY, REPORT_PERIOD_WEEK,
	    "2026-10-05", "2026-10-11");
	assert_parsed("2026-W41", REPORT_PERIOD_WEEK, REPORT_SATURDAY, REPORT_PERIOD_WEEK,
	    "2026-10-03", "2026-10-09");
	assert_parsed("2026-W53", REPORT_PERIOD_WEEK, REPORT_MONDAY, REPORT_PERIOD_WEEK,
	    "2026-12-28", "2027-01-03");
	assert_parsed("2026-10-07", REPORT_PERIOD_WEEK, REPORT_MONDAY, REPORT_PERIOD_WEEK,
	    "2026-10-05", "2026-10-11");
	assert_parsed("2026-10-07", REPORT_PERIOD_DAY, 0, REPORT_PERIOD_DAY, "2026-10-07",
	    "2026-10-07");
	assert_parsed("2026Q3", REPORT_PERIOD_QUARTER, 0, REPORT_PERIOD_QUARTER, "2026-07-01",
	    "2026-09-30");
	assert_parsed("2012Q4", REPORT_PERIOD_QUARTER_FISCAL, 0, REPORT_PERIOD_QUARTER_FISCAL,
	    "2013-01-01", "2013-03-31"); /* 2012年度第4四半期, as the NPA counts */
	assert_parsed("2026", REPORT_PERIOD_YEAR, 0, REPORT_PERIOD_YEAR, "2026-01-01",
	    "2026-12-31");
	assert_parsed("2026", REPORT_PERIOD_YEAR_FISCAL, 0, REPORT_PERIOD_YEAR_FISCAL,
	    "2026-04-01", "2027-03-31");
	assert_parsed("2026-10-01..2026-10-07", REPORT_PERIOD_DAYS, 0, REPORT_PERIOD_DAYS,
	    "2026-10-01", "2026-10-07");
	assert_parsed("2026-10-05..2026-10-11", REPORT_PERIOD_WEEK, 0, REPORT_PERIOD_WEEK,
	    "2026-10-05", "2026-10-11");
	assert_parsed("2026-10", REPORT_PERIOD_DAYS, 0, REPORT_PERIOD_MONTH, "2026-10-01",
	    "2026-10-31");
}

static void test_parse_eras(void **state)
{
	(void)state;
	assert_parsed("R8.10", REPORT_PERIOD_MONTH, 0, REPORT_PERIOD_MONTH, "2026-10-01",
	    "2026-10-31");
	assert_parsed("令和8年10月", REPORT_PERIOD_MONTH, 0, REPORT_PERIOD_MONTH, "2026-10-01",
	    "2026-10-31");
	assert_parsed("令和8年10月期", REPORT_PERIOD_MONTH, 0, REPORT_PERIOD_MONTH, "2026-10-01",
	    "2026-10-31");
	assert_parsed("H29.7", REPORT_PERIOD_MONTH, 0, REPORT_PERIOD_MONTH, "2017-07-01",
	    "2017-07-31");
	assert_parsed("平成29年7月", REPORT_PERIOD_MONTH, 0, REPORT_PERIOD_MONTH, "2017-07-01",
	    "2017-07-31");
	assert_parsed("令和元年5月", REPORT_PERIOD_MONTH, 0, REPORT_PERIOD_MONTH, "2019-05-01",
	    "2019-05-31");
	assert_parsed("R8.10.5", REPORT_PERIOD_WEEK, 0, REPORT_PERIOD_WEEK, "2026-10-05",
	    "2026-10-11");
	assert_parsed("令和8年10月5日", REPORT_PERIOD_DAY, 0, REPORT_PERIOD_DAY, "2026-10-05",
	    "2026-10-05");
	assert_parsed("R8", REPORT_PERIOD_YEAR, 0, REPORT_PERIOD_YEAR, "2026-01-01", "2026-12-31");
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("", REPORT_PERIOD_MONTH);
	assert_refused("2026-13", REPORT_PERIOD_MONTH);
	assert_refused("2026-00", REPORT_PERIOD_MONTH);
	assert_refused("2026-10-32", REPORT_PERIOD_WEEK);
	assert_refused("2026-02-29", REPORT_PERIOD_WEEK);
	assert_refused("2026-W54", REPORT_PERIOD_WEEK);
	assert_refused("2027-W53", REPORT_PERIOD_WEEK); /* 2027 has 52 weeks */
	assert_refused("2026Q5", REPORT_PERIOD_QUARTER);
	assert_refused("2026-10", REPORT_PERIOD_WEEK);
	assert_refused("2026-W41", REPORT_PERIOD_MONTH);
	assert_refused("2026-10x", REPORT_PERIOD_MONTH);
	assert_refused("99999", REPORT_PERIOD_YEAR);
	assert_refused("R0.1", REPORT_PERIOD_MONTH);
	assert_refused("10-2026", REPORT_PERIOD_MONTH);
	assert_refused("2026-10-07..2026-10-01", REPORT_PERIOD_DAYS);
	assert_refused("2026-10..2026-11", REPORT_PERIOD_DAYS);
}

static void test_last(void **state)
{
	struct report_period p;

	(void)state;
	/* Data until Sunday 2026-10-11 completely: that week.  A day less: the one before. */
	assert_int_equal(report_period_parse("last", REPORT_PERIOD_WEEK, REPORT_MONDAY,
	    day("2026-10-12"), &p, NULL), ST_OK);
	assert_period(p, REPORT_PERIOD_WEEK, "2026-10-05", "2026-10-11");
	assert_int_equal(report_period_parse("last", REPORT_PERIOD_WEEK, REPORT_MONDAY,
	    day("2026-10-11"), &p, NULL), ST_OK);
	assert_period(p, REPORT_PERIOD_WEEK, "2026-09-28", "2026-10-04");
	assert_int_equal(report_period_parse("last", REPORT_PERIOD_MONTH, REPORT_MONDAY,
	    day("2026-11-01"), &p, NULL), ST_OK);
	assert_period(p, REPORT_PERIOD_MONTH, "2026-10-01", "2026-10-31");
}

static void test_weekday(void **state)
{
	int weekday = -1;

	(void)state;
	assert_int_equal(report_weekday_find("saturday", &weekday), ST_OK);
	assert_int_equal(weekday, REPORT_SATURDAY);
	assert_int_equal(report_weekday_find("Monday", &weekday), ST_OK);
	assert_int_equal(weekday, REPORT_MONDAY);
	assert_int_equal(report_weekday_find("someday", &weekday), ST_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weeks),
		cmocka_unit_test(test_months_quarters_years),
		cmocka_unit_test(test_previous),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_eras),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_last),
		cmocka_unit_test(test_weekday),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
