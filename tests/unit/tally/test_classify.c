/*
 * Classes: every kind of packet, seen before or not, with and without observed networks, and the
 * same wherever batches end.
 */
#include "feed.h"

#include "tally/classify.h"

#define HOST (FEED_SRC + 1)
#define OWN (FEED_DST + 1)
#define NOTHING RECORD_CLASS_COUNT /* not counted: sent by an observed address */

struct step {
	bool outbound;
	unsigned proto;
	unsigned sport; /* of the packet; ICMP: identifier */
	unsigned dport; /* ICMP: type */
	unsigned tcp_flags;
	const char *payload;
	enum record_class without; /* observed networks */
	enum record_class with;
};

static struct decode_packet packet_of(const struct step *s, unsigned second)
{
	static uint8_t payloads[32][64];
	uint8_t *payload = payloads[second % 32];
	struct decode_packet p = feed_packet(second, s->outbound ? OWN : HOST,
	    s->outbound ? HOST : OWN, s->proto, s->sport, s->dport);

	p.tcp_flags = (uint8_t)s->tcp_flags;
	if (s->proto == DECODE_PROTO_ICMP) {
		p.icmp_type = (uint8_t)s->dport;
		p.icmp_code = 0;
	}
	if (s->payload) {
		struct frame f = {.len = 40};

		frame_hex(&f, s->payload);
		memcpy(payload, f.data, f.len);
		p.data = payload;
		p.data_len = (uint32_t)f.len;
		p.payload_len = (uint32_t)f.len - 40;
	}
	return p;
}

/* Feeds the steps one packet a batch, or all in one, and compares how the counters grow. */
static void run_steps(const struct step *steps, size_t count, bool nets)
{
	static const struct ip_net net = {{0, IP_V4_PREFIX | FEED_DST}, 120};
	struct feed feed;
	uint64_t want[RECORD_CLASS_COUNT] = {0};

	for (int together = 0; together < 2; together++) {
		memset(want, 0, sizeof(want));
		feed_open(&feed, &(struct tally_options){.nets = &net, .net_count = nets});
		for (size_t i = 0; i < count; i++) {
			struct decode_packet p = packet_of(&steps[i], (unsigned)i);
			enum record_class class = nets ? steps[i].with : steps[i].without;

			feed_put(&feed, &p);
			if (class != NOTHING)
				want[class]++;
			if (together)
				continue;
			feed_batch(&feed);
			for (unsigned c = 0; c < RECORD_CLASS_COUNT; c++) {
				if (tally_counters(feed.tally)->classes[c] != want[c])
					print_error("step %zu, %s networks\n", i,
					    nets ? "with" : "without");
				assert_int_equal(tally_counters(feed.tally)->classes[c], want[c]);
			}
		}
		feed_flush(&feed);
		for (unsigned c = 0; c < RECORD_CLASS_COUNT; c++)
			assert_int_equal(tally_counters(feed.tally)->classes[c], want[c]);
		assert_int_equal(tally_counters(feed.tally)->read, count);
		feed_close(&feed);
	}
}

#define RUN(steps)                                                          \
	do {                                                                \
		run_steps(steps, sizeof(steps) / sizeof(steps[0]), false);  \
		run_steps(steps, sizeof(steps) / sizeof(steps[0]), true);   \
	} while (0)

#define REQUEST RECORD_CLASS_REQUEST
#define FOLLOWUP RECORD_CLASS_FOLLOWUP
#define BACK RECORD_CLASS_BACKSCATTER
#define OTHER RECORD_CLASS_OTHER
#define TCP DECODE_PROTO_TCP
#define UDP DECODE_PROTO_UDP
#define ICMP DECODE_PROTO_ICMP

