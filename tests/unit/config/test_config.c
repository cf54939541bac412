/* The configuration reader: typed values, defaults, and every finding at its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the above before itself. */
#include <cmocka.h>

#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config *parse(const char *text)
{
	struct config *config = NULL;
	struct err err = {0};

	if (config_parse("t", text, strlen(text), NULL, NULL, &config, &err) < 0)
		fail_msg("%s", err.text);
	return config;
}

/* All findings, a line each; the caller frees with buf_fini. */
static void collect(void *arg, const char *line)
{
	buf_printf(arg, "%s\n", line);
}

static void refused_bytes(const char *text, size_t len, const char *findings)
{
	struct config *config = NULL;
	struct buf b = {0};
	struct err err = {0};

	assert_int_equal(config_parse("t", text, len, collect, &b, &config, &err), ST_MALFORMED);
	assert_null(config);
	assert_string_equal(buf_text(&b), findings);
	/* err holds the first of them. */
	assert_int_equal(strncmp(findings, err.text, strlen(err.text)), 0);
	assert_int_equal(findings[strlen(err.text)], '\n');
	buf_fini(&b);
}

static void refused(const char *text, const char *findings)
{
	refused_bytes(text, strlen(text), findings);
}

static void defaults_stand(void **state)
{
	struct config *c = parse("");

	(void)state;
	assert_string_equal(c->sensor.name, "");
	assert_int_equal(c->sensor.addresses.count, 0);
	assert_string_equal(c->store.path, "/var/lib/teiten");
	assert_string_equal(c->site.timezone, "Asia/Tokyo");
	assert_string_equal(c->site.home_country, "JP");
	assert_int_equal(c->report.week_start, CONFIG_WEEK_MONDAY);
	assert_int_equal(c->report.ranking_ports, CONFIG_RANKING_ALL);
	assert_int_equal(c->report.ranking_countries, CONFIG_RANKING_ATTACKERS);
	assert_int_equal(c->report.languages.count, 2);
	assert_string_equal(c->report.languages.items[1], "en");
	assert_int_equal(c->retention.flow, 400);
	assert_true(c->retention.watermark > 79.9 && c->retention.watermark < 80.1);
	assert_false(config_is_set(c, "report.languages"));
	assert_null(c->file);
	config_free(c);
}

static void values_are_typed(void **state)
{
	struct config *c =
	    parse("sensor: { name: jp-kansai-03, addresses: [192.0.2.0/28, '2001:db8::/64'] }\n"
	          "respond:\n"
	          "  any_port: true\n"
	          "  protocols: { telnet: [23, 2323], mqtt: [1883] }\n"
	          "report:\n"
	          "  languages: [en]\n"
	          "  week_start: saturday\n"
	          "  source_term: 発信元\n"
	          "  ranking_roles: { ports: attackers }\n"
	          "site:\n"
	          "retention: { watermark: 75% }\n");

	(void)state;
	assert_string_equal(c->sensor.name, "jp-kansai-03");
	assert_int_equal(c->sensor.addresses.count, 2);
	assert_int_equal(c->sensor.addresses.items[0].plen, 124);
	assert_int_equal(c->sensor.addresses.items[1].plen, 64);
	assert_true(c->respond.any_port);
	assert_int_equal(c->respond.protocols.count, 2);
	assert_string_equal(c->respond.protocols.items[0].protocol, "telnet");
	assert_int_equal(c->respond.protocols.items[0].ports[1], 2323);
	assert_int_equal(c->report.week_start, 5);
	assert_int_equal(c->report.source_term, CONFIG_SOURCE_HASSHIN);
	assert_int_equal(c->report.ranking_ports, CONFIG_RANKING_ATTACKERS);
	assert_true(config_is_set(c, "report.languages"));
	assert_false(config_is_set(c, "report.top_n"));
	assert_false(config_is_set(c, "no.such"));
	assert_true(c->retention.watermark > 74.9 && c->retention.watermark < 75.1);
	config_free(c);
}

static void unknown_keys_name_the_nearest(void **state)
{
	(void)state;
	refused("report:\n  week_starts: monday\n",
	    "t:2:3: unknown key 'week_starts' in 'report'; did you mean 'week_start'?\n");
	refused("repotr: {}\n", "t:1:1: unknown section 'repotr'; did you mean 'report'?\n");
	refused("timezone: UTC\n",
	    "t:1:1: unknown section 'timezone'; did you mean 'site.timezone'?\n");
	refused("xyzzy: 1\n", "t:1:1: unknown section 'xyzzy'\n");
	refused("report: { ranking_roles: { port: all } }\n",
	    "t:1:28: unknown key 'port' in 'report.ranking_roles'; did you mean 'ports'?\n");
}

