/*
 * The report as a language-free document: facts, and blocks that refer to messages and values.
 *
 * report/ builds it, publish/ renders it; neither knows the other's business.  No text of a
 * natural language is in here: sentences are message ids (data/messages/LANG) with named values,
 * so Japanese and English are written from the same facts and never translated from each other.
 * Everything lives in the document's arena until report_document_free.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a value is printed; publish/ knows units, decimals and the wording for each language. */
enum report_unit {
	REPORT_UNIT_NONE,
	REPORT_UNIT_RATE,         /* 件/日・IPアドレス; packets per day per address */
	REPORT_UNIT_PER_DAY,      /* 件/日; packets per day */
	REPORT_UNIT_SENSOR_MEAN,  /* 件/日・センサー; packets per day per sensor */
	REPORT_UNIT_ADDRESSES_DAY, /* 個/日; addresses per day */
	REPORT_UNIT_PACKETS,      /* 件 */
	REPORT_UNIT_ADDRESSES,    /* 個 */
	REPORT_UNIT_PERCENT,      /* value 12.3 = 12.3 % */
	REPORT_UNIT_SENSORS,      /* 台 */
	REPORT_UNIT_DAYS,         /* 日 */
	REPORT_UNIT_WEEKS,        /* 週 */
	REPORT_UNIT_SECONDS,      /* 秒 */
	REPORT_UNIT_TIMES_RATE,   /* 件/日・IPアドレス of what is no packet; per day per address */
	REPORT_UNIT_TIMES_PER_DAY,
	REPORT_UNIT_TIMES_SENSOR_MEAN,
	REPORT_UNIT_TIMES,        /* 件 of what is no packet */
};

/*
 * One number that is published.  `value` is not rounded; rounding half away from zero happens in
 * publish/ at `decimals`.  `question` is the SQL question (file name of sql/) it was computed from
 * and `inputs` what went in (ids of other facts or parameters), for a reader who checks us.
 */
struct report_fact {
	const char *id; /* access.rate, access.rate.previous, port.23/tcp.rate … */
	double value;
	bool known; /* false: not observed, print the message "unknown" */
	enum report_unit unit;
	int decimals;
	const char *question;
	const char *inputs;
	struct report_fact *next;
};

enum report_value_kind {
	REPORT_VALUE_NONE,    /* an empty cell, printed as a dash */
	REPORT_VALUE_FACT,    /* `fact` printed plainly: 1,234.5 */
	REPORT_VALUE_ABS,     /* the same without sign */
	REPORT_VALUE_SIGNED,  /* the same with + or - also when positive */
	REPORT_VALUE_INTEGER, /* `integer` with thousands separators; counts, ranks */
	REPORT_VALUE_PORT,    /* `integer` = port, `proto` = IP protocol: 23/TCP, 8/ICMP */
	REPORT_VALUE_SERVICE, /* the same, as the IANA service name, "" when none */
	REPORT_VALUE_COUNTRY, /* `text` = ISO code, printed as a name */
	REPORT_VALUE_SENSOR,  /* `text` = pseudonym */
	REPORT_VALUE_PROTOCOL, /* `text` = a protocol's name in the records: telnet; "" = unknown */
	REPORT_VALUE_EVENT,   /* `text` = protocol.event: mqtt.connect.anonymous */
	REPORT_VALUE_CLASS,   /* `text` = id of an attack method, `ja` and `en` its names */
	REPORT_VALUE_TRIED,   /* `text` = a user name or password as tried; "" is printed as such */
	REPORT_VALUE_DAY,     /* `integer` = days since 1970: 2026年10月14日(水) */
	REPORT_VALUE_DAY_SHORT, /* 10/14 */
	REPORT_VALUE_PERIOD,  /* `period`: 令和8年10月期 / October 2026 */
	REPORT_VALUE_RANGE,   /* `period` as first–last day: 2026年10月1日~10月31日 */
	REPORT_VALUE_TEXT,    /* `text` as it is (site name, file name) */
	REPORT_VALUE_WORDS,   /* a person's words: `ja` and `en`; where one is NULL, the other */
	REPORT_VALUE_LINK,    /* `text` = an address of a page, http:// or https:// */
	REPORT_VALUE_MESSAGE, /* another message: id in `text`, with `values` */
	REPORT_VALUE_CHANGE,  /* table cell 前期比(増減): `fact` = percent, `fact2` = difference;
	                       * unknown percent: message id in `text` says why */
};

enum report_period_kind {
	REPORT_PERIOD_DAYS, /* any from–to */
	REPORT_PERIOD_DAY,
	REPORT_PERIOD_WEEK,
	REPORT_PERIOD_MONTH,
	REPORT_PERIOD_QUARTER,        /* calendar */
	REPORT_PERIOD_QUARTER_FISCAL, /* of the Japanese fiscal year, from April */
	REPORT_PERIOD_YEAR,
	REPORT_PERIOD_YEAR_FISCAL,
};

