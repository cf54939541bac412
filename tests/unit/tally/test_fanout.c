/*
 * Packets dealt out to rings: the program that the kernel runs and the tally agree on who the
 * visitor is, whatever a packet is wrapped in, cut to or damaged by.  The program runs here in
 * libpcap's interpreter of BPF.
 */
#include "../decode/frame.h"

#include "capture/fanout.h"
#include "tally/destinations.h"

#include <pcap/pcap.h>

#define SEED 0x1234abcd
#define ROUNDS 60000

static struct sock_filter program[FANOUT_INSNS_MAX];

static struct ip_net net_of(const char *text)
{
	struct ip_net net;

	assert_int_equal(ip_net_parse(text, strlen(text), &net), ST_OK);
	return net;
}

static struct ip address(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, strlen(text), &ip), ST_OK);
	return ip;
}

/* The longest way through it, in the kernel's own words, is checked by the tests of the ring. */
static size_t compile(const struct fanout_options *o)
{
	struct err err = {0};
	size_t count = 0;

	assert_int_equal(fanout_program(o, program, &count, &err), ST_OK);
	assert_true(count <= FANOUT_INSNS_MAX);
	return count;
}

static unsigned run(const struct frame *f)
{
	/* The two structures are the same. */
	return bpf_filter((const struct bpf_insn *)(const void *)program, f->data, (unsigned)f->len,
	    (unsigned)f->len);
}

/* ---- whom it should go by ------------------------------------------------------------------- */

static bool is_error_with_quote(const struct decode_packet *p)
{
	return p->drop == DECODE_DROP_NONE && p->flags & DECODE_QUOTED && !(p->flags & DECODE_FRAGMENT);
}

static unsigned expected(const struct decode_packet *p, const struct destinations *d,
    unsigned rings)
{
	struct ip visitor = p->src;

	if (p->network_offset == DECODE_NO_NETWORK)
		return 0;
	if (destinations_observed(d, p->dst)) {
		if (is_error_with_quote(p))
			visitor = p->quoted_dst;
	} else if (destinations_observed(d, p->src)) {
		visitor = p->dst;
	}
	return fanout_ring(visitor, SEED, rings);
}

/* ---- frames --------------------------------------------------------------------------------- */

static const char *const v4_pool[] = {"192.0.2.1", "192.0.2.9", "192.0.2.14", "203.0.113.5",
    "203.0.113.77", "198.51.100.1", "198.51.100.200", "10.1.2.3", "0.0.0.0", "255.255.255.255"};
static const char *const v6_pool[] = {"2001:db8:8::1", "2001:db8:8::ffff:9", "2001:db8:8::bad:1",
    "2001:db8:1::1", "2001:db8:1:2:3:4:5:6", "fe80::1", "::ffff:192.0.2.9", "::ffff:203.0.113.5",
    "2001:db8:9:1::1", "::1"};

static uint64_t pick(uint64_t *state, uint64_t n)
{
	return (frame_random(state) >> 33) % n;
}

static void put_ip(struct frame *f, struct ip ip, bool v6)
{
	if (v6) {
		frame_u32(f, (uint32_t)(ip.hi >> 32));
		frame_u32(f, (uint32_t)ip.hi);
		frame_u32(f, (uint32_t)(ip.lo >> 32));
	}
	frame_u32(f, (uint32_t)ip.lo);
}

static struct ip some_ip(uint64_t *s, bool v6)
{
	return address(v6 ? v6_pool[pick(s, 10)] : v4_pool[pick(s, 10)]);
}

static void put_transport(struct frame *f, uint64_t *s, unsigned proto, bool v6, bool may_quote);

