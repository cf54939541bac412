/*
 * The words people type for a period (period.h): ISO dates, weeks, quarters, Japanese eras.
 *
 * One cursor over the text; every form is tried from its beginning and must reach the end.  Years
 * are kept within 1868–9999 so that the calendar arithmetic cannot overflow.
 */
#include "base/civil.h"
#include "report/period.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define YEAR_MIN 1868
#define YEAR_MAX 9998
#define DIGITS_MAX 4

struct era {
	const char *ja;
	char letter;
	int before_first; /* year of the era 1 minus 1 */
};

/* The eras a record of this field can fall in; the newest first. */
static const struct era eras[] = {
	{"令和", 'R', 2018},
	{"平成", 'H', 1988},
	{"昭和", 'S', 1925},
};
#define ERA_COUNT (sizeof(eras) / sizeof(eras[0]))

struct cursor {
	const char *at;
};

static bool take(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(c->at, word, len) != 0)
		return false;
	c->at += len;
	return true;
}

static bool take_number(struct cursor *c, int *ret_number)
{
	int number = 0;
	int digits = 0;

	while (*c->at >= '0' && *c->at <= '9' && digits < DIGITS_MAX) {
		number = number * 10 + (*c->at++ - '0');
		digits++;
	}
	if (digits == 0)
		return false;
	*ret_number = number;
	return true;
}

/* Year with its era, if any: 2026, R8, 令和8, 令和元; *ret_japanese when 年 may follow. */
static bool take_year(struct cursor *c, int *ret_year, bool *ret_era)
{
	int year = 0;

	*ret_era = false;
	for (size_t i = 0; i < ERA_COUNT; i++) {
		char letter[2] = {eras[i].letter, '\0'};
		char small[2] = {(char)(eras[i].letter + 'a' - 'A'), '\0'};

		if (!take(c, eras[i].ja) && !take(c, letter) && !take(c, small))
			continue;
		*ret_era = true;
		if (take(c, "元"))
			year = 1;
		else if (!take_number(c, &year) || year < 1)
			return false;
		year += eras[i].before_first;
		break;
	}
	if (!*ret_era && !take_number(c, &year))
		return false;
	*ret_year = year;
	return year >= YEAR_MIN && year <= YEAR_MAX;
}

/* What was written: month and day are 0 when absent. */
struct written {
	int year;
	int month;
	int day;
	int week;
	int quarter;
};

static bool take_date(struct cursor *c, struct written *w)
{
	bool era;

	memset(w, 0, sizeof(*w));
	if (!take_year(c, &w->year, &era))
		return false;
	if (take(c, "Q") || take(c, "q"))
		return take_number(c, &w->quarter) && w->quarter >= 1 && w->quarter <= 4;
	if (take(c, "-W") || take(c, "-w"))
		return take_number(c, &w->week) && w->week >= 1 && w->week <= 53;
	if (take(c, "年")) {
		if (!take_number(c, &w->month))
			return true;
		if (!take(c, "月") || w->month < 1)
			return false;
		if (!take_number(c, &w->day)) {
			(void)take(c, "期"); /* 令和8年10月期, as the report's title has it */
			return true;
		}
		return take(c, "日") && w->day >= 1;
	}
	if (!take(c, era ? "." : "-"))
		return true;
	if (!take_number(c, &w->month) || w->month < 1)
		return false;
	if (!take(c, era ? "." : "-"))
		return true;
	return take_number(c, &w->day) && w->day >= 1;
}

static bool date_exists(const struct written *w)
{
	if (w->month > 12)
		return false;
	return w->day == 0 || w->day <= civil_days_in_month(w->year, w->month);
}

/* The Thursday of an ISO week; false when that year has no such week. */
static bool iso_thursday(int year, int week, int32_t *ret_day)
{
	int32_t fourth = civil_to_days((struct civil){year, 1, 4}); /* always in week 1 */
	int32_t thursday = fourth - civil_weekday(fourth) + 3 + (week - 1) * 7;

	if (civil_from_days(thursday).year != year)
		return false;
	*ret_day = thursday;
	return true;
}

static bool is_fiscal(enum report_period_kind kind)
{
	return kind == REPORT_PERIOD_QUARTER_FISCAL || kind == REPORT_PERIOD_YEAR_FISCAL;
}

