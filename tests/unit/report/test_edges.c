/* Ties, zones whose clocks change, sensors that come and go, previous zero, bursts, ICMP. */
#include "site.h"

#include "base/zone.h"
#include "sentences.h"

#include <math.h>

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static void access_rows(struct site *site, uint16_t sensor, const struct site_packets *rows,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		site_access(site, sensor, &rows[i]);
}

#define ROWS(...) \
	(const struct site_packets[]){__VA_ARGS__}, \
	    sizeof((const struct site_packets[]){__VA_ARGS__}) / sizeof(struct site_packets)

/* One sensor, one day, 1 address. */
static void one_day(struct site *site, uint16_t sensor, int32_t day,
    const struct site_packets *rows, size_t count)
{
	site_begin(site, sensor);
	site_observe(site, sensor, day, 0, 24, 1);
	access_rows(site, sensor, rows, count);
	site_commit(site);
}

static void test_ties(void **state)
{
	const int32_t day = SITE_WEEK_B;
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	const struct report_table *ports;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	id = site_sensor(&site, "solo");
	/* All 10 packets: 9999 from two sources, then 53/TCP before 53/UDP before 80. */
	one_day(&site, id, day, ROWS(
	    {day, IP(1, 0, 0, 1), 6, 80, 10, "US", 0},
	    {day, IP(1, 0, 0, 1), 17, 53, 10, "US", 0},
	    {day, IP(1, 0, 0, 1), 6, 53, 10, "US", 0},
	    {day, IP(1, 0, 0, 1), 6, 9999, 5, "US", 0},
	    {day, IP(1, 0, 0, 2), 6, 9999, 5, "US", 0}));
	OK(report_build(site.store, &options, &doc, &err));
	ports = find_table(doc, "ports");
	assert_int_equal(ports->row_count, 4);
	assert_int_equal(find_cell(ports, 0, "port")->integer, 9999);
	assert_int_equal(find_cell(ports, 1, "port")->integer, 53);
	assert_int_equal(find_cell(ports, 1, "port")->proto, 6);
	assert_int_equal(find_cell(ports, 2, "port")->integer, 53);
	assert_int_equal(find_cell(ports, 2, "port")->proto, 17);
	assert_int_equal(find_cell(ports, 3, "port")->integer, 80);
	/* One sensor: no columns that compare sensors. */
	for (size_t c = 0; c < ports->column_count; c++)
		assert_string_not_equal(ports->columns[c].csv, "top_sensor_share");
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

/* The same packets, spread differently over three sensors, are a tie all the same. */
static void test_tie_over_sensors(void **state)
{
	const int32_t day = SITE_WEEK_B;
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	const struct report_table *ports;
	struct site site;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	for (uint32_t i = 0; i < 3; i++) {
		uint16_t id = site_sensor(&site, (const char *[]){"a", "b", "c"}[i]);

		one_day(&site, id, day, ROWS(
		    {day, IP(1, 0, 0, 1), 6, 7777, (const uint32_t[]){1, 2, 4}[i], "US", 0},
		    {day, IP(1, 0, 0, 1), 6, 5555, (const uint32_t[]){3, 1, 3}[i], "US", 0}));
		if (i == 2)
			one_day(&site, id, day, ROWS(
			    {day, IP(1, 0, 0, 1), 6, 6666, 7, "US", 0}));
	}
	OK(report_build(site.store, &options, &doc, &err));
	ports = find_table(doc, "ports");
	assert_int_equal(find_cell(ports, 0, "port")->integer, 5555);
	assert_int_equal(find_cell(ports, 1, "port")->integer, 6666);
	assert_int_equal(find_cell(ports, 2, "port")->integer, 7777);
	report_document_free(doc);
	site_free(&site);
}

/* Half of the time observed: the rate is that of the observed time, and marked. */
static void test_outage(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	id = site_sensor(&site, "solo");
	for (int32_t day = SITE_WEEK_A; day < SITE_WEEK_B + 7; day++) {
		bool half = day >= SITE_WEEK_B;

		site_begin(&site, id);
		site_observe(&site, id, day, 0, half ? 12 : 24, 1);
		site_access(&site, id, &(struct site_packets){day, IP(1, 0, 0, 1), 6, 23,
		    half ? 50 : 100, "US", 0});
		site_commit(&site);
	}
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "access.rate", 100);
	assert_fact(doc, "access.rate.before", 100);
	assert_fact(doc, "coverage", 50);
	assert_true(says(doc, "access.rate.same"));
	assert_true(says(doc, "environment.gap"));
	report_document_free(doc);
	site_free(&site);
}

