/*
 * Coverage rows: site days in a zone that is not UTC, silences, what was read and dropped.
 */
#include "feed.h"

#include "tally/coverage.h"

#include <time.h>

#define HOUR (3600 * CIVIL_US_PER_SECOND)
#define DAY CIVIL_US_PER_DAY
/* 2026-10-01 in Tokyo begins nine hours before that in UTC. */
#define TOKYO (FEED_START_US - 9 * HOUR)

static struct zone *zone;
static struct coverage *coverage;
static struct feed feed;
static const struct record_coverage *rows;
static size_t row_count;

static void begin(const char *name)
{
	assert_int_equal(zone_new(name, &zone, NULL), ST_OK);
	assert_int_equal(coverage_new(zone, &coverage), ST_OK);
	feed_open(&feed, NULL);
	feed.keep = false;
}

/* As the pipeline does: a batch goes in runs of one day each. */
static void add(struct decode_packet *packets, size_t count)
{
	for (size_t at = 0; at < count;) {
		struct tally_counters before = *tally_counters(feed.tally);
		struct coverage_run run = coverage_run(coverage, packets + at, count - at);
		size_t n = run.count;

		assert_true(n > 0 && n <= count - at);
		for (size_t i = 1; i < n; i++)
			assert_int_equal(zone_day(zone, packets[at + i].time_us),
			    zone_day(zone, packets[at].time_us));
		assert_int_equal(tally_add(feed.tally, packets + at, n), ST_OK);
		assert_int_equal(coverage_add(coverage, &run, &before, tally_counters(feed.tally)),
		    ST_OK);
		at += n;
	}
}

static void add_one(int64_t time_us, enum decode_drop drop)
{
	struct decode_packet p = feed_tcp(0, FEED_SRC, FEED_DST, 1, 23, 2);

	p.time_us = time_us;
	p.drop = (uint8_t)drop;
	add(&p, 1);
}

static void take_rows(void)
{
	assert_int_equal(coverage_rows(coverage, 3, 16, &rows, &row_count), ST_OK);
}

static void expect_row(size_t i, int64_t start, int64_t last, uint64_t read, uint64_t counted,
    const char *drops)
{
	assert_true(i < row_count);
	assert_int_equal(rows[i].time, start);
	assert_int_equal(rows[i].end, last);
	assert_int_equal(rows[i].sensor, 3);
	assert_int_equal(rows[i].addresses, 16);
	assert_int_equal(rows[i].packets_read, read);
	assert_int_equal(rows[i].packets_counted, counted);
	assert_int_equal(rows[i].drops.len, strlen(drops));
	assert_memory_equal(rows[i].drops.data, drops, strlen(drops));
}

static void end(void)
{
	coverage_free(coverage);
	zone_free(zone);
	feed_close(&feed);
}

static void test_empty_and_single(void **state)
{
	(void)state;
	begin("Asia/Tokyo");
	take_rows();
	assert_int_equal(row_count, 0);
	assert_int_equal(coverage_observed_us(coverage), 0);
	add_one(TOKYO + 5, DECODE_DROP_NONE);
	take_rows();
	assert_int_equal(row_count, 1);
	expect_row(0, TOKYO + 5, TOKYO + 6, 1, 1, "");
	end();
}

static void test_tokyo_days(void **state)
{
	struct decode_packet batch[9];

	(void)state;
	begin("Asia/Tokyo");
	for (int i = 0; i < 9; i++) {
		batch[i] = feed_tcp(0, FEED_SRC, FEED_DST, 1, 23, 2);
		batch[i].time_us = TOKYO + 20 * HOUR + i * 2 * HOUR;
	}
	batch[8].drop = DECODE_DROP_NOT_IP;
	batch[7].drop = DECODE_DROP_LATER_FRAGMENT;
	batch[6].drop = DECODE_DROP_NOT_IP;
	add(batch, 9);
	/* Two days later, with a whole quiet day between. */
	add_one(TOKYO + 3 * DAY - 1, DECODE_DROP_NONE);
	add_one(TOKYO + 3 * DAY, DECODE_DROP_LINK_TYPE);
	take_rows();
	assert_int_equal(row_count, 4);
	expect_row(0, TOKYO + 20 * HOUR, TOKYO + DAY, 2, 2, "");
	expect_row(1, TOKYO + DAY, TOKYO + 2 * DAY, 7, 4, "not-ip=2 later-fragment=1");
	expect_row(2, TOKYO + 2 * DAY, TOKYO + 3 * DAY, 1, 1, "");
	expect_row(3, TOKYO + 3 * DAY, TOKYO + 3 * DAY + 1, 1, 0, "linktype=1");
	assert_int_equal(coverage_observed_us(coverage), 2 * DAY + 4 * HOUR);
	assert_int_equal(coverage_silent_days(coverage), 0);
	end();
}

