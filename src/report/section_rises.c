/*
 * 注目された現象 (weekly: 気になる動き) and 前期からの続き: what rose or fell unusually, how widely,
 * and what became of what the last report told.
 */
#include "report/build.h"

#include <math.h>
#include <string.h>

#define WEEK_TOLD_MAX 3
#define TOLD_MAX 5
#define FOLLOWED_MAX 5
#define TABLE_ROWS 15
/* A ratio above this says no more than "hardly any before". */
#define RATIO_MAX 9999.0
/* A rise needs so many days before it, which may be those of the period. */
#define HISTORY_LEAST 7

static struct report_value rise_subject(struct build *b, const char *name, const struct rise *r)
{
	switch (r->kind) {
	case RISES_PORT:
		return value_message(b, name, MSG("rise.subject.port"),
		    VALUES(value_port("port", r->port_key)));
	case RISES_COUNTRY:
		return value_message(b, name, MSG("rise.subject.country"),
		    VALUES(value_country(b, "country", r->key)));
	case RISES_TOOL:
		return value_message(b, name, MSG("rise.subject.tool"),
		    VALUES(value_text("tool", build_tool_name(b, r->key))));
	case RISES_SIGNATURE:
		return value_message(b, name, MSG("rise.subject.signature"),
		    VALUES(value_text("signature", report_printf(b->doc, "%s",
		        r->name ? r->name : r->key))));
	case RISES_LOGIN:
	case RISES_KIND_COUNT:
		break;
	}
	return value_message(b, name, MSG("rise.subject.login"),
	    VALUES(value_protocol(b, "protocol", r->key)));
}

/* Began in the period: what began earlier is followed up. */
static bool is_news(const struct build *b, const struct rise *r)
{
	return r->first_day >= b->g->now.from;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const char *locality_word(const struct rise *r)
{
	switch (r->locality) {
	case RISE_GLOBAL:
		return MSG("locality.global");
	case RISE_PARTIAL:
		return MSG("locality.partial");
	case RISE_SINGLE:
		return MSG("locality.single");
	case RISE_UNKNOWN:
	case RISE_LOCALITY_COUNT:
		break;
	}
	return MSG("locality.unknown");
}

static const struct report_fact *rise_fact(struct build *b, const struct rise *r,
    const char *what, double value, enum report_unit unit, int decimals)
{
	return report_fact_add(b->doc, &(struct report_fact){
	    .id = report_printf(b->doc, "rise.%s.%s.%d.%s", rises_kind_name(r->kind), r->key,
	        (int)r->first_day, what),
	    .value = value, .known = true, .unit = unit, .decimals = decimals,
	    .question = "rises"});
}

static void rise_row(struct build *b, struct grid *grid, const struct rise *r)
{
	bool ratio = isfinite(r->ratio) && r->expected >= RISES_SCARCE && r->ratio <= RATIO_MAX;

	grid_cell(b, grid, rise_subject(b, NULL, r));
	grid_cell(b, grid, value_word(NULL, r->direction == RISE_UP ? MSG("rises.up")
	    : MSG("rises.down")));
	grid_cell(b, grid, value_day_short(NULL, r->first_day));
	grid_cell(b, grid, r->going_on ? value_word(NULL, MSG("rises.going-on"))
	    : value_day_short(NULL, r->last_day));
	grid_cell(b, grid, value_fact(NULL, rise_fact(b, r, "observed", r->observed,
	    REPORT_UNIT_RATE, 2)));
	grid_cell(b, grid, value_fact(NULL, rise_fact(b, r, "expected", r->expected,
	    REPORT_UNIT_RATE, 2)));
	if (r->novel)
		grid_cell(b, grid, value_word(NULL, MSG("rises.novel")));
	else
		grid_cell(b, grid, ratio ? value_fact(NULL, rise_fact(b, r, "times", r->ratio,
		    REPORT_UNIT_NONE, r->ratio < 1 ? 2 : r->ratio < 100 ? 1 : 0))
		    : value_none());
	if (b->g->sensors_now > 1)
		grid_cell(b, grid, value_message(b, NULL, MSG("cell.of"), VALUES(
		    value_integer("n", r->risen), value_integer("m", r->sensors))));
	grid_cell(b, grid, value_word(NULL, locality_word(r)));
}

static void rises_table(struct build *b)
{
	struct grid grid = {0};
	struct lines notes = {0};

	grid_column(&grid, MSG("column.rise"), "what", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.direction"), "direction", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.begin"), "start", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.end"), "end", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.observed"), "observed", REPORT_RIGHT, false);
	grid_column(&grid, MSG("column.expected"), "expected", REPORT_RIGHT, false);
	grid_column(&grid, MSG("column.ratio"), "ratio", REPORT_RIGHT, true);
	if (b->g->sensors_now > 1)
		grid_column(&grid, MSG("column.risen"), "sensors", REPORT_RIGHT, false);
	grid_column(&grid, MSG("column.locality"), "locality", REPORT_LEFT,
	    b->g->sensors_now > 1);
	for (size_t i = 0; i < b->g->told_count && i < TABLE_ROWS; i++)
		rise_row(b, &grid, b->g->told[i]);
	lines_say(b, &notes, MSG("note.rises"), NULL, 0);
	if (b->g->sensors_now > 1)
		lines_note(b, &notes, "locality", MSG("note.rises-single"), NULL, 0);
	grid_end(b, &grid, "rises", sentence(b, MSG("caption.rises"), NULL, 0), &notes);
}

