/*
 * Laws of the decoder on damaged input: every cut of a frame and every random packet is either
 * counted or has exactly one reason, and nothing outside the captured bytes is read (each packet
 * lies in a heap block of its own size, which the address sanitizer watches).
 */
#include "frame.h"

#define RANDOM_PER_LINKTYPE 400
#define RANDOM_LEN_MAX 200

/* Decodes the first len bytes and checks what must hold for any input. */
static struct decode_packet decode_cut(const struct frame *f, size_t len, unsigned linktype)
{
	uint8_t *copy;
	struct decode_packet p = frame_decode_bytes(f->data, len, linktype, &copy);

	assert_true(p.drop < DECODE_DROP_NOT_OBSERVED); /* the others are the tally's reasons */
	assert_int_equal(p.data_len, len);
	if (p.drop == DECODE_DROP_NONE) {
		assert_true(p.transport_offset <= len);
		assert_true(p.payload_offset >= p.transport_offset);
		assert_true(p.payload_offset + p.payload_len <= len);
	} else {
		assert_false(p.flags & DECODE_TRANSPORT);
	}
	if (!(p.flags & DECODE_TRANSPORT)) {
		assert_int_equal(p.tcp_flags, 0);
		assert_int_equal(p.sport, 0);
		assert_int_equal(p.dport, 0);
	}
	free(copy);
	return p;
}

/* The frame counts from `enough` bytes on; before that each cut has one of the allowed reasons. */
static void check_cuts(const struct frame *f, unsigned linktype, size_t link_len, size_t ip_len,
    size_t enough)
{
	for (size_t len = 0; len <= f->len; len++) {
		struct decode_packet p = decode_cut(f, len, linktype);
		enum decode_drop want = DECODE_DROP_NONE;

		if (len < link_len)
			want = DECODE_DROP_LINK_SHORT;
		else if (len < ip_len)
			want = DECODE_DROP_IP_SHORT;
		else if (len < enough)
			want = DECODE_DROP_TRANSPORT_SHORT;
		/* Where version 4 or 6 is read from the first byte, none at all is the link's. */
		if (len == link_len && want == DECODE_DROP_IP_SHORT)
			assert_true(p.drop == DECODE_DROP_IP_SHORT
			    || p.drop == DECODE_DROP_LINK_SHORT);
		else
			assert_int_equal(p.drop, want);
	}
}

static void test_every_cut(void **state)
{
	static const struct {
		unsigned linktype;
		const char *header;
	} links[] = {
		{1, "ffffffffffff 020000000001 0800"},
		{1, "ffffffffffff 020000000001 0030 aaaa03 000000 0800"},
		{1, "ffffffffffff 020000000001 88a8 0064 8100 00c8 8847 00010040 00020140"},
		{1, "ffffffffffff 020000000001 8864 1100 0001 002a 0021"},
		{0, "02000000"},
		{6, "10 40 ffffffffffff 820000000001 0690 0011 0022 aaaa03 000000 0800"},
		{7, "01 02 d4 00 0001"},
		{8, "00 000000000000000000000000000000"},
		{10, "50 ffffffffffff 020000000001 aaaa03 000000 0800"},
		{51, "1100 0001 002a 0021"},
		{101, ""},
		{104, "0f00 0800"},
		{105, "8883 0000 010000000001 010000000002 010000000003 0000 010000000004 0000 00000000"
		      "aaaa03 000000 0800"},
		{107, "0801 03 00 80 000000 0800"},
		{113, "0000 0001 0006 0200000000010000 0800"},
		{122, "1000020000000001 1000020000000002 aaaa03 000000 0800"},
		{123, "01 00 0064 0001 ffffffffffff 020000000001 0800"},
		{127, "0000 0c00 04800000 0200 1800 0800 0000 010000000001 010000000002 010000000003"
		      "0000 aaaa03 000000 0800"},
		{138, "0200000000000001 0200000000000002 0800"},
		{163, "80211001 00000010 0000000000000000 0800 0000 010000000001 010000000002"
		      "010000000003 0000 aaaa03 000000 0800"},
		{192, "00 00 0800 01000000 ffffffffffff 020000000001 0800"},
		{228, ""},
		{239, "02 00 0000 0800 0100 08000300 4b00 0900"},
		{240, "00000000 ffffffffffff 020000000001 0800"},
		{276, "0800 0000 00000002 0001 00 06 0200000000010000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct frame f = {.len = 0};
		size_t link_len;
		size_t at;

		frame_hex(&f, links[i].header);
		link_len = f.len;
		at = frame_v4(&f, &(struct v4){.options = "01010101"});
		frame_tcp(&f, &(struct tcp){.options = "020405b4 0402 080a 01020304 00000000 01 030307"});
		frame_hex(&f, "474554");
		frame_v4_close(&f, at);
		check_cuts(&f, links[i].linktype, link_len, link_len + 24, link_len + 44);
	}
}

static void test_every_cut_ipv6(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v6(&f, 0);

	(void)state;
	frame_hex(&f, "3c00010400000000 2c01010c000000000000000000000000 0600000100000001");
	frame_tcp(&f, &(struct tcp){.options = "020405b4"});
	frame_v6_close(&f, at);
	check_cuts(&f, 229, 0, 72, 92);
	f.len = 0;
	at = frame_v6(&f, 17);
	frame_udp(&f, 1, 2, 4);
	frame_hex(&f, "01020304");
	frame_v6_close(&f, at);
	check_cuts(&f, LINK_RAW, 0, 40, 48);
}

static void test_every_cut_icmp(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, &(struct v4){.proto = 1});

	(void)state;
	frame_hex(&f, "03030000 00000000");
	(void)frame_v4(&f, &(struct v4){.proto = 17, .options = "01010101"});
	frame_udp(&f, 50000, 53, 0);
	frame_v4_close(&f, at);
	check_cuts(&f, 228, 0, 20, 28);
	for (size_t len = 28; len <= f.len; len++) {
		struct decode_packet p = decode_cut(&f, len, 228);

		assert_int_equal(!!(p.flags & DECODE_QUOTED), len >= 48);
		assert_int_equal(!!(p.flags & DECODE_QUOTED_PORTS), len >= 56);
	}
	f.len = 0;
	at = frame_v6(&f, 58);
	frame_hex(&f, "01040000 00000000");
	(void)frame_v6(&f, 17);
	frame_udp(&f, 50000, 53, 0);
	frame_v6_close(&f, at);
	check_cuts(&f, 229, 0, 40, 48);
	for (size_t len = 48; len <= f.len; len++) {
		struct decode_packet p = decode_cut(&f, len, 229);

		assert_int_equal(!!(p.flags & DECODE_QUOTED), len >= 88);
		assert_int_equal(!!(p.flags & DECODE_QUOTED_PORTS), len >= 92);
	}
}

