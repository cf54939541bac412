/*
 * 期間中の注記: what people noted on days of the period, as marks of figures and as a table.
 *
 * A note has one number in the whole document.  It is drawn where its series is drawn, and where
 * no figure shows its series, in the figure of all access; what is on all series is in every
 * figure of days.  Notes are a person's words: no sentence is chosen by them.
 */
#include "report/build.h"

#include <string.h>

/* A figure shows so many; the table has them all. */
#define FIGURE_MARKS_MAX 12

static const char *copy(struct build *b, const char *text)
{
	return text ? report_printf(b->doc, "%s", text) : NULL;
}

static struct report_value words(struct build *b, const char *name, const struct note *note)
{
	return (struct report_value){.name = name, .kind = REPORT_VALUE_WORDS,
	    .ja = copy(b, note->ja), .en = copy(b, note->en)};
}

const char *build_tool_name(struct build *b, const char *tool)
{
	return strcmp(tool, "mirai") == 0 ? "Mirai" : strcmp(tool, "zmap") == 0 ? "ZMap"
	    : report_printf(b->doc, "%s", tool);
}

static struct report_value series_value(struct build *b, const struct note_series *series)
{
	switch (series->kind) {
	case NOTE_PORT:
		return value_port(NULL, series->port);
	case NOTE_COUNTRY:
		return value_country(b, NULL, series->key);
	case NOTE_TOOL:
		return value_text(NULL, build_tool_name(b, series->key));
	case NOTE_SIGNATURE:
		return value_message(b, NULL, MSG("note.series.signature"),
		    VALUES(value_text("signature", copy(b, series->key))));
	case NOTE_LOGIN:
		return value_message(b, NULL, MSG("note.series.login"),
		    VALUES(value_protocol(b, "protocol", series->key)));
	case NOTE_ALL:
	case NOTE_KIND_COUNT:
		break;
	}
	return value_word(NULL, MSG("note.series.all"));
}

static struct report_value series_list(struct build *b, const char *name, const struct note *note)
{
	struct report_value items[NOTE_SERIES_MAX];
	struct report_value list;

	for (size_t i = 0; i < note->series_count; i++)
		items[i] = series_value(b, &note->series[i]);
	build_list_message(b, name, items, note->series_count, &list);
	return list;
}

/* ---- figures --------------------------------------------------------------------------------- */

static bool draws_port(struct build *b, uint32_t key)
{
	uint32_t keys[BUILD_FIGURE_PORTS_MAX];
	size_t count = build_figure_ports(b, keys);

	for (size_t i = 0; i < count; i++)
		if (keys[i] == key)
			return true;
	return false;
}

/* The figure that shows a series, BUILD_FIGURE_ACCESS where none of its own does. */
static enum build_figure figure_of(struct build *b, const struct note_series *series)
{
	if (series->kind == NOTE_PORT && draws_port(b, series->port))
		return BUILD_FIGURE_PORTS;
	if (series->kind == NOTE_SIGNATURE && build_has_alerts_figure(b))
		return BUILD_FIGURE_ALERTS;
	return BUILD_FIGURE_ACCESS;
}

static bool belongs(struct build *b, const struct note *note, enum build_figure figure)
{
	for (size_t i = 0; i < note->series_count; i++)
		if (note->series[i].kind == NOTE_ALL || figure_of(b, &note->series[i]) == figure)
			return true;
	return false;
}

size_t build_marks(struct build *b, enum build_figure which, struct report_figure *figure)
{
	const struct note_list *notes = &b->g->notes;
	struct report_mark *marks = report_alloc(b->doc, FIGURE_MARKS_MAX * sizeof(*marks));
	size_t count = 0;
	size_t more = 0;

	for (size_t i = 0; i < notes->count; i++) {
		const struct note *note = &notes->items[i];

		if (!belongs(b, note, which))
			continue;
		if (count == FIGURE_MARKS_MAX) {
			more++;
			continue;
		}
		marks[count++] = (struct report_mark){
			.day = note->day,
			.number = (unsigned)i + 1,
			.text = sentence(b, MSG("note.mark"), VALUES(
			    value_day_short("day", note->day), series_list(b, "series", note),
			    words(b, "text", note))),
		};
	}
	figure->marks = marks;
	figure->mark_count = count;
	return more;
}

/* ---- beside a rise --------------------------------------------------------------------------- */

void build_say_notes(struct build *b, struct lines *lines, enum note_kind kind, const char *key)
{
	for (size_t i = 0; i < b->g->notes.count; i++) {
		const struct note *note = &b->g->notes.items[i];
		bool on = false;

		for (size_t s = 0; s < note->series_count; s++)
			on |= note->series[s].kind == kind && strcmp(note->series[s].key, key) == 0;
		if (on)
			lines_say(b, lines, MSG("note.beside"), VALUES(
			    value_integer("number", (int64_t)i + 1),
			    value_day_short("day", note->day), words(b, "text", note)));
	}
}

/* ---- the table ------------------------------------------------------------------------------- */

void section_notes(struct build *b)
{
	const struct note_list *notes = &b->g->notes;
	struct lines lines = {0};
	struct grid grid = {0};
	bool links = false;

	if (notes->count == 0)
		return;
	build_heading(b, 1, "notes", MSG("heading.notes"));
	lines_say(b, &lines, MSG("notes.what"), NULL, 0);
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	for (size_t i = 0; i < notes->count; i++)
		links |= notes->items[i].url != NULL;
	grid_column(&grid, MSG("column.note-number"), "number", REPORT_RIGHT, true);
	grid_column(&grid, MSG("column.note-day"), "date", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.note-series"), "series", REPORT_LEFT, true);
	grid_column(&grid, MSG("column.note-text"), "text", REPORT_LEFT, true);
	if (links)
		grid_column(&grid, MSG("column.note-url"), "url", REPORT_LEFT, false);
	for (size_t i = 0; i < notes->count; i++) {
		const struct note *note = &notes->items[i];

		grid_cell(b, &grid, value_integer(NULL, (int64_t)i + 1));
		grid_cell(b, &grid, value_day_short(NULL, note->day));
		grid_cell(b, &grid, series_list(b, NULL, note));
		grid_cell(b, &grid, words(b, NULL, note));
		if (links)
			grid_cell(b, &grid, !note->url ? value_none() : (struct report_value){
			    .kind = REPORT_VALUE_LINK, .text = copy(b, note->url)});
	}
	grid_end(b, &grid, "notes", sentence(b, MSG("caption.notes"), NULL, 0), NULL);
}
