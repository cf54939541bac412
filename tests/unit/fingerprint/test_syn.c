/*
 * SYN signatures: the text of real stacks, one id for one shape, ids that never change (they are
 * stored), and options that lie.
 */
#include "../decode/frame.h"

#include "fingerprint/syn.h"

#define LINUX "020405b4 0402 080a 11223344 00000000 01 030307"
#define WINDOWS "020405b4 01 030308 01 01 0402"

static struct decode_packet packet4(struct frame *f, const struct v4 *ip, const struct tcp *tcp)
{
	size_t at;

	f->len = 0;
	at = frame_v4(f, ip);
	frame_tcp(f, tcp);
	frame_v4_close(f, at);
	return frame_decode(f, LINK_RAW);
}

static struct syn syn4(const struct v4 *ip, const struct tcp *tcp)
{
	struct frame f;
	struct decode_packet p = packet4(&f, ip, tcp);
	struct syn syn;

	assert_int_equal(p.drop, DECODE_DROP_NONE);
	syn_parse(&p, &syn);
	return syn;
}

static void expect_text(const char *want, const struct v4 *ip, const struct tcp *tcp)
{
	struct syn syn = syn4(ip, tcp);
	char text[SYN_TEXT_MAX];
	size_t len = syn_format(&syn, text);

	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
}

#define DF .fragment = 0x4000
#define SEQ .seq = 0x10203040

static void test_stacks(void **state)
{
	(void)state;
	/* Linux since 3.11, 3.1, 2.6, 2.4. */
	expect_text("4:64:0:1460:mss*20,7:mss,sok,ts,nop,ws:df,id+:0",
	    &(struct v4){.id = 7, .ttl = 52, DF},
	    &(struct tcp){SEQ, .window = 29200, .options = LINUX});
	expect_text("4:64:0:1460:mss*10,7:mss,sok,ts,nop,ws:df,id+:0",
	    &(struct v4){.id = 7, .ttl = 64, DF},
	    &(struct tcp){SEQ, .window = 14600, .options = LINUX});
	expect_text("4:64:0:1460:mss*4,7:mss,sok,ts,nop,ws:df,id+:0",
	    &(struct v4){.id = 7, .ttl = 33, DF},
	    &(struct tcp){SEQ, .window = 5840, .options = LINUX});
	/* Linux since 4.20: 64240 = 44 × 1460. */
	expect_text("4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0",
	    &(struct v4){.id = 7, DF}, &(struct tcp){SEQ, .window = 64240, .options = LINUX});
	/* Windows XP, 7, 10. */
	expect_text("4:128:0:1460:65535,*:mss,nop,nop,sok:df,id+:0",
	    &(struct v4){.id = 7, .ttl = 113, DF},
	    &(struct tcp){SEQ, .window = 65535, .options = "020405b4 01 01 0402"});
	expect_text("4:128:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0",
	    &(struct v4){.id = 7, .ttl = 128, DF},
	    &(struct tcp){SEQ, .window = 8192, .options = WINDOWS});
	expect_text("4:128:0:1460:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0",
	    &(struct v4){.id = 7, .ttl = 65, DF},
	    &(struct tcp){SEQ, .window = 64240, .options = WINDOWS});
	/* macOS: end of options and one byte of padding. */
	expect_text("4:64:0:1460:65535,4:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0",
	    &(struct v4){.id = 7, DF}, &(struct tcp){SEQ, .window = 65535,
	    .options = "020405b4 01 030304 01 01 080a 11223344 00000000 0402 00 00"});
	/* FreeBSD, OpenBSD. */
	expect_text("4:64:0:1460:65535,6:mss,nop,ws,sok,ts:df,id+:0",
	    &(struct v4){.id = 7, DF}, &(struct tcp){SEQ, .window = 65535,
	    .options = "020405b4 01 030306 0402 080a 11223344 00000000"});
	expect_text("4:64:0:1460:16384,3:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0",
	    &(struct v4){.id = 7, DF}, &(struct tcp){SEQ, .window = 16384,
	    .options = "020405b4 01 01 0402 01 030303 01 01 080a 11223344 00000000"});
}

static void test_tools(void **state)
{
	(void)state;
	/* nmap -sS; ZMap 4.1 and before; masscan; Mirai. */
	expect_text("4:64:0:1460:1024,*:mss::0", &(struct v4){.id = 7, .ttl = 45},
	    &(struct tcp){SEQ, .window = 1024, .options = "020405b4"});
	expect_text("4:64:0:1460:65535,8:mss,nop,ws,nop,nop,sok::0",
	    &(struct v4){.id = 7, .ttl = 50},
	    &(struct tcp){SEQ, .window = 65535, .options = WINDOWS});
	expect_text("4:255:0:*:65535,*:::0", &(struct v4){.id = 54321, .ttl = 244},
	    &(struct tcp){SEQ, .window = 65535});
	expect_text("4:255:0:1460:1025,*:mss::0", &(struct v4){.id = 7, .ttl = 241},
	    &(struct tcp){SEQ, .window = 1025, .options = "020405b4"});
	expect_text("4:64:0:*:5321,*:::0", &(struct v4){.id = 7, .ttl = 48},
	    &(struct tcp){SEQ, .window = 5321});
}

