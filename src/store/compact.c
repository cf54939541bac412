/*
 * Compaction: many segments of a date become one sorted file per table, and the rollups and the
 * judgements are written from it.  Of a table whose rows are too large to be sorted only small
 * segments are put together.  Contract in store.h.
 *
 * Everything is written beside what is in use; one transaction per date then swaps old for new.
 * A date that got rows meanwhile stays dirty and its new segments stay beside the merged file.
 * Where retention has dropped a date's flow, its rollups are all there is: rows that came late
 * are added to them and dropped in turn.  Judgements of such a date stay as they are: half a day's
 * rows would be judged wrongly.
 */
#include "store/compact.h"

#include "store/judge.h"
#include "store/segment.h"
#include "store/tables.h"
#include "store/views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
	struct store *store;
	struct engine *engine;
	int32_t day;
	int64_t now_us;
	int64_t newest; /* id of the date's newest segment when the job began */
	bool flow_dropped;
	uint64_t flow_rows; /* that the date had */
	uint64_t rows;
	uint64_t bytes;
	int64_t below_rows[RECORD_TABLE_COUNT]; /* larger segments stay as they are; 0: none does */
	unsigned kept; /* of those */
	uint64_t kept_bytes;
	struct segment written[RECORD_TABLE_COUNT];
	unsigned written_count;
};

/*
 * A sort holds whole rows: of a table with blobs (4 KiB each) not more than so many.  Above that
 * its rows are only put together, and segments that are large already stay as they are.
 */
#define BLOB_SORT_ROWS 65536

/* Of the date's rows of a table: whether they can be sorted within DuckDB's memory, and else which
 * segments to put together. */
static int plan_table(struct job *job, enum record_table_id id, bool *ret_sort, struct err *err)
{
	struct catalogue *cat = &job->store->cat;
	int64_t rows = 0;
	int64_t large = 0;
	int64_t bytes = 0;
	int ret = ST_OK;

	*ret_sort = true;
	if (!table_has_blob(id))
		return ST_OK;
	ret = catalogue_int(cat, &rows, err,
	    "SELECT coalesce(sum(rows), 0) FROM segment WHERE superseded = 0 AND day = ? "
	    "AND tbl = ?",
	    "is", (int64_t)job->day, record_tables[id].name);
	if (ret || rows <= BLOB_SORT_ROWS)
		return ret;
	*ret_sort = false;
	job->below_rows[id] = BLOB_SORT_ROWS;
	ret = catalogue_int(cat, &large, err,
	    "SELECT count(*) FROM segment WHERE superseded = 0 AND day = ? AND tbl = ? "
	    "AND rows >= ?", "isi", (int64_t)job->day, record_tables[id].name,
	    job->below_rows[id]);
	if (!ret)
		ret = catalogue_int(cat, &bytes, err,
		    "SELECT coalesce(sum(bytes), 0) FROM segment WHERE superseded = 0 AND day = ? "
		    "AND tbl = ? AND rows >= ?", "isi", (int64_t)job->day,
		    record_tables[id].name, job->below_rows[id]);
	job->kept += (unsigned)large;
	job->kept_bytes += (uint64_t)bytes;
	return ret;
}

/* Columns of flow that are often the same in all rows of a date.  A sort that need not carry them is
 * a fifth faster and spills less. */
static bool may_be_alike(enum record_table_id id, const char *column)
{
	static const char *const columns[] = {"sensor", "src_hi", "dst_bits", "victim_hi"};

	for (size_t i = 0; id == RECORD_TABLE_flow && i < sizeof(columns) / sizeof(columns[0]); i++)
		if (strcmp(column, columns[i]) == 0)
			return true;
	return false;
}

/* The value that all rows have: >= 0, or one of these. */
#define ALIKE_NULL (-1)
#define ALIKE_NOT (-2)

static int find_alike(struct job *job, const char *column, const char *select, int64_t *ret_value,
    struct err *err)
{
	struct buf sql = {0};
	int ret;

	buf_printf(&sql, "SELECT CASE WHEN count(%s) = 0 THEN CAST(%d AS BIGINT) "
	    "WHEN count(%s) = count(*) AND min(%s) = max(%s) AND max(%s) < 4294967296 "
	    "THEN CAST(max(%s) AS BIGINT) ELSE %d END FROM (%s) AS merged", column, ALIKE_NULL, column,
	    column, column, column, column, ALIKE_NOT, select);
	ret = sql.failed ? err_set(err, -ENOMEM, "out of memory")
	                 : engine_run_int(job->engine, buf_text(&sql), ret_value, err);
	buf_fini(&sql);
	return ret;
}