static void wrong_types_say_what_is_right(void **state)
{
	(void)state;
	refused(
	    "report: { top_n: many }\n", "t:1:18: 'report.top_n' is a whole number, not 'many'\n");
	refused(
	    "report: { top_n: [1] }\n", "t:1:18: 'report.top_n' is a whole number, not a list\n");
	refused("report: { top_n: }\n",
	    "t:1:18: 'report.top_n' has no value; give it a whole number or leave the key out\n");
	refused("report: { quarters: lunar }\n",
	    "t:1:21: 'report.quarters' is calendar or fiscal, not 'lunar'\n");
	refused("report: { eras: x }\n",
	    "t:1:17: 'report.eras' is both, gregorian or japanese, not 'x'\n");
	refused("respond: { any_port: yes }\n",
	    "t:1:22: 'respond.any_port' is true or false, not 'yes'\n");
	refused("sensor: { addresses: 192.0.2.0/28 }\n",
	    "t:1:22: 'sensor.addresses' is a list: write [192.0.2.0/28]\n");
	refused("site: Tokyo\n", "t:1:7: 'site' is a section with keys below it, not a value\n");
	refused("[a]\n", "t:1:1: a configuration is a group of sections such as 'site:'\n");
	refused("site: { timezone: Asia/Tokio }\n",
	    "t:1:19: 'site.timezone' is an IANA time zone such as Asia/Tokyo or UTC, not "
	    "'Asia/Tokio'\n");
	refused("retention: { flow: 400 }\n",
	    "t:1:20: 'retention.flow' is a number of days such as 400d, not '400'\n");
}

static void ranges_are_checked(void **state)
{
	(void)state;
	refused("report: { top_n: 0 }\n",
	    "t:1:18: 'report.top_n' is 0, which is out of range: 1 to 100\n");
	refused("retention: { watermark: 101% }\n",
	    "t:1:25: 'retention.watermark' is 101, which is out of range: 1 to 100\n");
	refused("respond: { protocols: { telnet: [23, 70000] } }\n",
	    "t:1:38: 'respond.protocols' is 70000, which is out of range: 1 to 65535\n");
	refused("report: { top_n: 99999999999999999999 }\n",
	    "t:1:18: 'report.top_n' is a whole number, not '99999999999999999999'\n");
}

static void networks_are_checked(void **state)
{
	(void)state;
	refused("sensor: { addresses: [192.0.2.1/28] }\n",
	    "t:1:23: 'sensor.addresses': '192.0.2.1/28' has host bits; did you mean "
	    "'192.0.2.0/28'?\n");
	refused("sensor: { addresses: ['2001:db8::1/64'] }\n",
	    "t:1:23: 'sensor.addresses': '2001:db8::1/64' has host bits; did you mean "
	    "'2001:db8::/64'?\n");
	refused("sensor: { addresses: [192.0.2.0/33] }\n",
	    "t:1:23: 'sensor.addresses': '192.0.2.0/33' is not an address or network such as "
	    "192.0.2.0/28\n");
	refused("sensor: { addresses: [192.0.2.0/28], exclude: [198.51.100.1] }\n",
	    "t:1:48: 'sensor.exclude': '198.51.100.1' is outside sensor.addresses\n");
}

static void all_findings_in_order(void **state)
{
	(void)state;
	refused("report:\n  top_n: x\n  icmp: y\nsite:\n  home_country: jp\n",
	    "t:2:10: 'report.top_n' is a whole number, not 'x'\n"
	    "t:3:9: 'report.icmp' is by-type or one-row, not 'y'\n"
	    "t:5:17: 'site.home_country' is a country code of two capital letters such as JP, not "
	    "'jp'\n");
}

