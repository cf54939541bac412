/*
 * Tables of the text edition: aligned by display width, narrowed until they fit the line.
 *
 * A table that is too wide loses room where it hurts least: headings that are longer than what
 * stands below them take two lines, then three; then gaps, then words, last numbers.  Cells that no
 * longer fit are wrapped inside their column; nothing is cut off.
 */
#include "publish/text.h"

#include "base/utf8.h"
#include "publish/message.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2
#define COLUMN_WIDTH_MIN 2
#define COLUMNS_MAX 32

/* A column of words keeps its longest word, within these limits, while numbers still fit. */
#define STAGE_WORDS_MIN 10
#define STAGE_WORDS_MAX 20
/* A heading of this width (順位) stays on one line as long. */
#define STAGE_HEADING_SHORT 6

enum stage {
	STAGE_HEADING_TWO,
	STAGE_HEADING_THREE,
	STAGE_GAP,
	STAGE_WORDS,
	STAGE_HEADING_ANY,
	STAGE_ANY,
	STAGE_COUNT,
};

struct layout {
	size_t width[COLUMNS_MAX];   /* given to the column */
	size_t heading[COLUMNS_MAX]; /* of its heading on one line */
	size_t piece[COLUMNS_MAX];   /* widest part of the heading that must not be broken */
	size_t word[COLUMNS_MAX];    /* the same of the cells below */
	size_t body[COLUMNS_MAX];    /* widest cell below the heading */
	size_t gap[COLUMNS_MAX];     /* in front of the column */
};

static const char *cell_at(const struct publish_grid *grid, size_t row, size_t column)
{
	const char *text = grid->cells[row * grid->columns + column];

	return text ? text : "";
}

static size_t total_width(const struct publish_grid *grid, const struct layout *l)
{
	size_t total = 0;

	for (size_t c = 0; c < grid->columns; c++)
		total += l->width[c] + l->gap[c];
	return total;
}

/* The widest run of text in which no line may end. */
static size_t widest_piece(const struct publish_style *style, const char *text)
{
	size_t len = strlen(text);
	size_t widest = 0;
	size_t width = 0;
	uint32_t before = 0;

	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(text + at, len - at, &cp);
		if (before && publish_break_allowed(style, before, cp))
			width = 0;
		/* A space at the end of a line takes no room. */
		width += publish_width_of(style, cp);
		if (width > widest && cp != ' ')
			widest = width;
		before = cp;
	}
	return widest;
}

/* The width at which a heading takes so many lines; wide characters need even widths. */
static size_t heading_width(const struct layout *l, size_t column, size_t lines)
{
	size_t width = (l->heading[column] + lines - 1) / lines;

	width += width % 2;
	if (width < l->piece[column])
		width = l->piece[column];
	return width > l->body[column] ? width : l->body[column];
}

/*
 * The narrowest a column may become at a stage of narrowing; stages are tried in order.  Headings
 * go first, then the gaps between columns, then words, and numbers only when nothing else is left.
 */
static size_t stage_width(const struct publish_grid *grid, const struct layout *l, size_t column,
    enum stage stage)
{
	size_t words = l->word[column] > STAGE_WORDS_MIN ? l->word[column] : STAGE_WORDS_MIN;

	if (words > STAGE_WORDS_MAX)
		words = STAGE_WORDS_MAX;
	switch (stage) {
	case STAGE_HEADING_TWO:
		return heading_width(l, column, 2);
	case STAGE_HEADING_THREE:
		return heading_width(l, column, 3);
	case STAGE_WORDS:
		return grid->align[column] == REPORT_LEFT ? words : l->width[column];
	case STAGE_GAP:
		return l->width[column];
	case STAGE_HEADING_ANY:
		return l->body[column] > COLUMN_WIDTH_MIN ? l->body[column] : COLUMN_WIDTH_MIN;
	case STAGE_ANY:
	case STAGE_COUNT:
		break;
	}
	return COLUMN_WIDTH_MIN;
}

/* Takes places from the column that has most to spare until the table fits or none is left. */
static bool narrow(const struct publish_grid *grid, struct layout *l, enum stage stage,
    size_t width)
{
	while (total_width(grid, l) > width) {
		size_t best = grid->columns;
		size_t most = 0;

		for (size_t c = 0; c < grid->columns; c++) {
			size_t least = stage_width(grid, l, c, stage);
			size_t spare = l->width[c] > least ? l->width[c] - least : 0;

			if (spare > most) {
				most = spare;
				best = c;
			}
		}
		if (best == grid->columns)
			return false;
		l->width[best]--;
	}
	return true;
}

static void set_gaps(const struct publish_grid *grid, struct layout *l, size_t gap)
{
	for (size_t c = 1; c < grid->columns; c++)
		l->gap[c] = gap;
}

/* Gives places that are left back to the gaps, first where a number stands before a word. */
static void widen_gaps(const struct publish_grid *grid, struct layout *l, size_t width)
{
	for (int tight = 1; tight >= 0; tight--) {
		for (size_t c = 1; c < grid->columns && total_width(grid, l) < width; c++) {
			bool meet = grid->align[c - 1] == REPORT_RIGHT
			    && grid->align[c] == REPORT_LEFT;

			if (l->gap[c] < GAP && meet == (tight == 1))
				l->gap[c]++;
		}
	}
}

