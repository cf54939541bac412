/*
 * TCP streams one situation at a time: how they begin, what is delivered, how they end.
 */
#include "talk.h"

static struct talk *talk_new(const struct stream_options *options)
{
	struct talk *t = malloc(sizeof(*t));

	assert_non_null(t);
	talk_begin(t, options);
	return t;
}

static void talk_done(struct talk *t)
{
	talk_end(t);
	free(t);
}

static void test_a_conversation(void **state)
{
	struct talk *t = talk_new(NULL);
	const struct stream_counters *c = streams_counters(t->streams);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, 1000, 5000);
	assert_int_equal(t->heard_count, 0);
	talk_text(t, false, 1001, 5001, "GET /\r\n");
	assert_int_equal(t->heard_count, 1);
	assert_int_equal(h->opened.handshake, STREAM_HANDSHAKE_FULL);
	assert_true(h->opened.has_syn);
	assert_int_equal(h->opened.first_us, TALK_START_US + 1000);
	assert_int_equal(h->opened.last_us, TALK_START_US + 4000);
	assert_int_equal(h->opened.client_port, 40000);
	assert_int_equal(h->opened.server_port, 80);
	assert_true(ip_equal(h->opened.client, ip_from_v4(0xc6336407)));
	talk_text(t, true, 5001, 1008, "200 ");
	talk_text(t, true, 5005, 1008, "OK");
	SAY(t, .server = true, .flags = FIN | ACK, .seq = 5007, .ack = 1008);
	assert_int_equal(h->ends, 0);
	SAY(t, .flags = FIN | ACK, .seq = 1008, .ack = 5008);
	assert_int_equal(h->ends, 1);
	assert_int_equal(h->end, STREAM_END_FIN);
	talk_check(h, STREAM_CLIENT, "GET /\r\n");
	talk_check(h, STREAM_SERVER, "200 OK");
	assert_int_equal(h->last.packets[STREAM_CLIENT], 1);
	assert_int_equal(h->last.packets[STREAM_SERVER], 2);
	assert_int_equal(h->last.bytes[STREAM_SERVER], 6);
	/* The last ACK and a retransmission open nothing. */
	SAY(t, .server = true, .flags = ACK, .seq = 5008, .ack = 1009);
	talk_text(t, false, 1001, 5001, "GET /\r\n");
	assert_int_equal(t->heard_count, 1);
	assert_int_equal(c->opened[0], 1);
	assert_int_equal(c->gaps, 0);
	assert_int_equal(c->midstream, 0);
	assert_int_equal(c->retransmitted_bytes, 7);
	talk_done(t);
}

/* Two flags that exclude each other make no SYN that a stream could begin with. */
static void test_no_syn(void **state)
{
	static const uint8_t both[] = {SYN | FIN, SYN | RST};

	(void)state;
	for (size_t i = 0; i < sizeof(both); i++) {
		struct talk *t = talk_new(NULL);

		SAY(t, .flags = both[i], .seq = 1000);
		talk_text(t, false, 1001, 5001, "GET /\r\n");
		assert_int_equal(t->heard_count, 1);
		assert_false(t->heard[0].opened.has_syn);
		assert_int_equal(streams_counters(t->streams)->ignored, 1);
		assert_int_equal(streams_counters(t->streams)->midstream, 1);
		talk_done(t);
	}
}

static void test_order_and_repeats(void **state)
{
	struct talk *t = talk_new(NULL);
	const struct stream_counters *c = streams_counters(t->streams);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, UINT32_MAX - 3, 0x7fffffff); /* both wrap, one of them its sign */
	talk_text(t, false, 3, 0x80000000, "def");
	assert_int_equal(t->heard_count, 1);
	assert_int_equal(h->len[0], 0);
	talk_text(t, false, 3, 0x80000000, "def");
	talk_text(t, false, UINT32_MAX - 2, 0x80000000, "012");
	talk_text(t, false, 0, 0x80000000, "abc");
	talk_text(t, false, 1, 0x80000000, "bcdefg"); /* old and new */
	talk_check(h, STREAM_CLIENT, "012abcdefg");
	assert_int_equal(c->held_segments, 2);
	assert_int_equal(c->retransmitted_bytes, 3 + 5);
	assert_int_equal(c->overlaps, 0);
	talk_done(t);
}

