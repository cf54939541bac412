/*
 * Every link type and tag that is decoded, as a frame made by hand: the SYN behind it must come
 * out with its addresses and ports, and what is not IP must have its reason.
 */
#include "frame.h"

#include <stdio.h>

#define SNAP "aaaa03 000000"

/* A frame: link type, the header before the IP datagram, which datagram, what must come out. */
struct link_case {
	const char *name;
	unsigned linktype;
	const char *header;
	int version; /* 4, 6: a SYN follows; 0: nothing follows */
	enum decode_drop drop;
};

static const struct link_case cases[] = {
	{"Ethernet", 1, "ffffffffffff 020000000001 0800", 4, 0},
	{"Ethernet IPv6", 1, "ffffffffffff 020000000001 86dd", 6, 0},
	{"Ethernet ARP", 1, "ffffffffffff 020000000001 0806 0001", 0, DECODE_DROP_NOT_IP},
	{"802.3 LLC SNAP", 1, "ffffffffffff 020000000001 0030" SNAP "0800", 4, 0},
	{"802.3 LLC SNAP IPv6", 1, "ffffffffffff 020000000001 0044" SNAP "86dd", 6, 0},
	{"802.3 LLC IP", 1, "ffffffffffff 020000000001 002b 060603", 4, 0},
	{"802.3 LLC ISO IP", 1, "ffffffffffff 020000000001 002c fefe03 cc", 4, 0},
	{"802.3 LLC ISO IPv6", 1, "ffffffffffff 020000000001 0040 fefe03 8e", 6, 0},
	{"802.3 spanning tree", 1, "0180c2000000 020000000001 0026 424203 0000000000", 0,
	    DECODE_DROP_NOT_IP},
	{"802.3 IS-IS", 1, "0180c2000014 020000000001 0026 fefe03 83", 0, DECODE_DROP_NOT_IP},
	{"802.3 Novell raw", 1, "ffffffffffff 020000000001 0022 ffff0022", 0, DECODE_DROP_NOT_IP},
	{"VLAN", 1, "ffffffffffff 020000000001 8100 0064 0800", 4, 0},
	{"VLAN IPv6", 1, "ffffffffffff 020000000001 8100 0064 86dd", 6, 0},
	{"VLAN LLC", 1, "ffffffffffff 020000000001 8100 0064 0030" SNAP "0800", 4, 0},
	{"QinQ 802.1ad", 1, "ffffffffffff 020000000001 88a8 0064 8100 00c8 0800", 4, 0},
	{"QinQ 9100", 1, "ffffffffffff 020000000001 9100 0064 8100 00c8 0800", 4, 0},
	{"QinQ 9200", 1, "ffffffffffff 020000000001 9200 0064 9200 00c8 0800", 4, 0},
	{"VLAN ARP", 1, "ffffffffffff 020000000001 8100 0064 0806", 0, DECODE_DROP_NOT_IP},
	{"MPLS", 1, "ffffffffffff 020000000001 8847 00010140", 4, 0},
	{"MPLS stack", 1, "ffffffffffff 020000000001 8847 00010040 00020040 00030140", 4, 0},
	{"MPLS IPv6", 1, "ffffffffffff 020000000001 8848 00010140", 6, 0},
	{"MPLS control word", 1, "ffffffffffff 020000000001 8847 00010140 00000000", 0,
	    DECODE_DROP_NOT_IP},
	{"VLAN MPLS", 1, "ffffffffffff 020000000001 8100 0064 8847 00010140", 4, 0},
	{"PPPoE", 1, "ffffffffffff 020000000001 8864 1100 0001 002a 0021", 4, 0},
	{"PPPoE IPv6", 1, "ffffffffffff 020000000001 8864 1100 0001 003e 0057", 6, 0},
	{"PPPoE compressed", 1, "ffffffffffff 020000000001 8864 1100 0001 0029 21", 4, 0},
	{"PPPoE MPLS", 1, "ffffffffffff 020000000001 8864 1100 0001 002e 0281 00010140", 4, 0},
	{"PPPoE LCP", 1, "ffffffffffff 020000000001 8864 1100 0001 000a c021 0109", 0,
	    DECODE_DROP_NOT_IP},
	{"PPPoE discovery", 1, "ffffffffffff 020000000001 8863 1109 0000 0000", 0,
	    DECODE_DROP_NOT_IP},
	{"QinQ PPPoE", 1, "ffffffffffff 020000000001 88a8 0001 8100 0002 8864 1100 0001 002a 0021", 4,
	    0},
	{"null little", 0, "02000000", 4, 0},
	{"null big", 0, "00000002", 4, 0},
	{"null IPv6 FreeBSD", 0, "1c000000", 6, 0},
	{"null IPv6 Darwin", 0, "1e000000", 6, 0},
	{"null IPv6 NetBSD", 0, "00000018", 6, 0},
	{"null IPv6 Linux", 0, "0a000000", 6, 0},
	{"null other", 0, "07000000", 0, DECODE_DROP_NOT_IP},
	{"loop", 108, "00000002", 4, 0},
	{"loop IPv6", 108, "0000001e", 6, 0},
	{"raw", 101, "", 4, 0},
	{"raw IPv6", 101, "", 6, 0},
	{"raw BSD", 12, "", 4, 0},
	{"raw OpenBSD", 14, "", 6, 0},
	{"raw neither", 101, "50000000", 0, DECODE_DROP_NOT_IP},
	{"IPv4", 228, "", 4, 0},
	{"IPv4 with IPv6 inside", 228, "", 6, DECODE_DROP_IP_MALFORMED},
	{"IPv6", 229, "", 6, 0},
	{"IPv6 with IPv4 inside", 229, "", 4, DECODE_DROP_IP_MALFORMED},
	{"SLL", 113, "0000 0001 0006 0200000000010000 0800", 4, 0},
	{"SLL IPv6", 113, "0004 0001 0006 0200000000010000 86dd", 6, 0},
	{"SLL VLAN", 113, "0000 0001 0006 0200000000010000 8100 0064 0800", 4, 0},
	{"SLL LLC", 113, "0000 0001 0006 0200000000010000 0004" SNAP "0800", 4, 0},
	{"SLL ARP", 113, "0000 0001 0006 0200000000010000 0806", 0, DECODE_DROP_NOT_IP},
	{"SLL2", 276, "0800 0000 00000002 0001 00 06 0200000000010000", 4, 0},
	{"SLL2 IPv6", 276, "86dd 0000 00000002 0001 00 06 0200000000010000", 6, 0},
	{"SLL2 VLAN", 276, "8100 0000 00000002 0001 00 06 0200000000010000 0064 0800", 4, 0},
	{"PPP", 9, "ff03 0021", 4, 0},
	{"PPP IPv6", 9, "ff03 0057", 6, 0},
	{"PPP without address", 9, "0021", 4, 0},
	{"PPP compressed", 9, "21", 4, 0},
	{"PPP both compressed", 50, "ff03 21", 4, 0},
	{"PPP MPLS", 50, "ff03 0281 00010140", 4, 0},
	{"PPP LCP", 9, "ff03 c021 01010004", 0, DECODE_DROP_NOT_IP},
	{"PPP Cisco", 50, "0f00 0800", 4, 0},
	{"PPP Cisco multicast", 50, "8f00 86dd", 6, 0},
	{"PPP over Ethernet", 51, "1100 0001 002a 0021", 4, 0},
	{"Cisco HDLC", 104, "0f00 0800", 4, 0},
	{"Cisco HDLC IPv6", 104, "0f00 86dd", 6, 0},
	{"Cisco HDLC MPLS", 104, "0f00 8847 00010140", 4, 0},
	{"Cisco SLARP", 104, "8f00 8035 00000002", 0, DECODE_DROP_NOT_IP},
	{"Token Ring", 6, "10 40 ffffffffffff 020000000001" SNAP "0800", 4, 0},
	{"Token Ring, routing", 6, "10 40 ffffffffffff 820000000001 0690 0011 0022" SNAP "0800", 4,
	    0},
	{"Token Ring, empty routing", 6, "10 40 ffffffffffff 820000000001 0290" SNAP "86dd", 6, 0},
	{"FDDI", 10, "50 ffffffffffff 020000000001" SNAP "0800", 4, 0},
	{"ATM LLC", 100, SNAP "0800", 4, 0},
	{"IP over Fibre Channel", 122, "1000020000000001 1000020000000002" SNAP "0800", 4, 0},
	{"SLIP", 8, "00 000000000000000000000000000000", 4, 0},
	{"ARCnet 1201", 7, "01 02 d4 00 0001", 4, 0},
	{"ARCnet 1201 IPv6", 7, "01 02 c4 00 0001", 6, 0},
	{"ARCnet 1051", 7, "01 02 f0", 4, 0},
	{"ARCnet ARP", 7, "01 02 d5 00 0001", 0, DECODE_DROP_NOT_IP},
	{"ARCnet Linux", 129, "01 02 0000 d4 00 0001", 4, 0},
	{"IEEE 1394", 138, "0200000000000001 0200000000000002 0800", 4, 0},
	{"netANALYZER", 240, "00000000 ffffffffffff 020000000001 0800", 4, 0},
	{"pflog", 117, "3d 02 00 00 656d3000000000000000000000000000"
	    "00000000000000000000000000000000 00000000 00000000 00000000 00000000 00000000 00000000"
	    "01 000000", 4, 0},
	{"802.11 data", 105, "0800 0000 010000000001 010000000002 010000000003 0000" SNAP "0800", 4,
	    0},
	{"802.11 QoS", 105, "8801 0000 010000000001 010000000002 010000000003 0000 0000" SNAP
	    "86dd", 6, 0},
	{"802.11 QoS with HT control", 105, "8881 0000 010000000001 010000000002 010000000003 0000"
	    "0000 00000000" SNAP "0800", 4, 0},
	{"802.11 four addresses", 105, "0803 0000 010000000001 010000000002 010000000003 0000"
	    "010000000004" SNAP "0800", 4, 0},
	{"802.11 QoS four addresses", 105, "8803 0000 010000000001 010000000002 010000000003 0000"
	    "010000000004 0000" SNAP "0800", 4, 0},
	{"802.11 protected", 105, "0840 0000 010000000001 010000000002 010000000003 0000 11223344"
	    "55667788", 4, DECODE_DROP_NOT_IP},
	{"802.11 beacon", 105, "8000 0000 ffffffffffff 010000000002 010000000003 0000 00000000", 0,
	    DECODE_DROP_NOT_IP},
	{"802.11 null data", 105, "4801 0000 010000000001 010000000002 010000000003 0000", 0,
	    DECODE_DROP_NOT_IP},
	{"radiotap", 127, "0000 0c00 04800000 0200 1800 0800 0000 010000000001 010000000002"
	    "010000000003 0000" SNAP "0800", 4, 0},
	{"radiotap too short", 127, "0000 0200", 0, DECODE_DROP_LINK_SHORT},
	{"AVS", 163, "80211001 00000010 0000000000000000 0800 0000 010000000001 010000000002"
	    "010000000003 0000" SNAP "0800", 4, 0},
	{"AVS in Prism's type", 119, "80211001 00000008 0800 0000 010000000001 010000000002"
	    "010000000003 0000" SNAP "0800", 4, 0},
	{"AVS too short", 163, "80211001 00000004", 0, DECODE_DROP_LINK_SHORT},
	{"PPI Ethernet", 192, "00 00 0800 01000000 ffffffffffff 020000000001 0800", 4, 0},
	{"PPI with a field", 192, "00 00 1000 69000000 0200 0400 00000000 0800 0000 010000000001"
	    "010000000002 010000000003 0000" SNAP "0800", 4, 0},
	{"PPI in PPI", 192, "00 00 0800 c0000000 00 00 0800 01000000", 0, DECODE_DROP_LINK_SHORT},
	{"PPI of something else", 192, "00 00 0800 bd000000", 0, DECODE_DROP_LINK_TYPE},
	{"frame relay", 107, "0801 03 cc", 4, 0},
	{"frame relay IPv6", 107, "0801 03 8e", 6, 0},
	{"frame relay SNAP", 107, "0801 03 00 80 000000 0800", 4, 0},
	{"frame relay, long address", 107, "080008 01 03 cc", 4, 0},
	{"frame relay Cisco", 107, "0801 0800", 4, 0},
	{"frame relay LMI", 107, "0001 03 08 00", 0, DECODE_DROP_NOT_IP},
	{"SunATM LLC", 123, "02 00 0064" SNAP "0800", 4, 0},
	{"SunATM LANE", 123, "01 00 0064 0001 ffffffffffff 020000000001 0800", 4, 0},
	{"SunATM signalling", 123, "06 00 0005", 0, DECODE_DROP_NOT_IP},
	{"NFLOG", 239, "02 00 0000 0800 0100 08000300 0500 0a00 00000000 2c00 0900", 4, 0},
	{"NFLOG IPv6", 239, "0a 00 0000 4000 0900", 6, 0},
	{"NFLOG cut off by the snap length", 239, "02 00 0000 dc05 0900", 4, 0},
	{"NFLOG without payload", 239, "02 00 0000 0800 0100 08000300", 0, DECODE_DROP_LINK_SHORT},
	{"NFLOG bridge", 239, "07 00 0000 2c00 0900", 4, DECODE_DROP_NOT_IP},
	{"unknown", 189, "00000000", 4, DECODE_DROP_LINK_TYPE},
	{"unknown 16 bits", 65535, "00000000", 4, DECODE_DROP_LINK_TYPE},
};

