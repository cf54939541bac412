/*
 * The facts of a report as JSON (teiten.report/1): each published number, unrounded, with its id,
 * unit, the question it was computed from and what went in.  For programs, and for whoever checks.
 *
 * Written by hand because numbers must be the shortest decimals that read back as the same double.
 * Periods are half-open: `to` is the first day that does not belong to them.
 */
#include "publish/edition.h"

#include "base/civil.h"
#include "publish/escape.h"
#include "publish/number.h"

#include <math.h>

static const char *unit_name(enum report_unit unit)
{
	switch (unit) {
	case REPORT_UNIT_NONE:
		return "none";
	case REPORT_UNIT_RATE:
		return "packets/day/address";
	case REPORT_UNIT_PER_DAY:
		return "packets/day";
	case REPORT_UNIT_SENSOR_MEAN:
		return "packets/day/sensor";
	case REPORT_UNIT_ADDRESSES_DAY:
		return "addresses/day";
	case REPORT_UNIT_PACKETS:
		return "packets";
	case REPORT_UNIT_ADDRESSES:
		return "addresses";
	case REPORT_UNIT_PERCENT:
		return "percent";
	case REPORT_UNIT_SENSORS:
		return "sensors";
	case REPORT_UNIT_DAYS:
		return "days";
	case REPORT_UNIT_WEEKS:
		return "weeks";
	case REPORT_UNIT_SECONDS:
		return "seconds";
	case REPORT_UNIT_TIMES_RATE:
		return "times/day/address";
	case REPORT_UNIT_TIMES_PER_DAY:
		return "times/day";
	case REPORT_UNIT_TIMES_SENSOR_MEAN:
		return "times/day/sensor";
	case REPORT_UNIT_TIMES:
		return "times";
	}
	return "none";
}

static const char *period_name(enum report_period_kind kind)
{
	switch (kind) {
	case REPORT_PERIOD_DAYS:
		return "days";
	case REPORT_PERIOD_DAY:
		return "day";
	case REPORT_PERIOD_WEEK:
		return "week";
	case REPORT_PERIOD_MONTH:
		return "month";
	case REPORT_PERIOD_QUARTER:
		return "quarter";
	case REPORT_PERIOD_QUARTER_FISCAL:
		return "fiscal-quarter";
	case REPORT_PERIOD_YEAR:
		return "year";
	case REPORT_PERIOD_YEAR_FISCAL:
		return "fiscal-year";
	}
	return "days";
}

static void append_text(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, "\"%s\": ", name);
	if (text)
		publish_escape_json(b, text);
	else
		buf_puts(b, "null");
}

static void append_period(struct buf *b, const char *name, struct report_period period)
{
	char from[CIVIL_DATE_TEXT_MAX];
	char to[CIVIL_DATE_TEXT_MAX];

	buf_printf(b, " \"%s\": ", name);
	if (period.from >= period.to) {
		buf_puts(b, "null,\n");
		return;
	}
	buf_printf(b, "{\"kind\": \"%s\", \"from\": \"%s\", \"to\": \"%s\"},\n",
	    period_name(period.kind), civil_format_date(period.from, from),
	    civil_format_date(period.to, to));
}

static void append_fact(struct buf *b, const struct report_fact *fact)
{
	bool known = fact->known && isfinite(fact->value);

	buf_puts(b, "  {");
	append_text(b, "id", fact->id);
	buf_printf(b, ", \"unit\": \"%s\", \"known\": %s, \"value\": ", unit_name(fact->unit),
	    known ? "true" : "false");
	if (known)
		publish_number_raw(b, fact->value);
	else
		buf_puts(b, "null");
	buf_printf(b, ", \"decimals\": %d, ", fact->decimals);
	append_text(b, "question", fact->question);
	buf_puts(b, ", ");
	append_text(b, "inputs", fact->inputs);
	buf_puts(b, fact->next ? "},\n" : "}\n");
}

int publish_facts_json(struct buf *b, const struct report_document *document, struct err *err)
{
	char time[CIVIL_TIME_TEXT_MAX];

	buf_puts(b, "{");
	append_text(b, "schema", document->schema);
	buf_puts(b, ",\n ");
	append_text(b, "name", document->name);
	buf_puts(b, ",\n");
	append_period(b, "period", document->period);
	append_period(b, "previous", document->previous);
	buf_puts(b, " \"site\": {");
	append_text(b, "ja", document->site_ja);
	buf_puts(b, ", ");
	append_text(b, "en", document->site_en);
	buf_puts(b, "},\n ");
	append_text(b, "timezone", document->timezone);
	buf_printf(b, ",\n \"made\": \"%s\",\n \"facts\": [\n",
	    civil_format_time(document->made_us, time));
	for (const struct report_fact *fact = document->facts; fact; fact = fact->next)
		append_fact(b, fact);
	buf_puts(b, " ]}\n");
	return publish_done(b, err);
}
