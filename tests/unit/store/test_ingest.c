/* Rows in, rows out: days by zone, repeats, sensors, destinations, signatures. */
#include "fixture.h"

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
		fixture_flow(FIXTURE_TIME + 15 * 60 * CIVIL_US_PER_MINUTE, 1), /* 00:00 on the 2nd */
		fixture_flow(FIXTURE_TIME + (15 * 60 - 1) * CIVIL_US_PER_MINUTE, 2),
		fixture_flow(FIXTURE_TIME - 9 * 60 * CIVIL_US_PER_MINUTE, 3), /* 00:00 on the 1st */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(days_are_the_sites, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