/* Out of order, across midnight and back: each day once, from its first to its last packet. */
static void test_out_of_order(void **state)
{
	(void)state;
	begin("Asia/Tokyo");
	add_one(TOKYO + DAY + 5, DECODE_DROP_NONE);
	add_one(TOKYO + DAY - 5, DECODE_DROP_NONE);
	add_one(TOKYO + DAY + 1, DECODE_DROP_NONE);
	add_one(TOKYO + DAY - 9, DECODE_DROP_NONE);
	take_rows();
	assert_int_equal(row_count, 2);
	expect_row(0, TOKYO + DAY - 9, TOKYO + DAY, 2, 2, "");
	expect_row(1, TOKYO + DAY, TOKYO + DAY + 6, 2, 2, "");
	end();
}

/* Seven days of silence are quiet, a moment more is an outage. */
static void test_silence(void **state)
{
	(void)state;
	begin("Asia/Tokyo");
	add_one(TOKYO + HOUR, DECODE_DROP_NONE);
	add_one(TOKYO + HOUR + 7 * DAY, DECODE_DROP_NONE);
	take_rows();
	assert_int_equal(row_count, 8);
	for (size_t i = 1; i < 7; i++)
		expect_row(i, TOKYO + (int64_t)i * DAY, TOKYO + (int64_t)(i + 1) * DAY, 0, 0, "");
	expect_row(7, TOKYO + 7 * DAY, TOKYO + 7 * DAY + HOUR + 1, 1, 1, "");
	assert_int_equal(coverage_observed_us(coverage), 7 * DAY);
	add_one(TOKYO + HOUR + 14 * DAY + 1, DECODE_DROP_NONE);
	add_one(TOKYO + HOUR + 400 * DAY, DECODE_DROP_NONE);
	take_rows();
	assert_int_equal(row_count, 10);
	expect_row(7, TOKYO + 7 * DAY, TOKYO + 7 * DAY + HOUR + 1, 1, 1, "");
	expect_row(8, TOKYO + 14 * DAY + HOUR + 1, TOKYO + 14 * DAY + HOUR + 2, 1, 1, "");
	expect_row(9, TOKYO + 400 * DAY + HOUR, TOKYO + 400 * DAY + HOUR + 1, 1, 1, "");
	assert_int_equal(coverage_observed_us(coverage), 7 * DAY);
	assert_int_equal(coverage_silent_days(coverage), 7 + 385);
	end();
}

/* A day of 25 hours: New York, 2026-11-01. */
static void test_long_day(void **state)
{
	const int64_t start = FEED_START_US + 31 * DAY + 4 * HOUR;

	(void)state;
	begin("America/New_York");
	add_one(start - 1, DECODE_DROP_NONE);
	add_one(start, DECODE_DROP_NONE);
	add_one(start + 25 * HOUR - 1, DECODE_DROP_NONE);
	add_one(start + 25 * HOUR, DECODE_DROP_NONE);
	take_rows();
	assert_int_equal(row_count, 3);
	expect_row(1, start, start + 25 * HOUR, 2, 2, "");
	end();
}

/* No row overlaps another, whatever comes in which order, and all packets are in some row. */
static void test_random(void **state)
{
	uint64_t seed = 6;

	(void)state;
	for (int round = 0; round < 20; round++) {
		uint64_t read = 0;
		int64_t sum = 0;

		begin(round & 1 ? "Asia/Tokyo" : "UTC");
		for (int i = 0; i < 300; i++)
			add_one(TOKYO + (int64_t)(frame_random(&seed) % (uint64_t)((round + 1) * 3))
			    * 6 * DAY + (int64_t)(frame_random(&seed) % (uint64_t)(2 * DAY)),
			    DECODE_DROP_NONE);
		take_rows();
		for (size_t i = 0; i < row_count; i++) {
			assert_true(rows[i].time < rows[i].end);
			assert_true(i == 0 || rows[i - 1].end <= rows[i].time);
			assert_int_equal(zone_day(zone, rows[i].time),
			    zone_day(zone, rows[i].end - 1));
			read += rows[i].packets_read;
			sum += rows[i].end - rows[i].time;
		}
		assert_int_equal(read, 300);
		/* A row's end is a moment after its last packet, once per unbroken stretch. */
		assert_true(sum >= coverage_observed_us(coverage)
		    && sum <= coverage_observed_us(coverage) + (int64_t)row_count);
		end();
	}
}

/* Very many days, the latest first, as a damaged or hostile capture can hold them. */
static void test_many_days(void **state)
{
	const int64_t days = 200000;
	clock_t start = clock();

	(void)state;
	begin("UTC");
	for (int64_t i = days - 1; i >= 0; i--)
		add_one(i * 10 * DAY + 5, DECODE_DROP_NONE);
	take_rows();
	assert_int_equal(row_count, days);
	for (int64_t i = 0; i < days; i++)
		expect_row((size_t)i, i * 10 * DAY + 5, i * 10 * DAY + 6, 1, 1, "");
	add_one(20 * DAY + 7, DECODE_DROP_NONE);
	take_rows();
	assert_int_equal(row_count, days);
	expect_row(2, 20 * DAY + 5, 20 * DAY + 8, 2, 2, "");
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 30);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_and_single),
		cmocka_unit_test(test_tokyo_days),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_long_day),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_many_days),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
