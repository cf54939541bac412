/* Compaction, rollups either way, retention, verification, damage. */
#include "fixture.h"

#include <fcntl.h>

#define ROWS 3000
#define GRACE (600 * CIVIL_US_PER_SECOND)
#define NOW (FIXTURE_TIME + 30 * CIVIL_US_PER_DAY)

static char path[FIXTURE_PATH_MAX];

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

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Rows of three days with every class, IPv6, marks, wide sensors and several sensors. */
static void make_rows(struct record_flow rows[ROWS], uint32_t seed)
{
	static const uint16_t ports[] = {23, 80, 445, 22, 8080};

	for (size_t i = 0; i < ROWS; i++) {
		struct record_flow *row = &rows[i];

		*row = fixture_flow(FIXTURE_TIME + (int64_t)(next(&seed) % (3 * 1440))
		    * CIVIL_US_PER_MINUTE, 0x0a000000u + next(&seed) % 50);
		row->sensor = (uint16_t)(1 + next(&seed) % 2);
		row->port = ports[next(&seed) % 5];
		row->class = (uint8_t)(next(&seed) % 4);
		row->marks = (uint16_t)(next(&seed) % 16);
		row->packets = 1 + next(&seed) % 9;
		row->bytes = row->packets * 40;
		row->dst_bits = next(&seed) % 40 == 0 ? 0 : 1ull << (next(&seed) % 64);
		row->dsts = row->dst_bits ? 1 : 70;
		if (next(&seed) % 7 == 0) {
			row->src_hi = 0x20010db800000000ull;
			row->src_lo = next(&seed) % 3;
		}
		if (row->class == RECORD_CLASS_BACKSCATTER) {
			row->victim_lo = row->src_lo;
			row->victim_hi = row->src_hi;
			row->victim_proto = next(&seed) % 2 ? 17 : 1;
		}
	}
}

static struct store_compact_stats compact(struct store *store, int32_t before, bool dirty_only,
    int64_t now)
{
	const struct store_compact_options options = {.before_day = before,
		.dirty_only = dirty_only, .now_us = now, .grace_us = GRACE};
	struct store_compact_stats stats = {0};

	OK(store_compact(store, &options, &stats, &err));
	return stats;
}

static const char *const rollup_queries[] = {
	"SELECT * FROM port_quarter ORDER BY ALL",
	"SELECT * FROM source_day ORDER BY ALL",
	"SELECT * FROM country_day ORDER BY ALL",
	"SELECT * FROM victim_day ORDER BY ALL",
	"SELECT * FROM port_day ORDER BY ALL",
	"SELECT * FROM origin_day ORDER BY ALL",
	"SELECT * FROM role ORDER BY ALL",
	"SELECT * FROM role_day ORDER BY ALL",
	"SELECT * FROM attack ORDER BY ALL",
	"SELECT * FROM flow ORDER BY ALL",
};
#define ROLLUP_QUERIES 10

static void rollups_agree_either_way(void **state)
{
	static struct record_flow rows[ROWS];
	struct store *store = fixture_open(path, STORE_WRITE, "Asia/Tokyo");
	struct store_compact_stats stats;
	char *dirty[ROLLUP_QUERIES];

	(void)state;
	for (uint32_t seed = 0; seed < 3; seed++) {
		make_rows(rows, seed);
		fixture_ingest(store, rows, ROWS);
	}
	for (size_t i = 0; i < ROLLUP_QUERIES; i++) {
		dirty[i] = fixture_text(store, rollup_queries[i]);
		assert_true(strlen(dirty[i]) > 1000);
	}
	/* Some dates clean, then all, then dirty again with one more row and without. */
	stats = compact(store, FIXTURE_DAY + 2, true, NOW);
	assert_int_equal(stats.dates, 2);
	assert_int_equal(stats.files_before, 6);
	assert_int_equal(stats.files_after, 20); /* ten tables, no coverage */
	for (size_t i = 0; i < ROLLUP_QUERIES; i++)
		fixture_expect(store, rollup_queries[i], dirty[i]);
	stats = compact(store, INT32_MAX, true, NOW);
	assert_int_equal(stats.dates, 2); /* three days of UTC are four of Tokyo */
	for (size_t i = 0; i < ROLLUP_QUERIES; i++)
		fixture_expect(store, rollup_queries[i], dirty[i]);
	assert_int_equal(compact(store, INT32_MAX, true, NOW).dates, 0);
	assert_int_equal(compact(store, INT32_MAX, false, NOW).dates, 4);
	for (size_t i = 0; i < ROLLUP_QUERIES; i++) {
		fixture_expect(store, rollup_queries[i], dirty[i]);
		free(dirty[i]);
	}
	store_close(store);
}

