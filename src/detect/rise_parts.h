/*
 * The inside of the detector: one key's counts by level (each sensor, and all together), the tests
 * of one day, and the run of days that becomes a finding.  Private to detect/rise*.c.
 */
#pragma once

#include "detect/rise.h"
#include "detect/rise_tail.h"

/* Of one level: a sensor, or (the last one) all of them. */
struct rise_level {
	double *packets;     /* [days] */
	double *sources;     /* [days] */
	double *exposure;    /* of packets: of all together, weighted by what is usual at each */
	double *exposure_sources;
	double *sum_packets; /* [days + 1]: of the days before, for a quick look */
	double *heavy;       /* [days]; of all together: the most of one sensor */
	bool *observed;      /* [days] */
	bool risen;          /* took part in the run that is open */
	bool empty;          /* nothing was counted */
};

struct rise_run {
	bool open;
	bool slow;
	bool novel;
	enum rise_direction direction;
	size_t from;
	size_t last;       /* unusual day */
	unsigned quiet;
	unsigned baseline;
	double ln_p[8];    /* of its clearest days */
	size_t ln_p_count;
};

struct rise_detector {
	struct rise_rule rule;
	struct rise_frame frame;
	struct rise_level *levels; /* [sensors + 1] */
	size_t level_count;        /* sensors + 1 */
	bool *excluded;            /* [days]: unusual, no part of a baseline */
	bool *observed;            /* [days]: by enough of the sensors */
	double *memory;
	bool *flags;
	bool has_sources;
	bool sparse;
	uint64_t id;
	uint64_t tests;
	double *ln_p;              /* of unusual runs, for the false discovery rate */
	size_t ln_p_count;
	size_t ln_p_cap;
	struct rise_finding *findings;
	double *finding_ln_p;
	size_t finding_count;
	size_t finding_cap;
};

/* What one day looks like at one level. */
struct rise_day {
	bool candidate;
	bool extreme;  /* enough for a rise by itself */
	bool elevated; /* keeps a run going */
	bool novel;
	unsigned baseline;
	double ln_p;
};

/* Earlier days that a level's baseline may rest on: the newest before `before`. */
size_t rise_days_before(const struct rise_detector *d, const struct rise_level *level,
    size_t before, size_t days[RISE_BASELINE_MAX]);

/* Judges a day at a level against the days before `before`. */
struct rise_day rise_day_judge(const struct rise_detector *d, const struct rise_level *level,
    size_t day, size_t before, enum rise_direction direction);

/* Is it the day of a burst: far more packets, by a few sources that each sent many? */
bool rise_day_is_burst(const struct rise_level *level, size_t day, double mean);

/* Could the day be unusual by its packets, whatever the sources were? */
bool rise_day_screen(const struct rise_detector *d, const struct rise_level *level, size_t day);

/* A slow rise that ends on this day: true, with its first day. */
bool rise_slow_judge(const struct rise_detector *d, const struct rise_level *level, size_t day,
    size_t *ret_from, struct rise_day *ret_judged);

/* Fills a finding's sizes, sensors and locality from its days. */
void rise_locate(const struct rise_detector *d, const struct rise_run *run,
    struct rise_finding *finding);
