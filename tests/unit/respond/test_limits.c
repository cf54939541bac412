/* Whom datagrams may be sent to. */
#include "respond/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct ip of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, strlen(text), &ip), ST_OK);
	return ip;
}

static void only_to_one_host(void **state)
{
	static const struct {
		const char *peer;
		const char *local;
		bool answerable;
	} cases[] = {
	    {"198.51.100.1", "192.0.2.9", true},
	    {"223.255.255.255", "192.0.2.9", true},
	    {"0.0.0.0", "192.0.2.9", false},
	    {"0.1.2.3", "192.0.2.9", false},
	    {"224.0.0.1", "192.0.2.9", false},
	    {"239.255.255.250", "192.0.2.9", false},
	    {"240.0.0.1", "192.0.2.9", false},
	    {"255.255.255.255", "192.0.2.9", false},
	    {"127.0.0.1", "192.0.2.9", false},
	    {"127.255.255.254", "192.0.2.9", false},
	    {"127.0.0.1", "127.16.1.1", true},
	    {"198.51.100.1", "127.16.1.1", true},
	    {"2001:db8::1", "2001:db8:8::9", true},
	    {"fe80::1", "2001:db8:8::9", true},
	    {"::", "2001:db8:8::9", false},
	    {"::1", "2001:db8:8::9", false},
	    {"::1", "::1", true},
	    {"ff02::1", "2001:db8:8::9", false},
	    {"ff0e::1", "::1", false},
	    {"2001:db8::1", "192.0.2.9", false},
	    {"198.51.100.1", "2001:db8:8::9", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (limits_is_answerable(of(cases[i].peer), of(cases[i].local)) != cases[i].answerable)
			print_message("# %s to %s\n", cases[i].local, cases[i].peer);
		assert_int_equal(limits_is_answerable(of(cases[i].peer), of(cases[i].local)),
		    cases[i].answerable);
	}
}

static void a_network_gets_few(void **state)
{
	const struct limits_options options = {
	    .connections_per_source = 1,
	    .replies = 3,
	    .reply_interval_us = 1000000,
	    .replies_per_second = 100,
	};
	struct limits *l;

	(void)state;
	assert_int_equal(limits_new(&options, &l), ST_OK);
	for (unsigned i = 1; i <= 3; i++)
		assert_true(limits_reply(l, ip_from_v4(0xc6336400u + i), 1000000));
	assert_false(limits_reply(l, ip_from_v4(0xc6336404u), 1000000));
	assert_true(limits_reply(l, ip_from_v4(0xc6336504u), 1000000)); /* the /24 beside */
	assert_true(limits_reply(l, ip_from_v4(0xc6336404u), 2000000));
	assert_false(limits_reply(l, ip_from_v4(0xc6336404u), 2000000));
	for (unsigned i = 1; i <= 3; i++)
		assert_true(limits_reply(l, (struct ip){0x20010db800000000ull + i, i}, 2000000));
	assert_false(limits_reply(l, (struct ip){0x20010db8000000ffull, 9}, 2000000));
	assert_true(limits_reply(l, (struct ip){0x20010db800000100ull, 9}, 2000000));
	limits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_to_one_host),
	    cmocka_unit_test(a_network_gets_few),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