/* Random bytes, half of them with an IP header somewhere near the beginning. */
static void test_random_packets(void **state)
{
	uint64_t seed = 0x74656974656eull;
	uint64_t reasons[DECODE_DROP_COUNT] = {0};
	uint64_t read = 0;
	uint64_t sum = 0;

	(void)state;
	for (unsigned linktype = 0; linktype <= 300; linktype++) {
		for (unsigned n = 0; n < RANDOM_PER_LINKTYPE; n++) {
			struct frame f = {.len = 0};
			size_t len = frame_random(&seed) % RANDOM_LEN_MAX;
			struct decode_packet p;

			for (size_t i = 0; i < len; i++)
				frame_u8(&f, frame_random(&seed) >> 33 & 0xff);
			if (n & 1 && len > 60) {
				size_t at = frame_random(&seed) % 40;

				f.data[at] = n & 2 ? 0x45 : 0x60;
				f.data[at + 6] = n & 2 ? 0 : 6;
				f.data[at + 9] = n & 4 ? 6 : 1;
				if (at >= 2) {
					f.data[at - 2] = n & 2 ? 0x08 : 0x86;
					f.data[at - 1] = n & 2 ? 0x00 : 0xdd;
				}
			}
			p = decode_cut(&f, len, linktype);
			reasons[p.drop]++;
			read++;
		}
	}
	for (int i = 0; i < DECODE_DROP_COUNT; i++)
		sum += reasons[i];
	assert_int_equal(read, sum);
	/* The seed reaches every outcome, else the law says little. */
	assert_true(reasons[DECODE_DROP_NONE] > 0);
	assert_true(reasons[DECODE_DROP_LINK_SHORT] > 0);
	assert_true(reasons[DECODE_DROP_LINK_TYPE] > 0);
	assert_true(reasons[DECODE_DROP_NOT_IP] > 0);
	assert_true(reasons[DECODE_DROP_IP_SHORT] > 0);
	assert_true(reasons[DECODE_DROP_IP_MALFORMED] > 0);
	assert_true(reasons[DECODE_DROP_LATER_FRAGMENT] > 0);
	assert_true(reasons[DECODE_DROP_TRANSPORT_SHORT] > 0);
}

/* The packets of a batch do not see each other: each comes out as it does alone. */
static void test_batch(void **state)
{
	struct capture_packet views[CAPTURE_BATCH_MAX];
	struct decode_packet packets[CAPTURE_BATCH_MAX];
	static struct frame frames[CAPTURE_BATCH_MAX];
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < CAPTURE_BATCH_MAX; i++) {
		struct frame *f = &frames[i];

		f->len = 0;
		if (i % 3)
			frame_hex(f, i % 3 == 1 ? "ffffffffffff 020000000001 0800"
			                        : "ffffffffffff 020000000001 86dd");
		if (i % 3 == 2)
			frame_syn6(f);
		else
			frame_syn4(f);
		f->len -= frame_random(&seed) % f->len;
		views[i] = (struct capture_packet){.data = f->data, .len = (uint32_t)f->len,
			.linktype = i % 3 ? LINK_ETHERNET : LINK_RAW, .time_us = (int64_t)i};
	}
	decode_batch(views, CAPTURE_BATCH_MAX, packets);
	for (size_t i = 0; i < CAPTURE_BATCH_MAX; i++) {
		struct decode_packet alone = frame_decode(&frames[i], views[i].linktype);

		assert_int_equal(packets[i].time_us, i);
		assert_int_equal(packets[i].drop, alone.drop);
		assert_int_equal(packets[i].tcp_flags, alone.tcp_flags);
		if (alone.drop == DECODE_DROP_NONE) {
			assert_true(ip_equal(packets[i].src, alone.src));
			assert_int_equal(packets[i].flags, alone.flags);
			assert_int_equal(packets[i].dport, alone.dport);
			assert_int_equal(packets[i].payload_offset, alone.payload_offset);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_cut_ipv6),
		cmocka_unit_test(test_every_cut_icmp),
		cmocka_unit_test(test_random_packets),
		cmocka_unit_test(test_batch),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
