/*
 * teiten sql: a person's own SELECT on the store, read-only.
 *
 * The store refuses everything that could write, attach or read other files; this file only
 * prints what comes back.
 */
#include "cmd/table.h"
#include "cmd/window.h"

#include "base/civil.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

#define SQL_BYTES_MAX (1u << 20)

static int run(int argc, char **argv);

const struct command command_sql = {
    .name = "sql",
    .summary = "Ask the store your own SELECT, read-only",
    .usage = "usage: teiten sql 'SELECT …' [-s STORE] [--json|--csv|--tsv]\n"
             "       teiten sql - [-s STORE]        (the statement comes from standard input)\n"
             "\n"
             "Runs one SELECT on the tables flow, coverage, sensor, port_quarter, source_day,\n"
             "country_day, victim_day, port_day, origin_day, role, role_day, attack, session,\n"
             "login, command, payload, event, alert and cluster_day; docs/records.md explains\n"
             "their columns.  Keys of flow may repeat: always sum.  Times are UTC.  Nothing can\n"
             "be written, attached or read from other files.  ipText(src_hi, src_lo) prints an\n"
             "address.\n"
             "\n"
             "  -s STORE        directory of the store (default: store.path)\n"
             "\n"
             "Examples:\n"
             "  teiten sql 'SELECT port, sum(packets) AS n FROM port_quarter WHERE proto = 6\n"
             "              GROUP BY port ORDER BY n DESC LIMIT 5'\n"
             "  teiten sql 'SELECT ipText(src_hi, src_lo) AS source, max(ports) AS ports\n"
             "              FROM source_day GROUP BY source ORDER BY ports DESC LIMIT 10' --csv\n"
             "  teiten sql - --json < question.sql\n",
    .run = run,
};

static enum table_type column_type(enum store_type type)
{
	switch (type) {
	case STORE_TYPE_INT:
	case STORE_TYPE_UINT:
		return TABLE_INT;
	case STORE_TYPE_REAL:
		return TABLE_REAL;
	case STORE_TYPE_TEXT:
	case STORE_TYPE_DATE:
	case STORE_TYPE_TIME:
		break;
	}
	return TABLE_TEXT;
}

static void set_cell(struct table *t, const struct store_result *result, size_t row, size_t column)
{
	char text[CIVIL_TIME_TEXT_MAX];

	if (store_result_null(result, row, column))
		return;
	switch (store_result_type(result, column)) {
	case STORE_TYPE_INT:
		table_set_int(t, column, store_result_int(result, row, column));
		return;
	case STORE_TYPE_UINT:
		table_set_uint(t, column, store_result_uint(result, row, column));
		return;
	case STORE_TYPE_REAL:
		table_set_real(t, column, store_result_real(result, row, column));
		return;
	case STORE_TYPE_TEXT:
		table_set_text(t, column, store_result_text(result, row, column));
		return;
	case STORE_TYPE_DATE:
		table_set_text(t, column,
		    civil_format_date((int32_t)store_result_int(result, row, column), text));
		return;
	case STORE_TYPE_TIME:
		table_set_text(
		    t, column, civil_format_time(store_result_int(result, row, column), text));
		return;
	}
}

static void print_result(const struct store_result *result, const struct command_common *common)
{
	size_t count = store_result_columns(result);
	struct table_column *columns = command_need(calloc(count + 1, sizeof(*columns)));
	struct table *table;
	struct buf b = {0};

	for (size_t c = 0; c < count; c++) {
		columns[c].name = store_result_name(result, c);
		columns[c].type = column_type(store_result_type(result, c));
	}
	table = table_new(columns, count);
	for (size_t r = 0; r < store_result_rows(result); r++) {
		table_row(table);
		for (size_t c = 0; c < count; c++)
			set_cell(table, result, r, c);
	}
	table_print(table, common, &b);
	(void)fwrite(buf_text(&b), 1, b.len, stdout);
	buf_fini(&b);
	table_free(table);
	free(columns);
}

static int run(int argc, char **argv)
{
	static const char *const names[] = {"-s=", NULL};
	const struct command *self = &command_sql;
	struct command_common common = {0};
	struct window_options options = {0};
	struct store_result *result = NULL;
	struct window w = {0};
	struct err err = {0};
	char *text = NULL;
	const char *sql;
	const char *value;
	int index = 0;
	int option;
	int r;

	while ((option = command_option(self, &common, argc, argv, &index, names, &value)) >= 0)
		options.store = value;
	if (option == COMMAND_OPTION_BAD)
		return COMMAND_USAGE;
	if (argc - index != 1) {
		command_error(self, argc == index ? "the SELECT is missing (teiten sql -h)"
		                                  : "one argument: put the SELECT into quotes");
		return COMMAND_USAGE;
	}
	sql = argv[index];
	if (strcmp(sql, "-") == 0) {
		if (os_file_read("/dev/stdin", SQL_BYTES_MAX, &text, NULL, &err) < 0) {
			command_error(self, "%s", err.text);
			return COMMAND_FAILED;
		}
		sql = text;
	}
	r = window_open_store(self, &options, &w);
	if (r != COMMAND_OK)
		goto out;
	r = store_sql(w.store, sql, &result, &err);
	if (r < 0) {
		command_error(self, "%s", err.text);
		r = r == ST_USAGE ? COMMAND_USAGE : COMMAND_FAILED;
		goto out;
	}
	print_result(result, &common);
	store_result_free(result);
	r = COMMAND_OK;
out:
	window_close(&w);
	free(text);
	return r;
}
