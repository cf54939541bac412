/*
 * The detector: takes keys one by one, walks through their days, and decides at the end which runs
 * of unusual days stand.  The contract is in rise.h.
 *
 * A run is judged as a whole: the p of its clearest days are combined, and compared with those of
 * all runs among all the days of all keys and levels that were looked at.
 */
#include "detect/rise_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RUN_DAYS_MAX 112      /* then it is the new ordinary */
#define PENDING_DAYS 2        /* candidates so near to each other belong together */
#define RUN_NEED_RISE 2       /* candidates that open a run, unless one is extreme */
#define RUN_NEED_FALL 3       /* a weekend is no fall */
#define QUICK_RATIO 1.2
#define QUICK_Z 2.5
#define QUICK_CLUMPS 5.0
#define QUICK_LEAST 3.0
#define QUICK_SLOW 7
#define QUICK_FALL 0.6
#define QUICK_FALL_MEAN 10.0
#define FEW_DAYS 5            /* of a run, that are combined */
#define USUAL_SHRINK 0.1
#define LIKE_PART 0.1         /* of the run's mean day */

struct rise_rule rise_rule_default(void)
{
	return (struct rise_rule){
		.baseline_days = 28,
		.baseline_least = 3,
		.baseline_short = 7,
		.z_sources = 4,
		.z_packets = 3,
		.false_rate = 0.01,
		.ratio = 2,
		.ratio_slow = 1.5,
		.ratio_fall = 2,
		.dispersion = 2,
		.spread = 0.1,
		.cusum_slack = 0.5,
		.cusum_limit = 5,
		.novel_sources = 3,
		.novel_sensors = 3,
		.quiet_days = 3,
		.coverage_least = 0.25,
	};
}

const char *rise_direction_name(enum rise_direction direction)
{
	return direction == RISE_UP ? "up" : "down";
}

const char *rise_state_name(enum rise_state state)
{
	static const char *const names[RISE_STATE_COUNT] = {
	    "open", "continuing", "ended", "recurred"};

	return (unsigned)state < RISE_STATE_COUNT ? names[state] : "";
}

const char *rise_locality_name(enum rise_locality locality)
{
	static const char *const names[RISE_LOCALITY_COUNT] = {
	    "global", "partial", "single-sensor", "unknown"};

	return (unsigned)locality < RISE_LOCALITY_COUNT ? names[locality] : "";
}

/* ---- the frame ------------------------------------------------------------------------------- */

static void observe(struct rise_detector *d)
{
	const struct rise_frame *f = &d->frame;

	for (size_t t = 0; t < f->days; t++) {
		bool any = false;

		for (size_t i = 0; i < f->sensors; i++) {
			double exposure = f->exposure[i * f->days + t];

			d->levels[i].observed[t] = exposure > 0
			    && exposure >= d->rule.coverage_least * f->nominal[i];
			any = any || d->levels[i].observed[t];
		}
		d->observed[t] = any;
		d->levels[f->sensors].observed[t] = any;
	}
}

int rise_detector_new(const struct rise_rule *rule, const struct rise_frame *frame,
    struct rise_detector **ret_detector)
{
	size_t days = frame->days;
	size_t levels = frame->sensors + 1;
	struct rise_detector *d;
	double *next;

	if (frame->sensors > RISE_SENSORS_MAX || days > RISE_DAYS_MAX || days == 0)
		return ST_LIMIT;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->rule = *rule;
	d->frame = *frame;
	d->level_count = levels;
	d->levels = calloc(levels, sizeof(*d->levels));
	d->memory = calloc(levels * (6 * days + 1), sizeof(double));
	d->flags = calloc((levels + 2) * days, sizeof(bool));
	if (!d->levels || !d->memory || !d->flags) {
		rise_detector_free(d);
		return -ENOMEM;
	}
	next = d->memory;
	for (size_t i = 0; i < levels; i++) {
		struct rise_level *level = &d->levels[i];

		level->packets = next;
		level->sources = next + days;
		level->exposure = next + 2 * days;
		level->exposure_sources = next + 3 * days;
		level->heavy = next + 4 * days;
		level->sum_packets = next + 5 * days;
		next += 6 * days + 1;
		level->observed = d->flags + i * days;
	}
	d->excluded = d->flags + levels * days;
	d->observed = d->flags + (levels + 1) * days;
	observe(d);
	*ret_detector = d;
	return ST_OK;
}

