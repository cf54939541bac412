/*
 * Parts of the text edition, in columns of the display.
 */
#pragma once

#include "publish/edition.h"
#include "publish/wrap.h"

/* A grid of cells, column count × row count strings, row-major; the first row is the heading. */
struct publish_grid {
	size_t columns;
	size_t rows;
	char **cells;
	const enum report_align *align;
};

/* Appends the grid aligned by display width, no line wider than width. */
void publish_text_grid(struct buf *b, const struct publish_style *style,
    const struct publish_grid *grid, size_t width);

/* Only the columns that are marked for the text edition. */
void publish_text_table(struct buf *b, const struct publish_style *style,
    const struct report_table *table, struct publish_numbering *numbering);

void publish_text_figure(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, struct publish_numbering *numbering);

/* Footnotes: ※ …, Note: …. */
void publish_text_notes(struct buf *b, const struct publish_style *style,
    const struct report_sentence *notes, size_t count);
