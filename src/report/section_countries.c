/*
 * 送信元国・地域別, 国内発・国外発, Miraiの特徴.
 */
#include "report/build.h"

#include <string.h>

#define HOME_ROWS 5
#define MIRAI_ROWS 5

/* Without country data every source is ZZ, and a table of one unknown row says nothing. */
bool build_has_countries(const struct build *b)
{
	for (size_t i = 0; i < b->g->countries.count; i++)
		if (memcmp(b->g->countries.items[i].country, "ZZ", 2) != 0)
			return true;
	return false;
}

struct measure_facts build_country_facts(struct build *b, const struct gather_item *item)
{
	return measure_facts_add(b, report_printf(b->doc, "country.%.2s.rate", item->country),
	    &item->rate, b->rate_unit, 2, "report_countries");
}

static void country_row(struct build *b, struct grid *grid, const struct gather_item *item)
{
	struct measure_facts facts = build_country_facts(b, item);
	const char *id = report_printf(b->doc, "country.%.2s", item->country);

	grid_cell(b, grid, build_rank_now(b, item));
	if (b->g->has_before)
		grid_cell(b, grid, build_rank_before(b, item));
	grid_cell(b, grid, value_country(b, NULL, item->country));
	grid_cell(b, grid, value_port(NULL, item->main_key));
	if (b->analysis && !b->g->counts)
		grid_cell(b, grid, value_integer(NULL, (int64_t)item->packets));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	if (b->g->has_before)
		grid_cell(b, grid, value_change(&facts));
	grid_cell(b, grid, value_fact(NULL, share_add(b, id, item->rate.now, b->g->access.now,
	    "of access.rate")));
	if (b->g->sensors_now > 1)
		grid_cell(b, grid, value_fact(NULL, share_add(b,
		    report_printf(b->doc, "%s.top-sensor", id), item->packets_top, item->packets,
		    "packets of the sensor that received most")));
}

static void country_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.rank-before"), "previous_rank", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.country"), "country", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.main-port"), "main_port", REPORT_LEFT, true);
	if (b->analysis && !b->g->counts)
		grid_column(&grid, MSG("column.packets"), "packets", REPORT_RIGHT, true);
	grid_column(&grid, build_rate_heading(b), "rate", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.share"), "share", REPORT_RIGHT, false);
	if (b->g->sensors_now > 1)
		grid_column(&grid, MSG("column.top-share"), "top_sensor_share", REPORT_RIGHT,
		    false);
	for (size_t i = 0; i < b->g->countries.count && i < b->top_n; i++)
		if (b->g->countries.items[i].rank)
			country_row(b, &grid, &b->g->countries.items[i]);
	if (b->g->apart.now > 0 && !b->options->countries_all)
		lines_say(b, &notes, MSG("note.apart"), VALUES(value_fact("share", share_add(b,
		    "access.apart", b->g->apart.now, b->g->access.now, "of access.rate"))));
	lines_say(b, &notes, MSG("note.countries"), NULL, 0);
	lines_say(b, &notes, MSG("note.main-port"), NULL, 0);
	build_robust_note(b, &b->g->countries, false, &notes);
	build_panel_note(b, &notes);
	grid_end(b, &grid, "countries", sentence(b, MSG("caption.countries"), VALUES(
	    value_word("basis", build_basis_word(b)))), &notes);
}

/* 米国(23/TCP)、中国(22/TCP)…の順 */
static void say_top(struct build *b, struct lines *lines)
{
	const struct gather_item *items = b->g->countries.items;
	struct report_value pairs[5];
	struct report_value list;
	size_t count = 0;

	for (size_t i = 0; i < b->g->countries.count && count < 5; i++)
		if (items[i].rank)
			pairs[count++] = value_message(b, NULL, MSG("cell.country-port"), VALUES(
			    value_country(b, "country", items[i].country),
			    value_port("port", items[i].main_key)));
	build_list_message(b, "countries", pairs, count, &list);
	lines_say(b, lines, count > 1 ? MSG("countries.top") : MSG("countries.only"), VALUES(list,
	    value_country(b, "country", items[0].country),
	    value_fact("share", share_add(b,
	        report_printf(b->doc, "country.%.2s", items[0].country), items[0].rate.now,
	        b->g->access.now, "of access.rate"))));
}

