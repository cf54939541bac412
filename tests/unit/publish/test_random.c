/*
 * Laws of the editions on random documents: no text line is wider than 70 columns, none begins or
 * ends with what kinsoku forbids, no number is broken, HTML and SVG stay balanced, JSON parses.
 */
#include "sample.h"

#include "base/utf8.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DOCUMENTS 150
#define TEXT_MAX 400

static uint64_t seed;

static uint32_t random_below(uint32_t limit)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % limit;
}

/* Words as they come in reports, and bytes as they come from attackers. */
static const char *random_text(struct report_document *d, bool hostile)
{
	static const char *const words[] = {
		"、", "。", "「", "」", "(", ")", "ー", "っ", "9,612.4件", "5.1%", "23/TCP", "センサー", "観測",
		"した", "アクセス", " ", "packets", "per", "day,", "IPアドレス", "・", "第509号", "増加", "ex-",
		"ample", "〜", "10月", "14日", "※", "+12.5", "件/日・IPアドレス", "々",
	};
	static const char *const bytes[] = {
		"<", ">", "&", "\"", "'", "|", "\x1b[2J", "\xff", "\xe2\x80\xae", "\n", "\t", "\\", "`",
		"]]>", "-->", "</style>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"\xcc\x81", "\xf0\x9f\x98\x80", "{x}", "\xe3\x80\x80",
	};
	struct buf b = {0};
	const char *text;

	for (uint32_t n = random_below(40); n > 0 && b.len < TEXT_MAX; n--) {
		if (hostile && random_below(3) == 0)
			buf_puts(&b, bytes[random_below(sizeof(bytes) / sizeof(bytes[0]))]);
		else
			buf_puts(&b, words[random_below(sizeof(words) / sizeof(words[0]))]);
	}
	text = report_printf(d, "%s", buf_text(&b));
	buf_fini(&b);
	return text;
}

static struct report_sentence random_sentence(struct report_document *d, bool hostile)
{
	struct report_value *place = report_alloc(d, sizeof(*place));

	*place = sample_text(random_text(d, hostile));
	return (struct report_sentence){"layout.verbatim", place, 1};
}

static void add_text(struct report_document *d, bool hostile)
{
	size_t count = 1 + random_below(4);
	struct report_sentence *s = report_alloc(d, count * sizeof(*s));
	struct report_block block = {.kind = (enum report_block_kind)random_below(4),
	    .level = 1 + (int)random_below(2), .anchor = "a", .sentences = s,
	    .sentence_count = count};

	for (size_t i = 0; i < count; i++)
		s[i] = random_sentence(d, hostile);
	if (block.kind == REPORT_BLOCK_HEADING)
		block.sentence_count = 1;
	if (block.kind == REPORT_BLOCK_DEFINITIONS)
		block.sentence_count &= ~(size_t)1;
	(void)report_block_add(d, &block);
}

static void add_table(struct report_document *d, bool hostile)
{
	size_t columns = 1 + random_below(9);
	size_t rows = random_below(5);
	struct report_table *t = report_alloc(d, sizeof(*t));
	struct report_column *c = report_alloc(d, columns * sizeof(*c));
	struct report_value *v = report_alloc(d, (columns * rows + 1) * sizeof(*v));
	struct report_block block = {.kind = REPORT_BLOCK_TABLE, .table = t};

	for (size_t i = 0; i < columns; i++)
		c[i] = (struct report_column){random_below(2) ? "layout.data-table" : "unit.rate",
		    "c", random_below(2) ? REPORT_LEFT : REPORT_RIGHT, random_below(5) > 0};
	for (size_t i = 0; i < columns * rows; i++) {
		v[i] = sample_text(random_text(d, hostile));
		if (random_below(2)) {
			v[i].kind = REPORT_VALUE_INTEGER;
			v[i].integer = random_below(2000000000);
		}
	}
	*t = (struct report_table){.id = "t", .caption = random_sentence(d, hostile), .columns = c,
	    .column_count = columns, .cells = v, .row_count = rows};
	(void)report_block_add(d, &block);
}

