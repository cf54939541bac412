/* What parquet_write writes, DuckDB reads: every table, value by value, in the rows' order. */
#include "fixture.h"

#include "base/hash.h"
#include "store/distinct.h"
#include "store/engine.h"
#include "store/feed.h"
#include "store/parquet.h"
#include "store/segment.h"

#include <errno.h>

#define ROWS_MAX 150000

static char folder[FIXTURE_PATH_MAX];
static char file[FIXTURE_PATH_MAX + 16];
static struct engine engine;
static char text_pool[1 << 16];

static int setup(void **state)
{
	struct engine_options options = {.threads = 1};

	(void)state;
	fixture_path(folder);
	(void)snprintf(file, sizeof(file), "%s/x.parquet", folder);
	OK(engine_open(&engine, &options, &err));
	for (size_t i = 0; i < sizeof(text_pool); i++)
		text_pool[i] = (char)('!' + hash_u64(i / 3) % 90);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	engine_close(&engine);
	fixture_remove(folder);
	return 0;
}

/* How the values of a column follow each other. */
enum shape {
	SHAPE_ZERO,
	SHAPE_SAME,
	SHAPE_FEW,     /* repeating, of a narrow range */
	SHAPE_RUNS,    /* long and short runs */
	SHAPE_RISING,
	SHAPE_ANY,     /* all bits, no repetition */
	SHAPE_ENDS,    /* the least and the most, in turn */
	SHAPE_SPARSE,  /* zero but for some */
	SHAPE_MANY,    /* a few thousand values of all bits */
	SHAPE_HOSTILE, /* values that meet in the table of distinct ones */
	SHAPE_COUNT,
};

/* The number whose product with distinct.c's multiplier is x: such values have one hash. */
static uint64_t unhash(uint64_t x)
{
	const uint64_t k = 0x9e3779b97f4a7c15ull;
	uint64_t inverse = k;

	for (unsigned i = 0; i < 6; i++)
		inverse *= 2 - k * inverse;
	return x * inverse;
}

static uint64_t number(enum shape shape, size_t row)
{
	switch (shape) {
	case SHAPE_ZERO:
	case SHAPE_COUNT:
		return 0;
	case SHAPE_SAME:
		return 0x8123456789abcdefull;
	case SHAPE_FEW:
		return 1000 + hash_u64(row) % 37;
	case SHAPE_RUNS:
		return hash_u64(row % 1000 < 700 ? row / 1000 : row / 5) % 9;
	case SHAPE_RISING:
		return 1790812800000000ull + row * 977;
	case SHAPE_ANY:
		return hash_u64(row + 1);
	case SHAPE_ENDS:
		return row % 2 ? UINT64_MAX : 1ull << 63 | 1ull << 31;
	case SHAPE_SPARSE:
		return row % 77 == 5 ? row : 0;
	case SHAPE_MANY:
		return hash_u64(hash_u64(row) % 5000);
	case SHAPE_HOSTILE:
		return unhash(row);
	}
	return 0;
}

static struct record_text text(enum shape shape, size_t row)
{
	uint64_t n = number(shape, row);

	/* Lengths around that up to which DuckDB keeps a text in its own struct, and long ones. */
	return (struct record_text){text_pool + n % 30000,
		(uint32_t)(n == 0 ? 0 : n % 50 == 7 ? n % 2000 : n % 17)};
}

static void make_field(uint8_t *to, const struct record_field *field, enum shape shape, size_t row)
{
	uint64_t n = number(shape, row);
	struct record_text t = text(shape, row);
	char code[2] = {(char)(n ? 'A' + n % 26 : 0), (char)(n ? 'A' + n / 26 % 26 : 0)};

	switch (field->type) {
	case RECORD_U8:
		*to = (uint8_t)n;
		break;
	case RECORD_U16:
		memcpy(to, &n, 2);
		break;
	case RECORD_U32:
		memcpy(to, &n, 4);
		break;
	case RECORD_DATE:
		memcpy(to, &(int32_t){(int32_t)(n % 40000) - 20000}, 4);
		break;
	case RECORD_U64:
	case RECORD_U64NULL:
	case RECORD_I64:
		memcpy(to, &n, 8);
		break;
	case RECORD_TIME:
		memcpy(to, &(int64_t){(int64_t)(n >> 3) - (1ll << 59)}, 8);
		break;
	case RECORD_CODE:
		memcpy(to, code, 2);
		break;
	case RECORD_TEXT:
	case RECORD_BLOB:
		memcpy(to, &t, sizeof(t));
		break;
	}
}

