/*
 * Tables for the terminal and for programs; the contract is in table.h.
 *
 * Cells hold the value and, where it differs, what people see.  Nothing that came from a packet
 * reaches a terminal raw: an escape sequence in a captured name would command it.
 */
#include "cmd/table.h"

#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_GAP "  "

struct cell {
	enum { CELL_NULL, CELL_TEXT, CELL_INT, CELL_UINT, CELL_REAL, CELL_BOOL } kind;
	int64_t number;
	double real;
	char *text;
	char *shown;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	bool *right;
	struct cell *cells;
	size_t row_count;
	size_t row_cap;
};

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *t = command_need(calloc(1, sizeof(*t)));

	t->columns = columns;
	t->column_count = count;
	t->right = command_need(calloc(count ? count : 1, sizeof(*t->right)));
	for (size_t c = 0; c < count; c++)
		t->right[c] = columns[c].type == TABLE_INT || columns[c].type == TABLE_REAL;
	return t;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->row_count * table->column_count; i++) {
		free(table->cells[i].text);
		free(table->cells[i].shown);
	}
	free(table->cells);
	free(table->right);
	free(table);
}

void table_row(struct table *table)
{
	size_t columns = table->column_count;

	if (table->row_count == table->row_cap) {
		table->row_cap = table->row_cap ? table->row_cap * 2 : 32;
		table->cells = command_need(
		    realloc(table->cells, (table->row_cap * columns + 1) * sizeof(*table->cells)));
	}
	if (columns)
		memset(
		    &table->cells[table->row_count * columns], 0, columns * sizeof(*table->cells));
	table->row_count++;
}

size_t table_rows(const struct table *table)
{
	return table->row_count;
}

static struct cell *current(struct table *table, size_t column)
{
	return &table->cells[(table->row_count - 1) * table->column_count + column];
}

void table_set_text(struct table *table, size_t column, const char *text)
{
	struct cell *cell = current(table, column);

	free(cell->text);
	cell->kind = CELL_TEXT;
	cell->text = command_need(strdup(text));
}

void table_set_int(struct table *table, size_t column, int64_t value)
{
	*current(table, column) = (struct cell){.kind = CELL_INT, .number = value};
}

void table_set_uint(struct table *table, size_t column, uint64_t value)
{
	*current(table, column) = (struct cell){.kind = CELL_UINT, .number = (int64_t)value};
}

void table_set_count(struct table *table, size_t column, uint64_t value)
{
	struct buf b = {0};

	table_set_uint(table, column, value);
	publish_number(&b, (double)value, 0);
	table_show(table, column, "%s", buf_text(&b));
	buf_fini(&b);
}

void table_set_real(struct table *table, size_t column, double value)
{
	if (isfinite(value))
		*current(table, column) = (struct cell){.kind = CELL_REAL, .real = value};
}

void table_set_bool(struct table *table, size_t column, bool value)
{
	*current(table, column) = (struct cell){.kind = CELL_BOOL, .number = value};
}

void table_align_right(struct table *table, size_t column)
{
	table->right[column] = true;
}

void table_show(struct table *table, size_t column, const char *fmt, ...)
{
	struct cell *cell = current(table, column);
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	free(cell->shown);
	cell->shown = command_need(n < 0 ? NULL : text);
}

/* ---- text ----------------------------------------------------------------------------------- */

void table_safe_text(struct buf *b, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint32_t cp;
		size_t used = utf8_decode(text + at, len - at, &cp);

		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
			buf_printf(b, "\\x%02x", (unsigned)cp);
		else
			utf8_append_valid(b, text + at, used);
		at += used;
	}
}

void table_json_string(struct buf *b, const char *text, size_t len)
{
	struct buf valid = {0};

	utf8_append_valid(&valid, text, len);
	buf_putc(b, '"');
	for (size_t i = 0; i < valid.len; i++) {
		unsigned char c = (unsigned char)valid.data[i];

		if (c == '"' || c == '\\') {
			buf_putc(b, '\\');
			buf_putc(b, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(b, "\\u%04x", c);
		} else {
			buf_putc(b, (char)c);
		}
	}
	buf_putc(b, '"');
	buf_fini(&valid);
}

void table_json_real(struct buf *b, double value)
{
	char text[40];

	if (!isfinite(value)) {
		buf_puts(b, "null");
		return;
	}
	/* The shortest form that reads back as the same number. */
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buf_puts(b, text);
	if (!strpbrk(text, ".e"))
		buf_puts(b, ".0");
}

static void put_plain(struct buf *b, const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_NULL:
		return;
	case CELL_TEXT:
		buf_puts(b, cell->text);
		return;
	case CELL_INT:
		buf_printf(b, "%lld", (long long)cell->number);
		return;
	case CELL_UINT:
		buf_printf(b, "%llu", (unsigned long long)cell->number);
		return;
	case CELL_REAL:
		table_json_real(b, cell->real);
		return;
	case CELL_BOOL:
		buf_puts(b, cell->number ? "true" : "false");
		return;
	}
}

static const struct cell *cell_at(const struct table *table, size_t row, size_t column)
{
	return &table->cells[row * table->column_count + column];
}

static bool for_people(const struct table_column *column)
{
	return column->name && column->audience != TABLE_PROGRAMS;
}

static bool for_programs(const struct table_column *column)
{
	return column->name && column->audience != TABLE_PEOPLE;
}

/* ---- programs ------------------------------------------------------------------------------- */