void rise_detector_free(struct rise_detector *d)
{
	if (!d)
		return;
	free(d->levels);
	free(d->memory);
	free(d->flags);
	free(d->ln_p);
	free(d->findings);
	free(d->finding_ln_p);
	free(d);
}

void rise_detector_pass(struct rise_detector *d, uint64_t keys)
{
	d->tests += keys * d->frame.days;
}

/* ---- one key --------------------------------------------------------------------------------- */

/* What is usual at a sensor, per address-day; never 0, so that all count for something. */
static double usual(const struct rise_detector *d, const double *counts, const double *exposure,
    double overall)
{
	double rates[RISE_DAYS_MAX];
	size_t count = 0;

	for (size_t t = 0; t < d->frame.days; t++)
		if (exposure[t] > 0)
			rates[count++] = counts[t] / exposure[t];
	return rise_median(rates, count) + USUAL_SHRINK * overall;
}

static double overall_rate(const struct rise_detector *d, bool sources)
{
	double count = 0.5;
	double exposure = 0;

	for (size_t i = 0; i + 1 < d->level_count; i++)
		for (size_t t = 0; t < d->frame.days; t++) {
			count += sources ? d->levels[i].sources[t] : d->levels[i].packets[t];
			exposure += d->frame.exposure[i * d->frame.days + t];
		}
	return exposure > 0 ? count / exposure : 1;
}

/*
 * All together: a day's exposure is what the sensors that observed would usually have brought, so
 * that an outage of the busiest one is no fall.  Sensors that observed too little leave out both
 * their packets and their time.
 */
static void combine(struct rise_detector *d, const struct rise_series *series)
{
	struct rise_level *all = &d->levels[d->level_count - 1];
	size_t days = d->frame.days;
	double overall = overall_rate(d, false);
	double overall_sources = overall_rate(d, true);

	memset(all->packets, 0, 5 * days * sizeof(double));
	for (size_t i = 0; i + 1 < d->level_count; i++) {
		const struct rise_level *level = &d->levels[i];
		const double *exposure = &d->frame.exposure[i * days];
		double weight = usual(d, level->packets, exposure, overall);
		double weight_sources = d->has_sources
		    ? usual(d, level->sources, exposure, overall_sources) : weight;

		for (size_t t = 0; t < days; t++) {
			if (!level->observed[t])
				continue;
			all->heavy[t] = fmax(all->heavy[t], level->heavy[t]);
			all->packets[t] += level->packets[t];
			all->sources[t] += level->sources[t];
			all->exposure[t] += weight * exposure[t];
			all->exposure_sources[t] += weight_sources * exposure[t];
		}
	}
	if (d->has_sources && series->union_sources)
		for (size_t t = 0; t < days; t++)
			all->sources[t] = series->union_sources[t];
}

static void load(struct rise_detector *d, const struct rise_series *series)
{
	size_t days = d->frame.days;

	d->id = series->id;
	d->sparse = series->sparse;
	d->has_sources = series->sources;
	memset(d->excluded, 0, days * sizeof(bool));
	for (size_t i = 0; i + 1 < d->level_count; i++) {
		struct rise_level *level = &d->levels[i];
		const float *packets = &series->packets[i * days];
		const float *sources = series->sources ? &series->sources[i * days] : packets;
		const double *exposure = &d->frame.exposure[i * days];

		level->empty = true;
		for (size_t t = 0; t < days; t++) {
			level->packets[t] = packets[t];
			level->sources[t] = sources[t];
			level->heavy[t] = series->heavy ? series->heavy[i * days + t] : 0;
			level->exposure[t] = exposure[t];
			level->exposure_sources[t] = exposure[t];
			if (packets[t] > 0)
				level->empty = false;
		}
	}
	combine(d, series);
	for (size_t i = 0; i < d->level_count; i++) {
		struct rise_level *level = &d->levels[i];

		level->risen = false;
		level->sum_packets[0] = 0;
		for (size_t t = 0; t < days; t++)
			level->sum_packets[t + 1] = level->sum_packets[t]
			    + (level->exposure[t] > 0 ? level->packets[t] / level->exposure[t] : 0);
		d->tests += days;
	}
	d->levels[d->level_count - 1].empty = false;
}

