/*
 * Templates: vectors that never change, what is masked, and what still differs.
 */
#include "protocol/encoding.h"
#include "protocol/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t hash_text(const char *text, uint32_t server)
{
	return template_hash((const uint8_t *)text, strlen(text), ip_from_v4(server));
}

static uint64_t hash_hex(const char *hex, uint32_t server)
{
	uint8_t data[256];

	return template_hash(data, encoding_unhex(hex, strlen(hex), data, sizeof(data)),
	    ip_from_v4(server));
}

#define SERVER_1 0xc0000201u /* 192.0.2.1 */
#define SERVER_2 0xcb007163u /* 203.0.113.99 */

static void test_vectors(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} vectors[] = {
		{"", 0xcbf29ce484222325ull},
		{"a", 0x089be207b544f1e4ull},
		{"GET / HTTP/1.0\r\n\r\n", 0xc4f8d2ccb2d1d761ull},
		{"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", 0xf9f3deb56a152559ull},
		{"x 192.0.2.1", 0x197566136fc939e2ull},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		if (hash_text(vectors[i].text, SERVER_1) != vectors[i].hash)
			fail_msg("%zu: %016llx", i,
			    (unsigned long long)hash_text(vectors[i].text, SERVER_1));
}

static void test_address_is_masked(void **state)
{
	struct ip six_1;
	struct ip six_2;
	static const char text_1[] = "OPTIONS [2001:db8::1] x";
	static const char text_2[] = "OPTIONS [2001:db8:5::77] x";

	(void)state;
	assert_int_equal(hash_text("x 192.0.2.1 y", SERVER_1), hash_text("x 203.0.113.99 y", SERVER_2));
	assert_int_equal(hash_text("xc0000201y", SERVER_1), hash_text("xCB007163y", SERVER_2));
	assert_int_equal(hash_hex("ffc0000201ee", SERVER_1), hash_hex("ffcb007163ee", SERVER_2));
	assert_int_equal(hash_hex("ff010200c0ee", SERVER_1), hash_hex("ff637100cbee", SERVER_2));
	/* Another address in binary is another payload. */
	assert_int_not_equal(hash_hex("ffc0000201ee", SERVER_1), hash_hex("ffc0000201ee", SERVER_2));
	assert_int_equal(ip_parse("2001:db8::1", 11, &six_1), ST_OK);
	assert_int_equal(ip_parse("2001:db8:5::77", 14, &six_2), ST_OK);
	assert_int_equal(template_hash((const uint8_t *)text_1, strlen(text_1), six_1),
	    template_hash((const uint8_t *)text_2, strlen(text_2), six_2));
}

static void test_hosts_and_runs(void **state)
{
	(void)state;
	assert_int_equal(hash_text("GET / HTTP/1.1\r\nHost: a.example\r\nX: y", SERVER_1),
	    hash_text("GET / HTTP/1.1\r\nHost: www.other.example:8080\r\nX: y", SERVER_1));
	assert_int_equal(hash_text("GET http://a.example/x HTTP/1.1", SERVER_1),
	    hash_text("GET http://b.example.net/x HTTP/1.1", SERVER_1));
	assert_int_equal(hash_text("id=7;", SERVER_1), hash_text("id=123456;", SERVER_1));
	assert_int_equal(hash_text("t=deadbeef01;", SERVER_1), hash_text("t=0123456789abcdef;", SERVER_1));
	assert_int_not_equal(hash_text("GET /shell", SERVER_1), hash_text("GET /admin", SERVER_1));
	assert_int_not_equal(hash_text("id=;", SERVER_1), hash_text("id=1;", SERVER_1));
	/* What is behind the first 64 symbols does not count. */
	assert_int_equal(hash_text("................................................................a",
	    SERVER_1),
	    hash_text("................................................................b", SERVER_1));
}

static void test_known_headers(void **state)
{
	static const struct {
		const char *a;
		const char *b;
	} same[] = {
		/* DNS, RPC, NTP, STUN, IKE, memcached: two ids each. */
		{"1234010000010000000000000377777706676f6f676c6503636f6d0000010001",
		    "beef010000010000000000000377777706676f6f676c6503636f6d0000010001"},
		{"1aa9ffe10000000000000002000186a000000002000000040000000000000000",
		    "aabbccdd0000000000000002000186a000000002000000040000000000000000"},
		{"e30004fa0001000000010000000000000000000000000000000000000000000000000000000000000102030405"
		 "060708",
		    "e30004fa00010000000100000000000000000000000000000000000000000000000000000000000011121314"
		    "15161718"},
		{"000100002112a442000102030405060708090a0b", "000100002112a442f0f1f2f3f4f5f6f7f8f9fafb"},
		{"00112233445566770000000000000000011002000000000000000192",
		    "fefdfcfbfaf9f8f70000000000000000011002000000000000000192"},
		{"5a4d0000000100007374617473", "00010000000100007374617473"},
		{"64313a6164323a696432303a0102030405060708090a0b0c0d0e0f1011121314653a",
		    "64313a6164323a696432303af102030405060708090a0b0c0d0e0f10111213f4653a"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (hash_hex(same[i].a, SERVER_1) != hash_hex(same[i].b, SERVER_1))
			fail_msg("pair %zu differs", i);
	/* The question is not masked. */
	assert_int_not_equal(
	    hash_hex("1234010000010000000000000377777706676f6f676c6503636f6d0000010001", SERVER_1),
	    hash_hex("1234010000010000000000000377777706676f6f676c6503636f6d0000ff0001", SERVER_1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_address_is_masked),
		cmocka_unit_test(test_hosts_and_runs),
		cmocka_unit_test(test_known_headers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
