/*
 * What reports gain from detection, with numbers computed by hand: matches of signatures on the
 * time with rules, methods, new signatures, reflection, incidents over midnight, one-sensor ranks.
 */
#include "site.h"

#include "sentences.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define ROW(...) (&(const struct site_packets){__VA_ARGS__})

static int64_t tokyo(int32_t day, int minutes)
{
	return (int64_t)day * CIVIL_US_PER_DAY - 9 * 60 * SITE_MINUTE + minutes * SITE_MINUTE;
}

static void put_rules(struct site *site, uint16_t sensor, const char *digest, int32_t day,
    int32_t last, int32_t updated)
{
	struct store_rules rules = {.sensor = sensor, .from = tokyo(day, 0),
	    .to = tokyo(last, 24 * 60) - 1, .rules = 12, .updated = updated};

	(void)snprintf(rules.digest, sizeof(rules.digest), "%s", digest);
	OK(store_rules_put(site->store, &rules, &err));
}

struct match {
	int32_t day;
	uint32_t source;
	uint32_t sid;
	const char *msg;
	const char *country;
	unsigned count;
};

static void put_matches(struct site *site, uint16_t sensor, const struct match *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		struct record_alert row = {
			.time = tokyo(m->day, 90) + (int64_t)i,
			.sensor = sensor,
			.src_lo = IP_V4_PREFIX | m->source,
			.proto = 6,
			.dport = 23,
			.country = {m->country[0], m->country[1]},
			.gid = 1,
			.sid = m->sid,
			.class = {"misc-activity", 13},
			.msg = {m->msg, (uint32_t)strlen(m->msg)},
			.severity = 3,
			.suppressed = i % 2 == 1, /* matches count all the same */
		};

		OK(store_ingest_rows(site->ingest, RECORD_TABLE_alert, &row, 1, &err));
	}
}

#define MATCH(...) put_matches(site, sensor, &(const struct match){__VA_ARGS__})

/* alpha: rules in both weeks. */
static void alpha_day(struct site *site, uint16_t sensor, int32_t day)
{
	bool now = day >= SITE_WEEK_B;

	site_begin(site, sensor);
	site_observe(site, sensor, day, 0, 24, 4);
	MATCH(day, IP(1, 1, 1, 1), 1, "ET SCAN one", "CN", now ? 40 : 30);
	MATCH(day, IP(2, 2, 2, 2), 1, "ET SCAN one", "US", now ? 20 : 10);
	if (now)
		MATCH(day, IP(3, 3, 3, 3), 2, "ET VOIP two", "US", 8);
	if (day == SITE_WEEK_B)
		MATCH(day, IP(4, 4, 4, 4), 3, "my own <b>", "JP", 2);
	site_commit(site);
}

/* beta: rules in the second week only, gamma: never. */
static void others_day(struct site *site, uint16_t beta, uint16_t gamma, int32_t day)
{
	uint16_t sensor = beta;

	site_begin(site, beta);
	site_observe(site, beta, day, 0, 24, 1);
	if (day >= SITE_WEEK_B)
		MATCH(day, IP(1, 1, 1, 1), 1, "ET SCAN one", "CN", 10);
	site_commit(site);
	site_begin(site, gamma);
	site_observe(site, gamma, day, 0, 24, 100);
	site_commit(site);
}

static void make_matches(struct site *site)
{
	uint16_t alpha;
	uint16_t beta;
	uint16_t gamma;
	uint16_t sensor;

	site_new(site, "Asia/Tokyo");
	sensor = alpha = site_sensor(site, "alpha");
	beta = site_sensor(site, "beta");
	gamma = site_sensor(site, "gamma");
	/* Long before: the signature of VoIP is not new. */
	site_begin(site, alpha);
	site_observe(site, alpha, SITE_WEEK_A - 20, 0, 24, 4);
	MATCH(SITE_WEEK_A - 20, IP(5, 5, 5, 5), 2, "ET VOIP two", "US", 1);
	site_commit(site);
	for (int32_t day = SITE_WEEK_A; day < SITE_WEEK_B + 7; day++) {
		alpha_day(site, alpha, day);
		others_day(site, beta, gamma, day);
	}
	put_rules(site, alpha, "aaaa", SITE_WEEK_A, SITE_WEEK_B + 6, 20000);
	put_rules(site, beta, "bbbb", SITE_WEEK_B, SITE_WEEK_B + 6, 20001);
}

