/* One day at one sensor, or at all together: is it unusual?  The contract is in rise_parts.h. */
#include "detect/rise_parts.h"

#include <math.h>

#define CANDIDATE_LN_P (-6.9)   /* 10^-3: worth a second look, and no part of a baseline */
#define EXTREME_LN_P (-18.4)    /* 10^-8 */
#define EXTREME_SOURCES 8.0
#define EXTREME_RATIO 4.0
#define SOURCES_LEAST 3.0
#define PACKETS_LEAST 5.0
#define SOURCES_RATIO 1.5
#define ELEVATED_SOURCES 2.0    /* z that keeps a rise going */
#define ELEVATED_PACKETS 1.5
#define ELEVATED_RATIO 1.3
#define ELEVATED_LEAST 2.0      /* sources: a stray one does not */
#define REPEAT_PACKETS 4.0      /* per source that is more, and address: no scan asks that often */
#define REPEAT_LEAST 100.0
#define REPEAT_RATIO 20.0
#define REPEAT_LN_P (-20.0)     /* as far as it counts */
#define REPEAT_Z 2.5            /* of sources, four of which are more than usual: */
#define REPEAT_SOURCES 3.4
#define HEAVY_SOURCES 4.0       /* that each sent many packets are no single busy scanner */
#define HEAVY_LEAST 10.0        /* packets that are many, where there are one or two addresses */
#define FALL_MEAN 20.0          /* nothing smaller is said to have fallen */
#define FALL_SOURCES 1.0        /* z */
#define FALL_LN_P (-16.0)
#define SLOW_DAYS 7
#define SLOW_BASELINE 7
#define SLOW_SOURCES 0.5         /* of the packets' rise, at least, in sources */
#define SLOW_LAST 3             /* days that are still high at its end */

size_t rise_days_before(const struct rise_detector *d, const struct rise_level *level,
    size_t before, size_t days[RISE_BASELINE_MAX])
{
	size_t count = 0;

	while (before-- > 0 && count < d->rule.baseline_days && count < RISE_BASELINE_MAX)
		if (level->observed[before] && !d->excluded[before])
			days[count++] = before;
	return count;
}

struct expected {
	struct rise_base packets;
	struct rise_base sources; /* see expect_sources */
	size_t days[RISE_BASELINE_MAX];
	size_t count;
};

static bool expect(const struct rise_detector *d, const struct rise_level *level, size_t day,
    size_t before, struct expected *e)
{
	const struct rise_line packets = {level->packets, level->exposure};

	e->count = rise_days_before(d, level, before, e->days);
	if (e->count < d->rule.baseline_least || level->exposure[day] <= 0)
		return false;
	e->packets = rise_base_of(&d->rule, &packets, e->days, e->count, day, d->frame.first_day,
	    true);
	return true;
}

/* By itself, because most days are ordinary by their packets already. */
static void expect_sources(const struct rise_detector *d, const struct rise_level *level,
    size_t day, struct expected *e)
{
	const struct rise_line sources = {level->sources, level->exposure_sources};

	e->sources = d->has_sources ? rise_base_of(&d->rule, &sources, e->days, e->count, day,
	    d->frame.first_day, false) : e->packets;
}

static double z_of(double count, const struct rise_base *base)
{
	return base->deviation > 0 ? (count - base->mean) / base->deviation : 0;
}

static double upper(double count, const struct rise_base *base)
{
	return rise_upper_tail(count, base->mean, base->deviation * base->deviation);
}

/*
 * Few sources that ask the same address again and again are a burst, which a scan is not: then
 * the packets are evidence too.
 */
static bool is_repeated(const struct rise_detector *d, const struct rise_level *level, size_t day,
    const struct expected *e)
{
	double addresses = 0;

	for (size_t i = 0; i + 1 < d->level_count; i++)
		if (level == &d->levels[i] || level == &d->levels[d->level_count - 1])
			addresses += d->frame.nominal[i];
	return d->has_sources && level->packets[day] >= REPEAT_LEAST
	    && level->packets[day] >= REPEAT_RATIO * e->packets.mean
	    && level->packets[day] - e->packets.mean
	    >= REPEAT_PACKETS * (level->sources[day] - e->sources.mean) * fmax(1, addresses);
}

