/*
 * 今週の3行まとめ and 観測結果概要: what a reader takes away in half a minute.
 */
#include "report/build.h"

#include <math.h>

#define SECONDS_PER_DAY 86400.0
/* An hour and more reads better in hours, two minutes and more in minutes. */
#define INTERVAL_MINUTES_FROM 120.0
#define INTERVAL_HOURS_FROM 7200.0
#define LOW_COVERAGE 0.9
#define LIST_MAX 5

const char *build_rate_heading(const struct build *b)
{
	if (b->g->counts)
		return MSG("column.packets");
	switch (b->options->basis) {
	case REPORT_BASIS_SENSOR_MEAN:
		return MSG("column.rate.sensor-mean");
	case REPORT_BASIS_TOTAL:
		return MSG("column.rate.total");
	case REPORT_BASIS_ADDRESS:
	case REPORT_BASIS_COUNT:
		break;
	}
	return MSG("column.rate.address");
}

const char *build_basis_word(const struct build *b)
{
	if (b->g->counts)
		return MSG("basis.count");
	switch (b->options->basis) {
	case REPORT_BASIS_SENSOR_MEAN:
		return MSG("basis.sensor-mean");
	case REPORT_BASIS_TOTAL:
		return MSG("basis.total");
	case REPORT_BASIS_ADDRESS:
	case REPORT_BASIS_COUNT:
		break;
	}
	return MSG("basis.address");
}

struct report_value build_reference(struct build *b)
{
	if (!b->analysis && b->g->coverage < LOW_COVERAGE)
		return value_word("reference", MSG("reference"));
	return value_text("reference", "");
}

struct measure_facts build_access_facts(struct build *b)
{
	return measure_facts_add(b, "access.rate", &b->g->access, b->rate_unit,
	    build_decimals(&b->g->access),
	    "report_ports");
}

struct measure_facts build_sources_facts(struct build *b)
{
	return measure_facts_add(b, "access.sources", &b->g->sources, REPORT_UNIT_ADDRESSES_DAY, 1,
	    "report_sources");
}

struct measure_facts build_dos_facts(struct build *b)
{
	return measure_facts_add(b, "dos.packets", &b->g->dos, build_dos_unit(b),
	    build_decimals(&b->g->dos),
	    "report_dos_ports");
}

struct measure_facts build_victims_facts(struct build *b)
{
	return measure_facts_add(b, "dos.victims", &b->g->victims, REPORT_UNIT_ADDRESSES_DAY,
	    build_decimals(&b->g->victims),
	    "report_victims");
}

/* (約9秒に1回); only a rate per address says how often one address is knocked on. */
static struct report_value interval_value(struct build *b)
{
	double rate = b->g->access_address.now;
	double seconds = rate > 0 ? SECONDS_PER_DAY / rate : 0;
	const char *message = MSG("interval.seconds");

	if (rate <= 0 || b->options->basis != REPORT_BASIS_ADDRESS || b->g->counts)
		return value_text("interval", "");
	(void)fact_add(b, "access.interval", seconds, REPORT_UNIT_SECONDS, 0, NULL,
	    "86400 / access.rate");
	if (seconds < 1) {
		message = MSG("interval.per-second");
		seconds = 1 / seconds;
	} else if (seconds >= INTERVAL_HOURS_FROM) {
		message = MSG("interval.hours");
		seconds /= 3600;
	} else if (seconds >= INTERVAL_MINUTES_FROM) {
		message = MSG("interval.minutes");
		seconds /= 60;
	}
	return value_message(b, "interval", message,
	    VALUES(value_integer("n", (int64_t)floor(seconds + 0.5))));
}

static double access_packets(const struct gather *g)
{
	double packets = 0;

	for (size_t i = 0; i < g->sensor_count; i++)
		packets += g->sensors[i].access_now;
	return packets;
}

