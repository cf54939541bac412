/*
 * Days and periods in words.
 *
 * Eras come from data/eras.tsv (first day, name), so a new era is a new line there.  The first year
 * of an era is 元年; a calendar year in which the era changes is named after the new era with the
 * months of the old one behind it, as the National Police Agency printed 2019.  Statistics of a
 * month carry the era of its last day.
 */
#include "publish/date.h"

#include "base/civil.h"
#include "base/zone.h"
#include "publish/names.h"

#include <string.h>

#define DASH_EN "\xe2\x80\x93"
#define WAVE_JA "\xe3\x80\x9c"

static const char *const months_en[] = {"January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December"};
static const char *const weekdays_ja[] = {"月", "火", "水", "木", "金", "土", "日"};

struct era {
	const char *name; /* NULL: before the first in the table */
	int name_len;
	int32_t first;
	int first_year;
};

static struct era era_of(int32_t day)
{
	const struct embed_file *file = embed_find(publish_data, "eras.tsv");
	struct publish_tsv row = {.next = file ? file->data : NULL};
	struct era found = {0};

	while (publish_tsv_next(&row)) {
		int32_t first;

		if (civil_parse_date(row.column[0].text, row.column[0].len, &first) != ST_OK)
			continue;
		if (first <= day && (!found.name || first > found.first)) {
			found.name = row.column[1].text;
			found.name_len = (int)row.column[1].len;
			found.first = first;
			found.first_year = civil_from_days(first).year;
		}
	}
	return found;
}

/* 令和8, 令和元, or the Gregorian year before the first era. */
static void append_era_year(struct buf *b, struct era era, int year)
{
	if (!era.name)
		buf_printf(b, "%d", year);
	else if (year == era.first_year)
		buf_printf(b, "%.*s元", era.name_len, era.name);
	else
		buf_printf(b, "%.*s%d", era.name_len, era.name, year - era.first_year + 1);
}

/* 2026年(令和8年), 2026年 or 令和8年 of a day. */
static void append_year_ja(struct buf *b, const struct publish_style *style, int32_t day)
{
	struct era era = era_of(day);
	int year = civil_from_days(day).year;

	if (style->era == PUBLISH_ERA_GREGORIAN || !era.name) {
		buf_printf(b, "%d年", year);
		return;
	}
	if (style->era == PUBLISH_ERA_BOTH)
		buf_printf(b, "%d年(", year);
	append_era_year(b, era, year);
	buf_puts(b, style->era == PUBLISH_ERA_BOTH ? "年)" : "年");
}

void publish_day(struct buf *b, const struct publish_style *style, int32_t day)
{
	struct civil date = civil_from_days(day);

	if (style->language == PUBLISH_EN) {
		buf_printf(b, "%d %s %d", date.day, months_en[date.month - 1], date.year);
		return;
	}
	append_year_ja(b, style, day);
	buf_printf(b, "%d月%d日(%s)", date.month, date.day, weekdays_ja[civil_weekday(day)]);
}

void publish_day_short(struct buf *b, const struct publish_style *style, int32_t day)
{
	struct civil date = civil_from_days(day);

	if (style->language == PUBLISH_EN)
		buf_printf(b, "%d %.3s", date.day, months_en[date.month - 1]);
	else
		buf_printf(b, "%d/%d", date.month, date.day);
}

static void append_range_en(struct buf *b, struct civil from, struct civil to)
{
	const char *month = months_en[from.month - 1];

	if (from.year != to.year)
		buf_printf(b, "%d %s %d " DASH_EN " ", from.day, month, from.year);
	else if (from.month != to.month)
		buf_printf(b, "%d %s " DASH_EN " ", from.day, month);
	else if (from.day != to.day)
		buf_printf(b, "%d" DASH_EN, from.day);
	buf_printf(b, "%d %s %d", to.day, months_en[to.month - 1], to.year);
}