/* Half-open in site days: [from, to). */
struct report_period {
	enum report_period_kind kind;
	int32_t from;
	int32_t to;
};

struct report_value {
	const char *name; /* of the place in the message; NULL in table cells */
	enum report_value_kind kind;
	const struct report_fact *fact;
	const struct report_fact *fact2;
	int64_t integer;
	uint8_t proto;
	const char *text;
	const char *ja;
	const char *en;
	struct report_period period;
	const struct report_value *values; /* of a nested message */
	size_t value_count;
};

/* A message with its values: {name} in the template of that language. */
struct report_sentence {
	const char *message;
	const struct report_value *values;
	size_t value_count;
	const char *column; /* of a table's note: CSV name of the column it explains, or NULL; an
	                     * edition without that column leaves the note out */
};

enum report_align {
	REPORT_LEFT,
	REPORT_RIGHT,
};

struct report_column {
	const char *message; /* id of the heading */
	const char *csv;     /* column name in CSV and JSON, language-free */
	enum report_align align;
	bool text_edition; /* shown also in the 70-column edition */
};

struct report_table {
	const char *id; /* file name of its CSV: ports, countries … */
	struct report_sentence caption;
	const struct report_column *columns;
	size_t column_count;
	const struct report_value *cells; /* row-major, row_count × column_count */
	size_t row_count;
	const struct report_sentence *notes; /* footnotes below */
	size_t note_count;
};

struct report_series {
	struct report_value label;
	const double *values; /* point_count of the figure; NAN = not observed */
	bool muted;           /* previous period, reference */
};

enum report_figure_kind {
	REPORT_FIGURE_LINES, /* x = consecutive days from day_from */
	REPORT_FIGURE_BARS,  /* x = labels, horizontal bars, one series (or two: now, before) */
};

/* A dated note in a figure of days: a dashed line with its number, the text below. */
struct report_mark {
	int32_t day;
	unsigned number; /* of the document's notes, from 1; the same in every figure and table */
	struct report_sentence text;
};

struct report_figure {
	const char *id; /* file name of its SVG */
	enum report_figure_kind kind;
	struct report_sentence caption;
	struct report_sentence alt; /* what a reader should see in it, with its numbers */
	enum report_unit unit;      /* printed on the axis */
	int decimals;
	int32_t day_from;
	const struct report_value *labels; /* bars: point_count labels */
	size_t point_count;
	const struct report_series *series;
	size_t series_count;
	const struct report_sentence *notes;
	size_t note_count;
	const struct report_mark *marks; /* lines only; by day */
	size_t mark_count;
};

enum report_block_kind {
	REPORT_BLOCK_HEADING, /* level 1 = section, 2 = subsection */
	REPORT_BLOCK_PARAGRAPH, /* sentences run on */
	REPORT_BLOCK_LIST,      /* one sentence = one item */
	REPORT_BLOCK_DEFINITIONS, /* sentences in pairs: term, meaning */
	REPORT_BLOCK_TABLE,
	REPORT_BLOCK_FIGURE,
};

struct report_block {
	enum report_block_kind kind;
	int level;
	const char *anchor; /* HTML id of a heading */
	const struct report_sentence *sentences;
	size_t sentence_count;
	const struct report_table *table;
	const struct report_figure *figure;
	struct report_block *next;
};

struct report_document {
	const char *schema;   /* "teiten.report/1" */
	const char *name;     /* weekly, monthly, analysis: part of the file names */
	struct report_sentence title;
	struct report_period period;
	struct report_period previous; /* from == to: none */
	const char *site_ja;
	const char *site_en;
	const char *timezone;
	int64_t made_us;
	struct report_fact *facts; /* in the order made */
	struct report_fact **facts_tail;
	struct report_block *blocks;
	struct report_block **blocks_tail;
	struct report_arena *arena; /* private to document.c */
};

/* ---- building (report/) --------------------------------------------------------------------- */

ST_MUST_CHECK int report_document_new(struct report_document **ret_document);
void report_document_free(struct report_document *document);

/* Memory that lives as long as the document, zeroed; aborts the program when there is none. */
void *report_alloc(struct report_document *document, size_t size);
const char *report_printf(struct report_document *document, const char *fmt, ...) ST_PRINTF(2, 3);

/* Adds a fact (a copy of *fact) and returns it; ids are unique, a repeat returns the first. */
const struct report_fact *report_fact_add(struct report_document *document,
    const struct report_fact *fact);
const struct report_fact *report_fact_find(const struct report_document *document, const char *id);

/* Appends a block (a copy of *block) and returns it. */
struct report_block *report_block_add(struct report_document *document,
    const struct report_block *block);