static double mean_rate(const struct rise_level *level, size_t from, size_t to)
{
	return (level->sum_packets[to] - level->sum_packets[from]) / (double)(to - from);
}

/* As a baseline would say of this mean at the least. */
static bool is_beyond(const struct rise_detector *d, double count, double mean, double z)
{
	double variance = mean * (1 + (d->rule.dispersion - 1) / (1 + mean / QUICK_CLUMPS));

	return count > QUICK_RATIO * mean && count > mean + z * sqrt(variance);
}

/*
 * A look that costs nothing: is the day far enough from the mean of the weeks before, or from those
 * weeks without the last one?  No deviation is less than a Poisson variable's.
 */
static bool is_worth(const struct rise_detector *d, const struct rise_level *level, size_t t,
    enum rise_direction direction)
{
	size_t weeks = d->rule.baseline_days;
	size_t back = t < weeks ? t : weeks;
	size_t slow = t < weeks + QUICK_SLOW ? t : weeks + QUICK_SLOW;
	double exposure = level->exposure[t];
	double mean;

	if (level->empty || !level->observed[t] || back == 0)
		return false;
	mean = mean_rate(level, t - back, t) * exposure;
	if (direction == RISE_DOWN)
		return mean >= QUICK_FALL_MEAN && level->packets[t] < QUICK_FALL * mean;
	if (level->sources[t] < QUICK_LEAST)
		return false;
	if (is_beyond(d, level->packets[t], mean, QUICK_Z))
		return true;
	return slow > QUICK_SLOW && is_beyond(d, level->packets[t],
	    mean_rate(level, t - slow, t - QUICK_SLOW) * exposure, 1);
}

static unsigned breadth(const struct rise_detector *d, size_t t)
{
	unsigned sensors = 0;

	for (size_t i = 0; i + 1 < d->level_count; i++)
		sensors += d->levels[i].sources[t] > 0;
	return sensors;
}

/* The clearest of the levels; those that are unusual are marked as taking part. */
static struct rise_day judge(struct rise_detector *d, size_t t, enum rise_direction direction)
{
	struct rise_day best = {0};
	size_t last = d->level_count - 1;
	double levels = log((double)(last > 1 ? last : 1));

	for (size_t i = direction == RISE_UP && last > 1 ? 0 : last; i <= last; i++) {
		struct rise_day day;

		if (!is_worth(d, &d->levels[i], t, direction))
			continue;
		day = rise_day_judge(d, &d->levels[i], t, t, direction);
		day.ln_p = fmin(0, day.ln_p + (i < last ? levels : 0));
		if (day.novel && day.candidate && !day.extreme && i == last
		    && breadth(d, t) < d->rule.novel_sensors && day.ln_p > -6.9)
			day.candidate = false;
		if (!day.candidate)
			continue;
		d->levels[i].risen = true;
		if (!best.candidate || day.ln_p < best.ln_p) {
			bool extreme = best.extreme;

			best = day;
			best.extreme = best.extreme || extreme;
		}
		best.extreme = best.extreme || day.extreme;
	}
	return best;
}

static void run_note(struct rise_run *run, double ln_p)
{
	size_t at = run->ln_p_count;

	if (at < FEW_DAYS) {
		run->ln_p_count++;
	} else {
		at = 0;
		for (size_t i = 1; i < FEW_DAYS; i++)
			if (run->ln_p[i] > run->ln_p[at])
				at = i;
		if (run->ln_p[at] <= ln_p)
			return;
	}
	run->ln_p[at] = ln_p;
}

static int compare(const void *va, const void *vb)
{
	double a = *(const double *)va;
	double b = *(const double *)vb;

	return a < b ? -1 : a > b;
}

