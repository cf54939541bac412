/*
 * Patterns: the format, what it refuses, the compiled-in list against first payloads written down
 * from the standards and from scanners' probe files, and that more bytes never change a verdict.
 */
#include "protocol/encoding.h"
#include "protocol/patterns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *match(const struct patterns *p, struct protocol_start start, bool final,
    enum protocol_verdict *ret_verdict)
{
	unsigned number = UINT32_MAX;

	*ret_verdict = patterns_match(p, &start, final, &number);
	return *ret_verdict == PROTOCOL_YES ? patterns_name(p, number) : "";
}

/* The name that the client's bytes (hex) have, as the end of what comes. */
static const char *name_of(const struct patterns *p, enum protocol_transport transport,
    uint16_t port, const char *hex)
{
	uint8_t data[PROTOCOL_PREFIX_MAX];
	size_t len = encoding_unhex(hex, strlen(hex), data, sizeof(data));
	enum protocol_verdict verdict;
	struct protocol_start start = {
		.transport = transport, .port = port, .client = data, .client_len = len};

	assert_int_equal(len, strlen(hex) / 2);
	return match(p, start, true, &verdict);
}

static struct patterns *parse(const char *text)
{
	struct patterns *p = NULL;
	struct err err = {0};

	if (patterns_parse(text, &p, &err) != ST_OK)
		fail_msg("%s", err.text);
	return p;
}

static void test_format(void **state)
{
	struct patterns *p = parse("# comment\n"
	                           "\n"
	                           "a tcp client - 01 ?? 0? ?f [20-2f] \"Ab\" 'Cd' # end\n"
	                           "b tcp client - \"x\" ..2 \"yz\"\n"
	                           "c udp client 9,10 ff*3 $\n"
	                           "d any server - \"hello\"\n"
	                           "a tcp client - 7f\n");

	(void)state;
	assert_int_equal(patterns_count(p), 4);
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "01ff0a3f2541626341"), "");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "01ff0a3f2541624344"), "a");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "01ff0a3f2541626364"), "a");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "01ff1a3f2541626364"), "");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "01ff0a3e2541626364"), "");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "01ff0a3f3041626364"), "");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "01ff0a3f2561626364"), "");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "7f"), "a");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "78797a"), "b");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "78ffff797a"), "b");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "78ffffff797a"), "");
	assert_string_equal(name_of(p, PROTOCOL_UDP, 9, "ffffff"), "c");
	assert_string_equal(name_of(p, PROTOCOL_UDP, 10, "ffffff"), "c");
	assert_string_equal(name_of(p, PROTOCOL_UDP, 11, "ffffff"), "");
	assert_string_equal(name_of(p, PROTOCOL_UDP, 9, "ffffff00"), "");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 9, "ffffff"), "");
	assert_string_equal(name_of(p, PROTOCOL_TCP, 1, "68656c6c6f"), "");
	assert_string_equal(patterns_name(p, 4), "");
	patterns_free(p);
}

/* A range at some place, asked with every byte there, in datagrams of any length. */
static void check_range(unsigned low, unsigned high, size_t place)
{
	char text[80];
	struct patterns *p;

	(void)snprintf(text, sizeof(text), "r udp client - ??*%zu [%02x-%02x] 00 43\n", place, low, high);
	p = parse(text);
	for (unsigned value = 0; value < 256; value++) {
		for (size_t len = place; len < place + 20; len++) {
			uint8_t data[64];
			enum protocol_verdict verdict;
			struct protocol_start start = {
				.transport = PROTOCOL_UDP, .client = data, .client_len = len};
			bool wanted = value >= low && value <= high && len >= place + 3;

			memset(data, 0xa5, sizeof(data));
			data[place] = (uint8_t)value;
			data[place + 1] = 0;
			data[place + 2] = 0x43;
			assert_string_equal(match(p, start, true, &verdict), wanted ? "r" : "");
			data[place + 1] = 1;
			assert_string_equal(match(p, start, true, &verdict), "");
		}
	}
	patterns_free(p);
}

static void test_ranges(void **state)
{
	static const uint8_t bounds[][2] = {{0, 0x80}, {0, 0x14}, {0x80, 0xff}, {0x7f, 0x80}, {5, 5},
		{0x38, 0x3f}, {0x30, 0x39}, {0, 0xff}};
	static const size_t places[] = {1, 6, 7, 8, 14, 15, 16, 30};

	(void)state;
	for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++)
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			check_range(bounds[b][0], bounds[b][1], places[i]);
}

