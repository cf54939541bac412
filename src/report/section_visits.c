/*
 * 送られてきた通信の内容: protocols, and events worth a name.  Nothing is said when nobody sent a
 * byte, so the report of a dark sensor is what it was.
 */
#include "report/build.h"

#include <string.h>

#define PROTOCOLS_SAID 3

static struct report_value sensors_cell(struct build *b, unsigned sensors)
{
	return value_message(b, NULL, MSG("cell.of"), VALUES(value_integer("n", sensors),
	    value_integer("m", (int64_t)b->g->sensors_now)));
}

static struct measure_facts name_facts(struct build *b, const char *what,
    const struct gather_name *item, const char *question)
{
	return measure_facts_add(b, report_printf(b->doc, "%s.%s.rate", what,
	    item->name[0] ? item->name : "unknown"), &item->rate, build_times_unit(b), 2, question);
}

static size_t ranked(const struct gather_names *names)
{
	size_t count = 0;

	while (count < names->count && names->items[count].rank)
		count++;
	return count;
}

/* ---- words of the basis ---------------------------------------------------------------------- */

static const struct {
	enum report_unit unit;
	const char *word;
	const char *heading;
} times[REPORT_BASIS_COUNT] = {
	[REPORT_BASIS_ADDRESS] = {REPORT_UNIT_TIMES_RATE, MSG("times.address"),
	    MSG("column.times.address")},
	[REPORT_BASIS_SENSOR_MEAN] = {REPORT_UNIT_TIMES_SENSOR_MEAN, MSG("times.sensor-mean"),
	    MSG("column.times.sensor-mean")},
	[REPORT_BASIS_TOTAL] = {REPORT_UNIT_TIMES_PER_DAY, MSG("times.total"),
	    MSG("column.times.total")},
};

const char *build_times_heading(const struct build *b)
{
	return b->g->counts ? MSG("column.times.count") : times[b->options->basis].heading;
}

const char *build_times_word(const struct build *b)
{
	return b->g->counts ? MSG("times.count") : times[b->options->basis].word;
}

enum report_unit build_times_unit(const struct build *b)
{
	return b->g->counts ? REPORT_UNIT_TIMES : times[b->options->basis].unit;
}

/* ---- protocols ------------------------------------------------------------------------------- */

static void say_protocols(struct build *b)
{
	static const char *const messages[] = CHANGE_MESSAGES("visits.sessions");
	struct measure_facts facts = measure_facts_add(b, "sessions.rate", &b->g->sessions,
	    build_times_unit(b), 2, "report_sessions");
	struct report_value items[PROTOCOLS_SAID];
	struct report_value list;
	struct lines lines = {0};
	size_t count = 0;

	if (b->analysis)
		lines_say(b, &lines, MSG("visits.sessions.no-data"), VALUES(
		    value_fact("value", facts.now), value_word("basis", build_times_word(b)),
		    build_reference(b)));
	else
		lines_change(b, &lines, messages, &facts, VALUES(
		    value_word("basis", build_times_word(b)), build_reference(b)));
	for (size_t i = 0; i < ranked(&b->g->protocols) && count < PROTOCOLS_SAID; i++)
		if (b->g->protocols.items[i].name[0])
			items[count++] = value_protocol(b, NULL, b->g->protocols.items[i].name);
	build_list_message(b, "protocols", items, count, &list);
	if (count > 0)
		lines_say(b, &lines, count > 1 ? MSG("visits.protocols") : MSG("visits.protocol"),
		    VALUES(list));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
}

static void protocol_row(struct build *b, struct grid *grid, const struct gather_name *item)
{
	struct measure_facts facts = name_facts(b, "protocol", item, "report_sessions");

	grid_cell(b, grid, value_integer(NULL, item->rank));
	if (b->g->has_before)
		grid_cell(b, grid, build_rank_cell(b, item->rank, item->rank_before,
		    item->rate.before <= 0));
	grid_cell(b, grid, value_protocol(b, NULL, item->name));
	grid_cell(b, grid, value_fact(NULL, facts.now));
	if (b->g->has_before)
		grid_cell(b, grid, value_change(&facts));
	grid_cell(b, grid, value_integer(NULL, (int64_t)item->sources));
	if (b->g->sensors_now > 1)
		grid_cell(b, grid, sensors_cell(b, item->sensors));
	grid_cell(b, grid, value_integer(NULL, (int64_t)item->logins_with));
	grid_cell(b, grid, value_integer(NULL, (int64_t)(item->logins - item->logins_with)));
}

