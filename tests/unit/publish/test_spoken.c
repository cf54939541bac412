/* Names of what visitors spoke, and passwords that are not printed in full. */
/* clang-format off: cmocka needs these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "protocol/patterns.h"
#include "protocol/protocol.h"
#include "publish/message.h"

#include <stdio.h>
#include <string.h>

static void check_event(enum publish_language language, const char *protocol, const char *event,
    const char *expected)
{
	struct publish_style style = {.language = language};
	struct buf b = {0};

	publish_event(&b, &style, protocol, event);
	assert_string_equal(buf_text(&b), expected);
	buf_fini(&b);
}

static void test_events(void **state)
{
	(void)state;
	/* What the police counts apart comes out by name. */
	check_event(PUBLISH_JA, "mqtt", "connect.anonymous", "MQTTの接続要求(認証情報なし)");
	check_event(PUBLISH_JA, "mqtt", "connect.credentials", "MQTTの接続要求(認証情報あり)");
	check_event(PUBLISH_JA, "http", "login.basic", "ウェブ認証の試行(Basic認証)");
	check_event(PUBLISH_JA, "http", "login.digest", "ウェブ認証の試行(Digest認証)");
	check_event(PUBLISH_JA, "http", "login.form", "ウェブ認証の試行(ログインフォーム)");
	check_event(PUBLISH_JA, "http", "exploit.emerge-e3",
	    "入退室管理装置(Linear eMerge E3)の脆弱性を狙うアクセス(CVE-2019-7256)");
	check_event(PUBLISH_EN, "http", "exploit.emerge-e3",
	    "Attempts at Linear eMerge E3 door controllers (CVE-2019-7256)");
	check_event(PUBLISH_JA, "ftp", "command", "FTPの命令");
	check_event(PUBLISH_EN, "ftp", "tls", "FTP: TLS asked for");
	check_event(PUBLISH_EN, "ftp", "no-words", "FTP no-words");
	check_event(PUBLISH_EN, "nobody\x1b", "x", "nobody\\x1b x");
}

static void check_password(const char *text, const char *secret, const char *expected)
{
	struct publish_style style = {.language = PUBLISH_EN};
	struct buf b = {0};

	publish_password(&b, &style, text, secret);
	assert_string_equal(buf_text(&b), expected);
	buf_fini(&b);
}

static void test_passwords(void **state)
{
	(void)state;
	check_password("xc3511", "password", "x… (5-8 characters)");
	check_password("1234", "password", "… (1-4 characters)");
	check_password("12345", "password", "1… (5-8 characters)");
	check_password("", "password", "(empty)");
	check_password("", "none", "(none)");
	check_password("$NETNTLMv2$admin::…", "hash", "(hash)");
	check_password("SHA256:abc", "key", "(public key)");
	check_password("パスワードです", "password", "パ… (5-8 characters)");
	check_password("パスワー", "password", "… (1-4 characters)");
	check_password("\x1b[2Jabc", "password", "\\x1b… (5-8 characters)");
	check_password("\xff\xfe\xfd\xfc\xfb\xfa", "password", "\xef\xbf\xbd… (5-8 characters)");
	check_password("123456789012345678901234567890123", "password", "1… (33- characters)");
}

/* Modules come faster than words, and a name without words is printed as it is: a few may lack. */
#define PROTOCOLS_WITHOUT_MAX 3
#define EVENTS_WITHOUT_PERCENT 10

static unsigned count_missing(const char *name)
{
	unsigned missing = 0;
	char id[64];

	(void)snprintf(id, sizeof(id), "protocol.%s", name);
	for (int language = 0; language < PUBLISH_LANGUAGE_COUNT; language++) {
		if (publish_message_find((enum publish_language)language, id))
			continue;
		print_message("%s is not in spoken.msg\n", id);
		missing++;
	}
	return missing;
}

/* Modules and patterns have names in both languages, so that no reader meets a file's name. */
static void test_every_protocol_has_a_name(void **state)
{
	struct patterns *patterns = NULL;
	unsigned missing = 0;

	(void)state;
	for (unsigned i = 0; i < protocol_module_count; i++)
		missing += count_missing(protocol_modules[i]->name);
	assert_int_equal(patterns_new(&patterns), ST_OK);
	for (unsigned i = 0; i < patterns_count(patterns); i++)
		missing += count_missing(patterns_name(patterns, i));
	patterns_free(patterns);
	assert_true(missing <= PROTOCOLS_WITHOUT_MAX * PUBLISH_LANGUAGE_COUNT);
}

/* Events have words in both languages, by their whole name or by what follows the protocol. */
static void test_every_event_has_a_name(void **state)
{
	unsigned missing = 0;
	unsigned all = 0;

	(void)state;
	for (unsigned i = 0; i < protocol_module_count; i++) {
		const struct protocol_module *module = protocol_modules[i];

		for (unsigned e = 0; e < module->event_count; e++) {
			char own[128];
			char any[128];

			all++;
			(void)snprintf(own, sizeof(own), "event.%s.%s", module->name,
			    module->events[e].name);
			(void)snprintf(any, sizeof(any), "event.any.%s", module->events[e].name);
			if (publish_message_find(PUBLISH_JA, own)
			    || publish_message_find(PUBLISH_JA, any))
				continue;
			print_message("%s: no words (%s)\n", own, module->events[e].doc);
			missing++;
		}
	}
	assert_true(missing * 100 <= all * EVENTS_WITHOUT_PERCENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_passwords),
		cmocka_unit_test(test_every_protocol_has_a_name),
		cmocka_unit_test(test_every_event_has_a_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
