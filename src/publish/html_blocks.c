/*
 * The blocks of the HTML edition: headings, text, tables, figures with their numbers.
 */
#include "publish/html.h"

#include "publish/date.h"
#include "publish/escape.h"
#include "publish/figure.h"
#include "publish/message.h"
#include "publish/number.h"
#include "publish/wrap.h"

#include <math.h>
#include <string.h>

/* The table whose numbers are the headline of the report; shown larger. */
#define HEADLINE_TABLE "overview"
/* Cells wider than this (in narrow characters) may take several lines. */
#define CELL_LONG 24

static void append_heading(struct publish_page *page, const struct report_block *block)
{
	int level = block->level <= 1 ? 2 : 3;

	if (level == 2) {
		buf_puts(page->b, page->in_section ? "</section>\n<section>\n" : "<section>\n");
		page->in_section = true;
	}
	buf_printf(page->b, "<h%d", level);
	if (block->anchor) {
		buf_puts(page->b, " id=\"");
		publish_escape_html(page->b, block->anchor);
		buf_putc(page->b, '"');
	}
	buf_putc(page->b, '>');
	publish_page_sentences(page, block->sentences, block->sentence_count);
	buf_printf(page->b, "</h%d>\n", level);
}

static void append_list(struct publish_page *page, const struct report_block *block)
{
	buf_puts(page->b, "<ul>\n");
	for (size_t i = 0; i < block->sentence_count; i++) {
		buf_puts(page->b, "<li>");
		publish_page_sentences(page, &block->sentences[i], 1);
		buf_puts(page->b, "</li>\n");
	}
	buf_puts(page->b, "</ul>\n");
}

static void append_definitions(struct publish_page *page, const struct report_block *block)
{
	buf_puts(page->b, "<dl class=\"terms\">\n");
	for (size_t i = 0; i < block->sentence_count; i++) {
		buf_puts(page->b, i % 2 == 0 ? "<dt>" : "<dd>");
		publish_page_sentences(page, &block->sentences[i], 1);
		buf_puts(page->b, i % 2 == 0 ? "</dt>\n" : "</dd>\n");
	}
	buf_puts(page->b, "</dl>\n");
}

static void append_notes(struct publish_page *page, const struct report_sentence *notes,
    size_t count)
{
	if (count == 0)
		return;
	buf_puts(page->b, "<ul class=\"notes\">\n");
	for (size_t i = 0; i < count; i++) {
		buf_puts(page->b, "<li><span class=\"mark\">");
		publish_page_message(page, "layout.note");
		buf_puts(page->b, "</span> ");
		publish_page_sentences(page, &notes[i], 1);
		buf_puts(page->b, "</li>\n");
	}
	buf_puts(page->b, "</ul>\n");
}

static void append_caption(struct publish_page *page, const char *label, int64_t number,
    const struct report_sentence *caption)
{
	struct buf text = {0};

	publish_caption(&text, page->style, label, number, caption);
	publish_escape_html(page->b, buf_text(&text));
	page->b->failed |= text.failed;
	buf_fini(&text);
}

/* The column that names the row: the first that is not a number. */
static size_t row_header(const struct report_table *table)
{
	for (size_t c = 0; c < table->column_count; c++)
		if (table->columns[c].align == REPORT_LEFT)
			return c;
	return 0;
}

/* A cell; one of few characters is not broken over lines where the window is narrow. */
static void append_cell(struct publish_page *page, const struct report_value *value, bool names_row,
    bool is_number)
{
	struct buf text = {0};
	bool is_long;

	publish_value(&text, page->style, value);
	is_long = publish_width(page->style, buf_text(&text), text.len) > CELL_LONG;
	buf_puts(page->b, names_row ? "<th scope=\"row\"" : "<td");
	if (is_number || is_long)
		buf_printf(page->b, " class=\"%s%s%s\"", is_number ? "num" : "",
		    is_number && is_long ? " " : "", is_long ? "long" : "");
	buf_putc(page->b, '>');
	publish_page_value(page, value);
	buf_puts(page->b, names_row ? "</th>" : "</td>");
	page->b->failed |= text.failed;
	buf_fini(&text);
}

static void append_rows(struct publish_page *page, const struct report_table *table)
{
	size_t header = row_header(table);
	struct buf *b = page->b;

	buf_puts(b, "<thead><tr>");
	for (size_t c = 0; c < table->column_count; c++) {
		buf_puts(b, table->columns[c].align == REPORT_RIGHT
		    ? "<th scope=\"col\" class=\"num\">" : "<th scope=\"col\">");
		publish_page_message(page, table->columns[c].message);
		buf_puts(b, "</th>");
	}
	buf_puts(b, "</tr></thead>\n<tbody>\n");
	for (size_t r = 0; r < table->row_count; r++) {
		buf_puts(b, "<tr>");
		for (size_t c = 0; c < table->column_count; c++)
			append_cell(page, &table->cells[r * table->column_count + c], c == header,
			    table->columns[c].align == REPORT_RIGHT);
		buf_puts(b, "</tr>\n");
	}
	buf_puts(b, "</tbody>\n");
}