static void yaml_that_is_refused(void **state)
{
	(void)state;
	refused("site: { name_en: a, name_en: b }\n",
	    "t:1:21: key 'name_en' is there twice (first in line 1); keep one\n");
	refused("site: &a { name_en: x }\n",
	    "t:1:7: anchors (&name) are not accepted; write the value out\n");
	refused("site: *a\n", "t:1:7: aliases (*name) are not accepted; write the value out\n");
	refused("site: !x { }\n", "t:1:7: tags (!name) are not accepted; write the plain value\n");
	refused(
	    "site: { <<: {} }\n", "t:1:9: merge keys (<<) are not accepted; write the keys out\n");
	refused("site: {}\n---\nsite: {}\n",
	    "t:2:1: a second document (---); one file is one document\n");
	refused("site:\n\tname_en: x\n", "t:2:1: a tab in the indentation; YAML wants spaces\n");
	refused("site: { name_en: a\x80 }\n",
	    "t:1:19: byte 0x80 is not valid UTF-8; save the file as UTF-8\n");
	refused("# ○\nsite: { name_en: \x1b }\n", "t:2:18: control character 0x1b; remove it\n");
	refused(
	    "site: { name_en: \"\\e\" }\n", "t:1:18: an escaped control character; remove it\n");
	refused_bytes("a\0b", 3, "t:1:2: control character 0x00; remove it\n");
}

static void limits_hold(void **state)
{
	char *text = malloc(2000000);

	(void)state;
	assert_non_null(text);
	memset(text, '[', 100000);
	refused_bytes(text, 100000, "t:1:9: nested too deeply\n");
	memset(text, ' ', 2000000);
	refused_bytes(text, 2000000,
	    "t:1:1: the file has 2000000 bytes; a configuration has at most 1048576\n");
	/* 5000 items in one list. */
	(void)memcpy(text, "geo: { asn: [", 13);
	for (size_t i = 0; i < 5000; i++)
		(void)memcpy(text + 13 + 2 * i, "a,", 2);
	refused_bytes(text, 13 + 10000, "t:1:8206: more values than a configuration can have\n");
	free(text);
}

static void dump_comes_back_the_same(void **state)
{
	struct config *c = parse("site: { name_en: \"it's: a # test\", name_ja: '' }\n"
	                         "respond: { protocols: { telnet: [23], http: [] } }\n"
	                         "geo: { asn: [ 'a b', \"c\", '007' ] }\n");
	struct buf first = {0};
	struct buf second = {0};
	struct config *again;

	(void)state;
	config_dump_yaml(c, &first);
	again = parse(buf_text(&first));
	assert_string_equal(again->site.name_en, "it's: a # test");
	assert_int_equal(again->respond.protocols.count, 2);
	assert_string_equal(again->geo.asn.items[2], "007");
	assert_non_null(strstr(buf_text(&first), "  path: /var/lib/teiten  # default\n"));
	assert_non_null(strstr(buf_text(&first), "  name_ja: ''\n"));
	config_dump_yaml(again, &second);
	/* Only the marks "# default" differ: everything is set the second time. */
	assert_null(strstr(buf_text(&second), "# default"));
	buf_fini(&first);
	buf_fini(&second);
	config_free(c);
	config_free(again);
}

static void every_key_is_described(void **state)
{
	struct buf manual = {0};

	(void)state;
	config_manual(&manual);
	assert_true(config_key_count() > 30);
	for (size_t i = 0; i < config_key_count(); i++) {
		const struct config_key *key = config_key(i);

		assert_true(strlen(key->doc) > 10);
		assert_true(config_section_doc(key->section)[0] != '\0');
		assert_true(strncmp(key->path, key->section, strlen(key->section)) == 0);
		assert_true(config_type_text(i)[0] != '\0');
	}
	assert_null(config_key(config_key_count()));
	buf_fini(&manual);
}

static void files_that_cannot_be_read(void **state)
{
	struct config *config = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    config_load("/nonexistent/teiten.yaml", NULL, NULL, &config, &err), ST_NOT_FOUND);
	assert_non_null(strstr(err.text, "/nonexistent/teiten.yaml"));
	assert_null(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_stand),
	    cmocka_unit_test(values_are_typed),
	    cmocka_unit_test(unknown_keys_name_the_nearest),
	    cmocka_unit_test(wrong_types_say_what_is_right),
	    cmocka_unit_test(ranges_are_checked),
	    cmocka_unit_test(networks_are_checked),
	    cmocka_unit_test(all_findings_in_order),
	    cmocka_unit_test(yaml_that_is_refused),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(dump_comes_back_the_same),
	    cmocka_unit_test(every_key_is_described),
	    cmocka_unit_test(files_that_cannot_be_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