static void say_access(struct build *b, struct lines *lines, bool brief)
{
	static const char *const messages[] = CHANGE_MESSAGES("access.rate");
	static const char *const brief_messages[] = CHANGE_MESSAGES("brief.access");
	struct measure_facts facts = build_access_facts(b);

	if (b->g->access.now <= 0) {
		lines_say(b, lines, b->analysis ? MSG("access.zero.analysis") : MSG("access.zero"),
		    VALUES(b->subject));
		return;
	}
	if (b->g->counts) {
		lines_say(b, lines, MSG("access.count"), VALUES(value_fact("packets",
		    facts.now)));
		return;
	}
	if (b->analysis) {
		lines_say(b, lines, MSG("access.rate.analysis"), VALUES(
		    value_fact("packets", fact_add(b, "access.packets", access_packets(b->g),
		        REPORT_UNIT_PACKETS, 0, "report_ports", NULL)),
		    value_fact("value", facts.now), interval_value(b),
		    value_word("basis", build_basis_word(b))));
		if (b->g->observed_days < 1)
			lines_say(b, lines, MSG("access.extrapolated"), NULL, 0);
		return;
	}
	if (facts.state == REPORT_CHANGE_NO_DATA && b->g->sensors_before > 0) {
		lines_say(b, lines, MSG("access.rate.no-panel"), VALUES(b->subject,
		    value_fact("value", facts.now), interval_value(b),
		    value_word("basis", build_basis_word(b)), build_reference(b),
		    value_word("before", b->word_before)));
		return;
	}
	lines_change(b, lines, brief ? brief_messages : messages, &facts, VALUES(
	    interval_value(b), value_word("basis", build_basis_word(b)), build_reference(b)));
}

/* The total without research scanners, where there were any. */
static struct measure_facts build_unresearched_facts(struct build *b)
{
	const struct report_measure *all = &b->g->access;
	const struct report_measure *part = &b->g->research;
	struct report_measure rest = {
		.now = fmax(0, all->now - part->now),
		.before = fmax(0, all->before - part->before),
		.panel_now = fmax(0, all->panel_now - part->panel_now),
		.panel_before = fmax(0, all->panel_before - part->panel_before),
	};

	return measure_facts_add(b, "access.without-research", &rest, b->rate_unit,
	    build_decimals(all),
	    "report_apart");
}

static void say_research(struct build *b, struct lines *lines)
{
	struct measure_facts facts;

	if (b->g->research.now <= 0)
		return;
	facts = build_unresearched_facts(b);
	lines_say(b, lines, MSG("access.research"), VALUES(
	    value_fact("share", share_add(b, "access.research", b->g->research.now,
	        b->g->access.now, "of access.rate")),
	    value_fact("value", facts.now), value_word("basis", build_basis_word(b))));
}

static void say_sources(struct build *b, struct lines *lines)
{
	static const char *const messages[] = CHANGE_MESSAGES("access.sources");
	struct measure_facts facts = build_sources_facts(b);

	if (b->g->sources.now <= 0)
		return;
	if (b->analysis)
		lines_say(b, lines, MSG("access.sources.analysis"),
		    VALUES(value_fact("value", facts.now)));
	else
		lines_change(b, lines, messages, &facts, NULL, 0);
}

struct report_value build_dos_packets(struct build *b)
{
	return value_fact("packets", fact_add(b, "dos.count", b->g->dos_packets,
	    REPORT_UNIT_PACKETS, 0, "report_dos_ports", NULL));
}

static void say_dos(struct build *b, struct lines *lines)
{
	static const char *const messages[] = CHANGE_MESSAGES("dos.packets");
	static const char *const victims[] = CHANGE_MESSAGES("dos.victims");
	struct measure_facts facts = build_dos_facts(b);
	struct measure_facts victim_facts = build_victims_facts(b);

	if (b->analysis) {
		if (b->g->dos.now > 0)
			lines_say(b, lines, b->g->counts ? MSG("dos.count") : MSG("dos.analysis"),
		    VALUES(
			    build_dos_packets(b), value_fact("value", facts.now),
			    value_fact("victims", victim_facts.now)));
		else
			lines_say(b, lines, MSG("dos.zero"), NULL, 0);
		return;
	}
	if (b->g->dos.now <= 0 && b->g->dos.before <= 0) {
		lines_say(b, lines, MSG("dos.zero"), NULL, 0);
		return;
	}
	lines_change(b, lines, messages, &facts, VALUES(build_reference(b)));
	lines_change(b, lines, victims, &victim_facts, NULL, 0);
}

