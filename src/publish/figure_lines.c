/*
 * Line figures: daily series with their names at the line ends.
 *
 * The y axis begins at 0 and says its unit; days that were not observed are gaps, never zeros; the
 * previous period and references are muted.  Vertical lines stand at Mondays (at the first of a
 * month in long series).
 */
#include "publish/figure.h"

#include "base/civil.h"
#include "publish/date.h"
#include "publish/message.h"
#include "publish/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HEIGHT 330.0
#define TOP 40.0
#define BOTTOM 34.0
#define LABEL_GAP 18.0
#define SERIES_MAX 8
#define LABEL_WIDTH_MAX 190.0

struct plot {
	const struct publish_canvas *canvas;
	struct publish_scale scale;
	double left;
	double right;
	double top;
	double bottom;
	size_t series_count;
	size_t main_count; /* series that are not muted */
};

/* The name at a line's end. */
struct end_label {
	size_t series;
	double x;  /* end of the line */
	double at; /* height of the end of the line */
	double y;  /* where the name goes */
};

double publish_figure_lines_height(const struct report_figure *figure)
{
	return HEIGHT + publish_figure_marks_height(figure);
}

static double x_of(const struct plot *p, size_t i)
{
	return publish_figure_day_x(p->canvas->figure, p->left, p->right, i);
}

static double y_of(const struct plot *p, double value)
{
	return p->bottom - (p->bottom - p->top) * value / p->scale.top;
}

static void draw_y_axis(const struct plot *p)
{
	struct buf label = {0};
	size_t ticks = (size_t)lround(p->scale.top / p->scale.step);

	for (size_t i = 0; i <= ticks && i <= FIGURE_TICKS_MAX; i++) {
		double value = p->scale.step * (double)i;
		double y = y_of(p, value);

		publish_figure_line(p->canvas, i == 0 ? "axis" : "grid", p->left, y, p->right, y);
		buf_reset(&label);
		publish_number(&label, value, p->scale.decimals);
		publish_figure_text(p->canvas, "tick", p->left - 8, y + 4.5, "end",
		    buf_text(&label));
	}
	buf_reset(&label);
	publish_unit(&label, p->canvas->style, p->canvas->figure->unit);
	publish_figure_text(p->canvas, "unit", 2, 17, "start", buf_text(&label));
	p->canvas->b->failed |= label.failed;
	buf_fini(&label);
}

enum ticks {
	TICKS_DAYS,
	TICKS_WEEKS,
	TICKS_FORTNIGHTS,
	TICKS_MONTHS,
	TICKS_QUARTERS,
	TICKS_YEARS,
};

static bool is_tick(enum ticks ticks, int32_t day)
{
	struct civil date = civil_from_days(day);

	switch (ticks) {
	case TICKS_DAYS:
		return true;
	case TICKS_WEEKS:
		return civil_weekday(day) == 0;
	case TICKS_FORTNIGHTS:
		return civil_weekday(day) == 0 && (day + 3) / 7 % 2 == 0;
	case TICKS_MONTHS:
		return date.day == 1;
	case TICKS_QUARTERS:
		return date.day == 1 && date.month % 3 == 1;
	case TICKS_YEARS:
		return date.day == 1 && date.month == 1;
	}
	return false;
}

/* The finest ticks whose labels have room beside each other. */
static enum ticks choose_ticks(const struct plot *p)
{
	const struct report_figure *f = p->canvas->figure;
	double label = p->canvas->style->language == PUBLISH_JA ? 46 : 54;

	for (enum ticks ticks = TICKS_DAYS; ticks < TICKS_YEARS; ticks++) {
		size_t count = 0;

		for (size_t i = 0; i < f->point_count; i++)
			count += is_tick(ticks, f->day_from + (int32_t)i);
		if (ticks == TICKS_DAYS && count > 16)
			continue;
		if ((double)count * label <= p->right - p->left + label)
			return ticks;
	}
	return TICKS_YEARS;
}