static void protocol_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rank"), "rank", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.rank-before"), "previous_rank", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.protocol"), "protocol", REPORT_LEFT, true);
	grid_column(&grid, build_times_heading(b), "rate", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.sources"), "sources", REPORT_RIGHT, false);
	if (b->g->sensors_now > 1)
		grid_column(&grid, MSG("column.sensors"), "sensors_seen", REPORT_RIGHT, false);
	/* Seven columns and more are no table in 70 places. */
	grid_column(&grid, MSG("column.logins-with"), "logins_with_credentials", REPORT_RIGHT,
	    b->g->login_count > 0);
	grid_column(&grid, MSG("column.logins-without"), "logins_without_credentials",
	    REPORT_RIGHT, b->g->login_count > 0 && !b->g->has_before);
	for (size_t i = 0; i < ranked(&b->g->protocols) && i < b->top_n; i++)
		protocol_row(b, &grid, &b->g->protocols.items[i]);
	lines_say(b, &notes, MSG("note.protocols"), NULL, 0);
	lines_note(b, &notes, "logins_with_credentials", MSG("note.logins-with"), NULL, 0);
	lines_note(b, &notes, "logins_without_credentials", MSG("note.logins-without"), NULL, 0);
	lines_note(b, &notes, "sources", MSG("note.period-sources"), NULL, 0);
	build_panel_note(b, &notes);
	grid_end(b, &grid, "protocols", sentence(b, MSG("caption.protocols"), VALUES(
	    value_word("basis", build_times_word(b)))), &notes);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* Parts of an event's name, between dots, that make it worth a line; and whole protocols. */
static bool is_notable(const char *name)
{
	static const char *const parts[] = {"exploit", "login", "proxy", "anonymous", "credentials",
	    "cookie", "ms-t120", "ms17-010", "eternalblue", "doublepulsar", "smbghost", "bypass",
	    "injection", "backdoor", "bounce", "tunnel", "monlist", "write", "write-property",
	    "download", "stop", "shell", "module", "replicate", "drop", "operate", "restart"};
	static const char *const protocols[] = {"pjl", "printer", "adb", "rdp"};
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strlen(protocols[i]) == len && memcmp(protocols[i], name, len) == 0)
			return true;
	for (const char *part = name + len; *part; part += len) {
		part++;
		len = strcspn(part, ".");
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
			if (strlen(parts[i]) == len && memcmp(parts[i], part, len) == 0)
				return true;
	}
	return false;
}

static const struct gather_name *find_event(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->g->events.count; i++)
		if (strcmp(b->g->events.items[i].name, name) == 0 && b->g->events.items[i].rank)
			return &b->g->events.items[i];
	return NULL;
}

/* The distinction that the police counts: MQTT asked for without a user name and password. */
static void say_mqtt(struct build *b, struct lines *lines)
{
	const struct gather_name *without = find_event(b, "mqtt.connect.anonymous");
	const struct gather_name *with = find_event(b, "mqtt.connect.credentials");
	double rate_without = without ? without->rate.now : 0;
	double rate_with = with ? with->rate.now : 0;

	if (rate_without + rate_with <= 0)
		return;
	lines_say(b, lines, MSG("visits.mqtt"), VALUES(
	    value_fact("value", fact_add(b, "mqtt.connect.rate", rate_without + rate_with,
	        build_times_unit(b), 2, "report_events", "with and without credentials")),
	    value_word("basis", build_times_word(b)),
	    value_fact("percent", share_add(b, "mqtt.connect.anonymous", rate_without,
	        rate_without + rate_with, "of mqtt.connect.rate"))));
}

static void event_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};
	unsigned rows = 0;

	grid_column(&grid, MSG("column.event"), "event", REPORT_LEFT, true);
	grid_column(&grid, build_times_heading(b), "rate", REPORT_RIGHT, true);
	if (b->g->has_before)
		grid_column(&grid, MSG("column.change"), "change", REPORT_RIGHT, true);
	if (b->g->sensors_now > 1)
		grid_column(&grid, MSG("column.sensors"), "sensors_seen", REPORT_RIGHT, false);
	for (size_t i = 0; i < ranked(&b->g->events) && rows < b->top_n; i++) {
		const struct gather_name *item = &b->g->events.items[i];
		struct measure_facts facts;

		if (!is_notable(item->name))
			continue;
		rows++;
		facts = name_facts(b, "event", item, "report_events");
		grid_cell(b, &grid, value_event(b, NULL, item->name));
		grid_cell(b, &grid, value_fact(NULL, facts.now));
		if (b->g->has_before)
			grid_cell(b, &grid, value_change(&facts));
		if (b->g->sensors_now > 1)
			grid_cell(b, &grid, sensors_cell(b, item->sensors));
	}
	if (!rows)
		return;
	build_heading(b, 2, "events", MSG("heading.events"));
	say_mqtt(b, &notes);
	lines_end(b, &notes, REPORT_BLOCK_PARAGRAPH);
	lines_say(b, &notes, MSG("note.events"), NULL, 0);
	build_panel_note(b, &notes);
	grid_end(b, &grid, "events", sentence(b, MSG("caption.events"), VALUES(
	    value_word("basis", build_times_word(b)))), &notes);
}

static void say_dropped(struct build *b)
{
	struct lines lines = {0};

	if (b->g->visits_dropped)
		lines_say(b, &lines, MSG("visits.dropped"), VALUES(
		    value_integer("n", b->g->visits_dropped)));
	if (b->g->visits_lost_before)
		lines_say(b, &lines, MSG("visits.lost-before"), VALUES(
		    value_word("before", b->word_before)));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
}

/* What is made from sessions and logins, which retention drops before packets and events. */
static void section_sessions(struct build *b)
{
	bool has_before = b->g->has_before;
	bool compare = b->compare;

	/* A period of which rows are gone is not one in which nobody came. */
	if (b->g->visits_dropped || b->g->visits_lost_before) {
		b->g->has_before = false;
		b->compare = false;
	}
	say_dropped(b);
	if (ranked(&b->g->protocols)) {
		build_heading(b, 2, "protocols", MSG("heading.protocols"));
		say_protocols(b);
		protocol_table(b);
	}
	section_logins(b);
	b->g->has_before = has_before;
	b->compare = compare;
}

void section_visits(struct build *b)
{
	if (!ranked(&b->g->protocols) && !ranked(&b->g->events) && !b->g->login_count)
		return;
	build_heading(b, 1, "visits", MSG("heading.visits"));
	section_sessions(b);
	event_table(b);
}