/* A dark address: nothing was ever answered. */
static void test_dark(void **state)
{
	static const struct step steps[] = {
		{false, TCP, 1000, 23, 0x02, NULL, REQUEST, REQUEST},
		{false, TCP, 1000, 23, 0xc2, NULL, REQUEST, REQUEST}, /* ECN */
		{false, TCP, 80, 2000, 0x12, NULL, BACK, BACK},
		{false, TCP, 80, 2001, 0x04, NULL, BACK, BACK},
		{false, TCP, 80, 2002, 0x14, NULL, BACK, BACK},
		{false, TCP, 80, 2003, 0x10, NULL, OTHER, OTHER}, /* mid-stream */
		{false, TCP, 80, 2004, 0x18, NULL, OTHER, OTHER},
		{false, TCP, 80, 2005, 0x00, NULL, OTHER, OTHER}, /* null scan */
		{false, TCP, 80, 2006, 0x29, NULL, OTHER, OTHER}, /* Xmas */
		{false, TCP, 80, 2007, 0x01, NULL, OTHER, OTHER},
		{false, TCP, 80, 2008, 0x03, NULL, OTHER, OTHER}, /* SYN and FIN */
		{false, UDP, 1000, 53, 0, "12340100", REQUEST, REQUEST},
		{false, UDP, 1000, 9, 0, NULL, REQUEST, REQUEST},
		{false, ICMP, 5, 8, 0, NULL, REQUEST, REQUEST},
		{false, ICMP, 5, 13, 0, NULL, REQUEST, REQUEST},
		{false, ICMP, 5, 0, 0, NULL, BACK, BACK},
		{false, ICMP, 5, 14, 0, NULL, BACK, BACK},
		{false, ICMP, 5, 3, 0, NULL, OTHER, OTHER}, /* an error that quotes nothing */
		{false, 47, 0, 0, 0, NULL, OTHER, OTHER},
	};

	(void)state;
	RUN(steps);
}

/* Answers of UDP services that nobody asked. */
static void test_udp_replies(void **state)
{
	static const struct step steps[] = {
		{false, UDP, 53, 40000, 0, "12348180 0001", BACK, BACK},
		{false, UDP, 53, 40001, 0, "12340100 0001", REQUEST, REQUEST}, /* a question */
		{false, UDP, 53, 40002, 0, "1234", REQUEST, REQUEST},          /* too short to be one */
		{false, UDP, 53, 1023, 0, "12348180 0001", REQUEST, REQUEST},
		{false, UDP, 123, 40000, 0, "24010000", BACK, BACK},
		{false, UDP, 123, 40001, 0, "d7000000", BACK, BACK}, /* monlist, response */
		{false, UDP, 123, 40002, 0, "17000000", REQUEST, REQUEST}, /* monlist, request */
		{false, UDP, 123, 40003, 0, "16810000", BACK, BACK}, /* control, response */
		{false, UDP, 123, 40004, 0, "16010000", REQUEST, REQUEST},
		{false, UDP, 19, 40000, 0, NULL, BACK, BACK},
		{false, UDP, 161, 40000, 0, NULL, BACK, BACK},
		{false, UDP, 389, 40000, 0, NULL, BACK, BACK},
		{false, UDP, 1900, 40000, 0, NULL, BACK, BACK},
		{false, UDP, 11211, 40000, 0, NULL, BACK, BACK},
		{false, UDP, 1900, 1900, 0, NULL, REQUEST, REQUEST}, /* NOTIFY between peers */
		{false, UDP, 69, 40000, 0, NULL, REQUEST, REQUEST},
	};

	(void)state;
	RUN(steps);
}

/* QUIC: what a server sends to who never asked, and what only looks a little like it. */
static void test_quic(void **state)
{
	static const struct step steps[] = {
		{false, UDP, 443, 40000, 0, "c3 00000001 00 04 01020304 0000", BACK, BACK}, /* Initial */
		{false, UDP, 443, 40001, 0, "e1 00000001 02 aabb 04 01020304", BACK, BACK}, /* Handshake */
		{false, UDP, 443, 40002, 0, "d0 6b3343cf 00 01 09", BACK, BACK}, /* version 2 */
		{false, UDP, 443, 40003, 0, "c0 ff00001d 00 01 09", BACK, BACK}, /* draft 29 */
		{false, UDP, 443, 40004, 0, "80 00000000 00 04 01020304 00000001", BACK, BACK}, /* negotiation */
		{false, UDP, 443, 40005, 0, "c3 00000001 00 00 0000", REQUEST, REQUEST}, /* no own name */
		{false, UDP, 443, 40006, 0, "83 00000001 00 04 01020304", REQUEST, REQUEST}, /* fixed bit */
		{false, UDP, 443, 40007, 0, "c3 00000007 00 04 01020304", REQUEST, REQUEST}, /* no version */
		{false, UDP, 443, 40008, 0, "c3 00000001 15 04 01020304", REQUEST, REQUEST}, /* 21 bytes */
		{false, UDP, 443, 40009, 0, "c3 00000001 00 15 01020304", REQUEST, REQUEST},
		{false, UDP, 443, 40010, 0, "c3 00000001 00", REQUEST, REQUEST},         /* cut */
		{false, UDP, 443, 40011, 0, "40000000 01020304", REQUEST, REQUEST},      /* short header */
		{false, UDP, 443, 1023, 0, "c3 00000001 00 04 01020304", REQUEST, REQUEST},
		{false, UDP, 444, 40012, 0, "c3 00000001 00 04 01020304", REQUEST, REQUEST},
	};

	(void)state;
	RUN(steps);
}