static void rollups_are_right(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct record_flow rows[6];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		rows[i] = fixture_flow(FIXTURE_TIME + (int64_t)i * 5 * CIVIL_US_PER_MINUTE, 7);
	rows[1].dst_bits = 2;
	rows[2].marks = RECORD_MARK_MIRAI;
	rows[3].port = 80;
	rows[4].class = RECORD_CLASS_FOLLOWUP; /* in no rollup but port_quarter */
	rows[5].class = RECORD_CLASS_BACKSCATTER;
	rows[5].proto = 1;
	rows[5].victim_proto = 17;
	rows[5].victim_lo = 9;
	rows[5].port = 53;
	rows[5].packets = 5;
	fixture_ingest(store, rows, 6);
	for (int round = 0; round < 2; round++) {
		fixture_expect(store,
		    "SELECT date, sensor, src_lo & 255, packets, ports, dst_bits, dsts, marks, "
		    "country, asn FROM source_day",
		    "20727|1|7|4|2|3|2|1|CN|64500\n");
		fixture_expect(store,
		    "SELECT date, country, proto, port, mirai, packets FROM country_day "
		    "ORDER BY ALL",
		    "20727|CN|6|23|0|2\n20727|CN|6|23|1|1\n20727|CN|6|80|0|1\n");
		fixture_expect(store,
		    "SELECT victim_hi, victim_lo, country, asn, proto, port, packets "
		    "FROM victim_day",
		    "0|9|CN|64500|17|53|5\n");
		fixture_expect(store, "SELECT * FROM port_day ORDER BY ALL",
		    "20727|0|6|23|3|1\n20727|0|6|80|1|1\n20727|1|6|23|3|1\n20727|1|6|80|1|1\n");
		fixture_expect(store, "SELECT * FROM origin_day ORDER BY ALL",
		    "20727|0|CN|0|4|1\n20727|0|CN|1|1|1\n20727|1|CN|0|4|1\n20727|1|CN|1|1|1\n");
		fixture_expect(store,
		    "SELECT date, minute(time), proto, port, class, marks, packets, bytes "
		    "FROM port_quarter ORDER BY ALL",
		    "20727|0|6|23|0|0|2|80\n20727|0|6|23|0|1|1|40\n20727|15|6|23|1|0|1|40\n"
		    "20727|15|6|80|0|0|1|40\n20727|15|17|53|2|0|5|40\n");
		(void)compact(store, INT32_MAX, true, NOW);
	}
	store_close(store);
}

static unsigned count_files(void)
{
	char command[FIXTURE_PATH_MAX + 64];
	unsigned count = 0;
	FILE *pipe;

	(void)snprintf(command, sizeof(command), "find '%s' -name '*.parquet' | wc -l", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%u", &count), 1);
	(void)pclose(pipe);
	return count;
}

static void superseded_files_go_after_grace(void **state)
{
	static struct record_flow rows[ROWS];
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");

	(void)state;
	make_rows(rows, 1);
	fixture_ingest(store, rows, ROWS);
	fixture_ingest(store, rows, ROWS);
	assert_int_equal(count_files(), 6);
	assert_int_equal(compact(store, INT32_MAX, true, NOW).files_deleted, 0);
	assert_int_equal(count_files(), 6 + 30);
	assert_int_equal(compact(store, INT32_MAX, true, NOW + GRACE - 1).files_deleted, 0);
	assert_int_equal(compact(store, INT32_MAX, true, NOW + GRACE).files_deleted, 6);
	assert_int_equal(count_files(), 30);
	store_close(store);
	store = fixture_open(path, STORE_WRITE, NULL); /* opening sweeps nothing that is listed */
	assert_int_equal(count_files(), 30);
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), 2 * ROWS);
	store_close(store);
}