static void test_link_types(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct link_case *c = &cases[i];
		struct frame f = {.len = 0};
		struct decode_packet p;
		bool good;

		frame_hex(&f, c->header);
		if (c->version == 4)
			frame_syn4(&f);
		else if (c->version == 6)
			frame_syn6(&f);
		p = frame_decode(&f, c->linktype);
		good = p.drop == c->drop && p.linktype == c->linktype;
		if (good && !c->drop) {
			good = p.proto == 6 && p.sport == 40000 && p.dport == 23
			    && p.seq == 0x01020304 && p.tcp_flags == 2 && p.window == 1024
			    && p.flags & DECODE_TRANSPORT && p.payload_len == 0
			    && p.transport_offset == f.len - 20 && p.payload_offset == f.len;
			if (c->version == 4)
				good = good && p.flags & DECODE_V4 && ip_v4(p.src) == 0xc6336407
				    && ip_v4(p.dst) == 0xc0000201 && ip_is_v4(p.src) && p.ip_id == 1
				    && p.ip_len == 40 && p.ttl == 64;
			else
				good = good && !(p.flags & DECODE_V4)
				    && p.src.hi == 0x20010db800000000ull && p.src.lo == 7
				    && p.dst.hi == 0x20010db800000009ull && p.dst.lo == 1
				    && p.ip_len == 60 && p.ttl == 57;
		}
		if (!good) {
			print_error("%s: drop %s\n", c->name,
			    decode_drop_name((enum decode_drop)p.drop));
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* A Prism header is 144 bytes of counters whose first word is a message code. */
static void test_prism(void **state)
{
	struct frame f = {.len = 0};
	struct decode_packet p;

	(void)state;
	frame_hex(&f, "44000000 90000000");
	frame_fill(&f, 0, 136);
	frame_hex(&f, "0800 0000 010000000001 010000000002 010000000003 0000" SNAP "0800");
	frame_syn4(&f);
	p = frame_decode(&f, 119);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_int_equal(p.dport, 23);
}

/* The cap on encapsulations: as many tags as are allowed pass, one more does not. */
static void test_layer_cap(void **state)
{
	(void)state;
	for (unsigned tags = 0; tags < 40; tags++) {
		/* One step each: the link type, every tag, then EtherType and IP. */
		enum decode_drop want = tags + 3 <= DECODE_LAYERS_MAX ? DECODE_DROP_NONE
		                                                      : DECODE_DROP_LAYERS;
		struct frame f = {.len = 0};

		frame_hex(&f, "ffffffffffff 020000000001");
		for (unsigned i = 0; i < tags; i++)
			frame_hex(&f, "8100 0001");
		frame_hex(&f, "0800");
		frame_syn4(&f);
		assert_int_equal(frame_decode(&f, LINK_ETHERNET).drop, want);
	}
	for (unsigned labels = 1; labels < 40; labels++) {
		struct frame f = {.len = 0};

		frame_hex(&f, "ffffffffffff 020000000001 8847");
		for (unsigned i = 1; i < labels; i++)
			frame_hex(&f, "00010000");
		frame_hex(&f, "00010100");
		frame_syn4(&f);
		assert_int_equal(frame_decode(&f, LINK_ETHERNET).drop,
		    labels + 4 <= DECODE_LAYERS_MAX ? DECODE_DROP_NONE : DECODE_DROP_LAYERS);
	}
}

/* The check sequence that the file announces is no payload, and never more than the packet. */
static void test_check_sequence(void **state)
{
	struct capture_packet view = {.linktype = LINK_ETHERNET, .fcs_len = 4};
	struct decode_packet p;
	struct frame f = {.len = 0};

	(void)state;
	frame_hex(&f, "ffffffffffff 020000000001 0800");
	/* Total length 0, as segmentation offload leaves it: only the capture bounds the payload. */
	(void)frame_v4(&f, &(struct v4){.proto = 17});
	frame_udp(&f, 1000, 53, 5);
	frame_hex(&f, "0102030405 deadbeef");
	view.data = f.data;
	view.len = (uint32_t)f.len;
	decode_batch(&view, 1, &p);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	assert_int_equal(p.payload_len, 5);
	view.len = 3;
	decode_batch(&view, 1, &p);
	assert_int_equal(p.drop, DECODE_DROP_LINK_SHORT);
}

/* Reasons have distinct, stable names: they are stored as text. */
static void test_drop_names(void **state)
{
	(void)state;
	assert_string_equal(decode_drop_name(DECODE_DROP_LINK_SHORT), "link-short");
	assert_string_equal(decode_drop_name(DECODE_DROP_NOT_IP), "not-ip");
	assert_string_equal(decode_drop_name(DECODE_DROP_LATER_FRAGMENT), "later-fragment");
	assert_string_equal(decode_drop_name(DECODE_DROP_OUTBOUND), "outbound");
	for (int i = 0; i < DECODE_DROP_COUNT; i++) {
		assert_true(strlen(decode_drop_doc((enum decode_drop)i)) > 0);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(decode_drop_name((enum decode_drop)i),
			    decode_drop_name((enum decode_drop)k));
	}
	assert_string_equal(decode_drop_name(DECODE_DROP_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_types),
		cmocka_unit_test(test_prism),
		cmocka_unit_test(test_layer_cap),
		cmocka_unit_test(test_check_sequence),
		cmocka_unit_test(test_drop_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
