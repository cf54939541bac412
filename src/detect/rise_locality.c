/*
 * One sensor or everyone: what each sensor's part in a rise is, and the word for it.
 *
 * Shares are of the change per address, so that a large sensor does not look like the only one.
 * A sensor has changed when its own count in the span is beyond its own baseline.
 */
#include "detect/rise_parts.h"

#include <math.h>

#define CHANGED_LN_P (-4.6)      /* 1 % */
#define CHANGED_LN_P_WEAK (-2.3) /* 10 %, with at least half of the mean change */
#define CHANGED_PART 0.1         /* of the mean change, at least */
#define CHANGED_PART_WEAK 0.5
#define SINGLE_SHARE 0.5
#define SINGLE_SHARE_FEW 1.6     /* ÷ sensors: with two or three, half is nothing special */
#define SINGLE_WITHOUT 0.5
#define SINGLE_EFFECTIVE 2.0
#define SINGLE_EFFECTIVE_PART 0.1
#define GLOBAL_PART 0.5
#define GLOBAL_EFFECTIVE_PART 0.3
#define GLOBAL_SHARE 0.8         /* above, never called global */

struct part {
	double packets;
	double expected;
	double variance;
	double sources;
	double sources_expected;
	double sources_variance;
	double exposure;
	bool known;
	bool burst; /* on a day of it */
};

static struct part part_of(const struct rise_detector *d, const struct rise_level *level,
    const double *exposure, const struct rise_run *run)
{
	size_t days[RISE_BASELINE_MAX];
	size_t count = rise_days_before(d, level, run->from, days);
	const struct rise_line packets = {level->packets, level->exposure};
	const struct rise_line sources = {level->sources, level->exposure_sources};
	struct part part = {.known = count >= d->rule.baseline_least};

	for (size_t t = run->from; t <= run->last; t++) {
		struct rise_base base;

		if (level->exposure[t] <= 0)
			continue;
		part.packets += level->packets[t];
		part.sources += level->sources[t];
		part.exposure += exposure[t];
		base = rise_base_of(&d->rule, &packets, days, count, t, d->frame.first_day, true);
		part.expected += base.mean;
		part.burst = part.burst || rise_day_is_burst(level, t, base.mean);
		part.variance += base.deviation * base.deviation;
		if (!d->has_sources)
			continue;
		base = rise_base_of(&d->rule, &sources, days, count, t, d->frame.first_day, false);
		part.sources_expected += base.mean;
		part.sources_variance += base.deviation * base.deviation;
	}
	return part;
}

static double change_of(const struct part *part, enum rise_direction direction)
{
	double change = part->packets - part->expected;

	if (part->exposure <= 0 || !part->known)
		return 0;
	return fmax(0, direction == RISE_UP ? change : -change) / part->exposure;
}

static bool has_changed(const struct rise_detector *d, const struct part *part,
    enum rise_direction direction, double change, double mean)
{
	bool sources = d->has_sources && direction == RISE_UP;
	double count = sources ? part->sources : part->packets;
	double expected = sources ? part->sources_expected : part->expected;
	double variance = sources ? part->sources_variance : part->variance;
	double ln_p;

	if (!part->known || change < CHANGED_PART * mean || change <= 0)
		return false;
	if (part->burst && direction == RISE_UP)
		return true;
	ln_p = direction == RISE_UP ? rise_upper_tail(count, expected, variance)
	    : rise_lower_tail(count, expected, variance);
	return ln_p <= CHANGED_LN_P
	    || (ln_p <= CHANGED_LN_P_WEAK && change >= CHANGED_PART_WEAK * mean);
}

static enum rise_locality word_for(const struct rise_finding *f)
{
	double n = f->sensors;
	double part = n > 0 ? f->risen / n : 0;
	bool lonely = f->top_share > fmax(SINGLE_SHARE, SINGLE_SHARE_FEW / n)
	    || f->without_top > SINGLE_WITHOUT
	    || f->effective < fmax(SINGLE_EFFECTIVE, SINGLE_EFFECTIVE_PART * n);

	if (f->sensors < 2)
		return RISE_UNKNOWN;
	if ((f->risen <= 1 && f->top_share > SINGLE_SHARE) || (lonely && part < GLOBAL_PART))
		return RISE_SINGLE;
	if (part >= GLOBAL_PART && f->risen >= 2 && f->effective >= GLOBAL_EFFECTIVE_PART * n
	    && f->top_share <= GLOBAL_SHARE)
		return RISE_GLOBAL;
	return RISE_PARTIAL;
}

static void measure(const struct rise_detector *d, const struct rise_run *run,
    struct rise_finding *f, const struct part *all)
{
	double days = 0;

	for (size_t t = run->from; t <= run->last; t++)
		days += d->observed[t] ? 1 : 0;
	f->observed_rate = f->address_days > 0 ? f->packets / f->address_days : 0;
	f->expected_rate = f->address_days > 0 ? f->expected / f->address_days : 0;
	f->sources = d->has_sources && days > 0 ? all->sources / days : NAN;
	f->sources_expected = d->has_sources && days > 0 ? all->sources_expected / days : NAN;
}

void rise_locate(const struct rise_detector *d, const struct rise_run *run,
    struct rise_finding *f)
{
	size_t sensors = d->level_count - 1;
	double changes[RISE_SENSORS_MAX];
	double sum = 0;
	double squares = 0;
	struct part all = part_of(d, &d->levels[sensors], d->levels[sensors].exposure, run);

	for (size_t i = 0; i < sensors; i++) {
		const double *exposure = &d->frame.exposure[i * d->frame.days];
		struct part part = part_of(d, &d->levels[i], exposure, run);

		changes[i] = change_of(&part, run->direction);
		sum += changes[i];
		f->sensors += part.known && part.exposure > 0;
		f->packets += part.packets;
		f->expected += part.expected;
		f->address_days += part.exposure;
	}
	for (size_t i = 0; i < sensors && sum > 0; i++) {
		const double *exposure = &d->frame.exposure[i * d->frame.days];
		struct part part = part_of(d, &d->levels[i], exposure, run);
		double share = changes[i] / sum;

		squares += share * share;
		if (share > f->top_share) {
			f->top_share = share;
			f->top = i;
		}
		if (has_changed(d, &part, run->direction, changes[i], sum / f->sensors)) {
			f->risen++;
			if (i < 64)
				f->risen_bits |= 1ull << i;
		}
	}
	f->effective = squares > 0 ? 1 / squares : 0;
	if (f->sensors > 1)
		f->without_top = fmax(0, 1 - (1 - f->top_share) * f->sensors / (f->sensors - 1.0));
	measure(d, run, f, &all);
	f->locality = word_for(f);
}
