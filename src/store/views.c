/*
 * SQL that gives DuckDB the store's tables; the contract is in views.h.
 *
 * Files come from the catalogue, grouped by the schema version they were written under: a column
 * younger than a file is filled with its zero.  Rollups of clean dates are read; those of dirty
 * dates and of dates
 * that were compacted before there was the rollup are computed from flow by the same SQL that
 * compaction writes them with.
 */
#include "store/views.h"

#include "store/judge.h"
#include "store/judged.h"
#include "store/segment.h"
#include "store/tables.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char *type_name(const struct record_field *field)
{
	return record_type_sql(field->type, RECORD_DUCKDB);
}

static const char *zero_of(enum record_type type)
{
	switch (type) {
	case RECORD_U8:
	case RECORD_U16:
	case RECORD_U32:
	case RECORD_U64:
	case RECORD_I64:
		return "0";
	case RECORD_U64NULL:
		return "NULL";
	case RECORD_TIME:
	case RECORD_DATE:
		return "'1970-01-01'";
	case RECORD_CODE:
	case RECORD_TEXT:
	case RECORD_BLOB:
		break;
	}
	return "''";
}

void views_put_quoted(struct buf *b, const char *text, size_t len)
{
	buf_putc(b, '\'');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\'')
			buf_putc(b, '\'');
		buf_putc(b, text[i]);
	}
	buf_putc(b, '\'');
}

static bool has_date(const struct record_table *table)
{
	for (unsigned i = 0; i < table->field_count; i++)
		if (table->fields[i].type == RECORD_DATE)
			return true;
	return false;
}

/* Columns of a file written under `version`. */
static void put_columns(struct buf *sql, const struct record_table *table, unsigned version)
{
	for (unsigned i = 0; i < table->field_count; i++) {
		const struct record_field *field = &table->fields[i];

		if (i)
			buf_puts(sql, ", ");
		if (field->since <= version)
			buf_printf(sql, "\"%s\"", field->name);
		else
			buf_printf(sql, "CAST(%s AS %s) AS \"%s\"", zero_of(field->type),
			    type_name(field), field->name);
	}
	if (!has_date(table))
		buf_puts(sql, ", date");
}

static void put_empty(struct buf *sql, const struct record_table *table)
{
	buf_puts(sql, "SELECT ");
	for (unsigned i = 0; i < table->field_count; i++)
		buf_printf(sql, "%sCAST(NULL AS %s) AS \"%s\"", i ? ", " : "",
		    type_name(&table->fields[i]), table->fields[i].name);
	if (!has_date(table))
		buf_puts(sql, ", CAST(NULL AS DATE) AS date");
	buf_puts(sql, " WHERE false");
}

static void put_source_end(struct buf *sql, const struct record_table *table)
{
	if (has_date(table))
		buf_puts(sql, "], hive_partitioning=false)");
	else
		buf_puts(sql, "], hive_partitioning=true, hive_types={'date': DATE})");
}

/*
 * Appends SQL that holds for a row of `segment s` LEFT JOIN `date d` whose date was compacted before
 * there was this rollup.
 */
static void put_lacks(struct buf *sql, enum record_table_id rollup)
{
	buf_printf(sql, " OR (coalesce(d.flow_dropped, 0) = 0 AND NOT EXISTS (SELECT 1 FROM segment r "
	    "WHERE r.superseded = 0 AND r.tbl = '%s' AND r.day = s.day) AND NOT EXISTS (SELECT 1 "
	    "FROM segment q WHERE q.superseded = 0 AND q.tbl = 'port_quarter' AND q.day = s.day "
	    "AND q.ingest >= %u))", record_tables[rollup].name, table_info(rollup).rollup_since);
}

int views_append_files(struct store *store, enum record_table_id id, struct views_range range,
    struct buf *sql, struct err *err)
{
	const struct record_table *table = &record_tables[id];
	sqlite3_stmt *stmt = NULL;
	int64_t version = 0;
	bool open = false;
	/* The rollups of a date whose flow is gone stay valid when late rows make it dirty. */
	struct buf files = {0};
	int ret;

	buf_puts(&files, "SELECT s.name, s.day, s.schema FROM segment s LEFT JOIN date d "
	    "ON d.day = s.day WHERE s.superseded = 0 AND s.tbl = ?1 AND s.day >= ?2 AND s.day < ?3 "
	    "AND (?6 = 0 OR s.rows < ?6) AND (?4 < 0 OR ");
	if (table_info(id).origin == TABLE_JUDGED)
		buf_printf(&files, JUDGED_STORED, ROLE_DETECTOR);
	else
		buf_puts(&files, "coalesce(d.dirty, 1) = ?4");
	if (range.without)
		put_lacks(&files, range.without);
	buf_puts(&files, " OR (?5 AND coalesce(d.flow_dropped, 0))) ORDER BY s.schema, s.day, s.id");
	ret = files.failed ? err_set(err, -ENOMEM, "out of memory")
	    : catalogue_prepare(&store->cat, &stmt, err, buf_text(&files), "siiiii", table->name,
	          (int64_t)range.from, range.to == INT32_MAX ? INT64_MAX : (int64_t)range.to,
	          (int64_t)range.dirty, (int64_t)(table_info(id).origin == TABLE_ROLLUP),
	          range.below_rows);
	buf_fini(&files);

