/* Flows, streams, what is remembered between packets, tunnels. */
#include "feed.h"

static void a_content_lies_across_packets(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert tcp any any -> any any (flow:established,to_server; content:\"abcdef\"; sid:1;)\n"
	    "alert tcp-pkt any any -> any any (content:\"abcdef\"; sid:2;)\n");
	feed_handshake(&f);
	feed_text(&f, true, "xxabc");
	feed_text(&f, true, "defxx");
	signatures_flush(f.engine);
	assert_int_equal(feed_raised(&f, 1), 1);
	assert_int_equal(feed_raised(&f, 2), 0);
	feed_close(&f);
}

static void segments_come_in_any_order(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert tcp any any -> any any (content:\"abcdef\"; sid:1;)\n");
	feed_handshake(&f);
	feed_tcp_at(&f, true, 0x18, f.seq[0] + 4, "ef", 2);
	feed_tcp_at(&f, true, 0x18, f.seq[0] + 2, "cd", 2);
	feed_tcp_at(&f, true, 0x18, f.seq[0] + 2, "XX", 2);
	assert_int_equal(f.count, 0);
	feed_tcp_at(&f, true, 0x18, f.seq[0], "ab", 2);
	assert_int_equal(feed_raised(&f, 1), 1);
	feed_close(&f);
}

static void the_flow_option_is_kept(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert tcp any any -> any any (flow:established,to_server; content:\"ping\"; sid:1;)\n"
	    "alert tcp any any -> any any (flow:established,from_server; content:\"pong\"; sid:2;)\n"
	    "alert tcp any any -> any any (flow:to_server; flags:S,12; sid:3;)\n"
	    "alert tcp any any -> any any (flow:not_established,to_server; content:\"ping\"; sid:4;)\n");
	/* In the middle of a session nothing is established. */
	f.seq[0] = 77;
	feed_text(&f, true, "ping");
	assert_int_equal(feed_raised(&f, 1), 0);
	assert_int_equal(feed_raised(&f, 4), 1);
	f.ports[0]++;
	feed_handshake(&f);
	feed_text(&f, true, "ping");
	feed_text(&f, false, "pong");
	feed_finish(&f);
	assert_int_equal(feed_raised(&f, 1), 1);
	assert_int_equal(feed_raised(&f, 2), 1);
	assert_int_equal(feed_raised(&f, 3), 1);
	feed_close(&f);
}

static void bits_of_flows_and_hosts(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert udp any any -> any any (content:\"one\"; flowbits:set,a; flowbits:noalert; sid:1;)\n"
	    "alert udp any any -> any any (content:\"two\"; flowbits:isset,a|b; sid:2;)\n"
	    "alert udp any any -> any any (content:\"one\"; xbits:set,x,track ip_src,expire 5; noalert; sid:3;)\n"
	    "alert udp any any -> any any (content:\"two\"; xbits:isset,x,track ip_src; sid:4;)\n"
	    "alert udp any any -> any any (content:\"two\"; flowint:n,+,1; noalert; sid:5;)\n"
	    "alert udp any any -> any any (content:\"two\"; flowint:n,>,1; sid:6;)\n");
	feed_udp(&f, true, "two", 3);
	assert_int_equal(f.count, 0);
	feed_udp(&f, true, "one", 3);
	feed_udp(&f, true, "two", 3);
	assert_int_equal(feed_raised(&f, 2), 1);
	assert_int_equal(feed_raised(&f, 4), 1);
	assert_int_equal(feed_raised(&f, 6), 1);
	/* Another flow of the same host knows the host's bit only, and that expires. */
	f.ports[0]++;
	feed_udp(&f, true, "two", 3);
	assert_int_equal(feed_raised(&f, 2), 1);
	assert_int_equal(feed_raised(&f, 4), 2);
	f.time_us += 6000000;
	feed_udp(&f, true, "two", 3);
	assert_int_equal(feed_raised(&f, 4), 2);
	feed_close(&f);
}