void table_json_rows(const struct table *table, const char *indent, struct buf *b)
{
	for (size_t r = 0; r < table->row_count; r++) {
		bool first = true;

		buf_printf(b, "%s%s{", r ? ",\n" : "", indent);
		for (size_t c = 0; c < table->column_count; c++) {
			const struct cell *cell = cell_at(table, r, c);

			if (!for_programs(&table->columns[c]))
				continue;
			buf_puts(b, first ? "" : ", ");
			first = false;
			table_json_string(
			    b, table->columns[c].name, strlen(table->columns[c].name));
			buf_puts(b, ": ");
			if (cell->kind == CELL_NULL)
				buf_puts(b, "null");
			else if (cell->kind == CELL_TEXT)
				table_json_string(b, cell->text, strlen(cell->text));
			else
				put_plain(b, cell);
		}
		buf_putc(b, '}');
	}
}

/* RFC 4180 with LF. */
static void put_csv_field(struct buf *b, const char *text)
{
	if (!text[strcspn(text, ",\"\r\n")]) {
		buf_puts(b, text);
		return;
	}
	buf_putc(b, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '"')
			buf_putc(b, '"');
		buf_putc(b, *p);
	}
	buf_putc(b, '"');
}

static void put_tsv_field(struct buf *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\t' || *p == '\n' || *p == '\r' || *p == '\\')
			buf_printf(b, "\\%c",
			    *p == '\t'   ? 't'
			    : *p == '\n' ? 'n'
			    : *p == '\r' ? 'r'
			                 : '\\');
		else
			buf_putc(b, *p);
	}
}

static void print_separated(const struct table *table, bool tabs, struct buf *b)
{
	struct buf field = {0};

	for (size_t r = 0; r <= table->row_count; r++) {
		bool first = true;

		for (size_t c = 0; c < table->column_count; c++) {
			if (!for_programs(&table->columns[c]))
				continue;
			buf_reset(&field);
			if (r == 0)
				buf_puts(&field, table->columns[c].name);
			else
				put_plain(&field, cell_at(table, r - 1, c));
			if (!first)
				buf_putc(b, tabs ? '\t' : ',');
			first = false;
			if (tabs)
				put_tsv_field(b, buf_text(&field));
			else
				put_csv_field(b, buf_text(&field));
		}
		buf_putc(b, '\n');
	}
	buf_fini(&field);
}

/* ---- people --------------------------------------------------------------------------------- */

static void put_shown(struct buf *b, const struct table *table, size_t row, size_t column,
    const struct publish_style *style)
{
	const struct table_column *col = &table->columns[column];
	struct buf raw = {0};
	const char *text;

	if (row == 0) {
		text = style->language == PUBLISH_JA ? col->ja : col->en;
		buf_puts(&raw, text ? text : col->name);
	} else {
		const struct cell *cell = cell_at(table, row - 1, column);

		if (cell->shown)
			buf_puts(&raw, cell->shown);
		else if (cell->kind == CELL_NULL)
			buf_putc(&raw, '-');
		else
			put_plain(&raw, cell);
	}
	table_safe_text(b, buf_text(&raw), raw.len);
	buf_fini(&raw);
}

static void put_spaces(struct buf *b, size_t count)
{
	while (count--)
		buf_putc(b, ' ');
}

static void print_people(
    const struct table *table, const struct publish_style *style, bool color, struct buf *b)
{
	size_t *widths = command_need(calloc(table->column_count + 1, sizeof(*widths)));
	struct buf text = {0};
	size_t last = 0;

	for (size_t c = 0; c < table->column_count; c++) {
		if (!for_people(&table->columns[c]))
			continue;
		last = c;
		for (size_t r = 0; r <= table->row_count; r++) {
			size_t width;

			buf_reset(&text);
			put_shown(&text, table, r, c, style);
			width = publish_width(style, buf_text(&text), text.len);
			if (width > widths[c])
				widths[c] = width;
		}
	}
	for (size_t r = 0; r <= table->row_count; r++) {
		if (r == 0 && color)
			buf_puts(b, "\033[1m");
		for (size_t c = 0; c < table->column_count; c++) {
			size_t pad;

			if (!for_people(&table->columns[c]))
				continue;
			buf_reset(&text);
			put_shown(&text, table, r, c, style);
			pad = widths[c] - publish_width(style, buf_text(&text), text.len);
			if (table->right[c])
				put_spaces(b, pad);
			buf_puts(b, buf_text(&text));
			if (c == last)
				break;
			if (!table->right[c])
				put_spaces(b, pad);
			buf_puts(b, COLUMN_GAP);
		}
		if (r == 0 && color)
			buf_puts(b, "\033[0m");
		buf_putc(b, '\n');
	}
	if (table->row_count == 0)
		buf_puts(b, style->language == PUBLISH_JA ? "(該当なし)\n" : "(none)\n");
	buf_fini(&text);
	free(widths);
}

void table_print(const struct table *table, const struct command_common *common, struct buf *b)
{
	struct publish_style style;

	switch (common->format) {
	case COMMAND_HUMAN:
		style = command_style(common);
		print_people(table, &style, common->color, b);
		return;
	case COMMAND_JSON:
		if (table->row_count == 0) {
			buf_puts(b, "[]\n");
			return;
		}
		buf_puts(b, "[\n");
		table_json_rows(table, "  ", b);
		buf_puts(b, "\n]\n");
		return;
	case COMMAND_CSV:
	case COMMAND_TSV:
		print_separated(table, common->format == COMMAND_TSV, b);
		return;
	}
}
