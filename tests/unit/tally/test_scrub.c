/* Every spelling of a sensor's address is taken out of a text, and nothing else is. */
#include "tally/scrub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESSES 2000u

static void expect(struct ip address, const char *text, const char *expected)
{
	char out[600];
	size_t n = scrub_text(address, text, strlen(text), out, sizeof(out) - 1);

	out[n] = '\0';
	assert_string_equal(out, expected);
}

/* The spelling alone, percent-encoded, in capitals and inside a text. */
static void expect_gone(struct ip address, const char *spelling)
{
	char text[400];
	char encoded[300];
	size_t n = 0;

	expect(address, spelling, SCRUB_MARK);
	(void)snprintf(text, sizeof(text), "GET /?h=%s HTTP", spelling);
	expect(address, text, "GET /?h=" SCRUB_MARK " HTTP");
	for (const char *c = spelling; *c; c++)
		n += (size_t)snprintf(encoded + n, sizeof(encoded) - n, "%%%02X", (unsigned)(uint8_t)*c);
	expect(address, encoded, SCRUB_MARK);
	for (n = 0; spelling[n]; n++)
		text[n] = spelling[n] >= 'a' && spelling[n] <= 'z' ? (char)(spelling[n] - 0x20)
		                                                   : spelling[n];
	text[n] = '\0';
	expect(address, text, SCRUB_MARK);
}

static void test_v4(void **state)
{
	static const char *const formats[] = {"%u.%u.%u.%u", "%u-%u-%u-%u", "%02x%02x%02x%02x",
		"%02x%02x:%02x%02x", "\\x%02x\\x%02x\\x%02x\\x%02x"};
	uint32_t v4 = 0;

	(void)state;
	for (unsigned i = 0; i < ADDRESSES; i++, v4 = v4 * 1664525u + 1013904223u) {
		struct ip address = ip_from_v4(v4);
		char text[64];

		for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
			(void)snprintf(text, sizeof(text), formats[f], v4 >> 24, v4 >> 16 & 255,
			    v4 >> 8 & 255, v4 & 255);
			expect_gone(address, text);
		}
		(void)snprintf(text, sizeof(text), "%u", (unsigned)v4);
		if (v4 >= 10000000)
			expect_gone(address, text);
		else
			expect(address, text, text);
	}
}

static void test_v6(void **state)
{
	struct ip address = {0x20010db800000001ull, 0x000000000000abcdull};

	(void)state;
	expect_gone(address, "2001:db8:0:1::abcd");
	expect_gone(address, "2001:db8:0:1:0:0:0:abcd");
	expect_gone(address, "2001:0db8:0000:0001:0000:0000:0000:abcd");
	expect_gone(address, "20010db800000001000000000000abcd");
}

/* Another address, a longer number, bytes that are no text. */
static void test_others(void **state)
{
	struct ip address = ip_from_v4(0xc0000201); /* 192.0.2.1 */

	(void)state;
	expect(address, "192.0.2.10 1192.0.2.1 192.0.2.2", "192.0.2.10 1192.0.2.1 192.0.2.2");
	expect(address, "x192.0.2.1:80/192.0.2.1", "x" SCRUB_MARK ":80/" SCRUB_MARK);
	expect(address, "192.0.2.", "192.0.2.");
	expect(address, "a\xff" "b%31", "a\xef\xbf\xbd" "b%31");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v4),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
