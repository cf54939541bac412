/*
 * Rule files: what is accepted, and that each error names its line and leaves the rules alone.
 */
#include "../decode/frame.h"

#include "fingerprint/rules.h"

#include <stdio.h>

static void expect_error(const char *text, int code, const char *message)
{
	struct rules rules;
	struct err err = {0};
	struct rules before;

	memset(&rules, 0x5a, sizeof(rules));
	memcpy(&before, &rules, sizeof(before));
	assert_int_equal(rules_parse(text, &rules, &err), code);
	assert_string_equal(err.text, message);
	assert_memory_equal(&rules, &before, sizeof(rules));
}

static void test_errors(void **state)
{
	(void)state;
	expect_error("zmap\n", ST_MALFORMED, "line 1: NEEDS must be 1 to 65535");
	expect_error("# one\n\nzmap 0 0.1 mark=zmap\n", ST_MALFORMED,
	    "line 3: NEEDS must be 1 to 65535");
	expect_error("zmap 65536 0.1 mark=zmap", ST_MALFORMED, "line 1: NEEDS must be 1 to 65535");
	expect_error("zmap -1 0.1 mark=zmap", ST_MALFORMED, "line 1: NEEDS must be 1 to 65535");
	expect_error("zmap 2", ST_MALFORMED, "line 1: SHARE is missing");
	expect_error("zmap 2 # 0.1 mark=zmap", ST_MALFORMED, "line 1: SHARE is missing");
	expect_error("a 1 0 df=1\nzmap 2 1.1 df=0", ST_MALFORMED,
	    "line 2: SHARE must be 0 to 1: 1.1");
	expect_error("zmap 2 -0.1 df=0", ST_MALFORMED, "line 1: SHARE must be 0 to 1: -0.1");
	expect_error("zmap 2 nan df=0", ST_MALFORMED, "line 1: SHARE must be 0 to 1: nan");
	expect_error("zmap 2 0.1x df=0", ST_MALFORMED, "line 1: SHARE must be 0 to 1: 0.1x");
	expect_error("zmap 2 0.1\n", ST_MALFORMED, "line 1: no condition");
	expect_error("zmap 2 0.1 df=0 df=1\n", ST_MALFORMED, "line 1: condition repeated: df=1");
	expect_error("zmap 2 0.1 relation=unicornscan window=4096\n", ST_MALFORMED,
	    "line 1: relation=unicornscan compares SYNs and cannot be combined");
	expect_error("zmap 2 0.1 df=0\r\n", ST_MALFORMED, "line 1: byte 0x0d is not allowed here");
	expect_error("z\x80p 2 0.1 df=0\n", ST_MALFORMED, "line 1: byte 0x80 is not allowed here");
	expect_error("abcdefghijklmnopqrstuvwx 2 0.1 df=0\n", ST_MALFORMED,
	    "line 1: tool name too long: abcdefghijklmnopqrstuvwx");
}

static void test_wrong_conditions(void **state)
{
	static const char *const wrong[] = {
		"window", "window=", "window=65536", "window=x", "window=1x", "windows=1", "Window=1",
		"mss=65536", "scale=256", "iplen=-1", "df=2", "tos=256", "sport=1", "sport=2-1",
		"sport=1-65536", "sport=-", "ttl=1-256", "ttl=64", "mark=mira", "mark=", "mark=Mirai",
		"options=", "options=ts,", "options=,ts", "options=ts,,nop", "options=foo",
		"options=none,ts", "relation=", "relation=nmap", "=", "=1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[120];
		char message[120];

		(void)snprintf(text, sizeof(text), "\n# two\nt 1 0 %s df=0\n", wrong[i]);
		(void)snprintf(message, sizeof(message), "line 3: no such condition: %s", wrong[i]);
		expect_error(text, ST_MALFORMED, message);
	}
}

static void test_limits(void **state)
{
	char text[1024] = "";
	struct rules rules;
	struct err err = {0};

	(void)state;
	for (unsigned i = 0; i < TOOLS_RULES_MAX; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "t%u 1 0 df=0\n", i);
	assert_int_equal(rules_parse(text, &rules, &err), ST_OK);
	assert_int_equal(rules.rule_count, TOOLS_RULES_MAX);
	assert_int_equal(rules.tool_count, TOOLS_RULES_MAX);
	(void)strcat(text, "u 1 0 df=0");
	(void)snprintf(err.text, sizeof(err.text), "line %u: more than %u rules",
	    TOOLS_RULES_MAX + 1, TOOLS_RULES_MAX);
	expect_error(text, ST_LIMIT, err.text);
	/* Twenty options fit, one more does not. */
	assert_int_equal(rules_parse("t 1 0 options=ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,"
	    "ts,ts,ts", &rules, NULL), ST_OK);
	assert_int_equal(rules.rules[0].option_count, SYN_OPTIONS_MAX);
	assert_int_equal(rules_parse("t 1 0 options=ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,ts,"
	    "ts,ts,ts,ts", &rules, NULL), ST_MALFORMED);
}

static void test_accepted(void **state)
{
	struct rules rules;

	(void)state;
	assert_int_equal(rules_parse("", &rules, NULL), ST_OK);
	assert_int_equal(rules.rule_count, 0);
	assert_int_equal(rules_parse("\n \t\n# only words\n  # 1\n", &rules, NULL), ST_OK);
	assert_int_equal(rules.rule_count, 0);
	assert_int_equal(rules_parse("a 2 0.25 window=65535 mss=0 scale=255 iplen=40 df=1 tos=255\n"
	    "b 65535 1 sport=0-65535 ttl=0-255 options=eol,nop,mss,ws,sok,sack,ts\tmark=masscan#x\n"
	    "a 1 0 options=none\nc 1 0 relation=unicornscan", &rules, NULL), ST_OK);
	assert_int_equal(rules.rule_count, 4);
	assert_int_equal(rules.tool_count, 3);
	assert_string_equal(rules.tools[0], "a");
	assert_string_equal(rules.tools[1], "b");
	assert_string_equal(rules.tools[2], "c");
	assert_int_equal(rules.rules[2].tool, 0);
	assert_int_equal(rules.rules[0].needs, 2);
	assert_true(rules.rules[0].share == 0.25);
	assert_int_equal(rules.rules[0].window, 65535);
	assert_int_equal(rules.rules[0].scale, 255);
	assert_int_equal(rules.rules[1].sport_high, 65535);
	assert_int_equal(rules.rules[1].mark, RECORD_MARK_MASSCAN);
	assert_int_equal(rules.rules[1].option_count, 7);
	assert_int_equal(rules.rules[1].options[6], 8);
	assert_int_equal(rules.rules[2].option_count, 0);
	assert_true(rules.rules[2].has & RULE_OPTIONS);
	assert_int_equal(rules.pair_rules, 1u << 3);
}

static void test_builtin(void **state)
{
	static const char *const tools[] = {"mirai", "synfulknock", "unicornscan", "masscan", "zmap",
		"nmap"};
	struct rules rules;
	struct err err = {0};

	(void)state;
	assert_int_equal(rules_parse(rules_builtin(), &rules, &err), ST_OK);
	assert_int_equal(rules.tool_count, sizeof(tools) / sizeof(tools[0]));
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		assert_string_equal(rules.tools[i], tools[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_wrong_conditions),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_builtin),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