static unsigned raised_of(const char *threshold, unsigned packets, int64_t step_us)
{
	char rule[400];
	struct feed f;
	unsigned n;

	(void)snprintf(rule, sizeof(rule),
	    "alert udp any any -> any any (content:\"x\"; %s sid:1;)\n", threshold);
	feed_open(&f, rule);
	assert_int_equal(f.problems, 0);
	for (unsigned i = 0; i < packets; i++) {
		feed_udp(&f, true, "x", 1);
		f.time_us += step_us;
	}
	n = feed_raised(&f, 1);
	feed_close(&f);
	return n;
}

static void thresholds(void **state)
{
	(void)state;
	assert_int_equal(raised_of("", 10, 0), 10);
	assert_int_equal(raised_of("threshold:type limit,track by_src,count 3,seconds 60;", 10, 0), 3);
	assert_int_equal(raised_of("threshold:type threshold,track by_src,count 3,seconds 60;", 10, 0), 3);
	assert_int_equal(raised_of("threshold:type both,track by_src,count 3,seconds 60;", 10, 0), 1);
	assert_int_equal(raised_of("threshold:type both,track by_src,count 20,seconds 60;", 10, 0), 0);
	assert_int_equal(raised_of("threshold:type limit,track by_dst,count 1,seconds 5;", 4, 6000000), 4);
	assert_int_equal(raised_of("detection_filter:track by_src,count 4,seconds 60;", 10, 0), 6);
}

static void counts_what_thresholds_hold_back(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert udp any any -> any any (content:\"x\"; "
	    "threshold:type limit,track by_src,count 1,seconds 60; sid:1;)\n");
	feed_udp(&f, true, "x", 1);
	feed_udp(&f, true, "x", 1);
	assert_int_equal(f.count, 2);
	assert_false(f.alerts[0].suppressed);
	assert_true(f.alerts[1].suppressed);
	assert_int_equal(signatures_counters(f.engine)->matches, 2);
	assert_int_equal(signatures_counters(f.engine)->alerts, 1);
	feed_close(&f);
}

static void fields_of_icmp_and_ip(void **state)
{
	uint8_t echo[12] = {8, 0, 0, 0, 0x12, 0x34, 0, 7, 'x'};
	struct feed f;

	(void)state;
	feed_open(&f, "alert icmp any any -> any any (itype:8; icode:0; icmp_id:4660; icmp_seq:7; sid:1;)\n"
	    "alert icmp any any -> any any (itype:<8; sid:2;)\n"
	    "alert ip any any -> any any (ttl:64; sid:3;)\n"
	    "alert ip any any -> any any (ip_proto:1; sid:4;)\n"
	    "alert ip any any -> any any (sameip; sid:5;)\n"
	    "alert ip any any -> any any (fragbits:D; sid:6;)\n");
	feed_ip(&f, FEED_CLIENT, FEED_SERVER, 1, echo, sizeof(echo));
	assert_int_equal(feed_raised(&f, 1), 1);
	assert_int_equal(feed_raised(&f, 2), 0);
	assert_int_equal(feed_raised(&f, 3), 1);
	assert_int_equal(feed_raised(&f, 4), 1);
	assert_int_equal(f.count, 3);
	feed_close(&f);
}

static void looks_into_tunnels(void **state)
{
	uint8_t gre[4 + 20 + 8 + 4] = {0, 0, 0x08, 0x00};
	uint8_t *ip = gre + 4;
	struct feed f;

	(void)state;
	ip[0] = 0x45;
	feed_u16(ip + 2, 32);
	ip[8] = 9;
	ip[9] = 17;
	feed_u32(ip + 12, 0x0a000001);
	feed_u32(ip + 16, 0x0a000002);
	feed_u16(ip + 20, 1);
	feed_u16(ip + 22, 2);
	feed_u16(ip + 24, 12);
	memcpy(ip + 28, "evil", 4);
	feed_open(&f, "alert udp any any -> any 2 (content:\"evil\"; sid:1;)\n");
	feed_ip(&f, FEED_CLIENT, FEED_SERVER, 47, gre, sizeof(gre));
	assert_int_equal(feed_raised(&f, 1), 1);
	assert_int_equal(signatures_counters(f.engine)->tunnelled, 1);
	feed_close(&f);
}