void publish_range(struct buf *b, const struct publish_style *style, struct report_period period)
{
	/* Gregorian years unless only eras are wanted: the period's name beside it has the era. */
	struct publish_style plain = *style;
	int32_t last = period.to > period.from ? period.to - 1 : period.from;
	struct civil from = civil_from_days(period.from);
	struct civil to = civil_from_days(last);

	if (style->language == PUBLISH_EN) {
		append_range_en(b, from, to);
		return;
	}
	if (plain.era == PUBLISH_ERA_BOTH)
		plain.era = PUBLISH_ERA_GREGORIAN;
	append_year_ja(b, &plain, period.from);
	buf_printf(b, "%d月%d日", from.month, from.day);
	if (last == period.from)
		return;
	buf_puts(b, WAVE_JA);
	if (from.year != to.year || (plain.era == PUBLISH_ERA_JAPANESE
	    && era_of(period.from).first != era_of(last).first))
		append_year_ja(b, &plain, last);
	buf_printf(b, "%d月%d日", to.month, to.day);
}

/* 令和元年(平成31年1月から4月を含む。), or nothing special: false. */
static bool append_split_year_ja(struct buf *b, const struct publish_style *style, int year)
{
	struct civil new_year = {year, 1, 1};
	struct civil year_end = {year, 12, 31};
	struct era before = era_of(civil_to_days(new_year));
	struct era after = era_of(civil_to_days(year_end));
	int month;

	if (!before.name || before.first == after.first || style->era == PUBLISH_ERA_GREGORIAN)
		return false;
	month = civil_from_days(after.first - 1).month;
	if (style->era == PUBLISH_ERA_BOTH)
		buf_printf(b, "%d年・", year);
	append_era_year(b, after, year);
	buf_puts(b, "年(");
	append_era_year(b, before, year);
	if (month == 1)
		buf_puts(b, "年1月を含む。)");
	else
		buf_printf(b, "年1月から%d月を含む。)", month);
	return true;
}

/* 令和8年度: the era of the December of the year in which it began. */
static void append_fiscal_year_ja(struct buf *b, const struct publish_style *style, int year)
{
	struct civil december = {year, 12, 31};
	struct era era = era_of(civil_to_days(december));

	if (style->era == PUBLISH_ERA_GREGORIAN || !era.name)
		buf_printf(b, "%d", year);
	else
		append_era_year(b, era, year);
	buf_puts(b, "年度");
}

/* 2026年7月〜9月, with the second year where it differs. */
static void append_months_ja(struct buf *b, struct civil from, struct civil to)
{
	buf_printf(b, "%d年%d月" WAVE_JA, from.year, from.month);
	if (to.year != from.year)
		buf_printf(b, "%d年", to.year);
	buf_printf(b, "%d月", to.month);
}

static void append_months_en(struct buf *b, struct civil from, struct civil to)
{
	buf_puts(b, months_en[from.month - 1]);
	if (to.year != from.year)
		buf_printf(b, " %d", from.year);
	buf_printf(b, DASH_EN "%s %d", months_en[to.month - 1], to.year);
}

static int fiscal_year(struct civil date)
{
	return date.month >= 4 ? date.year : date.year - 1;
}

static void append_period_ja(struct buf *b, const struct publish_style *style,
    struct report_period period)
{
	int32_t last = period.to > period.from ? period.to - 1 : period.from;
	struct civil from = civil_from_days(period.from);
	struct civil to = civil_from_days(last);
	struct publish_style era_only = *style;

