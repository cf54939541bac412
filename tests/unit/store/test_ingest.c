/* Rows in, rows out: days by zone, repeats, sensors, destinations, signatures. */
#include "fixture.h"

#include <pthread.h>

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

static void rows_come_back(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct record_flow row = fixture_flow(FIXTURE_TIME, 0xc0000201);
	struct record_coverage coverage = fixture_coverage(FIXTURE_TIME);
	struct store_ingest *ingest = fixture_begin(store);

	(void)state;
	row.src_hi = 0xfedcba9876543210ull;
	row.src_lo = 0xffffffffffffffffull;
	row.port = 65535;
	row.packets = 4000000000u;
	row.bytes = 1ull << 60;
	row.dst_bits = 0;
	row.syn_signature = 0xdeadbeef;
	row.victim_lo = 7;
	row.victim_proto = 17;
	row.first_second = 1;
	row.last_second = 59;
	row.marks = 9;
	OK(store_ingest_flow(ingest, &row, 1, &err));
	OK(store_ingest_coverage(ingest, &coverage, 1, &err));
	OK(store_ingest_commit(ingest, &err));
	fixture_expect(store,
	    "SELECT time, sensor, src_hi, src_lo, proto, port, class, tcp_flags, marks, packets, "
	    "bytes, dsts, dst_bits, first_second, last_second, ttl, syn_signature, country, asn, "
	    "victim_hi, victim_lo, victim_proto, date FROM flow",
	    "1790812800000000|1|18364758544493064720|18446744073709551615|6|65535|0|2|9|4000000000|"
	    "1152921504606846976|1|NULL|1|59|50|3735928559|CN|64500|0|7|17|20727\n");
	fixture_expect(store,
	    "SELECT time, \"end\", sensor, addresses, packets_read, packets_counted, "
	    "kernel_drops, clock_offset_us, drops FROM coverage",
	    "1790812800000000|1790812860000000|1|16|10|8|0|0|not-ip=2\n");
	store_close(store);
}

static void days_are_the_sites(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "Asia/Tokyo");
	struct record_flow rows[] = {
		fixture_flow(FIXTURE_TIME + 15 * 60 * CIVIL_US_PER_MINUTE, 1), /* 2nd */
		fixture_flow(FIXTURE_TIME + (15 * 60 - 1) * CIVIL_US_PER_MINUTE, 2),
		fixture_flow(FIXTURE_TIME - 9 * 60 * CIVIL_US_PER_MINUTE, 3), /* 1st */
		fixture_flow(FIXTURE_TIME - 9 * 60 * CIVIL_US_PER_MINUTE - 1, 4),
	};
	struct record_coverage coverage = fixture_coverage(FIXTURE_TIME);
	struct store_ingest *ingest = fixture_begin(store);
	int32_t first = 0;
	int32_t last = 0;

	(void)state;
	OK(store_ingest_flow(ingest, rows, 4, &err));
	OK(store_ingest_coverage(ingest, &coverage, 1, &err));
	OK(store_ingest_commit(ingest, &err));
	store_close(store);
	store = fixture_open(path, STORE_READ, "UTC"); /* the zone is the store's */
	assert_string_equal(zone_name(store_zone(store)), "Asia/Tokyo");
	fixture_expect(store, "SELECT date, src_lo & 255 FROM flow ORDER BY 1, 2",
	    "20726|4\n20727|2\n20727|3\n20728|1\n");
	fixture_expect(store, "SELECT date, count(*) FROM source_day GROUP BY 1 ORDER BY 1",
	    "20726|1\n20727|2\n20728|1\n");
	OK(store_days(store, &first, &last, &err));
	assert_int_equal(first, FIXTURE_DAY);
	assert_int_equal(last, FIXTURE_DAY);
	store_close(store);
}