/* One datagram; its declared length is sometimes wrong. */
static void put_datagram(struct frame *f, uint64_t *s, bool v6, bool may_quote)
{
	static const unsigned protos[] = {6, 17, 1, 58, 1, 58, 47, 50};
	static const unsigned extensions[] = {0, 43, 60, 135, 139, 140, 44, 51};
	unsigned proto = protos[pick(s, 8)];
	unsigned chain[12];
	unsigned chain_len = v6 && pick(s, 3) == 0 ? (unsigned)pick(s, 9) : 0;
	unsigned options = v6 ? 0 : (unsigned)(pick(s, 4) == 0 ? pick(s, 11) : 0);
	uint64_t fragment = pick(s, 12);
	size_t at = f->len;
	size_t len;

	for (unsigned i = 0; i < chain_len; i++)
		chain[i] = extensions[pick(s, 8)];
	chain[chain_len] = proto;
	if (v6) {
		frame_u32(f, 0x60000000);
		frame_u16(f, 0);
		frame_u8(f, chain[0]);
		frame_u8(f, 60);
		put_ip(f, some_ip(s, true), true);
		put_ip(f, some_ip(s, true), true);
	} else {
		frame_u8(f, 0x45 + options);
		frame_u8(f, 0);
		frame_u16(f, 0);
		frame_u16(f, 7);
		frame_u16(f, fragment == 0 ? 0x2000 : fragment == 1 ? 0x0020 : fragment == 2 ? 0x4000 : 0);
		frame_u8(f, 60);
		frame_u8(f, proto);
		frame_u16(f, 0);
		put_ip(f, some_ip(s, false), false);
		put_ip(f, some_ip(s, false), false);
		frame_fill(f, 1, 4 * options);
	}
	for (unsigned i = 0; i < chain_len; i++) {
		unsigned more = (unsigned)pick(s, 3);

		frame_u8(f, chain[i + 1]);
		if (chain[i] == 44) {
			frame_u8(f, 0);
			frame_u16(f, pick(s, 2) ? 0 : (unsigned)pick(s, 3));
			frame_u32(f, 9);
		} else if (chain[i] == 51) {
			frame_u8(f, 1 + more);
			frame_fill(f, 3, 4 * (3 + more) - 2);
		} else {
			frame_u8(f, more);
			frame_fill(f, 3, 8 * (1 + more) - 2);
		}
	}
	put_transport(f, s, proto, v6, may_quote);
	len = f->len - at - (v6 ? 40 : 0);
	if (pick(s, 8) == 0)
		len = pick(s, 2) ? 0 : pick(s, len + 20);
	f->data[at + (v6 ? 4 : 2)] = (uint8_t)(len >> 8);
	f->data[at + (v6 ? 5 : 3)] = (uint8_t)len;
}

static void put_transport(struct frame *f, uint64_t *s, unsigned proto, bool v6, bool may_quote)
{
	static const unsigned types4[] = {0, 3, 4, 5, 8, 11, 12, 13};
	static const unsigned types6[] = {1, 2, 3, 4, 127, 128, 129, 135};

	switch (proto) {
	case 6:
		frame_tcp(f, &(struct tcp){.seq = 5});
		break;
	case 17:
		frame_udp(f, 4000, 53, 0);
		break;
	case 1:
	case 58:
		frame_u8(f, v6 ? types6[pick(s, 8)] : types4[pick(s, 8)]);
		frame_u8(f, 0);
		frame_u16(f, 0);
		frame_u32(f, 0);
		if (may_quote && pick(s, 8))
			put_datagram(f, s, pick(s, 10) ? v6 : !v6, false);
		break;
	default:
		frame_fill(f, 9, pick(s, 30));
		break;
	}
}

static unsigned put_wrapping(struct frame *f, uint64_t *s, bool v6)
{
	static const unsigned tags[] = {0x8100, 0x88a8, 0x9100, 0x9200};
	unsigned type = v6 ? 0x86dd : 0x0800;
	uint64_t n;

	frame_hex(f, "020000000008 020000000001");
	for (n = pick(s, 4) ? 0 : pick(s, FANOUT_VLANS_MAX + 1); n > 0; n--) {
		frame_u16(f, tags[pick(s, 4)]);
		frame_u16(f, 5);
	}
	switch (pick(s, 12)) {
	case 0:
		frame_u16(f, pick(s, 2) ? 0x8847 : 0x8848);
		for (n = pick(s, FANOUT_LABELS_MAX); n > 0; n--)
			frame_u32(f, 0x00010040);
		frame_u32(f, 0x00020140);
		break;
	case 1:
		frame_hex(f, pick(s, 2) ? "8864 1100 0001 002a 00" : "8864 1100 0001 002a");
		frame_u8(f, v6 ? 0x57 : 0x21);
		break;
	case 2:
		frame_hex(f, "8864 1100 0001 002a 0281 00020140");
		break;
	case 3:
		frame_hex(f, "0030 aaaa03 000000");
		frame_u16(f, type);
		break;
	case 4:
		if (!v6)
			frame_hex(f, "0030 060603");
		else
			frame_u16(f, type);
		break;
	case 5:
		frame_u16(f, 0x0806);
		break;
	default:
		frame_u16(f, type);
		break;
	}
	return LINK_ETHERNET;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void check(const struct frame *f, unsigned linktype, const struct fanout_options *o,
    const struct destinations *d)
{
	struct decode_packet p = frame_decode(f, linktype);
	unsigned ring = run(f);

	/* What is damaged may be anybody's, and goes to one ring all the same. */
	assert_true(ring < o->rings);
	if (p.drop == DECODE_DROP_NONE || p.drop == DECODE_DROP_LATER_FRAGMENT)
		assert_int_equal(ring, expected(&p, d, o->rings));
}

static void check_frames(struct fanout_options *o)
{
	struct destinations d;
	uint64_t state = 20260101;
	unsigned counted = 0;
	unsigned in_ring[FANOUT_RINGS_MAX] = {0};

	assert_int_equal(destinations_init(&d, o->nets, o->net_count, NULL, 0), ST_OK);
	assert_int_equal(destinations_exclude(&d, o->excluded, o->excluded_count), ST_OK);
	(void)compile(o);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct frame f = {.len = 0};
		bool v6 = pick(&state, 2);
		unsigned linktype = LINK_RAW;

		if (o->frames == FANOUT_WHOLE)
			linktype = put_wrapping(&f, &state, v6);
		put_datagram(&f, &state, v6, true);
		if (pick(&state, 4) == 0)
			frame_fill(&f, 0, pick(&state, 30)); /* padding */
		check(&f, linktype, o, &d);
		counted += frame_decode(&f, linktype).drop == DECODE_DROP_NONE;
		in_ring[run(&f)]++;
		f.len = pick(&state, f.len + 1);
		check(&f, linktype, o, &d);
		for (unsigned n = 0; n < 2 && f.len; n++)
			f.data[pick(&state, f.len)] = (uint8_t)pick(&state, 256);
		check(&f, linktype, o, &d);
	}
	assert_true(counted > ROUNDS / 2);
	for (unsigned i = 0; i < o->rings; i++)
		assert_true(in_ring[i] > 0);
	destinations_fini(&d);
}

