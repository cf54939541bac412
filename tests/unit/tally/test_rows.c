/*
 * The rows of a hand-made sequence of real frames: every column, with every class.
 */
#include "feed.h"

#define SENSOR 5
#define HOST(n) (FEED_SRC + (n))
#define OWN(n) (FEED_DST + (n))

static struct feed feed;
static struct frame frames[64];
static size_t frame_count;

static struct frame *next_frame(void)
{
	struct frame *f = &frames[frame_count++];

	assert_true(frame_count <= sizeof(frames) / sizeof(frames[0]));
	f->len = 0;
	return f;
}

static void put(const struct frame *f, unsigned second)
{
	struct decode_packet p = frame_decode(f, LINK_RAW);

	p.time_us = FEED_START_US + second * CIVIL_US_PER_SECOND + 999999;
	feed_put(&feed, &p);
}

static void put_tcp(unsigned second, uint32_t src, uint32_t dst, const struct tcp *tcp)
{
	struct frame *f = next_frame();
	size_t at = frame_v4(f, &(struct v4){.src = src, .dst = dst, .id = 7, .ttl = 40 + second});

	frame_tcp(f, tcp);
	frame_v4_close(f, at);
	put(f, second);
}

static void put_udp(unsigned second, uint32_t src, uint32_t dst, unsigned sport, unsigned dport,
    const char *payload)
{
	struct frame *f = next_frame();
	size_t at = frame_v4(f, &(struct v4){.src = src, .dst = dst, .proto = 17});

	frame_udp(f, sport, dport, 0);
	frame_hex(f, payload);
	frame_v4_close(f, at);
	put(f, second);
}

/* An ICMP message; with quoted_proto it quotes a datagram of `dst` to `victim`. */
static void put_icmp(unsigned second, uint32_t src, uint32_t dst, unsigned type,
    unsigned quoted_proto, uint32_t victim, unsigned quoted_sport, unsigned quoted_dport)
{
	struct frame *f = next_frame();
	size_t at = frame_v4(f, &(struct v4){.src = src, .dst = dst, .proto = 1});

	frame_u8(f, type);
	frame_hex(f, "03000012340001");
	if (quoted_proto) {
		(void)frame_v4(f, &(struct v4){.src = dst, .dst = victim, .proto = quoted_proto});
		frame_u16(f, quoted_sport);
		frame_u16(f, quoted_dport);
		frame_fill(f, 0, 4);
	}
	frame_v4_close(f, at);
	put(f, second);
}

static uint64_t mapped(uint32_t v4)
{
	return ip_from_v4(v4).lo;
}

