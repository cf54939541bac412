/*
 * A table as CSV (RFC 4180): data for programs and spreadsheets, the same in every language.
 *
 * Numbers are unrounded and without separators, days ISO 8601, ports "23/tcp", countries ISO codes,
 * messages their values or else their ids; nothing observed is an empty field.  A change has two
 * columns: NAME (the difference) and NAME_percent.  Periods are FROM/TO, half-open.
 */
#include "publish/edition.h"

#include "base/civil.h"
#include "publish/escape.h"
#include "publish/message.h"
#include "publish/number.h"

#include <inttypes.h>
#include <string.h>

#define BOM "\xef\xbb\xbf"
#define LINE_END "\r\n"

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

/* What a message says in data: its values joined by slashes (4/4, CN/27.02), else its id. */
static void append_message(struct buf *b, const struct report_value *message)
{
	struct buf joined = {0};
	size_t said = 0;

	for (size_t i = 0; i < message->value_count; i++) {
		const struct report_value *value = &message->values[i];

		/* One level: values of values are wording. */
		if (value->kind == REPORT_VALUE_MESSAGE || value->kind == REPORT_VALUE_CHANGE)
			continue;
		if (said++ > 0)
			buf_putc(&joined, '/');
		append_field(&joined, value);
	}
	publish_escape_csv(b, said > 0 ? buf_text(&joined) : message->text ? message->text : "",
	    false);
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

static bool has_changes(const struct report_table *table, size_t column)
{
	for (size_t r = 0; r < table->row_count; r++)
		if (table->cells[r * table->column_count + column].kind == REPORT_VALUE_CHANGE)
			return true;
	return false;
}

int publish_table_csv(struct buf *b, const struct publish_style *style,
    const struct report_table *table, struct err *err)
{
	if (style->csv_bom)
		buf_puts(b, BOM);
	for (size_t c = 0; c < table->column_count; c++) {
		const char *name = table->columns[c].csv;

		buf_printf(b, "%s%s", c > 0 ? "," : "", name);
		if (has_changes(table, c))
			buf_printf(b, ",%s_percent", name);
	}
	buf_puts(b, LINE_END);
	for (size_t r = 0; r < table->row_count; r++) {
		for (size_t c = 0; c < table->column_count; c++) {
			const struct report_value *value =
			    &table->cells[r * table->column_count + c];

			if (c > 0)
				buf_putc(b, ',');
			append_field(b, value);
			if (value->kind != REPORT_VALUE_CHANGE && has_changes(table, c))
				buf_putc(b, ',');
		}
		buf_puts(b, LINE_END);
	}
	return publish_done(b, err);
}
