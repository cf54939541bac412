/*
 * Verification: every catalogued file against the catalogue, rollups and judgements against flow,
 * and files that nobody lists.  It only reads.  Contract in store.h.
 */
#include "store/verify.h"

#include "store/judge.h"
#include "store/judged.h"
#include "store/payload.h"
#include "store/segment.h"
#include "store/sweep.h"
#include "store/views.h"

#include "base/civil.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

struct verify {
	struct store *store;
	void (*say)(void *arg, const char *line);
	void *arg;
	struct err *err;
	int findings;
};

static void find(struct verify *verify, const char *fmt, ...) ST_PRINTF(2, 3);

static void find(struct verify *verify, const char *fmt, ...)
{
	char line[ERR_TEXT_MAX + 512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	verify->findings++;
	verify->say(verify->arg, line);
}

static bool footer_rows(struct verify *verify, const char *path, int64_t *ret_rows,
    struct err *problem)
{
	struct engine *engine = NULL;
	struct buf sql = {0};
	int ret = store_merger(verify->store, &engine, problem);

	buf_puts(&sql, "SELECT num_rows FROM parquet_file_metadata(");
	views_put_quoted(&sql, path, strlen(path));
	buf_puts(&sql, ")");
	if (!ret)
		ret = engine_run_int(engine, buf_text(&sql), ret_rows, problem);
	buf_fini(&sql);
	return ret == ST_OK;
}

static void check_file(struct verify *verify, const char *path, uint64_t rows, uint64_t bytes,
    uint32_t crc)
{
	struct err problem = {0};
	uint64_t real_bytes = 0;
	int64_t real_rows = 0;
	uint32_t real_crc = 0;

	if (segment_checksum(path, &real_bytes, &real_crc, &problem))
		find(verify, "%s: missing or unreadable: %s", path, problem.text);
	else if (real_bytes != bytes)
		find(verify, "%s: has %llu bytes, the catalogue says %llu", path,
		    (unsigned long long)real_bytes, (unsigned long long)bytes);
	else if (real_crc != crc)
		find(verify, "%s: damaged, its checksum is %08x instead of %08x", path, real_crc,
		    crc);
	else if (!footer_rows(verify, path, &real_rows, &problem))
		find(verify, "%s: not a Parquet file: %s", path, problem.text);
	else if ((uint64_t)real_rows != rows)
		find(verify, "%s: has %lld rows, the catalogue says %llu", path,
		    (long long)real_rows, (unsigned long long)rows);
}

static int check_files(struct verify *verify)
{
	sqlite3_stmt *stmt = NULL;
	int ret = catalogue_prepare(&verify->store->cat, &stmt, verify->err,
	    "SELECT tbl, day, name, rows, bytes, crc32c FROM segment WHERE superseded = 0 "
	    "ORDER BY tbl, day, id", "");

	while (!ret && (ret = catalogue_step(&verify->store->cat, stmt, verify->err)) == 1) {
		struct buf path = {0};

		ret = ST_OK;
		segment_path(&path, verify->store->path, catalogue_text(stmt, 0),
		    sqlite3_column_int(stmt, 1), catalogue_text(stmt, 2));
		check_file(verify, buf_text(&path), (uint64_t)sqlite3_column_int64(stmt, 3),
		    (uint64_t)sqlite3_column_int64(stmt, 4),
		    (uint32_t)sqlite3_column_int64(stmt, 5));
		buf_fini(&path);
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret;
}

/* Rows of the written table of a clean date that `made` does not give, and the other way round. */
static int compare_rows(struct verify *verify, enum record_table_id id, int32_t day,
    const char *made)
{
	struct views_range range = {day, day + 1, -1};
	char date[CIVIL_DATE_TEXT_MAX];
	struct engine *engine = NULL;
	struct err problem = {0};
	struct buf written = {0};
	struct buf sql = {0};
	int64_t wrong = 0;
	int ret = store_merger(verify->store, &engine, verify->err);

	if (!ret)
		ret = views_append_files(verify->store, id, range, &written, verify->err);
	if (ret)
		goto out;
	/* Comparing sums of hashes is quick; which rows differ is counted only where they do. */
	buf_printf(&sql,
	    "SELECT CAST(a.n <> b.n OR a.h IS DISTINCT FROM b.h AS BIGINT) FROM "
	    "(SELECT count(*) AS n, sum(CAST(hash(r) AS HUGEINT)) AS h FROM (%s) AS r) AS a, "
	    "(SELECT count(*) AS n, sum(CAST(hash(r) AS HUGEINT)) AS h FROM (%s) AS r) AS b",
	    buf_text(&written), made);
	if (engine_run_int(engine, buf_text(&sql), &wrong, &problem) == ST_OK && wrong == 0)
		goto out;
	buf_reset(&sql);
	buf_printf(&sql,
	    "SELECT (SELECT count(*) FROM ((%s) EXCEPT ALL (%s)) AS a) + "
	    "(SELECT count(*) FROM ((%s) EXCEPT ALL (%s)) AS b)",
	    buf_text(&written), made, made, buf_text(&written));
	if (engine_run_int(engine, buf_text(&sql), &wrong, &problem))
		find(verify, "%s of %s cannot be compared with flow: %s", record_tables[id].name,
		    civil_format_date(day, date), problem.text);
	else if (wrong)
		find(verify, "%s of %s disagrees with flow in %lld rows; compact the date again",
		    record_tables[id].name, civil_format_date(day, date), (long long)wrong);
out:
	buf_fini(&written);
	buf_fini(&sql);
	return ret;
}

static int check_rollup(struct verify *verify, enum record_table_id id, int32_t day)
{
	struct views_range range = {day, day + 1, -1};
	struct buf flow = {0};
	struct buf made = {0};
	int ret = views_append_files(verify->store, RECORD_TABLE_flow, range, &flow, verify->err);

	views_append_rollup(id, buf_text(&flow), true, &made);
	if (!ret)
		ret = compare_rows(verify, id, day, buf_text(&made));
	buf_fini(&flow);
	buf_fini(&made);
	return ret;
}

/* What this detector judges of the date, against what it wrote. */
static int check_judgements(struct verify *verify, int32_t day)
{
	struct engine *engine = NULL;
	struct judge *judge = NULL;
	int ret = store_merger(verify->store, &engine, verify->err);

	if (!ret)
		ret = judge_new(verify->store, engine->db, engine, &judge, verify->err);
	if (!ret)
		ret = judge_day(verify->store, judge, day, verify->err);
	for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++) {
		struct buf made = {0};

		if (!judge_table((enum record_table_id)id))
			continue;
		buf_printf(&made, "SELECT * FROM %s", judge_table((enum record_table_id)id));
		ret = compare_rows(verify, (enum record_table_id)id, day, buf_text(&made));
		buf_fini(&made);
	}
	judge_free(judge);
	if (engine && judge_drop(engine, ret ? NULL : verify->err) && !ret)
		ret = ST_ENGINE;
	return ret;
}

static int check_dates(struct verify *verify)
{
	sqlite3_stmt *stmt = NULL;
	struct buf sql = {0};
	int ret;

	buf_puts(&sql, "SELECT day, (SELECT count(*) FROM segment s WHERE s.day = d.day "
	    "AND s.tbl = 'role' AND s.superseded = 0 AND ");
	buf_printf(&sql, JUDGED_STORED, ROLE_DETECTOR);
	buf_puts(&sql, ") FROM date d WHERE dirty = 0 AND flow_dropped = 0 ORDER BY day");
	ret = catalogue_prepare(&verify->store->cat, &stmt, verify->err, buf_text(&sql), "");
	buf_fini(&sql);

	while (!ret && (ret = catalogue_step(&verify->store->cat, stmt, verify->err)) == 1) {
		ret = ST_OK;
		for (int id = 0; !ret && id < RECORD_TABLE_COUNT; id++)
			if (views_rollup_sql((enum record_table_id)id))
				ret = check_rollup(verify, (enum record_table_id)id,
				    sqlite3_column_int(stmt, 0));
		if (!ret && sqlite3_column_int(stmt, 1))
			ret = check_judgements(verify, sqlite3_column_int(stmt, 0));
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	return ret;
}

bool verify_find_damaged(struct store *store, int32_t from, int32_t to, struct buf *path)
{
	sqlite3_stmt *stmt = NULL;
	bool damaged = false;
	int ret = catalogue_prepare(&store->cat, &stmt, NULL,
	    "SELECT tbl, day, name, bytes, crc32c FROM segment WHERE superseded = 0 "
	    "AND day >= ? AND day < ? ORDER BY tbl, day, id",
	    "ii", (int64_t)from, to == INT32_MAX ? INT64_MAX : (int64_t)to);

	while (!ret && !damaged && catalogue_step(&store->cat, stmt, NULL) == 1) {
		uint64_t bytes = 0;
		uint32_t crc = 0;

		buf_reset(path);
		segment_path(path, store->path, catalogue_text(stmt, 0),
		    sqlite3_column_int(stmt, 1), catalogue_text(stmt, 2));
		damaged = segment_checksum(buf_text(path), &bytes, &crc, NULL) != ST_OK
		    || bytes != (uint64_t)sqlite3_column_int64(stmt, 3)
		    || crc != (uint32_t)sqlite3_column_int64(stmt, 4);
	}
	(void)sqlite3_finalize(stmt); /* nothing more to say */
	return damaged;
}

static void find_blob(void *arg, const char *path, const char *what)
{
	find(arg, "%s: %s", path, what);
}

static void find_stranger(void *arg, const char *path)
{
	find(arg, "%s: not in the catalogue (a crash left it, or it is being written)", path);
}

int store_verify(struct store *store, void (*say)(void *arg, const char *line), void *arg,
    struct err *err)
{
	struct verify verify = {.store = store, .say = say, .arg = arg, .err = err};
	int ret = check_files(&verify);

	/* Rollups of damaged files would only say the same again, less clearly. */
	if (!ret && !verify.findings)
		ret = check_dates(&verify);
	if (!ret)
		ret = payload_verify(store, find_blob, &verify, err);
	if (!ret)
		ret = sweep_strangers(store, find_stranger, &verify, err);
	return ret ? ret : verify.findings;
}
