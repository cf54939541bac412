/* Figures: ticks, gaps, names that do not collide, escaping, shortened labels. */
#include "publish/figure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_ticks_are_round(void **state)
{
	static const struct {
		double largest, top, step;
		int decimals;
	} rows[] = {
		{10820, 12500, 2500, 0}, {126.3, 150, 50, 0}, {100, 100, 20, 0}, {7, 8, 2, 0},
		{1, 1, 0.2, 1}, {0.21, 0.25, 0.05, 2}, {12, 12.5, 2.5, 1}, {0, 1, 0.2, 1},
		{1e9, 1e9, 2e8, 0}, {NAN, 1, 0.2, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct publish_scale scale = publish_figure_scale(rows[i].largest);

		assert_float_equal(scale.top, rows[i].top, rows[i].top * 1e-9);
		assert_float_equal(scale.step, rows[i].step, rows[i].step * 1e-9);
		assert_int_equal(scale.decimals, rows[i].decimals);
	}
}

static void draw(struct buf *b, const struct report_figure *figure)
{
	struct publish_style style = {.language = PUBLISH_EN};

	assert_int_equal(publish_figure_svg(b, &style, figure, NULL), ST_OK);
}

static const struct report_sentence caption = {.message = "layout.date"};

static void test_days_not_observed_are_gaps(void **state)
{
	static const double values[] = {5, 6, NAN, 7, NAN, NAN, 8, 9};
	struct report_series series = {.label = {.kind = REPORT_VALUE_TEXT, .text = "now"},
	    .values = values};
	struct report_figure figure = {.id = "x", .kind = REPORT_FIGURE_LINES, .caption = caption,
	    .alt = caption, .unit = REPORT_UNIT_PER_DAY, .point_count = 8, .series = &series,
	    .series_count = 1, .day_from = 20000};
	struct buf b = {0};
	const char *path;
	size_t moves = 0;

	(void)state;
	draw(&b, &figure);
	path = strstr(buf_text(&b), "line\" fill=\"none\"");
	assert_non_null(path);
	path = strstr(path, " d=\"M0 0") + 7;
	/* Three runs: two days, one day alone, two days. */
	for (const char *p = path; *p != '"'; p++)
		moves += *p == 'M';
	assert_int_equal(moves, 3);
	/* The day alone has a marker, as no line shows it. */
	assert_non_null(strstr(path, "fill\" fill="));
	assert_null(strstr(buf_text(&b), "nan"));
	assert_non_null(strstr(buf_text(&b), ">packets per day<"));
	buf_fini(&b);
}

/* Heights of the texts of a class like "s0 text". */
static size_t text_heights(const char *svg, double *heights, size_t max)
{
	size_t count = 0;

	for (const char *p = strstr(svg, " text\" fill="); p && count < max;
	    p = strstr(p + 1, " text\" fill="))
		heights[count++] = strtod(strstr(p, " y=\"") + 4, NULL);
	return count;
}

static void test_names_do_not_collide(void **state)
{
	static const double flat[] = {3, 3};
	static const double zero[] = {0, 0};
	struct report_series series[6];
	struct report_figure figure = {.id = "x", .kind = REPORT_FIGURE_LINES, .caption = caption,
	    .alt = caption, .point_count = 2, .series = series, .series_count = 6,
	    .day_from = 20000};
	struct buf b = {0};
	double heights[6];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		series[i] = (struct report_series){.label = {.kind = REPORT_VALUE_PORT,
		    .integer = (int64_t)i, .proto = 6}, .values = i < 3 ? flat : zero};
	draw(&b, &figure);
	assert_int_equal(text_heights(buf_text(&b), heights, 6), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_true(heights[i] > 0 && heights[i] < 330);
		for (size_t k = 0; k < i; k++)
			assert_true(fabs(heights[i] - heights[k]) > 15);
	}
	buf_fini(&b);
}

static void test_bars_shorten_and_escape_labels(void **state)
{
	static const double values[] = {10, NAN, 0};
	struct report_value labels[3] = {
		{.kind = REPORT_VALUE_TEXT, .text = "<a very long label that an attacker chose so "
		    "that it does not fit beside any bar>"},
		{.kind = REPORT_VALUE_TEXT, .text = "b&c"},
		{.kind = REPORT_VALUE_COUNTRY, .text = "JP"},
	};
	struct report_series series = {.values = values};
	struct report_figure figure = {.id = "x", .kind = REPORT_FIGURE_BARS, .caption = caption,
	    .alt = caption, .decimals = 1, .labels = labels, .point_count = 3,
	    .series = &series, .series_count = 1};
	struct buf b = {0};

	(void)state;
	draw(&b, &figure);
	assert_non_null(strstr(buf_text(&b), ">&lt;a very long label that"));
	assert_non_null(strstr(buf_text(&b), "…</text>"));
	assert_null(strstr(buf_text(&b), "any bar"));
	assert_non_null(strstr(buf_text(&b), ">b&amp;c</text>"));
	assert_non_null(strstr(buf_text(&b), ">not observed</text>"));
	assert_non_null(strstr(buf_text(&b), ">0.0</text>"));
	buf_fini(&b);
}

static void test_empty_figures(void **state)
{
	struct report_figure figure = {.id = "x", .caption = caption, .alt = caption};

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct buf b = {0};

		figure.kind = (enum report_figure_kind)kind;
		draw(&b, &figure);
		assert_non_null(strstr(buf_text(&b), "</svg>"));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticks_are_round),
		cmocka_unit_test(test_days_not_observed_are_gaps),
		cmocka_unit_test(test_names_do_not_collide),
		cmocka_unit_test(test_bars_shorten_and_escape_labels),
		cmocka_unit_test(test_empty_figures),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
