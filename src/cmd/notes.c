/*
 * Notes beside the results of `series`, `port` and `rises`.
 *
 * They explain a result and are never part of one: a store that cannot give them gives its numbers.
 */
#include "cmd/notes.h"

#include "cmd/table.h"

#include "base/civil.h"

#include <stdlib.h>
#include <string.h>

void notes_load(const struct window *w, struct note_list *ret_list)
{
	struct err err = {0};

	*ret_list = (struct note_list){0};
	if (store_notes(w->store, w->now.from, w->now.to, ret_list, &err) < 0)
		(void)fprintf(stderr, "teiten: the notes cannot be read: %s\n", err.text);
}

size_t notes_keep(struct note_list *list, enum note_kind kind, const char *key)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct note note = list->items[i];

		if (!note_is_on(&note, kind, key))
			continue;
		list->items[i] = list->items[kept];
		list->items[kept++] = note;
	}
	return kept;
}

static void put_series(const struct note_series *series, const struct publish_style *style,
    struct buf *b)
{
	bool ja = style->language == PUBLISH_JA;

	switch (series->kind) {
	case NOTE_ALL:
		buf_puts(b, ja ? "全体" : "everything");
		return;
	case NOTE_PORT:
		publish_port(b, (uint8_t)(series->port >> 16), (uint16_t)series->port);
		return;
	case NOTE_COUNTRY:
		publish_country(b, style, series->key);
		return;
	case NOTE_SIGNATURE:
		buf_printf(b, ja ? "シグネチャ%s" : "signature %s", series->key);
		return;
	case NOTE_LOGIN:
		publish_protocol(b, style, series->key);
		buf_puts(b, ja ? "へのログイン試行" : " logins");
		return;
	case NOTE_TOOL:
	case NOTE_KIND_COUNT:
		break;
	}
	buf_puts(b, series->key);
}

void notes_series(const struct note *note, const struct publish_style *style, struct buf *b)
{
	for (size_t i = 0; i < note->series_count; i++) {
		if (i)
			buf_puts(b, style->language == PUBLISH_JA ? "、" : ", ");
		put_series(&note->series[i], style, b);
	}
}

void notes_line(const struct note *note, const struct publish_style *style, const char *before,
    struct buf *b)
{
	bool ja = style->language == PUBLISH_JA;
	const char *text = note_text(note, ja);
	char date[CIVIL_DATE_TEXT_MAX];

	buf_printf(b, "%s%s ", before, civil_format_date(note->day, date));
	notes_series(note, style, b);
	buf_puts(b, ": ");
	table_safe_text(b, text, strlen(text));
	if (note->url) {
		buf_puts(b, " (");
		table_safe_text(b, note->url, strlen(note->url));
		buf_putc(b, ')');
	}
	buf_putc(b, '\n');
}

void notes_list(const struct note *notes, size_t count, const struct publish_style *style,
    struct buf *b)
{
	for (size_t i = 0; i < count; i++) {
		char before[16];

		(void)snprintf(before, sizeof(before), "[%zu] ", i + 1);
		notes_line(&notes[i], style, before, b);
	}
}

void notes_numbers(const struct note *notes, size_t count, int32_t first_day, size_t step,
    struct buf *b)
{
	size_t start = b->len;

	for (size_t i = 0; i < count; i++) {
		size_t place = (size_t)(notes[i].day - first_day) / step;

		if (place < b->len - start)
			continue;
		while (b->len - start < place && !b->failed)
			buf_putc(b, ' ');
		buf_printf(b, "%zu", i + 1);
	}
}

/* Day, series and text as one sentence, which a person may have written: as it is. */
void notes_marks(const struct note *notes, size_t count, const struct publish_style *style,
    struct note_marks *ret_marks)
{
	struct note_marks marks = {
		.items = command_need(calloc(count + 1, sizeof(*marks.items))),
		.values = command_need(calloc(count + 1, sizeof(*marks.values))),
		.texts = command_need(calloc(count + 1, sizeof(*marks.texts))),
		.count = count,
	};

	for (size_t i = 0; i < count; i++) {
		struct buf text = {0};

		notes_line(&notes[i], style, "", &text);
		if (text.len)
			text.data[--text.len] = '\0'; /* without its newline */
		marks.texts[i] = command_need(buf_take(&text));
		marks.values[i] = (struct report_value){.name = "text",
		    .kind = REPORT_VALUE_TEXT, .text = marks.texts[i]};
		marks.items[i] = (struct report_mark){
			.day = notes[i].day,
			.number = (unsigned)i + 1,
			.text = {"layout.verbatim", &marks.values[i], 1},
		};
	}
	*ret_marks = marks;
}

void notes_marks_free(struct note_marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		free(marks->texts[i]);
	free(marks->texts);
	free(marks->values);
	free(marks->items);
}

static void put_text(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, ", \"%s\": ", name);
	if (text)
		table_json_string(b, text, strlen(text));
	else
		buf_puts(b, "null");
}

void notes_json(const struct note *note, struct buf *b)
{
	char date[CIVIL_DATE_TEXT_MAX];

	buf_printf(b, "{\"id\": %lld, \"date\": \"%s\", \"series\": [", (long long)note->id,
	    civil_format_date(note->day, date));
	for (size_t i = 0; i < note->series_count; i++) {
		char text[NOTE_KEY_MAX + 16];

		note_series_text(&note->series[i], text, sizeof(text));
		buf_puts(b, i ? ", " : "");
		table_json_string(b, text, strlen(text));
	}
	buf_putc(b, ']');
	put_text(b, "ja", note->ja);
	put_text(b, "en", note->en);
	put_text(b, "url", note->url);
	buf_putc(b, '}');
}