static void test_requests(void **state)
{
	const struct tally_counters *c;
	const struct record_flow *r;

	(void)state;
	feed_open(&feed, &(struct tally_options){.sensor = SENSOR});
	frame_count = 0;
	put_tcp(3, HOST(1), OWN(1), &(struct tcp){.dport = 23, .seq = 1});
	put_tcp(9, HOST(1), OWN(2), &(struct tcp){.dport = 23, .seq = 1});
	put_tcp(5, HOST(1), OWN(1), &(struct tcp){.dport = 23, .seq = 1});
	/* Another port, a mark, other flags: rows of their own. */
	put_tcp(6, HOST(1), OWN(1), &(struct tcp){.dport = 22, .seq = 1});
	put_tcp(7, HOST(2), OWN(1), &(struct tcp){.dport = 23, .seq = OWN(1)});
	put_tcp(8, HOST(2), OWN(1), &(struct tcp){.dport = 23, .seq = 1});
	put_udp(9, HOST(1), OWN(1), 5353, 23, "00");
	put_icmp(10, HOST(1), OWN(3), 8, 0, 0, 0, 0);
	feed_flush(&feed);

	r = feed_find(&feed, 0, HOST(1), 6, 23, RECORD_CLASS_REQUEST);
	assert_int_equal(r->sensor, SENSOR);
	assert_int_equal(r->packets, 3);
	assert_int_equal(r->bytes, 120);
	assert_int_equal(r->dsts, 2);
	assert_int_equal(r->dst_bits, 3);
	assert_int_equal(r->first_second, 3);
	assert_int_equal(r->last_second, 9);
	assert_int_equal(r->ttl, 43); /* of the first packet */
	assert_int_equal(r->tcp_flags, 2);
	assert_int_equal(r->marks, 0);
	assert_int_not_equal(r->syn_signature, 0);
	assert_memory_equal(r->country, "ZZ", 2);
	assert_int_equal(r->asn, 0);
	assert_int_equal(r->victim_hi | r->victim_lo | r->victim_proto, 0);
	assert_int_equal(feed_find(&feed, 0, HOST(1), 6, 22, RECORD_CLASS_REQUEST)->dst_bits, 1);
	r = feed_find(&feed, 0, HOST(1), 17, 23, RECORD_CLASS_REQUEST);
	assert_int_equal(r->bytes, 29);
	assert_int_equal(r->syn_signature, 0);
	assert_int_equal(r->tcp_flags, 0);
	r = feed_find(&feed, 0, HOST(1), 1, 8, RECORD_CLASS_REQUEST); /* the port is the type */
	assert_int_equal(r->dst_bits, 4);
	assert_int_equal(feed.count, 6);

	c = tally_counters(feed.tally);
	assert_int_equal(c->read, 8);
	assert_int_equal(c->counted, 8);
	assert_int_equal(c->tcp_syn, 6);
	assert_int_equal(c->udp, 1);
	assert_int_equal(c->icmp, 1);
	assert_int_equal(c->marks[0], 1);
	assert_int_equal(c->classes[RECORD_CLASS_REQUEST], 8);
	assert_int_equal(c->minutes_closed, 1);
	assert_int_equal(destinations_count(tally_destinations(feed.tally)), 3);
	feed_close(&feed);
}

static void expect_victim(const struct record_flow *r, uint32_t victim, unsigned proto)
{
	assert_int_equal(r->victim_hi, 0);
	assert_int_equal(r->victim_lo, mapped(victim));
	assert_int_equal(r->victim_proto, proto);
}

static void test_backscatter(void **state)
{
	static const enum record_class back = RECORD_CLASS_BACKSCATTER;

	(void)state;
	feed_open(&feed, NULL);
	frame_count = 0;
	put_tcp(0, HOST(1), OWN(1), &(struct tcp){.sport = 443, .dport = 1025, .flags = 0x12});
	put_tcp(0, HOST(2), OWN(1), &(struct tcp){.sport = 80, .dport = 1025, .flags = 0x04});
	put_tcp(0, HOST(3), OWN(1), &(struct tcp){.sport = 22, .dport = 1025, .flags = 0x14});
	put_icmp(0, HOST(4), OWN(1), 3, 6, HOST(104), 1025, 3389);
	put_icmp(0, HOST(5), OWN(1), 3, 17, HOST(105), 53000, 53);
	put_icmp(0, HOST(6), OWN(1), 11, 1, HOST(106), 0, 0);
	put_icmp(0, HOST(7), OWN(1), 0, 0, 0, 0, 0);
	put_udp(0, HOST(8), OWN(1), 53, 40000, "abcd8180 00010001 00000000");
	put_udp(0, HOST(9), OWN(1), 11211, 40000, "00");
	feed_flush(&feed);

	expect_victim(feed_find(&feed, 0, HOST(1), 6, 443, back), HOST(1), 6);
	expect_victim(feed_find(&feed, 0, HOST(2), 6, 80, back), HOST(2), 6);
	expect_victim(feed_find(&feed, 0, HOST(3), 6, 22, back), HOST(3), 6);
	expect_victim(feed_find(&feed, 0, HOST(4), 1, 3389, back), HOST(104), 6);
	expect_victim(feed_find(&feed, 0, HOST(5), 1, 53, back), HOST(105), 17);
	expect_victim(feed_find(&feed, 0, HOST(6), 1, 0, back), HOST(106), 1);
	expect_victim(feed_find(&feed, 0, HOST(7), 1, 0, back), HOST(7), 1);
	expect_victim(feed_find(&feed, 0, HOST(8), 17, 53, back), HOST(8), 17);
	expect_victim(feed_find(&feed, 0, HOST(9), 17, 11211, back), HOST(9), 17);
	assert_int_equal(feed.count, 9);
	feed_close(&feed);
}

