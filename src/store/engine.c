/*
 * Opening DuckDB and running statements whose result is not kept; the contract is in engine.h.
 *
 * DuckDB never reaches the network here: extensions are neither installed nor loaded on demand
 * (Parquet and ICU are part of the library).
 */
#include "store/engine.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

int engine_error(struct err *err, const char *what, const char *words)
{
	size_t len = 0;
	unsigned lines = 0;

	if (!words)
		words = "no reason given";
	while (words[len] && !(words[len] == '\n' && ++lines == 2))
		len++;
	return err_set(err, ST_ENGINE, "%s: %.*s", what, (int)(len > 400 ? 400 : len), words);
}

/* Sets a start-up option; DuckDB knows them all, so a refusal is a wrong library. */
static bool set(duckdb_config config, const char *name, const char *value)
{
	return duckdb_set_config(config, name, value) == DuckDBSuccess;
}

static bool configure(duckdb_config config, const struct engine_options *options)
{
	char text[64];
	uint64_t memory = options->memory_bytes ? options->memory_bytes : ENGINE_MEMORY_DEFAULT;

	(void)snprintf(text, sizeof(text), "%lluB", (unsigned long long)memory);
	if (!set(config, "memory_limit", text))
		return false;
	(void)snprintf(text, sizeof(text), "%u", options->threads);
	if (options->threads && !set(config, "threads", text))
		return false;
	return set(config, "autoinstall_known_extensions", "false")
	    && set(config, "autoload_known_extensions", "false")
	    && set(config, "preserve_insertion_order", "false")
	    && set(config, "temp_directory", options->temp_path ? options->temp_path : "");
}

/* Leaves only reading below the given folders, for good. */
static int restrict_access(struct engine *engine, const struct engine_options *options,
    struct err *err)
{
	struct buf sql = {0};
	int ret;

	buf_puts(&sql, "SET allowed_directories=[");
	for (unsigned i = 0; i < options->read_only_count; i++) {
		buf_puts(&sql, i ? ",'" : "'");
		for (const char *p = options->read_only_paths[i]; *p; p++) {
			if (*p == '\'')
				buf_putc(&sql, '\'');
			buf_putc(&sql, *p);
		}
		buf_puts(&sql, "/'");
	}
	buf_puts(&sql, "]; SET enable_external_access=false; SET lock_configuration=true");
	ret = engine_run(engine, buf_text(&sql), err);
	buf_fini(&sql);
	return ret;
}

int engine_open(struct engine *engine, const struct engine_options *options, struct err *err)
{
	duckdb_config config = NULL;
	char *words = NULL;
	int ret;

	memset(engine, 0, sizeof(*engine));
	if (duckdb_create_config(&config) != DuckDBSuccess || !configure(config, options)) {
		ret = err_set(err, ST_ENGINE, "DuckDB refuses its configuration");
		goto out;
	}
	if (duckdb_open_ext(NULL, &engine->db, config, &words) != DuckDBSuccess) {
		ret = engine_error(err, "DuckDB does not start", words);
		goto out;
	}
	if (duckdb_connect(engine->db, &engine->con) != DuckDBSuccess) {
		ret = err_set(err, ST_ENGINE, "DuckDB gives no connection");
		goto out;
	}
	ret = options->read_only_paths ? restrict_access(engine, options, err) : ST_OK;
out:
	duckdb_free(words);
	duckdb_destroy_config(&config);
	if (ret)
		engine_close(engine);
	return ret;
}

void engine_close(struct engine *engine)
{
	if (engine->con)
		duckdb_disconnect(&engine->con);
	if (engine->db)
		duckdb_close(&engine->db);
	memset(engine, 0, sizeof(*engine));
}

int engine_run_int(struct engine *engine, const char *sql, int64_t *ret_value, struct err *err)
{
	duckdb_result result;
	duckdb_data_chunk chunk;
	int64_t value = 0;
	int ret = ST_OK;

	if (duckdb_query(engine->con, sql, &result) != DuckDBSuccess) {
		ret = engine_error(err, "DuckDB", duckdb_result_error(&result));
		duckdb_destroy_result(&result);
		return ret;
	}
	chunk = duckdb_fetch_chunk(result);
	if (chunk && duckdb_data_chunk_get_size(chunk) > 0
	    && duckdb_column_type(&result, 0) == DUCKDB_TYPE_BIGINT)
		memcpy(&value, duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)),
		    sizeof(value));
	if (chunk)
		duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	if (ret_value)
		*ret_value = value;
	return ST_OK;
}

int engine_run(struct engine *engine, const char *sql, struct err *err)
{
	return engine_run_int(engine, sql, NULL, err);
}
