/*
 * 増減の内訳: which port × country × sensor explains the change of the total, falls included.
 *
 * Everything here is computed on the sensors that observed in both periods.
 */
#include "report/build.h"

#include <math.h>

/* A change of the total below this is not taken apart in a sentence; the table is there anyway. */
#define EXPLAIN_PERCENT 1.0
/* A mover below this part of all access is noise and not listed. */
#define LISTED_PART 0.002
/* A country is named when it carries at least so much of a change. */
#define COUNTRY_PART_LEAST 0.25
/* One sensor that carries so much of a change is named in a sentence. */
#define ONE_SENSOR_PART 0.8

static double moved(const struct gather_mover *m)
{
	return m->rate.panel_now - m->rate.panel_before;
}

static bool is_listed(const struct build *b, const struct gather_mover *m)
{
	double all = b->g->access.panel_now > b->g->access.panel_before ? b->g->access.panel_now
	    : b->g->access.panel_before;

	return fabs(moved(m)) >= LISTED_PART * all;
}

static struct measure_facts mover_facts(struct build *b, const struct gather_mover *m)
{
	return measure_facts_add(b, report_printf(b->doc, "%s.rate", build_port_id(b, m->key)),
	    &m->rate, b->rate_unit, 2, "report_ports");
}

/* 米国(+171.20): what came from there, or was received there, in the unit of the rate. */
static struct report_value part_cell(struct build *b, const char *id, struct report_value what,
    double difference)
{
	what.name = "what";
	return value_message(b, NULL, MSG("cell.part"), VALUES(what, value_signed("difference",
	    fact_add(b, id, difference, b->rate_unit, 2, "report_movers",
	        "part of the port's difference"))));
}

static const struct report_fact *country_share(struct build *b, const struct gather_mover *m)
{
	return share_add(b, report_printf(b->doc, "%s.change.country", build_port_id(b, m->key)),
	    m->country_difference, moved(m), "of the port's difference");
}

static const struct report_fact *sensor_share(struct build *b, const struct gather_mover *m)
{
	return share_add(b, report_printf(b->doc, "%s.change.sensor", build_port_id(b, m->key)),
	    m->sensor_difference, moved(m), "of the port's difference");
}

static void mover_row(struct build *b, struct grid *grid, const struct gather_mover *m)
{
	struct measure_facts facts = mover_facts(b, m);

	grid_cell(b, grid, value_port(NULL, m->key));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	grid_cell(b, grid, value_change(&facts));
	if (build_has_countries(b))
		grid_cell(b, grid, !m->country[0] ? value_none()
		    : part_cell(b, report_printf(b->doc, "%s.change.country",
		        build_port_id(b, m->key)), value_country(b, NULL, m->country),
		        m->country_difference));
	if (b->g->panel_count > 1)
		grid_cell(b, grid, m->sensor == SIZE_MAX ? value_none()
		    : part_cell(b, report_printf(b->doc, "%s.change.sensor",
		        build_port_id(b, m->key)),
		        value_sensor(b, NULL, b->g->sensors[m->sensor].name),
		        m->sensor_difference));
}

static void mover_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.port"), "port", REPORT_LEFT, true);
	grid_column(&grid, build_rate_heading(b), "rate", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	if (build_has_countries(b))
		grid_column(&grid, MSG("column.change-country"), "main_country", REPORT_LEFT, true);
	if (b->g->panel_count > 1)
		grid_column(&grid, MSG("column.change-sensor"), "main_sensor", REPORT_LEFT,
		    !build_has_countries(b));
	for (size_t i = 0; i < b->g->rise_count + b->g->fall_count; i++)
		if (is_listed(b, &b->g->movers[i]))
			mover_row(b, &grid, &b->g->movers[i]);
	if (build_has_countries(b))
		lines_say(b, &notes, MSG("note.countries"), NULL, 0);
	if (build_has_countries(b))
		lines_note(b, &notes, "main_country", MSG("note.parts"), NULL, 0);
	if (b->g->panel_count > 1)
		lines_note(b, &notes, "main_sensor", MSG("note.parts-sensor"), NULL, 0);
	build_panel_note(b, &notes);
	grid_end(b, &grid, "changes", sentence(b, MSG("caption.changes"), NULL, 0), &notes);
}

/* ---- the change of all access, taken apart --------------------------------------------------- */

