/*
 * A table as CSV (RFC 4180): data for programs and spreadsheets, the same in every language.
 *
 * Numbers are unrounded and without separators, days ISO 8601, ports "23/tcp", countries ISO codes,
 * messages their values or else the last word of their ids (from-outside, going-on, not-ip);
 * nothing observed is an empty field.  A change has two columns: NAME (the difference) and
 * NAME_percent; so has a part of a whole: NAME and NAME_of, because spreadsheets take 4/4 for the
 * fourth of April.  Periods are FROM/TO, half-open.
 *
 * A figure is a table as well: a line for each day (or bar), a column for each of its series.
 */
#include "publish/edition.h"

#include "base/civil.h"
#include "publish/escape.h"
#include "publish/message.h"
#include "publish/number.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define BOM "\xef\xbb\xbf"
#define LINE_END "\r\n"
/* Messages that are data themselves: n of m, a day with its time. */
#define PART_OF "cell.of"
#define DAY_AND_TIME "cell.time"

static void append_fact(struct buf *b, const struct report_fact *fact)
{
	if (fact && fact->known)
		publish_number_raw(b, fact->value);
}

static void append_port(struct buf *b, const struct report_value *value)
{
	size_t start = b->len;

	publish_port(b, value->proto, (uint16_t)value->integer);
	for (size_t i = start; !b->failed && i < b->len; i++)
		if (b->data[i] >= 'A' && b->data[i] <= 'Z')
			b->data[i] = (char)(b->data[i] - 'A' + 'a');
}

/* Control characters as visible escapes: people look at CSV in terminals, too. */
static void append_outside(struct buf *b, const char *text)
{
	struct buf visible = {0};

	publish_outside_text(&visible, text);
	publish_escape_csv(b, buf_text(&visible), true);
	b->failed |= visible.failed;
	buf_fini(&visible);
}

static void append_field(struct buf *b, const struct report_value *value);

/* Both languages: data has one edition. */
static void append_words(struct buf *b, const struct report_value *value)
{
	struct buf both = {0};

	buf_puts(&both, value->ja ? value->ja : "");
	if (value->en && (!value->ja || strcmp(value->ja, value->en) != 0))
		buf_printf(&both, "%s%s", both.len ? " / " : "", value->en);
	append_outside(b, buf_text(&both));
	b->failed |= both.failed;
	buf_fini(&both);
}

static bool is_message(const struct report_value *value, const char *id)
{
	return value->kind == REPORT_VALUE_MESSAGE && value->text && strcmp(value->text, id) == 0;
}

/*
 * "rank.from-outside" → "from-outside".  The shape of what was typed keeps its whole id: "mail" is a
 * password that somebody tries.
 */
static const char *last_word(const char *id)
{
	const char *dot = id && strncmp(id, "shape.", 6) != 0 ? strrchr(id, '.') : NULL;

	return dot ? dot + 1 : id ? id : "";
}

/*
 * What a message says in data: its values joined by slashes (CN/27.02), a day with its time by the
 * T of ISO 8601, else the last word of its id.
 */
static void append_message(struct buf *b, const struct report_value *message)
{
	char between = is_message(message, DAY_AND_TIME) ? 'T' : '/';
	struct buf joined = {0};
	size_t said = 0;

	for (size_t i = 0; i < message->value_count; i++) {
		const struct report_value *value = &message->values[i];

		/* One level: values of values are wording. */
		if (value->kind == REPORT_VALUE_MESSAGE || value->kind == REPORT_VALUE_CHANGE)
			continue;
		if (said++ > 0)
			buf_putc(&joined, between);
		append_field(&joined, value);
	}
	publish_escape_csv(b, said > 0 ? buf_text(&joined) : last_word(message->text), false);
	b->failed |= joined.failed;
	buf_fini(&joined);
}

