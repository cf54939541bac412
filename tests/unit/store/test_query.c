/* Asking: parameters, functions, result types, and what a person's SQL must not be able to do. */
#include "fixture.h"

static char path[FIXTURE_PATH_MAX];
static struct store *store;

static int setup(void **state)
{
	struct record_flow rows[3];
	struct store_ingest *ingest;
	struct record_coverage coverage = fixture_coverage(FIXTURE_TIME);

	(void)state;
	fixture_path(path);
	store = fixture_open(path, STORE_WRITE, "UTC");
	for (int i = 0; i < 3; i++)
		rows[i] = fixture_flow(FIXTURE_TIME + i * CIVIL_US_PER_DAY,
		    0xc0000201u + (uint32_t)i);
	ingest = fixture_begin(store);
	OK(store_ingest_flow(ingest, rows, 3, &err));
	OK(store_ingest_coverage(ingest, &coverage, 1, &err));
	OK(store_ingest_commit(ingest, &err));
	store_close(store);
	store = fixture_open(path, STORE_READ, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	fixture_remove(path);
	return 0;
}

static void a_person_cannot_write_or_look_elsewhere(void **state)
{
	static const char *const refused[] = {
		"COPY flow TO '/tmp/teiten-stolen.csv'",
		"COPY (SELECT 1) TO '%s/flow/x.parquet' (FORMAT parquet)",
		"ATTACH '%s/catalogue.db'",
		"ATTACH '/tmp/teiten-new.db' AS x",
		"INSTALL httpfs",
		"LOAD httpfs",
		"SET enable_external_access = true",
		"SET lock_configuration = false",
		"RESET allowed_directories",
		"PRAGMA enable_profiling",
		"CREATE TABLE x (a INTEGER)",
		"CREATE TEMP TABLE x AS SELECT 1",
		"DROP VIEW flow",
		"INSERT INTO sensor SELECT * FROM sensor",
		"DELETE FROM sensor",
		"EXPORT DATABASE '/tmp/teiten-x'",
		"CALL pragma_version()",
		"EXPLAIN ANALYZE SELECT 1",
		"SELECT 1; SELECT 2",
		"SELECT 1; COPY (SELECT 1) TO '/tmp/teiten-stolen.csv'",
		"BEGIN",
		"PREPARE p AS SELECT 1",
		"SELECT * FROM read_text('/etc/passwd')",
		"SELECT * FROM read_csv('/etc/passwd')",
		"SELECT * FROM '/etc/passwd'",
		"SELECT * FROM read_blob('%s/catalogue.db')",
		"SELECT * FROM read_blob('%s/flow/../catalogue.db')",
		"SELECT * FROM read_text('%s/lock')",
		"SELECT * FROM glob('/etc/*')",
		"SELECT * FROM glob('/*')",
		"SELECT * FROM read_parquet('http://192.0.2.1/x.parquet')",
		"SELECT * FROM query('COPY (SELECT 1) TO ''/tmp/teiten-stolen.csv''')",
		"SELECT getenv('HOME')",
		"SELECT * FROM feed()",
		"SELECT * FROM nothing",
		"SELECT",
		"",
		";",
		"-- nothing",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct store_result *result = NULL;
		struct err err = {0};
		char sql[2 * FIXTURE_PATH_MAX];
		const char *mark = strstr(refused[i], "%s");

		if (mark)
			(void)snprintf(sql, sizeof(sql), "%.*s%s%s", (int)(mark - refused[i]),
			    refused[i], path, mark + 2);
		else
			(void)snprintf(sql, sizeof(sql), "%s", refused[i]);
		if (store_sql(store, sql, &result, &err) >= 0 && store_result_rows(result) > 0)
			fail_msg("not refused: %s", sql);
		store_result_free(result);
		assert_int_not_equal(access("/tmp/teiten-stolen.csv", F_OK), 0);
	}
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM flow"), 3); /* all is well */
	assert_int_equal(fixture_int(store, "WITH x AS (SELECT 1 AS a) SELECT a FROM x ; "), 1);
	assert_int_equal(fixture_int(store, "SELECT count(*) FROM FLOW -- upper case"), 3);
}

static void functions_print_words(void **state)
{
	(void)state;
	fixture_expect(store,
	    "SELECT ipText(0, 281473902969345), "                           /* 192.0.2.1 */
	    "ipText(2306139568115548160, 1), "                              /* 2001:db8::1 */
	    "ipText(0, 0), ipText(0, 1), ipText(18446744073709551615, 18446744073709551615), "
	    "ipText(281479271743489, 281479271743489), "                   /* 1:1:… */
	    "ipText(281474976710656, 281474976710656)",                    /* 1:0:0:0:1:0:0:0 */
	    "192.0.2.1|2001:db8::1|::|::1|ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff|"
	    "1:1:1:1:1:1:1:1|1::1:0:0:0\n");
	fixture_expect(store,
	    "SELECT className(0), className(2), className(9), protoName(6), protoName(47), "
	    "portName(6, 23), portName(1, 8)",
	    "request|backscatter|other|tcp|47|23/tcp|8/icmp\n");
	fixture_expect(store,
	    "SELECT toStartOfFifteenMinutes(toDateTime('2026-10-01 00:29:59')), "
	    "toMonday(toDate('2026-10-01')), intDiv(7, 2), bitAnd(6, 3), "
	    "multiIf(false, 1, true, 2, 3), sumIf(a, a > 5), countIf(a > 1), uniqExact(a, a) "
	    "FROM (SELECT unnest([1, 2, 2]) AS a) AS t",
	    "1790813700000000|20724|3|2|2|0|2|2\n");
}

static void results_have_types(void **state)
{
	struct store_result *r = NULL;

	(void)state;
	OK(store_sql(store,
	    "SELECT * FROM (VALUES (true, -1, 18446744073709551615::UBIGINT, 1.5::DOUBLE, 'é', "
	    "DATE '2026-10-01', TIMESTAMP '2026-10-01 00:00:01', "
	    "170141183460469231731687303715::HUGEINT, "
	    "1.25::DECIMAL(9,2), [1, 2]), "
	    "(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) "
	    "AS t (b, i, u, r, t, d, s, h, n, l)",
	    &r, &err));
	assert_int_equal(store_result_rows(r), 2);
	assert_int_equal(store_result_columns(r), 10);
	assert_string_equal(store_result_name(r, 1), "i");
	assert_int_equal(store_result_type(r, 0), STORE_TYPE_INT);
	assert_int_equal(store_result_int(r, 0, 0), 1);
	assert_int_equal(store_result_int(r, 0, 1), -1);
	assert_int_equal(store_result_type(r, 2), STORE_TYPE_UINT);
	assert_true(store_result_uint(r, 0, 2) == UINT64_MAX);
	assert_true(store_result_int(r, 0, 2) == INT64_MAX);
	assert_int_equal(store_result_type(r, 3), STORE_TYPE_REAL);
	assert_true(store_result_real(r, 0, 3) == 1.5);
	assert_string_equal(store_result_text(r, 0, 4), "é");
	assert_int_equal(store_result_type(r, 5), STORE_TYPE_DATE);
	assert_int_equal(store_result_int(r, 0, 5), FIXTURE_DAY);
	assert_int_equal(store_result_type(r, 6), STORE_TYPE_TIME);
	assert_int_equal(store_result_int(r, 0, 6), FIXTURE_TIME + 1000000);
	assert_int_equal(store_result_type(r, 7), STORE_TYPE_REAL);
	assert_true(store_result_real(r, 0, 7) > 1.7e29);
	assert_string_equal(store_result_text(r, 0, 8), "1.25");
	assert_string_equal(store_result_text(r, 0, 9), "[1, 2]");
	for (size_t c = 0; c < 10; c++) {
		assert_true(store_result_null(r, 1, c));
		assert_int_equal(store_result_int(r, 1, c), 0);
		assert_string_equal(store_result_text(r, 1, c), "");
	}
	assert_true(store_result_null(r, 2, 0)); /* out of range is null, never a fault */
	assert_true(store_result_null(r, 0, 10));
	assert_int_equal(store_result_int(r, 99, 99), 0);
	assert_string_equal(store_result_name(r, 10), "");
	store_result_free(r);
	fixture_expect(store,
	    "SELECT sum(a), sum(b), sum(c) FROM (VALUES (1, 9223372036854775807, -1), "
	    "(2, 9223372036854775807, 9223372036854775807)) AS t (a, b, c)",
	    "3|18446744073709551614|9223372036854775806\n");
	fixture_expect(store,
	    "SELECT a FROM (VALUES (-1::HUGEINT), (18446744073709551615)) AS t (a) ORDER BY a",
	    "-1\n1.84467e+19\n");
}

static int ask(const struct store_param *params, size_t count, int32_t from, int32_t to,
    struct store_result **ret_result, struct err *err)
{
	return store_ask(store, "rollup_country_day", params, count, from, to, ret_result, err);
}

static void days_limit_a_question(void **state)
{
	const struct store_param flow = {.name = "flow", .kind = STORE_PARAM_SQL, .text = "flow"};
	struct store_result *r = NULL;

	(void)state;
	OK(ask(&flow, 1, INT32_MIN, INT32_MAX, &r, &err));
	assert_int_equal(store_result_rows(r), 3);
	store_result_free(r);
	OK(ask(&flow, 1, FIXTURE_DAY + 1, FIXTURE_DAY + 2, &r, &err));
	assert_int_equal(store_result_rows(r), 1);
	assert_int_equal(store_result_int(r, 0, 0), FIXTURE_DAY + 1);
	store_result_free(r);
	OK(ask(&flow, 1, FIXTURE_DAY + 9, INT32_MAX, &r, &err)); /* no files: empty, not an error */
	assert_int_equal(store_result_rows(r), 0);
	store_result_free(r);
}

static void parameters_must_fit(void **state)
{
	const struct store_param flow = {.name = "flow", .kind = STORE_PARAM_SQL, .text = "flow"};
	const struct store_param both[] = {flow, {.name = "more", .kind = STORE_PARAM_INT}};
	struct store_result *r = NULL;

	(void)state;
	FAILS(ST_USAGE, ask(NULL, 0, 0, 1, &r, &err));
	FAILS(ST_USAGE, ask(both, 2, 0, 1, &r, &err));
	FAILS(ST_USAGE, store_ask(store, "no_such_question", NULL, 0, 0, 1, &r, &err));
	FAILS(ST_USAGE, store_ask(store, "../store/macros", NULL, 0, 0, 1, &r, &err));
}

/* What a parameter becomes, seen through a question whose {flow} is any table expression. */
static void parameter_becomes(const struct store_param *param, const char *expected)
{
	static const char *const hostile_question = "rollup_country_day";
	struct store_result *r = NULL;
	struct store_param as_flow = *param;
	struct err err = {0};

	as_flow.name = "flow";
	assert_true(store_ask(store, hostile_question, &as_flow, 1, 0, 1, &r, &err) < 0);
	if (!strstr(err.text, expected))
		fail_msg("'%s' is not in: %s", expected, err.text);
}

static void parameters_are_quoted(void **state)
{
	const int64_t ints[] = {1, -2, 3};
	const struct store_param text = {.kind = STORE_PARAM_TEXT,
		.text = "x' AS a; DROP TABLE sensor; --"};
	const struct store_param list = {.kind = STORE_PARAM_INTS, .ints = ints, .int_count = 3};

	(void)state;
	/* A text is one quoted name here, however it is written: a file that does not exist. */
	parameter_becomes(&text, "x' AS a; DROP TABLE sensor; --");
	parameter_becomes(&list, "syntax error at or near \"1\"");
}

struct seen {
	size_t rows;
	int64_t packets;
	int answer; /* of the caller */
};

static int see(void *arg, const struct store_result *block, struct err *err)
{
	struct seen *seen = arg;
	const int64_t *packets = store_result_ints(block, 3);

	assert_int_equal(store_result_columns(block), 5);
	assert_non_null(packets);
	assert_null(store_result_ints(block, 5));
	for (size_t i = 0; i < store_result_rows(block); i++)
		seen->packets += packets[i];
	seen->rows += store_result_rows(block);
	return seen->answer ? err_set(err, seen->answer, "enough") : ST_OK;
}

static void large_answers_come_in_blocks(void **state)
{
	const struct store_param params[] = {
		{.name = "from_day", .kind = STORE_PARAM_DATE, .int_value = FIXTURE_DAY},
		{.name = "to_day", .kind = STORE_PARAM_DATE, .int_value = FIXTURE_DAY + 2}};
	struct store_result *result = NULL;
	struct seen seen = {0};

	(void)state;
	OK(store_scan(store, "rises_ports", params, 2, INT32_MIN, INT32_MAX, see, &seen, &err));
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.packets, 2);
	FAILS(ST_USAGE, store_scan(store, "no_such", params, 2, INT32_MIN, INT32_MAX, see, &seen,
	    &err));
	seen.answer = ST_LIMIT;
	FAILS(ST_LIMIT, store_scan(store, "rises_ports", params, 2, INT32_MIN, INT32_MAX, see,
	    &seen, &err));
	OK(store_sql(store, "SELECT 'x' AS t, 1.5 AS r, NULL::INTEGER AS n", &result, &err));
	assert_null(store_result_ints(result, 0));
	assert_null(store_result_ints(result, 1));
	assert_int_equal(store_result_ints(result, 2)[0], 0);
	store_result_free(result);
}