/* A responder's conversations: what comes after our answer is a follow-up. */
static void test_answered(void **state)
{
	static const struct step steps[] = {
		{false, TCP, 1000, 23, 0x02, NULL, REQUEST, REQUEST},
		{true, TCP, 23, 1000, 0x12, NULL, OTHER, NOTHING},
		{false, TCP, 1000, 23, 0x10, NULL, FOLLOWUP, FOLLOWUP},
		{false, TCP, 1000, 23, 0x18, NULL, FOLLOWUP, FOLLOWUP},
		{true, TCP, 23, 1000, 0x18, NULL, OTHER, NOTHING},
		{false, TCP, 1000, 23, 0x11, NULL, FOLLOWUP, FOLLOWUP},
		{false, TCP, 1000, 23, 0x04, NULL, OTHER, OTHER}, /* a reset that answers us */
		{false, TCP, 1000, 23, 0x02, NULL, REQUEST, REQUEST}, /* and again */
		{false, UDP, 3000, 53, 0, "12340100", REQUEST, REQUEST},
		{true, UDP, 53, 3000, 0, "12348180", OTHER, NOTHING},
		{false, UDP, 3000, 53, 0, "12340100", FOLLOWUP, FOLLOWUP},
		{false, ICMP, 77, 8, 0, NULL, REQUEST, REQUEST},
		{true, ICMP, 77, 0, 0, NULL, OTHER, NOTHING},
		{false, ICMP, 77, 8, 0, NULL, REQUEST, REQUEST},
	};

	(void)state;
	RUN(steps);
}

/* What answers packets of ours is no backscatter. */
static void test_replies_to_us(void **state)
{
	static const struct step steps[] = {
		{true, TCP, 5000, 80, 0x02, NULL, REQUEST, NOTHING},
		{false, TCP, 80, 5000, 0x12, NULL, OTHER, OTHER},
		{true, TCP, 5000, 80, 0x10, NULL, FOLLOWUP, NOTHING},
		{false, TCP, 80, 5000, 0x18, NULL, OTHER, OTHER},
		{false, TCP, 80, 5000, 0x14, NULL, OTHER, OTHER},
		{false, TCP, 80, 5001, 0x12, NULL, BACK, BACK}, /* another port: nobody asked */
		{true, UDP, 40000, 53, 0, "12340100", REQUEST, NOTHING},
		{false, UDP, 53, 40000, 0, "12348180", OTHER, OTHER},
		{true, ICMP, 9, 8, 0, NULL, REQUEST, NOTHING},
		{false, ICMP, 9, 0, 0, NULL, OTHER, OTHER},
	};

	(void)state;
	RUN(steps);
}

/* A SYN-ACK that nobody asked for and that our kernel resets stays backscatter. */
static void test_order_in_batch(void **state)
{
	static const struct step steps[] = {
		{false, TCP, 80, 2000, 0x12, NULL, BACK, BACK},
		{true, TCP, 2000, 80, 0x04, NULL, OTHER, NOTHING},
		{false, UDP, 3000, 53, 0, "12340100", REQUEST, REQUEST},
		{true, UDP, 53, 3000, 0, "12348180", OTHER, NOTHING},
		{false, TCP, 80, 2000, 0x12, NULL, OTHER, OTHER},
	};

	(void)state;
	RUN(steps);
}

/* ICMP errors: backscatter, unless the quoted datagram really left. */
static void test_errors(void **state)
{
	static const struct ip_net net = {{0, IP_V4_PREFIX | FEED_DST}, 120};
	struct decode_packet sent = feed_packet(0, OWN, HOST, UDP, 40000, 53);
	struct decode_packet error = feed_packet(1, FEED_SRC + 99, OWN, ICMP, 0, 3);
	struct feed feed;

	(void)state;
	error.icmp_type = 3;
	error.icmp_code = 3;
	error.flags |= DECODE_QUOTED | DECODE_QUOTED_PORTS;
	error.quoted_src = ip_from_v4(OWN);
	error.quoted_dst = ip_from_v4(HOST);
	error.quoted_proto = UDP;
	error.quoted_sport = 40000;
	error.quoted_dport = 53;
	for (int nets = 0; nets < 2; nets++) {
		feed_open(&feed, &(struct tally_options){.nets = &net, .net_count = (size_t)nets});
		feed_put(&feed, &error);
		feed_put(&feed, &sent);
		feed_put(&feed, &error);
		error.quoted_dport = 54;
		feed_put(&feed, &error);
		error.quoted_dport = 53;
		feed_flush(&feed);
		assert_int_equal(tally_counters(feed.tally)->classes[BACK], 2);
		assert_int_equal(tally_counters(feed.tally)->classes[OTHER], 1);
		assert_int_equal(tally_counters(feed.tally)->dropped[DECODE_DROP_OUTBOUND], nets);
		feed_close(&feed);
	}
}

