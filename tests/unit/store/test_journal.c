/* The journal's file: every row comes back, and a torn end costs only what was torn. */
#include "fixture.h"
#include "store/journal.h"

#define ROWS 5000

static char path[FIXTURE_PATH_MAX];

struct seen {
	unsigned flow;
	unsigned coverage;
	uint64_t sum;
	unsigned stop_at;
};

static int setup(void **state)
{
	(void)state;
	fixture_path(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_remove(path);
	return 0;
}

static int see(void *arg, enum record_table_id table, const void *row)
{
	struct seen *seen = arg;

	if (table == RECORD_TABLE_flow) {
		seen->flow++;
		seen->sum += ((const struct record_flow *)row)->src_lo & UINT32_MAX;
	} else {
		const struct record_coverage *coverage = row;

		assert_int_equal(table, RECORD_TABLE_coverage);
		assert_int_equal(coverage->drops.len, 8);
		assert_memory_equal(coverage->drops.data, "not-ip=2", 8);
		seen->coverage++;
	}
	return seen->stop_at && seen->flow == seen->stop_at ? -7 : ST_OK;
}

/* Writes a journal; gives its bytes (to free) and the offset between its two halves. */
static uint8_t *make(size_t *ret_len, uint64_t *ret_half)
{
	static struct record_flow rows[ROWS];
	struct record_coverage coverage = fixture_coverage(FIXTURE_TIME);
	char file[FIXTURE_PATH_MAX + 8];
	struct journal *journal = NULL;
	uint8_t *data = malloc(1 << 20);
	FILE *f;

	assert_non_null(data);
	(void)snprintf(file, sizeof(file), "%s/j", path);
	OK(journal_create(file, &journal, &err));
	for (uint32_t i = 0; i < ROWS; i++)
		rows[i] = fixture_flow(FIXTURE_TIME, i);
	OK(journal_append(journal, &record_tables[RECORD_TABLE_flow], rows, ROWS / 2, &err));
	OK(journal_append(journal, &record_tables[RECORD_TABLE_coverage], &coverage, 1, &err));
	*ret_half = journal_offset(journal);
	OK(journal_append(journal, &record_tables[RECORD_TABLE_flow], rows + ROWS / 2, ROWS / 2,
	    &err));
	OK(journal_append(journal, &record_tables[RECORD_TABLE_flow], rows, 0, &err));
	OK(journal_sync(journal, &err));
	journal_close(journal);
	FAILS(-17, journal_create(file, &journal, &err)); /* never over an existing one */
	f = fopen(file, "rb");
	assert_non_null(f);
	*ret_len = fread(data, 1, 1 << 20, f);
	(void)fclose(f);
	return data;
}

static void rows_come_back(void **state)
{
	struct seen seen = {0};
	uint64_t half = 0;
	uint64_t end = 0;
	size_t len = 0;
	uint8_t *data = make(&len, &half);

	(void)state;
	assert_int_equal(journal_read(data, len, JOURNAL_HEADER_SIZE, see, &seen, &end), ST_OK);
	assert_int_equal(end, len);
	assert_int_equal(seen.flow, ROWS);
	assert_int_equal(seen.coverage, 1);
	assert_int_equal(seen.sum, (uint64_t)ROWS * (ROWS - 1) / 2);
	seen = (struct seen){0};
	assert_int_equal(journal_read(data, len, half, see, &seen, &end), ST_OK);
	assert_int_equal(seen.flow, ROWS / 2);
	assert_int_equal(seen.coverage, 0);
	seen = (struct seen){.stop_at = 10};
	assert_int_equal(journal_read(data, len, half, see, &seen, &end), -7);
	seen = (struct seen){0};
	assert_int_equal(journal_read(data, len, len + 100, see, &seen, &end), ST_OK);
	assert_int_equal(seen.flow, 0);
	free(data);
}

static void a_torn_end_costs_only_itself(void **state)
{
	uint64_t half = 0;
	size_t len = 0;
	uint8_t *data = make(&len, &half);
	unsigned before = 0;

	(void)state;
	for (size_t cut = JOURNAL_HEADER_SIZE; cut <= len; cut += 997) {
		struct seen seen = {0};
		uint64_t end = 0;

		assert_int_equal(journal_read(data, cut, JOURNAL_HEADER_SIZE, see, &seen, &end),
		    ST_OK);
		assert_true(end <= cut);
		assert_true(seen.flow >= before);
		before = seen.flow;
		/* Sum of 0 … n-1: no row is wrong, none is missing in between. */
		assert_int_equal(seen.sum,
		    seen.flow ? (uint64_t)seen.flow * (seen.flow - 1) / 2 : 0);
	}
	for (size_t at = JOURNAL_HEADER_SIZE; at < len; at += 4999) {
		struct seen seen = {0};
		uint64_t end = 0;

		data[at] ^= 0x10;
		assert_int_equal(journal_read(data, len, JOURNAL_HEADER_SIZE, see, &seen, &end),
		    ST_OK);
		assert_true(end <= at && seen.flow < ROWS);
		data[at] ^= 0x10;
	}
	free(data);
}

static void other_files_are_refused(void **state)
{
	struct seen seen = {0};
	uint64_t half = 0;
	uint64_t end = 0;
	size_t len = 0;
	uint8_t *data = make(&len, &half);

	(void)state;
	assert_int_equal(journal_read(data, 15, JOURNAL_HEADER_SIZE, see, &seen, &end),
	    ST_MALFORMED);
	assert_int_equal(journal_read(data, len, 3, see, &seen, &end), ST_MALFORMED);
	data[12] = 0xff; /* schema version */
	assert_int_equal(journal_read(data, len, JOURNAL_HEADER_SIZE, see, &seen, &end),
	    ST_UNSUPPORTED);
	data[0] = 'x';
	assert_int_equal(journal_read(data, len, JOURNAL_HEADER_SIZE, see, &seen, &end),
	    ST_MALFORMED);
	assert_int_equal(seen.flow, 0);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_torn_end_costs_only_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(other_files_are_refused, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
