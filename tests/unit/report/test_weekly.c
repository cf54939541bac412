/* A week of two sensors whose every number was computed by hand. */
#include "site.h"

#include "sentences.h"

#define ROW(...) (&(const struct site_packets){__VA_ARGS__})
#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static struct site site;
static uint16_t alpha;
static uint16_t beta;

static void week_a(void)
{
	for (int32_t day = SITE_WEEK_A; day < SITE_WEEK_A + 7; day++) {
		site_begin(&site, alpha);
		site_observe(&site, alpha, day, 0, 24, 4);
		site_access(&site, alpha, ROW(day, IP(1, 1, 1, 1), 6, 23, 400, "CN", 0));
		site_access(&site, alpha, ROW(day, IP(2, 2, 2, 2), 6, 22, 80, "US", 0));
		site_backscatter(&site, alpha, ROW(day, IP(9, 9, 9, 1), 6, 80, 30, "FR", 0));
		site_commit(&site);
		site_begin(&site, beta);
		site_observe(&site, beta, day, 0, 24, 1);
		site_access(&site, beta, ROW(day, IP(1, 1, 1, 1), 6, 23, 100, "CN", 0));
		site_commit(&site);
	}
}

/* beta observes half of each day; its packets are those of that half. */
static void week_b(void)
{
	for (int32_t day = SITE_WEEK_B; day < SITE_WEEK_B + 7; day++) {
		site_begin(&site, alpha);
		site_observe(&site, alpha, day, 0, 24, 4);
		site_access(&site, alpha, ROW(day, IP(1, 1, 1, 1), 6, 23, 800, "CN",
		    RECORD_MARK_MIRAI));
		site_access(&site, alpha, ROW(day, IP(2, 2, 2, 2), 6, 22, 80, "US", 0));
		site_access(&site, alpha, ROW(day, IP(3, 3, 3, 3), 6, 8080, 40, "JP", 0));
		site_backscatter(&site, alpha, ROW(day, IP(9, 9, 9, 1), 6, 80, 60, "FR", 0));
		site_backscatter(&site, alpha, ROW(day, IP(9, 9, 9, 2), 6, 443, 10, "DE", 0));
		site_commit(&site);
		site_begin(&site, beta);
		site_observe(&site, beta, day, 0, 12, 1);
		site_access(&site, beta, ROW(day, IP(1, 1, 1, 1), 6, 23, 100, "CN", 0));
		site_access(&site, beta, ROW(day, IP(4, 4, 4, 4), 17, 1900, 10, "US", 0));
		site_backscatter(&site, beta, ROW(day, IP(9, 9, 9, 1), 6, 80, 5, "FR", 0));
		site_commit(&site);
	}
}

static int setup(void **state)
{
	(void)state;
	site_new(&site, "Asia/Tokyo");
	alpha = site_sensor(&site, "alpha");
	beta = site_sensor(&site, "beta");
	week_a();
	week_b();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	site_free(&site);
	return 0;
}

static struct report_document *build(int32_t monday)
{
	struct report_options options = site_week(monday);
	struct report_document *doc = NULL;

	OK(report_build(site.store, &options, &doc, &err));
	return doc;
}

static void test_rates(void **state)
{
	struct report_document *doc = build(SITE_WEEK_B);

	(void)state;
	assert_fact(doc, "access.rate", 7210 / 31.5);
	assert_fact(doc, "access.rate.before", 116);
	assert_fact(doc, "access.rate.difference", 7210 / 31.5 - 116);
	assert_fact(doc, "access.rate.percent", (7210 / 31.5 - 116) / 116 * 100);
	assert_fact(doc, "access.sources", 4);
	assert_fact(doc, "access.sources.before", 2);
	assert_fact(doc, "coverage", 75);
	assert_fact(doc, "port.23/tcp.rate", 200);
	assert_fact(doc, "port.23/tcp.rate.percent", 100);
	assert_fact(doc, "port.22/tcp.rate", 560 / 31.5);
	assert_fact(doc, "port.22/tcp.rate.difference", 560 / 31.5 - 16);
	assert_fact(doc, "port.8080/tcp.rate", 280 / 31.5);
	assert_fact(doc, "port.8080/tcp.rate.before", 0);
	assert_false(report_fact_find(doc, "port.8080/tcp.rate.percent")->known);
	assert_fact(doc, "port.23/tcp.top-sensor.share", 5600 / 63.0);
	assert_fact(doc, "mirai.rate", 5600 / 31.5);
	assert_fact(doc, "port.23/tcp.not-mirai", 700 / 31.5);
	assert_fact(doc, "country.CN.rate", 200);
	assert_fact(doc, "country.US.rate", 20);
	assert_fact(doc, "home.rate", 280 / 31.5);
	assert_true(says(doc, "access.rate.up"));
	assert_true(says(doc, "environment.low-coverage"));
	report_document_free(doc);
}

