/*
 * Time in the tally: packets out of order, more minutes than can be open, long gaps, and a minute
 * with more rows than the table holds.  Nothing is lost and sums do not depend on the order.
 */
#include "feed.h"

#include <errno.h>
#include <time.h>

static struct feed feed;

/* Rows of the same key, whatever minute was closed how often: summed and sorted. */
static int compare_rows(const void *va, const void *vb)
{
	const struct record_flow *a = va;
	const struct record_flow *b = vb;
	const uint64_t x[] = {(uint64_t)a->time, a->src_lo, a->proto, a->port, a->class,
		a->tcp_flags, a->marks, a->victim_lo, a->victim_proto};
	const uint64_t y[] = {(uint64_t)b->time, b->src_lo, b->proto, b->port, b->class,
		b->tcp_flags, b->marks, b->victim_lo, b->victim_proto};

	for (size_t i = 0; i < sizeof(x) / sizeof(x[0]); i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static size_t sum_rows(struct record_flow *rows, size_t count)
{
	size_t n = 0;

	qsort(rows, count, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < count; i++) {
		if (n && compare_rows(&rows[n - 1], &rows[i]) == 0) {
			rows[n - 1].packets += rows[i].packets;
			rows[n - 1].bytes += rows[i].bytes;
			rows[n - 1].dst_bits |= rows[i].dst_bits;
			if (rows[i].first_second < rows[n - 1].first_second)
				rows[n - 1].first_second = rows[i].first_second;
			if (rows[i].last_second > rows[n - 1].last_second)
				rows[n - 1].last_second = rows[i].last_second;
		} else {
			rows[n++] = rows[i];
		}
	}
	return n;
}

#define HOUR_PACKETS 20000

/* An hour of traffic of all classes on a dark network. */
static void make_hour(struct decode_packet *packets)
{
	uint64_t seed = 77;

	for (size_t i = 0; i < HOUR_PACKETS; i++) {
		uint64_t r = frame_random(&seed);
		int64_t second = (int64_t)(r % 3600);
		uint32_t src = FEED_SRC + (r >> 12 & 31);
		uint32_t dst = FEED_DST + (r >> 20 & 15);
		static const unsigned flags[] = {2, 2, 2, 0x12, 4, 0x10};

		packets[i] = r >> 30 & 3
		    ? feed_tcp(second, src, dst, 80, 20 + (r >> 32 & 3), flags[(r >> 40) % 6])
		    : feed_packet(second, src, dst, 17, r >> 41 & 1 ? 1900 : 4000, 2000);
		packets[i].ip_len = (uint16_t)(40 + (r >> 48 & 63));
	}
}

/* A relay that takes rows as late as it may: when the tally waits for them. */
static struct slow {
	struct tally_minute *minutes[TALLY_MINUTES_OPEN];
	unsigned count;
	unsigned asked_in_vain;
} slow;

static void slow_hand(void *arg, struct tally_minute *minute)
{
	struct slow *s = arg;

	assert_true(s->count < TALLY_MINUTES_OPEN);
	s->minutes[s->count++] = minute;
}

static int slow_settle(void *arg, const struct tally_minute *minute, bool wait)
{
	struct slow *s = arg;

	for (unsigned i = 0; i < s->count; i++) {
		int rc;

		if (s->minutes[i] != minute)
			continue;
		if (!wait) {
			s->asked_in_vain++;
			return -EAGAIN;
		}
		for (unsigned k = 0; k <= i; k++) {
			rc = tally_minute_emit(s->minutes[k], feed_take, &feed);
			if (rc)
				return rc;
		}
		s->count -= i + 1;
		memmove(s->minutes, s->minutes + i + 1, s->count * sizeof(s->minutes[0]));
		return ST_OK;
	}
	return ST_OK;
}

static const struct tally_relay slow_relay = {slow_hand, slow_settle};

static void test_order_does_not_matter(void **state)
{
	static const struct ip_net net = {{0, IP_V4_PREFIX | FEED_DST}, 120};
	static struct decode_packet packets[HOUR_PACKETS];
	struct record_flow *first = NULL;
	size_t first_count = 0;
	uint64_t seed = 5;

	(void)state;
	make_hour(packets);
	/* Nor does it matter when the rows of a closed minute are taken. */
	for (int run = 0; run < 4; run++) {
		uint64_t sum = 0;
		size_t n;

		/* Known in advance, so that indices do not depend on the order either. */
		struct ip known[16];

		for (unsigned i = 0; i < 16; i++)
			known[i] = ip_from_v4(FEED_DST + i);
		feed_open(&feed, &(struct tally_options){.nets = &net, .net_count = 1,
		    .known = known, .known_count = 16,
		    .relay = run == 1 || run == 3 ? &slow_relay : NULL, .relay_arg = &slow});
		for (size_t i = 0; i < HOUR_PACKETS; i++)
			feed_put(&feed, &packets[i]);
		feed_flush(&feed);
		n = sum_rows(feed.rows, feed.count);
		for (size_t i = 0; i < n; i++)
			sum += feed.rows[i].packets;
		assert_int_equal(sum, HOUR_PACKETS);
		if (run == 0) {
			first = feed.rows;
			first_count = n;
			feed.rows = NULL;
		} else {
			assert_int_equal(n, first_count);
			for (size_t i = 0; i < n; i++) {
				assert_int_equal(compare_rows(&feed.rows[i], &first[i]), 0);
				assert_int_equal(feed.rows[i].packets, first[i].packets);
				assert_int_equal(feed.rows[i].bytes, first[i].bytes);
				assert_int_equal(feed.rows[i].dst_bits, first[i].dst_bits);
				assert_int_equal(feed.rows[i].first_second, first[i].first_second);
				assert_int_equal(feed.rows[i].last_second, first[i].last_second);
			}
		}
		assert_int_equal(slow.count, 0);
		feed_close(&feed);
		for (size_t i = HOUR_PACKETS - 1; i > 0; i--) {
			size_t k = frame_random(&seed) % (i + 1);
			struct decode_packet swap = packets[i];

			packets[i] = packets[k];
			packets[k] = swap;
		}
	}
	free(first);
	assert_true(slow.asked_in_vain > 0);
}

/* What the one who takes the rows says reaches the one who counts. */
static void test_relay_fails(void **state)
{
	struct decode_packet p = feed_tcp(0, FEED_SRC, FEED_DST, 80, 23, 2);

	(void)state;
	memset(&slow, 0, sizeof(slow));
	feed_open(&feed, &(struct tally_options){.relay = &slow_relay, .relay_arg = &slow});
	feed.refuse = -ENOMEM;
	assert_int_equal(tally_add(feed.tally, &p, 1), ST_OK);
	assert_int_equal(tally_flush(feed.tally), -ENOMEM);
	assert_int_equal(feed.count, 0);
	feed_close(&feed);
}

/*
 * Slightly out of order, packets still find the row of their minute; a minute closes when later
 * packets have left it TALLY_LATE_US behind, and a straggler after that begins another row.
 */
static void test_jitter(void **state)
{
	static const int seconds[] = {0, 59, 61, 58, 64, 57, 121, 119, 124, 118, 181, 179};
	const struct record_flow *r;
	struct decode_packet p;

	(void)state;
	feed_open(&feed, NULL);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		p = feed_tcp(seconds[i], FEED_SRC, FEED_DST, 1, 23, 2);
		feed_put(&feed, &p);
		feed_batch(&feed);
		assert_int_equal(feed.count, i < 6 ? 0 : i < 10 ? 1 : 2);
	}
	feed_flush(&feed);
	assert_int_equal(feed.count, 4);
	r = feed_find(&feed, 0, FEED_SRC, 6, 23, RECORD_CLASS_REQUEST);
	assert_int_equal(r->packets, 4);
	assert_int_equal(r->first_second, 0);
	assert_int_equal(r->last_second, 59);
	assert_int_equal(feed_find(&feed, 1, FEED_SRC, 6, 23, RECORD_CLASS_REQUEST)->packets, 4);
	assert_int_equal(feed_find(&feed, 2, FEED_SRC, 6, 23, RECORD_CLASS_REQUEST)->packets, 3);
	assert_int_equal(feed_find(&feed, 3, FEED_SRC, 6, 23, RECORD_CLASS_REQUEST)->packets, 1);
	p = feed_tcp(1, FEED_SRC, FEED_DST, 1, 23, 2);
	feed_put(&feed, &p);
	feed_flush(&feed);
	assert_int_equal(feed.count, 5);
	feed_close(&feed);
}

/* One batch over many minutes, there and back. */
static void test_many_minutes_in_a_batch(void **state)
{
	unsigned again[CAPTURE_BATCH_MAX] = {0};
	size_t n;

	(void)state;
	feed_open(&feed, NULL);
	for (unsigned i = 0; i < 2 * CAPTURE_BATCH_MAX; i++) {
		int64_t minute = i < CAPTURE_BATCH_MAX ? i * 17 % CAPTURE_BATCH_MAX : i % 7;
		struct decode_packet p = feed_tcp(minute * 60 + 5, FEED_SRC, FEED_DST, 1, 23, 2);

		if (i >= CAPTURE_BATCH_MAX)
			again[minute]++;
		feed_put(&feed, &p);
	}
	feed_flush(&feed);
	n = sum_rows(feed.rows, feed.count);
	assert_int_equal(n, CAPTURE_BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(feed.rows[i].time, FEED_START_US + (int64_t)i * CIVIL_US_PER_MINUTE);
		assert_int_equal(feed.rows[i].packets, 1 + again[i]);
	}
	feed_close(&feed);
}

/* Times before 1970 and at the ends of what a capture can hold, and years without a packet. */
static void test_gaps(void **state)
{
	static const int64_t times[] = {-62135596800000000, -60000001, -60000000, -1, 0, 59999999,
		60000000, 253402300799000000};
	static const int64_t minutes[] = {-62135596800000000, -120000000, -60000000, -60000000, 0, 0,
		60000000, 253402300740000000};
	clock_t start = clock();

	(void)state;
	feed_open(&feed, NULL);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct decode_packet p = feed_tcp(0, FEED_SRC, FEED_DST, 1, 100 + (unsigned)i, 2);

		p.time_us = times[i];
		feed_put(&feed, &p);
		feed_batch(&feed);
	}
	feed_flush(&feed);
	assert_int_equal(feed.count, sizeof(times) / sizeof(times[0]));
	for (size_t i = 0; i < feed.count; i++) {
		const struct record_flow *r = &feed.rows[i];

		assert_int_equal(r->time, minutes[r->port - 100]);
		assert_int_equal(r->first_second, (times[r->port - 100] - r->time) / 1000000);
	}
	/* Ten thousand single packets, each a year from the last. */
	for (unsigned i = 0; i < 10000; i++) {
		struct decode_packet p = feed_tcp((int64_t)(i % 8000) * 31536000 - 60000000000,
		    FEED_SRC, FEED_DST, 1, 23, 2);

		feed_put(&feed, &p);
		if (i % 3 == 0)
			feed_batch(&feed);
	}
	feed_flush(&feed);
	assert_int_equal(feed.packets, 10008);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
	feed_close(&feed);
}

