/*
 * Rows for people and programs: one table, printed aligned, as JSON, as CSV or as TSV.
 *
 * People get columns aligned by display width, with headings in their language; programs get the
 * language-free names and unrounded values of the same cells.  Columns may be for one of the two
 * only.  Text is repaired to valid UTF-8 and control characters never reach a terminal.
 */
#pragma once

#include "cmd/command.h"

enum table_type {
	TABLE_TEXT,
	TABLE_INT,
	TABLE_REAL,
	TABLE_BOOL,
};

enum table_audience {
	TABLE_ALL,
	TABLE_PEOPLE,
	TABLE_PROGRAMS,
};

struct table_column {
	const char *name; /* JSON, CSV, TSV; NULL = the column is not there at all */
	const char *ja;   /* heading; NULL = name */
	const char *en;
	enum table_type type; /* numbers are aligned to the right */
	enum table_audience audience;
};

struct table;

/* The columns stay borrowed.  Aborts the program when there is no memory. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *table);

/* Begins the next row; its cells are null until set. */
void table_row(struct table *table);
size_t table_rows(const struct table *table);

/* Set a cell of the current row. */
void table_set_text(struct table *table, size_t column, const char *text);
void table_set_int(struct table *table, size_t column, int64_t value);
void table_set_uint(struct table *table, size_t column, uint64_t value);
/* A number of things, not a name: people see 12,468. */
void table_set_count(struct table *table, size_t column, uint64_t value);
void table_set_real(struct table *table, size_t column, double value); /* NAN = null */
void table_set_bool(struct table *table, size_t column, bool value);

/* Aligns this text column's cells to the right. */
void table_align_right(struct table *table, size_t column);

/* What people see instead of the value (already rounded, translated); also for null cells. */
void table_show(struct table *table, size_t column, const char *fmt, ...) ST_PRINTF(3, 4);

/* Appends the table in the format; people's style from the common options. */
void table_print(const struct table *table, const struct command_common *common, struct buf *b);

/* The same as one JSON object per row, without the brackets around: for documents. */
void table_json_rows(const struct table *table, const char *indent, struct buf *b);

/* Appends a JSON string or number (null for NAN). */
void table_json_string(struct buf *b, const char *text, size_t len);
void table_json_real(struct buf *b, double value);

/* Appends text that may go to a terminal: valid UTF-8, control characters as \xNN. */
void table_safe_text(struct buf *b, const char *text, size_t len);
