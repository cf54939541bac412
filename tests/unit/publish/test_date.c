/* Days, eras at their boundaries, periods and ranges in both languages. */
#include "publish/date.h"

#include "base/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int32_t day(const char *text)
{
	int32_t days = 0;

	assert_int_equal(civil_parse_date(text, strlen(text), &days), ST_OK);
	return days;
}

static void check_day(enum publish_language language, enum publish_era era, const char *date,
    const char *expected)
{
	struct publish_style style = {.language = language, .era = era};
	struct buf b = {0};

	publish_day(&b, &style, day(date));
	assert_string_equal(buf_text(&b), expected);
	buf_fini(&b);
}

static void test_days(void **state)
{
	(void)state;
	check_day(PUBLISH_JA, PUBLISH_ERA_BOTH, "2026-10-14", "2026年(令和8年)10月14日(水)");
	check_day(PUBLISH_JA, PUBLISH_ERA_GREGORIAN, "2026-10-14", "2026年10月14日(水)");
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "2026-10-14", "令和8年10月14日(水)");
	check_day(PUBLISH_EN, PUBLISH_ERA_BOTH, "2026-10-14", "14 October 2026");
}

static void test_era_boundaries(void **state)
{
	(void)state;
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "2019-04-30", "平成31年4月30日(火)");
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "2019-05-01", "令和元年5月1日(水)");
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "2019-12-31", "令和元年12月31日(火)");
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "2020-01-01", "令和2年1月1日(水)");
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "1989-01-07", "昭和64年1月7日(土)");
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "1989-01-08", "平成元年1月8日(日)");
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "1926-12-25", "昭和元年12月25日(土)");
	check_day(PUBLISH_JA, PUBLISH_ERA_JAPANESE, "1926-12-24", "1926年12月24日(金)");
}

static void check_period(enum publish_language language, enum publish_era era,
    enum report_period_kind kind, const char *from, const char *to, const char *name,
    const char *range)
{
	struct publish_style style = {.language = language, .era = era};
	struct report_period period = {kind, day(from), day(to)};
	struct buf b = {0};

	publish_period(&b, &style, period);
	assert_string_equal(buf_text(&b), name);
	buf_reset(&b);
	publish_range(&b, &style, period);
	assert_string_equal(buf_text(&b), range);
	buf_fini(&b);
}

static void test_japanese_periods(void **state)
{
	(void)state;
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_MONTH, "2026-10-01", "2026-11-01",
	    "令和8年10月期", "2026年10月1日〜10月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_GREGORIAN, REPORT_PERIOD_MONTH, "2026-10-01",
	    "2026-11-01", "2026年10月期", "2026年10月1日〜10月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_JAPANESE, REPORT_PERIOD_MONTH, "2019-05-01",
	    "2019-06-01", "令和元年5月期", "令和元年5月1日〜5月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_WEEK, "2026-10-05", "2026-10-12",
	    "2026年10月5日〜10月11日", "2026年10月5日〜10月11日");
	check_period(PUBLISH_JA, PUBLISH_ERA_JAPANESE, REPORT_PERIOD_WEEK, "2019-04-27",
	    "2019-05-04", "平成31年4月27日〜令和元年5月3日", "平成31年4月27日〜令和元年5月3日");
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_WEEK, "2026-12-28", "2027-01-04",
	    "2026年12月28日〜2027年1月3日", "2026年12月28日〜2027年1月3日");
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_DAY, "2026-10-14", "2026-10-15",
	    "2026年(令和8年)10月14日(水)", "2026年10月14日");
}

