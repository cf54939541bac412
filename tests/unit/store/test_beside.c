/* A part of the work beside: the same answers as alone, errors that come out, judgements in between. */
#include "fixture.h"

#define DAYS 4
#define SOURCES 40
#define ROUNDS 12

static char path[FIXTURE_PATH_MAX];

/* Sources that scan, so that roles are judged; no date is compacted, so that this is done on the fly. */
static void fill(struct store *store, unsigned first)
{
	struct store_ingest *ingest = fixture_begin(store);

	for (int64_t day = 0; day < DAYS; day++) {
		int64_t start = FIXTURE_TIME + day * CIVIL_US_PER_DAY;
		struct record_coverage coverage = fixture_coverage(start);

		OK(store_ingest_coverage(ingest, &coverage, 1, &err));
		for (uint32_t i = 0; i < SOURCES; i++)
			for (uint16_t port = 0; port < 20; port++) {
				struct record_flow row = fixture_flow(
				    start + port * CIVIL_US_PER_MINUTE, 0xc0000200u + first + i);

				row.port = (uint16_t)(1000 + port);
				OK(store_ingest_flow(ingest, &row, 1, &err));
			}
	}
	OK(store_ingest_commit(ingest, &err));
}

static int setup(void **state)
{
	struct store *store;

	(void)state;
	fixture_path(path);
	store = fixture_open(path, STORE_WRITE, "UTC");
	fill(store, 0);
	store_close(store);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_remove(path);
	return 0;
}

#define ACCESS_SQL "SELECT sum(packets) FROM flow"
#define ROLES_SQL "SELECT count(*) FROM role"
#define APART_SQL "SELECT count(*) FROM role_day"

/* What a part finds; a failure is an error, because a test must not jump out of a thread. */
struct found {
	int64_t access;
	int64_t roles;
	unsigned wrong;
};

static int ask_int(struct store *store, const char *sql, int64_t *ret_value, struct err *err)
{
	struct store_result *result = NULL;
	int ret = store_sql(store, sql, &result, err);

	if (!ret)
		*ret_value = store_result_int(result, 0, 0);
	store_result_free(result);
	return ret;
}

static int ask_often(void *arg, struct store *store, struct err *err)
{
	struct found *found = arg;
	int ret = ST_OK;

	for (int i = 0; !ret && i < ROUNDS; i++) {
		int64_t access = 0;
		int64_t roles = 0;
		int64_t apart = -1;

		ret = ask_int(store, ACCESS_SQL, &access, err);
		if (!ret && i % 3 == 0)
			ret = ask_int(store, APART_SQL, &apart, err);
		if (!ret)
			ret = ask_int(store, ROLES_SQL, &roles, err);
		found->wrong += !ret && (access != found->access || roles != found->roles);
		found->wrong += !ret && zone_day(store_zone(store), FIXTURE_TIME) != FIXTURE_DAY;
	}
	return ret;
}

static void test_both_get_the_same_answers(void **state)
{
	struct store *store = fixture_open(path, STORE_READ, NULL);
	struct found alone = {.access = 0};
	struct found beside;
	struct found here;
	struct store_beside *part = NULL;

	(void)state;
	OK(ask_int(store, ACCESS_SQL, &alone.access, &err));
	OK(ask_int(store, ROLES_SQL, &alone.roles, &err));
	assert_int_equal(alone.access, DAYS * SOURCES * 20);
	assert_int_equal(alone.roles, DAYS * SOURCES);
	store_close(store);

	/* From the beginning: both need DuckDB and the judgements at the same moment. */
	store = fixture_open(path, STORE_READ, NULL);
	beside = alone;
	here = alone;
	OK(store_beside_begin(store, ask_often, &beside, &part, &err));
	OK(ask_often(&here, store, &err));
	OK(store_beside_end(part, &err));
	assert_int_equal(beside.wrong, 0);
	assert_int_equal(here.wrong, 0);
	store_close(store);
}

