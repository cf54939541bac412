/*
 * 宛先ポート別: the ranking, its moves, and how often a port has been there before.
 */
#include "report/build.h"

#include <stdio.h>

#define MOVES_SAID_MAX 3
#define HABIT_RANKS 5

const char *build_port_id(struct build *b, uint32_t key)
{
	unsigned port = GATHER_PORT(key);

	switch (GATHER_PROTO(key)) {
	case 1:
		return report_printf(b->doc, "port.%u/icmp", port);
	case 6:
		return report_printf(b->doc, "port.%u/tcp", port);
	case 17:
		return report_printf(b->doc, "port.%u/udp", port);
	case 58:
		return report_printf(b->doc, "port.%u/icmpv6", port);
	default:
		return report_printf(b->doc, "port.%u/proto-%u", port, GATHER_PROTO(key));
	}
}

struct measure_facts build_port_facts(struct build *b, const struct gather_item *item)
{
	return measure_facts_add(b,
	    report_printf(b->doc, "%s.rate", build_port_id(b, item->key)), &item->rate,
	    b->rate_unit, 2, "report_ports");
}

void build_panel_note(struct build *b, struct lines *notes)
{
	if (b->compare && b->g->panel_differs)
		lines_say(b, notes, MSG("note.panel"),
		    VALUES(value_integer("n", (int64_t)b->g->panel_count)));
}

/* 前期順位 with its arrow; 新 only when the value was 0, 圏外 when it was below the table. */
struct report_value build_rank_cell(struct build *b, unsigned rank, unsigned rank_before,
    bool is_new)
{
	const char *message = MSG("rank.same");

	if (!b->g->has_before)
		return value_none();
	if (is_new)
		return value_word(NULL, MSG("rank.new"));
	if (rank_before == 0 || rank_before > b->top_n)
		return value_word(NULL, MSG("rank.from-outside"));
	if (rank_before > rank)
		message = MSG("rank.up");
	else if (rank_before < rank)
		message = MSG("rank.down");
	return value_message(b, NULL, message, VALUES(value_integer("rank", rank_before)));
}

struct report_value build_rank_before(struct build *b, const struct gather_item *item)
{
	return build_rank_cell(b, item->rank, item->rank_before, item->rate.before <= 0);
}

struct report_value build_rank_now(struct build *b, const struct gather_item *item)
{
	struct report_value rank = value_integer(NULL, item->rank);

	if (!item->rank_without)
		return rank;
	rank.name = "rank";
	return value_message(b, NULL, MSG("rank.dagger"), &rank, 1);
}

/* At most as many as a list says. */
#define DAGGERS_SAID 5

void build_robust_note(struct build *b, const struct gather_list *list, bool ports,
    struct lines *notes)
{
	struct report_value said[DAGGERS_SAID];
	struct report_value all;
	size_t count = 0;

	for (size_t i = 0; i < list->count && i < b->top_n && count < DAGGERS_SAID; i++) {
		const struct gather_item *item = &list->items[i];
		bool outside = item->rank_without > b->top_n || !item->seen_without;

		if (!item->rank_without)
			continue;
		said[count++] = value_message(b, NULL, outside ? MSG("dagger.outside")
		    : MSG("dagger.item"), VALUES(
		        ports ? value_port("what", item->key)
		              : value_country(b, "what", item->country),
		        value_sensor(b, "sensor", b->g->sensors[item->sensor_without].name),
		        value_integer("rank", item->rank_without)));
	}
	if (count == 0)
		return;
	build_list_message(b, "list", said, count, &all);
	lines_say(b, notes, MSG("note.dagger"), VALUES(all));
}