static void add_figure(struct report_document *d, bool hostile)
{
	size_t points = random_below(120);
	size_t count = 1 + random_below(7);
	struct report_figure *f = report_alloc(d, sizeof(*f));
	struct report_series *series = report_alloc(d, count * sizeof(*series));
	struct report_value *labels = report_alloc(d, (points + 1) * sizeof(*labels));
	struct report_block block = {.kind = REPORT_BLOCK_FIGURE, .figure = f};

	for (size_t s = 0; s < count; s++) {
		double *values = report_alloc(d, (points + 1) * sizeof(*values));
		double scale = random_below(4) ? random_below(100000) / 7.0 : 0;

		for (size_t i = 0; i < points; i++)
			values[i] = random_below(9) ? random_below(1000) * scale : NAN;
		series[s] = (struct report_series){sample_text(random_text(d, hostile)), values,
		    random_below(4) == 0};
	}
	for (size_t i = 0; i < points; i++)
		labels[i] = sample_text(random_text(d, hostile));
	*f = (struct report_figure){.id = "f", .kind = (enum report_figure_kind)random_below(2),
	    .caption = random_sentence(d, hostile), .alt = random_sentence(d, hostile),
	    .unit = REPORT_UNIT_RATE, .decimals = 1, .day_from = 20000 + (int32_t)random_below(900),
	    .labels = labels, .point_count = points, .series = series, .series_count = count};
	(void)report_block_add(d, &block);
}

static struct report_document *random_document(bool hostile)
{
	struct report_document *d;

	if (report_document_new(&d) != ST_OK)
		abort();
	d->schema = "teiten.report/1";
	d->name = "random";
	d->title = random_sentence(d, hostile);
	d->period = (struct report_period){REPORT_PERIOD_DAYS, 20000, 20031};
	d->site_ja = "○○県";
	d->site_en = "Example";
	d->timezone = "Asia/Tokyo";
	for (uint32_t n = 3 + random_below(8); n > 0; n--) {
		uint32_t kind = random_below(5);

		if (kind == 0)
			add_table(d, hostile);
		else if (kind == 1)
			add_figure(d, hostile);
		else
			add_text(d, hostile);
	}
	return d;
}

static bool contains(const char *list, uint32_t cp)
{
	size_t len = strlen(list);

	for (size_t at = 0; at < len;) {
		uint32_t c;

		at += utf8_decode(list + at, len - at, &c);
		if (c == cp)
			return true;
	}
	return false;
}

/* The first code point after the indent, and the last. */
static void ends_of(const char *line, size_t len, uint32_t *first, uint32_t *last)
{
	*first = *last = 0;
	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(line + at, len - at, &cp);
		if (cp == ' ' || cp == 0x3000)
			continue;
		if (!*first)
			*first = cp;
		*last = cp;
	}
}

static void test_lines_are_never_too_wide(void **state)
{
	(void)state;
	for (int i = 0; i < DOCUMENTS; i++) {
		struct publish_style style = {.language = (enum publish_language)(i % 2)};
		struct report_document *d;
		struct buf b = {0};

		seed = 1000 + (uint64_t)i;
		d = random_document(true);
		assert_int_equal(publish_text(&b, &style, d, NULL), ST_OK);
		for (const char *p = buf_text(&b); *p; p += strcspn(p, "\n"), p += *p == '\n') {
			size_t len = strcspn(p, "\n");

			if (publish_width(&style, p, len) > 70)
				fail_msg("seed %d, %zu columns: %.*s", 1000 + i,
				    publish_width(&style, p, len), (int)len, p);
			assert_true(len == 0 || p[len - 1] != ' ');
		}
		report_document_free(d);
		buf_fini(&b);
	}
}

