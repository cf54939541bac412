/* Scans from samples made by hand: thresholds at their edges, silences, slow ones, shapes. */
#include "detect/scan.h"
#include "detect/scan_group.h"

#include "base/civil.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define START (20000 * CIVIL_US_PER_DAY)
#define HOUR (60 * CIVIL_US_PER_MINUTE)

static const struct scan_settings settings = {
	.packets = 4,
	.ports = 10,
	.rate = 100,
	.gap_max_us = 7 * CIVIL_US_PER_DAY,
	.slow_us = 30 * CIVIL_US_PER_MINUTE,
};

static struct scans *scans;

static void begin(uint64_t addresses)
{
	struct scan_rule rule = scan_rule_of(&settings, addresses);

	assert_int_equal(scans_new(&rule, &scans), ST_OK);
}

static void ask(uint32_t source, uint16_t port, uint16_t sensor, unsigned address, int64_t at_us)
{
	struct scan_sample sample = {
		.source = ip_from_v4(source),
		.proto = 6,
		.port = port,
		.ports = 1,
		.sensor = sensor,
		.first_us = at_us,
		.last_us = at_us,
		.packets = 1,
		.dst_bits = 1ull << address,
		.dsts = 1,
		.has_bits = true,
	};

	assert_int_equal(scans_add(scans, &sample), ST_OK);
}

static const struct scan *finish(size_t count)
{
	size_t found;
	const struct scan *list;

	assert_int_equal(scans_finish(scans), ST_OK);
	list = scans_list(scans, &found);
	assert_int_equal(found, count);
	return list;
}

static void test_rule_follows_the_addresses(void **state)
{
	struct scan_rule rule;

	(void)state;
	/* Merit's network: 624 s chosen there for 100 packets a second (0.1 % wrong splits). */
	rule = scan_rule_of(&settings, 475136);
	assert_in_range(rule.gap_us / CIVIL_US_PER_SECOND, 550, 575);
	assert_int_equal(rule.bucket_us, CIVIL_US_PER_MINUTE);
	assert_int_equal(rule.destinations, 10);
	/* Never below Durumeric's 480 s. */
	rule = scan_rule_of(&settings, 1 << 24);
	assert_int_equal(rule.gap_us, 480 * CIVIL_US_PER_SECOND);
	rule = scan_rule_of(&settings, SCAN_DAY_ADDRESSES);
	assert_true(rule.bucket_us < CIVIL_US_PER_DAY && rule.bucket_us * 4 <= rule.gap_us);
	rule = scan_rule_of(&settings, SCAN_DAY_ADDRESSES - 1);
	assert_int_equal(rule.bucket_us, CIVIL_US_PER_DAY);
	assert_int_equal(rule.gap_us, CIVIL_US_PER_DAY);
	assert_int_equal(rule.destinations, 4);
	rule = scan_rule_of(&settings, 64);
	assert_int_equal(rule.gap_us, 7 * CIVIL_US_PER_DAY);
	assert_int_equal(scan_rule_of(&settings, 2).destinations, 2);
	assert_int_equal(scan_rule_of(&settings, 0).destinations, 1);
	for (uint64_t n = 1; n < 1 << 22; n *= 3) {
		rule = scan_rule_of(&settings, n);
		assert_true(rule.bucket_us <= rule.gap_us);
		assert_int_equal(CIVIL_US_PER_DAY % rule.bucket_us, 0);
	}
}

static void test_thresholds(void **state)
{
	const struct scan *list;

	(void)state;
	begin(64);
	for (unsigned i = 0; i < 4; i++)
		ask(1, 23, 1, i, START + i);
	for (unsigned i = 0; i < 9; i++) /* three addresses only */
		ask(2, 23, 1, i % 3, START + i);
	for (unsigned i = 0; i < 3; i++) /* three packets only */
		ask(3, 23, 1, i, START + i);
	for (unsigned i = 0; i < 4; i++) /* no port has enough */
		ask(4, (uint16_t)(23 + i % 2), 1, i, START + i);
	list = finish(1);
	assert_int_equal(ip_v4(list->source), 1);
	assert_int_equal(list->shape, SCAN_HORIZONTAL);
	assert_int_equal(list->proto, 6);
	assert_int_equal(list->port, 23);
	assert_int_equal(list->packets, 4);
	assert_int_equal(list->destinations, 4);
	assert_int_equal(list->sensors, 1);
	assert_int_equal(list->ports, 1);
	assert_false(list->slow);
	assert_int_equal(list->destinations_most, 4);
	scans_free(scans);
}

static void test_same_index_at_two_sensors_is_two_addresses(void **state)
{
	(void)state;
	begin(64);
	for (unsigned i = 0; i < 4; i++)
		ask(1, 23, (uint16_t)(1 + i / 2), i % 2, START + i);
	assert_int_equal(finish(1)->destinations, 4);
	assert_int_equal(scans_list(scans, &(size_t){0})->sensors, 2);
	scans_free(scans);
}