static uint8_t *make_rows(const struct record_table *table, unsigned turn, size_t count)
{
	uint8_t *rows = calloc(count, table->size);

	assert_non_null(rows);
	for (size_t i = 0; i < count; i++)
		for (unsigned f = 0; f < table->field_count; f++)
			make_field(rows + i * table->size + table->fields[f].offset,
			    &table->fields[f], (f + turn) % SHAPE_COUNT, i);
	return rows;
}

static void same_value(const struct record_field *field, duckdb_vector vector, size_t at,
    const uint8_t *wanted)
{
	const uint8_t *data = duckdb_vector_get_data(vector);
	uint64_t *validity = duckdb_vector_get_validity(vector);
	duckdb_string_t *string = (duckdb_string_t *)(uintptr_t)data + at;
	struct record_text t;
	uint64_t n = 0;

	switch (field->type) {
	case RECORD_U8:
		assert_int_equal(data[at], *wanted);
		break;
	case RECORD_U16:
		assert_memory_equal(data + 2 * at, wanted, 2);
		break;
	case RECORD_U32:
	case RECORD_DATE:
		assert_memory_equal(data + 4 * at, wanted, 4);
		break;
	case RECORD_U64NULL:
		memcpy(&n, wanted, 8);
		assert_int_equal(!validity || duckdb_validity_row_is_valid(validity, at), n != 0);
		if (n)
			assert_memory_equal(data + 8 * at, wanted, 8);
		break;
	case RECORD_U64:
	case RECORD_I64:
	case RECORD_TIME:
		assert_memory_equal(data + 8 * at, wanted, 8);
		break;
	case RECORD_CODE:
		assert_int_equal(duckdb_string_t_length(*string), *wanted ? 2 : 0);
		if (*wanted)
			assert_memory_equal(duckdb_string_t_data(string), wanted, 2);
		break;
	case RECORD_TEXT:
	case RECORD_BLOB:
		memcpy(&t, wanted, sizeof(t));
		assert_int_equal(duckdb_string_t_length(*string), t.len);
		if (t.len)
			assert_memory_equal(duckdb_string_t_data(string), t.data, t.len);
		break;
	}
}

static void expect_rows(const struct record_table *table, const uint8_t *rows, size_t count)
{
	char sql[sizeof(file) + 64];
	duckdb_result result;
	duckdb_data_chunk chunk;
	size_t done = 0;

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM read_parquet('%s')", file);
	OK(engine_run(&engine, "SET preserve_insertion_order = true", &err));
	if (duckdb_query(engine.con, sql, &result) != DuckDBSuccess)
		fail_msg("%s: %s", table->name, duckdb_result_error(&result));
	assert_int_equal(duckdb_column_count(&result), table->field_count);
	for (unsigned f = 0; f < table->field_count; f++) {
		assert_string_equal(duckdb_column_name(&result, f), table->fields[f].name);
		assert_int_equal(duckdb_column_type(&result, f),
		    feed_column_type(table->fields[f].type));
	}
	while ((chunk = duckdb_fetch_chunk(result))) {
		size_t n = duckdb_data_chunk_get_size(chunk);

		assert_true(done + n <= count);
		for (unsigned f = 0; f < table->field_count; f++)
			for (size_t i = 0; i < n; i++)
				same_value(&table->fields[f],
				    duckdb_data_chunk_get_vector(chunk, f), i,
				    rows + (done + i) * table->size + table->fields[f].offset);
		done += n;
		duckdb_destroy_data_chunk(&chunk);
	}
	assert_int_equal(done, count);
	duckdb_destroy_result(&result);
}

static void write_and_read(const struct record_table *table, unsigned turn, size_t count)
{
	uint8_t *rows = make_rows(table, turn, count);
	uint64_t bytes = 0;
	uint64_t real_bytes = 0;
	uint32_t crc = 0;
	uint32_t real_crc = 0;

	OK(parquet_write(file, table, rows, count, &bytes, &crc, &err));
	OK(segment_checksum(file, &real_bytes, &real_crc, &err));
	assert_int_equal(bytes, real_bytes);
	assert_int_equal(crc, real_crc);
	expect_rows(table, rows, count);
	assert_int_equal(unlink(file), 0);
	free(rows);
}

