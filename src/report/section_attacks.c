/*
 * Under DoS攻撃被害観測状況: victims of reflection, and the main incidents (主な事象), without the
 * victims' addresses.
 */
#include "report/build.h"

#include "base/civil.h"
#include "base/zone.h"

#define REFLECTION_ROWS 10
#define INCIDENT_ROWS 5

/* Rows of attack know no sensors: a change between two sets of sensors would say nothing. */
static bool is_comparable(const struct build *b)
{
	return b->g->has_before && !b->g->panel_differs;
}

/* ---- reflection ------------------------------------------------------------------------------ */

static void reflection_table(struct build *b)
{
	bool compare = is_comparable(b);
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	if (compare)
		grid_column(&grid, MSG("column.rank-before"), "previous_rank", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.reflection-port"), "port", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.service"), "service", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.victims-day"), "victims_per_day", REPORT_RIGHT, true);
	if (compare)
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.packets"), "packets", REPORT_RIGHT, false);
	for (size_t i = 0; i < b->g->reflections.count && i < REFLECTION_ROWS; i++) {
		const struct gather_item *item = &b->g->reflections.items[i];
		struct measure_facts facts;

		if (!item->rank)
			break;
		facts = measure_facts_add(b, report_printf(b->doc, "reflection.%s.victims",
		    build_port_id(b, item->key)), &item->rate, REPORT_UNIT_ADDRESSES_DAY,
		    build_decimals(&b->g->reflection_victims),
		    "report_reflections");
		grid_cell(b, &grid, value_integer(NULL, item->rank));
		if (compare)
			grid_cell(b, &grid, build_rank_before(b, item));
		grid_cell(b, &grid, value_port(NULL, item->key));
		grid_cell(b, &grid, value_service(NULL, item->key));
		grid_cell(b, &grid, value_fact(NULL, facts.now));
		if (compare)
			grid_cell(b, &grid, value_change(&facts));
		grid_cell(b, &grid, value_integer(NULL, (int64_t)item->packets));
	}
	lines_note(b, &notes, "service", MSG("note.ports"), NULL, 0);
	grid_end(b, &grid, "reflections", sentence(b, MSG("caption.reflections"), NULL, 0), &notes);
}

static void section_reflection(struct build *b)
{
	static const char *const messages[] = CHANGE_MESSAGES("reflection.victims");
	struct measure_facts facts = measure_facts_add(b, "reflection.victims",
	    &b->g->reflection_victims, REPORT_UNIT_ADDRESSES_DAY,
	    build_decimals(&b->g->reflection_victims), "report_reflection_victims");
	struct lines lines = {0};

	build_heading(b, 2, "reflection", MSG("heading.reflection"));
	if (b->g->reflection_victims.now <= 0 && b->g->reflection_victims.before <= 0) {
		lines_say(b, &lines, MSG("reflection.zero"), NULL, 0);
		lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
		return;
	}
	if (b->analysis || !is_comparable(b))
		lines_say(b, &lines, MSG("reflection.victims.no-data"),
		    VALUES(value_fact("value", facts.now)));
	else
		lines_change(b, &lines, messages, &facts, NULL, 0);
	lines_say(b, &lines, MSG("reflection.meaning"), NULL, 0);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	reflection_table(b);
}

/* ---- incidents ------------------------------------------------------------------------------- */

static struct report_value time_value(struct build *b, int64_t time_us)
{
	struct zone *zone = store_zone(b->g->store);
	int32_t day = zone_day(zone, time_us);
	int64_t minutes = (time_us - zone_day_start(zone, day)) / CIVIL_US_PER_MINUTE;

	return value_message(b, NULL, MSG("cell.time"), VALUES(value_day_short("day", day),
	    value_text("time", report_printf(b->doc, "%02d:%02d", (int)(minutes / 60),
	        (int)(minutes % 60)))));
}

