/*
 * Whole editions of the hand-made report: compared byte for byte with tests/golden/publish, checked
 * for well-formedness and for attackers' words.
 *
 * TEITEN_GOLDEN_UPDATE=1 writes the golden files; TEITEN_PUBLISH_OUT=DIR keeps everything to look at.
 */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define FILES_MAX 64

struct files {
	struct {
		char *name;
		char *data;
		size_t len;
	} file[FILES_MAX];
	size_t count;
};

static int keep_file(void *arg, const char *name, const char *data, size_t len, struct err *err)
{
	struct files *files = arg;

	(void)err;
	assert_true(files->count < FILES_MAX);
	files->file[files->count].name = strdup(name);
	files->file[files->count].data = malloc(len + 1);
	memcpy(files->file[files->count].data, data, len);
	files->file[files->count].data[len] = '\0';
	files->file[files->count++].len = len;
	return ST_OK;
}

static void drop_files(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->file[i].name);
		free(files->file[i].data);
	}
}

static void publish_sample(struct files *files, enum publish_language language, size_t styles)
{
	struct publish_style style[2] = {
		{.language = language, .csv_bom = language == PUBLISH_EN},
		{.language = language == PUBLISH_JA ? PUBLISH_EN : PUBLISH_JA},
	};
	struct report_document *d = sample_document(language);
	struct err err = {0};
	const char *out = getenv("TEITEN_PUBLISH_OUT");

	assert_int_equal(publish_all(d, style, styles, keep_file, files, &err), ST_OK);
	report_document_free(d);
	for (size_t i = 0; out && styles == 1 && i < files->count; i++) {
		char path[600];
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", out, files->file[i].name);
		f = fopen(path, "w");
		assert_non_null(f);
		fwrite(files->file[i].data, 1, files->file[i].len, f);
		fclose(f);
	}
}

static const char *find_file(const struct files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->file[i].name, name) == 0)
			return files->file[i].data;
	fail_msg("no file %s", name);
	return NULL;
}