static void contribution_numbers(struct build *b, struct grid *grid, const char *id,
    const double *before, const double *now, double difference)
{
	struct measure_facts all = build_access_facts(b);

	grid_cell(b, grid, !before ? value_none() : value_fact(NULL, fact_add(b,
	    report_printf(b->doc, "%s.before", id), *before, b->rate_unit, 2, "report_movers", NULL)));
	grid_cell(b, grid, !now ? value_none() : value_fact(NULL, fact_add(b,
	    report_printf(b->doc, "%s.now", id), *now, b->rate_unit, 2, "report_movers", NULL)));
	grid_cell(b, grid, value_signed(NULL, fact_add(b, report_printf(b->doc, "%s.difference",
	    id), difference, b->rate_unit, 2, "report_movers", NULL)));
	/* Parts of a change that is hardly there would be many times the whole. */
	if (all.percent && fabs(all.percent->value) >= EXPLAIN_PERCENT)
		grid_cell(b, grid, value_fact(NULL, share_add(b, id, difference,
		    all.difference->value, "of the difference of access")));
	else
		grid_cell(b, grid, value_none());
}

static void contribution_row(struct build *b, struct grid *grid,
    const struct gather_contribution *c)
{
	const char *sensor = b->g->sensors[c->sensor].name;

	grid_cell(b, grid, value_port(NULL, c->key));
	if (build_has_countries(b))
		grid_cell(b, grid, value_country(b, NULL, c->country));
	if (b->g->panel_count > 1)
		grid_cell(b, grid, value_sensor(b, NULL, sensor));
	contribution_numbers(b, grid, report_printf(b->doc, "contribution.%s.%s.%s",
	    build_port_id(b, c->key), c->country, sensor), &c->before, &c->now,
	    c->now - c->before);
}

/* その他 or 合計: the first cell says which. */
static void contribution_sum(struct build *b, struct grid *grid, const char *word,
    const double *before, const double *now, double difference)
{
	grid_cell(b, grid, value_word(NULL, word));
	if (build_has_countries(b))
		grid_cell(b, grid, value_none());
	if (b->g->panel_count > 1)
		grid_cell(b, grid, value_none());
	contribution_numbers(b, grid, word, before, now, difference);
}