/* What comes while both ask is in whole ingests or not at all, judgements with it. */
static int ask_growing(void *arg, struct store *store, struct err *err)
{
	struct found *found = arg;
	int ret = ST_OK;

	for (int i = 0; !ret && i < ROUNDS; i++) {
		int64_t roles = 0;

		if (i % 2)
			ret = ask_int(store, APART_SQL, &(int64_t){0}, err);
		if (!ret)
			ret = ask_int(store, ROLES_SQL, &roles, err);
		found->wrong += !ret && roles % (DAYS * SOURCES) != 0;
		found->roles = roles;
	}
	return ret;
}

static void test_a_store_that_grows(void **state)
{
	struct store *writer = fixture_open(path, STORE_WRITE, NULL);
	struct store *store = fixture_open(path, STORE_READ, NULL);
	struct found beside = {.wrong = 0};
	struct found here = {.wrong = 0};
	struct store_beside *part = NULL;

	(void)state;
	OK(store_beside_begin(store, ask_growing, &beside, &part, &err));
	for (unsigned i = 1; i <= 2; i++) {
		fill(writer, i * SOURCES);
		OK(ask_growing(&here, store, &err));
		assert_int_equal(here.roles, (int64_t)(i + 1) * DAYS * SOURCES);
	}
	OK(store_beside_end(part, &err));
	assert_int_equal(beside.wrong, 0);
	assert_int_equal(here.wrong, 0);
	store_close(store);
	store_close(writer);
}

static int fail_part(void *arg, struct store *store, struct err *err)
{
	struct store_result *result = NULL;
	int ret = store_sql(store, arg, &result, err);

	store_result_free(result);
	return ret;
}

static void test_errors_come_out(void **state)
{
	struct store *store = fixture_open(path, STORE_READ, NULL);
	struct store_beside *part = NULL;
	struct err said = {0};
	char sql[] = "SELECT no_such_column FROM flow";
	char forbidden[] = "CREATE TABLE stolen AS SELECT * FROM flow";
	int64_t access = 0;

	(void)state;
	OK(store_beside_begin(store, fail_part, sql, &part, &err));
	OK(ask_int(store, ACCESS_SQL, &access, &err));
	assert_int_equal(store_beside_end(part, &said), ST_ENGINE);
	assert_int_equal(said.code, ST_ENGINE);
	assert_non_null(strstr(said.text, "no_such_column"));
	/* What is forbidden to the one is forbidden to the other. */
	OK(store_beside_begin(store, fail_part, forbidden, &part, &err));
	assert_int_equal(store_beside_end(part, &said), ST_USAGE);
	assert_int_equal(store_beside_end(NULL, &said), ST_OK);
	/* And the store goes on. */
	OK(ask_int(store, ACCESS_SQL, &access, &err));
	store_close(store);
}

static void test_too_little_memory_is_an_error(void **state)
{
	const struct store_options options = {.path = path, .mode = STORE_READ, .threads = 1,
		.memory_bytes = 24u << 20};
	static const char many[] = "SELECT count(*) FROM (SELECT a.range * 1000000 + b.range AS x "
	    "FROM range(3000) AS a, range(3000) AS b GROUP BY x) AS words";
	struct store *store = NULL;
	struct store_beside *part = NULL;
	struct err said = {0};
	char sql[sizeof(many)];
	int64_t access = 0;
	int ret;

	(void)state;
	memcpy(sql, many, sizeof(many));
	OK(store_open(&options, &store, &err));
	OK(store_beside_begin(store, fail_part, sql, &part, &err));
	ret = ask_int(store, ACCESS_SQL, &access, &said);
	assert_int_equal(store_beside_end(part, &said), ST_ENGINE);
	assert_non_null(strstr(said.text, "Out of Memory"));
	/* The small one found room, beside or alone. */
	assert_int_equal(ret, ST_OK);
	assert_true(access >= DAYS * SOURCES * 20);
	store_close(store);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_get_the_same_answers),
		cmocka_unit_test(test_errors_come_out),
		cmocka_unit_test(test_too_little_memory_is_an_error),
		cmocka_unit_test(test_a_store_that_grows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