static void draw_x_axis(const struct plot *p)
{
	const struct report_figure *f = p->canvas->figure;
	enum ticks ticks = choose_ticks(p);
	struct buf label = {0};

	for (size_t i = 0; i < f->point_count; i++) {
		int32_t day = f->day_from + (int32_t)i;
		double x = x_of(p, i);

		if (!is_tick(ticks, day))
			continue;
		if (ticks != TICKS_DAYS || is_tick(TICKS_WEEKS, day))
			publish_figure_line(p->canvas, "grid", x, p->top, x, p->bottom);
		publish_figure_line(p->canvas, "axis", x, p->bottom, x, p->bottom + 5);
		buf_reset(&label);
		publish_day_short(&label, p->canvas->style, day);
		publish_figure_text(p->canvas, "tick", x, p->bottom + 21, "middle",
		    buf_text(&label));
	}
	p->canvas->b->failed |= label.failed;
	buf_fini(&label);
}

/* Dashes tell lines apart without colour. */
static const char *dashes_of(const struct report_series *series, size_t i)
{
	static const char *const dashes[FIGURE_COLOURS] = {
	    "", "8 4", "2 3.5", "10 4 2 4", "5 3", "12 3 2 3 2 3"};

	return series->muted ? "3 4" : dashes[i % FIGURE_COLOURS];
}

static void draw_marker(const struct plot *p, size_t s, double x, double y)
{
	static const char *const shapes[FIGURE_COLOURS] = {
	    "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z", "m-3.3 -3.3h6.6v6.6h-6.6z",
	    "m0 -4.4l4.2 7.4h-8.4z", "m0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z",
	    "m0 4.4l4.2 -7.4h-8.4z", "m-1.4 -4h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6v-2.8h2.6z"};
	const struct report_series *series = &p->canvas->figure->series[s];
	struct buf *b = p->canvas->b;

	buf_printf(b, "<path class=\"%s%zu fill\" fill=\"%s\" d=\"M",
	    series->muted ? "m" : "s", s % FIGURE_COLOURS, publish_figure_colour(series, s));
	publish_figure_px(b, x);
	buf_putc(b, ' ');
	publish_figure_px(b, y);
	buf_printf(b, "%s\"/>\n", series->muted ? shapes[0] : shapes[s % FIGURE_COLOURS]);
}

/* A point that neither neighbour connects would be invisible as a line. */
static bool is_alone(const struct report_figure *f, const double *values, size_t i)
{
	return (i == 0 || isnan(values[i - 1]))
	    && (i + 1 == f->point_count || isnan(values[i + 1]));
}

static void draw_series(const struct plot *p, size_t s)
{
	const struct report_figure *f = p->canvas->figure;
	const struct report_series *series = &f->series[s];
	const char *dashes = p->series_count > 1 ? dashes_of(series, s) : "";
	struct buf *b = p->canvas->b;
	size_t spacing = f->point_count / 6 + 1;
	bool pen_down = false;

	buf_printf(b, "<path class=\"%s%zu line\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"",
	    series->muted ? "m" : "s", s % FIGURE_COLOURS, publish_figure_colour(series, s),
	    series->muted ? "1.6" : "2.4");
	if (*dashes)
		buf_printf(b, " stroke-dasharray=\"%s\"", dashes);
	buf_puts(b, " stroke-linejoin=\"round\" d=\"M0 0");
	for (size_t i = 0; i < f->point_count; i++) {
		if (isnan(series->values[i])) {
			pen_down = false;
			continue;
		}
		buf_putc(b, pen_down ? 'L' : 'M');
		publish_figure_px(b, x_of(p, i));
		buf_putc(b, ' ');
		publish_figure_px(b, y_of(p, series->values[i]));
		pen_down = true;
	}
	buf_puts(b, "\"/>\n");
	for (size_t i = 0; i < f->point_count; i++) {
		bool marked = p->main_count > 1 && !series->muted && i % spacing == s % spacing;

		if (isnan(series->values[i]))
			continue;
		if (marked || is_alone(f, series->values, i))
			draw_marker(p, s, x_of(p, i), y_of(p, series->values[i]));
	}
}

static int compare_labels(const void *a, const void *b)
{
	double ya = ((const struct end_label *)a)->at;
	double yb = ((const struct end_label *)b)->at;

	if (ya != yb)
		return ya < yb ? -1 : 1;
	return 0;
}