/* However little of a stream has come, a pattern that it may still be is waited for. */
static void test_prefixes(void **state)
{
	static const char text[] = "0123456789abcdefgh";
	struct patterns *p = parse("t tcp client - \"0123456789abcdefgh\"\n");

	(void)state;
	for (size_t len = 1; len < sizeof(text); len++) {
		struct protocol_start start = {
			.transport = PROTOCOL_TCP, .client = (const uint8_t *)text, .client_len = len};
		enum protocol_verdict verdict;

		(void)match(p, start, false, &verdict);
		assert_int_equal(verdict, len < sizeof(text) - 1 ? PROTOCOL_MORE : PROTOCOL_YES);
	}
	patterns_free(p);
}

static void test_sides_and_order(void **state)
{
	struct patterns *p = parse("long tcp client - 01 02 03\n"
	                           "short tcp client - 01 02\n"
	                           "greeting tcp server - \"hi\"\n");
	struct protocol_start start = {.transport = PROTOCOL_TCP};
	enum protocol_verdict verdict;

	(void)state;
	assert_string_equal(match(p, start, false, &verdict), "");
	assert_int_equal(verdict, PROTOCOL_MORE);
	start.server = (const uint8_t *)"hi";
	start.server_len = 2;
	assert_string_equal(match(p, start, false, &verdict), "greeting");
	/* A line before it may still match. */
	start.client = (const uint8_t *)"\1\2\3";
	start.client_len = 2;
	(void)match(p, start, false, &verdict);
	assert_int_equal(verdict, PROTOCOL_MORE);
	assert_string_equal(match(p, start, true, &verdict), "short");
	start.client_len = 3;
	assert_string_equal(match(p, start, false, &verdict), "long");
	start.client = (const uint8_t *)"zz";
	start.client_len = 2;
	assert_string_equal(match(p, start, false, &verdict), "greeting");
	patterns_free(p);
}

