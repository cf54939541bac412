/*
 * IP headers, fragments, extension headers, transport headers and ICMP quotes.
 */
#include "frame.h"

static struct decode_packet raw(const struct frame *f)
{
	return frame_decode(f, LINK_RAW);
}

static void test_ipv4_fields(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, &(struct v4){.src = 0x01020304, .dst = 0x05060708, .id = 0xd431,
	    .fragment = 0x4000, .ttl = 231, .tos = 0x28});
	struct decode_packet p;

	(void)state;
	frame_tcp(&f, &(struct tcp){.sport = 1, .dport = 65535, .seq = 0xfffffffe, .ack = 5,
	    .flags = 0xc2, .window = 65535, .options = "020405b4"});
	frame_hex(&f, "616263");
	frame_v4_close(&f, at);
	frame_hex(&f, "000000"); /* Ethernet padding: not payload */
	p = raw(&f);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_int_equal(p.flags, DECODE_V4 | DECODE_TRANSPORT | DECODE_IP_DF);
	assert_int_equal(ip_v4(p.src), 0x01020304);
	assert_int_equal(ip_v4(p.dst), 0x05060708);
	assert_int_equal(p.ip_id, 0xd431);
	assert_int_equal(p.ip_len, 47);
	assert_int_equal(p.ttl, 231);
	assert_int_equal(p.tos, 0x28);
	assert_int_equal(p.sport, 1);
	assert_int_equal(p.dport, 65535);
	assert_int_equal(p.seq, 0xfffffffe);
	assert_int_equal(p.ack, 5);
	assert_int_equal(p.tcp_flags, 0xc2);
	assert_int_equal(p.window, 65535);
	assert_int_equal(p.transport_offset, 20);
	assert_int_equal(p.payload_offset, 44);
	assert_int_equal(p.payload_len, 3);
}

static void test_ipv4_options(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, &(struct v4){.options = "94040000 01010101"});
	struct decode_packet p;

	(void)state;
	frame_tcp(&f, &(struct tcp){.dport = 80});
	frame_v4_close(&f, at);
	p = raw(&f);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_true(p.flags & DECODE_IP_OPTIONS);
	assert_int_equal(p.dport, 80);
	assert_int_equal(p.transport_offset, 28);
	f.len = 26; /* options cut off */
	assert_int_equal(raw(&f).drop, DECODE_DROP_IP_SHORT);
	f.data[0] = 0x44; /* header length 16 */
	assert_int_equal(raw(&f).drop, DECODE_DROP_IP_MALFORMED);
	f.data[0] = 0x40;
	assert_int_equal(raw(&f).drop, DECODE_DROP_IP_MALFORMED);
}

