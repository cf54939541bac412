/*
 * Rises and falls: which changes of a count are more than the ordinary ups and downs, since when,
 * and whether one sensor saw them or everyone.
 *
 * Pure statistics over daily counts: no I/O, no clock, and no key is known here by its meaning.
 * The caller gives, key by key, packets and distinct sources per sensor and day and how long each
 * sensor observed; rises.c of the report layer gets them from a store.
 *
 * A day is unusual when packets and sources both are (a single busy scanner is no rise):
 *   expected    rate per address-day of each sensor before the rise: median of the last days
 *               (of the same weekday once there are weeks enough), shrunk towards the mean of the
 *               days where counts are low, times what the sensor observed on the day
 *   dispersion  MAD × 1.4826, at least √expected and a share of it; low counts vary by more than
 *               a Poisson variable does, so their tail is that of a negative binomial
 *   decision    robust z of sources ≥ 4 and of packets ≥ 3, the exact tail significant under
 *               Benjamini and Hochberg (1995) over all keys, sensors and days, and a least ratio
 *   bursts      a few sources that each ask the same addresses again and again (one is no rise) are
 *               evidence by their packets, however many others ask the port every day
 *   slow        CUSUM (Page 1954) of the daily z, then the same tests on its last week
 *   flaps       opens after two unusual days or an extreme one, ends after three ordinary ones;
 *               a day that was hardly observed is no evidence for anything
 * Locality after JPCERT/CC's practice: how many sensors rose, the largest share of the increase,
 * the effective number of sensors (1 / Σ share²), and what is left without the largest.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RISE_SENSORS_MAX 1024
#define RISE_DAYS_MAX 500

enum rise_direction {
	RISE_UP,
	RISE_DOWN,
};

enum rise_state {
	RISE_OPEN,       /* began in the period and is going on at its end */
	RISE_CONTINUING, /* began before the period and is going on at its end */
	RISE_ENDED,      /* is over before the period's end */
	RISE_RECURRED,   /* began in the period; the same key rose before, and that was over */
	RISE_STATE_COUNT,
};

enum rise_locality {
	RISE_GLOBAL,  /* 広域 */
	RISE_PARTIAL, /* 一部のセンサー */
	RISE_SINGLE,  /* 特定のセンサー */
	RISE_UNKNOWN, /* 判定不可(センサー1台) */
	RISE_LOCALITY_COUNT,
};

/* "up", "down" */
const char *rise_direction_name(enum rise_direction direction);
/* "open", "continuing", "ended", "recurred" */
const char *rise_state_name(enum rise_state state);
/* "global", "partial", "single-sensor", "unknown" */
const char *rise_locality_name(enum rise_locality locality);

/* Thresholds; rise_rule_default() has the documented ones. */
struct rise_rule {
	unsigned baseline_days;     /* looked back at most: 28 */
	unsigned baseline_least;    /* below that nothing is judged: 3 */
	unsigned baseline_short;    /* below that a rise says so and must be clearer: 7 */
	double z_sources;           /* 4 */
	double z_packets;           /* 3 */
	double false_rate;          /* Benjamini-Hochberg q: 0.01 */
	double ratio;               /* least observed ÷ expected of a day: 2 */
	double ratio_slow;          /* of a slow rise's last week: 1.5 */
	double ratio_fall;          /* least expected ÷ observed: 2 */
	double dispersion;          /* variance ÷ mean of low counts, at least: 2 */
	double spread;              /* least standard deviation as a part of the expected: 0.1 */
	double cusum_slack;         /* k: 0.5 */
	double cusum_limit;         /* h: 5 */
	unsigned novel_sources;     /* 3, at so many sensors: */
	unsigned novel_sensors;     /* 3 */
	unsigned quiet_days;        /* ordinary days that end a rise: 3 */
	double coverage_least;      /* of a day, else it is no evidence: 0.25 */
};

struct rise_rule rise_rule_default(void);

/* What every key shares: sensors × days, dense, index sensor × days + day. */
struct rise_frame {
	size_t sensors;
	size_t days;
	int32_t first_day;      /* for weekdays: days since 1970 */
	const double *exposure; /* address-days observed; 0 = none */
	const double *nominal;  /* of each sensor: address-days of a whole day */
};

/* One key's counts. */
struct rise_series {
	uint64_t id;             /* the caller's, given back */
	const float *packets;    /* [sensors × days] */
	const float *sources;    /* [sensors × days]; NULL = only packets are known */
	const float *union_sources; /* [days], distinct over all sensors; NULL with sources */
	const float *heavy;      /* [sensors × days], of the sources those that sent rise_heavy_least()
	                            and more; NULL: nobody knows */
	bool sparse;             /* novelty is worth a word: ports, signatures */
};

/* Packets of a day that make a source of a sensor with so many addresses a heavy one: more than any
 * scan, which asks each address once or twice. */
double rise_heavy_least(double addresses);

/* Could a day's packets be those of heavy sources?  mean: of the other days. */
bool rise_heavy_possible(double packets, double mean);

struct rise_finding {
	uint64_t id;
	enum rise_direction direction;
	size_t from;      /* index of the first day */
	size_t to;        /* after the last unusual day */
	bool going_on;    /* unusual up to the last day that was observed */
	bool slow;        /* found by CUSUM */
	bool novel;       /* never seen in the days looked back at */
	unsigned baseline; /* days the expectation rests on */
	double address_days; /* observed in [from, to) */
	double packets;   /* in [from, to) */
	double expected;  /* likewise */
	double observed_rate; /* per day and address */
	double expected_rate;
	double sources;   /* mean of the days' distinct sources; NAN unknown */
	double sources_expected;
	double log10_p;   /* of the clearest day */

	enum rise_locality locality;
	unsigned sensors;    /* n: that observed and have a baseline */
	unsigned risen;      /* k: that changed */
	size_t top;          /* sensor with the largest share */
	double top_share;    /* 0 … 1, of the increase per address */
	double effective;    /* 1 / Σ share² */
	double without_top;  /* part of the increase that is gone without it */
	uint64_t risen_bits; /* of the first 64 sensors */
};

struct rise_detector;

/* The frame's arrays stay borrowed. */
ST_MUST_CHECK int rise_detector_new(const struct rise_rule *rule, const struct rise_frame *frame,
    struct rise_detector **ret_detector);
void rise_detector_free(struct rise_detector *detector);

/* Could anything of this key be unusual, by its packets alone?  Sources need not be known yet. */
bool rise_detector_screen(struct rise_detector *detector, const struct rise_series *series);

/* Takes one key; its arrays are not needed afterwards. */
ST_MUST_CHECK int rise_detector_add(
    struct rise_detector *detector, const struct rise_series *series);

/* Keys that were not given because nothing of them can be unusual; they count as tests. */
void rise_detector_pass(struct rise_detector *detector, uint64_t keys);

/* Once, at the end: decides.  The list belongs to the detector, ordered by key, then day. */
ST_MUST_CHECK int rise_detector_finish(struct rise_detector *detector,
    const struct rise_finding **ret_findings, size_t *ret_count);
