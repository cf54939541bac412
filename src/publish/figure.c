/*
 * The frame of a figure: SVG element, title and description, style, scales, text.
 *
 * Colours are CSS variables so that a figure follows dark mode and print; every element also has a
 * plain attribute for programs that do not know variables.  The palette is distinguishable with
 * the common colour vision deficiencies (after Okabe and Ito), and colour never stands alone: lines
 * differ in dashes and markers and carry their names.
 */
#include "publish/figure.h"

#include "publish/edition.h"
#include "publish/escape.h"
#include "publish/names.h"
#include "publish/wrap.h"

#include "base/utf8.h"

#include <math.h>
#include <string.h>

#define LATIN_WIDTH 7.3

static const char *const palette[FIGURE_COLOURS] = {
    "#0062a8", "#c24a00", "#007556", "#8c3b7e", "#7a6200", "#4a5058"};

const char *publish_figure_colour(const struct report_series *series, size_t i)
{
	return series->muted ? "#767d85" : palette[i % FIGURE_COLOURS];
}

void publish_figure_px(struct buf *b, double value)
{
	long tenths = lround(value * 10);

	if (tenths < 0) {
		buf_putc(b, '-');
		tenths = -tenths;
	}
	if (tenths % 10 == 0)
		buf_printf(b, "%ld", tenths / 10);
	else
		buf_printf(b, "%ld.%ld", tenths / 10, tenths % 10);
}

void publish_figure_attribute(struct buf *b, const char *name, double value)
{
	buf_printf(b, " %s=\"", name);
	publish_figure_px(b, value);
	buf_putc(b, '"');
}

double publish_figure_text_width(const struct publish_canvas *canvas, const char *text)
{
	size_t len = strlen(text);
	double width = 0;

	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(text + at, len - at, &cp);
		width += (double)publish_width_of(canvas->style, cp)
		    * (cp < 0x80 ? LATIN_WIDTH : FIGURE_FONT / 2);
	}
	return width;
}

void publish_figure_line(const struct publish_canvas *canvas, const char *class_name, double x1,
    double y1, double x2, double y2)
{
	struct buf *b = canvas->b;

	buf_printf(b, "<line class=\"%s\" stroke=\"#cfd4da\"", class_name);
	publish_figure_attribute(b, "x1", x1);
	publish_figure_attribute(b, "y1", y1);
	publish_figure_attribute(b, "x2", x2);
	publish_figure_attribute(b, "y2", y2);
	buf_puts(b, "/>\n");
}

void publish_figure_text(const struct publish_canvas *canvas, const char *class_name, double x,
    double y, const char *anchor, const char *text)
{
	struct buf *b = canvas->b;

	buf_printf(b, "<text class=\"%s\" fill=\"#23282e\"", class_name);
	publish_figure_attribute(b, "x", x);
	publish_figure_attribute(b, "y", y);
	if (strcmp(anchor, "start") != 0)
		buf_printf(b, " text-anchor=\"%s\"", anchor);
	buf_putc(b, '>');
	publish_escape_html(b, text);
	buf_puts(b, "</text>\n");
}

double publish_figure_largest(const struct report_figure *figure)
{
	double largest = 0;

	for (size_t s = 0; s < figure->series_count; s++)
		for (size_t i = 0; i < figure->point_count; i++)
			if (figure->series[s].values[i] > largest)
				largest = figure->series[s].values[i];
	return largest;
}

struct publish_scale publish_figure_scale(double largest)
{
	static const double nice[] = {1, 2, 2.5, 5, 10};
	struct publish_scale scale;
	double rough;
	double power;

	if (!(largest > 0) || !isfinite(largest))
		largest = 1;
	rough = largest / 5;
	power = pow(10, floor(log10(rough)));
	scale.step = 10 * power;
	for (size_t i = 0; i < sizeof(nice) / sizeof(nice[0]); i++) {
		if (nice[i] * power >= rough * 0.999999) {
			scale.step = nice[i] * power;
			break;
		}
	}
	scale.top = ceil(largest / scale.step * 0.999999) * scale.step;
	scale.decimals = 0;
	for (double s = scale.step; scale.decimals < 6 && fabs(s - round(s)) > 1e-6 * s; s *= 10)
		scale.decimals++;
	return scale;
}

/* Element ids must not contain spaces and must not collide between figures of a page. */
static void append_id(struct buf *b, const struct report_figure *figure, const char *part)
{
	buf_puts(b, "fig-");
	publish_escape_html(b, figure->id ? figure->id : "x");
	buf_printf(b, "-%s", part);
}

static void append_head(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, bool in_page, double height)
{
	const struct embed_file *css = embed_find(publish_data, "figure.css");
	struct buf text = {0};

	buf_puts(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"fig\" role=\"img\"");
	publish_figure_attribute(b, "width", FIGURE_WIDTH);
	publish_figure_attribute(b, "height", height);
	buf_printf(b, " viewBox=\"0 0 %.0f ", FIGURE_WIDTH);
	publish_figure_px(b, height);
	buf_printf(b, "\" xml:lang=\"%s\" aria-labelledby=\"",
	    publish_language_code(style->language));
	append_id(b, figure, "title");
	buf_putc(b, ' ');
	append_id(b, figure, "desc");
	buf_puts(b, "\" font-size=\"13\" font-family=\"sans-serif\">\n<title id=\"");
	append_id(b, figure, "title");
	buf_puts(b, "\">");
	publish_sentence(&text, style, &figure->caption);
	publish_escape_html(b, buf_text(&text));
	buf_puts(b, "</title>\n<desc id=\"");
	append_id(b, figure, "desc");
	buf_puts(b, "\">");
	buf_reset(&text);
	publish_sentence(&text, style, &figure->alt);
	publish_figure_marks_text(&text, style, figure);
	publish_escape_html(b, buf_text(&text));
	buf_puts(b, "</desc>\n");
	if (!in_page && css)
		buf_printf(b, "<style>\n%s</style>\n", css->data);
	if (!in_page) {
		buf_puts(b, "<rect class=\"paper\" fill=\"#ffffff\" x=\"0\" y=\"0\"");
		publish_figure_attribute(b, "width", FIGURE_WIDTH);
		publish_figure_attribute(b, "height", height);
		buf_puts(b, "/>\n");
	}
	b->failed |= text.failed;
	buf_fini(&text);
}

void publish_figure_draw(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, bool in_page)
{
	struct publish_canvas canvas = {.b = b, .style = style, .figure = figure};

	if (figure->kind == REPORT_FIGURE_LINES) {
		append_head(b, style, figure, in_page, publish_figure_lines_height(figure));
		publish_figure_lines(&canvas);
	} else {
		append_head(b, style, figure, in_page, publish_figure_bars_height(figure));
		publish_figure_bars(&canvas);
	}
	buf_puts(b, "</svg>\n");
}

int publish_figure_svg(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, struct err *err)
{
	buf_puts(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	publish_figure_draw(b, style, figure, false);
	return publish_done(b, err);
}
