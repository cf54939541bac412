/*
 * Parts of the HTML edition.
 */
#pragma once

#include "publish/edition.h"

struct publish_page {
	struct buf *b;
	const struct publish_style *style;
	const struct report_document *document;
	struct publish_numbering numbering;
	bool in_section;
};

/* Appends an escaped message, value or run of sentences. */
void publish_page_message(struct publish_page *page, const char *id);
void publish_page_value(struct publish_page *page, const struct report_value *value);
void publish_page_sentences(struct publish_page *page, const struct report_sentence *sentences,
    size_t count);

/* A link to another file of this report; text is a message id. */
void publish_page_file_link(struct publish_page *page, const char *part, int language,
    const char *extension, const char *message);

void publish_page_block(struct publish_page *page, const struct report_block *block);
