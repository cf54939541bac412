/*
 * Bounds under floods: slots, pool, buckets and contexts never grow beyond what was set aside,
 * nothing leaks, and whoever floods ends the oldest streams only.
 */
#include "talk.h"

#define FLOOD 100000u

/* Counts, and checks that every context is the one its stream was given. */
struct flood {
	struct streams *streams;
	struct stream_sink sink;
	uint64_t opened;
	uint64_t closed;
	uint64_t bytes;
	uint64_t gap_bytes;
	uint16_t last_closed_port;
	struct decode_packet packets[CAPTURE_BATCH_MAX];
	size_t count;
	int64_t time_us;
};

struct flood_context {
	uint16_t port;
	uint8_t filling[30];
};

static void flood_open(void *arg, const struct stream *stream, void *context)
{
	struct flood *f = arg;
	struct flood_context *c = context;
	static const struct flood_context empty;

	assert_memory_equal(c, &empty, sizeof(empty));
	c->port = stream->client_port;
	memset(c->filling, 0x5a, sizeof(c->filling));
	f->opened++;
}

static void flood_data(void *arg, const struct stream *stream, void *context,
    enum stream_side side, const uint8_t *data, size_t len)
{
	struct flood *f = arg;

	(void)side;
	(void)data;
	assert_int_equal(((struct flood_context *)context)->port, stream->client_port);
	f->bytes += len;
}

static void flood_gap(void *arg, const struct stream *stream, void *context, enum stream_side side,
    uint64_t bytes)
{
	struct flood *f = arg;

	(void)side;
	assert_int_equal(((struct flood_context *)context)->port, stream->client_port);
	f->gap_bytes += bytes;
}

static void flood_close(void *arg, const struct stream *stream, void *context, enum stream_end end)
{
	struct flood *f = arg;

	(void)end;
	assert_int_equal(((struct flood_context *)context)->port, stream->client_port);
	f->closed++;
	f->last_closed_port = stream->client_port;
}

static void flood_begin(struct flood *f, struct stream_options options)
{
	memset(f, 0, sizeof(*f));
	f->sink = (struct stream_sink){flood_open, flood_data, flood_gap, flood_close};
	f->time_us = TALK_START_US;
	options.sink = &f->sink;
	options.arg = f;
	options.context_size = sizeof(struct flood_context);
	assert_int_equal(streams_new(&options, &f->streams), ST_OK);
}

static void flood_send(struct flood *f)
{
	const struct streams *s = f->streams;

	streams_add(f->streams, f->packets, f->count);
	f->count = 0;
	assert_true(s->table.used <= s->table.slots_max);
	assert_true(s->hold.used <= s->hold.nodes_max);
	assert_true(f->opened - f->closed <= s->table.used);
}

static void flood_packet(struct flood *f, uint32_t source, uint16_t port, uint32_t seq, uint32_t len)
{
	static const uint8_t bytes[2000];

	f->packets[f->count++] = (struct decode_packet){
		.src = ip_from_v4(source), .dst = ip_from_v4(0xc0000201), .time_us = f->time_us++,
		.seq = seq, .ack = 1, .sport = port, .dport = 80, .proto = DECODE_PROTO_TCP,
		.flags = DECODE_V4 | DECODE_TRANSPORT, .tcp_flags = ACK | PSH, .data = bytes,
		.data_len = 40 + len + 1, .payload_offset = 40, .transport_offset = 20, .payload_len = len,
	};
	if (f->count == CAPTURE_BATCH_MAX)
		flood_send(f);
}

static void flood_end(struct flood *f)
{
	const struct stream_counters *c = streams_counters(f->streams);
	uint64_t ended = 0;

	flood_send(f);
	streams_flush(f->streams);
	for (int i = 0; i < STREAM_END_COUNT; i++)
		ended += c->ended[i];
	assert_int_equal(f->opened, f->closed);
	assert_int_equal(f->opened, c->opened[0] + c->opened[1]);
	assert_int_equal(f->closed, ended);
	assert_int_equal(f->gap_bytes, c->gap_bytes);
	assert_int_equal(f->streams->table.used, 0);
	assert_int_equal(f->streams->hold.used, 0);
	streams_free(f->streams);
}