/* "A、B、C" of one to five values. */
void build_list_message(struct build *b, const char *name, const struct report_value *items,
    size_t count, struct report_value *ret_value)
{
	static const char *const messages[LIST_MAX + 1] = {
		NULL, MSG("list.1"), MSG("list.2"), MSG("list.3"), MSG("list.4"), MSG("list.5"),
	};
	static const char *const names[LIST_MAX] = {"a", "b", "c", "d", "e"};
	struct report_value named[LIST_MAX];

	if (count > LIST_MAX)
		count = LIST_MAX;
	if (count == 0) {
		*ret_value = value_none();
		ret_value->name = name;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		named[i] = items[i];
		named[i].name = names[i];
	}
	*ret_value = value_message(b, name, messages[count], named, count);
}

/* The second line: the order of ports, and of countries where they are known. */
static void say_order(struct build *b, struct lines *lines)
{
	struct report_value items[3];
	struct report_value ports;
	struct report_value countries;
	size_t count = 0;

	for (size_t i = 0; i < b->g->ports.count && count < 3; i++)
		if (b->g->ports.items[i].rank)
			items[count++] = value_port(NULL, b->g->ports.items[i].key);
	if (count == 0)
		return;
	build_list_message(b, "ports", items, count, &ports);
	count = 0;
	for (size_t i = 0; i < b->g->countries.count && count < 3; i++)
		if (b->g->countries.items[i].rank)
			items[count++] = value_country(b, NULL, b->g->countries.items[i].country);
	if (!build_has_countries(b)) {
		lines_say(b, lines, MSG("brief.ports"), VALUES(ports));
		return;
	}
	build_list_message(b, "countries", items, count, &countries);
	lines_say(b, lines, MSG("brief.order"), VALUES(ports, countries));
}

/* The third line: the port that moved most, or else the DoS attacks. */
static void say_third(struct build *b, struct lines *lines)
{
	const struct gather *g = b->g;
	const struct gather_mover *best = NULL;
	struct report_change change = report_change_of(&g->access, g->has_before);

	for (size_t i = 0; i < g->rise_count + g->fall_count; i++) {
		double moved = fabs(g->movers[i].rate.panel_now - g->movers[i].rate.panel_before);

		/* Worth a line when it is 3 % of all access, or explains the change. */
		if (moved < 0.03 * g->access.panel_before)
			continue;
		if (!best || moved > fabs(best->rate.panel_now - best->rate.panel_before))
			best = &g->movers[i];
	}
	if (best && change.state != REPORT_CHANGE_NO_DATA) {
		static const char *const messages[] = CHANGE_MESSAGES("brief.port");
		const struct gather_item *item = gather_item_find(&g->ports, best->key);
		struct measure_facts facts = build_port_facts(b, item);

		lines_change(b, lines, messages, &facts, VALUES(value_port("port", best->key),
		    value_word("basis", build_basis_word(b))));
		return;
	}
	if (g->dos.now > 0)
		lines_say(b, lines, MSG("brief.dos"), VALUES(
		    value_fact("victims", build_victims_facts(b).now),
		    value_fact("packets", build_dos_facts(b).now)));
	else
		lines_say(b, lines, MSG("dos.zero"), NULL, 0);
}

void section_three_lines(struct build *b)
{
	struct lines lines = {0};

	build_heading(b, 1, "three-lines", MSG("heading.three-lines"));
	say_access(b, &lines, true);
	say_order(b, &lines);
	say_third(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_LIST);
}

/* A first report has no empty columns. */
static bool has_before_columns(const struct build *b)
{
	return b->compare && b->g->sensors_before > 0;
}

static void overview_row(struct build *b, struct grid *grid, const char *message,
    const struct measure_facts *facts, const char *unit_message)
{
	grid_cell(b, grid, value_word(NULL, message));
	grid_cell(b, grid, value_fact(NULL, facts->now));
	grid_cell(b, grid, value_word(NULL, unit_message));
	if (!has_before_columns(b))
		return;
	grid_cell(b, grid, value_fact(NULL, facts->before));
	grid_cell(b, grid, value_change(facts));
}