double rise_heavy_least(double addresses)
{
	return fmax(HEAVY_LEAST, REPEAT_PACKETS * addresses);
}

bool rise_heavy_possible(double packets, double mean)
{
	return packets >= REPEAT_LEAST && packets >= REPEAT_RATIO * mean;
}

bool rise_day_is_burst(const struct rise_level *level, size_t day, double mean)
{
	return level->heavy[day] >= HEAVY_SOURCES && rise_heavy_possible(level->packets[day], mean);
}

static struct rise_day judge_up(const struct rise_detector *d, const struct rise_level *level,
    size_t day, struct expected *e)
{
	const struct rise_rule *rule = &d->rule;
	struct rise_day judged = {.baseline = (unsigned)e->count};
	double packets = level->packets[day];
	double sources = level->sources[day];
	double z_packets = z_of(packets, &e->packets);
	double z_sources;
	double least_z;
	bool burst = rise_day_is_burst(level, day, e->packets.mean);
	bool repeated;
	bool usual = packets < PACKETS_LEAST || z_packets < rule->z_packets
	    || packets < rule->ratio * e->packets.mean;
	bool elevated = sources >= ELEVATED_LEAST && z_packets >= ELEVATED_PACKETS
	    && packets >= ELEVATED_RATIO * e->packets.mean;

	judged.elevated = burst;
	judged.novel = d->sparse && e->packets.total == 0 && e->count >= rule->baseline_short;
	if (usual && (burst || !elevated))
		return judged;
	expect_sources(d, level, day, e);
	z_sources = z_of(sources, &e->sources);
	judged.elevated = burst || (elevated && z_sources >= ELEVATED_SOURCES);
	if (usual)
		return judged;
	repeated = burst || is_repeated(d, level, day, e);
	least_z = repeated && sources - e->sources.mean >= REPEAT_SOURCES
	    ? fmin(REPEAT_Z, rule->z_sources) : rule->z_sources;
	if (!burst && (sources - e->sources.mean < SOURCES_LEAST * 0.8 || sources < SOURCES_LEAST
	    || z_sources < least_z
	    || (!repeated && sources < SOURCES_RATIO * e->sources.mean)))
		return judged;
	judged.ln_p = upper(sources, &e->sources);
	if (repeated)
		judged.ln_p += fmax(REPEAT_LN_P, upper(packets, &e->packets));
	judged.candidate = judged.ln_p <= CANDIDATE_LN_P
	    || (judged.novel && sources >= rule->novel_sources);
	judged.extreme = judged.candidate && judged.ln_p <= EXTREME_LN_P
	    && (repeated || (sources >= EXTREME_SOURCES
	        && sources >= EXTREME_RATIO * e->sources.mean));
	return judged;
}

static struct rise_day judge_down(const struct rise_detector *d, const struct rise_level *level,
    size_t day, struct expected *e)
{
	const struct rise_rule *rule = &d->rule;
	struct rise_day judged = {.baseline = (unsigned)e->count};
	double packets = level->packets[day];
	double z_packets = z_of(packets, &e->packets);

	judged.elevated = z_packets <= -ELEVATED_SOURCES
	    && packets * ELEVATED_RATIO <= e->packets.mean;
	if (e->count < rule->baseline_short || e->packets.mean < FALL_MEAN
	    || z_packets > -rule->z_packets || packets * rule->ratio_fall > e->packets.mean)
		return judged;
	/* Who stays asks less, too: of the sources it is enough that they are clearly not more. */
	expect_sources(d, level, day, e);
	if (z_of(level->sources[day], &e->sources) > -FALL_SOURCES)
		return judged;
	judged.ln_p = rise_lower_tail(packets, e->packets.mean,
	    e->packets.deviation * e->packets.deviation);
	judged.candidate = judged.ln_p <= CANDIDATE_LN_P;
	judged.extreme = judged.candidate && judged.ln_p <= FALL_LN_P && packets == 0;
	return judged;
}

struct rise_day rise_day_judge(const struct rise_detector *d, const struct rise_level *level,
    size_t day, size_t before, enum rise_direction direction)
{
	struct expected e;

	if (!level->observed[day] || !expect(d, level, day, before, &e))
		return (struct rise_day){0};
	return direction == RISE_UP ? judge_up(d, level, day, &e) : judge_down(d, level, day, &e);
}