/* More keys in one minute than the table holds: closed early, nothing lost or counted twice. */
static void test_full_minute(void **state)
{
	const uint32_t keys = MINUTE_ROWS_MAX + MINUTE_ROWS_MAX / 8;

	(void)state;
	feed_open(&feed, NULL);
	feed.keep = false;
	for (uint32_t i = 0; i < keys; i++) {
		struct decode_packet p = feed_packet(i % 60, 0x01000000 + i, FEED_DST, 17, 1, 53);

		feed_put(&feed, &p);
	}
	feed_batch(&feed);
	assert_int_equal(tally_counters(feed.tally)->minutes_closed_early, 1);
	feed_flush(&feed);
	assert_int_equal(feed.packets, keys);
	assert_int_equal(feed.row_count, keys);
	assert_int_equal(tally_counters(feed.tally)->minutes_closed_early, 1);
	feed_close(&feed);
}

/* One row that reaches more destinations than the list of hits holds. */
static void test_full_hits(void **state)
{
	const uint32_t packets = MINUTE_HITS_MAX + 100000;
	uint64_t dsts = 0;

	(void)state;
	feed_open(&feed, NULL);
	for (uint32_t i = 0; i < packets; i++) {
		struct decode_packet p = feed_packet(i % 60, FEED_SRC, 0x0a000000 + (i & 0xffff), 17, 1,
		    53);

		feed_put(&feed, &p);
	}
	feed_flush(&feed);
	assert_int_equal(feed.packets, packets);
	assert_int_equal(feed.count, 2);
	for (size_t i = 0; i < feed.count; i++)
		dsts += feed.rows[i].dsts;
	assert_int_equal(dsts, 2 * 65536);
	feed_close(&feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_relay_fails),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_many_minutes_in_a_batch),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_full_minute),
		cmocka_unit_test(test_full_hits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