	if (era_only.era == PUBLISH_ERA_BOTH)
		era_only.era = PUBLISH_ERA_JAPANESE;
	switch (period.kind) {
	case REPORT_PERIOD_DAYS:
	case REPORT_PERIOD_WEEK:
		publish_range(b, style, period);
		break;
	case REPORT_PERIOD_DAY:
		publish_day(b, style, period.from);
		break;
	case REPORT_PERIOD_MONTH:
		append_year_ja(b, &era_only, last);
		buf_printf(b, "%d月期", from.month);
		break;
	case REPORT_PERIOD_QUARTER:
		append_year_ja(b, style, last);
		buf_printf(b, "第%d四半期(%d月" WAVE_JA "%d月)", (from.month - 1) / 3 + 1,
		    from.month, to.month);
		break;
	case REPORT_PERIOD_QUARTER_FISCAL:
		append_fiscal_year_ja(b, style, fiscal_year(from));
		buf_printf(b, "第%d四半期(", (from.month + 8) % 12 / 3 + 1);
		append_months_ja(b, from, to);
		buf_putc(b, ')');
		break;
	case REPORT_PERIOD_YEAR:
		if (!append_split_year_ja(b, style, from.year))
			append_year_ja(b, style, last);
		break;
	case REPORT_PERIOD_YEAR_FISCAL:
		append_fiscal_year_ja(b, style, fiscal_year(from));
		buf_putc(b, '(');
		append_months_ja(b, from, to);
		buf_putc(b, ')');
		break;
	}
}

static void append_period_en(struct buf *b, const struct publish_style *style,
    struct report_period period)
{
	int32_t last = period.to > period.from ? period.to - 1 : period.from;
	struct civil from = civil_from_days(period.from);
	struct civil to = civil_from_days(last);

	switch (period.kind) {
	case REPORT_PERIOD_DAYS:
	case REPORT_PERIOD_WEEK:
		publish_range(b, style, period);
		break;
	case REPORT_PERIOD_DAY:
		publish_day(b, style, period.from);
		break;
	case REPORT_PERIOD_MONTH:
		buf_printf(b, "%s %d", months_en[from.month - 1], from.year);
		break;
	case REPORT_PERIOD_QUARTER:
		buf_printf(b, "Q%d %d (%s" DASH_EN "%s)", (from.month - 1) / 3 + 1, from.year,
		    months_en[from.month - 1], months_en[to.month - 1]);
		break;
	case REPORT_PERIOD_QUARTER_FISCAL:
		buf_printf(b, "Q%d of fiscal %d (", (from.month + 8) % 12 / 3 + 1,
		    fiscal_year(from));
		append_months_en(b, from, to);
		buf_putc(b, ')');
		break;
	case REPORT_PERIOD_YEAR:
		buf_printf(b, "%d", from.year);
		break;
	case REPORT_PERIOD_YEAR_FISCAL:
		buf_printf(b, "fiscal %d (", fiscal_year(from));
		append_months_en(b, from, to);
		buf_putc(b, ')');
		break;
	}
}

void publish_period(struct buf *b, const struct publish_style *style, struct report_period period)
{
	if (style->language == PUBLISH_EN)
		append_period_en(b, style, period);
	else
		append_period_ja(b, style, period);
}

void publish_moment(struct buf *b, const struct publish_style *style, int64_t time_us,
    const char *timezone)
{
	struct zone *zone = NULL;
	int64_t local = time_us;
	int64_t minute;
	struct civil date;

	if (timezone && zone_new(timezone, &zone, NULL) == ST_OK)
		local += zone_offset(zone, time_us) * CIVIL_US_PER_SECOND;
	else
		timezone = "UTC";
	zone_free(zone);
	date = civil_from_days(civil_days_of_time(local));
	minute = (local - civil_days_of_time(local) * CIVIL_US_PER_DAY) / CIVIL_US_PER_MINUTE;
	if (style->language == PUBLISH_JA)
		buf_printf(b, "%d年%d月%d日 ", date.year, date.month, date.day);
	else
		buf_printf(b, "%d %s %d, ", date.day, months_en[date.month - 1], date.year);
	buf_printf(b, "%02d:%02d (%s)", (int)(minute / 60), (int)(minute % 60), timezone);
}