/* The period that was written, of its own kind; false when there is no such date. */
static bool period_of(const struct written *w, enum report_period_kind wanted, int week_start,
    struct report_period *ret_period)
{
	bool fiscal = is_fiscal(wanted);
	struct civil date = {w->year, w->month ? w->month : 1, w->day ? w->day : 1};
	enum report_period_kind kind;
	int32_t day;

	if (!date_exists(w))
		return false;
	if (w->week) {
		if (!iso_thursday(w->year, w->week, &day))
			return false;
		*ret_period = report_period_containing(REPORT_PERIOD_WEEK, day, week_start);
		return true;
	}
	if (w->quarter) {
		int month = (w->quarter - 1) * 3 + (fiscal ? 4 : 1);

		date.year += month > 12;
		date.month = (month - 1) % 12 + 1;
		kind = fiscal ? REPORT_PERIOD_QUARTER_FISCAL : REPORT_PERIOD_QUARTER;
	} else if (w->day) {
		bool long_kind = wanted != REPORT_PERIOD_DAYS;

		kind = long_kind ? wanted : REPORT_PERIOD_DAY;
	} else if (w->month) {
		kind = REPORT_PERIOD_MONTH;
	} else {
		date.month = fiscal ? 4 : 1;
		kind = fiscal ? REPORT_PERIOD_YEAR_FISCAL : REPORT_PERIOD_YEAR;
	}
	*ret_period = report_period_containing(kind, civil_to_days(date), week_start);
	return true;
}

static const char *kind_example(enum report_period_kind kind)
{
	switch (kind) {
	case REPORT_PERIOD_WEEK:
		return "a week such as 2026-W41, or a day in it such as 2026-10-05";
	case REPORT_PERIOD_MONTH:
		return "a month such as 2026-10 or R8.10";
	case REPORT_PERIOD_QUARTER:
	case REPORT_PERIOD_QUARTER_FISCAL:
		return "a quarter such as 2026Q3";
	case REPORT_PERIOD_YEAR:
	case REPORT_PERIOD_YEAR_FISCAL:
		return "a year such as 2026 or R8";
	case REPORT_PERIOD_DAY:
		return "a day such as 2026-10-05";
	case REPORT_PERIOD_DAYS:
		break;
	}
	return "a day, week (2026-W41), month (2026-10, R8.10), quarter (2026Q3), year or FROM..TO";
}

static struct report_period last_complete(enum report_period_kind kind, int week_start,
    int32_t first_incomplete)
{
	struct report_period period = report_period_containing(
	    kind == REPORT_PERIOD_DAYS ? REPORT_PERIOD_DAY : kind, first_incomplete, week_start);

	return period.to <= first_incomplete ? period : report_period_previous(&period);
}

/* FROM..TO: a whole period of the wanted kind keeps that kind and so its previous one. */
static struct report_period range_period(int32_t from, int32_t to,
    enum report_period_kind wanted, int week_start)
{
	struct report_period whole = report_period_containing(wanted, from, week_start);

	if (whole.from == from && whole.to == to)
		return whole;
	return (struct report_period){REPORT_PERIOD_DAYS, from, to};
}

int report_period_parse(const char *text, enum report_period_kind wanted, int week_start,
    int32_t first_incomplete, struct report_period *ret_period, struct err *err)
{
	struct cursor c = {text};
	struct written first;
	struct written second;
	struct report_period period;
	struct report_period end;

	if (strcmp(text, "last") == 0) {
		*ret_period = last_complete(wanted, week_start, first_incomplete);
		return ST_OK;
	}
	if (!take_date(&c, &first) || !period_of(&first, wanted, week_start, &period))
		goto bad;
	if (take(&c, "..")) {
		if (!take_date(&c, &second) || *c.at || !first.day || !second.day
		    || !period_of(&second, REPORT_PERIOD_DAY, week_start, &end)
		    || !period_of(&first, REPORT_PERIOD_DAY, week_start, &period))
			goto bad;
		if (end.to <= period.from)
			return err_set(err, ST_USAGE, "the period %.40s ends before it begins",
			    text);
		*ret_period = range_period(period.from, end.to, wanted, week_start);
		return ST_OK;
	}
	if (*c.at)
		goto bad;
	if (wanted != REPORT_PERIOD_DAYS && period.kind != wanted)
		goto bad;
	*ret_period = period;
	return ST_OK;
bad:
	return err_set(err, ST_USAGE, "“%.40s” is not %s", text, kind_example(wanted));
}