/* Appends a SELECT of the rows in the table's order. */
static int put_sorted(struct job *job, enum record_table_id id, const char *select,
    struct buf *sql, struct err *err)
{
	const struct record_table *table = &record_tables[id];
	int ret = ST_OK;

	buf_puts(sql, "SELECT ");
	for (unsigned i = 0; !ret && i < table->field_count; i++) {
		const char *column = table->fields[i].name;
		const char *type = record_type_sql(table->fields[i].type, RECORD_DUCKDB);
		int64_t value = ALIKE_NOT;

		if (may_be_alike(id, column))
			ret = find_alike(job, column, select, &value, err);
		if (i)
			buf_puts(sql, ", ");
		if (value == ALIKE_NOT)
			buf_printf(sql, "\"%s\"", column);
		else if (value == ALIKE_NULL)
			buf_printf(sql, "CAST(NULL AS %s) AS \"%s\"", type, column);
		else
			buf_printf(sql, "CAST(%lld AS %s) AS \"%s\"", (long long)value, type, column);
	}
	buf_printf(sql, " FROM (SELECT * FROM (%s) AS merged ORDER BY %s) AS sorted", select,
	    table_info(id).order);
	return ret;
}

/* Writes one merged segment from a SELECT; a table without rows gets none. */
static int write_one(struct job *job, enum record_table_id id, const char *select, bool sort,
    struct err *err)
{
	struct segment *segment = &job->written[job->written_count];
	struct buf sql = {0};
	int ret = ST_OK;

	*segment = (struct segment){.table = &record_tables[id], .day = job->day};
	(void)store_unique_name(job->store, segment->name);
	if (sort)
		ret = put_sorted(job, id, select, &sql, err);
	else
		buf_puts(&sql, select);
	if (!ret && sql.failed)
		ret = err_set(err, -ENOMEM, "out of memory");
	if (!ret)
		ret = segment_write(job->engine, job->store->path, buf_text(&sql), segment,
		    err);
	buf_fini(&sql);
	if (ret)
		return ret;
	if (segment->rows == 0)
		segment_discard(job->store->path, segment);
	else
		job->written_count++;
	return ST_OK;
}

/* Appends "col", "col" of a table without the partition's date. */
static void put_columns(struct buf *b, enum record_table_id id)
{
	for (unsigned i = 0; i < record_tables[id].field_count; i++)
		buf_printf(b, "%s\"%s\"", i ? ", " : "", record_tables[id].fields[i].name);
}

static int merge_table(struct job *job, enum record_table_id id, struct err *err)
{
	struct views_range range = {.from = job->day, .to = job->day + 1, .dirty = -1};
	struct buf select = {0};
	bool sort;
	int ret = plan_table(job, id, &sort, err);

	range.below_rows = job->below_rows[id];
	buf_puts(&select, "SELECT ");
	put_columns(&select, id);
	buf_puts(&select, " FROM (");
	if (!ret)
		ret = views_append_files(job->store, id, range, &select, err);
	buf_puts(&select, ") AS files");
	if (!ret && select.failed)
		ret = err_set(err, -ENOMEM, "out of memory");
	if (!ret)
		ret = write_one(job, id, buf_text(&select), sort, err);
	buf_fini(&select);
	return ret;
}

/* counted: a table that has the rollup's rows already, or NULL. */
static int write_rollup(struct job *job, enum record_table_id id, const char *counted,
    const char *flow, struct err *err)
{
	struct views_range range = {job->day, job->day + 1, -1};
	struct buf select = {0};
	int ret = ST_OK;

	if (counted)
		buf_printf(&select, "SELECT * FROM %s", counted);
	else
		views_append_rollup(id, flow, false, &select);
	if (job->flow_dropped) {
		buf_puts(&select, " UNION ALL SELECT ");
		put_columns(&select, id);
		buf_puts(&select, " FROM (");
		ret = views_append_files(job->store, id, range, &select, err);
		buf_puts(&select, ") AS kept");
	}
	if (!ret && select.failed)
		ret = err_set(err, -ENOMEM, "out of memory");
	if (!ret)
		ret = write_one(job, id, buf_text(&select), true, err);
	buf_fini(&select);
	return ret;
}