/* The link's own ICMPv6 (neighbours, routers, groups) is nobody's access. */
static void test_icmpv6(void **state)
{
	static const struct {
		unsigned type;
		enum record_class class;
	} cases[] = {
		{128, REQUEST}, {139, REQUEST}, {160, REQUEST}, {129, BACK}, {140, BACK}, {161, BACK},
		{130, OTHER}, {133, OTHER}, {134, OTHER}, {135, OTHER}, {136, OTHER}, {137, OTHER},
		{143, OTHER}, {1, OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct frame f = {.len = 0};
		size_t at = frame_v6(&f, 58);
		struct classify_result result;
		struct decode_packet p;

		frame_u8(&f, cases[i].type);
		frame_hex(&f, "00000000 000000");
		frame_v6_close(&f, at);
		p = frame_decode(&f, LINK_RAW);
		classify_packet(NULL, false, &p, &result);
		assert_int_equal(result.class, cases[i].class);
	}
}

/* IPv6 conversations are recognised too. */
static void test_ipv6_conversation(void **state)
{
	struct feed feed;
	struct decode_packet in = feed_tcp(0, HOST, OWN, 1000, 23, 0x02);
	struct decode_packet out = feed_tcp(0, OWN, HOST, 23, 1000, 0x12);

	(void)state;
	in.flags &= (uint8_t)~DECODE_V4;
	out.flags &= (uint8_t)~DECODE_V4;
	in.src = out.dst = (struct ip){0x20010db800000000ull, 1};
	in.dst = out.src = (struct ip){0x20010db800000001ull, 1};
	feed_open(&feed, NULL);
	feed_put(&feed, &in);
	feed_put(&feed, &out);
	in.tcp_flags = 0x10;
	feed_put(&feed, &in);
	in.sport = 1001;
	feed_put(&feed, &in);
	feed_flush(&feed);
	assert_int_equal(tally_counters(feed.tally)->classes[REQUEST], 1);
	assert_int_equal(tally_counters(feed.tally)->classes[FOLLOWUP], 1);
	assert_int_equal(tally_counters(feed.tally)->classes[OTHER], 2);
	feed_close(&feed);
}

/* The memory is bounded: after two million others the oldest is forgotten, the newest is not. */
static void test_memory(void **state)
{
	struct conversation_memory *memory = NULL;
	struct conversation_key first = {ip_from_v4(1), ip_from_v4(2), 3, 4, 6};
	struct conversation_key back = {ip_from_v4(2), ip_from_v4(1), 4, 3, 6};
	struct conversation_key last;

	(void)state;
	assert_int_equal(conversation_new(&memory), ST_OK);
	assert_int_equal(conversation_look(memory, &first), 0);
	assert_int_equal(conversation_note(memory, &first, true, 100), 0);
	assert_int_equal(conversation_look(memory, &first),
	    CONVERSATION_SEEN_AHEAD | CONVERSATION_OPENED_HERE);
	assert_int_equal(conversation_look(memory, &back),
	    CONVERSATION_SEEN_BACK | CONVERSATION_OPENED_THERE);
	back.proto = 17;
	assert_int_equal(conversation_look(memory, &back), 0);
	for (uint32_t i = 0; i < 4u << 20; i++) {
		last = (struct conversation_key){ip_from_v4(0x0a000000 + i), ip_from_v4(2), 3, 4, 6};
		(void)conversation_note(memory, &last, true, 200 + i / 1000);
	}
	assert_int_equal(conversation_look(memory, &first), 0);
	assert_int_equal(conversation_look(memory, &last),
	    CONVERSATION_SEEN_AHEAD | CONVERSATION_OPENED_HERE);
	conversation_free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dark),
		cmocka_unit_test(test_udp_replies),
		cmocka_unit_test(test_quic),
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_replies_to_us),
		cmocka_unit_test(test_order_in_batch),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_icmpv6),
		cmocka_unit_test(test_ipv6_conversation),
		cmocka_unit_test(test_memory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
