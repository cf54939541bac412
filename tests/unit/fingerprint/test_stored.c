/* Signatures read back from their text, and rules on what rows keep. */
#include "fingerprint/stored.h"
#include "record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ZMAP_41 "4:64:0:1460:65535,8:mss,nop,ws,nop,nop,sok::0"
#define MASSCAN_HEAD "4:255:0:1460:1025,*:mss::0"
#define NMAP "4:64:0:1460:1024,*:mss::0"

static struct tools *tools;

static int begin(void **state)
{
	struct err err = {0};

	(void)state;
	return tools_new(NULL, &tools, &err);
}

static int end(void **state)
{
	(void)state;
	tools_free(tools);
	return 0;
}

/* What is read is written again as it was, for texts whose every part is read. */
static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		ZMAP_41, MASSCAN_HEAD, "4:64:0:1460:mss*20,7:mss,sok,ts,nop,ws:df:0",
		"6:64:0:1440:mss*45,*:mss:df:+", "4:128:0:*:1024,*:::0", "4:64:1:536:mss*4,0:mss,ws::0",
	};
	char text[SYN_TEXT_MAX];
	struct syn syn;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(stored_signature_read(texts[i], &syn));
		(void)syn_format(&syn, text);
		assert_string_equal(text, texts[i]);
	}
}

static void test_nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"", ":", "4", "4:64:0:1460:65535,8:mss::0:", "4:64:0:1460:65536,8:mss::0",
		"4:64:0:x:65535,8:mss::0", "4:64:0:1460:65535:mss::0", "4:64:0:1460:mss*,8:mss::0",
		"4:64:0:1460:mss*99999,8:mss::0", "4:64:0:1460:1,8:mss,,nop::0", "9:64:0:1:1,1:::0",
		"4:64:0:1460:1,*x:mss::0", "4:64:0:1460:1,256:mss::0",
	};
	struct syn syn = {.window = 7};
	struct buf many = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(stored_signature_read(texts[i], &syn));
		assert_int_equal(syn.window, 7);
		assert_int_equal(stored_rules_of(tools, texts[i]), 0);
	}
	buf_puts(&many, "4:64:0:1460:1,*:mss");
	for (int i = 0; i < SYN_OPTIONS_MAX; i++)
		buf_puts(&many, ",nop");
	buf_puts(&many, "::0");
	assert_false(stored_signature_read(buf_text(&many), &syn));
	buf_fini(&many);
}

static const char *tool_of(const char *signature, uint16_t marks, uint8_t ttl, uint32_t packets)
{
	struct tools_evidence evidence = {{0}};
	uint32_t rules = stored_rules_match(tools, stored_rules_of(tools, signature), marks, ttl, ttl);
	uint32_t judged;

	tools_evidence_add(&evidence, packets, rules);
	judged = tools_judge(tools, &evidence, packets);
	return judged ? tools_name(tools, (unsigned)__builtin_ctz(judged)) : "";
}

static void test_tools(void **state)
{
	(void)state;
	assert_string_equal(tool_of(ZMAP_41, 0, 50, 2), "zmap");
	assert_string_equal(tool_of(ZMAP_41, 0, 50, 1), "");
	assert_string_equal(tool_of(ZMAP_41, 0, 120, 5), ""); /* ZMap's TTL begins at 64 */
	assert_string_equal(tool_of(NMAP, 0, 48, 3), "nmap");
	assert_string_equal(tool_of(NMAP, 0, 62, 3), "");
	assert_string_equal(tool_of("4:64:0:*:4321,*:::0", RECORD_MARK_MIRAI, 50, 2), "mirai");
	assert_string_equal(tool_of(MASSCAN_HEAD, RECORD_MARK_MASSCAN, 240, 2), "masscan");
	assert_string_equal(tool_of(MASSCAN_HEAD, 0, 240, 9), "");
	/* The mark synful alone is not the relation that the probe has. */
	assert_string_equal(tool_of("4:64:0:*:8192,*::ack+:0", RECORD_MARK_SYNFUL, 50, 9), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_tools),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, begin, end);
}
