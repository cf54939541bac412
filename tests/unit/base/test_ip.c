/* Addresses and networks: text both ways, containment, sizes. */
#include "base/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ip parse(const char *text)
{
	struct ip ip = {0, 0};

	if (ip_parse(text, strlen(text), &ip) != ST_OK)
		fail_msg("%s", text);
	return ip;
}

static void texts(void **state)
{
	static const char *const pairs[][2] = {
	    {"192.0.2.1", "192.0.2.1"},
	    {"0.0.0.0", "0.0.0.0"},
	    {"255.255.255.255", "255.255.255.255"},
	    {"::ffff:192.0.2.1", "192.0.2.1"},
	    {"::FFFF:c000:201", "192.0.2.1"},
	    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
	    {"::", "::"},
	    {"::1", "::1"},
	    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
	    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	    {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
	};
	char text[IP_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(ip_format(parse(pairs[i][0]), text), pairs[i][1]);
	assert_true(ip_is_v4(parse("1.2.3.4")));
	assert_int_equal(ip_v4(parse("1.2.3.4")), 0x01020304);
	assert_false(ip_is_v4(parse("::1.2.3.4")));
	assert_true(ip_equal(ip_from_v4(0x01020304), parse("1.2.3.4")));
}

static void bad_texts(void **state)
{
	static const char *const bad[] = {
	    "",
	    "1.2.3",
	    "1.2.3.4.5",
	    "1.2.3.256",
	    " 1.2.3.4",
	    "1.2.3.4 ",
	    "1.2.3.4/32",
	    "0x7f.1.1.1",
	    ":::",
	    "1::2::3",
	    "2001:db8",
	    "2001:db8::g",
	    "fe80::1%eth0",
	    "12345::",
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	struct ip ip = {1, 2};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ip_parse(bad[i], strlen(bad[i]), &ip) != ST_MALFORMED)
			fail_msg("'%s'", bad[i]);
	assert_int_equal(ip_parse("1.2.3.4\0junk", 12, &ip), ST_MALFORMED);
	assert_int_equal(ip_parse("1.2.3.4junk", 7, &ip), ST_OK);
	assert_int_equal(ip_v4(ip), 0x01020304);
}

static void order(void **state)
{
	(void)state;
	assert_true(ip_compare(parse("1.2.3.4"), parse("1.2.3.5")) < 0);
	assert_true(ip_compare(parse("255.0.0.0"), parse("2001::")) < 0);
	assert_true(ip_compare(parse("2001::1"), parse("2001::")) > 0);
	assert_int_equal(ip_compare(parse("::1"), parse("::1")), 0);
}

static struct ip_net net_of(const char *text)
{
	struct ip_net net = {{0, 0}, 0};

	if (ip_net_parse(text, strlen(text), &net) != ST_OK)
		fail_msg("%s", text);
	return net;
}

static void networks(void **state)
{
	static const char *const bad[] = {
	    "192.0.2.1/24",
	    "192.0.2.0/33",
	    "192.0.2.0/",
	    "192.0.2.0/-1",
	    "192.0.2.0/2 ",
	    "/24",
	    "2001:db8::/129",
	    "2001:db8::1/64",
	    "192.0.2.0/24/24",
	    "192.0.2.0/0024",
	    "",
	};
	struct ip_net net = {{0, 0}, 0};

	(void)state;
	assert_int_equal(net_of("192.0.2.0/24").plen, 120);
	assert_int_equal(net_of("192.0.2.7").plen, 128);
	assert_int_equal(net_of("2001:db8::/32").plen, 32);
	assert_int_equal(net_of("::ffff:192.0.2.0/120").plen, 120);
	assert_true(ip_net_contains(net_of("192.0.2.0/24"), parse("192.0.2.255")));
	assert_false(ip_net_contains(net_of("192.0.2.0/24"), parse("192.0.3.0")));
	assert_true(ip_net_contains(net_of("0.0.0.0/0"), parse("255.1.2.3")));
	assert_false(ip_net_contains(net_of("0.0.0.0/0"), parse("2001::")));
	assert_true(ip_net_contains(net_of("::/0"), parse("2001::")));
	assert_true(ip_net_contains(net_of("2001:db8:0:8000::/49"), parse("2001:db8:0:8001::")));
	assert_false(ip_net_contains(net_of("2001:db8:0:8000::/49"), parse("2001:db8::")));
	assert_true(ip_net_contains(net_of("2001:db8::4/126"), parse("2001:db8::7")));
	assert_false(ip_net_contains(net_of("2001:db8::4/126"), parse("2001:db8::8")));
	assert_true(ip_net_size(net_of("192.0.2.0/24")) == 256);
	assert_true(ip_net_size(net_of("192.0.2.9")) == 1);
	assert_true(ip_net_size(net_of("0.0.0.0/0")) == 1ull << 32);
	assert_true(ip_net_size(net_of("2001:db8::/65")) == 1ull << 63);
	assert_true(ip_net_size(net_of("2001:db8::/64")) == UINT64_MAX);
	assert_true(ip_net_size(net_of("::/0")) == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (ip_net_parse(bad[i], strlen(bad[i]), &net) != ST_MALFORMED)
			fail_msg("'%s'", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts),
	    cmocka_unit_test(bad_texts),
	    cmocka_unit_test(order),
	    cmocka_unit_test(networks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