static void test_ipv4_lengths(void **state)
{
	static const struct {
		unsigned total;
		enum decode_drop drop;
		unsigned payload;
	} cases[] = {
		{0, DECODE_DROP_NONE, 10},  /* segmentation offload: as captured */
		{19, DECODE_DROP_NONE, 10}, /* shorter than its own header: makes no sense */
		{48, DECODE_DROP_NONE, 8},
		{50, DECODE_DROP_NONE, 10},
		{51, DECODE_DROP_NONE, 10}, /* longer than the capture */
		{65535, DECODE_DROP_NONE, 10},
		{40, DECODE_DROP_NONE, 0},
		{39, DECODE_DROP_TRANSPORT_SHORT, 0},
		{20, DECODE_DROP_TRANSPORT_SHORT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = {.len = 0};
		struct decode_packet p;

		(void)frame_v4(&f, &(struct v4){.total = cases[i].total});
		frame_tcp(&f, &(struct tcp){.dport = 22});
		frame_fill(&f, 'x', 10);
		p = raw(&f);
		assert_int_equal(p.drop, cases[i].drop);
		assert_int_equal(p.ip_len, cases[i].total);
		if (!p.drop) {
			assert_int_equal(p.dport, 22);
			assert_int_equal(p.payload_len, cases[i].payload);
		}
	}
}

static void test_ipv4_fragments(void **state)
{
	static const struct {
		unsigned word;
		unsigned flags;
		enum decode_drop drop;
	} cases[] = {
		{0x0000, 0, DECODE_DROP_NONE},
		{0x8000, 0, DECODE_DROP_NONE}, /* the reserved bit is no fragment */
		{0x4000, DECODE_IP_DF, DECODE_DROP_NONE},
		{0x2000, DECODE_FRAGMENT, DECODE_DROP_NONE}, /* the first one has the header */
		{0x2001, DECODE_FRAGMENT | DECODE_LATER_FRAGMENT, DECODE_DROP_LATER_FRAGMENT},
		{0x0001, DECODE_FRAGMENT | DECODE_LATER_FRAGMENT, DECODE_DROP_LATER_FRAGMENT},
		{0x1fff, DECODE_FRAGMENT | DECODE_LATER_FRAGMENT, DECODE_DROP_LATER_FRAGMENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = {.len = 0};
		size_t at = frame_v4(&f, &(struct v4){.fragment = cases[i].word});
		struct decode_packet p;

		frame_tcp(&f, &(struct tcp){.dport = 22});
		frame_v4_close(&f, at);
		p = raw(&f);
		assert_int_equal(p.drop, cases[i].drop);
		assert_int_equal(p.flags & (DECODE_FRAGMENT | DECODE_LATER_FRAGMENT | DECODE_IP_DF),
		    cases[i].flags);
		assert_int_equal(!!(p.flags & DECODE_TRANSPORT), cases[i].drop == DECODE_DROP_NONE);
	}
}

static void test_ipv6_extensions(void **state)
{
	/* Each with the header chain between the fixed header and TCP, and what comes of it. */
	static const struct {
		unsigned first;
		const char *chain;
		unsigned flags;
		enum decode_drop drop;
	} cases[] = {
		{6, "", 0, DECODE_DROP_NONE},
		{0, "0600010400000000", DECODE_IP_OPTIONS, DECODE_DROP_NONE},
		/* Hop-by-hop, destination (16 bytes), routing, destination. */
		{0, "3c00010400000000 2b01010c000000000000000000000000 3c00000000000000"
		    "0600010400000000", DECODE_IP_OPTIONS, DECODE_DROP_NONE},
		{51, "0604000011111111 22222222333333334444444455555555", DECODE_IP_OPTIONS,
		    DECODE_DROP_NONE},
		{51, "0600000011111111", DECODE_IP_OPTIONS, DECODE_DROP_NONE},
		{135, "0600000000000000", DECODE_IP_OPTIONS, DECODE_DROP_NONE},
		{139, "0600000000000000", DECODE_IP_OPTIONS, DECODE_DROP_NONE},
		{140, "0600000000000000", DECODE_IP_OPTIONS, DECODE_DROP_NONE},
		/* First fragment, atomic fragment (RFC 6946), later fragment. */
		{44, "0600000100000001", DECODE_IP_OPTIONS | DECODE_FRAGMENT, DECODE_DROP_NONE},
		{44, "0600000000000001", DECODE_IP_OPTIONS, DECODE_DROP_NONE},
		{44, "0600000800000001", DECODE_IP_OPTIONS | DECODE_FRAGMENT
		    | DECODE_LATER_FRAGMENT, DECODE_DROP_LATER_FRAGMENT},
		/* A header that claims to be longer than the packet. */
		{60, "06ff000000000000", DECODE_IP_OPTIONS, DECODE_DROP_IP_SHORT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = {.len = 0};
		size_t at = frame_v6(&f, cases[i].first);
		struct decode_packet p;

		frame_hex(&f, cases[i].chain);
		frame_tcp(&f, &(struct tcp){.dport = 445});
		frame_v6_close(&f, at);
		p = raw(&f);
		assert_int_equal(p.drop, cases[i].drop);
		assert_int_equal(p.flags & ~DECODE_TRANSPORT, cases[i].flags);
		if (!p.drop) {
			assert_int_equal(p.proto, 6);
			assert_int_equal(p.dport, 445);
		}
	}
}

static void test_ipv6_others(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v6(&f, 59);
	struct decode_packet p;

	(void)state;
	p = raw(&f); /* no next header */
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_int_equal(p.proto, 59);
	assert_false(p.flags & DECODE_TRANSPORT);
	/* More extension headers than anybody sends. */
	f.len = 0;
	at = frame_v6(&f, 60);
	for (int i = 0; i < 100; i++)
		frame_hex(&f, "3c00010400000000");
	frame_v6_close(&f, at);
	assert_int_equal(raw(&f).drop, DECODE_DROP_IP_MALFORMED);
	/* ICMP over IPv6 and ICMPv6 over IPv4 are other transports. */
	f.len = 0;
	at = frame_v6(&f, 1);
	frame_hex(&f, "0800000000010001");
	frame_v6_close(&f, at);
	p = raw(&f);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_false(p.flags & DECODE_TRANSPORT);
	f.len = 0;
	at = frame_v4(&f, &(struct v4){.proto = 58});
	frame_hex(&f, "8000000000010001");
	frame_v4_close(&f, at);
	p = raw(&f);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_false(p.flags & DECODE_TRANSPORT);
}

/* Counters do not enter tunnels: the outer header is what is counted. */
static void test_tunnels(void **state)
{
	static const unsigned protos[] = {4, 41, 47, 50};
	struct decode_packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		struct frame f = {.len = 0};
		size_t at = frame_v4(&f, &(struct v4){.proto = protos[i]});

		frame_syn4(&f);
		frame_v4_close(&f, at);
		p = raw(&f);
		assert_int_equal(p.drop, DECODE_DROP_NONE);
		assert_int_equal(p.proto, protos[i]);
		assert_int_equal(p.flags, DECODE_V4);
		assert_int_equal(p.tcp_flags, 0);
		assert_int_equal(p.dport, 0);
	}
}

/* Twenty captured bytes suffice, whatever the data offset says. */
static void test_tcp_data_offset(void **state)
{
	(void)state;
	for (unsigned words = 1; words < 16; words++) {
		struct frame f = {.len = 0};
		size_t at = frame_v4(&f, &(struct v4){.id = 1});
		struct decode_packet p;

		frame_tcp(&f, &(struct tcp){.dport = 22, .data_offset = words});
		frame_v4_close(&f, at);
		p = raw(&f);
		assert_int_equal(p.drop, DECODE_DROP_NONE);
		assert_int_equal(p.dport, 22);
		assert_int_equal(p.payload_offset, 40);
		assert_int_equal(p.payload_len, 0);
		f.len--;
		assert_int_equal(raw(&f).drop, DECODE_DROP_TRANSPORT_SHORT);
	}
}

static void test_udp_and_echo(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, &(struct v4){.proto = 17});
	struct decode_packet p;

	(void)state;
	frame_udp(&f, 5353, 53, 0); /* its own length field is not trusted */
	frame_hex(&f, "0102");
	frame_v4_close(&f, at);
	p = raw(&f);
	assert_int_equal(p.sport, 5353);
	assert_int_equal(p.dport, 53);
	assert_int_equal(p.payload_len, 2);
	f.len = 27;
	assert_int_equal(raw(&f).drop, DECODE_DROP_TRANSPORT_SHORT);

	f.len = 0;
	at = frame_v4(&f, &(struct v4){.proto = 1});
	frame_hex(&f, "08000000 abcd0001 6162");
	frame_v4_close(&f, at);
	p = raw(&f);
	assert_int_equal(p.icmp_type, 8);
	assert_int_equal(p.icmp_code, 0);
	assert_int_equal(p.sport, 0xabcd);
	assert_int_equal(p.dport, 8);
	assert_int_equal(p.payload_len, 2);
	assert_false(p.flags & DECODE_QUOTED);

	f.len = 0;
	at = frame_v6(&f, 58);
	frame_hex(&f, "81000000 abcd0001");
	frame_v6_close(&f, at);
	p = raw(&f);
	assert_int_equal(p.icmp_type, 129);
	assert_int_equal(p.sport, 0xabcd);
}

/* An ICMP error around what `quoted` holds. */
static struct decode_packet icmp_error(unsigned type, const struct frame *quoted)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, &(struct v4){.proto = 1});

	frame_u8(&f, type);
	frame_hex(&f, "03000000000000");
	frame_put(&f, quoted->data, quoted->len);
	frame_v4_close(&f, at);
	return raw(&f);
}