static void test_quirks(void **state)
{
	(void)state;
	expect_text("4:64:0:*:0,*::df:0", &(struct v4){DF}, &(struct tcp){SEQ});
	expect_text("4:64:0:*:0,*::id-:0", &(struct v4){.id = 0}, &(struct tcp){SEQ});
	expect_text("4:64:0:*:0,*::ecn,seq-,ack+,uptr+:0", &(struct v4){.id = 1},
	    &(struct tcp){.seq = 0, .ack = 1, .flags = 0xc2, .urgent = 5});
	expect_text("4:64:1:*:0,*:::0", &(struct v4){.id = 1, .options = "01010101"},
	    &(struct tcp){SEQ});
	/* Own time stamp zero; the peer's not zero on a SYN. */
	expect_text("4:64:0:*:0,*:nop,nop,ts:ts1-,ts2+:0", &(struct v4){.id = 1},
	    &(struct tcp){SEQ, .options = "0101 080a 00000000 00000001"});
	/* Bytes behind the end of options: how many, and that they are not zero. */
	expect_text("4:64:0:*:0,*:eol+3::0", &(struct v4){.id = 1},
	    &(struct tcp){SEQ, .options = "00 000000"});
	expect_text("4:64:0:*:0,*:eol+3:opt+:0", &(struct v4){.id = 1},
	    &(struct tcp){SEQ, .options = "00 000001"});
	/* Kinds without a name; a window that is a multiple of an MSS of 1 says little. */
	expect_text("4:64:0:*:0,*:sack,?254,nop,nop::0", &(struct v4){.id = 1},
	    &(struct tcp){SEQ, .options = "050a 0000000100000002 fe04 abcd 0101"});
	expect_text("4:64:0:0:1024,14:mss,nop,ws::0", &(struct v4){.id = 1},
	    &(struct tcp){SEQ, .window = 1024, .options = "02040000 01 03030e"});
}

static void test_payload_and_ipv6(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, &(struct v4){.id = 1});
	struct decode_packet p;
	char text[SYN_TEXT_MAX];
	struct syn syn;

	(void)state;
	frame_tcp(&f, &(struct tcp){SEQ});
	frame_hex(&f, "47");
	frame_v4_close(&f, at);
	p = frame_decode(&f, LINK_RAW);
	syn_parse(&p, &syn);
	(void)syn_format(&syn, text);
	assert_string_equal(text, "4:64:0:*:0,*:::+");
	f.len = 0;
	at = frame_v6(&f, 6);
	frame_tcp(&f, &(struct tcp){SEQ, .window = 64800, .options = "020405a0 0402 0101"});
	frame_v6_close(&f, at);
	p = frame_decode(&f, LINK_RAW);
	syn_parse(&p, &syn);
	(void)syn_format(&syn, text);
	assert_string_equal(text, "6:64:0:1440:mss*45,*:mss,sok,nop,nop::0");
}