static void contribution_table(struct build *b)
{
	const struct report_measure *access = &b->g->access;
	double difference = access->panel_now - access->panel_before;
	double before = access->panel_before;
	double now = access->panel_now;
	const char *caption;
	struct grid grid = {0};
	struct lines notes = {0};

	if (b->g->contribution_count == 0)
		return;
	grid_column(&grid, MSG("column.port"), "port", REPORT_LEFT, true);
	if (build_has_countries(b))
		grid_column(&grid, MSG("column.country"), "country", REPORT_LEFT, true);
	if (b->g->panel_count > 1)
		grid_column(&grid, MSG("column.sensor"), "sensor", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.contribution.before"), "rate_before", REPORT_RIGHT, false);
	grid_column(&grid, MSG("column.contribution.now"), "rate", REPORT_RIGHT, false);
	grid_column(&grid, MSG("column.contribution.difference"), "difference", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.contribution.share"), "share", REPORT_RIGHT, true);
	for (size_t i = 0; i < b->g->contribution_count; i++) {
		const struct gather_contribution *c = &b->g->contributions[i];

		contribution_row(b, &grid, c);
		before -= c->before;
		now -= c->now;
		difference -= c->now - c->before;
	}
	contribution_sum(b, &grid, MSG("contribution.rest"), &before, &now, difference);
	contribution_sum(b, &grid, MSG("contribution.total"), &access->panel_before,
	    &access->panel_now, access->panel_now - access->panel_before);
	lines_say(b, &notes, MSG("note.contributions"), NULL, 0);
	if (build_has_countries(b))
		lines_say(b, &notes, MSG("note.countries"), NULL, 0);
	build_panel_note(b, &notes);
	if (b->g->panel_count > 1)
		caption = build_has_countries(b) ? MSG("caption.contributions")
		    : MSG("caption.contributions.ports");
	else
		caption = build_has_countries(b) ? MSG("caption.contributions.one-sensor")
		    : MSG("caption.contributions.ports-alone");
	grid_end(b, &grid, "contributions", sentence(b, caption, VALUES(value_word("basis", build_basis_word(b)))), &notes);
}

/* A part that is large, and not the survivor of rises and falls that cancel each other out. */
static bool is_telling(double part, double whole)
{
	return part / whole >= COUNTRY_PART_LEAST && part / whole <= 1.0 + 1e-9;
}

/* One port's part in the change of the total, with the country and the sensor behind it. */
static void say_mover(struct build *b, struct lines *lines, const struct gather_mover *m,
    bool against)
{
	struct measure_facts facts = mover_facts(b, m);
	bool rise = moved(m) > 0;
	const char *message = rise ? MSG("explain.rise") : MSG("explain.fall");

	if (against)
		message = rise ? MSG("explain.but-rise") : MSG("explain.but-fall");
	lines_say(b, lines, message, VALUES(value_port("port", m->key),
	    value_abs("difference", facts.difference)));
	if (build_has_countries(b) && m->country[0] && is_telling(m->country_difference, moved(m)))
		lines_say(b, lines, rise ? MSG("explain.rise-country")
		    : MSG("explain.fall-country"), VALUES(value_country(b, "country", m->country),
		        value_fact("share", country_share(b, m))));
}

/* Changes that one sensor alone carries: they say little about the Internet at large. */
static void say_one_sensor(struct build *b, struct lines *lines)
{
	for (size_t i = 0; i < b->g->rise_count + b->g->fall_count; i++) {
		const struct gather_mover *m = &b->g->movers[i];

		if (b->g->panel_count < 2 || m->sensor == SIZE_MAX || !is_listed(b, m)
		    || m->sensor_difference / moved(m) < ONE_SENSOR_PART
		    || !is_telling(m->sensor_difference, moved(m)))
			continue;
		lines_say(b, lines, moved(m) > 0 ? MSG("explain.rise-one-sensor")
		    : MSG("explain.fall-one-sensor"), VALUES(
		        value_fact("share", sensor_share(b, m)),
		        value_integer("n", (int64_t)b->g->panel_count),
		        value_sensor(b, "sensor", b->g->sensors[m->sensor].name),
		        value_port("port", m->key)));
	}
}

static void say_total(struct build *b, struct lines *lines, bool rise)
{
	struct measure_facts facts = build_access_facts(b);

	lines_say(b, lines, rise ? MSG("explain.total-up") : MSG("explain.total-down"), VALUES(
	    b->compared, value_abs("difference", facts.difference),
	    value_abs("percent", facts.percent)));
}

static void say_country_moves(struct build *b, struct lines *lines)
{
	for (size_t i = 0; i < b->g->country_move_count; i++) {
		const struct gather_country_move *move = &b->g->country_moves[i];
		const struct gather_item *item = gather_item_find(&b->g->countries,
		    gather_country_key(move->country));
		struct measure_facts facts;

		if (!item)
			continue;
		facts = build_country_facts(b, item);
		lines_say(b, lines, move->packets > 0 ? MSG("explain.country-up")
		    : MSG("explain.country-down"), VALUES(
		        value_port("port", move->key),
		        value_country(b, "country", move->country),
		        value_word("before", b->word_before),
		        value_abs("percent", facts.percent), value_fact("rate", facts.now)));
	}
}

void section_moves(struct build *b)
{
	struct report_change change = report_change_of(&b->g->access, b->g->has_before);
	bool rise = change.difference > 0;
	const struct gather_mover *rises = b->g->movers;
	const struct gather_mover *falls = b->g->movers + b->g->rise_count;
	size_t with = rise ? b->g->rise_count : b->g->fall_count;
	size_t against = rise ? b->g->fall_count : b->g->rise_count;
	struct lines lines = {0};

	if (b->g->rise_count + b->g->fall_count == 0)
		return;
	build_heading(b, 2, "changes", MSG("heading.changes"));
	if (fabs(change.percent) >= EXPLAIN_PERCENT && change.state != REPORT_CHANGE_NEW)
		say_total(b, &lines, rise);
	if (with && is_listed(b, rise ? rises : falls))
		say_mover(b, &lines, rise ? rises : falls, false);
	if (against && is_listed(b, rise ? falls : rises))
		say_mover(b, &lines, rise ? falls : rises, true);
	if (lines.count == 0)
		lines_say(b, &lines, MSG("explain.quiet"), NULL, 0);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	say_one_sensor(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	say_country_moves(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	mover_table(b);
	contribution_table(b);
}
