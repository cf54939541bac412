/*
 * Law: how an exchange of datagrams is kept changes nothing that is counted.
 *
 * The same packets go to streams whose sink takes exchanges without a context, to one that gives
 * each its own, and to one that also wants rows (so that modules make their texts); in batches that
 * are cut anywhere.  Protocols, events and logins are the same.
 */
#include "../decode/frame.h"

#include "stream/stream.h"
#include "tally/sessions.h"

#define PACKETS 6000u
#define CLIENTS 40u
#define BATCH_MAX 64u
#define START_US 1790812800000000ll
#define BYTES_MAX 512u

#define TEXT(server, port, literal) {port, server, sizeof(literal) - 1, literal}

#define DIGEST \
	"REGISTER sip:192.0.2.1 SIP/2.0\r\nCSeq: 2 REGISTER\r\nAuthorization: Digest username=\"100\"," \
	"realm=\"r\",nonce=\"n\",uri=\"sip:192.0.2.1\",response=\"0123456789abcdef0123456789abcdef\"\r\n\r\n"

static const struct {
	uint16_t port;
	bool server;
	uint16_t len;
	const char *bytes;
} said[] = {
	TEXT(false, 53, "\x12\x34\1\0\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3"),
	TEXT(true, 53, "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\7version\4bind\0\0\x10\0\3"),
	TEXT(false, 161, "0&\2\1\1\4\6public\xa0\x19\2\1\1\2\1\0\2\1\0000\x0e"
	    "0\x0c\6\10+\6\1\2\1\1\1\0\5\0"),
	TEXT(false, 161, "0'\2\1\1\4\7private\xa0\x19\2\1\1\2\1\0\2\1\0000\x0e"
	    "0\x0c\6\10+\6\1\2\1\1\1\0\5\0"),
	TEXT(false, 5060, "OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nUser-Agent: friendly\r\n"
	    "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"),
	TEXT(false, 5060, "REGISTER sip:192.0.2.1 SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n"),
	TEXT(false, 5060, DIGEST),
	TEXT(false, 5060, DIGEST "trailing"),
	TEXT(true, 5060, "SIP/2.0 401 Unauthorized\r\nCSeq: 1 REGISTER\r\n\r\n"),
	TEXT(true, 5060, "SIP/2.0 200 OK\r\nCSeq: 2 REGISTER\r\n\r\n"),
	TEXT(false, 5060, "SIP/2.0 200 OK\r\n\r\n"),
	TEXT(false, 5060, "garbage\r\nmore garbage\r\n"),
	TEXT(false, 11211, "\0\0\0\0\0\1\0\0stats\r\n"),
	TEXT(false, 11211, "\0\1\0\0\0\1\0\0set a 0 0 1\r\nb\r\n"),
	TEXT(false, 53413, "AAAAAAAAnetcore\0"),
	TEXT(false, 53413, "AA\0\0AAAA cd /tmp\0"),
	TEXT(false, 69, "\0\1mirai.arm\0octet\0"),
	TEXT(false, 69, "\0\2up\0octet\0"),
	TEXT(false, 1900, "M-SEARCH * HTTP/1.1\r\nHost:239.255.255.250:1900\r\nST:ssdp:all\r\n\r\n"),
	TEXT(false, 123, "\x17\0\3\x2a\0\0\0\0"),
	TEXT(false, 389, "0%\2\1\1c \4\0\n\1\0\n\1\0\2\1\0\2\1\0\1\1\0\x87\013objectclass0\0"),
	TEXT(false, 5683, "\x40\1\x7d\x70\xbb.well-known\4core"),
	TEXT(false, 3478, "\0\1\0\0\x21\x12\xa4\x42" "abcdefghijkl"),
	TEXT(false, 20000, "\5d\5\xc0\1\0\0\4\xe9\x21"),
	TEXT(false, 44818, "c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	TEXT(false, 40000, "hello"),
	TEXT(false, 40000, "\xc0\0\0\0\1\x08" "abcdefghijklmnopqrst"),
};
#define SAID (sizeof(said) / sizeof(said[0]))

static int drop_row(void *arg, enum record_table_id table, const void *row)
{
	uint64_t *rows = arg;

	(void)row;
	rows[table]++;
	return ST_OK;
}

struct side_by_side {
	struct sessions *sessions;
	struct streams *streams;
	struct stream_sink sink;
	uint64_t rows[RECORD_TABLE_COUNT];
};

static void open_one(struct side_by_side *one, bool brief, bool rows, uint64_t memory)
{
	static const struct sessions_sink keep = {.row = drop_row};
	struct sessions_options options = {.passive = true, .sink = rows ? &keep : NULL, .arg = one->rows};
	struct stream_options stream = {
		.streams_max = 512,
		.memory_max = memory,
		.context_size = sessions_context_size(),
		.sink = &one->sink,
	};

	assert_int_equal(sessions_new(&options, &one->sessions), ST_OK);
	one->sink = brief ? sessions_counting_sink : sessions_stream_sink;
	stream.arg = one->sessions;
	assert_int_equal(streams_new(&stream, &one->streams), ST_OK);
}

static void close_one(struct side_by_side *one)
{
	streams_free(one->streams);
	sessions_free(one->sessions);
}

/* A datagram of one of a few clients, of a few ports, some with a byte changed. */
static size_t make_packet(uint64_t *random, int64_t time_us, uint8_t frame[BYTES_MAX + 28],
    struct decode_packet *ret_packet)
{
	size_t which = frame_random(random) % SAID;
	uint32_t client = 0xc6336400u + (uint32_t)(frame_random(random) % CLIENTS);
	uint16_t port = (uint16_t)(4000 + frame_random(random) % 3);
	size_t len = said[which].len;
	uint32_t addresses[2] = {client, 0xc0000201u};
	uint16_t ports[2] = {port, said[which].port};
	bool server = said[which].server;
	struct wr w = wr_init(frame, BYTES_MAX + 28);
	struct capture_packet view = {.data = frame, .time_us = time_us, .linktype = 101};

	assert_true(len <= BYTES_MAX);
	wr_u16be(&w, 0x4500);
	wr_u16be(&w, (uint16_t)(28 + len));
	wr_u32be(&w, 0);
	wr_u16be(&w, 0x4011);
	wr_u16be(&w, 0);
	wr_u32be(&w, addresses[server]);
	wr_u32be(&w, addresses[!server]);
	wr_u16be(&w, ports[server]);
	wr_u16be(&w, ports[!server]);
	wr_u16be(&w, (uint16_t)(8 + len));
	wr_u16be(&w, 0);
	wr_bytes(&w, said[which].bytes, len);
	if (len > 0 && frame_random(random) % 8 == 0)
		frame[28 + frame_random(random) % len] ^= (uint8_t)(1u << frame_random(random) % 8);
	view.len = (uint32_t)wr_len(&w);
	view.wire_len = view.len;
	decode_batch(&view, 1, ret_packet);
	return view.len;
}

static void feed(struct side_by_side *one, uint64_t seed, uint64_t cuts)
{
	static uint8_t frames[BATCH_MAX][BYTES_MAX + 28];
	static struct decode_packet packets[BATCH_MAX];
	uint64_t random = seed;
	int64_t time_us = START_US;
	unsigned n = 0;

	for (unsigned i = 0; i < PACKETS; i++) {
		/* Most follow soon; sometimes everybody has been silent for longer than an exchange lasts. */
		uint64_t pause = frame_random(&random);

		time_us += pause % 100 == 0 ? 70000000 : (int64_t)(pause % 400000);
		(void)make_packet(&random, time_us, frames[n], &packets[n]);
		n++;
		if (n == BATCH_MAX || frame_random(&cuts) % 16 == 0 || i + 1 == PACKETS) {
			streams_add(one->streams, packets, n);
			n = 0;
		}
	}
	streams_flush(one->streams);
	sessions_flush(one->sessions, INT64_MAX);
	assert_int_equal(sessions_error(one->sessions), ST_OK);
}

static uint64_t login_count(const struct logins *logins, const struct login_count *wanted)
{
	for (size_t i = 0; i < logins_count(logins); i++) {
		const struct login_count *l = logins_at(logins, i);

		if (l->protocol == wanted->protocol && ip_equal(l->source, wanted->source)
		    && l->user_len == wanted->user_len && l->password_len == wanted->password_len
		    && memcmp(l->user, wanted->user, l->user_len) == 0
		    && memcmp(l->password, wanted->password, l->password_len) == 0)
			return l->count;
	}
	return 0;
}

static void assert_same(const struct side_by_side *a, const struct side_by_side *b)
{
	const struct logins *logins = sessions_logins(a->sessions);

	for (unsigned m = 0; m < protocol_module_count; m++) {
		assert_int_equal(sessions_protocol_count(a->sessions, (uint16_t)m),
		    sessions_protocol_count(b->sessions, (uint16_t)m));
		for (unsigned e = 0; e < protocol_modules[m]->event_count; e++)
			assert_int_equal(sessions_event_count(a->sessions, m, e),
			    sessions_event_count(b->sessions, m, e));
	}
	assert_int_equal(sessions_counters(a->sessions)->identified,
	    sessions_counters(b->sessions)->identified);
	assert_int_equal(streams_counters(a->streams)->opened[1],
	    streams_counters(b->streams)->opened[1]);
	assert_int_equal(logins_total(logins), logins_total(sessions_logins(b->sessions)));
	assert_int_equal(logins_count(logins), logins_count(sessions_logins(b->sessions)));
	for (size_t i = 0; i < logins_count(logins); i++)
		assert_int_equal(logins_at(logins, i)->count,
		    login_count(sessions_logins(b->sessions), logins_at(logins, i)));
}

static void test_kept_anyhow(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct side_by_side brief = {0};
		struct side_by_side cut = {0};
		struct side_by_side few = {0};
		struct side_by_side context = {0};
		struct side_by_side rows = {0};

		open_one(&brief, true, false, 0);
		open_one(&cut, true, false, 0);
		open_one(&few, true, false, 4u << 20); /* so few places that many need a slot */
		open_one(&context, false, false, 0);
		open_one(&rows, false, true, 0);
		feed(&brief, seed, 1);
		feed(&cut, seed, 99);
		feed(&few, seed, 1);
		feed(&context, seed, 1);
		feed(&rows, seed, 7);
		assert_same(&brief, &cut);
		assert_same(&brief, &few);
		assert_same(&brief, &context);
		assert_same(&brief, &rows);
		assert_true(logins_total(sessions_logins(brief.sessions)) > 100);
		assert_true(sessions_counters(brief.sessions)->identified > 1000);
		assert_true(rows.rows[RECORD_TABLE_session] > 1000);
		close_one(&brief);
		close_one(&cut);
		close_one(&few);
		close_one(&context);
		close_one(&rows);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_anyhow),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