static void many_rows_in_any_order(void **state)
{
	/* More than one segment of one date, several dates, and rows that jump between them. */
	enum { COUNT = 700000, CHUNK = 7001 };
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_ingest *ingest = fixture_begin(store);
	struct record_flow *rows = calloc(CHUNK, sizeof(*rows));
	struct store_stat_row stat[RECORD_TABLE_COUNT];
	size_t count = 0;

	(void)state;
	assert_non_null(rows);
	for (uint32_t done = 0; done < COUNT; done += CHUNK) {
		uint32_t n = COUNT - done < CHUNK ? COUNT - done : CHUNK;

		for (uint32_t i = 0; i < n; i++)
			rows[i] = fixture_flow(FIXTURE_TIME + (int64_t)((done + i) % 10 == 0)
			    * CIVIL_US_PER_DAY, done + i);
		OK(store_ingest_flow(ingest, rows, n, &err));
	}
	free(rows);
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), 0); /* not yet */
	OK(store_ingest_commit(ingest, &err));
	fixture_expect(store,
	    "SELECT date, count(*), count(DISTINCT src_lo), sum(src_lo & 4294967295) FROM flow "
	    "GROUP BY 1 ORDER BY 1",
	    "20727|630000|630000|220500000000\n20728|70000|70000|24499650000\n");
	OK(store_stat(store, stat, &count, &err));
	assert_int_equal(count, 1);
	assert_int_equal(stat[0].files, 3);
	assert_int_equal(stat[0].rows, COUNT);
	store_close(store);
}

static void strange_times_are_kept(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "Asia/Tokyo");
	struct record_flow rows[] = {
		fixture_flow(-CIVIL_US_PER_DAY, 1),
		fixture_flow(0, 2),
		fixture_flow(253402300799ll * 1000000, 3), /* end of the year 9999 */
	};

	(void)state;
	fixture_ingest(store, rows, 3);
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), 3);
	store_close(store);
}

static void a_repeat_is_refused(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_ingest_options options = {.sensor = 1, .name = "a.pcap",
		.sha256 = FIXTURE_SHA};
	struct record_flow row = fixture_flow(FIXTURE_TIME, 1);
	struct store_ingest *ingest = NULL;

	(void)state;
	OK(store_ingest_begin(store, &options, &ingest, &err));
	OK(store_ingest_flow(ingest, &row, 1, &err));
	store_ingest_abort(ingest); /* leaves nothing: the same file may come again */
	OK(store_ingest_begin(store, &options, &ingest, &err));
	OK(store_ingest_flow(ingest, &row, 1, &err));
	OK(store_ingest_commit(ingest, &err));
	FAILS(ST_EXISTS, store_ingest_begin(store, &options, &ingest, &err));
	options.sha256 = NULL; /* known only later */
	OK(store_ingest_begin(store, &options, &ingest, &err));
	OK(store_ingest_flow(ingest, &row, 1, &err));
	FAILS(ST_EXISTS, store_ingest_identify(ingest, FIXTURE_SHA, &err));
	FAILS(ST_USAGE, store_ingest_identify(ingest, "abc", &err));
	FAILS(ST_EXISTS, store_ingest_commit(ingest, &err));
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), 1);
	options.sha256 = FIXTURE_SHA;
	options.again = true;
	OK(store_ingest_begin(store, &options, &ingest, &err));
	OK(store_ingest_flow(ingest, &row, 1, &err));
	OK(store_ingest_commit(ingest, &err));
	options.again = false;
	options.sensor = 2; /* another sensor is another ingest */
	OK(store_ingest_begin(store, &options, &ingest, &err));
	OK(store_ingest_flow(ingest, &row, 1, &err));
	OK(store_ingest_commit(ingest, &err));
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), 3);
	store_close(store);
}

static void sensors_are_kept(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct record_sensor sensor = {.name = {"o'hara", 6}, .country = {'J', 'P'},
		.addresses = 16, .valid_from = FIXTURE_TIME};
	uint16_t id = 0;

	(void)state;
	OK(store_sensor_put(store, &sensor, &id, &err));
	assert_int_equal(id, 1);
	sensor = (struct record_sensor){.name = {"b", 1}, .kind = {"mixed", 5}};
	OK(store_sensor_put(store, &sensor, &id, &err));
	assert_int_equal(id, 2);
	sensor = (struct record_sensor){.name = {"o'hara", 6}, .tags = {"x,y", 3}};
	OK(store_sensor_put(store, &sensor, &id, &err));
	assert_int_equal(id, 1);
	sensor.name.len = 0;
	FAILS(ST_USAGE, store_sensor_put(store, &sensor, &id, &err));
	store_close(store);
	store = fixture_open(path, STORE_READ, NULL);
	fixture_expect(store, "SELECT sensor, name, country, kind, tags, addresses, "
	    "valid_from = '2026-10-01' FROM sensor ORDER BY 1",
	    "1|o'hara|JP|dark|x,y|16|1\n2|b|ZZ|mixed||0|0\n");
	FAILS(ST_USAGE, store_ingest_begin(store, &(struct store_ingest_options){.sensor = 1},
	    &(struct store_ingest *){NULL}, &err));
	store_close(store);
}