/* What a SELECT with %d for a list's number gives. */
static void expect_among(int list, const char *sql, const char *expected)
{
	char text[400];

	(void)snprintf(text, sizeof(text), sql, list);
	fixture_expect(store, text, expected);
}

#define MANY 100000
#define MANY_SQL "SELECT count(*), sum(i), bool_and(i %% 3 = 0) FROM range(300000) AS r (i) " \
	"WHERE among(CAST(i AS UBIGINT), %d)"

static void lists_of_numbers_are_looked_for(void **state)
{
	const uint64_t some[] = {IP_V4_PREFIX | 0xc0000201u, IP_V4_PREFIX | 0xc0000203u, 7,
	    UINT64_MAX};
	uint64_t *many = calloc(MANY, sizeof(*many));
	int lists[64];
	int list = -1;
	int large = -1;

	(void)state;
	assert_non_null(many);
	for (uint64_t i = 0; i < MANY; i++)
		many[i] = 3 * i;
	OK(store_among_begin(store, some, 4, &list, &err));
	expect_among(list, "SELECT count(*), min(date), max(date) FROM flow "
	    "WHERE among(src_lo, %d)", "2|20727|20729\n");
	expect_among(list, "SELECT among(18446744073709551615::UBIGINT, %d)", "1\n");
	expect_among(list, "SELECT among(0::UBIGINT, %d)", "0\n");
	expect_among(list, "SELECT count(*) FROM (VALUES (7), (NULL), (8)) AS t (a) "
	    "WHERE among(CAST(a AS UBIGINT), %d) IS NULL", "1\n");
	expect_among(list, "SELECT count(*) FROM flow WHERE among(port, %d)", "0\n");
	OK(store_among_begin(store, many, MANY, &large, &err));
	assert_int_not_equal(list, large);
	expect_among(large, MANY_SQL, "100000|14999850000|1\n");
	store_among_end(store, list);
	expect_among(list, MANY_SQL, "0|NULL|NULL\n");
	store_among_end(store, large);
	store_among_end(store, -1);
	/* No list, or a number that no list can have, has nothing. */
	expect_among(-1, "SELECT count(*) FROM flow WHERE among(src_lo, %d)", "0\n");
	expect_among(1 << 30, "SELECT count(*) FROM flow WHERE among(src_lo, %d)", "0\n");
	for (size_t i = 0; i < 64; i++)
		OK(store_among_begin(store, NULL, 0, &lists[i], &err));
	FAILS(ST_LIMIT, store_among_begin(store, some, 4, &list, &err));
	for (size_t i = 0; i < 60; i++) /* the rest ends with the store */
		store_among_end(store, lists[i]);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_cannot_write_or_look_elsewhere),
		cmocka_unit_test(functions_print_words),
		cmocka_unit_test(results_have_types),
		cmocka_unit_test(days_limit_a_question),
		cmocka_unit_test(parameters_must_fit),
		cmocka_unit_test(parameters_are_quoted),
		cmocka_unit_test(large_answers_come_in_blocks),
		cmocka_unit_test(lists_of_numbers_are_looked_for),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