static void test_program_and_tally_agree(void **state)
{
	struct ip_net nets[] = {net_of("192.0.2.8/29"), net_of("2001:db8:8::/64"), net_of("192.0.2.1")};
	struct ip_net excluded[] = {net_of("192.0.2.14"), net_of("2001:db8:8::bad:0/112")};

	(void)state;
	for (unsigned rings = 2; rings <= FANOUT_RINGS_MAX; rings += 3) {
		struct fanout_options o = {FANOUT_WHOLE, nets, 3, excluded, 2, SEED, rings};

		check_frames(&o);
		o.frames = FANOUT_RAW;
		check_frames(&o);
	}
}

/* Networks of any length, IPv4 seen from IPv6 as well. */
static void test_networks(void **state)
{
	static const char *const texts[] = {"192.0.2.9", "192.0.2.8/30", "192.0.0.0/8", "0.0.0.0/0",
	    "::/0", "::/80", "2001:db8::/33", "2001:db8:8::ffff:8/125", "2001:db8:8::1", "fe80::/10"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ip_net nets[] = {net_of(texts[i])};
		struct ip_net excluded[] = {net_of("203.0.113.64/26"), net_of("2001:db8:1::/48")};
		struct fanout_options o = {FANOUT_WHOLE, nets, 1, excluded, 2, SEED, 4};

		check_frames(&o);
	}
}

/* Real networks' numbers are neighbours: they are dealt out evenly all the same. */
static void test_even(void **state)
{
	unsigned counts[FANOUT_RINGS_MAX] = {0};

	(void)state;
	for (uint32_t i = 0; i < 80000; i++)
		counts[fanout_ring(ip_from_v4(0xcb007100 + i), SEED, FANOUT_RINGS_MAX)]++;
	for (unsigned i = 0; i < FANOUT_RINGS_MAX; i++)
		assert_in_range(counts[i], 9000, 11000);
	memset(counts, 0, sizeof(counts));
	for (uint64_t i = 0; i < 80000; i++)
		counts[fanout_ring((struct ip){0x20010db800000000 + (i << 16), i % 3}, SEED,
		    FANOUT_RINGS_MAX)]++;
	for (unsigned i = 0; i < FANOUT_RINGS_MAX; i++)
		assert_in_range(counts[i], 9000, 11000);
}

static void test_too_many_networks(void **state)
{
	static struct ip_net nets[DESTINATIONS_NETS_MAX];
	struct fanout_options o = {FANOUT_ETHERNET, nets, DESTINATIONS_NETS_MAX, NULL, 0, SEED, 2};
	struct err err = {0};
	size_t count;

	(void)state;
	for (uint32_t i = 0; i < DESTINATIONS_NETS_MAX; i++)
		nets[i] = (struct ip_net){ip_from_v4(0xc0000200 + 2 * i), 128};
	assert_int_equal(fanout_program(&o, program, &count, &err), ST_OK);
	for (uint32_t i = 0; i < DESTINATIONS_NETS_MAX; i++)
		nets[i] = (struct ip_net){{0x20010db8ull << 32, i}, 128};
	o.excluded = nets;
	o.excluded_count = DESTINATIONS_NETS_MAX;
	assert_int_equal(fanout_program(&o, program, &count, &err), ST_LIMIT);
	assert_non_null(strstr(err.text, "capture.rings"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_and_tally_agree),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_even),
		cmocka_unit_test(test_too_many_networks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
