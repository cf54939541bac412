/* Chunks of DuckDB; the contract is in chunks.h. */
#include "store/chunks.h"

#include "store/feed.h"

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
