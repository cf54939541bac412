/* The second thread of an analysis gets everything, in order, and in time for who waits for it. */
#include "../tally/feed.h"
#include "base/hash.h"
#include "cmd/relay.h"

#include <errno.h>
#include <unistd.h>

#define BATCHES 3000u
#define SOURCES 3000u

/* What the second thread does and has got; `batches` is read by the first, too. */
struct second {
	unsigned pause_us; /* now and then */
	uint64_t refuse_batch; /* from 1 on; 0: none */
	uint64_t refuse_minute;
	uint64_t packets;
	uint64_t batches;
	uint64_t row_packets;
	uint64_t minutes;
	int64_t minute_us;
	uint64_t order; /* of minutes */
	unsigned disorder; /* of packets */
};

struct bench {
	struct second second;
	struct tools *tools;
	struct tally *tally;
	struct relay *relay;
	uint32_t per_minute; /* packets */
	uint32_t made;
	uint64_t sent; /* batches */
};

static int take_packets(void *arg, const struct decode_packet *packets, size_t count)
{
	struct second *s = arg;

	if (s->batches + 1 == s->refuse_batch)
		return ST_LIMIT;
	if (s->pause_us && s->batches % 16 == 0)
		(void)usleep(s->pause_us);
	for (size_t i = 0; i < count; i++)
		s->disorder += packets[i].seq != (uint32_t)s->packets++;
	(void)__atomic_fetch_add(&s->batches, 1, __ATOMIC_RELAXED);
	return ST_OK;
}

static int take_rows(void *arg, const struct tally_rows *rows)
{
	struct second *s = arg;

	if (s->minutes == 0 || rows->minute_us != s->minute_us) {
		s->order = hash_pair(s->order, (uint64_t)rows->minute_us);
		s->minute_us = rows->minute_us;
		if (++s->minutes == s->refuse_minute)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < rows->count; i++)
		s->row_packets += tally_row(rows, i)->packets;
	return ST_OK;
}

/* Without a relay, rows are taken where they are counted and nobody takes packets. */
static void open_bench(struct bench *b, const struct second *second, uint32_t per_minute,
    bool with_relay)
{
	const struct relay_options relay = {
		.rows = take_rows, .packets = take_packets, .arg = &b->second,
	};
	struct tally_options tally = {
		.sink = take_rows, .sink_arg = &b->second,
		.relay = with_relay ? &relay_calls : NULL,
	};

	*b = (struct bench){.second = *second, .per_minute = per_minute};
	assert_int_equal(tools_new(NULL, &b->tools, NULL), ST_OK);
	if (with_relay)
		assert_int_equal(relay_new(&relay, &b->relay, NULL), ST_OK);
	tally.tools = b->tools;
	tally.relay_arg = b->relay;
	assert_int_equal(tally_new(&tally, &b->tally, NULL), ST_OK);
}

static void close_bench(struct bench *b)
{
	relay_free(b->relay);
	tally_free(b->tally);
	tools_free(b->tools);
}

/* One batch on its way; returns the first error that either says. */
static int put_batch(struct bench *b)
{
	struct decode_packet alone[CAPTURE_BATCH_MAX];
	struct decode_packet *packets = b->relay ? relay_room(b->relay) : alone;
	size_t count = 1 + b->sent * 97 % CAPTURE_BATCH_MAX;
	int rc;
	int rc_send = ST_OK;

	for (size_t i = 0; i < count; i++) {
		packets[i] = feed_tcp(b->made / b->per_minute * 60, FEED_SRC + b->made % SOURCES,
		    FEED_DST, 1, 23, DECODE_TCP_SYN);
		packets[i].seq = b->made++;
	}
	b->sent++;
	if (b->relay)
		relay_counted(b->relay, count);
	rc = tally_add(b->tally, packets, count);
	if (b->relay)
		rc_send = relay_send(b->relay, count);
	return rc ? rc : rc_send;
}

