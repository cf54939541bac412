/* Calendar arithmetic; the contract is in civil.h. */
#include "base/civil.h"

#include <stdio.h>

int32_t civil_to_days(struct civil date)
{
	int y = date.year - (date.month <= 2);
	int era = (y >= 0 ? y : y - 399) / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned mp = (unsigned)(date.month + (date.month > 2 ? -3 : 9));
	unsigned doy = (153 * mp + 2) / 5 + (unsigned)date.day - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + (int32_t)doe - 719468;
}

struct civil civil_from_days(int32_t days)
{
	int32_t z = days + 719468;
	int32_t era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	struct civil date;

	date.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	date.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	date.year = (int)yoe + era * 400 + (date.month <= 2);
	return date;
}

int civil_weekday(int32_t days)
{
	int w = (days + 3) % 7; /* 1970-01-01 was a Thursday */

	return w < 0 ? w + 7 : w;
}

int civil_days_in_month(int year, int month)
{
	struct civil next = {year + (month == 12), month == 12 ? 1 : month + 1, 1};
	struct civil first = {year, month, 1};

	return civil_to_days(next) - civil_to_days(first);
}

int32_t civil_days_of_time(int64_t time_us)
{
	int64_t days = time_us / CIVIL_US_PER_DAY;

	if (time_us % CIVIL_US_PER_DAY < 0)
		days--;
	return (int32_t)days;
}

const char *civil_format_time(int64_t time_us, char text[CIVIL_TIME_TEXT_MAX])
{
	int32_t days = civil_days_of_time(time_us);
	/* Not time_us minus the days: near INT64_MIN, which a broken capture can hold, the
	 * beginning of the day is out of range. */
	int64_t rest = time_us % CIVIL_US_PER_DAY;
	int64_t us = rest < 0 ? rest + CIVIL_US_PER_DAY : rest;
	struct civil date = civil_from_days(days);
	int64_t s = us / CIVIL_US_PER_SECOND;

	(void)snprintf(text, CIVIL_TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    date.year % 10000, date.month, date.day, (int)(s / 3600), (int)(s / 60 % 60),
	    (int)(s % 60), (int)(us % CIVIL_US_PER_SECOND));
	return text;
}

const char *civil_format_date(int32_t days, char text[CIVIL_DATE_TEXT_MAX])
{
	struct civil date = civil_from_days(days);

	(void)snprintf(text, CIVIL_DATE_TEXT_MAX, "%04d-%02d-%02d", date.year % 10000,
	    date.month, date.day);
	return text;
}

int civil_parse_date(const char *text, size_t len, int32_t *ret_days)
{
	int part[3] = {0, 0, 0};
	int which = 0;

	if (len != 10 || text[4] != '-' || text[7] != '-')
		return ST_MALFORMED;
	for (size_t i = 0; i < len; i++) {
		if (i == 4 || i == 7) {
			which++;
			continue;
		}
		if (text[i] < '0' || text[i] > '9')
			return ST_MALFORMED;
		part[which] = part[which] * 10 + (text[i] - '0');
	}
	if (part[0] < 1 || part[1] < 1 || part[1] > 12 || part[2] < 1
	    || part[2] > civil_days_in_month(part[0], part[1]))
		return ST_MALFORMED;
	*ret_days = civil_to_days((struct civil){part[0], part[1], part[2]});
	return ST_OK;
}