/* A sensor that is new counts in the rate and not in the change; another one has gone. */
static void test_panel(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	struct site site;
	uint16_t stays;
	uint16_t comes;
	uint16_t goes;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	stays = site_sensor(&site, "stays");
	comes = site_sensor(&site, "comes");
	goes = site_sensor(&site, "goes");
	for (int32_t day = SITE_WEEK_A; day < SITE_WEEK_A + 7; day++) {
		one_day(&site, stays, day, ROWS({day, IP(1, 0, 0, 1), 6, 23, 100, "US", 0}));
		one_day(&site, goes, day, ROWS({day, IP(1, 0, 0, 2), 6, 23, 500, "US", 0}));
	}
	for (int32_t day = SITE_WEEK_B; day < SITE_WEEK_B + 7; day++) {
		one_day(&site, stays, day, ROWS({day, IP(1, 0, 0, 1), 6, 23, 150, "US", 0}));
		one_day(&site, comes, day, ROWS({day, IP(1, 0, 0, 3), 6, 23, 900, "US", 0},
		    {day, IP(1, 0, 0, 4), 6, 23, 100, "US", 0}));
	}
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "access.rate", (150 + 1000) / 2.0);
	assert_fact(doc, "access.rate.before", (100 + 500) / 2.0);
	assert_fact(doc, "access.rate.difference", 50);
	assert_fact(doc, "access.rate.percent", 50);
	assert_fact(doc, "access.sources", 3);
	assert_fact(doc, "access.sources.difference", 0);
	assert_true(says(doc, "environment.added"));
	assert_true(says(doc, "environment.removed"));
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

/* A sensor that joins on Thursday is expected from Thursday on; a new site for the whole week. */
static void test_joining_sensor(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	struct site site;
	uint16_t old;
	uint16_t joins;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	old = site_sensor(&site, "old");
	joins = site_sensor(&site, "joins");
	for (int32_t day = SITE_WEEK_A + 4; day < SITE_WEEK_B + 7; day++)
		one_day(&site, old, day, ROWS({day, IP(1, 0, 0, 1), 6, 23, 100, "US", 0}));
	for (int32_t day = SITE_WEEK_B + 3; day < SITE_WEEK_B + 7; day++)
		one_day(&site, joins, day, ROWS({day, IP(1, 0, 0, 1), 6, 23, 100, "US", 0}));
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "coverage", 100);
	assert_fact(doc, "sensor.joins.coverage", 100);
	assert_fact(doc, "access.rate", 100);
	assert_false(says(doc, "environment.gap"));
	assert_true(says(doc, "environment.added"));
	sentences_check(doc);
	report_document_free(doc);
	options.period = (struct report_period){REPORT_PERIOD_WEEK, SITE_WEEK_A, SITE_WEEK_B};
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "coverage", 300 / 7.0);
	assert_true(says(doc, "environment.gap"));
	assert_true(says(doc, "environment.low-coverage"));
	report_document_free(doc);
	site_free(&site);
}

/* All sensors replaced: data lies before, but nothing can be compared. */
static void test_no_panel(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	struct site site;
	uint16_t before;
	uint16_t now;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	before = site_sensor(&site, "before");
	now = site_sensor(&site, "now");
	one_day(&site, before, SITE_WEEK_A,
	    ROWS({SITE_WEEK_A, IP(1, 0, 0, 1), 6, 23, 100, "US", 0}));
	one_day(&site, now, SITE_WEEK_B,
	    ROWS({SITE_WEEK_B, IP(1, 0, 0, 1), 6, 23, 100, "US", 0}));
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "access.rate", 100);
	assert_fact(doc, "access.rate.before", 100);
	assert_false(report_fact_find(doc, "access.rate.percent")->known);
	assert_true(says(doc, "environment.no-panel"));
	assert_true(says(doc, "access.rate.no-panel"));
	assert_false(says(doc, "access.rate.no-data"));
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