/* ---- what is new ----------------------------------------------------------------------------- */

static void tell(struct build *b, const struct rise *r)
{
	static const enum note_kind notes[RISES_KIND_COUNT] = {
		[RISES_PORT] = NOTE_PORT,
		[RISES_COUNTRY] = NOTE_COUNTRY,
		[RISES_TOOL] = NOTE_TOOL,
		[RISES_SIGNATURE] = NOTE_SIGNATURE,
		[RISES_LOGIN] = NOTE_LOGIN,
	};
	struct lines lines = {0};

	lines.count = rises_sentences(r, b->doc, lines.items);
	build_say_notes(b, &lines, notes[r->kind], r->key);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
}

static void section_notable(struct build *b)
{
	bool week = b->g->now.kind == REPORT_PERIOD_WEEK;
	size_t most = week ? WEEK_TOLD_MAX : TOLD_MAX;
	struct lines lines = {0};
	size_t told = 0;
	size_t more = 0;

	build_heading(b, 1, "notable", week ? MSG("heading.notable.week")
	    : MSG("heading.notable"));
	if (b->g->rises.history_days == 0 && b->g->told_count == 0
	    && report_period_days(&b->g->now) <= HISTORY_LEAST) {
		lines_say(b, &lines, MSG("notable.no-history"), NULL, 0);
		lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
		return;
	}
	for (size_t i = 0; i < b->g->told_count; i++) {
		if (!is_news(b, b->g->told[i]))
			continue;
		if (told == most) {
			more++;
			continue;
		}
		told++;
		tell(b, b->g->told[i]);
	}
	if (told == 0)
		lines_say(b, &lines, MSG("notable.none"), NULL, 0);
	if (b->g->rises.history_days == 0)
		lines_say(b, &lines, MSG("notable.short-history"), NULL, 0);
	if (more)
		lines_say(b, &lines, b->g->told_count > TABLE_ROWS ? MSG("notable.more-than-listed")
		    : MSG("notable.more"), VALUES(value_integer("n", (int64_t)more)));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	rises_table(b);
}

/* ---- what became of the last ones ------------------------------------------------------------ */

/* Among all, also those that a port explains. */
static const struct rise *find_now(const struct build *b, const struct rise *before)
{
	for (size_t i = 0; i < b->g->rises.count; i++) {
		const struct rise *r = &b->g->rises.items[i];

		if (r->kind == before->kind && r->direction == before->direction
		    && strcmp(r->key, before->key) == 0)
			return r;
	}
	return NULL;
}

static void say_followed(struct build *b, struct lines *lines, const struct rise *r,
    const char *up, const char *down, const struct rise *again)
{
	if (lines->count < FOLLOWED_MAX)
		lines_say(b, lines, r->direction == RISE_UP ? up : down, VALUES(
		    rise_subject(b, "subject", r), value_day_short("from", r->first_day),
		    value_day_short("to", r->last_day), value_word("now", b->word_now),
		    value_day_short("again", again ? again->first_day : r->first_day)));
}

static void section_followup(struct build *b)
{
	struct lines lines = {0};

	if (b->g->sensors_before == 0 || b->g->rises.history_days == 0)
		return;
	build_heading(b, 1, "follow-up", b->g->now.kind == REPORT_PERIOD_WEEK
	    ? MSG("heading.followup.week") : MSG("heading.followup"));
	for (size_t i = 0; i < b->g->told_count; i++) {
		const struct rise *r = b->g->told[i];

		if (is_news(b, r))
			continue;
		if (r->going_on)
			say_followed(b, &lines, r, MSG("followup.on"), MSG("followup.on-fall"), NULL);
		else
			say_followed(b, &lines, r, MSG("followup.over"), MSG("followup.over-fall"),
			    NULL);
	}
	for (size_t i = 0; i < b->g->told_before_count; i++) {
		const struct rise *before = b->g->told_before[i];
		const struct rise *now = find_now(b, before);

		if (now && now->explained_by[0])
			continue; /* the port's own rise says it */
		if (now && is_news(b, now))
			say_followed(b, &lines, before, MSG("followup.again"),
			    MSG("followup.again-fall"), now);
		else if (!now && before->going_on)
			say_followed(b, &lines, before, MSG("followup.over"),
			    MSG("followup.over-fall"), NULL);
	}
	if (!lines.count) {
		lines_say(b, &lines, MSG("followup.none"), VALUES(value_word("before",
		    b->word_before)));
		lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	}
	lines_end(b, &lines, REPORT_BLOCK_LIST);
}

void section_rises(struct build *b)
{
	if (b->analysis)
		return;
	section_followup(b);
	section_notable(b);
}
