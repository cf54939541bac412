/*
 * センサーに対するアクセス: the course of the days, in a figure and in words.
 */
#include "report/build.h"

#include "base/civil.h"

#include <math.h>
#include <string.h>

#define FIGURE_LINES 5
#define FIGURE_DAYS_MIN 3
#define WORDED_PORTS 3
/* A day so much above the port's own median and above every other line is a burst. */
#define BURST_OVER_MEDIAN 4.0
#define BURST_OVER_OTHERS 3.0
/* Each window lies so much above the one before: a trend.  Two windows alone need more. */
#define TREND_PART 0.1
#define TREND_PART_OF_TWO 0.25
/* Days that differ by less are told by one number. */
#define SPREAD_PART 0.05
#define MEDIAN_MAX 512

/* ---- figures --------------------------------------------------------------------------------- */

static size_t now_at(const struct build *b)
{
	return (size_t)(b->g->now.from - b->g->first);
}

static size_t now_days(const struct build *b)
{
	return (size_t)report_period_days(&b->g->now);
}

static const double *copy_days(struct build *b, const double *days, size_t from, size_t count)
{
	size_t points = now_days(b);
	double *copy = report_alloc(b->doc, points * sizeof(*copy));

	for (size_t i = 0; i < points; i++)
		copy[i] = i < count ? days[from + i] : (double)NAN;
	return copy;
}

struct extremes {
	double max;
	double min;
	size_t max_at;
	size_t min_at;
	size_t known;
};

static struct extremes find_extremes(const double *values, size_t count)
{
	struct extremes e = {0};

	for (size_t i = 0; i < count; i++) {
		if (isnan(values[i]))
			continue;
		if (!e.known || values[i] > e.max) {
			e.max = values[i];
			e.max_at = i;
		}
		if (!e.known || values[i] < e.min) {
			e.min = values[i];
			e.min_at = i;
		}
		e.known++;
	}
	return e;
}

bool build_figure_days(const struct build *b, const double *days)
{
	return find_extremes(days + now_at(b), now_days(b)).known >= FIGURE_DAYS_MIN;
}

/* The sentence a figure can be read by: its highest and lowest day. */
static void extremes_values(struct build *b, const char *id, const double *now,
    enum report_unit unit, int decimals, struct report_value ret_values[4])
{
	struct extremes e = find_extremes(now, now_days(b));

	ret_values[0] = value_day_short("max_day", b->g->now.from + (int32_t)e.max_at);
	ret_values[1] = value_fact("max", fact_add(b, report_printf(b->doc, "%s.day.max", id),
	    e.max, unit, decimals, "report_daily", NULL));
	ret_values[2] = value_day_short("min_day", b->g->now.from + (int32_t)e.min_at);
	ret_values[3] = value_fact("min", fact_add(b, report_printf(b->doc, "%s.day.min", id),
	    e.min, unit, decimals, "report_daily", NULL));
}

static struct report_figure *figure_new(struct build *b, const char *id, enum report_unit unit,
    int decimals)
{
	struct report_figure *figure = report_alloc(b->doc, sizeof(*figure));

	figure->id = id;
	figure->kind = REPORT_FIGURE_LINES;
	figure->unit = unit;
	figure->decimals = b->g->counts ? 0 : decimals;
	figure->day_from = b->g->now.from;
	figure->point_count = now_days(b);
	return figure;
}

static void figure_add(struct build *b, const struct report_figure *figure)
{
	(void)report_block_add(b->doc, &(struct report_block){
	    .kind = REPORT_BLOCK_FIGURE, .figure = figure});
}

/* Notes as marks, and as a footnote what had no room. */
static void mark_figure(struct build *b, enum build_figure which, struct report_figure *figure,
    struct lines *notes)
{
	size_t more = build_marks(b, which, figure);
	struct report_sentence *kept;

