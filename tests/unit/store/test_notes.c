/*
 * Notes: the words a person attaches them with, what is refused and where, their rows beside a
 * writer, and a store that is older than they are.
 */
#include "fixture.h"

#include "store/note.h"

#include <sqlite3.h>

static char path[FIXTURE_PATH_MAX];

static int setup(void **state)
{
	(void)state;
	fixture_path(path);
	store_close(fixture_open(path, STORE_WRITE, "Asia/Tokyo"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_remove(path);
	return 0;
}

static void series_are_read_and_printed_alike(void **state)
{
	static const struct {
		const char *text, *same, *key;
		enum note_kind kind;
		uint32_t port;
	} cases[] = {
		{"all", "all", "", NOTE_ALL, 0},
		{"port:23/tcp", "port:23/tcp", "23/tcp", NOTE_PORT, 6 << 16 | 23},
		{"port:0053/UDP", "port:53/udp", "53/udp", NOTE_PORT, 17 << 16 | 53},
		{"port:8/icmp", "port:8/icmp", "8/icmp", NOTE_PORT, 1 << 16 | 8},
		{"port:128/icmpv6", "port:128/icmpv6", "128/icmpv6", NOTE_PORT, 58 << 16 | 128},
		{"port:65535/tcp", "port:65535/tcp", "65535/tcp", NOTE_PORT, 6 << 16 | 65535},
		{"country:cn", "country:CN", "CN", NOTE_COUNTRY, 0},
		{"tool:Mirai", "tool:mirai", "mirai", NOTE_TOOL, 0},
		{"tool:hajime-like", "tool:hajime-like", "hajime-like", NOTE_TOOL, 0},
		{"signature:2017918", "signature:1:2017918", "1:2017918", NOTE_SIGNATURE, 0},
		{"signature:3:4294967295", "signature:3:4294967295", "3:4294967295", NOTE_SIGNATURE, 0},
		{"login:telnet", "login:telnet", "telnet", NOTE_LOGIN, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct note_series series;
		char text[NOTE_KEY_MAX + 16];

		OK(note_series_parse(cases[i].text, &series, &err));
		assert_int_equal(series.kind, cases[i].kind);
		assert_string_equal(series.key, cases[i].key);
		assert_int_equal(series.port, cases[i].port);
		note_series_text(&series, text, sizeof(text));
		assert_string_equal(text, cases[i].same);
	}
}

static void what_is_no_series_is_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "everything", "ALL", "all:", "23/tcp", "port:", "port:23", "port:65536/tcp",
		"port:23/sctp", "port:-1/tcp", "port:23/tcp ", "port: 23/tcp", "country:", "country:C",
		"country:CHN", "country:1X", "country:\xe4\xb8", "tool:", "tool:a b", "tool:a:b",
		"signature:", "signature:x", "signature:1:", "signature:4294967296", "signature:1:2:3",
		"signature:99999999999999999999", "login:", "sensor:alpha", "port",
		"tool:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct note_series series = {.kind = NOTE_LOGIN};
		struct err err = {0};

		if (note_series_parse(bad[i], &series, &err) != ST_MALFORMED)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(series.kind, NOTE_LOGIN);
		assert_non_null(strstr(err.text, bad[i]));
		assert_non_null(strstr(err.text, "write"));
	}
}

static void refused(int code, const struct err *err, const char *place)
{
	assert_int_equal(code, ST_MALFORMED);
	if (!strstr(err->text, place))
		fail_msg("'%s' does not say %s", err->text, place);
}

static void texts_are_one_line_of_utf8(void **state)
{
	char longest[NOTE_TEXT_MAX + 2];
	struct err e = {0};

	(void)state;
	OK(note_text_check("--ja", "注意喚起(CVE-2026-1234)を公開 <b>", &err));
	refused(note_text_check("--ja", "", &e), &e, "--ja: the text is empty");
	refused(note_text_check("--ja", " \xe3\x80\x80 ", &e), &e, "empty");
	refused(note_text_check("--en", "ab\ncd", &e), &e, "--en: character 3");
	refused(note_text_check("--en", "\x1b[31m", &e), &e, "character 1");
	refused(note_text_check("--ja", "あ\xc2\x9b", &e), &e, "character 2");
	refused(note_text_check("--ja", "あい\xe2\x80\xaeう", &e), &e, "character 3");
	refused(note_text_check("--ja", "あ\xff", &e), &e, "byte 4");
	memset(longest, 'a', sizeof(longest));
	longest[NOTE_TEXT_MAX] = '\0';
	OK(note_text_check("--en", longest, &err));
	longest[NOTE_TEXT_MAX] = 'a';
	longest[NOTE_TEXT_MAX + 1] = '\0';
	refused(note_text_check("--en", longest, &e), &e, "401 bytes");
}

static void addresses_are_those_of_pages(void **state)
{
	static const char *const bad[] = {"", "https://", "javascript:alert(1)", "//a.example",
		"ftp://a.example", "https:///x", "http:// a", "https://a.example/\"x", "https://a/<b>",
		"https://a/\xe3\x81\x82", "https://a/b c", "HTTPS://a.example"};

	(void)state;
	OK(note_url_check("--url", "https://www.example.jp/at/2026.html?a=1&b=%20#c", &err));
	OK(note_url_check("--url", "http://192.0.2.1:8080/", &err));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		refused(note_url_check("--url", bad[i], &err), &err, "--url");
	}
}

