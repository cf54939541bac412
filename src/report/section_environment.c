/*
 * 観測環境 and 読み方・用語: with what the numbers were made, and how to read them.
 */
#include "report/build.h"

#include "base/civil.h"
#include "base/zone.h"

#include <math.h>
#include <string.h>

#define LOW_COVERAGE 0.9
#define SECONDS_PER_DAY 86400.0
#define DROP_ROWS 12
/* Mean addresses may wobble by rounding of intervals; a real change is larger. */
#define ADDRESSES_CHANGED 0.005

static const struct report_fact *coverage_fact(struct build *b, const char *id, double observed,
    double nominal)
{
	return fact_add(b, id, nominal > 0 ? observed / nominal * 100 : 0, REPORT_UNIT_PERCENT, 1,
	    "report_coverage", "observed time / nominal time");
}

/* Observed time of all sensors in words: days, or hours and minutes for a short capture. */
static struct report_value duration_value(struct build *b, const char *name, double days)
{
	const char *message = MSG("duration.days");
	double value = days;
	enum report_unit unit = REPORT_UNIT_DAYS;

	if (days * SECONDS_PER_DAY < 1)
		return value_word(name, MSG("duration.moment"));
	if (days < 1.0 / 24 / 60) {
		message = MSG("duration.seconds");
		value = days * SECONDS_PER_DAY;
		unit = REPORT_UNIT_SECONDS;
	} else if (days < 1.0 / 24) {
		message = MSG("duration.minutes");
		value = days * 24 * 60;
		unit = REPORT_UNIT_NONE;
	} else if (days < 1) {
		message = MSG("duration.hours");
		value = days * 24;
		unit = REPORT_UNIT_NONE;
	}
	return value_message(b, name, message, VALUES(value_fact("n", fact_add(b,
	    "observed.duration", value, unit, 1, "report_coverage", "union of the intervals"))));
}

static void say_sensors(struct build *b, struct lines *lines)
{
	const struct gather *g = b->g;
	struct report_value values[] = {
		value_integer("n", (int64_t)g->sensors_now),
		value_integer("addresses", (int64_t)floor(g->addresses + 0.5)),
		value_fact("coverage", coverage_fact(b, "coverage", g->observed_days,
		    g->nominal_days)),
		duration_value(b, "duration", g->observed_days),
	};

	if (b->analysis) {
		lines_say(b, lines, MSG("environment.analysis"), values, 4);
		return;
	}
	lines_say(b, lines, MSG("environment.sensors"), values, 3);
	if (g->coverage < LOW_COVERAGE)
		lines_say(b, lines, MSG("environment.low-coverage"), NULL, 0);
	if (b->compare && g->sensors_before == 0)
		lines_say(b, lines, MSG("environment.first"),
		    VALUES(value_word("before", b->word_before)));
	else if (b->compare && !g->has_before)
		lines_say(b, lines, MSG("environment.no-panel"),
		    VALUES(value_word("before", b->word_before)));
	else
		build_panel_note(b, lines);
}

static bool addresses_changed(const struct gather_sensor *s)
{
	double now = s->now.address_days / s->now.days;
	double before = s->before.address_days / s->before.days;

	return fabs(now - before) > ADDRESSES_CHANGED * before;
}

/* Breaks in the series: what makes the numbers of the two periods less comparable. */
static void say_breaks(struct build *b, struct lines *lines)
{
	for (size_t i = 0; i < b->g->sensor_count && b->g->sensors_before > 0; i++) {
		const struct gather_sensor *s = &b->g->sensors[i];

		if (!s->panel && s->now.days > 0)
			lines_say(b, lines, MSG("environment.added"), VALUES(
			    value_sensor(b, "sensor", s->name),
			    value_day_short("day", zone_day(store_zone(b->g->store),
			        s->spans[0].from))));
		else if (!s->panel)
			lines_say(b, lines, MSG("environment.removed"), VALUES(
			    value_sensor(b, "sensor", s->name), value_word("now", b->word_now)));
		else if (addresses_changed(s))
			lines_say(b, lines, MSG("environment.addresses"), VALUES(
			    value_sensor(b, "sensor", s->name),
			    value_integer("from",
			        (int64_t)floor(s->before.address_days / s->before.days + 0.5)),
			    value_integer("to",
			        (int64_t)floor(s->now.address_days / s->now.days + 0.5))));
	}
}

/* "03:05" on the site's clock. */
static const char *clock_text(struct build *b, int64_t time_us)
{
	struct zone *zone = store_zone(b->g->store);
	int64_t local = time_us + (int64_t)zone_offset(zone, time_us) * CIVIL_US_PER_SECOND;
	int64_t minute = (local - (int64_t)civil_days_of_time(local) * CIVIL_US_PER_DAY)
	    / CIVIL_US_PER_MINUTE;

	return report_printf(b->doc, "%02d:%02d", (int)(minute / 60), (int)(minute % 60));
}

