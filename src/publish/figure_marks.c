/*
 * Dated notes in a figure of days: a thin dashed line on the day, its number above the plot, and
 * what the number stands for below it.
 *
 * Numbers that would lie upon each other share one badge.  A text that is too long for its line
 * ends in an ellipsis: the report's table has it whole.
 */
#include "publish/figure.h"

#include "publish/message.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BADGE_HEIGHT 16.0
#define BADGE_PADDING 5.0
#define BADGE_GAP 2.0
#define BADGE_ABOVE 3.0
#define LEGEND_LINE 19.0
#define LEGEND_TOP 10.0
#define LEGEND_BOTTOM 6.0
#define LEGEND_TEXT 30.0
/* So many numbers stand in a shared badge one by one. */
#define BADGE_NUMBERS 3

double publish_figure_day_x(const struct report_figure *figure, double left, double right,
    size_t i)
{
	if (figure->point_count < 2)
		return (left + right) / 2;
	return left + (right - left) * (double)i / (double)(figure->point_count - 1);
}

/* Only days that the figure shows. */
static bool is_shown(const struct report_figure *f, const struct report_mark *mark)
{
	return mark->day >= f->day_from
	    && (size_t)(mark->day - f->day_from) < f->point_count;
}

static size_t shown_count(const struct report_figure *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->mark_count; i++)
		count += is_shown(f, &f->marks[i]);
	return count;
}

double publish_figure_marks_height(const struct report_figure *figure)
{
	size_t count = shown_count(figure);

	return count ? LEGEND_TOP + LEGEND_LINE * (double)count + LEGEND_BOTTOM : 0;
}

static void draw_badge(const struct publish_canvas *canvas, double x, double y, const char *text)
{
	double width = publish_figure_text_width(canvas, text) * 11 / FIGURE_FONT
	    + 2 * BADGE_PADDING;
	struct buf *b = canvas->b;

	width = fmax(width, BADGE_HEIGHT);
	buf_puts(b, "<rect class=\"badge\" fill=\"#535b64\"");
	publish_figure_attribute(b, "x", x - width / 2);
	publish_figure_attribute(b, "y", y - BADGE_HEIGHT / 2);
	publish_figure_attribute(b, "width", width);
	publish_figure_attribute(b, "height", BADGE_HEIGHT);
	publish_figure_attribute(b, "rx", BADGE_HEIGHT / 2);
	buf_puts(b, "/>\n<text class=\"number\" fill=\"#ffffff\" font-size=\"11\" "
	    "text-anchor=\"middle\"");
	publish_figure_attribute(b, "x", x);
	publish_figure_attribute(b, "y", y + 4);
	buf_printf(b, ">%s</text>\n", text);
}

/* "3", "3,4" or "3-7" of the marks [first, last). */
static void badge_text(const struct report_figure *f, size_t first, size_t last, struct buf *b)
{
	buf_reset(b);
	if (last - first > BADGE_NUMBERS) {
		buf_printf(b, "%u-%u", f->marks[first].number, f->marks[last - 1].number);
		return;
	}
	for (size_t i = first; i < last; i++)
		buf_printf(b, "%s%u", i > first ? "," : "", f->marks[i].number);
}

static double mark_x(const struct report_figure *f, const struct publish_plot_box *box, size_t i)
{
	return publish_figure_day_x(f, box->left, box->right,
	    (size_t)(f->marks[i].day - f->day_from));
}

/* Badges of marks whose days are nearer than a badge is wide are one, in their middle. */
static void draw_badges(const struct publish_canvas *canvas, const struct publish_plot_box *box)
{
	const struct report_figure *f = canvas->figure;
	double y = box->top - BADGE_ABOVE - BADGE_HEIGHT / 2;
	struct buf text = {0};

	for (size_t i = 0; i < f->mark_count;) {
		size_t last = i + 1;

		if (!is_shown(f, &f->marks[i])) {
			i++;
			continue;
		}
		for (; last < f->mark_count && is_shown(f, &f->marks[last]); last++) {
			double room;

			badge_text(f, i, last, &text);
			room = publish_figure_text_width(canvas, buf_text(&text))
			    + 2 * BADGE_PADDING + BADGE_GAP;
			if (mark_x(f, box, last) - mark_x(f, box, last - 1) >= room)
				break;
		}
		badge_text(f, i, last, &text);
		draw_badge(canvas, (mark_x(f, box, i) + mark_x(f, box, last - 1)) / 2, y,
		    buf_text(&text));
		i = last;
	}
	canvas->b->failed |= text.failed;
	buf_fini(&text);
}

/* Cuts text to a width, at a character. */
static void shorten(const struct publish_canvas *canvas, struct buf *text, double width)
{
	if (publish_figure_text_width(canvas, buf_text(text)) <= width)
		return;
	while (text->len > 0
	    && publish_figure_text_width(canvas, buf_text(text)) > width - FIGURE_FONT) {
		do
			text->len--;
		while (text->len > 0 && ((unsigned char)text->data[text->len] & 0xc0) == 0x80);
		text->data[text->len] = '\0';
	}
	buf_puts(text, "…");
}

static void draw_legend(const struct publish_canvas *canvas, const struct publish_plot_box *box)
{
	const struct report_figure *f = canvas->figure;
	double y = box->legend + LEGEND_TOP;
	struct buf text = {0};

	for (size_t i = 0; i < f->mark_count; i++) {
		char number[16];

		if (!is_shown(f, &f->marks[i]))
			continue;
		(void)snprintf(number, sizeof(number), "%u", f->marks[i].number);
		draw_badge(canvas, LEGEND_TEXT / 2, y, number);
		buf_reset(&text);
		publish_sentence(&text, canvas->style, &f->marks[i].text);
		shorten(canvas, &text, FIGURE_WIDTH - LEGEND_TEXT - 4);
		publish_figure_text(canvas, "legend", LEGEND_TEXT, y + 4.5, "start",
		    buf_text(&text));
		y += LEGEND_LINE;
	}
	canvas->b->failed |= text.failed;
	buf_fini(&text);
}

void publish_figure_marks(const struct publish_canvas *canvas, const struct publish_plot_box *box)
{
	const struct report_figure *f = canvas->figure;
	struct buf *b = canvas->b;

	for (size_t i = 0; i < f->mark_count; i++) {
		if (!is_shown(f, &f->marks[i]) || (i > 0 && f->marks[i].day == f->marks[i - 1].day))
			continue;
		buf_puts(b, "<line class=\"note\" stroke=\"#535b64\" stroke-width=\"1.2\" "
		    "stroke-dasharray=\"3 3\"");
		publish_figure_attribute(b, "x1", mark_x(f, box, i));
		publish_figure_attribute(b, "y1", box->top - BADGE_ABOVE);
		publish_figure_attribute(b, "x2", mark_x(f, box, i));
		publish_figure_attribute(b, "y2", box->bottom);
		buf_puts(b, "/>\n");
	}
	draw_badges(canvas, box);
	draw_legend(canvas, box);
}

void publish_figure_marks_text(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure)
{
	for (size_t i = 0; i < figure->mark_count; i++) {
		buf_printf(b, " [%u] ", figure->marks[i].number);
		publish_sentence(b, style, &figure->marks[i].text);
	}
}

void publish_figure_marks_of(struct buf *b, const struct report_figure *figure, int32_t day)
{
	for (size_t i = 0, said = 0; i < figure->mark_count; i++)
		if (figure->marks[i].day == day)
			buf_printf(b, "%s[%u]", said++ ? "" : " ", figure->marks[i].number);
}