/* Europe/Berlin sets its clock back on 2026-10-25: that day has 25 hours. */
static void test_clock_change(void **state)
{
	const int32_t monday = 20745; /* 2026-10-19 */
	struct report_options options = site_week(monday);
	struct report_document *doc = NULL;
	const struct report_figure *figure;
	struct zone *zone = NULL;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Europe/Berlin");
	id = site_sensor(&site, "solo");
	OK(zone_new("Europe/Berlin", &zone, &err));
	for (int32_t day = monday; day < monday + 7; day++) {
		int64_t start = zone_day_start(zone, day);
		int64_t end = zone_day_start(zone, day + 1);
		struct record_coverage coverage = {.time = start, .end = end, .sensor = id,
		    .addresses = 1};
		struct record_flow first = {.time = start, .sensor = id, .src_lo = IP_V4_PREFIX | 1,
		    .proto = 6, .port = 23, .tcp_flags = 2, .packets = 10, .country = "US"};
		struct record_flow last = first;

		last.time = end - CIVIL_US_PER_MINUTE;
		last.packets = (uint32_t)((end - start) / CIVIL_US_PER_MINUTE / 60);
		site_begin(&site, id);
		OK(store_ingest_coverage(site.ingest, &coverage, 1, &err));
		OK(store_ingest_flow(site.ingest, &first, 1, &err));
		OK(store_ingest_flow(site.ingest, &last, 1, &err));
		site_commit(&site);
	}
	OK(report_build(site.store, &options, &doc, &err));
	figure = find_figure(doc, "access-daily");
	assert_int_equal(figure->point_count, 7);
	for (size_t i = 0; i < 6; i++)
		assert_true(figure->series[0].values[i] == 34);
	/* 35 packets in 25 hours */
	assert_true(fabs(figure->series[0].values[6] - 35 * 24 / 25.0) < 1e-9);
	assert_fact(doc, "coverage", 100);
	report_document_free(doc);
	zone_free(zone);
	site_free(&site);
}

/* 7547/TCP bursts on one day and would flatten the figure: it is left out, with a note. */
static void test_burst(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	const struct report_figure *figure;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	id = site_sensor(&site, "solo");
	for (int32_t day = SITE_WEEK_B; day < SITE_WEEK_B + 7; day++)
		one_day(&site, id, day, ROWS(
		    {day, IP(1, 0, 0, 1), 6, 7547, day == SITE_WEEK_B + 2 ? 9000 : 10, "US", 0},
		    {day, IP(1, 0, 0, 1), 6, 23, 500, "US", 0},
		    {day, IP(1, 0, 0, 1), 6, 22, 300, "US", 0},
		    {day, IP(1, 0, 0, 1), 6, 80, 200, "US", 0}));
	OK(report_build(site.store, &options, &doc, &err));
	assert_int_equal(find_cell(find_table(doc, "ports"), 0, "port")->integer, 7547);
	figure = find_figure(doc, "ports-daily");
	assert_int_equal(figure->series_count, 3);
	assert_int_equal(figure->series[0].label.integer, 23);
	assert_int_equal(figure->note_count, 1);
	assert_string_equal(figure->notes[0].message, "note.excluded");
	assert_int_equal(figure->notes[0].values[1].integer, SITE_WEEK_B + 2);
	report_document_free(doc);
	site_free(&site);
}

static void test_icmp(void **state)
{
	const int32_t day = SITE_WEEK_B;
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	id = site_sensor(&site, "solo");
	one_day(&site, id, day, ROWS(
	    {day, IP(1, 0, 0, 1), 1, 8, 10, "US", 0},
	    {day, IP(1, 0, 0, 1), 1, 13, 5, "US", 0},
	    {day, IP(1, 0, 0, 1), 6, 23, 12, "US", 0}));
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "port.8/icmp.rate", 10);
	assert_fact(doc, "port.13/icmp.rate", 5);
	assert_int_equal(find_cell(find_table(doc, "ports"), 0, "port")->integer, 23);
	report_document_free(doc);
	options.icmp_zero = true;
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "port.0/icmp.rate", 15);
	assert_null(report_fact_find(doc, "port.8/icmp.rate"));
	assert_int_equal(find_cell(find_table(doc, "ports"), 0, "port")->proto, 1);
	report_document_free(doc);
	site_free(&site);
}

/* IPv6 sources of one /64 are one source. */
static void test_ipv6_by_64(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	id = site_sensor(&site, "solo");
	site_begin(&site, id);
	site_observe(&site, id, SITE_WEEK_B, 0, 24, 1);
	for (uint64_t i = 0; i < 6; i++) {
		struct record_flow row = {
			.time = (int64_t)SITE_WEEK_B * CIVIL_US_PER_DAY,
			.sensor = id,
			.src_hi = 0x20010db800000000ull + i / 3,
			.src_lo = 1 + i,
			.proto = 6, .port = 23, .tcp_flags = 2, .packets = 1, .country = "US",
		};

		OK(store_ingest_flow(site.ingest, &row, 1, &err));
	}
	site_commit(&site);
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "access.sources", 2);
	report_document_free(doc);
	site_free(&site);
}