static void test_japanese_quarters_and_years(void **state)
{
	(void)state;
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_QUARTER, "2026-07-01",
	    "2026-10-01", "2026年(令和8年)第3四半期(7月〜9月)", "2026年7月1日〜9月30日");
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_QUARTER_FISCAL, "2026-07-01",
	    "2026-10-01", "令和8年度第2四半期(2026年7月〜9月)", "2026年7月1日〜9月30日");
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_QUARTER_FISCAL, "2013-01-01",
	    "2013-04-01", "平成24年度第4四半期(2013年1月〜3月)", "2013年1月1日〜3月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_GREGORIAN, REPORT_PERIOD_QUARTER_FISCAL, "2013-01-01",
	    "2013-04-01", "2012年度第4四半期(2013年1月〜3月)", "2013年1月1日〜3月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_JAPANESE, REPORT_PERIOD_YEAR, "2019-01-01",
	    "2020-01-01", "令和元年(平成31年1月から4月を含む。)", "平成31年1月1日〜令和元年12月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_YEAR, "2019-01-01", "2020-01-01",
	    "2019年・令和元年(平成31年1月から4月を含む。)", "2019年1月1日〜12月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_JAPANESE, REPORT_PERIOD_YEAR, "1989-01-01",
	    "1990-01-01", "平成元年(昭和64年1月を含む。)", "昭和64年1月1日〜平成元年12月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_YEAR, "2026-01-01", "2027-01-01",
	    "2026年(令和8年)", "2026年1月1日〜12月31日");
	check_period(PUBLISH_JA, PUBLISH_ERA_BOTH, REPORT_PERIOD_YEAR_FISCAL, "2019-04-01",
	    "2020-04-01", "令和元年度(2019年4月〜2020年3月)", "2019年4月1日〜2020年3月31日");
}

static void test_english_periods(void **state)
{
	(void)state;
	check_period(PUBLISH_EN, PUBLISH_ERA_BOTH, REPORT_PERIOD_MONTH, "2026-10-01", "2026-11-01",
	    "October 2026", "1–31 October 2026");
	check_period(PUBLISH_EN, PUBLISH_ERA_BOTH, REPORT_PERIOD_WEEK, "2026-10-05", "2026-10-12",
	    "5–11 October 2026", "5–11 October 2026");
	check_period(PUBLISH_EN, PUBLISH_ERA_BOTH, REPORT_PERIOD_WEEK, "2026-09-28", "2026-10-05",
	    "28 September – 4 October 2026", "28 September – 4 October 2026");
	check_period(PUBLISH_EN, PUBLISH_ERA_BOTH, REPORT_PERIOD_DAYS, "2025-12-29", "2026-01-05",
	    "29 December 2025 – 4 January 2026", "29 December 2025 – 4 January 2026");
	check_period(PUBLISH_EN, PUBLISH_ERA_BOTH, REPORT_PERIOD_QUARTER, "2026-07-01",
	    "2026-10-01", "Q3 2026 (July–September)", "1 July – 30 September 2026");
	check_period(PUBLISH_EN, PUBLISH_ERA_BOTH, REPORT_PERIOD_QUARTER_FISCAL, "2013-01-01",
	    "2013-04-01", "Q4 of fiscal 2012 (January–March 2013)", "1 January – 31 March 2013");
	check_period(PUBLISH_EN, PUBLISH_ERA_BOTH, REPORT_PERIOD_YEAR_FISCAL, "2026-04-01",
	    "2027-04-01", "fiscal 2026 (April 2026–March 2027)", "1 April 2026 – 31 March 2027");
}

static void test_moments_in_a_zone(void **state)
{
	struct publish_style style = {.language = PUBLISH_JA};
	struct buf b = {0};
	int64_t time = day("2026-10-31") * CIVIL_US_PER_DAY + 15 * 3600 * CIVIL_US_PER_SECOND;

	(void)state;
	publish_moment(&b, &style, time, "Asia/Tokyo");
	assert_string_equal(buf_text(&b), "2026年11月1日 00:00 (Asia/Tokyo)");
	style.language = PUBLISH_EN;
	buf_reset(&b);
	publish_moment(&b, &style, time, "No/Where");
	assert_string_equal(buf_text(&b), "31 October 2026, 15:00 (UTC)");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_era_boundaries),
		cmocka_unit_test(test_japanese_periods),
		cmocka_unit_test(test_japanese_quarters_and_years),
		cmocka_unit_test(test_english_periods),
		cmocka_unit_test(test_moments_in_a_zone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