static void test_dos(void **state)
{
	struct report_document *doc = build(SITE_WEEK_B);

	(void)state;
	assert_fact(doc, "dos.packets", 80);
	assert_fact(doc, "dos.packets.before", 30);
	assert_fact(doc, "dos.packets.percent", 50 / 30.0 * 100);
	assert_fact(doc, "dos.rate", 525 / 31.5);
	assert_fact(doc, "dos.victims", 2);
	assert_fact(doc, "dos.victims.before", 1);
	assert_fact(doc, "dos.port.80/tcp.packets", 70);
	assert_fact(doc, "dos.country.DE.packets", 10);
	assert_fact(doc, "dos.top-victim.share", 65 / 75.0 * 100);
	assert_fact(doc, "dos.top-victims.share", 100);
	report_document_free(doc);
}

static void test_ranking(void **state)
{
	struct report_document *doc = build(SITE_WEEK_B);
	const struct report_table *ports = find_table(doc, "ports");
	const struct report_table *countries = find_table(doc, "countries");

	(void)state;
	assert_non_null(ports);
	assert_int_equal(ports->row_count, 4);
	assert_int_equal(find_cell(ports, 0, "port")->integer, 23);
	assert_int_equal(find_cell(ports, 1, "port")->integer, 22);
	assert_int_equal(find_cell(ports, 2, "port")->integer, 8080);
	assert_int_equal(find_cell(ports, 3, "port")->integer, 1900);
	assert_int_equal(find_cell(ports, 3, "port")->proto, 17);
	assert_string_equal(find_cell(ports, 0, "previous_rank")->text, "rank.same");
	assert_string_equal(find_cell(ports, 2, "previous_rank")->text, "rank.new");
	assert_string_equal(find_cell(ports, 2, "change")->text, "change.new");
	assert_int_equal(find_cell(ports, 0, "sensors_seen")->values[0].integer, 2);
	assert_int_equal(find_cell(ports, 3, "sensors_seen")->values[0].integer, 1);
	/* One week of data lies before: 23 and 22 were in its top five, the others were not. */
	assert_int_equal(find_cell(ports, 0, "weeks_in_top5")->values[0].integer, 1);
	assert_int_equal(find_cell(ports, 0, "weeks_in_top5")->values[1].integer, 1);
	assert_int_equal(find_cell(ports, 2, "weeks_in_top5")->values[0].integer, 0);
	assert_non_null(countries);
	assert_int_equal(countries->row_count, 3);
	assert_string_equal(find_cell(countries, 0, "country")->text, "CN");
	assert_int_equal(find_cell(countries, 0, "main_port")->integer, 23);
	assert_string_equal(find_cell(countries, 1, "country")->text, "US");
	assert_int_equal(find_cell(countries, 1, "main_port")->integer, 22);
	report_document_free(doc);
}

/* 23/TCP rose most; China explains all of it.  Beta rose too, from 100 to 200 a day. */
static void test_changes(void **state)
{
	struct report_document *doc = build(SITE_WEEK_B);
	const struct report_table *changes = find_table(doc, "changes");

	(void)state;
	assert_non_null(changes);
	assert_int_equal(find_cell(changes, 0, "port")->integer, 23);
	assert_string_equal(find_cell(changes, 0, "main_country")->values[0].text, "CN");
	assert_string_equal(find_cell(changes, 0, "main_sensor")->values[0].text, "alpha");
	assert_fact(doc, "port.23/tcp.change.country.share", 100);
	/* alpha: 5600/31.5 − 2800/35 of a rise of 100 */
	assert_fact(doc, "port.23/tcp.change.sensor.share", 5600 / 31.5 - 80);
	report_document_free(doc);
}

static void test_days(void **state)
{
	struct report_document *doc = build(SITE_WEEK_B);
	const struct report_figure *figure = find_figure(doc, "access-daily");

	(void)state;
	assert_non_null(figure);
	assert_int_equal(figure->point_count, 7);
	assert_int_equal(figure->series_count, 2);
	assert_true(figure->series[1].muted);
	for (size_t i = 0; i < 7; i++) {
		/* 1030 packets over 4.5 address days; 580 over 5 */
		assert_true(figure->series[0].values[i] > 228.8888
		    && figure->series[0].values[i] < 228.8889);
		assert_true(figure->series[1].values[i] == 116);
	}
	report_document_free(doc);
}

