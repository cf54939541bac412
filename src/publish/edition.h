/*
 * What all editions share: file names, sentences that run on, cells, numbering.
 */
#pragma once

#include "publish/publish.h"

/* Which editions exist, so that links lead somewhere: bit 1 << enum publish_language. */
#define PUBLISH_ALL_LANGUAGES ((1u << PUBLISH_LANGUAGE_COUNT) - 1)

/* Counts tables and figures while a document is printed. */
struct publish_numbering {
	int64_t table;
	int64_t figure;
};

/* weekly-2026-10-05 */
void publish_file_stem(struct buf *b, const struct report_document *document);

/* weekly-2026-10-05.ja.html; language-free files have language < 0; extension without dot. */
void publish_file_name(struct buf *b, const struct report_document *document, const char *part,
    int language, const char *extension);

const char *publish_site_name(const struct publish_style *style,
    const struct report_document *document);

/* Sentences of a paragraph one after the other: with a space between them in English. */
void publish_sentences(struct buf *b, const struct publish_style *style,
    const struct report_sentence *sentences, size_t count);

/* "表1 " and "Figure 2. ": the label in front of a caption. */
void publish_caption(struct buf *b, const struct publish_style *style, const char *label,
    int64_t number, const struct report_sentence *caption);

/* ST_OK, or -ENOMEM with its sentence when the buffer ran out of memory. */
ST_MUST_CHECK int publish_done(const struct buf *b, struct err *err);

/* The HTML edition with links to the languages in the set only. */
ST_MUST_CHECK int publish_html_linked(struct buf *b, const struct publish_style *style,
    const struct report_document *document, unsigned languages, struct err *err);