void section_countries(struct build *b)
{
	struct lines lines = {0};

	if (!b->g->countries.count || !b->g->countries.items[0].rank)
		return;
	build_heading(b, 2, "countries", MSG("heading.countries"));
	if (!build_has_countries(b)) {
		bool data = b->options->geo && b->options->geo[0];

		lines_say(b, &lines, data ? MSG("countries.none-known")
		    : MSG("countries.unknown"), NULL, 0);
		lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
		return;
	}
	say_top(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	country_table(b);
}

/* ---- 国内発・国外発 ---------------------------------------------------------------------------- */

static void side_cells(struct build *b, struct grid *grid, const struct gather_list *list,
    const char *side, size_t row)
{
	const struct gather_item *item = row < list->count ? &list->items[row] : NULL;
	struct measure_facts facts;

	if (!item || !item->rank) {
		grid_cell(b, grid, value_none());
		grid_cell(b, grid, value_none());
		if (b->g->has_before)
			grid_cell(b, grid, value_none());
		return;
	}
	facts = measure_facts_add(b, report_printf(b->doc, "%s.%s.rate", side,
	    build_port_id(b, item->key)), &item->rate, b->rate_unit, 2, "report_home_ports");
	grid_cell(b, grid, value_port(NULL, item->key));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	if (b->g->has_before)
		grid_cell(b, grid, value_change(&facts));
}

static void home_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.home-port"), "home_port", REPORT_LEFT, true);
	grid_column(&grid, build_rate_heading(b), "home_rate", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "home_change", REPORT_RIGHT, false);
	grid_column(&grid, MSG("column.abroad-port"), "abroad_port", REPORT_LEFT, true);
	grid_column(&grid, build_rate_heading(b), "abroad_rate", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "abroad_change", REPORT_RIGHT, false);
	for (size_t row = 0; row < HOME_ROWS; row++) {
		bool home = row < b->g->home.count && b->g->home.items[row].rank;
		bool abroad = row < b->g->abroad.count && b->g->abroad.items[row].rank;

		if (!home && !abroad)
			break;
		grid_cell(b, &grid, value_integer(NULL, (int64_t)row + 1));
		side_cells(b, &grid, &b->g->home, "home", row);
		side_cells(b, &grid, &b->g->abroad, "abroad", row);
	}
	lines_say(b, &notes, MSG("note.countries"), NULL, 0);
	build_panel_note(b, &notes);
	grid_end(b, &grid, "home-abroad", sentence(b, MSG("caption.home"), VALUES(
	    value_country(b, "country", b->options->home_country))), &notes);
}

void section_home(struct build *b)
{
	static const char *const messages[] = CHANGE_MESSAGES("home.access");
	const char *home = b->options->home_country;
	struct lines lines = {0};
	struct measure_facts facts;
	struct report_value country;

	if (!home || !home[0] || !build_has_countries(b) || b->g->access.now <= 0)
		return;
	build_heading(b, 2, "home", MSG("heading.home"));
	facts = measure_facts_add(b, "home.rate", &b->g->home_access, b->rate_unit, 2,
	    "report_home_ports");
	country = value_country(b, "country", home);
	if (b->g->home_access.now <= 0)
		lines_say(b, &lines, MSG("home.zero"), VALUES(country));
	else if (b->analysis)
		lines_say(b, &lines, MSG("home.analysis"), VALUES(country,
		    value_fact("value", facts.now),
		    value_fact("share", share_add(b, "home", b->g->home_access.now,
		        b->g->access.now, "of access.rate"))));
	else
		lines_change(b, &lines, messages, &facts, VALUES(country,
		    value_fact("share", share_add(b, "home", b->g->home_access.now,
		        b->g->access.now, "of access.rate"))));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	/* Nothing from home: the other half would repeat the ranking of ports. */
	if (b->g->home_access.now > 0)
		home_table(b);
}

/* ---- Miraiの特徴 ------------------------------------------------------------------------------- */

/* Indices of the ports with most access that has the mark, most first. */
static size_t pick_mirai(const struct gather *g, size_t ret_at[MIRAI_ROWS])
{
	size_t count = 0;

	for (size_t i = 0; i < g->ports.count; i++) {
		double rate = g->ports.items[i].mirai.now;
		size_t at = count;

		if (rate <= 0)
			continue;
		while (at > 0 && g->ports.items[ret_at[at - 1]].mirai.now < rate)
			at--;
		if (at == MIRAI_ROWS)
			continue;
		if (count < MIRAI_ROWS)
			count++;
		for (size_t j = count - 1; j > at; j--)
			ret_at[j] = ret_at[j - 1];
		ret_at[at] = i;
	}
	return count;
}