static void test_first_copy_wins(void **state)
{
	struct talk *t = talk_new(NULL);
	const struct stream_counters *c = streams_counters(t->streams);

	(void)state;
	talk_shake(t, 0, 0);
	talk_text(t, false, 4, 1, "DEF");
	talk_text(t, false, 3, 1, "xxxxxx"); /* c and g, h are new */
	talk_text(t, false, 1, 1, "yyyyyyyyyy"); /* a, b, and i, j behind */
	talk_check(&t->heard[0], STREAM_CLIENT, "yyxDEFxxyy");
	assert_int_equal(c->overlaps, 2);
	talk_done(t);
}

static void test_loss_seen_by_ack(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, 100, 500);
	talk_text(t, false, 101, 501, "ab");
	talk_text(t, false, 106, 501, "fg"); /* cde is lost */
	talk_text(t, true, 501, 108, "ok");
	talk_check(h, STREAM_CLIENT, "ab"); /* it may come yet */
	t->time_us += STREAM_ACK_GRACE_US + 2000;
	talk_text(t, true, 503, 108, "ay");
	talk_check(h, STREAM_CLIENT, "ab???fg");
	assert_int_equal(h->gaps[STREAM_CLIENT], 1);
	talk_check(h, STREAM_SERVER, "okay");
	assert_string_equal(h->order, "CScCS");
	assert_int_equal(h->last.gap_bytes[STREAM_CLIENT], 3);
	talk_done(t);
}

static void test_late_packet_after_its_ack(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	talk_shake(t, 100, 500);
	talk_text(t, false, 101, 501, "ab");
	talk_text(t, true, 501, 105, "ok");
	talk_text(t, false, 103, 501, "cd");
	t->time_us += STREAM_ACK_GRACE_US * 2;
	talk_text(t, true, 503, 105, "!");
	talk_check(&t->heard[0], STREAM_CLIENT, "abcd");
	talk_done(t);
}

static void test_loss_beyond_the_hold_limit(void **state)
{
	struct talk *t = talk_new(&(struct stream_options){.hold_max = 4096});
	struct heard *h = &t->heard[0];
	static uint8_t block[1024];

	(void)state;
	memset(block, 'x', sizeof(block));
	talk_shake(t, 0, 0);
	for (uint32_t i = 0; i < 4; i++)
		SAY(t, .flags = ACK, .seq = 2 + 1024 * i, .ack = 1, .data = block, .len = 1024);
	assert_int_equal(h->len[0], 0);
	for (uint32_t i = 4; i < 8; i++)
		SAY(t, .flags = ACK, .seq = 2 + 1024 * i, .ack = 1, .data = block, .len = 1024);
	assert_int_equal(h->gap_bytes[0], 1);
	assert_int_equal(h->len[0], 1 + 8 * 1024);
	talk_done(t);
}

static void test_loss_at_the_end(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, 0, 0);
	talk_text(t, false, 1, 1, "ab");
	talk_text(t, false, 5, 1, "ef");
	SAY(t, .flags = FIN | ACK, .seq = 9, .ack = 1);
	SAY(t, .server = true, .flags = FIN | ACK, .seq = 1, .ack = 3);
	assert_int_equal(h->ends, 0);
	streams_flush(t->streams);
	assert_int_equal(h->end, STREAM_END_CAPTURE);
	talk_check(h, STREAM_CLIENT, "ab??ef??");
	talk_done(t);
}