static void port_columns(struct build *b, struct grid *grid)
{
	grid_column(grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(grid, MSG("column.rank-before"), "previous_rank", REPORT_RIGHT, true);
	grid_column(grid, MSG("column.port"), "port", REPORT_LEFT, true);
	grid_column(grid, MSG("column.service"), "service", REPORT_LEFT, false);
	if (b->analysis && !b->g->counts)
		grid_column(grid, MSG("column.packets"), "packets", REPORT_RIGHT, true);
	grid_column(grid, build_rate_heading(b), "rate", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	grid_column(grid, MSG("column.share"), "share", REPORT_RIGHT, false);
	if (b->g->sensors_now > 2)
		grid_column(grid, MSG("column.sensor-median"), "sensor_median", REPORT_RIGHT, false);
	if (b->g->sensors_now > 1) {
		grid_column(grid, MSG("column.sensors"), "sensors_seen", REPORT_RIGHT, false);
		grid_column(grid, MSG("column.top-share"), "top_sensor_share", REPORT_RIGHT, false);
	}
	if (b->g->weeks_known)
		grid_column(grid, MSG("column.weeks"), "weeks_in_top5", REPORT_RIGHT, false);
}

static void port_row(struct build *b, struct grid *grid, const struct gather_item *item)
{
	struct measure_facts facts = build_port_facts(b, item);
	const char *id = build_port_id(b, item->key);

	grid_cell(b, grid, build_rank_now(b, item));
	if (b->g->has_before)
		grid_cell(b, grid, build_rank_before(b, item));
	grid_cell(b, grid, value_port(NULL, item->key));
	grid_cell(b, grid, value_service(NULL, item->key));
	if (b->analysis && !b->g->counts)
		grid_cell(b, grid, value_integer(NULL, (int64_t)item->packets));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	if (b->g->has_before)
		grid_cell(b, grid, value_change(&facts));
	grid_cell(b, grid, value_fact(NULL, share_add(b, id, item->rate.now, b->g->access.now,
	    "of access.rate")));
	if (b->g->sensors_now > 2)
		grid_cell(b, grid, value_fact(NULL, fact_add(b, report_printf(b->doc,
		    "%s.sensor-median", id), item->median, b->options->basis
		    == REPORT_BASIS_ADDRESS ? REPORT_UNIT_RATE : REPORT_UNIT_SENSOR_MEAN, 2,
		    "report_ports", "median over sensors")));
	if (b->g->sensors_now > 1) {
		grid_cell(b, grid, value_message(b, NULL, MSG("cell.of"), VALUES(
		    value_integer("n", item->sensors),
		    value_integer("m", (int64_t)b->g->sensors_now))));
		grid_cell(b, grid, value_fact(NULL, share_add(b,
		    report_printf(b->doc, "%s.top-sensor", id), item->packets_top, item->packets,
		    "packets of the sensor that received most")));
	}
	if (b->g->weeks_known)
		grid_cell(b, grid, value_message(b, NULL, MSG("cell.of"), VALUES(
		    value_integer("n", item->weeks_top),
		    value_integer("m", b->g->weeks_known))));
}

static void port_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};

	port_columns(b, &grid);
	for (size_t i = 0; i < b->g->ports.count && i < b->top_n; i++)
		if (b->g->ports.items[i].rank)
			port_row(b, &grid, &b->g->ports.items[i]);
	lines_note(b, &notes, "service", MSG("note.ports"), NULL, 0);
	build_robust_note(b, &b->g->ports, true, &notes);
	if (b->g->has_before)
		lines_say(b, &notes, MSG("note.ranks"), VALUES(value_integer("n", b->top_n)));
	if (b->g->weeks_known)
		lines_note(b, &notes, "weeks_in_top5", MSG("note.weeks"),
		    VALUES(value_integer("m", b->g->weeks_known)));
	build_panel_note(b, &notes);
	grid_end(b, &grid, "ports", sentence(b, MSG("caption.ports"), VALUES(
	    value_word("basis", build_basis_word(b)))), &notes);
}