static void destinations_only_grow(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	const struct ip first[] = {{0, IP_V4_PREFIX | 1}, {UINT64_MAX, UINT64_MAX}};
	const struct ip more[] = {{9, 9}, {8, 8}, {7, 7}};
	struct ip *list = NULL;
	size_t count = 1;

	(void)state;
	OK(store_destinations_load(store, 1, &list, &count, &err));
	assert_int_equal(count, 0);
	free(list);
	OK(store_destinations_save(store, 1, first, 2, &err));
	OK(store_destinations_save(store, 1, more, 3, &err)); /* only the third is new */
	OK(store_destinations_save(store, 2, more, 1, &err));
	store_close(store);
	store = fixture_open(path, STORE_WRITE, NULL);
	OK(store_destinations_load(store, 1, &list, &count, &err));
	assert_int_equal(count, 3);
	assert_true(ip_equal(list[0], first[0]));
	assert_true(ip_equal(list[1], first[1]));
	assert_true(ip_equal(list[2], more[2]));
	free(list);
	OK(store_signatures_put(store,
	    &(struct store_signature){0xfffffff0u, "4:64:0:*:1024,0::"}, 1, &err));
	OK(store_signatures_put(store, &(struct store_signature){0xfffffff0u, "never twice"}, 1,
	    &err));
	fixture_expect(store, "SELECT id, text FROM signature", "4294967280|4:64:0:*:1024,0::\n");
	store_close(store);
}

static void one_writer_many_readers(void **state)
{
	struct store *writer = fixture_open(path, STORE_WRITE, "UTC");
	struct store *reader = fixture_open(path, STORE_READ, NULL);
	const struct store_options options = {.path = path, .mode = STORE_WRITE};
	struct record_flow row = fixture_flow(FIXTURE_TIME, 1);
	struct store *second = NULL;
	struct err problem = {0};
	char pid[32];
	int32_t day;

	(void)state;
	assert_int_equal(store_open(&options, &second, &problem), ST_EXISTS);
	(void)snprintf(pid, sizeof(pid), "process %ld;", (long)getpid());
	assert_non_null(strstr(problem.text, pid));
	FAILS(ST_NOT_FOUND, store_days(reader, &day, &day, &err));
	assert_int_equal(fixture_int(reader, "SELECT count(*) FROM flow"), 0);
	fixture_ingest(writer, &row, 1);
	assert_int_equal(fixture_int(reader, "SELECT count(*) FROM flow"), 1);
	store_close(writer);
	assert_int_equal(fixture_int(reader, "SELECT count(*) FROM flow"), 1);
	store_close(reader);
}

static void run_shell(const char *format)
{
	char command[4 * FIXTURE_PATH_MAX];

	(void)snprintf(command, sizeof(command), format, path, path, path);
	assert_int_equal(system(command), 0);
}

static void reading_writes_nothing(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct record_flow row = fixture_flow(FIXTURE_TIME, 1);

	(void)state;
	fixture_ingest(store, &row, 1);
	store_close(store);
	for (int round = 0; round < 2; round++) {
		run_shell("cd '%s' && find . -type f -exec sha256sum {} + | sort > '%s.before'");
		store = fixture_open(path, STORE_READ, NULL);
		assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), 1);
		store_close(store);
		run_shell("cd '%s' && find . -type f -exec sha256sum {} + | sort "
		    "| cmp - '%s.before' && rm '%s.before'");
		/* The second time as after copying a store without SQLite's side files. */
		run_shell("rm -f '%s'/catalogue.db-wal '%s'/catalogue.db-shm");
	}
}