static struct report_document *week(struct site *site, int32_t monday)
{
	struct report_options options = site_week(monday);
	struct report_document *doc = NULL;

	OK(report_build(site->store, &options, &doc, &err));
	return doc;
}

static void check_rates(const struct report_document *doc)
{
	/* 7 × (60 + 8) + 2 at alpha, 7 × 10 at beta; 5 addresses: gamma's hundred do not count. */
	assert_fact(doc, "alerts.rate", 548 / 35.0);
	assert_fact(doc, "alerts.rate.before", 10);
	/* On alpha, which alone had rules in both. */
	assert_fact(doc, "alerts.rate.difference", 478 / 28.0 - 10);
	assert_fact(doc, "alerts.rate.percent", (478 / 28.0 - 10) * 10);
	assert_fact(doc, "alerts.sources", 22 / 7.0);
	assert_fact(doc, "alerts.sources.before", 2);
	assert_fact(doc, "alerts.class.scan.rate", 14);
	assert_fact(doc, "alerts.class.scan.share", 490 / 548.0 * 100);
	assert_fact(doc, "alerts.class.voip.rate", 56 / 35.0);
	assert_fact(doc, "alerts.rest.rate", 2 / 35.0);
	assert_fact(doc, "alerts.country.CN.rate", 350 / 35.0);
	assert_fact(doc, "alerts.country.US.rate", 196 / 35.0);
	assert_fact(doc, "alerts.new", 1);
}