static void late_rows_make_dirty(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct record_flow row = fixture_flow(FIXTURE_TIME, 1);
	struct store_stat_row stat[RECORD_TABLE_COUNT];
	size_t count = 0;

	(void)state;
	fixture_ingest(store, &row, 1);
	(void)compact(store, INT32_MAX, true, NOW);
	OK(store_stat(store, stat, &count, &err));
	assert_int_equal(count, 7); /* flow, five rollups (no backscatter), roles */
	assert_int_equal(stat[0].dates_dirty, 0);
	row.packets = 10;
	fixture_ingest(store, &row, 1);
	OK(store_stat(store, stat, &count, &err));
	assert_int_equal(stat[0].dates_dirty, 1);
	assert_int_equal(fixture_int(store, "SELECT sum(packets) FROM source_day"), 11);
	assert_int_equal(fixture_int(store, "SELECT sum(packets) FROM country_day"), 11);
	assert_int_equal(fixture_int(store, "SELECT sum(packets) FROM port_quarter"), 11);
	(void)compact(store, INT32_MAX, true, NOW);
	assert_int_equal(fixture_int(store, "SELECT sum(packets) FROM source_day"), 11);
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM source_day"), 1);
	store_close(store);
}

struct lines {
	unsigned count;
	char last[1024];
	char all[8192];
};

static void keep_line(void *arg, const char *line)
{
	struct lines *lines = arg;

	lines->count++;
	(void)snprintf(lines->last, sizeof(lines->last), "%s", line);
	(void)snprintf(lines->all + strlen(lines->all), sizeof(lines->all) - strlen(lines->all),
	    "%s\n", line);
}

static void retention_keeps_rollups(void **state)
{
	static struct record_flow rows[ROWS];
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_prune_options options = {.flow_before = FIXTURE_DAY + 1,
		.all_before = INT32_MIN, .now_us = NOW, .dry_run = true};
	struct record_flow late = fixture_flow(FIXTURE_TIME, 1);
	struct lines lines = {0};
	char *before;
	int64_t packets;

	(void)state;
	make_rows(rows, 5);
	fixture_ingest(store, rows, ROWS);
	before = fixture_text(store, rollup_queries[1]);
	packets = fixture_int(store, "SELECT sum(packets) FROM port_quarter");
	OK(store_prune(store, &options, keep_line, &lines, &err));
	assert_int_equal(lines.count, 1);
	assert_non_null(strstr(lines.last, "would remove"));
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), ROWS);
	options.dry_run = false;
	lines = (struct lines){0};
	OK(store_prune(store, &options, keep_line, &lines, &err));
	assert_int_equal(fixture_int(store,
	    "SELECT count(*) FROM flow WHERE date = '2026-10-01'"), 0);
	fixture_expect(store, rollup_queries[1], before);
	free(before);
	/* Late rows on a date without flow add to its rollups, dirty, clean and late again. */
	for (int64_t n = 1; n <= 3; n++) {
		fixture_ingest(store, &late, 1);
		assert_int_equal(fixture_int(store, "SELECT sum(packets) FROM port_quarter"),
		    packets + n);
		if (n == 2)
			continue;
		(void)compact(store, INT32_MAX, true, NOW);
		assert_int_equal(fixture_int(store, "SELECT sum(packets) FROM port_quarter"),
		    packets + n);
		assert_int_equal(fixture_int(store,
		    "SELECT count(*) FROM flow WHERE date = '2026-10-01'"), 0);
	}
	options.all_before = FIXTURE_DAY + 2;
	OK(store_prune(store, &options, keep_line, &lines, &err));
	fixture_expect(store, "SELECT DISTINCT date FROM source_day", "20729\n");
	fixture_expect(store, "SELECT DISTINCT date FROM flow", "20729\n");
	/* A watermark nothing can reach drops all flow, keeps rollups, and ends. */
	options.watermark = 1e-9;
	options.watermark_before = 20729; /* but not from that date on */
	OK(store_prune(store, &options, keep_line, &lines, &err));
	fixture_expect(store, "SELECT DISTINCT date FROM flow", "20729\n");
	options.watermark_before = 0;
	OK(store_prune(store, &options, keep_line, &lines, &err));
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), 0);
	fixture_expect(store, "SELECT DISTINCT date FROM source_day", "20729\n");
	lines = (struct lines){0};
	assert_int_equal(store_verify(store, keep_line, &lines, NULL), 0);
	store_close(store);
}

static void any_file(char found[512])
{
	char command[FIXTURE_PATH_MAX + 80];
	FILE *pipe;

	(void)snprintf(command, sizeof(command),
	    "find '%s/flow' -name '*.parquet' | sort | head -n 1", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(found, 512, pipe));
	found[strcspn(found, "\n")] = '\0';
	(void)pclose(pipe);
}

