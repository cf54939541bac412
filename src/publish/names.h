/*
 * Reading the embedded data files, and names that are not in the public contract.
 */
#pragma once

#include "base/embed.h"
#include "publish/publish.h"

/* data/messages, the tables and the style sheets; made by tools/embed.py. */
extern const struct embed_file publish_data[];

#define PUBLISH_TSV_COLUMNS_MAX 6

/* One line of a table of tab-separated columns; absent columns have length 0. */
struct publish_tsv {
	const char *next; /* set to the file's text to start */
	struct {
		const char *text;
		size_t len;
	} column[PUBLISH_TSV_COLUMNS_MAX];
};

/* Moves to the next line that is neither empty nor a # comment; false at the end. */
bool publish_tsv_next(struct publish_tsv *row);

/* "the Netherlands", but "Japan": true where a sentence needs the article; never in Japanese. */
bool publish_country_article(const struct publish_style *style, const char *code);

/* True if column i is exactly text. */
bool publish_tsv_is(const struct publish_tsv *row, size_t i, const char *text);
