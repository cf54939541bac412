/* Calendar periods; the contract is in period.h. */
#include "report/period.h"

#include "base/civil.h"

#include <strings.h>

#define DAYS_PER_WEEK 7
#define FISCAL_FIRST_MONTH 4

int report_weekday_find(const char *text, int *ret_weekday)
{
	static const char *const names[DAYS_PER_WEEK] = {
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
	};

	for (int i = 0; i < DAYS_PER_WEEK; i++)
		if (strcasecmp(names[i], text) == 0) {
			*ret_weekday = i;
			return ST_OK;
		}
	return ST_NOT_FOUND;
}

/* The span of `months` months that contains the day, counted from first_month of some year. */
static struct report_period months_containing(enum report_period_kind kind, int32_t day,
    int months, int first_month)
{
	struct civil date = civil_from_days(day);
	int since = date.year * 12 + date.month - first_month;
	int begin = since - since % months + first_month - 1;
	int end = begin + months;
	struct civil from = {begin / 12, begin % 12 + 1, 1};
	struct civil to = {end / 12, end % 12 + 1, 1};

	return (struct report_period){kind, civil_to_days(from), civil_to_days(to)};
}

struct report_period report_period_containing(enum report_period_kind kind, int32_t day,
    int week_start)
{
	int into = (civil_weekday(day) - week_start + DAYS_PER_WEEK) % DAYS_PER_WEEK;

	switch (kind) {
	case REPORT_PERIOD_DAYS:
	case REPORT_PERIOD_DAY:
		break;
	case REPORT_PERIOD_WEEK:
		return (struct report_period){kind, day - into, day - into + DAYS_PER_WEEK};
	case REPORT_PERIOD_MONTH:
		return months_containing(kind, day, 1, 1);
	case REPORT_PERIOD_QUARTER:
		return months_containing(kind, day, 3, 1);
	case REPORT_PERIOD_QUARTER_FISCAL:
		return months_containing(kind, day, 3, FISCAL_FIRST_MONTH);
	case REPORT_PERIOD_YEAR:
		return months_containing(kind, day, 12, 1);
	case REPORT_PERIOD_YEAR_FISCAL:
		return months_containing(kind, day, 12, FISCAL_FIRST_MONTH);
	}
	return (struct report_period){kind, day, day + 1};
}

struct report_period report_period_previous(const struct report_period *period)
{
	int32_t days = report_period_days(period);

	switch (period->kind) {
	case REPORT_PERIOD_DAYS:
	case REPORT_PERIOD_DAY:
	case REPORT_PERIOD_WEEK:
		break;
	case REPORT_PERIOD_MONTH:
	case REPORT_PERIOD_QUARTER:
	case REPORT_PERIOD_QUARTER_FISCAL:
	case REPORT_PERIOD_YEAR:
	case REPORT_PERIOD_YEAR_FISCAL:
		return report_period_containing(period->kind, period->from - 1, REPORT_MONDAY);
	}
	return (struct report_period){period->kind, period->from - days, period->from};
}

int32_t report_period_days(const struct report_period *period)
{
	return period->to - period->from;
}