/* A gap's end at midnight is the evening's 24:00. */
static struct report_value end_clock(struct build *b, int64_t time_us)
{
	const char *text = clock_text(b, time_us);

	return value_text("to", strcmp(text, "00:00") == 0 ? "24:00" : text);
}

static void say_gaps(struct build *b, struct lines *lines)
{
	struct zone *zone = store_zone(b->g->store);

	if (b->analysis)
		return;
	for (size_t i = 0; i < b->g->gap_count; i++) {
		const struct gather_gap *gap = &b->g->gaps[i];

		lines_say(b, lines, MSG("environment.gap"), VALUES(
		    value_sensor(b, "sensor", b->g->sensors[gap->sensor].name),
		    value_day_short("from_day", zone_day(zone, gap->from)),
		    value_text("from", clock_text(b, gap->from)),
		    value_day_short("to_day", zone_day(zone, gap->to - 1)),
		    end_clock(b, gap->to)));
	}
	if (b->g->gaps_more)
		lines_say(b, lines, MSG("environment.gaps-more"),
		    VALUES(value_integer("n", (int64_t)b->g->gaps_more)));
}

static struct report_value kind_value(const char *kind)
{
	if (kind && strcmp(kind, "dark") == 0)
		return value_word(NULL, MSG("sensor.dark"));
	if (kind && strcmp(kind, "answering") == 0)
		return value_word(NULL, MSG("sensor.answering"));
	if (kind && strcmp(kind, "mixed") == 0)
		return value_word(NULL, MSG("sensor.mixed"));
	return value_none();
}

static void sensor_row(struct build *b, struct grid *grid, const struct gather_sensor *s)
{
	const struct gather *g = b->g;
	const char *id = report_printf(b->doc, "sensor.%s", s->name);
	struct report_measure rate = {
		.now = b->g->counts ? s->access_now
		    : s->now.days > 0 ? s->access_now / s->now.address_days : 0,
		.before = s->before.days > 0 ? s->access_before / s->before.address_days : 0,
	};
	struct measure_facts facts;

	rate.panel_now = rate.now;
	rate.panel_before = s->panel ? rate.before : 0;
	facts = measure_facts_add(b, report_printf(b->doc, "%s.rate", id), &rate,
	    b->g->counts ? REPORT_UNIT_PACKETS : REPORT_UNIT_RATE,
	    build_decimals(&b->g->access_address), "report_ports");
	grid_cell(b, grid, value_sensor(b, NULL, s->name));
	grid_cell(b, grid, s->country[0] && strcmp(s->country, "ZZ") != 0
	    ? value_country(b, NULL, s->country) : value_none());
	grid_cell(b, grid, kind_value(s->kind));
	grid_cell(b, grid, value_integer(NULL,
	    (int64_t)floor(s->now.address_days / s->now.days + 0.5)));
	if (!b->analysis)
		grid_cell(b, grid, value_fact(NULL, coverage_fact(b,
		    report_printf(b->doc, "%s.coverage", id), s->now.days,
		    gather_nominal_days(g, s))));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	if (!b->g->has_before)
		return;
	if (s->panel)
		grid_cell(b, grid, value_change(&facts));
	else
		grid_cell(b, grid, value_word(NULL, MSG("change.no-data")));
}

static void sensor_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.sensor"), "sensor", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.sensor-country"), "country", REPORT_LEFT, false);
	grid_column(&grid, MSG("column.sensor-kind"), "kind", REPORT_LEFT, false);
	grid_column(&grid, MSG("column.addresses"), "addresses", REPORT_RIGHT, true);
	if (!b->analysis)
		grid_column(&grid, MSG("column.coverage"), "coverage_percent", REPORT_RIGHT, true);
	grid_column(&grid, b->g->counts ? MSG("column.access") : MSG("column.rate.address"), "rate",
	    REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	for (size_t i = 0; i < b->g->sensor_count; i++)
		if (b->g->sensors[i].now.days > 0)
			sensor_row(b, &grid, &b->g->sensors[i]);
	grid_end(b, &grid, "sensors", sentence(b, MSG("caption.sensors"), NULL, 0), &notes);
}