static void newer_and_foreign_stores_are_refused(void **state)
{
	const struct store_options options = {.path = path, .mode = STORE_READ};
	const struct store_options writing = {.path = path, .mode = STORE_WRITE,
		.timezone = "Mars/Olympus"};
	struct store *store = NULL;
	struct err problem = {0};

	(void)state;
	FAILS(ST_NOT_FOUND, store_open(&options, &store, &err)); /* a folder, but no store */
	FAILS(ST_NOT_FOUND, store_open(&writing, &store, &err)); /* no such zone */
	store_close(fixture_open(path, STORE_WRITE, "UTC"));
	run_shell("python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
	    "c.execute(\"UPDATE meta SET value = 99 WHERE key = \\\"schema\\\"\"); c.commit()' "
	    "'%s/catalogue.db'");
	assert_int_equal(store_open(&options, &store, &problem), ST_UNSUPPORTED);
	assert_non_null(strstr(problem.text, "newer"));
	run_shell("echo 'this is no database at all, whatever its name says' > '%s/catalogue.db'; "
	    "rm -f '%s'/catalogue.db-*");
	FAILS(ST_ENGINE, store_open(&options, &store, &err));
}

static void older_segments_are_filled(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct record_flow row = fixture_flow(FIXTURE_TIME, 1);

	(void)state;
	fixture_ingest(store, &row, 1);
	store_close(store);
	/* Version 0 had no column at all: everything is filled with zeros. */
	run_shell("python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
	    "c.execute(\"UPDATE segment SET schema = 0\"); c.commit()' '%s/catalogue.db'");
	store = fixture_open(path, STORE_WRITE, NULL);
	fixture_ingest(store, &row, 1);
	fixture_expect(store, "SELECT time, port, country, dst_bits, date FROM flow ORDER BY 1",
	    "0|0||NULL|20727\n1790812800000000|23|CN|1|20727\n");
	store_close(store);
}

#define SIDE_ROWS 700000u /* more than one segment has */

static void *put_flows(void *arg)
{
	struct store_ingest *ingest = arg;
	struct record_flow rows[100];
	struct err e;

	for (uint32_t i = 0; i < SIDE_ROWS / 100; i++) {
		for (uint32_t k = 0; k < 100; k++) {
			rows[k] = fixture_flow(FIXTURE_TIME, k);
			rows[k].packets = i + 1;
		}
		if (store_ingest_flow(ingest, rows, 100, &e))
			return arg;
	}
	return NULL;
}

/* Nothing is lost or counted twice when two threads put rows into one ingest. */
static void rows_come_from_two_threads(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");

	(void)state;
	for (unsigned journal = 0; journal < 2; journal++) {
		struct store_ingest_options options = {.sensor = 1, .name = "two", .journal = journal};
		struct record_login login = {.time = FIXTURE_TIME, .sensor = 1, .dport = 23};
		struct store_ingest *ingest;
		void *failed = NULL;
		pthread_t side;

		OK(store_ingest_begin(store, &options, &ingest, &err));
		assert_int_equal(pthread_create(&side, NULL, put_flows, ingest), 0);
		for (uint32_t i = 0; i < SIDE_ROWS / 10; i++) {
			login.session = i + 1;
			OK(store_ingest_rows(ingest, RECORD_TABLE_login, &login, 1, &err));
		}
		assert_int_equal(pthread_join(side, &failed), 0);
		assert_null(failed);
		OK(store_ingest_commit(ingest, &err));
	}
	fixture_expect(store, "SELECT count(), sum(packets) FROM flow", "1400000|4900700000\n");
	fixture_expect(store, "SELECT count(), count(DISTINCT session), sum(session) FROM login",
	    "140000|70000|4900070000\n");
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(days_are_the_sites, setup, teardown),
		cmocka_unit_test_setup_teardown(many_rows_in_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_come_from_two_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(strange_times_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(a_repeat_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(sensors_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(destinations_only_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(one_writer_many_readers, setup, teardown),
		cmocka_unit_test_setup_teardown(reading_writes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(newer_and_foreign_stores_are_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(older_segments_are_filled, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