/* Around the ends of packed groups, blocks of deltas and DuckDB's vectors. */
static void every_table_and_length(void **state)
{
	static const size_t counts[] = {1, 2, 7, 8, 9, 31, 33, 127, 128, 129, 130, 2048, 5001};

	(void)state;
	for (size_t t = 0; t < RECORD_TABLE_COUNT; t++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
			write_and_read(&record_tables[t], (unsigned)(t + i), counts[i]);
}

static void every_shape_of_column(void **state)
{
	(void)state;
	for (unsigned turn = 0; turn < SHAPE_COUNT; turn++) {
		write_and_read(&record_tables[RECORD_TABLE_flow], turn, 9000);
		write_and_read(&record_tables[RECORD_TABLE_session], turn, 9000);
	}
}

static void several_row_groups(void **state)
{
	(void)state;
	write_and_read(&record_tables[RECORD_TABLE_flow], 0, ROWS_MAX);
	write_and_read(&record_tables[RECORD_TABLE_session], 3, 40000);
}

/* Texts end a row group before its rows do. */
static void large_texts(void **state)
{
	enum { COUNT = 700, LEN = 1 << 20 };
	const struct record_table *table = &record_tables[RECORD_TABLE_coverage];
	struct record_coverage *rows = calloc(COUNT, sizeof(*rows));
	char *big = malloc(LEN);
	char sql[sizeof(file) + 128];
	uint64_t bytes = 0;
	uint32_t crc = 0;
	int64_t groups = 0;

	(void)state;
	assert_non_null(rows);
	assert_non_null(big);
	memset(big, 'x', LEN);
	for (int i = 0; i < COUNT; i++) {
		rows[i] = fixture_coverage(FIXTURE_TIME + i);
		rows[i].drops = (struct record_text){big, (uint32_t)(LEN / 8 + i)};
	}
	OK(parquet_write(file, table, rows, COUNT, &bytes, &crc, &err));
	expect_rows(table, (const uint8_t *)rows, COUNT);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(DISTINCT row_group_id) FROM parquet_metadata('%s')", file);
	OK(engine_run_int(&engine, sql, &groups, &err));
	assert_int_equal(groups, 3);
	free(big);
	free(rows);
}

/* The range of each column of numbers lets a reader leave row groups out; it must be right. */
static void ranges_are_the_values(void **state)
{
	const struct record_table *table = &record_tables[RECORD_TABLE_flow];
	struct record_flow rows[3];
	char sql[sizeof(file) + 256];
	uint64_t bytes = 0;
	uint32_t crc = 0;
	int64_t found = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		rows[i] = fixture_flow(-1000000 + i * 1000000, 7);
		rows[i].src_hi = i == 0 ? UINT64_MAX : (uint64_t)i;
		rows[i].port = (uint16_t)(i == 1 ? 65535 : 80);
	}
	OK(parquet_write(file, table, rows, 3, &bytes, &crc, &err));
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM read_parquet('%s') WHERE src_hi = 18446744073709551615 AND "
	    "port < 81 AND time < TIMESTAMP '1970-01-01'", file);
	OK(engine_run_int(&engine, sql, &found, &err));
	assert_int_equal(found, 1);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM parquet_metadata('%s') WHERE "
	    "(path_in_schema = 'port' AND stats_min_value = '80' AND stats_max_value = '65535') OR "
	    "(path_in_schema = 'src_hi' AND stats_min_value = '1' AND "
	    "stats_max_value = '18446744073709551615') OR "
	    "(path_in_schema = 'time' AND stats_min_value LIKE '1969-12-31 23:59:59%%')", file);
	OK(engine_run_int(&engine, sql, &found, &err));
	assert_int_equal(found, 3);
}

static void a_file_is_never_overwritten(void **state)
{
	struct record_flow row = fixture_flow(FIXTURE_TIME, 1);
	const struct record_table *table = &record_tables[RECORD_TABLE_flow];
	uint64_t bytes = 0;
	uint32_t crc = 0;

	(void)state;
	OK(parquet_write(file, table, &row, 1, &bytes, &crc, &err));
	FAILS(-EEXIST, parquet_write(file, table, &row, 1, &bytes, &crc, &err));
}

static void values_that_meet_are_given_up(void **state)
{
	enum { COUNT = 1000 };
	struct distinct *distinct = calloc(1, sizeof(*distinct));
	uint64_t values[COUNT];
	uint16_t positions[COUNT];

	(void)state;
	assert_non_null(distinct);
	for (size_t i = 0; i < COUNT; i++)
		values[i] = unhash(i % 100);
	assert_false(distinct_values(distinct, values, COUNT, 0, UINT64_MAX, positions));
	for (size_t i = 0; i < COUNT; i++)
		values[i] = hash_u64(i % 100);
	assert_true(distinct_values(distinct, values, COUNT, 0, UINT64_MAX, positions));
	assert_int_equal(distinct->count, 100);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(distinct->values[positions[i]], values[i]);
	free(distinct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_table_and_length, setup, teardown),
		cmocka_unit_test_setup_teardown(every_shape_of_column, setup, teardown),
		cmocka_unit_test_setup_teardown(several_row_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(large_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(ranges_are_the_values, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_is_never_overwritten, setup, teardown),
		cmocka_unit_test(values_that_meet_are_given_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
