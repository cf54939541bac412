/*
 * DoS攻撃被害観測状況: victims inferred from backscatter, without their addresses.
 */
#include "report/build.h"

#include <string.h>

#define DOS_ROWS 10
#define TOP_FEW 3

const char *build_dos_heading(const struct build *b)
{
	return b->g->counts ? MSG("column.packets") : MSG("column.rate.total");
}

const char *build_dos_word(const struct build *b)
{
	return b->g->counts ? MSG("basis.count") : MSG("basis.total");
}

enum report_unit build_dos_unit(const struct build *b)
{
	return b->g->counts ? REPORT_UNIT_PACKETS : REPORT_UNIT_PER_DAY;
}

static const char *dos_csv(const struct build *b)
{
	return b->g->counts ? "packets" : "packets_per_day";
}

static void port_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.rank-before"), "previous_rank", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.dos-port"), "port", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.service"), "service", REPORT_LEFT, false);
	grid_column(&grid, build_dos_heading(b), dos_csv(b), REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.share"), "share", REPORT_RIGHT, false);
	for (size_t i = 0; i < b->g->dos_ports.count && i < DOS_ROWS && i < b->top_n; i++) {
		const struct gather_item *item = &b->g->dos_ports.items[i];
		struct measure_facts facts;

		if (!item->rank)
			break;
		facts = measure_facts_add(b, report_printf(b->doc, "dos.%s.packets",
		    build_port_id(b, item->key)), &item->rate, build_dos_unit(b),
		    build_decimals(&b->g->dos),
		    "report_dos_ports");
		grid_cell(b, &grid, value_integer(NULL, item->rank));
		if (b->g->has_before)
			grid_cell(b, &grid, build_rank_before(b, item));
		grid_cell(b, &grid, value_port(NULL, item->key));
		grid_cell(b, &grid, value_service(NULL, item->key));
		grid_cell(b, &grid, value_fact(NULL, facts.now));
		if (b->g->has_before)
			grid_cell(b, &grid, value_change(&facts));
		grid_cell(b, &grid, value_fact(NULL, share_add(b, report_printf(b->doc, "dos.%s",
		    build_port_id(b, item->key)), item->rate.now, b->g->dos.now,
		    "of dos.packets")));
	}
	lines_say(b, &notes, MSG("note.dos-ports"), NULL, 0);
	lines_note(b, &notes, "service", MSG("note.ports"), NULL, 0);
	build_panel_note(b, &notes);
	grid_end(b, &grid, "dos-ports", sentence(b, MSG("caption.dos-ports"), VALUES(value_word("basis",
	        build_dos_word(b)))), &notes);
}

static bool has_victim_countries(const struct build *b)
{
	for (size_t i = 0; i < b->g->dos_countries.count; i++)
		if (b->g->dos_countries.items[i].rank
		    && memcmp(b->g->dos_countries.items[i].country, "ZZ", 2) != 0)
			return true;
	return false;
}

static void country_table(struct build *b)
{
	if (!has_victim_countries(b))
		return;
	build_country_table(b, &(struct build_countries){
	    .list = &b->g->dos_countries,
	    .rows = b->top_n < DOS_ROWS ? b->top_n : DOS_ROWS,
	    .id = "dos-countries",
	    .caption = sentence(b, MSG("caption.dos-countries"), VALUES(value_word("basis",
	        build_dos_word(b)))),
	    .note = MSG("note.dos-countries"),
	    .heading = MSG("column.dos-country"),
	    .rate_heading = build_dos_heading(b),
	    .rate_csv = dos_csv(b),
	    .facts = "dos.country",
	    .measure = "packets",
	    .unit = build_dos_unit(b),
	    .decimals = build_decimals(&b->g->dos),
	    .question = "report_dos_countries",
	    .whole = b->g->dos.now,
	    .inputs = "of dos.packets",
	});
}

/* A single victim can move the total by an order of magnitude: say how much the top ones are. */
static void say_shares(struct build *b, struct lines *lines)
{
	double few = 0;
	size_t count = b->g->victim_count < TOP_FEW ? b->g->victim_count : TOP_FEW;

	if (!count || b->g->dos_packets <= 0)
		return;
	for (size_t i = 0; i < count; i++)
		few += b->g->victim_packets[i];
	lines_say(b, lines, count > 1 ? MSG("dos.top-victims") : MSG("dos.top-victim"), VALUES(
	    value_fact("first", share_add(b, "dos.top-victim", b->g->victim_packets[0],
	        b->g->dos_packets, "packets of the victim seen most, whole period")),
	    value_integer("n", (int64_t)count),
	    value_fact("few", share_add(b, "dos.top-victims", few, b->g->dos_packets,
	        "packets of the victims seen most, whole period"))));
}

void section_dos(struct build *b)
{
	static const char *const packets[] = CHANGE_MESSAGES("dos.packets");
	static const char *const victims[] = CHANGE_MESSAGES("dos.victims");
	struct lines lines = {0};
	struct measure_facts facts = build_dos_facts(b);
	struct measure_facts victim_facts = build_victims_facts(b);

	build_heading(b, 1, "dos", MSG("heading.dos"));
	if (b->g->dos.now <= 0 && b->g->dos.before <= 0) {
		lines_say(b, &lines, MSG("dos.zero"), NULL, 0);
		lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
		section_attacks(b);
		return;
	}
	if (b->analysis) {
		lines_say(b, &lines, b->g->counts ? MSG("dos.count") : MSG("dos.analysis"),
		    VALUES(build_dos_packets(b),
		    value_fact("value", facts.now), value_fact("victims", victim_facts.now)));
	} else {
		lines_change(b, &lines, packets, &facts, VALUES(build_reference(b)));
		lines_change(b, &lines, victims, &victim_facts, NULL, 0);
	}
	if (!b->g->counts)
		lines_say(b, &lines, MSG("dos.rate"), VALUES(value_fact("rate",
		    measure_facts_add(b, "dos.rate", &b->g->dos_rate, REPORT_UNIT_RATE,
		        build_decimals(&b->g->dos_rate), "report_dos_ports").now)));
	say_shares(b, &lines);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	build_daily_figure(b, BUILD_FIGURE_DOS, b->g->dos_days, build_dos_unit(b),
	    MSG("caption.dos-daily"), MSG("alt.dos-daily"));
	port_table(b);
	country_table(b);
	lines_say(b, &lines, MSG("dos.caution"), NULL, 0);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	section_attacks(b);
}
