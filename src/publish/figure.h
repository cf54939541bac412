/*
 * Drawing figures as SVG.
 */
#pragma once

#include "publish/publish.h"

#define FIGURE_WIDTH 720.0
#define FIGURE_FONT 13.0
#define FIGURE_COLOURS 6
#define FIGURE_TICKS_MAX 8

struct publish_canvas {
	struct buf *b;
	const struct publish_style *style;
	const struct report_figure *figure;
};

/* Where values go: value 0 at `zero`, `top` at `zero - length` (lines) or `zero + length`. */
struct publish_scale {
	double top;
	double step;
	int decimals; /* of the tick labels */
};

/* Everything of the SVG element; inside a page it has no style sheet of its own. */
void publish_figure_draw(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, bool in_page);

/* The drawings themselves and the heights that they need. */
double publish_figure_lines_height(const struct report_figure *figure);
void publish_figure_lines(const struct publish_canvas *canvas);
double publish_figure_bars_height(const struct report_figure *figure);
void publish_figure_bars(const struct publish_canvas *canvas);

/* Where day i of a figure of days is drawn between the edges of its plot. */
double publish_figure_day_x(const struct report_figure *figure, double left, double right,
    size_t i);

/* The dashed lines and numbers of the notes over a plot, and their texts below `legend`. */
double publish_figure_marks_height(const struct report_figure *figure);
struct publish_plot_box {
	double left;
	double right;
	double top;
	double bottom;
	double legend;
};
void publish_figure_marks(const struct publish_canvas *canvas, const struct publish_plot_box *box);

/* Appends " [1] text" for every note: for those who do not see the figure. */
void publish_figure_marks_text(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure);

/* Appends " [1][2]", the numbers of the notes of that day. */
void publish_figure_marks_of(struct buf *b, const struct report_figure *figure, int32_t day);

/* A scale from 0 with round ticks that covers the largest value. */
struct publish_scale publish_figure_scale(double largest);
double publish_figure_largest(const struct report_figure *figure);

/* Estimated width of text in px at FIGURE_FONT. */
double publish_figure_text_width(const struct publish_canvas *canvas, const char *text);

/* A coordinate with one decimal, whatever the locale. */
void publish_figure_px(struct buf *b, double value);

/* " NAME=\"VALUE\"" */
void publish_figure_attribute(struct buf *b, const char *name, double value);

void publish_figure_line(const struct publish_canvas *canvas, const char *class_name, double x1,
    double y1, double x2, double y2);

/* anchor: start, middle, end. */
void publish_figure_text(const struct publish_canvas *canvas, const char *class_name, double x,
    double y, const char *anchor, const char *text);

/* The colour of series i as a fallback where style sheets are not understood. */
const char *publish_figure_colour(const struct report_series *series, size_t i);