/* A paragraph alone, so that each line but the first is a continued one. */
static void test_kinsoku_holds(void **state)
{
	static const char never_first[] = "、。」)ー々っ・〜%";
	static const char never_last[] = "「(第";

	(void)state;
	for (int i = 0; i < DOCUMENTS; i++) {
		struct publish_style style = {.language = PUBLISH_JA};
		struct report_document *d;
		struct report_sentence s;
		struct buf text = {0};
		struct buf b = {0};
		char before = '\0';

		if (report_document_new(&d) != ST_OK)
			abort();
		seed = 5000 + (uint64_t)i;
		s = random_sentence(d, false);
		publish_sentence(&text, &style, &s);
		d->name = "x";
		d->title = s;
		d->period = (struct report_period){REPORT_PERIOD_DAYS, 20000, 20031};
		{
			struct report_block block = {.kind = REPORT_BLOCK_PARAGRAPH, .sentences = &s,
			    .sentence_count = 1};
			const char *p;
			bool first_line = true;

			(void)report_block_add(d, &block);
			assert_int_equal(publish_text(&b, &style, d, NULL), ST_OK);
			p = strstr(buf_text(&b), "\n\n\xe3\x80\x80");
			p = p ? p + 2 : "";
			for (; *p && *p != '\n'; p += strcspn(p, "\n"), p += *p == '\n') {
				size_t len = strcspn(p, "\n");
				bool last_line = p[len + 1] == '\n' || p[len + 1] == '\0';
				uint32_t first, last;

				ends_of(p, len, &first, &last);
				if (!first_line && contains(never_first, first))
					fail_msg("seed %d begins: %.*s", 5000 + i, (int)len, p);
				if (!last_line && contains(never_last, last))
					fail_msg("seed %d ends: %.*s", 5000 + i, (int)len, p);
				/* No digit at both sides of a break: numbers stay whole. */
				assert_false(before >= '0' && before <= '9' && *p == '.');
				before = p[len - 1];
				first_line = false;
			}
		}
		report_document_free(d);
		buf_fini(&text);
		buf_fini(&b);
	}
}

/* Counts opened and closed elements of one name. */
static void check_pairs(const char *data, const char *name)
{
	char open[24];
	char close[24];
	size_t opened = 0;
	size_t closed = 0;

	snprintf(open, sizeof(open), "<%s", name);
	snprintf(close, sizeof(close), "</%s>", name);
	for (const char *p = strstr(data, open); p; p = strstr(p + 1, open))
		opened += strchr(" >", p[strlen(open)]) != NULL;
	for (const char *p = strstr(data, close); p; p = strstr(p + 1, close))
		closed++;
	assert_int_equal(opened, closed);
}

static int check_file(void *arg, const char *name, const char *data, size_t len, struct err *err)
{
	static const char *const elements[] = {"table", "tr", "td", "th", "p", "svg", "text",
	    "figure", "section", "div", "ul", "li", "dl", "dt", "dd", "style", "title", "desc"};

	(void)arg;
	(void)err;
	assert_int_equal(strlen(data), len);
	if (strstr(name, ".html") || strstr(name, ".svg"))
		for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
			check_pairs(data, elements[i]);
	if (strstr(name, ".svg")) {
		assert_null(strstr(data, "nan"));
		assert_null(strstr(data, "inf"));
	}
	if (strstr(name, ".json")) {
		json_t *json = json_loads(data, 0, NULL);

		assert_non_null(json);
		json_decref(json);
	}
	assert_null(strchr(data, '\x1b'));
	assert_null(strstr(data, "\xe2\x80\xae"));
	return ST_OK;
}

static void test_all_files_stay_well_formed(void **state)
{
	(void)state;
	for (int i = 0; i < DOCUMENTS; i++) {
		struct publish_style styles[2] = {{.language = PUBLISH_JA}, {.language = PUBLISH_EN}};
		struct report_document *d;

		seed = 9000 + (uint64_t)i;
		d = random_document(true);
		assert_int_equal(publish_all(d, styles, 2, check_file, NULL, NULL), ST_OK);
		report_document_free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_are_never_too_wide),
		cmocka_unit_test(test_kinsoku_holds),
		cmocka_unit_test(test_all_files_stay_well_formed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