/* Appends the date's flow as the rollups read it: the merged file where there is one. */
static int put_flow(struct job *job, struct buf *flow, struct err *err)
{
	struct views_range range = {job->day, job->day + 1, -1};
	const struct segment *merged = &job->written[0];
	struct buf path = {0};

	if (job->flow_dropped || job->written_count == 0
	    || merged->table != &record_tables[RECORD_TABLE_flow])
		return views_append_files(job->store, RECORD_TABLE_flow, range, flow, err);
	segment_path(&path, job->store->path, merged->table->name, merged->day, merged->name);
	buf_puts(flow, "SELECT * FROM read_parquet(");
	views_put_quoted(flow, buf_text(&path), path.len);
	buf_puts(flow, ", hive_partitioning=true, hive_types={'date': DATE})");
	buf_fini(&path);
	return ST_OK;
}

/* The date's rows of a table as a SELECT, and how many there are about. */
static int select_rows(struct job *job, enum record_table_id id, struct buf *select,
    struct err *err)
{
	struct views_range range = {job->day, job->day + 1, -1};

	return views_append_files(job->store, id, range, select, err);
}

static int judge_rows(struct job *job, const char *flow, struct judge **ret_judge,
    struct err *err)
{
	struct judge_date date = {.day = job->day, .flow = flow, .flow_rows = job->flow_rows,
		.count = true};
	struct buf session = {0};
	struct buf coverage = {0};
	struct judge *judge = NULL;
	int ret = select_rows(job, RECORD_TABLE_session, &session, err);

	if (!ret)
		ret = select_rows(job, RECORD_TABLE_coverage, &coverage, err);
	date.session = buf_text(&session);
	date.coverage = buf_text(&coverage);
	if (!ret)
		ret = judge_new(job->store, job->engine->db, job->engine, &judge, err);
	if (!ret)
		ret = judge_add(judge, &date, err);
	buf_fini(&session);
	buf_fini(&coverage);
	*ret_judge = judge;
	return ret;
}

/* Writes what the date was judged to be. */
static int write_judgements(struct job *job, struct err *err)
{
	int ret = ST_OK;

	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++) {
		struct buf select = {0};

		if (!judge_table((enum record_table_id)id))
			continue;
		buf_printf(&select, "SELECT * FROM %s", judge_table((enum record_table_id)id));
		ret = write_one(job, (enum record_table_id)id, buf_text(&select), true, err);
		buf_fini(&select);
	}
	return ret;
}

static int keep_judgements(struct job *job, struct err *err)
{
	int ret = ST_OK;

	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++)
		if (judge_table((enum record_table_id)id))
			ret = merge_table(job, (enum record_table_id)id, err);
	return ret;
}

/* Everything that follows from the date's flow. */
static int write_conclusions(struct job *job, const char *flow, struct err *err)
{
	struct judge *judge = NULL;
	int ret = job->flow_dropped ? keep_judgements(job, err)
	                            : judge_rows(job, flow, &judge, err);

	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++)
		if (views_rollup_sql((enum record_table_id)id))
			ret = write_rollup(job, (enum record_table_id)id,
			    judge ? judge_counted(judge, (enum record_table_id)id) : NULL, flow, err);
	if (!ret && judge)
		ret = write_judgements(job, err);
	judge_free(judge);
	if (judge_drop(job->engine, ret ? NULL : err) && !ret)
		ret = ST_ENGINE;
	return ret;
}

static int write_files(struct job *job, struct err *err)
{
	struct buf flow = {0};
	int ret = ST_OK;

	if (!job->flow_dropped)
		ret = merge_table(job, RECORD_TABLE_flow, err);
	if (!ret)
		ret = put_flow(job, &flow, err);
	if (!ret && flow.failed)
		ret = err_set(err, -ENOMEM, "out of memory");
	if (!ret)
		ret = write_conclusions(job, buf_text(&flow), err);
	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++)
		if (id != RECORD_TABLE_flow && table_is_ingested((enum record_table_id)id))
			ret = merge_table(job, (enum record_table_id)id, err);
	buf_fini(&flow);
	return ret;
}

static int64_t merged_below(const struct job *job, enum record_table_id id)
{
	return job->below_rows[id] ? job->below_rows[id] : INT64_MAX;
}