static void compare_golden(const char *name, const char *data)
{
	char path[600];
	char *golden;
	FILE *f;
	long len;

	snprintf(path, sizeof(path), "%s/tests/golden/publish/%s", getenv("TEITEN_SOURCE"), name);
	if (getenv("TEITEN_GOLDEN_UPDATE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(data, f);
		fclose(f);
		return;
	}
	f = fopen(path, "r");
	if (!f)
		fail_msg("no golden file %s", path);
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	golden = calloc((size_t)len + 1, 1);
	assert_int_equal(fread(golden, 1, (size_t)len, f), len);
	fclose(f);
	if (strcmp(golden, data) != 0) {
		size_t same = 0;

		while (golden[same] && golden[same] == data[same])
			same++;
		while (same > 0 && golden[same] != '\n')
			same--;
		fail_msg("%s differs from here:\n%.300s\n--- instead of\n%.300s", name, data + same,
		    golden + same);
	}
	free(golden);
}

static void test_golden_editions(void **state)
{
	static const char *const names[PUBLISH_LANGUAGE_COUNT][9] = {
		{"monthly-2026-10-01.ja.txt", "monthly-2026-10-01.ja.md",
		 "monthly-2026-10-01.access-daily.ja.svg", "monthly-2026-10-01.countries.ja.svg",
		 "monthly-2026-10-01.ports.csv", "monthly-2026-10-01.logins.csv",
		 "monthly-2026-10-01.spoken.csv", "monthly-2026-10-01.access-daily.csv",
		 "monthly-2026-10-01.facts.json"},
		{"monthly-2026-10-01.en.txt", "monthly-2026-10-01.en.md",
		 "monthly-2026-10-01.ports-daily.en.svg", NULL},
	};

	(void)state;
	for (int i = 0; i < PUBLISH_LANGUAGE_COUNT; i++) {
		struct files files = {0};

		publish_sample(&files, (enum publish_language)i, 1);
		for (size_t k = 0; k < 9 && names[i][k]; k++)
			compare_golden(names[i][k], find_file(&files, names[i][k]));
		drop_files(&files);
	}
}

/* Elements are balanced and properly nested; returns the number of elements. */
static size_t check_balance(const char *text)
{
	static const char *const empty[] = {"meta", "link", "br"};
	char stack[64][24];
	size_t depth = 0;
	size_t elements = 0;

	for (const char *p = strchr(text, '<'); p; p = strchr(p + 1, '<')) {
		char name[24] = {0};
		bool closing = p[1] == '/';
		size_t len = strcspn(p + 1 + closing, " />\n");
		const char *end = strchr(p, '>');
		bool single = false;

		assert_non_null(end);
		if (p[1] == '!' || p[1] == '?')
			continue;
		assert_true(len > 0 && len < sizeof(name));
		memcpy(name, p + 1 + closing, len);
		for (size_t i = 0; i < 3; i++)
			single |= strcmp(name, empty[i]) == 0;
		if (closing) {
			assert_true(depth > 0);
			assert_string_equal(stack[--depth], name);
		} else if (!single && end[-1] != '/') {
			assert_true(depth < 64);
			strcpy(stack[depth++], name);
			elements++;
		}
	}
	assert_int_equal(depth, 0);
	return elements;
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
		count++;
	return count;
}

static void test_html_is_well_formed_and_complete(void **state)
{
	for (int i = 0; i < PUBLISH_LANGUAGE_COUNT; i++) {
		struct files files = {0};
		const char *html;

		publish_sample(&files, (enum publish_language)i, 2);
		html = find_file(&files, i == PUBLISH_JA ? "monthly-2026-10-01.ja.html"
		    : "monthly-2026-10-01.en.html");
		assert_true(check_balance(html) > 300);
		assert_int_equal(count_of(html, "<h1>"), 1);
		assert_int_equal(count_of(html, "<h2"), 5); /* contents and four sections */
		assert_int_equal(count_of(html, "<caption"), 4);
		assert_int_equal(count_of(html, "<figure"), 3);
		assert_int_equal(count_of(html, "<svg"), 3);
		assert_int_equal(count_of(html, "<details>"), 3);
		assert_int_equal(count_of(html, "<dl class=\"terms\">"), 1);
		assert_non_null(strstr(html, i == PUBLISH_JA ? "<html lang=\"ja\">"
		    : "<html lang=\"en\">"));
		assert_non_null(strstr(html, i == PUBLISH_JA ? "href=\"monthly-2026-10-01.en.html\""
		    : "href=\"monthly-2026-10-01.ja.html\""));
		assert_non_null(strstr(html, "href=\"monthly-2026-10-01.ports.csv\""));
		assert_non_null(strstr(html, "href=\"monthly-2026-10-01.facts.json\""));
		assert_null(strstr(html, "http://203.0.113.9/a.sh\""));
		drop_files(&files);
	}
	(void)state;
}

static void test_one_language_alone_has_no_link_to_the_other(void **state)
{
	struct files files = {0};
	const char *html;

	(void)state;
	publish_sample(&files, PUBLISH_JA, 1);
	html = find_file(&files, "monthly-2026-10-01.ja.html");
	assert_null(strstr(html, "en.html"));
	drop_files(&files);
}

static void test_attackers_words_stay_words(void **state)
{
	struct files files = {0};

	(void)state;
	publish_sample(&files, PUBLISH_EN, 2);
	for (size_t i = 0; i < files.count; i++) {
		const char *data = files.file[i].data;

		/* CSV quotes its fields and the text edition has no markup to break. */
		if (!strstr(files.file[i].name, ".csv") && !strstr(files.file[i].name, ".txt")
		    && !strstr(files.file[i].name, ".json"))
			assert_null(strstr(data, "<script"));
		assert_null(strchr(data, '\x1b'));
		assert_null(strstr(data, "\xe2\x80\xae"));
		assert_null(strstr(data, "\n━━━\n"));
		if (strstr(files.file[i].name, ".md"))
			assert_null(strstr(data, "x](javascript"));
	}
	assert_non_null(strstr(find_file(&files, "monthly-2026-10-01.logins.csv"),
	    "\"'=cmd|' /C calc'!A0\""));
	drop_files(&files);
}

static void test_nothing_is_missing(void **state)
{
	for (int i = 0; i < PUBLISH_LANGUAGE_COUNT; i++) {
		struct files files = {0};

		publish_sample(&files, (enum publish_language)i, 2);
		/* Per language html, txt, md, three figures; then facts, four tables and the
		 * numbers of the figures. */
		assert_int_equal(files.count, 2 * 6 + 1 + 4 + 3);
		for (size_t k = 0; k < files.count; k++)
			assert_null(strstr(files.file[k].data, "\xe2\x9f\xa6"));
		drop_files(&files);
	}
	(void)state;
}

static int refuse_file(void *arg, const char *name, const char *data, size_t len, struct err *err)
{
	int *count = arg;

	(void)name;
	(void)data;
	(void)len;
	return ++*count == 3 ? err_set(err, ST_LIMIT, "disk full") : ST_OK;
}

static void test_a_refused_file_stops_all(void **state)
{
	struct publish_style style = {.language = PUBLISH_JA};
	struct report_document *d = sample_document(PUBLISH_JA);
	struct err err = {0};
	int count = 0;

	(void)state;
	assert_int_equal(publish_all(d, &style, 1, refuse_file, &count, &err), ST_LIMIT);
	assert_int_equal(count, 3);
	assert_string_equal(err.text, "disk full");
	report_document_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_editions),
		cmocka_unit_test(test_html_is_well_formed_and_complete),
		cmocka_unit_test(test_one_language_alone_has_no_link_to_the_other),
		cmocka_unit_test(test_attackers_words_stay_words),
		cmocka_unit_test(test_nothing_is_missing),
		cmocka_unit_test(test_a_refused_file_stops_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
