/*
 * Judgements that are not stored; the contract is in judged.h.
 *
 * A report asks a dozen questions about the same days: what is made for one is kept for the next,
 * as long as the day has the same segments.
 */
#include "store/judged.h"

#include "store/judge.h"

#include "base/civil.h"

#include <errno.h>
#include <stdlib.h>

struct judged_day {
	int32_t day;
	int64_t newest; /* segment */
	bool all_roles;
};

struct judged_cache {
	struct engine engine; /* a connection to the reader */
	struct judge *judge;
	bool all_roles;
	struct judged_day *days;
	size_t count;
};

void judged_free(struct judged_cache *cache)
{
	if (!cache)
		return;
	judge_free(cache->judge);
	if (cache->engine.con)
		duckdb_disconnect(&cache->engine.con);
	free(cache->days);
	free(cache);
}

/* ---- which days ----------------------------------------------------------------------------- */

/* Calls back with each day that has flow and no stored judgements, and its newest segment. */
static int each_day(struct store *store, int32_t from, int32_t to,
    int (*each)(void *arg, const struct judged_day *day, struct err *err), void *arg,
    struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	struct buf sql = {0};
	int ret;

	buf_puts(&sql, "SELECT s.day, max(s.id) FROM segment s LEFT JOIN date d ON d.day = s.day "
	    "WHERE s.superseded = 0 AND s.tbl IN ('flow', 'session', 'coverage') "
	    "AND s.day >= ? AND s.day < ? AND NOT ");
	buf_printf(&sql, JUDGED_STORED, ROLE_DETECTOR);
	buf_puts(&sql, " GROUP BY s.day HAVING sum(s.tbl = 'flow') > 0 ORDER BY s.day");
	ret = sql.failed ? err_set(err, -ENOMEM, "out of memory")
	    : catalogue_prepare(&store->cat, &stmt, err, buf_text(&sql), "ii", (int64_t)from,
	          to == INT32_MAX ? INT64_MAX : (int64_t)to);
	while (!ret && (ret = catalogue_step(&store->cat, stmt, err)) == 1) {
		struct judged_day day = {sqlite3_column_int(stmt, 0), sqlite3_column_int64(stmt, 1),
			false};

		ret = each(arg, &day, err);
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	buf_fini(&sql);
	return ret;
}

static int put_day(void *arg, const struct judged_day *day, struct err *err)
{
	struct buf *sql = arg;
	char text[CIVIL_DATE_TEXT_MAX];

	(void)err;
	buf_printf(sql, "DATE '%s', ", civil_format_date(day->day, text));
	return ST_OK;
}

int judged_put_days(struct store *store, int32_t from, int32_t to, struct buf *sql,
    struct err *err)
{
	int ret = each_day(store, from, to, put_day, sql, err);

	buf_puts(sql, "NULL");
	return ret;
}

/* ---- making them ---------------------------------------------------------------------------- */

/* Removes what a day was judged as from other rows, or less of it. */
static int remove_day(struct judged_cache *cache, int32_t day, struct err *err)
{
	char date[CIVIL_DATE_TEXT_MAX];
	struct buf sql = {0};
	int ret;

	(void)civil_format_date(day, date);
	for (int id = 0; id < RECORD_TABLE_COUNT; id++)
		if (judge_table((enum record_table_id)id))
			buf_printf(&sql, "DELETE FROM %s WHERE date = DATE '%s'; ",
			    judge_table((enum record_table_id)id), date);
	ret = sql.failed ? err_set(err, -ENOMEM, "out of memory")
	    : engine_run(&cache->engine, buf_text(&sql), err);
	buf_fini(&sql);
	return ret;
}

/* Judges a day as a whole or not at all. */
static int make_day(struct store *store, const struct judged_day *day, bool again,
    struct err *err)
{
	struct judged_cache *cache = store_owner(store)->judged;
	int ret = engine_run(&cache->engine, "BEGIN TRANSACTION", err);

	if (ret)
		return ret;
	if (again)
		ret = remove_day(cache, day->day, err);
	if (!ret)
		ret = judge_day(store, cache->judge, day->day, err);
	if (!ret)
		return engine_run(&cache->engine, "COMMIT", err);
	if (engine_run(&cache->engine, "ROLLBACK", NULL))
		return ret; /* the first error says more */
	return ret;
}

static int settle_day(void *arg, const struct judged_day *day, struct err *err)
{
	struct store *store = arg;
	struct judged_cache *cache = store_owner(store)->judged;
	struct judged_day *grown;
	size_t at = 0;
	int ret;

	while (at < cache->count && cache->days[at].day != day->day)
		at++;
	if (at < cache->count && cache->days[at].newest == day->newest
	    && (cache->days[at].all_roles || !cache->all_roles))
		return ST_OK;
	grown = realloc(cache->days, (cache->count + 1) * sizeof(*grown));
	if (!grown)
		return err_set(err, -ENOMEM, "out of memory");
	cache->days = grown;
	ret = make_day(store, day, at < cache->count, err);
	if (ret)
		return ret;
	cache->days[at] = (struct judged_day){day->day, day->newest, cache->all_roles};
	cache->count += at == cache->count;
	return ST_OK;
}

static int make_cache(struct store *store, struct err *err)
{
	struct judged_cache *cache = calloc(1, sizeof(*cache));
	int ret = ST_OK;

	if (!cache)
		return err_set(err, -ENOMEM, "out of memory");
	if (duckdb_connect(store->reader.db, &cache->engine.con) != DuckDBSuccess)
		ret = err_set(err, ST_ENGINE, "DuckDB gives no connection");
	if (!ret)
		ret = judge_new(store, store->reader.db, &cache->engine, &cache->judge, err);
	if (ret) {
		judged_free(cache);
		return ret;
	}
	store->judged = cache;
	return ST_OK;
}

int judged_prepare(struct store *store, struct err *err)
{
	struct store *owner = store_owner(store);

	return owner->judged ? ST_OK : make_cache(owner, err);
}

int judged_settle(struct store *store, bool all_roles, int32_t from, int32_t to, struct err *err)
{
	int ret = judged_prepare(store, err);
	struct judged_cache *cache = store_owner(store)->judged;

	if (ret)
		return ret;
	cache->all_roles = all_roles;
	judge_all_roles(cache->judge, all_roles);
	return each_day(store, from, to, settle_day, store, err);
}