/* 23/TCPが…件(全体の…%)で最も多く、次いで… */
static void say_top(struct build *b, struct lines *lines)
{
	const struct gather_item *items = b->g->ports.items;
	struct measure_facts first = build_port_facts(b, &items[0]);
	struct report_value values[7];
	size_t count = 0;
	size_t ranked = 0;

	values[count++] = value_port("port", items[0].key);
	values[count++] = value_fact("rate", first.now);
	values[count++] = value_fact("share", share_add(b, build_port_id(b, items[0].key),
	    items[0].rate.now, b->g->access.now, "of access.rate"));
	while (ranked < 3 && ranked < b->g->ports.count && items[ranked].rank)
		ranked++;
	if (ranked > 1) {
		values[count++] = value_port("port2", items[1].key);
		values[count++] = value_fact("rate2", build_port_facts(b, &items[1]).now);
	}
	if (ranked > 2) {
		values[count++] = value_port("port3", items[2].key);
		values[count++] = value_fact("rate3", build_port_facts(b, &items[2]).now);
	}
	lines_say(b, lines, ranked == 1 ? MSG("ports.top.1") : ranked == 2 ? MSG("ports.top.2")
	    : MSG("ports.top.3"), values, count);
}

static void say_move(struct build *b, struct lines *lines, const struct gather_item *item)
{
	const char *message = NULL;

	if (item->rate.before <= 0)
		message = MSG("move.new");
	else if (item->rank_before > b->top_n)
		message = MSG("move.entered");
	else if (item->rank_before >= item->rank + 2)
		message = MSG("move.climbed");
	else if (item->rank >= item->rank_before + 2)
		message = MSG("move.dropped");
	if (message)
		lines_say(b, lines, message, VALUES(value_port("port", item->key),
		    value_word("before", b->word_before), value_integer("rank", item->rank),
		    value_integer("rank_before", item->rank_before)));
}

/* Ports of the previous top five that are not in the table any more. */
static void say_left(struct build *b, struct lines *lines)
{
	for (size_t i = 0; i < b->g->ports.count; i++) {
		const struct gather_item *item = &b->g->ports.items[i];

		if (item->rank_before == 0 || item->rank_before > HABIT_RANKS
		    || (item->rank && item->rank <= b->top_n))
			continue;
		lines_say(b, lines, MSG("move.left"), VALUES(value_port("port", item->key),
		    value_word("before", b->word_before),
		    value_integer("rank_before", item->rank_before)));
	}
}

/* 過去13週のうちn週で上位5位, said where it is unusual; those that never were, in one sentence. */
static void say_habits(struct build *b, struct lines *lines)
{
	const char *message = b->g->weeks_known == GATHER_WEEKS ? MSG("habit.all-weeks")
	    : MSG("habit.known-weeks");
	struct report_value never[HABIT_RANKS];
	struct report_value list;
	size_t count = 0;

	if (b->g->weeks_known < 4)
		return;
	for (size_t i = 0; i < b->g->ports.count && i < HABIT_RANKS; i++) {
		const struct gather_item *item = &b->g->ports.items[i];

		if (!item->rank || item->weeks_top * 2 >= b->g->weeks_known)
			continue;
		if (!item->weeks_top) {
			never[count++] = value_port("port", item->key);
			continue;
		}
		lines_say(b, lines, message, VALUES(
		    value_port("port", item->key), value_integer("n", item->weeks_top),
		    value_integer("m", b->g->weeks_known)));
	}
	if (!count)
		return;
	build_list_message(b, "ports", never, count, &list);
	lines_say(b, lines, MSG("habit.never"), VALUES(list, value_integer("n", (int64_t)count)));
}

void section_ports(struct build *b)
{
	struct lines lines = {0};

	if (!b->g->ports.count || !b->g->ports.items[0].rank)
		return;
	build_heading(b, 2, "ports", MSG("heading.ports"));
	say_top(b, &lines);
	if (b->g->has_before) {
		for (size_t i = 0; i < b->g->ports.count && i < b->top_n
		    && lines.count <= MOVES_SAID_MAX; i++)
			if (b->g->ports.items[i].rank)
				say_move(b, &lines, &b->g->ports.items[i]);
		say_left(b, &lines);
		say_habits(b, &lines);
	}
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	port_table(b);
	build_ports_figure(b);
	build_port_windows(b);
}
