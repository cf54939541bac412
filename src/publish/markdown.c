/*
 * The Markdown edition: for a blog engine (CommonMark with tables), with front matter.
 *
 * Figures refer to their SVG files; the sentence of a figure stands below it as text.
 */
#include "publish/edition.h"

#include "base/civil.h"
#include "publish/date.h"
#include "publish/escape.h"
#include "publish/message.h"

#include <string.h>

static void append_escaped(struct buf *b, struct buf *text)
{
	publish_escape_markdown(b, buf_text(text));
	b->failed |= text->failed;
	buf_reset(text);
}

static void append_sentences(struct buf *b, const struct publish_style *style,
    const struct report_sentence *sentences, size_t count)
{
	struct buf text = {0};

	publish_sentences(&text, style, sentences, count);
	append_escaped(b, &text);
	buf_fini(&text);
}

static void append_front_matter(struct buf *b, const struct publish_style *style,
    const struct report_document *document)
{
	char date[CIVIL_TIME_TEXT_MAX];
	struct buf text = {0};

	buf_puts(b, "---\ntitle: ");
	publish_sentence(&text, style, &document->title);
	publish_escape_json(b, buf_text(&text));
	buf_printf(b, "\ndate: %s\nlang: %s\n", civil_format_time(document->made_us, date),
	    publish_language_code(style->language));
	buf_puts(b, "site: ");
	publish_escape_json(b, publish_site_name(style, document));
	buf_puts(b, "\n");
	if (style->canonical) {
		buf_puts(b, "canonical: ");
		publish_escape_json(b, style->canonical);
		buf_putc(b, '\n');
	}
	buf_puts(b, "---\n\n");
	buf_reset(&text);
	publish_message(&text, style, "layout.period");
	buf_puts(&text, ": ");
	publish_range(&text, style, document->period);
	if (document->timezone)
		buf_printf(&text, " (%s)", document->timezone);
	append_escaped(b, &text);
	buf_puts(b, "\n");
	buf_fini(&text);
}

static void append_notes(struct buf *b, const struct publish_style *style,
    const struct report_sentence *notes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_puts(b, i == 0 ? "\n- " : "- ");
		publish_message(b, style, "layout.note");
		buf_putc(b, ' ');
		append_sentences(b, style, &notes[i], 1);
		buf_putc(b, '\n');
	}
}

static void append_cell(struct buf *b, const struct publish_style *style,
    const struct report_value *value)
{
	const char *text = value->text ? value->text : "";
	struct buf plain = {0};

	/* An autolink; what could end it early is not in an address that was checked. */
	if (value->kind == REPORT_VALUE_LINK && !strpbrk(text, "<>| ")) {
		buf_printf(b, "<%s>", text);
		return;
	}
	publish_value(&plain, style, value);
	append_escaped(b, &plain);
	buf_fini(&plain);
}

static void append_table(struct buf *b, const struct publish_style *style,
    const struct report_table *table, struct publish_numbering *numbering)
{
	struct buf text = {0};

	publish_caption(&text, style, "layout.table", ++numbering->table, &table->caption);
	buf_puts(b, "**");
	append_escaped(b, &text);
	buf_puts(b, "**\n\n|");
	for (size_t c = 0; c < table->column_count; c++) {
		publish_message(&text, style, table->columns[c].message);
		buf_putc(b, ' ');
		append_escaped(b, &text);
		buf_puts(b, " |");
	}
	buf_puts(b, "\n|");
	for (size_t c = 0; c < table->column_count; c++)
		buf_puts(b, table->columns[c].align == REPORT_RIGHT ? " ---: |" : " --- |");
	for (size_t r = 0; r < table->row_count; r++) {
		buf_puts(b, "\n|");
		for (size_t c = 0; c < table->column_count; c++) {
			buf_putc(b, ' ');
			append_cell(b, style, &table->cells[r * table->column_count + c]);
			buf_puts(b, " |");
		}
	}
	buf_putc(b, '\n');
	append_notes(b, style, table->notes, table->note_count);
	buf_fini(&text);
}

static void append_marks(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure)
{
	for (size_t i = 0; i < figure->mark_count; i++) {
		buf_printf(b, "%s- \\[%u\\] ", i == 0 ? "\n" : "", figure->marks[i].number);
		append_sentences(b, style, &figure->marks[i].text, 1);
		buf_putc(b, '\n');
	}
}

static void append_figure(struct buf *b, const struct publish_style *style,
    const struct report_document *document, const struct report_figure *figure,
    struct publish_numbering *numbering)
{
	struct buf text = {0};

	buf_puts(b, "![");
	publish_caption(&text, style, "layout.figure", ++numbering->figure, &figure->caption);
	append_escaped(b, &text);
	buf_puts(b, "](<");
	publish_file_name(b, document, figure->id, (int)style->language, "svg");
	buf_puts(b, ">)\n\n");
	publish_caption(&text, style, "layout.figure", numbering->figure, &figure->caption);
	buf_puts(b, "**");
	append_escaped(b, &text);
	buf_puts(b, "**\n\n");
	append_sentences(b, style, &figure->alt, 1);
	buf_putc(b, '\n');
	append_marks(b, style, figure);
	append_notes(b, style, figure->notes, figure->note_count);
	buf_fini(&text);
}

/* Terms in bold, their meaning on the next line. */
static void append_definitions(struct buf *b, const struct publish_style *style,
    const struct report_block *block)
{
	for (size_t i = 0; i < block->sentence_count; i++) {
		bool term = i % 2 == 0;

		buf_puts(b, term ? "- **" : "  ");
		append_sentences(b, style, &block->sentences[i], 1);
		buf_puts(b, term ? "**  \n" : "\n");
	}
}

static void append_block(struct buf *b, const struct publish_style *style,
    const struct report_document *document, const struct report_block *block,
    struct publish_numbering *numbering)
{
	switch (block->kind) {
	case REPORT_BLOCK_HEADING:
		buf_puts(b, block->level <= 1 ? "## " : "### ");
		append_sentences(b, style, block->sentences, block->sentence_count);
		buf_putc(b, '\n');
		break;
	case REPORT_BLOCK_PARAGRAPH:
		append_sentences(b, style, block->sentences, block->sentence_count);
		buf_putc(b, '\n');
		break;
	case REPORT_BLOCK_LIST:
		for (size_t i = 0; i < block->sentence_count; i++) {
			buf_puts(b, "- ");
			append_sentences(b, style, &block->sentences[i], 1);
			buf_putc(b, '\n');
		}
		break;
	case REPORT_BLOCK_DEFINITIONS:
		append_definitions(b, style, block);
		break;
	case REPORT_BLOCK_TABLE:
		append_table(b, style, block->table, numbering);
		break;
	case REPORT_BLOCK_FIGURE:
		append_figure(b, style, document, block->figure, numbering);
		break;
	}
}

int publish_markdown(struct buf *b, const struct publish_style *style,
    const struct report_document *document, struct err *err)
{
	struct publish_numbering numbering = {0};

	append_front_matter(b, style, document);
	for (const struct report_block *block = document->blocks; block; block = block->next) {
		buf_putc(b, '\n');
		append_block(b, style, document, block, &numbering);
	}
	return publish_done(b, err);
}