static void damage_is_named(void **state)
{
	static struct record_flow rows[ROWS];
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_result *result = NULL;
	struct lines lines = {0};
	struct err err = {0};
	char file[512];
	char stray[600];
	int fd;

	(void)state;
	make_rows(rows, 5);
	fixture_ingest(store, rows, ROWS);
	(void)compact(store, INT32_MAX, true, NOW);
	(void)compact(store, INT32_MAX, true, NOW + GRACE);
	assert_int_equal(store_verify(store, keep_line, &lines, &err), 0);
	any_file(file);
	(void)snprintf(stray, sizeof(stray), "%s", file);
	(void)snprintf(strrchr(stray, '/'), 16, "/x.parquet");
	fd = open(stray, O_WRONLY | O_CREAT, 0666);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(store_verify(store, keep_line, &lines, &err), 1);
	assert_non_null(strstr(lines.last, stray));
	/* Bytes here and there, then the end cut off, then no file. */
	fd = open(file, O_RDWR);
	assert_true(fd >= 0);
	for (off_t at = 100, end = lseek(fd, 0, SEEK_END); at + 16 <= end; at += end / 20) {
		uint8_t old[16];
		uint8_t bad[16];

		assert_int_equal(pread(fd, old, 16, at), 16);
		for (size_t i = 0; i < 16; i++)
			bad[i] = old[i] ^ 0x5a;
		assert_int_equal(pwrite(fd, bad, 16, at), 16);
		if (store_sql(store, "SELECT sum(hash(t)) FROM flow AS t", &result, &err) < 0)
			assert_non_null(strstr(err.text, file));
		store_result_free(result);
		result = NULL;
		if (at == 100) {
			lines = (struct lines){0};
			assert_int_equal(store_verify(store, keep_line, &lines, &err), 2);
			assert_non_null(strstr(lines.all, "checksum"));
		}
		assert_int_equal(pwrite(fd, old, 16, at), 16);
	}
	assert_int_equal(ftruncate(fd, 300), 0);
	(void)close(fd);
	assert_int_equal(store_verify(store, keep_line, &lines, &err), 2);
	assert_true(store_sql(store, "SELECT sum(port) FROM flow", &result, &err) < 0);
	assert_non_null(strstr(err.text, file));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(store_verify(store, keep_line, &lines, &err), 2);
	assert_true(store_sql(store, "SELECT sum(port) FROM flow", &result, &err) < 0);
	assert_non_null(strstr(err.text, file));
	store_close(store);
}

static void a_wrong_rollup_is_found(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct record_flow row = fixture_flow(FIXTURE_TIME, 1);
	struct lines lines = {0};
	char command[2 * FIXTURE_PATH_MAX];

	(void)state;
	fixture_ingest(store, &row, 1);
	(void)compact(store, INT32_MAX, true, NOW);
	row.packets = 10;
	fixture_ingest(store, &row, 1);
	store_close(store);
	/* As if compaction had forgotten the second row. */
	(void)snprintf(command, sizeof(command),
	    "python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
	    "c.execute(\"UPDATE date SET dirty = 0\"); c.commit()' '%s/catalogue.db'", path);
	assert_int_equal(system(command), 0);
	store = fixture_open(path, STORE_READ, NULL);
	assert_int_equal(store_verify(store, keep_line, &lines, NULL), 6); /* and the roles */
	assert_non_null(strstr(lines.all, "disagrees with flow"));
	store_close(store);
}

