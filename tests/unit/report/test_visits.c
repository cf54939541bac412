/*
 * What visitors said, in the report: what may be published of names and passwords, what is said of
 * days whose records are gone, and that a dark sensor's report says nothing of it.
 */
#include "site.h"

#include "sentences.h"

#define TEXT(s) {.data = (s), .len = (uint32_t)strlen(s)}

static struct site site;

static int setup(void **state)
{
	(void)state;
	site_new(&site, "Asia/Tokyo");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	site_free(&site);
	return 0;
}

static int64_t noon(int32_t day)
{
	return (int64_t)day * CIVIL_US_PER_DAY + 3 * 60 * SITE_MINUTE;
}

struct tried {
	int32_t day;
	uint16_t sensor;
	uint64_t src_hi;
	uint64_t src_lo;
	uint32_t asn;
	const char *user;
	const char *password;
	const char *secret;
};

/* A session with one login. */
static void try_login(const struct tried *t)
{
	static uint64_t id;
	struct record_session session = {.time = noon(t->day), .sensor = t->sensor, .id = ++id,
	    .src_hi = t->src_hi, .src_lo = t->src_lo, .dport = 22, .transport = 6,
	    .protocol = TEXT("ssh"), .logins = 1, .asn = t->asn};
	struct record_login login = {.time = noon(t->day), .sensor = t->sensor, .session = id,
	    .src_hi = t->src_hi, .src_lo = t->src_lo, .dport = 22, .protocol = TEXT("ssh"),
	    .user = TEXT(t->user), .password = TEXT(t->password), .secret = TEXT(t->secret),
	    .outcome = TEXT("refused"), .asn = t->asn};

	OK(store_ingest_rows(site.ingest, RECORD_TABLE_session, &session, 1, &err));
	OK(store_ingest_rows(site.ingest, RECORD_TABLE_login, &login, 1, &err));
}

/* The same login from `sources` addresses, source i in network 64500 + i % networks, on each of
 * `days` days. */
static void try_widely(uint16_t sensor, const char *user, const char *password, unsigned sources,
    unsigned networks, int days)
{
	for (int day = 0; day < days; day++)
		for (unsigned i = 0; i < sources; i++)
			try_login(&(struct tried){SITE_WEEK_B + day, sensor, 0,
			    IP_V4_PREFIX | (0xcb007100 + i),
			    networks ? 64500 + i % networks : 0, user, password, "password"});
}

static void observe_weeks(uint16_t sensor)
{
	for (int32_t day = SITE_WEEK_A; day < SITE_WEEK_B + 7; day++)
		site_observe(&site, sensor, day, 0, 24, 4);
}

static struct report_document *build(void)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;

	OK(report_build(site.store, &options, &doc, &err));
	return doc;
}

/* "root admin ": what a table lists in a column. */
static const char *listed(const struct report_document *doc, const char *id, const char *csv)
{
	static char text[512];
	const struct report_table *table = find_table(doc, id);

	text[0] = '\0';
	for (size_t row = 0; table && row < table->row_count; row++) {
		(void)strncat(text, find_cell(table, row, csv)->text, 100);
		(void)strncat(text, " ", 2);
	}
	return text;
}

static int64_t withheld(const struct report_document *doc, const char *id)
{
	const struct report_table *table = find_table(doc, id);

	for (size_t i = 0; i < table->note_count; i++)
		if (strcmp(table->notes[i].message, "note.withheld") == 0)
			return table->notes[i].values[0].integer;
	return 0;
}

static void one_sensor_publishes_by_sources(void **state)
{
	uint16_t alpha = site_sensor(&site, "alpha");
	struct report_document *doc;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	try_widely(alpha, "root", "wide", 5, 2, 2);
	try_widely(alpha, "four", "four-sources", 4, 2, 7);
	try_widely(alpha, "lone", "one-network", 9, 1, 7);
	try_widely(alpha, "short", "one-day", 9, 3, 1);
	site_commit(&site);
	doc = build();
	assert_string_equal(listed(doc, "users", "user"), "root ");
	assert_string_equal(listed(doc, "passwords", "password"), "wide ");
	assert_string_equal(listed(doc, "logins", "user"), "root ");
	assert_int_equal(withheld(doc, "users"), 3);
	assert_int_equal(withheld(doc, "passwords"), 3);
	assert_fact(doc, "logins.rate", (10 + 28 + 63 + 9) / 28.0);
	assert_fact(doc, "logins.sources", 9);
	assert_true(says(doc, "logins.threshold"));
	assert_true(says(doc, "logins.advice"));
	sentences_check(doc);
	report_document_free(doc);
}