/* No row may be lost or doubled: what was merged must be what the catalogue had. */
static int check_rows(struct job *job, enum record_table_id id, struct err *err)
{
	uint64_t written = 0;
	int64_t listed = 0;
	int ret = catalogue_int(&job->store->cat, &listed, err,
	    "SELECT coalesce(sum(rows), 0) FROM segment WHERE superseded = 0 AND day = ? "
	    "AND tbl = ? AND id <= ? AND rows < ?",
	    "isii", (int64_t)job->day, record_tables[id].name, job->newest, merged_below(job, id));

	for (unsigned i = 0; i < job->written_count; i++)
		if (job->written[i].table == &record_tables[id])
			written = job->written[i].rows;
	if (!ret && written != (uint64_t)listed)
		ret = err_set(err, ST_ENGINE,
		    "merging %s gave %llu rows of %lld; the segments stay as they are",
		    record_tables[id].name, (unsigned long long)written, (long long)listed);
	return ret;
}

/*
 * A merged file has no ingest; one of judgements has the detector's version instead, port_quarter
 * the number of the set of rollups (views.c looks at both).  What was kept for want of flow is as
 * good as can be.
 */
static int64_t maker_of(const struct segment *segment)
{
	enum record_table_id id = (enum record_table_id)(segment->table - record_tables);

	if (id == RECORD_TABLE_port_quarter)
		return TABLE_ROLLUPS;
	return judge_table(id) ? ROLE_DETECTOR : 0;
}

/* Old for new, and the date is clean unless something came meanwhile. */
static int swap(struct job *job, struct err *err)
{
	struct catalogue *cat = &job->store->cat;
	int ret = catalogue_begin(cat, err);

	if (ret)
		return ret;
	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++)
		if (table_is_ingested((enum record_table_id)id)
		    && !(id == RECORD_TABLE_flow && job->flow_dropped))
			ret = check_rows(job, (enum record_table_id)id, err);
	if (!ret)
		ret = catalogue_run(cat, err,
		    "INSERT INTO date (day, dirty) SELECT ?1, EXISTS (SELECT 1 FROM segment "
		    "WHERE day = ?1 AND id > ?2 AND superseded = 0) WHERE true "
		    "ON CONFLICT (day) DO UPDATE SET dirty = excluded.dirty",
		    "ii", (int64_t)job->day, job->newest);
	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++)
		ret = catalogue_run(cat, err,
		    "UPDATE segment SET superseded = ? WHERE superseded = 0 AND day = ? "
		    "AND tbl = ? AND id <= ? AND rows < ?",
		    "iisii", job->now_us, (int64_t)job->day, record_tables[id].name, job->newest,
		    merged_below(job, (enum record_table_id)id));
	for (unsigned i = 0; !ret && i < job->written_count; i++)
		ret = segment_list(cat, &job->written[i], maker_of(&job->written[i]), err);
	return catalogue_end(cat, ret, err);
}

static int start_job(struct job *job, struct store_compact_stats *stats, struct err *err)
{
	struct catalogue *cat = &job->store->cat;
	int64_t flag = 0;
	int64_t files = 0;
	int64_t bytes = 0;
	int64_t rows = 0;
	int ret = catalogue_int(cat, &job->newest, err,
	    "SELECT coalesce(max(id), 0) FROM segment WHERE superseded = 0 AND day = ?", "i",
	    (int64_t)job->day);

	if (!ret)
		ret = catalogue_int(cat, &files, err,
		    "SELECT count(*) FROM segment WHERE superseded = 0 AND day = ?", "i",
		    (int64_t)job->day);
	if (!ret)
		ret = catalogue_int(cat, &bytes, err,
		    "SELECT coalesce(sum(bytes), 0) FROM segment WHERE superseded = 0 AND day = ?",
		    "i", (int64_t)job->day);
	if (!ret)
		ret = catalogue_int(cat, &rows, err,
		    "SELECT coalesce(sum(rows), 0) FROM segment WHERE superseded = 0 AND day = ? "
		    "AND tbl = 'flow'", "i", (int64_t)job->day);
	if (!ret)
		ret = catalogue_int(cat, &flag, err, "SELECT flow_dropped FROM date WHERE day = ?",
		    "i", (int64_t)job->day);
	if (ret == ST_NOT_FOUND)
		ret = ST_OK;
	if (!ret)
		ret = store_merger(job->store, &job->engine, err);
	job->flow_dropped = flag != 0;
	job->flow_rows = (uint64_t)rows;
	stats->files_before += (unsigned)files;
	stats->bytes_before += (uint64_t)bytes;
	return ret;
}

int compact_date(struct store *store, int32_t day, int64_t now_us,
    struct store_compact_stats *stats, struct err *err)
{
	struct job job = {.store = store, .day = day, .now_us = now_us > 0 ? now_us : 1};
	/* The list of files is read several times; another thread's commits must not show. */
	int ret = catalogue_begin_read(&store->cat, err);

