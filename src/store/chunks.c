/* Chunks of DuckDB; the contract is in chunks.h. */
#include "store/chunks.h"

#include "store/feed.h"

#include "base/buf.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int read_result(duckdb_result result,
    int (*each)(void *arg, duckdb_data_chunk chunk, struct err *err), void *arg, struct err *err)
{
	duckdb_data_chunk chunk;
	int ret = ST_OK;

	while (!ret && (chunk = duckdb_fetch_chunk(result))) {
		if (duckdb_data_chunk_get_size(chunk) > 0)
			ret = each(arg, chunk, err);
		duckdb_destroy_data_chunk(&chunk);
	}
	/* A stream that breaks ends like one that is over. */
	if (!ret && duckdb_result_error(&result) && duckdb_result_error(&result)[0])
		ret = engine_error(err, "DuckDB", duckdb_result_error(&result));
	return ret;
}

int chunks_read(duckdb_connection con, const char *sql,
    int (*each)(void *arg, duckdb_data_chunk chunk, struct err *err), void *arg, struct err *err)
{
	duckdb_prepared_statement stmt = NULL;
	duckdb_pending_result pending = NULL;
	duckdb_result result;
	int ret;

	if (duckdb_prepare(con, sql, &stmt) != DuckDBSuccess) {
		ret = engine_error(err, "DuckDB", duckdb_prepare_error(stmt));
		goto out;
	}
	if (duckdb_pending_prepared_streaming(stmt, &pending) != DuckDBSuccess) {
		ret = engine_error(err, "DuckDB", duckdb_pending_error(pending));
		goto out;
	}
	if (duckdb_execute_pending(pending, &result) != DuckDBSuccess)
		ret = engine_error(err, "DuckDB", duckdb_result_error(&result));
	else
		ret = read_result(result, each, arg, err);
	duckdb_destroy_result(&result);
out:
	duckdb_destroy_pending(&pending);
	duckdb_destroy_prepare(&stmt);
	return ret;
}

/* ---- where they are read -------------------------------------------------------------------- */

struct chunks_taker {
	pthread_mutex_t mutex;
	int (*each)(void *arg, duckdb_data_chunk chunk, struct err *err); /* NULL: nobody takes */
	void *arg;
	struct err *err;
	int ret;
};

/* The function take_rows(): every vector of a SELECT goes through it. */
static void take_rows(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector output)
{
	struct chunks_taker *taker = duckdb_scalar_function_get_extra_info(info);
	size_t count = duckdb_data_chunk_get_size(chunk);
	bool stop;

	memset(duckdb_vector_get_data(output), 0, count * sizeof(bool));
	(void)pthread_mutex_lock(&taker->mutex);
	if (!taker->each)
		taker->ret = ST_USAGE;
	if (!taker->ret && count > 0)
		taker->ret = taker->each(taker->arg, chunk, taker->err);
	stop = taker->ret != ST_OK;
	(void)pthread_mutex_unlock(&taker->mutex);
	if (stop)
		duckdb_scalar_function_set_error(info, "nobody takes the rows");
}

int chunks_taker_new(duckdb_connection con, struct chunks_taker **ret_taker, struct err *err)
{
	struct chunks_taker *taker = calloc(1, sizeof(*taker));
	duckdb_scalar_function function;
	duckdb_logical_type any;
	duckdb_logical_type boolean;
	duckdb_state state;

	if (!taker)
		return err_set(err, -ENOMEM, "out of memory");
	function = duckdb_create_scalar_function();
	any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
	boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
	duckdb_scalar_function_set_name(function, "take_rows");
	duckdb_scalar_function_set_varargs(function, any);
	duckdb_scalar_function_set_return_type(function, boolean);
	duckdb_scalar_function_set_volatile(function);
	duckdb_scalar_function_set_special_handling(function); /* of NULL: rows with one count */
	duckdb_scalar_function_set_extra_info(function, taker, NULL);
	duckdb_scalar_function_set_function(function, take_rows);
	state = duckdb_register_scalar_function(con, function);
	duckdb_destroy_logical_type(&any);
	duckdb_destroy_logical_type(&boolean);
	duckdb_destroy_scalar_function(&function);
	if (state != DuckDBSuccess) {
		free(taker);
		return err_set(err, ST_ENGINE, "DuckDB did not accept the function take_rows");
	}
	(void)pthread_mutex_init(&taker->mutex, NULL); /* never fails with these attributes */
	*ret_taker = taker;
	return ST_OK;
}

void chunks_taker_free(struct chunks_taker *taker)
{
	if (taker)
		(void)pthread_mutex_destroy(&taker->mutex);
	free(taker);
}

int chunks_take(struct chunks_taker *taker, duckdb_connection con, const char *sql,
    int (*each)(void *arg, duckdb_data_chunk chunk, struct err *err), void *arg, struct err *err)
{
	struct buf counting = {0};
	duckdb_result result;
	int ret = ST_OK;

	buf_printf(&counting, "SELECT count(take_rows(*COLUMNS(*))) FROM (%s) AS rows", sql);
	if (counting.failed) {
		buf_fini(&counting);
		return err_set(err, -ENOMEM, "out of memory");
	}
	taker->each = each;
	taker->arg = arg;
	taker->err = err;
	taker->ret = ST_OK;
	if (duckdb_query(con, buf_text(&counting), &result) != DuckDBSuccess)
		ret = taker->ret ? taker->ret
		                 : engine_error(err, "DuckDB", duckdb_result_error(&result));
	taker->each = NULL;
	duckdb_destroy_result(&result);
	buf_fini(&counting);
	return ret;
}

/* ---- into a table --------------------------------------------------------------------------- */

static int failed(struct chunks_writer *writer, struct err *err)
{
	return engine_error(err, "DuckDB", duckdb_appender_error(writer->appender));
}

int chunks_writer_open(struct chunks_writer *writer, duckdb_connection con,
    const struct record_table *table, const char *name, struct err *err)
{
	duckdb_logical_type types[RECORD_FIELDS_MAX];

	*writer = (struct chunks_writer){.table = table};
	if (duckdb_appender_create(con, NULL, name, &writer->appender)
	    != DuckDBSuccess)
		return failed(writer, err);
	for (unsigned i = 0; i < table->field_count; i++)
		types[i] = duckdb_create_logical_type(feed_column_type(table->fields[i].type));
	writer->chunk = duckdb_create_data_chunk(types, table->field_count);
	for (unsigned i = 0; i < table->field_count; i++)
		duckdb_destroy_logical_type(&types[i]);
	return ST_OK;
}

int chunks_writer_add(struct chunks_writer *writer, const void *rows, size_t count,
    struct err *err)
{
	duckdb_data_chunk_reset(writer->chunk);
	feed_fill(writer->table, rows, count, writer->chunk);
	if (duckdb_append_data_chunk(writer->appender, writer->chunk) != DuckDBSuccess)
		return failed(writer, err);
	return ST_OK;
}

int chunks_writer_close(struct chunks_writer *writer, struct err *err)
{
	int ret = ST_OK;

	if (writer->appender && duckdb_appender_close(writer->appender) != DuckDBSuccess)
		ret = failed(writer, err);
	if (writer->appender)
		duckdb_appender_destroy(&writer->appender);
	if (writer->chunk)
		duckdb_destroy_data_chunk(&writer->chunk);
	memset(writer, 0, sizeof(*writer));
	return ret;
}