static void test_more_streams_than_slots(void **state)
{
	struct flood *f = malloc(sizeof(*f));

	(void)state;
	flood_begin(f, (struct stream_options){.streams_max = 1000});
	for (uint32_t i = 0; i < FLOOD; i++)
		flood_packet(f, 0x0a000000 + i, 4000, 1, 5);
	flood_send(f);
	assert_int_equal(f->opened, FLOOD);
	assert_int_equal(f->streams->table.used, 1000);
	assert_int_equal(streams_counters(f->streams)->ended[STREAM_END_REPLACED], FLOOD - 1000);
	flood_end(f);
	free(f);
}

static void test_the_oldest_goes(void **state)
{
	struct flood *f = malloc(sizeof(*f));

	(void)state;
	flood_begin(f, (struct stream_options){.streams_max = 1000});
	for (uint16_t i = 0; i < 1000; i++) {
		flood_packet(f, 0x0a000001, (uint16_t)(1000 + i), 1, 5);
		f->time_us += 300000;
	}
	flood_packet(f, 0x0a000001, 1000, 6, 5); /* the first one speaks again */
	flood_send(f);
	for (uint16_t i = 0; i < 5; i++) {
		flood_packet(f, 0x0b000000, i, 1, 5);
		flood_send(f);
		/* Within a tick of the clock any may be the oldest. */
		assert_in_range(f->last_closed_port, 1001, 1012);
	}
	assert_int_equal(f->closed, 5);
	flood_end(f);
	free(f);
}

/* Every segment behind a hole, until the pool is used up: what cannot be held comes at once. */
static void test_pool_used_up(void **state)
{
	struct flood *f = malloc(sizeof(*f));
	const struct stream_counters *c;
	uint64_t sent = 0;

	(void)state;
	flood_begin(f, (struct stream_options){.streams_max = 2000, .memory_max = 3u << 20});
	c = streams_counters(f->streams);
	for (uint32_t round = 0; round < 20; round++)
		for (uint32_t i = 0; i < 2000; i++) {
			uint32_t len = 1 + (i + round * 7) % 1400;

			flood_packet(f, 0x0a000000 + i, 4000, 1 + round * 3000, len);
			sent += len;
		}
	flood_send(f);
	assert_int_equal(f->streams->hold.fresh, f->streams->hold.nodes_max);
	assert_true(c->no_room > 0);
	streams_flush(f->streams);
	assert_int_equal(f->bytes + c->retransmitted_bytes, sent);
	flood_end(f);
	free(f);
}

/* One stream of single bytes with holes between them takes no more than its own limit. */
static void test_tiny_segments(void **state)
{
	struct flood *f = malloc(sizeof(*f));

	(void)state;
	flood_begin(f, (struct stream_options){.streams_max = 1000, .hold_max = 65536});
	flood_packet(f, 0x0a000001, 4000, 0, 1);
	for (uint32_t i = 0; i < 30000; i++)
		flood_packet(f, 0x0a000001, 4000, 60002 - 2 * i, 1);
	flood_send(f);
	assert_int_equal(f->bytes, 1);
	assert_in_range(f->streams->hold.used, 1, 66);
	/* Far ahead, a node for each: the limit makes gaps. */
	for (uint32_t i = 0; i < 1000; i++)
		flood_packet(f, 0x0a000001, 4000, 100000 + i * 100000, 1);
	flood_send(f);
	assert_in_range(f->streams->hold.used, 1, 66);
	assert_true(f->bytes > 30000);
	flood_end(f);
	free(f);
}