static void test_quotes(void **state)
{
	static const unsigned errors[] = {3, 4, 5, 11, 12};
	struct frame q = {.len = 0};
	struct decode_packet p;

	(void)state;
	(void)frame_v4(&q, &(struct v4){.src = 0xc0000201, .dst = 0xcb007109, .proto = 17});
	frame_u32(&q, 0xc3500035);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		p = icmp_error(errors[i], &q);
		assert_int_equal(p.drop, DECODE_DROP_NONE);
		assert_true(p.flags & DECODE_QUOTED && p.flags & DECODE_QUOTED_PORTS);
		assert_int_equal(ip_v4(p.quoted_src), 0xc0000201);
		assert_int_equal(ip_v4(p.quoted_dst), 0xcb007109);
		assert_int_equal(p.quoted_proto, 17);
		assert_int_equal(p.quoted_sport, 50000);
		assert_int_equal(p.quoted_dport, 53);
	}
	/* Echo and its like quote nothing. */
	assert_false(icmp_error(8, &q).flags & DECODE_QUOTED);
	assert_false(icmp_error(0, &q).flags & DECODE_QUOTED);
	/* Three bytes of ports are none; nineteen of a header are no quote. */
	q.len = 23;
	p = icmp_error(3, &q);
	assert_int_equal(p.flags & (DECODE_QUOTED | DECODE_QUOTED_PORTS), DECODE_QUOTED);
	q.len = 19;
	p = icmp_error(3, &q);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_int_equal(p.flags & (DECODE_QUOTED | DECODE_QUOTED_PORTS), 0);
}