/* Two victims behind one router are two rows. */
static void test_victims_split_rows(void **state)
{
	(void)state;
	feed_open(&feed, NULL);
	frame_count = 0;
	put_icmp(0, HOST(4), OWN(1), 3, 6, HOST(104), 1025, 80);
	put_icmp(0, HOST(4), OWN(1), 3, 6, HOST(105), 1025, 80);
	put_icmp(0, HOST(4), OWN(1), 3, 17, HOST(105), 1025, 80);
	put_icmp(0, HOST(4), OWN(1), 3, 17, HOST(105), 1025, 80);
	feed_flush(&feed);
	assert_int_equal(feed.count, 3);
	assert_int_equal(feed.packets, 4);
	feed_close(&feed);
}

static void test_ipv6_rows(void **state)
{
	struct frame *f;
	size_t at;

	(void)state;
	feed_open(&feed, NULL);
	frame_count = 0;
	for (unsigned i = 0; i < 4; i++) {
		f = next_frame();
		frame_syn6(f);
		f->data[23] = (uint8_t)(i & 1); /* source */
		f->data[39] = (uint8_t)i;       /* destination */
		put(f, i);
	}
	f = next_frame();
	at = frame_v6(f, 58);
	frame_hex(f, "01040000 00000000");
	(void)frame_v6(f, 17);
	frame_udp(f, 50000, 53, 0);
	frame_v6_close(f, at);
	put(f, 9);
	feed_flush(&feed);
	assert_int_equal(feed.count, 3);
	for (size_t i = 0; i < 2; i++) {
		const struct record_flow *r = &feed.rows[i];

		assert_int_equal(r->src_hi, 0x20010db800000000ull);
		assert_int_equal(r->src_lo, i);
		assert_int_equal(r->packets, 2);
		assert_int_equal(r->dsts, 2);
		assert_int_equal(r->dst_bits, i ? 0xa : 0x5);
		assert_int_equal(r->bytes, 120);
		assert_int_equal(r->port, 23);
		assert_int_not_equal(r->syn_signature, 0);
	}
	assert_int_equal(feed.rows[2].class, RECORD_CLASS_BACKSCATTER);
	assert_int_equal(feed.rows[2].victim_hi, 0x20010db800000009ull);
	assert_int_equal(feed.rows[2].victim_lo, 1);
	assert_int_equal(feed.rows[2].victim_proto, 17);
	assert_int_equal(feed.rows[2].port, 53);
	feed_close(&feed);
}

/* Distinct destinations are exact below, at and above 64 addresses; bits only up to 64. */
static void test_destinations_of_rows(void **state)
{
	static const unsigned counts[] = {1, 63, 64, 65, 200, 5000};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		unsigned n = counts[i];
		const struct record_flow *r;

		feed_open(&feed, NULL);
		for (unsigned k = 0; k < 3 * n; k++) {
			struct decode_packet p = feed_tcp(k % 60, HOST(1), OWN(k * 11 % n), 1, 23, 2);

			feed_put(&feed, &p);
		}
		/* A second source that begins with a high index and reaches one low and one high. */
		for (unsigned k = 0; k < 9; k++) {
			struct decode_packet p = feed_tcp(1, HOST(2), OWN(k % 3 == 0 ? n - 1
			    : k % 3 == 1 ? 0 : n / 2), 1, 23, 2);

			feed_put(&feed, &p);
		}
		feed_flush(&feed);
		r = feed_find(&feed, 0, HOST(1), 6, 23, RECORD_CLASS_REQUEST);
		assert_int_equal(r->packets, 3 * n);
		assert_int_equal(r->dsts, n);
		if (n < 64)
			assert_int_equal(r->dst_bits, (1ull << n) - 1);
		else
			assert_int_equal(r->dst_bits, n == 64 ? UINT64_MAX : 0);
		r = feed_find(&feed, 0, HOST(2), 6, 23, RECORD_CLASS_REQUEST);
		assert_int_equal(r->dsts, n < 3 ? n : 3);
		feed_close(&feed);
	}
}

