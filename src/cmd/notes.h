/*
 * Notes beside results: those of a period that belong to a series, for people and programs.
 */
#pragma once

#include "cmd/window.h"
#include "store/note.h"

/* Those of the window's period, empty where the store has none or cannot say. */
void notes_load(const struct window *w, struct note_list *ret_list);

/* Moves those on that series or on all to the front, in their order; returns their number. */
size_t notes_keep(struct note_list *list, enum note_kind kind, const char *key);

/* Appends what a note is attached to: "23/TCP, Mirai" (people), in the style's language. */
void notes_series(const struct note *note, const struct publish_style *style, struct buf *b);

/* Appends "2026-10-03 23/TCP: text (https://…)" and a newline. */
void notes_line(const struct note *note, const struct publish_style *style, const char *before,
    struct buf *b);

/* Appends each as a line, "[1] 2026-10-03 …". */
void notes_list(const struct note *notes, size_t count, const struct publish_style *style,
    struct buf *b);

/* Appends their numbers, each below the mark of its day in a sparkline of `step` days a mark; where
 * two would meet, the first stands. */
void notes_numbers(const struct note *notes, size_t count, int32_t first_day, size_t step,
    struct buf *b);

/* The same as marks of a figure; the texts live as long as the marks. */
struct note_marks {
	struct report_mark *items;
	struct report_value *values;
	char **texts;
	size_t count;
};
void notes_marks(const struct note *notes, size_t count, const struct publish_style *style,
    struct note_marks *ret_marks);
void notes_marks_free(struct note_marks *marks);

/* Appends the JSON object of a note: id, date, series, ja, en, url. */
void notes_json(const struct note *note, struct buf *b);