static void append_field(struct buf *b, const struct report_value *value)
{
	char date[CIVIL_DATE_TEXT_MAX];

	switch (value->kind) {
	case REPORT_VALUE_NONE:
		break;
	case REPORT_VALUE_FACT:
	case REPORT_VALUE_ABS:
	case REPORT_VALUE_SIGNED:
		append_fact(b, value->fact);
		break;
	case REPORT_VALUE_INTEGER:
		buf_printf(b, "%" PRId64, value->integer);
		break;
	case REPORT_VALUE_PORT:
		append_port(b, value);
		break;
	case REPORT_VALUE_SERVICE:
		buf_puts(b, publish_service(value->proto, (uint16_t)value->integer));
		break;
	case REPORT_VALUE_DAY:
	case REPORT_VALUE_DAY_SHORT:
		buf_puts(b, civil_format_date((int32_t)value->integer, date));
		break;
	case REPORT_VALUE_PERIOD:
	case REPORT_VALUE_RANGE:
		buf_puts(b, civil_format_date(value->period.from, date));
		buf_putc(b, '/');
		buf_puts(b, civil_format_date(value->period.to, date));
		break;
	case REPORT_VALUE_COUNTRY:
	case REPORT_VALUE_SENSOR:
	case REPORT_VALUE_PROTOCOL:
	case REPORT_VALUE_EVENT:
	case REPORT_VALUE_CLASS:
	case REPORT_VALUE_TRIED:
	case REPORT_VALUE_TEXT:
	case REPORT_VALUE_LINK:
		append_outside(b, value->text ? value->text : "");
		break;
	case REPORT_VALUE_WORDS:
		append_words(b, value);
		break;
	case REPORT_VALUE_MESSAGE:
		append_message(b, value);
		break;
	case REPORT_VALUE_CHANGE:
		append_fact(b, value->fact2);
		buf_putc(b, ',');
		append_fact(b, value->fact);
		break;
	}
}

/* What a column needs beside its own field. */
enum pair {
	PAIR_NONE,
	PAIR_PERCENT, /* of a change */
	PAIR_OF,      /* the whole of a part */
};

static enum pair pair_of(const struct report_table *table, size_t column)
{
	for (size_t r = 0; r < table->row_count; r++) {
		const struct report_value *value = &table->cells[r * table->column_count + column];

		if (value->kind == REPORT_VALUE_CHANGE)
			return PAIR_PERCENT;
		if (is_message(value, PART_OF))
			return PAIR_OF;
	}
	return PAIR_NONE;
}

static void append_cell(struct buf *b, const struct report_value *value, enum pair pair)
{
	if (pair == PAIR_NONE) {
		append_field(b, value);
	} else if (pair == PAIR_PERCENT) {
		/* A word in place of a change (no sensor in both periods) is no number. */
		if (value->kind == REPORT_VALUE_CHANGE)
			append_field(b, value);
		else
			buf_putc(b, ',');
	} else {
		if (is_message(value, PART_OF) && value->value_count == 2) {
			append_field(b, &value->values[0]);
			buf_putc(b, ',');
			append_field(b, &value->values[1]);
		} else {
			buf_putc(b, ',');
		}
	}
}

int publish_table_csv(struct buf *b, const struct publish_style *style,
    const struct report_table *table, struct err *err)
{
	if (style->csv_bom)
		buf_puts(b, BOM);
	for (size_t c = 0; c < table->column_count; c++) {
		const char *name = table->columns[c].csv;
		enum pair pair = pair_of(table, c);

		buf_printf(b, "%s%s", c > 0 ? "," : "", name);
		if (pair != PAIR_NONE)
			buf_printf(b, ",%s%s", name, pair == PAIR_OF ? "_of" : "_percent");
	}
	buf_puts(b, LINE_END);
	for (size_t r = 0; r < table->row_count; r++) {
		for (size_t c = 0; c < table->column_count; c++) {
			if (c > 0)
				buf_putc(b, ',');
			append_cell(b, &table->cells[r * table->column_count + c],
			    pair_of(table, c));
		}
		buf_puts(b, LINE_END);
	}
	return publish_done(b, err);
}

/* now and before; or what the line is of: 23/tcp. */
static void append_series_name(struct buf *b, const struct report_series *series)
{
	if (series->muted)
		buf_puts(b, "before");
	else if (series->label.kind == REPORT_VALUE_PORT
	    || series->label.kind == REPORT_VALUE_COUNTRY
	    || series->label.kind == REPORT_VALUE_SENSOR)
		append_field(b, &series->label);
	else
		buf_puts(b, "now"); /* of words, which are of a language */
}

int publish_figure_csv(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, struct err *err)
{
	char date[CIVIL_DATE_TEXT_MAX];

	if (style->csv_bom)
		buf_puts(b, BOM);
	buf_puts(b, figure->kind == REPORT_FIGURE_LINES ? "date" : "item");
	for (size_t s = 0; s < figure->series_count; s++) {
		buf_putc(b, ',');
		append_series_name(b, &figure->series[s]);
	}
	buf_puts(b, LINE_END);
	for (size_t i = 0; i < figure->point_count; i++) {
		if (figure->kind == REPORT_FIGURE_LINES)
			buf_puts(b, civil_format_date(figure->day_from + (int32_t)i, date));
		else
			append_field(b, &figure->labels[i]);
		for (size_t s = 0; s < figure->series_count; s++) {
			buf_putc(b, ',');
			if (!isnan(figure->series[s].values[i]))
				publish_number_raw(b, figure->series[s].values[i]);
		}
		buf_puts(b, LINE_END);
	}
	return publish_done(b, err);
}
