/*
 * Attackers' words in every place of a report.
 *
 * The input is cut at 0x00 into texts that become a title, paragraphs, a list, cells and labels.
 * Whatever they are: no text line is wider than 70 columns, no control character or raw < survives,
 * and all editions are composed.
 */
#include "base/utf8.h"
#include "publish/publish.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS 6
#define TEXT_MAX 2000
#define COLUMNS 70

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Markup of a text that was put into an HTML element would show as an element of this name. */
static int check_file(void *arg, const char *name, const char *data, size_t len, struct err *err)
{
	(void)arg;
	(void)err;
	require(strlen(data) == len);
	for (size_t i = 0; i < len; i++)
		require((unsigned char)data[i] >= 0x20 || data[i] == '\n' || data[i] == '\t'
		    || data[i] == '\r');
	if (strstr(name, ".html"))
		require(!strstr(data, "<script") && !strstr(data, "<img"));
	return ST_OK;
}

static void check_text(const struct publish_style *style, const struct report_document *document)
{
	struct buf b = {0};

	require(publish_text(&b, style, document, NULL) == ST_OK);
	for (const char *p = buf_text(&b); *p; p += strcspn(p, "\n"), p += *p == '\n')
		require(publish_width(style, p, strcspn(p, "\n")) <= COLUMNS);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char texts[TEXTS][TEXT_MAX + 1] = {{0}};
	struct report_value values[TEXTS];
	struct report_sentence sentences[TEXTS];
	static const double points[TEXTS] = {3, 2, 1, 5, 4, 0};
	struct report_series series = {.values = points};
	struct report_column columns[2] = {
		{"layout.item", "a", REPORT_LEFT, true}, {"layout.date", "b", REPORT_RIGHT, true}};
	struct report_table table = {.id = "t", .columns = columns, .column_count = 2,
	    .cells = values, .row_count = TEXTS / 2, .notes = sentences, .note_count = 1};
	struct report_figure figure = {.id = "f", .kind = REPORT_FIGURE_BARS, .labels = values,
	    .point_count = TEXTS, .series = &series, .series_count = 1};
	struct report_block blocks[5] = {
		{.kind = REPORT_BLOCK_HEADING, .level = 1, .anchor = "a", .sentences = sentences,
		 .sentence_count = 1, .next = &blocks[1]},
		{.kind = REPORT_BLOCK_PARAGRAPH, .sentences = sentences, .sentence_count = TEXTS,
		 .next = &blocks[2]},
		{.kind = REPORT_BLOCK_LIST, .sentences = sentences, .sentence_count = TEXTS,
		 .next = &blocks[3]},
		{.kind = REPORT_BLOCK_TABLE, .table = &table, .next = &blocks[4]},
		{.kind = REPORT_BLOCK_FIGURE, .figure = &figure},
	};
	struct publish_style styles[2] = {{.language = PUBLISH_JA}, {.language = PUBLISH_EN}};
	struct report_document document = {.schema = "teiten.report/1", .name = "fuzz",
	    .period = {REPORT_PERIOD_DAYS, 20000, 20007}, .timezone = "UTC", .blocks = blocks};
	size_t at = 0;

	for (size_t i = 0; i < TEXTS; i++) {
		size_t n = 0;

		while (at < len && data[at] != 0 && n < TEXT_MAX)
			texts[i][n++] = (char)data[at++];
		at += at < len && data[at] == 0;
		values[i] = (struct report_value){
		    .name = "text", .kind = REPORT_VALUE_TEXT, .text = texts[i]};
		sentences[i] = (struct report_sentence){"layout.verbatim", &values[i], 1};
	}
	series.label = values[0];
	document.title = table.caption = figure.caption = figure.alt = sentences[0];
	check_text(&styles[0], &document);
	check_text(&styles[1], &document);
	require(publish_all(&document, styles, 2, check_file, NULL, NULL) == ST_OK);
	return 0;
}