/* One packet every eight hours to one address each, for 22 days. */
static void test_slow_scan_is_one_event(void **state)
{
	const struct scan *list;

	(void)state;
	begin(64);
	for (unsigned i = 0; i < 66; i++)
		ask(7, 3389, (uint16_t)(1 + i % 4), i / 4 % 16, START + i * 8 * HOUR);
	list = finish(1);
	assert_true(list->slow);
	assert_int_equal(list->packets, 66);
	assert_int_equal(list->sensors, 4);
	assert_int_equal(list->destinations, 64);
	assert_int_equal(list->start_us, START);
	assert_int_equal(list->end_us, START + 65 * 8 * HOUR);
	scans_free(scans);
}

static void test_silence_ends_a_scan(void **state)
{
	int64_t gap = scan_rule_of(&settings, 1024).gap_us;
	const struct scan *list;

	(void)state;
	begin(1024);
	for (unsigned i = 0; i < 4; i++)
		ask(1, 23, 1, i, START + i);
	for (unsigned i = 0; i < 5; i++) /* exactly as long as allowed */
		ask(1, 23, 1, 10 + i, START + 3 + gap + i);
	for (unsigned i = 0; i < 6; i++) /* a microsecond more */
		ask(1, 23, 1, 20 + i, START + 7 + gap + gap + 1 + i);
	list = finish(2);
	assert_int_equal(list[0].packets, 9);
	assert_int_equal(list[1].packets, 6);
	assert_true(list[0].end_us < list[1].start_us);
	scans_free(scans);
}

static void test_shapes(void **state)
{
	const struct scan *list;

	(void)state;
	begin(64);
	for (unsigned i = 0; i < 11; i++) /* eleven ports of one address */
		ask(1, (uint16_t)(100 + i), 1, 5, START + i);
	for (unsigned i = 0; i < 12; i++) /* twelve ports of twelve */
		ask(2, (uint16_t)(100 + i), 1, i, START + i);
	for (unsigned i = 0; i < 50; i++) /* ten ports of five: each by itself */
		ask(3, (uint16_t)(100 + i % 10), 1, i / 10, START + i);
	list = finish(12);
	assert_int_equal(list[0].shape, SCAN_BLOCK);
	assert_int_equal(list[0].ports, 12);
	assert_int_equal(list[1].shape, SCAN_VERTICAL);
	assert_int_equal(list[1].ports, 11);
	assert_int_equal(list[1].destinations, 1);
	for (unsigned i = 2; i < 12; i++) {
		assert_int_equal(ip_v4(list[i].source), 3);
		assert_int_equal(list[i].shape, SCAN_HORIZONTAL);
		assert_int_equal(list[i].port, 100 + i - 2);
		assert_int_equal(list[i].packets, 5);
	}
	scans_free(scans);
}

/* The only address there is: many ports is all that can be told. */
static void test_one_address(void **state)
{
	const struct scan *list;

	(void)state;
	begin(1);
	for (unsigned i = 0; i < 11; i++)
		ask(1, (uint16_t)(100 + i), 1, 0, START + i);
	list = finish(1);
	assert_int_equal(list->shape, SCAN_VERTICAL);
	scans_free(scans);
}

static void test_summed_samples(void **state)
{
	struct scan_sample wide = {
		.source = ip_from_v4(9),
		.ports = 700,
		.sensor = 1,
		.first_us = START,
		.last_us = START + HOUR,
		.packets = 5000,
		.dsts = 900,
		.dsts_most = 5000,
	};
	const struct scan *list;

	(void)state;
	begin(4096);
	assert_int_equal(scans_add(scans, &wide), ST_OK);
	wide.ports = 300;
	wide.dsts = 200;
	wide.dsts_most = 4000;
	wide.sensor = 2;
	assert_int_equal(scans_add(scans, &wide), ST_OK);
	list = finish(1);
	assert_int_equal(list->shape, SCAN_BLOCK);
	assert_int_equal(list->ports, 700);
	assert_true(list->ports_at_least);
	assert_int_equal(list->destinations, 1100);
	assert_int_equal(list->destinations_most, 9000);
	assert_int_equal(list->packets, 10000);
	scans_free(scans);
}

/* One address a minute of a large network: the same one, or others? */
static void test_addresses_not_told_apart(void **state)
{
	static const struct {
		bool marked;
		bool two_at_once;
		unsigned packets;
		size_t found;
	} cases[] = {{false, false, 50, 0}, {true, false, 50, 1}, {false, true, 50, 1},
	    {true, false, 9, 0}, {true, false, 10, 1}};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		begin(65536);
		for (unsigned i = 0; i < cases[c].packets; i++) {
			struct scan_sample sample = {
				.source = ip_from_v4(5),
				.proto = 6,
				.port = 23,
				.ports = 1,
				.sensor = 1,
				.first_us = START + i * CIVIL_US_PER_MINUTE,
				.last_us = START + i * CIVIL_US_PER_MINUTE,
				.packets = 1,
				.dsts = i == 7 && cases[c].two_at_once ? 2 : 1,
				.dsts_most = 1,
				.marked = cases[c].marked,
			};

			assert_int_equal(scans_add(scans, &sample), ST_OK);
		}
		(void)finish(cases[c].found);
		scans_free(scans);
	}
	/* The upper end of the interval is that of the most. */
	assert_true(scan_coverage_of(5, 5, 100).high < scan_coverage_of(5, 50, 100).high);
	assert_true(fabs(scan_coverage_of(5, 50, 100).low - scan_coverage_of(5, 5, 100).low) < 1e-12);
	assert_true(scan_coverage_of(5, 100, 100).high >= 1);
}