	if (more)
		lines_say(b, notes, MSG("note.more-marks"), VALUES(value_integer("n",
		    (int64_t)more)));
	if (notes->count == 0)
		return;
	kept = report_alloc(b->doc, notes->count * sizeof(*kept));
	memcpy(kept, notes->items, notes->count * sizeof(*kept));
	figure->notes = kept;
	figure->note_count = notes->count;
}

void build_daily_figure(struct build *b, enum build_figure which, const double *days,
    enum report_unit unit, const char *caption, const char *alt)
{
	static const char *const ids[] = {
		[BUILD_FIGURE_ACCESS] = "access",
		[BUILD_FIGURE_PORTS] = "ports",
		[BUILD_FIGURE_ALERTS] = "alerts",
		[BUILD_FIGURE_DOS] = "dos",
	};
	const char *id = ids[which];
	struct lines notes = {0};
	struct report_figure *figure;
	struct report_series *series;
	struct report_value values[5];
	size_t before_days = now_at(b);
	int decimals = build_decimals(which == BUILD_FIGURE_DOS ? &b->g->dos
	    : which == BUILD_FIGURE_ALERTS ? &b->g->alerts.rate : &b->g->access);

	if (!build_figure_days(b, days))
		return;
	figure = figure_new(b, report_printf(b->doc, "%s-daily", id), unit, decimals);
	series = report_alloc(b->doc, 2 * sizeof(*series));
	series[0].label = value_word(NULL, b->word_now);
	series[0].values = copy_days(b, days, before_days, now_days(b));
	figure->series = series;
	figure->series_count = 1;
	if (b->compare && b->g->sensors_before > 0) {
		series[1].label = value_word(NULL, b->word_before);
		series[1].values = copy_days(b, days, 0,
		    before_days < now_days(b) ? before_days : now_days(b));
		series[1].muted = true;
		figure->series_count = 2;
	}
	extremes_values(b, id, series[0].values, unit, decimals, values);
	values[4] = value_word("basis", which == BUILD_FIGURE_DOS ? build_dos_word(b)
	    : unit == build_times_unit(b) ? build_times_word(b) : build_basis_word(b));
	figure->caption = sentence(b, caption, values + 4, 1);
	figure->alt = sentence(b, alt, values, 5);
	mark_figure(b, which, figure, &notes);
	figure_add(b, figure);
}