static void lay_out(const struct publish_style *style, const struct publish_grid *grid,
    size_t width, struct layout *l)
{
	memset(l, 0, sizeof(*l));
	for (size_t r = 0; r < grid->rows; r++) {
		for (size_t c = 0; c < grid->columns; c++) {
			const char *text = cell_at(grid, r, c);
			size_t w = publish_width(style, text, strlen(text));

			if (w > l->width[c])
				l->width[c] = w;
			if (r == 0) {
				l->heading[c] = w;
				l->piece[c] = w <= STAGE_HEADING_SHORT ? w
				    : widest_piece(style, text);
				continue;
			}
			if (w > l->body[c])
				l->body[c] = w;
			w = widest_piece(style, text);
			if (w > l->word[c])
				l->word[c] = w;
		}
	}
	for (int stage = 0; stage < STAGE_COUNT; stage++) {
		/* Narrow gaps where they alone do, or where numbers would have to suffer. */
		set_gaps(grid, l, stage == STAGE_GAP || stage > STAGE_WORDS ? 1 : GAP);
		if (narrow(grid, l, (enum stage)stage, width))
			break;
	}
	widen_gaps(grid, l, width);
}

/* Appends one line of a cell with its padding; the last column has none behind it. */
static void append_padded(struct buf *b, const struct publish_style *style, const char *text,
    size_t len, size_t width, enum report_align align, bool last)
{
	size_t w = publish_width(style, text, len);
	size_t pad = width > w ? width - w : 0;

	if (align == REPORT_RIGHT)
		publish_repeat(b, " ", pad);
	buf_append(b, text, len);
	if (align == REPORT_LEFT && !last)
		publish_repeat(b, " ", pad);
}

/* Spaces at the end of a line say nothing and make mail programs guess. */
static void end_line(struct buf *b)
{
	while (b->len > 0 && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
	buf_putc(b, '\n');
}

/* Between these two a heading is better broken than elsewhere: 件/日・|IP, 国内発の|宛先, 宛先|ポート. */
static bool is_seam(uint32_t before, uint32_t after)
{
	bool hiragana = before >= 0x3041 && before <= 0x3096;
	bool katakana = before >= 0x30a1 && before <= 0x30fc;
	bool next_kanji = after >= 0x4e00 && after <= 0x9fff;
	bool next_katakana = after >= 0x30a1 && after <= 0x30fa;

	return before == 0x30fb || before == ' ' || after == '('
	    || (hiragana && (next_kanji || next_katakana || after < 0x80))
	    || (katakana && next_kanji) || (next_katakana && before >= 0x4e00 && before <= 0x9fff);
}

static size_t count_lines(const struct publish_style *style, const char *text, size_t width)
{
	struct buf wrapped = {0};
	size_t lines = 0;

	publish_wrap(&wrapped, style, text, width, "", "");
	for (const char *at = buf_text(&wrapped); *at; at++)
		lines += *at == '\n';
	buf_fini(&wrapped);
	return lines;
}

/* Where two lines part best, in bytes: at a seam, else most evenly; 0 where two do not suffice. */
static size_t part_in_two(const struct publish_style *style, const char *text, size_t width)
{
	size_t len = strlen(text);
	size_t best = 0;
	size_t best_cost = SIZE_MAX;
	uint32_t before = 0;

	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t used = utf8_decode(text + at, len - at, &cp);
		size_t first = publish_width(style, text, at);
		size_t second = publish_width(style, text + at, len - at);
		size_t longer = first > second ? first : second;
		size_t cost = longer + (is_seam(before, cp) ? 0 : width);

		if (before == ' ')
			first--;
		if (at > 0 && publish_break_allowed(style, before, cp) && first <= width
		    && second <= width && cost < best_cost) {
			best_cost = cost;
			best = at;
		}
		before = cp;
		at += used;
	}
	return best;
}

/* A heading over as many lines as it needs, evenly: no line is left with one character. */
static void wrap_heading(struct buf *b, const struct publish_style *style, const char *text,
    size_t width)
{
	size_t lines = count_lines(style, text, width);
	size_t word = widest_piece(style, text);
	size_t part = lines == 2 ? part_in_two(style, text, width) : 0;

	if (part > 0) {
		buf_append(b, text, text[part - 1] == ' ' ? part - 1 : part);
		buf_putc(b, '\n');
		buf_puts(b, text + part);
		buf_putc(b, '\n');
		return;
	}
	while (lines > 1 && width > word && width > COLUMN_WIDTH_MIN
	    && count_lines(style, text, width - 1) == lines)
		width--;
	publish_wrap(b, style, text, width, "", "");
}