/* The first report of a site: nothing to compare with, and nothing pretends otherwise. */
static void test_first_week(void **state)
{
	struct report_document *doc = build(SITE_WEEK_A);
	const struct report_table *ports = find_table(doc, "ports");

	(void)state;
	assert_fact(doc, "access.rate", 116);
	assert_false(report_fact_find(doc, "access.rate.before")->known);
	assert_false(report_fact_find(doc, "access.rate.percent")->known);
	assert_true(says(doc, "access.rate.no-data"));
	assert_true(says(doc, "environment.first"));
	assert_false(says(doc, "heading.changes"));
	assert_non_null(ports);
	for (size_t c = 0; c < ports->column_count; c++) {
		assert_string_not_equal(ports->columns[c].csv, "previous_rank");
		assert_string_not_equal(ports->columns[c].csv, "change");
		assert_string_not_equal(ports->columns[c].csv, "weeks_in_top5");
	}
	assert_int_equal(find_figure(doc, "access-daily")->series_count, 1);
	sentences_check(doc);
	report_document_free(doc);
}

static void test_bases(void **state)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;

	(void)state;
	options.basis = REPORT_BASIS_SENSOR_MEAN;
	OK(report_build(site.store, &options, &doc, &err));
	/* alpha 920 a day, beta 110 in half a day */
	assert_fact(doc, "access.rate", (920 + 220) / 2.0);
	assert_int_equal(report_fact_find(doc, "access.rate")->unit, REPORT_UNIT_SENSOR_MEAN);
	sentences_check(doc);
	report_document_free(doc);
	options.basis = REPORT_BASIS_TOTAL;
	OK(report_build(site.store, &options, &doc, &err));
	assert_fact(doc, "access.rate", 920 + 220);
	assert_fact(doc, "access.rate.before", 580);
	report_document_free(doc);
}

static void test_sentences(void **state)
{
	struct report_document *doc = build(SITE_WEEK_B);
	struct report_options options = site_week(SITE_WEEK_B);

	(void)state;
	sentences_check(doc);
	report_document_free(doc);
	options.period = (struct report_period){REPORT_PERIOD_MONTH, 20727, 20727 + 31};
	OK(report_build(site.store, &options, &doc, &err));
	sentences_check(doc);
	report_document_free(doc);
	options.files = (const char *const[]){"a.pcap"};
	options.file_count = 1;
	OK(report_analysis(site.store, &options, &doc, &err));
	assert_string_equal(doc->name, "analysis");
	assert_true(doc->previous.from == doc->previous.to);
	assert_fact(doc, "access.rate", (4060 + 7210) / 66.5);
	sentences_check(doc);
	report_document_free(doc);
}

static void test_period_find(void **state)
{
	struct report_period period;

	(void)state;
	OK(report_period_find(site.store, NULL, REPORT_PERIOD_WEEK, REPORT_MONDAY, &period, &err));
	assert_int_equal(period.from, SITE_WEEK_B);
	OK(report_period_find(site.store, "2026-10-07", REPORT_PERIOD_WEEK, REPORT_MONDAY, &period,
	    &err));
	assert_int_equal(period.from, SITE_WEEK_A);
	/* No month is complete: the one that has begun. */
	OK(report_period_find(site.store, "last", REPORT_PERIOD_MONTH, REPORT_MONDAY, &period,
	    &err));
	assert_int_equal(period.from, 20727);
}

static void test_nothing_observed(void **state)
{
	struct report_options options = site_week(SITE_WEEK_A - 70);
	struct report_document *doc = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(report_build(site.store, &options, &doc, &err), ST_NOT_FOUND);
	assert_null(doc);
	assert_non_null(strstr(err.text, "2026-07-27"));
}

/* No address of a source or victim may appear in a document. */
static void test_no_addresses(void **state)
{
	struct report_document *doc = build(SITE_WEEK_B);

	(void)state;
	for (const struct report_fact *f = doc->facts; f; f = f->next) {
		assert_null(strstr(f->id, "9.9.9"));
		assert_null(strstr(f->id, "1.1.1"));
	}
	report_document_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_dos),
		cmocka_unit_test(test_ranking),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_first_week),
		cmocka_unit_test(test_bases),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_period_find),
		cmocka_unit_test(test_nothing_observed),
		cmocka_unit_test(test_no_addresses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
