/*
 * Figures of the text edition: what a reader should see in words, then the numbers.
 *
 * Up to two weeks of days, and all bars, become a small table with a bar of asterisks; longer
 * series become one line of block characters each, drawn between its lowest and highest value (of
 * both periods where two are compared), which stand beside it in numbers.
 */
#include "publish/text.h"

#include "publish/date.h"
#include "publish/figure.h"
#include "publish/message.h"
#include "publish/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_DAYS_MAX 14
#define SERIES_MAX 6
/* With more series there is no room for a bar. */
#define SERIES_WITH_BAR 2
/* Block characters are two columns wide in Japanese: 31 days fill 62 columns. */
#define MARKS_MAX 31
#define BAR_MAX 20
#define SCALE_STEPS 8
/* What varies by less than this part of its highest value looks flat. */
#define FLAT_PART 0.2

/*
 * Whether a series shares its scale with these values: two periods of one thing are compared,
 * different things (ports) would only flatten each other.
 */
static bool shares_scale(const struct report_figure *f, const double *values, size_t series)
{
	bool compared = false;

	for (size_t s = 0; s < f->series_count; s++)
		compared |= f->series[s].muted;
	return compared || f->series[series].values == values;
}

static double highest(const struct report_figure *f, const double *values)
{
	double top = 0;

	for (size_t s = 0; s < f->series_count; s++)
		for (size_t i = 0; shares_scale(f, values, s) && i < f->point_count; i++)
			if (!isnan(f->series[s].values[i]) && f->series[s].values[i] > top)
				top = f->series[s].values[i];
	return top;
}

static double lowest(const struct report_figure *f, const double *values)
{
	double low = highest(f, values);

	for (size_t s = 0; s < f->series_count; s++)
		for (size_t i = 0; shares_scale(f, values, s) && i < f->point_count; i++)
			if (f->series[s].values[i] < low)
				low = f->series[s].values[i];
	return low;
}

static void append_point(struct buf *b, const struct publish_style *style,
    const struct report_figure *f, double value)
{
	if (isnan(value))
		publish_message(b, style, "layout.not-observed");
	else
		publish_number(b, value, f->decimals);
}

/* One cell of the small table: label, series values, bar. */
static void append_cell(struct buf *b, const struct publish_style *style,
    const struct report_figure *f, size_t row, size_t column, double top)
{
	size_t point = row - 1;
	double value;

	if (row == 0) {
		if (column == 0)
			publish_message(b, style, f->kind == REPORT_FIGURE_LINES ? "layout.date"
			    : "layout.item");
		else if (column <= f->series_count && column <= SERIES_MAX
		    && f->series[column - 1].label.kind != REPORT_VALUE_NONE)
			publish_value(b, style, &f->series[column - 1].label);
		return; /* the bar of the first series needs no heading */
	}
	if (column == 0 && f->kind == REPORT_FIGURE_LINES) {
		publish_day_short(b, style, f->day_from + (int32_t)point);
		publish_figure_marks_of(b, f, f->day_from + (int32_t)point);
	} else if (column == 0) {
		publish_value(b, style, &f->labels[point]);
	} else if (column <= f->series_count && column <= SERIES_MAX) {
		append_point(b, style, f, f->series[column - 1].values[point]);
	} else {
		value = f->series[0].values[point];
		if (!isnan(value) && value > 0 && top > 0)
			publish_repeat(b, "*", (size_t)ceil(value / top * BAR_MAX));
	}
}

static void append_small_table(struct buf *b, const struct publish_style *style,
    const struct report_figure *f)
{
	enum report_align align[SERIES_MAX + 2] = {REPORT_LEFT};
	size_t series = f->series_count < SERIES_MAX ? f->series_count : SERIES_MAX;
	struct publish_grid grid = {
	    .columns = series + 1 + (series <= SERIES_WITH_BAR), .rows = f->point_count + 1, .align = align};
	double top = highest(f, f->series[0].values);

	for (size_t s = 0; s < series; s++)
		align[s + 1] = REPORT_RIGHT;
	align[series + 1] = REPORT_LEFT;
	grid.cells = calloc(grid.columns * grid.rows, sizeof(*grid.cells));
	if (!grid.cells) {
		b->failed = true;
		return;
	}
	for (size_t r = 0; r < grid.rows; r++) {
		for (size_t c = 0; c < grid.columns; c++) {
			struct buf cell = {0};

			append_cell(&cell, style, f, r, c, top);
			grid.cells[r * grid.columns + c] = buf_take(&cell);
		}
	}
	publish_text_grid(b, style, &grid, PUBLISH_TEXT_COLUMNS);
	for (size_t i = 0; i < grid.columns * grid.rows; i++)
		free(grid.cells[i]);
	free(grid.cells);
}

/* The mean of the observed points of one mark; NAN when there is none. */
static double mark_mean(const struct report_figure *f, const double *values, size_t mark,
    size_t days)
{
	double sum = 0;
	size_t count = 0;

	for (size_t i = mark * days; i < (mark + 1) * days && i < f->point_count; i++) {
		if (!isnan(values[i])) {
			sum += values[i];
			count++;
		}
	}
	return count > 0 ? sum / (double)count : NAN;
}

