/*
 * Asking: fills a question's {params}, lays the views out and runs it on an engine that can only
 * read.  Contract in store.h.
 */
#include "store/internal.h"

#include "base/civil.h"
#include "store/judged.h"
#include "store/result.h"
#include "store/verify.h"
#include "store/views.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 512

/* ---- {params} ------------------------------------------------------------------------------- */

static void put_time(struct buf *sql, int64_t time_us)
{
	char text[CIVIL_TIME_TEXT_MAX];
	char *end;

	(void)civil_format_time(time_us, text); /* 2026-10-01T00:00:00.000000Z */
	end = strchr(text, 'Z');
	if (end)
		*end = '\0';
	end = strchr(text, 'T');
	if (end)
		*end = ' ';
	end = strstr(text, ".000000");
	if (end)
		*end = '\0';
	buf_printf(sql, "toDateTime('%s')", text);
}

static int put_param(struct buf *sql, const struct store_param *param)
{
	char date[CIVIL_DATE_TEXT_MAX];

	switch (param->kind) {
	case STORE_PARAM_INT:
		buf_printf(sql, "%lld", (long long)param->int_value);
		break;
	case STORE_PARAM_TEXT:
		views_put_quoted(sql, param->text, strlen(param->text));
		break;
	case STORE_PARAM_DATE:
		buf_printf(sql, "toDate('%s')", civil_format_date((int32_t)param->int_value, date));
		break;
	case STORE_PARAM_TIME:
		put_time(sql, param->int_value);
		break;
	case STORE_PARAM_INTS:
		if (param->int_count == 0)
			buf_puts(sql, "NULL"); /* IN (NULL) holds for nothing */
		for (size_t i = 0; i < param->int_count; i++)
			buf_printf(sql, "%s%lld", i ? "," : "", (long long)param->ints[i]);
		break;
	case STORE_PARAM_SQL:
		buf_puts(sql, param->text);
		break;
	}
	return ST_OK;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Fills the holes of text; every hole needs a parameter and every parameter a hole. */
int query_fill(const char *question, const char *text, const struct store_param *params,
    size_t param_count, struct buf *sql, struct err *err)
{
	uint64_t used = 0;

	if (param_count > 64)
		return err_set(err, ST_USAGE, "question %s: more than 64 parameters", question);
	for (const char *p = text; *p;) {
		size_t len = 0;
		size_t i = 0;

		if (*p == '{')
			while (is_name(p[1 + len]))
				len++;
		if (len == 0 || p[1 + len] != '}') {
			buf_putc(sql, *p++);
			continue;
		}
		while (i < param_count && (strlen(params[i].name) != len
		                              || memcmp(params[i].name, p + 1, len) != 0))
			i++;
		if (i == param_count)
			return err_set(err, ST_USAGE, "question %s needs the parameter %.*s",
			    question, (int)len, p + 1);
		(void)put_param(sql, &params[i]);
		used |= 1ull << i;
		p += len + 2;
	}
	for (size_t i = 0; i < param_count; i++)
		if (!(used & (1ull << i)))
			return err_set(err, ST_USAGE, "question %s has no parameter %s", question,
			    params[i].name);
	return ST_OK;
}

/* ---- running -------------------------------------------------------------------------------- */

static int open_reader(struct store *store, struct err *err)
{
	const char *paths[RECORD_TABLE_COUNT];
	struct buf folders[RECORD_TABLE_COUNT] = {0};
	int ret;

	if (store->reader.db)
		return ST_OK;
	for (size_t i = 0; i < RECORD_TABLE_COUNT; i++) {
		buf_printf(&folders[i], "%s/%s", store->path, record_tables[i].name);
		paths[i] = buf_text(&folders[i]);
	}
	const struct engine_options options = {.threads = store->threads,
		.memory_bytes = store->memory_bytes, .read_only_paths = paths,
		.read_only_count = RECORD_TABLE_COUNT};
	ret = engine_open(&store->reader, &options, err);
	if (!ret) {
		ret = engine_run(&store->reader, embed_find(store_sql_files, "macros.sql")->data,
		    err);
		if (!ret)
			ret = among_register(&store->among, &store->reader, err);
		if (ret)
			engine_close(&store->reader);
	}
	for (size_t i = 0; i < RECORD_TABLE_COUNT; i++)
		buf_fini(&folders[i]);
	return ret;
}

/* Where an answer goes: whole, or block by block. */
struct sink {
	struct store_result **ret_result;
	store_scan_each *each;
	void *arg;
};

static int read_result(duckdb_prepared_statement stmt, const char *const *names,
    const struct sink *sink, struct err *err)
{
	duckdb_result result;
	duckdb_state state = sink->each ? duckdb_execute_prepared_streaming(stmt, &result)
	                                : duckdb_execute_prepared(stmt, &result);
	int ret;

	if (state != DuckDBSuccess)
		ret = engine_error(err, "the query failed", duckdb_result_error(&result));
	else if (sink->each)
		ret = result_scan(&result, names, sink->each, sink->arg, err);
	else
		ret = result_read(&result, names, sink->ret_result, err);
	/* Of an answer in blocks an error may come with any of them. */
	if (state == DuckDBSuccess && !ret && duckdb_result_error(&result))
		ret = engine_error(err, "the query failed", duckdb_result_error(&result));
	duckdb_destroy_result(&result);
	return ret;
}

/* Casts the columns that a result cannot hold to text by wrapping the query. */
static int read_wrapped(duckdb_connection con, const char *sql, duckdb_prepared_statement stmt,
    size_t columns, const struct sink *sink, struct err *err)
{
	const char *names[COLUMNS_MAX];
	duckdb_prepared_statement wrapped = NULL;
	size_t len = strlen(sql);
	struct buf b = {0};
	int ret;

	while (len && (isspace((unsigned char)sql[len - 1]) || sql[len - 1] == ';'))
		len--;
	buf_puts(&b, "SELECT ");
	for (size_t i = 0; i < columns; i++) {
		bool takes = result_takes(duckdb_prepared_statement_column_type(stmt, i));

		names[i] = duckdb_prepared_statement_column_name(stmt, i);
		buf_printf(&b, takes ? "%s#%zu" : "%sCAST(#%zu AS VARCHAR)", i ? ", " : "", i + 1);
	}
	buf_puts(&b, " FROM (");
	buf_append(&b, sql, len);
	buf_puts(&b, "\n) AS wrapped");
	if (duckdb_prepare(con, buf_text(&b), &wrapped) != DuckDBSuccess)
		ret = engine_error(err, "the query is not valid", duckdb_prepare_error(wrapped));
	else
		ret = read_result(wrapped, names, sink, err);
	for (size_t i = 0; i < columns; i++) {
		void *name;

		memcpy(&name, &names[i], sizeof(name));
		duckdb_free(name);
	}
	duckdb_destroy_prepare(&wrapped);
	buf_fini(&b);
	return ret;
}

static int run_select(duckdb_connection con, const char *sql, const struct sink *sink,
    struct err *err)
{
	duckdb_extracted_statements list = NULL;
	duckdb_prepared_statement stmt = NULL;
	idx_t count = duckdb_extract_statements(con, sql, &list);
	bool takes = true;
	size_t columns;
	int ret;

	if (count == 0) {
		const char *words = duckdb_extract_statements_error(list);

		ret = words ? engine_error(err, "the query is not valid", words)
		            : err_set(err, ST_USAGE, "the query is empty");
		goto out;
	}
	if (count > 1) {
		ret = err_set(err, ST_USAGE, "one statement at a time, please");
		goto out;
	}
	if (duckdb_prepare_extracted_statement(con, list, 0, &stmt) != DuckDBSuccess) {
		ret = engine_error(err, "the query is not valid", duckdb_prepare_error(stmt));
		goto out;
	}
	if (duckdb_prepared_statement_type(stmt) != DUCKDB_STATEMENT_TYPE_SELECT) {
		ret = err_set(err, ST_USAGE, "only SELECT is allowed here");
		goto out;
	}
	columns = duckdb_prepared_statement_column_count(stmt);
	if (columns > COLUMNS_MAX) {
		ret = err_set(err, ST_LIMIT, "more than %d columns", COLUMNS_MAX);
		goto out;
	}
	for (size_t i = 0; i < columns; i++)
		takes &= result_takes(duckdb_prepared_statement_column_type(stmt, i));
	ret = takes ? read_result(stmt, NULL, sink, err)
	            : read_wrapped(con, sql, stmt, columns, sink, err);
out:
	duckdb_destroy_prepare(&stmt);
	duckdb_destroy_extracted(&list);
	return ret;
}

/* DuckDB does not always say which file it could not make sense of. */
static void name_damaged_file(struct store *store, int32_t day_from, int32_t day_to,
    struct err *err)
{
	static const char *const signs[] = {"orrupt", "Invalid Error", "Parquet", "Decompression",
		"TProtocol"};
	struct buf path = {0};
	bool suspicious = false;

	if (!err || strstr(err->text, ".parquet"))
		return;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		suspicious |= strstr(err->text, signs[i]) != NULL;
	if (suspicious && verify_find_damaged(store, day_from, day_to, &path))
		(void)err_prefix(err, "%s is damaged", buf_text(&path));
	buf_fini(&path);
}

int query_prepare(struct store *store, struct err *err)
{
	int ret = open_reader(store, err);

	return ret ? ret : judged_prepare(store, err);
}

/* The tables that a text mentions, as one state of the catalogue has them. */
static int make_views(struct store *store, const char *sql, int32_t day_from, int32_t day_to,
    struct buf *views, struct err *err)
{
	struct store *owner = store_owner(store);
	int ret;

	(void)pthread_mutex_lock(&owner->judging_lock); /* made and held by us alone */
	ret = catalogue_begin_read(&store->cat, err);
	if (!ret) {
		ret = views_append(store, sql, day_from, day_to, views, err);
		ret = catalogue_end(&store->cat, ret, err);
	}
	(void)pthread_mutex_unlock(&owner->judging_lock);
	if (!ret && views->failed)
		ret = err_set(err, -ENOMEM, "out of memory");
	return ret;
}

static bool lacked_memory(const struct err *err)
{
	return err && strstr(err->text, "Out of Memory") != NULL;
}

/*
 * Questions that are asked beside each other share DuckDB's memory: one that finds too little is asked
 * again alone, so that what fits alone never fails.  A scan keeps next to nothing and has given out
 * blocks already.
 */
static int run_sharing(struct store *store, duckdb_connection con, const char *sql,
    const struct sink *sink, struct err *err)
{
	pthread_rwlock_t *alone = &store_owner(store)->alone;
	int ret;

	(void)pthread_rwlock_rdlock(alone); /* fails only with more threads than there can be */
	ret = run_select(con, sql, sink, err);
	(void)pthread_rwlock_unlock(alone);
	if (ret != ST_ENGINE || sink->each || !lacked_memory(err))
		return ret;
	(void)pthread_rwlock_wrlock(alone);
	ret = run_select(con, sql, sink, err);
	(void)pthread_rwlock_unlock(alone);
	return ret;
}

static void session_end(struct store_session *session)
{
	if (session->engine.con)
		duckdb_disconnect(&session->engine.con);
	free(session->views);
	*session = (struct store_session){0};
}

void query_end(struct store *store)
{
	for (size_t i = 0; i < STORE_SESSIONS_MAX; i++)
		session_end(&store->sessions[i]);
}

/* The session with these views, or one that is not needed: that was used longest ago. */
static struct store_session *session_find(struct store *store, const char *views)
{
	struct store_session *oldest = NULL;

	for (size_t i = 0; i < STORE_SESSIONS_MAX; i++) {
		struct store_session *session = &store->sessions[i];

		if (session->busy)
			continue;
		if (session->views && strcmp(session->views, views) == 0)
			return session;
		if (!oldest || session->used < oldest->used)
			oldest = session;
	}
	return oldest;
}

/*
 * A connection with these views, kept for the next question: many ask the same tables about the same
 * days, and making the views costs as much as a small question.
 */
static int session_take(struct store *store, const char *views, struct store_session **ret_session,
    struct err *err)
{
	struct store_session *session = session_find(store, views);
	int ret = ST_OK;

	if (!session) /* questions within scans within scans: nobody does that */
		return err_set(err, ST_LIMIT, "too many questions at a time");
	if (session->views && strcmp(session->views, views) != 0)
		session_end(session);
	if (!session->views) {
		session->views = strdup(views);
		if (!session->views)
			ret = err_set(err, -ENOMEM, "out of memory");
		else if (duckdb_connect(store_owner(store)->reader.db, &session->engine.con)
		    != DuckDBSuccess)
			ret = err_set(err, ST_ENGINE, "DuckDB gives no connection");
		else if (views[0])
			ret = engine_run(&session->engine, views, err);
	}
	if (ret) {
		session_end(session);
		return ret;
	}
	session->busy = true;
	session->used = ++store->session_uses;
	*ret_session = session;
	return ST_OK;
}

/* Runs the finished SQL over the views it needs, which no other question can change. */
static int run(struct store *store, const char *sql, int32_t day_from, int32_t day_to,
    const struct sink *sink, struct err *err)
{
	struct store_session *session = NULL;
	struct buf views = {0};
	int ret = open_reader(store_owner(store), err);

	if (!ret)
		ret = make_views(store, sql, day_from, day_to, &views, err);
	if (!ret)
		ret = session_take(store, buf_text(&views), &session, err);
	if (!ret)
		ret = run_sharing(store, session->engine.con, sql, sink, err);
	if (session)
		session->busy = false;
	if (session && ret)
		session_end(session);
	if (ret == ST_ENGINE)
		name_damaged_file(store, day_from, day_to, err);
	buf_fini(&views);
	return ret;
}

static int ask(struct store *store, const char *question, const struct store_param *params,
    size_t param_count, int32_t day_from, int32_t day_to, const struct sink *sink,
    struct err *err)
{
	const struct embed_file *file;
	struct buf name = {0};
	struct buf sql = {0};
	int ret;

	buf_printf(&name, "%s.sql", question);
	file = embed_find(store_sql_files, buf_text(&name));
	buf_fini(&name);
	if (!file)
		return err_set(err, ST_USAGE, "there is no question %s", question);
	ret = query_fill(question, file->data, params, param_count, &sql, err);
	if (!ret && sql.failed)
		ret = err_set(err, -ENOMEM, "out of memory");
	if (!ret)
		ret = run(store, buf_text(&sql), day_from, day_to, sink, err);
	if (ret == ST_ENGINE)
		(void)err_prefix(err, "question %s", question);
	buf_fini(&sql);
	return ret;
}

int store_ask(struct store *store, const char *question, const struct store_param *params,
    size_t param_count, int32_t day_from, int32_t day_to, struct store_result **ret_result,
    struct err *err)
{
	const struct sink sink = {.ret_result = ret_result};

	return ask(store, question, params, param_count, day_from, day_to, &sink, err);
}

int store_scan(struct store *store, const char *question, const struct store_param *params,
    size_t param_count, int32_t day_from, int32_t day_to, store_scan_each *each, void *arg,
    struct err *err)
{
	const struct sink sink = {.each = each, .arg = arg};

	return ask(store, question, params, param_count, day_from, day_to, &sink, err);
}

int store_sql(struct store *store, const char *sql, struct store_result **ret_result,
    struct err *err)
{
	const struct sink sink = {.ret_result = ret_result};

	return run(store, sql, INT32_MIN, INT32_MAX, &sink, err);
}
