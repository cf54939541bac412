/*
 * Marks on hand-made packets: each relation, one bit beside it, and where none is looked for.
 */
#include "../decode/frame.h"

#include "fingerprint/marks.h"

#define DST 0xc0000201u

static uint16_t marks4(unsigned id, const struct tcp *tcp)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, &(struct v4){.dst = DST, .id = id});
	struct decode_packet p;

	frame_tcp(&f, tcp);
	frame_v4_close(&f, at);
	p = frame_decode(&f, LINK_RAW);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	return marks_of_tcp(&p);
}

static uint16_t marks6(const struct tcp *tcp)
{
	struct frame f = {.len = 0};
	size_t at = frame_v6(&f, 6);
	struct decode_packet p;

	frame_tcp(&f, tcp);
	frame_v6_close(&f, at);
	p = frame_decode(&f, LINK_RAW);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	return marks_of_tcp(&p);
}

static void test_mirai(void **state)
{
	(void)state;
	assert_int_equal(marks4(0x7777, &(struct tcp){.seq = DST}), RECORD_MARK_MIRAI);
	for (unsigned bit = 0; bit < 32; bit++)
		assert_int_equal(marks4(0x7777, &(struct tcp){.seq = DST ^ 1u << bit}), 0);
	/* ECN bits are outside the mask of tcp.syn. */
	assert_int_equal(marks4(0x7777, &(struct tcp){.seq = DST, .flags = 0xc2}), RECORD_MARK_MIRAI);
}

static void test_zmap(void **state)
{
	(void)state;
	assert_int_equal(marks4(54321, &(struct tcp){.seq = 9}), RECORD_MARK_ZMAP);
	assert_int_equal(marks4(54320, &(struct tcp){.seq = 9}), 0);
	/* Byte-swapped 54321 is no mark. */
	assert_int_equal(marks4(0x31d4, &(struct tcp){.seq = 9}), 0);
}

static void test_masscan(void **state)
{
	uint32_t seq = 0xdeadbeef;
	unsigned id = (DST ^ 8443 ^ seq) & 0xffff;

	(void)state;
	assert_int_equal(marks4(id, &(struct tcp){.dport = 8443, .seq = seq}), RECORD_MARK_MASSCAN);
	assert_int_equal(marks4(id ^ 1, &(struct tcp){.dport = 8443, .seq = seq}), 0);
	assert_int_equal(marks4(id, &(struct tcp){.dport = 8444, .seq = seq}), 0);
	/* Two marks at once are two facts. */
	seq = (54321 ^ DST ^ 80) & 0xffff;
	assert_int_equal(marks4(54321, &(struct tcp){.dport = 80, .seq = seq}),
	    RECORD_MARK_MASSCAN | RECORD_MARK_ZMAP);
}

static void test_synful(void **state)
{
	(void)state;
	assert_int_equal(marks4(7, &(struct tcp){.seq = 1000000, .ack = 1000000 - 0xc123d}),
	    RECORD_MARK_SYNFUL);
	assert_int_equal(marks4(7, &(struct tcp){.seq = 1000000, .ack = 1000000 + 0xc123d}),
	    RECORD_MARK_SYNFUL);
	/* The mark is the acknowledgment alone; the probe's difference is the tool's business. */
	assert_int_equal(marks4(7, &(struct tcp){.seq = 1, .ack = 1}), RECORD_MARK_SYNFUL);
	assert_int_equal(marks4(7, &(struct tcp){.seq = 1, .ack = 0}), 0);
}

/* None of it on anything but a SYN, and the IPv4 relations not on IPv6. */
static void test_elsewhere(void **state)
{
	static const unsigned flags[] = {0x12, 0x10, 0x04, 0x14, 0x11, 0x18, 0x01};

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		assert_int_equal(marks4(54321, &(struct tcp){.seq = DST, .ack = 0xc123d,
		    .flags = flags[i]}), 0);
		assert_int_equal(marks4((DST ^ 80 ^ 5) & 0xffff, &(struct tcp){.dport = 80,
		    .seq = 5, .flags = flags[i]}), 0);
	}
	/* SYN with FIN is not tcp.syn, so only the acknowledgment is looked at. */
	assert_int_equal(marks4(54321, &(struct tcp){.seq = DST, .ack = 3, .flags = 0x03}),
	    RECORD_MARK_SYNFUL);
	/* The low half of frame_dst6 as a sequence number, IP ID 0. */
	assert_int_equal(marks6(&(struct tcp){.seq = 1, .dport = 23}), 0);
	assert_int_equal(marks6(&(struct tcp){.seq = 1 ^ 23, .dport = 23}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mirai),
		cmocka_unit_test(test_zmap),
		cmocka_unit_test(test_masscan),
		cmocka_unit_test(test_synful),
		cmocka_unit_test(test_elsewhere),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