/* Rollups of one sensor are counted in C, those of several by SQL: verification compares with SQL. */
static void check_counts(unsigned sensors, bool six, bool networks, bool moves)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	static struct record_flow rows[4000];
	static const char countries[][2] = {{0, 0}, {'C', 'N'}, {'J', 'P'}, {'Z', 'Z'}};
	static const uint8_t protocols[] = {1, 6, 17, 47};
	struct lines lines = {0};
	uint32_t x = 1;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record_flow *row = &rows[i];

		x = x * 1664525 + 1013904223;
		*row = fixture_flow(FIXTURE_TIME + (x >> 8) % 1440 * CIVIL_US_PER_MINUTE,
		    (x >> 20) % 97);
		row->sensor = (uint16_t)(1 + (x >> 9) % sensors);
		row->proto = protocols[(x >> 11) % 4];
		row->port = (uint16_t)((x >> 13) % 50 * 1300);
		row->class = (x >> 15) % 10 == 0 ? (x >> 19) % 4 : RECORD_CLASS_REQUEST;
		row->marks = (x >> 21) % 16;
		row->packets = 1 + (x >> 17) % 5;
		row->dst_bits = networks && (x >> 14) % 7 == 0 ? 0 : 1ull << (x >> 16) % 64;
		row->dsts = row->dst_bits ? 1 : 2 + (x >> 12) % 90;
		memcpy(row->country, countries[(x >> 20) % 97 % 4 ^ (moves && (x >> 25) % 16 == 0)],
		    2);
		row->asn = (x >> 20) % 97 + (x >> 24) % 2;
		if (six && i % 3 == 0) {
			row->src_hi = 0x20010db8ull << 32 | (x >> 18) % 5;
			row->src_lo = (x >> 22) % 9;
		}
		if (row->class == RECORD_CLASS_BACKSCATTER) {
			row->victim_hi = row->src_hi;
			row->victim_lo = row->src_lo + (x >> 26) % 2;
			row->victim_proto = 6;
		}
	}
	fixture_ingest(store, rows, sizeof(rows) / sizeof(rows[0]));
	(void)compact(store, INT32_MAX, true, NOW);
	OK(store_verify(store, keep_line, &lines, &err));
	assert_string_equal(lines.all, "");
	assert_true(fixture_int(store, "SELECT count(*) FROM port_day WHERE sensor > 0") > 150);
	store_close(store);
}

static void counts_of_one_sensor(void **state)
{
	(void)state;
	check_counts(1, false, false, false);
}

static void counts_with_networks(void **state)
{
	(void)state;
	check_counts(1, false, true, true);
}

static void counts_with_ipv6(void **state)
{
	(void)state;
	check_counts(1, true, true, true);
}

static void counts_of_sensors(void **state)
{
	(void)state;
	check_counts(2, true, true, true);
}

static void in_catalogue(const char *statement)
{
	char command[2 * FIXTURE_PATH_MAX + 256];

	(void)snprintf(command, sizeof(command),
	    "python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
	    "c.execute(sys.argv[2]); c.commit()' '%s/catalogue.db' \"%s\"", path, statement);
	assert_int_equal(system(command), 0);
}

static void a_rollup_that_came_later_is_computed(void **state)
{
	static struct record_flow rows[ROWS];
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	char *all[ROLLUP_QUERIES];

	(void)state;
	make_rows(rows, 1);
	fixture_ingest(store, rows, ROWS);
	(void)compact(store, INT32_MAX, true, NOW);
	for (size_t i = 0; i < ROLLUP_QUERIES; i++)
		all[i] = fixture_text(store, rollup_queries[i]);
	store_close(store);
	/* No file, but compaction knew the rollup: there were no rows for it. */
	in_catalogue("DELETE FROM segment WHERE tbl IN ('port_day', 'origin_day')");
	store = fixture_open(path, STORE_READ, NULL);
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM port_day"), 0);
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM origin_day"), 0);
	store_close(store);
	/* Compacted before there was the rollup, one of the dates with a file of it again. */
	in_catalogue("UPDATE segment SET ingest = 0 WHERE tbl = 'port_quarter'");
	store = fixture_open(path, STORE_WRITE, NULL);
	for (size_t i = 0; i < ROLLUP_QUERIES; i++)
		fixture_expect(store, rollup_queries[i], all[i]);
	assert_int_equal(compact(store, FIXTURE_DAY + 1, false, NOW).dates, 1);
	for (size_t i = 0; i < ROLLUP_QUERIES; i++)
		fixture_expect(store, rollup_queries[i], all[i]);
	(void)compact(store, INT32_MAX, false, NOW);
	for (size_t i = 0; i < ROLLUP_QUERIES; i++) {
		fixture_expect(store, rollup_queries[i], all[i]);
		free(all[i]);
	}
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rollups_agree_either_way, setup, teardown),
		cmocka_unit_test_setup_teardown(rollups_are_right, setup, teardown),
		cmocka_unit_test_setup_teardown(superseded_files_go_after_grace, setup, teardown),
		cmocka_unit_test_setup_teardown(late_rows_make_dirty, setup, teardown),
		cmocka_unit_test_setup_teardown(retention_keeps_rollups, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_rollup_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_of_one_sensor, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_with_networks, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_with_ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_of_sensors, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rollup_that_came_later_is_computed, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