static void test_silent_direction(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	/* Only the client was captured: its acknowledgments show what the server sent. */
	SAY(t, .flags = SYN, .seq = 10);
	SAY(t, .flags = ACK, .seq = 11, .ack = 901);
	talk_text(t, false, 11, 931, "USER x\r\n");
	assert_int_equal(h->opened.handshake, STREAM_HANDSHAKE_SYN);
	talk_text(t, false, 19, 951, "PASS y\r\n");
	streams_flush(t->streams);
	talk_check(h, STREAM_CLIENT, "USER x\r\nPASS y\r\n");
	assert_int_equal(h->len[STREAM_SERVER], 20); /* since the first number that we know */
	assert_int_equal(h->gap_bytes[STREAM_SERVER], 20);
	talk_done(t);
}

static void test_server_speaks_first(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, 7, 70);
	talk_text(t, true, 71, 8, "220 ready\r\n");
	assert_int_equal(h->opened.handshake, STREAM_HANDSHAKE_FULL);
	assert_int_equal(h->opened.client_port, 40000);
	talk_text(t, false, 8, 82, "QUIT\r\n");
	talk_check(h, STREAM_SERVER, "220 ready\r\n");
	talk_check(h, STREAM_CLIENT, "QUIT\r\n");
	talk_done(t);
}

static void test_syn_ack_only(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	/* What leaves the observed server. */
	SAY(t, .server = true, .flags = SYN | ACK, .seq = 70, .ack = 8);
	talk_text(t, true, 71, 8, "220 ready\r\n");
	assert_int_equal(h->opened.handshake, STREAM_HANDSHAKE_SYN);
	assert_false(h->opened.has_syn);
	assert_int_equal(h->opened.client_port, 40000);
	talk_check(h, STREAM_SERVER, "220 ready\r\n");
	assert_int_equal(streams_counters(t->streams)->midstream, 0);
	talk_done(t);
}

static bool is_http(void *arg, uint8_t proto, uint16_t port)
{
	(void)arg;
	return proto == DECODE_PROTO_TCP && port == 80;
}

static void test_midstream(void **state)
{
	struct talk *t = talk_new(&(struct stream_options){.known_port = is_http});
	struct heard *h = &t->heard[0];

	(void)state;
	talk_text(t, true, 5000, 100, "half of an answer");
	assert_int_equal(h->opened.client_port, 40000);
	assert_int_equal(h->opened.handshake, STREAM_HANDSHAKE_NONE);
	talk_text(t, false, 100, 5017, "next");
	talk_check(h, STREAM_SERVER, "half of an answer");
	talk_check(h, STREAM_CLIENT, "next");
	assert_int_equal(streams_counters(t->streams)->midstream, 1);
	talk_done(t);

	t = talk_new(NULL); /* nobody knows ports: who spoke first is the client */
	talk_text(t, true, 5000, 100, "a");
	assert_int_equal(t->heard[0].opened.client_port, 80);
	talk_done(t);
}

static void test_fast_open(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	SAY(t, .flags = SYN, .seq = 10, .data = "GET", .len = 3);
	assert_int_equal(h->opened.handshake, STREAM_HANDSHAKE_SYN);
	assert_true(h->opened.has_syn);
	SAY(t, .flags = SYN, .seq = 10, .data = "GET", .len = 3);
	SAY(t, .server = true, .flags = SYN | ACK, .seq = 900, .ack = 14);
	talk_text(t, false, 14, 901, " /");
	assert_int_equal(h->last.handshake, STREAM_HANDSHAKE_FULL);
	talk_text(t, true, 901, 16, "OK");
	talk_check(h, STREAM_CLIENT, "GET /");
	talk_check(h, STREAM_SERVER, "OK");
	assert_int_equal(t->heard_count, 1);
	talk_done(t);
}