static void test_matches(void **state)
{
	struct site site;
	struct report_document *doc;
	const struct report_table *table;
	const struct report_figure *figure;

	(void)state;
	make_matches(&site);
	doc = week(&site, SITE_WEEK_B);
	check_rates(doc);
	table = find_table(doc, "methods");
	assert_int_equal(table->row_count, 3);
	assert_string_equal(find_cell(table, 0, "class")->text, "scan");
	assert_string_equal(find_cell(table, 0, "class")->ja, "スキャン");
	assert_string_equal(find_cell(table, 0, "previous_rank")->text, "rank.same");
	assert_string_equal(find_cell(table, 0, "main_signature")->text, "ET SCAN one");
	assert_string_equal(find_cell(table, 1, "class")->en, "VoIP");
	assert_string_equal(find_cell(table, 1, "previous_rank")->text, "rank.new");
	assert_string_equal(find_cell(table, 2, "class")->text, "alerts.rest");
	assert_int_equal(find_cell(table, 2, "rank")->kind, REPORT_VALUE_NONE);
	table = find_table(doc, "new-signatures");
	assert_int_equal(table->row_count, 1);
	assert_string_equal(find_cell(table, 0, "signature")->text, "1:3");
	assert_string_equal(find_cell(table, 0, "class")->text, "other");
	assert_int_equal(find_cell(table, 0, "matches")->integer, 2);
	figure = find_figure(doc, "alerts-daily");
	assert_float_equal(figure->series[0].values[0], 80 / 5.0, 1e-9);
	assert_float_equal(figure->series[0].values[1], 78 / 5.0, 1e-9);
	assert_true(says(doc, "alerts.rules-changed"));
	assert_true(says(doc, "alerts.rules-dated"));
	assert_true(says(doc, "alerts.counting"));
	/* The other sections still stand on all three sensors. */
	assert_fact(doc, "coverage", 100);
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

/* Nothing before the rules: no signature is called new, and no change is made up. */
static void test_first_rules(void **state)
{
	struct site site;
	struct report_document *doc;
	uint16_t sensor;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	sensor = site_sensor(&site, "alpha");
	for (int32_t day = SITE_WEEK_A; day < SITE_WEEK_B + 7; day++) {
		site_begin(&site, sensor);
		site_observe(&site, sensor, day, 0, 24, 2);
		if (day >= SITE_WEEK_B)
			put_matches(&site, sensor, &(const struct match){day, IP(1, 1, 1, 1), 1,
			    "ET SCAN one", "CN", 4});
		site_commit(&site);
	}
	put_rules(&site, sensor, "aaaa", SITE_WEEK_B, SITE_WEEK_B + 6, 0);
	doc = week(&site, SITE_WEEK_B);
	assert_fact(doc, "alerts.rate", 2);
	assert_false(report_fact_find(doc, "alerts.rate.percent")->known);
	assert_true(says(doc, "alerts.rate.no-data"));
	assert_true(says(doc, "alerts.rules"));
	assert_false(says(doc, "alerts.rules-changed"));
	assert_null(find_table(doc, "new-signatures"));
	sentences_check(doc);
	report_document_free(doc);
	/* The week before had no rules at all: one line, no zeros. */
	doc = week(&site, SITE_WEEK_A);
	assert_true(says(doc, "alerts.no-rules"));
	assert_null(report_fact_find(doc, "alerts.rate"));
	report_document_free(doc);
	/* Rules that nothing matched are another thing. */
	put_rules(&site, sensor, "aaaa", SITE_WEEK_A, SITE_WEEK_A + 6, 0);
	doc = week(&site, SITE_WEEK_A);
	assert_true(says(doc, "alerts.zero"));
	assert_false(says(doc, "alerts.no-rules"));
	report_document_free(doc);
	doc = week(&site, SITE_WEEK_B);
	assert_true(says(doc, "alerts.rate.new"));
	assert_fact(doc, "alerts.new", 1);
	report_document_free(doc);
	site_free(&site);
}

/* ---- attacks --------------------------------------------------------------------------------- */

struct burst {
	uint32_t victim;
	bool reflection;
	int32_t day;
	int minute;
	uint32_t packets;
};

static void put_burst(struct site *site, uint16_t sensor, const struct burst *burst)
{
	struct record_flow row = {
		.time = tokyo(burst->day, burst->minute),
		.sensor = sensor,
		.src_lo = IP_V4_PREFIX | burst->victim,
		.proto = burst->reflection ? 17 : 6,
		.port = burst->reflection ? 53 : 443,
		.class = burst->reflection ? RECORD_CLASS_REQUEST : RECORD_CLASS_BACKSCATTER,
		.tcp_flags = burst->reflection ? 0 : 0x12,
		.packets = burst->packets,
		.bytes = 40ull * burst->packets,
		.last_second = 59,
		.dsts = 4,
		.dst_bits = 0xf,
		.country = {'F', 'R'},
		.asn = 64500,
	};

	if (!burst->reflection) {
		row.victim_lo = row.src_lo;
		row.victim_proto = 6;
	}
	OK(store_ingest_flow(site->ingest, &row, 1, &err));
}

static void test_attacks(void **state)
{
	struct site site;
	struct report_document *doc;
	const struct report_table *table;
	uint16_t sensor;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	sensor = site_sensor(&site, "alpha");
	for (int32_t day = SITE_WEEK_B; day < SITE_WEEK_B + 7; day++) {
		site_begin(&site, sensor);
		site_observe(&site, sensor, day, 0, 24, 4);
		if (day == SITE_WEEK_B)
			for (int minute = 1430; minute < 1440; minute++)
				put_burst(&site, sensor, &(const struct burst){IP(9, 9, 9, 9), false,
				    day, minute, 100});
		if (day == SITE_WEEK_B + 1)
			for (int minute = 0; minute < 10; minute++)
				put_burst(&site, sensor, &(const struct burst){IP(9, 9, 9, 9), false,
				    day, minute, minute == 3 ? 150 : 100});
		if (day == SITE_WEEK_B + 2)
			for (int minute = 600; minute < 630; minute++)
				put_burst(&site, sensor, &(const struct burst){IP(8, 8, 8, 9), true, day,
				    minute, 30});
		site_commit(&site);
	}
	doc = week(&site, SITE_WEEK_B);
	table = find_table(doc, "incidents");
	assert_non_null(table);
	assert_int_equal(table->row_count, 2);
	assert_string_equal(find_cell(table, 0, "kind")->text, "attack.backscatter");
	assert_fact(doc, "incident.1.packets", 2050);
	assert_fact(doc, "incident.1.minute", 150);
	assert_int_equal(find_cell(table, 0, "start")->values[0].integer, SITE_WEEK_B);
	assert_string_equal(find_cell(table, 0, "start")->values[1].text, "23:50");
	assert_int_equal(find_cell(table, 0, "end")->values[0].integer, SITE_WEEK_B + 1);
	assert_string_equal(find_cell(table, 0, "end")->values[1].text, "00:09");
	assert_string_equal(find_cell(table, 0, "country")->text, "FR");
	assert_string_equal(find_cell(table, 0, "asn")->text, "AS64500");
	assert_string_equal(find_cell(table, 1, "kind")->text, "attack.reflection");
	assert_fact(doc, "attacks.backscatter", 1);
	assert_fact(doc, "attacks.reflection", 1);
	assert_fact(doc, "reflection.victims", 1 / 7.0);
	assert_fact(doc, "reflection.port.53/udp.victims", 1 / 7.0);
	/* Four addresses say nothing about the victim's own rate. */
	for (size_t c = 0; c < table->column_count; c++)
		assert_string_not_equal(table->columns[c].csv, "estimated_packets_per_second");
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

/* ---- one sensor ------------------------------------------------------------------------------ */

/* 5555/TCP stands first because of one sensor of three, and in no place without it. */
static void test_one_sensor_rank(void **state)
{
	static const uint16_t ports[] = {23, 22, 80};
	struct site site;
	struct report_document *doc;
	const struct report_table *table;
	uint16_t ids[3];

	(void)state;
	site_new(&site, "Asia/Tokyo");
	ids[0] = site_sensor(&site, "alpha");
	ids[1] = site_sensor(&site, "beta");
	ids[2] = site_sensor(&site, "gamma");
	for (size_t s = 0; s < 3; s++) {
		site_begin(&site, ids[s]);
		for (int32_t day = SITE_WEEK_B; day < SITE_WEEK_B + 7; day++) {
			site_observe(&site, ids[s], day, 0, 24, 2);
			for (uint32_t p = 0; p < 3; p++)
				site_access(&site, ids[s], ROW(day, IP(1, 1, 1, 1), 6, ports[p],
				    60 - 10 * p, "CN", 0));
			site_access(&site, ids[s], ROW(day, IP(3, 3, 3, 3), 6, 23, 20, "JP", 0));
			site_access(&site, ids[s], ROW(day, IP(4, 4, 4, 4), 6, 23, 15, "KR", 0));
			if (s == 1)
				site_access(&site, ids[s], ROW(day, IP(2, 2, 2, 2), 6, 5555, 400, "US",
				    0));
		}
		site_commit(&site);
	}
	doc = week(&site, SITE_WEEK_B);
	table = find_table(doc, "ports");
	assert_int_equal(find_cell(table, 0, "port")->integer, 5555);
	assert_string_equal(find_cell(table, 0, "rank")->text, "rank.dagger");
	assert_int_equal(find_cell(table, 0, "rank")->values[0].integer, 1);
	assert_int_equal(find_cell(table, 1, "rank")->kind, REPORT_VALUE_INTEGER);
	assert_fact(doc, "port.5555/tcp.sensor-median", 0);
	assert_fact(doc, "port.23/tcp.sensor-median", (60 + 20 + 15) / 2.0);
	assert_string_equal(table->notes[1].message, "note.dagger");
	/* The United States would fall from 2 to 4; China would stay. */
	table = find_table(doc, "countries");
	assert_int_equal(find_cell(table, 0, "rank")->kind, REPORT_VALUE_INTEGER);
	assert_string_equal(find_cell(table, 1, "country")->text, "US");
	assert_string_equal(find_cell(table, 1, "rank")->text, "rank.dagger");
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_first_rules),
		cmocka_unit_test(test_attacks),
		cmocka_unit_test(test_one_sensor_rank),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