static void test_refuses(void **state)
{
	static const struct {
		const char *text;
		const char *line;
	} bad[] = {
		{"a tcp client -\n", "line 1:"},
		{"\n\na sctp client - 01\n", "line 3:"},
		{"a tcp both - 01\n", "line 1:"},
		{"a tcp client 70000 01\n", "line 1:"},
		{"a tcp client 1,2,3,4,5 01\n", "line 1:"},
		{"a tcp client 1, 01\n", "line 1:"},
		{"a tcp client - 0\n", "line 1:"},
		{"a tcp client - 0G\n", "line 1:"},
		{"a tcp client - \"open\n", "line 1:"},
		{"a tcp client - [05-03]\n", "line 1:"},
		{"a tcp client - [0?-03]\n", "line 1:"},
		{"a tcp client - .. 01\n", "line 1:"},
		{"a tcp client - 01 ..\n", "line 1:"},
		{"a tcp client - 01 ..999 02\n", "line 1:"},
		{"a tcp client - 01 $\n", "line 1:"},
		{"a udp client - 01 $ 02\n", "line 1:"},
		{"a tcp client - 01*257\n", "line 1:"},
		{"a tcp client - 00*200 00*100\n", "line 1:"},
		{"a-name-that-is-too-long-to-be-kept tcp client - 01\n", "line 1:"},
		{"a", "line 1:"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct patterns *p = NULL;
		struct err err = {0};

		if (patterns_parse(bad[i].text, &p, &err) != ST_MALFORMED)
			fail_msg("taken: %s", bad[i].text);
		assert_null(p);
		assert_memory_equal(err.text, bad[i].line, strlen(bad[i].line));
	}
}

static void test_builtin(void **state)
{
	static const struct {
		const char *name;
		enum protocol_transport transport;
		uint16_t port;
		const char *hex;
	} known[] = {
		{"quic", PROTOCOL_UDP, 443, "c00000000100144144f63599ded15597450b35"},
		{"quic", PROTOCOL_UDP, 9999, "c06b3343cf0801020304050607080000"},
		{"dtls", PROTOCOL_UDP, 443, "16feff000000000000000000660100005a00"},
		{"ike", PROTOCOL_UDP, 500, "00112233445566770000000000000000011002000000000000000192"},
		{"ike", PROTOCOL_UDP, 500, "00112233445566770000000000000000212022080000000000000192"},
		{"openvpn", PROTOCOL_UDP, 1194, "381212121212121212000000000038b126de"},
		{"mdns", PROTOCOL_UDP, 5353,
		    "000000000001000000000000095f7365727669636573075f646e732d7364045f756470056c6f63616c0000"
		    "0c0001"},
		{"netbios-ns", PROTOCOL_UDP, 137,
		    "80f00010000100000000000020434b414141414141414141414141414141414141414141414141414141"
		    "4141410000210001"},
		{"portmap", PROTOCOL_UDP, 111,
		    "1aa9ffe10000000000000002000186a0000000020000000400000000000000000000000000000000"},
		{"wdbrpc", PROTOCOL_UDP, 17185, "1a09faba00000000000000025555555500000001"},
		{"ard", PROTOCOL_UDP, 1, "0014000103"},
		{"citrix-ica", PROTOCOL_UDP, 1604, "1e00013002fda8e3000000000000"},
		{"db2-discovery", PROTOCOL_UDP, 523, "444232474554414444520053514c303930313000"},
		{"addp", PROTOCOL_UDP, 2362, "4449474900010006ffffffffffff"},
		{"mssql-browser", PROTOCOL_UDP, 1434, "02"},
		{"nat-pmp", PROTOCOL_UDP, 5351, "00000000"},
		{"pcanywhere", PROTOCOL_UDP, 5632, "4e51"},
		{"rip", PROTOCOL_UDP, 520, "010100000000000000000000000000000000000000001000"},
		{"sentinel", PROTOCOL_UDP, 5093, "7a0000000000"},
		{"ubiquiti", PROTOCOL_UDP, 10001, "01000000"},
		{"a2s", PROTOCOL_UDP, 27015, "ffffffff54536f7572636520456e67696e6520517565727900"},
		{"wsd", PROTOCOL_UDP, 3702, "3c3a2f3e0a"},
		{"xdmcp", PROTOCOL_UDP, 177, "00010002000100"},
		{"rdpudp", PROTOCOL_UDP, 3389, "00000000000000ff00000000000000005406"},
		{"bittorrent-dht", PROTOCOL_UDP, 6881, "64313a6164323a696432303a3838383838383838"},
		{"gtp", PROTOCOL_UDP, 2123, "320100040000420013370000"},
		{"l2tp", PROTOCOL_UDP, 1701, "c802003c00000000000000008008000000000001"},
		{"radius", PROTOCOL_UDP, 1812, "0167005740b664cb"},
		{"minecraft", PROTOCOL_UDP, 19132, "01000000000000000000ffff00fefefefefdfdfdfd12345678"},
		{"oracle", PROTOCOL_TCP, 1521,
		    "005a0000010000000136012c000008007fff7f08000000010020003a00000000000000000000"},
		{"rmi", PROTOCOL_TCP, 1099, "4a524d4900024b"},
		{"ajp", PROTOCOL_TCP, 8009, "1234019502020008"},
		{"fox", PROTOCOL_TCP, 1911, "666f782061203120"},
		{"pcworx", PROTOCOL_TCP, 1962, "0101001a0000000078800003000c494245544830314e305f4d00"},
		{"proconos", PROTOCOL_TCP, 20547, "cc01000b4002000047ee"},
		{"winbox", PROTOCOL_TCP, 8291, "2206000102030405"},
		{"x11", PROTOCOL_TCP, 6000, "6c000b000000000000000000"},
		{"minecraft", PROTOCOL_TCP, 25565, "fe01fa000b"},
		{"bittorrent", PROTOCOL_TCP, 1, "13426974546f7272656e742070726f746f636f6c"},
		{"kerberos", PROTOCOL_UDP, 88, "6a816e30816ba103020105a20302010a"},
		{"", PROTOCOL_TCP, 4444, "deadbeefdeadbeef"},
		{"", PROTOCOL_UDP, 4444, "deadbeefdeadbeef"},
	};
	struct patterns *p = NULL;

	(void)state;
	assert_int_equal(patterns_new(&p), ST_OK);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *name = name_of(p, known[i].transport, known[i].port, known[i].hex);

		if (strcmp(name, known[i].name) != 0)
			fail_msg("%s is \"%s\", not \"%s\"", known[i].hex, name, known[i].name);
	}
	/* Two numbers for one name would be counted apart. */
	for (unsigned i = 0; i < patterns_count(p); i++)
		if (protocol_module_find(patterns_name(p, i)))
			fail_msg("%s has a module", patterns_name(p, i));
	patterns_free(p);
}

/* More bytes never change YES or NO: the payloads above and pseudo-random ones, byte by byte. */
static void test_monotone(void **state)
{
	struct patterns *p = NULL;
	uint64_t x = 88172645463325252ull;

	(void)state;
	assert_int_equal(patterns_new(&p), ST_OK);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t data[40];
		struct protocol_start start = {.transport = PROTOCOL_TCP, .port = (uint16_t)round,
			.client = data};
		enum protocol_verdict before = PROTOCOL_MORE;
		unsigned before_number = 0;

		for (size_t i = 0; i < sizeof(data); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* Few values, so that patterns are met. */
			data[i] = i == 0 ? (uint8_t)round : x % 5 ? (uint8_t)(x >> 8 & 7) : (uint8_t)(x >> 16);
		}
		for (size_t len = 1; len <= sizeof(data); len++) {
			unsigned number = 0;
			enum protocol_verdict verdict;

			start.client_len = len;
			verdict = patterns_match(p, &start, false, &number);
			if (before != PROTOCOL_MORE) {
				assert_int_equal(verdict, before);
				assert_int_equal(number, before_number);
			}
			before = verdict;
			before_number = number;
		}
	}
	patterns_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_sides_and_order),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_monotone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