static int64_t add(const char *series, int32_t day, char *ja, char *en, char *url)
{
	struct note note = {.day = day, .series_count = 1, .ja = ja, .en = en, .url = url};
	int64_t id = 0;

	OK(note_series_parse(series, &note.series[0], &err));
	OK(store_note_add(path, &note, &id, &err));
	return id;
}

static void rows_beside_a_writer(void **state)
{
	char ja[] = "注意喚起";
	char en[] = "advisory";
	char url[] = "https://a.example/";
	struct store *writer = fixture_open(path, STORE_WRITE, "Asia/Tokyo");
	struct note_list list;
	struct err refusal = {0};
	int64_t first = add("port:23/tcp", 20731, ja, NULL, url);
	int64_t second = add("country:CN", 20730, NULL, en, NULL);

	(void)state;
	assert_true(second > first);
	OK(store_notes(writer, 20730, 20732, &list, &err));
	assert_int_equal(list.count, 2);
	/* By day. */
	assert_int_equal(list.items[0].id, second);
	assert_int_equal(list.items[0].day, 20730);
	assert_null(list.items[0].ja);
	assert_string_equal(note_text(&list.items[0], true), "advisory");
	assert_string_equal(note_text(&list.items[1], false), "注意喚起");
	assert_string_equal(list.items[1].url, url);
	assert_true(note_is_on(&list.items[1], NOTE_PORT, "23/tcp"));
	assert_false(note_is_on(&list.items[1], NOTE_PORT, "23/udp"));
	assert_false(note_is_on(&list.items[1], NOTE_TOOL, "23/tcp"));
	note_list_free(&list);
	OK(store_notes(writer, 20731, 20732, &list, &err));
	assert_int_equal(list.count, 1);
	note_list_free(&list);
	OK(store_note_remove(path, second, &err));
	assert_int_equal(store_note_remove(path, second, &refusal), ST_NOT_FOUND);
	/* A number is not given twice. */
	assert_true(add("all", 20731, ja, en, NULL) > second);
	OK(store_notes(writer, INT32_MIN, INT32_MAX, &list, &err));
	assert_int_equal(list.count, 2);
	assert_true(note_is_on(&list.items[1], NOTE_LOGIN, "telnet"));
	note_list_free(&list);
	store_close(writer);
}

static void no_store_is_made(void **state)
{
	struct note note = {.day = 1};
	struct err err = {0};
	char none[FIXTURE_PATH_MAX + 8];
	int64_t id;

	(void)state;
	(void)snprintf(none, sizeof(none), "%s/none", path);
	assert_int_equal(store_note_add(none, &note, &id, &err), ST_NOT_FOUND);
	assert_int_equal(store_note_remove(none, 1, &err), ST_NOT_FOUND);
	assert_int_equal(access(none, F_OK), -1);
}

/* What a store has that nobody has written since, and one that a newer program wrote. */
static void other_stores(void **state)
{
	struct store *reader;
	struct note_list list;
	char file[FIXTURE_PATH_MAX + 16];
	sqlite3 *db;

	(void)state;
	(void)snprintf(file, sizeof(file), "%s/catalogue.db", path);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO note (day, series, ja, made) VALUES "
	    "(5, 'moon:full port:23/tcp port:x', 'a', 0), (6, '', NULL, 0)", NULL, NULL, NULL),
	    SQLITE_OK);
	reader = fixture_open(path, STORE_READ, NULL);
	OK(store_notes(reader, 0, 10, &list, &err));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].series_count, 1);
	assert_string_equal(list.items[0].series[0].key, "23/tcp");
	assert_int_equal(list.items[1].series_count, 0);
	assert_string_equal(note_text(&list.items[1], true), "");
	note_list_free(&list);
	store_close(reader);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE note", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	reader = fixture_open(path, STORE_READ, NULL);
	OK(store_notes(reader, 0, 10, &list, &err));
	assert_int_equal(list.count, 0);
	note_list_free(&list);
	store_close(reader);
	assert_true(add("port:23/tcp", 5, file, NULL, NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_are_read_and_printed_alike),
		cmocka_unit_test(what_is_no_series_is_refused),
		cmocka_unit_test(texts_are_one_line_of_utf8),
		cmocka_unit_test(addresses_are_those_of_pages),
		cmocka_unit_test_setup_teardown(rows_beside_a_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(no_store_is_made, setup, teardown),
		cmocka_unit_test_setup_teardown(other_stores, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