static void test_everything_in_order(void **state)
{
	/* Of a few packets the first thread takes the rows itself. */
	static const uint32_t per_minute[] = {20000, 20000, 2300, 100};
	struct bench alone;
	struct bench b;

	(void)state;
	for (unsigned i = 0; i < sizeof(per_minute) / sizeof(per_minute[0]); i++) {
		open_bench(&alone, &(struct second){0}, per_minute[i], false);
		for (unsigned k = 0; k < BATCHES; k++)
			assert_int_equal(put_batch(&alone), ST_OK);
		assert_int_equal(tally_flush(alone.tally), ST_OK);
		open_bench(&b, &(struct second){.pause_us = i % 2 * 200}, per_minute[i], true);
		for (unsigned k = 0; k < BATCHES; k++) {
			assert_int_equal(put_batch(&b), ST_OK);
			/* As the window of a capture: some batches later, the last one at times. */
			if (k % 5 == 4) {
				uint64_t waited = b.sent - k % 4;
				uint64_t got;

				relay_settle(b.relay, waited);
				got = __atomic_load_n(&b.second.batches, __ATOMIC_RELAXED);
				assert_true(got >= waited);
			}
		}
		assert_int_equal(tally_flush(b.tally), ST_OK);
		assert_int_equal(relay_drain(b.relay), ST_OK);
		assert_int_equal(b.second.disorder, 0);
		assert_int_equal(b.second.batches, BATCHES);
		assert_int_equal(b.second.packets, b.made);
		assert_int_equal(b.second.row_packets, b.made);
		assert_true(b.second.minutes > b.made / per_minute[i]);
		assert_int_equal(b.second.minutes, alone.second.minutes);
		assert_int_equal(b.second.order, alone.second.order);
		close_bench(&alone);
		close_bench(&b);
	}
}

/* A single batch wakes nobody up, but who waits gets it. */
static void test_little(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, &(struct second){0}, 20000, true);
	assert_int_equal(relay_drain(b.relay), ST_OK);
	relay_settle(b.relay, 0);
	for (unsigned i = 1; i < 3 * RELAY_BATCHES; i++) {
		assert_int_equal(put_batch(&b), ST_OK);
		assert_int_equal(relay_drain(b.relay), ST_OK);
		assert_int_equal(b.second.batches, i);
	}
	close_bench(&b);
}

static void test_errors_arrive(void **state)
{
	struct bench b;
	unsigned put = 0;

	(void)state;
	open_bench(&b, &(struct second){.refuse_batch = 100}, 20000, true);
	while (put_batch(&b) == ST_OK)
		assert_true(++put < 100 + RELAY_BATCHES);
	assert_int_equal(relay_drain(b.relay), ST_LIMIT);
	assert_int_equal(b.second.batches, 99);
	close_bench(&b);
	for (uint32_t per_minute = 20; per_minute <= 20000; per_minute *= 1000) {
		open_bench(&b, &(struct second){.refuse_minute = 3}, per_minute, true);
		for (put = 0; put < BATCHES && put_batch(&b) == ST_OK; put++)
			;
		assert_true(put < BATCHES);
		assert_int_equal(tally_flush(b.tally), -ENOMEM);
		assert_int_equal(b.second.minutes, 3);
		close_bench(&b);
	}
}

/* Who gives up does not wait for what is under way. */
static void test_early_end(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned batches = 0; batches < 200; batches += 7) {
		open_bench(&b, &(struct second){.pause_us = 10}, 20000, true);
		for (unsigned i = 0; i < batches; i++)
			assert_int_equal(put_batch(&b), ST_OK);
		close_bench(&b);
		assert_int_equal(b.second.disorder, 0);
	}
}

static int note_rows(void *arg)
{
	const struct second *s = arg;

	return s->minutes && s->packets == s->row_packets ? ST_LIMIT : ST_OK;
}

/* It sees what has been taken. */
static void test_task(void **state)
{
	struct bench b;

	(void)state;
	open_bench(&b, &(struct second){.pause_us = 100}, 20000, true);
	relay_begin(b.relay, note_rows, &b.second);
	assert_int_equal(relay_finish(b.relay), ST_OK);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(put_batch(&b), ST_OK);
	assert_int_equal(relay_drain(b.relay), ST_OK);
	assert_int_equal(tally_flush(b.tally), ST_OK);
	relay_begin(b.relay, note_rows, &b.second);
	assert_int_equal(relay_finish(b.relay), ST_LIMIT);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_in_order),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_errors_arrive),
		cmocka_unit_test(test_early_end),
		cmocka_unit_test(test_task),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