static void two_sensors_must_both_see_it(void **state)
{
	uint16_t alpha = site_sensor(&site, "alpha");
	uint16_t beta = site_sensor(&site, "beta");
	struct report_document *doc;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	try_widely(alpha, "root", "both", 5, 2, 2);
	try_widely(alpha, "admin", "alpha-only", 50, 9, 7);
	site_commit(&site);
	site_begin(&site, beta);
	observe_weeks(beta);
	try_widely(beta, "root", "both", 5, 2, 2);
	site_commit(&site);
	doc = build();
	assert_string_equal(listed(doc, "users", "user"), "root ");
	assert_string_equal(listed(doc, "passwords", "password"), "both ");
	report_document_free(doc);
}

static void networks_that_are_unknown_do_not_count(void **state)
{
	uint16_t alpha = site_sensor(&site, "alpha");
	struct report_document *doc;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	try_widely(alpha, "root", "no-as-data", 5, 0, 2);
	site_commit(&site);
	doc = build();
	assert_string_equal(listed(doc, "passwords", "password"), "no-as-data ");
	report_document_free(doc);
}

/* What was not tried at all is not said to be withheld: no "0 names". */
static void only_what_was_tried_is_withheld(void **state)
{
	uint16_t alpha = site_sensor(&site, "alpha");
	struct report_document *doc;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	try_widely(alpha, "", "public", 1, 1, 1);
	site_commit(&site);
	doc = build();
	assert_true(says(doc, "logins.all-withheld.passwords"));
	assert_false(says(doc, "logins.all-withheld"));
	sentences_check(doc);
	report_document_free(doc);
}

/* A /64 is one source, however many addresses of it try. */
static void ipv6_counts_by_64(void **state)
{
	uint16_t alpha = site_sensor(&site, "alpha");
	struct report_document *doc;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	for (int day = 0; day < 2; day++)
		for (uint64_t i = 0; i < 20; i++)
			try_login(&(struct tried){SITE_WEEK_B + day, alpha, 0x20010db800000001ull,
			    i + 1, 64500 + i % 2, "root", "from-one-64", "password"});
	site_commit(&site);
	doc = build();
	assert_null(find_table(doc, "passwords"));
	assert_true(says(doc, "logins.all-withheld"));
	assert_fact(doc, "logins.sources", 1);
	sentences_check(doc);
	report_document_free(doc);
}

/* Hashes are no passwords, and what looks personal is told by its shape. */
static void shapes_and_hashes(void **state)
{
	static const char *const personal[] = {"taro@example.jp", "090-1234-5678", "0312345678",
	    "mail.example.co.jp", "198.51.100.7"};
	static const char *const shapes[] = {"shape.mail", "shape.phone", "shape.phone",
	    "shape.host", "shape.host"};
	uint16_t alpha = site_sensor(&site, "alpha");
	const struct report_table *table;
	struct report_document *doc;
	unsigned found = 0;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	for (size_t i = 0; i < 5; i++)
		try_widely(alpha, "root", personal[i], 5, 2, 2 + (int)i);
	try_widely(alpha, "root", "123456789", 5, 2, 2);
	try_widely(alpha, "root", "", 6, 2, 2);
	for (uint32_t i = 0; i < 40; i++)
		try_login(&(struct tried){SITE_WEEK_B + (int32_t)i % 4, alpha, 0,
		    IP_V4_PREFIX | (0xcb007100 + i), 64500 + i, "root", "$NETNTLM$1", "hash"});
	site_commit(&site);
	doc = build();
	table = find_table(doc, "passwords");
	assert_non_null(table);
	assert_int_equal(table->row_count, 7);
	for (size_t row = 0; row < table->row_count; row++) {
		const struct report_value *cell = find_cell(table, row, "password");

		for (size_t i = 0; i < 5; i++)
			assert_string_not_equal(cell->text, personal[i]);
		assert_null(strstr(cell->text, "NETNTLM"));
		for (size_t i = 0; i < 5 && cell->kind == REPORT_VALUE_MESSAGE; i++)
			found += strcmp(cell->text, shapes[i]) == 0;
		if (cell->kind != REPORT_VALUE_MESSAGE)
			assert_true(strcmp(cell->text, "123456789") == 0 || !cell->text[0]);
	}
	assert_int_equal(found, 1 + 2 * 2 + 2 * 2); /* two shapes are expected twice */
	report_document_free(doc);
}