	if (ret)
		return ret;
	ret = start_job(&job, stats, err);
	if (!ret)
		ret = write_files(&job, err);
	ret = catalogue_end(&store->cat, ret, err);
	if (!ret)
		ret = swap(&job, err);
	if (ret) {
		for (unsigned i = 0; i < job.written_count; i++)
			segment_discard(store->path, &job.written[i]);
		return ret;
	}
	for (unsigned i = 0; i < job.written_count; i++) {
		stats->bytes_after += job.written[i].bytes;
		if (job.written[i].table == &record_tables[RECORD_TABLE_flow])
			stats->rows += job.written[i].rows;
	}
	stats->files_after += job.written_count + job.kept;
	stats->bytes_after += job.kept_bytes;
	stats->dates++;
	return ST_OK;
}

int compact_remove_superseded(struct store *store, int64_t before_us, unsigned *ret_count,
    struct err *err)
{
	struct catalogue *cat = &store->cat;
	sqlite3_stmt *stmt = NULL;
	struct buf paths = {0}; /* each ends with NUL */
	unsigned count = 0;
	int ret = catalogue_begin(cat, err);

	if (ret)
		return ret;
	ret = catalogue_prepare(cat, &stmt, err,
	    "SELECT tbl, day, name FROM segment WHERE superseded > 0 AND superseded <= ?", "i",
	    before_us);
	while (!ret && (ret = catalogue_step(cat, stmt, err)) == 1) {
		ret = ST_OK;
		segment_path(&paths, store->path, catalogue_text(stmt, 0),
		    sqlite3_column_int(stmt, 1), catalogue_text(stmt, 2));
		buf_putc(&paths, '\0');
		count++;
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (!ret && paths.failed)
		ret = err_set(err, -ENOMEM, "out of memory");
	if (!ret)
		ret = catalogue_run(cat, err,
		    "DELETE FROM segment WHERE superseded > 0 AND superseded <= ?", "i", before_us);
	ret = catalogue_end(cat, ret, err);
	if (!ret) {
		const char *path = paths.data;

		for (unsigned i = 0; i < count; i++, path += strlen(path) + 1)
			(void)unlink(path); /* else swept at the next opening */
		*ret_count = count;
	}
	buf_fini(&paths);
	return ret;
}

/* The dates to compact, ascending; the caller frees. */
static int list_dates(struct store *store, const struct store_compact_options *options,
    int32_t **ret_days, size_t *ret_count, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int32_t *days = NULL;
	size_t count = 0;
	size_t cap = 0;
	int ret = catalogue_prepare(&store->cat, &stmt, err,
	    "SELECT DISTINCT s.day FROM segment s LEFT JOIN date d ON d.day = s.day "
	    "WHERE s.superseded = 0 AND s.day < ? AND (coalesce(d.dirty, 1) OR ? = 0) ORDER BY 1",
	    "ii", options->before_day == INT32_MAX ? INT64_MAX : (int64_t)options->before_day,
	    (int64_t)options->dirty_only);

	while (!ret && (ret = catalogue_step(&store->cat, stmt, err)) == 1) {
		ret = ST_OK;
		if (count == cap) {
			int32_t *grown = realloc(days, (cap ? 2 * cap : 64) * sizeof(*days));

			if (!grown) {
				ret = err_set(err, -ENOMEM, "out of memory");
				break;
			}
			days = grown;
			cap = cap ? 2 * cap : 64;
		}
		days[count++] = (int32_t)sqlite3_column_int(stmt, 0);
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (ret) {
		free(days);
		return ret;
	}
	*ret_days = days;
	*ret_count = count;
	return ST_OK;
}

int store_compact(struct store *store, const struct store_compact_options *options,
    struct store_compact_stats *ret_stats, struct err *err)
{
	struct store_compact_stats stats = {0};
	int32_t *days = NULL;
	size_t count = 0;
	int ret;

	if (store->mode != STORE_WRITE)
		return err_set(err, ST_USAGE, "the store %s is open for reading", store->path);
	ret = list_dates(store, options, &days, &count, err);
	for (size_t i = 0; !ret && i < count; i++)
		ret = compact_date(store, days[i], options->now_us, &stats, err);
	free(days);
	if (!ret)
		ret = compact_remove_superseded(store, options->now_us - options->grace_us,
		    &stats.files_deleted, err);
	if (!ret)
		*ret_stats = stats;
	return ret;
}