static void test_reset(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, 100, 500);
	talk_text(t, false, 101, 501, "abc");
	SAY(t, .server = true, .flags = RST, .seq = 0x40000000);
	SAY(t, .server = true, .flags = RST, .seq = 500);
	SAY(t, .flags = RST, .seq = 101); /* old */
	SAY(t, .flags = RST, .seq = 104 + 70000);
	assert_int_equal(h->ends, 0);
	assert_int_equal(streams_counters(t->streams)->ignored, 4);
	talk_text(t, false, 104, 501, "def");
	SAY(t, .server = true, .flags = RST | ACK, .seq = 501, .ack = 107);
	assert_int_equal(h->end, STREAM_END_RESET);
	talk_check(h, STREAM_CLIENT, "abcdef");
	talk_text(t, false, 107, 501, "ghi"); /* under way when the RST came */
	assert_int_equal(t->heard_count, 1);
	talk_done(t);
}

static void test_reset_of_a_syn_with_data(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	SAY(t, .flags = SYN, .seq = 10, .data = "GET", .len = 3);
	SAY(t, .server = true, .flags = RST, .seq = 0);
	SAY(t, .server = true, .flags = RST | ACK, .seq = 0, .ack = 0x70000000);
	assert_int_equal(h->ends, 0);
	SAY(t, .server = true, .flags = RST | ACK, .seq = 0, .ack = 14);
	assert_int_equal(h->end, STREAM_END_RESET);
	talk_done(t);
}

static void test_both_open_at_once(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	SAY(t, .flags = SYN, .seq = 10, .data = "hello", .len = 5);
	SAY(t, .server = true, .flags = SYN, .seq = 90, .data = "hi", .len = 2);
	talk_text(t, false, 16, 93, " you");
	assert_int_equal(t->heard_count, 1);
	talk_check(&t->heard[0], STREAM_CLIENT, "hello you");
	talk_check(&t->heard[0], STREAM_SERVER, "hi");
	talk_done(t);
}

static void test_wild_acknowledgments(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, 10, 90);
	talk_text(t, false, 11, 91, "ab");
	SAY(t, .server = true, .flags = ACK, .seq = 91, .ack = 13 + 0x20000000);
	t->time_us += STREAM_ACK_GRACE_US * 2;
	SAY(t, .server = true, .flags = ACK, .seq = 91, .ack = 13);
	talk_text(t, false, 13, 91, "cd");
	talk_check(h, STREAM_CLIENT, "abcd");
	assert_int_equal(h->gaps[0] + h->gaps[1], 0);
	talk_done(t);
}

static void test_half_closed(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, 0, 0);
	talk_text(t, false, 1, 1, "ab");
	SAY(t, .flags = FIN | ACK, .seq = 3, .ack = 1);
	talk_text(t, true, 1, 4, "answer");
	talk_text(t, false, 3, 7, "after the FIN");
	talk_check(h, STREAM_CLIENT, "ab");
	talk_check(h, STREAM_SERVER, "answer");
	assert_int_equal(h->ends, 0);
	t->time_us += STREAM_HALF_CLOSED_US + 5000000;
	SAY(t, .client_port = 1, .flags = SYN); /* time goes on with anything */
	assert_int_equal(h->ends, 1);
	assert_int_equal(h->end, STREAM_END_FIN);
	talk_done(t);
}

static void test_idle(void **state)
{
	struct talk *t = talk_new(&(struct stream_options){.tcp_idle_us = 60000000});

	(void)state;
	talk_shake(t, 0, 0);
	talk_text(t, false, 1, 1, "ab");
	t->time_us += 50000000;
	talk_text(t, false, 3, 1, "cd");
	t->time_us += 50000000;
	SAY(t, .client_port = 1, .flags = SYN);
	assert_int_equal(t->heard[0].ends, 0);
	t->time_us += 11000000;
	SAY(t, .client_port = 1, .flags = SYN);
	assert_int_equal(t->heard[0].end, STREAM_END_IDLE);
	assert_int_equal(t->heard[0].ends, 1);
	talk_check(&t->heard[0], STREAM_CLIENT, "abcd");
	talk_done(t);
}

