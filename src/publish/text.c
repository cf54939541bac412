/*
 * The text edition: a mail or a page of 70 columns, in the manner of Japanese security mail.
 *
 * Japanese: rules of 35 ━, sections opened by ■━ and named in 【】, subsections by ○, items by ・,
 * footnotes by ※, paragraphs indented by one full-width space.  English: rules of 70 = or -.
 * Nothing in it depends on a proportional font or on colour.
 */
#include "publish/text.h"

#include "publish/date.h"
#include "publish/message.h"

#include <string.h>

#define RULE_JA 35

static void append_rule(struct buf *b, const struct publish_style *style, bool strong)
{
	if (style->language == PUBLISH_JA)
		publish_repeat(b, "━", RULE_JA);
	else
		publish_repeat(b, strong ? "=" : "-", PUBLISH_TEXT_COLUMNS);
	buf_putc(b, '\n');
}

/* A line "NAME: VALUE", hanging. */
static void append_field(struct buf *b, const struct publish_style *style, const char *message,
    const char *value)
{
	struct buf text = {0};

	publish_message(&text, style, message);
	buf_puts(&text, ": ");
	buf_puts(&text, value);
	publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "", "  ");
	b->failed |= text.failed;
	buf_fini(&text);
}

static void append_period_field(struct buf *b, const struct publish_style *style,
    const char *message, struct report_period period, const char *timezone)
{
	struct buf text = {0};

	publish_range(&text, style, period);
	if (timezone)
		buf_printf(&text, " (%s)", timezone);
	append_field(b, style, message, buf_text(&text));
	b->failed |= text.failed;
	buf_fini(&text);
}

static void append_head(struct buf *b, const struct publish_style *style,
    const struct report_document *document)
{
	const char *site = publish_site_name(style, document);
	struct buf text = {0};

	append_rule(b, style, true);
	publish_sentence(&text, style, &document->title);
	publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "", "");
	buf_reset(&text);
	publish_outside_text(&text, site);
	publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "", "");
	if (style->canonical)
		buf_printf(b, "%s\n", style->canonical);
	append_rule(b, style, true);
	buf_putc(b, '\n');
	append_period_field(b, style, "layout.period", document->period, document->timezone);
	if (document->previous.from < document->previous.to)
		append_period_field(b, style, "layout.previous", document->previous, NULL);
	b->failed |= text.failed;
	buf_fini(&text);
}

static void append_heading(struct buf *b, const struct publish_style *style,
    const struct report_block *block)
{
	bool ja = style->language == PUBLISH_JA;
	struct buf text = {0};

	publish_sentences(&text, style, block->sentences, block->sentence_count);
	if (block->level <= 1) {
		if (ja) {
			buf_puts(b, "■");
			publish_repeat(b, "━", RULE_JA - 1);
			buf_puts(b, "\n");
			buf_puts(&text, "】");
			publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "【", "  ");
		} else {
			append_rule(b, style, false);
			publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "", "");
			append_rule(b, style, false);
		}
	} else if (ja) {
		publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "○ ", "   ");
	} else {
		size_t width = publish_width(style, buf_text(&text), text.len);

		publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "", "");
		publish_repeat(b, "-", width < PUBLISH_TEXT_COLUMNS ? width
		    : PUBLISH_TEXT_COLUMNS);
		buf_putc(b, '\n');
	}
	b->failed |= text.failed;
	buf_fini(&text);
}

static void append_paragraph(struct buf *b, const struct publish_style *style,
    const struct report_block *block)
{
	struct buf text = {0};

	publish_sentences(&text, style, block->sentences, block->sentence_count);
	publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS,
	    style->language == PUBLISH_JA ? "\xe3\x80\x80" : "", "");
	b->failed |= text.failed;
	buf_fini(&text);
}

static void append_list(struct buf *b, const struct publish_style *style,
    const struct report_block *block)
{
	struct buf text = {0};

	for (size_t i = 0; i < block->sentence_count; i++) {
		buf_reset(&text);
		publish_sentence(&text, style, &block->sentences[i]);
		publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS,
		    style->language == PUBLISH_JA ? "・" : "- ", "  ");
	}
	b->failed |= text.failed;
	buf_fini(&text);
}

static void append_definitions(struct buf *b, const struct publish_style *style,
    const struct report_block *block)
{
	struct buf text = {0};

	for (size_t i = 0; i < block->sentence_count; i++) {
		const char *indent = i % 2 == 0 ? "" : "    ";

		buf_reset(&text);
		publish_sentence(&text, style, &block->sentences[i]);
		publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, indent, indent);
	}
	b->failed |= text.failed;
	buf_fini(&text);
}

static void append_block(struct buf *b, const struct publish_style *style,
    const struct report_block *block, struct publish_numbering *numbering)
{
	switch (block->kind) {
	case REPORT_BLOCK_HEADING:
		append_heading(b, style, block);
		break;
	case REPORT_BLOCK_PARAGRAPH:
		append_paragraph(b, style, block);
		break;
	case REPORT_BLOCK_LIST:
		append_list(b, style, block);
		break;
	case REPORT_BLOCK_DEFINITIONS:
		append_definitions(b, style, block);
		break;
	case REPORT_BLOCK_TABLE:
		publish_text_table(b, style, block->table, numbering);
		break;
	case REPORT_BLOCK_FIGURE:
		publish_text_figure(b, style, block->figure, numbering);
		break;
	}
}

static void append_foot(struct buf *b, const struct publish_style *style,
    const struct report_document *document)
{
	struct buf text = {0};

	buf_putc(b, '\n');
	if (style->language == PUBLISH_JA) {
		buf_puts(b, "■");
		publish_repeat(b, "━", RULE_JA - 1);
		buf_putc(b, '\n');
	} else {
		append_rule(b, style, true);
	}
	publish_message(&text, style, "layout.data-note");
	publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "", "");
	buf_reset(&text);
	publish_moment(&text, style, document->made_us, document->timezone);
	append_field(b, style, "layout.made", buf_text(&text));
	b->failed |= text.failed;
	buf_fini(&text);
}

int publish_text(struct buf *b, const struct publish_style *style,
    const struct report_document *document, struct err *err)
{
	struct publish_numbering numbering = {0};
	bool below_heading = false;

	append_head(b, style, document);
	for (const struct report_block *block = document->blocks; block; block = block->next) {
		/* Text stands close to the name of its section. */
		if (!below_heading || block->kind == REPORT_BLOCK_HEADING)
			buf_putc(b, '\n');
		below_heading = block->kind == REPORT_BLOCK_HEADING;
		append_block(b, style, block, &numbering);
	}
	append_foot(b, style, document);
	return publish_done(b, err);
}
