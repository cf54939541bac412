/*
 * Daily rates: what a packet is worth on each site day, and how a run of days is drawn in text.
 */
#pragma once

#include "cmd/window.h"

/*
 * Weights of every sensor on every day of the window's period.  Sensors are put into groups, and
 * a rate is within a group: one group for "all sensors", one per sensor for a split by sensor.
 */
struct days {
	int32_t first;
	size_t count;
	size_t sensor_count;
	size_t group_count;
	const size_t *groups; /* of each sensor, borrowed */
	double *weights;      /* [day × sensor_count + sensor] */
	bool *observed;       /* [day × group_count + group] */
};

/* groups: a group for each sensor of the window; NULL = all in one. */
void days_load(
    const struct window *w, const size_t *groups, size_t group_count, struct days *ret_days);
void days_fini(struct days *days);
size_t days_group(const struct days *days, size_t sensor);

/* Sets days no sensor of the group observed to NAN. */
void days_mask(const struct days *days, size_t group, double *values);

/* Appends SQL for the site day of the column `time`, over the window's period. */
void days_sql(const struct window *w, struct buf *b);

/* Appends ▁▂▃▄▅▆▇█, one mark a day, from 0 to the largest; "·" = not observed.  Long runs are
 * averaged into at most `columns` marks; returns the days of one mark. */
size_t days_sparkline(const double *values, size_t count, size_t columns, struct buf *b);

struct days_summary {
	double mean; /* NAN when nothing was observed */
	double least;
	double most;
	double last;
};
struct days_summary days_summarise(const double *values, size_t count);
