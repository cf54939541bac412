/* Scans from sums of rows; the contract is in scan.h. */
#include "detect/scan.h"

#include "base/civil.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define IPV4_ADDRESSES 4294967296.0
#define GAP_MIN_US (480 * CIVIL_US_PER_SECOND)
#define GAP_BUCKETS 4 /* a bucket is at most this part of the gap */
#define DESTINATIONS_SMALL 4u /* what TRW asks of a darknet (Jung et al., 2004) */
#define DESTINATIONS_LARGE 10u /* Merit's events */
#define SAMPLES_FIRST 64u

struct scans {
	struct scan_rule rule;
	struct scan_sample *samples; /* of the source that is open */
	struct scan_sample *scratch; /* those of one event */
	size_t count;
	size_t capacity;
	struct scan *list;
	size_t list_count;
	size_t list_capacity;
	uint64_t untracked;
	uint64_t unlisted;
};

static const char *const shape_names[SCAN_SHAPE_COUNT] = {"horizontal", "vertical", "block"};

const char *scan_shape_name(enum scan_shape shape)
{
	return shape_names[shape];
}

/* ---- the rule ------------------------------------------------------------------------------- */

/* Whole minutes that divide the hour or the day. */
static int64_t bucket_of(int64_t gap_us)
{
	static const int64_t minutes[] = {720, 360, 180, 60, 30, 15, 5};
	size_t count = sizeof(minutes) / sizeof(minutes[0]);

	for (size_t i = 0; i < count; i++)
		if (minutes[i] * CIVIL_US_PER_MINUTE * GAP_BUCKETS <= gap_us)
			return minutes[i] * CIVIL_US_PER_MINUTE;
	return CIVIL_US_PER_MINUTE;
}

struct scan_rule scan_rule_of(const struct scan_settings *s, uint64_t addresses)
{
	uint64_t n = addresses ? addresses : 1;
	double seconds = log(1 / SCAN_SPLIT) * IPV4_ADDRESSES
	    / ((double)(s->rate ? s->rate : 1) * (double)n);
	uint32_t destinations = s->destinations;
	struct scan_rule rule = {
		.addresses = n,
		.packets = s->packets,
		.ports = s->ports,
		.slow_us = s->slow_us,
	};

	if (!destinations)
		destinations = n < SCAN_DAY_ADDRESSES ? DESTINATIONS_SMALL : DESTINATIONS_LARGE;
	rule.destinations = n < destinations ? (uint32_t)n : destinations;
	rule.gap_us = seconds * CIVIL_US_PER_SECOND < (double)s->gap_max_us
	    ? (int64_t)(seconds * CIVIL_US_PER_SECOND) : s->gap_max_us;
	if (n < SCAN_DAY_ADDRESSES && rule.gap_us < CIVIL_US_PER_DAY)
		rule.gap_us = CIVIL_US_PER_DAY;
	if (rule.gap_us < GAP_MIN_US)
		rule.gap_us = GAP_MIN_US;
	rule.bucket_us = n < SCAN_DAY_ADDRESSES ? CIVIL_US_PER_DAY : bucket_of(rule.gap_us);
	return rule;
}

/* ---- one event ------------------------------------------------------------------------------ */

static int compare_time(const void *va, const void *vb)
{
	const struct scan_sample *a = va;
	const struct scan_sample *b = vb;

	if (a->first_us != b->first_us)
		return a->first_us < b->first_us ? -1 : 1;
	return a->last_us < b->last_us ? -1 : a->last_us > b->last_us;
}

static uint32_t target_of(const struct scan_sample *s)
{
	return (uint32_t)s->proto << 16 | s->port;
}

/* Samples of several ports last. */
static int compare_target(const void *va, const void *vb)
{
	const struct scan_sample *a = va;
	const struct scan_sample *b = vb;

	if ((a->ports > 1) != (b->ports > 1))
		return a->ports > 1 ? 1 : -1;
	if (a->ports <= 1 && target_of(a) != target_of(b))
		return target_of(a) < target_of(b) ? -1 : 1;
	return compare_time(va, vb);
}

static int compare_sensor(const void *va, const void *vb)
{
	const struct scan_sample *a = va;
	const struct scan_sample *b = vb;

	return a->sensor < b->sensor ? -1 : a->sensor > b->sensor;
}

