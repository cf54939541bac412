/*
 * Bar figures: horizontal bars with their values, optionally with the value of the period before
 * as a thin muted bar below.
 */
#include "publish/figure.h"

#include "base/utf8.h"
#include "publish/message.h"
#include "publish/number.h"
#include "publish/wrap.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOP 34.0
#define ROW_ONE 30.0
#define ROW_TWO 42.0
#define BAR_HEIGHT 17.0
#define BEFORE_HEIGHT 8.0
#define LABEL_PART 0.36
#define SERIES_MAX 2

struct bars {
	const struct publish_canvas *canvas;
	double left;
	double length; /* px of the largest value */
	double largest;
	double row;
	size_t series_count;
};

static size_t shown_series(const struct report_figure *figure)
{
	return figure->series_count < SERIES_MAX ? figure->series_count : SERIES_MAX;
}

static double row_height(const struct report_figure *figure)
{
	return shown_series(figure) > 1 ? ROW_TWO : ROW_ONE;
}

double publish_figure_bars_height(const struct report_figure *figure)
{
	return TOP + row_height(figure) * (double)figure->point_count + 8;
}

/* Appends text, shortened with an ellipsis to fit; the whole text is in the data table. */
static void append_fitting(struct buf *b, const struct publish_canvas *canvas, const char *text,
    double room)
{
	size_t len = strlen(text);
	size_t start = b->len;
	size_t kept;

	buf_puts(b, text);
	if (publish_figure_text_width(canvas, text) <= room || b->failed)
		return;
	kept = len;
	while (kept > 0) {
		b->len = start;
		do
			kept--;
		while (kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80);
		buf_append(b, text, kept);
		buf_puts(b, "…");
		if (publish_figure_text_width(canvas, buf_text(b) + start) <= room)
			return;
	}
}

static void append_point(struct buf *b, const struct publish_canvas *canvas, double value)
{
	if (isnan(value))
		publish_message(b, canvas->style, "layout.not-observed");
	else
		publish_number(b, value, canvas->figure->decimals);
}

static void measure(struct bars *bars)
{
	const struct report_figure *f = bars->canvas->figure;
	struct buf text = {0};
	double labels = 0;
	double values = 0;

	for (size_t i = 0; i < f->point_count; i++) {
		double width;

		buf_reset(&text);
		publish_value(&text, bars->canvas->style, &f->labels[i]);
		width = publish_figure_text_width(bars->canvas, buf_text(&text));
		labels = width > labels ? width : labels;
		for (size_t s = 0; s < bars->series_count; s++) {
			buf_reset(&text);
			append_point(&text, bars->canvas, f->series[s].values[i]);
			width = publish_figure_text_width(bars->canvas, buf_text(&text));
			values = width > values ? width : values;
		}
	}
	if (labels > FIGURE_WIDTH * LABEL_PART)
		labels = FIGURE_WIDTH * LABEL_PART;
	bars->left = labels + 12;
	bars->length = FIGURE_WIDTH - bars->left - values - 14;
	bars->canvas->b->failed |= text.failed;
	buf_fini(&text);
}

static void draw_rect(const struct bars *bars, size_t s, double x, double y, double width,
    double height)
{
	const struct report_series *series = &bars->canvas->figure->series[s];
	struct buf *b = bars->canvas->b;
	bool muted = series->muted || s > 0;

	buf_printf(b, "<rect class=\"%s0 fill\" fill=\"%s\"", muted ? "m" : "s",
	    muted ? "#767d85" : publish_figure_colour(series, s));
	publish_figure_attribute(b, "x", x);
	publish_figure_attribute(b, "y", y);
	publish_figure_attribute(b, "width", width);
	publish_figure_attribute(b, "height", height);
	buf_puts(b, "/>\n");
}

static void draw_bar(const struct bars *bars, size_t s, double y, double height, double value)
{
	double width = 0;
	struct buf text = {0};

	if (!isnan(value) && value > 0 && bars->largest > 0)
		width = value / bars->largest * bars->length;
	if (width > 0)
		draw_rect(bars, s, bars->left, y, width < 1 ? 1 : width, height);
	append_point(&text, bars->canvas, value);
	publish_figure_text(bars->canvas, s > 0 ? "small" : "value", bars->left + width + 6,
	    y + height / 2 + (s > 0 ? 4 : 4.5), "start", buf_text(&text));
	bars->canvas->b->failed |= text.failed;
	buf_fini(&text);
}

/* Unit on the left; with two series their names on the right. */
static void draw_legend(const struct bars *bars)
{
	const struct publish_canvas *c = bars->canvas;
	double x = bars->left;
	struct buf text = {0};

	publish_unit(&text, c->style, c->figure->unit);
	publish_figure_text(c, "unit", 2, 17, "start", buf_text(&text));
	x = fmax(x, publish_figure_text_width(c, buf_text(&text)) + 24);
	for (size_t s = 0; s < bars->series_count && bars->series_count > 1; s++) {
		double height = s > 0 ? BEFORE_HEIGHT : 12;

		draw_rect(bars, s, x, 12.5 - height / 2, 22, height);
		buf_reset(&text);
		publish_value(&text, c->style, &c->figure->series[s].label);
		publish_figure_text(c, "tick", x + 28, 17, "start", buf_text(&text));
		x += 28 + publish_figure_text_width(c, buf_text(&text)) + 20;
	}
	c->b->failed |= text.failed;
	buf_fini(&text);
}

void publish_figure_bars(const struct publish_canvas *canvas)
{
	const struct report_figure *f = canvas->figure;
	struct bars bars = {
	    .canvas = canvas,
	    .largest = publish_figure_largest(f),
	    .row = row_height(f),
	    .series_count = shown_series(f),
	};
	struct buf label = {0};
	struct buf text = {0};

	if (bars.series_count == 0)
		return;
	measure(&bars);
	draw_legend(&bars);
	for (size_t i = 0; i < f->point_count; i++) {
		double y = TOP + bars.row * (double)i + 3;

		buf_reset(&label);
		buf_reset(&text);
		publish_value(&label, canvas->style, &f->labels[i]);
		append_fitting(&text, canvas, buf_text(&label), bars.left - 12);
		publish_figure_text(canvas, "label", bars.left - 9, y + BAR_HEIGHT / 2 + 4.5, "end",
		    buf_text(&text));
		draw_bar(&bars, 0, y, BAR_HEIGHT, f->series[0].values[i]);
		if (bars.series_count > 1)
			draw_bar(&bars, 1, y + BAR_HEIGHT + 3, BEFORE_HEIGHT,
			    f->series[1].values[i]);
	}
	publish_figure_line(canvas, "axis", bars.left, TOP, bars.left,
	    TOP + bars.row * (double)f->point_count);
	canvas->b->failed |= label.failed || text.failed;
	buf_fini(&label);
	buf_fini(&text);
}