static int keep_p(struct rise_detector *d, double ln_p)
{
	if (d->ln_p_count == d->ln_p_cap) {
		size_t cap = d->ln_p_cap ? 2 * d->ln_p_cap : 256;
		double *more = realloc(d->ln_p, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		d->ln_p = more;
		d->ln_p_cap = cap;
	}
	d->ln_p[d->ln_p_count++] = ln_p;
	return ST_OK;
}

static int run_end(struct rise_detector *d, struct rise_run *run, bool going_on)
{
	double ln_p;
	struct rise_finding *f;

	if (d->finding_count == d->finding_cap) {
		size_t cap = d->finding_cap ? 2 * d->finding_cap : 64;
		struct rise_finding *more = realloc(d->findings, cap * sizeof(*more));
		double *p = more ? realloc(d->finding_ln_p, cap * sizeof(*p)) : NULL;

		if (more)
			d->findings = more;
		if (!p)
			return -ENOMEM;
		d->finding_ln_p = p;
		d->finding_cap = cap;
	}
	qsort(run->ln_p, run->ln_p_count, sizeof(double), compare);
	ln_p = rise_fisher(run->ln_p, run->ln_p_count);
	if (run->ln_p_count > 0)
		ln_p = fmin(ln_p, run->ln_p[0]);
	f = &d->findings[d->finding_count];
	*f = (struct rise_finding){.id = d->id, .direction = run->direction, .from = run->from,
	    .to = run->last + 1, .going_on = going_on, .slow = run->slow, .novel = run->novel,
	    .baseline = run->baseline, .log10_p = ln_p / log(10)};
	rise_locate(d, run, f);
	d->finding_ln_p[d->finding_count++] = ln_p;
	run->open = false;
	return keep_p(d, ln_p);
}

/* A stray packet or two after a large rise do not keep it going. */
static bool is_like(const struct rise_detector *d, const struct rise_run *run,
    const struct rise_level *level, size_t t)
{
	double sum = 0;
	double days = 0;

	if (run->direction == RISE_DOWN)
		return true;
	for (size_t i = run->from; i <= run->last; i++) {
		sum += level->packets[i];
		days += d->observed[i];
	}
	return days > 0 && level->packets[t] >= LIKE_PART * sum / days;
}

/* Does a day keep the run going, at any level that took part? */
static bool stays(struct rise_detector *d, struct rise_run *run, size_t t)
{
	bool elevated = false;

	for (size_t i = 0; i < d->level_count; i++) {
		struct rise_day day;

		if (!d->levels[i].risen)
			continue;
		day = rise_day_judge(d, &d->levels[i], t, run->from, run->direction);
		elevated = elevated || (day.elevated && is_like(d, run, &d->levels[i], t));
		if (day.candidate)
			run_note(run, day.ln_p);
	}
	return elevated;
}

static void run_begin(struct rise_detector *d, struct rise_run *run, size_t from, size_t t,
    const struct rise_day *day)
{
	run->open = true;
	run->from = from;
	run->last = t;
	run->quiet = 0;
	run->novel = day->novel;
	run->baseline = day->baseline;
	for (size_t i = from; i <= t; i++)
		d->excluded[i] = true;
}

/* Candidates in a row that have not opened a run yet. */
struct pending {
	size_t first;
	size_t last;
	unsigned count;
	struct rise_day day; /* of the first */
	double ln_p[RUN_NEED_FALL];
};

static void forget(struct rise_detector *d, struct pending *pending)
{
	*pending = (struct pending){0};
	for (size_t i = 0; i < d->level_count; i++)
		d->levels[i].risen = false;
}

/* Is the day worth mentioning beside the extreme one, or only its accidental neighbour? */
static bool is_large(const struct rise_detector *d, size_t day, size_t extreme)
{
	const struct rise_level *all = &d->levels[d->level_count - 1];

	return all->packets[day] >= LIKE_PART * all->packets[extreme];
}

/* One more candidate: opens a run when it is extreme or there are enough. */
static void take_candidate(struct rise_detector *d, struct rise_run *run, size_t t,
    const struct rise_day *day, struct pending *pending)
{
	unsigned need = run->direction == RISE_UP ? RUN_NEED_RISE : RUN_NEED_FALL;

	d->excluded[t] = true;
	if (pending->count == 0) {
		pending->first = t;
		pending->day = *day;
	}
	pending->last = t;
	if (pending->count < RUN_NEED_FALL)
		pending->ln_p[pending->count] = day->ln_p;
	pending->count++;
	if (pending->count < need && !day->extreme)
		return;
	*run = (struct rise_run){.direction = run->direction};
	if (day->extreme && run->direction == RISE_UP)
		while (pending->first < t && !is_large(d, pending->first, t))
			pending->first++;
	for (unsigned i = 0; i < pending->count && i < RUN_NEED_FALL; i++)
		run_note(run, pending->ln_p[i]);
	run_begin(d, run, pending->first, t, &pending->day);
	*pending = (struct pending){0};
}

/* Nothing is open: does this day, with the candidates before, open a run? */
static void look(struct rise_detector *d, struct rise_run *run, size_t t,
    struct pending *pending)
{
	struct rise_level *all = &d->levels[d->level_count - 1];
	struct rise_day day;
	size_t from;

	if (pending->count > 0 && t - pending->last > PENDING_DAYS)
		forget(d, pending);
	day = judge(d, t, run->direction);
	if (day.candidate) {
		take_candidate(d, run, t, &day, pending);
		return;
	}
	if (run->direction == RISE_UP && is_worth(d, all, t, RISE_UP)
	    && rise_slow_judge(d, all, t, &from, &day)) {
		*run = (struct rise_run){.slow = true};
		run_note(run, day.ln_p);
		run_begin(d, run, from, t, &day);
		all->risen = true;
	}
}

static int walk(struct rise_detector *d, enum rise_direction direction)
{
	struct rise_run run = {.direction = direction};
	struct pending pending = {0};

	forget(d, &pending);
	for (size_t t = 0; t < d->frame.days; t++) {
		int rc;

		if (!d->observed[t] || (!run.open && d->excluded[t]))
			continue;
		if (!run.open) {
			look(d, &run, t, &pending);
			continue;
		}
		if (t - run.from < RUN_DAYS_MAX && stays(d, &run, t)) {
			for (size_t i = run.last + 1; i <= t; i++)
				d->excluded[i] = true;
			run.last = t;
			run.quiet = 0;
			continue;
		}
		if (++run.quiet < d->rule.quiet_days)
			continue;
		rc = run_end(d, &run, false);
		forget(d, &pending);
		if (rc)
			return rc;
	}
	return run.open ? run_end(d, &run, run.quiet == 0) : ST_OK;
}

bool rise_detector_screen(struct rise_detector *d, const struct rise_series *series)
{
	uint64_t tests = d->tests;

	load(d, series);
	d->tests = tests;
	for (size_t i = 0; i < d->level_count; i++)
		for (size_t t = 1; t < d->frame.days; t++)
			if ((is_worth(d, &d->levels[i], t, RISE_UP)
			        || is_worth(d, &d->levels[i], t, RISE_DOWN))
			    && rise_day_screen(d, &d->levels[i], t))
				return true;
	return false;
}

int rise_detector_add(struct rise_detector *d, const struct rise_series *series)
{
	int rc;

	load(d, series);
	rc = walk(d, RISE_UP);
	return rc ? rc : walk(d, RISE_DOWN);
}

/* Benjamini-Hochberg: the largest p that still stands. */
static double threshold(struct rise_detector *d)
{
	double limit = -INFINITY;
	double tests = d->tests > 0 ? (double)d->tests : 1;

	if (d->ln_p_count > 0)
		qsort(d->ln_p, d->ln_p_count, sizeof(double), compare);
	for (size_t i = 0; i < d->ln_p_count; i++) {
		double allowed = log(d->rule.false_rate * (double)(i + 1) / tests);

		if (d->ln_p[i] <= allowed)
			limit = d->ln_p[i];
	}
	return limit;
}

int rise_detector_finish(struct rise_detector *d, const struct rise_finding **ret_findings,
    size_t *ret_count)
{
	double limit = threshold(d);
	size_t count = 0;

	for (size_t i = 0; i < d->finding_count; i++)
		if (d->finding_ln_p[i] <= limit)
			d->findings[count++] = d->findings[i];
	d->finding_count = count;
	*ret_findings = d->findings;
	*ret_count = count;
	return ST_OK;
}