static void test_ports_used_again(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	t->gather = true; /* all in one batch: the order inside it counts */
	talk_shake(t, 100, 500);
	talk_text(t, false, 101, 501, "first");
	talk_shake(t, 300, 700); /* near: as RFC 6528 chooses numbers */
	talk_text(t, false, 301, 701, "second");
	SAY(t, .flags = FIN | ACK, .seq = 307, .ack = 701);
	SAY(t, .server = true, .flags = FIN | ACK, .seq = 701, .ack = 308);
	talk_shake(t, 400, 800);
	talk_text(t, true, 801, 401, "third");
	talk_flush_batch(t);
	assert_int_equal(t->heard_count, 3);
	assert_int_equal(t->heard[0].end, STREAM_END_REPLACED);
	talk_check(&t->heard[0], STREAM_CLIENT, "first");
	assert_int_equal(t->heard[1].end, STREAM_END_FIN);
	talk_check(&t->heard[1], STREAM_CLIENT, "second");
	assert_int_equal(t->heard[1].opened.handshake, STREAM_HANDSHAKE_FULL);
	talk_check(&t->heard[2], STREAM_SERVER, "third");
	assert_int_equal(t->heard[2].opened.client_port, 40000);
	assert_int_equal(t->heard[0].gap_bytes[0] + t->heard[1].gap_bytes[0], 0);
	talk_done(t);
}

static void test_syn_of_a_stranger(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	talk_shake(t, 100, 500);
	talk_text(t, false, 101, 501, "abc");
	SAY(t, .flags = SYN, .seq = 100); /* repeated */
	SAY(t, .flags = SYN, .seq = 105); /* spoofed */
	talk_text(t, false, 104, 501, "def");
	talk_text(t, false, 110, 501, "jkl");
	talk_text(t, false, 107, 501, "ghi");
	SAY(t, .flags = ACK, .seq = 0x50000000, .ack = 0x50000000, .data = "zz", .len = 2);
	talk_check(&t->heard[0], STREAM_CLIENT, "abcdefghijkl");
	assert_int_equal(t->heard_count, 1);
	talk_done(t);
}

static void test_unseen_beginning_on_used_ports(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	talk_shake(t, 100, 500);
	talk_text(t, false, 101, 501, "abc");
	t->time_us += STREAM_STALE_US + 1000;
	talk_text(t, false, 0x50000000, 0x60000000, "new");
	assert_int_equal(t->heard_count, 2);
	assert_int_equal(t->heard[0].end, STREAM_END_REPLACED);
	talk_check(&t->heard[0], STREAM_CLIENT, "abc");
	talk_check(&t->heard[1], STREAM_CLIENT, "new");
	talk_done(t);
}

static void test_fin_that_was_not_captured(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	talk_shake(t, 100, 500);
	talk_text(t, false, 101, 501, "abc");
	SAY(t, .server = true, .flags = ACK, .seq = 501, .ack = 105); /* three bytes and a FIN */
	t->time_us += STREAM_ACK_GRACE_US * 2;
	talk_text(t, true, 501, 105, "bye");
	streams_flush(t->streams);
	talk_check(&t->heard[0], STREAM_CLIENT, "abc");
	assert_int_equal(streams_counters(t->streams)->gaps, 0);
	talk_done(t);
}

static void test_late_syn_ack(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	SAY(t, .flags = SYN, .seq = 100);
	talk_text(t, false, 101, 501, "abc"); /* acknowledges less than the server's number */
	talk_text(t, true, 505, 104, "held");
	assert_int_equal(t->heard[0].len[STREAM_SERVER], 0);
	SAY(t, .server = true, .flags = SYN | ACK, .seq = 504, .ack = 101);
	talk_check(&t->heard[0], STREAM_SERVER, "held");
	talk_done(t);
}

static void test_midstream_goes_back_only_before_delivery(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	talk_text(t, false, 100, 520, "abc"); /* has the server's bytes up to 520 … */
	talk_text(t, true, 510, 103, "0123456789"); /* … captured after that */
	talk_text(t, true, 520, 103, "x");
	talk_check(&t->heard[0], STREAM_SERVER, "0123456789x");
	talk_text(t, false, 90, 521, "old bytes!");
	talk_text(t, true, 500, 103, "old bytes!");
	talk_check(&t->heard[0], STREAM_CLIENT, "abc");
	talk_check(&t->heard[0], STREAM_SERVER, "0123456789x");
	talk_done(t);
}