/* Tuples that all fall into one bucket: found by trying. */
static void test_one_bucket(void **state)
{
	struct flood *f = malloc(sizeof(*f));
	uint32_t sent = 0;

	(void)state;
	flood_begin(f, (struct stream_options){.streams_max = 1000});
	flood_packet(f, 0x0b000000, 1, 1, 5);
	flood_send(f);
	for (uint32_t i = 0; sent < 100; i++) {
		struct decode_packet p = {.src = ip_from_v4(0x0a000000 + i),
			.dst = ip_from_v4(0xc0000201), .sport = 9, .dport = 80, .proto = DECODE_PROTO_TCP};

		if (slot_key_of(&p).hash % f->streams->table.bucket_count != 0)
			continue;
		flood_packet(f, 0x0a000000 + i, 9, 1, 5);
		sent++;
	}
	flood_send(f);
	assert_in_range(f->streams->table.used, TABLE_WAYS, TABLE_WAYS + 1);
	assert_int_equal(f->opened, 101);
	flood_end(f);
	free(f);
}

/* A SYN flood takes no slot. */
static void test_syns_cost_nothing(void **state)
{
	struct flood *f = malloc(sizeof(*f));

	(void)state;
	flood_begin(f, (struct stream_options){.streams_max = 1000});
	for (uint32_t i = 0; i < FLOOD; i++) {
		flood_packet(f, 0x0a000000 + i, 4000, i, 0);
		f->packets[f->count ? f->count - 1 : CAPTURE_BATCH_MAX - 1].tcp_flags = SYN;
	}
	flood_send(f);
	assert_int_equal(f->streams->table.fresh, 0);
	flood_end(f);
	free(f);
}

static void test_idle_streams_free_their_slots(void **state)
{
	struct flood *f = malloc(sizeof(*f));

	(void)state;
	flood_begin(f, (struct stream_options){.streams_max = 1000, .tcp_idle_us = 10000000});
	for (uint32_t i = 0; i < FLOOD; i++) {
		flood_packet(f, 0x0a000000 + i, 4000, 1, 5);
		f->time_us += 20000;
	}
	flood_send(f);
	/* 500 are less than ten seconds old, and a batch spans five. */
	assert_in_range(f->streams->table.used, 500, 770);
	assert_int_equal(streams_counters(f->streams)->ended[STREAM_END_REPLACED], 0);
	assert_in_range(f->streams->table.fresh, 500, 1000);
	flood_end(f);
	free(f);
}

static void test_options(void **state)
{
	struct streams *s = NULL;

	(void)state;
	/* What was asked for does not fit. */
	assert_int_equal(streams_new(&(struct stream_options){.streams_max = 1u << 20,
	    .memory_max = 100u << 20}, &s), ST_USAGE);
	assert_int_equal(streams_new(&(struct stream_options){.memory_max = 4096}, &s), ST_USAGE);
	assert_int_equal(streams_new(&(struct stream_options){.streams_max = 1u << 25}, &s), ST_USAGE);
	assert_int_equal(streams_new(&(struct stream_options){.tcp_idle_us = -1}, &s), ST_USAGE);
	assert_int_equal(streams_new(&(struct stream_options){.udp_idle_us = INT64_MAX}, &s), ST_USAGE);
	assert_int_equal(streams_new(&(struct stream_options){.hold_max = UINT32_MAX}, &s), ST_USAGE);
	assert_null(s);
	/* Left open, as many as fit. */
	assert_int_equal(streams_new(&(struct stream_options){.memory_max = 64u << 20,
	    .context_size = 1000}, &s), ST_OK);
	assert_in_range(s->table.slots_max, 20000, 60000);
	assert_true(table_size(s->table.slots_max, 1000)
	    + (uint64_t)s->hold.nodes_max * sizeof(struct hold_node) < 64u << 20);
	streams_free(s);
	assert_int_equal(streams_new(&(struct stream_options){.context_size = 256}, &s), ST_OK);
	assert_int_equal(s->table.slots_max, STREAM_DEFAULT_MAX);
	streams_free(s);
	assert_int_equal(streams_new(&(struct stream_options){.streams_max = 1, .hold_max = 1}, &s), ST_OK);
	streams_free(s);
	streams_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_streams_than_slots),
		cmocka_unit_test(test_the_oldest_goes),
		cmocka_unit_test(test_pool_used_up),
		cmocka_unit_test(test_tiny_segments),
		cmocka_unit_test(test_one_bucket),
		cmocka_unit_test(test_syns_cost_nothing),
		cmocka_unit_test(test_idle_streams_free_their_slots),
		cmocka_unit_test(test_options),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