/* Of at most MEDIAN_MAX values (a leap year of days; the first ones of more). */
static double median(const double *values, size_t count)
{
	double sorted[MEDIAN_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count && n < MEDIAN_MAX; i++) {
		size_t at = n;

		if (isnan(values[i]))
			continue;
		while (at > 0 && sorted[at - 1] > values[i]) {
			sorted[at] = sorted[at - 1];
			at--;
		}
		sorted[at] = values[i];
		n++;
	}
	if (n == 0)
		return 0;
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* ---- windows in words ------------------------------------------------------------------------ */

/* 上旬・中旬・下旬 of a month, 前半・後半 of anything else. */
static size_t windows_of(const struct build *b, size_t ret_ends[3])
{
	size_t days = now_days(b);

	if (b->g->now.kind == REPORT_PERIOD_MONTH) {
		ret_ends[0] = 10;
		ret_ends[1] = 20;
		ret_ends[2] = days;
		return 3;
	}
	ret_ends[0] = (days + 1) / 2;
	ret_ends[1] = days;
	return 2;
}

/* 6,789 → 6,000 and 1,489 → 1,400: what 「6,000件台」 says.  Below 5 one digit is too coarse. */
static double floor_leading(double value)
{
	double unit = value >= 10 ? pow(10, floor(log10(value))) : 1;

	if (value >= 100 && value < 5 * unit)
		unit /= 10;
	return floor(value / unit) * unit;
}

/* 6,789 → 6,800: what "about" says. */
static double round_near(double value)
{
	double unit = value >= 100 ? pow(10, floor(log10(value)) - 1) : 1;

	return floor(value / unit + 0.5) * unit;
}

static struct report_value plain_window(struct build *b, const char *name, const char *id,
    struct extremes e)
{
	const char *message = MSG("window.range");
	double low = floor_leading(e.min);
	double high = floor_leading(e.max);

	if (e.min < 10) {
		const struct report_fact *min = fact_add(b,
		    report_printf(b->doc, "%s.%s.min", id, name), e.min, b->rate_unit, 1,
		    "report_daily_ports", NULL);
		const struct report_fact *max = fact_add(b,
		    report_printf(b->doc, "%s.%s.max", id, name), e.max, b->rate_unit, 1,
		    "report_daily_ports", NULL);
		bool same = floor(e.min * 10 + 0.5) == floor(e.max * 10 + 0.5);

		return value_message(b, name, same ? MSG("window.exact") : MSG("window.small"),
		    VALUES(value_fact("low", min), value_fact("high", max)));
	}
	if (e.max - e.min < SPREAD_PART * e.max)
		message = MSG("window.near");
	else if (low == high)
		message = MSG("window.level");
	return value_message(b, name, message, VALUES(
	    value_integer("low", (int64_t)low), value_integer("high", (int64_t)high),
	    value_integer("low_near", (int64_t)round_near(e.min)),
	    value_integer("high_near", (int64_t)round_near(e.max)),
	    value_integer("near", (int64_t)round_near((e.min + e.max) / 2))));
}

/* A window in words; one day far above all others of it is told apart from the rest. */
static struct report_value window_value(struct build *b, const char *name, const char *id,
    size_t at, const double *values, size_t count)
{
	struct extremes e = find_extremes(values, count);
	struct extremes rest = {0};
	const struct report_fact *max;

	if (!e.known)
		return value_word(name, MSG("window.none"));
	for (size_t i = 0; i < count; i++) {
		struct extremes one = find_extremes(&values[i], i == e.max_at ? 0 : 1);

		if (!one.known)
			continue;
		rest.max = !rest.known || one.max > rest.max ? one.max : rest.max;
		rest.min = !rest.known || one.min < rest.min ? one.min : rest.min;
		rest.known++;
	}
	if (rest.known < 2 || e.max < 10 || e.max < BURST_OVER_OTHERS * rest.max)
		return plain_window(b, name, id, e);
	max = fact_add(b, report_printf(b->doc, "%s.%s.spike", id, name), e.max, b->rate_unit, 1,
	    "report_daily_ports", NULL);
	return value_message(b, name, MSG("window.spike"), VALUES(
	    plain_window(b, "rest", id, rest), value_fact("max", max),
	    value_day_short("day", b->g->now.from + (int32_t)(at + e.max_at))));
}

/* Rising or falling from each window to the next. */
static const char *trend_message(const double *levels, size_t count)
{
	double part = count > 2 ? TREND_PART : TREND_PART_OF_TWO;
	bool up = true;
	bool down = true;

	for (size_t i = 0; i < count; i++) {
		if (isnan(levels[i]))
			return MSG("windows.no-trend");
		if (i == 0)
			continue;
		/* None after none is neither. */
		up &= levels[i] > 0 && levels[i] >= levels[i - 1] * (1 + part);
		down &= levels[i - 1] > 0 && levels[i] <= levels[i - 1] * (1 - part);
	}
	return up ? MSG("windows.up") : down ? MSG("windows.down") : MSG("windows.no-trend");
}

/* All windows would be told by the same words, and no day stands out: one range says it. */
static bool same_windows(const struct report_value *windows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct report_value *w = &windows[i];

		if (w->value_count < 2 || strcmp(w->text, MSG("window.spike")) == 0
		    || strcmp(w->text, windows[0].text) != 0
		    || w->values[0].kind != REPORT_VALUE_INTEGER
		    || w->values[0].integer != windows[0].values[0].integer
		    || w->values[1].integer != windows[0].values[1].integer)
			return false;
	}
	return true;
}

