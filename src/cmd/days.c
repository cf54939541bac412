/* Daily rates; the contract is in days.h. */
#include "cmd/days.h"

#include "base/civil.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t days_group(const struct days *days, size_t sensor)
{
	return days->groups ? days->groups[sensor] : 0;
}

/* Observed time of every sensor on one day; spans never cross a site day and are sorted. */
static void observe_day(
    const struct window *w, int64_t from, int64_t to, size_t *at, struct report_observed *observed)
{
	for (size_t s = 0; s < w->sensor_count; s++) {
		const struct window_sensor *sensor = &w->sensors[s];
		size_t end;

		while (at[s] < sensor->span_count && sensor->spans[at[s]].from < from)
			at[s]++;
		for (end = at[s]; end < sensor->span_count && sensor->spans[end].from < to;)
			end++;
		observed[s] = report_observed_union(sensor->spans + at[s], end - at[s], from, to);
		at[s] = end;
	}
}

void days_load(
    const struct window *w, const size_t *groups, size_t group_count, struct days *ret_days)
{
	size_t sensors = w->sensor_count;
	struct days d = {
	    .first = w->now.from,
	    .count = (size_t)(w->now.to - w->now.from),
	    .sensor_count = sensors,
	    .group_count = groups ? group_count : 1,
	    .groups = groups,
	};
	struct report_observed *observed = command_need(calloc(sensors + 1, sizeof(*observed)));
	struct report_observed *member = command_need(calloc(sensors + 1, sizeof(*member)));
	struct report_observed *before = command_need(calloc(sensors + 1, sizeof(*before)));
	struct report_weight *weights = command_need(calloc(sensors + 1, sizeof(*weights)));
	bool *panel = command_need(calloc(sensors + 1, sizeof(*panel)));
	size_t *at = command_need(calloc(sensors + 1, sizeof(*at)));
	struct zone *zone = store_zone(w->store);

	d.weights = command_need(calloc(d.count * sensors + 1, sizeof(*d.weights)));
	d.observed = command_need(calloc(d.count * d.group_count + 1, sizeof(*d.observed)));
	for (size_t day = 0; day < d.count; day++) {
		observe_day(w, zone_day_start(zone, d.first + (int32_t)day),
		    zone_day_start(zone, d.first + (int32_t)day + 1), at, observed);
		for (size_t g = 0; g < d.group_count; g++) {
			for (size_t s = 0; s < sensors; s++) {
				bool in = days_group(&d, s) == g;

				member[s] = in ? observed[s] : (struct report_observed){0};
				if (in && observed[s].days > 0)
					d.observed[day * d.group_count + g] = true;
			}
			report_weights(w->basis, member, before, panel, sensors, weights);
			for (size_t s = 0; s < sensors; s++)
				if (days_group(&d, s) == g)
					d.weights[day * sensors + s] = weights[s].now;
		}
	}
	free(at);
	free(panel);
	free(weights);
	free(before);
	free(member);
	free(observed);
	*ret_days = d;
}

void days_fini(struct days *days)
{
	free(days->weights);
	free(days->observed);
	memset(days, 0, sizeof(*days));
}

void days_mask(const struct days *days, size_t group, double *values)
{
	for (size_t day = 0; day < days->count; day++)
		if (!days->observed[day * days->group_count + group])
			values[day] = NAN;
}

/* ---- SQL ------------------------------------------------------------------------------------ */

static void put_date(struct buf *b, int32_t offset)
{
	buf_printf(b, "toDate(addSeconds(time, %d))", offset);
}

/*
 * One addition where the zone keeps its offset; else a CASE at the moments it changes (clocks
 * change on a quarter of an hour, and rows of port_quarter are no finer).
 */
void days_sql(const struct window *w, struct buf *b)
{
	struct zone *zone = store_zone(w->store);
	int32_t offset = zone_offset(zone, w->now_us);
	unsigned cases = 0;

	for (int32_t day = w->now.from; day < w->now.to; day++) {
		int64_t moment = zone_day_start(zone, day);
		int64_t end = zone_day_start(zone, day + 1);
		char text[CIVIL_TIME_TEXT_MAX];

		if (zone_offset(zone, end) == offset)
			continue;
		while (moment < end && zone_offset(zone, moment) == offset)
			moment += 15 * CIVIL_US_PER_MINUTE;
		(void)civil_format_time(moment, text);
		buf_printf(b, "%s WHEN time < toDateTime('%.10s %.8s') THEN ",
		    cases++ ? "" : "CASE", text, text + 11);
		put_date(b, offset);
		offset = zone_offset(zone, end);
	}
	if (cases)
		buf_puts(b, " ELSE ");
	put_date(b, offset);
	if (cases)
		buf_puts(b, " END");
}

/* ---- drawing -------------------------------------------------------------------------------- */

static double mean_of(const double *values, size_t count)
{
	double sum = 0;
	size_t known = 0;

	for (size_t i = 0; i < count; i++) {
		if (isnan(values[i]))
			continue;
		sum += values[i];
		known++;
	}
	return known ? sum / (double)known : NAN;
}

size_t days_sparkline(const double *values, size_t count, size_t columns, struct buf *b)
{
	static const char *const marks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	size_t step = count > columns ? (count + columns - 1) / columns : 1;
	double most = 0;

	for (size_t i = 0; i < count; i += step)
		most = fmax(most, mean_of(values + i, count - i < step ? count - i : step));
	for (size_t i = 0; i < count; i += step) {
		double value = mean_of(values + i, count - i < step ? count - i : step);

		if (isnan(value)) {
			buf_puts(b, "·");
			continue;
		}
		buf_puts(b, marks[most > 0 ? (size_t)(value / most * 7 + 0.5) : 0]);
	}
	return step;
}

struct days_summary days_summarise(const double *values, size_t count)
{
	struct days_summary s = {mean_of(values, count), NAN, NAN, NAN};

	for (size_t i = 0; i < count; i++) {
		if (isnan(values[i]))
			continue;
		s.least = fmin(s.least, values[i]); /* fmin and fmax pass over NAN */
		s.most = fmax(s.most, values[i]);
		s.last = values[i];
	}
	return s;
}
