/*
 * Tools: SYNs of each scanner as its source code makes them are matched by its rule and no other,
 * a source is judged from enough of them, and chance matches judge nobody.
 */
#include "../decode/frame.h"

#include "fingerprint/marks.h"
#include "fingerprint/tools.h"

#include <stdio.h>

static struct tools *tools;

static int set_up(void **state)
{
	(void)state;
	return tools_new(NULL, &tools, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	tools_free(tools);
	return 0;
}

static struct tools_verdict match(const struct v4 *ip, const struct tcp *tcp)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, ip);
	struct decode_packet p;
	struct syn syn;

	frame_tcp(&f, tcp);
	frame_v4_close(&f, at);
	p = frame_decode(&f, LINK_RAW);
	assert_int_equal(p.drop, DECODE_DROP_NONE);
	syn_parse(&p, &syn);
	return tools_match(tools, &p, &syn, marks_of_tcp(&p));
}

static uint32_t tool_bit(const char *name)
{
	for (unsigned i = 0; i < tools_count(tools); i++)
		if (strcmp(tools_name(tools, i), name) == 0)
			return 1u << i;
	fail_msg("no tool %s", name);
	return 0;
}

/* What `packets` such SYNs say of a source that sent `access` packets. */
static uint32_t judge(uint32_t packets, uint64_t access, const struct v4 *ip, const struct tcp *tcp)
{
	struct tools_evidence evidence = {{0}};

	tools_evidence_add(&evidence, packets, match(ip, tcp).rules);
	return tools_judge(tools, &evidence, access);
}

#define WINDOWS "020405b4 01 030308 01 01 0402"
#define SEQ .seq = 0x12345678