	while (!ret && (ret = catalogue_step(&store->cat, stmt, err)) == 1) {
		struct buf path = {0};

		ret = ST_OK;
		if (!open || sqlite3_column_int64(stmt, 2) != version) {
			if (open) {
				put_source_end(sql, table);
				buf_puts(sql, " UNION ALL ");
			}
			version = sqlite3_column_int64(stmt, 2);
			buf_puts(sql, "SELECT ");
			put_columns(sql, table, (unsigned)version);
			buf_puts(sql, " FROM read_parquet([");
			open = true;
		} else {
			buf_putc(sql, ',');
		}
		segment_path(&path, store->path, table->name, sqlite3_column_int(stmt, 1),
		    catalogue_text(stmt, 0));
		views_put_quoted(sql, buf_text(&path), path.len);
		buf_fini(&path);
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (open)
		put_source_end(sql, table);
	else
		put_empty(sql, table);
	return ret;
}

const char *views_rollup_sql(enum record_table_id id)
{
	const char *name = table_info(id).rollup;
	const struct embed_file *file = name ? embed_find(store_sql_files, name) : NULL;

	return file ? file->data : NULL;
}

void views_append_rollup(enum record_table_id id, const char *flow, bool with_date,
    struct buf *sql)
{
	const struct record_table *table = &record_tables[id];
	const char *text = views_rollup_sql(id);
	const char *hole;

	buf_puts(sql, "SELECT ");
	for (unsigned i = 0; i < table->field_count; i++)
		buf_printf(sql, "%sCAST(%s AS %s) AS %s", i ? ", " : "", table->fields[i].name,
		    type_name(&table->fields[i]), table->fields[i].name);
	if (with_date && !has_date(table))
		buf_puts(sql, ", date");
	buf_puts(sql, " FROM (");
	for (; (hole = strstr(text, "{flow}")); text = hole + strlen("{flow}")) {
		buf_append(sql, text, (size_t)(hole - text));
		buf_printf(sql, "(%s)", flow);
	}
	buf_puts(sql, text);
	buf_puts(sql, ") AS rollup");
}

/* Are there dates whose rollup must be computed? */
static int has_uncounted(struct store *store, struct views_range range, bool *ret_has,
    struct err *err)
{
	struct buf sql = {0};
	int64_t files = 0;
	int ret;