static void dropped_days_are_not_compared(void **state)
{
	uint16_t alpha = site_sensor(&site, "alpha");
	struct store_prune_options prune = {.flow_before = INT32_MIN, .all_before = INT32_MIN,
	    .session_before = SITE_WEEK_B, .now_us = noon(SITE_WEEK_B)};
	struct report_document *doc;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	try_login(&(struct tried){SITE_WEEK_A, alpha, 0, IP_V4_PREFIX | 1, 1, "a", "b",
	    "password"});
	try_widely(alpha, "root", "wide", 5, 2, 2);
	site_commit(&site);
	doc = build();
	assert_true(says(doc, "logins.tries.up"));
	report_document_free(doc);
	OK(store_prune(site.store, &prune, site_quiet, NULL, &err));
	doc = build();
	assert_true(says(doc, "visits.lost-before"));
	assert_true(says(doc, "logins.tries.no-data"));
	assert_true(says(doc, "visits.sessions.no-data"));
	assert_false(says(doc, "visits.dropped"));
	sentences_check(doc);
	report_document_free(doc);
	prune.session_before = SITE_WEEK_B + 1;
	OK(store_prune(site.store, &prune, site_quiet, NULL, &err));
	doc = build();
	assert_true(says(doc, "visits.dropped"));
	sentences_check(doc);
	report_document_free(doc);
}

static void events_are_named(void **state)
{
	static const struct {
		const char *protocol, *event;
		uint64_t count;
	} events[] = {{"mqtt", "connect", 8}, {"mqtt", "connect.anonymous", 6},
	    {"mqtt", "connect.credentials", 2}, {"http", "request", 90},
	    {"http", "exploit.emerge-e3", 1}};
	uint16_t alpha = site_sensor(&site, "alpha");
	struct report_document *doc;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		struct record_event row = {.time = noon(SITE_WEEK_B), .sensor = alpha,
		    .protocol = TEXT(events[i].protocol), .event = TEXT(events[i].event),
		    .count = events[i].count};

		OK(store_ingest_rows(site.ingest, RECORD_TABLE_event, &row, 1, &err));
	}
	site_commit(&site);
	doc = build();
	assert_string_equal(listed(doc, "events", "event"),
	    "mqtt.connect.anonymous mqtt.connect.credentials http.exploit.emerge-e3 ");
	assert_fact(doc, "event.mqtt.connect.anonymous.rate", 6 / 28.0);
	assert_fact(doc, "mqtt.connect.anonymous.share", 75);
	sentences_check(doc);
	report_document_free(doc);
}

static void a_dark_sensor_says_nothing(void **state)
{
	uint16_t alpha = site_sensor(&site, "alpha");
	struct report_document *doc;

	(void)state;
	site_begin(&site, alpha);
	observe_weeks(alpha);
	site_access(&site, alpha, &(const struct site_packets){SITE_WEEK_B, 1, 6, 23, 5, "CN", 0});
	site_commit(&site);
	doc = build();
	for (const struct report_block *block = doc->blocks; block; block = block->next)
		if (block->kind == REPORT_BLOCK_HEADING)
			assert_string_not_equal(block->anchor, "visits");
	for (const struct report_fact *fact = doc->facts; fact; fact = fact->next)
		assert_null(strstr(fact->id, "login"));
	report_document_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_sensor_publishes_by_sources, setup, teardown),
		cmocka_unit_test_setup_teardown(two_sensors_must_both_see_it, setup, teardown),
		cmocka_unit_test_setup_teardown(networks_that_are_unknown_do_not_count, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(only_what_was_tried_is_withheld, setup, teardown),
		cmocka_unit_test_setup_teardown(ipv6_counts_by_64, setup, teardown),
		cmocka_unit_test_setup_teardown(shapes_and_hashes, setup, teardown),
		cmocka_unit_test_setup_teardown(dropped_days_are_not_compared, setup, teardown),
		cmocka_unit_test_setup_teardown(events_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dark_sensor_says_nothing, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
