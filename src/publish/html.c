/*
 * The HTML edition: one file, no script, nothing loaded from elsewhere.
 *
 * A content security policy inside the page forbids scripts and foreign files, so that even a
 * mistake in escaping would not run anything.  Headings are in order (h1 title, h2 sections, h3
 * subsections); the style sheet is data/style.css with data/figure.css.
 */
#include "publish/html.h"

#include "publish/date.h"
#include "publish/escape.h"
#include "publish/message.h"
#include "publish/names.h"

#include <string.h>

/* Appends text and empties it. */
static void append_escaped(struct buf *b, struct buf *text)
{
	publish_escape_html(b, buf_text(text));
	b->failed |= text->failed;
	buf_reset(text);
}

void publish_page_message(struct publish_page *page, const char *id)
{
	struct buf text = {0};

	publish_message(&text, page->style, id);
	append_escaped(page->b, &text);
	buf_fini(&text);
}

/* A script's address must not become a link, wherever the text came from. */
static bool is_page(const char *text)
{
	return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

void publish_page_value(struct publish_page *page, const struct report_value *value)
{
	struct buf text = {0};

	publish_value(&text, page->style, value);
	if (value->kind == REPORT_VALUE_LINK && is_page(buf_text(&text))) {
		buf_puts(page->b, "<a rel=\"nofollow\" href=\"");
		publish_escape_html(page->b, buf_text(&text));
		buf_puts(page->b, "\">");
		append_escaped(page->b, &text);
		buf_puts(page->b, "</a>");
	} else {
		append_escaped(page->b, &text);
	}
	buf_fini(&text);
}

void publish_page_sentences(struct publish_page *page, const struct report_sentence *sentences,
    size_t count)
{
	struct buf text = {0};

	publish_sentences(&text, page->style, sentences, count);
	append_escaped(page->b, &text);
	buf_fini(&text);
}

void publish_page_file_link(struct publish_page *page, const char *part, int language,
    const char *extension, const char *message)
{
	struct buf name = {0};

	publish_file_name(&name, page->document, part, language, extension);
	buf_puts(page->b, "<a href=\"");
	append_escaped(page->b, &name);
	buf_puts(page->b, "\">");
	publish_page_message(page, message);
	buf_puts(page->b, "</a>");
	buf_fini(&name);
}

static void append_css(struct buf *b)
{
	static const char *const names[] = {"style.css", "figure.css"};

	buf_puts(b, "<style>\n");
	for (size_t i = 0; i < 2; i++) {
		const struct embed_file *css = embed_find(publish_data, names[i]);

		if (css)
			buf_append(b, css->data, css->len);
	}
	buf_puts(b, "</style>\n");
}

static enum publish_language other_language(enum publish_language language)
{
	return language == PUBLISH_JA ? PUBLISH_EN : PUBLISH_JA;
}

static void append_head(struct publish_page *page, unsigned languages)
{
	enum publish_language other = other_language(page->style->language);
	struct buf *b = page->b;
	struct buf name = {0};

	buf_printf(b, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	    "style-src 'unsafe-inline'\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	    publish_language_code(page->style->language));
	publish_page_sentences(page, &page->document->title, 1);
	if (*publish_site_name(page->style, page->document)) {
		buf_puts(b, " - ");
		publish_escape_html(b, publish_site_name(page->style, page->document));
	}
	buf_puts(b, "</title>\n");
	if (page->style->canonical) {
		buf_puts(b, "<link rel=\"canonical\" href=\"");
		publish_escape_html(b, page->style->canonical);
		buf_puts(b, "\">\n");
	}
	if (languages & 1u << other) {
		publish_file_name(&name, page->document, NULL, (int)other, "html");
		buf_printf(b, "<link rel=\"alternate\" hreflang=\"%s\" href=\"",
		    publish_language_code(other));
		append_escaped(b, &name);
		buf_puts(b, "\">\n");
	}
	append_css(b);
	buf_puts(b, "</head>\n");
	buf_fini(&name);
}

/* A row of the list of facts about the report. */
static void append_about(struct publish_page *page, const char *message, struct buf *value)
{
	buf_puts(page->b, "<div><dt>");
	publish_page_message(page, message);
	buf_puts(page->b, "</dt><dd>");
	append_escaped(page->b, value);
	buf_puts(page->b, "</dd></div>\n");
}

static void append_language_link(struct publish_page *page, unsigned languages)
{
	enum publish_language other = other_language(page->style->language);
	struct publish_style named = *page->style;
	struct buf text = {0};

	if (!(languages & 1u << other))
		return;
	named.language = other;
	publish_file_name(&text, page->document, NULL, (int)other, "html");
	buf_printf(page->b, "<p class=\"language\"><a lang=\"%s\" hreflang=\"%s\" "
	    "rel=\"alternate\" href=\"", publish_language_code(other), publish_language_code(other));
	append_escaped(page->b, &text);
	buf_puts(page->b, "\">");
	publish_message(&text, &named, "layout.language-name");
	append_escaped(page->b, &text);
	buf_puts(page->b, "</a></p>\n");
	buf_fini(&text);
}

static void append_header(struct publish_page *page, unsigned languages)
{
	const struct report_document *d = page->document;
	struct buf *b = page->b;
	struct buf text = {0};

	buf_puts(b, "<body>\n<a class=\"skip\" href=\"#main\">");
	publish_page_message(page, "layout.skip");
	buf_puts(b, "</a>\n<header>\n<div class=\"masthead\">\n<p class=\"site\">");
	publish_escape_html(b, publish_site_name(page->style, d));
	buf_puts(b, "</p>\n");
	append_language_link(page, languages);
	buf_puts(b, "</div>\n<h1>");
	publish_page_sentences(page, &d->title, 1);
	buf_puts(b, "</h1>\n<dl class=\"about\">\n");
	publish_range(&text, page->style, d->period);
	if (d->timezone)
		buf_printf(&text, " (%s)", d->timezone);
	append_about(page, "layout.period", &text);
	if (d->previous.from < d->previous.to) {
		publish_range(&text, page->style, d->previous);
		append_about(page, "layout.previous", &text);
	}
	buf_puts(b, "</dl>\n</header>\n");
	buf_fini(&text);
}

static bool is_section(const struct report_block *block)
{
	return block->kind == REPORT_BLOCK_HEADING && block->level <= 1 && block->anchor;
}

static void append_contents(struct publish_page *page)
{
	struct buf *b = page->b;
	size_t sections = 0;

	for (const struct report_block *k = page->document->blocks; k; k = k->next)
		sections += is_section(k);
	if (sections < 2)
		return;
	buf_puts(b, "<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">");
	publish_page_message(page, "layout.contents");
	buf_puts(b, "</h2>\n<ol>\n");
	for (const struct report_block *k = page->document->blocks; k; k = k->next) {
		if (!is_section(k))
			continue;
		buf_puts(b, "<li><a href=\"#");
		publish_escape_html(b, k->anchor);
		buf_puts(b, "\">");
		publish_page_sentences(page, k->sentences, k->sentence_count);
		buf_puts(b, "</a></li>\n");
	}
	buf_puts(b, "</ol>\n</nav>\n");
}

static void append_footer(struct publish_page *page)
{
	const struct report_document *d = page->document;
	int language = (int)page->style->language;
	struct buf *b = page->b;
	struct buf text = {0};

	buf_puts(b, "<footer>\n<p>");
	publish_page_message(page, "layout.data-note");
	buf_puts(b, "</p>\n<p class=\"files\">");
	publish_page_message(page, "layout.other-editions");
	buf_puts(b, ": ");
	publish_page_file_link(page, NULL, language, "txt", "layout.text-edition");
	buf_puts(b, " / ");
	publish_page_file_link(page, NULL, language, "md", "layout.markdown-edition");
	buf_puts(b, " / ");
	publish_page_file_link(page, "facts", -1, "json", "layout.facts");
	buf_puts(b, "</p>\n<p>");
	publish_escape_html(b, publish_site_name(page->style, d));
	buf_puts(b, "<br>\n");
	publish_page_message(page, "layout.made");
	buf_puts(b, ": ");
	publish_moment(&text, page->style, d->made_us, d->timezone);
	append_escaped(b, &text);
	buf_puts(b, "</p>\n</footer>\n</body>\n</html>\n");
	buf_fini(&text);
}

int publish_html_linked(struct buf *b, const struct publish_style *style,
    const struct report_document *document, unsigned languages, struct err *err)
{
	struct publish_page page = {.b = b, .style = style, .document = document};

	append_head(&page, languages);
	append_header(&page, languages);
	append_contents(&page);
	buf_puts(b, "<main id=\"main\">\n");
	for (const struct report_block *block = document->blocks; block; block = block->next)
		publish_page_block(&page, block);
	if (page.in_section)
		buf_puts(b, "</section>\n");
	buf_puts(b, "</main>\n");
	append_footer(&page);
	return publish_done(b, err);
}

int publish_html(struct buf *b, const struct publish_style *style,
    const struct report_document *document, struct err *err)
{
	return publish_html_linked(b, style, document, PUBLISH_ALL_LANGUAGES, err);
}
