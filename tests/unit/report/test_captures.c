/* Reports of captures alone: plain counts where a rate means nothing, and nothing at all. */
#include "site.h"

#include "sentences.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define DAY SITE_WEEK_B

struct capture {
	struct site site;
	uint16_t sensor;
	struct report_document *doc;
};

/* A sensor with 4 addresses that observed so many minutes of one day. */
static void capture_begin(struct capture *c, int64_t minutes)
{
	const int64_t start = (int64_t)DAY * CIVIL_US_PER_DAY - 9 * 60 * SITE_MINUTE;
	struct record_coverage row = {.time = start, .end = start + minutes * SITE_MINUTE,
	    .addresses = 4, .packets_read = 20, .packets_counted = 20};

	memset(c, 0, sizeof(*c));
	site_new(&c->site, "Asia/Tokyo");
	row.sensor = c->sensor = site_sensor(&c->site, "solo");
	site_begin(&c->site, c->sensor);
	OK(store_ingest_coverage(c->site.ingest, &row, 1, &err));
}

static void capture_report(struct capture *c, bool any_destination)
{
	struct report_options options = site_week(DAY);

	options.geo = "country: a.mmdb, b.csv; AS: c.csv";
	options.any_destination = any_destination;
	OK(report_analysis(c->site.store, &options, &c->doc, &err));
	sentences_check(c->doc);
}

static void capture_free(struct capture *c)
{
	report_document_free(c->doc);
	site_free(&c->site);
}

static void assert_plain(const struct report_document *doc, const char *id, double expected)
{
	assert_fact(doc, id, expected);
	assert_int_equal(report_fact_find(doc, id)->unit, REPORT_UNIT_PACKETS);
	assert_int_equal(report_fact_find(doc, id)->decimals, 0);
}

/* The text of a sentence's value. */
static const char *value_of(const struct report_document *doc, const char *message,
    const char *name)
{
	for (const struct report_block *b = doc->blocks; b; b = b->next)
		for (size_t i = 0; i < b->sentence_count; i++)
			for (size_t v = 0; v < b->sentences[i].value_count; v++)
				if (strcmp(b->sentences[i].message, message) == 0
				    && strcmp(b->sentences[i].values[v].name, name) == 0)
					return b->sentences[i].values[v].text;
	return "";
}

static void put_packets(struct capture *c)
{
	site_access(&c->site, c->sensor,
	    &(struct site_packets){DAY, IP(1, 0, 0, 1), 6, 23, 12, "US", 0});
	site_access(&c->site, c->sensor,
	    &(struct site_packets){DAY, IP(1, 0, 0, 2), 17, 53, 5, "BR", 0});
	site_backscatter(&c->site, c->sensor,
	    &(struct site_packets){DAY, IP(1, 0, 0, 3), 6, 80, 3, "JP", 0});
	site_commit(&c->site);
}

/* Two minutes are no day: 17 packets, not 3,060 per day per address. */
static void test_minutes_are_counted(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c, 2);
	put_packets(&c);
	capture_report(&c, false);
	assert_plain(c.doc, "access.rate", 17);
	assert_plain(c.doc, "port.23/tcp.rate", 12);
	assert_plain(c.doc, "country.US.rate", 12);
	assert_plain(c.doc, "dos.packets", 3);
	assert_null(report_fact_find(c.doc, "dos.rate"));
	assert_true(says(c.doc, "access.count.short"));
	assert_string_equal(value_of(c.doc, "environment.geo", "geo"), "a.mmdb, b.csv");
	assert_string_equal(value_of(c.doc, "environment.geo-as", "geo"), "c.csv");
	assert_false(says(c.doc, "access.rate.analysis"));
	/* No domestic access: the table of both sides would repeat the ranking of ports. */
	assert_true(says(c.doc, "home.zero"));
	assert_null(find_table(c.doc, "home-abroad"));
	capture_free(&c);
}

static void test_hours_have_a_rate(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c, 12 * 60);
	put_packets(&c);
	capture_report(&c, false);
	assert_fact(c.doc, "access.rate", 17 / (4 * 0.5));
	assert_fact(c.doc, "dos.packets", 6);
	assert_true(says(c.doc, "access.extrapolated"));
	capture_free(&c);
}

/* Nobody said which addresses are observed: nothing to divide by, however long it is. */
static void test_any_destination_is_counted(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c, 12 * 60);
	put_packets(&c);
	capture_report(&c, true);
	assert_plain(c.doc, "access.rate", 17);
	assert_true(says(c.doc, "access.count.anywhere"));
	capture_free(&c);
}

/* analyze -s STORE -o DIR of a new store: the same, as long as there is nothing to compare with. */
static void test_first_captures_of_a_store(void **state)
{
	struct report_options options = site_week(DAY);
	struct capture c;

	(void)state;
	options.period = (struct report_period){REPORT_PERIOD_DAYS, DAY, DAY + 1};
	options.files = (const char *const[]){"a.pcap"};
	options.file_count = 1;
	options.any_destination = true;
	capture_begin(&c, 12 * 60);
	put_packets(&c);
	OK(report_build(c.site.store, &options, &c.doc, &err));
	sentences_check(c.doc);
	assert_string_equal(c.doc->name, "analysis");
	assert_plain(c.doc, "access.rate", 17);
	report_document_free(c.doc);
	/* Somebody observed the day before: rates, so that the two compare. */
	site_begin(&c.site, c.sensor);
	site_observe(&c.site, c.sensor, DAY - 1, 0, 24, 4);
	site_commit(&c.site);
	OK(report_build(c.site.store, &options, &c.doc, &err));
	assert_string_equal(c.doc->name, "period");
	assert_fact(c.doc, "access.rate", 17 / (4 * 0.5));
	capture_free(&c);
}

/* Every section that has a heading says something. */
static void test_nothing_is_said(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c, 1);
	site_commit(&c.site);
	capture_report(&c, false);
	assert_true(says(c.doc, "access.zero.analysis"));
	assert_false(says(c.doc, "access.zero"));
	for (const struct report_block *b = c.doc->blocks; b; b = b->next)
		if (b->kind == REPORT_BLOCK_HEADING && b->level == 1)
			assert_true(b->next && (b->next->kind != REPORT_BLOCK_HEADING
			    || b->next->level > 1));
	capture_free(&c);
}

/* Sources whose country is not known are no lack of data. */
static void test_unknown_countries(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c, 1);
	site_access(&c.site, c.sensor,
	    &(struct site_packets){DAY, IP(10, 0, 0, 1), 6, 23, 12, "ZZ", 0});
	site_commit(&c.site);
	capture_report(&c, false);
	assert_true(says(c.doc, "countries.none-known"));
	assert_false(says(c.doc, "countries.unknown"));
	capture_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minutes_are_counted),
		cmocka_unit_test(test_hours_have_a_rate),
		cmocka_unit_test(test_any_destination_is_counted),
		cmocka_unit_test(test_first_captures_of_a_store),
		cmocka_unit_test(test_nothing_is_said),
		cmocka_unit_test(test_unknown_countries),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