static uint32_t clamp(uint64_t value)
{
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* Sensors and distinct addresses; sorts the samples by sensor. */
static void count_destinations(struct scan_sample *samples, size_t count, struct scan *scan)
{
	uint64_t total = 0;
	uint64_t total_most = 0;

	qsort(samples, count, sizeof(*samples), compare_sensor);
	for (size_t i = 0; i < count;) {
		uint16_t sensor = samples[i].sensor;
		uint64_t bits = 0;
		uint64_t least = 0;
		uint64_t more = 0; /* where they are not told apart */

		for (; i < count && samples[i].sensor == sensor; i++) {
			bits |= samples[i].dst_bits;
			if (!samples[i].has_bits)
				more += samples[i].dsts_most;
			if (samples[i].dsts > least)
				least = samples[i].dsts;
		}
		if ((uint64_t)__builtin_popcountll(bits) > least)
			least = (uint64_t)__builtin_popcountll(bits);
		more += (uint64_t)__builtin_popcountll(bits);
		total += least;
		total_most += more > least ? more : least;
		if (scan->sensors < UINT16_MAX)
			scan->sensors++;
	}
	scan->destinations = clamp(total);
	scan->destinations_most = clamp(total_most);
}

/*
 * Are they enough addresses?  In a large network only those of one minute are told apart: packets
 * in different minutes may have gone to the same address.  What tells a slow scan from somebody's
 * mistake is then a scanner's mark, or that there was more than one address at all.
 */
static bool reaches(const struct scan_rule *rule, const struct scan *scan, bool marked)
{
	if (scan->destinations >= rule->destinations)
		return true;
	return scan->destinations_most >= rule->destinations && (scan->destinations > 1 || marked);
}

/* Distinct ports: at least those of the sample with the most, when they are not told apart. */
static void count_ports(struct scan_sample *samples, size_t count, struct scan *scan)
{
	uint32_t known = 0;
	uint32_t most = 0;

	qsort(samples, count, sizeof(*samples), compare_target);
	for (size_t i = 0; i < count; i++) {
		if (samples[i].ports > 1) {
			scan->ports_at_least = true;
			if (samples[i].ports > most)
				most = samples[i].ports;
		} else if (i == 0 || target_of(&samples[i]) != target_of(&samples[i - 1])) {
			known++;
		}
	}
	scan->ports = known > most ? known : most;
}

static int list_add(struct scans *s, const struct scan *scan)
{
	if (s->list_count == SCAN_LIST_MAX) {
		s->unlisted++;
		return ST_OK;
	}
	if (s->list_count == s->list_capacity) {
		size_t capacity = s->list_capacity ? s->list_capacity * 2 : SAMPLES_FIRST;
		struct scan *list = realloc(s->list, capacity * sizeof(*list));

		if (!list)
			return -ENOMEM;
		s->list = list;
		s->list_capacity = capacity;
	}
	s->list[s->list_count++] = *scan;
	return ST_OK;
}

/* What samples of one event have in common; their order changes.  Does any carry a mark? */
static bool describe(const struct scans *s, struct scan_sample *samples, size_t count,
    struct scan *ret_scan)
{
	bool marked = false;
	struct scan scan = {
		.source = samples[0].source,
		.start_us = samples[0].first_us,
		.end_us = samples[0].last_us,
	};
	int64_t mean_us;

	for (size_t i = 0; i < count; i++) {
		scan.packets += samples[i].packets;
		marked = marked || samples[i].marked;
		if (samples[i].first_us < scan.start_us)
			scan.start_us = samples[i].first_us;
		if (samples[i].last_us > scan.end_us)
			scan.end_us = samples[i].last_us;
	}
	mean_us = scan.packets > 1 ? (scan.end_us - scan.start_us) / (int64_t)(scan.packets - 1) : 0;
	scan.slow = mean_us >= s->rule.slow_us && scan.end_us - scan.start_us >= CIVIL_US_PER_DAY;
	count_ports(samples, count, &scan);
	count_destinations(samples, count, &scan);
	*ret_scan = scan;
	return marked;
}

/* Samples of one port, in order of time: an event for each run without a silence. */
static int end_port(struct scans *s, const struct scan_sample *samples, size_t count)
{
	for (size_t i = 0; i < count;) {
		size_t begin = i;
		int64_t last = samples[i].last_us;
		struct scan scan;
		bool marked;
		int rc;

		for (i++; i < count && samples[i].first_us - last <= s->rule.gap_us; i++)
			if (samples[i].last_us > last)
				last = samples[i].last_us;
		memcpy(s->scratch, samples + begin, (i - begin) * sizeof(*samples));
		marked = describe(s, s->scratch, i - begin, &scan);
		if (scan.packets < s->rule.packets || !reaches(&s->rule, &scan, marked))
			continue;
		scan.shape = SCAN_HORIZONTAL;
		scan.proto = samples[begin].proto;
		scan.port = samples[begin].port;
		rc = list_add(s, &scan);
		if (rc)
			return rc;
	}
	return ST_OK;
}

/* Samples between two silences of a source. */
static int end_run(struct scans *s, struct scan_sample *samples, size_t count)
{
	struct scan scan;
	bool marked;

	memcpy(s->scratch, samples, count * sizeof(*samples));
	marked = describe(s, s->scratch, count, &scan);
	if (scan.packets < s->rule.packets)
		return ST_OK;
	if (scan.ports > s->rule.ports) {
		scan.shape = s->rule.addresses > 1 && reaches(&s->rule, &scan, marked)
		    ? SCAN_BLOCK : SCAN_VERTICAL;
		return list_add(s, &scan);
	}
	qsort(samples, count, sizeof(*samples), compare_target);
	for (size_t i = 0; i < count;) {
		size_t begin = i;
		int rc;

		for (i++; i < count && samples[i].ports <= 1
		    && target_of(&samples[i]) == target_of(&samples[begin]); i++)
			;
		/* A few ports that are not told apart belong to no port. */
		if (samples[begin].ports > 1)
			continue;
		rc = end_port(s, samples + begin, i - begin);
		if (rc)
			return rc;
	}
	return ST_OK;
}

static int end_source(struct scans *s)
{
	size_t count = s->count;

	s->count = 0;
	if (count == 0)
		return ST_OK;
	qsort(s->samples, count, sizeof(*s->samples), compare_time);
	for (size_t i = 0; i < count;) {
		size_t begin = i;
		int64_t last = s->samples[i].last_us;
		int rc;

		for (i++; i < count && s->samples[i].first_us - last <= s->rule.gap_us; i++)
			if (s->samples[i].last_us > last)
				last = s->samples[i].last_us;
		rc = end_run(s, s->samples + begin, i - begin);
		if (rc)
			return rc;
	}
	return ST_OK;
}

/* ---- the list ------------------------------------------------------------------------------- */

int scans_new(const struct scan_rule *rule, struct scans **ret_scans)
{
	struct scans *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->rule = *rule;
	*ret_scans = s;
	return ST_OK;
}

void scans_free(struct scans *s)
{
	if (!s)
		return;
	free(s->samples);
	free(s->scratch);
	free(s->list);
	free(s);
}

static int grow(struct scans *s)
{
	size_t capacity = s->capacity ? s->capacity * 2 : SAMPLES_FIRST;
	struct scan_sample *samples = realloc(s->samples, capacity * sizeof(*samples));
	struct scan_sample *scratch;

	if (!samples)
		return -ENOMEM;
	s->samples = samples;
	scratch = realloc(s->scratch, capacity * sizeof(*scratch));
	if (!scratch)
		return -ENOMEM;
	s->scratch = scratch;
	s->capacity = capacity;
	return ST_OK;
}

int scans_add(struct scans *s, const struct scan_sample *sample)
{
	int rc = ST_OK;

	if (s->count && !ip_equal(s->samples[0].source, sample->source))
		rc = end_source(s);
	if (!rc && s->count == s->capacity) {
		if (s->count == SCAN_SAMPLES_MAX) {
			s->untracked += sample->packets;
			return ST_OK;
		}
		rc = grow(s);
	}
	if (rc)
		return rc;
	s->samples[s->count++] = *sample;
	return ST_OK;
}

static int compare_scans(const void *va, const void *vb)
{
	const struct scan *a = va;
	const struct scan *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	if (!ip_equal(a->source, b->source))
		return ip_compare(a->source, b->source);
	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	return a->port < b->port ? -1 : a->port > b->port;
}

int scans_finish(struct scans *s)
{
	int rc = end_source(s);

	if (rc)
		return rc;
	if (s->list_count)
		qsort(s->list, s->list_count, sizeof(*s->list), compare_scans);
	return ST_OK;
}

const struct scan *scans_list(const struct scans *s, size_t *ret_count)
{
	*ret_count = s->list_count;
	return s->list;
}

uint64_t scans_untracked(const struct scans *s)
{
	return s->untracked;
}

uint64_t scans_unlisted(const struct scans *s)
{
	return s->unlisted;
}

/* ---- coverage ------------------------------------------------------------------------------- */

#define BISECTIONS 60
#define FRACTIONS 300
#define FRACTION_ENOUGH 1e-13
#define INTERVAL_TAIL 0.025

/* The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. */
static double beta_fraction(double a, double b, double x)
{
	double c = 1;
	double d = 1 - (a + b) * x / (a + 1);
	double h;

	d = fabs(d) < 1e-300 ? 1e300 : 1 / d;
	h = d;
	for (int m = 1; m <= FRACTIONS; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 / (1 + even * d);
		c = 1 + even / c;
		h *= d * c;
		d = 1 / (1 + odd * d);
		c = 1 + odd / c;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < FRACTION_ENOUGH)
			break;
	}
	return h;
}

/* The regularised incomplete beta function I_x(a, b). */
static double beta_share(double a, double b, double x)
{
	double front;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double beta_quantile(double a, double b, double p)
{
	double low = 0;
	double high = 1;

	for (int i = 0; i < BISECTIONS; i++) {
		double middle = (low + high) / 2;

		if (beta_share(a, b, middle) < p)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

struct scan_coverage scan_coverage_of(uint64_t found, uint64_t most, uint64_t observed)
{
	double k;
	double m;
	double n;

	if (observed == 0)
		return (struct scan_coverage){.high = 1};
	if (found > observed)
		found = observed;
	if (most < found)
		most = found;
	k = (double)found;
	m = (double)most;
	n = (double)observed;
	return (struct scan_coverage){
		.share = k / n,
		.low = found == 0 ? 0 : beta_quantile(k, n - k + 1, INTERVAL_TAIL),
		.high = most >= observed ? 1 : beta_quantile(m + 1, n - m, 1 - INTERVAL_TAIL),
	};
}