static void say_windows(struct build *b, struct lines *lines, const struct gather_item *item)
{
	static const char *const names[] = {"first", "second", "third"};
	struct report_value values[5];
	double levels[3];
	const char *id = report_printf(b->doc, "%s.window", build_port_id(b, item->key));
	size_t ends[3];
	size_t count = windows_of(b, ends);
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		const double *days = item->days + now_at(b) + at;

		values[i] = window_value(b, names[i], id, at, days, ends[i] - at);
		levels[i] = find_extremes(days, ends[i] - at).known ? median(days, ends[i] - at)
		    : (double)NAN;
		at = ends[i];
	}
	values[count] = value_port("port", item->key);
	values[count + 1] = value_word("trend", trend_message(levels, count));
	if (same_windows(values, count)) {
		values[0] = plain_window(b, "first", id,
		    find_extremes(item->days + now_at(b), now_days(b)));
		lines_say(b, lines, MSG("windows.whole"), values, count + 1);
		return;
	}
	lines_say(b, lines, count == 3 ? MSG("windows.month")
	    : b->g->now.kind == REPORT_PERIOD_WEEK ? MSG("windows.week") : MSG("windows.halves"),
	    values, count + 2);
}

void build_port_windows(struct build *b)
{
	struct lines lines = {0};
	size_t said = 0;

	if (now_days(b) < 2 * FIGURE_DAYS_MIN)
		return;
	for (size_t i = 0; i < b->g->ports.count && said < WORDED_PORTS; i++)
		if (b->g->ports.items[i].days) {
			say_windows(b, &lines, &b->g->ports.items[i]);
			said++;
		}
	lines_end(b, &lines, REPORT_BLOCK_LIST);
}

/* ---- figure of ports ------------------------------------------------------------------------- */

/* Index of a port whose burst would flatten all others, or SIZE_MAX. */
static size_t find_burst(const struct build *b, const struct gather_item *const *items,
    size_t count)
{
	size_t top = SIZE_MAX;
	double highest = 0;
	double second = 0;
	const double *days;

	for (size_t i = 0; i < count; i++) {
		double max = find_extremes(items[i]->days + now_at(b), now_days(b)).max;

		if (max > highest) {
			second = highest;
			highest = max;
			top = i;
		} else if (max > second) {
			second = max;
		}
	}
	if (top == SIZE_MAX || count < 3)
		return SIZE_MAX;
	days = items[top]->days + now_at(b);
	if (highest < BURST_OVER_OTHERS * second
	    || highest < BURST_OVER_MEDIAN * median(days, now_days(b)))
		return SIZE_MAX;
	return top;
}

static void note_burst(struct build *b, struct lines *notes, const struct gather_item *item)
{
	struct extremes e = find_extremes(item->days + now_at(b), now_days(b));
	const struct report_fact *max = fact_add(b,
	    report_printf(b->doc, "%s.day.max", build_port_id(b, item->key)), e.max,
	    b->rate_unit, 1, "report_daily_ports", NULL);

	lines_say(b, notes, MSG("note.excluded"), VALUES(value_port("port", item->key),
	    value_day_short("day", b->g->now.from + (int32_t)e.max_at), value_fact("max", max)));
}

/* Candidates for the figure and the one that would flatten it; 0 where there is no figure. */
static size_t pick_ports(const struct build *b, const struct gather_item *ret_items[FIGURE_LINES + 1],
    size_t *ret_burst)
{
	size_t count = 0;

	for (size_t i = 0; i < b->g->ports.count && count <= FIGURE_LINES; i++)
		if (b->g->ports.items[i].days)
			ret_items[count++] = &b->g->ports.items[i];
	if (count == 0 || !build_figure_days(b, ret_items[0]->days))
		return 0;
	*ret_burst = find_burst(b, ret_items, count < FIGURE_LINES ? count : FIGURE_LINES);
	return *ret_burst == SIZE_MAX && count > FIGURE_LINES ? FIGURE_LINES : count;
}