static void append_row(struct buf *b, const struct publish_style *style,
    const struct publish_grid *grid, const struct layout *l, size_t row)
{
	struct buf wrapped[COLUMNS_MAX] = {0};
	const char *rest[COLUMNS_MAX];
	bool more = true;

	for (size_t c = 0; c < grid->columns; c++) {
		const char *text = cell_at(grid, row, c);

		if (row == 0)
			wrap_heading(&wrapped[c], style, text, l->width[c]);
		else
			publish_wrap(&wrapped[c], style, text, l->width[c], "", "");
		rest[c] = buf_text(&wrapped[c]);
	}
	while (more) {
		more = false;
		for (size_t c = 0; c < grid->columns; c++) {
			size_t len = strcspn(rest[c], "\n");

			publish_repeat(b, " ", l->gap[c]);
			append_padded(b, style, rest[c], len, l->width[c], grid->align[c],
			    c + 1 == grid->columns);
			rest[c] += len + (rest[c][len] == '\n');
			more |= *rest[c] != '\0';
		}
		end_line(b);
	}
	for (size_t c = 0; c < grid->columns; c++) {
		b->failed |= wrapped[c].failed;
		buf_fini(&wrapped[c]);
	}
}

void publish_text_grid(struct buf *b, const struct publish_style *style,
    const struct publish_grid *grid, size_t width)
{
	struct layout l;

	if (grid->columns == 0 || grid->columns > COLUMNS_MAX)
		return;
	lay_out(style, grid, width, &l);
	for (size_t r = 0; r < grid->rows; r++) {
		append_row(b, style, grid, &l, r);
		if (r == 0) {
			publish_repeat(b, "-", total_width(grid, &l));
			buf_putc(b, '\n');
		}
	}
}

void publish_text_notes(struct buf *b, const struct publish_style *style,
    const struct report_sentence *notes, size_t count)
{
	struct buf mark = {0};
	struct buf indent = {0};
	struct buf text = {0};

	publish_message(&mark, style, "layout.note");
	buf_putc(&mark, ' ');
	publish_repeat(&indent, " ", publish_width(style, buf_text(&mark), mark.len));
	for (size_t i = 0; i < count; i++) {
		buf_reset(&text);
		publish_sentence(&text, style, &notes[i]);
		publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, buf_text(&mark),
		    buf_text(&indent));
	}
	b->failed |= mark.failed || indent.failed || text.failed;
	buf_fini(&mark);
	buf_fini(&indent);
	buf_fini(&text);
}

/* An address that is broken over lines cannot be followed: each has its own line, as it is. */
static void append_links(struct buf *b, const struct publish_style *style,
    const struct report_table *table)
{
	for (size_t r = 0; r < table->row_count; r++) {
		const struct report_value *row = &table->cells[r * table->column_count];

		for (size_t c = 1; c < table->column_count; c++) {
			if (row[c].kind != REPORT_VALUE_LINK || table->columns[c].text_edition)
				continue;
			buf_puts(b, "  [");
			publish_value(b, style, &row[0]);
			buf_puts(b, "] ");
			publish_value(b, style, &row[c]);
			buf_putc(b, '\n');
		}
	}
}

/* False where a note is about a column that this edition has no room for. */
static bool is_explained_here(const struct report_table *table, const struct report_sentence *note)
{
	for (size_t c = 0; note->column && c < table->column_count; c++)
		if (strcmp(table->columns[c].csv, note->column) == 0)
			return table->columns[c].text_edition;
	return true;
}

void publish_text_table(struct buf *b, const struct publish_style *style,
    const struct report_table *table, struct publish_numbering *numbering)
{
	enum report_align align[COLUMNS_MAX];
	size_t shown[COLUMNS_MAX];
	struct publish_grid grid = {.rows = table->row_count + 1, .align = align};
	struct buf text = {0};

	for (size_t c = 0; c < table->column_count && grid.columns < COLUMNS_MAX; c++) {
		if (!table->columns[c].text_edition)
			continue;
		align[grid.columns] = table->columns[c].align;
		shown[grid.columns++] = c;
	}
	publish_caption(&text, style, "layout.table", ++numbering->table, &table->caption);
	publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "", "");
	buf_putc(b, '\n');
	grid.cells = calloc(grid.columns * grid.rows + 1, sizeof(*grid.cells));
	if (!grid.cells) {
		b->failed = true;
		goto out;
	}
	for (size_t r = 0; r < grid.rows; r++) {
		for (size_t c = 0; c < grid.columns; c++) {
			struct buf cell = {0};

			if (r == 0)
				publish_message(&cell, style, table->columns[shown[c]].message);
			else
				publish_value(&cell, style,
				    &table->cells[(r - 1) * table->column_count + shown[c]]);
			grid.cells[r * grid.columns + c] = buf_take(&cell);
		}
	}
	publish_text_grid(b, style, &grid, PUBLISH_TEXT_COLUMNS);
	append_links(b, style, table);
	for (size_t i = 0; i < table->note_count; i++)
		if (is_explained_here(table, &table->notes[i]))
			publish_text_notes(b, style, &table->notes[i], 1);
	for (size_t i = 0; i < grid.columns * grid.rows; i++)
		free(grid.cells[i]);
out:
	b->failed |= text.failed;
	free(grid.cells);
	buf_fini(&text);
}