static const char *basis_unit(const struct build *b)
{
	if (b->g->counts)
		return MSG("in.packets");
	switch (b->options->basis) {
	case REPORT_BASIS_SENSOR_MEAN:
		return MSG("in.packets-per-day-per-sensor");
	case REPORT_BASIS_TOTAL:
		return MSG("in.packets-per-day");
	case REPORT_BASIS_ADDRESS:
	case REPORT_BASIS_COUNT:
		break;
	}
	return MSG("in.packets-per-day-per-address");
}

static const char *times_unit(const struct build *b)
{
	if (b->g->counts)
		return MSG("in.times");
	switch (b->options->basis) {
	case REPORT_BASIS_SENSOR_MEAN:
		return MSG("in.times-per-day-per-sensor");
	case REPORT_BASIS_TOTAL:
		return MSG("in.times-per-day");
	case REPORT_BASIS_ADDRESS:
	case REPORT_BASIS_COUNT:
		break;
	}
	return MSG("in.times-per-day-per-address");
}

static void overview_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};
	struct measure_facts access = build_access_facts(b);
	struct measure_facts sources = build_sources_facts(b);
	struct measure_facts dos = build_dos_facts(b);
	struct measure_facts victims = build_victims_facts(b);

	grid_column(&grid, MSG("column.item"), "item", REPORT_LEFT, true);
	grid_column(&grid, b->analysis ? MSG("column.value") : MSG("column.now"), "value",
	    REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.unit"), "unit", REPORT_LEFT, true);
	if (has_before_columns(b)) {
		grid_column(&grid, MSG("column.before"), "previous", REPORT_RIGHT, false);
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	}
	overview_row(b, &grid, MSG("overview.access"), &access, basis_unit(b));
	if (b->g->research.now > 0) {
		struct measure_facts rest = build_unresearched_facts(b);

		overview_row(b, &grid, MSG("overview.access-without-research"), &rest,
		    basis_unit(b));
	}
	overview_row(b, &grid, MSG("overview.sources"), &sources, MSG("in.addresses-per-day"));
	if (build_has_rules(b)) {
		struct measure_facts alerts = build_alerts_facts(b);
		struct measure_facts alert_sources = build_alert_sources_facts(b);

		overview_row(b, &grid, MSG("overview.alerts"), &alerts, times_unit(b));
		overview_row(b, &grid, MSG("overview.alert-sources"), &alert_sources,
		    MSG("in.addresses-per-day"));
	}
	overview_row(b, &grid, MSG("overview.dos"), &dos, b->g->counts ? MSG("in.packets")
	    : MSG("in.packets-per-day"));
	if (!b->g->counts) {
		struct measure_facts rate = measure_facts_add(b, "dos.rate", &b->g->dos_rate,
		    REPORT_UNIT_RATE, build_decimals(&b->g->dos_rate), "report_dos_ports");

		overview_row(b, &grid, MSG("overview.dos-rate"), &rate, MSG("in.packets-per-day-per-address"));
	}
	overview_row(b, &grid, MSG("overview.victims"), &victims, MSG("in.addresses-per-day"));
	lines_say(b, &notes, MSG("note.sources"), NULL, 0);
	build_panel_note(b, &notes);
	grid_end(b, &grid, "overview", sentence(b, MSG("caption.overview"), NULL, 0), &notes);
}

void section_summary(struct build *b)
{
	struct lines lines = {0};

	build_heading(b, 1, "summary", MSG("heading.summary"));
	say_access(b, &lines, false);
	say_research(b, &lines);
	if (b->g->counts && b->g->access.now > 0)
		lines_say(b, &lines, b->options->any_destination ? MSG("access.count.anywhere")
		    : MSG("access.count.short"), NULL, 0);
	say_sources(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	if (build_has_rules(b))
		build_say_alerts(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	say_dos(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	overview_table(b);
}