static void incident_row(struct build *b, struct grid *grid, size_t at, bool rates)
{
	const struct gather_incident *incident = &b->g->incidents[at];
	const struct attack *attack = &incident->attack;
	const char *id = report_printf(b->doc, "incident.%zu", at + 1);
	double rate = attack_rate(attack, (uint64_t)(b->g->addresses + 0.5));

	grid_cell(b, grid, time_value(b, attack->start_us));
	grid_cell(b, grid, time_value(b, attack->end_us));
	grid_cell(b, grid, value_word(NULL, attack->kind == ATTACK_REFLECTION
	    ? MSG("attack.reflection") : MSG("attack.backscatter")));
	grid_cell(b, grid, value_country(b, NULL, incident->country));
	grid_cell(b, grid, incident->asn ? value_text(NULL, report_printf(b->doc, "AS%u",
	    incident->asn)) : value_none());
	grid_cell(b, grid, value_port(NULL, GATHER_KEY(attack->proto, attack->port)));
	grid_cell(b, grid, value_fact(NULL, fact_add(b, report_printf(b->doc, "%s.packets", id),
	    (double)attack->packets, REPORT_UNIT_PACKETS, 0, "report_incidents", NULL)));
	grid_cell(b, grid, value_fact(NULL, fact_add(b, report_printf(b->doc, "%s.minute", id),
	    (double)attack->max_ppm, REPORT_UNIT_PACKETS, 0, "report_incidents",
	    "packets in the busiest minute")));
	if (!rates)
		return;
	grid_cell(b, grid, rate > 0 ? value_fact(NULL, fact_add(b, report_printf(b->doc,
	    "%s.rate", id), rate, REPORT_UNIT_NONE, 0, "report_incidents",
	    "packets / seconds * 2^32 / observed addresses")) : value_none());
}

static void incident_table(struct build *b)
{
	size_t count = b->g->incident_count < INCIDENT_ROWS ? b->g->incident_count : INCIDENT_ROWS;
	struct grid grid = {0};
	struct lines notes = {0};
	bool rates = false;

	for (size_t i = 0; i < count; i++)
		rates |= attack_rate(&b->g->incidents[i].attack,
		    (uint64_t)(b->g->addresses + 0.5)) > 0;
	grid_column(&grid, MSG("column.begin"), "start", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.end"), "end", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.attack-kind"), "kind", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.dos-country"), "country", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.asn"), "asn", REPORT_LEFT, false);
	grid_column(&grid, MSG("column.attack-port"), "port", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.packets"), "packets", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.peak"), "packets_in_busiest_minute", REPORT_RIGHT, false);
	if (rates)
		grid_column(&grid, MSG("column.attack-rate"), "estimated_packets_per_second",
		    REPORT_RIGHT, false);
	for (size_t i = 0; i < count; i++)
		incident_row(b, &grid, i, rates);
	lines_say(b, &notes, MSG("note.incidents"), NULL, 0);
	if (rates)
		lines_note(b, &notes, "estimated_packets_per_second",
		    MSG("note.attack-rate"), NULL, 0);
	grid_end(b, &grid, "incidents", sentence(b, MSG("caption.incidents"), NULL, 0), &notes);
}

static void section_incidents(struct build *b)
{
	size_t backscatter = b->g->attacks_now[ATTACK_BACKSCATTER];
	size_t reflection = b->g->attacks_now[ATTACK_REFLECTION];
	struct lines lines = {0};

	build_heading(b, 2, "incidents", MSG("heading.incidents"));
	if (backscatter + reflection == 0)
		lines_say(b, &lines, MSG("incidents.none"), NULL, 0);
	else
		lines_say(b, &lines, MSG("incidents.some"), VALUES(
		    value_fact("backscatter", fact_add(b, "attacks.backscatter",
		        (double)backscatter, REPORT_UNIT_NONE, 0, "report_incidents", NULL)),
		    value_fact("reflection", fact_add(b, "attacks.reflection", (double)reflection,
		        REPORT_UNIT_NONE, 0, "report_incidents", NULL))));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	incident_table(b);
}

void section_attacks(struct build *b)
{
	section_reflection(b);
	section_incidents(b);
}