static void a_syn_is_remembered(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert ip any any -> any any (msg:\"ends\"; sid:1;)\n"
	              "alert tcp any any -> any any (flags:S; flow:to_server; sid:2;)\n"
	              "alert tcp any any -> any any (flow:established,to_client; content:\"hi\"; sid:3;)\n");
	feed_tcp_at(&f, true, 0x02, 99, NULL, 0);
	feed_tcp_at(&f, true, 0x02, 99, NULL, 0); /* again: the rule of ends is raised once */
	assert_int_equal(feed_raised(&f, 1), 1);
	assert_int_equal(feed_raised(&f, 2), 2);
	assert_int_equal(signatures_counters(f.engine)->flows, 1);
	f.seq[0] = 99;
	f.seq[1] = 499;
	feed_tcp(&f, true, 0x02, NULL, 0);
	feed_tcp(&f, false, 0x12, NULL, 0);
	feed_tcp(&f, true, 0x10, NULL, 0);
	feed_tcp(&f, false, 0x18, "hi", 2);
	feed_finish(&f);
	assert_int_equal(feed_raised(&f, 3), 1);
	assert_int_equal(feed_raised(&f, 1), 2); /* once for each direction */
	assert_int_equal(signatures_counters(f.engine)->flows, 1);
	feed_close(&f);
}

static void what_must_not_be_there_waits(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert tcp any any -> any any (content:\"abc\"; content:!\"def\"; sid:1;)\n"
	              "alert tcp any any -> any any (content:\"abc\"; sid:2;)\n"
	              "alert tcp any any -> any any (content:\"def\"; endswith; sid:3;)\n"
	              "alert tcp any any -> any any (content:\"abc\"; endswith; sid:4;)\n");
	feed_handshake(&f);
	feed_text(&f, true, "abc");
	assert_int_equal(feed_raised(&f, 2), 1);
	assert_int_equal(feed_raised(&f, 1), 0);
	feed_text(&f, true, "def");
	feed_finish(&f);
	assert_int_equal(feed_raised(&f, 1), 0);
	assert_int_equal(feed_raised(&f, 2), 1);
	assert_int_equal(feed_raised(&f, 3), 1);
	assert_int_equal(feed_raised(&f, 4), 0);
	feed_close(&f);
}

static void full_tables_end_the_oldest(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert udp any any -> any any (content:\"x\"; sid:1;)\n");
	for (unsigned i = 0; i < 5000; i++) {
		f.ports[0] = (uint16_t)(1000 + i);
		feed_udp(&f, true, "y", 1);
	}
	assert_int_equal(signatures_counters(f.engine)->flows, 5000);
	assert_int_equal(signatures_counters(f.engine)->flows_dropped, 5000 - 1024);
	feed_udp(&f, true, "x", 1);
	assert_int_equal(feed_raised(&f, 1), 1);
	feed_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_content_lies_across_packets), cmocka_unit_test(segments_come_in_any_order),
		cmocka_unit_test(the_flow_option_is_kept), cmocka_unit_test(bits_of_flows_and_hosts),
		cmocka_unit_test(thresholds), cmocka_unit_test(counts_what_thresholds_hold_back),
		cmocka_unit_test(fields_of_icmp_and_ip), cmocka_unit_test(looks_into_tunnels),
		cmocka_unit_test(a_syn_is_remembered),
		cmocka_unit_test(what_must_not_be_there_waits),
		cmocka_unit_test(full_tables_end_the_oldest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("signatures: flows", tests, NULL, NULL);
}