static void test_odd_quotes(void **state)
{
	struct frame q = {.len = 0};
	struct decode_packet p;

	(void)state;
	/* Inner options move the ports. */
	(void)frame_v4(&q, &(struct v4){.dst = 0xcb007109, .options = "01010101 01010101"});
	frame_u32(&q, 0x1f900050);
	p = icmp_error(3, &q);
	assert_int_equal(p.quoted_sport, 8080);
	assert_int_equal(p.quoted_dport, 80);
	/* Options beyond the quote: no ports. */
	q.len = 24;
	p = icmp_error(3, &q);
	assert_int_equal(p.flags & (DECODE_QUOTED | DECODE_QUOTED_PORTS), DECODE_QUOTED);
	/* A later fragment has no ports, a first one has. */
	q.len = 0;
	(void)frame_v4(&q, &(struct v4){.fragment = 0x0010});
	frame_u32(&q, 0x1f900050);
	p = icmp_error(3, &q);
	assert_int_equal(p.flags & (DECODE_QUOTED | DECODE_QUOTED_PORTS), DECODE_QUOTED);
	q.len = 0;
	(void)frame_v4(&q, &(struct v4){.fragment = 0x2000});
	frame_u32(&q, 0x1f900050);
	assert_true(icmp_error(3, &q).flags & DECODE_QUOTED_PORTS);
	/* Neither have other protocols. */
	q.len = 0;
	(void)frame_v4(&q, &(struct v4){.proto = 1});
	frame_u32(&q, 0x08000000);
	p = icmp_error(11, &q);
	assert_int_equal(p.flags & (DECODE_QUOTED | DECODE_QUOTED_PORTS), DECODE_QUOTED);
	assert_int_equal(p.quoted_proto, 1);
	/* Not IPv4, or a header length below five words: no quote. */
	q.data[0] = 0x65;
	assert_false(icmp_error(3, &q).flags & DECODE_QUOTED);
	q.data[0] = 0x44;
	assert_false(icmp_error(3, &q).flags & DECODE_QUOTED);
}

static void test_quotes_ipv6(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v6(&f, 58);
	struct decode_packet p;

	(void)state;
	frame_hex(&f, "01040000 00000000");
	(void)frame_v6(&f, 6);
	frame_u32(&f, 0xc35001bb);
	frame_v6_close(&f, at);
	p = raw(&f);
	assert_true(p.flags & DECODE_QUOTED && p.flags & DECODE_QUOTED_PORTS);
	assert_int_equal(p.quoted_src.lo, 7);
	assert_int_equal(p.quoted_dst.lo, 1);
	assert_int_equal(p.quoted_proto, 6);
	assert_int_equal(p.quoted_dport, 443);
	f.len -= 5;
	p = raw(&f);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_false(p.flags & DECODE_QUOTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_fields),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_ipv4_lengths),
		cmocka_unit_test(test_ipv4_fragments),
		cmocka_unit_test(test_ipv6_extensions),
		cmocka_unit_test(test_ipv6_others),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_tcp_data_offset),
		cmocka_unit_test(test_udp_and_echo),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_odd_quotes),
		cmocka_unit_test(test_quotes_ipv6),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
