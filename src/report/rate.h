/*
 * Rates and changes: the arithmetic every published number rests on.
 *
 *   rate   = Σ over sensors of packets × weight, where the weight says what a rate divides by
 *   change = the same over the sensors present in both periods (the panel), now against before
 *
 * Nothing is rounded here.  Observed time is the union of a sensor's coverage intervals, never
 * their sum.  One day is 86 400 seconds, also where a site day is longer or shorter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a rate divides by. */
enum report_basis {
	REPORT_BASIS_ADDRESS,     /* NPA: address × observed days */
	REPORT_BASIS_SENSOR_MEAN, /* TSUBAME: mean over sensors of packets per observed day */
	REPORT_BASIS_TOTAL,       /* sum over sensors of packets per observed day */
	REPORT_BASIS_COUNT,
};

struct report_span {
	int64_t from; /* µs */
	int64_t to;
	uint32_t addresses;
};

struct report_observed {
	double days;         /* union of the spans, in days of 86 400 s */
	double address_days; /* Σ address × days */
};

/*
 * Observed time within [from, to).  Spans are sorted by `from`.  Where two overlap the time
 * counts once, with the larger number of addresses.
 */
struct report_observed report_observed_union(const struct report_span *spans, size_t count,
    int64_t from, int64_t to);

/* What one packet of a sensor is worth in each rate. */
struct report_weight {
	double now;
	double before;
	double panel_now;
	double panel_before;
};

/*
 * Weights of `count` sensors from what each observed now and before; panel[i] is true for
 * sensors that observed in both.  Sensors that did not observe weigh nothing.
 */
void report_weights(enum report_basis basis, const struct report_observed *now,
    const struct report_observed *before, const bool *panel, size_t count,
    struct report_weight *ret_weights);

/* One measure in both periods, over all sensors and over the panel. */
struct report_measure {
	double now;
	double before;
	double panel_now;
	double panel_before;
};

void report_measure_add(struct report_measure *measure, const struct report_weight *weight,
    double packets_now, double packets_before);

enum report_change_state {
	REPORT_CHANGE_NO_DATA,  /* nothing was observed before: 前期は観測データなし */
	REPORT_CHANGE_NEW,      /* observed, and 0 before: 前期は検知なし */
	REPORT_CHANGE_NONE,     /* 0 both times */
	REPORT_CHANGE_UP,
	REPORT_CHANGE_DOWN,
	REPORT_CHANGE_SAME,     /* less than 0.05 % either way: 同程度 */
	REPORT_CHANGE_COUNT,
};

struct report_change {
	enum report_change_state state;
	double difference; /* panel_now − panel_before */
	double percent;    /* of panel_before; 0 where there is none */
};

/* has_before: the previous period was observed by at least one sensor of the panel. */
struct report_change report_change_of(const struct report_measure *measure, bool has_before);