static void test_probes(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	SAY(t, .flags = ACK, .seq = 5, .ack = 5, .data = "", .len = 1); /* keep-alive out of nowhere */
	assert_int_equal(t->heard_count, 0);
	talk_shake(t, 0, 0);
	talk_text(t, false, 1, 1, "abc");
	SAY(t, .flags = ACK, .seq = 3, .ack = 1, .data = "", .len = 1);
	SAY(t, .flags = ACK, .seq = 3, .ack = 1);
	SAY(t, .flags = ACK, .seq = 4, .ack = 1, .data = "d", .len = 1); /* window probe: new */
	SAY(t, .flags = ACK, .seq = 4, .ack = 1, .data = "de", .len = 2);
	talk_check(h, STREAM_CLIENT, "abcde");
	assert_int_equal(h->gap_bytes[0], 0);
	talk_done(t);
}

static void test_cut_by_snap_length(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	talk_shake(t, 0, 0);
	SAY(t, .flags = ACK, .seq = 1, .ack = 1, .data = "abcdef", .len = 6, .cut = 2);
	SAY(t, .flags = ACK, .seq = 7, .ack = 1, .data = "ghi", .len = 3, .cut = 3);
	talk_check(h, STREAM_CLIENT, "abcd?????");
	SAY(t, .flags = ACK, .seq = 13, .ack = 1, .data = "mno", .len = 3, .cut = 1);
	SAY(t, .flags = ACK, .seq = 16, .ack = 1, .data = "pqr", .len = 3, .cut = 1,
	    .ip_options_len = 8);
	SAY(t, .flags = ACK, .seq = 10, .ack = 1, .data = "jkl", .len = 3, .cut = 1);
	talk_check(h, STREAM_CLIENT, "abcd?????jk?mn?pq");
	SAY(t, .flags = ACK, .seq = 19, .ack = 1, .data = "st", .len = 2);
	talk_check(h, STREAM_CLIENT, "abcd?????jk?mn?pq?st");
	assert_int_equal(streams_counters(t->streams)->truncated, 5);
	talk_done(t);
}

static void test_ipv6(void **state)
{
	struct talk *t = talk_new(NULL);

	(void)state;
	SAY(t, .v6 = true, .flags = SYN, .seq = 10);
	SAY(t, .v6 = true, .server = true, .flags = SYN | ACK, .seq = 20, .ack = 11);
	SAY(t, .v6 = true, .flags = ACK, .seq = 11, .ack = 21, .data = "abcd", .len = 4, .cut = 1);
	SAY(t, .v6 = true, .server = true, .flags = ACK, .seq = 21, .ack = 15, .data = "x", .len = 1);
	talk_check(&t->heard[0], STREAM_CLIENT, "abc?");
	talk_check(&t->heard[0], STREAM_SERVER, "x");
	assert_true(t->heard[0].opened.has_syn);
	assert_int_equal(t->heard[0].opened.handshake, STREAM_HANDSHAKE_FULL);
	talk_done(t);
}

static void test_flags_that_make_no_sense(void **state)
{
	struct talk *t = talk_new(NULL);
	static const uint8_t bogus[] = {
		0, PSH, FIN | PSH | DECODE_TCP_URG, SYN | FIN, SYN | RST, SYN | FIN | ACK, FIN | SYN | RST,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bogus); i++)
		SAY(t, .flags = bogus[i], .seq = 100, .ack = 1, .data = "junk", .len = 4);
	assert_int_equal(t->heard_count, 0);
	talk_shake(t, 100, 500);
	talk_text(t, false, 101, 501, "abc");
	for (size_t i = 0; i < sizeof(bogus); i++)
		SAY(t, .flags = bogus[i], .seq = 104, .ack = 501, .data = "junk", .len = 4);
	SAY(t, .flags = ACK | DECODE_TCP_URG | PSH, .seq = 104, .ack = 501, .data = "def", .len = 3);
	talk_check(&t->heard[0], STREAM_CLIENT, "abcdef");
	assert_int_equal(t->heard[0].ends, 0);
	assert_int_equal(streams_counters(t->streams)->ignored, 2 * sizeof(bogus));
	talk_done(t);
}