/* Where nobody asks more than whether they went to several: 1 or 2. */
static void count_few(enum tally_dsts dsts, uint32_t others)
{
	struct ip_net net = {ip_from_v4(OWN(0) & 0xffff0000u), 112};

	feed_open(&feed, &(struct tally_options){.nets = &net, .net_count = 1, .dsts = dsts});
	for (unsigned i = 0; i < 20; i++) {
		struct decode_packet packets[] = {
			feed_tcp(0, HOST(1), OWN(1), 1, 23, 2),
			feed_tcp(0, HOST(2), OWN(i % 2), 1, 23, 2),
			feed_tcp(0, HOST(3), OWN(i), 1, 23, 2),
			feed_packet(0, HOST(3), OWN(i), 17, 1, 53),
		};

		for (size_t k = 0; k < sizeof(packets) / sizeof(packets[0]); k++)
			feed_put(&feed, &packets[k]);
	}
	feed_flush(&feed);
	assert_int_equal(feed_find(&feed, 0, HOST(1), 6, 23, RECORD_CLASS_REQUEST)->dsts, 1);
	assert_int_equal(feed_find(&feed, 0, HOST(2), 6, 23, RECORD_CLASS_REQUEST)->dsts, 2);
	assert_int_equal(feed_find(&feed, 0, HOST(3), 6, 23, RECORD_CLASS_REQUEST)->dsts, 2);
	assert_int_equal(feed_find(&feed, 0, HOST(3), 17, 53, RECORD_CLASS_REQUEST)->dsts, others);
	feed_close(&feed);
}

static void test_few_destinations(void **state)
{
	(void)state;
	count_few(TALLY_DSTS_FEW_OF_SYNS, 20);
	count_few(TALLY_DSTS_FEW, 2);
}

/* What the decoder dropped is counted by reason, link types by number. */
static void test_drops(void **state)
{
	const struct tally_counters *c;
	uint64_t sum = 0;

	(void)state;
	feed_open(&feed, NULL);
	for (unsigned i = 0; i < 300; i++) {
		struct decode_packet p = feed_tcp(0, HOST(1), OWN(1), 1, 23, 2);

		p.drop = (uint8_t)(i % (DECODE_DROP_TRANSPORT_SHORT + 1));
		p.linktype = (uint16_t)(200 + i % 100);
		feed_put(&feed, &p);
	}
	feed_flush(&feed);
	c = tally_counters(feed.tally);
	for (unsigned i = 0; i < DECODE_DROP_COUNT; i++)
		sum += c->dropped[i];
	assert_int_equal(c->read, 300);
	assert_int_equal(c->read, c->counted + sum);
	assert_int_equal(c->dropped[DECODE_DROP_NONE], 0);
	assert_true(c->dropped[DECODE_DROP_LINK_TYPE] > 30);
	assert_int_equal(feed.packets, c->counted);
	sum = 0;
	for (unsigned i = 0; i < TALLY_LINKTYPES_MAX && c->undecoded[i].packets; i++)
		sum += c->undecoded[i].packets;
	assert_int_equal(sum, c->dropped[DECODE_DROP_LINK_TYPE]);
	feed_close(&feed);
}

static void test_sink_error(void **state)
{
	struct decode_packet p = feed_tcp(0, HOST(1), OWN(1), 1, 23, 2);

	(void)state;
	feed_open(&feed, NULL);
	feed_put(&feed, &p);
	feed_batch(&feed);
	feed.refuse = -28;
	assert_int_equal(tally_flush(feed.tally), -28);
	feed_close(&feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_backscatter),
		cmocka_unit_test(test_victims_split_rows),
		cmocka_unit_test(test_ipv6_rows),
		cmocka_unit_test(test_destinations_of_rows),
		cmocka_unit_test(test_few_destinations),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_sink_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