/* Values of R's binom.test, rounded. */
static void test_coverage(void **state)
{
	static const struct {
		unsigned found, observed;
		double low, high;
	} expected[] = {
		{0, 10, 0, 0.30849710781}, {1, 10, 0.00252857854, 0.44501611702},
		{5, 10, 0.18708602844, 0.81291397156}, {10, 10, 0.69150289219, 1},
		{1, 1, 0.025, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct scan_coverage c = scan_coverage_of(expected[i].found, 0, expected[i].observed);

		assert_true(fabs(c.low - expected[i].low) < 1e-9);
		assert_true(fabs(c.high - expected[i].high) < 1e-9);
		assert_true(fabs(c.share - (double)expected[i].found / expected[i].observed) < 1e-12);
	}
	/* Large networks: near the normal approximation. */
	for (unsigned k = 1000; k < 65536; k += 5000) {
		struct scan_coverage c = scan_coverage_of(k, k, 65536);
		double p = k / 65536.0;
		double half = 1.96 * sqrt(p * (1 - p) / 65536);

		assert_true(fabs(c.low - (p - half)) < 1e-4 && fabs(c.high - (p + half)) < 1e-4);
	}
	assert_true(scan_coverage_of(5, 5, 0).high > 0.99);
	assert_true(scan_coverage_of(9, 9, 4).share < 1.01);
}

/* ---- shared scans --------------------------------------------------------------------------- */

static uint64_t noise;

static uint64_t draw(void)
{
	noise = noise * 6364136223846793005ull + 1442695040888963407ull;
	return noise >> 33;
}

/* Sixteen sources, four addresses each of 64 at two sensors: dealt out, or drawn by lot. */
static struct scan_group deal(bool by_lot)
{
	struct scan_member members[64];
	size_t count = 0;

	for (unsigned source = 0; source < 16; source++) {
		uint64_t bits[2] = {0};

		for (unsigned i = 0; i < 4; i++) {
			unsigned at = by_lot ? (unsigned)draw() % 64 : source * 4 + i;

			while (bits[at / 32] & 1ull << at % 32)
				at = (at + 1) % 64;
			bits[at / 32] |= 1ull << at % 32;
		}
		for (uint16_t sensor = 0; sensor < 2; sensor++)
			if (bits[sensor])
				members[count++] = (struct scan_member){ip_from_v4(source + 1), sensor,
				    bits[sensor]};
	}
	return scan_group_test(members, count, 64);
}

static void test_dealt_out(void **state)
{
	struct scan_group group = deal(false);
	unsigned small = 0;

	(void)state;
	assert_int_equal(group.sources, 16);
	assert_int_equal(group.destinations, 64);
	assert_int_equal(group.overlap, 0);
	assert_true(fabs(group.expected - 30) < 1e-9);
	assert_true(fabs(group.chance - exp(-30)) < 1e-18);
	/* By lot: hardly ever below one in a hundred. */
	for (unsigned i = 0; i < 2000; i++) {
		group = deal(true);
		small += group.chance < 0.01;
	}
	assert_in_range(small, 0, 20);
}

static void test_groups_that_tell_nothing(void **state)
{
	struct scan_member two[] = {{ip_from_v4(1), 1, 0xff}, {ip_from_v4(2), 1, 0xff00}};
	struct scan_member same[] = {{ip_from_v4(1), 1, 0xff}, {ip_from_v4(2), 1, 0xff},
	    {ip_from_v4(3), 1, 0xff}};

	(void)state;
	assert_true(scan_group_test(two, 2, 16).chance >= 1);
	assert_true(scan_group_test(same, 3, 16).chance >= 1);
	assert_int_equal(scan_group_test(same, 3, 16).overlap, 24);
	assert_true(scan_group_test(same, 3, 0).chance >= 1);
	assert_int_equal(scan_group_test(same, 0, 16).sources, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_follows_the_addresses),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_same_index_at_two_sensors_is_two_addresses),
		cmocka_unit_test(test_slow_scan_is_one_event),
		cmocka_unit_test(test_silence_ends_a_scan),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_one_address),
		cmocka_unit_test(test_summed_samples),
		cmocka_unit_test(test_addresses_not_told_apart),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_dealt_out),
		cmocka_unit_test(test_groups_that_tell_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