static void test_udp(void **state)
{
	struct talk *t = talk_new(NULL);
	struct heard *h = &t->heard[0];

	(void)state;
	SAY(t, .proto = 17, .data = "question", .len = 8);
	SAY(t, .proto = 17, .server = true, .data = "answer", .len = 6);
	SAY(t, .proto = 17, .len = 0);
	assert_int_equal(h->opened.proto, DECODE_PROTO_UDP);
	assert_int_equal(h->opened.client_port, 40000);
	talk_check(h, STREAM_CLIENT, "question");
	talk_check(h, STREAM_SERVER, "answer");
	t->time_us += STREAM_DEFAULT_UDP_IDLE_US + 1000;
	SAY(t, .proto = 17, .data = "later", .len = 5);
	assert_int_equal(h->end, STREAM_END_IDLE);
	assert_int_equal(t->heard_count, 2);
	talk_check(&t->heard[1], STREAM_CLIENT, "later");
	assert_int_equal(streams_counters(t->streams)->opened[1], 2);
	talk_done(t);
}

static void test_time_that_jumps(void **state)
{
	struct talk *t = talk_new(NULL);
	int64_t before;

	(void)state;
	talk_shake(t, 0, 0);
	talk_text(t, false, 1, 1, "ab");
	before = t->time_us;
	t->time_us += 1000000000000000ll; /* a damaged time stamp */
	SAY(t, .client_port = 7, .proto = 17, .data = "x", .len = 1);
	t->time_us = before;
	talk_text(t, false, 3, 1, "cd");
	assert_int_equal(t->heard[0].ends, 0);
	t->time_us = before - 3600000000ll; /* another file, older */
	talk_text(t, false, 5, 1, "ef");
	talk_check(&t->heard[0], STREAM_CLIENT, "abcdef");
	for (int i = 0; i < 40; i++) {
		t->time_us = INT64_C(0x3fffffffffffffff);
		SAY(t, .client_port = 8, .flags = SYN);
	}
	assert_int_equal(t->heard[0].end, STREAM_END_IDLE);
	for (int i = 0; i < 40; i++) {
		t->time_us = i % 2 ? INT64_MIN + 5000 : INT64_MAX - 5000;
		SAY(t, .client_port = 9, .flags = ACK, .seq = 1, .data = "zz", .len = 2);
	}
	talk_done(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_conversation),
		cmocka_unit_test(test_no_syn),
		cmocka_unit_test(test_order_and_repeats),
		cmocka_unit_test(test_first_copy_wins),
		cmocka_unit_test(test_loss_seen_by_ack),
		cmocka_unit_test(test_late_packet_after_its_ack),
		cmocka_unit_test(test_loss_beyond_the_hold_limit),
		cmocka_unit_test(test_loss_at_the_end),
		cmocka_unit_test(test_silent_direction),
		cmocka_unit_test(test_server_speaks_first),
		cmocka_unit_test(test_syn_ack_only),
		cmocka_unit_test(test_midstream),
		cmocka_unit_test(test_fast_open),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_reset_of_a_syn_with_data),
		cmocka_unit_test(test_both_open_at_once),
		cmocka_unit_test(test_wild_acknowledgments),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_ports_used_again),
		cmocka_unit_test(test_syn_of_a_stranger),
		cmocka_unit_test(test_unseen_beginning_on_used_ports),
		cmocka_unit_test(test_fin_that_was_not_captured),
		cmocka_unit_test(test_late_syn_ack),
		cmocka_unit_test(test_midstream_goes_back_only_before_delivery),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_cut_by_snap_length),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_flags_that_make_no_sense),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_time_that_jumps),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
