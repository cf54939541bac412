/*
 * Editions: one language-free document as HTML, text, Markdown, CSV, JSON and SVG, in each
 * language.
 *
 * Pure: documents in, bytes out; the caller writes files.  Text of natural language comes from
 * data/messages/ (ja and en) only.  The text edition is 70 columns wide (East Asian width,
 * ambiguous = 2, kinsoku), HTML needs no script and no other file.
 */
#pragma once

#include "base/buf.h"
#include "base/status.h"
#include "report/document.h"

enum publish_language {
	PUBLISH_JA,
	PUBLISH_EN,
};
#define PUBLISH_LANGUAGE_COUNT 2

/* How this site prints (configuration `report` and `site`). */
struct publish_style {
	enum publish_language language;
	enum publish_era {
		PUBLISH_ERA_BOTH,      /* 2026年(令和8年)10月14日 */
		PUBLISH_ERA_GREGORIAN, /* 2026年10月14日 */
		PUBLISH_ERA_JAPANESE,  /* 令和8年10月14日 */
	} era;
	bool source_hasshin;   /* 発信元 instead of 送信元 */
	bool countries_cldr;   /* CLDR country names instead of the NPA's short forms */
	const char *canonical; /* URL of the report, or NULL */
	bool csv_bom;          /* CSV begins with a byte order mark, for Excel */
};

/* "ja" → PUBLISH_JA …; ST_NOT_FOUND. */
ST_MUST_CHECK int publish_language_find(const char *text, enum publish_language *ret_language);
const char *publish_language_code(enum publish_language language);

/* Appends a value, or a message with its values, as plain text of the style's language. */
void publish_value(struct buf *b, const struct publish_style *style,
    const struct report_value *value);
void publish_sentence(struct buf *b, const struct publish_style *style,
    const struct report_sentence *sentence);

/* Appends number with thousands separators, rounded half away from zero at decimals. */
void publish_number(struct buf *b, double value, int decimals);

/* The IANA service name of a port, "" when there is none.  Static storage. */
const char *publish_service(uint8_t proto, uint16_t port);

/* "23/TCP" in ja, "23/TCP" in en, as designed: protocol upper case in prose. */
void publish_port(struct buf *b, uint8_t proto, uint16_t port);

/* Country name in the style's language and vocabulary. */
void publish_country(struct buf *b, const struct publish_style *style, const char code[2]);

/* What people call a protocol module and one of its events; unknown ones as they are. */
void publish_protocol(struct buf *b, const struct publish_style *style, const char *name);
void publish_event(struct buf *b, const struct publish_style *style, const char *protocol,
    const char *event);

/*
 * A captured password as people may see it: its first character (of five or more) and the class
 * of its length, or that there was none.  secret: login.secret (none, password, hash, key).
 */
void publish_password(struct buf *b, const struct publish_style *style, const char *text,
    const char *secret);

/* Display columns of UTF-8 text (East Asian width, ambiguous = 2 in ja and 1 in en). */
size_t publish_width(const struct publish_style *style, const char *text, size_t len);

/* Whole editions. */
ST_MUST_CHECK int publish_html(struct buf *b, const struct publish_style *style,
    const struct report_document *document, struct err *err);
ST_MUST_CHECK int publish_text(struct buf *b, const struct publish_style *style,
    const struct report_document *document, struct err *err);
ST_MUST_CHECK int publish_markdown(struct buf *b, const struct publish_style *style,
    const struct report_document *document, struct err *err);
ST_MUST_CHECK int publish_facts_json(struct buf *b, const struct report_document *document,
    struct err *err);
ST_MUST_CHECK int publish_table_csv(struct buf *b, const struct publish_style *style,
    const struct report_table *table, struct err *err);
ST_MUST_CHECK int publish_figure_csv(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, struct err *err);
ST_MUST_CHECK int publish_figure_svg(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, struct err *err);

/*
 * Every file of a report: calls `file` with its name (weekly-2026-10-05.ja.html, ports.csv …) and
 * bytes.  Stops at the first non-zero return and gives it back.
 */
ST_MUST_CHECK int publish_all(const struct report_document *document,
    const struct publish_style *styles, size_t style_count,
    int (*file)(void *arg, const char *name, const char *data, size_t len, struct err *err),
    void *arg, struct err *err);