static struct report_value drop_value(const char *reason)
{
	static const struct {
		const char *reason;
		const char *message;
	} known[] = {
		{"link-short", MSG("drop.link-short")},
		{"too-many-layers", MSG("drop.too-many-layers")},
		{"not-ip", MSG("drop.not-ip")},
		{"ip-short", MSG("drop.ip-short")},
		{"ip-malformed", MSG("drop.ip-malformed")},
		{"later-fragment", MSG("drop.later-fragment")},
		{"transport-short", MSG("drop.transport-short")},
		{"not-observed", MSG("drop.not-observed")},
		{"outbound", MSG("drop.outbound")},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].reason, reason) == 0)
			return value_word(NULL, known[i].message);
	return value_text(NULL, reason);
}

static void say_drops(struct build *b)
{
	const struct gather *g = b->g;
	struct grid grid = {0};
	struct lines lines = {0};

	lines_say(b, &lines, MSG("environment.packets"), VALUES(
	    value_integer("read", (int64_t)g->packets_read),
	    value_integer("counted", (int64_t)g->packets_counted),
	    value_integer("dropped", (int64_t)(g->packets_read - g->packets_counted))));
	if (g->kernel_drops)
		lines_say(b, &lines, MSG("environment.kernel-drops"),
		    VALUES(value_integer("n", (int64_t)g->kernel_drops)));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	grid_column(&grid, MSG("column.reason"), "reason", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.packets"), "packets", REPORT_RIGHT, true);
	for (size_t i = 0; i < g->drop_count && i < DROP_ROWS; i++)
		if (g->drops[i].packets) {
			grid_cell(b, &grid, drop_value(report_printf(b->doc, "%s",
			    g->drops[i].reason)));
			grid_cell(b, &grid, value_integer(NULL, (int64_t)g->drops[i].packets));
		}
	grid_end(b, &grid, "not-counted", sentence(b, MSG("caption.drops"), NULL, 0), NULL);
}

/* "country: FILES; AS: FILES", as the table tells it, in words of the language. */
static void say_geo(struct build *b, struct lines *lines)
{
	static const char country[] = "country: ";
	static const char as[] = "AS: ";
	const char *geo = b->options->geo;
	const char *rest;

	if (!geo || !geo[0] || !build_has_countries(b))
		return;
	rest = strstr(geo, "; AS: ");
	if (strncmp(geo, country, sizeof(country) - 1) == 0) {
		const char *from = geo + sizeof(country) - 1;
		int len = (int)(rest ? (size_t)(rest - from) : strlen(from));

		lines_say(b, lines, MSG("environment.geo"),
		    VALUES(value_text("geo", report_printf(b->doc, "%.*s", len, from))));
		if (rest)
			lines_say(b, lines, MSG("environment.geo-as"), VALUES(value_text("geo",
			    report_printf(b->doc, "%s", rest + 2 + sizeof(as) - 1))));
	} else {
		lines_say(b, lines, MSG("environment.geo"),
		    VALUES(value_text("geo", report_printf(b->doc, "%s", geo))));
	}
}

void section_environment(struct build *b)
{
	struct lines lines = {0};

	build_heading(b, 1, "environment", MSG("heading.environment"));
	say_sensors(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	sensor_table(b);
	say_breaks(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_LIST);
	say_gaps(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_LIST);
	say_drops(b);
	lines_say(b, &lines, MSG("environment.zone"), VALUES(value_text("zone", b->doc->timezone)));
	say_geo(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
}

static void define(struct build *b, struct lines *lines, const char *term, const char *meaning)
{
	lines_say(b, lines, term, NULL, 0);
	lines_say(b, lines, meaning, NULL, 0);
}

void section_definitions(struct build *b)
{
	struct lines lines = {0};

	build_heading(b, 1, "reading", MSG("heading.reading"));
	define(b, &lines, MSG("term.access"), MSG("meaning.access"));
	if (b->options->basis == REPORT_BASIS_SENSOR_MEAN)
		define(b, &lines, MSG("term.sensor-mean"), MSG("meaning.sensor-mean"));
	define(b, &lines, MSG("term.rate"), MSG("meaning.rate"));
	define(b, &lines, MSG("term.sources"), MSG("meaning.sources"));
	if (b->g->has_before)
		define(b, &lines, MSG("term.change"), MSG("meaning.change"));
	if (b->g->has_before)
		define(b, &lines, MSG("term.rank"), MSG("meaning.rank"));
	define(b, &lines, MSG("term.port"), MSG("meaning.port"));
	define(b, &lines, MSG("term.mirai"), MSG("meaning.mirai"));
	define(b, &lines, MSG("term.backscatter"), MSG("meaning.backscatter"));
	define(b, &lines, MSG("term.victims"), MSG("meaning.victims"));
	if (!b->analysis)
		define(b, &lines, MSG("term.coverage"), MSG("meaning.coverage"));
	if (!b->analysis)
		define(b, &lines, MSG("term.reference"), MSG("meaning.reference"));
	lines_end(b, &lines, REPORT_BLOCK_DEFINITIONS);
}