static void test_initial_ttl(void **state)
{
	static const struct {
		unsigned ttl;
		unsigned initial;
	} cases[] = {{1, 32}, {32, 32}, {33, 64}, {64, 64}, {65, 128}, {128, 128}, {129, 255}, {255, 255}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(syn4(&(struct v4){.ttl = cases[i].ttl}, &(struct tcp){SEQ})
		    .initial_ttl, cases[i].initial);
}

/* Options that contradict their lengths. */
static void test_bad_options(void **state)
{
	static const char *const bad[] = {
		"02040505 0402 0300", /* length 0 */
		"02040505 0402 0301", /* length 1 */
		"02040505 0402 030f", /* longer than the header */
		"02040505 01010102",  /* a kind without its length */
		"0203050000000000",   /* MSS of one byte */
		"03020101",           /* scale without a value */
		"0809 01020304050607 010101", /* time stamp of seven bytes */
		"01010101 01010101 01010101 01010101 01010101 01010101", /* more kinds than are kept */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct syn syn = syn4(&(struct v4){.id = 1}, &(struct tcp){SEQ, .options = bad[i]});

		if (!(syn.quirks & SYN_QUIRK_BAD))
			print_error("%s\n", bad[i]);
		assert_true(syn.quirks & SYN_QUIRK_BAD);
		assert_true(syn.option_count <= SYN_OPTIONS_MAX);
	}
	assert_int_equal(syn4(&(struct v4){.id = 1}, &(struct tcp){SEQ,
	    .options = "01010101 01010101 01010101 01010101 01010101"}).quirks, 0);
}

/* A data offset that the datagram does not hold is bad, and padding behind it is no option. */
static void test_data_offset(void **state)
{
	(void)state;
	for (unsigned words = 1; words < 16; words++) {
		struct frame f = {.len = 0};
		size_t at = frame_v4(&f, &(struct v4){.id = 1});
		struct decode_packet p;
		struct syn syn;

		frame_tcp(&f, &(struct tcp){SEQ, .data_offset = words});
		frame_v4_close(&f, at);
		frame_hex(&f, "0204 05b4 0101"); /* Ethernet padding that looks like options */
		p = frame_decode(&f, LINK_RAW);
		syn_parse(&p, &syn);
		assert_int_equal(syn.quirks, words == 5 ? 0 : SYN_QUIRK_BAD);
		assert_int_equal(syn.option_count, 0);
		assert_int_equal(syn.has, 0);
	}
}

/* Every cut behind the 20 bytes and every random header: parsed without a look beyond the end. */
static void test_cuts_and_noise(void **state)
{
	uint64_t seed = 42;
	struct frame f;

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		struct decode_packet p;
		char text[SYN_TEXT_MAX];
		uint8_t *copy;
		struct syn syn;
		size_t text_len;
		size_t len;

		f.len = 0;
		(void)frame_v4(&f, &(struct v4){.id = 1});
		frame_tcp(&f, &(struct tcp){SEQ, .data_offset = 5 + n % 11});
		for (unsigned i = 0; i < 40; i++) /* small numbers: kinds and lengths */
			frame_u8(&f, frame_random(&seed) >> 40 & (n & 1 ? 0x0f : 0xff));
		len = 40 + n % 41;
		p = frame_decode_bytes(f.data, len, LINK_RAW, &copy);
		assert_int_equal(p.drop, DECODE_DROP_NONE);
		syn_parse(&p, &syn);
		if (5 + n % 11 > len / 4 - 5)
			assert_true(syn.quirks & SYN_QUIRK_BAD);
		assert_true(syn.option_count <= SYN_OPTIONS_MAX);
		text_len = syn_format(&syn, text);
		assert_int_equal(text_len, strlen(text));
		assert_true(syn_id(&syn) != 0);
		free(copy);
	}
}

/* Ports, numbers, time stamps and the way travelled are not part of the shape; the rest is. */
static void test_same_shape_same_id(void **state)
{
	struct syn a = syn4(&(struct v4){.id = 7, .ttl = 50, DF},
	    &(struct tcp){SEQ, .window = 29200, .options = LINUX});
	struct syn b = syn4(&(struct v4){.src = 0x08080808, .id = 9, .ttl = 64, .tos = 8, DF},
	    &(struct tcp){.sport = 7, .dport = 9, .seq = 3, .window = 29200,
	    .options = "020405b4 0402 080a 99999999 00000000 01 030307"});
	struct syn c = syn4(&(struct v4){.id = 7, .ttl = 50, DF},
	    &(struct tcp){SEQ, .window = 29201, .options = LINUX});

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(syn_id(&a), syn_id(&b));
	assert_int_not_equal(syn_id(&a), syn_id(&c));
}

/* Stored for ever: worked out apart from this program (FNV-1a over the fields). */
static void test_pinned_ids(void **state)
{
	struct syn syn;

	(void)state;
	syn = syn4(&(struct v4){.id = 7, .ttl = 52, DF},
	    &(struct tcp){SEQ, .window = 29200, .options = LINUX});
	assert_int_equal(syn_id(&syn), 0xe8e80be8);
	syn = syn4(&(struct v4){.id = 7, .ttl = 128, DF},
	    &(struct tcp){SEQ, .window = 64240, .options = WINDOWS});
	assert_int_equal(syn_id(&syn), 0xe3c0c37e);
	syn = syn4(&(struct v4){.id = 7, .ttl = 48}, &(struct tcp){SEQ, .window = 5321});
	assert_int_equal(syn_id(&syn), 0x936daa7c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_tools),
		cmocka_unit_test(test_quirks),
		cmocka_unit_test(test_payload_and_ipv6),
		cmocka_unit_test(test_initial_ttl),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_data_offset),
		cmocka_unit_test(test_cuts_and_noise),
		cmocka_unit_test(test_same_shape_same_id),
		cmocka_unit_test(test_pinned_ids),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