static void mirai_row(struct build *b, struct grid *grid, const struct gather_item *item)
{
	const char *id = build_port_id(b, item->key);
	struct measure_facts with = measure_facts_add(b, report_printf(b->doc, "%s.mirai", id),
	    &item->mirai, b->rate_unit, 2, "report_ports");
	double rest = item->rate.now - item->mirai.now;
	const struct report_fact *without = fact_add(b, report_printf(b->doc, "%s.not-mirai", id),
	    rest > item->rate.now * 1e-12 ? rest : 0, b->rate_unit, 2, "report_ports", NULL);

	grid_cell(b, grid, value_port(NULL, item->key));
	grid_cell(b, grid, value_fact(NULL, with.now));
	if (b->g->has_before)
		grid_cell(b, grid, value_change(&with));
	grid_cell(b, grid, value_fact(NULL, without));
	grid_cell(b, grid, value_fact(NULL, share_add(b, report_printf(b->doc, "%s.mirai", id),
	    item->mirai.now, item->rate.now, "of the port's rate")));
}

static void mirai_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};
	size_t at[MIRAI_ROWS];
	size_t count = pick_mirai(b->g, at);

	grid_column(&grid, MSG("column.port"), "port", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.mirai-with"), "mirai_rate", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "mirai_change", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.mirai-without"), "other_rate", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.mirai-share"), "mirai_share", REPORT_RIGHT, false);
	for (size_t i = 0; i < count; i++)
		mirai_row(b, &grid, &b->g->ports.items[at[i]]);
	lines_say(b, &notes, MSG("note.mirai"), NULL, 0);
	build_panel_note(b, &notes);
	grid_end(b, &grid, "mirai", sentence(b, MSG("caption.mirai"), VALUES(
	    value_word("basis", build_basis_word(b)))), &notes);
}

void section_mirai(struct build *b)
{
	static const char *const messages[] = CHANGE_MESSAGES("mirai.access");
	struct lines lines = {0};
	struct measure_facts facts = measure_facts_add(b, "mirai.rate", &b->g->mirai,
	    b->rate_unit, 2, "report_ports");
	struct report_value share = value_fact("share", share_add(b, "mirai", b->g->mirai.now,
	    b->g->access.now, "of access.rate"));

	if (b->g->access.now <= 0)
		return;
	build_heading(b, 2, "mirai", MSG("heading.mirai"));
	if (b->g->mirai.now <= 0 && b->g->mirai.before <= 0)
		lines_say(b, &lines, MSG("mirai.zero"), NULL, 0);
	else if (b->analysis)
		lines_say(b, &lines, MSG("mirai.analysis"),
		    VALUES(value_fact("value", facts.now), share));
	else
		lines_change(b, &lines, messages, &facts, VALUES(share));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	mirai_table(b);
}

/* ---- rankings of countries in other sections ------------------------------------------------- */

static void ranking_row(struct build *b, struct grid *grid, const struct build_countries *c,
    const struct gather_item *item)
{
	const char *id = report_printf(b->doc, "%s.%.2s", c->facts, item->country);
	struct measure_facts facts = measure_facts_add(b, report_printf(b->doc, "%s.%s", id,
	    c->measure), &item->rate, c->unit, c->decimals, c->question);

	grid_cell(b, grid, value_integer(NULL, item->rank));
	if (b->g->has_before)
		grid_cell(b, grid, build_rank_before(b, item));
	grid_cell(b, grid, value_country(b, NULL, item->country));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	if (b->g->has_before)
		grid_cell(b, grid, value_change(&facts));
	grid_cell(b, grid, value_fact(NULL, share_add(b, id, item->rate.now, c->whole, c->inputs)));
}

void build_country_table(struct build *b, const struct build_countries *c)
{
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.rank-before"), "previous_rank", REPORT_RIGHT, true);
	grid_column(&grid, c->heading, "country", REPORT_LEFT, true);
	grid_column(&grid, c->rate_heading, c->rate_csv, REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.share"), "share", REPORT_RIGHT, c->share_in_text);
	for (size_t i = 0; i < c->list->count && i < c->rows && c->list->items[i].rank; i++)
		ranking_row(b, &grid, c, &c->list->items[i]);
	lines_say(b, &notes, c->note, NULL, 0);
	build_panel_note(b, &notes);
	grid_end(b, &grid, c->id, c->caption, &notes);
}