	buf_puts(&sql, "SELECT count(*) FROM segment s JOIN date d ON d.day = s.day "
	    "WHERE s.superseded = 0 AND s.tbl = 'flow' AND s.day >= ? AND s.day < ? AND (d.dirty");
	put_lacks(&sql, range.without);
	buf_putc(&sql, ')');
	ret = sql.failed ? err_set(err, -ENOMEM, "out of memory")
	    : catalogue_int(&store->cat, &files, err, buf_text(&sql), "ii", (int64_t)range.from,
	          range.to == INT32_MAX ? INT64_MAX : (int64_t)range.to);
	buf_fini(&sql);
	*ret_has = files > 0;
	return ret;
}

/* A rollup: what is written of clean dates, the rest computed. */
static int append_rollup_view(struct store *store, enum record_table_id id, int32_t from,
    int32_t to, struct buf *sql, struct err *err)
{
	struct views_range clean = {.from = from, .to = to};
	struct views_range rest = {.from = from, .to = to, .dirty = 1, .without = id};
	struct buf flow = {0};
	bool has_rest = false;
	int ret = has_uncounted(store, rest, &has_rest, err);

	if (!ret)
		ret = views_append_files(store, id, clean, sql, err);
	if (!ret && has_rest) {
		ret = views_append_files(store, RECORD_TABLE_flow, rest, &flow, err);
		buf_puts(sql, " UNION ALL ");
		views_append_rollup(id, buf_text(&flow), true, sql);
	}
	if (!ret && flow.failed)
		ret = err_set(err, -ENOMEM, "out of memory");
	buf_fini(&flow);
	return ret;
}

/* Judgements: what is stored, and what judged_settle has made of the other dates. */
static int append_judged_view(struct store *store, enum record_table_id id, int32_t from,
    int32_t to, struct buf *sql, struct err *err)
{
	struct views_range stored = {from, to, 0};
	int ret = views_append_files(store, id, stored, sql, err);

	if (ret)
		return ret;
	buf_printf(sql, " UNION ALL SELECT * FROM %s WHERE date IN (", judge_table(id));
	ret = judged_put_days(store, from, to, sql, err);
	buf_putc(sql, ')');
	return ret;
}

static int append_sensors(struct store *store, struct buf *sql, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int ret = catalogue_prepare(&store->cat, &stmt, err,
	    "SELECT id, name, country, kind, tags, addresses, valid_from, valid_to "
	    "FROM sensor",
	    "");

	buf_puts(sql, "CREATE TEMP TABLE sensor (");
	record_ddl_columns(&record_tables[RECORD_TABLE_sensor], RECORD_DUCKDB, sql);
	buf_puts(sql, ");\n");
	while (!ret && (ret = catalogue_step(&store->cat, stmt, err)) == 1) {
		ret = ST_OK;
		buf_printf(sql, "INSERT INTO sensor VALUES (%lld", sqlite3_column_int64(stmt, 0));
		for (int i = 1; i <= 4; i++) {
			const char *text = catalogue_text(stmt, i);

			buf_puts(sql, ", ");
			views_put_quoted(sql, text, strlen(text));
		}
		buf_printf(sql, ", %lld, make_timestamp(%lld), make_timestamp(%lld));\n",
		    sqlite3_column_int64(stmt, 5), sqlite3_column_int64(stmt, 6),
		    sqlite3_column_int64(stmt, 7));
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret;
}

static int append_signatures(struct store *store, struct buf *sql, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	const char *separator = "INSERT INTO signature VALUES ";
	int ret = catalogue_prepare(&store->cat, &stmt, err, "SELECT id, text FROM signature", "");

	buf_puts(sql, "CREATE TEMP TABLE signature (id UINTEGER, text VARCHAR);\n");
	while (!ret && (ret = catalogue_step(&store->cat, stmt, err)) == 1) {
		const char *text = catalogue_text(stmt, 1);

		ret = ST_OK;
		buf_printf(sql, "%s(%lld, ", separator, sqlite3_column_int64(stmt, 0));
		views_put_quoted(sql, text, strlen(text));
		buf_putc(sql, ')');
		separator = ",";
	}
	if (separator[0] == ',')
		buf_puts(sql, ";\n");
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Whether the word stands in the text on its own, in any case. */
static bool mentions(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strcasestr(p, word)); p++)
		if ((p == text || !is_word(p[-1])) && !is_word(p[len]))
			return true;
	return false;
}

/* Whether the word stands as the name of a table: behind FROM, JOIN or a comma. */
static bool names_table(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; (p = strcasestr(p, word)); p++) {
		const char *before = p;

		if ((p > text && is_word(p[-1])) || is_word(p[len]))
			continue;
		while (before > text && isspace((unsigned char)before[-1]))
			before--;
		if (before > text && before[-1] == ',')
			return true;
		if (before - text >= 4 && (strncasecmp(before - 4, "from", 4) == 0
		    || strncasecmp(before - 4, "join", 4) == 0))
			return true;
	}
	return false;
}

/* Judges the dates that the text needs and that are not stored. */
static int settle_judged(struct store *store, const char *text, int32_t day_from, int32_t day_to,
    struct err *err)
{
	bool needed = false;

	for (int i = 0; i < RECORD_TABLE_COUNT; i++)
		needed |= table_info((enum record_table_id)i).origin == TABLE_JUDGED
		    && mentions(text, record_tables[i].name);
	if (!needed)
		return ST_OK;
	return judged_settle(store, names_table(text, record_tables[RECORD_TABLE_role].name),
	    day_from, day_to, err);
}

int views_append(struct store *store, const char *text, int32_t day_from, int32_t day_to,
    struct buf *sql, struct err *err)
{
	int ret = settle_judged(store, text, day_from, day_to, err);

	if (!ret && mentions(text, "sensor"))
		ret = append_sensors(store, sql, err);
	if (!ret && mentions(text, "signature"))
		ret = append_signatures(store, sql, err);
	for (int i = 0; !ret && i < RECORD_TABLE_COUNT; i++) {
		enum record_table_id id = (enum record_table_id)i;
		struct views_range all = {day_from, day_to, -1};

		if (table_info(id).origin == TABLE_CATALOGUE
		    || !mentions(text, record_tables[i].name))
			continue;
		buf_printf(sql, "CREATE TEMP VIEW %s AS ", record_tables[i].name);
		ret = table_info(id).origin == TABLE_ROLLUP
		    ? append_rollup_view(store, id, day_from, day_to, sql, err)
		    : table_info(id).origin == TABLE_JUDGED
		    ? append_judged_view(store, id, day_from, day_to, sql, err)
		    : views_append_files(store, id, all, sql, err);
		buf_puts(sql, ";\n");
	}
	return ret;
}
