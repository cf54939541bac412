/* Reading rules: what is used, what is not and why, variables, order. */
#include "feed.h"

static void counts_what_is_not_used(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "# a comment\n"
	    "#alert tcp any any -> any any (msg:\"off\"; sid:1;)\n"
	    "alert tcp any any -> any any (msg:\"on\"; content:\"x\"; sid:2;)\n"
	    "alert tcp any any -> any any (msg:\"lua\"; lua:x.lua; sid:3;)\n"
	    "alert tcp any any -> any any (msg:\"bad\"; content:\"|0|\"; sid:4;)\n"
	    "alert tcp any any -> any any (msg:\"two \\\n lines\"; content:\"y\"; sid:5;)\n"
	    "alert tcp any any -> any any (msg:\"on\"; content:\"x\"; sid:2; rev:2;)\n");
	assert_int_equal(signatures_stats(f.engine)->loaded, 2);
	assert_int_equal(signatures_stats(f.engine)->disabled, 1);
	assert_int_equal(signatures_stats(f.engine)->unsupported, 1);
	assert_int_equal(signatures_stats(f.engine)->malformed, 1);
	assert_int_equal(signatures_stats(f.engine)->duplicates, 1);
	assert_int_equal(f.problems, 2);
	assert_int_equal(f.problem.line, 5);
	assert_int_equal(f.problem.sid, 4);
	assert_string_equal(f.keyword, "content");
	feed_close(&f);
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *rule;
		const char *keyword;
	} cases[] = {
		{"alert tcp any any -> any any (msg:\"x\"; nocase; sid:1;)", "nocase"},
		{"alert tcp any any -> any any (msg:\"x\"; content:\"\"; sid:1;)", "content"},
		{"alert tcp any any -> any any (msg:\"x\"; content:\"abc\"; depth:2; sid:1;)", "depth"},
		{"alert tcp any any -> any any (msg:\"x\"; pcre:\"/(/\"; sid:1;)", "pcre"},
		{"alert tcp any any -> any any (msg:\"x\"; flow:sideways; sid:1;)", "flow"},
		{"alert tcp any any -> any any (msg:\"x\"; flags:Q; sid:1;)", "flags"},
		{"alert tcp any any -> any any (msg:\"x\"; nonsense:1; sid:1;)", "nonsense"},
		{"alert tcp any any -> any any (msg:\"x\"; content:\"a\"; within:n; sid:1;)", "within"},
		{"alert tcp $NOBODY any -> any any (msg:\"x\"; sid:1;)", ""},
		{"alert tcp any 70000 -> any any (msg:\"x\"; sid:1;)", ""},
		{"alert tcp !any any -> any any (msg:\"x\"; sid:1;)", ""},
		{"alert tcp any any any any (msg:\"x\"; sid:1;)", ""},
		{"shout tcp any any -> any any (msg:\"x\"; sid:1;)", ""},
		{"alert tcp any any -> any any (msg:\"x\";)", ""},
		{"alert tls any any -> any any (http.uri; content:\"x\"; sid:1;)", ""},
		{"alert tcp", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct feed f;

		feed_open(&f, cases[i].rule);
		assert_int_equal(f.problems, 1);
		assert_string_equal(f.keyword, cases[i].keyword);
		assert_true(f.reason[0]);
		feed_close(&f);
	}
}

static void knows_networks_and_ports(void **state)
{
	struct ip_net home = {ip_from_v4(FEED_SERVER & ~0xffu), 120};
	struct signatures_var var = {"WEB_PORTS", "[80,8000:8010,!8005]"};
	struct signatures_options o = {.home = &home, .home_count = 1, .vars = &var, .var_count = 1};
	struct feed f;

	(void)state;
	feed_open_with(&f,
	    "alert udp $EXTERNAL_NET any -> $HOME_NET any (content:\"x\"; sid:1;)\n"
	    "alert udp $HOME_NET any -> any any (content:\"x\"; sid:2;)\n"
	    "alert udp any any -> any $WEB_PORTS (content:\"x\"; sid:3;)\n"
	    "alert udp any any -> [192.0.2.0/25,!192.0.2.1] any (content:\"x\"; sid:4;)\n"
	    "alert udp any any -> $HTTP_SERVERS any (content:\"x\"; sid:5;)\n"
	    "alert udp any any <> $HOME_NET 40000 (content:\"x\"; sid:6;)\n"
	    "alert udp any any -> [192.0.2.0-192.0.2.9,2001:db8::/32] 1: (content:\"x\"; sid:7;)\n", o);
	assert_int_equal(f.problems, 0);
	feed_udp(&f, true, "x", 1);
	assert_int_equal(feed_raised(&f, 1), 1);
	assert_int_equal(feed_raised(&f, 2), 0);
	assert_int_equal(feed_raised(&f, 3), 1);
	assert_int_equal(feed_raised(&f, 4), 0);
	assert_int_equal(feed_raised(&f, 5), 1);
	assert_int_equal(feed_raised(&f, 6), 0);
	assert_int_equal(feed_raised(&f, 7), 1);
	f.count = 0;
	f.ports[1] = 8005;
	feed_udp(&f, true, "x", 1);
	assert_int_equal(feed_raised(&f, 3), 0);
	f.ports[1] = 8010;
	feed_udp(&f, true, "x", 1);
	assert_int_equal(feed_raised(&f, 3), 1);
	feed_close(&f);
}

static void pass_holds_back(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert udp any any -> any any (content:\"x\"; sid:1;)\n"
	    "pass udp any any -> any any (content:\"xy\"; sid:2;)\n");
	feed_udp(&f, true, "xy", 2);
	assert_int_equal(f.count, 0);
	feed_udp(&f, true, "xz", 2);
	assert_int_equal(feed_raised(&f, 1), 1);
	feed_close(&f);
}

static void classes_give_severity(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "config classification: odd,Odd things,4\n"
	    "alert udp any any -> any any (content:\"x\"; classtype:odd; sid:1;)\n"
	    "alert udp any any -> any any (content:\"x\"; classtype:trojan-activity; sid:2;)\n"
	    "alert udp any any -> any any (content:\"x\"; classtype:odd; priority:1; sid:3;)\n");
	feed_udp(&f, true, "x", 1);
	assert_int_equal(f.count, 3);
	for (size_t i = 0; i < f.count; i++)
		assert_int_equal(f.alerts[i].severity, f.alerts[i].sid == 1 ? 4 : 1);
	feed_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_is_not_used), cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(knows_networks_and_ports), cmocka_unit_test(pass_holds_back),
		cmocka_unit_test(classes_give_severity),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("signatures: rules", tests, NULL, NULL);
}