static void test_zmap_shapes(void **state)
{
	static const struct {
		const char *options;
		unsigned needs;
	} shapes[] = {
		{WINDOWS, 2},
		{"020405b4", 3},
		{"020405b4 0402 080a 6710a000 00000000 01 030307", 3},
		{"020405b4 01 030306 01 01 080a 6710a000 00000000 0402 0000", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct v4 ip = {.id = 99, .ttl = 49};
		struct tcp tcp = {SEQ, .sport = 45000, .window = 65535, .options = shapes[i].options};

		assert_int_equal(judge(shapes[i].needs, 10, &ip, &tcp), tool_bit("zmap"));
		assert_int_equal(judge(shapes[i].needs - 1, 10, &ip, &tcp), 0);
		/* A real Windows or BSD host has another TTL, DF or source port. */
		assert_int_equal(judge(9, 10, &(struct v4){.id = 99, .ttl = 112}, &tcp), 0);
		assert_int_equal(judge(9, 10, &(struct v4){.id = 99, .ttl = 49, .fragment = 0x4000},
		    &tcp), 0);
		tcp.sport = 61001;
		assert_int_equal(judge(9, 10, &ip, &tcp), 0);
		tcp.sport = 32767;
		assert_int_equal(judge(9, 10, &ip, &tcp), 0);
		tcp.sport = 32768;
		assert_int_equal(judge(9, 10, &ip, &tcp), tool_bit("zmap"));
		tcp.window = 65534;
		assert_int_equal(judge(9, 10, &ip, &tcp), 0);
	}
	/* ZMap until 4.0 by its IP ID, with any options. */
	assert_int_equal(judge(2, 10, &(struct v4){.id = 54321, .ttl = 240},
	    &(struct tcp){SEQ, .window = 65535}), tool_bit("zmap"));
	assert_int_equal(judge(1, 10, &(struct v4){.id = 54321, .ttl = 240},
	    &(struct tcp){SEQ, .window = 65535}), 0);
}

static void test_masscan(void **state)
{
	const struct v4 ip = {.dst = 0xc0000201, .ttl = 240,
		.id = (0xc0000201 ^ 443 ^ 0x12345678) & 0xffff};
	struct tcp tcp = {SEQ, .dport = 443, .window = 1025, .options = "020405b4"};

	(void)state;
	/* Since 2023-11-07, and before, with windows of 1024 and 0. */
	assert_int_equal(judge(2, 20, &ip, &tcp), tool_bit("masscan"));
	tcp = (struct tcp){SEQ, .dport = 443, .window = 1024};
	assert_int_equal(judge(2, 20, &ip, &tcp), tool_bit("masscan"));
	tcp.window = 0;
	assert_int_equal(judge(2, 20, &ip, &tcp), tool_bit("masscan"));
	assert_int_equal(judge(1, 20, &ip, &tcp), 0);
	assert_int_equal(judge(2, 21, &ip, &tcp), 0);
}

static void test_nmap(void **state)
{
	const struct tcp tcp = {SEQ, .sport = 51234, .window = 1024, .options = "020405b4"};

	(void)state;
	assert_int_equal(judge(3, 3, &(struct v4){.id = 5, .ttl = 41}, &tcp), tool_bit("nmap"));
	assert_int_equal(judge(2, 3, &(struct v4){.id = 5, .ttl = 41}, &tcp), 0);
	assert_int_equal(judge(3, 3, &(struct v4){.id = 5, .ttl = 60}, &tcp), 0);
}

static void test_mirai_and_synful(void **state)
{
	const struct v4 ip = {.dst = 0xc0000201, .id = 5};
	const struct tcp mirai = {.seq = 0xc0000201, .window = 5321};
	struct tcp knock = {.seq = 0x10000000, .ack = 0x10000000 - 0xc123d};

	(void)state;
	assert_int_equal(judge(2, 2, &ip, &mirai), tool_bit("mirai"));
	assert_int_equal(judge(1, 1, &ip, &mirai), 0);
	assert_int_equal(judge(1, 1, &ip, &knock), tool_bit("synfulknock"));
	knock.ack = 0x10000000 + 0xc123d;
	assert_int_equal(judge(1, 1, &ip, &knock), tool_bit("synfulknock"));
	/* Across the wrap of sequence numbers. */
	knock = (struct tcp){.seq = 5, .ack = 5 - 0xc123d};
	assert_int_equal(judge(1, 1, &ip, &knock), tool_bit("synfulknock"));
	/* A broken stack that acknowledges something is not the probe for a router implant. */
	knock.ack++;
	assert_int_equal(judge(9, 9, &ip, &knock), 0);
	knock = (struct tcp){.seq = 0xc123d, .ack = 0};
	assert_int_equal(judge(9, 9, &ip, &knock), 0);
}

/* A busy source meets a 16-bit number once in 65536 packets. */
static void test_chance(void **state)
{
	struct tools_evidence evidence = {{0}};
	const uint64_t access = 10 * 65536;

	(void)state;
	tools_evidence_add(&evidence, 10, match(&(struct v4){.id = 54321, .ttl = 110},
	    &(struct tcp){SEQ, .window = 64240, .options = WINDOWS}).rules);
	assert_int_equal(tools_judge(tools, &evidence, access), 0);
	assert_int_equal(tools_judge(tools, &evidence, 101), 0);
	assert_int_equal(tools_judge(tools, &evidence, 100), tool_bit("zmap"));
}

/* Real hosts of the usual kinds match nothing. */
static void test_hosts(void **state)
{
	(void)state;
	assert_int_equal(match(&(struct v4){.id = 5, .ttl = 52, .fragment = 0x4000}, &(struct tcp){SEQ,
	    .window = 29200, .options = "020405b4 0402 080a 11223344 00000000 01 030307"}).rules, 0);
	assert_int_equal(match(&(struct v4){.id = 5, .ttl = 112, .fragment = 0x4000}, &(struct tcp){SEQ,
	    .window = 64240, .options = WINDOWS}).rules, 0);
	assert_int_equal(match(&(struct v4){.id = 5, .ttl = 49, .fragment = 0x4000}, &(struct tcp){SEQ,
	    .window = 65535, .options = "020405b4 01 030306 0402 080a 11223344 00000000"}).rules, 0);
}

static int find_text(void *arg, uint32_t id, const char *text)
{
	const struct tools_verdict *v = arg;

	if (id == v->signature && strcmp(text, "4:255:0:*:1024,*:::0") == 0)
		return 7;
	return 0;
}

static int count_all(void *arg, uint32_t id, const char *text)
{
	unsigned *n = arg;

	assert_true(id != 0 && text[0] == '4');
	(*n)++;
	return 0;
}

static void test_signatures(void **state)
{
	struct tools *fresh = NULL;
	struct tools *kept = tools;
	unsigned n = 0;

	(void)state;
	assert_int_equal(tools_new("a 1 0 df=0\n", &fresh, NULL), ST_OK);
	tools = fresh;
	for (unsigned window = 0; window < 20000; window++) {
		struct tools_verdict v = match(&(struct v4){.id = 5, .ttl = 255},
		    &(struct tcp){SEQ, .window = window});

		assert_int_equal(v.rules, 1);
		if (window == 1024)
			assert_int_equal(tools_signatures(fresh, find_text, &v), 7);
	}
	/* More shapes than the cache has places: none is forgotten. */
	assert_int_equal(tools_signatures(fresh, count_all, &n), 0);
	assert_int_equal(n, 20000);
	tools_free(fresh);
	tools = kept;
}

static void test_reload(void **state)
{
	const struct v4 ip = {.id = 54321};
	const struct tcp tcp = {SEQ, .window = 77};
	struct tools *fresh = NULL;
	struct tools *kept = tools;
	struct err err = {0};

	(void)state;
	assert_int_equal(tools_new("a 1 0 window=77\n", &fresh, &err), ST_OK);
	tools = fresh;
	assert_int_equal(match(&ip, &tcp).rules, 1);
	assert_int_equal(tools_reload(fresh, "a 1 0 window=76\nb 1 x\n", &err), ST_MALFORMED);
	assert_string_equal(err.text, "line 2: SHARE must be 0 to 1: x");
	assert_int_equal(match(&ip, &tcp).rules, 1);
	assert_int_equal(tools_count(fresh), 1);
	/* What shapes match is worked out again. */
	assert_int_equal(tools_reload(fresh, "b 1 0 window=76\nc 1 0 window=77\n", &err), ST_OK);
	assert_int_equal(match(&ip, &tcp).rules, 2);
	assert_string_equal(tools_name(fresh, 1), "c");
	assert_string_equal(tools_name(fresh, 2), "");
	tools_free(fresh);
	tools = kept;
	assert_int_equal(tools_new("x\n", &fresh, &err), ST_MALFORMED);
}

static void test_evidence_saturates(void **state)
{
	struct tools_evidence evidence = {{0}};

	(void)state;
	tools_evidence_add(&evidence, UINT32_MAX, 1);
	tools_evidence_add(&evidence, UINT32_MAX, 1 | 1u << (TOOLS_RULES_MAX - 1));
	assert_int_equal(evidence.matches[0], UINT32_MAX);
	assert_int_equal(evidence.matches[1], 0);
	assert_int_equal(evidence.matches[TOOLS_RULES_MAX - 1], UINT32_MAX);
}

/* Unicornscan: seq = K ^ dst ^ (dport << 16) + sport, the address in either byte order. */
static void test_pair_keys(void **state)
{
	const uint32_t key = 0x5eedf00d;
	uint32_t seen[2] = {0, 0};

	(void)state;
	for (unsigned n = 0; n < 100; n++) {
		uint32_t dst = 0xc0000201 + 257 * n;
		uint16_t dport = (uint16_t)(n * 13);
		uint16_t sport = (uint16_t)(60000 - n);
		uint32_t ports = ((uint32_t)dport << 16) + sport;
		struct decode_packet p = {.dst = ip_from_v4(dst), .sport = sport, .dport = dport};
		uint32_t keys[2];

		p.seq = key ^ dst ^ ports;
		tools_pair_keys(&p, keys);
		assert_int_equal(keys[0], key);
		assert_true(n == 0 || keys[1] != seen[1]);
		seen[1] = keys[1];
		p.seq = key ^ __builtin_bswap32(dst) ^ ports;
		tools_pair_keys(&p, keys);
		assert_int_equal(keys[1], key);
	}
	assert_int_equal(tools_pair_rules(tools), 1u << 2);
}

/* Rules of which several may hold for one header, with every condition that differs between packets. */
#define MANY_RULES "a 1 0 options=mss ttl=1-64\nb 1 0 options=mss sport=0-32767\n" \
	"c 1 0 mss=1460 window=7\nd 1 0 relation=synfulknock sport=1000-50000\ne 1 0 ttl=60-200\n" \
	"f 1 0 mark=synful options=mss sport=1-40000\ng 1 0 iplen=44 tos=0\nh 1 0 df=1\n"

/* Layouts that repeat, with single bytes changed: what is known of them is what reading them says.
 * Returns how many of the rules have held for some packet, as a bit set. */
static uint32_t compare_known(const char *rules)
{
	static const char *const options[] = {
		"", "020405b4", "020405b4 0402 080a 00000001 00000000 01 030307",
		"020405b4 0402 080a 00000001 00000000 01 030304", WINDOWS,
		"020405b4 01 030306 01 01 080a 00000009 00000000 0402 0000",
		"0101 080a 00000001 00000000", "080a 00000000 00000000 080a 00000007 00000001",
		"0809 01010101 000000 01", "00 010101", "020405b4 0402 080a 00000001 00000000 01 030307 0101",
		"01010101 01010101 01010101 01010101 01010101 01010101",
	};
	const size_t count = sizeof(options) / sizeof(options[0]);
	struct tools *fresh;
	uint64_t seed = 7;
	uint32_t held = 0;

	assert_int_equal(tools_new(rules, &fresh, NULL), ST_OK);
	assert_int_equal(tools_reload(tools, rules, NULL), ST_OK);
	for (unsigned n = 0; n < 100000; n++) {
		uint64_t r = frame_random(&seed);
		struct frame f = {.len = 0};
		size_t at = frame_v4(&f, &(struct v4){.id = r & 1, .ttl = 20 + (r >> 1 & 0xff) % 200,
			.fragment = r >> 9 & 1 ? 0x4000 : 0, .options = r >> 10 & 7 ? NULL : "01010101"});
		struct tools_verdict known;
		struct tools_verdict read;
		struct decode_packet p;
		uint8_t *copy;
		struct syn syn;
		size_t len;

		frame_tcp(&f, &(struct tcp){.seq = r >> 13 & 3,
			.ack = r >> 15 & 3 ? 0 : r & 2 ? (r >> 13 & 3) - 0xc123d : 1,
			.sport = (uint16_t)(r >> 7), .flags = r >> 17 & 7 ? 0x02 : 0xc2, .window = r >> 20 & 0x0f,
			.urgent = !(r >> 24 & 7) << 8, .data_offset = r >> 27 & 15 ? 0 : r >> 31 & 15,
			.options = options[(r >> 35) % count]});
		if (!(r >> 41 & 3)) /* a time stamp, or what makes a layout another one */
			f.data[40 + (r >> 43) % (f.len - 40 + 1)] = (uint8_t)(r >> 50 & 0x0f);
		frame_fill(&f, 0, r >> 54 & 3 ? 0 : 2);
		frame_v4_close(&f, at);
		len = r >> 57 & 15 || f.len < 44 ? f.len : f.len - 3;
		p = frame_decode_bytes(f.data, len, LINK_RAW, &copy);
		if (p.drop == DECODE_DROP_NONE) {
			syn_parse(&p, &syn);
			read = tools_match(fresh, &p, &syn, marks_of_tcp(&p));
			known = tools_match_syn(tools, &p, marks_of_tcp(&p));
			assert_int_equal(known.signature, read.signature);
			assert_int_equal(known.rules, read.rules);
			assert_int_equal(known.signature, syn_id(&syn));
			held |= read.rules;
		}
		free(copy);
	}
	tools_free(fresh);
	return held;
}

static void test_known_headers(void **state)
{
	(void)state;
	assert_int_equal(compare_known(MANY_RULES), 0xff);
	assert_int_not_equal(compare_known(NULL), 0);
}

/* Evidence of one kind is judged as if it were spread out. */
static void test_judge_alike(void **state)
{
	struct tools *fresh;
	uint32_t judged = 0;

	(void)state;
	assert_int_equal(tools_new(NULL, &fresh, NULL), ST_OK);
	for (uint32_t rules = 1; rules < 1u << 10; rules++) {
		for (uint32_t matches = 1; matches < 40; matches++) {
			struct tools_evidence evidence = {{0}};
			uint64_t access = 1 + rules % 50;

			tools_evidence_add(&evidence, matches, rules);
			assert_int_equal(tools_judge_alike(fresh, rules, matches, access),
			    tools_judge(fresh, &evidence, access));
			judged |= tools_judge(fresh, &evidence, access);
		}
	}
	assert_int_equal(judged, (1u << tools_count(fresh)) - 1);
	tools_free(fresh);
}

/* Who will not ask for signatures is told the same of each packet; nothing is kept. */
static void test_forgets(void **state)
{
	struct frame f = {.len = 0};
	size_t at = frame_v4(&f, &(struct v4){.ttl = 40, .id = 1});
	struct tools *fresh;
	struct decode_packet p;

	(void)state;
	assert_int_equal(tools_new(NULL, &fresh, NULL), ST_OK);
	tools_forget_signatures(fresh);
	frame_tcp(&f, &(struct tcp){SEQ, .window = 1024, .options = "020405b4"});
	frame_v4_close(&f, at);
	p = frame_decode(&f, LINK_RAW);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(tools_match_syn(fresh, &p, 0).signature,
		    tools_match_syn(tools, &p, 0).signature);
	assert_int_equal(tools_signature_count(fresh), 0);
	tools_free(fresh);
}

static int count_signature(void *arg, uint32_t id, const char *text)
{
	unsigned *count = arg;

	(void)id;
	*count += text[0] != '\0';
	return 0;
}

/* Every window of a shape is a signature of its own, remembered once, also when its
 * header is read anew. */
static void test_known_windows(void **state)
{
	struct tools *fresh;
	unsigned count = 0;

	(void)state;
	assert_int_equal(tools_new(NULL, &fresh, NULL), ST_OK);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned window = 0; window < 3000; window++) {
			struct frame f = {.len = 0};
			size_t at = frame_v4(&f, &(struct v4){.ttl = 40, .id = 1});
			struct decode_packet p;

			frame_tcp(&f, &(struct tcp){SEQ, .window = window, .options = "020405b4"});
			frame_v4_close(&f, at);
			p = frame_decode(&f, LINK_RAW);
			assert_int_not_equal(tools_match_syn(fresh, &p, 0).signature, 0);
		}
		assert_int_equal(tools_signature_count(fresh), 3000);
		assert_int_equal(tools_reload(fresh, NULL, NULL), ST_OK);
	}
	assert_int_equal(tools_signatures(fresh, count_signature, &count), ST_OK);
	assert_int_equal(count, 3000);
	tools_free(fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zmap_shapes),
		cmocka_unit_test(test_masscan),
		cmocka_unit_test(test_nmap),
		cmocka_unit_test(test_mirai_and_synful),
		cmocka_unit_test(test_chance),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_evidence_saturates),
		cmocka_unit_test(test_pair_keys),
		cmocka_unit_test(test_known_headers),
		cmocka_unit_test(test_known_windows),
		cmocka_unit_test(test_judge_alike),
		cmocka_unit_test(test_forgets),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