/* Pushes names apart: downwards first, then back up from the bottom. */
static void spread_labels(struct end_label *labels, size_t count, double top, double bottom)
{
	qsort(labels, count, sizeof(*labels), compare_labels);
	for (size_t i = 0; i < count; i++) {
		labels[i].y = labels[i].at;
		if (labels[i].y < top)
			labels[i].y = top;
		if (i > 0 && labels[i].y < labels[i - 1].y + LABEL_GAP)
			labels[i].y = labels[i - 1].y + LABEL_GAP;
	}
	for (size_t i = count; i-- > 0;) {
		double limit = i + 1 < count ? labels[i + 1].y - LABEL_GAP : bottom;

		if (labels[i].y > limit)
			labels[i].y = limit;
	}
}

static void draw_labels(const struct plot *p)
{
	const struct report_figure *f = p->canvas->figure;
	struct end_label labels[SERIES_MAX];
	size_t count = 0;
	struct buf text = {0};
	char class_name[16];

	for (size_t s = 0; s < p->series_count; s++) {
		size_t last = f->point_count;

		while (last > 0 && isnan(f->series[s].values[last - 1]))
			last--;
		if (last == 0)
			continue;
		labels[count].series = s;
		labels[count].x = x_of(p, last - 1);
		labels[count++].at = y_of(p, f->series[s].values[last - 1]);
	}
	spread_labels(labels, count, p->top, p->bottom);
	for (size_t i = 0; i < count; i++) {
		const struct report_series *series = &f->series[labels[i].series];

		if (fabs(labels[i].y - labels[i].at) > 3 || labels[i].x < p->right - 1)
			publish_figure_line(p->canvas, "leader", labels[i].x + 3, labels[i].at,
			    p->right + 10, labels[i].y);
		(void)snprintf(class_name, sizeof(class_name), "%s%zu text",
		    series->muted ? "m" : "s", labels[i].series % FIGURE_COLOURS);
		buf_reset(&text);
		publish_value(&text, p->canvas->style, &series->label);
		publish_figure_text(p->canvas, class_name, p->right + 13, labels[i].y + 4.5,
		    "start", buf_text(&text));
	}
	p->canvas->b->failed |= text.failed;
	buf_fini(&text);
}

/* Room for tick labels on the left and for names on the right. */
static void measure(struct plot *p)
{
	const struct report_figure *f = p->canvas->figure;
	struct buf text = {0};
	double names = 0;

	publish_number(&text, p->scale.top, p->scale.decimals);
	p->left = publish_figure_text_width(p->canvas, buf_text(&text)) + 16;
	for (size_t s = 0; s < p->series_count; s++) {
		double width;

		buf_reset(&text);
		publish_value(&text, p->canvas->style, &f->series[s].label);
		width = publish_figure_text_width(p->canvas, buf_text(&text));
		if (width > names)
			names = width;
	}
	if (names > LABEL_WIDTH_MAX)
		names = LABEL_WIDTH_MAX;
	p->right = FIGURE_WIDTH - names - 22;
	p->top = TOP;
	p->bottom = HEIGHT - BOTTOM;
	p->canvas->b->failed |= text.failed;
	buf_fini(&text);
}

void publish_figure_lines(const struct publish_canvas *canvas)
{
	const struct report_figure *f = canvas->figure;
	struct plot p = {
	    .canvas = canvas,
	    .scale = publish_figure_scale(publish_figure_largest(f)),
	    .series_count = f->series_count < SERIES_MAX ? f->series_count : SERIES_MAX,
	};

	for (size_t s = 0; s < p.series_count; s++)
		p.main_count += !f->series[s].muted;
	measure(&p);
	draw_y_axis(&p);
	draw_x_axis(&p);
	publish_figure_marks(canvas, &(struct publish_plot_box){
	    .left = p.left, .right = p.right, .top = p.top, .bottom = p.bottom, .legend = HEIGHT});
	/* Muted series lie below the others. */
	for (int muted = 1; muted >= 0; muted--)
		for (size_t s = 0; s < p.series_count; s++)
			if (f->series[s].muted == (muted == 1))
				draw_series(&p, s);
	draw_labels(&p);
}