static void append_scale(struct buf *b, const struct publish_style *style,
    const struct report_figure *f, const double *values)
{
	struct report_fact low = {.known = true, .decimals = f->decimals, .value = INFINITY};
	struct report_fact high = {.known = true, .decimals = f->decimals, .value = -INFINITY};
	struct report_value places[] = {
	    {.name = "min", .kind = REPORT_VALUE_FACT, .fact = &low},
	    {.name = "max", .kind = REPORT_VALUE_FACT, .fact = &high},
	};
	struct report_sentence scale = {
	    .message = "layout.scale", .values = places, .value_count = 2};

	for (size_t i = 0; i < f->point_count; i++) {
		if (values[i] < low.value)
			low.value = values[i];
		if (values[i] > high.value)
			high.value = values[i];
	}
	low.known = high.known = !isinf(low.value);
	publish_sentence(b, style, &scale);
}

/* One line of marks between the lowest and the highest value of the figure; gaps stay empty. */
static void append_marks(struct buf *b, const struct publish_style *style,
    const struct report_figure *f, const double *values, size_t days)
{
	static const char *const blocks[SCALE_STEPS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	double low = lowest(f, values);
	double high = highest(f, values);
	double range = fmax(high - low, FLAT_PART * high);

	buf_puts(b, "  ");
	for (size_t m = 0; m * days < f->point_count; m++) {
		double v = mark_mean(f, values, m, days);
		int step = range > 0 && !isnan(v) ? (int)((v - low) / range * SCALE_STEPS) : 0;

		if (isnan(v))
			buf_puts(b, style->language == PUBLISH_JA ? "  " : " ");
		else
			buf_puts(b, blocks[step < 0 ? 0 : step < SCALE_STEPS ? step
			    : SCALE_STEPS - 1]);
	}
	while (b->len > 0 && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
	buf_putc(b, '\n');
}

/* The numbers of the notes below the mark of their day; where two meet, the first stands. */
static void append_mark_row(struct buf *b, const struct publish_style *style,
    const struct report_figure *f, size_t days)
{
	size_t width = style->language == PUBLISH_JA ? 2 : 1;
	size_t at = 0;

	if (f->mark_count == 0)
		return;
	buf_puts(b, "  ");
	for (size_t i = 0; i < f->mark_count; i++) {
		size_t place = (size_t)(f->marks[i].day - f->day_from) / days * width;
		size_t before = b->len;

		if (f->marks[i].day < f->day_from || place < at
		    || place >= f->point_count * width)
			continue;
		publish_repeat(b, " ", place - at);
		buf_printf(b, "%u", f->marks[i].number);
		at += b->len - before;
	}
	buf_putc(b, '\n');
}

/* What the numbers stand for. */
static void append_marks_below(struct buf *b, const struct publish_style *style,
    const struct report_figure *f)
{
	struct buf text = {0};
	struct buf number = {0};

	for (size_t i = 0; i < f->mark_count; i++) {
		buf_reset(&text);
		buf_reset(&number);
		buf_printf(&number, "  [%u] ", f->marks[i].number);
		publish_sentence(&text, style, &f->marks[i].text);
		publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, buf_text(&number),
		    "      ");
	}
	b->failed |= text.failed || number.failed;
	buf_fini(&text);
	buf_fini(&number);
}

static void append_sparklines(struct buf *b, const struct publish_style *style,
    const struct report_figure *f)
{
	size_t days = (f->point_count + MARKS_MAX - 1) / MARKS_MAX;
	struct buf head = {0};

	for (size_t s = 0; s < f->series_count; s++) {
		buf_reset(&head);
		publish_value(&head, style, &f->series[s].label);
		buf_puts(&head, style->language == PUBLISH_JA ? "(" : " (");
		append_scale(&head, style, f, f->series[s].values);
		buf_putc(&head, ')');
		publish_wrap(b, style, buf_text(&head), PUBLISH_TEXT_COLUMNS, "  ", "  ");
		append_marks(b, style, f, f->series[s].values, days);
	}
	append_mark_row(b, style, f, days);
	if (days > 1) {
		buf_puts(b, "  ");
		publish_message_integer(b, style, "layout.per-mark", "days", (int64_t)days);
		buf_putc(b, '\n');
	}
	b->failed |= head.failed;
	buf_fini(&head);
}

static void append_unit_line(struct buf *b, const struct publish_style *style,
    enum report_unit unit)
{
	struct buf words = {0};
	struct report_value place = {.name = "unit", .kind = REPORT_VALUE_TEXT};
	struct report_sentence sentence = {
	    .message = "layout.unit", .values = &place, .value_count = 1};

	publish_unit(&words, style, unit);
	if (words.len > 0) {
		place.text = buf_text(&words);
		buf_puts(b, "  ");
		publish_sentence(b, style, &sentence);
		buf_putc(b, '\n');
	}
	b->failed |= words.failed;
	buf_fini(&words);
}

void publish_text_figure(struct buf *b, const struct publish_style *style,
    const struct report_figure *figure, struct publish_numbering *numbering)
{
	struct buf text = {0};

	publish_caption(&text, style, "layout.figure", ++numbering->figure, &figure->caption);
	publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "", "");
	buf_reset(&text);
	publish_sentence(&text, style, &figure->alt);
	publish_wrap(b, style, buf_text(&text), PUBLISH_TEXT_COLUMNS, "  ", "  ");
	buf_putc(b, '\n');
	append_unit_line(b, style, figure->unit);
	if (figure->point_count > 0 && figure->series_count > 0) {
		if (figure->kind == REPORT_FIGURE_BARS || figure->point_count <= TABLE_DAYS_MAX)
			append_small_table(b, style, figure);
		else
			append_sparklines(b, style, figure);
	}
	append_marks_below(b, style, figure);
	publish_text_notes(b, style, figure->notes, figure->note_count);
	b->failed |= text.failed;
	buf_fini(&text);
}