bool rise_day_screen(const struct rise_detector *d, const struct rise_level *level, size_t day)
{
	size_t back = day < SLOW_DAYS ? 0 : day - SLOW_DAYS;
	double packets = level->packets[day];
	struct expected e;

	if (!level->observed[day])
		return false;
	if (expect(d, level, day, day, &e)
	    && ((packets >= PACKETS_LEAST && z_of(packets, &e.packets) >= d->rule.z_packets)
	        || (e.packets.mean >= FALL_MEAN
	            && packets * d->rule.ratio_fall <= e.packets.mean)))
		return true;
	return expect(d, level, day, back, &e) && e.count >= SLOW_BASELINE
	    && packets >= PACKETS_LEAST && packets >= d->rule.ratio_slow * e.packets.mean
	    && z_of(packets, &e.packets) >= 1;
}

/* The last days, newest first, that were observed and are in no other run. */
static size_t slow_days(const struct rise_detector *d, const struct rise_level *level, size_t day,
    size_t days[SLOW_DAYS])
{
	size_t count = 0;

	for (size_t t = day + 1; t-- > 0 && count < SLOW_DAYS;) {
		if (d->excluded[t])
			return 0;
		if (level->observed[t])
			days[count++] = t;
	}
	return count == SLOW_DAYS ? count : 0;
}

/* Is a day of the slow rise high enough to be one of its last? */
static bool is_high(const struct rise_detector *d, const struct rise_level *level, size_t day,
    size_t before)
{
	struct expected e;

	if (!expect(d, level, day, before, &e) || e.count < SLOW_BASELINE
	    || z_of(level->packets[day], &e.packets) < 1)
		return false;
	expect_sources(d, level, day, &e);
	return z_of(level->sources[day], &e.sources) >= 1;
}

bool rise_slow_judge(const struct rise_detector *d, const struct rise_level *level, size_t day,
    size_t *ret_from, struct rise_day *ret_judged)
{
	const struct rise_rule *rule = &d->rule;
	size_t days[SLOW_DAYS];
	size_t count = slow_days(d, level, day, days);
	struct expected e = {0};
	double sum_packets = 0;
	double sum_sources = 0;
	double ratio_packets = 0;
	double ratio_sources = 0;
	double z_mean = 0;
	size_t from = day;
	size_t before = count ? days[count - 1] : 0;

	/* First what most weeks fail by. */
	for (size_t i = 0; i < count && i < SLOW_LAST; i++)
		if (!is_high(d, level, days[i], before))
			return false;
	for (size_t i = count; i-- > 0;) {
		double z_packets;
		double z_sources;

		if (!expect(d, level, days[i], before, &e) || e.count < SLOW_BASELINE)
			return false;
		expect_sources(d, level, days[i], &e);
		z_packets = z_of(level->packets[days[i]], &e.packets);
		z_sources = z_of(level->sources[days[i]], &e.sources);
		if (sum_packets <= 0 || sum_sources <= 0)
			from = days[i];
		sum_packets = fmax(0, sum_packets + z_packets - rule->cusum_slack);
		sum_sources = fmax(0, sum_sources + z_sources - rule->cusum_slack);
		ratio_packets += level->packets[days[i]] / fmax(e.packets.mean, 0.1) / SLOW_DAYS;
		ratio_sources += level->sources[days[i]] / fmax(e.sources.mean, 0.1) / SLOW_DAYS;
		z_mean += z_sources / SLOW_DAYS;
	}
	if (count == 0 || sum_packets < rule->cusum_limit || sum_sources < rule->cusum_limit
	    || ratio_packets < rule->ratio_slow
	    || ratio_sources < 1 + SLOW_SOURCES * (rule->ratio_slow - 1))
		return false;
	/* The week's mean varies less than a day, but not as √7: days are alike. */
	*ret_judged = (struct rise_day){.candidate = true, .baseline = (unsigned)e.count,
	    .ln_p = rise_upper_tail(e.sources.mean + z_mean * sqrt(3) * e.sources.deviation,
	        e.sources.mean, e.sources.deviation * e.sources.deviation)};
	*ret_from = from;
	return ret_judged->ln_p <= CANDIDATE_LN_P;
}