size_t build_figure_ports(const struct build *b, uint32_t ret_keys[BUILD_FIGURE_PORTS_MAX])
{
	const struct gather_item *items[FIGURE_LINES + 1];
	size_t burst;
	size_t count = pick_ports(b, items, &burst);

	for (size_t i = 0; i < count; i++)
		ret_keys[i] = items[i]->key;
	return count;
}

void build_ports_figure(struct build *b)
{
	const struct gather_item *items[FIGURE_LINES + 1];
	struct report_figure *figure;
	struct report_series *series;
	struct report_value names[FIGURE_LINES];
	struct report_value list;
	struct lines notes = {0};
	size_t burst;
	size_t count = pick_ports(b, items, &burst);
	size_t shown = 0;

	if (count == 0)
		return;
	figure = figure_new(b, "ports-daily", b->rate_unit, build_decimals(&b->g->access));
	series = report_alloc(b->doc, FIGURE_LINES * sizeof(*series));
	for (size_t i = 0; i < count && shown < FIGURE_LINES; i++) {
		if (i == burst) {
			note_burst(b, &notes, items[i]);
			continue;
		}
		series[shown].label = value_port(NULL, items[i]->key);
		series[shown].values = copy_days(b, items[i]->days, now_at(b), now_days(b));
		names[shown] = series[shown].label;
		shown++;
	}
	build_list_message(b, "ports", names, shown, &list);
	figure->series = series;
	figure->series_count = shown;
	figure->caption = sentence(b, MSG("caption.ports-daily"),
	    VALUES(value_word("basis", build_basis_word(b))));
	figure->alt = sentence(b, MSG("alt.ports-daily"), VALUES(list));
	mark_figure(b, BUILD_FIGURE_PORTS, figure, &notes);
	figure_add(b, figure);
}

/* The middle sensor's own rate per address, beside the mean that one noisy sensor can move. */
static const struct report_fact *sensor_median(struct build *b)
{
	double *rates = report_alloc(b->doc, b->g->sensor_count * sizeof(*rates));

	for (size_t i = 0; i < b->g->sensor_count; i++) {
		const struct gather_sensor *s = &b->g->sensors[i];

		rates[i] = s->now.days > 0 ? s->access_now / s->now.address_days : (double)NAN;
	}
	return fact_add(b, "access.sensor.median", median(rates, b->g->sensor_count),
	    REPORT_UNIT_RATE, build_decimals(&b->g->access_address), "report_ports",
	    "median over sensors");
}

void section_trend(struct build *b)
{
	struct lines lines = {0};
	struct extremes e = find_extremes(b->g->access_days + now_at(b), now_days(b));
	struct report_value values[5];

	build_heading(b, 1, "access", MSG("heading.access"));
	if (b->g->access.now <= 0) {
		lines_say(b, &lines, MSG("access.zero.analysis"), NULL, 0);
		lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	}
	if (e.known < FIGURE_DAYS_MIN || e.max <= 0)
		return;
	build_heading(b, 2, "trend", MSG("heading.trend"));
	extremes_values(b, "access", b->g->access_days + now_at(b), b->rate_unit,
	    build_decimals(&b->g->access), values);
	values[4] = value_word("basis", build_basis_word(b));
	lines_say(b, &lines, MSG("trend.extremes"), values, 5);
	lines_say(b, &lines, MSG("trend.median"), VALUES(value_fact("median", fact_add(b,
	    "access.day.median", median(b->g->access_days + now_at(b), now_days(b)),
	    b->rate_unit, build_decimals(&b->g->access), "report_daily",
	    "median over days"))));
	if (b->g->sensors_now > 2)
		lines_say(b, &lines, MSG("trend.sensor-median"),
		    VALUES(value_fact("median", sensor_median(b))));
	lines_end(b, &lines, REPORT_BLOCK_PARAGRAPH);
	build_daily_figure(b, BUILD_FIGURE_ACCESS, b->g->access_days, b->rate_unit,
	    MSG("caption.access-daily"), MSG("alt.access-daily"));
}