static void append_table(struct publish_page *page, const struct report_table *table)
{
	int64_t number = ++page->numbering.table;
	struct buf *b = page->b;
	bool headline = strcmp(table->id, HEADLINE_TABLE) == 0;

	buf_printf(b, "<div class=\"block\">\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
	    "aria-labelledby=\"table-%lld\">\n<table%s>\n<caption id=\"table-%lld\"><span>",
	    (long long)number, headline ? " class=\"headline\"" : "", (long long)number);
	append_caption(page, "layout.table", number, &table->caption);
	buf_puts(b, "</span></caption>\n");
	append_rows(page, table);
	buf_puts(b, "</table>\n</div>\n");
	append_notes(page, table->notes, table->note_count);
	buf_puts(b, "<p class=\"files\">");
	publish_page_file_link(page, table->id, -1, "csv", "layout.csv");
	buf_puts(b, "</p>\n</div>\n");
}

static void append_day(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, int32_t day)
{
	publish_day(b, style, day);
	publish_figure_marks_of(b, figure, day);
}

static void append_data_row(struct publish_page *page, const struct report_figure *figure, size_t i)
{
	struct buf text = {0};

	buf_puts(page->b, "<tr><th scope=\"row\">");
	if (figure->kind == REPORT_FIGURE_LINES)
		append_day(&text, page->style, figure, figure->day_from + (int32_t)i);
	else
		publish_value(&text, page->style, &figure->labels[i]);
	publish_escape_html(page->b, buf_text(&text));
	buf_puts(page->b, "</th>");
	for (size_t s = 0; s < figure->series_count; s++) {
		double value = figure->series[s].values[i];

		buf_reset(&text);
		if (isnan(value))
			publish_message(&text, page->style, "layout.not-observed");
		else
			publish_number(&text, value, figure->decimals);
		buf_puts(page->b, "<td class=\"num\">");
		publish_escape_html(page->b, buf_text(&text));
		buf_puts(page->b, "</td>");
	}
	buf_puts(page->b, "</tr>\n");
	page->b->failed |= text.failed;
	buf_fini(&text);
}

/* The numbers of a figure, for those who cannot see it or want to check it. */
static void append_data(struct publish_page *page, const struct report_figure *figure)
{
	struct buf *b = page->b;
	struct buf unit = {0};

	publish_unit(&unit, page->style, figure->unit);
	buf_puts(b, "<details><summary>");
	publish_page_message(page, "layout.data-table");
	buf_puts(b, "</summary>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
	    "aria-label=\"");
	publish_page_message(page, "layout.data-table");
	buf_puts(b, "\">\n<table>\n<thead><tr><th scope=\"col\">");
	publish_page_message(page, figure->kind == REPORT_FIGURE_LINES ? "layout.date"
	    : "layout.item");
	buf_puts(b, "</th>");
	for (size_t s = 0; s < figure->series_count; s++) {
		buf_puts(b, "<th scope=\"col\" class=\"num\">");
		if (figure->series[s].label.kind != REPORT_VALUE_NONE) {
			publish_page_value(page, &figure->series[s].label);
			buf_putc(b, ' ');
		}
		buf_puts(b, "<span class=\"basis\">");
		publish_escape_html(b, buf_text(&unit));
		buf_puts(b, "</span></th>");
	}
	buf_puts(b, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < figure->point_count; i++)
		append_data_row(page, figure, i);
	buf_puts(b, "</tbody>\n</table>\n</div>\n</details>\n");
	b->failed |= unit.failed;
	buf_fini(&unit);
}

static void append_figure(struct publish_page *page, const struct report_figure *figure)
{
	int64_t number = ++page->numbering.figure;
	struct buf *b = page->b;

	buf_printf(b, "<figure class=\"block\" aria-labelledby=\"figure-%lld\">\n<figcaption>"
	    "<p class=\"caption\" id=\"figure-%lld\">", (long long)number, (long long)number);
	append_caption(page, "layout.figure", number, &figure->caption);
	buf_puts(b, "</p>\n<p class=\"alt\">");
	publish_page_sentences(page, &figure->alt, 1);
	buf_puts(b, "</p></figcaption>\n<div class=\"plot\" tabindex=\"0\" role=\"region\" "
	    "aria-label=\"");
	publish_page_message(page, "layout.scrollable");
	buf_puts(b, "\">\n");
	publish_figure_draw(b, page->style, figure, true);
	buf_puts(b, "</div>\n");
	append_notes(page, figure->notes, figure->note_count);
	append_data(page, figure);
	buf_puts(b, "<p class=\"files\">");
	publish_page_file_link(page, figure->id, (int)page->style->language, "svg", "layout.svg");
	buf_putc(b, ' ');
	publish_page_file_link(page, figure->id, -1, "csv", "layout.csv");
	buf_puts(b, "</p>\n</figure>\n");
}

void publish_page_block(struct publish_page *page, const struct report_block *block)
{
	switch (block->kind) {
	case REPORT_BLOCK_HEADING:
		append_heading(page, block);
		break;
	case REPORT_BLOCK_PARAGRAPH:
		buf_puts(page->b, "<p>");
		publish_page_sentences(page, block->sentences, block->sentence_count);
		buf_puts(page->b, "</p>\n");
		break;
	case REPORT_BLOCK_LIST:
		append_list(page, block);
		break;
	case REPORT_BLOCK_DEFINITIONS:
		append_definitions(page, block);
		break;
	case REPORT_BLOCK_TABLE:
		append_table(page, block->table);
		break;
	case REPORT_BLOCK_FIGURE:
		append_figure(page, block->figure);
		break;
	}
}
