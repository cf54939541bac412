/*
 * The tables of fields.def as DuckDB sees them: which files, which columns, and how a rollup is
 * made where it has not been written yet.
 */
#pragma once

#include "base/buf.h"
#include "store/internal.h"

/*
 * Appends CREATE TEMP statements for the tables that the text mentions, over the dates
 * [day_from, day_to) of one state of the catalogue.
 */
ST_MUST_CHECK int views_append(struct store *store, const char *text, int32_t day_from,
    int32_t day_to, struct buf *sql, struct err *err);

/* The table of SELECT rollups: NULL when id is no rollup; else its SQL over {flow}. */
const char *views_rollup_sql(enum record_table_id id);

/* Appends the SQL of a rollup with {flow} replaced by `flow`, cast to the table's columns, with
 * `date` in front when the table has no such column and with_date is set. */
void views_append_rollup(enum record_table_id id, const char *flow, bool with_date,
    struct buf *sql);

/* Which segments of a table: those in use of days [from, to). */
struct views_range {
	int32_t from;
	int32_t to;
	int dirty; /* 1: only dirty dates, 0: only clean ones, -1: both */
	enum record_table_id without; /* of 1: also clean ones that lack this rollup, when it is one */
	int64_t below_rows; /* only segments of fewer rows; 0: all */
};

_Static_assert(RECORD_TABLE_sensor == 0, "what says nothing of a rollup names none");

/*
 * Appends a SELECT of all columns (and `date`) over the table's files of these dates; an empty
 * table of the right types when there are none.
 */
ST_MUST_CHECK int views_append_files(struct store *store, enum record_table_id id,
    struct views_range range, struct buf *sql, struct err *err);

void views_put_quoted(struct buf *b, const char *text, size_t len);
