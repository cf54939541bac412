/* Languages, ports, services (against IANA's registry when the corpus is there), countries. */
#include "publish/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_languages(void **state)
{
	enum publish_language language = PUBLISH_EN;

	(void)state;
	assert_int_equal(publish_language_find("ja", &language), ST_OK);
	assert_int_equal(language, PUBLISH_JA);
	assert_int_equal(publish_language_find("en", &language), ST_OK);
	assert_int_equal(language, PUBLISH_EN);
	assert_int_equal(publish_language_find("fr", &language), ST_NOT_FOUND);
	assert_int_equal(language, PUBLISH_EN);
	assert_string_equal(publish_language_code(PUBLISH_JA), "ja");
}

static void test_services(void **state)
{
	(void)state;
	assert_string_equal(publish_service(6, 23), "telnet");
	assert_string_equal(publish_service(17, 53), "domain");
	assert_string_equal(publish_service(6, 7547), "cwmp");
	assert_string_equal(publish_service(1, 8), "echo-request");
	assert_string_equal(publish_service(6, 8728), "");
	assert_string_equal(publish_service(17, 23), "");
	assert_string_equal(publish_service(47, 23), "");
}

static void test_ports(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
		const char *text;
	} rows[] = {{6, 23, "23/TCP"}, {17, 65535, "65535/UDP"}, {1, 8, "8/ICMP"},
		{58, 128, "128/ICMPv6"}, {47, 0, "0/IP47"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = {0};

		publish_port(&b, rows[i].proto, rows[i].port);
		assert_string_equal(buf_text(&b), rows[i].text);
		buf_fini(&b);
	}
}

static void check_country(enum publish_language language, bool cldr, const char *code,
    const char *name)
{
	struct publish_style style = {.language = language, .countries_cldr = cldr};
	struct buf b = {0};

	publish_country(&b, &style, code);
	assert_string_equal(buf_text(&b), name);
	buf_fini(&b);
}

static void test_countries(void **state)
{
	(void)state;
	check_country(PUBLISH_JA, false, "US", "米国");
	check_country(PUBLISH_JA, true, "US", "アメリカ合衆国");
	check_country(PUBLISH_JA, false, "GB", "英国");
	check_country(PUBLISH_JA, false, "cn", "中国");
	check_country(PUBLISH_JA, false, "KR", "韓国");
	check_country(PUBLISH_JA, false, "RU", "ロシア");
	check_country(PUBLISH_JA, false, "TW", "台湾");
	check_country(PUBLISH_JA, false, "HK", "香港");
	check_country(PUBLISH_JA, false, "NL", "オランダ");
	check_country(PUBLISH_EN, false, "HK", "Hong Kong");
	check_country(PUBLISH_EN, false, "NL", "Netherlands");
	check_country(PUBLISH_EN, true, "US", "United States");
	check_country(PUBLISH_JA, false, "ZZ", "不明");
	check_country(PUBLISH_EN, true, "ZZ", "Unknown");
	check_country(PUBLISH_EN, false, "<b", "Unknown");
	check_country(PUBLISH_EN, false, "\0", "Unknown");
	check_country(PUBLISH_EN, true, "QX", "QX");
}

/* Every code of the NPA's table is one that CLDR knows. */
static void test_country_table(void **state)
{
	const struct embed_file *file = embed_find(publish_data, "countries-npa.tsv");
	struct publish_tsv row = {.next = file->data};
	size_t count = 0;

	(void)state;
	while (publish_tsv_next(&row)) {
		struct publish_style style = {.language = PUBLISH_EN, .countries_cldr = true};
		struct buf b = {0};

		assert_int_equal(row.column[0].len, 2);
		assert_true(row.column[1].len > 0);
		publish_country(&b, &style, row.column[0].text);
		assert_true(b.len > 2);
		buf_fini(&b);
		count++;
	}
	assert_true(count > 20);
}

/* True if a line of IANA's CSV "name,port,proto,…" registers this (or the range around it). */
static bool registers(const char *line, const struct publish_tsv *row)
{
	char name[64];
	char proto[8];
	unsigned low;
	unsigned high;
	unsigned port = (unsigned)strtoul(row->column[1].text, NULL, 10);
	int fields = sscanf(line, "%63[^,],%u-%u,%7[^,]", name, &low, &high, proto);

	if (fields != 4) {
		fields = sscanf(line, "%63[^,],%u,%7[^,]", name, &low, proto);
		high = low;
		if (fields != 3)
			return false;
	}
	return low <= port && port <= high && publish_tsv_is(row, 0, proto)
	    && publish_tsv_is(row, 2, name);
}

static void test_services_are_iana_names(void **state)
{
	const struct embed_file *file = embed_find(publish_data, "ports.tsv");
	struct publish_tsv row = {.next = file->data};
	char path[600];
	char *lines = NULL;
	size_t size = 0;
	size_t len;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/ref/iana-service-names-port-numbers.csv",
	    getenv("TEITEN_CORPUS") ? getenv("TEITEN_CORPUS") : ".");
	f = fopen(path, "r");
	if (!f) {
		print_message("# no corpus: the names are not compared with IANA's registry\n");
		skip();
	}
	fseek(f, 0, SEEK_END);
	size = (size_t)ftell(f);
	rewind(f);
	lines = calloc(size + 1, 1);
	len = fread(lines, 1, size, f);
	fclose(f);
	assert_int_equal(len, size);
	while (publish_tsv_next(&row)) {
		bool found = false;

		if (!publish_tsv_is(&row, 0, "tcp") && !publish_tsv_is(&row, 0, "udp"))
			continue;
		for (const char *p = lines; *p && !found; p += strcspn(p, "\n"), p += *p == '\n')
			found = strncmp(p, row.column[2].text, row.column[2].len) == 0
			    && registers(p, &row);
		if (!found)
			fail_msg("not IANA's: %.*s", 40, row.column[0].text);
	}
	free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_countries),
		cmocka_unit_test(test_country_table),
		cmocka_unit_test(test_services_are_iana_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