/* No country data: no ranking of unknowns. */
static void test_no_countries(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	id = site_sensor(&site, "solo");
	one_day(&site, id, SITE_WEEK_B,
	    ROWS({SITE_WEEK_B, IP(1, 0, 0, 1), 6, 23, 100, "ZZ", 0}));
	OK(report_build(site.store, &options, &doc, &err));
	assert_null(find_table(doc, "countries"));
	assert_true(says(doc, "countries.unknown"));
	assert_true(says(doc, "dos.zero"));
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

/* A day of which somebody saw half an hour is neither the busiest nor the quietest. */
static void test_hardly_observed_day(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	const int32_t last = SITE_WEEK_B + 4;
	struct record_coverage half_hour = {
		.time = (int64_t)last * CIVIL_US_PER_DAY - 9 * 60 * SITE_MINUTE,
		.addresses = 1,
	};
	struct report_document *doc = NULL;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	id = site_sensor(&site, "solo");
	site_begin(&site, id);
	for (int32_t day = SITE_WEEK_B; day < last; day++) {
		site_observe(&site, id, day, 0, 24, 1);
		access_rows(&site, id,
		    ROWS({day, IP(1, 0, 0, 1), 6, 23, 5 + (uint32_t)(day - SITE_WEEK_B), "US", 0}));
	}
	half_hour.sensor = id;
	half_hour.end = half_hour.time + 30 * SITE_MINUTE;
	OK(store_ingest_coverage(site.ingest, &half_hour, 1, &err));
	access_rows(&site, id, ROWS({last, IP(1, 0, 0, 1), 6, 23, 3, "US", 0}));
	site_commit(&site);
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "access.day.max", 8);
	assert_fact(doc, "access.day.min", 5);
	assert_true(isnan(find_figure(doc, "access-daily")->series[0].values[4]));
	/* Rates below ten keep two decimals everywhere, so that small sites have no 0.0. */
	assert_int_equal(report_fact_find(doc, "access.rate")->decimals, 2);
	assert_int_equal(report_fact_find(doc, "access.day.max")->decimals, 2);
	report_document_free(doc);
	site_free(&site);
}

/* The sentence of a port's windows, or NULL. */
static const struct report_sentence *find_windows(const struct report_document *doc, uint16_t port)
{
	for (const struct report_block *b = doc->blocks; b; b = b->next)
		for (size_t i = 0; i < b->sentence_count; i++) {
			const struct report_sentence *s = &b->sentences[i];

			if (strncmp(s->message, "windows.", 8) != 0)
				continue;
			for (size_t v = 0; v < s->value_count; v++)
				if (s->values[v].kind == REPORT_VALUE_PORT
				    && s->values[v].integer == port)
					return s;
		}
	return NULL;
}

static const char *trend_of(const struct report_sentence *s)
{
	for (size_t v = 0; v < s->value_count; v++)
		if (strcmp(s->values[v].name, "trend") == 0)
			return s->values[v].text;
	return "";
}

/* None after none is no rise; windows that read alike are told once. */
static void test_windows(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;
	struct site site;
	uint16_t id;

	(void)state;
	site_new(&site, "Asia/Tokyo");
	id = site_sensor(&site, "solo");
	site_begin(&site, id);
	for (int32_t day = SITE_WEEK_B; day < SITE_WEEK_B + 7; day++) {
		uint32_t some = day == SITE_WEEK_B || day == SITE_WEEK_B + 5 ? 6 : 0;

		site_observe(&site, id, day, 0, 24, 1);
		access_rows(&site, id, ROWS({day, IP(1, 0, 0, 1), 6, 22, 47, "US", 0},
		    {day, IP(1, 0, 0, 1), 6, 80, (uint32_t)(day - SITE_WEEK_B) * 20 + 20, "US", 0}));
		if (some)
			access_rows(&site, id, ROWS({day, IP(1, 0, 0, 1), 6, 23, some, "US", 0}));
	}
	site_commit(&site);
	OK(report_build(site.store, &options, &doc, &err));
	assert_string_equal(find_windows(doc, 22)->message, "windows.whole");
	assert_string_equal(find_windows(doc, 23)->message, "windows.week");
	assert_string_equal(trend_of(find_windows(doc, 23)), "windows.no-trend");
	assert_string_equal(trend_of(find_windows(doc, 80)), "windows.up");
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_tie_over_sensors),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_panel),
		cmocka_unit_test(test_joining_sensor),
		cmocka_unit_test(test_no_panel),
		cmocka_unit_test(test_clock_change),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_ipv6_by_64),
		cmocka_unit_test(test_no_countries),
		cmocka_unit_test(test_hardly_observed_day),
		cmocka_unit_test(test_windows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
